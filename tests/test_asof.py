"""The snapshot: what was known at the end of a day, and nothing else."""

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench.asof import day_start, earlier, latest_date, month_ends, since, take, with_local_day
from csworkbench.errors import DataError
from csworkbench.tables import SPECS, Kind
from tests.books import book, frame, with_rows

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


# --- properties over every table: many random rows at a few dates, because each query costs more than its rows ---

DAY_0 = date(2026, 1, 1)
DAYS = 12


def cell(column, random):
    if column.name == "account_id":
        return random.choice("abcdefgh")
    if column.nullable and random.random() < 0.3:
        return None
    return {
        Kind.TEXT: lambda: random.choice(column.allowed or ("x", "y", "z")),
        Kind.INTEGER: lambda: random.randint(0, 10),
        Kind.DECIMAL: lambda: random.randint(0, 100),
        Kind.SHARE: lambda: random.randint(0, 4) / 4,
        Kind.BOOLEAN: lambda: random.random() < 0.5,
        Kind.DATE: lambda: DAY_0 + timedelta(days=random.randrange(DAYS)),
        Kind.INSTANT: lambda: datetime.fromisoformat("2025-12-31T12:00") + timedelta(hours=random.randrange(DAYS * 24)),
    }[column.kind]()


def random_rows(name, random, count=60):
    spec = SPECS[name]
    rows = [{column.name: cell(column, random) for column in spec.columns} for _ in range(count)]
    return list({tuple(row[key] for key in spec.key_among(spec.names)): row for row in rows}.values())


def random_book(seed, names=tuple(SPECS), zone="Europe/Stockholm"):
    random = Random(seed)
    return book({name: random_rows(name, random) for name in names}, timezone=zone)


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


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(["UTC", "Asia/Shanghai", "America/New_York"])))
def test_cutting_a_later_snapshot_again_equals_taking_the_earlier_one(seed, zone):
    made = random_book(seed, zone=zone)
    assert_equal(
        earlier(take(made, DAY_0 + timedelta(days=8)), DAY_0 + timedelta(days=4)), take(made, DAY_0 + timedelta(days=4))
    )


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.known_at])
def test_facts_known_later_change_nothing(name):
    as_of = DAY_0 + timedelta(days=6)
    made = random_book(len(name), names={"accounts": 0, name: 0})
    midnight = datetime.fromisoformat("2026-01-07T23:00")  # in Stockholm
    late = [row | {"known_at": midnight} for row in random_rows(name, Random(7)) if not follows(row, made, name)]
    assert_equal(take(with_rows(made, name, late), as_of), take(made, as_of))


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.event_at])
def test_facts_that_happen_later_change_nothing(name):
    as_of = DAY_0 + timedelta(days=6)
    event = SPECS[name].column(SPECS[name].event_at)
    made = random_book(len(name), names={"accounts": 0, name: 0})
    at = date(2026, 1, 8) if event.kind is Kind.DATE else datetime.fromisoformat("2026-01-07T23:00")
    late = [row | {event.name: at} for row in random_rows(name, Random(7))]
    assert_equal(take(with_rows(made, name, late), as_of), take(made, as_of))


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
