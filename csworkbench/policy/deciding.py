"""Who may be contacted, one decision per proposal, and what became of every contact."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csworkbench.policy.ground import ADDRESS, Ground
from csworkbench.policy.reasons import ORDER, Reason
from csworkbench.policy.weeks import Week, first_moment, zone_of
from csworkbench.policy.writings import ANY, is_among, plain_channel
from csworkbench.remembering import once
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

Found = tuple[Reason, str]
"""A reason, and the words it is told in."""
Row = dict[Any, Any]
ASKED = ("contact_id", "account_id", "purpose", "channels", "mode", "csm_id", "is_must_do", "own", "is_held", "is_sent")
ADDED = ("is_listed", "is_struck", "channel", "reason", "reasons", "send_from")
SINCE = "{reason}, since the week began"


@dataclass(slots=True)
class _Spent:
    """What the list has used up so far."""

    people: set[str] = field(default_factory=set)
    touches: Counter[tuple[int, str]] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)


def decide(
    requests: "pd.DataFrame",
    ground: Ground,
    policy: ContactPolicy,
    week: Week,
    timezone: str,
    *,
    each_alone: bool = False,
) -> "pd.DataFrame":
    """Return what becomes of each request, the first one served first.

    Args:
        requests: One row per proposal, in order of priority: contact_id (missing = not known), account_id, purpose,
            channels (tuple, the preferred one first), mode, csm_id (missing = nobody), is_must_do, own (why the
            analysis itself leaves it out, "" = it does not), is_held (its account is in the holdout); is_sent where it
            is known (a touch names the proposal: nothing that has become known since strikes it off).
        ground: What is known of the contacts.
        policy: The rules.
        week: Week of the list.
        timezone: Zone of the workspace, for contacts without one.
        each_alone: Decide about each as if nobody else were asked for: none uses up anything of another one.

    Returns:
        The requests with is_listed, channel (the first that is allowed), reason (first of `Reason`, "" = listed),
        reasons (all of them, ";" between) and send_from (first moment out of quiet time, UTC; NaT = not listed). Of
        several channels the reason is that of the one that came furthest. One held out uses nothing up. Who was listed
        when the week began and may not be contacted since is struck off (is_struck), and nobody moves up for it.
    """
    import pandas as pd

    people, since = _people(ground), {} if ground.since is None else _people(ground.since)
    spent, later, decided = _Spent(), _Spent(), []
    moments: dict[tuple[Any, Any], datetime] = {}
    for row in requests[[name for name in ASKED if name in requests]].to_dict("records"):
        if each_alone:
            spent, later = _Spent(), _Spent()
        person = people.get(row["contact_id"]) if isinstance(row["contact_id"], str) else None
        channel, found = _chosen(row, person, (ground, policy, spent))
        moment, is_struck = None, False
        if not found and person is not None:
            _spend(row, person, channel, (policy, spent))
            now = None if row.get("is_sent") else ground.since
            found = _struck((row, str(channel)), since.get(row["contact_id"]), (now, policy, later))
            is_struck = bool(found)
        if not found and person is not None:
            zones = (person["zone"], person["account_zone"])
            if zones not in moments:
                moments[zones] = first_moment(week.first, zone_of(*zones, timezone), policy.quiet)
            moment = moments[zones]
        told = list(dict.fromkeys(words for _, words in found))
        decided.append((not found, is_struck, channel, told[0] if told else "", "; ".join(told), moment))
    frame = pd.DataFrame(decided, columns=list(ADDED), index=requests.index)
    kinds: dict[str, Any] = {
        "is_listed": bool,
        "is_struck": bool,
        "channel": "str",
        "reason": "str",
        "reasons": "str",
        "send_from": "datetime64[us]",
    }
    return requests.drop(columns=[name for name in ADDED if name in requests]).join(frame.astype(kinds))


def _people(ground: Ground) -> dict[Any, Row]:
    """Return what is known of each contact, looked up once for a ground that is asked many times."""
    return once(ground, "people", lambda: ground.people.to_dict("index"))


def _chosen(
    row: Row, person: Row | None, known: tuple[Ground, ContactPolicy, _Spent]
) -> tuple[str | None, list[Found]]:
    """Return the first channel nothing speaks against; else none, and the reasons of the one that came furthest."""
    if person is None:
        return None, [(Reason.UNKNOWN_PERSON, Reason.UNKNOWN_PERSON.value)]
    tried = []
    for channel in row["channels"]:
        found = sorted(_reasons(row, person, channel, known), key=lambda each: ORDER.index(each[0]))
        if not found:
            return channel, []
        tried.append(found)
    return None, max(tried, key=lambda found: ORDER.index(found[0][0]))


def _reasons(row: Row, person: Row, channel: str, known: tuple[Ground, ContactPolicy, _Spent]) -> Iterator[Found]:
    """Yield everything that speaks against a request on a channel."""
    ground, policy, spent = known
    who, purpose = person["person"], row["purpose"]
    topics = [(at, what) for at in (plain_channel(channel), ANY) for what in (purpose, ANY)]
    # A basis stands in where nobody was asked; who was, and whose answer nobody knows, counts as no.
    is_unsure = any((row["contact_id"], *topic) in ground.unsure for topic in topics)
    holds = {
        Reason.ACCOUNT_LEFT: person["is_account_gone"],
        Reason.PERSON_LEFT: person["has_left"],
        Reason.SUPPRESSED: person["is_suppressed"],
        Reason.REFUSED: any((who, *topic) in ground.denied for topic in topics),
        Reason.NO_CONSENT: (row["contact_id"], channel, purpose) not in ground.granted
        and not (purpose == "service" and policy.service_basis is not None and not is_unsure),
        Reason.NO_ADDRESS: channel in ADDRESS and not person[f"has_{ADDRESS[channel]}"],
        Reason.SAME_PERSON: who in spent.people,
        Reason.STAFF_CAP: _is_busy(row, known),
        Reason.HOLDOUT: row["is_held"],
    }
    yield from ((reason, reason.value) for reason, is_so in holds.items() if is_so)
    if row["own"]:
        yield Reason.OWN, row["own"]
    for place, cap in enumerate(policy.caps):
        member = who if cap.per == "contact" else row["account_id"]
        used = ground.touched.get((place, member), 0) + spent.touches[place, member]
        if used >= cap.touches and is_among(channel, cap.channels):
            reason = Reason.CONTACT_CAP if cap.per == "contact" else Reason.ACCOUNT_CAP
            yield reason, reason.value


def _struck(
    asked: tuple[Row, str], person: Row | None, known: tuple[Ground | None, ContactPolicy, _Spent]
) -> list[Found]:
    """Return what has come to speak against a listed request since the week began; else it is used up once more."""
    (row, channel), (ground, policy, later) = asked, known
    if ground is None:
        return []
    if person is None:
        return [(Reason.UNKNOWN_PERSON, SINCE.format(reason=Reason.UNKNOWN_PERSON.value))]
    found = sorted(_reasons(row, person, channel, (ground, policy, later)), key=lambda each: ORDER.index(each[0]))
    if not found:
        _spend(row, person, channel, (policy, later))
    return [(reason, SINCE.format(reason=words)) for reason, words in found]


def _is_busy(row: Row, known: tuple[Ground, ContactPolicy, _Spent]) -> bool:
    ground, policy, spent = known
    csm = row["csm_id"]
    if row["mode"] != "human" or row["is_must_do"] or not isinstance(csm, str):
        return False
    return ground.busy.get(csm, 0) + spent.notices[csm] >= policy.notices_per_csm


def _spend(row: Row, person: Row, channel: str | None, used: tuple[ContactPolicy, _Spent]) -> None:
    policy, spent = used
    spent.people.add(person["person"])
    for place, cap in enumerate(policy.caps):
        if is_among(channel or ANY, cap.channels):
            spent.touches[place, person["person"] if cap.per == "contact" else row["account_id"]] += 1
    if row["mode"] == "human" and isinstance(row["csm_id"], str):
        spent.notices[row["csm_id"]] += 1


def objections(
    rows: "pd.DataFrame", ground: Ground, policy: ContactPolicy, week: Week, timezone: str
) -> dict[str, str]:
    """Return the rows of an official list, or of one about to be, for which nobody may be contacted any more.

    Args:
        rows: In the order of the list: proposal_id, contact_id, account_id, purpose, channel, mode.
        ground: What is known of the contacts; what is known now decides.
        policy: The rules; those of the time of staff are not asked again.
        week: Week of the list.
        timezone: Zone of the workspace.

    Returns:
        proposal_id -> the first reason; rows that are not there may be sent.
    """
    import pandas as pd

    channels = pd.Series([(each,) for each in rows["channel"]], rows.index, dtype="object")
    asked = rows.assign(channels=channels, csm_id=None, is_must_do=True, own="", is_held=False)
    known = (ground.since or ground).without(rows["proposal_id"])
    said = decide(asked, known, policy, week, timezone)
    no = said[~said["is_listed"]]
    return dict(zip(no["proposal_id"], no["reason"], strict=True))


def account_for(ground: Ground, decided: "pd.DataFrame") -> "pd.DataFrame":
    """Return every contact once: listed, or left out with the reason; so that the parts add up to all contacts.

    Args:
        ground: All contacts.
        decided: Decisions of `decide`, at most one per contact_id, with rule; those of unknown people do not count.

    Returns:
        One row per contact, by contact_id: contact_id, account_id, is_listed, rule ("" = none), reason ("" = listed),
        reasons (all of them).
    """
    contacts = ground.people.reset_index()[["contact_id", "account_id"]]
    known = decided[decided["contact_id"].isin(ground.people.index)]
    columns = ["contact_id", "is_listed", "rule", "reason", "reasons"]
    joined = contacts.merge(known[columns], how="left", on="contact_id", validate="one_to_one")
    is_asked = joined["is_listed"].notna()
    return joined.assign(
        is_listed=joined["is_listed"].eq(True),
        rule=joined["rule"].where(is_asked, ""),
        reason=joined["reason"].where(is_asked, Reason.NOT_ASKED.value),
        reasons=joined["reasons"].where(is_asked, Reason.NOT_ASKED.value),
    )
