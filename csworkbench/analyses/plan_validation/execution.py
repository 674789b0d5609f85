"""Were plans run to the end, and where do they stall? Counts only: no CSM is named or ranked."""

from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.levels import LAG_DAYS

if TYPE_CHECKING:
    import pandas as pd


BLOCKERS = ("csm", "customer", "plan", "product", "none")


def executed(inputs: Inputs) -> "pd.DataFrame":
    """Return how far each plan was run.

    Args:
        inputs: Plans and steps.

    Returns:
        One row per plan, index plan_id: steps, mandatory, done (of the mandatory), fidelity (done / mandatory, 0 where
        all were ticked off on the day of closing; missing without mandatory steps), run_by_landing (the same of the
        steps due by landing, done by then; fidelity where nothing landed), is_ticked, is_one_day (two or
        more mandatory steps, all done on one day before the closing), stop_no, stop_step
        (first mandatory step that is open), blocker (of it), is_blocked (all open mandatory steps wait for the
        customer), stops and stop_csms (plans of the playbook that stopped there for another reason than the
        customer, and their CSMs).
    """
    import numpy as np

    steps = _steps(inputs)
    must = steps[steps["is_must"]]
    by = must.groupby("plan_id")
    found = inputs.plans[["playbook", "csm_id", "closed_on"]].copy()
    found["steps"] = steps.groupby("plan_id").size().reindex(found.index, fill_value=0)
    found["mandatory"] = by.size().reindex(found.index, fill_value=0)
    found["done"] = by["is_done"].sum().reindex(found.index, fill_value=0).astype(int)
    found["is_ticked"] = _ticked(steps).reindex(found.index, fill_value=False)
    found["is_one_day"] = _one_day(must).reindex(found.index, fill_value=False) & ~found["is_ticked"]
    share = found["done"] / found["mandatory"].where(found["mandatory"] > 0)
    found["fidelity"] = share.where(~found["is_ticked"], np.minimum(share, 0.0))
    found["run_by_landing"] = _run_by_landing(must).reindex(found.index).fillna(found["fidelity"])
    found["run_by_landing"] = found["run_by_landing"].where(~found["is_ticked"], found["fidelity"])
    still = must[~must["is_done"]]
    first = still.drop_duplicates("plan_id").set_index("plan_id")
    found = found.join(first[["step_no", "name", "blocker"]]).rename(
        columns={"step_no": "stop_no", "name": "stop_step"}
    )
    found["blocker"] = found["blocker"].fillna("none")
    waits = still["blocker"].eq("customer").groupby(still["plan_id"]).all()
    found["is_blocked"] = waits.reindex(found.index, fill_value=False).astype(bool)
    return _with_stops(found).drop(columns=["playbook", "csm_id", "closed_on"])


def _steps(inputs: Inputs) -> "pd.DataFrame":
    """Return the steps with is_must, is_done (by the day of closing), a name, and the days of landing and closing."""
    columns = ["playbook", "csm_id", "landed_on", "closed_on"]
    steps = inputs.steps.merge(inputs.plans[columns], left_on="plan_id", right_index=True)
    is_done = steps["done_on"].notna() & (steps["closed_on"].isna() | (steps["done_on"] <= steps["closed_on"]))
    return steps.assign(
        is_must=steps["is_mandatory"].fillna(True).astype(bool),
        is_done=is_done,
        blocker=steps["blocker"].fillna("none"),
        name=steps["name"].fillna("step " + steps["step_no"].astype("str")),
    )


def _run_by_landing(must: "pd.DataFrame") -> "pd.Series[float]":
    """Return which share of the mandatory steps that were due by landing each plan that landed had done by then.

    Whether a later step is done may hang on what became of the account: where use falls the review is called off, and
    plans that count by such a step are those that went well. A step planned within four weeks of landing may be done
    until then; one planned later is not asked for, nor one without a day that most plans of the playbook do after
    landing.
    """
    import pandas as pd

    landed, planned = must["landed_on"], must["planned_on"]
    is_late = planned >= landed + pd.Timedelta(days=LAG_DAYS)
    after = (must["done_on"] - landed).dt.days
    usual = after.groupby([must["playbook"], must["step_no"]]).transform("median")
    is_later = (usual > 0).where(planned.isna(), is_late)
    due = must[landed.notna() & ~is_later]
    last = due[["landed_on", "planned_on"]].max(axis=1)
    share = (due["done_on"] <= last).groupby(due["plan_id"]).mean()
    # Where every step comes later, landing itself is what was run.
    found: pd.Series[float] = share.reindex(must.loc[landed.notna(), "plan_id"].unique()).astype(float).fillna(1.0)
    return found


def _ticked(steps: "pd.DataFrame") -> "pd.Series[bool]":
    """Return which plans had all their done steps ticked off on the day they were closed, several of them."""
    done = steps[steps["is_done"] & steps["closed_on"].notna()]
    same = (done["done_on"] == done["closed_on"]).groupby(done["plan_id"])
    found: pd.Series[bool] = same.all() & (same.size() > 1)
    return found


def _one_day(must: "pd.DataFrame") -> "pd.Series[bool]":
    """Return which plans had several mandatory steps ticked off, all on one and the same day."""
    day = must.loc[must["is_done"], "done_on"].groupby(must["plan_id"])
    found: pd.Series[bool] = (day.size() > 1) & (day.min() == day.max())
    return found


def _with_stops(found: "pd.DataFrame") -> "pd.DataFrame":
    stopped = found[found["closed_on"].notna() & found["stop_no"].notna() & ~found["is_blocked"]]
    keys = ["playbook", "stop_no", "stop_step"]
    counts = stopped.groupby(keys, dropna=False).agg(stops=("csm_id", "size"), stop_csms=("csm_id", "nunique"))
    joined = found.join(counts, on=keys)
    return joined.assign(
        stops=joined["stops"].fillna(0).astype(int), stop_csms=joined["stop_csms"].fillna(0).astype(int)
    )


def stall_table(inputs: Inputs) -> "pd.DataFrame":
    """Return where the closed plans of each playbook stall.

    Returns:
        One row per playbook and step: playbook, step_no, step, is_mandatory, plans (closed), done, share (done),
        stalled (plans that stopped there), then of those: csm, customer, plan, product, none (what held them up), csms
        (that had one).
    """
    import pandas as pd

    columns = ["playbook", "step_no", "step", "is_mandatory", "plans", "done", "share", "stalled", *BLOCKERS, "csms"]
    steps = _steps(inputs)
    steps = steps[steps["closed_on"].notna()]
    if steps.empty:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    is_open = steps["is_must"] & ~steps["is_done"]
    stop = steps["step_no"].where(is_open).groupby(steps["plan_id"]).transform("min")
    steps = steps.assign(is_stop=is_open & (steps["step_no"] == stop))
    for name in BLOCKERS:
        steps[name] = steps["is_stop"] & (steps["blocker"] == name)
    steps["stop_csm"] = steps["csm_id"].where(steps["is_stop"])
    keys = ["playbook", "step_no", "name"]
    found = steps.groupby(keys, dropna=False).agg(
        is_mandatory=("is_must", "max"),
        plans=("plan_id", "nunique"),
        done=("is_done", "sum"),
        stalled=("is_stop", "sum"),
        csms=("stop_csm", "nunique"),
        **{name: (name, "sum") for name in BLOCKERS},
    )
    found = found.reset_index().rename(columns={"name": "step"})
    return found.assign(share=found["done"] / found["plans"])[columns]
