"""Whatever the book, nobody is listed who may not be, every no has its reason, and the parts add up."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest

from csworkbench.asof import earlier, take
from csworkbench.policy import account_for, decide, gather, is_quiet, week_of, zone_of
from tests.books import book
from tests.oracles.policy_loops import MONDAY, ZONE, decisions, official, policy_of, world

AS_OF = date(2026, 9, 30)
COLUMNS = {
    "contact_pii": {"contact_id": None, "email": None, "phone": None},
    "consents": dict.fromkeys(["contact_id", "channel", "purpose", "valid_from", "valid_to", "status"]),
    "suppressions": dict.fromkeys(["contact_id", "address", "valid_from", "until", "known_at"]),
    "touches": dict.fromkeys(
        ["touch_id", "account_id", "contact_id", "channel", "initiator", "proposal_id", "sent_at"]
    ),
    "touch_participants": dict.fromkeys(["touch_id", "contact_id"]),
    "meetings": dict.fromkeys(["meeting_id", "account_id", "planned_at"]),
}


def compare(seed: int, worlds: int) -> Counter[str]:
    """Compare the decisions on worlds of one policy with those of the oracle, and count those of the first week."""
    rng = Random(seed)
    policy = policy_of(rng)
    parts = [world(rng, f"w{place}-") for place in range(worlds)]
    tables = {name: [row for part in parts for row in part[name]] for name in parts[0]}
    released, requests = tables.pop("released"), pd.DataFrame(tables.pop("requests"))
    frames = {
        name: pd.DataFrame(rows, columns=list(COLUMNS.get(name, rows and rows[0]))) for name, rows in tables.items()
    }
    made = book(frames, timezone=ZONE)
    made = replace(
        made, workspace=made.workspace.model_copy(update={"contact_policy": policy}), released=tuple(released)
    )
    week, ground, found = listed(made, requests, AS_OF)
    assert week.first == MONDAY
    expected = [each for part in parts for each in decisions(part, policy)]
    assert list(zip(found["is_listed"], found["reason"], strict=True)) == expected
    everybody = account_for(ground, found)
    assert sorted(everybody["contact_id"]) == sorted(row["contact_id"] for row in tables["contacts"])
    assert (everybody["is_listed"] == (everybody["reason"] == "")).all()
    assert everybody["is_listed"].sum() == found["is_listed"].sum()
    for _, row in found[found["is_listed"]].iterrows():
        person = ground.people.loc[row["contact_id"]]
        local = row["send_from"].tz_localize("UTC").astimezone(zone_of(person["zone"], person["account_zone"], ZONE))
        assert policy.quiet is None or not is_quiet(local.to_pydatetime(), policy.quiet)
        assert 0 <= (local.date() - week.first).days <= 6

    # The list is made official, and the same is asked for a week later.
    kept = found[found["is_listed"]]
    sent = list(zip(kept["contact_id"], kept["channel"], strict=True))
    for place, part in enumerate(parts):
        official(part, [each for each in sent if each[0].startswith(f"w{place}-")])
    made = replace(made, released=tuple(each for part in parts for each in part["released"]))
    _, _, again = listed(made, requests, AS_OF + timedelta(weeks=1))
    expected = [each for part in parts for each in decisions(part, policy, MONDAY + timedelta(weeks=1))]
    assert list(zip(again["is_listed"], again["reason"], strict=True)) == expected
    counts = {"listed": found["is_listed"], "struck off": found["is_struck"]}
    told = Counter({"requests": len(found)} | {name: int(values.sum()) for name, values in counts.items()})
    return told + Counter({"left out": told["requests"] - told["listed"] - told["struck off"]})


def tell(books: int, counts: Counter[str]) -> None:
    """Print what was compared, for docs/evidence."""
    print(f"\n{books:,} books: {', '.join(f'{count:,} {name}' for name, count in counts.items())}")


def listed(made, requests, as_of):
    """The week of a day, what is known of the contacts, and the decisions."""
    now, week = take(made, as_of), week_of(as_of)
    ground = gather(earlier(now, week.known), now, week, "own")
    return week, ground, decide(requests, ground, now.workspace.contact_policy, week, ZONE)


@pytest.mark.parametrize("seed", range(6))
def test_fifty_books_of_one_policy_are_decided_as_by_plain_loops(seed):
    tell(50, compare(seed, 50))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_books_are_decided_as_by_plain_loops():
    counts: Counter[str] = Counter()
    for seed in range(100, 200):
        counts += compare(seed, 100)
    tell(10_000, counts)
