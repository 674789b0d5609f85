"""What is known around plans: dates in the workspace's calendar, absent tables as no rows, levels before the start."""

from datetime import date

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.boards_inputs import surroundings
from csworkbench.asof import take
from tests.books import book

AS_OF = date(2026, 6, 30)
PLAN = {
    "plan_id": "P1",
    "account_id": "A",
    "playbook": "tour",
    "created_at": "2026-05-01T08:00:00",
    "started_at": "2026-05-10T22:30:00",
}


def around(tables=None, timezone="UTC", dates=(AS_OF,)):
    rows = {
        "accounts": [{"account_id": "A", "name": "Alfa", "value_tier": "large"}, {"account_id": "B"}],
        **(tables or {}),
    }
    return surroundings(take(book(rows, timezone), AS_OF), dates, 30)


def test_days_are_those_of_the_workspace():
    # 22:30 in UTC is half past midnight in Stockholm.
    assert around({"plans": [PLAN]}).plans["started_on"].tolist() == [pd.Timestamp("2026-05-10")]
    assert around({"plans": [PLAN]}, "Europe/Stockholm").plans["started_on"].tolist() == [pd.Timestamp("2026-05-11")]


def test_tables_that_are_absent_have_their_columns_and_no_row():
    found = around()
    assert [len(frame) for frame in (found.plans, found.steps, found.goals, found.notes, found.levels)] == [0] * 5
    assert {"closed_on", "customer_commitments"} <= set(found.plans.columns)
    assert {"planned_on", "done_on", "blocker"} <= set(found.steps.columns)


def test_columns_that_a_table_does_not_have_are_missing_values():
    assert around({"plans": [PLAN]}).plans[["closed_on", "problem"]].isna().all(axis=None)


def test_accounts_have_a_name_a_tier_and_the_day_they_left():
    found = around().accounts
    assert found[["name", "tier"]].to_numpy().tolist() == [["Alfa", "large"], ["B", "not known"]]
    assert found["left_on"].isna().all()


def test_the_level_before_the_start_is_the_mean_of_the_recorded_days_of_the_window():
    # The window of 30 days before 10 May is 10 April to 9 May.
    metrics = [
        {"account_id": "A", "metric": "queries_run", "date": day, "value": value}
        for day, value in (("2026-04-09", 1000), ("2026-04-10", 10), ("2026-05-09", 20), ("2026-05-10", 1000))
    ]
    other = [{"account_id": "A", "metric": "orders_handled", "date": "2026-05-01", "value": 7}]
    goals = [{"plan_id": "P1", "metric": "queries_run", "baseline": 15.0, "target": 20.0}]
    found = around({"plans": [PLAN], "plan_goals": goals, "metrics_daily": metrics + other}).levels
    assert found.to_numpy().tolist() == [["P1", "queries_run", pytest.approx(15.0)]]


def test_the_level_has_the_same_digits_in_any_order_of_the_days():
    # As floats (0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in the last digit.
    values = (0.1, 0.2, 0.3, 1e11, 0.7, 0.9)
    goals = [{"plan_id": "P1", "metric": "queries_run", "baseline": 15.0, "target": 20.0}]
    found = []
    for order in (values, values[::-1]):
        rows = [
            {"account_id": "A", "metric": "queries_run", "date": f"2026-05-0{day}", "value": value}
            for day, value in enumerate(order, 1)
        ]
        found.append(around({"plans": [PLAN], "plan_goals": goals, "metrics_daily": rows}).levels["value"].tolist())
    assert found[0] == found[1]


def test_a_plan_that_has_not_begun_has_no_level_before_it():
    goals = [{"plan_id": "P1", "metric": "queries_run", "baseline": 15.0, "target": 20.0}]
    metrics = [{"account_id": "A", "metric": "queries_run", "date": "2026-05-01", "value": 7}]
    found = around({"plans": [PLAN | {"started_at": None}], "plan_goals": goals, "metrics_daily": metrics})
    assert found.levels.empty


def test_only_touches_of_plans_with_a_note_are_notes():
    touches = [
        {"touch_id": "T1", "account_id": "A", "plan_id": "P1", "sent_at": "2026-06-01T08:00:00", "note": "said"},
        {"touch_id": "T2", "account_id": "A", "plan_id": "P1", "sent_at": "2026-06-01T08:00:00", "note": None},
        {"touch_id": "T3", "account_id": "A", "plan_id": None, "sent_at": "2026-06-01T08:00:00", "note": "other"},
    ]
    assert around({"plans": [PLAN], "touches": touches}).notes["note"].tolist() == ["said"]


def test_what_became_known_after_the_date_changes_nothing():
    later = PLAN | {"plan_id": "P2", "created_at": "2026-07-01T00:00:00", "started_at": "2026-07-02T00:00:00"}
    pd.testing.assert_frame_equal(around({"plans": [PLAN]}).plans, around({"plans": [PLAN, later]}).plans)


def test_without_dates_nothing_is_counted_before_them():
    assert around({"plans": [PLAN]}, dates=()).facts.empty
