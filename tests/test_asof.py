"""The snapshot: what was known at the end of a day, and nothing else."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from csworkbench.asof import (
    Part,
    day_start,
    earlier,
    labels,
    latest_date,
    month_ends,
    require_history,
    since,
    stray_days,
    take,
    windows,
    with_local_day,
)
from csworkbench.errors import AnalysisError, DataError
from csworkbench.formats import text
from csworkbench.sources.archive import remember, remembered
from csworkbench.tables import SPECS, Kind
from csworkbench.workspace import TableSource
from tests.books import book, frame, with_rows
from tests.oracles import asof_sql
from tests.oracles.random_book import DAY, DAY_0, DAYS, random_book, random_rows, with_parents

ACCOUNTS = [{"account_id": "a", "signup_at": "2026-01-01"}, {"account_id": "b", "signup_at": "2026-06-01"}]


def known(made, day, table):
    return frame(take(made, date.fromisoformat(day)).tables[table])


# --- rows ---


def test_a_row_counts_from_the_day_it_happened():
    made = book(
        {
            "accounts": ACCOUNTS,
            "usage_daily": [
                {"account_id": "a", "date": "2026-03-01", "events": 1},
                {"account_id": "a", "date": "2026-03-02", "events": 2},
            ],
        }
    )
    assert list(known(made, "2026-03-01", "usage_daily")["events"]) == [1]
    assert list(known(made, "2026-03-02", "usage_daily")["events"]) == [1, 2]


def test_a_row_the_warehouse_learned_of_later_is_not_there_yet():
    made = book(
        {
            "accounts": ACCOUNTS,
            "usage_daily": [
                {"account_id": "a", "date": "2026-03-01", "events": 1, "known_at": "2026-03-05T10:00"},
                {"account_id": "a", "date": "2026-03-01", "events": 2, "known_at": None},
            ],
        }
    )
    assert list(known(made, "2026-03-04", "usage_daily")["events"]) == [2]
    assert list(known(made, "2026-03-05", "usage_daily")["events"]) == [1, 2]


def test_a_day_ends_at_midnight_of_the_workspace():
    # 22:30 UTC on 1 July is 00:30 on 2 July in Stockholm (UTC+2 in summer).
    tickets = [{"ticket_id": "t", "account_id": "a", "opened_at": "2026-07-01T22:30"}]
    utc = book({"accounts": ACCOUNTS, "tickets": tickets})
    stockholm = book({"accounts": ACCOUNTS, "tickets": tickets}, timezone="Europe/Stockholm")
    assert len(known(utc, "2026-07-01", "tickets")) == 1
    assert len(known(stockholm, "2026-07-01", "tickets")) == 0
    assert len(known(stockholm, "2026-07-02", "tickets")) == 1


def test_an_account_that_has_not_signed_up_is_left_out_with_its_rows():
    made = book(
        {
            "accounts": ACCOUNTS,
            "usage_daily": [
                {"account_id": "a", "date": "2026-03-01", "events": 1},
                {"account_id": "b", "date": "2026-03-01", "events": 2},
            ],
        }
    )
    assert list(known(made, "2026-05-31", "accounts")["account_id"]) == ["a"]
    assert list(known(made, "2026-05-31", "usage_daily")["account_id"]) == ["a"]
    assert list(known(made, "2026-06-01", "usage_daily")["account_id"]) == ["a", "b"]


def test_an_account_without_signup_date_was_always_there():
    made = book({"accounts": [{"account_id": "a", "signup_at": None}]})
    assert len(known(made, "1999-01-01", "accounts")) == 1


def test_a_book_without_any_date_is_the_same_at_every_date():
    made = book({"accounts": [{"account_id": "a", "plan": "basic"}]})
    assert list(known(made, "1999-01-01", "accounts")["plan"]) == ["basic"]


def test_tables_of_no_account_stay_whole():
    made = book({"accounts": ACCOUNTS, "csms": [{"csm_id": "c", "name": "林晓"}]})
    assert list(known(made, "2020-01-01", "csms")["name"]) == ["林晓"]


# --- cells ---


def test_the_end_of_a_ticket_and_what_it_reveals_are_hidden_until_then():
    made = book(
        {
            "accounts": ACCOUNTS,
            "tickets": [
                {
                    "ticket_id": "t",
                    "account_id": "a",
                    "opened_at": "2026-03-01",
                    "resolved_at": "2026-03-09T08:00",
                    "csat": 4,
                    "topic": "login",
                }
            ],
        }
    )
    before, after = (known(made, day, "tickets").iloc[0] for day in ("2026-03-08", "2026-03-09"))
    assert (before["resolved_at"], before["csat"], before["topic"]) == (None, None, "login")
    assert (after["resolved_at"], float(after["csat"])) == (datetime.fromisoformat("2026-03-09T08:00"), 4.0)


def test_a_renewal_is_open_until_it_is_decided_and_its_due_date_always_known():
    made = book(
        {
            "accounts": ACCOUNTS,
            "renewals": [
                {
                    "renewal_id": "r",
                    "account_id": "a",
                    "due_date": "2026-08-01",
                    "decided_at": "2026-07-20",
                    "outcome": "churned",
                    "final_amount": 0,
                    "reason": "price",
                }
            ],
        }
    )
    before, after = (known(made, day, "renewals").iloc[0] for day in ("2026-07-19", "2026-07-20"))
    assert list(before[["due_date", "decided_at", "outcome", "final_amount", "reason"]]) == [
        date(2026, 8, 1),
        None,
        "open",
        None,
        None,
    ]
    assert list(after[["outcome", "reason"]]) == ["churned", "price"]


def test_a_decision_without_a_date_cannot_be_placed_and_stays_open():
    row = {"renewal_id": "r", "account_id": "a", "due_date": "2026-08-01", "outcome": "churned"}
    undated = book({"accounts": ACCOUNTS, "renewals": [row | {"decided_at": None}]})
    without_column = book({"accounts": ACCOUNTS, "renewals": [row]})
    for made in (undated, without_column):
        assert list(known(made, "2026-12-31", "renewals")["outcome"]) == ["open"]


def test_an_account_that_will_churn_has_not_churned_yet():
    made = book({"accounts": [{"account_id": "a", "churned_at": "2026-05-02"}]})
    assert list(known(made, "2026-05-01", "accounts")["churned_at"]) == [None]
    assert list(known(made, "2026-05-02", "accounts")["churned_at"]) == [datetime.fromisoformat("2026-05-02")]


def test_the_end_of_a_running_contract_is_planned_and_shown():
    made = book(
        {
            "accounts": ACCOUNTS,
            "subscriptions": [
                {"subscription_id": "s", "start_date": "2026-01-01", "end_date": "2026-12-31", "account_id": "a"}
            ],
        }
    )
    assert list(known(made, "2026-02-01", "subscriptions")["end_date"]) == [date(2026, 12, 31)]


def test_a_survey_is_known_before_its_answer():
    made = book(
        {
            "accounts": ACCOUNTS,
            "nps_responses": [
                {
                    "response_id": "n",
                    "account_id": "a",
                    "invited_at": "2026-03-01",
                    "responded_at": "2026-03-04",
                    "score": 9,
                }
            ],
        }
    )
    assert list(known(made, "2026-03-03", "nps_responses")["score"]) == [None]
    assert list(known(made, "2026-03-04", "nps_responses")["score"]) == [9]


def test_a_later_date_in_an_extra_column_is_hidden():
    made = book(
        {"accounts": [{"account_id": "a", "went_live_on": "2026-05-02"}]},
        extras={"accounts": {"went_live_on": Kind.DATE}},
    )
    assert list(known(made, "2026-05-01", "accounts")["went_live_on"]) == [None]


# --- versions ---

VERSIONS = [
    {"account_id": "a", "valid_from": "2026-01-01", "valid_to": "2026-04-01", "plan": "basic"},
    {"account_id": "a", "valid_from": "2026-04-01", "valid_to": None, "plan": "pro"},
]


def test_the_version_that_holds_starts_on_valid_from_and_ends_before_valid_to():
    made = book({"accounts": VERSIONS})
    assert [
        list(known(made, day, "accounts")["plan"]) for day in ("2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01")
    ] == [[], ["basic"], ["basic"], ["pro"]]


def test_the_end_of_a_version_is_not_known_before_it_comes():
    made = book({"accounts": VERSIONS})
    assert list(known(made, "2026-03-31", "accounts")["valid_to"]) == [None]


def test_without_ends_the_newest_version_holds():
    made = book({"accounts": [{name: value for name, value in row.items() if name != "valid_to"} for row in VERSIONS]})
    assert list(known(made, "2026-03-31", "accounts")["plan"]) == ["basic"]
    assert list(known(made, "2026-04-01", "accounts")["plan"]) == ["pro"]


def test_each_role_has_the_person_of_the_day():
    made = book(
        {
            "accounts": ACCOUNTS,
            "assignments": [
                {
                    "account_id": "a",
                    "role": "csm",
                    "valid_from": "2026-01-01",
                    "csm_id": "old",
                    "valid_to": "2026-03-01",
                },
                {"account_id": "a", "role": "csm", "valid_from": "2026-03-01", "csm_id": "new", "valid_to": None},
                {"account_id": "a", "role": "sales", "valid_from": "2026-01-01", "csm_id": "seller", "valid_to": None},
            ],
        }
    )
    assert list(known(made, "2026-02-28", "assignments")["csm_id"]) == ["old", "seller"]
    assert list(known(made, "2026-03-01", "assignments")["csm_id"]) == ["new", "seller"]


def test_history_keeps_every_version_that_is_known():
    made = book({"accounts": VERSIONS})
    assert list(frame(take(made, date(2026, 5, 1)).history["accounts"])["plan"]) == ["basic", "pro"]


# --- rows of what is not there yet ---

PLAN = {"plan_id": "p", "account_id": "a", "created_at": "2026-03-01"}


def test_steps_of_a_plan_that_is_not_made_yet_are_left_out():
    steps = [{"plan_id": "p", "step_no": 1, "name": "call"}]
    made = book({"accounts": ACCOUNTS, "plans": [PLAN], "plan_steps": steps})
    assert len(known(made, "2026-02-28", "plan_steps")) == 0
    assert len(known(made, "2026-03-01", "plan_steps")) == 1


def test_what_hangs_on_a_row_of_an_account_that_is_not_there_is_left_out_too():
    # b signs up in June; its contact was added in the CRM before.
    made = book(
        {
            "accounts": ACCOUNTS,
            "contacts": [{"contact_id": "c", "account_id": "b", "added_at": "2026-02-01"}],
            "contact_pii": [{"contact_id": "c", "name": "Åsa"}],
        }
    )
    assert len(known(made, "2026-05-31", "contact_pii")) == 0
    assert list(known(made, "2026-06-01", "contact_pii")["name"]) == ["Åsa"]


def test_an_event_of_a_touch_that_was_learned_of_later_is_left_out():
    made = book(
        {
            "accounts": ACCOUNTS,
            "touches": [{"touch_id": "t", "account_id": "a", "sent_at": "2026-03-01", "known_at": "2026-03-09"}],
            "touch_events": [{"touch_id": "t", "type": "open", "occurred_at": "2026-03-02"}],
        }
    )
    assert len(known(made, "2026-03-08", "touch_events")) == 0
    assert len(known(made, "2026-03-09", "touch_events")) == 1


def test_what_forbids_a_contact_is_never_left_out():
    made = book(
        {
            "accounts": ACCOUNTS,
            "contacts": [{"contact_id": "c", "account_id": "a", "added_at": "2026-09-01"}],
            "suppressions": [{"contact_id": "c", "address": None, "valid_from": "2026-03-01"}],
            "consents": [{"contact_id": "c", "channel": "email", "purpose": "service", "valid_from": "2026-03-01"}],
        }
    )
    assert [len(known(made, "2026-03-01", name)) for name in ("contacts", "suppressions", "consents")] == [0, 1, 1]


def test_a_later_suppression_does_not_lift_an_earlier_one():
    made = book(
        {
            "accounts": ACCOUNTS,
            "suppressions": [
                {"address": "x@example.org", "valid_from": "2026-01-01", "until": None},
                {"address": "x@example.org", "valid_from": "2026-03-01", "until": "2026-03-31"},
            ],
        }
    )
    assert list(known(made, "2026-04-15", "suppressions")["valid_from"]) == [date(2026, 1, 1), date(2026, 3, 1)]


# --- cells of the further tables ---


def test_how_a_step_ended_is_hidden_until_it_was_done_and_its_plan_is_shown():
    step = {"plan_id": "p", "planned_at": "2026-06-01", "minutes": 30}
    made = book(
        {
            "accounts": ACCOUNTS,
            "plans": [PLAN],
            "plan_steps": [
                {"step_no": 1} | step | {"status": "done", "done_at": "2026-04-02"},
                {"step_no": 2} | step | {"status": "blocked", "done_at": None},
            ],
        }
    )
    before, after = (known(made, day, "plan_steps") for day in ("2026-04-01", "2026-04-02"))
    assert list(before["status"]) == [None, "blocked"]
    assert list(before["minutes"]) == [None, None]
    assert list(before["planned_at"]) == [datetime.fromisoformat("2026-06-01")] * 2
    assert (list(after["status"]), float(after["minutes"][0])) == (["done", "blocked"], 30.0)


def test_what_only_happened_says_nothing_before_its_day_and_what_was_planned_is_always_there():
    rows = [
        {"account_id": "a", "milestone": "live", "planned_at": None, "reached_at": "2026-08-01T00:00:00"},
        {"account_id": "a", "milestone": "trained", "planned_at": "2026-09-01", "reached_at": "2026-08-02T00:00:00"},
        {"account_id": "a", "milestone": "invited", "planned_at": None, "reached_at": "2026-05-01T00:00:00"},
        {"account_id": "a", "milestone": "undated", "planned_at": None, "reached_at": None},
    ]
    made = take(book({"accounts": [{"account_id": "a"}], "milestones": rows}), date(2026, 6, 30))
    shown = made.tables["milestones"].to_pandas().set_index("milestone")["reached_at"]
    assert sorted(shown.index) == ["invited", "trained", "undated"]
    assert shown.isna().to_dict() == {"invited": False, "trained": True, "undated": True}


def test_how_a_deal_ended_is_hidden_until_it_did():
    deal = {"opportunity_id": "o", "account_id": "a", "created_at": "2026-02-01", "closed_at": "2026-03-02"}
    made = book({"accounts": ACCOUNTS, "opportunities": [deal | {"stage": "won", "is_won": True, "amount": 5}]})
    before, after = (known(made, day, "opportunities").iloc[0] for day in ("2026-03-01", "2026-03-02"))
    assert list(before[["stage", "is_won", "closed_at"]]) == [None, None, None]
    assert list(after[["stage", "is_won"]]) == ["won", True]


# --- versions that are known late ---

LATE = [VERSIONS[0] | {"known_at": None}, VERSIONS[1] | {"known_at": "2026-04-10T09:00"}]


def test_a_version_holds_until_the_next_one_is_known():
    made = book({"accounts": LATE})
    found = [known(made, day, "accounts") for day in ("2026-03-31", "2026-04-01", "2026-04-09", "2026-04-10")]
    assert [list(each["plan"]) for each in found] == [["basic"], ["basic"], ["basic"], ["pro"]]
    assert [list(each["valid_to"]) for each in found] == [[None]] * 4


def test_a_version_that_nothing_follows_ends_on_its_day():
    made = book({"accounts": [VERSIONS[0] | {"known_at": "2026-01-05"}]})
    assert [len(known(made, day, "accounts")) for day in ("2026-01-04", "2026-03-31", "2026-04-01")] == [0, 1, 0]


def test_consents_follow_each_other_per_contact_channel_and_purpose():
    consent = {"contact_id": "c", "channel": "email", "basis": None}
    made = book(
        {
            "accounts": ACCOUNTS,
            "consents": [
                consent | {"purpose": "marketing", "valid_from": "2026-01-01", "status": "granted"},
                consent | {"purpose": "marketing", "valid_from": "2026-02-01T10:00", "status": "denied"},
                consent | {"purpose": "service", "valid_from": "2026-01-01", "status": "granted"},
            ],
        }
    )
    assert list(known(made, "2026-01-31", "consents")["status"]) == ["granted", "granted"]
    assert list(known(made, "2026-02-01", "consents")["status"]) == ["denied", "granted"]


def test_of_contradicting_versions_that_were_kept_the_same_one_holds_in_any_order():
    twice = [VERSIONS[1] | {"plan": plan} for plan in ("pro", "basic", "team", "free")]
    for rows in (twice, twice[::-1], twice[2:] + twice[:2]):
        assert list(known(book({"accounts": rows}), "2026-05-01", "accounts")["plan"]) == ["basic"]


# --- properties over every table: many random rows at a few dates, because each query costs more than its rows ---

# A few tables at a time, with those they refer to: each query costs more than its rows. Shrinking would cost minutes.
PROPERTY = settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
TABLES = st.sets(st.sampled_from([name for name in SPECS if name != "accounts"]), min_size=2, max_size=4).map(
    lambda names: with_parents({"accounts", *names})
)
ZONES = st.sampled_from(["UTC", "Europe/Stockholm", "Asia/Shanghai", "America/New_York"])


def follows(row, made, name):
    """Whether a version begins the day another ends: then it is what ended that one, and not only a further row."""
    if not SPECS[name].has_versions:
        return False
    ends = {str(end) for end in frame(made.tables[name])["valid_to"]}
    return str(row["valid_from"]) in ends


def assert_equal(left, right):
    for part in ("tables", "history"):
        for name in left.tables:
            pd.testing.assert_frame_equal(frame(getattr(left, part)[name]), frame(getattr(right, part)[name]), obj=name)


@PROPERTY
@given(TABLES, st.integers(0, 10**6), ZONES)
def test_cutting_a_later_snapshot_again_equals_taking_the_earlier_one(names, seed, zone):
    made = random_book(seed, names, zone)
    assert_equal(earlier(take(made, DAY_0 + 8 * DAY), DAY_0 + 4 * DAY), take(made, DAY_0 + 4 * DAY))


def late_rows(name, made, random, day):
    """Rows that happened or became known after a day; none where the table knows neither."""
    spec = SPECS[name]
    midnight = day_start(day + timedelta(days=1), made.workspace.timezone)
    event = spec.column(spec.event_at) if spec.event_at else None
    rows = []
    for row in random_rows(name, random, 20):
        if follows(row, made, name):
            continue
        if event and random.random() < 0.5:
            late = timedelta(days=random.randrange(5))
            rows.append(row | {event.name: midnight + late if event.kind is Kind.INSTANT else day + late + DAY})
        elif spec.known_at:
            rows.append(row | {"known_at": midnight + timedelta(hours=random.randrange(100))})
    return rows


@PROPERTY
@given(TABLES, st.integers(0, 10**6), st.integers(0, DAYS - 2), ZONES)
def test_facts_that_happen_or_become_known_later_change_no_cell(names, seed, days, zone):
    as_of, random = DAY_0 + days * DAY, Random(seed)
    made = more = random_book(seed, names, zone)
    for name in made.tables:
        if rows := late_rows(name, made, random, as_of):
            more = with_rows(more, name, rows)
    assert_equal(take(more, as_of), take(made, as_of))


@PROPERTY
@given(TABLES, st.integers(0, 10**6))
def test_the_order_of_the_rows_changes_nothing(names, seed):
    made = random_book(seed, names)
    shuffled = {}
    for name, table in made.tables.items():
        rows = table.to_pyarrow().to_pylist()
        Random(seed + 1).shuffle(rows)
        shuffled[name] = rows
    assert_equal(take(book(shuffled, made.workspace.timezone), DAY_0 + 6 * DAY), take(made, DAY_0 + 6 * DAY))


@PROPERTY
@given(st.integers(0, 10**6), st.integers(0, DAYS), ZONES)
def test_the_cut_is_the_one_of_plain_sql(seed, days, zone):
    made = random_book(seed, ("accounts", "contacts", "plans", "plan_steps", "touches", "touch_events"), zone)
    day, name = DAY_0 + days * DAY, {table: made.tables[table].get_name() for table in made.tables}
    selects = {
        "accounts": asof_sql.accounts(name["accounts"], day, zone),
        "contacts": asof_sql.contacts(name["contacts"], name["accounts"], day, zone),
        "plan_steps": asof_sql.plan_steps(name["plan_steps"], name["plans"], name["accounts"], day, zone),
        "touch_events": asof_sql.touch_events(name["touch_events"], name["touches"], name["accounts"], day, zone),
    }
    snapshot = take(made, day)
    for table, select in selects.items():
        expected = ibis.memtable(made.connection.con.sql(select).to_arrow_table())
        found = snapshot.tables[table].select(*expected.columns)
        pd.testing.assert_frame_equal(frame(found), frame(expected), obj=table)


@pytest.mark.parametrize(
    ("table", "reveals", "hidden"),
    [
        ("accounts", "churned_at", {}),
        ("tickets", "resolved_at", {"csat": 3, "reopened": True}),
        ("renewals", "decided_at", {"outcome": "upsell", "final_amount": 7, "reason": "new site"}),
        ("nps_responses", "responded_at", {"score": 10, "comment": "好", "followup": "called"}),
    ],
)
def test_what_a_later_date_reveals_changes_nothing_before_it(table, reveals, hidden):
    # The same rows, once with nothing decided yet and once with what the next day brought.
    as_of = DAY_0 + timedelta(days=6)
    undecided = [row | {reveals: None} | dict.fromkeys(hidden) for row in random_rows(table, Random(3))]
    decided = [row | {reveals: datetime.fromisoformat("2026-01-08")} | hidden for row in undecided]
    others = {} if table == "accounts" else {"accounts": random_rows("accounts", Random(4))}
    before, after = (take(book(others | {table: rows}), as_of) for rows in (undecided, decided))
    assert_equal(before, after)


def test_nothing_in_a_snapshot_is_later_than_its_date():
    as_of = DAY_0 + timedelta(days=6)
    for name, table in take(random_book(5, zone="UTC"), as_of).history.items():
        planned = set(SPECS[name].planned) - {"valid_to"}
        seen = frame(table)
        for column in SPECS[name].columns:
            if column.kind in {Kind.DATE, Kind.INSTANT} and column.name not in planned:
                days = [
                    value.date() if isinstance(value, datetime) else value
                    for value in seen[column.name]
                    if value is not None
                ]
                assert max(days, default=as_of) <= as_of


# --- dates ---


def test_cutting_again_at_a_later_date_is_refused():
    snapshot = take(book({"accounts": ACCOUNTS}), date(2026, 3, 1))
    with pytest.raises(ValueError, match="2026-03-02 lies after the snapshot of 2026-03-01"):
        earlier(snapshot, date(2026, 3, 2))


def test_latest_is_the_day_of_the_newest_event_and_no_contract_of_the_future():
    made = book(
        {
            "accounts": ACCOUNTS,
            "usage_daily": [{"account_id": "a", "date": "2026-07-03"}],
            "subscriptions": [{"subscription_id": "s", "account_id": "a", "start_date": "2027-01-01"}],
        }
    )
    assert latest_date(made) == date(2026, 7, 3)


def test_latest_falls_back_to_contracts_where_nothing_else_is_dated():
    made = book(
        {
            "accounts": [{"account_id": "a"}],
            "subscriptions": [{"subscription_id": "s", "account_id": "a", "start_date": "2026-01-01"}],
        }
    )
    assert latest_date(made) == date(2026, 1, 1)


def test_latest_of_a_book_without_dates_says_what_to_set():
    with pytest.raises(DataError, match="set as_of: YYYY-MM-DD in the workspace"):
        latest_date(book({"accounts": [{"account_id": "a"}]}))


def test_months_keep_the_day_or_take_the_last_of_a_shorter_month():
    assert month_ends(date(2026, 5, 31), 4) == (
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    )
    assert month_ends(date(2026, 1, 15), 3) == (date(2025, 11, 15), date(2025, 12, 15), date(2026, 1, 15))


def test_no_months_are_refused():
    with pytest.raises(ValueError, match="months must be at least 1, not 0"):
        month_ends(date(2026, 1, 1), 0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.datetimes(datetime.fromisoformat("1991-01-01"), datetime.fromisoformat("2027-12-31")),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(
        ["UTC", "Europe/Stockholm", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
    ),
)
def test_the_local_day_is_the_one_of_the_time_zone_database(instants, zone):
    table = ibis.memtable({"at": instants}, schema={"at": "timestamp"})
    found = with_local_day(table, "at", zone).to_pandas()
    expected = [
        at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date() for at in found["at"].dt.to_pydatetime()
    ]
    assert list(pd.to_datetime(found["local_day"]).dt.date) == expected


def test_a_day_with_a_clock_change_is_shorter_or_longer():
    # Clocks in Stockholm go forward on 29 March 2026 and back on 25 October 2026.
    spring = day_start(date(2026, 3, 30), "Europe/Stockholm") - day_start(date(2026, 3, 29), "Europe/Stockholm")
    autumn = day_start(date(2026, 10, 26), "Europe/Stockholm") - day_start(date(2026, 10, 25), "Europe/Stockholm")
    assert (spring, autumn) == (timedelta(hours=23), timedelta(hours=25))


def test_since_includes_its_first_day():
    table = ibis.memtable(
        {
            "at": [datetime.fromisoformat("2026-01-31T23:59"), datetime.fromisoformat("2026-02-01")],
            "on": [date(2026, 1, 31), date(2026, 2, 1)],
        },
        schema={"at": "timestamp", "on": "date"},
    )
    flags = table.select(at=since(table["at"], date(2026, 2, 1), "UTC"), on=since(table["on"], date(2026, 2, 1), "UTC"))
    assert frame(flags).to_numpy().tolist() == [[False, False], [True, True]]


# --- what exports overwrite ---

JAN, FEB, MAR = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)


def export(day, extras=None, **arr):
    """A book whose newest event is of a day: account -> today's arr, all of them signed up in 2025."""
    accounts = [{"account_id": name, "signup_at": "2025-06-01", "arr": value} for name, value in arr.items()]
    return book({"accounts": accounts, "usage_daily": [{"account_id": "a", "date": day}]}, extras=extras)


