"""Parameter error, common shocks and the test of past forecasts, against other libraries and by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.api import Logit

from csworkbench.inference.calibration import Calibration, calibration_test
from csworkbench.inference.models import fit
from csworkbench.inference.parameters import coefficient_draws, risk_draws
from csworkbench.inference.shocks import LARGEST, USUAL, shocks_of


def taught(seed=3, rows=4000):
    """A logistic model of rows that come four to an account, with what the accounts share left in the residuals."""
    rng = np.random.default_rng(seed)
    accounts = np.repeat(np.arange(rows // 4), 4)
    x = rng.standard_normal(rows // 4)[accounts]
    lost = rng.random(rows) < 1 / (1 + np.exp(1 - x - rng.standard_normal(rows // 4)[accounts]))
    frame = pd.DataFrame({"x": x})
    return frame, lost, accounts, fit("logistic", frame, lost, accounts)


def test_draws_vary_as_the_cluster_robust_variance_of_statsmodels_says():
    frame, lost, accounts, model = taught()
    drawn = coefficient_draws(model, frame, lost, accounts, draws=40_000, seed=1)
    design = np.column_stack([np.ones(len(frame)), model.design(frame)])
    judge = Logit(lost.astype(float), design).fit(disp=0, cov_type="cluster", cov_kwds={"groups": accounts})
    # A ridge of 1 to 100 is nothing to 4,000 rows; statsmodels multiplies by (n - 1) / (n - k) on top; 40,000 draws
    # know a variance to .7 %.
    assert np.cov(drawn.T) == pytest.approx(np.asarray(judge.cov_params()), rel=0.05, abs=1e-4)
    assert drawn.mean(axis=0) == pytest.approx(np.asarray(judge.params), abs=0.02)


def test_rows_of_an_account_repeated_make_nothing_surer():
    frame, lost, accounts, model = taught(rows=800)
    twice = pd.concat([frame, frame], ignore_index=True)
    once = coefficient_draws(model, frame, lost, accounts, draws=20_000, seed=1).std(axis=0)
    again = coefficient_draws(model, twice, np.tile(lost, 2), np.tile(accounts, 2), draws=20_000, seed=1).std(axis=0)
    assert again == pytest.approx(once, rel=0.02)


def test_risks_of_the_fitted_coefficients_are_those_of_the_model():
    frame, _, _, model = taught(rows=800)
    fitted = np.array([[model.parameters["intercept"], *model.parameters["coefficients"]]])
    assert risk_draws(model, fitted, frame)[0] == pytest.approx(model.risk(frame))


# --- shocks -----------------------------------------------------------------------------------------------------------


def test_without_a_past_the_deviation_is_that_of_the_prior():
    nothing = np.empty(0)
    shocks = shocks_of(nothing, nothing, nothing)
    # Half-normal with scale .5, cut at 1.5 = 3 scales: its mean is .5 * sqrt(2 / pi) (1 - exp(-4.5)) / (2 Phi(3) - 1).
    expected = USUAL * np.sqrt(2 / np.pi) * (1 - np.exp(-4.5)) / (2 * norm.cdf(LARGEST / USUAL) - 1)
    assert shocks.mean == pytest.approx(expected, abs=0.01)
    assert shocks.periods == 0


def test_quarters_that_missed_by_more_than_chance_make_larger_shocks():
    chance = np.full(8, 15.0)  # deviation of chance: 3.9 renewals
    calm = shocks_of(np.array([1.0, -2, 3, -1, 2, -3, 1, -1]), chance, np.zeros(8))
    wild = shocks_of(np.array([9.0, -12, 10, -8, 11, -9, 12, -10]), chance, np.zeros(8))
    assert calm.mean < 0.15
    # Missed by 10 on average: 10^2 = 15 + sd^2 15^2, so sd = .61.
    assert wild.mean == pytest.approx(0.61, abs=0.12)


def test_what_the_model_itself_did_not_know_is_no_shock():
    missed, chance = np.array([9.0, -12, 10, -8]), np.full(4, 15.0)
    assert shocks_of(missed, chance, np.full(4, 85.0)).mean < shocks_of(missed, chance, np.zeros(4)).mean


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8))
def test_the_deviation_is_a_distribution_over_its_grid(missed):
    shocks = shocks_of(np.array(missed), np.full(len(missed), 10.0), np.zeros(len(missed)))
    assert shocks.weight.sum() == pytest.approx(1)
    assert 0 <= shocks.quantile(0.025) <= shocks.quantile(0.975) <= LARGEST


# --- the test of past forecasts ---------------------------------------------------------------------------------------


def test_the_bias_is_the_mean_of_what_was_said_less_what_came():
    said = np.array([0.9, 0.8, 0.7, 0.6])
    test = calibration_test(said, np.array([True, True, False, False]), np.arange(4))
    assert test.bias.value == pytest.approx(0.75 - 0.5)
    # Residuals about the mean: -.35, -.45, .45, .35; SE = sqrt(.65 / 4 / 3) and Student's 3.182 with 3 degrees.
    half = 3.182446 * np.sqrt(0.65 / 4 / 3)
    assert (test.bias.low, test.bias.high) == (pytest.approx(0.25 - half), pytest.approx(0.25 + half))
    assert test.verdict is Calibration.TOO_FEW


def test_forecasts_of_one_account_count_as_one():
    rng = np.random.default_rng(2)
    said = np.full(400, 0.7)
    came = np.repeat(rng.random(100) < 0.7, 4)
    together = calibration_test(said, came, np.repeat(np.arange(100), 4))
    apart = calibration_test(said, came, np.arange(400))
    assert together.bias.n == 100
    assert together.bias.high - together.bias.low > 1.8 * (apart.bias.high - apart.bias.low)


def test_forecasts_that_are_too_extreme_and_right_on_average_are_uneven():
    # Said 99 % and 41 %, came 80 % and 60 %.
    said = np.repeat([0.99, 0.41], 200)
    came = np.concatenate([np.arange(200) < 160, np.arange(200) < 120])
    test = calibration_test(said, came, np.arange(400))
    assert test.bias.value == pytest.approx(0)
    assert test.verdict is Calibration.UNEVEN


def test_a_forecast_of_one_that_failed_is_no_accident_of_the_sums():
    came = np.arange(100) < 60
    test = calibration_test(np.ones(100), came, np.arange(100))
    assert test.verdict is Calibration.TOO_OPTIMISTIC
    assert test.p_value is not None
    assert test.p_value < 0.001


def test_a_handful_of_accounts_calibrates_nothing_however_many_renewals_they_have():
    # 4 accounts of 40 renewals, said 89 %, came 30 %: the statistic of the test cannot exceed 4.
    came = np.tile(np.arange(40) < 12, 4)
    test = calibration_test(np.full(160, 0.89), came, np.repeat(np.arange(4), 40))
    assert (test.rarer, test.verdict, test.p_value) == (48, Calibration.TOO_FEW, None)


def test_no_forecast_has_no_bias():
    nothing = calibration_test(np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=np.int64))
    assert nothing.bias.value is None
    assert nothing.verdict is Calibration.TOO_FEW


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=2, max_size=60))
def test_saying_the_opposite_of_the_opposite_turns_the_bias_round(rows):
    said, came = np.array([p for p, _ in rows]), np.array([c for _, c in rows])
    accounts = np.arange(len(rows))
    one, other = calibration_test(said, came, accounts), calibration_test(1 - said, ~came, accounts)
    assert one.bias.value == pytest.approx(-other.bias.value, abs=1e-12)
