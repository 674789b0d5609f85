"""The figures of one touch: naive, adjusted, by lot; and the checks that say what they are worth."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import expm1
from typing import TYPE_CHECKING

from csworkbench.adjustment.aipw import (
    Learned,
    Rows,
    effect_on_all,
    effect_on_touched,
    learn,
    plain_difference,
    regression_difference,
    weights_of,
)
from csworkbench.adjustment.balance import balance_of
from csworkbench.adjustment.clusters import Difference, difference_of, numbered
from csworkbench.adjustment.covariates import Covariates, covariates_of
from csworkbench.adjustment.overlap import MOST_TRIMMED, Overlap, overlap_of
from csworkbench.analyses.touch_effect.facts import Block
from csworkbench.analyses.touch_effect.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

NAIVE, REGRESSION = "naive", "regression"
TOUCHED, COMPARABLE, EVERYBODY = "touched", "comparable_touched", "everybody"
DRAWN, COMPLIERS, AS_GOT, MOVED = "drawn", "compliers", "as_got", "share_moved"
BEYOND_OTHERS = "change_beyond_others"


@dataclass(frozen=True, slots=True)
class Scale:
    """How a difference is told.

    Args:
        unit: Unit of the outcome, as in `Estimate`.
        is_relative: The outcome is a logarithm: a difference is told as the share by which it is more.
        most: Nothing lies beyond it: bounds end there; None = no such end.
    """

    unit: str
    is_relative: bool = False
    most: float | None = None

    def told(self, difference: Difference, level: float) -> Estimate:
        """Return a difference as a reader sees it.

        Args:
            difference: On the scale of the outcome.
            level: Coverage of its interval.
        """
        if not self.is_relative:
            low, high = difference.interval(level)
            high = high if self.most is None else min(high, max(self.most, difference.value))
            return Estimate(difference.value, self.unit, difference.n, low, high, level)
        value, low, high = (expm1(number) for number in (difference.value, *difference.interval(level)))
        return Estimate(value, "share", difference.n, low, high, level)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a touch.

    Args:
        estimand: What it is a figure of, one of the names of this module.
        difference: On the scale of the outcome.
        told: As a reader sees it.
        touched: Touched (or drawn) rows behind it.
        rows: All rows behind it.
    """

    estimand: str
    difference: Difference
    told: Estimate
    touched: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """A comparison of touched and untouched rows that were alike before.

    Args:
        rows: The rows, outcomes less the mean of the untouched of their stratum.
        design: Covariates.
        learned: What the models say of each row.
        overlap: How far both kinds of rows overlap.
        weights: Weight of each row in the comparison; 0 = trimmed.
        lines: naive, regression, the effect on the touched, and where overlap allows on everybody.
        balance: Covariates before and after weighting.
        baseline: Outcome that the touched would have had, as the models say; in its own unit.
    """

    rows: Rows
    design: Covariates
    learned: Learned
    overlap: Overlap
    weights: "Floats"
    lines: tuple[Line, ...]
    balance: "pd.DataFrame" = field(repr=False)
    baseline: float

    @property
    def main(self) -> Line | None:
        """The effect on those touched, or on those of them who have a counterpart."""
        return next((line for line in self.lines if line.estimand in (TOUCHED, COMPARABLE)), None)


def touched_accounts(block: Block) -> int:
    """Return how many accounts were touched."""
    return int(block.accounts[block.is_touched].nunique())


def adjust(block: Block, config: Config, scale: Scale, *, is_check: bool = False) -> Adjusted:
    """Return the comparison of touched and untouched rows; both kinds must be there in every fold.

    Rows are compared within their stratum: the outcome is taken less the mean of the untouched rows of its stratum,
    which moves no effect and takes seasons out.

    Args:
        block: The rows.
        config: Model, level and seed.
        scale: How differences are told.
        is_check: Only a check: the outcome is predicted by ridge alone.
    """
    import numpy as np

    centred = _centred(block)
    design = covariates_of(block.covariates)
    rows = Rows(block.is_touched, centred, design.matrix, numbered(block.accounts))
    learned = learn(rows, model="ridge" if is_check else config.model, seed=config.seed)
    overlap = overlap_of(learned.chance, rows.is_touched, rows.accounts)
    kept = overlap.is_kept if overlap.trimmed > 0 else np.ones(len(centred), dtype=bool)
    some = rows.only(kept) if kept[rows.is_touched].sum() > 0 and (kept & ~rows.is_touched).any() else None
    weights = np.where(kept, weights_of(learned.chance, rows.is_touched), 0.0)
    found = {NAIVE: plain_difference(rows), REGRESSION: regression_difference(rows, design.plain)}
    if some is not None:
        found[TOUCHED if kept.all() else COMPARABLE] = effect_on_touched(some, learned.only(kept))
    if max(overlap.below, overlap.above) <= MOST_TRIMMED and not is_check:
        found[EVERYBODY] = effect_on_all(rows, learned)
    sizes = {name: kept if name == COMPARABLE else np.ones(len(kept), dtype=bool) for name in found}
    lines = tuple(
        Line(
            name, each, scale.told(each, config.level), int(rows.is_touched[sizes[name]].sum()), int(sizes[name].sum())
        )
        for name, each in found.items()
        if each is not None
    )
    seen = float(block.outcome[block.is_touched].mean())
    effect = next((line.difference.value for line in lines if line.estimand in (TOUCHED, COMPARABLE)), 0.0)
    usable = weights if some is not None else weights_of(learned.chance, rows.is_touched)
    table = balance_of(design, rows.is_touched, usable)
    return Adjusted(rows, design, learned, overlap, usable, lines, table, seen - effect)


