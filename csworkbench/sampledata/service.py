"""What happens between an account and the team: tickets, NPS surveys, touches and judgements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import TECH_TOUCH
from csworkbench.sampledata.draws import (
    contact_ids,
    csm_on,
    happenings,
    known_late,
    person_ids,
    pick,
    presence,
    rate,
    until_end,
)
from csworkbench.sampledata.names import NPS_COMMENTS
from csworkbench.sampledata.usage import Users
from csworkbench.sampledata.world import World, logistic, only

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import Floats, Ints, Texts, Times

LATE_TICKETS, LATE_RESPONSES = 8, 4
PULSE_DAYS, OVERRIDE_DAYS = 90, 60
OVERRIDES = 12


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """Planted cluster of tickets: for some weeks most tickets of one topic share one configuration.

    Args:
        topic: Topic of the tickets.
        configuration: What they share.
        share: Part of the tickets of the topic in those weeks that have it; else it is as frequent as at the accounts.
        begins: Days before the end of the book at which the weeks begin.
        ends: Days before the end of the book at which they end.
    """

    topic: str = "data_delay"
    configuration: str = "connector 3.2"
    share: float = 0.75
    begins: int = 85
    ends: int = 25


CLUSTER = ClusterModel()


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """Planted coefficients of tickets, NPS and touches, all on engagement e of the account and month.

    Tickets of an account and full month ~ Poisson(rate of the tier * exp(tickets_slope * e));
    NPS score = round(nps_base + nps_slope * e + person), cut to 0 to 10, three quarters of the 9s told as 10;
    P(answer) = logistic(answer_base + answer_slope * e);
    human touches ~ Poisson(rate of the tier * exp(touch_slope * e)): CSMs call where engagement is low.
    """

    tickets_slope: float = -0.4
    nps_base: float = 8.0
    nps_slope: float = 1.0
    nps_person_sd: float = 1.8
    answer_base: float = -0.7
    answer_slope: float = 0.4
    touch_slope: float = -0.35


SERVICE = ServiceModel()
TICKET_RATE = {"large": 0.9, "mid": 0.35, "small": 0.12}
HUMAN_TOUCH_RATE = {"large": 1.6, "mid": 0.7, "small": 0.04}
TECH_TOUCH_RATE = {"large": 0.6, "mid": 0.9, "small": 1.3}
MESSAGE_RATE = {"large": 1.2, "mid": 0.5, "small": 0.1}
CONFIGURATIONS = ("web 5.2", "web 5.3", "connector 3.1", CLUSTER.configuration, "self-hosted 9.4")
INVITED = {"large": 4, "mid": 2, "small": 1}  # people of an account asked in each NPS wave
MINUTES = {"wechat": 10, "email": 15, "call": 25, "video": 40, "visit": 120}
CHANNELS = {
    "China": ("wechat", "call", "visit", "email"),
    "Sweden": ("email", "call", "video", "visit"),
    "Ireland": ("email", "call", "video", "visit"),
}
_TOPICS = ("how_to", "data_delay", "slow_query", "wrong_numbers", "permissions", "integration", "billing")


def tickets_table(world: World, contracts: Contracts, users: Users) -> pd.DataFrame:
    """Return `tickets`; what is answered or resolved after the end of the book is blank.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts.
        users: Users of the product.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("tickets")
    account, opened = happenings(world, contracts, rate(world, TICKET_RATE, SERVICE.tickets_slope), rng)
    count = len(account)
    engagement = world.engagement[account, world.month_index(opened)]
    severity = pick(rng, ("low", "normal", "high", "urgent"), count, (0.25, 0.5, 0.2, 0.05))
    speed = pd.Series(severity).map({"low": 30.0, "normal": 16.0, "high": 8.0, "urgent": 3.0}).to_numpy(float)
    answered = opened + np.ceil(speed * 600 * np.exp(rng.normal(0, 0.6, count))).astype("timedelta64[s]")
    resolved = answered + np.ceil(speed * 9_000 * np.exp(rng.normal(0, 0.9, count))).astype("timedelta64[s]")
    is_resolved = resolved <= world.size.last_second
    csat = np.clip(np.round(3.9 + 0.4 * engagement + rng.normal(0, 0.9, count)), 1, 5)
    topic = pick(rng, _TOPICS, count, (0.28, 0.16, 0.16, 0.12, 0.1, 0.12, 0.06))
    return pd.DataFrame(
        {
            "ticket_id": world.ids("T", 7, range(count)),
            "account_id": world.traits["account_id"].array[account],
            "contact_id": person_ids(world, users, account, rng.random(count)),
            "opened_at": opened,
            "first_response_at": until_end(world, answered),
            "resolved_at": until_end(world, resolved),
            "reopened": pd.Series(rng.random(count) < 0.07).astype("boolean").where(is_resolved),
            "topic": topic,
            "severity": severity,
            "csat": np.where(is_resolved & (rng.random(count) < 0.45), csat, np.nan),
            "is_feature_request": rng.random(count) < 0.08,
            "configuration": _configurations(world, account, topic, opened),
            "known_at": known_late(world, opened, LATE_TICKETS, 1),
        }
    )


