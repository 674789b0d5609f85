"""What was known of each row at its date, and nothing later."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.asof import month_ends
from csworkbench.features import MeasureSource, panel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot

MOST_CELLS = 8_000_000  # of one query, dates x accounts x measures: about 1 GB
DAYS_OF_SHORTEST_MONTH = 28


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Values of rows.

    Args:
        known: One column per source, aligned with the rows: numbers, or texts as a categorical.
        is_present: Whether the account of each row was there at its date.
        violations: Values whose newest fact is younger than their date; 0, or the cut is broken.
    """

    known: "pd.DataFrame"
    is_present: "NDArray[np.bool_]"
    violations: int


def measured(snapshot: "Snapshot", sources: Mapping[str, MeasureSource], rows: "pd.DataFrame") -> Measured:
    """Return what each row's account was at its date.

    Args:
        snapshot: The book as of the day of the study.
        sources: Column -> what is measured.
        rows: account_id and snapshot_date.
    """
    import numpy as np
    import pandas as pd

    wanted = pd.MultiIndex.from_frame(rows[["snapshot_date", "account_id"]])
    values = {name: np.full(len(rows), np.nan) for name in sources}
    texts = {name: np.full(len(rows), None, dtype=object) for name in sources}
    is_present, violations = np.zeros(len(rows), dtype=bool), 0
    for long in _panels(snapshot, sources, tuple(rows["snapshot_date"].dt.date.unique())):
        first = long.iloc[:: len(sources)]
        place = pd.MultiIndex.from_frame(first[["snapshot_date", "account_id"]]).get_indexer(wanted)
        found = place >= 0
        is_present |= found
        shape = len(first), len(sources)
        value, text = (long[name].to_numpy().reshape(shape)[place[found]] for name in ("value", "text"))
        violations += int((long["age_days"].to_numpy().reshape(shape)[place[found]] < 0).sum())
        for at, name in enumerate(sources):
            values[name][found], texts[name][found] = value[:, at], text[:, at]
    columns = {name: _column(values[name], texts[name]) for name in sources}
    return Measured(pd.DataFrame(columns, index=rows.index), is_present, violations)


def carried(
    snapshot: "Snapshot", source: MeasureSource, max_age_days: int, rows: "pd.DataFrame", values: "pd.Series[float]"
) -> "pd.Series[Any]":
    """Return values of one source, a missing one replaced by the last that was known at an earlier month end.

    Args:
        snapshot: The book as of the day of the study; its month ends count.
        source: What is measured.
        max_age_days: How long ago, at most, the value was last known.
        rows: account_id and snapshot_date.
        values: The value of each row at its own date.
    """
    import pandas as pd

    dates = rows["snapshot_date"].dt.date
    first = dates.min() - timedelta(days=max_age_days)
    months = (snapshot.as_of - first).days // DAYS_OF_SHORTEST_MONTH + 1
    chain = [day for day in month_ends(snapshot.as_of, months) if first <= day < dates.max()]
    if not chain or values.notna().all():
        return values
    long = pd.concat([frame.assign(known=_known(frame)) for frame in _panels(snapshot, {"": source}, chain)])
    long = long[long["known"].notna()].sort_values("snapshot_date")
    days = rows["snapshot_date"].astype(long["snapshot_date"].dtype)
    gaps = rows.assign(place=range(len(rows)), snapshot_date=days)[values.isna().to_numpy()]
    last = pd.merge_asof(
        gaps.sort_values("snapshot_date"),
        long[["snapshot_date", "account_id", "known"]],
        on="snapshot_date",
        by="account_id",
        tolerance=pd.Timedelta(days=max_age_days),
        allow_exact_matches=False,
    )
    filled: NDArray[np.object_] = values.astype(object).to_numpy(copy=True)
    filled[last["place"].to_numpy()] = last["known"].to_numpy()
    return _retyped(pd.Series(filled, values.index), values)


def _panels(
    snapshot: "Snapshot", sources: Mapping[str, MeasureSource], dates: Sequence[date]
) -> "Iterator[pd.DataFrame]":
    """Yield the long panel of some dates at a time, so that a large book fits."""
    accounts = max(1, int(snapshot.tables["accounts"].count().execute()))
    step = max(1, MOST_CELLS // (accounts * max(1, len(sources))))
    ordered = sorted(dates)
    for start in range(0, len(ordered), step):
        yield panel(snapshot, sources, ordered[start : start + step])


def _retyped(filled: "pd.Series[Any]", like: "pd.Series[float]") -> "pd.Series[Any]":
    """Return numbers as numbers and texts as a categorical, as they came."""
    import pandas as pd

    is_text = isinstance(like.dtype, pd.CategoricalDtype)
    retyped: pd.Series[Any] = filled.astype("category") if is_text else filled.astype(float)
    return retyped


def _known(long: "pd.DataFrame") -> "pd.Series[float]":
    """Return the text where a measure has texts, else the number."""
    return long["text"].astype(object) if long["text"].notna().any() else long["value"]


def _column(values: "NDArray[np.float64]", texts: "NDArray[np.object_]") -> "pd.Categorical | NDArray[np.float64]":
    """Return text where there is any: a boolean is a number and a text, and scorecards name it by its text."""
    import pandas as pd

    is_text = pd.notna(texts)
    return pd.Categorical(pd.Series(texts, dtype="str")) if is_text.any() else values
