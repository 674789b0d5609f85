"""Courses, placebos and sensitivity are told on the scale of the table of playbooks."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.bystanders import busy_with
from csworkbench.analyses.plan_validation.courses import _readable, until_own_plan
from csworkbench.analyses.plan_validation.settings import Config

READINGS = [
    SimpleNamespace(name="more", metric="orders", sign=1.0),
    SimpleNamespace(name="fewer", metric="tickets", sign=-1.0),
    SimpleNamespace(name="score", metric="health_score", sign=1.0),
]


def test_effects_are_shares_or_points_with_their_unit_and_the_rest_stays():
    frame = pd.DataFrame(
        {
            "playbook": ["more", "fewer", "score"],
            "value": [math.log(1.25), -math.log(0.8), 4.0],  # a quarter more, a fifth fewer, four points
            "low": [None, 0.0, 1.0],
            "p": [0.5, 0.5, 0.5],
        }
    )
    found = _readable(frame, Config(), READINGS)
    assert found["value"].tolist() == pytest.approx([0.25, 0.2, 4.0])
    assert found["unit"].tolist() == ["share", "share", "points"]
    assert math.isnan(found["low"][0])
    assert found["p"].tolist() == [0.5] * 3


def test_a_table_without_rows_has_its_unit_too():
    assert list(_readable(pd.DataFrame(columns=["playbook", "value"]), Config(), READINGS)) == [
        "playbook",
        "value",
        "unit",
    ]


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
    found = until_own_plan(inputs, Config(), reading, sets).set_index("episode_id")["next_plan"]
    # D's plan is of another kind; nothing of C comes after June.
    assert found.dropna().to_dict() == {"w": pd.Timestamp("2026-03-01"), "x": pd.Timestamp("2026-05-01")}


@pytest.mark.parametrize(("lasting", "over"), [(0, "2026-03-02"), (200, "2026-07-20")])
def test_a_plan_keeps_its_account_from_being_a_comparison_as_long_as_it_lasts(lasting, over):
    # Landed on 1 January: 60 days are the window after, 200 the days it is said to act.
    plans = pd.DataFrame(
        {"started_on": ["2025-12-01"], "landed_on": ["2026-01-01"], "closed_on": [None]}, dtype="datetime64[s]"
    ).assign(account_id="C", playbook="tour", problem_metric=None)
    inputs = SimpleNamespace(plans=plans, as_of=pd.Timestamp("2026-06-30"))
    lines = pd.DataFrame({"playbook": ["tour"], "post_days": [60]})
    found = busy_with(inputs, Config(lasting_days=lasting), lines, "orders")
    assert found["over"].tolist() == [pd.Timestamp(over)]
    found = busy_with(SimpleNamespace(plans=plans.assign(started_on=pd.NaT), as_of=inputs.as_of), Config(), lines, "x")
    assert found["began"].tolist() == [pd.Timestamp("2026-01-01")]
