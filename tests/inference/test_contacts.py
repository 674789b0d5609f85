"""Arms drawn among the contacts of accounts."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from csworkbench.inference.contacts import within_accounts


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


def test_levels_of_accounts_do_not_matter():
    account, outcome, arm = people(2)
    one = within_accounts(account, outcome, arm, draws=199, seed=5)
    other = within_accounts(account, outcome + 100.0 * account, arm, draws=199, seed=5)
    assert (one.value, one.p()) == pytest.approx((other.value, other.p()))


def test_supposing_an_effect_is_taking_it_away_from_the_contacts_of_the_variant():
    account, outcome, arm = people(3)
    one = within_accounts(account, outcome, arm, draws=199, seed=5)
    other = within_accounts(account, outcome - 0.4 * arm, arm, draws=199, seed=5)
    assert one.p(0.4) == pytest.approx(other.p())


def test_an_effect_is_found_and_its_interval_holds_it():
    account, outcome, arm = people(4, effect=1.0, accounts=60)
    found = within_accounts(account, outcome, arm, draws=999)
    low, high = found.interval()
    assert found.p() == pytest.approx(1 / 1000)
    assert low < 1 < high


def test_a_null_is_rejected_as_often_as_it_should_be():
    rejected = sum(within_accounts(*people(seed, accounts=12), draws=99, seed=seed).p() <= 0.05 for seed in range(200))
    assert rejected / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize(
    ("account", "outcome", "arm", "code"),
    [
        ([0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1], "no_pairs"),
        ([0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 1, 1], "no_pairs"),
        ([0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], "no_variation"),
        ([0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1], "no_variation"),
    ],
)
def test_accounts_that_say_nothing_are_told(account, outcome, arm, code):
    assert within_accounts(np.array(account), np.array(outcome), np.array(arm), draws=9).code == code