def _configurations(world: World, account: Ints, topic: Texts, opened: Times) -> Texts:
    """Return the configuration each ticket names: that of its account, none, or the one of the planted cluster."""
    import numpy as np

    rng = world.stream("tickets", 1)
    own = pick(rng, CONFIGURATIONS, world.accounts, (0.3, 0.34, 0.14, 0.12, 0.1))[account]
    days = np.datetime64(world.size.end, "D") - opened.astype("datetime64[D]")
    is_then = (days <= np.timedelta64(CLUSTER.begins, "D")) & (days >= np.timedelta64(CLUSTER.ends, "D"))
    is_hit = is_then & (topic == CLUSTER.topic) & (rng.random(len(account)) < CLUSTER.share)
    return np.where(is_hit, CLUSTER.configuration, only(rng.random(len(account)) < 0.75, own))


def nps_table(world: World, contracts: Contracts, users: Users) -> pd.DataFrame:
    """Return `nps_responses`: quarterly waves; invitations without an answer are kept.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts.
        users: Users of the product.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("nps_responses")
    account, person, invited = _invitations(world, contracts, users, rng)
    count = len(account)
    engagement = world.engagement[account, world.month_index(invited)]
    responded = invited + np.ceil(rng.exponential(3.0 * 86_400, count)).astype("timedelta64[s]")
    is_answered = (rng.random(count) < logistic(SERVICE.answer_base + SERVICE.answer_slope * engagement)) & (
        responded <= world.size.last_second
    )
    score = _scores(engagement, users.habit[person], rng)
    comments = world.traits["region"].map(NPS_COMMENTS).to_numpy(object)[account]
    said = [options[place] for options, place in zip(comments, rng.integers(0, 5, count), strict=True)]
    has_comment = is_answered & (rng.random(count) < 0.25)
    return pd.DataFrame(
        {
            "response_id": world.ids("N", 7, range(count)),
            "contact_id": contact_ids(world, person),
            "account_id": world.traits["account_id"].array[account],
            "invited_at": invited,
            "responded_at": np.where(is_answered, responded, np.datetime64("NaT", "s")),
            "score": pd.Series(score).astype("Int64").where(is_answered),
            "followup": only(is_answered & (score <= 6) & (rng.random(count) < 0.6), "called"),
            "comment": only(has_comment, np.array(said, dtype=object)),
            "channel": pick(rng, ("email", "in_app"), count, (0.7, 0.3)),
            "known_at": known_late(world, invited, LATE_RESPONSES, 2),
        }
    )


def _invitations(
    world: World,
    contracts: Contracts,
    users: Users,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Times]:
    """Return (account, user, instant) of every invitation: the first people of an account, in every third month."""
    import numpy as np

    months = range((world.size.months - 1) % 3, world.size.months, 3)
    firsts = np.array([world.size.first_month + month for month in months], dtype="datetime64[s]")
    tenth: Times = np.add(firsts, np.timedelta64(9 * 24 + 8, "h"))
    at = tenth[tenth <= world.size.last_second]
    rank = np.arange(len(users.account)) - np.searchsorted(users.account, users.account)
    asked = np.flatnonzero(rank < world.traits["tier"].map(INVITED).to_numpy()[users.account])
    begin, end = presence(world, contracts)
    wave, place = np.nonzero(
        (at[:, None] >= np.maximum(begin[users.account[asked]], users.joined[asked].astype("datetime64[s]")))
        & (at[:, None] < end[users.account[asked]])
        & (rng.random((len(at), len(asked))) < 0.9),
    )
    person = asked[place].astype(np.int64)
    return users.account[person], person, at[wave]


def _scores(engagement: Floats, habit: Floats, rng: np.random.Generator) -> Ints:
    """Return scores 0 to 10 with the heap at 10 that real surveys have."""
    import numpy as np

    person = SERVICE.nps_person_sd * (0.5 * habit + np.sqrt(0.75) * rng.normal(0, 1, len(engagement)))
    score = np.clip(np.round(SERVICE.nps_base + SERVICE.nps_slope * engagement + person), 0, 10).astype(np.int64)
    return np.where((score == 9) & (rng.random(len(score)) < 0.75), 10, score)


def touches_table(world: World, contracts: Contracts, users: Users, assignments: pd.DataFrame) -> pd.DataFrame:
    """Return `touches` of people (calls, visits, messages) and of the system (e-mail, in the product), by time.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts.
        users: Users of the product.
        assignments: Table of who looks after which account.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("touches")
    kinds = [(HUMAN_TOUCH_RATE, SERVICE.touch_slope, "human"), (TECH_TOUCH_RATE, 0.0, "tech")]
    drawn = [(*happenings(world, contracts, rate(world, rates, slope), rng), mode) for rates, slope, mode in kinds]
    frames = [_touch_rows(world, users, account, sent_at, (mode, rng)) for account, sent_at, mode in drawn]
    touches = pd.concat(frames).sort_values("sent_at", kind="stable", ignore_index=True)
    is_human = touches["mode"] == "human"
    owner = csm_on(assignments, touches["account_id"], touches["sent_at"].to_numpy())
    touches["csm_id"] = only(is_human.to_numpy(), owner)
    touches["initiator"] = np.where(is_human, touches["initiator"], "central")
    touches.insert(0, "touch_id", world.ids("M", 8, range(len(touches))))
    return touches