def archived(folder, made, *exports):
    """The book beside what the runs over earlier exports remembered, each at its newest day."""
    for each in exports:
        remember(each, folder, latest_date(each))
    return replace(made, remembered=remembered(made.connection, folder))


def arr(snapshot):
    return [None if value is None else int(value) for value in frame(snapshot.tables["accounts"])["arr"]]


def test_before_the_newest_day_an_overwritten_column_shows_todays_value_and_says_so():
    made = export(MAR, a=10)
    assert (arr(take(made, FEB)), dict(take(made, FEB).current_only)) == ([10], {"accounts": ("arr",)})


@pytest.mark.parametrize(
    ("column", "varies", "doubtful"), [("arr", False, ()), ("industry", True, ("arr", "industry"))]
)
def test_the_workspace_may_say_which_columns_an_export_overwrites(column, varies, doubtful):
    accounts = [{"account_id": "a", "signup_at": "2025-06-01", "arr": 10, "industry": "retail"}]
    made = book({"accounts": accounts, "usage_daily": [{"account_id": "a", "date": MAR}]})
    source = TableSource.model_validate({"path": "accounts.csv", "columns": {column: {"varies": varies}}})
    workspace = made.workspace.model_copy(update={"tables": made.workspace.tables | {"accounts": source}})
    found = take(replace(made, workspace=workspace), FEB).current_only.get("accounts", ())
    assert sorted(found) == sorted(doubtful)


