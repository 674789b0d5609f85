"""Groups of accounts that behave alike, if there are any: k-means whose number of groups has to be stable.

One cloud of points can always be cut in two, and one that is long is even cut at the same place again and again. So the
stability of every number of groups is held against that of a single cloud with the same correlation, and with the same
values where features have few of them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEAST_STABLE = 0.8  # adjusted Rand index below which groups found again are not the same groups
STARTS, FULL_STARTS, ROUNDS = 2, 10, 30
FARTHEST = 3.0  # standard deviations: what lies farther out pulls as if it lay here
LEAST_SPREAD = 0.02  # of stability between references: they are few
LEAST_HEAP = 0.05  # share of rows with one and the same value that makes a feature discrete
COLUMNS = ["groups", "stability", "one_cloud", "one_cloud_high", "within", "one_cloud_within", "is_stable"]


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """The groups that were found.

    Args:
        labels: Number of the group of each row, 0 to k - 1, the largest group first; None: no stable groups.
        stability: One row per number of groups: groups, stability (mean adjusted Rand index of the groups against those
            found when the rows are drawn again), one_cloud and one_cloud_high (the same of single clouds: mean and
            largest), within (share of the squared distances that lies within groups), one_cloud_within (the smallest of
            single clouds), is_stable.
        scores: The standardized features, one row per row and one column per feature.
    """

    labels: "Ints | None"
    stability: "pd.DataFrame"
    scores: "Floats"


def cluster(
    features: "Floats",
    *,
    most_groups: int = 6,
    draws: int = 15,
    references: int = 19,
    most_rows: int = 300,
    seed: int = 1,
) -> Clustering:
    """Return the groups of rows, where a number of groups is stable and more so than in a single cloud.

    A number of groups is stable when the groups are found again with an adjusted Rand index of .8 or more, better than
    in each of the single clouds of the same correlation, and are tighter than in each of them; one of the two by more
    standard deviations than in any cloud at any number of groups, so that the search over numbers is allowed for. Of
    several numbers, the one is taken whose stability exceeds that of the clouds most.

    Args:
        features: Rows x features without missing values; see `standardized`.
        most_groups: Largest number of groups that is tried, at least 2.
        draws: How often rows are drawn again.
        references: How many single clouds are drawn; 19 = one in twenty passes by chance.
        most_rows: Stability of a larger table is measured on so many of its rows.
        seed: The same seed gives the same groups.

    Source: Hennig (2007), Computational Statistics & Data Analysis 52, 258-271 (stability by drawing again);
        Tibshirani, Walther and Hastie (2001), JRSS B 63, 411-423 (reference without groups); Hubert and Arabie (1985),
        Journal of Classification 2, 193-218 (adjusted Rand index).
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    scores = standardized(features)
    n, p = scores.shape
    numbers = [number for number in range(2, most_groups + 1) if n >= 10 * number] if p else []
    if not numbers:
        return Clustering(None, _table([], np.empty((1, 2, 0)), np.empty((1, 2, 0))), scores)
    some = scores[np.sort(rng.choice(n, most_rows, replace=False))] if n > most_rows else scores
    found = np.array([_measured(some, numbers, draws, rng)])
    clouds = np.array([_measured(_symmetric(_cloud(some, rng)), numbers, draws, rng) for _ in range(references)])
    table = _table(numbers, found, clouds)
    stable = table[table["is_stable"]]
    if stable.empty:
        return Clustering(None, table, scores)
    excess = stable["stability"] - stable["one_cloud"]
    chosen = int(stable["groups"].iloc[int(excess.to_numpy().argmax())])
    labels, _ = k_means(scores, chosen, np.ones((1, n)), rng, starts=FULL_STARTS)
    return Clustering(_largest_first(labels[0]), table, scores)


