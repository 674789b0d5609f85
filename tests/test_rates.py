"""The sums behind the fixed rates: hand-sized examples, and the same in SQL on random books."""

from datetime import date, timedelta
from random import Random

import duckdb
import pandas as pd
import pytest

from csworkbench.asof import take
from csworkbench.features import rates
from tests.books import book
from tests.oracles import rates_sql as sql

AS_OF = date(2026, 6, 30)
FIRST, LAST = date(2026, 4, 1), date(2026, 6, 30)
ACCOUNTS = [{"account_id": name} for name in "abc"]


def snapshot(**tables):
    return take(book({"accounts": ACCOUNTS} | tables), AS_OF)


def rows(table):
    return table.to_pandas().sort_values(list(table.columns)).to_dict("records")


def day(number):
    return (date(2026, 3, 15) + timedelta(days=number)).isoformat()


# --- hand-sized ---


def renewal(number, account, outcome, target, final, due="2026-05-01", decided="2026-05-02T00:00:00"):
    return {
        "renewal_id": str(number),
        "account_id": account,
        "due_date": due,
        "outcome": outcome,
        "target_amount": target,
        "final_amount": final,
        "decided_at": None if outcome == "open" else decided,
        "currency": None,
    }


def test_partial_and_more_count_as_kept_and_retained_is_capped_at_the_target():
    due = [
        renewal(1, "a", "partial", 100, 60),
        renewal(2, "a", "upsell", 100, 150),
        renewal(3, "a", "churned", 50, None),
    ]
    # decided 3, kept 2; target 250; retained 60 + 100 + 0; final 60 + 150 + 0
    assert rows(rates.renewals_due(snapshot(renewals=due), FIRST, LAST)) == [
        {
            "account_id": "a",
            "currency": "",
            "decided": 3,
            "kept": 2,
            "past_due": 0,
            "unpriced": 0,
            "unrecorded": 0,
            "target": 250,
            "retained": 160,
            "final": 210,
        }
    ]


def test_an_open_renewal_is_past_due_after_its_day_and_never_kept():
    due = [renewal(1, "a", "open", 100, None), renewal(2, "b", "open", 100, None, due="2026-06-30")]
    found = rows(rates.renewals_due(snapshot(renewals=due), FIRST, LAST))
    assert [(row["decided"], row["kept"], row["past_due"], row["target"]) for row in found] == [
        (0, 0, 1, 0),
        (0, 0, 0, 0),
    ]


def test_a_decision_without_an_amount_counts_in_the_number_and_not_in_the_money():
    (found,) = rows(rates.renewals_due(snapshot(renewals=[renewal(1, "a", "renewed", 100, None)]), FIRST, LAST))
    assert (found["kept"], found["unpriced"], found["unrecorded"], found["target"]) == (1, 1, 1, 0)


def test_a_decision_made_after_the_date_is_still_open_at_the_date():
    late = renewal(1, "a", "renewed", 100, 100, decided="2026-07-02T00:00:00")
    (found,) = rows(rates.renewals_due(snapshot(renewals=[late]), FIRST, LAST))
    assert (found["decided"], found["past_due"]) == (0, 1)


def test_days_to_a_milestone_end_at_reaching_it_at_leaving_or_at_the_date():
    accounts = [
        {"account_id": "a", "signup_at": "2026-06-01T00:00:00", "churned_at": None},
        {"account_id": "b", "signup_at": "2026-06-01T00:00:00", "churned_at": "2026-06-11T00:00:00"},
        {"account_id": "c", "signup_at": "2026-06-20T00:00:00", "churned_at": None},
    ]
    reached = {"a": "2026-06-08T12:00:00", "b": None, "c": "2026-07-04T00:00:00"}
    milestones = [
        {"account_id": name, "milestone": "live", "planned_at": "2026-06-15", "reached_at": at}
        for name, at in reached.items()
    ]
    made = take(book({"accounts": accounts, "milestones": milestones}), AS_OF)
    assert rows(rates.milestone_times(made, "live")) == [
        {"account_id": "a", "days": 7, "is_reached": True},
        {"account_id": "b", "days": 10, "is_reached": False},
        {"account_id": "c", "days": 10, "is_reached": False},
    ]


def test_an_account_without_the_milestone_does_not_wait_for_it():
    accounts = [{"account_id": name, "signup_at": "2026-06-01T00:00:00"} for name in ("a", "b", "c")]
    milestones = [
        {"account_id": "a", "milestone": "live", "planned_at": "2026-06-15", "reached_at": None},
        {"account_id": "b", "milestone": "kickoff", "planned_at": "2026-06-15", "reached_at": None},
        # Nobody planned it, and it was reached after the date: on the date nothing is known of it.
        {"account_id": "c", "milestone": "live", "planned_at": None, "reached_at": "2026-07-04T00:00:00"},
    ]
    made = take(book({"accounts": accounts, "milestones": milestones}), AS_OF)
    assert [row["account_id"] for row in rows(rates.milestone_times(made, "live"))] == ["a"]


def test_scanners_neither_reach_nor_click():
    touches = [
        {"touch_id": str(n), "account_id": "a", "channel": "email", "sent_at": "2026-05-01T00:00:00"} for n in range(3)
    ]
    events = [
        ("0", "delivered", None),
        ("0", "click", "scanner"),
        ("1", "delivered", None),
        ("1", "open", "machine"),
        ("1", "click", "human"),
        ("2", "bounced", None),
    ]
    log = [
        {"touch_id": touch, "type": kind, "occurred_at": "2026-05-01T00:01:00", "agent": agent}
        for touch, kind, agent in events
    ]
    (found,) = rows(rates.sent_touches(snapshot(touches=touches, touch_events=log), FIRST, LAST))
    assert (found["attempted"], found["delivered"], found["reached"], found["clicked"]) == (3, 2, 1, 1)