def test_on_the_newest_day_of_the_book_and_later_the_value_is_current():
    made = export(MAR, a=10)
    assert [dict(take(made, day).current_only) for day in (MAR, MAR + DAY)] == [{}, {}]


def test_columns_the_book_does_not_have_are_no_doubt():
    made = book({"accounts": ACCOUNTS, "usage_daily": [{"account_id": "a", "date": "2026-03-31"}]})
    assert dict(take(made, FEB).current_only) == {}


def test_a_table_with_versions_has_no_doubt():
    made = book({"accounts": VERSIONS, "usage_daily": [{"account_id": "a", "date": "2026-05-31"}]})
    assert dict(take(made, date(2026, 4, 1)).current_only) == {}


def test_a_book_without_dates_is_of_the_day_that_is_asked_for():
    snapshot = take(book({"accounts": [{"account_id": "a", "arr": 10}]}), MAR)
    assert dict(snapshot.current_only) == {}
    assert dict(earlier(snapshot, FEB).current_only) == {"accounts": ("arr",)}


def test_the_version_remembered_of_the_day_is_shown(tmp_path):
    made = archived(tmp_path, export(MAR, a=30), export(JAN, a=10), export(FEB, a=20))
    days = [JAN - DAY, JAN, FEB - DAY, FEB, MAR - DAY, MAR]
    assert [arr(take(made, day)) for day in days] == [[30], [10], [10], [20], [20], [30]]


