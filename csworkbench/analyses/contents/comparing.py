"""Shares of several items side by side: each with its interval, shrunk, and held against the others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MORE, LESS, NO_DIFFERENCE, CANNOT_TELL = "more", "less", "no difference shown", "cannot tell"
LEAST_ACCOUNTS = 5  # with a hit, and without one in every trial, before Student's approximation is believed
COMPARED = [
    "group", "outcome", "item", "accounts", "trials", "hits", "share", "low_share", "high_share", "shrunk_share",
    "shrunk_low_share", "shrunk_high_share", "difference", "difference_low", "difference_high", "says",
]  # fmt: skip


def compare(rows: "pd.DataFrame", least_accounts: int, level: float) -> "pd.DataFrame":
    """Return the share of hits of each item, and whether it differs from that of the other items of its group.

    Accounts are the independent units, also of the difference, whose two sides have accounts in common. All questions
    of the table are asked at once: of the differences that are called more or less, 1 - level are wrong on average.

    Args:
        rows: One row per group, outcome, item and account: group, outcome, item, account_id, trials (above 0), hits.
        least_accounts: An item with fewer accounts is neither compared nor pooled.
        level: Coverage of the intervals.

    Returns:
        One row per group, outcome and item: the columns COMPARED; shrunk_share is the share drawn towards those of the
        group as far as chance alone would scatter them (missing where fewer than two items can be pooled), difference
        the share less that of the others with its interval, says more, less, no difference shown or cannot tell.

    Source: linearised variance of ratios (Cochran 1977, ch. 6) with Student's quantile; Benjamini and Hochberg (1995);
        intervals of Benjamini and Yekutieli (2005); shrinkage `adjustment.pooling.pool`.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    lines = []
    for (group, outcome), mine in rows.groupby(["group", "outcome"], sort=True):
        wide = mine.groupby(["item", "account_id"])[["hits", "trials"]].sum().astype(float)
        for item in wide.index.unique("item"):
            own = wide.loc[item]
            found = share_of(own["hits"], own["trials"], level)
            others = wide.drop(item, level="item").groupby("account_id").sum()
            gap = _gap(own, others) if len(own) >= least_accounts else None
            lines.append(
                {
                    "group": group, "outcome": outcome, "item": item, "accounts": len(own),
                    "trials": int(own["trials"].sum()), "hits": int(own["hits"].sum()), "share": found.value,
                    "low_share": found.low, "high_share": found.high, "difference": gap and gap[0],
                    "error": gap and gap[1], "free": gap and gap[2],
                }
            )  # fmt: skip
    table = pd.DataFrame(lines, columns=[*COMPARED[:9], "difference", "error", "free"])
    table = table.astype(dict.fromkeys(("difference", "error", "free"), "float64"))
    return _shrunk(_judged(table, level), least_accounts, level)[COMPARED]


def _gap(own: "pd.DataFrame", others: "pd.DataFrame") -> tuple[float, float, float] | None:
    """Return the difference of two ratios, its error over accounts, and degrees of freedom; None with too few."""
    from math import sqrt

    if len(others) < 2 or any(
        min((each["hits"] > 0).sum(), (each["hits"] < each["trials"]).sum()) < LEAST_ACCOUNTS for each in (own, others)
    ):
        return None
    parts = []
    for each, sign in ((own, 1.0), (others, -1.0)):
        total = each["trials"].sum()
        parts.append(sign * (each["hits"] - each["hits"].sum() / total * each["trials"]) / total)
    residuals = parts[0].add(parts[1], fill_value=0.0)
    n = len(residuals)
    error = sqrt(n / (n - 1) * float((residuals**2).sum()))
    difference = float(own["hits"].sum() / own["trials"].sum() - others["hits"].sum() / others["trials"].sum())
    return (difference, error, float(min(len(own), len(others)) - 1)) if error > 0 else None


def _judged(table: "pd.DataFrame", level: float) -> "pd.DataFrame":
    import pandas as pd
    from scipy.stats import t

    from csworkbench.inference.multiplicity import benjamini_hochberg

    told = table[table["difference"].notna()]
    p = 2 * t.sf((told["difference"] / told["error"]).abs(), told["free"])
    found = benjamini_hochberg([float(each) for each in p], 1 - level)
    half = t.ppf((1 + pd.Series(found.levels, index=told.index, dtype=float)) / 2, told["free"]) * told["error"]
    low, high = told["difference"] - half, told["difference"] + half
    is_found = pd.Series(found.p, index=told.index, dtype=float) <= 1 - level
    says = pd.Series(CANNOT_TELL, index=table.index)
    says.loc[told.index] = NO_DIFFERENCE
    says.loc[told.index[is_found & (told["difference"] > 0)]] = MORE
    says.loc[told.index[is_found & (told["difference"] < 0)]] = LESS
    return table.assign(difference_low=low, difference_high=high, says=says)


def _shrunk(table: "pd.DataFrame", least_accounts: int, level: float) -> "pd.DataFrame":
    """Return the table with shrunk shares; the error of a share is that of its interval, so 0 of 30 has one too."""
    import pandas as pd
    from scipy.stats import norm

    from csworkbench.adjustment.pooling import pool

    z = float(norm.ppf((1 + level) / 2))
    parts: list[Any] = []
    for _, rows in table[table["accounts"] >= least_accounts].groupby(["group", "outcome"]):
        if len(rows) < 2:
            continue
        error = (rows["high_share"] - rows["low_share"]).astype(float) / (2 * z)
        effects = pd.DataFrame({"effect": rows["share"].astype(float), "standard_error": error, "shared_error": 0.0})
        pooled = pool(effects.assign(episode_id=rows["item"], account_id=rows["item"]), level=level)
        if pooled is not None:
            found = pooled.accounts.set_index(rows.index)[["mean", "low", "high"]].clip(0, 1)
            parts.append(found.set_axis(["shrunk_share", "shrunk_low_share", "shrunk_high_share"], axis=1))
    names = ["shrunk_share", "shrunk_low_share", "shrunk_high_share"]
    shrunk = pd.concat(parts) if parts else pd.DataFrame(columns=names, dtype=float)
    return table.join(shrunk)


def in_words(row: Mapping[Any, Any], language: str) -> str:
    """Return a share with its interval, such as "12.0% (8.1% – 16.9%)".

    Args:
        row: share, low_share and high_share.
        language: Language of the numbers.
    """
    from csworkbench.formats import share

    value, low, high = (share(float(row[name]), language=language) for name in ("share", "low_share", "high_share"))
    return f"{value} ({low} – {high})"
