"""The desk that sends e-mails to many: marketing's own newsletters and campaigns, and what it learns from each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csworkbench.sampledata.consent import Consents
from csworkbench.sampledata.delivery import Mailbox, Mails, deliver

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.world import Flags, Floats, Texts, Times

NEWSLETTER_MONTHS, CAMPAIGN_MONTHS = 2, 6  # a newsletter every other month; a campaign to large and mid twice a year
NEWSLETTER_CLICKS, CAMPAIGN_CLICKS = 0.05, 0.09  # shares of delivered mails that a person clicks in


class Desk:
    """Who may still be written to, and every touch and event so far; the mails of a block go out in order of time.

    Args:
        box: Mailboxes of the contacts.
        consents: What the contacts allowed at first.
    """

    def __init__(self, box: Mailbox, consents: Consents) -> None:
        import numpy as np

        nobody = np.full(len(box.address), np.datetime64("NaT", "s"))
        self.box, self.consents = box, consents
        self.bounced_at, self.unsubscribed_at, self.complained_at = nobody.copy(), nobody.copy(), nobody.copy()
        self.touches: list[pd.DataFrame] = []
        self.events: list[pd.DataFrame] = []
        self._sent = 0

    def reachable(self, at: Times | np.datetime64, *, for_marketing: bool) -> Flags:
        """Return which contacts may get a mail at an instant: there, with a living address, and not against their will.

        Args:
            at: Instant, one for all or one per contact.
            for_marketing: Whether the mail is marketing's, which needs a consent that was not revoked.
        """
        import numpy as np
        import pandas as pd

        there_from, there_until = self.box.people.stay()
        is_there = (there_from < at) & (at < there_until) & pd.notna(self.box.address)
        is_alive = np.isnat(self.bounced_at) | (self.bounced_at >= at)
        wants = self.consents.may_serve
        if for_marketing:
            wants = self.consents.may_market & np.isnat(self.unsubscribed_at) & np.isnat(self.complained_at)
        return np.asarray(is_there & is_alive & wants)

    def ids(self, count: int) -> Texts:
        """Return ids for the next touches."""
        first, self._sent = self._sent, self._sent + count
        return self.box.people.world.ids("ME", 8, range(first, self._sent))

    def send(self, mails: Mails, labels: Mapping[str, str | Texts | None], rng: np.random.Generator) -> None:
        """Send mails, and remember who bounced, unsubscribed or complained.

        Args:
            mails: The mails, each to another contact.
            labels: Columns of `touches` beyond those that every mail of the system has.
            rng: Source of chance.
        """
        import numpy as np

        outcome = deliver(self.box, mails, rng)
        self.touches.append(self._rows(mails).assign(**labels))
        self.events.append(outcome.events)
        for mine, new in (
            (self.bounced_at, outcome.bounced_at),
            (self.unsubscribed_at, outcome.unsubscribed_at),
            (self.complained_at, outcome.complained_at),
        ):
            mine[mails.contact] = np.where(np.isnat(mine[mails.contact]), new, mine[mails.contact])

    def _rows(self, mails: Mails) -> pd.DataFrame:
        import pandas as pd

        contacts = self.box.people.contacts.iloc[mails.contact]
        return pd.DataFrame(
            {
                "touch_id": mails.ids,
                "account_id": contacts["account_id"].to_numpy(object),
                "contact_id": contacts["contact_id"].to_numpy(object),
                "channel": "email",
                "mode": "tech",
                "sent_at": mails.sent_at,
                "minutes": 0,
            }
        )


def send_marketing(desk: Desk, month: int) -> None:
    """Send what marketing sends in a month of the book: to who consented, whatever customer success has sent."""
    import numpy as np

    people = desk.box.people
    world = people.world
    rng = world.stream("contents", 1, month)
    first = (world.size.first_month + month).astype("datetime64[D]").astype("datetime64[s]")
    is_big = (world.traits["tier"] != "small").to_numpy()[people.account]
    plans = []
    if month % NEWSLETTER_MONTHS == 0:
        plans.append(("newsletter", 9, np.ones(len(is_big), dtype=bool), NEWSLETTER_CLICKS))
    if month % CAMPAIGN_MONTHS == CAMPAIGN_MONTHS - 1:
        plans.append(("launch", 19, is_big, CAMPAIGN_CLICKS))
    for rule, day, who, share in plans:
        at = first + np.timedelta64(day * 24 + 8, "h").astype("timedelta64[s]")
        if at > world.size.last_second:
            continue
        contact = np.flatnonzero(desk.reachable(at, for_marketing=True) & who)
        sent_at = at + rng.integers(0, 1_200, len(contact)).astype("timedelta64[s]")
        engagement = world.engagement[people.account[contact], world.month_index(sent_at)]
        clicks: Floats = np.clip(share * np.exp(0.4 * engagement), 0, 0.6)
        mails = Mails(desk.ids(len(contact)), contact, sent_at, clicks, is_marketing=True)
        labels = {"initiator": "marketing", "family": "manual", "rule": rule, "content_id": issue_id(rule, month)}
        desk.send(mails, {**labels, "importance": "low"}, rng)


def issue_id(rule: str, month: int) -> str:
    """Return the content id of the newsletter or campaign of a month of the book."""
    return f"{rule}-{month // (NEWSLETTER_MONTHS if rule == 'newsletter' else CAMPAIGN_MONTHS) + 1:02d}"