def test_a_column_is_in_doubt_until_it_is_remembered_of_every_row(tmp_path):
    # b came into the export in February: in January today's value stands in for it.
    made = archived(tmp_path, export(MAR, a=30, b=7), export(JAN, a=10), export(FEB, a=20, b=5))
    assert [arr(take(made, day)) for day in (JAN, FEB)] == [[10, 7], [20, 5]]
    assert [dict(take(made, day).current_only) for day in (JAN, FEB)] == [{"accounts": ("arr",)}, {}]


def test_a_row_that_was_gone_shows_todays_value(tmp_path):
    made = archived(tmp_path, export(MAR, a=30), export(JAN, a=10), export(FEB, b=5))
    assert arr(take(made, FEB)) == [30]
    assert dict(take(made, FEB).current_only) == {"accounts": ("arr",)}


def test_a_value_that_was_blank_is_remembered_as_blank(tmp_path):
    made = archived(tmp_path, export(MAR, a=30), export(JAN, a=None))
    assert (arr(take(made, JAN)), dict(take(made, JAN).current_only)) == ([None], {})


def test_a_contact_who_changed_jobs_is_at_the_account_of_then(tmp_path):
    def export_of(day, account, *signed_up):
        return book(
            {
                "accounts": [{"account_id": "a", "signup_at": "2025-01-01"}, *signed_up],
                "contacts": [{"contact_id": "c", "account_id": account}],
                "usage_daily": [{"account_id": "a", "date": day}],
            }
        )

    # The account the person went to signed up only in March.
    made = archived(tmp_path, export_of(MAR, "b", {"account_id": "b", "signup_at": MAR}), export_of(JAN, "a"))
    people = [frame(take(made, day).tables["contacts"])["account_id"].tolist() for day in (JAN - DAY, FEB, MAR)]
    assert people == [[], ["a"], ["b"]]


