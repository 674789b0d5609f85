"""Mails of an experiment and what became of them, people and machines told apart by `features.mails`."""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, day_start, with_local_day
from csworkbench.experiments.design import Experiment
from csworkbench.features.mails import mail_outcomes

if TYPE_CHECKING:
    import ibis.expr.types as ir


def mails(snapshot: Snapshot, experiment: Experiment, units: "ir.Table") -> "ir.Table":
    """Return the mails of an experiment that went to its units.

    Args:
        snapshot: The book as of a date, with touches.
        experiment: The experiment.
        units: What `enrolled` returned.

    Returns:
        One row per touch: touch_id, unit_id, person (the contact, or the unit where none is named), content_id,
        sent_as (variant of the mail; null where it says none), sent_at, sent_on (calendar day), variant, assigned_at,
        assigned_on.
    """
    import ibis

    touches = snapshot.tables["touches"]
    sent = touches.filter(touches.experiment_id == experiment.id) if "experiment_id" in touches.columns else None
    if sent is None:
        sent = touches.filter(ibis.literal(False))
    key = "account_id" if experiment.unit == "account" else "contact_id"
    contact = sent.contact_id if "contact_id" in sent.columns else ibis.null("string")
    rows = sent.select(
        "touch_id",
        "sent_at",
        owner=sent[key],
        person=contact.coalesce(sent[key]),
        content_id=sent.content_id if "content_id" in sent.columns else ibis.null("string"),
        sent_as=sent.variant if "variant" in sent.columns else ibis.null("string"),
    )
    rows = with_local_day(rows, "sent_at", snapshot.workspace.timezone).rename(sent_on="local_day")
    drawn = units.select("unit_id", "variant", "assigned_at", "assigned_on")
    return rows.inner_join(drawn, rows.owner == drawn.unit_id).drop("owner")


def became(snapshot: Snapshot, experiment: Experiment, sent: "ir.Table") -> "ir.Table":
    """Return what became of mails in a time of their own; nothing counts before a mail was sent.

    Args:
        snapshot: The book as of a date, with touch_events.
        experiment: Names the links that people cannot see.
        sent: One row per touch: touch_id, sent_at, begins and ends (the time, end excluded), and what is wanted beside.

    Returns:
        One row per touch: the columns of `sent`, those of `features.mails.mail_outcomes`, all false where nothing
        happened, and is_early (something is said to have happened before it was sent).
    """
    import ibis

    events = snapshot.tables["touch_events"]
    times = sent.select("sent_at", "begins", "ends", event_of="touch_id")
    own = events.inner_join(times, events.touch_id == times.event_of)
    early = own.filter(own.occurred_at < own.sent_at).select(early_of="touch_id").distinct()
    inside = own.filter(
        own.occurred_at >= ibis.greatest(own.sent_at, own.begins),
        own.occurred_at < own.ends,
    ).select(*events.columns)
    found = mail_outcomes(inside, experiment.honeypots).rename(found_of="touch_id")
    flags = [name for name in found.columns if name != "found_of"]
    joined = sent.left_join(found, sent.touch_id == found.found_of).drop("found_of")
    joined = joined.left_join(early, joined.touch_id == early.early_of)
    filled = {name: joined[name].fill_null(False) for name in flags}
    return joined.select(*sent.columns, **filled, is_early=joined.early_of.notnull())


def funnel(snapshot: Snapshot, experiment: Experiment, units: "ir.Table") -> "ir.Table":
    """Return the steps of the mails of each unit, by the day they were sent.

    Args:
        snapshot: The book as of a date, with touches and touch_events.
        experiment: The experiment.
        units: What `enrolled` returned.

    Returns:
        One row per unit, content and day of sending, mails as float64: unit_id, variant, content_id, sent_on, sent,
        delivered, opened_raw (by anybody), opened_human (known to be a person), opened_most (not known to be a
        machine), machine_opened, clicked, replied, unsubscribed; and mails that went wrong: as_other (sent as another
        variant than the unit's), too_early (before the draw), early_events (events before the mail was sent).
    """
    import ibis

    sent = mails(snapshot, experiment, units)
    last = day_start(experiment.last_day + timedelta(days=1), snapshot.workspace.timezone)
    found = became(snapshot, experiment, sent.mutate(begins=sent.sent_at, ends=ibis.literal(last)))
    is_other = found.sent_as.notnull() & (found.sent_as != found.variant)
    marks = {
        "sent": found.touch_id.notnull(),
        "delivered": found.delivered,
        "opened_raw": found.opened_human | found.opened_unknown | found.opened_machine,
        "opened_human": found.opened_human,
        "opened_most": found.opened_human | found.opened_unknown,
        "machine_opened": found.opened_machine,
        "clicked": found.clicked_human | found.clicked_unknown,
        "replied": found.replied,
        "unsubscribed": found.unsubscribed,
        "early_events": found.is_early,
        "as_other": is_other.fill_null(False),
        "too_early": found.sent_at < found.assigned_at,
    }
    sums = {name: mark.sum().cast("float64") for name, mark in marks.items()}
    return found.group_by(["unit_id", "variant", "content_id", "sent_on"]).agg(**sums)
