"""Mails of an experiment and what became of them: by whom, as far as anybody can know.

An event is a machine's when the sender's system says so, or when it is one of a burst: at least five links of one mail
clicked within a second. There is no rule of first seconds: scanners come at any time.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, day_start, with_local_day
from csworkbench.experiments.design import Experiment

if TYPE_CHECKING:
    import ibis.expr.types as ir

MACHINES = ("machine", "scanner")
BURST_LINKS, BURST_SECONDS = 5, 1
MACHINE, HUMAN, UNKNOWN = "machine", "human", "unknown"


def mails(snapshot: Snapshot, experiment: Experiment, units: "ir.Table") -> "ir.Table":
    """Return the mails of an experiment that went to its units.

    Args:
        snapshot: The book as of a date, with touches.
        experiment: The experiment.
        units: What `enrolled` returned.

    Returns:
        One row per touch: touch_id, unit_id, person (the contact, or the touch where none is named), content_id,
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
        person=contact.coalesce(sent.touch_id),
        content_id=sent.content_id if "content_id" in sent.columns else ibis.null("string"),
        sent_as=sent.variant if "variant" in sent.columns else ibis.null("string"),
    )
    rows = with_local_day(rows, "sent_at", snapshot.workspace.timezone).rename(sent_on="local_day")
    drawn = units.select("unit_id", "variant", "assigned_at", "assigned_on")
    return rows.inner_join(drawn, rows.owner == drawn.unit_id).drop("owner")


def events_of(snapshot: Snapshot, sent: "ir.Table") -> "ir.Table":
    """Return what happened to mails, and who did it.

    Args:
        snapshot: The book as of a date, with touch_events.
        sent: One row per touch: touch_id, and whatever else is wanted beside its events.

    Returns:
        One row per event: the columns of `sent`, type, occurred_at, by (machine, human, or unknown for an open that
        nobody can tell; clicks outside a burst are a person's unless the sender's system says otherwise).
    """
    import ibis

    events = snapshot.tables["touch_events"]
    agent = events.agent if "agent" in events.columns else ibis.null("string")
    link = events.link if "link" in events.columns else ibis.null("string")
    told = events.select(event_of="touch_id", type="type", occurred_at="occurred_at", link=link, agent=agent)
    own = sent.inner_join(told, sent.touch_id == told.event_of).drop("event_of")
    bursts = _bursts(own)
    found = own.left_join(
        bursts,
        [own.touch_id == bursts.burst_of, own.occurred_at == bursts.burst_at],
    )
    is_burst = (found.type == "click") & found.burst_of.notnull()
    is_told = found.agent.fill_null("").isin(["human", "machine", "scanner"])
    by = ibis.cases(
        (is_burst | found.agent.isin(MACHINES), MACHINE),
        (is_told | (found.type != "open"), HUMAN),
        else_=UNKNOWN,
    )
    return found.select(*sent.columns, "type", "occurred_at", by=by)


def _bursts(events: "ir.Table") -> "ir.Table":
    """Return the moments of a mail that belong to a burst of clicks: burst_of (touch), burst_at."""
    import ibis

    clicks = events.filter(events.type == "click", events.link.notnull())
    begins = clicks.select(burst_of="touch_id", begin="occurred_at").distinct()
    later = clicks.select(clicked_in="touch_id", clicked_at="occurred_at", clicked="link")
    second = ibis.interval(seconds=BURST_SECONDS)
    near = [
        begins.burst_of == later.clicked_in,
        later.clicked_at >= begins.begin,
        later.clicked_at <= begins.begin + second,
    ]
    both = begins.inner_join(later, near)
    counts = both.group_by("burst_of", "begin").agg(links=both.clicked.nunique())
    many = counts.filter(counts.links >= BURST_LINKS).select(scanned="burst_of", since="begin")
    moments = clicks.select(burst_of="touch_id", burst_at="occurred_at").distinct()
    inside = [
        moments.burst_of == many.scanned,
        moments.burst_at >= many.since,
        moments.burst_at <= many.since + second,
    ]
    return moments.inner_join(many, inside).select("burst_of", "burst_at").distinct()


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
    sent = mails(snapshot, experiment, units)
    last = day_start(experiment.last_day + timedelta(days=1), snapshot.workspace.timezone)
    events = events_of(snapshot, sent.select("touch_id", "sent_at"))
    events = events.filter(events.occurred_at < last)
    is_after = events.occurred_at >= events.sent_at
    opened, person = is_after & (events.type == "open"), events.by == HUMAN
    marks = events.group_by(marked="touch_id").agg(
        delivered=(is_after & (events.type == "delivered")).any(),
        opened_raw=opened.any(),
        opened_human=(opened & person).any(),
        opened_most=(opened & (events.by != MACHINE)).any(),
        machine_opened=(opened & (events.by == MACHINE)).any(),
        clicked=(is_after & (events.type == "click") & person).any(),
        replied=(is_after & (events.type == "reply") & person).any(),
        unsubscribed=(is_after & (events.type == "unsubscribe")).any(),
        early_events=(~is_after).any(),
    )
    steps = [name for name in marks.columns if name != "marked"]
    joined = sent.left_join(marks, sent.touch_id == marks.marked)
    joined = joined.mutate(
        sent=True,
        as_other=joined.sent_as.notnull() & (joined.sent_as != joined.variant),
        too_early=joined.sent_at < joined.assigned_at,
    )
    wanted = ["sent", *steps, "as_other", "too_early"]
    sums = {name: joined[name].fill_null(False).sum().cast("float64") for name in wanted}
    return joined.group_by(["unit_id", "variant", "content_id", "sent_on"]).agg(**sums)