@pytest.mark.parametrize(("word", "shown", "doubtful"), [("big", 5, ("segment",)), ("4", 4, ())])
def test_a_value_that_is_none_of_the_kind_of_today_is_not_remembered(tmp_path, word, shown, doubtful):
    def export_of(day, segment, kind):
        accounts = [{"account_id": "a", "signup_at": "2025-06-01", "segment": segment}]
        extras = {"accounts": {"segment": kind}}
        made = book({"accounts": accounts, "usage_daily": [{"account_id": "a", "date": day}]}, extras=extras)
        source = TableSource.model_validate({"path": "accounts.csv", "extra": {"segment": kind}})
        tables = made.workspace.tables | {"accounts": source}
        return replace(made, workspace=made.workspace.model_copy(update={"tables": tables}))

    made = archived(tmp_path, export_of(MAR, 5, Kind.INTEGER), export_of(JAN, word, Kind.TEXT))
    snapshot = take(made, FEB)
    assert list(frame(snapshot.tables["accounts"])["segment"]) == [shown]
    assert snapshot.current_only.get("accounts", ()) == doubtful


def test_what_was_remembered_of_a_step_is_shown_though_it_was_done_later(tmp_path):
    def export_of(day, **step):
        return book(
            {
                "accounts": ACCOUNTS[:1],
                "plans": [{"plan_id": "p", "account_id": "a", "created_at": "2026-01-01"}],
                "plan_steps": [{"plan_id": "p", "step_no": 1} | step],
                "usage_daily": [{"account_id": "a", "date": day}],
            }
        )

    first = export_of(JAN, status="blocked", blocker="customer", done_at=None)
    last = export_of(MAR, status="done", blocker="none", done_at="2026-03-15")
    (step,) = take(archived(tmp_path, last, first), FEB).tables["plan_steps"].to_pyarrow().to_pylist()
    assert (step["status"], step["blocker"], step["done_at"]) == ("blocked", "customer", None)


