"""Who may be contacted, by plain loops over the rows as they were written: an oracle that shares no code with policy.

The list is made of what was known on Sunday; then whoever may not be contacted on Wednesday is struck off it. What was
listed and not struck off may be made official, and counts in the week after.

Books come out of a seed, as small worlds side by side, so that many cost the engine hardly more than one.
"""

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from csworkbench.sources import Contacted
from csworkbench.workspace import Cap, ContactPolicy, Quiet

ZONE = "Europe/Stockholm"
MONDAY = date(2026, 9, 28)
CHANNELS = ("email", "call", "in_app")
# Channel as somebody wrote it -> the one that is meant; None = nobody knows, so it is every one.
WRITTEN = {"E-Mail": "email", " EMAIL": "email", "Phone": "call", "pigeon": None}
NEEDS = {"email": "email", "call": "phone"}
ORDER = (
    "nobody knows who it is", "account left", "person left", "suppressed", "refused", "no consent",
    "no address for the channel", "own", "same person on the list already", "contact at the cap", "account at the cap",
    "CSM has enough for the week", "holdout",
)  # fmt: skip


def policy_of(rng: Random) -> ContactPolicy:
    """Rules of contacting, drawn."""
    caps = [Cap(per="contact", touches=rng.randint(1, 3), days=rng.choice([1, 7, 14]))]
    caps += [Cap(per="account", touches=rng.randint(1, 5), days=14)] * (rng.random() < 0.7)
    caps += [Cap(per="contact", touches=1, days=30, channels=("email",))] * (rng.random() < 0.4)
    quiet = rng.choice([None, Quiet(), Quiet(starts="12:00", ends="14:00", weekends=False)])
    basis = rng.choice([None, "contract"])
    least = {"least_consents": 0, "least_suppressions": 0}
    return ContactPolicy(caps=tuple(caps), quiet=quiet, service_basis=basis, notices_per_csm=rng.randint(1, 3), **least)


