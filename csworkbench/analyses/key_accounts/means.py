"""Means of this window beside the one before, with intervals over accounts."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"
LEAST_ACCOUNTS = 10  # with fewer an interval over accounts is too short
LINE = ["value", "low", "high", "n", "before", "change", "change_low", "change_high", "verdict"]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Numerators and denominators of a mean, by account_id: of this window and of the one before.

    Args:
        now: Columns total and count.
        before: The same of the window before.
    """

    now: "pd.DataFrame"
    before: "pd.DataFrame"


def sums(rows: "pd.DataFrame", value: str, is_now: "pd.Series[bool]", is_before: "pd.Series[bool]") -> Sums:
    """Return the sums of the rows of two windows; rows without a value do not count.

    Args:
        rows: Rows with account_id.
        value: Column of the numbers.
        is_now: Which rows are of this window.
        is_before: Which are of the one before.
    """
    known = rows[value].notna()
    now, before = (totals(rows[mask & known], value) for mask in (is_now, is_before))
    return Sums(now, before)


def totals(rows: "pd.DataFrame", value: str) -> "pd.DataFrame":
    """Return total and count of the rows of each account.

    Args:
        rows: Rows with account_id.
        value: Column that is summed, without missing values.
    """
    import pandas as pd

    values = rows[value].astype(float).groupby(rows["account_id"])
    return pd.DataFrame({"total": values.sum(), "count": values.size().astype(float)})


def line(found: Sums, level: float, better: str = "higher", *, is_share: bool = False) -> dict[str, object]:
    """Return the mean of this window, that before, and the change: the columns LINE.

    Args:
        found: Sums per account.
        level: Coverage of the intervals.
        better: higher or lower; "" = the change is neither.
        is_share: The values are yes or no: Wilson's interval, which stays within 0 and 1.

    Source: linearised variance of a difference of ratios with accounts as units (Cochran 1977, ch. 6).
    """
    from csworkbench.features.estimating import ratio_of, share_of

    now = (share_of if is_share else ratio_of)(found.now["total"], found.now["count"], level)
    before = ratio_of(found.before["total"], found.before["count"], level)
    change, low, high = _change(found, level)
    verdict = CANNOT_TELL
    if low is not None and high is not None and better:
        up, down = (BETTER, WORSE) if better == "higher" else (WORSE, BETTER)
        verdict = up if low > 0 else down if high < 0 else CANNOT_TELL
    numbers = (now.value, now.low, now.high, now.n, before.value, change, low, high, verdict)
    return dict(zip(LINE, numbers, strict=True))


def _change(found: Sums, level: float) -> "tuple[float | None, float | None, float | None]":
    import numpy as np
    from scipy.stats import t

    every = found.now.index.union(found.before.index)
    now, before = (each.reindex(every).fillna(0.0) for each in (found.now, found.before))
    if now["count"].sum() <= 0 or before["count"].sum() <= 0:
        return None, None, None
    means = [each["total"].sum() / each["count"].sum() for each in (now, before)]
    change = float(means[0] - means[1])
    n = len(every)
    parts = [
        (each["total"] - mean * each["count"]) / each["count"].sum()
        for each, mean in zip((now, before), means, strict=True)
    ]
    error = float(np.sqrt(n / max(n - 1, 1) * ((parts[0] - parts[1]) ** 2).sum()))
    least = min((each["count"] > 0).sum() for each in (now, before))
    if least < 2 or error <= 1e-12:
        return change, None, None
    half = float(t.ppf((1 + level) / 2, least - 1)) * error
    return change, change - half, change + half


def clustered(design: "pd.DataFrame", outcome: "Floats", accounts: "pd.Series[str]", level: float) -> "pd.DataFrame":
    """Return least-squares coefficients with intervals over accounts: value, low, high by column of the design.

    Args:
        design: Columns of the model, its constant included where there is one.
        outcome: The outcome, one per row.
        accounts: Account of each row.
        level: Coverage.

    Source: cluster-robust variance (Liang and Zeger 1986) by statsmodels, Student's quantile with accounts - 1.
    """
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    from scipy.stats import t

    codes = pd.factorize(accounts)[0]
    fitted = sm.OLS(outcome, design.to_numpy(float)).fit(cov_type="cluster", cov_kwds={"groups": codes})
    # Where the model fits to the last digit a variance of nothing may come out below 0.
    error = np.sqrt(np.maximum(np.diag(fitted.cov_params()), 0.0))
    half = float(t.ppf((1 + level) / 2, max(int(codes.max()), 1))) * error
    return pd.DataFrame(
        {"value": fitted.params, "low": fitted.params - half, "high": fitted.params + half}, index=design.columns
    )


def are_enough(rows: "pd.DataFrame", kind: str, least: int) -> bool:
    """Return whether rows of two kinds are enough to compare them.

    Args:
        rows: Rows with account_id.
        kind: Column that tells the two apart.
        least: Rows each of them needs; accounts they need are LEAST_ACCOUNTS.
    """
    counts = rows.groupby(kind)["account_id"].agg(["size", "nunique"])
    return len(counts) == 2 and bool((counts >= [least, LEAST_ACCOUNTS]).all(axis=None))


def interval_of(found: "pd.DataFrame", name: str) -> tuple[float, float, float]:
    """Return value, low and high of one coefficient.

    Args:
        found: What `clustered` returned.
        name: Column of the design.
    """
    value, low, high = (float(each) for each in found.loc[name, ["value", "low", "high"]].to_numpy(dtype=float))
    return value, low, high


def in_words(table: "pd.DataFrame", level: float, language: str) -> "pd.DataFrame":
    """Return a table with its numbers in words: now and, where there is one, the change of it.

    Args:
        table: Columns unit, value, low, high, n, change, change_low and change_high.
        level: Coverage of the intervals.
        language: Language of the words.

    Returns:
        The table with the columns now and changed ("" = not measured); a change of shares is in points of 100.
    """
    rows = table.to_dict("records")
    now = [_words(row, ("value", "low", "high"), (str(row["unit"]), 1.0), level, language) for row in rows]
    units = [("points", 100.0) if row["unit"] == "share" else (str(row["unit"]), 1.0) for row in rows]
    names = ("change", "change_low", "change_high")
    changed = [_words(row, names, unit, level, language) for row, unit in zip(rows, units, strict=True)]
    return table.assign(now=now, changed=changed)


def _words(
    row: "Mapping[Hashable, Any]", names: tuple[str, str, str], unit: tuple[str, float], level: float, language: str
) -> str:
    import pandas as pd

    if pd.isna(row[names[0]]):
        return "" if names[0] == "change" else formats.estimate(Estimate(None, unit[0], int(row["n"])), language)
    value, low, high = (None if pd.isna(row[name]) else float(row[name]) * unit[1] for name in names)
    ends = (None, None, None) if low is None else (low, high, level)
    return formats.estimate(Estimate(value, unit[0], int(row["n"]), *ends), language)
