"""What becomes of an e-mail: delivery, opens and clicks of people, of privacy proxies and of link scanners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.people import People
from csworkbench.sampledata.world import only

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

LINKS = ("cta", "help", "logo", "terms", "unsubscribe")


@dataclass(frozen=True, slots=True)
class MailModel:
    """Planted shares of what happens to a mail.

    Args:
        bounced: Share of mails that bounce; after a hard bounce (half of them) nothing is sent any more.
        proxied: Share of people whose mails a privacy proxy opens within half an hour, whatever the person does; their
            own opens cannot be seen.
        scanned: Share of accounts whose mails are scanned: all links are clicked within a second, mostly a minute
            after delivery.
        opened: Share of the other people's delivered mails that are opened by a person who does not click.
        unflagged: Share of opens whose agent nobody knows.
        unsubscribed: Share of delivered marketing mails that end in an unsubscription.
        complained: Share of delivered marketing mails reported as spam.
    """

    bounced: float = 0.015
    proxied: float = 0.30
    scanned: float = 0.10
    opened: float = 0.38
    unflagged: float = 0.08
    unsubscribed: float = 0.004
    complained: float = 0.0006


MAIL = MailModel()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The mailboxes of the contacts of a block.

    Args:
        people: The contacts.
        address: E-mail address of each, None where none is known.
        is_proxied: Whose mails a proxy opens.
        is_scanned: Whose mails a scanner checks.
    """

    people: People
    address: Texts
    is_proxied: Flags
    is_scanned: Flags


