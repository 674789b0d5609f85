"""Does service win more often, and at less cost, than other sources? Raw, and with the same mix of accounts."""

from typing import TYPE_CHECKING, Any

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.means import are_enough, clustered, interval_of
from csworkbench.analyses.key_accounts.settings import Config

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SERVICE = "service"
LEAST = 10  # won, and lost, of each source
SOURCE = [
    "source", "opportunities", "open", "won", "win_rate", "low", "high", "accounts", "cost_share", "cost_low",
    "cost_high", "cost_per_won",
]  # fmt: skip
CLAIM = ["claim", "against", "raw", "adjusted", "low", "high", "level", "opportunities", "verdict"]
MORE, LESS, CANNOT_TELL = "holds", "the other way round", "cannot tell"


def source_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what became of the opportunities of each source.

    Args:
        inputs: Opportunities of all accounts.
        config: Level of the intervals.

    Returns:
        One row per source: the columns SOURCE; win_rate is won over closed with its interval over accounts, cost_share
        the mean cost over amount of all that have both, cost_per_won the cost of all closed over the amount won, both
        in parts of the amounts, so that currencies do not matter.
    """
    import pandas as pd

    from csworkbench.features.estimating import ratio_of, share_of

    lines = []
    for source, rows in _known(inputs).groupby("source", sort=True):
        closed = rows[rows["is_closed"]]
        won, trials = (closed.groupby("account_id")["won"].agg(each).astype(float) for each in ("sum", "size"))
        rate = share_of(won, trials, config.level)
        priced = rows[rows["cost_share"].notna()].groupby("account_id")["cost_share"].agg(["sum", "size"]).astype(float)
        cost = ratio_of(priced["sum"], priced["size"], config.level)
        spent = closed[closed["cost_share"].notna()]
        gained = spent.loc[spent["won"] > 0, "part"].sum()
        per_won = float((spent["cost_share"] * spent["part"]).sum() / gained) if gained > 0 else None
        lines.append(
            (
                source, len(rows), int((~rows["is_closed"]).sum()), int(closed["won"].sum()), rate.value, rate.low,
                rate.high, rate.n, cost.value, cost.low, cost.high, per_won,
            )
        )  # fmt: skip
    return pd.DataFrame(lines, columns=SOURCE)


def claim_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the claim that selling during service wins more often and costs less, tested with the same mix.

    Args:
        inputs: Opportunities of all accounts.
        config: Level of the intervals, shared among the sources that service is compared with.

    Returns:
        One row per claim and other source: the columns CLAIM; raw and adjusted are differences of win rates (shares),
        or ratios of cost shares; the claim holds where the interval lies above 0, or below 1. No value with fewer
        than 10 won and lost of a source, or than 10 accounts behind it.

    Source: marginal standardization of a logistic model with the delta method (Lane and Nelder 1982, Biometrics 38);
        variance over accounts (Liang and Zeger 1986).
    """
    import pandas as pd

    rows = _known(inputs)
    others = [str(each) for each in sorted(rows["source"].unique()) if each != SERVICE]
    level = 1 - (1 - config.level) / max(1, len(others))
    lines = []
    for other in others:
        pair = rows[rows["source"].isin([SERVICE, other])]
        closed = pair[pair["is_closed"]]
        lines.append(("wins more often", other, *_won(closed, level), level, len(closed)))
        priced = pair[pair["cost_share"] > 0]
        lines.append(("costs less", other, *_cheaper(priced, level), level, len(priced)))
    table = pd.DataFrame(lines, columns=CLAIM[:-1])
    return table.assign(verdict=[_verdict(row) for row in table.to_dict("records")])


def _verdict(row: Any) -> str:
    import pandas as pd

    if pd.isna(row["low"]):
        return CANNOT_TELL
    wins = row["claim"] == "wins more often"
    holds = row["low"] > 0 if wins else row["high"] < 1
    turned = row["high"] < 0 if wins else row["low"] > 1
    return MORE if holds else LESS if turned else CANNOT_TELL


