"""The customer book as it was known at the end of one day: nothing that happened or became known later is in it."""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from csworkbench.errors import DataError
from csworkbench.tables import SPECS, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from csworkbench.sources import Book, IngestReport
    from csworkbench.workspace import Workspace

# Contracts, assignments and account versions may be recorded before they begin: their newest row is no sign of "today".
STARTS_AHEAD = ("subscriptions", "assignments", "renewals")
# Times in which clocks changed as the time zone database says; before and after, the nearest offset holds.
FIRST_SEASON, LAST_SEASON = datetime(1990, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Every table cut to what was known at the end of one day; only `take` and `earlier` build one.

    Args:
        as_of: Last day that is known, in `workspace.timezone`.
        workspace: The workspace the data come from.
        tables: Name -> expression; where a row has a validity interval, the version that holds at `as_of`. Rows of
            accounts that are not there yet are left out; a cell that was revealed later is null (or the fallback of its
            table, such as outcome "open").
        reports: What ingestion found, per table; about the whole file, not only the days up to `as_of`.
        history: The same rows before versions and accounts were picked: every version known by `as_of`.
    """

    as_of: date
    workspace: "Workspace"
    tables: "Mapping[str, ir.Table]"
    reports: "Mapping[str, IngestReport]"
    history: "Mapping[str, ir.Table]" = field(repr=False)


def take(book: "Book", as_of: date) -> Snapshot:
    """Return the book as it was known at the end of a day in the workspace's time zone.

    A row is kept when its event time, its `known_at` and its `valid_from` are not later; an undated row is kept only
    where its table allows undated rows. A cell is hidden when it is a date that lies later and is not planned ahead
    (such as a due date), or when the column that reveals it (`Column.known_with`) is empty, absent or later.

    Args:
        book: The checked, typed tables.
        as_of: Last day that is known.

    Returns:
        Snapshot of the same tables and columns.
    """
    return _cut(book.tables, as_of, book.workspace, book.reports)


def earlier(snapshot: Snapshot, as_of: date) -> Snapshot:
    """Return a snapshot cut again at an earlier day; equal to the one taken from the book at that day.

    Args:
        snapshot: What was known at its own, later day.
        as_of: Last day that is known, at most `snapshot.as_of`.

    Returns:
        Snapshot of the same tables and columns.

    Raises:
        ValueError: as_of lies after the snapshot.
    """
    if as_of > snapshot.as_of:
        raise ValueError(f"{as_of} lies after the snapshot of {snapshot.as_of}")
    return _cut(snapshot.history, as_of, snapshot.workspace, snapshot.reports)


def latest_date(book: "Book") -> date:
    """Return the day of the newest event of the book: the `as_of` that `latest` stands for.

    Contracts and assignments count only where nothing else is dated, because they may begin in the future.

    Raises:
        DataError: no table holds a dated row.
    """
    newest = {name: report.last_event for name, report in book.reports.items() if report.last_event is not None}
    happened = [day for name, day in newest.items() if name not in STARTS_AHEAD]
    if not newest:
        raise DataError("no table holds a dated row, so 'latest' has no date; set as_of: YYYY-MM-DD in the workspace")
    return max(happened or newest.values())


def month_ends(as_of: date, months: int) -> tuple[date, ...]:
    """Return one day per month, ascending, the last one `as_of`: the same day of the month, or the month's last.

    Args:
        as_of: Last of the days.
        months: How many days, at least 1.

    Raises:
        ValueError: months is below 1.
    """
    if months < 1:
        raise ValueError(f"months must be at least 1, not {months}")
    return tuple(_months_before(as_of, back) for back in reversed(range(months)))


def day_start(day: date, timezone: str) -> datetime:
    """Return the instant a calendar day begins, in UTC without a zone, as INSTANT columns hold it."""
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC).replace(tzinfo=None)


def since(column: "ir.Column", day: date, timezone: str) -> "ir.BooleanValue":
    """Return whether a date or an instant lies on a calendar day or after it; null stays null.

    Args:
        column: DATE or INSTANT column.
        day: First day that counts.
        timezone: Time zone of the calendar.
    """
    import ibis

    if column.type().is_date():
        return column >= ibis.literal(day)
    return column >= ibis.literal(day_start(day, timezone))


def with_local_day(table: "ir.Table", column: str, timezone: str) -> "ir.Table":
    """Return a table with one more column, `local_day`: the calendar day of a date or an instant in a time zone.

    Engines convert zones each in their own way; adding the offset of its season is the same everywhere.

    Args:
        table: Any expression.
        column: Its DATE or INSTANT column; null stays null.
        timezone: Time zone of the calendar.
    """
    if table[column].type().is_date():
        return table.mutate(local_day=table[column])
    seasons = _seasons(timezone)
    is_in_season = [table[column] >= seasons.season_start, table[column] < seasons.season_end]
    joined = table.left_join(seasons, is_in_season)
    shifted = joined[column] + joined.season_minutes.as_interval("m")
    return joined.select(*table.columns, local_day=shifted.date())


def _cut(
    tables: "Mapping[str, ir.Table]", as_of: date, workspace: "Workspace", reports: "Mapping[str, IngestReport]"
) -> Snapshot:
    day_after = as_of + timedelta(days=1)
    history = {name: _known(table, SPECS[name], day_after, workspace.timezone) for name, table in tables.items()}
    valid = {name: _valid(table, SPECS[name]) for name, table in history.items()}
    accounts = valid["accounts"]
    present = {name: table if name == "accounts" else _of_accounts(table, accounts) for name, table in valid.items()}
    return Snapshot(as_of, workspace, MappingProxyType(present), reports, MappingProxyType(history))


def _known(table: "ir.Table", spec: TableSpec, day_after: date, timezone: str) -> "ir.Table":
    """Return the rows known before a day, with the cells revealed later hidden."""
    import ibis

    def happened(name: str) -> "ir.BooleanValue":
        return ~since(table[name], day_after, timezone)

    known_with = {column.name: column.known_with for column in spec.columns if column.known_with}
    row_times = [name for name in (spec.event_at, spec.known_at, "valid_from") if name and name in table.columns]
    # A version's end becomes known when the next one begins, so it is hidden like any other later fact.
    planned = set(spec.planned) - {"valid_to"}
    cells = {}
    for name, kind in table.schema().items():
        conditions = []
        if kind.is_temporal() and name not in row_times and name not in planned:
            conditions.append(happened(name))
        if name in known_with and known_with[name] != name:
            revealed = known_with[name] in table.columns
            conditions.append(happened(str(known_with[name])) if revealed else ibis.literal(value=False))
        if conditions:
            unknown = ibis.literal(spec.on_unknown.get(name), type=kind)
            cells[name] = ibis.ifelse(ibis.and_(*conditions), table[name], unknown)
    known = [table[name].isnull() | happened(name) for name in row_times]
    kept = table.filter(known) if known else table
    return kept.mutate(**cells) if cells else kept


def _valid(history: "ir.Table", spec: TableSpec) -> "ir.Table":
    """Return the version of each row that holds now: not ended, and the newest where several are open."""
    import ibis

    if "valid_from" not in history.columns:
        return history
    running = history.filter(history.valid_to.isnull()) if "valid_to" in history.columns else history
    unit = [name for name in spec.key_among(history.columns) if name != "valid_from"]
    newest_first = ibis.row_number().over(group_by=unit, order_by=ibis.desc(running.valid_from, nulls_first=False))
    return running.mutate(version_rank=newest_first).filter(ibis._.version_rank == 0).drop("version_rank")


def _of_accounts(table: "ir.Table", accounts: "ir.Table") -> "ir.Table":
    if "account_id" not in table.columns:
        return table
    return table.filter(table.account_id.isnull() | table.account_id.isin(accounts.account_id))


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@cache
def _seasons(timezone: str) -> "ir.Table":
    """Return the times of one offset of a zone: season_start, season_end (exclusive), both UTC, and season_minutes."""
    import ibis
    import pyarrow as pa

    zone = ZoneInfo(timezone)

    def offset(instant: datetime) -> timedelta:
        return instant.astimezone(zone).utcoffset() or timedelta()

    starts, offsets = [datetime.min.replace(tzinfo=UTC)], [offset(FIRST_SEASON)]
    for day in range((LAST_SEASON - FIRST_SEASON).days):
        low = FIRST_SEASON + timedelta(days=day)
        if offset(low + timedelta(days=1)) != offset(low):
            minutes = [low + timedelta(minutes=minute) for minute in range(24 * 60 + 1)]
            change = minutes[bisect_left(minutes, True, key=lambda minute: offset(minute) != offsets[-1])]
            starts.append(change)
            offsets.append(offset(change))
    ends = [*starts[1:], datetime.max.replace(tzinfo=UTC)]
    without_zone = pa.timestamp("us")
    return ibis.memtable(
        pa.table(
            {
                "season_start": pa.array(starts, without_zone),
                "season_end": pa.array(ends, without_zone),
                "season_minutes": [offset // timedelta(minutes=1) for offset in offsets],
            }
        )
    )
