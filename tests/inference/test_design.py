"""Accounts, effects and weeks of an experiment, from a sample of its own kind."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestIndPower

from csworkbench.estimates import Estimate
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.design import (
    Pilot,
    Plan,
    accounts_needed,
    pilot_of,
    power_of,
    smallest_effect,
    weeks_needed,
)
from csworkbench.inference.power import Demand

USUAL = Plan()


def pilot(value=0.2, mean_size=12.0, size_variation=0.0, icc=0.05, **more):
    return Pilot(value, 1.0, mean_size, size_variation, Estimate(icc, "share", 60), **({"is_share": True} | more))


MEAN = pilot(0.0, 1.0, icc=0.0, is_share=False)


@pytest.mark.parametrize("effect", [0.1, 0.2, 0.5, 0.9])
def test_accounts_of_one_contact_need_what_statsmodels_says(effect):
    assert accounts_needed(MEAN, effect, USUAL) == ceil(2 * TTestIndPower().solve_power(effect, None, 0.05, 0.8))


@pytest.mark.parametrize(("accounts", "effect"), [(12, 1.0), (40, 0.6), (400, 0.3)])
def test_power_is_that_of_statsmodels(accounts, effect):
    expected = TTestIndPower().power(effect, accounts / 2, 0.05)
    assert power_of(MEAN, effect, accounts, USUAL) == pytest.approx(expected, abs=1e-6)


def test_one_account_more_or_less_makes_the_difference():
    needed = accounts_needed(pilot(), 0.05, USUAL)
    assert power_of(pilot(), 0.05, needed, USUAL) >= 0.8 > power_of(pilot(), 0.05, needed - 1, USUAL)


def test_the_smallest_effect_of_the_accounts_needed_is_the_effect():
    needed = accounts_needed(pilot(), 0.05, USUAL)
    assert smallest_effect(pilot(), needed, USUAL) == pytest.approx(0.05, rel=0.01)


def test_alike_contacts_count_for_less_and_uneven_accounts_for_less_still():
    # 12 contacts, ICC .05, cv 1: 1 + (2 x 12 - 1) x .05 = 2.15 times the variance .16 / 12 of one account.
    assert pilot(size_variation=1.0).account_variance() == pytest.approx(0.16 / 12 * 2.15)


def test_a_covariate_leaves_one_minus_its_squared_correlation():
    assert pilot(correlation=0.6).account_variance() == pytest.approx(0.64 * pilot().account_variance())


def test_the_variance_of_a_share_moves_with_it():
    # .3 x .7 against .2 x .8.
    assert pilot().account_variance(0.1) / pilot().account_variance() == pytest.approx(0.21 / 0.16)


def test_the_smallest_effect_of_a_high_share_is_a_fall():
    # .8 and .2 are the same question turned round.
    assert smallest_effect(pilot(0.8), 200, USUAL) == pytest.approx(smallest_effect(pilot(0.2), 200, USUAL))


def test_a_sample_tells_its_own_pilot():
    # Accounts (1, 1, 0, 0) and (1, 0): value 3/6, spread sqrt(.5 - .25); sizes 4 and 2: cv sqrt 2 / 3.
    found = pilot_of(np.array([2.0, 1.0]), np.array([2.0, 1.0]), np.array([4.0, 2.0]))
    assert (found.value, found.spread, found.mean_size) == (0.5, 0.5, 3)
    assert found.size_variation == pytest.approx(np.sqrt(2) / 3)
    assert found.is_share


def test_the_correlation_with_the_period_before_counts_unknown_accounts_as_telling_nothing():
    total = np.array([1.0, 2.0, 3.0, 4.0])
    all_known = pilot_of(total, total**2, np.ones(4), (total, np.ones(4)))
    half_known = pilot_of(total, total**2, np.ones(4), (total, np.array([1.0, 0, 0, 1])))
    assert all_known.correlation == pytest.approx(1)
    # Known 1 and 4 about their mean are -1.5 and 1.5, unknown 0: 4.5 / sqrt(5 x 4.5).
    assert half_known.correlation == pytest.approx(4.5 / np.sqrt(22.5))
    assert not all_known.is_share


@pytest.mark.parametrize("total", [[0.0, 0.0], [3.0, 3.0]])
def test_a_sample_without_two_outcomes_plans_nothing(total):
    assert pilot_of(np.array(total), np.array(total), np.array([3.0, 3.0])).code == "no_variation"


def test_one_account_plans_nothing():
    assert isinstance(pilot_of(np.array([1.0]), np.array([1.0]), np.array([2.0])), CannotTell)


def test_an_effect_beyond_a_share_is_refused():
    assert accounts_needed(pilot(0.9), 0.2, USUAL).code == "outside"


def test_an_effect_nobody_could_show_is_told():
    assert accounts_needed(pilot(), 1e-9, USUAL).code == "out_of_reach"


def test_too_few_accounts_show_nothing():
    assert smallest_effect(pilot(), 11, USUAL).code == "out_of_reach"
    assert smallest_effect(pilot(0.5, 1.0, icc=0.9), 12, Plan(Demand(0.999, 0.99))).code == "out_of_reach"


def test_no_plan_has_fewer_accounts_than_are_tested():
    # A fifth in the control: 30 accounts give it six.
    assert accounts_needed(pilot(), 0.79, replace(USUAL, control=0.2)) == 30


def test_weeks_are_accounts_over_those_reached_in_a_week():
    assert weeks_needed(271, 40) == 7
    assert weeks_needed(271, 0).code == "no_sends"


def test_power_needs_three_accounts():
    with pytest.raises(ValueError, match="three accounts"):
        power_of(pilot(), 0.1, 2, USUAL)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(1, 200), st.floats(0, 0.5), st.integers(12, 5000))
def test_more_accounts_never_show_less(value, mean_size, icc, accounts):
    one = smallest_effect(pilot(value, mean_size, icc=icc), accounts, USUAL)
    more = smallest_effect(pilot(value, mean_size, icc=icc), 2 * accounts, USUAL)
    assert isinstance(one, CannotTell) or more < one
