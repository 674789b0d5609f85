"""Boards of success plans: how far each one is, what is overdue, who runs how many, and what was true at their start.

For work, not for judgment: a board by CSM counts plans and steps, has no effects, and is in the order of ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.estimates import Caveat, Estimate, Severity, say

if TYPE_CHECKING:
    import pandas as pd

PLANNED, RUNNING, LANDED, CLOSED = "planned", "running", "landed", "closed"
OPEN = (PLANNED, RUNNING, LANDED)
BY = {"by_account": "account_id", "by_theme": "theme", "by_csm": "csm_id"}
PROGRESS = [
    "plan_id", "account_id", "name", "playbook", "theme", "priority", "csm_id", "state", "steps_done", "steps", "share",
    "next_step", "next_on", "overdue_steps", "days_overdue", "blocker", "started_on", "landed_on", "due_on",
    "closed_on", "is_overdue", "note_on", "note",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Boards:
    """What the boards show.

    Args:
        figures: open_plans, overdue_plans, overdue_steps, most_at_once (plans of one account that run at once).
        tables: `plan_board` (one row per plan: `progress`), `by_account`, `by_theme`, `by_csm` (`counted`), `overdue`
            (one row per step: `overdue`) and `step_funnel` (`funnel`).
        caveats: Doubts.
    """

    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]


def boards(
    plans: "pd.DataFrame", steps: "pd.DataFrame", accounts: "pd.DataFrame", notes: "pd.DataFrame", as_of: date
) -> Boards:
    """Return all boards.

    Args:
        plans: One row per plan, by plan_id: account_id, playbook, theme, csm_id, started_on, landed_on, due_on,
            closed_on (missing = not yet); priority where it is there.
        steps: One row per step: plan_id, step_no, name, is_mandatory, planned_on, done_on, status, blocker.
        accounts: Accounts by account_id: name.
        notes: What was written about plans: plan_id, sent_on, note.
        as_of: Date of the boards.
    """
    import pandas as pd

    late = overdue(plans, steps, as_of)
    board = progress(plans, steps, accounts, notes, as_of)
    tables = {"plan_board": board, "overdue": late, "step_funnel": funnel(plans, steps)}
    tables |= {name: counted(board, column) for name, column in BY.items()}
    is_open = board["state"].isin(OPEN)
    at_once = tables["by_account"]["at_once"]
    plans_of = len(board)
    figures = {
        "open_plans": Estimate(int(is_open.sum()), "plans", plans_of),
        "overdue_plans": Estimate(int(board["is_overdue"].sum()), "plans", int(is_open.sum())),
        "overdue_steps": Estimate(int(board["overdue_steps"].sum()), "steps", int(is_open.sum())),
        "most_at_once": Estimate(int(at_once.max()) if len(at_once) else 0, "plans", len(at_once)),
    }
    bare = pd.Index(plans.index).difference(pd.Index(steps["plan_id"])) if len(plans) else pd.Index([])
    return Boards(figures, tables, tuple(_doubts(len(bare), plans_of)))


def progress(
    plans: "pd.DataFrame", steps: "pd.DataFrame", accounts: "pd.DataFrame", notes: "pd.DataFrame", as_of: date
) -> "pd.DataFrame":
    """Return how far each plan is.

    Args:
        plans: As `boards`.
        steps: As `boards`.
        accounts: As `boards`.
        notes: As `boards`.
        as_of: Date of the board.

    Returns:
        One row per plan, open ones first, the most overdue before others: plan_id, account_id, name, playbook, theme,
        priority, csm_id, state (planned, running, landed, closed), steps_done, steps (mandatory ones), share (missing
        without steps), next_step (first open mandatory one), next_on (when it is planned), overdue_steps, days_overdue
        (of the oldest), blocker (of the next step), started_on, landed_on, due_on, closed_on, is_overdue (open after
        its due date), note_on, note (newest).
    """
    import pandas as pd

    today = pd.Timestamp(as_of)
    found = plans.reset_index().assign(state=_states(plans).to_numpy())
    must = _mandatory(steps)
    by = must.groupby("plan_id")
    found["steps"] = _beside(found["plan_id"], by.size()).fillna(0).astype(int)
    found["steps_done"] = _beside(found["plan_id"], by["is_done"].sum()).fillna(0).astype(int)
    found["share"] = found["steps_done"] / found["steps"].where(found["steps"] > 0)
    following = must[~must["is_done"]].drop_duplicates("plan_id").set_index("plan_id")
    is_open = found["state"].isin(OPEN)
    for column, source in (("next_step", "name"), ("next_on", "planned_on"), ("blocker", "blocker")):
        found[column] = _beside(found["plan_id"], following[source]).where(is_open)
    late = overdue(plans, steps, as_of).groupby("plan_id")["days_overdue"]
    found["overdue_steps"] = _beside(found["plan_id"], late.size()).fillna(0).astype(int)
    found["days_overdue"] = _beside(found["plan_id"], late.max()).fillna(0).astype(int)
    found["is_overdue"] = is_open & found["due_on"].lt(today)
    newest = notes.sort_values(["plan_id", "sent_on"]).drop_duplicates("plan_id", keep="last").set_index("plan_id")
    found["note_on"] = _beside(found["plan_id"], newest["sent_on"])
    found["note"] = _beside(found["plan_id"], newest["note"])
    found["name"] = _beside(found["account_id"], accounts["name"])
    found = found.assign(priority=found["priority"] if "priority" in found.columns else None, is_closed=~is_open)
    order = found.sort_values(["is_closed", "days_overdue", "plan_id"], ascending=[True, False, True])
    return order[PROGRESS].reset_index(drop=True)


def overdue(plans: "pd.DataFrame", steps: "pd.DataFrame", as_of: date) -> "pd.DataFrame":
    """Return the steps of open plans that should have been done.

    Args:
        plans: As `boards`.
        steps: As `boards`; skipped ones are not waited for.
        as_of: Date of the board.

    Returns:
        One row per step, the oldest first: plan_id, step_no, step, account_id, playbook, csm_id, is_mandatory,
        planned_on, days_overdue, blocker.
    """
    import pandas as pd

    today = pd.Timestamp(as_of)
    still = _states(plans).isin([RUNNING, LANDED])
    rows = steps.merge(plans.loc[still, ["account_id", "playbook", "csm_id"]].reset_index(), on="plan_id")
    waits = rows["done_on"].isna() & rows["planned_on"].lt(today) & ~rows["status"].eq("skipped")
    rows = rows[waits].rename(columns={"name": "step"})
    rows = rows.assign(days_overdue=(today - rows["planned_on"]).dt.days.astype(int))
    columns = [
        "plan_id", "step_no", "step", "account_id", "playbook", "csm_id", "is_mandatory", "planned_on", "days_overdue",
        "blocker",
    ]  # fmt: skip
    return rows.sort_values(["planned_on", "plan_id", "step_no"])[columns].reset_index(drop=True)


def counted(board: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Return the board counted by customer, theme or CSM.

    Args:
        board: From `progress`.
        column: account_id, theme or csm_id.

    Returns:
        One row per value, in the order of its ids: the column (name beside account_id), plans, planned, running,
        landed, closed, at_once (begun and not closed), most_at_once (of any day so far), overdue_plans, overdue_steps,
        steps_done, steps, share (of the mandatory steps of open plans that are done; missing without any).
    """
    import pandas as pd

    rows = board.assign(**{column: board[column].fillna("not known")})
    is_open = rows["state"].isin(OPEN)
    rows = rows.assign(
        **{state: rows["state"].eq(state) for state in (*OPEN, CLOSED)},
        steps_done=rows["steps_done"].where(is_open, 0),
        steps=rows["steps"].where(is_open, 0),
    )
    sums = ["planned", "running", "landed", "closed", "overdue_plans", "overdue_steps", "steps_done", "steps"]
    by = rows.rename(columns={"is_overdue": "overdue_plans"}).groupby(column)
    found = by[sums].sum().astype(int)
    found.insert(0, "plans", by.size())
    found.insert(5, "at_once", found["running"] + found["landed"])
    found.insert(6, "most_at_once", _peaks(rows, column).reindex(found.index, fill_value=0))
    found["share"] = found["steps_done"] / found["steps"].where(found["steps"] > 0)
    if column == "account_id":
        found.insert(0, "name", by["name"].first())
    result: pd.DataFrame = found.reset_index()
    return result


