"""Bounds of planned looks and intervals that hold at every look."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from csworkbench.inference.sequential import (
    FARTHEST,
    alpha_spent,
    confidence_sequence,
    planned_look,
    repeated_p,
    spending_bounds,
)


def test_one_look_is_the_fixed_test():
    assert spending_bounds([1.0]) == pytest.approx([norm.isf(0.025)])


@pytest.mark.parametrize("fractions", [(0.6, 1.0), (0.3, 0.5, 1.0), (0.5, 0.9, 1.0)])
def test_looks_spend_what_the_boundary_says(fractions):
    # Sums at s < t have correlation sqrt(s / t); scipy integrates their normal distribution over the box of no stop.
    bounds = np.array(spending_bounds(fractions))
    assert 2 * norm.sf(bounds[0]) == pytest.approx(2 * alpha_spent(np.array(fractions[:1]), 0.025)[0])
    cov = [[math.sqrt(min(s, t) / max(s, t)) for s in fractions] for t in fractions]
    inside = multivariate_normal(cov=cov, seed=0).cdf(bounds, lower_limit=-bounds)
    assert 1 - inside == pytest.approx(0.05, abs=1e-4)


@settings(deadline=None)
@given(st.lists(st.floats(0.02, 0.3), min_size=1, max_size=8))
def test_looks_at_any_time_have_bounds(steps):
    assert all(1.95 < bound <= FARTHEST for bound in spending_bounds(np.cumsum(steps) / sum(steps)))


def test_an_early_look_stops_for_nothing_but_has_a_number():
    assert spending_bounds([0.001, 1.0])[0] == FARTHEST


def test_more_information_than_planned_spends_no_more():
    assert spending_bounds([0.5, 1.2])[1] > norm.isf(0.025)


@pytest.mark.parametrize("fractions", [[], [0.5, 0.5], [0.0, 1.0], [float("nan")]])
def test_information_must_rise(fractions):
    with pytest.raises(ValueError, match="must rise"):
        spending_bounds(fractions)


def test_the_interval_of_a_planned_look_leaves_out_zero_where_it_stops():
    low, high = planned_look(0.3, 0.1, 2.98)
    assert (low, high) == pytest.approx((0.002, 0.598))


def test_the_p_value_of_a_sequence_is_the_level_at_which_zero_is_just_left_out():
    # N* is given by alpha too, so the same alpha is asked for: at level 1 - p of one rho the bound touches 0.
    found = confidence_sequence(0.3, 0.1, 900, 1000)
    alpha, n = 0.05, 900
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / 1000)
    grown = n * rho**2 + 1
    half = 0.1 * math.sqrt(n) * math.sqrt(2 * grown * math.log(math.sqrt(grown) / found.p) / (n * rho) ** 2)
    assert half == pytest.approx(0.3)


def test_a_sequence_is_half_as_wide_again_as_the_fixed_interval_at_the_planned_number():
    # statistics.md: 1.55 to 1.6 times.
    found = confidence_sequence(0.0, 1.0, 1000, 1000)
    assert 1.5 < found.high / 1.96 < 1.6
    assert found.p == 1


def test_fewer_than_a_hundred_units_have_no_sequence():
    assert confidence_sequence(0.3, 0.1, 99, 1000).code == "too_few_units"


def test_without_an_error_there_is_no_sequence():
    assert confidence_sequence(0.3, 0.0, 500, 1000).code == "no_variation"


def test_the_p_value_of_several_looks_is_the_error_at_which_the_last_would_just_have_stopped():
    # Published bounds of five equal looks at error .05 (Lan-DeMets, O'Brien-Fleming): the fifth is 2.031.
    looks = (0.2, 0.4, 0.6, 0.8, 1.0)
    assert repeated_p(2 * norm.sf(2.031), looks) == pytest.approx(0.05, abs=1e-4)
    assert repeated_p(0.03, (1.0,)) == pytest.approx(0.03, rel=1e-5)
    assert 0 < repeated_p(0.0, looks) < 1e-9
    assert repeated_p(1.0, looks) == 1.0
