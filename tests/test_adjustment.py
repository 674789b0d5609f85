"""What is said of touches nobody randomized: adjusted effects, overlap, balance, sensitivity, and lots not obeyed."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS, add_constant

from csworkbench.adjustment.aipw import (
    Learned,
    Rows,
    effect_on_all,
    effect_on_touched,
    learn,
    plain_difference,
    regression_difference,
    weights_of,
)
from csworkbench.adjustment.balance import balance_of
from csworkbench.adjustment.clusters import Difference, difference_of, numbered
from csworkbench.adjustment.compliance import compliance_of
from csworkbench.adjustment.covariates import covariates_of
from csworkbench.adjustment.overlap import overlap_of, score_bins
from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.adjustment.sensitivity import e_value, e_value_of_limit, robustness_of, robustness_value


def world(accounts=200, rows_each=10, seed=1, effect=0.5):
    """Account-weeks: a trait x of the account raises the chance of the touch and lowers the outcome."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), rows_each)
    x = rng.normal(size=accounts)[account] + 0.5 * rng.normal(size=len(account))
    touched = rng.random(len(account)) < 1 / (1 + np.exp(1.0 - 0.8 * x))
    shared = 0.4 * rng.normal(size=accounts)[account]
    outcome = effect * touched - x + shared + rng.normal(size=len(account))
    return Rows(touched, outcome, covariates_of(pd.DataFrame({"x": x})).matrix, account)


# Errors that count accounts


