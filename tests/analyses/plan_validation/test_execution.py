"""How far plans were run, and where they stall."""

from types import SimpleNamespace

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.execution import executed, stall_table

PLANS = pd.DataFrame(
    {
        "playbook": ["tour"] * 3,
        "csm_id": ["x", "y", "x"],
        "landed_on": pd.to_datetime(["2026-02-10", "2026-02-10", None]),
        "closed_on": pd.to_datetime(["2026-03-01", "2026-03-01", None]),
    },
    index=pd.Index(["A", "B", "C"], name="plan_id"),
)


def step(plan, number, done=None, blocker="none", *, must=True, planned=None):
    return {
        "plan_id": plan,
        "step_no": number,
        "name": f"Step {number}",
        "is_mandatory": must,
        "planned_on": pd.Timestamp(planned) if planned else pd.NaT,
        "done_on": pd.Timestamp(done) if done else pd.NaT,
        "blocker": blocker,
    }


def inputs(*steps):
    return SimpleNamespace(plans=PLANS, steps=pd.DataFrame(steps))


def test_fidelity_is_the_share_of_mandatory_steps_that_were_done():
    found = executed(inputs(step("A", 1, "2026-01-05"), step("A", 2), step("A", 3, must=False)))
    assert found.loc["A", ["mandatory", "done", "fidelity", "stop_step"]].tolist() == [2, 1, 0.5, "Step 2"]


def test_a_step_without_a_name_is_told_by_its_number():
    found = executed(inputs(step("A", 1, "2026-01-05"), step("A", 2) | {"name": None}))
    assert found["stop_step"]["A"] == "step 2"


def test_a_step_done_after_closing_was_not_done():
    found = executed(inputs(step("A", 1, "2026-01-05"), step("A", 2, "2026-03-09")))
    assert found["fidelity"]["A"] == 0.5


@pytest.mark.parametrize(
    ("planned", "done", "share"),
    [
        ("2026-02-05", "2026-02-09", 1.0),  # landed on 10 February: late, and still before
        ("2026-02-05", "2026-02-11", 0.5),
        ("2026-02-20", "2026-02-20", 1.0),  # ten days after landing, as planned
        ("2026-02-20", "2026-02-21", 0.5),
        ("2026-03-10", None, 1.0),  # four weeks after landing: not asked for, and one of one is done
    ],
)
def test_only_steps_due_by_landing_say_whether_a_plan_was_run(planned, done, share):
    found = executed(inputs(step("A", 1, "2026-02-01"), step("A", 2, done, planned=planned)))
    assert found["run_by_landing"]["A"] == share


def test_a_step_without_a_day_that_most_do_after_landing_is_not_asked_for():
    found = executed(
        inputs(
            *(step(plan, 1, "2026-02-01") for plan in "AB"),
            *(step("A", 2, "2026-02-25"), step("B", 2)),  # who does it does it fifteen days after landing
            *(step("A", 3, "2026-02-08"), step("B", 3)),
        )
    )
    assert found["run_by_landing"].to_dict() == {"A": 1.0, "B": 0.5, "C": pytest.approx(float("nan"), nan_ok=True)}
    assert found["fidelity"]["B"] == pytest.approx(1 / 3)  # the facts tell every step


def test_steps_that_were_all_ticked_on_the_day_of_closing_count_nothing():
    found = executed(inputs(step("A", 1, "2026-03-01"), step("A", 2, "2026-03-01"), step("B", 1, "2026-03-01")))
    assert found["is_ticked"].to_dict() == {"A": True, "B": False, "C": False}  # one step alone proves nothing
    assert found["fidelity"]["A"] == 0


def test_steps_that_were_all_ticked_on_another_day_are_marked_and_count():
    found = executed(
        inputs(
            *(step("A", number, "2026-02-01") for number in (1, 2)),
            step("B", 1, "2026-02-01"),
            *(step("C", number, f"2026-02-0{number}") for number in (1, 2)),
        )
    )
    assert found["is_one_day"].to_dict() == {"A": True, "B": False, "C": False}  # one step alone, and two days
    assert found["fidelity"]["A"] == 1
    closing = executed(inputs(*(step("A", number, "2026-03-01") for number in (1, 2))))
    assert closing.loc["A", ["is_ticked", "is_one_day"]].tolist() == [True, False]


def test_a_plan_waits_for_the_customer_where_all_its_open_steps_do():
    waits, half = [step("A", 1, None, "customer"), step("A", 2, None, "customer")], step("B", 1, None, "customer")
    found = executed(inputs(*waits, half, step("B", 2, None, "csm")))
    assert found["is_blocked"].to_dict() == {"A": True, "B": False, "C": False}


def test_a_plan_without_steps_has_no_fidelity():
    assert executed(inputs(step("A", 1)))["fidelity"].isna().to_dict() == {"A": False, "B": True, "C": True}


def test_stops_are_counted_over_closed_plans_that_do_not_wait_for_the_customer():
    rows = [step(plan, 1, None, blocker) for plan, blocker in (("A", "none"), ("B", "customer"), ("C", "none"))]
    found = executed(inputs(*rows))
    assert found.loc["A", ["stops", "stop_csms"]].tolist() == [1, 1]  # B waits for the customer, C is still running


def test_the_table_of_stalls_counts_plans_causes_and_csms_at_the_first_open_step():
    rows = [step(plan, number, None, "plan") for plan in "AB" for number in (1, 2)]
    table = stall_table(inputs(*rows)).set_index("step")
    assert table.loc["Step 1", ["plans", "done", "stalled", "plan", "csms"]].tolist() == [2, 0, 2, 2, 2]
    assert table.loc["Step 2", "stalled"] == 0
    assert table.loc["Step 1", "share"] == pytest.approx(0)
