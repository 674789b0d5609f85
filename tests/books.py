"""Tiny books for tests: rows written in the test become a `Book` on DuckDB, typed by the canonical contract."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pyarrow as pa

from csworkbench.sources import Book, IngestReport
from csworkbench.tables import SPECS, Kind, Role
from csworkbench.workspace import TableSource, Workspace

_ARROW = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.DECIMAL: pa.decimal128(18, 6),
    Kind.SHARE: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.INSTANT: pa.timestamp("us"),
}
_numbers = count()


@cache
def _connection():
    return ibis.duckdb.connect(threads=2)


def book(tables, timezone="UTC", extras: Mapping[str, Mapping[str, Kind]] | None = None, outcomes=()) -> Book:
    """Return a book of rows.

    Args:
        tables: Canonical name -> frame, or list of mappings; only the columns given exist. Dates are ISO texts or
            dates, instants are ISO texts in UTC or datetimes without zone.
        timezone: Time zone of the workspace.
        extras: Table -> kind of each column the contract does not have.
        outcomes: Extra columns with the role outcome.
    """
    extras = extras or {}
    workspace = Workspace(
        version=1,
        name="Test book",
        timezone=timezone,
        tables={name: TableSource(path=f"{name}.csv") for name in tables},
    )
    arrows = {name: _typed(name, pd.DataFrame(rows), extras.get(name, {})) for name, rows in tables.items()}
    connection = _connection()
    views = {name: _stored(connection, name, arrow) for name, arrow in arrows.items()}
    reports = {name: _report(name, arrow, extras.get(name, {}), outcomes, timezone) for name, arrow in arrows.items()}
    return Book(workspace, Path(), connection, views, reports)


def with_rows(made: Book, name: str, rows) -> Book:
    """Return the book with rows added to one table; columns it does not have yet are null in the old rows."""
    old = made.tables[name].to_pyarrow()
    new = _typed(name, pd.DataFrame(rows), {})
    assert set(new.column_names) <= set(old.column_names), "write all columns into the first rows"
    both = pa.concat_tables([old, new], promote_options="default").cast(old.schema)
    return replace(made, tables={**made.tables, name: _stored(made.connection, name, both)})


def frame(table) -> pd.DataFrame:
    """Return an expression's rows as a frame that can be compared: all columns as objects, rows in a fixed order."""
    rows = table.to_pyarrow().to_pylist()
    ordered = sorted(rows, key=lambda row: [(value is not None, str(value)) for value in row.values()])
    return pd.DataFrame(ordered, columns=list(table.columns), dtype=object)


def _stored(connection, name, arrow):
    """Return the rows as a table of the engine; half of what `create_table` of Ibis takes, which compiles the query."""
    stored = f"{name}_{next(_numbers)}"
    engine = connection.con
    engine.register("rows_of_a_test", arrow)
    engine.execute(f'CREATE TABLE "{stored}" AS FROM rows_of_a_test')
    engine.unregister("rows_of_a_test")
    return connection.table(stored)


def _typed(name, rows, extras):
    kinds = {column.name: column.kind for column in SPECS[name].columns} | dict(extras)
    return pa.table({str(column): _array(rows[column], kinds[column]) for column in rows.columns})


def _array(values, kind):
    cells = [None if value is None or value is pd.NaT or value != value else _cell(value, kind) for value in values]
    if kind is Kind.DECIMAL:
        return pa.array(cells, pa.float64()).cast(_ARROW[kind])
    return pa.array(cells, _ARROW[kind])


def _cell(value, kind):
    if kind is Kind.DATE:
        return date.fromisoformat(value) if isinstance(value, str) else value
    if kind is Kind.INSTANT:
        return datetime.fromisoformat(value) if isinstance(value, str) else pd.Timestamp(value).to_pydatetime()
    return {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.INTEGER: int}.get(kind, float)(value)


def _report(name, arrow, extras, outcomes, timezone):
    event = SPECS[name].event_at
    days = (
        [_day(value, timezone) for value in arrow.column(event).to_pylist() if value]
        if event in arrow.column_names
        else []
    )
    roles = {column: Role.OUTCOME if column in outcomes else Role.ATTRIBUTE for column in extras}
    return IngestReport(
        table=name,
        files=(f"{name}.csv",),
        rows=arrow.num_rows,
        quarantined=0,
        digest="",
        findings=(),
        first_event=min(days, default=None),
        last_event=max(days, default=None),
        blanks={},
        extras=roles,
        was_cached=False,
    )


def _day(value, timezone):
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(timezone)).date()
