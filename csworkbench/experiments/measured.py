"""What became of each unit: a sum and the number it is divided by, and the same before the draw.

Every unit that was drawn is counted, whatever it got or did (intention to treat). A unit is left out of a metric only
for what was settled before the draw, or because nobody can know yet; `why` names the reason.
"""

from datetime import date
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, with_local_day
from csworkbench.experiments.design import Experiment, KnownColumn, Metric, PrePeriod
from csworkbench.experiments.mailing import became, mails
from csworkbench.experiments.outcomes import (
    ActiveUsersAfter,
    ColumnValue,
    Complaints,
    HumanClicks,
    MilestoneReached,
    NpsAnswers,
    NpsPoints,
    OfMails,
    OfUse,
    Opens,
    RenewalKept,
    Replies,
    Unsubscribes,
    UsageAfter,
    window_of,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

RUNNING = "still being watched"
TOO_LATE = "watched beyond the last day"
NOT_DUE = "no renewal due in the window"
UNDECIDED = "renewal still open"
DECIDED_BEFORE = "renewal decided before the draw"
REACHED_BEFORE = "had reached it before the draw"
NO_ANSWER = "nobody answered"
NOT_RECORDED = "no value recorded"
PROMOTER, DETRACTOR = 9, 6


def measured(snapshot: Snapshot, experiment: Experiment, metric: Metric, units: "ir.Table") -> "ir.Table":
    """Return one metric of every unit.

    Args:
        snapshot: The book as of a date, with the tables of the metric's outcome (`outcomes.tables_of`).
        experiment: The experiment.
        metric: One of its metrics.
        units: What `enrolled` returned, units to be left out included.

    Returns:
        One row per unit: unit_id, total (sum of the outcome), size (what it is divided by: contacts that could be
        reached, people who answered, or 1; total is at most size where people are counted), why ("" = counted),
        pre_total and pre_size (the same before the draw; size 0 = nothing is known); sums as float64.
    """
    found = _outcome(snapshot, experiment, metric, units)
    before = _before(snapshot, experiment, metric, units)
    both = found.left_join(
        before.rename(before_of="unit_id"), found.unit_id == before.rename(before_of="unit_id").before_of
    )
    why = both.why
    if window_of(metric.outcome) is not None:
        why = _watched(experiment, metric, both, snapshot.as_of).coalesce(why)
    return both.select(
        "unit_id",
        "total",
        "size",
        why=why,
        pre_total=both.pre_total.fill_null(0.0),
        pre_size=both.pre_size.fill_null(0.0),
    )


def _watched(experiment: Experiment, metric: Metric, units: "ir.Table", as_of: date) -> "ir.StringValue":
    """Return why a unit's window is not over; null where it is."""
    import ibis

    ends = units.assigned_on + ibis.interval(days=window_of(metric.outcome) or 0)
    return ibis.cases(
        (ends > ibis.literal(experiment.last_day), TOO_LATE),
        (ends > ibis.literal(as_of), RUNNING),
        else_=ibis.null("string"),
    )


def _outcome(snapshot: Snapshot, experiment: Experiment, metric: Metric, units: "ir.Table") -> "ir.Table":
    """Return total, size and why of every unit, beside its columns."""
    import ibis

    match metric.outcome:
        case HumanClicks() | Opens() | Replies() | Unsubscribes() | Complaints() as outcome:
            people = _people_with(snapshot, experiment, outcome, units)
            return _at_most_all(_beside(units, people, size=_people(snapshot, experiment, units)))
        case UsageAfter() | ActiveUsersAfter() as outcome:
            return _beside(units, _use(snapshot, outcome, units, (1, outcome.window_days)))
        case MilestoneReached() as outcome:
            return _milestone(snapshot, outcome, units)
        case RenewalKept() as outcome:
            return _renewal(snapshot, outcome, units)
        case NpsPoints() as outcome:
            answers = _answers(snapshot, experiment, outcome.window_days, units)
            return _with_reason(_beside(units, answers), NO_ANSWER)
        case NpsAnswers() as outcome:
            answers = _answers(snapshot, experiment, outcome.window_days, units, is_of_drawn=True)
            counted = answers.select("owner", total=answers.people)
            return _at_most_all(_beside(units, counted, size=units.eligible))
        case ColumnValue() as outcome:
            value = units[outcome.column]
            value = value.cast("int8") if value.type().is_boolean() else value
            return _with_reason(units.mutate(total=value.cast("float64"), size=1.0, why=ibis.literal("")), NOT_RECORDED)


def _beside(units: "ir.Table", sums: "ir.Table", size: "ir.Value | None" = None) -> "ir.Table":
    """Return the units with a sum found for some of them (owner, total, perhaps people), 0 for the others."""
    import ibis

    if size is not None:
        units = units.mutate(size=size)
    joined = units.drop("why").left_join(sums, units.unit_id == sums.owner)
    if "people" in sums.columns:
        joined = joined.mutate(size=joined.people.cast("float64"))
        return joined.mutate(why=ibis.ifelse(joined.size.isnull(), None, ""))
    joined = joined.mutate(total=joined.total.cast("float64").fill_null(0.0), why=ibis.literal(""))
    return joined if size is not None else joined.mutate(size=1.0)


def _people(snapshot: Snapshot, experiment: Experiment, units: "ir.Table") -> "ir.Value":
    """Return the contacts of each unit; 1 where no mail names one, so that only whether anybody did is known."""
    import ibis

    if experiment.unit == "contact":
        return units.eligible
    sent = mails(snapshot, experiment, units)
    named = (sent.person != sent.unit_id).any().fill_null(True).as_scalar()
    return ibis.ifelse(named, units.eligible, 1.0)


def _at_most_all(units: "ir.Table") -> "ir.Table":
    """Return the units with no more people than there were at the draw: of 1, whether anybody did."""
    import ibis

    return units.mutate(total=ibis.least(units.total, units["size"].cast("float64")))


def _there_at_the_draw(snapshot: Snapshot, rows: "ir.Table") -> "ir.Table":
    """Return rows (person, assigned_at) without people who are known to have come after the draw or left before it."""
    import ibis

    if "contacts" not in snapshot.tables:
        return rows
    contacts = snapshot.tables["contacts"]
    added = contacts.added_at if "added_at" in contacts.columns else ibis.null("timestamp")
    left = contacts.left_at if "left_at" in contacts.columns else ibis.null("timestamp")
    known = contacts.select(known_as="contact_id", came_at=added, gone_at=left)
    both = rows.left_join(known, rows.person == known.known_as)
    is_absent = (both.came_at > both.assigned_at).fill_null(False) | (both.gone_at <= both.assigned_at).fill_null(False)
    return both.filter(~is_absent).drop("known_as", "came_at", "gone_at")


def _with_reason(units: "ir.Table", reason: str) -> "ir.Table":
    """Return the units with a reason where there is no value, and a value nobody reads."""
    import ibis

    is_lost = units.total.isnull()
    return units.mutate(
        why=ibis.ifelse(is_lost, reason, ""),
        total=units.total.cast("float64").fill_null(0.0),
        size=units["size"].cast("float64").fill_null(1.0),
    )


def _people_with(snapshot: Snapshot, experiment: Experiment, outcome: OfMails, units: "ir.Table") -> "ir.Table":
    """Return the contacts of each unit to whom something happened in its window: owner, total."""
    import ibis

    sent = mails(snapshot, experiment, units)
    ends = sent.assigned_at + ibis.interval(days=outcome.window_days)
    found = became(snapshot, experiment, sent.mutate(begins=sent.assigned_at, ends=ends))
    happened = _there_at_the_draw(snapshot, found.filter(_happened(found, outcome)))
    return happened.group_by(owner="unit_id").agg(total=happened.person.nunique())


def _happened(found: "ir.Table", outcome: OfMails) -> "ir.BooleanValue":
    """Return whether a mail had an outcome; of clicks and opens those that no machine is known to have made."""
    match outcome:
        case HumanClicks():
            return found.clicked_human | found.clicked_unknown
        case Opens():
            return found.opened_human | found.opened_unknown
        case Replies():
            return found.replied
        case Unsubscribes():
            return found.unsubscribed
        case Complaints():
            return found.complained


def _use(snapshot: Snapshot, outcome: OfUse, units: "ir.Table", days: tuple[int, int]) -> "ir.Table":
    """Return the use of each account between two days, counted from its assignment: owner, total."""
    import ibis

    use = snapshot.tables["usage_daily"]
    if outcome.features:
        use = use.filter(use.feature.isin(outcome.features))
    column = outcome.what if isinstance(outcome, UsageAfter) else "user_id"
    rows = use.select(user_of="account_id", used_on="date", what=use[column])
    drawn = units.select("unit_id", "assigned_on")
    both = drawn.inner_join(rows, drawn.unit_id == rows.user_of)
    first, last = days
    inside = both.filter(
        both.used_on >= both.assigned_on + ibis.interval(days=first),
        both.used_on <= both.assigned_on + ibis.interval(days=last),
    )
    total = inside.what.sum() if isinstance(outcome, UsageAfter) else inside.what.nunique()
    return inside.group_by(owner="unit_id").agg(total=total)


def _milestone(snapshot: Snapshot, outcome: MilestoneReached, units: "ir.Table") -> "ir.Table":
    import ibis

    reached = snapshot.tables["milestones"]
    reached = reached.filter(reached.milestone == outcome.milestone).select(owner="account_id", reached_at="reached_at")
    joined = units.drop("why").left_join(reached, units.unit_id == reached.owner)
    ends = joined.assigned_at + ibis.interval(days=outcome.window_days)
    is_reached = ((joined.reached_at >= joined.assigned_at) & (joined.reached_at < ends)).fill_null(False)
    was_before = (joined.reached_at < joined.assigned_at).fill_null(False)
    return joined.mutate(total=is_reached.cast("float64"), size=1.0, why=ibis.ifelse(was_before, REACHED_BEFORE, ""))


def _renewal(snapshot: Snapshot, outcome: RenewalKept, units: "ir.Table") -> "ir.Table":
    """Return the renewals due in the window: kept of decided; the draw cannot move the day they are due.

    Those decided before the draw are no outcome of it, and are left out.
    """
    import ibis

    renewals = snapshot.tables["renewals"]
    state = renewals.outcome if "outcome" in renewals.columns else ibis.null("string")
    decided_at = renewals.decided_at if "decided_at" in renewals.columns else ibis.null("timestamp")
    rows = renewals.select(
        renewed_by="account_id", due_on="due_date", state=state.fill_null("open"), decided_at=decided_at
    )
    drawn = units.select("unit_id", "assigned_on", "assigned_at")
    both = drawn.inner_join(rows, drawn.unit_id == rows.renewed_by)
    due = both.filter(
        both.due_on > both.assigned_on, both.due_on <= both.assigned_on + ibis.interval(days=outcome.window_days)
    )
    is_decided = due.state != "open"
    was_before = is_decided & (due.decided_at < due.assigned_at).fill_null(False)
    is_outcome = is_decided & ~was_before
    sums = due.group_by(owner="unit_id").agg(
        due=(~was_before).sum(), decided=is_outcome.sum(), total=(is_outcome & (due.state != "churned")).sum()
    )
    joined = units.drop("why").left_join(sums, units.unit_id == sums.owner)
    why = ibis.cases(
        (joined.due.isnull(), NOT_DUE),
        (joined.due == 0, DECIDED_BEFORE),
        (joined.decided < joined.due, UNDECIDED),
        else_="",
    )
    size = ibis.greatest(joined.due, 1).cast("float64").fill_null(1.0)
    return joined.mutate(total=joined.total.cast("float64").fill_null(0.0), size=size, why=why)


def _answers(
    snapshot: Snapshot, experiment: Experiment, window_days: int, units: "ir.Table", *, is_of_drawn: bool = False
) -> "ir.Table":
    """Return the newest answer of each contact in the window: owner, total (of 100, 0, -100) and people.

    With `is_of_drawn` only of contacts who were there at the draw, or of whom that is not known.
    """
    import ibis

    answers = snapshot.tables["nps_responses"]
    key = "account_id" if experiment.unit == "account" else "contact_id"
    contact = answers.contact_id if "contact_id" in answers.columns else ibis.null("string")
    rows = answers.select("response_id", "score", "responded_at", surveyed=answers[key], person=contact)
    drawn = units.select("unit_id", "assigned_at")
    both = drawn.inner_join(rows, drawn.unit_id == rows.surveyed)
    ends = both.assigned_at + ibis.interval(days=window_days)
    inside = both.filter(both.score.notnull(), both.responded_at >= both.assigned_at, both.responded_at < ends)
    inside = _there_at_the_draw(snapshot, inside) if is_of_drawn else inside
    alone = ibis.ifelse(inside.person.isnull(), inside.response_id, ibis.null("string"))
    rank = ibis.row_number().over(
        group_by=[inside.unit_id, inside.person, alone],
        order_by=[ibis.desc(inside.responded_at), ibis.desc(inside.response_id)],
    )
    latest = inside.mutate(place=rank).filter(ibis._.place == 0)
    points = ibis.cases((latest.score >= PROMOTER, 100.0), (latest.score <= DETRACTOR, -100.0), else_=0.0)
    return latest.group_by(owner="unit_id").agg(total=points.sum(), people=latest.count())


def _before(snapshot: Snapshot, experiment: Experiment, metric: Metric, units: "ir.Table") -> "ir.Table":
    """Return what was known of each unit before the draw: unit_id, pre_total, pre_size."""
    match metric.covariate, metric.outcome:
        case PrePeriod() as period, UsageAfter() | ActiveUsersAfter() as outcome:
            found = _beside(units, _use(snapshot, outcome, units, (-period.days, -1)))
            return found.select("unit_id", pre_total="total", pre_size="size")
        case PrePeriod() as period, HumanClicks() | Opens() | Replies() | Unsubscribes() | Complaints() as outcome:
            return _earlier_mails(snapshot, experiment, (outcome, period.days), units)
        case KnownColumn() as known, _:
            value = units[known.column]
            value = value.cast("int8") if value.type().is_boolean() else value
            is_known = value.notnull()
            return units.select("unit_id", pre_total=value.cast("float64"), pre_size=is_known.cast("float64"))
    return units.select("unit_id", pre_total=units.eligible * 0.0, pre_size=units.eligible * 0.0)


def _earlier_mails(
    snapshot: Snapshot, experiment: Experiment, wanted: tuple[OfMails, int], units: "ir.Table"
) -> "ir.Table":
    """Return the mails each unit got before its draw, and in how many of them the same happened before it."""
    import ibis

    outcome, days = wanted
    touches = snapshot.tables["touches"]
    if "channel" in touches.columns:
        touches = touches.filter(touches.channel == "email")
    key = "account_id" if experiment.unit == "account" else "contact_id"
    rows = touches.select("touch_id", "sent_at", owner=touches[key])
    drawn = units.select("unit_id", "assigned_at")
    both = drawn.inner_join(rows, drawn.unit_id == rows.owner)
    begins = both.assigned_at - ibis.interval(days=days)
    sent = both.filter(both.sent_at >= begins, both.sent_at < both.assigned_at).drop("owner")
    found = became(snapshot, experiment, sent.mutate(begins=sent.sent_at, ends=sent.assigned_at))
    return found.group_by("unit_id").agg(
        pre_total=_happened(found, outcome).sum().cast("float64"), pre_size=found.count().cast("float64")
    )


def measured_late(metric: Metric, units: "ir.Table", timezone: str) -> "ir.IntegerScalar | None":
    """Return how many units have a covariate that was measured on the day of the draw or later; None if none is dated.

    Args:
        metric: A metric.
        units: What `enrolled` returned.
        timezone: Time zone of the calendar.
    """
    known = metric.covariate
    if not isinstance(known, KnownColumn) or known.measured_at is None:
        return None
    dated = with_local_day(units, known.measured_at, timezone)
    return (dated.local_day >= dated.assigned_on).fill_null(True).sum()
