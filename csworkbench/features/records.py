"""Features of everything but product use: tickets, answers, touches, renewals, and the account itself.

Each function returns account_id, value and known_on, at most one row per account. known_on is the day of the newest
fact behind the value; what holds on the date itself (open tickets, tenure, an attribute) is known on that date.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, since, with_local_day
from csworkbench.features.kinds import Attribute, Nps, Tickets

if TYPE_CHECKING:
    import ibis.expr.types as ir


def open_tickets(snapshot: Snapshot) -> "ir.Table":
    """Return the tickets opened and not resolved, 0 for accounts without; missing where no resolved_at is recorded.

    Missing for everybody while the table holds no ticket at all: then nobody recorded tickets yet.
    """
    tickets = snapshot.tables["tickets"]
    if "resolved_at" not in tickets.columns:
        return missing(snapshot)
    return _counts(snapshot, tickets, tickets.resolved_at.isnull())


def tickets_opened(snapshot: Snapshot, source: Tickets) -> "ir.Table":
    """Return the tickets opened in the window, 0 for accounts without; missing while no ticket at all is recorded."""
    tickets = snapshot.tables["tickets"]
    first_day = snapshot.as_of - timedelta(days=source.window_days - 1)
    return _counts(snapshot, tickets, since(tickets.opened_at, first_day, snapshot.workspace.timezone))


def nps(snapshot: Snapshot, source: Nps) -> "ir.Table":
    """Return the mean score over contacts, each with its latest answer; an answer without a contact is one of its own.

    Of two answers at the same instant the one with the greater response_id counts.
    """
    import ibis

    answers = snapshot.tables["nps_responses"]
    if not {"responded_at", "score"} <= set(answers.columns):
        return missing(snapshot)
    zone, oldest = snapshot.workspace.timezone, snapshot.as_of - timedelta(days=source.max_age_days)
    valid = answers.filter(answers.score.notnull(), since(answers.responded_at, oldest, zone))
    contact = valid.contact_id if "contact_id" in valid.columns else ibis.null("string")
    alone = ibis.ifelse(contact.isnull(), valid.response_id, ibis.null("string"))
    rank = ibis.row_number().over(
        group_by=[valid.account_id, contact, alone],
        order_by=[ibis.desc(valid.responded_at), ibis.desc(valid.response_id)],
    )
    latest = valid.mutate(answer_rank=rank).filter(ibis._.answer_rank == 0)
    means = latest.group_by("account_id").agg(value=latest.score.mean(), newest=latest.responded_at.max())
    dated = with_local_day(means, "newest", zone)
    return dated.select("account_id", value=dated.value.cast("float64"), known_on=dated.local_day)


def days_since_contact(snapshot: Snapshot) -> "ir.Table":
    """Return the days from the newest touch by a person, whatever its channel and whoever began it, to the date."""
    touches = snapshot.tables["touches"]
    if "mode" not in touches.columns:
        return missing(snapshot)
    by_people = touches.filter(touches["mode"] == "human")
    newest = by_people.group_by("account_id").agg(newest=by_people.sent_at.max())
    dated = with_local_day(newest, "newest", snapshot.workspace.timezone)
    return dated.select("account_id", value=_days_since(snapshot, dated.local_day), known_on=dated.local_day)


def tenure(snapshot: Snapshot) -> "ir.Table":
    """Return the days from signup_at to the date; missing where the account has none."""
    accounts = snapshot.tables["accounts"]
    if "signup_at" not in accounts.columns:
        return missing(snapshot)
    dated = with_local_day(accounts.select("account_id", "signup_at"), "signup_at", snapshot.workspace.timezone)
    return dated.select("account_id", value=_days_since(snapshot, dated.local_day), known_on=_today(snapshot))


def days_to_renewal(snapshot: Snapshot) -> "ir.Table":
    """Return the days to the earliest due date without a decision, negative when past due."""
    renewals = snapshot.tables["renewals"]
    undecided = renewals
    if "outcome" in renewals.columns:
        undecided = renewals.filter(renewals.outcome.fill_null("open") == "open")
    next_due = undecided.group_by("account_id").agg(due_date=undecided.due_date.min())
    return next_due.select("account_id", value=-_days_since(snapshot, next_due.due_date), known_on=_today(snapshot))


def attribute(snapshot: Snapshot, source: Attribute) -> "ir.Table":
    """Return a column of the accounts: numbers as float64, texts and booleans as they are."""
    accounts = snapshot.tables["accounts"]
    column = accounts[source.column]
    value = column.cast("float64") if column.type().is_numeric() and not column.type().is_boolean() else column
    return accounts.select("account_id", value=value, known_on=_today(snapshot))


def missing(snapshot: Snapshot) -> "ir.Table":
    """Return a measure nobody has a value of: no rows."""
    import ibis

    accounts = snapshot.tables["accounts"]
    nobody = accounts.select("account_id", value=ibis.null("float64"), known_on=ibis.null("date"))
    return nobody.filter(ibis.literal(value=False))


def _counts(snapshot: Snapshot, rows: "ir.Table", counts: "ir.BooleanValue") -> "ir.Table":
    sums = rows.group_by("account_id").agg(value=counts.sum().cast("float64"))
    accounts = snapshot.tables["accounts"].select("account_id")
    joined = accounts.left_join(sums, "account_id")
    recorded = joined.filter(rows.count().as_scalar() > 0)
    return recorded.select("account_id", value=recorded.value.fill_null(0.0), known_on=_today(snapshot))


def _days_since(snapshot: Snapshot, day: "ir.DateValue") -> "ir.FloatingValue":
    import ibis

    return ibis.literal(snapshot.as_of).delta(day, unit="day").cast("float64")


def _today(snapshot: Snapshot) -> "ir.DateScalar":
    import ibis

    return ibis.literal(snapshot.as_of)
