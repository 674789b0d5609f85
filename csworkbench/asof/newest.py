"""The day a book ends on: the newest one that its rows support, not the one a typo names."""

from collections import Counter
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from csworkbench.asof.days import since, with_local_day
from csworkbench.errors import DataError
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.tables import SPECS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from csworkbench.asof.snapshot import Snapshot
    from csworkbench.sources import Book

STRIDE = timedelta(days=31)
STRAY_PER_ROWS = 1000  # one row in so many may lie anywhere
# What begins on a day may be recorded before it: contracts, assignments, consents.
STARTS = ("valid_from", "start_date")


def latest_date(book: "Book") -> date:
    """Return the newest day of the book: the `as_of` that `latest` stands for.

    Rows with a day far off, such as 2099, do not move it: it is the last day that is reached, in steps of at most 31
    days from one dated row to the next, from the day by which 99.9 % of all dated rows had happened. A book of fewer
    than 1000 rows is believed as it is, up to the day it was read: what is dated later cannot have happened. Contracts,
    assignments and consents count only where nothing else is dated, because they may begin in the future.

    Args:
        book: The checked, typed tables.

    Raises:
        DataError: no table holds a dated row.
    """
    ends = {name: report.last_event for name, report in book.reports.items() if report.last_event is not None}
    if not ends:
        raise DataError("no table holds a dated row, so 'latest' has no date; set as_of: YYYY-MM-DD in the workspace")
    happened = [name for name in ends if SPECS[name].event_at not in STARTS] or list(ends)
    newest = max(ends[name] for name in happened)
    stray = sum(book.reports[name].rows for name in happened) / STRAY_PER_ROWS
    near = sorted(
        (name for name in happened if ends[name] > newest - STRIDE), key=lambda name: -book.reports[name].rows
    )
    is_possible = newest <= book.last_possible
    # Mostly the last month of the largest table holds enough rows: no other is asked, and the engine skips the rest.
    recent = accumulate(_rows_since(book, name, newest - STRIDE + timedelta(days=1)) for name in near)
    if is_possible and (stray < 1 or any(rows > stray for rows in recent)):
        return newest
    days: Counter[date] = sum((_rows_per_day(book, name) for name in happened), Counter())
    possible = Counter({day: rows for day, rows in days.items() if day <= book.last_possible})
    # Where every row lies ahead, it is the clock that is wrong.
    return _reached(possible or days)


def end_of(book: "Book", otherwise: date) -> date:
    """Return the newest day of the book, which its overwritten columns are of.

    Args:
        book: The checked, typed tables.
        otherwise: What is returned where nothing is dated: the export is taken to be of that day.
    """
    try:
        return latest_date(book)
    except DataError:
        return otherwise


def stray_days(snapshot: "Snapshot") -> tuple[Caveat, ...]:
    """Return a warning for each table with rows later than the day the book ends on.

    Args:
        snapshot: The book as of any date.
    """
    return tuple(
        Caveat(
            "stray_days",
            Severity.WARNING,
            say(
                "{table} holds rows as late as {last:date}, which lies ahead of today or far from other rows: "
                "the book is taken to end on {end:date}",
                table=name,
                last=report.last_event,
                end=snapshot.ends_on,
            ),
            say("Correct these dates in the source, or set as_of in the workspace"),
        )
        for name, report in snapshot.reports.items()
        if report.last_event is not None and report.last_event > snapshot.ends_on and SPECS[name].event_at not in STARTS
    )


def _event(book: "Book", name: str) -> "ir.Column":
    return book.tables[name][str(SPECS[name].event_at)]


def _rows_since(book: "Book", name: str, day: date) -> int:
    event = _event(book, name)
    recent = book.tables[name].filter(since(event, day, book.workspace.timezone))
    return int(recent.count().to_pyarrow().as_py())


def _rows_per_day(book: "Book", name: str) -> Counter[date]:
    event = _event(book, name)
    dated = with_local_day(book.tables[name].select(event).drop_null(), event.get_name(), book.workspace.timezone)
    counted = dated.group_by("local_day").agg(rows=dated.count()).to_pyarrow().to_pylist()
    return Counter({row["local_day"]: row["rows"] for row in counted})


def _reached(days: Counter[date]) -> date:
    """Return the last day reached in strides from the one by which all but one row in a thousand had happened."""
    newest_first = sorted(days, reverse=True)
    allowed, later = days.total() / STRAY_PER_ROWS, 0
    start = newest_first[-1]
    for day in newest_first:
        later += days[day]
        if later > allowed:
            start = day
            break
    reached = start
    for day, following in pairwise(sorted(day for day in days if day >= start)):
        if following - day > STRIDE:
            break
        reached = following
    return reached
