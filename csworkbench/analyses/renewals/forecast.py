"""The forecast: every open renewal, the quarters they add up to, and the accounts that decide each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.renewals.evidence import Inputs, is_unrecorded
from csworkbench.analyses.renewals.learning import Forecaster
from csworkbench.analyses.renewals.settings import Config
from csworkbench.analyses.renewals.simulating import Pool, Simulated, bounds, deciders, simulate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.shocks import Shocks

    Floats = NDArray[np.float64]

OPEN, OVERDUE, TOO_LATE = "open", "overdue", "overdue too long"
FORECAST = [
    "renewal_id",
    "account_id",
    "quarter",
    "probability",
    "low",
    "high",
    "amount",
    "amount_low",
    "amount_high",
    "currency",
    "target",
    "as_of",
    "basis",
    "model",
    "name",
    "csm",
    "tier",
    "due_date",
    "days_to_due",
    "state",
]
QUARTERS = [
    "quarter",
    "currency",
    "renewals",
    "decided",
    "open",
    "target",
    "settled",
    "expected",
    "low",
    "high",
    "not_forecast",
    "no_amount",
    "rate",
    "rate_low",
    "rate_high",
    "open_rate",
    "open_low",
    "open_high",
]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is expected.

    Args:
        renewals: Open renewals: FORECAST.
        quarters: Quarters with an open renewal, per currency: QUARTERS.
        deciders: Quarter, currency, account: what it can win or lose.
    """

    renewals: "pd.DataFrame"
    quarters: "pd.DataFrame"
    deciders: "pd.DataFrame"


def forecast(inputs: Inputs, config: Config, forecaster: Forecaster, shocks: "Shocks") -> Forecast:
    """Return the forecast of all open renewals and their quarters.

    Args:
        inputs: Renewals as of the date.
        config: Settings.
        forecaster: What was learned by the date.
        shocks: What past quarters say of common shocks.
    """
    import pandas as pd

    rows = inputs.rows[inputs.rows["snapshot_date"] == pd.Timestamp(inputs.as_of)].reset_index(drop=True)
    facts = inputs.renewals.loc[rows["renewal_id"]].reset_index()
    best, drawn = forecaster.p_lost(rows)
    late = -rows["days_to_due"]
    state = pd.Series(OPEN, index=rows.index).mask(late > 0, OVERDUE).mask(late > config.overdue_days, TOO_LATE)
    is_known = state.ne(TOO_LATE)
    probability = pd.Series(1 - best, dtype=float).where(is_known)
    low, high = (pd.Series(each).where(is_known) for each in _ends(1 - drawn, config.level))
    table = facts.assign(
        probability=probability,
        low=pd.concat([low, probability], axis=1).min(axis=1, skipna=False),
        high=pd.concat([high, probability], axis=1).max(axis=1, skipna=False),
        days_to_due=rows["days_to_due"].astype(int),
        state=state.astype("str"),
        as_of=pd.Timestamp(inputs.as_of),
        basis=forecaster.basis,
        model=forecaster.digest,
    )
    worth = table["target"] * forecaster.pool.usual
    table = table.assign(**{f"amount{end}": worth * table[name] for end, name in _NAMES.items()})
    quarters, weights = _quarters(inputs, config, table, 1 - drawn, (forecaster.pool, shocks))
    order = table.sort_values(["due_date", "renewal_id"], kind="stable", ignore_index=True)
    return Forecast(order[FORECAST], quarters, weights)


_NAMES = {"": "probability", "_low": "low", "_high": "high"}


