"""What plans would have had without a plan: a weighted mean of accounts without one, corrected for what still differs.

Every design is the same sum with other controls and weights: a lottery and a threshold weigh all controls of a cell
(month and draw) alike, matching takes the nearest ones of each plan. The correction is an analysis of covariance within
cells, learned from controls alone, so that plans cannot bend it.
"""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Episodes of one side, plans or controls.

    Args:
        outcome: Window after.
        covariates: One row per episode; the level before comes first.
        cell: Number of the cell of each episode; controls are compared within cells only.
        account: Number of the account of each episode.
    """

    outcome: "Floats"
    covariates: "Floats"
    cell: "Ints"
    account: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """How controls stand for plans.

    Args:
        mean: A value per control -> its weighted mean per plan.
        spread: A value per plan -> per control, the sum of its weights for them times these values.
        use: Per control, the sum of its weights over all plans.
        squares: Per plan, the sum of squared weights.
        number: Per plan, the controls it is held against.
    """

    mean: "Callable[[Floats], Floats]"
    spread: "Callable[[Floats], Floats]"
    use: "Floats"
    squares: "Floats"
    number: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What was expected of plans without a plan.

    Args:
        value: Per plan.
        error: SD of the prediction for one account, per plan.
        fit_variance: Part of its square that comes from estimating the expectation.
        shared_error: Standard error of the mean of the values: what plans have in common because of their controls.
        residual: Per control, what it differs from its own expectation.
        freedom: Degrees of freedom of the controls.
        influence: A share per plan -> per control account, its part of the error of the expectations so weighted.
    """

    value: "Floats"
    error: "Floats"
    fit_variance: "Floats"
    shared_error: float
    residual: "Floats"
    freedom: int
    influence: "Callable[[Floats], Floats]"


def alike(plans: Side, controls: Side) -> Weights:
    """Return weights that hold each plan against all controls of its cell."""
    import numpy as np

    cells = int(max(plans.cell.max(), controls.cell.max())) + 1
    size = np.bincount(controls.cell, minlength=cells)
    many = np.bincount(plans.cell, minlength=cells)

    def mean(values: "Floats") -> "Floats":
        return np.asarray((np.bincount(controls.cell, values, minlength=cells) / np.maximum(size, 1))[plans.cell])

    def spread(values: "Floats") -> "Floats":
        return np.asarray((np.bincount(plans.cell, values, minlength=cells) / np.maximum(size, 1))[controls.cell])

    number = size[plans.cell]
    return Weights(mean, spread, (many / np.maximum(size, 1))[controls.cell], 1 / np.maximum(number, 1), number)


def nearest(
    plans: Side, controls: Side, places: "tuple[Floats, Floats]", most: int, *, caliper: float = inf
) -> Weights:
    """Return weights that hold each plan against its nearest controls of the same cell, with replacement.

    Args:
        plans: Plans; each cell of theirs has a control.
        controls: Controls.
        places: Where plans and controls lie: one row per episode, distances in standard deviations.
        most: Controls per plan at most.
        caliper: How far the first covariate, the level, of a control may lie from that of the plan; a plan with none
            there keeps its nearest.

    Source: Rubin and Thomas (2000), JASA 95, 573-585, for nearest neighbours within a caliper.
    """
    import numpy as np

    pairs = []
    order = np.argsort(controls.cell, kind="stable")
    starts = np.searchsorted(controls.cell[order], np.arange(int(plans.cell.max()) + 2))
    plan_order = np.argsort(plans.cell, kind="stable")
    for inside in np.split(plan_order, np.flatnonzero(np.diff(plans.cell[plan_order])) + 1):
        cell = plans.cell[inside[0]]
        there = order[starts[cell] : starts[cell + 1]]
        levels = plans.covariates[inside, 0], controls.covariates[there, 0]
        row, column = _nearest((places[0][inside], places[1][there]), levels, most, caliper)
        pairs.append((inside[row], there[column]))
    row, column = (np.concatenate(side) for side in zip(*pairs, strict=True))
    number = np.bincount(row, minlength=len(plans.cell))
    weight = 1 / number[row]

    def mean(values: "Floats") -> "Floats":
        return np.asarray(np.bincount(row, weight * values[column], minlength=len(number)), dtype=float)

    def spread(values: "Floats") -> "Floats":
        return np.asarray(np.bincount(column, weight * values[row], minlength=len(controls.cell)), dtype=float)

    return Weights(mean, spread, spread(np.ones(len(number))), 1 / number, number)