def test_a_book_held_for_half_of_the_time_counts_half():
    held = [
        {"account_id": "a", "role": "csm", "valid_from": "2026-01-01", "csm_id": "ann", "valid_to": "2026-06-16"},
        {"account_id": "a", "role": "csm", "valid_from": "2026-06-16", "csm_id": "bo", "valid_to": None},
        {"account_id": "b", "role": "sales", "valid_from": "2026-01-01", "csm_id": "cy", "valid_to": None},
    ]
    made = snapshot(assignments=held)
    found = rows(rates.account_days(made, "csm", date(2026, 6, 1), AS_OF))
    assert found == [{"csm_id": "ann", "account_days": 15}, {"csm_id": "bo", "account_days": 15}]


def test_without_ends_the_next_person_ends_an_assignment():
    held = [
        {"account_id": "a", "role": "csm", "valid_from": "2026-01-01", "csm_id": "ann"},
        {"account_id": "a", "role": "csm", "valid_from": "2026-06-16", "csm_id": "bo"},
    ]
    found = rows(rates.account_days(snapshot(assignments=held), "csm", date(2026, 6, 1), AS_OF))
    assert found == [{"csm_id": "ann", "account_days": 15}, {"csm_id": "bo", "account_days": 15}]


# --- the same in SQL ---


def random_book(seed):
    rng = Random(seed)

    def at(low, high):
        return f"{day(rng.randint(low, high))}T{rng.randint(0, 23):02d}:30:00"

    def maybe(value, chance=0.8):
        return value if rng.random() < chance else None

    accounts = [{"account_id": str(n)} for n in range(8)]
    renewals = []
    for n in range(40):
        outcome = rng.choice(["renewed", "churned", "partial", "upsell", "open"])
        made = renewal(n, str(rng.randrange(8)), outcome, maybe(rng.randint(1, 9)), maybe(rng.randint(0, 12)))
        known = maybe(at(0, 130), 0.3)
        renewals.append(
            made
            | {"due_date": day(rng.randint(0, 120)), "currency": maybe("SEK", 0.3), "known_at": known}
            | ({} if outcome == "open" else {"decided_at": at(0, 130)})
        )
    responses = []
    for n in range(60):
        invited = rng.randint(0, 100)
        answered = maybe(f"{day(invited + rng.randint(0, 9))}T23:59:00", 0.7)
        responses.append(
            {
                "response_id": f"{n:02d}",
                "account_id": str(rng.randrange(8)),
                "contact_id": maybe(f"p{rng.randrange(12)}"),
                "invited_at": f"{day(invited)}T00:00:00",
                "responded_at": answered,
                "score": rng.randint(0, 10) if answered else None,
            }
        )
    touches = [
        {
            "touch_id": str(n),
            "account_id": str(rng.randrange(8)),
            "channel": maybe(rng.choice(["email", "sms"])),
            "sent_at": at(0, 120),
        }
        for n in range(60)
    ]
    events = [
        {
            "touch_id": str(rng.randrange(60)),
            "type": rng.choice(["delivered", "bounced", "open", "click", "reply", "unsubscribe"]),
            "occurred_at": at(0, 120),
            "agent": maybe(rng.choice(["human", "machine", "scanner", "unknown"])),
        }
        for _ in range(150)
    ]
    assignments = [
        {
            "account_id": str(n),
            "role": "csm",
            "valid_from": day(start),
            "csm_id": rng.choice("xyz"),
            "valid_to": maybe(day(start + rng.randint(1, 60)), 0.6),
        }
        for n in range(8)
        for start in [rng.randint(-60, 90)]
    ]
    return {
        "accounts": accounts,
        "renewals": renewals,
        "nps_responses": responses,
        "touches": touches,
        "touch_events": events,
        "assignments": assignments,
    }


def in_sql(made, query):
    connection = duckdb.connect()
    for name, table in made.tables.items():
        connection.register(name, table.to_pyarrow())
    return connection.execute(query.format(day=AS_OF, first=FIRST, last=LAST, days=60)).df()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("measure", "query"),
    [
        (lambda made: rates.renewals_due(made, FIRST, LAST), sql.RENEWALS_DUE),
        (lambda made: rates.nps_answers(made, 60), sql.NPS_ANSWERS),
        (lambda made: rates.sent_touches(made, FIRST, LAST), sql.SENT_TOUCHES),
        (lambda made: rates.account_days(made, "csm", FIRST, LAST), sql.ACCOUNT_DAYS),
    ],
    ids=["renewals_due", "nps_answers", "sent_touches", "account_days"],
)
def test_the_sums_are_those_of_sql(seed, measure, query):
    made = book(random_book(seed))
    expected = in_sql(made, query)
    found = measure(take(made, AS_OF)).to_pandas()
    keys = [name for name in ("account_id", "currency", "channel", "csm_id") if name in found]
    found = found.sort_values(keys, ignore_index=True)[list(expected.columns)]
    assert len(expected) > 2
    pd.testing.assert_frame_equal(found, expected.sort_values(keys, ignore_index=True), check_dtype=False)
