"""How close the two sides are: levels, agreement of raters, and change where the same person rated twice."""

from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.means import Sums, line, totals
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DIMENSIONS = ("closeness", "solution_acceptance", "price_acceptance", "behaviour_mastery")
LEVELS = range(1, 6)
DRAWS, LEAST_UNITS, GOOD, ENOUGH = 300, 10, 0.8, 0.667
DIMENSION = [
    "dimension", "level", "low", "high", "accounts", "high_share", "before", "change", "change_low", "change_high",
    "pairs", "verdict", "alpha", "alpha_low", "alpha_high", "rated_twice", "agreement",
]  # fmt: skip
CARD = ["account_id", "name", "csm", "dimension", "level", "change", "raters", "apart", "rated_on", "is_overdue"]


def dimension_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return level, change and raters' agreement of each dimension over the key accounts.

    Args:
        inputs: Ratings and accounts.
        config: How long a rating counts, and level of the intervals.

    Returns:
        One row per dimension: the columns DIMENSION; level is the mean over accounts of their ratings that count,
        high_share the share of accounts at or above `high_level`, change the mean over pairs of ratings of one account
        by one rater (before: the mean of the earlier ones), alpha Krippendorff's for ordinal levels over accounts
        rated by several people in the same half-year (rated_twice), agreement good, usable, poor or cannot tell.
    """
    import pandas as pd

    now = _current(inputs, config)
    lines = []
    for dimension in DIMENSIONS:
        mine = now[now["dimension"] == dimension]
        per_account = mine.groupby("account_id")["level"].mean()
        sizes = pd.DataFrame({"total": per_account, "count": 1.0})
        empty = sizes.iloc[:0]
        found = line(Sums(sizes, empty), config.level)
        pairs = _pairs(inputs, config, dimension)
        moved = line(_pair_sums(pairs), config.level)
        alpha = agreement(_units(inputs, dimension), config)
        high = float((per_account >= config.high_level).mean()) if len(per_account) else None
        said = "cannot tell" if alpha.value is None else "good" if alpha.value >= GOOD else (
            "usable" if alpha.value >= ENOUGH else "poor"
        )  # fmt: skip
        lines.append(
            (
                dimension, found["value"], found["low"], found["high"], len(per_account), high,
                moved["before"], moved["change"], moved["change_low"], moved["change_high"], len(pairs),
                moved["verdict"], alpha.value, alpha.low, alpha.high, alpha.n, said,
            )
        )  # fmt: skip
    return pd.DataFrame(lines, columns=DIMENSION)


def card_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the scorecard: each key account and dimension.

    Args:
        inputs: Ratings and accounts.
        config: How long a rating counts.

    Returns:
        One row per key account and dimension, the lowest level first: the columns CARD; level is the mean of the newest
        rating of each rater (missing = none counts any more), change that of raters who rated before as well, apart
        the largest difference between raters, rated_on the newest rating ever, is_overdue = none counts any more.
    """
    import pandas as pd

    now, ratings, key = _current(inputs, config), inputs.tables["relationship_ratings"], inputs.key
    grid = pd.MultiIndex.from_product([key.index, DIMENSIONS], names=["account_id", "dimension"])
    cells = now.groupby(["account_id", "dimension"])["level"].agg(level="mean", raters="size", most="max", least="min")
    table = cells.reindex(grid)
    pairs = pd.concat([_pairs(inputs, config, each).assign(dimension=each) for each in DIMENSIONS], ignore_index=True)
    moved = (pairs["now"] - pairs["before"]).groupby([pairs["account_id"], pairs["dimension"]]).mean()
    newest = ratings.groupby(["account_id", "dimension"])["rated_at"].max()
    table = table.assign(
        change=moved.reindex(grid).astype(float),
        apart=table["most"] - table["least"],
        raters=table["raters"].fillna(0).astype(int),
        rated_on=newest.reindex(grid).to_numpy(dtype="datetime64[s]"),
        is_overdue=table["level"].isna(),
    ).reset_index()
    table = table.assign(name=table["account_id"].map(key["name"]), csm=table["account_id"].map(key["csm"]))
    ordered: pd.DataFrame = table.sort_values(["level", "account_id", "dimension"], ignore_index=True)[CARD]
    return ordered


