"""Sums of contacts per account, what accounts look like, and when nothing can be compared."""

import numpy as np
import pytest

from csworkbench.inference.accounts import (
    AccountSums,
    CannotTell,
    influence,
    intra_account_correlation,
    refusal,
    roll_up,
    size_variation,
    with_covariate,
)


def sums(arm, total, size=None, **more):
    return AccountSums(
        np.array(arm), np.array(total, float), np.ones(len(arm)) if size is None else np.array(size, float), **more
    )


def test_contacts_are_summed_to_their_account():
    # Account 0: contacts with 1, 0, 1; account 1: 0; account 2: 1, 1.
    rolled = roll_up(np.array([0, 1, 0, 2, 2, 0]), np.array([1, 0, 0, 1, 1, 1]), np.array([0, 1, 0]))
    assert rolled.total.tolist() == [2, 0, 2]
    assert rolled.size.tolist() == [3, 1, 2]
    assert rolled.ratio(0) == pytest.approx(4 / 5)
    assert rolled.ratio(2) is None


def test_an_account_without_contacts_cannot_be_in_an_experiment():
    with pytest.raises(ValueError, match="without contacts"):
        roll_up(np.array([0, 0]), np.array([1, 0]), np.array([0, 1]))


def test_an_outcome_that_is_not_a_number_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="finite"):
        sums([0, 1], [np.nan, 1])


def test_a_pair_keeps_the_control_and_one_variant():
    pair = sums([0, 2, 1, 2], [1, 2, 3, 4], stratum=np.array([0, 0, 1, 1])).pair(2)
    assert pair.arm.tolist() == [0, 1, 1]
    assert pair.total.tolist() == [1, 2, 4]
    assert pair.stratum.tolist() == [0, 0, 1]


def test_with_equal_weight_an_account_is_its_mean():
    assert sums([0, 1], [2, 3], [4, 3]).equal_weight().total.tolist() == [0.5, 1]


def test_the_influence_of_an_account_is_its_excess_over_the_ratio_per_mean_contact():
    # Control: S 1, 3 of n 2, 4: R = 4/6, mean n = 3, (1 - 4/3)/3 = -1/9 and +1/9. Variant: S 2, 2 of 2, 6: R = 1/2.
    moves = influence(sums([0, 0, 1, 1], [1, 3, 2, 2], [2, 4, 2, 6]))
    assert moves == pytest.approx([-1 / 9, 1 / 9, 1 / 4, -1 / 4])


def test_sizes_one_and_three_vary_by_root_one_half():
    # Mean 2, standard deviation sqrt 2.
    assert size_variation(np.array([1.0, 3.0])) == pytest.approx(np.sqrt(2) / 2)
    assert size_variation(np.array([5.0])) == 0


@pytest.mark.parametrize(
    ("arm", "total", "code"),
    [
        ([0, 0, 0], [1, 2, 3], "empty_arm"),
        ([1, 1, 1], [1, 2, 3], "empty_arm"),
        ([0, 0, 1], [1, 2, 3], "one_account"),
        ([0, 1, 1], [1, 2, 3], "one_account"),
        ([0, 0, 1, 1], [0, 0, 0, 0], "all_zero"),
        ([0, 0, 1, 1], [4, 4, 4, 4], "no_variation"),
        ([0, 0, 1, 1], [4, 4, 5, 5], "no_variation"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_reason(arm, total, code):
    assert refusal(sums(arm, total)).code == code


def test_contacts_that_answer_alike_in_every_account_do_not_vary():
    # Three of ten in each account: sums differ, shares do not.
    assert refusal(sums([0, 0, 1, 1], [3, 6, 9, 12], [10, 20, 30, 40])).code == "no_variation"


def test_what_can_be_compared_is_not_refused():
    assert refusal(sums([0, 0, 1, 1], [1, 0, 0, 1])) is None


def test_a_covariate_that_explains_everything_leaves_no_variation():
    before = np.array([1.0, 2.0, 3.0, 4.0])
    pair, _ = with_covariate(sums([0, 0, 1, 1], before), before, np.ones(4))
    assert refusal(pair).code == "no_variation"


def test_an_account_without_an_earlier_period_gets_the_mean():
    pair, known = with_covariate(sums([0, 1] * 5, range(10)), np.arange(10.0), np.array([1.0] * 9 + [0]))
    # Known ones 0..8 have mean 4.
    assert pair.covariate == pytest.approx([*(np.arange(9) - 4), 0])
    assert known.missing == pytest.approx(0.1)
    assert not known.is_flagged


def test_many_missing_covariates_become_a_covariate():
    # Half is missing, and those have 10 more: nothing else goes on, so the covariate is that step.
    total = np.array([0.0, 0, 0, 0, 10, 10, 10, 10])
    pair, known = with_covariate(
        sums([0, 1] * 4, total), np.array([1.0, 2, 1, 2, 0, 0, 0, 0]), np.repeat([1.0, 0.0], 4)
    )
    assert pair.covariate == pytest.approx(total - 5)
    assert known.is_flagged


def test_a_covariate_nobody_has_is_none():
    pair, known = with_covariate(sums([0, 1], [1, 2]), np.zeros(2), np.zeros(2))
    assert not pair.covariate.any()
    assert known.missing == 1


def test_the_correlation_of_a_balanced_design_is_that_of_its_mean_squares():
    # Accounts (1, 3), (5, 7): between = 2 (2 - 4)^2 + 2 (6 - 4)^2 = 16 on 1; within = 4 / 2 = 2. (16-2)/(16+2) = 7/9.
    found = intra_account_correlation(np.array([4.0, 12.0]), np.array([10.0, 74.0]), np.array([2.0, 2.0]))
    assert found.value == pytest.approx(7 / 9)
    assert found.low <= found.value <= found.high
    assert found.n == 2


def test_accounts_of_one_contact_have_no_correlation():
    assert intra_account_correlation(np.ones(5), np.ones(5), np.ones(5)).code == "no_pairs"


def test_contacts_that_are_all_the_same_have_no_correlation():
    found = intra_account_correlation(np.array([0.0, 3.0]), np.array([0.0, 3.0]), np.array([3.0, 3.0]))
    assert isinstance(found, CannotTell)


@pytest.mark.parametrize("truth", [0.02, 0.1, 0.3])
def test_the_interval_of_the_correlation_covers_the_truth(truth):
    rng = np.random.default_rng(20261122)
    covered, reps = 0, 300
    for _ in range(reps):
        size = 1 + rng.poisson(rng.gamma(2, 5, 80))
        account = np.repeat(np.arange(80), size)
        y = rng.normal(0, np.sqrt(truth), 80)[account] + rng.normal(0, np.sqrt(1 - truth), len(account))
        found = intra_account_correlation(np.bincount(account, y), np.bincount(account, y**2), size.astype(float))
        covered += found.low <= truth <= found.high
    # 3 Monte-Carlo errors of .95 at 300 are .038; unequal sizes make Searle's interval a little too narrow.
    assert covered / reps >= 0.90
