"""How well a risk tells events from the rest: rank, probability and capacity measures of weighted rows.

Risks are higher for rows that are more likely to have the event. Weights are how often a row counts, as a bootstrap
draws it; rows of weight 0 count for nothing. A measure that nobody can tell (no event, or nothing but events) is nan.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

NEWTON_STEPS, TOLERANCE, LONGEST = 50, 1e-10, 5.0
SINGULAR = 2.2e-16  # least determinant of a matrix, over its trace squared
FARTHEST = 36.0  # logits beyond it are 0 or 1 to machine precision


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows in the order of their risk, so that every reweighting is one pass.

    Args:
        order: Places of the rows, the highest risk first.
        ends: Place after the last row of each group of equal risks, in that order.
        is_event: Whether each row has the event, in that order.
    """

    order: "NDArray[np.int64]"
    ends: "NDArray[np.int64]"
    is_event: "Flags"

    def counts(self, weights: "Floats | None" = None) -> "tuple[Floats, Floats]":
        """Return the weighted events and other rows at or above each distinct risk, the highest first.

        Args:
            weights: Weight of each row in the order of the data; None = 1 each.
        """
        import numpy as np

        ordered = np.ones(len(self.order)) if weights is None else weights[self.order]
        events = np.cumsum(np.where(self.is_event, ordered, 0.0))[self.ends - 1]
        others = np.cumsum(np.where(self.is_event, 0.0, ordered))[self.ends - 1]
        return events, others


def ranked(risk: "Floats", is_event: "Flags") -> Ranked:
    """Return rows in the order of their risk.

    Args:
        risk: Risk of each row, finite.
        is_event: Whether each row has the event.

    Raises:
        ValueError: lengths differ, or a risk is not finite.
    """
    import numpy as np

    if len(risk) != len(is_event) or not np.isfinite(risk).all():
        raise ValueError("a finite risk is needed for every row")
    order = np.argsort(-risk, kind="stable")
    ordered = risk[order]
    # No rows have no groups.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]) + 1
    return Ranked(order, ends, is_event[order])


def auc(rows: Ranked, weights: "Floats | None" = None) -> float:
    """Return the share of pairs of an event and another row in which the event has the higher risk, ties one half.

    Args:
        rows: Rows by risk.
        weights: Weight of each row in the order of the data.

    Source: Hanley and McNeil (1982), Radiology 143; checked against scikit-learn `roc_auc_score`.
    """
    return _auc(*rows.counts(weights))


def _auc(events: "Floats", others: "Floats") -> float:
    if not len(events) or events[-1] <= 0 or others[-1] <= 0:
        return float("nan")
    below = others[-1] - others
    return float((_gains(events) * (below + _gains(others) / 2)).sum() / (events[-1] * others[-1]))


def _gains(counts: "Floats") -> "Floats":
    """Return what each place adds to a running count: `np.diff`, which takes five times as long for so few."""
    gains = counts.copy()
    gains[1:] -= counts[:-1]
    return gains


def average_precision(rows: Ranked, weights: "Floats | None" = None) -> float:
    """Return the mean precision over the events, each at its own rank.

    Args:
        rows: Rows by risk.
        weights: Weight of each row in the order of the data.

    Source: sum of (recall_k - recall_k-1) precision_k; checked against scikit-learn `average_precision_score`.
    """
    return _average_precision(*rows.counts(weights))


def _average_precision(events: "Floats", others: "Floats") -> float:
    import numpy as np

    if not len(events) or events[-1] <= 0:
        return float("nan")
    seen = events + others
    precision = np.divide(events, seen, out=np.zeros_like(events), where=seen > 0)
    return float((_gains(events) * precision).sum() / events[-1])


def captured(rows: Ranked, capacity: float, weights: "Floats | None" = None) -> float:
    """Return the share of all events that are among the rows with the highest risk, as many as there is time for.

    Of rows with equal risk at the edge, as many count as fit, in proportion.

    Args:
        rows: Rows by risk.
        capacity: How many rows can be looked after, as a share of all of them, 0 to 1.
        weights: Weight of each row in the order of the data.
    """
    return _captured(*rows.counts(weights), capacity)


def _captured(events: "Floats", others: "Floats", capacity: float) -> float:
    import numpy as np

    if not len(events) or events[-1] <= 0:
        return float("nan")
    seen = np.concatenate([[0.0], events + others])
    return float(np.interp(capacity * seen[-1], seen, np.concatenate([[0.0], events])) / events[-1])


def standing(rows: Ranked, capacity: float, weights: "Floats | None" = None) -> dict[str, float]:
    """Return auc, average_precision, captured and lift (captured / capacity), counted in one pass.

    Args:
        rows: Rows by risk.
        capacity: How many rows can be looked after, as a share of all of them, above 0.
        weights: Weight of each row in the order of the data.
    """
    events, others = rows.counts(weights)
    found = _captured(events, others, capacity)
    return {
        "auc": _auc(events, others),
        "average_precision": _average_precision(events, others),
        "captured": found,
        "lift": found / capacity,
    }


def brier(probability: "Floats", is_event: "Flags", weights: "Floats | None" = None) -> float:
    """Return the mean squared distance of probabilities from what happened.

    Args:
        probability: Probability of the event of each row.
        is_event: Whether each row has the event.
        weights: Weight of each row.

    Source: Brier (1950), Monthly Weather Review 78; checked against scikit-learn `brier_score_loss`.
    """
    import numpy as np

    return float(np.average((probability - is_event) ** 2, weights=weights))


def calibration_line(
    probability: "Floats",
    is_event: "Flags",
    weights: "Floats | None" = None,
    *,
    start: tuple[float, float] = (0.0, 1.0),
) -> "tuple[float, float]":
    """Return intercept and slope of the logistic regression of events on the logit of their probability.

    0 and 1 say that probabilities are right; a slope below 1 that they are too extreme. Both are nan where events and
    others are told apart perfectly, or all probabilities are the same.

    Args:
        probability: Probability of the event of each row.
        is_event: Whether each row has the event.
        weights: Weight of each row.
        start: Intercept and slope to begin with; near the answer it takes fewer steps.

    Source: Cox (1958), Biometrika 45; checked against statsmodels' Logit.
    """
    import numpy as np
    from scipy.special import expit, logit

    edge = expit(-FARTHEST)
    x = logit(np.clip(probability, edge, 1 - edge))
    weight = np.ones(len(x)) if weights is None else weights
    intercept, slope = start
    for _ in range(NEWTON_STEPS):
        fitted = expit(intercept + slope * x)
        residual, spread = weight * (is_event - fitted), weight * fitted * (1 - fitted)
        gradient = residual.sum(), residual @ x
        leaned = spread * x
        a, b, c = spread.sum(), leaned.sum(), leaned @ x
        determinant = a * c - b * b
        # Singular to machine precision: all probabilities alike, or events and others told apart.
        if not determinant > SINGULAR * (a + c) ** 2:
            return float("nan"), float("nan")
        up = (c * gradient[0] - b * gradient[1]) / determinant
        turn = (a * gradient[1] - b * gradient[0]) / determinant
        intercept, slope = intercept + min(max(up, -LONGEST), LONGEST), slope + min(max(turn, -LONGEST), LONGEST)
        if max(abs(up), abs(turn)) < TOLERANCE:
            return float(intercept), float(slope)
    return float("nan"), float("nan")