def _known(inputs: Inputs) -> "pd.DataFrame":
    """Return the opportunities with what they are compared by; amounts in parts of the median of their currency."""
    import numpy as np

    rows = inputs.tables["opportunities"]
    rows = rows[rows["source"].notna() & rows["account_id"].isin(inputs.accounts.index)]
    about = inputs.accounts.loc[rows["account_id"]]
    amount, cost = rows["amount"].astype(float), rows["cost"].astype(float)
    median = amount.groupby(rows["currency"].fillna("")).transform("median")
    is_priced = (amount > 0) & (median > 0)
    return rows.assign(
        is_closed=(rows["closed_at"].notna() & rows["is_won"].notna()).astype(bool),
        won=rows["is_won"].eq(True).astype(float),
        tier=about["tier"].to_numpy(),
        region=about["region"].to_numpy(),
        part=(amount / median).where(is_priced),
        size=np.log((amount / median).where(is_priced, 1.0)),
        cost_share=(cost / amount).where(is_priced & cost.notna()),
    )


def _design(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return service, size, a constant, and tiers and regions that have enough of both kinds."""
    import pandas as pd

    names = ["tier", "region"]
    # A rare value goes with the most frequent one: a model cannot hold it.
    texts = rows[names].apply(lambda each: each.where(each.map(each.value_counts()) >= 2 * LEAST, each.mode().iloc[0]))
    dummies = pd.get_dummies(texts, drop_first=True, dtype=float)
    fixed = pd.DataFrame({"service": (rows["source"] == SERVICE).astype(float), "size": rows["size"]})
    table = pd.concat([fixed, dummies], axis=1)
    # What is the same for all is in the constant.
    return table.loc[:, table.max() > table.min()].assign(constant=1.0)


def _won(rows: "pd.DataFrame", level: float) -> "tuple[float | None, ...]":
    """Return the raw and the standardized difference of win rates, and its interval."""
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    from scipy.special import expit
    from scipy.stats import norm

    counts = rows.groupby("source")["won"].agg(["sum", "size"])
    raw = _apart(rows, "won")
    if (
        not are_enough(rows, "source", LEAST)
        or (counts["sum"] < LEAST).any()
        or (counts["size"] - counts["sum"] < LEAST).any()
    ):
        return raw, None, None, None
    design = _design(rows)
    fitted = sm.GLM(rows["won"].to_numpy(), design.to_numpy(), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(rows["account_id"])[0]}
    )
    with_service, without = design.assign(service=1.0).to_numpy(), design.assign(service=0.0).to_numpy()
    one, two = expit(with_service @ fitted.params), expit(without @ fitted.params)
    slope = (one * (1 - one)) @ with_service / len(rows) - (two * (1 - two)) @ without / len(rows)
    value, error = float((one - two).mean()), float(np.sqrt(slope @ fitted.cov_params() @ slope))
    half = float(norm.ppf((1 + level) / 2)) * error
    return raw, value, value - half, value + half


def _cheaper(rows: "pd.DataFrame", level: float) -> "tuple[float | None, ...]":
    """Return the raw and the adjusted ratio of cost shares (geometric means), and its interval."""
    import numpy as np

    if not are_enough(rows, "source", LEAST):
        return (None,) * 4
    cost = np.log(rows["cost_share"].to_numpy(float))
    raw = _apart(rows.assign(cost=cost), "cost")
    found = interval_of(clustered(_design(rows), cost, rows["account_id"], level), "service")
    return (None if raw is None else float(np.exp(raw)), *(float(np.exp(each)) for each in found))


def _apart(rows: "pd.DataFrame", column: str) -> float | None:
    means = rows.groupby("source")[column].mean()
    others = [name for name in means.index if name != SERVICE]
    return float(means[SERVICE] - means[others[0]]) if SERVICE in means.index and others else None
