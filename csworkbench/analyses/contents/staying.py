"""People who were added: by which way, how many were deleted again, and how many stay."""

from typing import TYPE_CHECKING

from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.settings import Config

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"


def kept_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how many contacts stay so long, by the way they came in, as the period says.

    Only the days of the period count: of a contact that was there before, those from its age at the beginning on. So
    deletions that nobody recorded before the period do not make people look as if they stayed.

    Args:
        inputs: Contacts with how long they were there.
        config: Period, ages, level.

    Returns:
        One row per way and age, the first way all: way, days, contacts, accounts, deleted (in the period, up to that
        age), kept_share, low_share, high_share (missing where too few were watched at some age up to it).
    """
    import pandas as pd

    from csworkbench.features.estimating import kept_share

    begun = (first_day(inputs, config) - inputs.contacts["added_on"]).dt.days - 1
    rows = inputs.contacts.assign(entered=begun.clip(lower=-1)).rename(columns={"is_deleted": "is_gone"})
    watched = rows[rows["days"] > rows["entered"]]
    lines = []
    for way, mine in _by_way(watched):
        for days in sorted(config.kept_days):
            found = kept_share(mine, days, config.level)
            deleted = int((mine["is_gone"] & (mine["days"] <= days)).sum())
            lines.append((way, days, len(mine), found.n, deleted, found.value, found.low, found.high))
    columns = ["way", "days", "contacts", "accounts", "deleted", "kept_share", "low_share", "high_share"]
    return pd.DataFrame(lines, columns=columns).astype(dict.fromkeys(columns[5:], "float64"))


def first_day(inputs: Inputs, config: Config) -> "pd.Timestamp":
    """Return the first day of the period."""
    import pandas as pd

    return pd.Timestamp(inputs.as_of) - pd.Timedelta(days=config.window_days - 1)


def ends_of(rows: "pd.DataFrame") -> "pd.Series[pd.Timestamp]":
    """Return the day on which each contact was deleted, or else the last on which it was watched."""
    import pandas as pd

    days: pd.Series[pd.Timestamp] = rows["added_on"] + pd.to_timedelta(rows["days"], unit="D")
    return days


def way_table(inputs: Inputs, config: Config, kept: "pd.DataFrame") -> "pd.DataFrame":
    """Return what the period brought: contacts added, deleted, and there on the date.

    Args:
        inputs: Contacts with how long they were there.
        config: Period, level.
        kept: From `kept_table`.

    Returns:
        One row per way, the first all: way, added, deleted (both in the period), there (on the date), deleted_share
        (deleted in the period out of all who were there in it) with deleted_low_share and deleted_high_share, and of
        the greatest age: days, kept_share, low_share, high_share.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of_rows

    first, lines = first_day(inputs, config), []
    for way, rows in _by_way(inputs.contacts):
        ended = ends_of(rows)
        was_there = ended >= first
        is_deleted = rows["is_deleted"] & was_there
        share = share_of_rows(is_deleted[was_there], rows.loc[was_there, "account_id"], config.level)
        there = int((~rows["is_deleted"] & (ended >= pd.Timestamp(inputs.as_of))).sum())
        added = int((rows["added_on"] >= first).sum())
        lines.append((way, added, int(is_deleted.sum()), there, share.value, share.low, share.high))
    columns = ["way", "added", "deleted", "there", "deleted_share", "deleted_low_share", "deleted_high_share"]
    table = pd.DataFrame(lines, columns=columns)
    oldest = kept[kept["days"] == max(config.kept_days)][["way", "days", "kept_share", "low_share", "high_share"]]
    return table.merge(oldest, on="way", how="left")


def _by_way(rows: "pd.DataFrame") -> "list[tuple[str, pd.DataFrame]]":
    whole = [(ALL, rows)] if len(rows) else []
    return whole + [(str(way), mine) for way, mine in rows.groupby("way", sort=True)]
