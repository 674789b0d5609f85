"""What a number of independent units can show, against statsmodels, papers and brute force."""

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize, samplesize_confint_proportion

from csworkbench.inference import power

USUAL = power.Demand(0.95, 0.8)


@pytest.mark.parametrize(
    ("base", "first", "second"),
    [(0.2, 200, 200), (0.1, 500, 500), (0.5, 60, 60), (0.85, 400, 100), (0.05, 2_000, 2_000), (0.15, 90, 361)],
)
def test_the_smallest_difference_has_the_power_that_statsmodels_computes(base, first, second):
    seen = power.smallest_difference(base, (first, second), USUAL)
    low = min(base, 1 - base)
    effect = proportion_effectsize(low + seen, low)
    # statsmodels counts both tails; the other one adds far less than 1e-6
    assert NormalIndPower().power(effect, first, 0.05, ratio=second / first) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(
    ("base", "difference", "control"),
    [(0.2, 0.05, 0.5), (0.15, 0.1, 0.2), (0.5, 0.2, 0.5), (0.9, 0.05, 0.5), (0.05, 0.02, 0.3), (0.3, 0.2, 0.5)],
)
def test_the_units_that_are_needed_are_those_statsmodels_solves_for(base, difference, control):
    low = min(base, 1 - base)
    effect = proportion_effectsize(low + difference, low)
    left_alone = NormalIndPower().solve_power(effect, alpha=0.05, power=0.8, ratio=(1 - control) / control)
    # its tolerance is a few in a million units
    assert power.units_for_difference(base, difference, control, USUAL) == pytest.approx(left_alone / control, abs=1.01)


def test_a_group_beside_another_one_needs_what_statsmodels_solves_for():
    effect = proportion_effectsize(0.3, 0.15)
    needs = power.units_beside(0.15, 0.15, 374, USUAL)
    assert NormalIndPower().power(effect, needs, 0.05, ratio=374 / needs) >= 0.8
    assert NormalIndPower().power(effect, needs - 1, 0.05, ratio=374 / (needs - 1)) < 0.8


def test_beside_a_group_that_is_too_small_two_equal_groups_are_needed():
    both = power.units_for_difference(0.15, 0.1, 0.5, USUAL)
    assert power.units_beside(0.15, 0.1, 20, USUAL) == pytest.approx(both / 2, abs=1)


@pytest.mark.parametrize(("share", "margin"), [(0.5, 0.05), (0.85, 0.1), (0.1, 0.05), (0.05, 0.02)])
def test_the_half_width_of_a_share_and_its_units_are_those_of_statsmodels(share, margin):
    units = power.units_for_share(share, margin, USUAL)
    assert units == math.ceil(samplesize_confint_proportion(share, margin, 0.05))
    low, high = proportion_confint(share * units, units, method="normal")
    assert power.share_margin(share, units, USUAL) == pytest.approx((high - low) / 2)


def test_a_difference_that_no_share_is_large_enough_for_is_not_a_number():
    # 2.80 sqrt(2 / 2) is beyond the largest effect there is, 2 asin 1 - 2 asin sqrt(.5) = 1.57
    assert math.isnan(power.smallest_difference(0.5, (2, 2), USUAL))


def test_the_error_of_an_auc_is_that_of_its_paper():
    # Hanley and McNeil (1982), section "An example": 51 abnormal and 58 normal cases, area .893, standard error .032
    assert power.auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0006)


def test_the_smallest_auc_is_told_from_chance_four_times_in_five():
    """By brute force: scores of 60 events and 400 others, the Mann-Whitney test on each of 2,000 draws."""
    auc = power.smallest_auc(60, 400, USUAL)
    draws = np.random.default_rng(20260930)
    # The variance of the formula is that of exponential scores: P(X > Y) = rate / (1 + rate).
    events = draws.exponential(auc / (1 - auc), (2_000, 60))
    others = draws.exponential(1.0, (2_000, 400))
    p = mannwhitneyu(events, others, axis=1, method="asymptotic").pvalue
    # Monte-Carlo error sqrt(.8 * .2 / 2000) = .009; the normal approximation of the AUC costs a little more
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(("auc", "ratio"), [(0.65, 5.0), (0.6, 1.0), (0.75, 20.0)])
def test_events_for_an_auc_are_the_fewest_that_show_it(auc, ratio):
    events = power.events_for_auc(auc, ratio, USUAL)
    assert power.smallest_auc(events, events * ratio, USUAL) <= auc + 1e-8
    assert power.smallest_auc(events - 1, (events - 1) * ratio, USUAL) > auc


def test_the_spread_of_the_nps_is_that_of_its_answers():
    # 6 promoters, 3 passives, 1 detractor as 100, 0 and -100
    assert power.nps_spread(0.6, 0.1) == pytest.approx(np.std([100] * 6 + [0] * 3 + [-100]))


def test_the_design_effect_of_equal_accounts_is_the_one_of_the_textbook():
    assert power.design_effect(12, 0.05) == pytest.approx(1 + 11 * 0.05)