def world(rng: Random, name: str) -> dict[str, list]:
    """The rows of one small world, all ids of which begin with its name, and the requests for contacts in it."""
    accounts = [f"{name}a{i}" for i in range(rng.randint(1, 3))]
    people = [f"{name}p{i}" for i in range(rng.randint(1, 8))]
    at = {person: rng.choice(accounts) for person in people}
    mails = [None, *(f"{name}{i}@x.example" for i in range(12))]
    phones = [None, *(f"+46{rng.randint(10**7, 10**8)}" for _ in range(8))]
    left = ("2026-01-05T00:00:00", "2026-09-29T08:00:00", "2026-10-02T08:00:00", *[None] * 30)
    rows: dict[str, list] = {
        "accounts": [
            {"account_id": each, "churned_at": rng.choice(left), "timezone": rng.choice([None, "Asia/Shanghai", "?"])}
            for each in accounts
        ],
        "contacts": [
            {
                "contact_id": each,
                "account_id": at[each],
                "left_at": rng.choice(left),
                "timezone": rng.choice([None, "UTC"]),
            }
            for each in people
        ],
        "contact_pii": [
            {"contact_id": each, "email": _dressed(rng, rng.choice(mails)), "phone": rng.choice(phones)}
            for each in people
            if rng.random() < 0.9
        ],
        "consents": [],
        "suppressions": [],
        "touches": [],
        "touch_participants": [],
        "meetings": [],
    }
    for person in people:
        rows["consents"] += [
            {"contact_id": person, "channel": channel, "purpose": purpose, "valid_from": "2026-01-01T00:00:00",
             "valid_to": None, "status": "granted"}
            for channel in CHANNELS for purpose in ("marketing", "service") if rng.random() < 0.7
        ]  # fmt: skip
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            rows["consents"].append(
                {
                    "contact_id": person,
                    "channel": rng.choice([*CHANNELS, *CHANNELS, *WRITTEN]),
                    "purpose": rng.choice(["marketing", "service", "marketing", None]),
                    "valid_from": rng.choice(
                        ["2026-01-01T00:00:00", "2026-03-01T00:00:00", "2026-09-29T00:00:00", "2026-10-05T00:00:00"]
                    ),
                    "valid_to": rng.choice([None, None, None, "2026-05-01T00:00:00", "2026-09-29T12:00:00"]),
                    "status": rng.choice(["granted", "granted", "denied", "unknown", None]),
                }
            )
        if rng.random() < 0.15:
            told = rng.choice(["contact", "mail", "phone", "both"])
            mail, phone = str(rng.choice(mails[1:])).upper(), _rung(rng, str(rng.choice(phones[1:])))
            rows["suppressions"].append(
                {
                    "contact_id": person if told == "contact" else None,
                    "address": {"contact": None, "mail": mail, "phone": phone, "both": f"{mail}; {phone}"}[told],
                    "valid_from": rng.choice([None, None, "2026-01-01", "2026-09-28", "2026-10-01", "2026-10-06"]),
                    "until": rng.choice(
                        [None, "2025-06-01", "2026-09-28", "2026-09-27", "2026-10-01", "2026-10-06", "2026-12-01"]
                    ),
                    "known_at": rng.choice(["2026-09-01T08:00:00", "2026-09-29T08:00:00", None]),
                }
            )
        for _ in range(rng.choice([0, 0, 1, 2])):
            # The last day that counts is Sunday 27 September; 14 days with it begin on the 14th.
            day = rng.choice(["08-28", "08-29", "09-13", "09-14", "09-17", "09-20", "09-21", "09-27", "09-28", "09-30"])
            touch = f"{name}t{len(rows['touches'])}"
            rows["touches"].append(
                {
                    "touch_id": touch,
                    "account_id": at[person],
                    "contact_id": rng.choice([person, None]),
                    "channel": rng.choice(CHANNELS),
                    "initiator": rng.choice(["central", "marketing", "customer", None]),
                    "proposal_id": None,
                    "sent_at": f"2026-{day}T{rng.choice(['00:30', '12:00', '21:30', '22:30'])}:00",
                }
            )
            if rng.random() < 0.2:
                rows["touch_participants"].append({"touch_id": touch, "contact_id": rng.choice(people)})
    for each in accounts:
        if rng.random() < 0.3:
            day = rng.choice(["2026-09-27", "2026-09-28", "2026-10-01", "2026-10-04", "2026-10-05", "2026-10-08"])
            rows["meetings"].append({"meeting_id": f"{each}m", "account_id": each, "planned_at": f"{day}T12:00:00"})
    days, firsts = [date(2026, 9, 14), date(2026, 9, 29), date(2026, 10, 4)], [MONDAY, date(2026, 9, 14)]
    rows["released"] = [
        Contacted(f"{person}x", at[person], person, rng.choice(["x", "own.r"]), rng.choice(["human", "automated"]),
                  rng.choice(CHANNELS), f"{name}csm", rng.choice(days), rng.choice(["own", "other"]),
                  rng.choice(firsts), date(2026, 9, 1))
        for person in people
        if rng.random() < 0.15
    ]  # fmt: skip
    for each in rows["released"]:
        if rng.random() < 0.4:
            day = rng.choice(["09-13", "09-15", "09-29"])
            told = {"account_id": each.account_id, "contact_id": each.contact_id, "channel": each.channel}
            told |= {"touch_id": f"{each.proposal_id}t", "initiator": "csm", "proposal_id": each.proposal_id}
            rows["touches"].append({**told, "sent_at": f"2026-{day}T12:00:00"})
    rows["requests"] = [
        {
            "contact_id": person if rng.random() < 0.95 else None,
            "account_id": at[person],
            "purpose": rng.choice(["marketing", "service"]),
            "channels": tuple(rng.sample(CHANNELS, rng.randint(1, 2))),
            "mode": rng.choice(["human", "automated"]),
            "csm_id": rng.choice([f"{name}csm", None]),
            "is_must_do": rng.random() < 0.2,
            "own": "own" if rng.random() < 0.1 else "",
            "is_held": rng.random() < 0.1,
            "rule": "r",
        }
        for person in rng.sample(people, rng.randint(1, len(people)))
    ]
    return rows


def _dressed(rng: Random, mail: str | None) -> str | None:
    return rng.choice([mail, f" {mail.upper()}"]) if mail else None


def _rung(rng: Random, phone: str) -> str:
    """A number with the code of its country, without it, or as people type it."""
    rest = phone.removeprefix("+46")
    return rng.choice([phone, f"0046{rest}", f"0{rest}", f"+46 (0){rest[:2]}-{rest[2:]}", f"tel:{phone}"])


def official(rows: dict[str, list], listed: list[tuple[str, str]]) -> None:
    """Make the list of the first week official: (contact_id, channel) of whoever is on it."""
    asks = {ask["contact_id"]: ask for ask in rows["requests"]}
    rows["released"] += [
        Contacted(f"{who}w", asks[who]["account_id"], who, "own.r", asks[who]["mode"], channel,
                  asks[who]["csm_id"] or "", MONDAY + timedelta(days=len(who) % 5), "own", MONDAY, MONDAY)
        for who, channel in listed
    ]  # fmt: skip


