"""What became of mails, people and machines told apart."""

import pytest

from csworkbench.features.mails import mail_outcomes
from tests.books import book

NOON = "2026-09-01 12:00:"


def event(kind, second, link="", agent=None, touch="T"):
    return {"touch_id": touch, "type": kind, "occurred_at": f"{NOON}{second:09.6f}", "link": link, "agent": agent}


def outcomes(*events, without=("delivered",), **more):
    frame = mail_outcomes(
        book({"accounts": [{"account_id": "A"}], "touch_events": list(events)}).tables["touch_events"], **more
    ).execute()
    return {
        row["touch_id"]: {name for name, is_so in row.items() if is_so is True and name not in without}
        for row in frame.to_dict("records")
    }


@pytest.mark.parametrize(
    ("agents", "whose"),
    [
        (["human"], "human"),
        (["machine"], "machine"),
        (["scanner"], "machine"),
        (["unknown"], "unknown"),
        ([None], "unknown"),
        (["machine", "human"], "human"),
        (["machine", None], "machine"),
    ],
)
def test_an_open_or_click_is_a_persons_a_machines_or_nobody_knows(agents, whose):
    events = [event(kind, at, "a", agent) for at, agent in enumerate(agents) for kind in ("open", "click")]
    assert outcomes(*events)["T"] == {f"opened_{whose}", f"clicked_{whose}"}


def test_five_different_links_within_a_second_are_a_scanners():
    # From 1.2 to 2.2 s, across the turn of a second; also where the sender's system takes them for a person's.
    clicks = [event("click", 1.2 + place / 4, link, "human") for place, link in enumerate("abcde")]
    assert outcomes(*clicks)["T"] == {"clicked_machine"}


@pytest.mark.parametrize("links", ["abcd", "aaaaa"])
def test_fewer_links_or_one_link_again_and_again_are_a_persons(links):
    clicks = [event("click", 1 + place / 10, link, "human") for place, link in enumerate(links)]
    assert outcomes(*clicks)["T"] == {"clicked_human"}


def test_five_links_in_longer_than_a_second_are_a_persons():
    clicks = [event("click", 1 + place * 0.26, link, "human") for place, link in enumerate("abcde")]
    assert outcomes(*clicks)["T"] == {"clicked_human"}


def test_links_of_other_mails_are_no_burst():
    clicks = [event("click", 1, link, "human", f"T{place}") for place, link in enumerate("abcde")]
    assert set(map(frozenset, outcomes(*clicks).values())) == {frozenset({"clicked_human"})}


def test_a_person_who_clicks_after_the_scanner_is_seen():
    burst = [event("click", 1, link, "human") for link in "abcde"]
    assert outcomes(*burst, event("click", 30, "a", "human"))["T"] == {"clicked_human"}


def test_a_link_that_people_cannot_see_is_a_scanners():
    assert outcomes(event("click", 1, "hidden", "human"), honeypots=["hidden"])["T"] == {"clicked_machine"}


def test_the_first_seconds_are_not_a_machines():
    assert outcomes(event("delivered", 0), event("click", 0.5, "a", "human"))["T"] == {"clicked_human"}


@pytest.mark.parametrize("kind", ["delivered", "open", "click", "reply", "unsubscribe", "complaint"])
def test_a_mail_with_which_something_was_done_was_delivered(kind):
    assert "delivered" in outcomes(event(kind, 0), without=())["T"]


def test_a_mail_that_bounced_was_not_delivered():
    assert outcomes(event("bounced", 0), without=())["T"] == {"bounced"}


def test_the_other_events_are_taken_over():
    kinds = {"bounced": "bounced", "reply": "replied", "unsubscribe": "unsubscribed", "complaint": "complained"}
    events = [event(kind, 1, touch=kind) for kind in kinds]
    assert outcomes(*events) == {kind: {name} for kind, name in kinds.items()}


def test_a_log_without_links_and_agents_can_be_read():
    bare = [{name: event("open", 1)[name] for name in ("touch_id", "type", "occurred_at")}]
    assert outcomes(*bare)["T"] == {"opened_unknown"}