def test_an_archive_of_later_days_changes_nothing_before(tmp_path):
    made = archived(tmp_path / "one", export(MAR, a=30), export(JAN, a=10))
    more = archived(tmp_path / "two", export(MAR, a=30), export(JAN, a=10), export(FEB, a=20), export(MAR, a=30))
    for day in (JAN - DAY, JAN, FEB - DAY):
        assert_equal(take(more, day), take(made, day))


def test_cutting_again_shows_what_was_remembered_of_the_earlier_day(tmp_path):
    made = archived(tmp_path, export(MAR, a=30, b=1), export(JAN, a=10), export(FEB, a=20))
    for day in (JAN - DAY, JAN, FEB):
        again, taken = earlier(take(made, MAR), day), take(made, day)
        assert_equal(again, taken)
        assert dict(again.current_only) == dict(taken.current_only)


def test_todays_value_is_refused_as_evidence_with_what_to_do(tmp_path):
    snapshot = take(archived(tmp_path, export(MAR, a=30), export(JAN, a=10)), JAN - DAY)
    expected = (
        "accounts: arr: the export holds today's value, and nobody recorded the one of 2026-01-30 "
        "(give `valid_from` and `valid_to`, or wait: each run archives it since 2026-01-31)"
    )
    with pytest.raises(AnalysisError, match=re.escape(expected)):
        require_history(snapshot, "accounts", ("account_id", "arr"))


def test_what_can_have_no_versions_is_only_archived():
    renewal = {"renewal_id": "r", "account_id": "a", "due_date": "2026-08-01", "target_amount": 5}
    made = book({"accounts": ACCOUNTS, "renewals": [renewal]})
    with pytest.raises(AnalysisError, match=r"target_amount: .* \(wait: each run archives it from now on\)"):
        require_history(take(made, MAR), "renewals", ("target_amount",))


def test_evidence_with_a_history_is_let_through(tmp_path):
    made = archived(tmp_path, export(MAR, a=30), export(JAN, a=10))
    require_history(take(made, JAN), "accounts", ("arr", "region"))
    require_history(take(made, MAR), "accounts", ("arr",))
    require_history(take(made, JAN - DAY), "accounts", ("region",))


# --- the newest day ---


def usage(days, per_day, first="2026-01-01"):
    start = date.fromisoformat(first)
    return [{"account_id": "a", "date": start + day * DAY, "events": n} for day in range(days) for n in range(per_day)]


def far_off(day, rows, **tables):
    """A book of many rows of use, a few of them on a day far off."""
    stray = [{"account_id": "a", "date": day, "events": 99 + n} for n in range(rows)]
    return book({"accounts": ACCOUNTS[:1], "usage_daily": usage(100, 20) + stray, **tables})


def test_a_typo_does_not_move_the_newest_day():
    # 2002 dated rows: two of them may lie anywhere. Day 100 of 2026 is 10 April.
    assert latest_date(far_off("2099-04-10", 1)) == date(2026, 4, 10)