def _peaks(board: "pd.DataFrame", column: str) -> "pd.Series[int]":
    """Return how many plans of one value ran on the same day at most; the day of closing counts."""
    import pandas as pd

    begun = board[board["started_on"].notna()]
    ends = begun["closed_on"] + pd.Timedelta(days=1)
    comes = pd.DataFrame({column: begun[column], "on": begun["started_on"], "change": 1})
    goes = pd.DataFrame({column: begun[column], "on": ends, "change": -1}).dropna()
    days = pd.concat([comes, goes]).groupby([column, "on"])["change"].sum()
    peaks: pd.Series[int] = days.groupby(level=column).cumsum().groupby(level=column).max()
    return peaks


def funnel(plans: "pd.DataFrame", steps: "pd.DataFrame", level: float = 0.95) -> "pd.DataFrame":
    """Return how many of the plans that were begun came through each step.

    Args:
        plans: As `boards`.
        steps: As `boards`.
        level: Coverage of the intervals.

    Returns:
        One row per playbook and step: playbook, step_no, step, is_mandatory, begun (plans with that step), done, share,
        low, high, waiting (open plans whose next mandatory step it is), stopped (closed ones).

    Source: interval of Wilson (1927), from statsmodels `proportion_confint`.
    """
    from statsmodels.stats.proportion import proportion_confint

    states = _states(plans)
    begun = plans.loc[states != PLANNED, ["playbook"]].assign(state=states)
    rows = steps.merge(begun.reset_index(), on="plan_id")
    rows = rows.assign(is_done=rows["done_on"].notna(), is_mandatory=_is_mandatory(rows))
    must = _mandatory(steps)
    first = must[~must["is_done"]].drop_duplicates("plan_id").set_index("plan_id")["step_no"]
    is_next = rows["is_mandatory"] & rows["step_no"].eq(_beside(rows["plan_id"], first))
    rows = rows.assign(waiting=is_next & rows["state"].ne(CLOSED), stopped=is_next & rows["state"].eq(CLOSED))
    found = (
        rows.groupby(["playbook", "step_no", "name"])
        .agg(
            is_mandatory=("is_mandatory", "max"),
            begun=("plan_id", "nunique"),
            done=("is_done", "sum"),
            waiting=("waiting", "sum"),
            stopped=("stopped", "sum"),
        )
        .reset_index()
        .rename(columns={"name": "step"})
    )
    found["share"] = found["done"] / found["begun"]
    found["low"], found["high"] = proportion_confint(found["done"], found["begun"], 1 - level, method="wilson")
    columns = ["playbook", "step_no", "step", "is_mandatory", "begun", "done", "share", "low", "high"]
    return found[[*columns, "waiting", "stopped"]]


