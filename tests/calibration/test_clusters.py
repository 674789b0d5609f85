"""Single clouds are seldom given groups, and planted ones are found: quick here, in full with make calibrate."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from csworkbench.inference.clusters import cluster

QUICK, FULL, FULL_PLANTED = 2, 60, 10
ROWS, FEATURES = 200, 4
SEED = 20261122


def long_cloud(rng):
    return rng.normal(size=(ROWS, 1)) * 2 + rng.normal(size=(ROWS, FEATURES))  # correlation .8 of each pair


CLOUDS = {
    "noise": lambda rng: rng.normal(size=(ROWS, FEATURES)),
    "correlated": long_cloud,
    "lognormal, correlated": lambda rng: np.exp(long_cloud(rng) / 2),
    "exponential": lambda rng: rng.exponential(size=(ROWS, FEATURES)),
    "heavy tails": lambda rng: rng.standard_t(4, (ROWS, FEATURES)),
    "even": lambda rng: rng.random((ROWS, FEATURES)),
    "counts": lambda rng: rng.poisson(1.0, (ROWS, FEATURES)).astype(float),
    "yes or no": lambda rng: rng.integers(0, 2, (ROWS, FEATURES)).astype(float),
    "one yes or no": lambda rng: np.column_stack([rng.normal(size=(ROWS, FEATURES - 1)), rng.integers(0, 2, ROWS)]),
    "five steps, correlated": lambda rng: np.clip(np.round(long_cloud(rng)), -2, 2),
    "many zeros": lambda rng: rng.exponential(size=(ROWS, FEATURES)) * (rng.random((ROWS, FEATURES)) > 0.4),
}
AWAY = 5.0
CENTERS = AWAY * np.array([[0, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, -1]])
TIED = np.full((FEATURES, FEATURES), 0.5) + 0.5 * np.eye(FEATURES)  # correlation .5 of each pair
# Sizes of the groups, correlation within them, and what becomes of the measures. The last: least mean adjusted Rand
# index, which is lower where k-means itself, told the number of groups, gets no more.
PLANTED = {
    "two": ((150, 150), np.eye(FEATURES), lambda x: x, 0.9),
    "three": ((100, 100, 100), np.eye(FEATURES), lambda x: x, 0.9),
    "three, unequal": ((180, 80, 40), np.eye(FEATURES), lambda x: x, 0.75),
    "three, correlated": ((100, 100, 100), TIED, lambda x: x, 0.9),
    "three, skewed": ((100, 100, 100), np.eye(FEATURES), lambda x: np.exp(x / 2), 0.9),
    "three, whole numbers": ((100, 100, 100), np.eye(FEATURES), np.round, 0.9),
    "four": ((75, 75, 75, 75), np.eye(FEATURES), lambda x: x, 0.9),
    "five": ((60, 60, 60, 60, 60), np.eye(FEATURES), lambda x: x, 0.9),
    "five, unequal": ((110, 70, 50, 40, 30), np.eye(FEATURES), lambda x: x, 0.9),
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize("kind", CLOUDS)
def test_single_clouds_are_seldom_given_groups(kind, reps):
    given = 0
    for seed in range(reps):
        features = CLOUDS[kind](np.random.default_rng([SEED, seed]))
        found = cluster(features, draws=10, most_groups=4, most_rows=ROWS, seed=seed)
        given += found.labels is not None
    print(f"{kind}: {given} of {reps} single clouds were given groups")
    # 19 references: at most one in twenty by chance, plus three standard errors; of every kind by itself
    assert given / reps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / reps)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("reps", [pytest.param(FULL_PLANTED, marks=pytest.mark.calibration)])
@pytest.mark.parametrize("kind", PLANTED)
def test_planted_groups_are_found(kind, reps):
    sizes, correlation, becomes, least = PLANTED[kind]
    indices = []
    for seed in range(reps):
        rng = np.random.default_rng([SEED, seed])
        labels = np.repeat(np.arange(len(sizes)), sizes)
        features = CENTERS[labels] + rng.multivariate_normal(np.zeros(FEATURES), correlation, len(labels))
        found = cluster(becomes(features), draws=10, seed=seed)
        indices.append(0.0 if found.labels is None else adjusted_rand_score(labels, found.labels))
    print(f"{kind}: adjusted Rand index {np.mean(indices):.3f}, lowest {min(indices):.3f}, of {reps}")
    assert np.mean(indices) >= least
