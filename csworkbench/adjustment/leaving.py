"""What the effect would be if accounts that left were counted otherwise: death is not missing, but it is not all."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.episodes import level

if TYPE_CHECKING:
    import pandas as pd


def leaving_bounds(episodes: "pd.DataFrame", rules: CompareRules) -> "pd.DataFrame":
    """Return the mean effect with accounts that left counted in three ways.

    Args:
        episodes: Episodes with `has_left`, whose window after then counts what an account without use has.
        rules: What is demanded.

    Returns:
        One row per way: counted (as_nothing, the rule; as_before, each keeps its level; left_out), mean, low, high, n;
        no row where nobody left. Null figures where a way leaves nothing to compare.
    """
    import pandas as pd

    columns = ["counted", "mean", "low", "high", "n"]
    if "has_left" not in episodes or not episodes["has_left"].fillna(False).astype(bool).any():
        return pd.DataFrame(columns=columns)
    left = episodes["has_left"].fillna(False).astype(bool)
    kept = episodes.assign(after=episodes["after"].where(~left, level(episodes)))
    rows = []
    for name, frame in (("as_nothing", episodes), ("as_before", kept), ("left_out", episodes[~left])):
        found = compare(frame, rules).average if frame["is_plan"].any() else None
        rows.append((name, found.value, found.low, found.high, found.n) if found else (name, None, None, None, 0))
    return pd.DataFrame(rows, columns=columns).astype({"mean": float, "low": float, "high": float})
