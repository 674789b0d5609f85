"""The course of a playbook: accounts it is compared with count until a plan of their own begins."""

from types import SimpleNamespace

import pandas as pd

from csworkbench.analyses.plan_validation.courses import until_own_plan


def test_an_own_plan_counts_from_the_first_that_began_after_the_landing():
    days = {
        "started_on": ["2025-09-10", "2026-03-10", "2026-05-02", "2026-03-01"],
        "landed_on": None,
        "closed_on": None,
    }
    kinds = dict.fromkeys(days, "datetime64[s]")
    plans = pd.DataFrame({**days, "account_id": ["C", "C", "C", "D"]}).astype(kinds)
    plans = plans.assign(playbook=["tour", "tour", "tour", "other"], problem_metric=None)
    inputs = SimpleNamespace(plans=plans, as_of=pd.Timestamp("2026-06-30"))
    reading = SimpleNamespace(metric="orders", lines=pd.DataFrame({"playbook": ["tour"], "post_days": [60]}))
    months = pd.to_datetime(["2026-02-01", "2026-04-01", "2026-02-01", "2026-06-01"]).astype("datetime64[s]")
    sets = pd.DataFrame({"episode_id": list("wxyz"), "account_id": ["C", "C", "D", "C"], "month": months})
    found = until_own_plan(inputs, reading, sets).set_index("episode_id")["next_plan"]
    # D's plan is of another kind; nothing of C comes after June.
    assert found.dropna().to_dict() == {"w": pd.Timestamp("2026-03-01"), "x": pd.Timestamp("2026-05-01")}
