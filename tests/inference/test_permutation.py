"""Permutations of accounts: all arrangements or a sample, strata kept, intervals that agree with the test."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from csworkbench.inference.accounts import AccountSums, with_covariate
from csworkbench.inference.permutation import arrangements, permutation_test, ratio_test


def drawn(seed, accounts=14, effect=0.0):
    rng = np.random.default_rng(seed)
    size = 1.0 + rng.poisson(6, accounts)
    arm = rng.permutation(np.arange(accounts) % 2)
    share = rng.beta(2, 5, accounts) + effect * arm
    return AccountSums(arm, rng.binomial(size.astype(int), np.minimum(share, 1)).astype(float), size)


def test_few_accounts_have_all_their_arrangements():
    ways = arrangements(np.array([0, 1, 1, 0, 0]))
    assert ways.is_exact
    assert len(ways.is_variant) == comb(5, 2) == len({tuple(row) for row in ways.is_variant})
    assert ways.is_variant[0].tolist() == [0, 1, 1, 0, 0]


def test_strata_keep_their_number_of_variants():
    arm, stratum = np.array([0, 1, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    ways = arrangements(arm, stratum)
    # Stratum 0 draws 2 of 3, stratum 1 draws 1 of 3: 3 x 3 arrangements.
    assert len(ways.is_variant) == 9
    assert (ways.is_variant[:, :3].sum(axis=1) == 2).all()
    assert (ways.is_variant[:, 3:].sum(axis=1) == 1).all()


def test_many_accounts_have_a_sample_of_arrangements_with_the_one_that_happened():
    arm, stratum = np.tile([0, 1], 40), np.repeat(np.arange(8), 10)
    ways = arrangements(arm, stratum, draws=50, seed=1)
    assert not ways.is_exact
    assert ways.is_variant.shape == (51, 80)
    assert (ways.is_variant[0] == arm).all()
    assert (ways.is_variant.reshape(51, 8, 10).sum(axis=2) == 5).all()


def test_the_same_seed_draws_the_same_arrangements():
    arm = np.tile([0, 1], 40)
    first, again, other = (arrangements(arm, draws=20, seed=seed).is_variant for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_the_p_value_counts_arrangements_that_differ_at_least_as_much():
    # Studentized by scipy's Welch t on every one of the 70 arrangements, one by one.
    values = np.array([3.1, 0.2, 5.7, 1.4, 6.6, 2.0, 4.9, 0.5])
    arm = np.array([1, 0, 1, 0, 1, 0, 1, 0])
    found = []
    for chosen in combinations(range(8), 4):
        inside = np.isin(np.arange(8), chosen)
        found.append(abs(ttest_ind(values[inside], values[~inside], equal_var=False).statistic))
    observed = abs(ttest_ind(values[arm == 1], values[arm == 0], equal_var=False).statistic)
    expected = np.mean(np.array(found) >= observed - 1e-9)
    test = permutation_test(AccountSums(arm, values, np.ones(8)), arrangements(arm))
    assert test.p() == pytest.approx(expected)
    assert test.statistic(0.0)[0] == pytest.approx(
        ttest_ind(values[arm == 1], values[arm == 0], equal_var=False).statistic
    )


def test_a_sampled_p_value_is_one_more_over_one_more():
    pair = drawn(5, 60, effect=0.9)
    test = permutation_test(pair, arrangements(pair.arm, draws=99, seed=0))
    assert test.p() == pytest.approx(1 / 100)


def test_the_interval_holds_the_effects_that_are_not_rejected():
    pair = drawn(2, 40, effect=0.1)
    test = permutation_test(pair, arrangements(pair.arm, draws=1999, seed=0))
    low, high = test.interval(0.95)
    assert low < test.value < high
    for inside, outside in (
        (low + 0.1 * test.error, low - 0.1 * test.error),
        (high - 0.1 * test.error, high + 0.1 * test.error),
    ):
        assert test.p(inside) > 0.05 >= test.p(outside) - 0.002  # a step of the p-value is 1/2000


def test_taking_an_effect_away_is_supposing_it():
    # A supposed effect d is tested on outcomes whose variant contacts had d less each.
    pair = drawn(3)
    less = AccountSums(pair.arm, pair.total - 0.2 * pair.arm * pair.size, pair.size)
    ways = arrangements(pair.arm)
    assert permutation_test(pair, ways).p(0.2) == pytest.approx(permutation_test(less, ways).p())


def test_a_supposed_effect_is_taken_away_before_the_covariate_adjusts():
    pair = drawn(4)
    before = np.random.default_rng(1).normal(size=14) + pair.total
    ways, less = arrangements(pair.arm), AccountSums(pair.arm, pair.total - 0.2 * pair.arm * pair.size, pair.size)
    both = [permutation_test(with_covariate(each, before, np.ones(14))[0], ways) for each in (pair, less)]
    assert both[0].p(0.2) == pytest.approx(both[1].p())


def test_too_few_arrangements_have_no_interval():
    # Six strata of one account each way: 2^6 = 64 arrangements, at best two of them differ as much: p >= 1/32.
    arm, stratum = np.tile([0, 1], 6), np.repeat(np.arange(6), 2)
    pair = AccountSums(arm, np.random.default_rng(0).normal(size=12), np.ones(12), stratum)
    test = permutation_test(pair, arrangements(arm, stratum))
    assert test.interval(0.99) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_turning_arms_round_turns_the_difference_round(seed):
    pair = drawn(seed, 10)
    other = AccountSums(1 - pair.arm, pair.total, pair.size)
    one, two = (permutation_test(each, arrangements(each.arm)) for each in (pair, other))
    assert one.value == pytest.approx(-two.value, abs=1e-12)
    assert one.p() == pytest.approx(two.p())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.001, 1000), st.floats(-100, 100))
def test_the_unit_of_an_outcome_does_not_matter(seed, times, plus):
    pair = drawn(seed, 10)
    if np.ptp(pair.total / pair.size) == 0:
        return
    other = AccountSums(pair.arm, times * pair.total + plus * pair.size, pair.size)
    ways = arrangements(pair.arm)
    assert permutation_test(pair, ways).p() == pytest.approx(permutation_test(other, ways).p(), abs=0.01)


def test_outcomes_without_any_difference_have_p_one():
    # The first account of each arm has 1, the others 0: no difference, and no arrangement differs less.
    arm = np.repeat([0, 1], 6)
    pair = AccountSums(arm, np.tile([1.0, 0, 0, 0, 0, 0], 2), np.ones(12))
    assert permutation_test(pair, arrangements(arm)).p() == 1


def test_the_factor_of_a_ratio_is_supposed_by_multiplying_the_variant():
    pair = drawn(6, effect=0.2)
    ways = arrangements(pair.arm)
    times = AccountSums(pair.arm, np.where(pair.arm, 0.7 * pair.total, pair.total), pair.size)
    test = ratio_test(pair, ways)
    assert test.value == pytest.approx(pair.ratio(0) / pair.ratio(1))
    assert test.p(0.7) == pytest.approx(permutation_test(times, ways).p())


def test_with_a_covariate_the_value_is_that_of_least_squares():
    # Frisch, Waugh and Lovell: the effect that leaves no difference beside the covariate, accounts of one contact.
    rng = np.random.default_rng(1)
    arm, before = np.tile([0, 1], 7), rng.normal(size=14)
    y = before + 0.3 * arm + rng.normal(0, 0.5, 14)
    pair, _ = with_covariate(AccountSums(arm, y, np.ones(14)), before, np.ones(14))
    fitted = np.linalg.lstsq(np.column_stack([np.ones(14), arm, before]), y, rcond=None)[0]
    assert permutation_test(pair, arrangements(arm)).value == pytest.approx(fitted[1])


def test_no_effect_and_no_factor_are_the_same_hypothesis():
    pair = drawn(7, effect=0.2)
    ways = arrangements(pair.arm)
    assert ratio_test(pair, ways).p(1.0) == pytest.approx(permutation_test(pair, ways).p(0.0))


def test_a_covariate_that_is_the_arm_itself_leaves_no_effect_to_tell():
    arm = np.tile([0, 1], 6)
    y = np.random.default_rng(0).normal(size=12)
    pair, _ = with_covariate(AccountSums(arm, y, np.ones(12)), arm.astype(float), np.ones(12))
    test = permutation_test(pair, arrangements(arm))
    assert np.isfinite(test.value)
    assert test.interval() is None
