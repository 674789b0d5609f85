"""The tables of a book at several dates: the cut of each date below that of the one before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from csworkbench.asof import Snapshot, day_start, earlier
from csworkbench.tables import SPECS, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Columns that say to which date a row belongs; the underscore keeps them apart from the columns of a source.
PLACE = "_place"
TODAY = "_today"
KEYS = (PLACE, "account_id")


def at_dates(snapshot: Snapshot, name: str, columns: Iterable[str], dates: Sequence[date]) -> "ir.Table":
    """Return a table as it was known at each of several dates, one below the other.

    Args:
        snapshot: The book as of the latest date or later.
        name: Canonical table.
        columns: Columns that are read; those the table does not have are left out.
        dates: Days at the end of which is looked, at least one.

    Returns:
        The rows of each date, also those of accounts that are not there, with at least the columns asked for, and two
        more: `_place` (position in `dates`) and `_today` (the date).

    Raises:
        ValueError: a date lies after the snapshot.
    """
    import ibis

    # A cut costs the same for each table and column, read or not.
    alone = replace(snapshot, history={name: _narrow(snapshot.history[name], SPECS[name], set(columns))})
    cuts = [earlier(alone, day).tables[name] for day in dates]
    parts = [
        table.mutate(**{PLACE: ibis.literal(place, "int32"), TODAY: ibis.literal(day)})
        for place, (day, table) in enumerate(zip(dates, cuts, strict=True))
    ]
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


@dataclass(frozen=True, slots=True, eq=False)
class DatedBook:
    """What measures are made of at several dates.

    Args:
        snapshot: The book as of the latest date or later.
        dates: Days at the end of which is measured, ascending.
        tables: Tables at each date, as `at_dates` returns them; accounts is there.
    """

    snapshot: Snapshot
    dates: tuple[date, ...]
    tables: "Mapping[str, ir.Table]"

    @property
    def timezone(self) -> str:
        """Time zone of the calendar."""
        return self.snapshot.workspace.timezone

    def ends(self) -> "ir.Table":
        """Return one row per date: _place and _today."""
        import ibis
        import pyarrow as pa

        places = pa.array(range(len(self.dates)), pa.int32())
        return ibis.memtable(pa.table({PLACE: places, TODAY: pa.array(self.dates, pa.date32())}))

    def starts(self, days: Iterable[int]) -> "ir.Table":
        """Return when trailing windows begin.

        Args:
            days: Lengths of the windows, the date included.

        Returns:
            One row per date: _place, and per length N `from_N`, the first instant of the window.
        """
        import ibis
        import pyarrow as pa

        places = pa.array(range(len(self.dates)), pa.int32())
        firsts = {
            f"from_{length}": pa.array(
                [day_start(day - timedelta(days=length - 1), self.timezone) for day in self.dates], pa.timestamp("us")
            )
            for length in dict.fromkeys(days)
        }
        return ibis.memtable(pa.table({PLACE: places} | firsts))


class Found(NamedTuple):
    """A measure as columns of the accounts at each date.

    Args:
        value: float64; text or boolean of an attribute; null = missing.
        known_on: Day of the newest fact behind it; null where there is none.
    """

    value: "ir.Column"
    known_on: "ir.Column"


def days_since(grid: "ir.Table", day: "ir.Column") -> "ir.IntegerColumn":
    """Return the whole days from a day to the date of each row, negative for a later day.

    Args:
        grid: Rows with `_today`.
        day: DATE column of it.
    """
    return grid[TODAY].delta(day, unit="day")


def beside(grid: "ir.Table", *facts: "ir.Table") -> "ir.Table":
    """Return a table with the columns of others beside its rows, null where one has no row of the account and date.

    Args:
        grid: Rows with `_place` and account_id.
        facts: At most one row per `_place` and account_id.
    """
    joined, columns = grid, [grid[name] for name in grid.columns]
    for number, fact in enumerate(facts):
        joined = joined.left_join(fact, list(KEYS), rname=f"{{name}}_{number}")
        columns += [fact[name] for name in fact.columns if name not in KEYS]
    return joined.select(*columns)


def with_columns(table: "ir.Table", **kinds: str) -> "ir.Table":
    """Return a table with the columns its source does not have filled with nulls.

    Args:
        table: Any expression.
        kinds: Column -> type.
    """
    import ibis

    absent = {name: ibis.null(kind) for name, kind in kinds.items() if name not in table.columns}
    return table.mutate(**absent) if absent else table


def _narrow(table: "ir.Table", spec: TableSpec, wanted: set[str]) -> "ir.Table":
    """Return a table with the columns that are read, and those that decide which rows and cells are known."""
    if spec.has_versions and "valid_from" in table.columns:
        return table  # all columns decide which of two contradicting versions holds
    reveals = {column.known_with for column in spec.columns if column.name in wanted}
    needed = {*wanted, *spec.key, spec.event_at, spec.known_at, *reveals}
    return table.select(*(column for column in table.columns if column in needed))
