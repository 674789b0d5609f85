"""Adjusted effects are unbiased and cover the truth as often as they say: quick here, in full with make calibrate."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.aipw import Rows, effect_on_touched, learn, plain_difference
from csworkbench.adjustment.covariates import covariates_of

QUICK, FULL = 60, 500
ACCOUNTS, EACH, EFFECT = 200, 10, 0.3


def world(kind, seed):
    """2,000 account-weeks of 200 accounts: two traits of accounts, one of weeks; all move the touch and the outcome."""
    rng = np.random.default_rng([20261122, seed])
    account = np.repeat(np.arange(ACCOUNTS), EACH)
    lasting = rng.normal(size=(ACCOUNTS, 2))[account]
    passing = rng.normal(size=ACCOUNTS * EACH)
    touched = rng.random(len(account)) < 1 / (1 + np.exp(0.8 - 0.5 * lasting[:, 0] + 0.5 * passing))
    straight = lasting[:, 0] - lasting[:, 1] - passing
    bent = np.exp(0.7 * lasting[:, 0]) + np.maximum(-passing, 0) + np.sin(2 * lasting[:, 1])
    own = 0.5 * rng.normal(size=ACCOUNTS)[account]
    outcome = EFFECT * touched + (straight if kind == "linear" else bent) + own + rng.normal(size=len(account))
    frame = pd.DataFrame({"one": lasting[:, 0], "two": lasting[:, 1], "passing": passing})
    return Rows(touched, outcome, covariates_of(frame).matrix, account)


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize(("kind", "model"), [("linear", "ridge"), ("nonlinear", "ridge"), ("nonlinear", "best")])
def test_an_adjusted_effect_is_unbiased_and_covers_the_truth(kind, model, reps):
    if model == "best" and reps == QUICK:
        pytest.skip("trees take ten times as long: in full with make calibrate")
    values, errors, covered, naive = [], [], 0, []
    for seed in range(reps):
        rows = world(kind, seed)
        found = effect_on_touched(rows, learn(rows, model=model, seed=seed))
        low, high = found.interval(0.95)
        covered += low <= EFFECT <= high
        values.append(found.value)
        errors.append(found.error)
        naive.append(plain_difference(rows).value)
    rate, noise = covered / reps, np.sqrt(0.95 * 0.05 / reps)
    bias = (np.mean(values) - EFFECT) / np.mean(errors)
    bias_noise = np.std(values) / np.mean(errors) / np.sqrt(reps)
    spread = np.mean(errors) / np.std(values)
    print(
        f"{kind}, {model}: bias {bias:+.3f} +- {bias_noise:.3f} SE, covered {rate:.4f} +- {noise:.4f}, error over "
        f"spread {spread:.3f}, naive {np.mean(naive) - EFFECT:+.3f}, over {reps}"
    )
    assert abs(bias) <= 0.1 + 3 * bias_noise
    assert 0.92 - 3 * noise * (reps < FULL) <= rate <= 0.97 + 3 * noise * (reps < FULL)