def test_rows_that_are_many_move_the_newest_day():
    assert latest_date(far_off("2099-04-10", 3)) == date(2099, 4, 10)


def test_a_few_rows_up_to_31_days_on_are_believed():
    assert latest_date(far_off("2026-05-11", 1)) == date(2026, 5, 11)
    assert latest_date(far_off("2026-05-12", 1)) == date(2026, 4, 10)


def test_a_typo_in_a_small_table_is_measured_against_all_tables():
    nps = [{"response_id": "r", "account_id": "a", "invited_at": "2062-04-01"}]
    assert latest_date(far_off("2026-04-10", 1, nps_responses=nps)) == date(2026, 4, 10)


def test_small_tables_go_on_where_a_large_one_stopped():
    # One answer every 30 days until 9 August leads on from the use that ended on 10 April.
    days = [date(2026, 4, 11) + 30 * n * DAY for n in range(5)]
    nps = [{"response_id": str(day), "account_id": "a", "invited_at": day.isoformat()} for day in days]
    made = book({"accounts": ACCOUNTS[:1], "usage_daily": usage(100, 60), "nps_responses": nps})
    assert latest_date(made) == date(2026, 8, 9)


def test_a_book_of_few_rows_is_believed():
    made = book({"accounts": ACCOUNTS, "usage_daily": [{"account_id": "a", "date": "2099-01-01"}]})
    assert latest_date(made) == date(2099, 1, 1)


def read_on(made, today, as_of="latest"):
    workspace = made.workspace.model_copy(update={"as_of": as_of})
    return replace(made, workspace=workspace, today=today)


def small_book(*days):
    return book({"accounts": ACCOUNTS, "usage_daily": [{"account_id": "a", "date": day} for day in days]})


def test_a_day_after_the_day_of_reading_is_never_the_newest():
    made = small_book("2026-05-31", "2026-06-01", "2099-01-01")
    assert latest_date(read_on(made, date(2026, 6, 1))) == date(2026, 6, 1)
    assert latest_date(read_on(made, date(2026, 5, 31))) == date(2026, 5, 31)
    # Three rows in a thousand may move the newest day, but not into the future.
    assert latest_date(read_on(far_off("2099-04-10", 3), date(2026, 6, 1))) == date(2026, 4, 10)


def test_a_workspace_declared_to_be_of_a_day_ahead_is_believed():
    assert latest_date(read_on(small_book("2026-09-30"), date(2026, 6, 1), date(2026, 9, 30))) == date(2026, 9, 30)


def test_a_clock_before_every_row_is_not_believed():
    assert latest_date(read_on(small_book("2026-05-31", "2026-06-01"), date(1970, 1, 1))) == date(2026, 6, 1)


def test_a_day_ahead_is_told_in_a_small_book():
    (caveat,) = stray_days(take(read_on(small_book("2026-06-01", "2099-01-01"), date(2026, 6, 2)), date(2026, 6, 1)))
    assert text(caveat.message, "en").startswith("usage_daily holds rows as late as 1 Jan 2099, which lies ahead of")


def test_days_far_off_are_told():
    made = far_off("2099-04-10", 1)
    (caveat,) = stray_days(take(made, date(2026, 3, 1)))
    assert (caveat.code, text(caveat.message, "en")) == (
        "stray_days",
        "usage_daily holds rows as late as 10 Apr 2099, which lies ahead of today or far from other rows: "
        "the book is taken to end on 10 Apr 2026",
    )
    assert stray_days(take(far_off("2026-04-10", 1), date(2026, 3, 1))) == ()


# --- labels ---


def test_a_date_trains_when_its_labels_end_by_the_cut_and_tests_from_the_cut_on():
    # Horizon 30 days: 1 March reaches to 31 March, 2 March to 1 April.
    dates = [date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 30), date(2026, 3, 1)]
    found = windows(dates, 30, cut=MAR)
    assert [(each.snapshot_date.isoformat(), each.part) for each in found] == [
        ("2026-03-01", Part.TRAIN),
        ("2026-03-02", Part.PURGED),
        ("2026-03-30", Part.PURGED),
        ("2026-03-31", Part.TEST),
    ]


def test_labels_begin_the_day_after_the_date_or_after_the_lead_time():
    plain, led = windows([JAN], 30, MAR)[0], windows([JAN], 30, MAR, lead_days=7)[0]
    assert (plain.first, plain.last) == (date(2026, 2, 1), date(2026, 3, 2))
    assert (led.first, led.last) == (date(2026, 2, 8), date(2026, 3, 2))


def test_a_lead_time_as_long_as_the_horizon_is_refused():
    with pytest.raises(ValueError, match="a horizon of 30 days has no room for a lead time of 30"):
        windows([JAN], 30, MAR, lead_days=30)


def outcomes(made, as_of, table, dates, horizon=28, lead=0):
    found = labels(take(made, as_of), table, windows(dates, horizon, MAR, lead_days=lead))
    return [
        (row.snapshot_date.date(), getattr(row, "renewal_id", row.account_id), row.outcome, row.is_complete)
        for row in found.itertuples()
    ]


CHURNS = [
    {"account_id": "early", "signup_at": "2025-01-01", "churned_at": "2026-01-31"},
    {"account_id": "in", "signup_at": "2025-01-01", "churned_at": "2026-02-28T23:00"},
    {"account_id": "after", "signup_at": "2025-01-01", "churned_at": "2026-03-01"},
    {"account_id": "new", "signup_at": "2026-02-01", "churned_at": "2026-02-15"},
]


def test_an_account_is_labelled_while_it_is_there_by_what_came_in_the_window():
    # From 31 January on, 28 days end on 28 February.
    assert outcomes(book({"accounts": CHURNS}), MAR, "accounts", [JAN]) == [
        (JAN, "after", "stayed", True),
        (JAN, "in", "churned", True),
    ]


