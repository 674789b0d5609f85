"""Controls look like the plans they stand for."""

import numpy as np
import pytest

from csworkbench.adjustment.episodes import sides, traits
from csworkbench.adjustment.matching import match, places, standardized
from tests.adjustment.plan_books import episodes


def book(levels, is_plan):
    levels = np.asarray(levels, float)
    frame = episodes(is_plan, levels, levels, levels)
    known = traits(frame)[["level"]]
    return (*sides(frame, ["month"], known), places(known, frame["is_plan"].to_numpy()))


def test_differences_before_are_in_standard_deviations_of_both_sides():
    # Plans 0 and 2: mean 1, variance 2; controls 3 and 5: mean 4, variance 1. (1 - 4) / sqrt(1.5) = -2.449.
    plans, controls, _ = book([0, 2, 3, 5], [True, True, False, False])
    assert standardized(plans, controls, None) == pytest.approx([-3 / np.sqrt(1.5)])


def test_within_a_caliper_only_controls_of_a_near_level_stand_for_a_plan():
    # Of seven controls three have the level of both plans, 10; four have 0.
    plans, controls, where = book([10, 10, 10, 0, 0, 0, 10, 10.0, 0], [True, True] + [False] * 7)
    everyone, gap = match(plans, controls, where, matches=0)
    assert everyone.number.tolist() == [7, 7]
    assert abs(gap) > 0.5
    near, gap = match(plans, controls, where, matches=0, caliper=1.0)
    assert gap == pytest.approx(0)
    assert near.number.tolist() == [3, 3]
    assert match(plans, controls, where, matches=2, caliper=1.0)[0].number.tolist() == [2, 2]


def test_a_plan_with_nobody_within_the_caliper_keeps_its_nearest():
    plans, controls, where = book([10, 7, 0.0, 1], [True] + [False] * 3)
    assert match(plans, controls, where, matches=2, caliper=1.0)[0].use.tolist() == [1, 0, 0]


def test_another_tier_lies_further_away():
    frame = episodes([True, False, False], *np.zeros((3, 3)), tier=["large", "large", "mid"])
    known = traits(frame)
    plan, controls = places(known, frame["is_plan"].to_numpy())
    distances = np.linalg.norm(controls - plan, axis=1)
    assert distances[0] == 0
    assert distances[1] > 1
