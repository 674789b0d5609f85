"""Calendar days of a time zone, in the engine and out of it."""

from bisect import bisect_left
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Times in which clocks changed as the time zone database says; before and after, the nearest offset holds.
FIRST_SEASON, LAST_SEASON = datetime(1990, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


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
