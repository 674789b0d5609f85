"""What became of each mail, people and machines told apart, as expressions that every engine runs.

Who opened or clicked is known from the sender's system, from bursts of clicks no person makes, and from links no
person sees. There is no rule that the first seconds are a machine's: in a log of 836 bursts the median came 43 s after
sending.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

MACHINES = ("machine", "scanner")
DONE_WITH_IT = ("open", "click", "reply", "unsubscribe", "complaint")  # none of it happens to a mail that never came
BURST_LINKS, BURST_SECONDS = 5, 1  # so many different links of one mail in so short a time


def mail_outcomes(events: "ir.Table", honeypots: Sequence[str] = ()) -> "ir.Table":
    """Return what became of each mail.

    A click belongs to a machine when the sender's system says so, when at least five different links of the mail are
    clicked within one second, or when it hits a link that people cannot see; an open, when the sender's system says so.
    Where nothing is said of an event, nobody knows whose it is.

    Args:
        events: Table `touch_events`, cut to the date.
        honeypots: Links that people cannot see.

    Returns:
        One row per mail with an event: touch_id; delivered (said so, or something was done with it); bounced, replied,
        unsubscribed, complained; of an opened mail exactly one of opened_human, opened_machine (and no person) and
        opened_unknown (neither); likewise clicked_*.

    Source: bursts and honeypots: craft-campaign 546, mautic 9798; flags: sendgrid `sg_machine_open`, mailgun `bot`.
    """
    told = events.select(
        "touch_id",
        "type",
        "occurred_at",
        link=_or_empty(events, "link"),
        agent=_or_empty(events, "agent"),
    )
    clicks = told.filter(told.type == "click")
    marked = _with_bursts(clicks)
    scanned = marked.is_burst | marked.agent.isin(MACHINES) | marked.link.isin(list(honeypots))
    clicked = marked.group_by("touch_id").agg(
        click_human=((marked.agent == "human") & ~scanned).any(),
        click_machine=scanned.any(),
    )
    opens = told.type == "open"
    seen = told.group_by("touch_id").agg(
        **{
            name: (told.type == kind).any()
            for name, kind in (
                ("bounced", "bounced"),
                ("replied", "reply"),
                ("unsubscribed", "unsubscribe"),
                ("complained", "complaint"),
                ("opened", "open"),
                ("clicked", "click"),
            )
        },
        delivered=told.type.isin(["delivered", *DONE_WITH_IT]).any(),
        open_human=(opens & (told.agent == "human")).any(),
        open_machine=(opens & told.agent.isin(MACHINES)).any(),
    )
    both = seen.left_join(clicked, "touch_id")
    is_person, is_machine = both.click_human.fill_null(False), both.click_machine.fill_null(False)
    return both.select(
        "touch_id",
        "delivered",
        "bounced",
        "replied",
        "unsubscribed",
        "complained",
        opened_human=both.open_human,
        opened_machine=both.open_machine & ~both.open_human,
        opened_unknown=both.opened & ~both.open_human & ~both.open_machine,
        clicked_human=is_person,
        clicked_machine=is_machine & ~is_person,
        clicked_unknown=both.clicked & ~is_person & ~is_machine,
    )


def _with_bursts(clicks: "ir.Table") -> "ir.Table":
    """Return the clicks with `is_burst`: within a second of some click of their mail lie five different links."""
    import ibis

    second = ibis.interval(seconds=BURST_SECONDS)
    later = clicks.select(later_of="touch_id", later_at="occurred_at", later_link="link")
    near = [
        clicks.touch_id == later.later_of,
        later.later_at >= clicks.occurred_at,
        later.later_at <= clicks.occurred_at + second,
    ]
    reach = clicks.inner_join(later, near)
    counted = reach.group_by(burst_of=reach.touch_id, starts_at=reach.occurred_at).agg(links=reach.later_link.nunique())
    bursts = counted.filter(counted.links >= BURST_LINKS).drop("links")
    inside = [
        clicks.touch_id == bursts.burst_of,
        clicks.occurred_at >= bursts.starts_at,
        clicks.occurred_at <= bursts.starts_at + second,
    ]
    joined = clicks.left_join(bursts, inside)
    return joined.select("touch_id", "link", "agent", is_burst=joined.burst_of.notnull())


def _or_empty(table: "ir.Table", column: str) -> "ir.StringValue":
    """Return a text column the source may not have, "" where nothing is said."""
    import ibis

    return table[column].fill_null("") if column in table.columns else ibis.literal("")
