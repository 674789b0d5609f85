"""One declared trait says where a playbook works."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_ind

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.scoping import scope
from tests.adjustment.plan_books import episodes


def effects(values, shared_error=0.0, accounts=None):
    names = [f"e{i}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "episode_id": names,
            "account_id": accounts or names,
            "effect": np.asarray(values, float),
            "standard_error": 1.0,
            "shared_error": shared_error,
        }
    )


def trait(values):
    return pd.Series(values, index=[f"e{i}" for i in range(len(values))])


def test_the_difference_is_that_of_welch():
    inside, outside = [1.0, 2.0, 4.0, 3.0], [0.0, 0.5, -1.0]
    found = scope(effects(inside + outside), trait([True] * 4 + [False] * 3))
    test = ttest_ind(inside, outside, equal_var=False)
    interval = test.confidence_interval()
    assert found.difference.value == pytest.approx(np.mean(inside) - np.mean(outside))
    assert found.p == pytest.approx(test.pvalue)
    assert (found.difference.low, found.difference.high) == pytest.approx((interval.low, interval.high))


def test_few_plans_make_a_candidate_only():
    values, inside = np.tile([0.0, 1.0], 22), [True, False] * 22
    assert scope(effects(values), trait(inside)).is_candidate
    assert not scope(effects([*values, 1.0]), trait([*inside, True])).is_candidate


def test_a_side_with_one_account_tells_nothing():
    found = scope(effects([1.0, 2.0, 3.0]), trait([True, False, False]))
    assert found.difference.value is None
    assert found.p is None
    assert found.inside.value == 1.0
    assert found.inside.low is None


def test_an_unknown_trait_and_a_plan_without_an_effect_count_nowhere():
    found = scope(effects([1.0, 2.0, np.nan, 4.0]), trait([True, None, True, False]))
    assert (found.n_inside, found.n_outside) == (1, 1)


def test_two_plans_of_an_account_are_one():
    found = scope(effects([1.0, 3.0, 5.0, 0.0, 1.0], accounts=list("aabcd")), trait([True] * 3 + [False] * 2))
    assert (found.n_inside, found.n_outside) == (2, 2)
    assert found.inside.value == pytest.approx((2 + 5) / 2)


def test_effects_without_any_spread_have_no_p_value():
    found = scope(effects([2.0, 2.0, 1.0, 1.0]), trait([True, True, False, False]))
    assert found.difference.value == 1.0
    assert found.p is None


def test_controls_that_both_sides_share_cancel_and_others_add_up():
    # Sides held against the same controls: their chance is in both means. Against other ones: .3^2 + .4^2 = .5^2 more.
    values, sides = [1.0, 2.0, 4.0, 3.0, 0.0, 1.0], trait([True] * 3 + [False] * 3)
    same = scope(effects(values, 0.3), sides, influence=lambda share: np.array([0.3 * share.sum()]))
    pulls = [[0.3] * 3 + [0.0] * 3, [0.0] * 3 + [0.4] * 3]
    apart = scope(effects(values, 0.3), sides, influence=lambda share: np.array(pulls) @ share)
    plain = scope(effects(values, 0.0), sides)
    assert same.p == pytest.approx(plain.p)
    # Variances of three values over 3: (7 / 3) / 3 inside and outside each, and .25 by two controls on top.
    parts = [np.var(values[:3], ddof=1) / 3, np.var(values[3:], ddof=1) / 3]
    freedom = (sum(parts) + 0.25) ** 2 / (sum(part**2 / 2 for part in parts) + 0.09**2 + 0.16**2)
    reach = t.ppf(0.975, freedom) * np.sqrt(sum(parts) + 0.25)
    assert apart.difference.high - apart.difference.value == pytest.approx(reach)


def test_a_trait_that_decides_which_controls_are_used_is_not_found_where_it_does_nothing():
    rng, found, draws = np.random.default_rng(1), 0, 60
    for _ in range(draws):
        # 45 plans in each tier, in one of six months each; 12 and 150 controls with an own way that lasts.
        size = np.array([45, 45, 12, 150])
        kind = np.repeat(np.arange(4), size)
        level, way = rng.normal(size=(2, len(kind)))
        times = np.where(kind < 2, 1, 6)
        place = np.repeat(np.arange(len(kind)), times)
        at = np.concatenate([rng.integers(6, size=1) if each == 1 else np.arange(6) for each in times])
        older, newer, after = level[place] + 0.6 * rng.normal(size=(3, len(place)))
        frame = episodes(
            kind[place] < 2, older, newer, after + 0.5**0.5 * way[place], account_id=[f"a{each}" for each in place],
            tier=np.where(np.isin(kind[place], [0, 2]), "large", "mid"),
            month=pd.Timestamp("2026-01-01") + pd.to_timedelta(31 * at, unit="D"),
        )  # fmt: skip
        compared = compare(frame, CompareRules())
        is_large = (frame["tier"] == "large").set_axis(frame["episode_id"])
        found += scope(compared.effects, is_large, influence=compared.influence).p < 0.05
    assert found / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5
