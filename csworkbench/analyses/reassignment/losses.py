"""Are accounts lost after a transfer more often than comparable accounts that were not transferred then?"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.analyses.reassignment.evidence import Inputs
from csworkbench.analyses.reassignment.settings import Config, Monitor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ALL = "all"
LOSSES = ["reason", "transfers", "lost", "expected", "ratio", "low", "high", "extra_per_100", "verdict"]
FOLLOWED = [
    "account_id", "moved_on", "reason", "old", "new", "tier", "use", "is_followed", "is_lost", "controls", "expected",
]  # fmt: skip
UNKNOWN = "not known"


class Harm(StrEnum):
    """What the losses after transfers say."""

    MORE = "more are lost"
    NO_MORE = "no more are lost"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """Losses after transfers.

    Args:
        table: One row per reason, and "all" first: LOSSES; ratio is lost over expected, with its interval.
        transfers: One row per transfer: FOLLOWED; is_followed = the horizon is over; expected is the share of its
            controls that were lost, missing where there were none.
    """

    table: "pd.DataFrame"
    transfers: "pd.DataFrame"


def watch(inputs: Inputs, config: Config) -> Watched:
    """Return the losses after transfers beside those of comparable accounts.

    An account is compared with those of its tier and of its third of users active in the calendar month before, that
    were customers on the day of the transfer and were not transferred within a horizon of it.

    Args:
        inputs: Transfers, when accounts were there, and use.
        config: Horizon, least controls, margin and level.
    """
    import pandas as pd

    rules = config.monitor
    followed, weights = _followed(inputs, rules)
    counted = followed[followed["is_followed"] & followed["expected"].notna()]
    groups = [(ALL, counted), *((str(name), part) for name, part in counted.groupby("reason", sort=True))]
    lines = [_line(name, part, weights, rules) for name, part in groups if len(part)]
    return Watched(pd.DataFrame(lines, columns=LOSSES), followed[FOLLOWED])


def ratio_interval(lost: int, expected: float, effective: float, level: float) -> tuple[float, float]:
    """Return the interval of lost over expected, where what is expected was itself counted.

    Args:
        lost: Losses after transfers.
        expected: Losses that would have been, above 0.
        effective: Losses of controls that `expected` is worth: its square over its variance.
        level: Coverage.

    Source: conditional exact interval of a ratio of two Poisson counts (Przyborowski and Wilenski 1940, Biometrika 31);
        with ever more controls it is that of Garwood (1936) for a count over its expectation.
    """
    from scipy.stats import f

    tail = (1 - level) / 2
    scale = effective / expected
    low = lost / ((effective + 1) * f.ppf(1 - tail, 2 * (effective + 1), 2 * lost)) if lost else 0.0
    high = (lost + 1) * f.ppf(1 - tail, 2 * (lost + 1), 2 * effective) / effective
    return float(scale * low), float(scale * high)


def _line(name: str, part: "pd.DataFrame", weights: "pd.DataFrame", rules: Monitor) -> tuple[object, ...]:
    lost, expected = int(part["is_lost"].sum()), float(part["expected"].sum())
    base = (name, len(part), lost, expected)
    if expected <= 0:
        return (*base, None, None, None, None, Harm.CANNOT_TELL.value)
    used = weights if name == ALL else weights[weights["reason"] == name]
    # A comparable account is one account, however many transfers it is compared with.
    weight, share = used.groupby("account_id")["weight"].sum(), expected / len(part)
    variance = float((weight**2).sum()) * share * (1 - share)
    effective = expected**2 / variance if variance > 0 else float(len(weight))
    low, high = ratio_interval(lost, expected, effective, rules.level)
    verdict = Harm.MORE if low > 1 else Harm.NO_MORE if high < rules.margin else Harm.CANNOT_TELL
    ratio = lost / expected
    return (*base, ratio, low, high, 100 * (lost - expected) / len(part), verdict.value)


def _followed(inputs: Inputs, rules: Monitor) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return the transfers with what became of them, and the weights of their controls: account_id, reason, weight."""
    import pandas as pd

    lives = inputs.lives.set_index("account_id")
    rows, weights = [], []
    for day, part in inputs.transfers.groupby("moved_on", sort=True):
        about, controls = _of_day(inputs, lives, (pd.Timestamp(str(day)), part), rules)
        rows.append(about)
        weights += controls
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in FOLLOWED})
    found = pd.concat(rows).sort_index() if rows else empty
    none = pd.DataFrame({"account_id": [], "reason": [], "weight": []})
    kinds = {"is_followed": bool, "is_lost": bool, "controls": int, "expected": float}
    return found.astype(kinds), pd.concat(weights, ignore_index=True) if weights else none


def _of_day(
    inputs: Inputs, lives: "pd.DataFrame", given: "tuple[pd.Timestamp, pd.DataFrame]", rules: Monitor
) -> "tuple[pd.DataFrame, list[pd.DataFrame]]":
    """Return what became of the transfers of one day, and the weights of their controls."""
    import pandas as pd

    day, part = given
    horizon = pd.Timedelta(days=rules.horizon_days)
    there = lives[(lives["began_on"] <= day) & (lives["left_on"].isna() | (lives["left_on"] > day))]
    there = there.assign(use=_thirds(inputs, there, day), is_lost=there["left_on"] <= day + horizon)
    moved = inputs.transfers
    near = moved.loc[(moved["moved_on"] - day).abs() <= horizon, "account_id"]
    pool = there[~there.index.isin(near)]
    about = part.join(there[["tier", "use", "is_lost"]], on="account_id").assign(controls=0, expected=float("nan"))
    is_over = day + horizon <= pd.Timestamp(inputs.as_of)
    # A loss is that of the last transfer before it.
    again = moved.groupby("account_id")["moved_on"].shift(-1).reindex(part.index) <= day + horizon
    about = about.assign(is_followed=about["tier"].notna() & ~again & is_over)
    about = about.assign(is_lost=about["is_lost"].eq(True) & about["is_followed"])
    weights = []
    for (tier, use), rows in about[about["is_followed"]].groupby(["tier", "use"], sort=True):
        whole = pool[pool["tier"] == tier]
        alike = whole[whole["use"] == use]
        chosen = alike if len(alike) >= rules.least_controls else whole
        if len(chosen) < rules.least_controls:
            continue
        about.loc[rows.index, ["controls", "expected"]] = len(chosen), float(chosen["is_lost"].mean())
        for reason, times in rows["reason"].value_counts().items():
            weights.append(pd.DataFrame({"account_id": chosen.index, "reason": reason, "weight": times / len(chosen)}))
    return about, weights


def _thirds(inputs: Inputs, there: "pd.DataFrame", day: "pd.Timestamp") -> "pd.Series[str]":
    """Return the third of its tier, by users active in the calendar month before, that each account was in."""
    import pandas as pd

    month = (day.replace(day=1) - pd.Timedelta(days=1)).replace(day=1)
    use = inputs.use[inputs.use["month"] == month].set_index("account_id")["users"].astype("float64")
    rank = use.reindex(there.index).groupby(there["tier"]).rank(pct=True)
    named = pd.cut(rank, [0.0, 1 / 3, 2 / 3, 1.0], labels=["low", "middle", "high"])
    return named.astype("object").fillna(UNKNOWN)
