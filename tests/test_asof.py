"""The snapshot: what was known at the end of a day, and nothing else."""

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from csworkbench.asof import day_start, earlier, latest_date, month_ends, since, take, with_local_day
from csworkbench.errors import DataError
from csworkbench.tables import SPECS, Kind
from tests.books import book, frame, with_rows
from tests.oracles import asof_sql

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

DAY_0, DAY = date(2026, 1, 1), timedelta(days=1)
DAYS = 12
# A few tables at a time, with those they refer to: each query costs more than its rows. Shrinking would cost minutes.
PROPERTY = settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
TABLES = st.sets(st.sampled_from([name for name in SPECS if name != "accounts"]), min_size=2, max_size=4).map(
    lambda names: with_parents({"accounts", *names})
)
ZONES = st.sampled_from(["UTC", "Europe/Stockholm", "Asia/Shanghai", "America/New_York"])


def with_parents(names):
    parents = {key.table for name in names for key in SPECS[name].foreign_keys if not key.keep_orphans}
    return tuple(name for name in SPECS if name in names) if parents <= names else with_parents(names | parents)


def cell(column, random):
    if column.nullable and random.random() < 0.3:
        return None
    if column.name.endswith("_id"):
        return random.choice("abcdefgh")
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