def _centred(block: Block) -> "Floats":
    """Return outcomes less the mean of the untouched rows of their stratum, or of all where it has none."""
    import numpy as np

    strata = np.unique(block.strata, return_inverse=True)[1]
    others = ~block.is_touched
    counts = np.bincount(strata[others], minlength=strata.max() + 1)
    sums = np.bincount(strata[others], weights=block.outcome[others], minlength=strata.max() + 1)
    overall = float(block.outcome[others].mean())
    means = np.where(counts > 0, sums / np.maximum(counts, 1), overall)
    return np.asarray(block.outcome - means[strata])


def course_frame(course: "Floats", adjusted: Adjusted, block: Block, scale: Scale, config: Config) -> "pd.DataFrame":
    """Return how far touched accounts were from the others, week by week around the touch.

    Args:
        course: Use per week of each row; its week 0 is column `config.course_weeks`.
        adjusted: The comparison.
        block: The rows.
        scale: How differences are told.
        config: Weeks before the touch, and level.

    Returns:
        One row per week: week (0 = the first week of the touch window), difference (naive), low, high,
        difference_alike (with the weights of the adjustment), low_alike, high_alike, accounts.
    """
    import pandas as pd

    rows = list(_weeks(course, adjusted, block, scale, config))
    names = ["difference", "low", "high", "difference_alike", "low_alike", "high_alike"]
    return pd.DataFrame(rows, columns=["week", *names, "accounts"])


def _weeks(
    course: "Floats", adjusted: Adjusted, block: Block, scale: Scale, config: Config
) -> Iterator[tuple[float | int | None, ...]]:
    import numpy as np

    ones = np.ones(len(course))
    for at in range(course.shape[1]):
        known = ~np.isnan(course[:, at])
        part = block.only(known, course[known, at])
        told = [plain(part, weights[known]) for weights in (ones, adjusted.weights)]
        if told[0] is None:
            continue
        numbers = [None if each is None else scale.told(each, config.level) for each in told]
        bounds = [(None,) * 3 if each is None else (each.value, each.low, each.high) for each in numbers]
        yield at - config.course_weeks, *bounds[0], *bounds[1], int(part.accounts.nunique())


def plain(block: Block, weights: "Floats | None" = None) -> Difference | None:
    """Return the difference of touched and untouched rows within their strata; None where it has no error.

    Args:
        block: The rows.
        weights: Weight of each row; None = all alike.
    """
    import numpy as np

    if not block.is_touched.any() or block.is_touched.all():
        return None
    weights = np.ones(len(block.outcome)) if weights is None else weights
    return weighted_difference(_centred(block), block.is_touched, weights, numbered(block.accounts))


def weighted_difference(
    values: "Floats", is_touched: "Flags", weights: "Floats", accounts: "NDArray[np.int64]"
) -> Difference | None:
    """Return the difference of two weighted means, weights taken as known; None where one has no weight.

    Args:
        values: One per row.
        is_touched: Whether each row was touched.
        weights: Weight of each row.
        accounts: Number of the account of each row.
    """
    import numpy as np

    sums = [float(weights[is_touched == kind].sum()) for kind in (True, False)]
    if min(sums) <= 0:
        return None
    means = [
        float(np.average(values[is_touched == kind], weights=weights[is_touched == kind])) for kind in (True, False)
    ]
    parts = np.where(is_touched, (values - means[0]) / sums[0], -(values - means[1]) / sums[1])
    return difference_of(means[0] - means[1], weights * parts * len(values), accounts)
