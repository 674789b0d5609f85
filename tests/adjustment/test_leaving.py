"""What accounts that left do to the effect."""

import numpy as np
import pytest

from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.leaving import leaving_bounds
from tests.adjustment.plan_books import episodes

RULES = CompareRules(matches=0)


def book(leavers):
    rng = np.random.default_rng(1)
    is_plan = np.arange(60) < 20
    level = 5 + rng.normal(0, 0.1, 60)
    has_left = np.isin(np.arange(60), leavers)
    return episodes(is_plan, level, level, np.where(has_left, 0, level + is_plan), has_left=has_left)


def test_nobody_left_is_nothing_to_bound():
    assert leaving_bounds(book([]), RULES).empty
    assert leaving_bounds(book([]).drop(columns="has_left"), RULES).empty


def test_accounts_that_left_pull_the_effect_down_unless_they_keep_their_level():
    found = leaving_bounds(book([0, 1]), RULES).set_index("counted")["mean"]
    # Plans gain 1; two of twenty drop by 5 instead, or keep their level, or are left out.
    assert found["as_nothing"] == pytest.approx((18 - 2 * 5) / 20, abs=0.05)
    assert found["as_before"] == pytest.approx(18 / 20, abs=0.05)
    assert found["left_out"] == pytest.approx(1, abs=0.05)


def test_where_every_plan_left_nothing_is_told_without_them():
    found = leaving_bounds(book(range(20)), RULES).set_index("counted")
    assert np.isnan(found.loc["left_out", "mean"])
    assert found.loc["left_out", "n"] == 0
