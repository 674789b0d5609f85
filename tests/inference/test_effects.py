"""Effects of a variant against other libraries, the rule of which inference, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
import tea_tasting as tt

from csworkbench import formats
from csworkbench.inference.accounts import AccountSums, CannotTell, adjusted_values, roll_up, with_covariate
from csworkbench.inference.effects import Effect, Method, ancova, compare, delta_t, judge, method_for


def contacts(seed, accounts=300, effect=0.0, arms=2):
    """Contacts of accounts of uneven size whose shares differ: account, arm of accounts, outcome, outcome before."""
    rng = np.random.default_rng(seed)
    size = 1 + rng.poisson(rng.gamma(2, 4, accounts))
    arm = rng.permutation(np.arange(accounts) % arms)
    share = np.clip(rng.beta(2, 6, accounts) + effect * (arm == 1), 0, 1)
    account = np.repeat(np.arange(accounts), size)
    return (
        account,
        arm,
        (rng.random(len(account)) < share[account]) * 1.0,
        (rng.random(len(account)) < share[account]) * 1.0,
    )


def some(seed=1, accounts=300, **more):
    account, arm, outcome, _ = contacts(seed, accounts, **more)
    return roll_up(account, outcome, arm)


@pytest.mark.parametrize("seed", range(3))
def test_the_ratio_over_accounts_is_contact_least_squares_with_account_robust_errors(seed):
    account, arm, outcome, _ = contacts(seed)
    found = delta_t(roll_up(account, outcome, arm))
    frame = pd.DataFrame({"y": outcome, "t": arm[account]})
    fitted = smf.ols("y ~ t", frame).fit(cov_type="cluster", cov_kwds={"groups": account})
    assert found.value == pytest.approx(fitted.params["t"])
    assert found.error == pytest.approx(fitted.bse["t"], rel=0.01)


def test_the_ratio_with_a_covariate_is_that_of_tea_tasting_on_contacts_put_together():
    account, arm, outcome, before = contacts(4)
    sums, _ = with_covariate(roll_up(account, outcome, arm), np.bincount(account, before), np.bincount(account) * 1.0)
    found = delta_t(sums)
    frame = pd.DataFrame(
        {"variant": arm, "s": sums.total, "n": sums.size, "x": np.bincount(account, before), "m": np.bincount(account)}
    )
    expected = tt.Experiment(y=tt.RatioOfMeans("s", "n", "x", "m")).analyze(frame)["y"]
    # Its covariate is a ratio of each arm, ours is linearized over both: equal up to the square of their difference.
    assert found.value == pytest.approx(expected.effect_size, abs=0.02 * found.error)
    assert found.interval(0.95) == pytest.approx(
        (expected.effect_size_ci_lower, expected.effect_size_ci_upper), abs=0.05 * found.error
    )
    assert found.variance_kept < 1


def test_the_error_is_that_of_the_interval():
    # So many accounts that Student's quantile is the normal one to three digits.
    found = delta_t(some(2, 4000))
    low, high = found.interval(0.95)
    assert (high - low) / 2 == pytest.approx(1.96 * found.error, rel=1e-3)


def test_a_mean_with_a_covariate_is_cuped():
    rng = np.random.default_rng(0)
    before = rng.normal(10, 2, 300)
    frame = pd.DataFrame({"variant": np.arange(300) % 2, "x": before, "y": before + rng.normal(0, 1, 300)})
    frame["y"] += 0.3 * frame["variant"]
    expected = tt.Experiment(y=tt.Mean("y", "x")).analyze(frame)["y"]
    sums = AccountSums(frame["variant"].to_numpy(), frame["y"].to_numpy(), np.ones(300))
    found = delta_t(with_covariate(sums, before, np.ones(300))[0])
    assert (found.value, found.p) == pytest.approx((expected.effect_size, expected.pvalue))
    assert found.relative(0.95).low == pytest.approx(expected.rel_effect_size_ci_lower)
    # y = x + noise, so 1 - rho^2 = 1 / (4 + 1) about.
    assert found.variance_kept == pytest.approx(1 - np.corrcoef(frame["x"], frame["y"])[0, 1] ** 2, abs=0.02)


def test_ancova_is_least_squares_with_hc2_errors():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"t": np.repeat([0, 1], [120, 80]), "x": rng.normal(size=200)})
    frame["y"] = 5 + frame["t"] * (0.5 + 0.4 * frame["x"]) + frame["x"] + rng.normal(size=200)
    sums = AccountSums(frame["t"].to_numpy(), frame["y"].to_numpy(), np.ones(200))
    sums, _ = with_covariate(sums, frame["x"].to_numpy(), np.ones(200))
    frame["about"] = frame["x"] - frame["x"].mean()
    for formula, is_interacted in (("y ~ t + about", False), ("y ~ t * about", None)):
        fitted = smf.ols(formula, frame).fit(cov_type="HC2", use_t=True)
        found = ancova(sums, is_interacted=is_interacted)
        assert (found.value, found.error, found.p) == pytest.approx(
            (fitted.params["t"], fitted.bse["t"], fitted.pvalues["t"])
        )
        assert found.interval(0.9) == pytest.approx(tuple(fitted.conf_int(0.1).loc["t"]))


def test_the_relative_interval_of_ancova_without_a_covariate_is_that_of_the_ratio_of_means():
    sums = some(5).equal_weight()
    one, other = ancova(sums).relative(0.95), delta_t(sums).relative(0.95)
    # HC2 without a covariate is Welch's variance; degrees of freedom differ by a few of 300.
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-3)


@pytest.mark.parametrize(
    ("sizes", "method"),
    [
        ((5, 400), Method.DESCRIPTIVE),
        ((6, 6), Method.PERMUTATION),
        ((99, 100), Method.PERMUTATION),
        ((39, 400), Method.PERMUTATION),
        ((100, 100), Method.DELTA_T),
        ((40, 160), Method.DELTA_T),
    ],
)
def test_the_number_of_accounts_decides_the_inference(sizes, method):
    assert method_for(sizes) is method


def test_few_accounts_are_described_and_not_tested():
    found = judge(AccountSums(np.array([0] * 5 + [1] * 20), np.arange(25.0), np.ones(25)))
    assert found.code == "too_few_accounts"
    assert found.value_control == 2
    assert found.value_variant == pytest.approx(14.5)
    assert formats.text(found.message).startswith("An arm has 5 accounts; below 6")


def test_few_accounts_are_judged_by_permutation():
    found = compare(some(1, 40)).effect
    assert found.method is Method.PERMUTATION
    estimate = found.estimate("share")
    assert estimate.low < estimate.value < estimate.high
    assert estimate.n == 40


def test_many_accounts_are_judged_by_the_delta_method():
    assert compare(some(1, 400)).effect.method is Method.DELTA_T


def test_the_permutation_has_the_value_of_the_delta_method():
    sums = some(1, 40)
    assert compare(sums).effect.value == pytest.approx(delta_t(sums).value)


def test_the_large_sample_test_is_shown_where_it_disagrees():
    shown = []
    for seed in range(60):
        sums = some(seed, 14, effect=0.15)
        found = compare(sums)
        disagrees = (delta_t(sums).p < 0.05) != (found.effect.p < 0.05)
        assert (found.otherwise is not None) == disagrees
        shown.append(disagrees)
    assert any(shown)


def test_accounts_of_uneven_size_are_also_counted_once_each():
    # Big accounts gain .2, small ones lose .2: contacts gain, accounts lose.
    rng = np.random.default_rng(0)
    size = np.tile([100.0, 100, 2, 2, 2, 2], 50)
    arm = np.tile([0, 1], 150)
    share = np.where(size > 50, 0.4 + 0.2 * arm, 0.5 - 0.2 * arm)
    found = compare(AccountSums(arm, rng.binomial(size.astype(int), share).astype(float), size))
    assert found.effect.value > 0 > found.per_account.value
    assert found.is_informative_size


def test_accounts_of_even_size_are_counted_in_one_way():
    assert compare(AccountSums(np.tile([0, 1], 100), np.arange(200.0), np.ones(200))).per_account is None


def test_a_control_that_is_not_above_zero_has_no_relative_effect():
    rng = np.random.default_rng(0)
    sums = AccountSums(np.tile([0, 1], 100), rng.normal(-1, 1, 200) + np.tile([0, 5], 100), np.ones(200))
    assert delta_t(sums).relative(0.95) is None
    assert ancova(sums).relative(0.95) is None


def test_an_outcome_that_only_the_variant_had_has_an_effect_and_no_relative_one():
    total = np.zeros(240)
    total[1:40:2] = 1  # twenty accounts of the variant
    found = compare(AccountSums(np.tile([0, 1], 120), total, np.ones(240))).effect
    assert found.value == pytest.approx(20 / 120)
    assert found.relative(0.95) is None
    assert 0 < found.p < 1e-4
    assert np.isfinite(found.interval(0.95)).all()


@pytest.mark.parametrize("ask", [compare, judge, ancova])
def test_what_cannot_be_compared_comes_back_in_words(ask):
    found = ask(AccountSums(np.array([0, 0, 1]), np.array([1.0, 2, 3]), np.ones(3)))
    assert isinstance(found, CannotTell)
    assert formats.text(found.message)
    assert isinstance(ask(AccountSums(np.tile([0, 1], 20), np.zeros(40), np.ones(40))), CannotTell)


def test_ancova_tests_no_fewer_than_six_accounts_an_arm():
    assert ancova(AccountSums(np.tile([0, 1], 5), np.arange(10.0), np.ones(10))).code == "too_few_accounts"


def test_a_covariate_that_does_not_vary_changes_nothing():
    sums, _ = with_covariate(some(), np.ones(300), np.ones(300))
    assert delta_t(sums).value == pytest.approx(delta_t(some()).value)
    assert delta_t(sums).variance_kept is None


def test_the_order_of_accounts_is_irrelevant():
    sums, mixed = some(), np.random.default_rng(0).permutation(300)
    other = AccountSums(sums.arm[mixed], sums.total[mixed], sums.size[mixed])
    one, two = (compare(each).effect for each in (sums, other))
    assert isinstance(one, Effect)
    assert (one.value, one.p) == pytest.approx((two.value, two.p))


def test_the_relative_interval_of_few_accounts_agrees_with_their_test():
    for seed in range(8):
        found = compare(some(seed, 30, effect=0.12)).effect
        relative = found.relative(0.95)
        assert relative.value == pytest.approx(found.value_variant / found.value_control - 1)
        assert relative.low < relative.value < relative.high
        if abs(found.p - 0.05) > 0.003:  # a bound is found to a step or two of the p-value
            assert (relative.low > 0 or relative.high < 0) == (found.p < 0.05)


def test_few_accounts_without_the_outcome_in_the_control_have_no_relative_effect():
    found = compare(AccountSums(np.tile([0, 1], 10), np.tile([0.0, 1, 0, 0], 5), np.ones(20))).effect
    assert found.method is Method.PERMUTATION
    assert found.relative(0.95) is None
    assert np.isfinite(found.estimate("share").high)


def test_values_at_the_same_covariate_are_those_of_tea_tasting():
    account, arm, outcome, before = contacts(4)
    sums, _ = with_covariate(roll_up(account, outcome, arm), np.bincount(account, before), np.bincount(account) * 1.0)
    found = delta_t(sums)
    assert adjusted_values(sums) == pytest.approx((found.value_control, found.value_variant))


def test_arms_drawn_in_groups_of_one_arm_tell_nothing():
    # Two strata, each all of one arm: no other draw was possible.
    arm = np.repeat([0, 1], 10)
    found = judge(AccountSums(arm, np.arange(20.0), np.ones(20), arm))
    assert found.code == "too_few_arrangements"


@pytest.mark.parametrize("ask", [delta_t, ancova])
def test_a_control_next_to_zero_has_no_relative_effect_and_the_same_absolute_one(ask):
    rng = np.random.default_rng(0)
    noise, arm = rng.normal(size=300), np.tile([0, 1], 150)
    noise[arm == 0] -= noise[arm == 0].mean() - 1e-9
    near, away = (ask(AccountSums(arm, noise + plus, np.ones(300))) for plus in (0.0, 50.0))
    assert near.relative(0.95) is None
    assert (near.value, near.p, *near.interval(0.9)) == pytest.approx((away.value, away.p, *away.interval(0.9)))
    assert near.value_control == pytest.approx(1e-9, abs=1e-11)


@pytest.mark.parametrize("covariate", [np.tile([-1.0, 1], 10), np.eye(20)[0] - 1 / 20])
def test_a_covariate_of_the_arm_or_of_one_account_leaves_least_squares_nothing(covariate):
    y = np.random.default_rng(0).normal(size=20)
    assert ancova(AccountSums(np.tile([0, 1], 10), y, np.ones(20), None, covariate)).code == "no_variation"
