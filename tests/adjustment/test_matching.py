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


def test_fewer_controls_are_taken_until_levels_are_near():
    # With all six the mean level of controls is 5 less; the nearest one is the same.
    plans, controls, where = book([10, 10, 10, 0, 0, 0, 10, 10.0, 0], [True, True] + [False] * 7)
    everyone, gap = match(plans, controls, where, matches=0, max_smd=10.0)
    assert everyone.number.tolist() == [7, 7]
    assert abs(gap) > 0.5
    near, gap = match(plans, controls, where, matches=0, max_smd=0.25)
    assert gap == pytest.approx(0)
    assert near.number.max() < 7


def test_another_tier_lies_further_away():
    frame = episodes([True, False, False], *np.zeros((3, 3)), tier=["large", "large", "mid"])
    known = traits(frame)
    plan, controls = places(known, frame["is_plan"].to_numpy())
    distances = np.linalg.norm(controls - plan, axis=1)
    assert distances[0] == 0
    assert distances[1] > 1
