"""Single clouds are given groups as rarely as the reference says: quick here, in full with make calibrate."""

import numpy as np
import pytest

from csworkbench.inference.clusters import cluster

QUICK, FULL = 3, 100
ROWS, FEATURES = 200, 4


def clouds(rng):
    long = rng.normal(size=(ROWS, 1)) * 2 + rng.normal(size=(ROWS, FEATURES))  # correlation .8 of each pair
    return {
        "noise": rng.normal(size=(ROWS, FEATURES)),
        "correlated": long,
        "lognormal": np.exp(long / 2),
        "exponential": rng.exponential(size=(ROWS, FEATURES)),
        "heavy tails": rng.standard_t(4, (ROWS, FEATURES)),
        "even": rng.random((ROWS, FEATURES)),
    }


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
def test_single_clouds_are_seldom_given_groups(reps):
    given = total = 0
    for seed in range(reps):
        for features in clouds(np.random.default_rng(20261122 + seed)).values():
            found = cluster(features, draws=10, most_groups=4, most_rows=ROWS, seed=seed)
            given, total = given + (found.labels is not None), total + 1
    print(f"{given} of {total} single clouds were given groups")
    # 19 references: at most one in twenty by chance, plus three standard errors
    assert given / total <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / total)
