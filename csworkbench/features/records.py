"""Features of everything but product use: tickets, answers, touches, renewals, and the account itself.

known_on is the day of the newest fact behind a value; what holds on the date itself (open tickets, tenure, an
attribute) is known on that date.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.asof import with_local_day
from csworkbench.features.dated import KEYS, PLACE, TODAY, DatedBook, Found, days_since
from csworkbench.features.kinds import (
    Attribute,
    DaysSinceContact,
    DaysToRenewal,
    Nps,
    OpenTickets,
    Tenure,
    Tickets,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

Record = Attribute | DaysSinceContact | DaysToRenewal | Nps | OpenTickets | Tenure | Tickets


READS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tickets": ("account_id", "opened_at", "resolved_at"),
        "nps_responses": ("response_id", "account_id", "contact_id", "responded_at", "score"),
        "touches": ("account_id", "mode", "sent_at"),
        "renewals": ("account_id", "due_date", "outcome"),
    }
)


def facts(book: DatedBook, sources: Iterable[Record]) -> "list[ir.Table]":
    """Return what the measures are made of, to stand beside the accounts.

    Args:
        book: The dates, and the tables the measures read at each.
        sources: What is measured.

    Returns:
        Tables of at most one row per date and account.
    """
    asked, made = tuple(sources), []
    ages = {source.max_age_days for source in asked if isinstance(source, Nps)}
    if any(isinstance(source, OpenTickets | Tickets) for source in asked):
        made.append(_tickets(book, {source.window_days for source in asked if isinstance(source, Tickets)}))
    if ages and {"responded_at", "score"} <= set(book.tables["nps_responses"].columns):
        made.append(_answers(book, ages))
    if DaysSinceContact() in asked and "mode" in book.tables["touches"].columns:
        made.append(_contact(book))
    if DaysToRenewal() in asked:
        made.append(_due(book))
    if Tenure() in asked and "signup_at" in book.tables["accounts"].columns:
        made.append(_signup(book))
    return made


def found(grid: "ir.Table", source: Record, attributes: Mapping[str, str]) -> Found | None:
    """Return a measure; None where the columns it needs are not recorded.

    Args:
        grid: The accounts at each date with the `facts` beside them.
        source: One of the measures these were asked for.
        attributes: Column of accounts -> its name in the grid.
    """
    match source:
        case OpenTickets():
            return _count(grid, "open_tickets")
        case Tickets():
            return _count(grid, f"tickets_{source.window_days}")
        case Nps():
            value, known_on = f"nps_{source.max_age_days}", f"answered_on_{source.max_age_days}"
            return Found(grid[value], grid[known_on]) if value in grid.columns else None
        case DaysSinceContact():
            return _days(grid, "contact_on", "contact_on")
        case Tenure():
            return _days(grid, "signup_on", TODAY)
        case DaysToRenewal():
            return Found(-days_since(grid, grid.due_on).cast("float64"), grid[TODAY])
        case Attribute():
            column = grid[attributes[source.column]]
            is_amount = column.type().is_numeric() and not column.type().is_boolean()
            return Found(column.cast("float64") if is_amount else column, grid[TODAY])


def _tickets(book: DatedBook, windows: Iterable[int]) -> "ir.Table":
    """Return the tickets recorded, open, and opened in each window: tickets, open_tickets, tickets_N."""
    tickets = book.tables["tickets"]
    opened = tickets.inner_join(book.starts(windows), PLACE)
    counts = {f"tickets_{days}": (opened.opened_at >= opened[f"from_{days}"]).sum() for days in windows}
    if "resolved_at" in tickets.columns:
        counts["open_tickets"] = opened.resolved_at.isnull().sum()
    return opened.group_by(list(KEYS)).agg(tickets=opened.count(), **counts)


def _count(grid: "ir.Table", name: str) -> Found | None:
    """Return a count, 0 for accounts without; missing for everybody while no ticket at all is recorded."""
    import ibis

    if name not in grid.columns:
        return None
    is_recorded = grid.tickets.sum().over(group_by=PLACE) > 0
    value = ibis.ifelse(is_recorded, grid[name].cast("float64").fill_null(0.0), ibis.null("float64"))
    return Found(value, grid[TODAY])


def _answers(book: DatedBook, ages: Iterable[int]) -> "ir.Table":
    """Return the mean score over contacts, each with its latest answer: per age N nps_N and answered_on_N.

    An answer without a contact is one of its own. Of two answers at the same instant the one with the greater
    response_id counts.
    """
    import ibis

    oldest = {days: f"from_{days + 1}" for days in sorted(ages)}
    answers = book.tables["nps_responses"].inner_join(book.starts(days + 1 for days in oldest), PLACE)
    answers = answers.filter(answers.score.notnull(), answers.responded_at >= answers[oldest[max(oldest)]])
    contact = answers.contact_id if "contact_id" in answers.columns else ibis.null("string")
    alone = ibis.ifelse(contact.isnull(), answers.response_id, ibis.null("string"))
    rank = ibis.row_number().over(
        group_by=[answers[PLACE], answers.account_id, contact, alone],
        order_by=[ibis.desc(answers.responded_at), ibis.desc(answers.response_id)],
    )
    latest = answers.mutate(answer_rank=rank).filter(ibis._.answer_rank == 0)
    counts = {days: latest.responded_at >= latest[start] for days, start in oldest.items()}
    means = {f"nps_{days}": latest.score.mean(where=counts[days]).cast("float64") for days in oldest}
    newest = {f"newest_{days}": latest.responded_at.max(where=counts[days]) for days in oldest}
    table = latest.group_by(list(KEYS)).agg(**means, **newest)
    for days in oldest:
        table = _with_day(book, table, f"newest_{days}", f"answered_on_{days}")
    return table


def _contact(book: DatedBook) -> "ir.Table":
    """Return the day of the newest touch by a person, whatever its channel and whoever began it: contact_on."""
    touches = book.tables["touches"]
    by_people = touches.filter(touches["mode"] == "human")
    newest = by_people.group_by(list(KEYS)).agg(newest=by_people.sent_at.max())
    return _with_day(book, newest, "newest", "contact_on")


def _due(book: DatedBook) -> "ir.Table":
    """Return the earliest due date without a decision: due_on."""
    renewals = book.tables["renewals"]
    if "outcome" in renewals.columns:
        renewals = renewals.filter(renewals.outcome.fill_null("open") == "open")
    return renewals.group_by(list(KEYS)).agg(due_on=renewals.due_date.min())


def _signup(book: DatedBook) -> "ir.Table":
    """Return the day the account signed up: signup_on."""
    accounts = book.tables["accounts"].select(*KEYS, "signup_at")
    return _with_day(book, accounts, "signup_at", "signup_on")


def _with_day(book: DatedBook, table: "ir.Table", instant: str, name: str) -> "ir.Table":
    return with_local_day(table, instant, book.timezone).rename({name: "local_day"}).drop(instant)


def _days(grid: "ir.Table", day: str, known_on: str) -> Found | None:
    if day not in grid.columns:
        return None
    return Found(days_since(grid, grid[day]).cast("float64"), grid[known_on])
