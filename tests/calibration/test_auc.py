"""The interval of an AUC covers the truth as often as it says: quick here, in full with make calibrate."""

import numpy as np
import pytest
from scipy.stats import norm

from csworkbench.analyses.health.outcomes import auc

QUICK, FULL = 300, 5000


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize(("n", "base_rate", "shift"), [(400, 0.27, 1.0), (150, 0.15, 0.8), (1000, 0.1, 0.0)])
def test_the_interval_covers_the_true_auc_as_often_as_it_says(n, base_rate, shift, reps):
    # Points of the bad are normal and lower by `shift` SD: AUC = Phi(shift / sqrt 2), Hanley & McNeil (1982).
    truth = norm.cdf(shift / np.sqrt(2))
    rng = np.random.default_rng(20261122)
    covered = 0
    for _ in range(reps):
        is_bad = rng.random(n) < base_rate
        is_bad[:2] = True, False
        found = auc(rng.normal(50, 10, n) - 10 * shift * is_bad, is_bad)
        covered += found.low <= truth <= found.high
    rate, error = covered / reps, np.sqrt(0.95 * 0.05 / reps)
    print(f"n {n}, base rate {base_rate}, AUC {truth:.3f}: covered {rate:.4f} +- {error:.4f} over {reps}")
    assert abs(rate - 0.95) <= 3 * error + 0.005
