"""What was going on before a date: counted within one fixed window, the same for every account."""

from datetime import date

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.ledger_inputs import going_on
from csworkbench.asof import take
from tests.books import book

JUNE, JULY = date(2026, 6, 30), date(2026, 7, 31)


def facts(tables, dates=(JUNE,), days=30, timezone="UTC"):
    """The window of 30 days before 30 June begins on 1 June."""
    rows = {"accounts": [{"account_id": "A", "name": "A"}, {"account_id": "B", "name": "B"}], **tables}
    return going_on(take(book(rows, timezone), date(2026, 7, 31)), dates, days)


def of_a(tables, column, **options):
    return facts(tables, **options).set_index("account_id").loc["A", column]


def plan(name="P1", **dates):
    row = {"plan_id": name, "account_id": "A", "playbook": "tour", "created_at": "2026-01-01T00:00:00"}
    return row | {"started_at": None, "landed_at": None, "closed_at": None} | dates


@pytest.mark.parametrize(
    ("started", "closed", "running"),
    [
        ("2026-05-01T00:00:00", None, 1),
        ("2026-05-01T00:00:00", "2026-05-31T23:59:59", 0),
        ("2026-05-01T00:00:00", "2026-06-01T00:00:00", 1),
        ("2026-06-30T23:59:59", None, 1),
        ("2026-07-01T00:00:00", None, 0),
        (None, None, 0),
    ],
)
def test_a_plan_is_running_when_it_touches_the_window(started, closed, running):
    tables = {"plans": [plan(started_at=started, closed_at=closed)]}
    assert of_a(tables, "plans_running") == running


def test_the_playbooks_of_running_plans_are_named():
    tables = {
        "plans": [
            plan("P1", started_at="2026-06-02T00:00:00"),
            plan("P2", started_at="2026-06-03T00:00:00", playbook="walk"),
        ]
    }
    assert of_a(tables, "playbooks") == "tour, walk"


def test_only_landings_within_the_window_count():
    tables = {"plans": [plan(started_at="2026-05-01T00:00:00", landed_at="2026-05-31T12:00:00")]}
    assert of_a(tables, "plans_landed") == 0
    tables = {"plans": [plan(started_at="2026-05-01T00:00:00", landed_at="2026-06-01T12:00:00")]}
    assert of_a(tables, "plans_landed") == 1


def test_touches_of_people_and_of_the_system_are_counted_apart():
    touches = [
        {"touch_id": f"T{number}", "account_id": "A", "mode": mode, "sent_at": "2026-06-10T09:00:00"}
        for number, mode in enumerate(["human", "human", "tech"])
    ]
    found = facts({"touches": touches}).set_index("account_id")
    assert found[["human_touches", "tech_touches"]].to_numpy().tolist() == [[2, 1], [0, 0]]


def test_the_window_follows_the_calendar_of_the_workspace():
    # 30 June 22:30 UTC is 1 July in Stockholm.
    tables = {"tickets": [{"ticket_id": "K", "account_id": "A", "opened_at": "2026-06-30T22:30:00"}]}
    assert of_a(tables, "tickets_opened") == 1
    assert of_a(tables, "tickets_opened", timezone="Europe/Stockholm") == 0


def test_the_change_of_use_is_that_of_the_window_against_the_one_before():
    # 10 events on 31 May, the last day of the window before; 6 and 9 in the window: 15 / 10 - 1.
    use = [
        {"account_id": "A", "date": day, "events": events}
        for day, events in (("2026-05-31", 10), ("2026-06-01", 6), ("2026-06-30", 9), ("2026-07-01", 100))
    ]
    assert of_a({"usage_daily": use}, "usage_change") == pytest.approx(0.5)


def test_without_use_before_the_change_is_not_known():
    use = [{"account_id": "A", "date": "2026-06-01", "events": 6}]
    assert pd.isna(of_a({"usage_daily": use}, "usage_change"))
    assert facts({"usage_daily": use})["usage_change"].isna().all()


def test_there_is_one_row_per_account_and_date_and_no_column_of_an_absent_table():
    found = facts({}, dates=(JULY, JUNE))
    assert list(found.columns) == ["account_id", "snapshot_on"]
    assert found.to_numpy().tolist() == [[name, pd.Timestamp(day)] for day in (JUNE, JULY) for name in ("A", "B")]


def test_the_facts_of_a_date_do_not_change_with_what_happened_later():
    early = {"tickets": [{"ticket_id": "K", "account_id": "A", "opened_at": "2026-06-10T09:00:00"}]}
    later = {"tickets": [*early["tickets"], {"ticket_id": "L", "account_id": "A", "opened_at": "2026-07-10T09:00:00"}]}
    pd.testing.assert_frame_equal(facts(early), facts(later))
