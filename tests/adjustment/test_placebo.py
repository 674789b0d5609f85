"""Placebos find nothing where there is nothing, and what one account does is seen."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.course import course
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.placebo import leave_one_out, placebo_space, placebo_time
from csworkbench.adjustment.pooling import pool
from tests.adjustment.plan_books import episodes, returning
from tests.adjustment.test_course import LANDING, MONTHS, noisy, panel, sets

RULES = CompareRules(min_per_cell=1)


def test_plans_had_they_landed_three_months_earlier():
    # Plans have 3 more in the three months before landing than in the three before those.
    values = np.zeros((4, 14))
    values[:2, LANDING - 3 : LANDING] = 3
    found = placebo_time(course(panel(values), sets(2, 2), RULES), RULES)
    assert found.value == pytest.approx(3)


def test_a_course_without_the_months_has_no_placebo():
    rows, both = noisy(10, 20)
    short = rows[rows["month"] >= MONTHS[LANDING - 2]]
    assert placebo_time(course(short, both, RULES), RULES) is None


def test_accounts_without_a_plan_show_how_far_chance_goes():
    found = compare(returning(np.random.default_rng(1), effect=2.0), RULES)
    row = placebo_space(found, RULES).iloc[0]
    assert row["n_draws"] == RULES.draws
    assert row["low"] < 0 < row["high"]
    assert row["high"] < 1
    assert row["p"] == pytest.approx(1 / (RULES.draws + 1))


def test_without_a_comparison_there_is_no_placebo():
    assert placebo_space(compare(episodes([True], [1], [1], [1]), RULES), RULES).empty


def test_the_account_that_moves_the_mean_most_comes_first():
    frame = pd.DataFrame(
        {
            "episode_id": list("abcd"),
            "account_id": list("abcd"),
            "effect": [0.1, 0.2, 3.0, 0.15],
            "standard_error": 0.5,
            "shared_error": 0.0,
        }
    )
    found = leave_one_out(frame)
    assert found["account_id"].iloc[0] == "c"
    assert found["mean"].iloc[0] == pytest.approx(pool(frame[frame["account_id"] != "c"]).mean, abs=0.01)
    assert found["n"].tolist() == [3] * 4


def test_no_effect_leaves_nobody_out():
    assert leave_one_out(compare(episodes([True], [1], [1], [1]), RULES).effects).empty
