"""Tables of plans as frames: the columns asked for, instants as days of the workspace's calendar."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def read(table: "ir.Table", keys: Sequence[str], kinds: Mapping[str, str]) -> "pd.DataFrame":
    """Return columns of a table.

    Args:
        table: The table.
        keys: Its key.
        kinds: Further columns and their types; one that the table does not have is missing in every row.

    Returns:
        One row per row of the table, with the columns asked for in their order.
    """
    rows = with_columns(table, **kinds)
    cast = {name: rows[name].cast(kind) for name, kind in kinds.items() if kind != "timestamp"}
    found: pd.DataFrame = rows.mutate(**cast).select(*keys, *kinds).to_pandas()
    return found


def in_days(frame: "pd.DataFrame", zone: str) -> "pd.DataFrame":
    """Return a frame whose instants (`*_at`, UTC) have become days (`*_on`) of a time zone.

    Args:
        frame: Any rows.
        zone: Name of the time zone.
    """
    import pandas as pd

    days = {}
    for name in (name for name in frame.columns if name.endswith("_at")):
        local = pd.to_datetime(frame[name]).dt.tz_localize("UTC").dt.tz_convert(zone)
        days[name] = local.dt.tz_localize(None).dt.normalize().astype("datetime64[s]")
    return frame.assign(**days).rename(columns=day_of)


def day_of(name: str) -> str:
    """Return the name of the day of an instant: `sent_on` of `sent_at`; other names as they are."""
    return f"{name[:-3]}_on" if name.endswith("_at") else name
