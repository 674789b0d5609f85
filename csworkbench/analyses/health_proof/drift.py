"""Whether the book that teaches is the book that is scored, and whether the proof holds through time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence, Scored
from csworkbench.analyses.health_proof.learning import LineName
from csworkbench.analyses.health_proof.reading import SCORE, Reading
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.analyses.health_proof.tables import LABELS, label_of, within
from csworkbench.asof import Part
from csworkbench.formats import text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GROUPS = 10
LARGE = 0.25  # Siddiqi (2006), Credit Risk Scorecards, ch. 8: below .1 stable, .1 to .25 look, above .25 shifted
SMALL = 0.1
DRIFT = ["scorecard", "column", "label", "stability_index", "by_chance", "verdict", "before", "after"]
DRIFT += ["missing_before", "missing_after"]
ROLLING = ["scorecard", "first_on", "last_on", "candidate", "label", "auc", "low", "high", "rows", "events", "accounts"]
HALF = 0.5  # rows that stand in where a group is empty on one side


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a distribution has moved.

    Args:
        index: Population stability index, 0 = the same.
        by_chance: What the index stays below 95 times in 100 where nothing has moved.
    """

    index: float
    by_chance: float

    @property
    def verdict(self) -> str:
        """stable, look or shifted; what chance alone could do is stable."""
        if self.index <= max(SMALL, self.by_chance):
            return "stable"
        return "shifted" if self.index > LARGE else "look"


def stability(before: "pd.Series[float]", after: "pd.Series[float]") -> Shift:
    """Return the population stability index of a value: how far its distribution has moved.

    Groups are the tenths of the earlier values (each text, and missing, is a group of its own):
    sum over groups of (a - b) ln(a / b), with a and b the shares after and before.

    Args:
        before: Earlier values, at least one: numbers or a categorical.
        after: Later values of the same kind, at least one.

    Source: Siddiqi (2006), Credit Risk Scorecards, ch. 8; where nothing moved the index is about chi-squared with
    groups - 1 degrees of freedom times (1 / n before + 1 / n after): Yurdakul and Naranjo (2020), Journal of Risk Model
    Validation 14(4).
    """
    import numpy as np
    from scipy.stats import chi2

    codes = _codes(before, after)
    size = int(max(each.max() for each in codes)) + 1
    counts = [np.bincount(each, minlength=size).astype(float) for each in codes]
    used = (counts[0] + counts[1]) > 0
    filled = [np.maximum(each[used], HALF) for each in counts]
    b, a = (each / each.sum() for each in filled)
    chance = chi2.ppf(0.95, used.sum() - 1) * (1 / len(before) + 1 / len(after)) if used.sum() > 1 else 0.0
    return Shift(float(((a - b) * np.log(a / b)).sum()), float(chance))


def _codes(before: "pd.Series[float]", after: "pd.Series[float]") -> "list[NDArray[np.intp]]":
    """Return the group of each value on both sides, 0 = missing."""
    import numpy as np
    import pandas as pd

    if isinstance(before.dtype, pd.CategoricalDtype):
        words = [each.astype("str") for each in (before, after)]
        known = pd.Index(pd.concat(words).dropna().unique())
        return [known.get_indexer(pd.Index(each)) + 1 for each in words]
    some = before.dropna()
    edges = np.unique(np.quantile(some, np.linspace(0, 1, GROUPS + 1)[1:-1])) if len(some) else np.empty(0)
    return [
        np.where(each.isna(), 0, 1 + np.searchsorted(edges, each.fillna(0.0), side="right")) for each in (before, after)
    ]


def drift_table(evidence: Evidence, scored: Mapping[str, Scored]) -> "pd.DataFrame":
    """Return how far each score and measure has moved between the rows that teach and those that test.

    Returns:
        One row per scorecard and column, the farthest first: scorecard, column, label, stability_index, by_chance,
        verdict (stable, look, shifted), before, after (means of numbers), missing_before, missing_after (shares). Empty
        without dates.
    """
    import pandas as pd

    rows = list(_drifts(evidence, scored)) if evidence.cut is not None else []
    return pd.DataFrame(rows, columns=DRIFT).sort_values(
        ["scorecard", "stability_index"], ascending=[True, False], ignore_index=True
    )


def _drifts(evidence: Evidence, scored: Mapping[str, Scored]) -> "Iterator[tuple[object, ...]]":
    import pandas as pd

    sides = evidence.is_part(Part.TRAIN.value), evidence.is_part(Part.TEST.value)
    for name, card in scored.items():
        columns = dict.fromkeys(evidence.columns.of_card[name].values())
        values = {SCORE: pd.Series(card.score)} | {column: evidence.known[column].iloc[card.rows] for column in columns}
        for column, found in values.items():
            before, after = (found.reset_index(drop=True)[side[card.rows]] for side in sides)
            if not len(before) or not len(after):
                continue
            shift = stability(before, after)
            is_number = not isinstance(found.dtype, pd.CategoricalDtype)
            means = [float(each.mean()) if is_number else None for each in (before, after)]
            label = text(LABELS[SCORE]) if column == SCORE else evidence.columns.labels[column]
            gaps = float(before.isna().mean()), float(after.isna().mean())
            yield name, column, label, shift.index, shift.by_chance, shift.verdict, *means, *gaps


def rolling_table(readings: Sequence[Reading], evidence: Evidence, config: Config) -> "pd.DataFrame":
    """Return the AUC of the score and of the better learned model over windows of the snapshots' dates.

    Every row is predicted from other accounts of all dates (cross-validation), so that early windows have one too.

    Args:
        readings: The proofs.
        evidence: Dates of the rows.
        config: Length of the windows, draws and level.

    Returns:
        One row per scorecard, window and candidate: scorecard, first_on, last_on, candidate, label, auc, low, high,
        rows, events, accounts. Empty without dates.
    """
    import pandas as pd

    rows = []
    for reading in readings:
        if evidence.cut is None or reading.line.name is not LineName.CROSSED:
            continue
        dates = evidence.rows["snapshot_date"].iloc[reading.rows].reset_index(drop=True)
        for first, last in _windows(dates, config.window_months):
            chosen = dates.between(first, last).to_numpy()
            for name in (SCORE, reading.challenger):
                label = label_of(name, config)
                rows.append((reading.scorecard, first, last, name, label, *within(reading, name, chosen, config)))
    return pd.DataFrame(rows, columns=ROLLING).astype(dict.fromkeys(["auc", "low", "high"], float))


def _windows(dates: "pd.Series[pd.Timestamp]", months: int) -> "Iterator[tuple[pd.Timestamp, pd.Timestamp]]":
    """Yield windows that end at the newest date and move back by half their length."""
    import pandas as pd

    last = dates.max()
    step = max(1, months // 2)
    found = []
    while len(dates) and last > dates.min():
        first = last - pd.DateOffset(months=months) + pd.Timedelta(days=1)
        if first < dates.min() - pd.DateOffset(months=step):
            break
        found.append((max(first, dates.min()), last))
        last = last - pd.DateOffset(months=step)
    yield from reversed(found)