def _ends(drawn: "Floats", level: float) -> "tuple[Floats, Floats]":
    import numpy as np

    if not drawn.size or np.isnan(drawn).any():
        nothing = np.full(drawn.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _quarters(
    inputs: Inputs,
    config: Config,
    table: "pd.DataFrame",
    p_renew: "Floats",
    learned: "tuple[Pool, Shocks]",
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    import numpy as np
    import pandas as pd

    lines, weights = [], []
    due = inputs.renewals[inputs.renewals["quarter"].isin(table["quarter"])]
    for number, (quarter, open_rows) in enumerate(table.groupby("quarter", sort=True)):
        places = open_rows.index.to_numpy()
        told = open_rows["probability"].notna().to_numpy()
        drawn, target = None, open_rows["target"].to_numpy(float)[told]
        if told.any():
            chances = p_renew[:, places[told]]
            drawn = simulate(chances, target, *learned, config.seed + 100 + number)
        for currency, all_due in due[due["quarter"] == quarter].groupby("currency", sort=True):
            key = str(quarter), str(currency)
            is_own = open_rows["currency"].eq(currency).to_numpy()
            unpaid = all_due.loc[is_unrecorded(all_due), "target"].to_numpy(float)
            lines.append(_line(key, all_due, open_rows[is_own], float(unpaid.sum()) * learned[0].usual))
            if drawn is not None and (own := is_own[told] & ~np.isnan(target)).any():
                amounts = drawn.amounts[:, own]
                rng = np.random.default_rng(config.seed + 200 + number)
                brought = (learned[0].draw(rng, len(amounts), len(unpaid)) * unpaid).sum(axis=1)
                _fill(lines[-1], amounts, brought - float(unpaid.sum()) * learned[0].usual, config.level)
                weights += _deciders(key, amounts, open_rows[told][own], config)
        _rate(lines, str(quarter), due[due["quarter"] == quarter], drawn, config.level)
    quarters = pd.DataFrame(lines, columns=QUARTERS)
    columns = ["quarter", "currency", "account_id", "name", "renewals", "target", "probability", "spread_share"]
    named = pd.DataFrame(weights, columns=columns)
    numbers = [name for name in QUARTERS if name in ("expected", "low", "high") or name.startswith(("rate", "open_"))]
    return quarters.astype(dict.fromkeys(numbers, float)).replace({None: np.nan}), named


def _line(key: tuple[str, str], due: "pd.DataFrame", open_rows: "pd.DataFrame", unrecorded: float) -> dict[str, Any]:
    """Return a quarter's counts and what is settled already, recorded or not; the forecast comes on top."""
    decided = due[due["outcome"] != "open"]
    settled = float(decided["final"].sum()) + unrecorded
    is_kept = due["is_lost"].eq(False).fillna(False).astype(bool)
    return {
        "quarter": key[0],
        "currency": key[1],
        "renewals": len(due),
        "decided": len(decided),
        "open": len(due) - len(decided),
        "target": float(due["target"].sum(min_count=1)),
        "settled": settled,
        "expected": settled if open_rows.empty else None,
        "not_forecast": int(open_rows["probability"].isna().sum()),
        "no_amount": int((due["target"].isna() | (is_kept & due["final"].isna())).sum()),
    }


def _fill(line: dict[str, Any], amounts: "Floats", off: "Floats", level: float) -> None:
    """Write the forecast into a line.

    Args:
        line: The quarter in one currency.
        amounts: Amount per draw and open renewal.
        off: By how much kept renewals without a recorded amount brought more than usual, per draw.
        level: Coverage of the interval.
    """
    totals, settled = amounts.sum(axis=1), line["settled"]
    low, high = bounds(totals + off, level)
    line |= {"expected": settled + float(totals.mean()), "low": settled + low, "high": settled + high}


def _rate(
    lines: list[dict[str, Any]], quarter: str, due: "pd.DataFrame", drawn: Simulated | None, level: float
) -> None:
    """Write the renewal rate of the whole quarter, and of what is open in it, into its lines."""
    if drawn is None:
        return
    kept = int((~due["is_lost"].fillna(True).astype(bool)).sum())
    forecast_n = drawn.amounts.shape[1]
    decided = int(due["is_lost"].notna().sum())
    whole, ahead = (kept + drawn.kept) / (decided + forecast_n), drawn.kept / forecast_n
    told: dict[str, float] = {}
    for name, rates in (("rate", whole), ("open", ahead)):
        low, high = bounds(rates, level)
        told |= {f"{name}_low": low, f"{name}_high": high, name if name == "rate" else "open_rate": float(rates.mean())}
    for line in (each for each in lines if each["quarter"] == quarter):
        line |= told


def _deciders(
    key: tuple[str, str], amounts: "Floats", rows: "pd.DataFrame", config: Config
) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for account, share in deciders(amounts, rows["account_id"], config.deciders):
        own = rows[rows["account_id"] == account]
        value = (own["name"].iloc[0], len(own), float(own["target"].sum()), float(own["probability"].mean()), share)
        found.append((*key, account, *value))
    return found
