"""Whom the page wants to be talked to: accounts whose plan waits for a mandatory step."""

from datetime import date

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.asking import proposal_table, waiting_steps
from csworkbench.asof import take
from tests.books import book

# The week of Monday 29 June 2026: what was overdue on Sunday the 28th is proposed on each of its days.
DAYS = (date(2026, 6, 29), date(2026, 7, 5))
PLAN = {"created_at": "2026-05-01T08:00:00", "started_at": "2026-05-01T08:00:00", "csm_id": "anna"}


def made():
    plans = [
        {**PLAN, "plan_id": "P1", "account_id": "A"},
        {**PLAN, "plan_id": "P2", "account_id": "A"},
        {**PLAN, "plan_id": "P3", "account_id": "B", "closed_at": "2026-06-20T08:00:00"},
        {**PLAN, "plan_id": "P4", "account_id": "C"},
    ]
    steps = [
        ("P1", 1, "2026-06-10", None, True),
        ("P2", 1, "2026-06-05", None, True),  # the older one of the same account
        ("P3", 1, "2026-06-05", None, True),  # of a closed plan
        ("P4", 1, "2026-06-05", None, False),  # not mandatory
        ("P4", 2, "2026-06-20", "2026-07-01", True),  # done during the week
        ("P4", 3, "2026-06-30", None, True),  # not overdue when the week began
    ]
    rows = [
        {"plan_id": plan, "step_no": number, "name": f"Step {number}", "is_mandatory": must,
         "planned_at": f"{planned}T08:00:00", "done_at": done and f"{done}T08:00:00"}
        for plan, number, planned, done, must in steps
    ]  # fmt: skip
    return book({"accounts": [{"account_id": name} for name in "ABC"], "plans": plans, "plan_steps": rows})


@pytest.mark.parametrize("day", DAYS)
def test_the_oldest_mandatory_step_that_was_overdue_when_the_week_began_is_proposed(day):
    found = proposal_table(waiting_steps(take(made(), day)), day)
    assert found[["account_id", "csm_id", "reason"]].to_numpy().tolist() == [
        ["A", "anna", "Step 1 of plan P2 was planned for 5 Jun 2026"],
        ["C", "anna", "Step 2 of plan P4 was planned for 20 Jun 2026"],
    ]
    assert set(found["due_on"]) == {pd.Timestamp("2026-07-03")}


def test_without_plans_nobody_is_proposed():
    found = proposal_table(waiting_steps(take(book({"accounts": [{"account_id": "A"}]}), DAYS[0])), DAYS[0])
    assert found.empty
