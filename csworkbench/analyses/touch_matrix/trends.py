"""The six figures quarter by quarter, and whether they have changed within a year."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.touch_matrix.kpis import KPIS, LOAD, NPS, ONBOARDING, load, loads, measured, told_of
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

QUARTER_DAYS = 91  # 13 weeks: every quarter has the same weekdays


@dataclass(frozen=True, slots=True, eq=False)
class Quarter:
    """What the figures of one quarter are made of, as it was known at its end.

    Args:
        ends_on: Its last day.
        kpis: See `kpis.measured`.
        loads: See `kpis.loads`.
    """

    ends_on: date
    kpis: "pd.DataFrame"
    loads: "pd.DataFrame"


def quarters(snapshot: "Snapshot", config: Config) -> tuple[Quarter, ...]:
    """Return the quarters up to the date, the newest last; none overlaps another.

    Args:
        snapshot: The book at the date of the page.
        config: How many quarters.
    """
    from csworkbench.asof import earlier

    short, found = config.model_copy(update={"period_days": QUARTER_DAYS}), []
    for back in reversed(range(config.trend_quarters + 1)):
        book = earlier(snapshot, snapshot.as_of - timedelta(days=QUARTER_DAYS * back))
        first = book.as_of - timedelta(days=QUARTER_DAYS - 1)
        found.append(Quarter(book.as_of, measured(book, short, first)[0], loads(book, config, first)))
    return tuple(found)


def trend_table(inputs: Any, config: Config) -> "pd.DataFrame":
    """Return the six figures of the book, quarter by quarter.

    Args:
        inputs: Quarters.
        config: Level of the intervals.

    Returns:
        One row per KPI and quarter: kpi, ends_on, estimate (missing: nobody can tell), low, high, n, unit, told.
    """
    import pandas as pd

    lines = []
    for kpi in (each for each in KPIS if each not in inputs.absent):
        for quarter in inputs.past:
            told = load(quarter.loads) if kpi == LOAD else told_of(kpi, _rows(quarter, kpi), config.level)
            numbers = (told.value, told.low, told.high, told.n, told.unit)
            lines.append((kpi, pd.Timestamp(quarter.ends_on), *numbers, formats.estimate(told, inputs.language)))
    columns = ["kpi", "ends_on", "estimate", "low", "high", "n", "unit", "told"]
    return pd.DataFrame(lines, columns=columns).astype({"estimate": float, "low": float, "high": float})


def change_table(inputs: Any, config: Config) -> "pd.DataFrame":
    """Return how much each figure changed from the first quarter that is followed to the newest.

    The same accounts are in both quarters, so the interval is that of the difference of two ratios over accounts, not
    that of two samples. A median has none, and neither has a count of all: there is no row of them.

    Args:
        inputs: Quarters.
        config: Level of the intervals.

    Returns:
        One row per KPI: kpi, from_on, to_on, change (missing: nobody can tell), low, high, n (accounts in either),
        unit, told.
    """
    import pandas as pd

    before, now = inputs.past[0], inputs.past[-1]
    lines = []
    for kpi in (each for each in KPIS if each not in (ONBOARDING, LOAD, *inputs.absent)):
        told = change_of(_ratio(_rows(now, kpi), kpi), _ratio(_rows(before, kpi), kpi), config.level)
        numbers = (told.value, told.low, told.high, told.n, told.unit)
        days = (pd.Timestamp(before.ends_on), pd.Timestamp(now.ends_on))
        lines.append((kpi, *days, *numbers, formats.estimate(told, inputs.language)))
    columns = ["kpi", "from_on", "to_on", "change", "low", "high", "n", "unit", "told"]
    return pd.DataFrame(lines, columns=columns).astype({"change": float, "low": float, "high": float})


def change_of(now: "pd.DataFrame", before: "pd.DataFrame", level: float) -> Estimate:
    """Return the difference of two ratios of sums, in points, with a Student interval over the accounts of both.

    Args:
        now: top and bottom, by account_id.
        before: The same of the earlier quarter.
        level: Coverage of the interval.

    Returns:
        Estimate in points, the unit of top / bottom; n accounts in either; value None where one of them has no ratio.
        Without an interval where nothing says how much accounts differ.

    Source: linearization of a ratio (Cochran 1977, ch. 6), the residuals of both quarters added up by account.
    """
    from math import sqrt

    import pandas as pd
    from scipy.stats import t

    both = now.join(before, how="outer", lsuffix="_now", rsuffix="_before").fillna(0.0)
    n, residuals, value = len(both), pd.Series(0.0, both.index), 0.0
    for name, sign in (("now", 1.0), ("before", -1.0)):
        top, bottom = both[f"top_{name}"], both[f"bottom_{name}"]
        if not bottom.sum() > 0:
            return Estimate(None, "points", n)
        ratio = float(top.sum() / bottom.sum())
        value += sign * ratio
        residuals = residuals + sign * (top - ratio * bottom) / bottom.sum()
    error = sqrt(n / (n - 1) * float((residuals**2).sum())) if n > 1 else 0.0
    if error <= 1e-12:
        return Estimate(value, "points", n)
    half = float(t.ppf((1 + level) / 2, n - 1)) * error
    return Estimate(value, "points", n, value - half, value + half, level)


def board(kpis: "pd.DataFrame", changes: "pd.DataFrame") -> "pd.DataFrame":
    """Return the figures of the book and its tiers side by side, in words.

    Args:
        kpis: From `kpis.kpi_table`.
        changes: From `change_table`.

    Returns:
        One row per KPI: kpi, all, one column per tier, change (of the book, "" = none is told).
    """
    rows = kpis[kpis["dimension"].isin(["all", "tier"])]
    rows = rows.assign(group=rows["value"].mask(rows["dimension"] == "all", "all"))
    wide = rows.pivot_table(index="kpi", columns="group", values="told", aggfunc="first")[
        list(dict.fromkeys(rows["group"]))
    ]
    wide = wide.loc[list(dict.fromkeys(rows["kpi"]))].rename_axis(columns=None)
    told = changes.set_index("kpi")["told"].reindex(wide.index).fillna("")
    return wide.assign(change=told).reset_index()


def _rows(quarter: Quarter, kpi: str) -> "pd.DataFrame":
    return quarter.kpis[quarter.kpis["kpi"] == kpi]


def _ratio(rows: "pd.DataFrame", kpi: str) -> "pd.DataFrame":
    """Return top and bottom of a figure by account, in points of 100."""
    keyed = rows.set_index("account_id")
    top = keyed["top"] - keyed["extra"] if kpi == NPS else keyed["top"]
    return keyed.assign(top=100 * top)[["top", "bottom"]]
