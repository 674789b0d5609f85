"""How good past forecasts were: calls frozen at the start of each quarter, and the model computed again as of then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.renewals.evidence import Inputs, quarter_start
from csworkbench.analyses.renewals.learning import Forecaster, learn
from csworkbench.analyses.renewals.settings import Config
from csworkbench.analyses.renewals.simulating import Pool, bounds, simulate
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.calibration import CalibrationTest
    from csworkbench.inference.shocks import Shocks

    Floats = NDArray[np.float64]

FROZEN, RECOMPUTED = "frozen", "recomputed"
BASES = ("frozen model", "frozen csm", "frozen final", RECOMPUTED)
FEW_FORECASTS = 30
BINS = 5
PAST = [
    "quarter",
    "basis",
    "renewal_id",
    "account_id",
    "p_renew",
    "amount",
    "currency",
    "target",
    "is_kept",
    "final",
    "is_decided",
]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What past forecasts said and what came.

    Args:
        past: One row per quarter, basis and renewal that was open at the start of the quarter and due in it: PAST;
            basis is frozen model, frozen csm, frozen final (calls as they were made) or recomputed (the model learned
            from what was known then).
        quarters: Totals per quarter and basis.
        shocks: What the recomputed quarters say of common shocks.
        forecasters: Quarter -> what was learned by its start.
    """

    past: "pd.DataFrame"
    quarters: "pd.DataFrame"
    shocks: "Shocks"
    forecasters: Mapping[str, Forecaster]


def track(inputs: Inputs, config: Config) -> Track:
    """Return the past quarters of the history, forecast as of their first day.

    Args:
        inputs: Renewals at every month end, what came of them, and the calls.
        config: Settings.
    """
    import numpy as np
    import pandas as pd

    starts = _starts(inputs)
    parts, totals, forecasters = [_nothing()], [], {}
    missed: list[tuple[float, float, float]] = []
    for quarter in starts:
        open_rows = _open_at(inputs, quarter)
        forecaster = learn(inputs, config, quarter_start(quarter) - timedelta(days=1))
        forecasters[quarter] = forecaster
        best, drawn = forecaster.p_lost(open_rows)
        chances = {basis: calls for basis, calls in _frozen(inputs, quarter, open_rows).items() if len(calls)}
        if np.isfinite(best).all() and len(best):
            again = open_rows[["renewal_id"]].assign(p_renew=1 - best, amount=np.nan)
            chances[RECOMPUTED] = again
        known = _shocks(missed)  # of the quarters before this one
        for basis, said in chances.items():
            due = open_rows.set_index("renewal_id")["target"].reindex(said["renewal_id"])
            rows = _with_actual(inputs, quarter, basis, said.assign(target=due.to_numpy()))
            parts.append(rows)
            draws = 1 - drawn if basis == RECOMPUTED else np.broadcast_to(said["p_renew"], (len(drawn), len(said)))
            decided = rows["is_decided"].to_numpy()
            if decided.any():
                learned = (forecaster.pool, known)
                totals.append(_total(inputs, config, rows[decided], draws[:, decided], learned))
            if basis == RECOMPUTED and decided.any():
                missed.append(_missed(rows[decided], draws[:, decided]))
    quarters = pd.DataFrame(totals, columns=QUARTERS).assign(order=lambda table: table["basis"].map(BASES.index))
    quarters = quarters.sort_values(["quarter", "order"], ignore_index=True).drop(columns="order")
    past = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return Track(past, quarters, _shocks(missed), forecasters)


QUARTERS = [
    "quarter",
    "basis",
    "renewals",
    "still_open",
    "predicted",
    "low",
    "high",
    "actual",
    "is_inside",
    "currency",
    "predicted_amount",
    "amount_low",
    "amount_high",
    "actual_amount",
]


def _starts(inputs: Inputs) -> list[str]:
    """Return the quarters that have begun after the first date of the history and had ended by the date."""
    import pandas as pd

    dates = set(inputs.rows["snapshot_date"])
    quarters = sorted(set(inputs.renewals["quarter"]))
    as_of = pd.Timestamp(inputs.as_of)
    return [
        quarter
        for quarter in quarters
        if pd.Timestamp(quarter_start(quarter)) - pd.Timedelta(days=1) in dates
        and pd.Timestamp(quarter_start(quarter)) + pd.offsets.QuarterEnd(1) <= as_of
    ]