@dataclass(frozen=True, slots=True)
class Mails:
    """Mails on their way, all of one kind.

    Args:
        ids: Id of the touch of each mail.
        contact: Row of the contact in `contacts`.
        sent_at: When it was sent.
        clicks: Probability that the person clicks in a mail that was delivered.
        is_marketing: Whether it may end in an unsubscription or a complaint.
    """

    ids: Texts
    contact: Ints
    sent_at: Times
    clicks: Floats
    is_marketing: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of mails.

    Args:
        events: Columns of `touch_events`.
        bounced_at: When each mail bounced for good, NaT where it did not.
        unsubscribed_at: When the person unsubscribed, NaT where they did not.
        complained_at: When the person reported spam, NaT where they did not.
    """

    events: pd.DataFrame
    bounced_at: Times
    unsubscribed_at: Times
    complained_at: Times


def make_mailbox(people: People, address: Texts) -> Mailbox:
    """Return the mailboxes of the contacts; the accounts whose mails are scanned are mostly large."""
    import numpy as np

    rng = people.world.stream("touch_events")
    weight = people.world.traits["tier"].map({"large": 2.5, "mid": 1.2, "small": 0.5}).to_numpy(float)
    is_scanned = rng.random(people.world.accounts) < MAIL.scanned * weight
    return Mailbox(people, address, rng.random(len(address)) < MAIL.proxied, np.asarray(is_scanned[people.account]))


def deliver(box: Mailbox, mails: Mails, rng: np.random.Generator) -> Outcome:
    """Return what becomes of mails; nothing happens after the end of the book.

    Args:
        box: Mailboxes of the contacts.
        mails: The mails.
        rng: Source of chance.
    """
    import numpy as np
    import pandas as pd

    count = len(mails.contact)
    is_bounced = rng.random(count) < MAIL.bounced
    delivered = mails.sent_at + _seconds(rng.integers(1, 90, count))
    clicks = ~is_bounced & (rng.random(count) < mails.clicks)
    sees = clicks | (~is_bounced & (rng.random(count) < MAIL.opened))
    read = delivered + _seconds(np.ceil(np.exp(rng.normal(8.6, 1.4, count))))
    unsubscribes, complains = (
        sees & mails.is_marketing & (rng.random(count) < share / (MAIL.opened * (1 - MAIL.bounced)))
        for share in (MAIL.unsubscribed, MAIL.complained)
    )
    parts = [
        _events(mails, is_bounced, "bounced", delivered),
        _events(mails, ~is_bounced, "delivered", delivered),
        *_machine_events(box, mails, (~is_bounced, delivered), rng),
        *_human_opens(mails, (sees & ~box.is_proxied[mails.contact], read), rng),
        _events(mails, clicks, "click", read + _seconds(rng.integers(5, 240, count))).assign(link="cta", agent="human"),
        _events(mails, unsubscribes, "unsubscribe", read + np.timedelta64(300, "s")).assign(agent="human"),
        _events(mails, complains, "complaint", read + np.timedelta64(310, "s")).assign(agent="human"),
    ]
    events = pd.concat(parts, ignore_index=True)
    last = box.people.world.size.last_second
    return Outcome(
        events[events["occurred_at"] <= last],
        _when(is_bounced & (rng.random(count) < 0.5), delivered, last),
        _when(unsubscribes, read + np.timedelta64(300, "s"), last),
        _when(complains, read + np.timedelta64(310, "s"), last),
    )


def _seconds(number: Ints | Floats | Flags) -> NDArray[np.timedelta64]:
    import numpy as np

    return np.asarray(number).astype("timedelta64[s]")


def _when(happens: Flags, at: Times, last: np.datetime64) -> Times:
    import numpy as np

    return np.where(happens & (at <= last), at, np.datetime64("NaT", "s"))


def _events(mails: Mails, happens: Flags, kind: str, at: Times) -> pd.DataFrame:
    """Return one event for each mail to which it happens, without a link and by nobody in particular."""
    import numpy as np
    import pandas as pd

    nothing = only(np.zeros(int(happens.sum()), dtype=bool), "")
    return pd.DataFrame(
        {"touch_id": mails.ids[happens], "type": kind, "occurred_at": at[happens], "link": nothing, "agent": nothing}
    )


def _machine_events(
    box: Mailbox, mails: Mails, delivery: tuple[Flags, Times], rng: np.random.Generator
) -> list[pd.DataFrame]:
    """Return the opens of privacy proxies, and the clicks of scanners on every link of a mail within a second."""
    import numpy as np
    import pandas as pd

    is_delivered, at = delivery
    count = len(at)
    fetched = is_delivered & box.is_proxied[mails.contact]
    opens = _events(mails, fetched, "open", at + _seconds(rng.integers(20, 1_800, count)))
    scanned = is_delivered & box.is_scanned[mails.contact] & (rng.random(count) < 0.9)
    moment = at + _seconds(np.ceil(np.exp(rng.normal(4.0, 1.0, count))))  # the median is 55 seconds after delivery
    later = rng.random((len(LINKS), count)) < 0.3  # the burst may run over the edge of a second
    bursts = [
        _events(mails, scanned, "click", moment + _seconds(later[place])).assign(link=link)
        for place, link in enumerate(LINKS)
    ]
    clicks = pd.concat(bursts)
    return [
        opens.assign(agent=_told(rng, len(opens), "machine")),
        clicks.assign(agent=_told(rng, len(clicks), "scanner")),
    ]


def _human_opens(mails: Mails, reading: tuple[Flags, Times], rng: np.random.Generator) -> list[pd.DataFrame]:
    """Return the opens of people: one each, a second one some time later for a fifth of them."""
    sees, at = reading
    again = sees & (rng.random(len(at)) < 0.2)
    opens = [
        _events(mails, sees, "open", at),
        _events(mails, again, "open", at + _seconds(rng.integers(600, 200_000, len(at)))),
    ]
    return [frame.assign(agent=_told(rng, len(frame), "human")) for frame in opens]


def _told(rng: np.random.Generator, count: int, agent: str) -> Texts:
    """Return the agent as the sender's system tells it: sometimes it does not know."""
    import numpy as np

    return np.where(rng.random(count) < MAIL.unflagged, "unknown", agent).astype(object)
