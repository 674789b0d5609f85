"""Rows of the book as small frames: the columns asked for, instants as days of the workspace's calendar."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from csworkbench.asof import Snapshot
from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

DAY: Final = "datetime64[s]"
TEXT, NUMBER, WHEN, YES = "string", "float64", "timestamp", "boolean"
_KINDS: dict[str, Any] = {TEXT: "str", NUMBER: "float64", WHEN: DAY}


def rows(snapshot: Snapshot, table: str, columns: Mapping[str, str]) -> "pd.DataFrame":
    """Return columns of a table; one the source does not have is missing in every row.

    Args:
        snapshot: The book as of a date.
        table: A table it has.
        columns: Column -> kind, one of TEXT, NUMBER, WHEN (a day of the calendar) and YES (true or not).

    Returns:
        One row per row of the table, in no particular order.
    """
    return frame(snapshot.tables[table], columns, snapshot.workspace.timezone)


def frame(table: "ir.Table", columns: Mapping[str, str], timezone: str) -> "pd.DataFrame":
    """Return columns of an expression as `rows` does.

    Args:
        table: The expression.
        columns: Column -> kind.
        timezone: Zone of the calendar.
    """
    import pandas as pd

    found: pd.DataFrame = with_columns(table, **columns).select(*columns).to_pandas()[list(columns)]
    for name, kind in columns.items():
        if kind != WHEN:
            found[name] = found[name].eq(True) if kind == YES else found[name].astype(_KINDS[kind])
            continue
        is_instant = table[name].type().is_timestamp() if name in table.columns else False
        at = pd.to_datetime(found[name])
        if is_instant:  # here, not in the engine: it is the same everywhere, and cheaper for many columns
            at = at.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None).dt.normalize()
        found[name] = at.astype(DAY)
    return found