def persons(rows: dict[str, list]) -> dict[str, set[str]]:
    """Contact -> every record of the same person."""
    pii = {row["contact_id"]: row for row in rows["contact_pii"]}
    same = {row["contact_id"]: {row["contact_id"]} for row in rows["contacts"]}
    for _ in same:  # as often as there are records, so that chains close
        for one in same:
            for other in same:
                pairs = [(pii.get(one, {}).get(name), pii.get(other, {}).get(name)) for name in ("email", "phone")]
                shared = any(mine and _plain(mine) == _plain(theirs) for mine, theirs in pairs)
                if shared or same[one] & same[other]:
                    same[one] |= same[other]
                    same[other] |= same[one]
    return same


def _plain(address: str | None) -> str:
    return (address or "").strip().lower()


def _day(text: str) -> date:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(ZONE)).date()


def decisions(rows: dict[str, list], policy: ContactPolicy, monday: date = MONDAY) -> list[tuple[bool, str]]:
    """Whether each request is listed in a week, and the first reason against it, in the order of the requests."""
    sunday, wednesday = monday - timedelta(days=1), monday + timedelta(days=2)
    same = persons(rows)
    mine: list[tuple[dict, str]] = []  # what is listed, with its channel
    kept: list[tuple[dict, str]] = []  # what of it is not struck off
    found = []
    for ask in rows["requests"]:
        if ask["contact_id"] is None:
            found.append((False, ORDER[0]))
            continue
        firsts = [_first((ask, channel), (rows, same, mine, sunday), policy) for channel in ask["channels"]]
        if "" not in firsts:
            found.append((False, max(firsts, key=ORDER.index)))
            continue
        channel = ask["channels"][firsts.index("")]
        mine.append((ask, channel))
        since = _first((ask, channel), (rows, same, kept, wednesday), policy)
        if since:
            found.append((False, f"{since}, since the week began"))
        else:
            kept.append((ask, channel))
            found.append((True, ""))
    return found


def _first(asked: tuple[dict, str], known: tuple, policy: ContactPolicy) -> str:
    return next((reason for reason in ORDER if _holds(reason, asked, known, policy)), "")


def _holds(reason: str, asked: tuple[dict, str], known: tuple, policy: ContactPolicy) -> bool:
    (ask, channel), (rows, same, mine, cut) = asked, known
    person, account = ask["contact_id"], ask["account_id"]
    records = same[person]
    match reason:
        case "account left":
            home = {row["contact_id"]: row["account_id"] for row in rows["contacts"]}[person]
            return any(_is_by(row["churned_at"], cut) for row in rows["accounts"] if row["account_id"] == home)
        case "person left":
            return any(_is_by(row["left_at"], cut) for row in rows["contacts"] if row["contact_id"] == person)
        case "suppressed":
            return _is_suppressed(rows, records, cut)
        case "refused":
            return any(
                row["status"] in ("denied", None) and WRITTEN.get(row["channel"], row["channel"]) in (channel, None)
                for row in _said(rows, records, cut, is_refusal=True)
                if row["purpose"] in (ask["purpose"], None)
            )
        case "no consent":
            own = _said(rows, {person}, cut)
            topic = (channel, ask["purpose"])
            if _last_words(own, topic) == {"granted"}:
                return False
            if ask["purpose"] != "service" or not policy.service_basis:
                return True
            # A basis stands in for whoever was not asked, on this channel as somebody wrote it or on all of them.
            return any(
                "unknown" in _last_words(own, (at, purpose))
                for at in (*CHANNELS, *WRITTEN)
                if WRITTEN.get(at, at) in (channel, None)
                for purpose in (ask["purpose"], None)
            )
        case "no address for the channel":
            pii = next((row for row in rows["contact_pii"] if row["contact_id"] == person), {})
            return channel in NEEDS and not pii.get(NEEDS[channel])
        case "own" | "holdout":
            return bool(ask["own"]) if reason == "own" else ask["is_held"]
        case "same person on the list already":
            return any(other["contact_id"] in records for other, _ in mine)
        case "CSM has enough for the week":
            return _is_busy(ask, known, policy)
        case "contact at the cap" | "account at the cap":
            per = reason.split()[0]
            caps = [cap for cap in policy.caps if cap.per == per and (not cap.channels or channel in cap.channels)]
            return any(_used(cap, records, account, (rows, mine, cut)) >= cap.touches for cap in caps)
    return False