def _beside(ids: "pd.Series[str]", values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the value of each id, missing where there is none; kinds are kept also where nothing is there."""
    found: pd.Series[Any] = values.reindex(ids).set_axis(ids.index)
    return found


def _states(plans: "pd.DataFrame") -> "pd.Series[str]":
    """Return how each plan stands, by plan_id."""
    import numpy as np
    import pandas as pd

    known = [plans[name].notna() for name in ("closed_on", "landed_on", "started_on")]
    return pd.Series(np.select(known, [CLOSED, LANDED, RUNNING], PLANNED), index=plans.index, dtype="str")


def _is_mandatory(steps: "pd.DataFrame") -> "pd.Series[bool]":
    """Return which steps are mandatory; those nobody says anything of are."""
    return steps["is_mandatory"].astype("boolean").fillna(True).astype(bool)


def _mandatory(steps: "pd.DataFrame") -> "pd.DataFrame":
    must = steps[_is_mandatory(steps)].sort_values(["plan_id", "step_no"])
    return must.assign(is_done=must["done_on"].notna())


def _doubts(bare: int, plans: int) -> "list[Caveat]":
    if not bare:
        return []
    message = say(
        "Of {total:n plan|plans} {n:count} without any step: nothing says how far they are", n=bare, total=plans
    )
    return [
        Caveat("plans_without_steps", Severity.NOTE, message, say("Write their steps down where the plans are kept"))
    ]
