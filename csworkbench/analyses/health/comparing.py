"""What other points, weights and bands do: who changes band, and how many are in each."""

from typing import TYPE_CHECKING

from csworkbench.analyses.health.result import Result
from csworkbench.changes import AFTER, BEFORE, Change, rows_beside
from csworkbench.estimates import Shown, say
from csworkbench.scoring import NOT_SCORED

if TYPE_CHECKING:
    import pandas as pd


def compare(before: Result, after: Result) -> Change:
    """Return who changes band between two settings.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the tables band_changes, account whose band is another one, the largest change of score first:
        account_id, name, band_before, band_after, score_before, score_after (points; missing = not scored); and bands,
        band, worst first: band, before, after (accounts).
    """
    rows = rows_beside(before.tables["scores"], after.tables["scores"], "account_id", ["band", "score"], ["name"])
    other = rows[rows["band_before"] != rows["band_after"]]
    size = (other["score_after"] - other["score_before"]).abs().fillna(0.0)
    bands = _bands(before, after)
    order = {name: place for place, name in enumerate(bands["band"])}
    steps = other["band_after"].map(order) - other["band_before"].map(order)
    scored = (other[["band_before", "band_after"]] != NOT_SCORED).all(axis=1)
    headline = say(
        "{n:count} of {every:n account|accounts} change band: {down:count} to a lower one, {up:count} to a higher one, "
        "{others:count} because they begin or cease to be scored",
        n=len(other),
        every=len(after.tables["scores"]),
        down=int(((steps < 0) & scored).sum()),
        up=int(((steps > 0) & scored).sum()),
        others=int((~scored).sum()),
    )
    moved = other.loc[size.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
    shown = (
        Shown("bands", "Accounts in each band", options={"words": ("band",)}),
        Shown(
            "band_changes",
            "Accounts that change band",
            columns=("name", "band_before", "band_after", "score_before", "score_after"),
            options={"words": ("band_before", "band_after"), "limit": 10},
        ),
    )
    return Change(headline, {"band_changes": moved, "bands": bands}, shown)


def _bands(before: Result, after: Result) -> "pd.DataFrame":
    """Return the accounts in each band, before and after; the history has the bands from worst to best."""
    import pandas as pd

    names = [*after.tables["history"]["band"].unique(), NOT_SCORED]
    counts = {
        side.lstrip("_"): each.tables["scores"]["band"].value_counts().reindex(names, fill_value=0)
        for side, each in ((BEFORE, before), (AFTER, after))
    }
    return pd.DataFrame(counts).rename_axis("band").reset_index()