def standardized(features: "Floats") -> "Floats":
    """Return features made symmetric with mean 0 and deviation 1, outliers drawn in.

    Args:
        features: Rows x features; a feature that is the same everywhere is left out.

    Source: Box and Cox (1964), JRSS B 26, 211-252, for features above 0, so that the logarithm of a lognormal one is
        taken; Yeo and Johnson (2000), Biometrika 87, 954-959, for the others.
    """
    import numpy as np
    from sklearn.preprocessing import PowerTransformer

    columns = []
    for feature in features.T:
        if not len(feature) or np.ptp(feature) == 0:
            continue
        is_above = bool(feature.min() > 0)
        scaled = feature / feature.mean() if is_above else (feature - feature.mean()) / feature.std()
        power = PowerTransformer("box-cox" if is_above else "yeo-johnson", standardize=False)
        columns.append(power.fit_transform(scaled[:, None])[:, 0])
    return _symmetric(np.column_stack(columns)) if columns else np.empty((len(features), 0))


def adjusted_rand(first: "Ints", others: "Ints", groups: int) -> "Floats":
    """Return how alike groupings are: 1 the same, 0 as alike as by chance.

    Args:
        first: Group of each row.
        others: Groupings x rows.
        groups: Number of groups of all of them.
    """
    import numpy as np

    n, size = len(first), groups * groups
    cell = np.arange(len(others))[:, None] * size + first * groups + others
    counts = np.bincount(cell.ravel(), minlength=len(others) * size).reshape(-1, groups, groups)
    both, one, other = (_pairs(each) for each in (counts.reshape(-1, size), counts.sum(axis=2), counts.sum(axis=1)))
    expected, most = one * other / (n * (n - 1) / 2), (one + other) / 2
    alike = most - expected <= 0  # all rows in one group, both times
    return np.where(alike, 1.0, (both - expected) / np.where(alike, 1.0, most - expected))


def k_means(
    x: "Floats", groups: int, weights: "Floats", rng: "np.random.Generator", *, starts: int = STARTS
) -> "tuple[Ints, Floats]":
    """Return k-means groups for each of several weightings of the same rows, all at once.

    Args:
        x: Rows x features.
        groups: Number of groups.
        weights: Weightings x rows, at least 0; rows of weight 0 get the group of the nearest center.
        rng: Generator of the starting centers.
        starts: How often each is begun; the tightest counts.

    Returns:
        Group of each row (weightings x rows), and the weighted sum of squared distances within groups.

    Source: Lloyd (1982); Arthur and Vassilvitskii (2007), k-means++; checked against scikit-learn.
    """
    import numpy as np

    repeated = np.repeat(weights, starts, axis=0)
    centers = _spread(x, groups, repeated, rng)
    labels = _nearest(x, centers)[0]
    for _ in range(ROUNDS):
        centers = _means(x, labels, repeated, centers)
        moved = _nearest(x, centers)[0]
        if (moved == labels).all():
            break
        labels = moved
    labels, distance = _nearest(x, centers)
    within = (repeated * distance).sum(axis=1).reshape(-1, starts)
    best = within.argmin(axis=1)
    rows = np.arange(len(weights))
    return labels.reshape(len(weights), starts, -1)[rows, best], within[rows, best]


def _measured(x: "Floats", numbers: list[int], draws: int, rng: "np.random.Generator") -> "Floats":
    """Return stability and the share within groups of each number of groups."""
    import numpy as np

    n = len(x)
    total = float(((x - x.mean(axis=0)) ** 2).sum())
    lines = []
    for number in numbers:
        labels, within = k_means(x, number, np.ones((1, n)), rng, starts=FULL_STARTS)
        again = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
        drawn, _ = k_means(x, number, again, rng)
        lines.append((float(adjusted_rand(labels[0], drawn, number).mean()), float(within[0]) / total))
    return np.array(lines).T


def _table(numbers: list[int], found: "Floats", clouds: "Floats") -> "pd.DataFrame":
    import pandas as pd

    if not numbers:
        return pd.DataFrame({name: pd.Series(dtype="bool" if name == "is_stable" else "float") for name in COLUMNS})
    far = [_beyond(found[:, part], clouds[:, part], sign) for part, sign in ((0, 1.0), (1, -1.0))]
    stability, within = found[0]
    mean, highest, tightest = clouds[:, 0].mean(axis=0), clouds[:, 0].max(axis=0), clouds[:, 1].min(axis=0)
    is_apart = (stability > highest) & (within < tightest) & (far[0] | far[1])
    columns = (numbers, stability, mean, highest, within, tightest, is_apart & (stability >= LEAST_STABLE))
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _beyond(found: "Floats", clouds: "Floats", sign: float) -> "NDArray[np.bool_]":
    """Return at which numbers of groups a figure lies farther out than that of any cloud at any number."""
    import numpy as np

    mean = clouds.mean(axis=0)
    spread = np.maximum(clouds.std(axis=0, ddof=1), LEAST_SPREAD)
    return np.asarray(sign * (found[0] - mean) / spread > (sign * (clouds - mean) / spread).max())