def rater_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how much the CSM of an account rates above others, where both rated in the same half-year.

    Args:
        inputs: Ratings and accounts.
        config: Level of the intervals.

    Returns:
        One row per dimension: dimension, pairs, accounts, difference (CSM less the others, points), low, high.
    """
    import pandas as pd

    from csworkbench.features.estimating import ratio_of

    lines = []
    people = set(inputs.tables["csms"]["csm_id"])
    for dimension in DIMENSIONS:
        units = _units(inputs, dimension)
        is_csm = units["rater"].isin(people)
        means = units.groupby(["account_id", "period", is_csm.rename("is_csm")])["level"].mean().reset_index()
        keys = ["account_id", "period"]
        both = means[means["is_csm"]].merge(means[~means["is_csm"]], on=keys, suffixes=("", "_other"))
        gap = (both["level"] - both["level_other"]).astype(float)
        apart = gap.groupby(both["account_id"]).agg(["sum", "size"]).astype(float)
        found = ratio_of(apart["sum"], apart["size"], config.level)
        lines.append((dimension, int(apart["size"].sum()), found.n, found.value, found.low, found.high))
    return pd.DataFrame(lines, columns=["dimension", "pairs", "accounts", "difference", "low", "high"])


def agreement(units: "pd.DataFrame", config: Config) -> Estimate:
    """Return Krippendorff's alpha of ordinal levels, with an interval by drawing accounts again.

    Args:
        units: One row per rating: account_id, period, rater, level; an account and period is rated by several people.
        config: Level and seed of the interval.

    Returns:
        Estimate; n is the number of accounts and periods with two ratings or more; no value below 10 of them.
    """
    import numpy as np
    import pandas as pd

    from csworkbench.inference.resampling import account_weights, interval

    several = units[units.groupby(["account_id", "period"])["rater"].transform("nunique") > 1]
    counts = pd.crosstab([several["account_id"], several["period"]], several["level"]).reindex(columns=list(LEVELS))
    table = counts.fillna(0).to_numpy(float)
    if len(table) < LEAST_UNITS:
        return Estimate(None, "alpha", len(table))
    value = alpha(table, np.ones(len(table)))
    accounts = pd.factorize(counts.index.get_level_values("account_id"))[0].astype(np.int64)
    drawn = np.array([alpha(table, weights) for weights in account_weights(accounts, DRAWS, config.seed)])
    found = interval(value, drawn, len(table), "alpha", level=config.level)
    if found.low is None or found.high is None:
        return found
    return Estimate(found.value, "alpha", found.n, found.low, min(1.0, found.high), config.level)


def alpha(counts: "Floats", weights: "Floats") -> float:
    """Return Krippendorff's alpha for ordinal levels; nan where all ratings are the same.

    Args:
        counts: Ratings of each unit (rows) at each level (columns, in order); a unit with one rating says nothing.
        weights: How often each unit counts.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; checked against its example.
    """
    import numpy as np

    size = counts.sum(axis=1)
    is_paired = size > 1
    counts, size, weights = counts[is_paired], size[is_paired], weights[is_paired]
    scaled = counts * (weights / (size - 1))[:, None]
    seen = scaled.T @ counts - np.diag(scaled.sum(axis=0))
    total = seen.sum(axis=0)
    n = total.sum()
    if n <= 1:
        return float("nan")
    upto = np.cumsum(total)
    between = np.abs(upto[:, None] - upto[None, :])
    low = np.minimum.outer(np.arange(len(total)), np.arange(len(total)))
    # All ratings from one level to the other, both ends half.
    apart = between + total[low] - (total[:, None] + total[None, :]) / 2
    np.fill_diagonal(apart, 0.0)
    expected = (np.outer(total, total) * apart**2).sum() / (n - 1)
    return float(1 - (seen * apart**2).sum() / expected) if expected > 0 else float("nan")


def _current(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the newest rating of each key account, dimension and rater that still counts."""
    rows = _of_key(inputs)
    return _newest(rows[_age(rows, inputs) < config.rating_days])


def _pairs(inputs: Inputs, config: Config, dimension: str) -> "pd.DataFrame":
    """Return the ratings of one account by one rater, now and in the time before: account_id, rater, now, before."""
    rows = _of_key(inputs)
    rows = rows[rows["dimension"] == dimension]
    age = _age(rows, inputs)
    now = _newest(rows[age < config.rating_days])
    then = _newest(rows[(age >= config.rating_days) & (age < 2 * config.rating_days)])
    keys = ["account_id", "rater"]
    made: pd.DataFrame = now[[*keys, "level"]].merge(then[[*keys, "level"]], on=keys, suffixes=("", "_then"))
    return made.rename(columns={"level": "now", "level_then": "before"}).astype({"now": float, "before": float})


def _pair_sums(pairs: "pd.DataFrame") -> Sums:
    return Sums(totals(pairs, "now"), totals(pairs, "before"))


def _units(inputs: Inputs, dimension: str) -> "pd.DataFrame":
    """Return the ratings of key accounts with the half-year they were made in, one per rater."""
    rows = _of_key(inputs)
    rows = rows[rows["dimension"] == dimension]
    period = rows["rated_at"].dt.year.astype(str) + "/" + ((rows["rated_at"].dt.month - 1) // 6 + 1).astype(str)
    rows = rows.assign(period=period)
    return rows.sort_values("rated_at").drop_duplicates(["account_id", "period", "rater"], keep="last")


def _of_key(inputs: Inputs) -> "pd.DataFrame":
    rows = inputs.tables["relationship_ratings"]
    kept: pd.DataFrame = rows[rows["account_id"].isin(inputs.key.index)].astype({"rated_at": "datetime64[s]"})
    return kept


def _newest(rows: "pd.DataFrame") -> "pd.DataFrame":
    last: pd.DataFrame = rows.sort_values("rated_at").drop_duplicates(["account_id", "dimension", "rater"], keep="last")
    return last


def _age(rows: "pd.DataFrame", inputs: Inputs) -> "pd.Series[float]":
    import pandas as pd

    days: pd.Series[float] = (pd.Timestamp(inputs.as_of) - rows["rated_at"]).dt.days
    return days
