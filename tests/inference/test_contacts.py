"""Arms drawn among the contacts of accounts."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import t

from csworkbench import formats
from csworkbench.inference.contacts import within_accounts
from csworkbench.inference.effects import Method


def people(seed, effect=0.0, accounts=30):
    rng = np.random.default_rng(seed)
    account = rng.permutation(np.repeat(np.arange(accounts), 2 + rng.poisson(6, accounts)))
    arm = rng.integers(0, 2, len(account))
    outcome = rng.normal(0, 1, accounts)[account] + rng.normal(effect, 0.3, accounts)[account] * arm
    return account, outcome + rng.normal(size=len(account)), arm


def test_the_difference_is_least_squares_with_account_dummies_and_account_robust_errors():
    account, outcome, arm = people(1)
    found = within_accounts(account, outcome, arm, draws=99)
    frame = pd.DataFrame({"y": outcome, "t": arm, "g": account})
    mixed = frame[frame.groupby("g")["t"].transform("nunique") == 2]
    groups = mixed["g"].nunique()
    fitted = smf.ols("y ~ t + C(g)", mixed).fit(cov_type="cluster", cov_kwds={"groups": mixed["g"]})
    # statsmodels also multiplies by (n - 1) / (n - k), for the levels that were estimated.
    correction = (len(mixed) - 1) / (len(mixed) - groups - 1)
    assert found.value == pytest.approx(fitted.params["t"])
    assert found.error == pytest.approx(fitted.bse["t"] / np.sqrt(correction))


def test_the_values_are_those_of_accounts_by_what_they_tell():
    # Weights n1 n0 / n: accounts 0 to 4 have one of each, 1/2; account 5 has 2 and 2, 1. Together 3.5.
    account = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5])
    arm = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1])
    outcome = np.array([1.0, 3, 1, 2, 1, 2, 1, 2, 1, 2, 0, 2, 5, 7])
    found = within_accounts(account, outcome, arm, draws=9)
    # Control 1 everywhere; variant (3 + 4 x 2) / 2 + 6 = 11.5 over 3.5.
    assert found.value_control == pytest.approx(1)
    assert found.value_variant == pytest.approx(11.5 / 3.5)
    assert found.value == pytest.approx(8 / 3.5)
    assert found.n_units == 6
    assert found.relative(0.95) is None


def test_levels_of_accounts_do_not_matter():
    account, outcome, arm = people(2)
    one = within_accounts(account, outcome, arm, draws=199, seed=5)
    other = within_accounts(account, outcome + 100.0 * account, arm, draws=199, seed=5)
    assert (one.value, one.p) == pytest.approx((other.value, other.p))


def test_an_effect_taken_from_the_contacts_of_the_variant_moves_the_interval_by_it():
    account, outcome, arm = people(3)
    one = within_accounts(account, outcome, arm, draws=199, seed=5).interval(0.9)
    other = within_accounts(account, outcome - 0.4 * arm, arm, draws=199, seed=5).interval(0.9)
    assert np.array(one) - 0.4 == pytest.approx(other, abs=1e-3)


def test_an_effect_is_found_and_its_interval_holds_it():
    found = within_accounts(*people(4, effect=1.0, accounts=60), draws=999)
    low, high = found.interval(0.95)
    assert found.method is Method.PERMUTATION
    assert found.p == pytest.approx(1 / 1000)
    assert low < 1 < high


def test_many_accounts_are_judged_by_students_t():
    account, outcome, arm = people(5, effect=0.1, accounts=300)
    found = within_accounts(account, outcome, arm)
    assert found.method is Method.DELTA_T
    half = t.ppf(0.975, found.n_units - 1) * found.error
    assert found.interval(0.95) == pytest.approx((found.value - half, found.value + half))
    assert found.p == pytest.approx(2 * t.sf(abs(found.value) / found.error, found.n_units - 1))


@pytest.mark.parametrize(
    ("outcome", "arm", "code"),
    [
        ([1, 0] * 6, [0] * 6 + [1] * 6, "too_few_accounts"),
        ([1, 0] * 6, [0, 1] * 5 + [1, 1], "too_few_accounts"),
        ([1, 1, 0, 0] * 3, [0, 1] * 6, "no_variation"),
        ([1, 0] * 6, [0, 1] * 6, "no_variation"),
    ],
)
def test_accounts_that_say_nothing_are_told(outcome, arm, code):
    found = within_accounts(np.repeat(np.arange(6), 2), np.array(outcome), np.array(arm), draws=9)
    assert found.code == code
    assert formats.text(found.message)
