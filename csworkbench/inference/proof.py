"""Candidates for a risk held against what happened: every measure with its interval, and the verdict in one word.

All candidates see the same draws of accounts, so that their differences are paired.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate
from csworkbench.inference.discrimination import auc, brier, calibration_line, ranked, standing
from csworkbench.inference.resampling import account_weights, interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Draws = Mapping[str, Mapping[str, Floats]]

SHARES = ("auc", "average_precision", "captured")
PROBABILITIES = ("brier", "intercept", "slope")
UNITS = {"auc": "auc", "average_precision": "share", "captured": "share", "lift": "times"}
MEASURES = (*SHARES, "lift", *PROBABILITIES)
CHANCE = 0.5  # AUC of a risk that says nothing


class Stamp(StrEnum):
    """What a proof allows to say about a score."""

    ADDS = "adds"
    PREDICTS = "predicts"
    NOT_SHOWN = "not_shown"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a test.

    Args:
        is_event: Whether each row has the event.
        accounts: Number of the account of each row, 0 to n - 1, each with a row.
    """

    is_event: "Flags"
    accounts: "NDArray[np.int64]"

    @property
    def events(self) -> int:
        """Rows with the event."""
        return int(self.is_event.sum())

    @property
    def rarer(self) -> int:
        """Rows with the event or rows without, whichever are fewer: what a proof lives on."""
        return min(self.events, len(self.is_event) - self.events)

    @property
    def account_count(self) -> int:
        """Accounts behind the rows: the independent units."""
        return int(self.accounts.max()) + 1 if len(self.accounts) else 0


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What the test rows say of each candidate.

    Args:
        rows: The rows of the test.
        measures: Candidate -> measure -> estimate: auc, average_precision, captured (share of all events among as many
            rows as there is time for), lift (captured / capacity), and of probabilities brier, intercept and slope of
            the calibration line.
        differences: (candidate, other) -> difference of their AUC.
    """

    rows: Rows
    measures: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[tuple[str, str], Estimate]

    def stamp(self, candidate: str, baseline: str, least_events: int = 30) -> Stamp:
        """Return what may be said of a candidate, against the best thing known without it.

        Args:
            candidate: Name of the candidate.
            baseline: Name of the baseline, chosen without these rows.
            least_events: Events, and rows without one, below which nothing is said.

        Returns:
            predicts: its AUC is shown to lie above chance; adds: above that and the baseline's; else not_shown; too_few
            below the least number of events, or of rows without one. An AUC of 1 needs no interval: no draw of the
            rows gives another.
        """
        if self.rows.rarer < least_events:
            return Stamp.TOO_FEW
        alone = self.measures[candidate]["auc"]
        if alone.value != 1 and (alone.low is None or alone.low <= CHANCE):
            return Stamp.NOT_SHOWN
        more = self.differences[candidate, baseline]
        return Stamp.ADDS if more.low is not None and more.low > 0 else Stamp.PREDICTS


def prove(
    risks: "Mapping[str, Floats]",
    rows: Rows,
    capacity: float,
    *,
    ranks: "Mapping[str, Floats] | None" = None,
    draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> Proof:
    """Return how well each candidate tells the events, with intervals from drawing accounts again.

    Args:
        risks: Candidate -> probability of the event of each row; those outside 0 to 1 are ranks only, without the
            measures of probabilities.
        rows: What happened.
        capacity: Share of the rows there is time for, above 0.
        ranks: Candidate -> what it is ranked by, where that is not its probability: a score has one order, though its
            probabilities were learned several times.
        draws: How often accounts are drawn again.
        seed: The same seed gives the same intervals.
        level: Coverage of the intervals.
    """
    import numpy as np

    order = {name: ranked((ranks or {}).get(name, risk), rows.is_event) for name, risk in risks.items()}
    is_probability = {name: bool(((risk >= 0) & (risk <= 1)).all()) for name, risk in risks.items()}

    def told(name: str, weights: "Floats | None") -> dict[str, float]:
        measured = standing(order[name], capacity, weights)
        if not is_probability[name]:
            return measured
        intercept, slope = calibration_line(risks[name], rows.is_event, weights, start=start.get(name, (0.0, 1.0)))
        return measured | {"brier": brier(risks[name], rows.is_event, weights), "intercept": intercept, "slope": slope}

    start: dict[str, tuple[float, float]] = {}
    values = {name: told(name, None) for name in risks}
    # Draws lie near the data themselves, so their lines are sought from there.
    lines = {name: (value.get("intercept", 0.0), value.get("slope", 1.0)) for name, value in values.items()}
    start |= {name: line for name, line in lines.items() if np.isfinite(line).all()}
    drawn: dict[str, dict[str, Floats]] = {
        name: {measure: np.empty(draws) for measure in measured} for name, measured in values.items()
    }
    for draw, weights in enumerate(account_weights(rows.accounts, draws, seed)):
        for name in risks:
            for measure, value in told(name, weights).items():
                drawn[name][measure][draw] = value
    n = rows.account_count
    measures = {
        name: {
            measure: interval(
                value, drawn[name][measure], n, UNITS.get(measure, ""), is_share=measure in SHARES, level=level
            )
            for measure, value in measured.items()
        }
        for name, measured in values.items()
    }
    differences = {
        (one, other): interval(
            values[one]["auc"] - values[other]["auc"], drawn[one]["auc"] - drawn[other]["auc"], n, "auc", level=level
        )
        for one in risks
        for other in risks
        if one != other
    }
    return Proof(rows, measures, differences)


def auc_beside(
    old: "Floats", new: "Floats", rows: Rows, *, draws: int = 500, seed: int = 0, level: float = 0.95
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the AUC of two candidates and what the second has more, by the same draws of accounts.

    Args:
        old: Risk of each row by the first.
        new: Risk of each row by the second.
        rows: What happened.
        draws: How often accounts are drawn again.
        seed: The same seed gives the same intervals.
        level: Coverage of the intervals.
    """
    import numpy as np

    orders = [ranked(risk, rows.is_event) for risk in (old, new)]
    drawn = np.array(
        [[auc(each, weights) for each in orders] for weights in account_weights(rows.accounts, draws, seed)]
    )
    (one, two), n = (auc(each) for each in orders), rows.account_count
    return (
        interval(one, drawn[:, 0], n, "auc", is_share=True, level=level),
        interval(two, drawn[:, 1], n, "auc", is_share=True, level=level),
        interval(two - one, drawn[:, 1] - drawn[:, 0], n, "auc", level=level),
    )


def auc_of(risk: "Floats", rows: Rows, *, draws: int = 500, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return the AUC of one candidate alone, with its interval from drawing accounts again.

    Args:
        risk: Risk of each row.
        rows: What happened.
        draws: How often accounts are drawn again.
        seed: The same seed gives the same interval.
        level: Coverage of the interval.
    """
    import numpy as np

    order = ranked(risk, rows.is_event)
    drawn = np.array([auc(order, weights) for weights in account_weights(rows.accounts, draws, seed)])
    return interval(auc(order), drawn, rows.account_count, "auc", is_share=True, level=level)
