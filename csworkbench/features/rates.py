"""What the fixed rates of a book are made of: one row of sums per account, as expressions that every engine runs.

A rate is a sum over accounts divided by another; `features.estimating` turns the sums into estimates, with accounts as
the independent units. Days are calendar days of the workspace, first and last included.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, day_start, since, with_local_day

if TYPE_CHECKING:
    import ibis.expr.types as ir

PROMOTER, DETRACTOR = 9, 6
SEEN = ("open", "click", "reply")
NOBODY = ("machine", "scanner")


def renewals_due(snapshot: Snapshot, first: date, last: date) -> "ir.Table":
    """Return what came of the renewals due in a period, as known at the date.

    A decided renewal counts as kept when it was renewed, in part, in full or with more. Amounts are those of decided
    renewals that have a target and a final amount (a lost one without an amount has 0), because a rate of amounts needs
    both. A kept one without a final amount leaves such a rate open, because lost ones always have theirs. An open
    renewal is past due after its due date.

    Args:
        snapshot: The book as of a date.
        first: First due date that counts.
        last: Last due date that counts.

    Returns:
        One row per account and currency: account_id, currency ("" = the workspace's), decided, kept, past_due, unpriced
        (decided without both amounts), unrecorded (of them kept with a target, but no final amount), target, retained
        (final amount, at most the target), final; float64.
    """
    import ibis

    renewals = snapshot.tables["renewals"]
    due = renewals.filter(renewals.due_date.between(ibis.literal(first), ibis.literal(last)))
    outcome = _or_null(due, "outcome", "string").fill_null("open")
    is_lost, is_open = outcome == "churned", outcome == "open"
    target = _or_null(due, "target_amount", "decimal(18, 6)")
    final = _or_null(due, "final_amount", "decimal(18, 6)").coalesce(ibis.ifelse(is_lost, 0, None))
    is_priced = ~is_open & target.notnull() & final.notnull()
    marked = due.select(
        "account_id",
        currency=_or_null(due, "currency", "string").fill_null(""),
        is_decided=~is_open,
        is_kept=~is_open & ~is_lost,
        is_past_due=is_open & (due.due_date < ibis.literal(snapshot.as_of)),
        is_unpriced=~is_open & ~is_priced,
        is_unrecorded=~is_open & target.notnull() & final.isnull(),
        target=ibis.ifelse(is_priced, target, 0),
        retained=ibis.ifelse(is_priced, ibis.least(target, final), 0),
        final=ibis.ifelse(is_priced, final, 0),
    )
    return marked.group_by(["account_id", "currency"]).agg(
        decided=_sum(marked.is_decided),
        kept=_sum(marked.is_kept),
        past_due=_sum(marked.is_past_due),
        unpriced=_sum(marked.is_unpriced),
        unrecorded=_sum(marked.is_unrecorded),
        target=_sum(marked.target),
        retained=_sum(marked.retained),
        final=_sum(marked.final),
    )


def nps_answers(snapshot: Snapshot, window_days: int) -> "ir.Table":
    """Return the answers of the trailing days, the latest of each contact.

    Args:
        snapshot: The book as of a date.
        window_days: Trailing days in which an answer counts, the date included.

    Returns:
        One row per account with an answer: account_id, answered, promoters (9 or 10), detractors (0 to 6); float64.
    """
    latest = latest_answers(snapshot, snapshot.as_of - timedelta(days=window_days - 1))
    return latest.group_by("account_id").agg(
        answered=latest.count().cast("float64"),
        promoters=_sum(latest.score >= PROMOTER),
        detractors=_sum(latest.score <= DETRACTOR),
    )


def latest_answers(snapshot: Snapshot, first: date) -> "ir.Table":
    """Return the newest answer of each contact since a day; an answer without a contact is one of its own.

    Of two answers at the same instant the one with the greater response_id counts.
    """
    import ibis

    answers = snapshot.tables["nps_responses"]
    valid = answers.filter(answers.score.notnull(), since(answers.responded_at, first, snapshot.workspace.timezone))
    contact = _or_null(valid, "contact_id", "string")
    alone = ibis.ifelse(contact.isnull(), valid.response_id, ibis.null("string"))
    rank = ibis.row_number().over(
        group_by=[valid.account_id, contact, alone],
        order_by=[ibis.desc(valid.responded_at), ibis.desc(valid.response_id)],
    )
    return valid.mutate(answer_rank=rank).filter(ibis._.answer_rank == 0).drop("answer_rank")


def sent_touches(snapshot: Snapshot, first: date, last: date) -> "ir.Table":
    """Return what became of the touches sent in a period: attempted, delivered, reached, clicked.

    A touch reached somebody when a person opened, clicked or answered; events of machines and scanners do not count.
    Clicks are of delivered touches. An event without an agent counts as a person's.

    Args:
        snapshot: The book as of a date.
        first: First day of sending.
        last: Last day of sending.

    Returns:
        One row per account and channel ("" = none given): account_id, channel, attempted, delivered, reached, clicked
        (touches, float64). An event log without deliveries says nothing about them: they are 0.
    """
    import ibis

    touches, events = snapshot.tables["touches"], snapshot.tables["touch_events"]
    zone = snapshot.workspace.timezone
    sent = touches.filter(
        since(touches.sent_at, first, zone),
        touches.sent_at < ibis.literal(day_start(last + timedelta(days=1), zone)),
    )
    is_person = _or_null(events, "agent", "string").fill_null("").notin(NOBODY)
    seen = events.group_by("touch_id").agg(
        was_delivered=(events.type == "delivered").any(),
        was_seen=(events.type.isin(SEEN) & is_person).any(),
        was_clicked=((events.type == "click") & is_person).any(),
    )
    joined = sent.left_join(seen, "touch_id")
    marked = joined.select(
        "account_id",
        channel=_or_null(joined, "channel", "string").fill_null(""),
        was_delivered=joined.was_delivered.fill_null(False),
        was_seen=joined.was_seen.fill_null(False),
        was_clicked=joined.was_clicked.fill_null(False),
    )
    return marked.group_by(["account_id", "channel"]).agg(
        attempted=marked.count().cast("float64"),
        delivered=_sum(marked.was_delivered),
        reached=_sum(marked.was_seen),
        clicked=_sum(marked.was_delivered & marked.was_clicked),
    )


def milestone_times(snapshot: Snapshot, milestone: str) -> "ir.Table":
    """Return how long each account took, or has been waiting, from signing up to a milestone.

    An account without a row of the milestone is left out: nobody planned it there, or it came before anybody kept
    milestones, and as one that waits since it signed up it would drag the median up. So the source has to have a row
    for each account that should get there, unfinished ones too: where only what was reached is exported, the median is
    that of those who got there, and at an earlier date whoever got there later is missing.

    Args:
        snapshot: The book as of a date.
        milestone: Name of the milestone.

    Returns:
        One row per account that has the milestone and signed up: account_id, days (float64, to the date where it was
        not reached, or to the day the account left), is_reached (false = censored).
    """
    import ibis

    zone, accounts, milestones = snapshot.workspace.timezone, snapshot.tables["accounts"], snapshot.tables["milestones"]
    begun = with_local_day(accounts.drop_null("signup_at"), "signup_at", zone).rename(begun_on="local_day")
    left = begun.mutate(left_at=_or_null(begun, "churned_at", "timestamp"))
    gone = with_local_day(left.select("account_id", "begun_on", "left_at"), "left_at", zone)
    wanted = milestones.filter(milestones.milestone == milestone).select("account_id", "reached_at")
    reached = with_local_day(wanted, "reached_at", zone).rename(reached_on="local_day")
    joined = reached.inner_join(gone.select("account_id", "begun_on", left_on="local_day"), "account_id")
    end = joined.reached_on.coalesce(joined.left_on).coalesce(ibis.literal(snapshot.as_of))
    return joined.select(
        "account_id",
        days=end.delta(joined.begun_on, unit="day").cast("float64"),
        is_reached=joined.reached_on.notnull(),
    )


def account_days(snapshot: Snapshot, role: str, first: date, last: date, *, by_account: bool = False) -> "ir.Table":
    """Return for how many days of a period each person looked after accounts.

    Args:
        snapshot: The book as of a date; its history of assignments counts, not only those that run.
        role: Role of the assignment, such as csm.
        first: First day.
        last: Last day, at most the date of the snapshot.
        by_account: One row per person and account instead, with account_id.

    Returns:
        One row per person: csm_id, account_days (float64): an account held for half of the period counts half its days.
    """
    import ibis

    held = snapshot.history["assignments"]
    held = held.filter(held.role == role)
    after = ibis.literal(last + timedelta(days=1))
    # Who comes next ends what nobody ended: an account is not looked after by two.
    following = held.valid_from.lead().over(group_by=held.account_id, order_by=[held.valid_from, held.csm_id])
    ends = ibis.least(_or_null(held, "valid_to", "date").coalesce(after), following.coalesce(after), after)
    days = ends.delta(ibis.greatest(held.valid_from, ibis.literal(first)), unit="day")
    by = ["csm_id", "account_id"] if by_account else ["csm_id"]
    counted = held.select(*by, days=days).filter(ibis._.days > 0)
    return counted.group_by(by).agg(account_days=_sum(counted.days))


def _or_null(table: "ir.Table", column: str, kind: str) -> "ir.Column":
    """Return a column the source may not have."""
    import ibis

    return table[column] if column in table.columns else ibis.null(kind)


def _sum(values: "ir.Column") -> "ir.FloatingScalar":
    return values.sum().cast("float64").fill_null(0.0)
