"""What cannot be told of a plan stands beside it, with what to do about it."""

from dataclasses import replace

import pandas as pd
import pytest

from csworkbench import formats
from csworkbench.analyses.plan_validation.doubts import _counted
from csworkbench.analyses.plan_validation.marks import goal_marks, value_marks
from csworkbench.estimates import say
from tests.analyses.test_plan_validation import (
    PLANNED,
    codes,
    goal,
    make_book,
    plan,
    result_of,
    steps,
    verdicts,
)

NAN = float("nan")
GOOD = {
    "goal": 0.1, "baseline": 70.0, "target": 80.0, "sign": 1.0, "is_assumed": False, "is_known": True,
    "is_matured": True, "before_2": 70.0, "before_1": 70.0, "level_after": 80.0, "has_left": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"goal": NAN, "target": NAN}, ["no goal with baseline and target"]),
        ({"goal": NAN, "target": 70.0}, ["the target is not better than the baseline"]),
        ({"goal": NAN, "sign": -1.0}, ["the target is not better than the baseline"]),
        ({"goal": NAN, "baseline": 0.0}, ["no share can be taken of a baseline or target that is not above 0"]),
        ({"is_assumed": True}, ["the goal has no direction: more counts as good"]),
    ],
)
def test_a_goal_says_what_is_wrong_with_it(changes, said):
    assert list(goal_marks(GOOD | changes)) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"is_known": False, "level_after": NAN}, ["no table holds its metric"]),
        ({"before_2": NAN}, ["fewer than two windows with values before"]),
        ({"level_after": NAN}, ["no value in the window after"]),
        ({"level_after": NAN, "is_matured": False}, []),
        (
            {"level_after": NAN, "has_left": True, "sign": -1.0},
            ["the account left: a goal to lower something is not met by that"],
        ),
    ],
)
def test_values_that_are_missing_are_told(changes, said):
    assert list(value_marks(GOOD | changes)) == said


def test_a_doubt_counts_the_plans_it_does_not_name():
    lines = pd.DataFrame(index=[f"PL{number}" for number in range(48)])
    assert formats.text(say("{n:count}: {plans:list}", **_counted(lines))) == "48: PL0, PL1, PL2 and 45 more"


def test_each_doubt_of_a_plan_has_its_mark_and_something_to_do():
    goals = [goal(n) for n in range(PLANNED)]
    goals[0] = goal(0, 70.0, 70.0)
    goals[1] |= {"direction": None}
    plans = [plan(n) for n in range(PLANNED)]
    plans[2] |= {"landed_at": None, "started_at": None}
    one_day = steps(3, ("2026-01-20T09:00:00", "2026-01-20T10:00:00"))
    made = make_book(
        goals=goals, plans=plans, all_steps=[s for n in range(PLANNED) for s in (one_day if n == 3 else steps(n))]
    )
    made = replace(
        made, reports={**made.reports, "plans": replace(made.reports["plans"], quarantined=2)}
    )  # as if two plans had landed before they were written
    result = result_of(made, playbooks={})
    wanted = {"goal_without_change", "goal_without_direction", "never_started", "ticked_on_one_day", "rows_set_aside"}
    assert wanted <= codes(result)
    assert all(each.action is not None for each in result.caveats if each.code in wanted)
    (aside,) = (each for each in result.caveats if each.code == "rows_set_aside")
    assert formats.text(aside.message).startswith("2 rows of plans broke a rule")
    marks = verdicts(result)["marks"]
    assert "not better than the baseline" in marks["PL0"]
    assert "more counts as good" in marks["PL1"]
    assert "never landed: counted from the day it was written" in marks["PL2"]
    assert "all mandatory steps ticked on one day" in marks["PL3"]
