"""What earlier exports said of a row: the archived values of a day in the place of today's."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.sources.archive import RECORDED, SEEN_ON, newest, recording
from csworkbench.tables import TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir


def recalled(table: "ir.Table", spec: TableSpec, columns: Sequence[str], past: "ir.Table", as_of: date) -> "ir.Table":
    """Return a table whose overwritten columns have the value remembered of a day, today's where there is none.

    Args:
        table: Rows with today's values.
        spec: Contract of the table.
        columns: The columns exports overwrite.
        past: Versions of the table, of `sources.archive.remembered`.
        as_of: The day.
    """
    import ibis

    joined = _joined(table, spec, past, as_of)
    values = {
        name: ibis.ifelse(_is_recorded(joined, name), _value(joined, name), joined[name])
        for name in columns
        if name in past.columns
    }
    return joined.mutate(**values).select(*table.columns)


def unrecorded(
    table: "ir.Table", spec: TableSpec, columns: Sequence[str], past: "ir.Table", as_of: date
) -> tuple[str, ...]:
    """Return the columns of which at least one row has no value remembered of a day.

    Args:
        table: Rows of a snapshot.
        spec: Contract of the table.
        columns: The columns exports overwrite.
        past: Versions of the table.
        as_of: The day.
    """
    joined = _joined(table, spec, past, as_of)
    archived = [name for name in columns if name in past.columns]
    counts = {name: _is_recorded(joined, name).sum() for name in archived}
    found = joined.aggregate(_rows=joined.count(), **counts).to_pyarrow().to_pylist()[0]
    return tuple(name for name in columns if (found.get(name) or 0) < found["_rows"])


def _joined(table: "ir.Table", spec: TableSpec, past: "ir.Table", as_of: date) -> "ir.Table":
    """Return each row beside the newest version of it that was seen by a day; nulls where there is none."""
    import ibis

    then = newest(past.filter(past[SEEN_ON] <= ibis.literal(as_of)), spec.key)
    texts = [name for name in past.columns if not name.startswith("_")]
    then = then.select(RECORDED, **{_then(name): then[name] for name in texts})
    return table.left_join(then, [table[name].cast("string") == then[_then(name)] for name in spec.key])


def _is_recorded(joined: "ir.Table", name: str) -> "ir.BooleanValue":
    """Return whether a value of the column was seen, and is one of the kind the column has today."""
    was_seen = joined[RECORDED].contains(recording([name])).fill_null(False)
    return was_seen & (joined[_then(name)].isnull() | _value(joined, name).notnull())


def _value(joined: "ir.Table", name: str) -> "ir.Value":
    return joined[_then(name)].try_cast(joined[name].type())


def _then(name: str) -> str:
    return f"_then_{name}"
