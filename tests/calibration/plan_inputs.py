"""Inputs of the plan validation from plain arrays: everything from episodes to verdicts runs, and no file is read."""

from datetime import timedelta

import numpy as np
import pandas as pd

from csworkbench.analyses.plan_validation.around import bands_of
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.levels import levels_of

FIRST = pd.Timestamp("2024-01-01")
DAYS = ("created_on", "started_on", "landed_on", "closed_on")
GOAL = 0.2  # share of the baseline that is asked for
USUAL = {"playbook": "rescue", "problem": "use", "problem_metric": "m", "theme": "t", "lottery": None}


def day(number):
    """Return the timestamp of a numbered day; missing for None or NaN."""
    return pd.NaT if number is None or number != number else FIRST + timedelta(days=int(number))


def name(number):
    return f"a{int(number):04d}"


def inputs_of(values, plans, left=(), reviews=None):
    """Return the inputs of a book with one daily metric, `m`, of which more is good.

    Args:
        values: Accounts x days.
        plans: One mapping per plan: account (row), created, started, landed, closed (numbers of days, absent = not),
            and columns of `plans` that are not usual. Each has one mandatory step, done on the day of landing.
        left: Account (row) -> day on which it left.
        reviews: Plan (place) -> day on which its second mandatory step was done (None = never); None = no such step.
    """
    accounts = pd.Index([name(number) for number in range(len(values))], name="account_id")
    gone = pd.Series([day(dict(left).get(number)) for number in range(len(values))], accounts, dtype="datetime64[s]")
    rows = pd.DataFrame(values, index=accounts, columns=FIRST + pd.to_timedelta(np.arange(values.shape[1]), unit="D"))
    rows = rows.rename_axis(columns="date").stack().rename("value").reset_index()
    rows = rows[~(rows["date"] >= rows["account_id"].map(gone))]
    last = day(values.shape[1] - 1)
    span = (np.datetime64(FIRST, "D"), np.datetime64(last, "D"))
    made = _plans(plans)
    people = pd.DataFrame({"name": accounts, "tier": "t", "signup_on": day(-400), "left_on": gone}, index=accounts)
    none = {"lottery": "str", "account_id": "str", "playbook": "str", "start_order": float}
    load = {"account_id": "str", "month": "datetime64[s]", "csm_load": float}
    return Inputs(
        last.date(),
        made,
        pd.DataFrame({each: pd.Series(dtype=kind) for each, kind in none.items()}),
        frozenset(made["lottery"].dropna()),
        _steps(made, reviews),
        _goals(made, values),
        pd.DataFrame(),
        people,
        pd.DataFrame({each: pd.Series(dtype=kind) for each, kind in load.items()}),
        {"m": levels_of(rows, accounts, span, metric="m", left_on=gone)},
        bands_of({}),
        None,
        {},
        (),
        late=pd.DataFrame(),
    )


def _plans(plans):
    rows = []
    for place, plan in enumerate(plans):
        days = {f"{each}_on": day(plan.get(each)) for each in ("created", "started", "landed", "closed")}
        known = {each: plan[each] for each in plan if each not in ("account", "created", "started", "landed", "closed")}
        rows.append(
            {"plan_id": f"p{place:04d}", "account_id": name(plan["account"]), "csm_id": f"c{place % 4}"}
            | USUAL
            | {"start_order": np.nan, "due_on": pd.NaT}
            | known
            | days
        )
    frame = pd.DataFrame(rows).set_index("plan_id")
    return frame.astype(dict.fromkeys((*DAYS, "due_on"), "datetime64[s]"))


def _steps(plans, reviews):
    parts = [pd.DataFrame({"plan_id": plans.index, "step_no": 1, "name": "do", "done_on": plans["landed_on"].array})]
    if reviews is not None:
        done = [day(reviews.get(place)) for place in range(len(plans))]
        parts.append(pd.DataFrame({"plan_id": plans.index, "step_no": 2, "name": "review", "done_on": done}))
    steps = pd.concat(parts, ignore_index=True).astype({"done_on": "datetime64[s]"})
    return steps.assign(is_mandatory=True, planned_on=pd.NaT, status=None, blocker="none", minutes=np.nan)


def _goals(plans, values):
    base = []
    anchors = plans["landed_on"].fillna(plans["started_on"]).fillna(plans["created_on"])
    for account, anchor in zip(plans["account_id"], anchors, strict=True):
        end = (anchor - FIRST).days
        base.append(max(values[int(account[1:]), max(0, end - 60) : end].mean(), 1e-3))
    goals = {"plan_id": plans.index, "metric": "m", "direction": "higher", "baseline": base}
    target = np.array(base) * (1 + GOAL)
    return pd.DataFrame(goals).assign(target=target, pre_days=np.nan, post_days=np.nan)
