"""Rates from sums per account: against other libraries, and the cases in which nobody can tell."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint

from csworkbench.features.estimating import median_days, nps_of, ratio_of, share_of, share_of_rows

SURVEY = Path(__file__).resolve().parents[2] / "shared" / "data" / "nps_r_survey_2018.tsv"


def series(*values):
    return pd.Series(values, dtype=float)


def answers(*rows):
    return pd.DataFrame(rows, columns=["answered", "promoters", "detractors"], dtype=float)


# --- shares ---


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (20, 20), (7, 10), (1, 300)])
def test_with_one_trial_an_account_the_interval_is_wilsons(hits, n):
    found = share_of(series(*[1] * hits, *[0] * (n - hits)), series(*[1] * n))
    low, high = proportion_confint(hits, n, method="wilson")
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_trials_that_go_together_within_accounts_widen_the_interval():
    together = share_of(series(10, 10, 10, 0, 0, 0), series(*[10] * 6))
    apart = share_of(series(*[5] * 6), series(*[10] * 6))
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_many_trials_of_one_account_count_as_one():
    found, one = share_of(series(5), series(10)), proportion_confint(0.5, 1, method="wilson")
    assert (found.low, found.high) == (pytest.approx(one[0]), pytest.approx(one[1]))


def test_rows_are_trials_of_their_accounts():
    # Account a has 2 hits of 3 rows, b has 1 of 2, c none of 1.
    is_hit = pd.Series([True, True, False, True, False, False], index=range(10, 16))
    units = pd.Series(list("aaabbc"), index=range(10, 16))
    assert share_of_rows(is_hit, units) == share_of(pd.Series([2.0, 1.0, 0.0]), pd.Series([3.0, 2.0, 1.0]))


@pytest.mark.parametrize("share", [0, 1])
def test_where_every_trial_ends_alike_accounts_count_and_not_trials(share):
    # Five accounts of 100 trials: nothing was seen of how much the sixth may differ, so they are worth five.
    found = share_of(series(*[100 * share] * 5), series(*[100] * 5))
    five = proportion_confint(5 * share, 5, method="wilson")
    assert (found.low, found.high) == (pytest.approx(five[0]), pytest.approx(five[1]))


def test_the_unit_of_money_does_not_move_a_share_of_amounts():
    kept, due = series(900, 1000, 990), series(1000, 1000, 1000)
    small, large = share_of(kept, due, are_amounts=True), share_of(kept * 1e6, due * 1e6, are_amounts=True)
    assert (small.low, small.high) == (pytest.approx(large.low), pytest.approx(large.high))


def test_a_share_of_nothing_cannot_be_told():
    assert share_of(series(0), series(0)).value is None


def test_a_share_of_more_hits_than_trials_is_refused():
    with pytest.raises(ValueError, match=r"more hits than trials"):
        share_of(series(2, 0), series(1, 5))


def test_a_share_of_amounts_weighs_accounts_and_counts_them_as_kish_does():
    # Weights 3, 1 and everything kept: 4^2 / (9 + 1) = 1.6 accounts.
    found = share_of(series(3e6, 1e6), series(3e6, 1e6), are_amounts=True)
    expected = proportion_confint(1.6, 1.6, method="wilson")
    assert found.value == 1
    # Student's quantile is not used: two accounts are more than 1.6.
    assert found.low == pytest.approx(expected[0])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_a_share_lies_in_its_interval_and_its_interval_in_0_to_1(pairs):
    hits, trials = series(*(min(pair) for pair in pairs)), series(*(max(pair) for pair in pairs))
    found = share_of(hits, trials)
    assert found.value is None or 0 <= found.low <= found.value <= found.high <= 1


# --- ratios ---


def test_a_ratio_has_the_error_of_cluster_robust_least_squares():
    # The ratio of sums is weighted least squares of y/n on 1; with weights n, the sandwich with G/(G-1) is Cochran's.
    rng = np.random.default_rng(7)
    n = pd.Series(rng.uniform(1, 9, 40))
    y = n * rng.normal(1.1, 0.3, 40)
    found = ratio_of(y, n)
    rows = OLS((y / n**0.5).to_numpy(), (n**0.5).to_numpy()).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(40), "use_correction": True}, use_t=True
    )
    assert found.value == pytest.approx(rows.params[0])
    # statsmodels multiplies by G/(G-1) * (N-1)/(N-K), which is 40/39 * 39/39 here: the same correction.
    assert (found.low, found.high) == tuple(pytest.approx(bound) for bound in rows.conf_int()[0])


def test_a_ratio_of_one_account_has_no_interval():
    found = ratio_of(series(5), series(4))
    assert (found.value, found.low, found.n) == (1.25, None, 1)


def test_accounts_that_all_have_the_same_ratio_give_no_false_certainty():
    assert ratio_of(series(2, 4, 6), series(1, 2, 3)).low is None


# --- NPS ---


def test_nps_is_promoter_share_minus_detractor_share():
    # 2 promoters, 2 passives, 1 detractor of five accounts
    found = nps_of(answers((1, 1, 0), (1, 1, 0), (1, 0, 0), (1, 0, 0), (1, 0, 1)))
    assert (found.value, found.n, found.unit) == (pytest.approx(20), 5, "points")


def test_twelve_promoters_do_not_print_100_plus_minus_0():
    # Rocks (2016): center 12/15 = .8, variance ((12 + 1.5)/15 - .64)/15 = .01733, half = 1.96 * .13166 = .25804
    found = nps_of(answers(*[(1, 1, 0)] * 12))
    assert (found.value, found.high) == (100, 100)
    assert found.low == pytest.approx(54.196, abs=1e-3)


def test_answers_that_go_together_within_accounts_widen_the_nps():
    apart = nps_of(answers(*[(1, 1, 0)] * 10, *[(1, 0, 1)] * 10))
    together = nps_of(answers((10, 10, 0), (10, 0, 10)))
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_nps_without_answers_cannot_be_told():
    assert nps_of(answers()).value is None


def test_nps_of_the_survey_of_r_users_is_72():
    if not SURVEY.is_file():
        pytest.skip(f"third-party data absent: {SURVEY.name}")
    scores = pd.read_csv(SURVEY, sep="\t", usecols=["Qrecommend"])["Qrecommend"]
    scores = pd.to_numeric(scores.astype("string").str.extract(r"(\d+)")[0]).dropna()
    found = nps_of(pd.DataFrame({"answered": 1.0, "promoters": (scores >= 9) * 1.0, "detractors": (scores <= 6) * 1.0}))
    # The figures of the data's own description: 72.1 +- 1.9, n 3,018.
    assert (round(found.value, 1), found.n) == (72.1, 3018)
    assert (found.high - found.low) / 2 == pytest.approx(1.9, abs=0.05)


# --- times to a milestone ---


def times(*rows):
    return pd.DataFrame(rows, columns=["days", "is_reached"])


def test_the_median_time_counts_those_who_still_wait_as_censored():
    # Kaplan-Meier by hand: at 10, 4 of 5 are left (.8); 20 is censored; at 30, 2/3 of .8 = .533; at 40, half of that.
    found = median_days(times((10, True), (20, False), (30, True), (40, True), (50, True)))
    assert (found.value, found.n, found.unit) == (40, 5, "days")


def test_a_median_nobody_can_know_yet_is_not_told():
    assert median_days(times((10, True), (20, False), (30, False))).value is None
    assert median_days(times((10, False))).value is None
