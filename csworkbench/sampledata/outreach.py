"""All that is sent to the people of a block and what comes back: touches, their events, consents, experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.consent import consents_table, first_consents, suppressions_table
from csworkbench.sampledata.delivery import Mailbox, Mails, deliver, make_mailbox
from csworkbench.sampledata.people import People
from csworkbench.sampledata.sending import Desk, issue_id, send_marketing
from csworkbench.sampledata.trials import RESCUE, TRIALS, run_trial, send_rescues
from csworkbench.sampledata.world import BookSize, logistic, only

if TYPE_CHECKING:
    import pandas as pd

TECH_CLICKS = 0.08  # share of the delivered mails of the system that a person clicks in
REACHED = {"in_app": 0.55, "call": 0.62, "wechat": 0.94, "visit": 1.0, "video": 0.9, "email": 0.97}
REPLIED = {"wechat": 0.45, "email": 0.3}
_LIBRARY = (  # content_id, title, kind, group_path, sort, roles
    ("welcome", "Welcome and first steps", "mail", "lifecycle/new", 1, None),
    ("project-plan", "Your project plan, stage by stage", "mail", "lifecycle/onboarding", 1, None),
    ("first-report", "Build your first report", "video", "lifecycle/onboarding", 2, None),
    ("best-practice", "How others use funnels", "article", "lifecycle/growth", 1, None),
    ("low-usage-tips", "Three things to try this week", "mail", "behaviour/low usage", 1, None),
    (RESCUE.content_id, "Pick up where you left off", "mail", "behaviour/low usage", 2, None),
    ("nps-thanks", "Thank you for your answer", "mail", "nps", 1, None),
    ("renewal-offer", "Renewal terms", "template", "renewal", 1, "csm;sales"),
    ("guide-mail-control", "What is new in queries", "mail", "experiments/guide", 1, None),
    ("guide-mail-treatment", "A guide: your first funnel in ten minutes", "mail", "experiments/guide", 2, None),
    ("subject-line-control", "Your monthly summary", "mail", "experiments/summary", 1, None),
    ("subject-line-treatment", "See what your team did last month", "mail", "experiments/summary", 2, None),
    ("webinar-invite-control", "Invitation to the webinar", "mail", "experiments/webinar", 1, None),
    ("webinar-invite-treatment", "A colleague's words on the webinar", "mail", "experiments/webinar", 2, None),
)  # fmt: skip
_SENT_BY_FAMILY = {"lifecycle": ("welcome", "project-plan", "first-report", "best-practice"), "nps": ("nps-thanks",)}


@dataclass(frozen=True, slots=True)
class OutreachTruths:
    """What was planted in a block's outreach.

    Args:
        refused: Contacts whose refusal of marketing e-mail was written over or stands on another record of the person.
        scanned: Accounts whose mails a scanner checks.
    """

    refused: frozenset[str]
    scanned: frozenset[str]


def outreach_tables(
    people: People, pii: pd.DataFrame, touches: pd.DataFrame, others: pd.DataFrame
) -> tuple[Mapping[str, pd.DataFrame], OutreachTruths]:
    """Return consents, suppressions, all touches with participants and events, and the units of the experiments.

    Args:
        people: Contacts of the block.
        pii: Table `contact_pii` of the block.
        touches: Touches of people and of the system, before marketing and the experiments are added.
        others: Touches of people that belong to plans.
    """
    import numpy as np
    import pandas as pd

    others = others[others["contact_id"].notna()]  # a review on the day the account left reached nobody
    address = pii["email"].to_numpy(object)
    first = first_consents(people)
    desk = Desk(make_mailbox(people, address), first)
    units = _send_all(desk)
    both = pd.concat([_with_contents(people, touches), others, *desk.touches])
    reached = [_other_events(people, frame, place) for place, frame in enumerate((touches, others))]
    events = pd.concat([_old_mails(desk.box, touches), *reached, *desk.events])
    present = [participants_table(people, frame, place) for place, frame in enumerate((touches, others))]
    frames = {
        "consents": consents_table(people, first, desk.unsubscribed_at),
        "suppressions": suppressions_table(people, address, desk.bounced_at, desk.complained_at),
        "touches": both.sort_values(["sent_at", "touch_id"], ignore_index=True),
        "touch_events": events.sort_values(["occurred_at", "touch_id", "type", "link"], ignore_index=True),
        "touch_participants": pd.concat(present, ignore_index=True),
        "experiment_units": units,
    }
    ids = people.contacts["contact_id"].to_numpy(object)
    refused = ids[np.concatenate([first.overwritten, *people.second_records])]
    scanned = people.contacts["account_id"].to_numpy(object)[desk.box.is_scanned]
    return frames, OutreachTruths(frozenset(refused), frozenset(scanned))


def _send_all(desk: Desk) -> pd.DataFrame:
    """Send every mail of the block in order of time, and return the units of the experiments."""
    import pandas as pd

    months = desk.box.people.world.size.months
    units = []
    for month in range(months):
        send_marketing(desk, month)
        starting = [place for place, trial in enumerate(TRIALS) if int(trial.starts * months) == month]
        units += [run_trial(desk, TRIALS[place], place) for place in starting]
        if 0 < month < months - 1:
            send_rescues(desk, month)
    return pd.concat(units, ignore_index=True)


def _with_contents(people: People, touches: pd.DataFrame) -> pd.DataFrame:
    """Return the touches with what was sent in those of the system; CSMs do not say."""
    import numpy as np

    rng, count = people.world.stream("contents"), len(touches)
    is_tech = (touches["mode"] == "tech").to_numpy()
    options = [_SENT_BY_FAMILY.get(family, ("low-usage-tips",)) for family in touches["family"]]
    share = rng.random(count)
    content = [option[int(where * len(option))] for option, where in zip(options, share, strict=True)]
    importance = np.where(rng.random(count) < 0.15, "high", "normal")
    nothing = only(np.zeros(count, dtype=bool), "")
    return touches.assign(
        content_id=only(is_tech, np.array(content, dtype=object)),
        importance=only(is_tech, importance),
        experiment_id=nothing,
        variant=nothing,
    )


def _old_mails(box: Mailbox, touches: pd.DataFrame) -> pd.DataFrame:
    """Return the events of the mails of the system, which are service mails."""
    import numpy as np
    import pandas as pd

    mailed = touches[(touches["mode"] == "tech") & (touches["channel"] == "email")]
    contact = pd.Index(box.people.contacts["contact_id"]).get_indexer(mailed["contact_id"])
    mails = Mails(
        mailed["touch_id"].to_numpy(object),
        contact,
        mailed["sent_at"].to_numpy("datetime64[s]"),
        np.full(len(mailed), TECH_CLICKS),
    )
    return deliver(box, mails, box.people.world.stream("touch_events", 1)).events


def _other_events(people: People, touches: pd.DataFrame, place: int) -> pd.DataFrame:
    """Return which of the other touches reached somebody (delivered), and which messages were replied to.

    `place` counts the frames of touches: each has a random stream of its own.
    """
    import numpy as np
    import pandas as pd

    world = people.world
    rng = world.stream("touch_events", 2, place)
    other = touches[(touches["mode"] == "human") | (touches["channel"] != "email")]
    account = pd.Index(world.traits["account_id"]).get_indexer(other["account_id"])
    at = other["sent_at"].to_numpy("datetime64[s]")
    engagement = world.engagement[account, world.month_index(at)]
    base = other["channel"].map(REACHED).to_numpy(float)
    chance = np.where(other["channel"] == "in_app", logistic(np.log(base / (1 - base + 1e-9)) + engagement), base)
    is_reached = rng.random(len(other)) < chance
    delivered = at + rng.integers(0, 120, len(other)).astype("timedelta64[s]")
    reply = other["channel"].map(REPLIED).fillna(0.0).to_numpy(float) * np.exp(0.2 * engagement)
    is_replied = is_reached & (rng.random(len(other)) < reply)
    replied = delivered + np.ceil(rng.exponential(40_000, len(other))).astype("timedelta64[s]")
    ids = other["touch_id"].to_numpy(object)
    both = pd.concat(
        [
            pd.DataFrame({"touch_id": ids[is_reached], "type": "delivered", "occurred_at": delivered[is_reached]}),
            pd.DataFrame({"touch_id": ids[is_replied], "type": "reply", "occurred_at": replied[is_replied]}),
        ]
    )
    both = both[both["occurred_at"] <= world.size.last_second]
    nothing = only(np.zeros(len(both), dtype=bool), "")
    return both.assign(link=nothing, agent=only((both["type"] == "reply").to_numpy(), "human"))


def participants_table(people: People, touches: pd.DataFrame, place: int) -> pd.DataFrame:
    """Return `touch_participants` of visits and video meetings: whom the touch names, and colleagues there that day.

    Args:
        people: Contacts of the block.
        touches: Touches, the meetings among them.
        place: Number of the frame of touches: each has a random stream of its own.
    """
    import numpy as np
    import pandas as pd

    rng = people.world.stream("touch_events", 3, place)
    meetings = touches[touches["channel"].isin(["visit", "video"])]
    account = pd.Index(people.world.traits["account_id"]).get_indexer(meetings["account_id"])
    at = meetings["sent_at"].to_numpy("datetime64[s]")
    named = [(meetings["touch_id"].to_numpy(object), meetings["contact_id"].to_numpy(object))]
    more = rng.poisson(1.3, len(meetings))
    for seat in range(4):
        rows = np.flatnonzero(more > seat)
        found = people.contact_at(account[rows], at[rows], rng.random(len(rows)))
        named.append((meetings["touch_id"].to_numpy(object)[rows], found))
    both = pd.DataFrame(
        {
            "touch_id": np.concatenate([ids for ids, _ in named]),
            "contact_id": np.concatenate([contacts for _, contacts in named]),
        }
    )
    return both.dropna().drop_duplicates().sort_values(["touch_id", "contact_id"], ignore_index=True)


def contents_table(size: BookSize) -> pd.DataFrame:
    """Return `contents`: the library of the book, with marketing's newsletters and campaigns."""
    import pandas as pd

    rows = list(_LIBRARY)
    for rule, title in (("newsletter", "Newsletter"), ("launch", "Launch of a feature")):
        ids = sorted({issue_id(rule, month) for month in range(size.months)})
        rows += [
            (name, f"{title} {place}", "mail", "marketing", place, "marketing") for place, name in enumerate(ids, 1)
        ]
    return pd.DataFrame(rows, columns=["content_id", "title", "kind", "group_path", "sort", "roles"])
