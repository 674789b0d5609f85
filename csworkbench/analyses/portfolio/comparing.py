"""How the accounts of one person differ from those of colleagues: shrunk, with intervals, and never a ranking."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MORE, FEWER, ALIKE, ALONE = "more", "fewer", "no difference shown", "cannot be told"
COLUMNS = ["csm_id", "measure", "accounts", "own", "colleagues", "difference", "low", "high", "says"]
LEAST_PEOPLE = 2
LEAN = 4  # accounts that the spread over all tiers counts for in that of one


def differences(values: "pd.DataFrame", least_accounts: int, level: float) -> "pd.DataFrame":
    """Return how much the accounts of each person have more or less of each measure than accounts of colleagues.

    Accounts of a person are compared with those of colleagues in the same tiers (least squares with tiers as groups),
    and the differences are shrunk towards each other (`adjustment.pooling.pool`). The level is shared out among the
    measures (Bonferroni); among people the shrinkage does that, so that in a team of equals anybody is named at most as
    often as `level` allows (measured in tests/calibration/test_people.py).

    Args:
        values: One row per account and measure with a value: account_id, csm_id, tier, measure, value.
        least_accounts: People with fewer accounts of a measure are left out, and are nobody's colleagues.
        level: Coverage of all intervals together.

    Returns:
        One row per person and measure, in the order of ids: csm_id, measure, accounts, own (mean of the accounts of the
        person), colleagues (what those of colleagues come to in the same tiers), difference (shrunk; missing where no
        colleague has accounts of these tiers), low, high, says (more, fewer, no difference shown, cannot be told).

    Source: Gelman, Hill and Yajima (2012), Journal of Research on Educational Effectiveness 5, 189-211, why shrunk
        estimates need no further correction.
    """
    import pandas as pd

    from csworkbench.adjustment.pooling import pool

    sized = values.groupby(["measure", "csm_id"])["value"].transform("size")
    rows = values[sized >= least_accounts]
    parts = [_against_colleagues(part).assign(measure=name) for name, part in rows.groupby("measure", sort=True)]
    told = [part for part in parts if len(part) >= LEAST_PEOPLE]
    if not told:
        return pd.DataFrame(columns=COLUMNS)
    found, strict = [], 1 - (1 - level) / len(told)
    for part in told:
        effects = part.assign(episode_id=part["csm_id"], account_id=part["csm_id"], shared_error=0.0)
        pooled = pool(effects, level=strict)
        shrunk = None if pooled is None else pooled.accounts.set_index("account_id")[["mean", "low", "high"]]
        found.append(part.set_index("csm_id").join(shrunk) if shrunk is not None else part.set_index("csm_id"))
    whole = pd.concat(found).reset_index()
    table = whole.reindex(columns=list(dict.fromkeys([*whole.columns, "mean", "low", "high"])))
    says = pd.Series(ALIKE, index=table.index).mask(table["low"] > 0, MORE).mask(table["high"] < 0, FEWER)
    table = table.assign(says=says.mask(table["mean"].isna(), ALONE), colleagues=table["own"] - table["effect"])
    return table.rename(columns={"mean": "difference"})[COLUMNS]


def _against_colleagues(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the difference of each person from colleagues with accounts of the same tiers, and its error by tier.

    Within each tier the mean of the person less that of the others, weighted by n m / (n + m): what least squares with
    a mean per tier come to. Nothing can be told of who has all accounts of their tiers.

    Source: Cochran (1954), Biometrics 10, 417-451, the weights of the difference of means over strata.
    """
    import numpy as np
    import pandas as pd

    cells = rows.groupby(["csm_id", "tier"])["value"].agg(["size", "sum"]).reset_index()
    tiers = rows.groupby("tier")["value"].agg(["size", "sum"])
    both = cells.join(tiers.add_prefix("all_"), on="tier")
    others = both["all_size"] - both["size"]
    gap = both["sum"] / both["size"] - (both["all_sum"] - both["sum"]) / others.where(others > 0)
    weight = (both["size"] * others / both["all_size"]).astype(float)
    spread = both["tier"].map(_spreads(rows))
    weighted = both.assign(
        weight=weight, weighted=(weight * gap).fillna(0.0), variance=(weight * spread).fillna(0.0)
    ).groupby("csm_id")[["weight", "weighted", "variance"]].sum()  # fmt: skip
    total = weighted["weight"].where((weighted["weight"] > 0) & (weighted["variance"] > 0))
    people = rows.groupby("csm_id")["value"].agg(accounts="size", own="mean")
    people = people.assign(effect=weighted["weighted"] / total, standard_error=np.sqrt(weighted["variance"]) / total)
    found: pd.DataFrame = people.reset_index()
    return found


def _spreads(rows: "pd.DataFrame") -> "pd.Series[float]":
    """Return the variance of accounts of one person by tier; few accounts lean on what it is over all tiers.

    One variance for all would make that of rare large accounts, of which more is done, too small, and people with many
    of them stand out by chance.

    Source: Smyth (2004), Statistical Applications in Genetics and Molecular Biology 3, article 3, moderated variances.
    """
    about = rows["value"] - rows.groupby(["csm_id", "tier"])["value"].transform("mean")
    squares = (about**2).groupby(rows["tier"]).sum()
    free = rows.groupby("tier").size() - rows.groupby("tier")["csm_id"].nunique()
    usual = squares.sum() / free.sum() if free.sum() > 0 else 0.0
    found: pd.Series[float] = (squares + LEAN * usual) / (free + LEAN)
    return found