def _nearest(
    places: "tuple[Floats, Floats]", levels: "tuple[Floats, Floats]", most: int, caliper: float
) -> "tuple[Ints, Ints]":
    """Return each plan of a cell with its nearest controls whose level is near, or else with the nearest of all.

    More and more neighbours are asked for only where those of too different a level stand in front of the others.
    """
    import numpy as np
    from scipy.spatial import cKDTree

    tree, by_level = cKDTree(places[1]), np.sort(levels[1])
    own = levels[0]
    near = np.searchsorted(by_level, own + caliper, "right") - np.searchsorted(by_level, own - caliper)
    wanted, asked, count = np.minimum(near, most), np.arange(len(own)), min(most, len(by_level))
    rows, columns = [], []
    while len(asked):
        _, found = tree.query(places[0][asked], k=np.arange(1, count + 1))
        is_close = np.abs(own[asked, None] - levels[1][found]) <= caliper
        is_all = count == len(by_level)
        is_done = (is_close.sum(axis=1) >= wanted[asked]) | is_all
        is_close[:, 0] |= is_done & ~is_close.any(axis=1)
        row, place = np.nonzero(is_close & is_done[:, None] & (is_close.cumsum(axis=1) <= most))
        rows.append(asked[row])
        columns.append(found[row, place])
        asked, count = asked[~is_done], min(4 * count, len(by_level))
    return np.concatenate(rows), np.concatenate(columns)


def expect(plans: Side, controls: Side, weights: Weights, *, is_drawn: bool = False) -> Expected:
    """Return what was expected of plans: the mean of their controls, moved along the slopes within cells.

    The prediction of one account has the variance s^2 (1 + sum w^2) + d' V d, with s the spread of controls about their
    own expectation, d what is left between the covariates of a plan and of its controls, and V the account-robust
    covariance of the slopes. The error of the mean over plans comes from the influence of each control account on it,
    so a control that stands for many plans counts as one.

    Args:
        plans: Plans.
        controls: Controls; every cell of a plan has some.
        weights: How controls stand for plans.
        is_drawn: A lot decided who is a plan: slopes are then learned from both sides, which makes them surer and lets
            the effect change its sign, and nothing else, where the sides change their names.

    Source: Abadie and Imbens (2011), JBES 29, 1-11, for bias-corrected matching; Liang and Zeger (1986) for clusters.
    """
    import numpy as np

    learned = (controls, plans) if is_drawn else (controls,)
    x = np.concatenate([_within(side.covariates, side.cell) for side in learned])
    y = np.concatenate([_within(side.outcome[:, None], side.cell)[:, 0] for side in learned])
    account = np.concatenate([side.account for side in learned])
    inverse = np.linalg.pinv(x.T @ x)
    slopes = inverse @ (x.T @ y)
    rest = y - x @ slopes
    taken = len(y) - sum(len(np.unique(side.cell)) for side in learned)
    freedom = max(taken - int(np.linalg.matrix_rank(x.T @ x)), 1)
    shift = plans.covariates - np.column_stack([weights.mean(column) for column in controls.covariates.T])
    own = rest[: len(controls.outcome)] * np.sqrt(max(taken, 1) / freedom)
    residual, spread = _spread(own, controls, weights)
    groups = int(account.max()) + 1
    pull = np.column_stack([np.bincount(account, column * rest, groups) for column in x.T])
    pull = pull @ inverse * np.sqrt(len(y) / freedom)

    def influence(share: "Floats") -> "Floats":
        own = np.bincount(controls.account, weights.spread(share) * residual, groups)
        return np.asarray(own + pull @ (share @ shift))

    common = influence(np.full(len(plans.outcome), 1 / len(plans.outcome)))
    fit_variance = spread * weights.squares + np.einsum("ij,jk,ik->i", shift, pull.T @ pull, shift)
    return Expected(
        weights.mean(controls.outcome) + shift @ slopes,
        np.sqrt(spread + fit_variance),
        fit_variance,
        float(np.sqrt((common**2).sum())),
        residual,
        freedom,
        influence,
    )


def _spread(rest: "Floats", controls: Side, weights: Weights) -> "tuple[Floats, float]":
    """Return what each control that is used differs from the others that are, and the variance of that.

    Estimating their mean is made up for; one that is used alone differs from its whole cell.
    """
    import numpy as np

    used = weights.use > 0
    total = np.bincount(controls.cell, weights.use)
    number = np.bincount(controls.cell[used], minlength=len(total))
    # A control that is alone in its cell would differ from itself by nothing: it is held against the whole cell.
    about = np.where(number > 1, np.bincount(controls.cell, weights.use * rest) / np.where(total > 0, total, 1), 0.0)
    factor = np.where(number > 1, np.sqrt(number / np.maximum(number - 1, 1)), 1.0)
    residual = (rest - about[controls.cell]) * factor[controls.cell] * used
    return residual, float(np.average(residual[used] ** 2, weights=weights.use[used]))


def _within(values: "Floats", cell: "Ints") -> "Floats":
    """Return values about the mean of their cell."""
    import numpy as np

    size = np.maximum(np.bincount(cell), 1)
    return np.column_stack([column - (np.bincount(cell, column) / size)[cell] for column in values.T])