def _open_at(inputs: Inputs, quarter: str) -> "pd.DataFrame":
    """Return the renewals due in a quarter that were known and open when it began."""
    import pandas as pd

    day = pd.Timestamp(quarter_start(quarter)) - pd.Timedelta(days=1)
    rows = inputs.rows[inputs.rows["snapshot_date"] == day]
    is_due = inputs.renewals["quarter"].reindex(rows["renewal_id"]).eq(quarter).to_numpy()
    return rows[is_due].reset_index(drop=True)


def _frozen(inputs: Inputs, quarter: str, open_rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """Return the newest call of each source that was made and known before the quarter began."""
    import pandas as pd

    start = pd.Timestamp(quarter_start(quarter))
    calls = inputs.calls
    made = calls[(calls["made_on"] < start) & (calls["known_on"] < start) & calls["p_renew"].notna()]
    made = made[made["renewal_id"].isin(open_rows["renewal_id"])]
    newest = made.drop_duplicates(["renewal_id", "source"], keep="last").sort_values("renewal_id")
    return {
        f"{FROZEN} {source}": newest.loc[newest["source"] == source, ["renewal_id", "p_renew", "amount"]]
        for source in ("model", "csm", "final")
    }


def _with_actual(inputs: Inputs, quarter: str, basis: str, said: "pd.DataFrame") -> "pd.DataFrame":
    facts = inputs.renewals.loc[said["renewal_id"]]
    is_decided = facts["is_lost"].notna().to_numpy()
    return said.assign(
        quarter=quarter,
        basis=basis,
        account_id=facts["account_id"].to_numpy(),
        currency=facts["currency"].to_numpy(),
        is_kept=(facts["is_lost"].fillna(True).eq(False)).to_numpy(bool),
        final=facts["final"].to_numpy(),
        is_decided=is_decided,
    )[PAST].reset_index(drop=True)


def _total(
    inputs: Inputs,
    config: Config,
    rows: "pd.DataFrame",
    p_renew: "Floats",
    learned: "tuple[Pool, Shocks]",
) -> tuple[object, ...]:
    import numpy as np

    pool, shocks = learned
    seed = config.seed + BASES.index(rows["basis"].iloc[0])
    share = rows["p_renew"].to_numpy()
    # A call's own amount is its word: over its probability it is what the renewal brings when kept.
    called = (rows["amount"] / rows["p_renew"].where(rows["p_renew"] > 0) / (pool.usual or np.nan)).to_numpy(float)
    worth = np.where(np.isnan(called), rows["target"].to_numpy(float), called)
    drawn = simulate(p_renew, worth, pool, shocks, seed)
    n, currency = len(rows), main_currency(inputs)
    low, high = bounds(drawn.kept / n, config.level)
    priced = (rows["currency"].eq(currency) & rows["target"].notna() & rows["final"].notna()).to_numpy()
    unpriced = rows["target"].notna() & rows["final"].isna()
    amounts = worth * share * pool.usual
    amount_low, amount_high = bounds(drawn.amounts[:, priced].sum(axis=1), config.level)
    actual = float(rows["is_kept"].mean())
    # Lost ones always have their 0: while a kept one has no amount, the sum of the others says too little.
    has_amount = bool(priced.any()) and not bool((rows["is_kept"] & rows["currency"].eq(currency) & unpriced).any())
    return (
        rows["quarter"].iloc[0],
        rows["basis"].iloc[0],
        n,
        _still_open(inputs, rows),
        float(share.mean()),
        low,
        high,
        actual,
        bool(low - 1e-9 <= actual <= high + 1e-9),
        currency,
        float(amounts[priced].sum()) if has_amount else np.nan,
        amount_low if has_amount else np.nan,
        amount_high if has_amount else np.nan,
        float(rows["final"].to_numpy(float)[priced].sum()) if has_amount else np.nan,
    )


def _still_open(inputs: Inputs, rows: "pd.DataFrame") -> int:
    due = inputs.renewals[inputs.renewals["quarter"] == rows["quarter"].iloc[0]]
    return int((due["outcome"] == "open").sum())


def _missed(rows: "pd.DataFrame", p_renew: "Floats") -> tuple[float, float, float]:
    """Return events less expected ones, their binomial variance, and the variance because the model was learned."""
    share = rows["p_renew"].to_numpy()
    kept = float(rows["is_kept"].sum())
    return kept - float(share.sum()), float((share * (1 - share)).sum()), float(p_renew.sum(axis=1).var())


def _shocks(missed: list[tuple[float, float, float]]) -> "Shocks":
    import numpy as np

    from csworkbench.inference.shocks import shocks_of

    table = np.array(missed, dtype=float).reshape(-1, 3)
    return shocks_of(table[:, 0], table[:, 1], table[:, 2])


def _nothing() -> "pd.DataFrame":
    import pandas as pd

    texts = ("quarter", "basis", "renewal_id", "account_id", "currency")
    kinds = {name: "str" if name in texts else "bool" if name.startswith("is_") else "float" for name in PAST}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def main_currency(inputs: Inputs) -> str:
    """Return the currency of sums over the book: the workspace's, else the one of most renewals."""
    found = inputs.renewals["currency"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return inputs.currency if inputs.currency in found.index or not len(found) else str(found.index[0])


def main_basis(past: "pd.DataFrame") -> str:
    """Return the forecasts the headline is about: of the frozen ones those of most renewals, else what was recomputed.

    A handful of frozen calls says nothing of the book: below 30 the basis with most forecasts counts.
    """
    counts = past.loc[past["is_decided"], "basis"].value_counts()
    most = max(BASES[:-1], key=lambda basis: int(counts.get(basis, 0)))
    return most if counts.get(most, 0) >= FEW_FORECASTS else max(BASES, key=lambda basis: int(counts.get(basis, 0)))


def judged(past: "pd.DataFrame", basis: str, level: float) -> "CalibrationTest":
    """Return the verdict on the forecasts of a basis, of the renewals that are decided.

    Args:
        past: Past forecasts.
        basis: Which of them.
        level: Coverage of the interval.
    """
    import pandas as pd

    from csworkbench.inference.calibration import calibration_test

    rows = past[(past["basis"] == basis) & past["is_decided"]]
    accounts = pd.factorize(rows["account_id"])[0]
    return calibration_test(rows["p_renew"].to_numpy(float), rows["is_kept"].to_numpy(bool), accounts, level=level)


def verdict_table(past: "pd.DataFrame", level: float) -> "pd.DataFrame":
    """Return the verdict on each basis.

    Args:
        past: Past forecasts.
        level: Coverage of the intervals.

    Returns:
        One row per basis: basis, verdict, bias (mean probability less share kept; above 0 = too optimistic), low,
        high, p_value (of the joint test of bias and slope), forecasts, lost, quarters.
    """
    import pandas as pd

    columns = ["basis", "verdict", "bias", "low", "high", "p_value", "forecasts", "lost", "quarters"]
    lines = []
    for basis in (basis for basis in BASES if (past["basis"] == basis).any()):
        test = judged(past, basis, level)
        rows = past[(past["basis"] == basis) & past["is_decided"]]
        lost = int((~rows["is_kept"]).sum())
        said = (basis, test.verdict.value, test.bias.value, test.bias.low, test.bias.high, test.p_value)
        lines.append((*said, len(rows), lost, rows["quarter"].nunique()))
    return pd.DataFrame(lines, columns=columns).astype({"bias": float, "low": float, "high": float, "p_value": float})


def calibration_table(past: "pd.DataFrame", level: float) -> "pd.DataFrame":
    """Return what was said against what came, per basis and fifth of the forecasts.

    Args:
        past: Past forecasts.
        level: Coverage of the intervals.

    Returns:
        One row per basis and fifth by probability: basis, said (mean probability), kept (share), low, high (Wilson's
        interval with accounts as units), renewals.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of_rows

    lines = []
    for basis, rows in past[past["is_decided"]].groupby("basis", sort=True):
        fifth = pd.qcut(rows["p_renew"].rank(method="first"), min(BINS, len(rows)), labels=False)
        for _, part in rows.groupby(fifth.to_numpy()):
            share = share_of_rows(part["is_kept"], part["account_id"], level)
            lines.append((basis, part["p_renew"].mean(), share.value, share.low, share.high, len(part)))
    columns = ["basis", "said", "kept", "low", "high", "renewals"]
    return pd.DataFrame(lines, columns=columns).astype(dict.fromkeys(columns[1:5], float))


def brier_of(past: "pd.DataFrame", basis: str, config: Config) -> Estimate:
    """Return the Brier score of the forecasts of a basis, with its interval over accounts.

    Args:
        past: Past forecasts.
        basis: Which of them.
        config: Level and seed.
    """
    import numpy as np
    import pandas as pd

    from csworkbench.inference.discrimination import brier
    from csworkbench.inference.resampling import account_weights, interval

    rows = past[(past["basis"] == basis) & past["is_decided"]]
    if rows.empty:
        return Estimate(None, "points", 0)
    said, came = rows["p_renew"].to_numpy(float), rows["is_kept"].to_numpy(float)
    accounts = pd.factorize(rows["account_id"])[0]
    drawn = np.array([brier(said, came, weights) for weights in account_weights(accounts, 500, config.seed)])
    n = int(accounts.max()) + 1
    return interval(brier(said, came), drawn, n, "", is_share=True, level=config.level)