def test_an_account_that_left_within_the_lead_time_is_no_label():
    made = book({"accounts": [*CHURNS[1:3], CHURNS[0] | {"account_id": "soon", "churned_at": "2026-02-03"}]})
    assert [name for _, name, _, _ in outcomes(made, MAR, "accounts", [JAN], lead=7)] == ["after", "in"]


def test_what_is_known_later_than_the_snapshot_is_open():
    made = book({"accounts": CHURNS})
    assert outcomes(made, FEB - DAY, "accounts", [JAN]) == [(JAN, "after", "open", False), (JAN, "in", "open", False)]
    assert outcomes(made, FEB, "accounts", [JAN]) == [(JAN, "after", "stayed", True), (JAN, "in", "churned", True)]


def test_an_account_with_versions_is_labelled_once():
    versions = [row | {"signup_at": "2025-01-01", "churned_at": None} for row in VERSIONS]
    versions[1] |= {"churned_at": "2026-04-20"}
    assert outcomes(book({"accounts": versions}), date(2026, 6, 1), "accounts", [MAR]) == [(MAR, "a", "churned", True)]


def came_back(*churns):
    """Versions of one account from 1 January on, each a month long: the day it had left by then, if any."""
    months = [date(2026, month, 1) for month in range(1, len(churns) + 2)]
    row = {"account_id": "a", "signup_at": "2025-01-01"}
    return [
        row | {"valid_from": first, "valid_to": after if after != months[-1] else None, "churned_at": left}
        for first, after, left in zip(months, months[1:], churns, strict=False)
    ]


def months_of(rows, *days):
    made = book({"accounts": rows})
    return [(day, outcome) for day, _, outcome, _ in outcomes(made, date(2026, 12, 31), "accounts", days)]


def test_a_customer_who_came_back_is_labelled_again_from_that_day():
    # Left on 10 February, which the version of March says; back with the version of April, gone again on 20 May.
    rows = came_back(None, None, "2026-02-10", None, None, "2026-05-20")
    days = [JAN, FEB, MAR, date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 20)]
    # On 28 February and 31 March it was gone, from 1 April 28 days reach to 29 April, from 30 April to 28 May.
    assert months_of(rows, *days) == [(JAN, "churned"), (days[3], "stayed"), (days[4], "churned")]


def test_a_departure_that_is_corrected_is_one_departure():
    rows = came_back(None, None, "2026-02-10", "2026-02-12")
    assert months_of(rows, JAN, MAR) == [(JAN, "churned")]


def test_a_notice_that_was_taken_back_is_no_departure():
    # Notice given in January for 10 February, and taken back with the version of February.
    assert months_of(came_back("2026-02-10", None), JAN, FEB) == [(JAN, "stayed"), (FEB, "stayed")]


def renewal(name, due, decided=None, outcome=None, **more):
    row = {"renewal_id": name, "account_id": "a", "due_date": due, "decided_at": decided, "outcome": outcome}
    return row | {"known_at": None} | more


def test_a_renewal_is_labelled_where_it_is_decided_in_the_window_or_due_and_open():
    rows = [
        renewal("decided before", "2026-02-10", "2026-01-31", "churned"),
        renewal("decided in it", "2026-02-10", "2026-02-01", "partial"),
        renewal("decided early", "2026-09-01", "2026-02-28", "churned"),
        renewal("decided after", "2026-02-10", "2026-03-01", "renewed"),
        renewal("long past due", "2025-12-01"),
        renewal("due later", "2026-03-01"),
    ]
    made = book({"accounts": [{"account_id": "a"}], "renewals": rows})
    assert outcomes(made, MAR, "renewals", [JAN]) == [
        (JAN, "decided after", "open", True),
        (JAN, "decided early", "churned", True),
        (JAN, "decided in it", "partial", True),
        (JAN, "long past due", "open", True),
    ]


def test_a_renewal_of_an_account_that_had_not_signed_up_is_no_label():
    accounts = [{"account_id": "a", "signup_at": "2026-02-01"}, {"account_id": "b", "signup_at": JAN.isoformat()}]
    rows = [renewal("new", "2026-02-10"), renewal("old", "2026-02-10", account_id="b")]
    made = book({"accounts": accounts, "renewals": rows})
    assert [name for _, name, _, _ in outcomes(made, MAR, "renewals", [JAN])] == ["old"]
    assert [name for _, name, _, _ in outcomes(made, MAR, "renewals", [FEB])] == ["new", "old"]


def test_a_decision_the_warehouse_learned_of_after_the_snapshot_is_open():
    rows = [renewal("r", "2026-02-10", "2026-02-10", "churned", known_at="2026-04-01")]
    made = book({"accounts": [{"account_id": "a"}], "renewals": rows})
    assert outcomes(made, MAR, "renewals", [JAN]) == []
    assert outcomes(made, MAR + DAY, "renewals", [JAN]) == [(JAN, "r", "churned", True)]


def test_a_decision_is_of_its_day_in_the_calendar_of_the_workspace():
    # 28 February 23:30 UTC is 1 March in Stockholm.
    rows = [renewal("r", "2026-03-20", "2026-02-28T23:30", "churned")]
    for zone, expected in (("UTC", [(JAN, "r", "churned", True)]), ("Europe/Stockholm", [])):
        made = book({"accounts": [{"account_id": "a"}], "renewals": rows}, timezone=zone)
        assert outcomes(made, MAR, "renewals", [JAN]) == expected


def test_outcomes_that_are_not_dated_are_refused():
    made = book({"accounts": ACCOUNTS, "renewals": [{"renewal_id": "r", "account_id": "a", "due_date": "2026-02-10"}]})
    with pytest.raises(AnalysisError, match="outcomes are not recorded: renewals lacks decided_at, outcome"):
        outcomes(made, MAR, "renewals", [JAN])
    with pytest.raises(AnalysisError, match="outcomes are not recorded: needs `renewals`"):
        outcomes(book({"accounts": ACCOUNTS}), MAR, "renewals", [JAN])


def test_labels_of_no_window_are_refused():
    with pytest.raises(ValueError, match="labels need at least one window"):
        labels(take(book({"accounts": CHURNS}), MAR), "accounts", ())
