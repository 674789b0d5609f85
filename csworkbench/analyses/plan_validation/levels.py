"""Levels of a metric in any window of any account, from sums that run through the days."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Days = NDArray[np.datetime64]
    Places = NDArray[np.intp]

HALF_DAYS = 31  # a window of so many days holds a month end whatever the month
LAG_DAYS = 28  # what is measured at a month end is about so many days before it
COVERED = 0.6  # share of the days on which values are expected that an account must have in a window
BUSY = 0.2  # of the accounts of the busiest day must have a value on a day on which values are expected
OFFSET_SHARE = 0.02  # of the usual level; keeps the logarithm of an account that left finite


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Values of one metric, summed up from the first day on; `window[i:j]` is the difference of two columns.

    Args:
        metric: Name.
        cadence: daily = a value stands for its day; monthly = for the `LAG_DAYS` before it.
        accounts: Accounts of the rows.
        first: First day.
        sums: Running sums, accounts x (days + 1).
        counts: Running numbers of values, accounts x (days + 1).
        busiest: Running number of days on which values are expected, days + 1.
        gone: Day each account left, missing = it has not; None = nobody asked.
    """

    metric: str
    cadence: Literal["daily", "monthly"]
    accounts: "pd.Index[str]"
    first: "np.datetime64"
    sums: "Floats"
    counts: "NDArray[np.int32]"
    busiest: "NDArray[np.int32]"
    gone: "Days | None" = None

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.sums.shape[1] - 1)

    def mean(self, rows: "Places", start: "Days", end: "Days", *, covered: float = COVERED) -> "Floats":
        """Return the mean value per recorded day of [start, end) for each row.

        Args:
            rows: Places in `accounts`; -1 = not there.
            start: First day of each row.
            end: Day after the last one of each row.
            covered: Share of the days on which values are expected that the account must have.

        Returns:
            One mean per row, NaN where too few days are recorded or the window leaves the book.
        """
        import numpy as np

        low, high = self._at(start), self._at(end)
        inside = (rows >= 0) & (low >= 0) & (high <= self.days) & (high > low)
        low, high, place = np.where(inside, low, 0), np.where(inside, high, 0), np.where(inside, rows, 0)
        count = self.counts[place, high] - self.counts[place, low]
        asked = np.maximum(1, covered * (self.busiest[high] - self.busiest[low]))
        total = self.sums[place, high] - self.sums[place, low]
        return np.where(inside & (count >= asked), total / np.maximum(count, 1), np.nan)

    def halves(self, rows: "Places", anchor: "Days", pre_days: int) -> "tuple[Floats, Floats]":
        """Return the level of the older and of the newer half of the window before an anchor day.

        Args:
            rows: Places in `accounts`.
            anchor: Day before which the window ends.
            pre_days: Length of the whole window.
        """
        half = pre_days // 2 if self.cadence == "daily" else HALF_DAYS
        middle = anchor - half
        return self.mean(rows, middle - half, middle), self.mean(rows, middle, anchor)

    def after(self, rows: "Places", anchor: "Days", end: "Days") -> "Floats":
        """Return the level from the day after an anchor to the day before `end`.

        Args:
            rows: Places in `accounts`.
            anchor: Day of landing; what is measured at month ends begins `LAG_DAYS` later, so that nothing from before
                is in it.
            end: Day after the window.
        """
        return self.mean(rows, anchor + (1 if self.cadence == "daily" else LAG_DAYS), end)

    def has_left(self, rows: "Places", day: "Days") -> "NDArray[np.bool_]":
        """Return which accounts had left before a day.

        Args:
            rows: Places in `accounts`; -1 = not there.
            day: Day of each row.
        """
        import numpy as np

        if self.gone is None:
            return np.zeros(len(rows), dtype=bool)
        return (rows >= 0) & (self.gone[rows] < day)

    def own_change(self, rows: "Places", day: "Days", pre_days: int, history_days: int) -> "tuple[Floats, Floats]":
        """Return the level of the days before a day, and the account's own level in the history before these.

        Args:
            rows: Places in `accounts`.
            day: Day before which is looked.
            pre_days: Length of the recent window.
            history_days: Length of the history before it; a third of it must be recorded.
        """
        recent_from = day - max(pre_days, HALF_DAYS)
        early = recent_from - history_days
        early = early.clip(min=self.first)
        history = self.mean(rows, early, recent_from, covered=1 / 3)
        too_short = (recent_from - early).astype(int) * 3 < history_days
        history[too_short] = float("nan")
        return self.mean(rows, recent_from, day), history

    def places(self, accounts: "pd.Series[str]") -> "Places":
        """Return the row of each account, -1 where it has none."""
        import pandas as pd

        found: Places = self.accounts.get_indexer(pd.Index(accounts))
        return found

    def usual(self) -> float:
        """Return the median over accounts of their mean level; 0 without values."""
        import numpy as np

        count = self.counts[:, -1]
        known = count > 0
        return float(np.median(self.sums[known, -1] / count[known])) if known.any() else 0.0

    def _at(self, day: "Days") -> "Places":
        found: Places = (day.astype("datetime64[D]") - self.first).astype(int)
        return found


def levels_of(
    rows: "pd.DataFrame",
    accounts: "pd.Index[str]",
    span: "Sequence[np.datetime64]",
    *,
    metric: str,
    cadence: Literal["daily", "monthly"] = "daily",
    left_on: "pd.Series[pd.Timestamp] | None" = None,
) -> Levels:
    """Return the running sums of a metric.

    Args:
        rows: account_id, date (datetime64), value; one row per account and day, in any order.
        accounts: Accounts that are asked for; others are left out.
        span: First and last day.
        metric: Name of the metric.
        cadence: How long a value stands for.
        left_on: Day each account left, missing = has not; from then on it counts 0 where values are expected.
    """
    import numpy as np
    import pandas as pd

    first, last = span
    width = int((last - first).astype(int)) + 1
    place = accounts.get_indexer(pd.Index(rows["account_id"]))
    day = (rows["date"].to_numpy("datetime64[D]") - first).astype(int)
    value = rows["value"].to_numpy(float)
    keep = (place >= 0) & (day >= 0) & (day < width) & np.isfinite(value)
    sums, counts = np.zeros((len(accounts), width + 1)), np.zeros((len(accounts), width + 1), dtype=np.int32)
    sums[place[keep], day[keep] + 1] = value[keep]
    counts[place[keep], day[keep] + 1] = 1
    recorded = counts.sum(axis=0)
    busy = recorded >= max(1, BUSY * recorded.max())
    gone = None
    if left_on is not None:
        gone = left_on.reindex(accounts).to_numpy("datetime64[D]")
        for row in np.flatnonzero(~np.isnat(gone)):
            since = max(0, int((gone[row] - first).astype(int)))
            counts[row, since + 1 :] |= busy[since + 1 :]
    return Levels(
        metric,
        cadence,
        accounts,
        first,
        sums.cumsum(axis=1),
        counts.cumsum(axis=1, dtype=np.int32),
        busy.cumsum(dtype=np.int32),
        gone,
    )


def on_scale(level: "Floats", scale: str, usual: float) -> "Floats":
    """Return levels on the scale of the analysis: the logarithm of what is counted, points as they are.

    Args:
        level: Levels.
        scale: relative or points.
        usual: Usual level of the metric; a small part of it is added, so that 0 has a logarithm.
    """
    import numpy as np

    return level if scale == "points" else np.log(np.maximum(level, 0) + OFFSET_SHARE * max(usual, 1e-9))
