"""From values to points, from points to a score, from scores to bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.errors import AnalysisError
from csworkbench.scoring.cards import Carry, Curve, Exclude, Measure, Neutral, Scorecard, Worst

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

# Scores are rounded to this many decimals before they meet a band edge, so that 39.999999999999 counts as 40.
EDGE_DECIMALS = 9


class Basis(StrEnum):
    """What the points of a measure rest on."""

    MEASURED = "measured"
    CARRIED = "carried"
    ASSUMED = "assumed"
    MISSING = "missing"


BASES = tuple(Basis)
FROM_DATA = BASES.index(Basis.CARRIED)


@dataclass(frozen=True, slots=True, eq=False)
class Grades:
    """Rows graded by one scorecard; a row is one account at one date.

    Args:
        accounts: Account id per row.
        measures: Names of the measures, one per column.
        points: Points 0 to 100, rows x measures; NaN where the measure takes no part.
        basis: Position in `BASES` of what the points rest on, rows x measures.
        weights: Share of each measure in the score, rows x measures; a row sums to 1, or to 0 where nothing is known.
        coverage: Share of the scorecard's weight that rests on data, per row.
        score: 0 to 100 per row; NaN where coverage is below the scorecard's minimum.
    """

    accounts: "pd.Index[str]"
    measures: tuple[str, ...]
    points: "Matrix"
    basis: "NDArray[np.int8]"
    weights: "Matrix"
    coverage: "Matrix"
    score: "Matrix"

    @property
    def contributions(self) -> "Matrix":
        """Points each measure adds to the score, rows x measures; a row sums to the score."""
        import numpy as np

        return self.weights * np.nan_to_num(self.points)

    def at(self, rows: "NDArray[np.intp]") -> "Grades":
        """Return the grades of some rows, in the order given.

        Args:
            rows: Positions of rows.
        """
        return Grades(
            self.accounts[rows],
            self.measures,
            self.points[rows],
            self.basis[rows],
            self.weights[rows],
            self.coverage[rows],
            self.score[rows],
        )


def grade(card: Scorecard, values: "pd.DataFrame", dates: Sequence[date]) -> Grades:
    """Return the points, weights and score of accounts at one or several dates.

    Args:
        card: Scorecard to apply.
        values: One row per date and account: all accounts at the first date, the same accounts at the second and so
            on; index = account id. One column per measure of the card: numbers (NaN = missing) for a curve, a
            categorical (or numbers) for categories.
        dates: The dates, ascending; a carried value comes from an earlier one of them.

    Raises:
        AnalysisError: a curve meets text.
        ValueError: rows and dates do not fit together.
    """
    import numpy as np

    if not dates or len(values) % len(dates):
        raise ValueError(f"{len(values)} rows cannot hold the same accounts at {len(dates)} dates")
    graded = [_grade_measure(measure, values[measure.name], dates) for measure in card.measures]
    points = np.column_stack([column for column, _ in graded])
    basis = np.column_stack([column for _, column in graded])
    weights = _shared_weights(card, ~np.isnan(points))
    coverage = (basis <= FROM_DATA) @ _full_weights(card)
    score = (weights * np.nan_to_num(points)).sum(axis=1)
    scored = (coverage >= card.minimum_coverage - 1e-12) & (weights.sum(axis=1) > 0)
    names = tuple(measure.name for measure in card.measures)
    return Grades(values.index, names, points, basis, weights, coverage, np.where(scored, score, np.nan))


def effective_weights(card: Scorecard) -> "pd.DataFrame":
    """Return what each measure weighs in the score of an account of which everything is known.

    Returns:
        One row per measure in the order of the card: measure, label, group, weight (within the group), group_weight,
        effective_percent (adds up to 100).
    """
    import pandas as pd

    groups = {group.name: group for group in card.groups}
    return pd.DataFrame(
        {
            "measure": [measure.name for measure in card.measures],
            "label": [measure.label for measure in card.measures],
            "group": [groups[measure.group].label for measure in card.measures],
            "weight": [measure.weight for measure in card.measures],
            "group_weight": [groups[measure.group].weight for measure in card.measures],
            "effective_percent": 100 * _full_weights(card),
        }
    )


def settle_bands(card: Scorecard, scores: "Matrix", before: "NDArray[np.intp] | None" = None) -> "NDArray[np.intp]":
    """Return the band of every account at every date; a band is kept until the score is clearly outside it.

    Args:
        card: Scorecard whose bands and hysteresis apply.
        scores: Dates x accounts, dates ascending; NaN = not scored, after which an account starts afresh.
        before: Band of every account before the first date, -1 where it had none; None = nobody had one.

    Returns:
        Dates x accounts: position in `card.bands`, -1 where not scored.
    """
    import numpy as np

    edges = np.array([band.low for band in card.bands[1:]])
    slack = card.hysteresis_points
    below = np.append(-np.inf, np.round(edges - slack, EDGE_DECIMALS))
    above = np.append(np.round(edges + slack, EDGE_DECIMALS), np.inf)
    rounded = np.round(scores, EDGE_DECIMALS)
    settled = np.where(np.isnan(rounded), -1, np.searchsorted(edges, rounded, side="right"))
    last = np.full(rounded.shape[1], -1) if before is None else before
    for band, score in zip(settled, rounded, strict=True):
        is_near = (score >= below[last]) & (score < above[last])
        band[:] = np.where((last >= 0) & (band >= 0) & is_near, last, band)
        last = band
    return settled


def category_name(value: object) -> str:
    """Return how a scorecard or a rule writes a value: text as it is, whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _grade_measure(
    measure: Measure, values: "pd.Series[float]", dates: Sequence[date]
) -> "tuple[Matrix, NDArray[np.int8]]":
    import numpy as np

    points = _points(measure, values)
    basis = np.full(len(points), BASES.index(Basis.MEASURED), dtype=np.int8)
    policy = measure.missing
    if isinstance(policy, Carry):
        found = ~np.isnan(points)
        points = _carry_forward(points, dates, policy.max_age_days)
        basis[~found] = BASES.index(Basis.CARRIED)
        policy = policy.then
    missing = np.isnan(points)
    basis[missing] = BASES.index(Basis.MISSING if isinstance(policy, Exclude) else Basis.ASSUMED)
    if isinstance(policy, Worst):
        points = np.where(missing, measure.points.worst, points)
    elif isinstance(policy, Neutral):
        points = np.where(missing, policy.points, points)
    return points, basis