def _cloud(x: "Floats", rng: "np.random.Generator") -> "Floats":
    """Return one normal cloud with as many rows and the correlation of others; where values heap up, so do its own.

    A count or a yes and no can be cut between its values however independent it is of everything else: so a cloud takes
    the same values as often, and is correlated so much more beforehand as rounding to them will take away.
    """
    import numpy as np
    from scipy.stats import norm

    n, p = x.shape
    heaped = [np.unique(column, return_counts=True)[1].max() > LEAST_HEAP * n for column in x.T]
    ranks = norm.ppf((np.arange(n) + 0.5) / n)
    kept = [np.corrcoef(ranks, np.sort(x[:, place]))[0, 1] if heaped[place] else 1.0 for place in range(p)]
    wanted = np.cov(x, rowvar=False).reshape(p, p) / np.outer(kept, kept)
    np.fill_diagonal(wanted, x.var(axis=0, ddof=1))
    values, vectors = np.linalg.eigh(wanted)
    drawn = np.asarray(rng.standard_normal(x.shape) * np.sqrt(np.maximum(values, 0)) @ vectors.T)
    for place in np.flatnonzero(heaped):
        drawn[np.argsort(drawn[:, place], kind="stable"), place] = np.sort(x[:, place])
    return drawn


def _symmetric(x: "Floats") -> "Floats":
    import numpy as np

    return np.asarray(np.clip((x - x.mean(axis=0)) / x.std(axis=0), -FARTHEST, FARTHEST))


def _spread(x: "Floats", groups: int, weights: "Floats", rng: "np.random.Generator") -> "Floats":
    """Return starting centers: rows that lie far from each other."""
    import numpy as np

    chance, centers = weights, np.empty((len(weights), 0, x.shape[1]))
    for _ in range(groups):
        heap = np.cumsum(chance, axis=1)
        picked = (heap < (rng.random(len(weights)) * heap[:, -1])[:, None]).sum(axis=1)
        centers = np.concatenate([centers, x[np.minimum(picked, len(x) - 1)][:, None]], axis=1)
        # A little for everybody: where all rows of weight are centers already, any of them will do.
        chance = weights * (_nearest(x, centers)[1] + 1e-12)
    return centers


def _nearest(x: "Floats", centers: "Floats") -> "tuple[Ints, Floats]":
    """Return for each weighting and row the nearest center and the squared distance to it."""
    import numpy as np

    runs, groups, p = centers.shape
    apart = (centers**2).sum(axis=2)[:, :, None] - 2 * (centers.reshape(-1, p) @ x.T).reshape(runs, groups, -1)
    labels = apart.argmin(axis=1)
    distance = np.take_along_axis(apart, labels[:, None], axis=1)[:, 0] + (x**2).sum(axis=1)
    return labels, np.maximum(distance, 0.0)


def _means(x: "Floats", labels: "Ints", weights: "Floats", centers: "Floats") -> "Floats":
    """Return the weighted mean of each group; a group without weight keeps its center."""
    import numpy as np

    runs, groups, p = centers.shape
    cell = (labels + np.arange(runs)[:, None] * groups).ravel()
    mass = np.bincount(cell, weights.ravel(), runs * groups)
    sums = [np.bincount(cell, (weights * x[:, column]).ravel(), runs * groups) for column in range(p)]
    means = np.stack(sums, axis=1) / np.maximum(mass, 1e-12)[:, None]
    return np.where(mass[:, None] > 0, means, centers.reshape(-1, p)).reshape(runs, groups, p)


def _largest_first(labels: "Ints") -> "Ints":
    import numpy as np

    order = np.argsort(-np.bincount(labels), kind="stable")
    return np.argsort(order)[labels]


def _pairs(counts: "Ints") -> "Floats":
    import numpy as np

    return np.asarray((counts * (counts - 1) / 2).sum(axis=1))