def _last_words(said: list[dict], topic: tuple) -> set:
    """What was said last about a channel and purpose as they are written; more than one word at one instant."""
    about = [row for row in said if (row["channel"], row["purpose"]) == topic]
    last = max((row["valid_from"] for row in about), default=None)
    return {row["status"] for row in about if row["valid_from"] == last}


def _is_by(moment: str | None, cut: date) -> bool:
    return moment is not None and _day(moment) <= cut


def _said(rows: dict[str, list], records: set[str], cut: date, *, is_refusal: bool = False) -> list[dict]:
    """What was said by a day and had not ended by then; a refusal that ended before it began has not ended."""

    def is_over(row: dict) -> bool:
        return _is_by(row["valid_to"], cut) and not (is_refusal and row["valid_to"] <= row["valid_from"])

    known = [row for row in rows["consents"] if row["contact_id"] in records]
    return [row for row in known if _is_by(row["valid_from"], cut) and not is_over(row)]


def _is_suppressed(rows: dict[str, list], records: set[str], cut: date) -> bool:
    mine = [row for row in rows["contact_pii"] if row["contact_id"] in records]
    mails, ends = {_plain(row["email"]) for row in mine}, {_end(row["phone"]) for row in mine}

    def holds(row: dict) -> bool:
        first, after = row["valid_from"], row["until"]
        if (first and date.fromisoformat(first) > cut) or not (row["known_at"] is None or _is_by(row["known_at"], cut)):
            return False
        # An end that lies before the beginning is none.
        return after is None or date.fromisoformat(after) > cut or (first is not None and after <= first)

    return any(
        row["contact_id"] in records
        or any(_plain(part) in mails - {""} or _end(part) in ends - {""} for part in (row["address"] or "").split(";"))
        for row in rows["suppressions"]
        if holds(row)
    )


def _end(phone: str | None) -> str:
    """The last eight digits of a number, "" where it has fewer or is an e-mail address."""
    digits = [each for each in phone or "" if each.isdigit()]
    return "".join(digits[-8:]) if len(digits) >= 8 and "@" not in (phone or "") else ""


def _monday(cut: date) -> date:
    """The Monday of the list: the day after a Sunday, or the one before a Wednesday."""
    after = cut + timedelta(days=1)
    return after - timedelta(days=after.weekday())


def _is_busy(ask: dict, known: tuple, policy: ContactPolicy) -> bool:
    rows, _, mine, cut = known
    if ask["mode"] != "human" or ask["is_must_do"] or ask["csm_id"] is None:
        return False
    others = [each for each in _others(rows, cut) if each.first_day == _monday(cut) and each.mode == "human"]
    busy = sum(each.csm_id == ask["csm_id"] for each in others)
    busy += sum(other["csm_id"] == ask["csm_id"] and other["mode"] == "human" for other, _ in mine)
    return busy >= policy.notices_per_csm


def _others(rows: dict[str, list], cut: date) -> list[Contacted]:
    return [
        each
        for each in rows["released"]
        if each.first_day != _monday(cut) or (each.analysis != "own" and each.program != "own.r")
    ]


def _used(cap: Cap, records: set[str], account: str, known: tuple) -> int:
    rows, mine, cut = known
    first = cut - timedelta(days=cap.days - 1)
    used, sent = 0, set()
    for touch in rows["touches"]:
        if _day(touch["sent_at"]) > cut:
            continue
        sent.add(touch["proposal_id"])
        met = {touch["contact_id"]} | {
            row["contact_id"] for row in rows["touch_participants"] if row["touch_id"] == touch["touch_id"]
        }
        counts = touch["initiator"] != "customer" and first <= _day(touch["sent_at"])
        counts = counts and (not cap.channels or touch["channel"] in cap.channels)
        if counts:
            used += len(met & records) if cap.per == "contact" else touch["account_id"] == account
    for each in _others(rows, cut):
        if each.proposal_id in sent:
            continue
        if first <= each.sent_on <= _monday(cut) + timedelta(days=6) and (
            not cap.channels or each.channel in cap.channels
        ):
            used += each.contact_id in records if cap.per == "contact" else each.account_id == account
    for other, channel in mine:
        if not cap.channels or channel in cap.channels:
            used += other["contact_id"] in records if cap.per == "contact" else other["account_id"] == account
    if cap.per == "account" and not cap.channels:
        last = _monday(cut) + timedelta(days=6)
        used += sum(row["account_id"] == account and cut < _day(row["planned_at"]) <= last for row in rows["meetings"])
    return used