def _touch_rows(
    world: World,
    users: Users,
    account: Ints,
    sent_at: Times,
    draw: tuple[str, np.random.Generator],
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    mode, rng = draw
    count = len(account)
    engagement = world.engagement[account, world.month_index(sent_at)]
    is_reaction = rng.random(count) < logistic(-1.0 - 1.2 * engagement)
    other = pick(rng, ("lifecycle", "manual" if mode == "human" else "nps"), count, (0.6, 0.4))
    if mode == "human":
        places = rng.choice(4, count, p=[0.4, 0.35, 0.15, 0.1])
        options = world.traits["region"].map(CHANNELS).to_numpy(object)[account]
        channel = np.array([names[place] for names, place in zip(options, places, strict=True)], dtype=object)
        minutes = pd.Series(channel).map(MINUTES).to_numpy(float) * np.exp(rng.normal(0, 0.3, count))
    else:
        channel = pick(rng, ("email", "in_app"), count, (0.6, 0.4))
        minutes = np.full(count, 0.0)
    return pd.DataFrame(
        {
            "account_id": world.traits["account_id"].array[account],
            "contact_id": person_ids(world, users, account, rng.random(count)),
            "channel": channel,
            "mode": mode,
            "initiator": pick(rng, ("csm", "customer"), count, (0.8, 0.2)),
            "family": np.where(is_reaction, "behaviour", other),
            "rule": only(is_reaction, "low_usage"),
            "sent_at": sent_at,
            "minutes": np.round(minutes).astype(np.int64),
        }
    )


def messages_table(world: World, contracts: Contracts, people: People) -> pd.DataFrame:
    """Return `messages` between customers and their CSMs, by time; one in eight of a customer's is never answered.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts.
        people: Contacts of the accounts.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("messages")
    account, sent_at = happenings(world, contracts, rate(world, MESSAGE_RATE, 0.2), rng)
    count = len(account)
    is_in = rng.random(count) < 0.6
    answered = sent_at + np.ceil(np.exp(rng.normal(np.where(is_in, 9.2, 10.4), 1.1, count))).astype("timedelta64[s]")
    is_answered = (rng.random(count) < np.where(is_in, 0.875, 0.5)) & (answered <= world.size.last_second)
    is_chinese = (world.traits["region"] == "China").to_numpy()[account]
    messages = pd.DataFrame(
        {
            "account_id": world.traits["account_id"].array[account],
            "contact_id": people.contact_at(account, sent_at, rng.random(count) ** 2),
            "channel": np.where(is_chinese & (rng.random(count) < 0.8), "wechat", pick(rng, ("email", "chat"), count)),
            "direction": np.where(is_in, "in", "out"),
            "sent_at": sent_at,
            "answered_at": np.where(is_answered, answered, np.datetime64("NaT", "s")),
        }
    )
    messages = messages[messages["contact_id"].notna()].reset_index(drop=True)
    messages.insert(0, "message_id", world.ids("W", 7, range(len(messages))))
    return messages


def judgements_table(world: World, contracts: Contracts, assignments: pd.DataFrame) -> pd.DataFrame:
    """Return `judgements`: pulses of large and mid accounts, which expire, and a few overrides with their reason.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts.
        assignments: Table of who looks after which account.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("judgements")
    account, made_at = happenings(world, contracts, rate(world, {"large": 0.35, "mid": 0.2, "small": 0.0}, 0.0), rng)
    noise = rng.normal(0, 12, len(account))
    pulses = _judged(world, account, made_at, 55 + 16 * world.engagement[account, world.month_index(made_at)] + noise)
    said = np.select([pulses["value"] < 45, pulses["value"] > 70], ["Hard to reach", "Sponsor engaged"], "Steady")
    pulses = pulses.assign(kind="pulse", reason=said, days=PULSE_DAYS)
    chosen = _overridden(world, contracts, rng)
    when = world.size.last_second - rng.integers(10 * 86_400, 150 * 86_400, len(chosen)).astype("timedelta64[s]")
    overrides = _judged(
        world,
        chosen,
        np.maximum(when, presence(world, contracts)[0][chosen]),
        rng.choice([20.0, 30.0, 75.0, 85.0], len(chosen)),
    )
    reasons = np.where(
        overrides["value"] < 50,
        "Sponsor left, no successor named",
        "Usage moved to a new workspace, see the call notes",
    )
    both = pd.concat([pulses, overrides.assign(kind="override", reason=reasons, days=OVERRIDE_DAYS)])
    both = both.sort_values("made_at", kind="stable", ignore_index=True)
    owner = csm_on(assignments, both["account_id"], both["made_at"].to_numpy())
    both["author"] = pd.Series(owner).fillna(TECH_TOUCH)
    both["expires_at"] = both["made_at"] + pd.to_timedelta(both["days"], unit="D").astype("timedelta64[s]")
    names = ["account_id", "made_at", "author", "kind", "value", "reason", "expires_at"]
    return both[names].drop_duplicates(["account_id", "made_at", "author", "kind"], ignore_index=True)


def _judged(world: World, account: Ints, made_at: Times, value: Floats) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rounded = np.clip(np.round(value / 5) * 5, 0, 100).astype(np.int64)
    return pd.DataFrame({"account_id": world.traits["account_id"].array[account], "made_at": made_at, "value": rounded})


def _overridden(world: World, contracts: Contracts, rng: np.random.Generator) -> Ints:
    """Return a few accounts that are still customers and were one half a year ago."""
    import numpy as np

    begin, end = presence(world, contracts)
    eligible = np.flatnonzero(
        (begin < world.size.last_second - np.timedelta64(160 * 86_400, "s")) & (end == world.size.last_second)
    )
    return np.asarray(rng.choice(eligible, min(OVERRIDES, len(eligible)), replace=False))