def test_the_error_of_a_difference_is_that_of_clustered_least_squares():
    rows = world(accounts=40, rows_each=6)
    found = plain_difference(rows)
    fitted = OLS(rows.outcome, add_constant(rows.is_touched.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": rows.accounts, "use_correction": False}
    )
    assert found.value == pytest.approx(fitted.params[1], abs=1e-9)
    assert found.error == pytest.approx(fitted.bse[1] * np.sqrt(40 / 39), rel=1e-9)


def test_a_row_told_twice_moves_no_error():
    rows = world(accounts=30, rows_each=4)
    twice = Rows(
        *(np.concatenate([each, each]) for each in (rows.is_touched, rows.outcome, rows.design, rows.accounts))
    )
    assert plain_difference(twice).error == pytest.approx(plain_difference(rows).error, rel=1e-9)


def test_one_account_has_no_error():
    assert difference_of(1.0, np.array([0.5, -0.5]), np.zeros(2, dtype=np.int64)) is None


def test_an_interval_is_that_of_student_with_one_degree_less_than_accounts():
    # t(.975, 9) = 2.262 in any table: 1 - 2.262 x 0.5 = -0.131.
    low, high = Difference(1.0, 0.5, 10).interval(0.95)
    assert (low, high) == pytest.approx((-0.131, 2.131), abs=5e-4)


def test_accounts_are_numbered_by_their_first_row():
    assert numbered(["b", "a", "b"]).tolist() == [0, 1, 0]


# Adjusted effects


def test_the_naive_sign_is_wrong_and_the_adjusted_effect_right():
    rows = world()
    learned = learn(rows, seed=1)
    adjusted = effect_on_touched(rows, learned)
    assert plain_difference(rows).value < 0
    assert abs(adjusted.value - 0.5) <= 3 * adjusted.error
    assert abs(effect_on_all(rows, learned).value - 0.5) <= 3 * effect_on_all(rows, learned).error


def test_the_score_is_that_of_robins_with_models_that_are_given():
    # Six accounts by hand: e = 1/2, so untouched rows weigh 1; mean of (y - 1) over three touched = (2 + 0 + 1) / 3,
    # less (0 + 1 - 1) / 3 over the untouched.
    rows = Rows(np.array([1, 1, 1, 0, 0, 0], bool), np.array([3.0, 1, 2, 1, 2, 0]), np.empty((6, 0)), np.arange(6))
    learned = Learned(np.full(6, 0.5), np.ones(6), np.full(6, 2.0), "ridge")
    assert effect_on_touched(rows, learned).value == pytest.approx(1.0)
    # ATE: 1 + mean over all of 2 (y - 2) touched = (2 - 2 + 0) / 6, less 2 (y - 1) untouched = (0 + 2 - 2) / 6.
    assert effect_on_all(rows, learned).value == pytest.approx(1.0)


def test_without_covariates_the_effect_is_the_plain_difference():
    rows = world(accounts=60, rows_each=2)
    bare = Rows(rows.is_touched, rows.outcome, np.empty((len(rows.outcome), 0)), rows.accounts)
    share = rows.is_touched.mean()
    learned = Learned(np.full(120, share), np.full(120, rows.outcome[~rows.is_touched].mean()), np.zeros(120), "ridge")
    assert effect_on_touched(bare, learned).value == pytest.approx(plain_difference(bare).value, abs=1e-9)


def test_an_account_is_never_on_both_sides_of_a_fold():
    # Each account has an outcome of its own that nothing explains: a model that had seen it would predict it.
    rng = np.random.default_rng(3)
    account = np.repeat(np.arange(60), 8)
    own = 10 * rng.normal(size=60)
    dummies = np.eye(60)[account]
    rows = Rows(rng.random(480) < 0.5, own[account], dummies, account)
    assert np.corrcoef(learn(rows, model="ridge").untouched, own[account])[0, 1] < 0.3


def test_a_fold_that_knows_one_kind_only_is_refused():
    touched = np.array([True] + [False] * 9)
    rows = Rows(touched, np.arange(10.0), np.empty((10, 0)), np.arange(10))
    with pytest.raises(ValueError, match="each fold needs touched and untouched rows"):
        learn(rows)


def test_regression_is_least_squares_with_errors_by_account():
    rows = world(accounts=40, rows_each=5)
    found = regression_difference(rows, rows.design)
    columns = add_constant(np.column_stack([rows.is_touched, rows.design]).astype(float))
    fitted = OLS(rows.outcome, columns).fit(
        cov_type="cluster", cov_kwds={"groups": rows.accounts, "use_correction": False}
    )
    assert found.value == pytest.approx(fitted.params[1], abs=1e-9)
    assert found.error == pytest.approx(fitted.bse[1] * np.sqrt(40 / 39), rel=1e-6)


def test_the_order_of_rows_does_not_matter_to_the_score():
    rows = world(accounts=50, rows_each=3)
    learned = learn(rows, model="ridge")
    order = np.random.default_rng(0).permutation(len(rows.outcome))
    mixed = Rows(rows.is_touched[order], rows.outcome[order], rows.design[order], rows.accounts[order])
    found = effect_on_touched(mixed, learned.only(order))
    assert found.value == pytest.approx(effect_on_touched(rows, learned).value, abs=1e-12)
    assert found.error == pytest.approx(effect_on_touched(rows, learned).error, rel=1e-12)


# Designs


def test_a_long_tail_has_a_logarithm_and_a_gap_has_a_mark():
    frame = pd.DataFrame({"money": [*range(11), 1000], "score": [1.0, None, 1, 3] * 3, "same": 1.0})
    design = covariates_of(frame)
    assert design.names == ("money", "score")
    # money, score; then the mark of the gaps, the logarithm of money and its square. score has two values: no square.
    assert sorted(design.sources) == ["money", "money", "money", "score", "score"]
    assert design.without("money").shape[1] == 2
    assert np.isfinite(design.matrix).all()


# Overlap and balance


def test_touched_rows_without_a_counterpart_are_trimmed_and_counted():
    chance = np.array([0.95, 0.5, 0.5, 0.5, 0.05, 0.5])
    touched = np.array([1, 1, 1, 0, 0, 0], bool)
    # Half of the rows are touched, so the chance at equal numbers is the chance; .95 and .05 lie outside .1 to .9.
    found = overlap_of(chance, touched, np.arange(6))
    assert found.is_kept.tolist() == [False, True, True, True, False, True]
    assert found.trimmed == pytest.approx(1 / 3)
    assert found.effective == pytest.approx(2.0)
    assert not found.is_enough


def test_more_untouched_rows_of_the_same_kind_trim_nobody():
    # A hundred times as many untouched rows: the chance of .5 becomes 1 / 101, and is .5 at equal numbers.
    chance = np.full(1010, 1 / 101)
    found = overlap_of(chance, np.arange(1010) < 10, np.arange(1010))
    assert found.chance == pytest.approx(np.full(1010, 0.5))
    assert (found.trimmed, found.below) == (0.0, 1.0)


def test_weights_of_one_account_are_one_account():
    # Four untouched rows of one account weigh like one: the effective number is 1, not 4.
    found = overlap_of(np.full(8, 0.5), np.arange(8) < 4, np.array([0, 1, 2, 3, 4, 4, 4, 4]))
    assert found.effective == pytest.approx(1.0)


def test_bins_hold_shares_of_each_kind():
    touched = np.array([True, True, False, False])
    bins = score_bins(overlap_of(np.array([0.31, 0.7, 0.31, 0.31]), touched, np.arange(4)), touched)
    assert bins[["touched", "untouched"]].sum().tolist() == pytest.approx([1, 1])
    assert bins.loc[bins["low"].round(2) == 0.3, "untouched"].tolist() == [1.0]


def test_balance_is_told_before_and_after_weighting():
    # Touched 1 and 3, others 0 and 2: variances 1 and 1, difference of the means 1. Weights 1 and 3 on the others make
    # their mean 1.5: a difference of .5.
    design = covariates_of(pd.DataFrame({"x": [1.0, 3, 0, 2]}))
    touched = np.array([1, 1, 0, 0], bool)
    found = balance_of(design, touched, np.array([1.0, 1, 1, 3]))
    assert found.loc[0, ["covariate", "smd_before", "smd_after", "is_flagged"]].tolist() == [
        "x", pytest.approx(1.0), pytest.approx(0.5), True,
    ]  # fmt: skip


# Sensitivity


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan")])
def test_an_e_value_needs_a_ratio(ratio):
    with pytest.raises(ValueError, match="a ratio lies above 0"):
        e_value(ratio)


def test_the_limit_of_an_interval_that_holds_one_needs_no_hidden_trait():
    assert e_value_of_limit(1.3, 0.9, 1.8) == 1.0
    assert e_value_of_limit(0.5, 0.3, 0.8) == e_value(0.8)


def test_a_trait_that_explains_the_robustness_value_of_both_erases_the_difference():
    # Cinelli and Hazlett (2020), eq. 14: the bias reaches the difference where R2y R2d / (1 - R2d) = t^2 / df.
    value = robustness_value(2.5, 200)
    assert value * value / (1 - value) == pytest.approx(2.5**2 / 200)


def test_benchmarks_are_the_partial_r2_of_least_squares():
    rows = world(accounts=100, rows_each=10)
    known = pd.DataFrame({"x": rows.design[:, 0], "y": np.random.default_rng(1).normal(size=1000)})
    design = covariates_of(known)
    touched = rows.is_touched.astype(float)
    marks = {mark.covariate: mark for mark in robustness_of(touched, rows.outcome, design).benchmarks}
    own, every = (add_constant(part) for part in (design.without("x"), design.matrix))
    left = OLS(touched, own).fit().ssr
    assert marks["x"].of_touch == pytest.approx(1 - OLS(touched, every).fit().ssr / left)
    own, every = (np.column_stack([part, touched]) for part in (own, every))
    left = OLS(rows.outcome, own).fit().ssr
    assert marks["x"].of_outcome == pytest.approx(1 - OLS(rows.outcome, every).fit().ssr / left)
    # x decides both and y neither: less of a trait like x is needed.
    assert marks["x"].times < (marks["y"].times or np.inf)


def test_covariates_that_say_the_same_are_one_yardstick():
    rows = world(accounts=100, rows_each=10)
    noise = np.random.default_rng(1).normal(size=1000)
    design = covariates_of(pd.DataFrame({"x": rows.design[:, 0], "again": rows.design[:, 0] + 0.1 * noise}))
    touched = rows.is_touched.astype(float)
    alone = robustness_of(touched, rows.outcome, design).benchmarks
    whole = robustness_of(touched, rows.outcome, design, {"x": "both", "again": "both"}).benchmarks
    assert [mark.covariate for mark in whole] == ["both"]
    assert whole[0].of_outcome > max(mark.of_outcome for mark in alone)


def test_no_regression_no_robustness():
    design = covariates_of(pd.DataFrame({"x": [0.0, 1, 0, 1]}))
    assert robustness_of(np.array([0.0, 1, 0, 1]), np.array([1.0, 2, 3, 4]), design) is None


# Lots that were not obeyed, and groups before and after


def test_compliers_are_the_effect_of_the_draw_over_the_share_it_moved():
    # Ten drawn, of whom five got it; ten not, nobody: share .5. Outcomes differ by 1 in the mean: compliers by 2.
    drawn = np.arange(20) < 10
    got = ((np.arange(20) % 2 == 0) & drawn).astype(float)
    outcome = np.where(drawn, np.tile([3.0, 1.0], 10), np.tile([0.5, 1.5], 10))
    found = compliance_of(drawn, got, outcome, np.arange(20))
    assert (found.drawn.value, found.share.value) == pytest.approx((1.0, 0.5))
    assert found.compliers is None or found.compliers.value == pytest.approx(2.0)


def test_the_error_of_compliers_is_that_of_two_stage_least_squares():
    from statsmodels.sandbox.regression.gmm import IV2SLS

    rng = np.random.default_rng(5)
    drawn = rng.random(400) < 0.5
    got = (drawn & (rng.random(400) < 0.7)).astype(float)
    outcome = 2 * got + rng.normal(size=400)
    found = compliance_of(drawn, got, outcome, np.arange(400)).compliers
    fitted = IV2SLS(outcome, add_constant(got), add_constant(drawn.astype(float))).fit()
    assert found.value == pytest.approx(fitted.params[1], abs=1e-9)
    assert found.error == pytest.approx(fitted.bse[1], rel=0.05)  # robust here, pooled there


def test_a_lot_that_moves_too_few_tells_nothing_of_compliers():
    rng = np.random.default_rng(6)
    drawn = np.arange(200) < 100
    got = (rng.random(200) < 0.5).astype(float)
    found = compliance_of(drawn, got, rng.normal(size=200), np.arange(200))
    assert found.strength < 10
    assert found.compliers is None
    assert found.drawn is not None


def test_a_change_beyond_others_is_the_interaction_of_least_squares():
    rng = np.random.default_rng(7)
    group, after = rng.random(200) < 0.3, rng.random(200) < 0.5
    outcome = 3 * group + 2 * after + rng.normal(size=200)
    found = change_beyond_others(outcome, group, after, max_smd=None)
    columns = np.column_stack([np.ones(200), group, after, group & after]).astype(float)
    fitted = OLS(outcome, columns).fit()
    assert found.value == pytest.approx(fitted.params[3], abs=1e-9)
    assert found.error == pytest.approx(fitted.bse[3], rel=1e-9)
    assert found.p == pytest.approx(fitted.pvalues[3], rel=1e-9)


def test_a_cell_with_one_row_has_no_change():
    flags = np.array([True, False, False, False, False])
    assert change_beyond_others(np.arange(5.0), flags, np.array([True, True, True, False, False])) is None


def test_published_sensitivity_of_darfur():
    # Cinelli and Hazlett (2020), table 1: t 4.18 with 783 degrees of freedom, RV 13.9 %.
    assert robustness_value(4.18, 783) == pytest.approx(0.139, abs=5e-4)


def test_weights_are_the_odds_of_the_untouched():
    assert weights_of(np.array([0.2, 0.2]), np.array([True, False])).tolist() == [1.0, 0.25]
