"""One declared trait says where a playbook works."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from csworkbench.adjustment.scoping import scope


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
