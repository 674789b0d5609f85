"""What the people of the sample book allow: consents by region, channel and purpose, revocations and suppressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.people import People
from csworkbench.sampledata.world import only

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

STATUSES = ("granted", "denied", "unknown", None)  # None: nothing was ever recorded
# Shares of granted, denied and unknown by region; the rest has no row. Contracts mostly settle service mail.
MARKETING = {
    "email": {"China": (0.35, 0.05, 0.25), "Sweden": (0.52, 0.18, 0.20), "Ireland": (0.64, 0.10, 0.16)},
    "call": {"China": (0.30, 0.10, 0.20), "Sweden": (0.15, 0.35, 0.25), "Ireland": (0.28, 0.18, 0.24)},
    "wechat": {"China": (0.70, 0.04, 0.10)},
}
SERVICE_USE = {
    "email": {"China": (0.75, 0.01, 0.10), "Sweden": (0.90, 0.02, 0.03), "Ireland": (0.88, 0.02, 0.04)},
    "call": {"China": (0.70, 0.02, 0.10), "Sweden": (0.60, 0.06, 0.10), "Ireland": (0.65, 0.05, 0.10)},
    "wechat": {"China": (0.85, 0.01, 0.05)},
}
BASES = {"granted": ("form", "contract", "event", "import"), "denied": ("objection", "form")}
OBJECTIONS = 0.02  # of the people object to calls later on
OVERWRITTEN = 0.005  # of the people said no, and an import wrote yes over it on the same day: no still counts
DISPUTES = 0.005  # of the accounts are not to be written to for a while


@dataclass(frozen=True, slots=True)
class Consents:
    """What each contact allowed when it was recorded first.

    Args:
        rows: Columns of `consents`, with the row of the contact as `contact`.
        may_market: Contacts that may get marketing e-mail from the day they were added on.
        may_serve: Contacts that did not deny service e-mail.
        overwritten: Contacts whose refusal was overwritten by an import.
    """

    rows: pd.DataFrame
    may_market: Flags
    may_serve: Flags
    overwritten: Ints


def first_consents(people: People) -> Consents:
    """Return what each contact allowed at first, the second record of a person more than the first."""
    import numpy as np
    import pandas as pd

    rng, count = people.world.stream("consents"), len(people.contacts)
    region = people.world.traits["region"].to_numpy(object)[people.account]
    added = people.stay()[0]
    frames, email = [], {}
    for purpose, table in (("marketing", MARKETING), ("service", SERVICE_USE)):
        for channel, shares in table.items():
            status = _statuses(region, shares, rng.random(count))
            if purpose == "marketing":
                second, first = (rows[np.isin(region[rows], list(shares))] for rows in people.second_records)
                status[first], status[second] = "denied", "granted"
            if channel == "email":
                email[purpose] = status
            chance, delay = rng.random(count), rng.integers(0, 3_600, count).astype("timedelta64[s]")
            frames.append(_rows(np.arange(count), (channel, purpose), (status, chance), added + delay))
    overwritten = np.flatnonzero((email["marketing"] == "granted") & (rng.random(count) < OVERWRITTEN))
    both = pd.concat([*frames, *_overwritten(people, overwritten), _objections(people, rng.random(count))])
    return Consents(both, email["marketing"] == "granted", email["service"] != "denied", overwritten)


def _statuses(region: Texts, shares: dict[str, tuple[float, float, float]], chance: Floats) -> Texts:
    import numpy as np

    nothing = (0.0, 0.0, 0.0)
    edges = np.array([np.cumsum(shares.get(place, nothing)) for place in region]).reshape(-1, 3)
    return np.asarray(np.array(STATUSES, dtype=object)[(chance[:, None] >= edges).sum(axis=1)])


def _rows(contact: Ints, use: tuple[str, str], said: tuple[Texts, Floats], at: Times) -> pd.DataFrame:
    """Return consent rows where something was said; `said` = status and a number from 0 to 1 that picks the basis."""
    import numpy as np
    import pandas as pd

    status, chance = said
    basis = [
        BASES[one][int(where * len(BASES[one]))] if one in BASES else None
        for one, where in zip(status, chance, strict=True)
    ]
    frame = pd.DataFrame({"contact": contact, "channel": use[0], "purpose": use[1], "valid_from": at, "status": status})
    return frame.assign(basis=np.array(basis, dtype=object)).loc[pd.notna(status)]


def _overwritten(people: People, contact: Ints) -> list[pd.DataFrame]:
    """Return a refusal at ten o'clock, and the import of the same afternoon that says the opposite."""
    import numpy as np

    added, left = people.stay()
    middle = (added[contact] + (left[contact] - added[contact]) // 2).astype("datetime64[D]").astype("datetime64[s]")
    morning: Times = np.add(middle, np.timedelta64(34, "h").astype("timedelta64[s]"))
    late: Times = np.add(morning, np.timedelta64(5, "h").astype("timedelta64[s]"))
    use, half = ("email", "marketing"), np.zeros(len(contact))
    no, yes = (np.full(len(contact), status, dtype=object) for status in ("denied", "granted"))
    is_in_book = np.asarray(late <= people.world.size.last_second)
    frames = [_rows(contact, use, (no, half), morning), _rows(contact, use, (yes, half + 0.99), late)]
    return [frame.loc[is_in_book] for frame in frames]


def _objections(people: People, chance: Floats) -> pd.DataFrame:
    """Return the few who object to calls later, whatever they had said before."""
    import numpy as np

    added, left = people.stay()
    contact = np.flatnonzero(chance < OBJECTIONS)
    at = added[contact] + ((left[contact] - added[contact]) * 0.7).astype("timedelta64[s]") + np.timedelta64(7_200, "s")
    keep = at <= people.world.size.last_second
    no = np.full(len(contact), "denied", dtype=object)
    rows = _rows(contact, ("call", "marketing"), (no, np.zeros(len(contact))), at)
    return rows.loc[np.asarray(keep)]


def consents_table(people: People, first: Consents, unsubscribed: Times) -> pd.DataFrame:
    """Return `consents`, in the order of contact, channel, purpose and time.

    Args:
        people: Contacts of the block.
        first: What they allowed at first.
        unsubscribed: When each contact unsubscribed from marketing e-mail, NaT where never.
    """
    import numpy as np
    import pandas as pd

    gone = np.flatnonzero(~np.isnat(unsubscribed))
    no = np.full(len(gone), "denied", dtype=object)
    revoked = _rows(gone, ("email", "marketing"), (no, np.zeros(len(gone))), unsubscribed[gone])
    both = pd.concat([first.rows, revoked.assign(basis="unsubscribed")])
    both = both.sort_values(["contact", "channel", "purpose", "valid_from"], kind="stable", ignore_index=True)
    both.insert(0, "contact_id", people.contacts["contact_id"].to_numpy(object)[both.pop("contact")])
    return both


def suppressions_table(people: People, addresses: Texts, bounced: Times, complained: Times) -> pd.DataFrame:
    """Return `suppressions`: dead addresses, complaints (by address only), and accounts in dispute, for a while.

    Args:
        people: Contacts of the block.
        addresses: E-mail address of each contact, None where none is known.
        bounced: When a mail to each contact bounced for good, NaT where none did.
        complained: When each contact complained of spam, NaT where none did.
    """
    import numpy as np
    import pandas as pd

    rng, ids = people.world.stream("consents", 1), people.contacts["contact_id"].to_numpy(object)
    dead, angry = np.flatnonzero(~np.isnat(bounced)), np.flatnonzero(~np.isnat(complained))
    is_disputed = rng.random(people.world.accounts) < DISPUTES
    quiet = np.flatnonzero(is_disputed[people.account])
    days = rng.integers(5, 40, people.world.accounts)[people.account].astype("timedelta64[D]")
    ahead = np.datetime64(people.world.size.end, "D") - days
    parts = [
        _suppressed(ids[dead], bounced[dead], "bounced"),
        _suppressed(ids[angry], complained[angry], "complaint").assign(
            contact_id=None, address=np.array([str(text).upper() for text in addresses[angry]], dtype=object)
        ),
        _suppressed(ids[quiet], ahead[quiet], "dispute").assign(
            until=ahead[quiet].astype("datetime64[s]") + 90 * 86_400
        ),
    ]
    both = pd.concat(parts).sort_values(["valid_from", "contact_id"], kind="stable", ignore_index=True)
    return both[["contact_id", "address", "valid_from", "until", "reason"]]


def _suppressed(ids: Texts, at: Times, reason: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    return pd.DataFrame(
        {
            "contact_id": ids,
            "address": only(np.zeros(len(ids), dtype=bool), ""),
            "valid_from": at.astype("datetime64[D]").astype("datetime64[s]"),
            "until": np.full(len(ids), np.datetime64("NaT", "s")),
            "reason": reason,
        }
    )