def _points(measure: Measure, values: "pd.Series[float]") -> "Matrix":
    import numpy as np
    import pandas as pd

    scale = measure.points
    if isinstance(scale, Curve):
        if not pd.api.types.is_numeric_dtype(values):
            raise AnalysisError(f"measure '{measure.name}' has a curve, but its values are text; use kind: categories")
        at, worth = zip(*scale.knots, strict=True)
        return np.asarray(np.interp(values.to_numpy(dtype=float), at, worth))
    column = values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")
    unlisted = np.nan if scale.otherwise is None else scale.otherwise
    worth_of_code = [scale.of.get(category_name(value), unlisted) for value in column.cat.categories]
    points: Matrix = np.array([*worth_of_code, np.nan])[column.cat.codes.to_numpy()]
    return points


def _carry_forward(points: "Matrix", dates: Sequence[date], max_age_days: int) -> "Matrix":
    import numpy as np

    grid = points.reshape(len(dates), -1)
    days = np.array([day.toordinal() for day in dates])
    known = ~np.isnan(grid)
    last = np.maximum.accumulate(np.where(known, np.arange(len(dates))[:, None], -1), axis=0)
    young = (last >= 0) & (days[:, None] - days[last] <= max_age_days)
    return np.where(young, np.take_along_axis(grid, np.maximum(last, 0), axis=0), np.nan).ravel()


def _shared_weights(card: Scorecard, used: "NDArray[np.bool_]") -> "Matrix":
    """Return the share of each measure in the score, given which of them are used; rows x measures."""
    import numpy as np

    # Many rows, few patterns of what is known: each pattern is worked out once.
    _, first, pattern = np.unique(used @ (1 << np.arange(used.shape[1])), return_index=True, return_inverse=True)
    weights: Matrix = _pattern_weights(card, used[first])[pattern]
    return weights


def _pattern_weights(card: Scorecard, used: "NDArray[np.bool_]") -> "Matrix":
    import numpy as np

    belongs = np.array([[measure.group == group.name for group in card.groups] for measure in card.measures], float)
    within = used * np.array([measure.weight for measure in card.measures])
    sums = within @ belongs
    group_weights = np.where(sums > 0, np.array([group.weight for group in card.groups]), 0.0)
    total = group_weights.sum(axis=1, keepdims=True)
    shares = group_weights / np.where(total > 0, total, 1.0) / np.where(sums > 0, sums, 1.0)
    weights: Matrix = within * (shares @ belongs.T)
    return weights


def _full_weights(card: Scorecard) -> "Matrix":
    import numpy as np

    weights: Matrix = _shared_weights(card, np.ones((1, len(card.measures)), dtype=bool))[0]
    return weights
