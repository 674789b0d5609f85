"""Effects of a playbook pooled over its plans."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from csworkbench.adjustment.pooling import mixture_quantile, pool, pool_part, random_effects


def effects(values, errors=1.0, shared_error=0.0, accounts=None):
    names = [f"e{i}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "episode_id": names,
            "account_id": accounts or names,
            "effect": np.asarray(values, float),
            "standard_error": errors,
            "shared_error": shared_error,
        }
    )


def posterior_of_tau(tau, values, errors):
    """Density of tau up to a constant, mu integrated out (Gelman et al., eq. 5.21), flat prior."""
    variance = np.asarray(errors) ** 2 + tau**2
    total = (1 / variance).sum()
    mu = (values / variance).sum() / total
    return np.prod(norm.pdf(values, mu, np.sqrt(variance))) / np.sqrt(total), mu, 1 / total


def test_chances_are_those_of_numerical_integration():
    values, errors = np.array([0.2, 0.9, 1.4, -0.3, 0.8, 0.5]), np.array([0.3, 0.4, 0.5, 0.4, 0.3, 0.6])

    def integral(what):
        return quad(lambda tau: what(*posterior_of_tau(tau, values, errors), tau), 0, 20, points=[0.2, 1, 3])[0]

    mass = integral(lambda density, mu, variance, tau: density)
    above = integral(lambda density, mu, variance, tau: density * norm.sf(0.25, mu, np.sqrt(variance))) / mass
    further = (
        integral(lambda density, mu, variance, tau: density * norm.sf(0.25, mu, np.sqrt(variance + tau**2))) / mass
    )
    mean = integral(lambda density, mu, variance, tau: density * mu) / mass
    pooled = pool(effects(values, errors))
    assert pooled.chance_above(0.25) == pytest.approx(above, abs=2e-3)
    assert pooled.next_above(0.25) == pytest.approx(further, abs=2e-3)
    assert pooled.mean == pytest.approx(mean, abs=2e-3)


def test_the_interval_of_mu_holds_its_share_of_the_chance():
    pooled = pool(effects([0.2, 0.9, 1.4, -0.3, 0.8], 0.4), level=0.9)
    assert 1 - pooled.chance_above(pooled.low) == pytest.approx(0.05, abs=1e-6)
    assert pooled.chance_above(pooled.high) == pytest.approx(0.05, abs=1e-6)


def test_a_chance_without_an_account_is_that_of_all_others():
    frame = effects([0.2, 0.9, 1.4, -0.3, 0.8, 0.4, 0.6], 0.4, 0.1, accounts=list("aabcdef"))
    pooled = pool(frame)
    chances = pooled.chance_above_without(0.3)
    for episode, account in (("e0", "a"), ("e1", "a"), ("e3", "c")):
        assert chances[episode] == pytest.approx(
            pool(frame[frame["account_id"] != account]).chance_above(0.3), abs=0.01
        )
    assert pool_part(frame, frame["account_id"] != "b").n == 5  # a, c, d, e and f


def test_without_its_only_account_nothing_is_left():
    pooled = pool(effects([0.4, 0.5], accounts=["a", "a"]))
    assert pooled.chance_above_without(0.0).isna().all()
    assert pool_part(pooled.accounts.assign(shared_error=0.0), pooled.accounts["account_id"] != "a") is None


def test_a_part_of_the_plans_shares_the_chance_of_its_own_controls():
    # a has two plans, b one; c and d are the other side. Controls: one for a and b (.3), one for c and d (.4).
    frame = effects([1.0, 3.0, 2.0, 0.0, 1.0, np.nan], 1.0, 0.25, accounts=list("aabcde"))
    pulls = np.array([[0.3, 0.3, 0.3, 0.0, 0.0], [0.0, 0.0, 0.0, 0.4, 0.4]])
    one, other = (
        pool_part(frame, frame["account_id"].isin(list(names)), lambda share: pulls @ share) for names in ("ab", "cd")
    )
    assert one.hierarchy.shared == pytest.approx(0.3)  # shares 1/4, 1/4, 1/2
    assert other.hierarchy.shared == pytest.approx(0.4)
    own = pool_part(frame, frame["account_id"] == "a", lambda share: np.array([[1.0, 0, 0, 0, 0]]) @ share)
    assert own.hierarchy.shared == pytest.approx(0.5)  # its first plan is half of it


def test_the_interval_of_one_side_covers_where_its_controls_are_few():
    rng, covers, draws = np.random.default_rng(5), np.zeros(2), 150
    pulls = np.array([[0.3] * 10 + [0.0] * 30, [0.0] * 10 + [0.1] * 30])
    is_part = pd.Series(np.arange(40) < 10)
    for _ in range(draws):
        common = np.where(is_part, 0.3 * rng.normal(), 0.1 * rng.normal())
        every = np.hypot(0.3 * 10 / 40, 0.1 * 30 / 40)  # of the mean over all
        frame = effects(common + rng.normal(0, 0.3, 40), 0.3, every)
        for place, influence in enumerate((lambda share: pulls @ share, None)):
            found = pool_part(frame, is_part, influence)
            covers[place] += found.low <= 0 <= found.high
    own, borrowed = covers / draws
    assert own >= 0.95 - 3 * (0.05 * 0.95 / draws) ** 0.5
    assert borrowed < 0.85  # what all plans share is too little for these ten


def test_no_effect_at_all_is_nothing_to_pool():
    assert pool(effects([np.nan, np.nan])) is None


def test_the_shared_error_does_not_shrink_with_the_number_of_plans():
    rng = np.random.default_rng(1)
    pooled = pool(effects(rng.normal(size=2000), 1.0, 0.3))
    assert pooled.high - pooled.low == pytest.approx(2 * 1.96 * np.sqrt(0.3**2 + 1 / 2000), rel=0.02)
    assert pooled.accounts["sd"].min() >= 0.3


def test_accounts_are_drawn_to_the_mean_the_more_the_less_is_known_of_them():
    pooled = pool(effects([2.0, 2.0, 0.0, 0.1, -0.1, 0.0], [0.2, 2.0, 0.2, 0.2, 0.2, 0.2]))
    sure, unsure = pooled.accounts["mean"].iloc[:2]
    assert sure > 1.5
    assert unsure < 1.0
    assert (pooled.accounts["low"] < pooled.accounts["mean"]).all()


def test_one_plan_says_little_about_the_next_account():
    pooled = pool(effects([1.0], 0.1))
    assert pooled.knapp is None
    assert pooled.chance_above(0.5) < 0.95


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=8), st.floats(0, 1))
def test_more_effect_never_lowers_the_chance(values, more):
    one, other = pool(effects(values)), pool(effects([value + more for value in values]))
    assert other.chance_above(0.5) >= one.chance_above(0.5) - 1e-9


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_plans_does_not_matter(order):
    frame = effects([0.2, 0.9, 1.4, -0.3, 0.8, 0.1], np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8]))
    assert pool(frame.iloc[list(order)]).chance_above(0.4) == pytest.approx(pool(frame).chance_above(0.4))


def test_effects_and_chances_mirror_each_other():
    values = [0.2, 0.9, 1.4, -0.3]
    assert pool(effects(values)).chance_above(0.3) == pytest.approx(
        1 - pool(effects(np.negative(values))).chance_above(-0.3)
    )


def test_a_quantile_of_one_normal_is_its_own():
    found = mixture_quantile(0.975, np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0]]))
    assert found == pytest.approx([2 + 3 * norm.ppf(0.975)])


def test_equal_effects_leave_no_variance_between():
    found = random_effects(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3]))
    assert found.tau2 == 0
    assert found.mean == pytest.approx(1)


def test_one_effect_has_no_random_effects_mean():
    with pytest.raises(ValueError, match="at least two effects"):
        random_effects(np.array([1.0]), np.array([1.0]))


def test_examples_without_noise_can_be_pooled():
    pooled = pool(effects([0.5, 0.5, 0.5, 0.5, 0.5], 0.0))
    assert pooled.mean == pytest.approx(0.5)
    assert pooled.chance_above(0.4) == pytest.approx(1)
    assert pooled.chance_above(0.6) == pytest.approx(0)


def test_several_plans_of_an_account_count_as_one_account():
    # Plans of an account that differ by as much as their error says: own variance .36 / 2, like one plan of that.
    both = pool(effects([0.2, 0.2 + 0.6 * 2**0.5, 1.0, -0.3], 0.6, accounts=list("aabc")))
    one = pool(effects([0.2 + 0.3 * 2**0.5, 1.0, -0.3], np.array([0.18**0.5, 0.6, 0.6]), accounts=list("abc")))
    assert both.n == 3
    assert (both.mean, both.low, both.tau) == pytest.approx((one.mean, one.low, one.tau))
    assert both.accounts["mean"].iloc[0] == both.accounts["mean"].iloc[1]


def test_plans_of_an_account_that_agree_are_no_surer_than_one_of_them():
    twice = pool(effects([0.2, 0.2, 1.0, 1.0, -0.3, -0.3], 0.6, accounts=list("aabbcc")))
    once = pool(effects([0.2, 1.0, -0.3], 0.6))
    assert (twice.mean, twice.low, twice.high) == pytest.approx((once.mean, once.low, once.high))


def test_the_interval_of_mu_covers_with_three_plans_of_each_of_ten_accounts():
    rng, hits = np.random.default_rng(2), 0
    for _ in range(200):
        values = rng.normal(0, 1, 10).repeat(3) + rng.normal(0, 0.5, 30)
        pooled = pool(effects(values, 0.5, accounts=[f"a{number}" for number in range(10) for _ in range(3)]))
        hits += pooled.low <= 0 <= pooled.high
    assert hits / 200 >= 0.92


def test_the_chance_without_one_account_is_that_of_all_at_once():
    pooled = pool(effects([0.2, 0.9, 1.4, -0.3], accounts=["a", "a", "b", "c"]))
    one, every = pooled.chances_without(), pooled.chance_above_without(0.3)
    assert {plan: one(plan, 0.3) for plan in every.index} == every.to_dict()


def test_without_another_account_there_is_no_chance_to_tell():
    assert pool(effects([0.2, 0.9], accounts=["a", "a"])).chances_without()("e0", 0.3) is None
