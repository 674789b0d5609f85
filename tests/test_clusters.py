"""Groups are found where they are, and nowhere else."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from csworkbench.inference.clusters import adjusted_rand, cluster, k_means, standardized

FAST = {"draws": 10, "references": 19, "most_groups": 4, "most_rows": 200}


def blobs(centers, each, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(centers)), each)
    return np.asarray(centers, float)[labels] + rng.normal(0, spread, (len(labels), len(centers[0]))), labels


def one_cloud(kind, n=200, seed=0):
    rng = np.random.default_rng(seed)
    long = rng.normal(size=(n, 1)) * 2 + rng.normal(size=(n, 4))  # correlation .8 of each pair
    return {
        "noise": lambda: rng.normal(size=(n, 4)),
        "correlated": lambda: long,
        "skewed": lambda: np.exp(long / 2),
        "skewed alone": lambda: rng.exponential(size=(n, 4)),
        "heavy tails": lambda: rng.standard_t(4, (n, 4)),
        "even": lambda: rng.random((n, 4)),
    }[kind]()


def test_planted_groups_are_found():
    features, labels = blobs([[0, 0, 6], [6, 0, 0], [0, 6, 0]], 60)
    found = cluster(features, **FAST)
    assert found.labels is not None
    assert adjusted_rand_score(labels, found.labels) >= 0.95


def test_skewed_units_hide_no_groups():
    features, labels = blobs([[0, 0, 6], [6, 0, 0], [0, 6, 0]], 60)
    found = cluster(np.exp(features / 2), **FAST)
    assert found.labels is not None
    assert adjusted_rand_score(labels, found.labels) >= 0.9


def test_groups_of_unequal_sizes_with_correlated_and_skewed_measures_are_found():
    centers = 6.0 * np.array([[0, 0, 0], [1, 0, 1], [0, 1, -1], [-1, 1, 1]])
    labels = np.repeat(range(4), [80, 50, 40, 30])
    tied = np.full((3, 3), 0.4) + 0.6 * np.eye(3)
    features = centers[labels] + np.random.default_rng(1).multivariate_normal(np.zeros(3), tied, 200)
    found = cluster(np.exp(features / 4), **FAST)
    assert found.labels is not None
    assert adjusted_rand_score(labels, found.labels) >= 0.9


def test_a_yes_or_no_beside_noise_makes_no_groups():
    rng = np.random.default_rng(2)
    features = np.column_stack([rng.normal(size=(200, 3)), rng.integers(0, 2, 200)])
    assert cluster(features, **FAST).labels is None


@pytest.mark.parametrize("kind", ["noise", "correlated", "skewed", "skewed alone", "heavy tails", "even"])
def test_one_cloud_has_no_stable_groups(kind):
    assert cluster(one_cloud(kind), **FAST).labels is None


def test_a_long_cloud_is_cut_at_the_same_place_and_still_has_no_groups():
    table = cluster(one_cloud("correlated", seed=3), **FAST).stability.set_index("groups")
    assert table.loc[2, "stability"] > 0.9
    assert not table["is_stable"].any()


def test_the_largest_group_comes_first():
    features, _ = blobs([[0, 0], [9, 9]], 30)
    more, _ = blobs([[9, 9]], 60, seed=1)
    found = cluster(np.vstack([features, more]), **FAST)
    assert found.labels[:30].mean() > 0.9
    assert found.labels[30:].mean() < 0.1


def test_the_same_seed_finds_the_same_groups():
    features, _ = blobs([[0, 0], [5, 5]], 50)
    first, second = (cluster(features, **FAST, seed=3) for _ in range(2))
    assert (first.labels == second.labels).all()
    assert first.stability.equals(second.stability)


@pytest.mark.parametrize("features", [np.empty((0, 3)), np.ones((100, 2)), np.arange(8.0).reshape(4, 2)])
def test_too_little_to_tell_has_no_groups(features):
    found = cluster(features, **FAST)
    assert found.labels is None
    assert found.stability.empty


def test_scores_are_standardized_and_outliers_drawn_in():
    features = np.column_stack([np.append(np.arange(99.0), 1e6), np.ones(100)])
    scores = standardized(features)
    assert scores.shape == (100, 1)  # the second is the same everywhere
    assert abs(scores).max() <= 3


def test_groups_are_those_of_scikit_learn():
    features, _ = blobs([[0, 0], [7, 0], [0, 7]], 40)
    labels, within = k_means(features, 3, np.ones((1, 120)), np.random.default_rng(0), starts=10)
    judge = KMeans(3, n_init=10, random_state=0).fit(features)
    assert adjusted_rand_score(judge.labels_, labels[0]) == 1
    assert within[0] == pytest.approx(judge.inertia_)


def test_rows_drawn_twice_weigh_twice():
    features, _ = blobs([[0, 0], [7, 0]], 20)
    weights = np.random.default_rng(1).integers(1, 4, 40)
    _, within = k_means(features, 2, weights[None].astype(float), np.random.default_rng(0), starts=5)
    judge = KMeans(2, n_init=5, random_state=0).fit(np.repeat(features, weights, axis=0))
    assert within[0] == pytest.approx(judge.inertia_)


def test_the_index_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    first, others = rng.integers(0, 3, 50), rng.integers(0, 3, (5, 50))
    expected = [adjusted_rand_score(first, other) for other in others]
    assert adjusted_rand(first, others, 3) == pytest.approx(expected)
