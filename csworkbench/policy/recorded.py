"""What the tables say about who may be contacted, as expressions that every engine runs."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, day_start, since, with_local_day
from csworkbench.policy.weeks import Week
from csworkbench.policy.writings import is_among
from csworkbench.workspace import Cap

if TYPE_CHECKING:
    import ibis.expr.types as ir

SAID = ["contact_id", "channel", "purpose"]


def gone(snapshot: Snapshot, table: str, key: str, left: str) -> "ir.Table | None":
    """Return the ids of those who have left; None where nobody records it.

    Args:
        snapshot: The book as of a date.
        table: accounts or contacts.
        key: Its key.
        left: Column that says when they left.
    """
    rows = snapshot.tables.get(table)
    return None if rows is None or left not in rows.columns else rows.filter(rows[left].notnull()).select(key)


def suppressed(snapshot: Snapshot) -> "ir.Table | None":
    """Return the suppressions that hold on the date; one whose end does not read, or is before it began, for good."""
    import ibis

    rows = snapshot.tables.get("suppressions")
    if rows is None or "until" not in rows.columns:
        return rows
    holds = rows.until.isnull() | (rows.until > ibis.literal(snapshot.as_of))
    return rows.filter(holds | (rows.until <= rows.valid_from) if "valid_from" in rows.columns else holds)


def with_address(rows: "ir.Table | None") -> "ir.Table | None":
    """Return the suppressions that name an address; None where none can."""
    return None if rows is None or "address" not in rows.columns else rows.filter(rows.address.notnull())


def refused(snapshot: Snapshot) -> "ir.Table | None":
    """Return the refusals that hold: contact_id, channel, purpose.

    A refusal holds until its row ends, whatever was said after it; an end before its beginning is none. A status that
    does not read is a refusal.
    """
    rows = snapshot.history.get("consents")
    if rows is None:
        return None
    if "valid_to" in rows.columns:
        rows = rows.filter(rows.valid_to.isnull() | (rows.valid_to <= rows.valid_from))
    return rows.filter(rows.status.isnull() | (rows.status == "denied")).select(*SAID).distinct()


def agreed(snapshot: Snapshot) -> "ir.Table | None":
    """Return the consents that hold: contact_id, channel, purpose; nothing else may have been said since."""
    import ibis

    last = _newest(snapshot)
    if last is None:
        return None
    is_yes = (last.status == "granted").fill_null(False) & last.valid_from.notnull()
    words = last.group_by(SAID).agg(yes=ibis.ifelse(is_yes, 1, 0).min())
    return words.filter(words.yes == 1).select(*SAID)


def unsure(snapshot: Snapshot) -> "ir.Table | None":
    """Return what was asked and is not known: contact_id, channel, purpose of which the newest word is unknown."""
    last = _newest(snapshot)
    return None if last is None else last.filter(last.status == "unknown").select(*SAID).distinct()


def _newest(snapshot: Snapshot) -> "ir.Table | None":
    """Return the newest rows of each contact, channel and purpose, and those without a beginning."""
    rows = _running(snapshot)
    if rows is None:
        return None
    dated = rows.mutate(newest=rows.valid_from.max().over(group_by=SAID))
    return dated.filter(dated.valid_from.isnull() | (dated.valid_from == dated.newest))


def _running(snapshot: Snapshot) -> "ir.Table | None":
    rows = snapshot.history.get("consents")
    return rows.filter(rows.valid_to.isnull()) if rows is not None and "valid_to" in rows.columns else rows


def touched(snapshot: Snapshot, cap: Cap, week: Week) -> "ir.Table | None":
    """Return how often each contact or account was touched in the days of a cap, or is to be in the week.

    Args:
        snapshot: The book as of a date, the last of the days of the cap.
        cap: Whose touches on which channels; a touch without a channel or an initiator counts.
        week: Week of the list; touches that are planned count up to its last day.

    Returns:
        One row per contact or account: member, touches; None where nobody records it.
    """
    touches, key, zone = snapshot.tables.get("touches"), f"{cap.per}_id", snapshot.workspace.timezone
    if touches is None or key not in touches.columns:
        return None
    rows = touches.filter(since(touches.sent_at, snapshot.as_of - timedelta(days=cap.days - 1), zone))
    if snapshot.ahead is not None:
        planned = snapshot.ahead.filter(~since(snapshot.ahead.sent_at, week.last + timedelta(days=1), zone))
        rows = rows.union(planned.select(*rows.columns))
    if "initiator" in rows.columns:
        rows = rows.filter(rows.initiator.isnull() | rows.initiator.isin(snapshot.workspace.contact_policy.counted))
    if cap.channels and "channel" in rows.columns:
        words = sorted(each for each in channels(rows) if is_among(each, cap.channels))
        rows = rows.filter(rows.channel.isnull() | rows.channel.isin(words))
    met = rows.select("touch_id", member=rows[key])
    others = snapshot.tables.get("touch_participants")
    if cap.per == "contact" and others is not None:
        met = met.union(others.semi_join(rows, "touch_id").select("touch_id", member="contact_id")).distinct()
    met = met.filter(met.member.notnull())
    return met.group_by("member").agg(touches=met.count())


def channels(rows: "ir.Table | None") -> frozenset[str]:
    """Return the channels of touches as they are written.

    Args:
        rows: The touches; None where nobody records them.
    """
    if rows is None or "channel" not in rows.columns:
        return frozenset()
    return frozenset(rows.select("channel").distinct().to_pandas()["channel"].dropna())


def last_touch(snapshot: Snapshot) -> "dict[str, date]":
    """Return contact_id -> day of the newest touch; empty where nobody records touches.

    Args:
        snapshot: The book as of a date.
    """
    rows = snapshot.tables.get("touches")
    if rows is None or "contact_id" not in rows.columns:
        return {}
    known = rows.filter(rows.contact_id.notnull())
    newest = known.group_by("contact_id").agg(newest=known.sent_at.max())
    days = with_local_day(newest, "newest", snapshot.workspace.timezone).select("contact_id", "local_day").to_pandas()
    return dict(zip(days["contact_id"], days["local_day"], strict=True))


def named(snapshot: Snapshot, proposals: Collection[str]) -> set[str]:
    """Return those of some proposals that a touch names: they were sent.

    Args:
        snapshot: The book as of a date.
        proposals: Their ids.
    """
    touches = snapshot.tables.get("touches")
    if touches is None or "proposal_id" not in touches.columns or not proposals:
        return set()
    sent = touches.filter(touches.proposal_id.isin(sorted(proposals))).select("proposal_id")
    return set(sent.to_pandas()["proposal_id"])


def sent_since(snapshot: Snapshot, day: date) -> frozenset[str]:
    """Return the proposals that touches from a day on name: they were sent.

    Args:
        snapshot: The book as of a date.
        day: First day that counts.
    """
    touches = snapshot.tables.get("touches")
    if touches is None or "proposal_id" not in touches.columns:
        return frozenset()
    rows = touches.filter(touches.proposal_id.notnull(), since(touches.sent_at, day, snapshot.workspace.timezone))
    return frozenset(rows.select("proposal_id").to_pandas()["proposal_id"])


def planned(snapshot: Snapshot, cap: Cap, week: Week) -> "ir.Table | None":
    """Return the meetings of each account that are still to come in the week: member, touches; of caps on all channels.

    Args:
        snapshot: The book as of a date.
        cap: Whose touches are counted.
        week: Week of the list.
    """
    import ibis

    rows, zone = snapshot.tables.get("meetings"), snapshot.workspace.timezone
    if cap.per == "contact" or cap.channels or rows is None or "planned_at" not in rows.columns:
        return None
    # What was held is counted as a touch, if it was one.
    first = day_start(max(week.first, snapshot.as_of + timedelta(days=1)), zone)
    after = day_start(week.last + timedelta(days=1), zone)
    ahead = rows.filter(rows.planned_at >= ibis.literal(first), rows.planned_at < ibis.literal(after))
    return ahead.group_by(member="account_id").agg(touches=ahead.count())
