"""Can today's data be trusted, and what can it answer?"""

import math
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint, proportion_effectsize

from csworkbench import config as configs
from csworkbench import formats, sources
from csworkbench.analyses import data_check
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from csworkbench.inference import power
from csworkbench.sources import Finding
from csworkbench.tables import Kind
from csworkbench.workspace import TableSource, load_workspace
from tests.books import book

ROOT = Path(__file__).resolve().parents[2]
TELCO = ROOT.parent / "shared" / "data" / "telco.csv"
SEPTEMBER = date(2026, 9, 30)
ACCOUNTS = [{"account_id": f"A{row}", "signup_at": "2026-01-01T12:00:00"} for row in range(4)]
TICKETS = [
    {"ticket_id": "T1", "account_id": "A1", "opened_at": "2026-09-20T23:30:00", "topic": "how_to"},
    {"ticket_id": "T2", "account_id": "A1", "opened_at": "2026-08-01T10:00:00", "topic": "billing"},
    {"ticket_id": "T3", "account_id": "A2", "opened_at": "2026-07-01T10:00:00", "topic": "billing"},
    {"ticket_id": "T4", "account_id": "A2", "opened_at": "2026-10-05T10:00:00", "topic": None},
]


def question(**changes):
    return data_check.Question(
        **{
            "analysis": "health",
            "question": "Who writes?",
            "table": "tickets",
            "needs": 2,
            "record": "tickets",
            **changes,
        }
    )


def run(made, as_of=SEPTEMBER, **settings):
    config = data_check.Config(**settings)
    return data_check.analyze(data_check.prepare(take(made, as_of), config, {}), config)


def answer(made, *questions, **settings):
    """The only row of the table of answers."""
    found = run(made, questions=questions, **settings).tables["answerability"]
    return found.iloc[0]


def make_book(tables=None, **changes):
    return book(tables or {"accounts": ACCOUNTS, "tickets": TICKETS}, **changes)


def reporting(made, table, **changes):
    return replace(made, reports={**made.reports, table: replace(made.reports[table], **changes)})


def finding(**changes):
    return Finding(
        **{
            "table": "tickets",
            "rule": "range",
            "column": "csat",
            "count": 1,
            "example": "-3",
            "place": "tickets.csv:7",
            "hint": "0 or more",
            "action": "quarantined",
            **changes,
        }
    )


def row(result, place, **key):
    frame = result.tables[place]
    for column, value in key.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def codes(result):
    return [caveat.code for caveat in result.caveats]


def say(message):
    return formats.text(message)


# --- verdict ----------------------------------------------------------------------------------------------------------


def test_whole_and_fresh_data_can_be_trusted():
    result = run(make_book(), fresh_within_days={"tickets": 10})
    assert say(result.headline) == (
        "Today's data can be trusted: 8 rows in 2 tables, none refused, and none of the 1 table with a limit too old."
    )
    assert result.caveats == ()


def test_few_refused_rows_are_a_warning_and_the_place_is_named():
    made = reporting(make_book(), "tickets", quarantined=1, findings=(finding(),))
    result = run(made, most_refused=0.5)
    assert codes(result) == ["rows_refused"]
    assert "can be used with care: 8 rows in 2 tables, and 1 warning to read first" in say(result.headline)
    assert say(result.actions[0]) == "Correct tickets at the source: csat at tickets.csv:7 (0 or more)."
    # 1 of 4 + 1 tickets, 1 of 8 + 1 rows
    assert row(result, "tables", table="tickets")["refused_share"] == pytest.approx(0.2)
    assert (result.figures["rows_refused"].value, result.figures["rows_refused"].n) == (pytest.approx(1 / 9), 9)


def test_too_many_refused_rows_say_stop():
    made = reporting(make_book(), "tickets", quarantined=1, findings=(finding(),))
    result = run(made, most_refused=0.19)
    assert (result.caveats[0].code, result.caveats[0].severity) == ("rows_refused", "stop")
    assert "cannot be trusted yet: too many rows were refused, above all in tickets" in say(result.headline)


def test_a_share_of_refused_rows_at_the_limit_is_still_allowed():
    made = reporting(make_book(), "tickets", quarantined=1, findings=(finding(),))
    assert run(made, most_refused=0.2).caveats[0].severity == "warning"


def test_rows_kept_against_a_rule_are_a_warning():
    made = reporting(make_book(), "tickets", findings=(finding(action="flagged", count=3),))
    caveat = run(made).caveats[0]
    assert say(caveat.message) == "Rows that break a rule are kept (3 cases): tickets.csat"


def test_late_rows_and_blanks_are_notes():
    found = (
        finding(rule="late", column="known_at", count=2, action="kept"),
        finding(rule="blank", column="topic", count=5, action="kept", example=""),
    )
    result = run(reporting(make_book(), "tickets", findings=found))
    assert {caveat.code: caveat.severity.value for caveat in result.caveats} == {"late_rows": "note", "blanks": "note"}
    assert row(result, "tables", table="tickets")["late_rows"] == 2
    assert "can be trusted" in say(result.headline)


def test_a_book_without_accounts_on_the_date_is_refused():
    made = make_book({"accounts": [{"account_id": "A1", "signup_at": "2026-12-01T00:00:00"}]})
    with pytest.raises(AnalysisError, match="no account is known on 2026-09-30"):
        run(made)


# --- tables, columns, findings ----------------------------------------------------------------------------------------


def test_freshness_counts_days_from_the_newest_row_known_on_the_date():
    result = run(make_book(), fresh_within_days={"tickets": 10})
    found = row(result, "tables", table="tickets")
    # T4 lies after the date. T1 of 20 September is ten days old.
    assert found[["state", "rows", "known_rows", "days_since_last"]].tolist() == ["fresh", 4, 3, 10]
    assert (found["first_event"], found["last_event"]) == (pd.Timestamp("2026-07-01"), pd.Timestamp("2026-09-20"))


def test_a_day_beyond_the_limit_is_stale():
    result = run(make_book(), fresh_within_days={"tickets": 9})
    assert row(result, "tables", table="tickets")["state"] == "stale"
    assert result.figures["tables_stale"].value == 1
    assert say(result.caveats[0].message) == "tickets: the newest row is 10 days old; 9 days are allowed"
    assert say(result.actions[0]) == "Get new exports of tickets."


def test_days_are_those_of_the_workspace():
    # 23:30 UTC on the 20th is the 21st in Stockholm.
    result = run(make_book(timezone="Europe/Stockholm"))
    assert row(result, "tables", table="tickets")["last_event"] == pd.Timestamp("2026-09-21")


def test_a_date_without_time_stays_the_day_it_is():
    usage = [{"account_id": "A1", "user_id": "U", "feature": "query", "date": "2026-09-30", "events": 1}]
    result = run(make_book({"accounts": ACCOUNTS, "usage_daily": usage}, timezone="America/Los_Angeles"))
    assert row(result, "tables", table="usage_daily")["last_event"] == pd.Timestamp("2026-09-30")


def test_tables_nobody_set_a_limit_for_are_not_judged():
    result = run(make_book())
    assert result.tables["tables"]["state"].tolist() == ["not judged", "not judged"]
    assert "tables_stale" not in result.figures


def test_data_whose_age_nobody_judged_is_not_called_fresh():
    assert say(run(make_book()).headline) == (
        "Today's data can be trusted as far as it was checked: 8 rows in 2 tables, none refused; "
        "whether they are too old was not judged."
    )


def test_a_limit_without_any_dated_row_is_a_warning():
    made = make_book({"accounts": ACCOUNTS, "tickets": [TICKETS[0] | {"opened_at": "2026-10-05"}]})
    result = run(made, fresh_within_days={"tickets": 10})
    assert (row(result, "tables", table="tickets")["state"], codes(result)) == ("no dates", ["no_dated_row"])


def test_accounts_that_have_left_are_not_counted_as_accounts():
    accounts = [{"account_id": f"A{place}", "churned_at": "2026-08-01" if place == 1 else None} for place in (1, 2, 3)]
    result = run(make_book({"accounts": accounts, "tickets": TICKETS}), questions=(question(),))
    assert result.tables["answerability"].loc[0, "has"] == 1  # A2; the tickets of A1 are there, the account is gone


def test_tables_without_dates_say_so():
    result = run(make_book({"accounts": ACCOUNTS, "csms": [{"csm_id": "C1"}]}))
    assert row(result, "tables", table="csms")["state"] == "no dates"


def test_columns_show_type_role_and_blanks():
    extra = {"gone": Kind.BOOLEAN, "size": Kind.DECIMAL}
    rows = [each | {"gone": True, "size": 3.5} for each in ACCOUNTS]
    made = make_book({"accounts": rows}, extras={"accounts": extra}, outcomes=("gone",))
    workspace = made.workspace.model_copy(update={"tables": {"accounts": TableSource(path="a.csv", extra=extra)}})
    made = replace(reporting(made, "accounts", blanks={"size": 1}), workspace=workspace)
    result = run(made)
    assert row(result, "columns", column="gone")[["type", "role", "blanks"]].tolist() == ["boolean", "outcome", 0]
    assert row(result, "columns", column="size")[["role", "blanks", "blank_share"]].tolist() == ["attribute", 1, 0.25]


def test_the_weightiest_findings_come_first():
    found = (finding(action="kept", count=90), finding(action="flagged", count=5), finding(count=1), finding(count=2))
    result = run(reporting(make_book(), "tickets", findings=found))
    assert result.tables["findings"][["action", "count"]].to_numpy().tolist() == [
        ["quarantined", 2],
        ["quarantined", 1],
        ["flagged", 5],
        ["kept", 90],
    ]


# --- what rows break -------------------------------------------------------------------------------------------------


def test_every_rule_that_rows_break_is_a_figure_with_its_share():
    found = (finding(action="flagged", rule="before_start", column="opened_at", count=3), finding(count=2))
    figures = run(reporting(make_book(), "tickets", quarantined=2, findings=found)).figures
    # 4 tickets and 2 refused ones were read: 3 of 6 before the start, 2 of 6 out of range
    early, range_ = figures["tickets.opened_at.before_start"], figures["tickets.csat.range"]
    assert (early.value, early.n, early.unit) == (0.5, 6, "share")
    assert range_.value == pytest.approx(1 / 3)


def test_repeated_ids_are_counted():
    found = (finding(action="flagged", rule="repeated", column="usage_id", count=3),)
    figure = run(reporting(make_book(), "tickets", findings=found)).figures["tickets.usage_id.repeated"]
    assert (figure.value, figure.n, figure.unit) == (3, 4, "rows")


def test_a_rule_about_whole_rows_stands_as_row():
    found = (finding(action="kept", rule="duplicate", column="", count=2),)
    assert run(reporting(make_book(), "tickets", findings=found)).figures["tickets.row.duplicate"].value == 2


def test_the_first_four_figures_are_those_of_the_whole_book():
    made = reporting(with_outcomes(gone=[True, False, False, None]), "accounts", findings=(finding(table="accounts"),))
    figures = list(run(made, questions=(question(),)).figures)
    assert figures == ["accounts", "rows_refused", "outcome_rate", "questions_answerable", "accounts.csat.range"]


def test_the_missing_known_at_of_all_tables_is_one_note_and_no_finding():
    found = finding(rule="assumed", column="known_at", action="kept")
    made = reporting(make_book(), "tickets", findings=(found,))
    result = run(reporting(made, "accounts", findings=(replace(found, table="accounts"),)))
    assert result.tables["findings"].empty
    assert say(result.caveats[0].message).startswith("accounts, tickets: no column says when")
    assert not any("assumed" in name for name in result.figures)


# --- what is known of the past ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("renewals", "outcome", "renewals.outcome without decided_at is always open"),
        ("tickets", "csat", "tickets.csat without resolved_at is missing"),
    ],
)
def test_values_without_the_date_that_reveals_them_say_how_they_read(table, column, words):
    renewals = [{"renewal_id": "R1", "account_id": "A1", "due_date": "2026-01-01", "outcome": "churned"}]
    made = make_book({"accounts": ACCOUNTS, "tickets": TICKETS, "renewals": renewals})
    note = finding(table=table, rule="undated", column=column, action="kept")
    result = run(reporting(made, table, findings=(note,)))
    assert codes(result) == ["undated"]
    assert words in say(result.caveats[0].message)


def with_plans():
    rows = [each | {"plan": "pro", "region": "SE"} for each in ACCOUNTS]
    return make_book({"accounts": rows, "tickets": TICKETS})


def test_columns_that_exports_overwrite_are_marked_and_noted_on_the_newest_day():
    result = run(with_plans(), as_of=date(2026, 10, 5))  # T4 of 5 October is the newest row
    assert row(result, "columns", column="plan")["history"] == "current only"
    assert row(result, "columns", column="region")["history"] == ""
    assert {caveat.code: caveat.severity.value for caveat in result.caveats} == {"current_only": "note"}
    assert say(result.caveats[0].message) == (
        "1 column holds today's value only, earlier ones were not recorded: accounts (plan)"
    )


def test_on_an_earlier_day_columns_that_exports_overwrite_are_a_warning():
    caveats = run(with_plans()).caveats
    assert {caveat.code: caveat.severity.value for caveat in caveats} == {"current_only": "warning"}


def test_an_outcome_without_history_holds_todays_value():
    made = with_outcomes(gone=[True, False, False, None])
    extra = TableSource(path="a.csv", extra={"gone": {"type": "boolean", "role": "outcome"}})
    made = replace(made, workspace=made.workspace.model_copy(update={"tables": {"accounts": extra}}))
    caveat = next(each for each in run(made).caveats if each.code == "outcome_of_today")
    assert say(caveat.message).startswith("accounts.gone: an outcome without history holds today's value")


# --- what the data can answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({}, 2),  # accounts A1, A2 until the date
        ({"count": "rows"}, 3),  # T1, T2, T3
        ({"count": "rows", "where": {"topic": ("billing",)}}, 2),
        ({"count": "rows", "window_days": 61}, 2),  # from 1 August on: T1, T2
        ({"count": "rows", "window_days": 60}, 1),  # from 2 August on: T1
        ({"count": "rows", "where": {"topic": ()}}, 3),  # any value
    ],
)
def test_a_question_counts_what_it_asks_for(changes, has):
    assert answer(make_book(), question(**changes))["has"] == has


def test_a_number_is_found_however_it_is_written():
    tickets = [TICKETS[0] | {"csat": 4}, TICKETS[1] | {"csat": 4.5}]
    made = make_book({"accounts": ACCOUNTS, "tickets": [each | {"resolved_at": each["opened_at"]} for each in tickets]})
    assert answer(made, question(count="rows", where={"csat": ("4.0",)}))["has"] == 1


def test_rows_without_an_account_are_not_counted():
    tickets = [TICKETS[0], TICKETS[1] | {"account_id": None}]
    assert answer(make_book({"accounts": ACCOUNTS, "tickets": tickets}), question(count="rows"))["has"] == 1


def test_rows_of_one_account_count_as_fewer_independent_ones():
    # A1 has 3 tickets, A2 has 1: sum(m^2) / sum(m) = 10 / 4 = 2.5; at an ICC of .2 the design effect is 1 + 1.5 * .2
    tickets = [
        {"ticket_id": f"T{place}", "account_id": account, "opened_at": "2026-09-01"}
        for place, account in enumerate(("A1", "A1", "A1", "A2"))
    ]
    made = make_book({"accounts": ACCOUNTS, "tickets": tickets})
    found = answer(made, question(count="rows", needs=4), icc=0.2)
    assert (found["has"], found["independent"]) == (4, pytest.approx(4 / 1.3))
    assert found["state"] == "not enough"
    assert answer(made, question(count="rows", needs=4), icc=0.0)["state"] == "enough"
    assert answer(made, question(count="accounts"), icc=0.2)["independent"] == 2


def test_rows_that_point_to_an_account_through_another_table_are_alike_too():
    plans = [{"plan_id": f"P{n}", "account_id": "A1", "created_at": "2026-01-01"} for n in (1, 2)]
    steps = [{"plan_id": f"P{n}", "step_no": 1} for n in (1, 2)]
    made = make_book({"accounts": ACCOUNTS, "plans": plans, "plan_steps": steps})
    # both steps belong to A1: m = 2, so at an ICC of 1 they are worth one
    assert answer(made, question(table="plan_steps", count="rows"), icc=1.0)["independent"] == 1


def test_of_several_tests_the_smallest_is_counted():
    units = [
        {"experiment_id": name, "unit_id": f"A{n}", "unit": "account", "assigned_at": "2026-09-01"}
        for name, size in (("big", 4), ("small", 2), ("middle", 3))
        for n in range(size)
    ]
    made = make_book({"accounts": ACCOUNTS, "experiment_units": units})
    asked = question(table="experiment_units", count="rows", needs=3)
    assert (answer(made, asked)["has"], answer(made, asked)["state"]) == (9, "enough")
    found = answer(made, asked.model_copy(update={"per": "experiment_id"}))
    assert (found["has"], found["state"]) == (2, "not enough")


def test_a_window_may_go_by_another_date():
    # The last 30 days begin on 1 September: 50 lost and 40 renewed lie in them, 30 and 20 before.
    decided = [("2026-08-31", "churned", 30), ("2026-09-01", "churned", 25), ("2026-09-30", "churned", 25)]
    decided += [("2026-08-31", "renewed", 20), ("2026-09-15", "renewed", 40)]
    renewals = [
        {"renewal_id": f"{at} {outcome} {n}", "account_id": "A1", "due_date": at, "decided_at": at, "outcome": outcome}
        for at, outcome, rows in decided
        for n in range(rows)
    ]
    made = make_book({"accounts": ACCOUNTS, "renewals": renewals})
    asked = question(
        table="renewals",
        count="rows",
        where={"outcome": ("churned",)},
        detects={"kind": "auc", "against": {"outcome": ("renewed",)}},
        window_days=30,
        window_by="decided_at",
    )
    found = answer(made, asked, icc=0.0)
    assert found["has"] == 50
    assert found["effect"] == pytest.approx(100 * power.smallest_auc(50, 40, USUAL))


def test_rows_of_no_account_are_taken_as_independent():
    made = make_book({"accounts": ACCOUNTS, "csms": [{"csm_id": "C1"}, {"csm_id": "C2"}]})
    assert answer(made, question(table="csms", count="rows"), icc=1.0)["independent"] == 2


@pytest.mark.parametrize("changes", [{}, {"count": "rows", "detects": {"kind": "difference", "against": "others"}}])
def test_accounts_that_no_table_leads_to_are_not_recorded(changes):
    made = make_book({"accounts": ACCOUNTS, "plan_goals": [{"plan_id": "P", "metric": "usage"}]})
    assert answer(made, question(table="plan_goals", **changes))["state"] == "not recorded"


def with_success_plans():
    plans = [
        {"plan_id": f"P{n}", "account_id": f"A{n}", "created_at": "2026-01-01", "landed_at": landed}
        for n, landed in ((1, "2026-02-01"), (2, "2026-02-01"), (3, None))
    ]
    goals = [{"plan_id": "P1", "metric": "usage", "target": 5}, {"plan_id": "P2", "metric": "usage", "target": None}]
    steps = [{"plan_id": "P1", "step_no": 1}, {"plan_id": "P1", "step_no": 2}, {"plan_id": "P3", "step_no": 1}]
    return make_book({"accounts": ACCOUNTS, "plans": plans, "plan_goals": goals, "plan_steps": steps})


ALSO = (
    {"label": "with a numeric goal", "table": "plan_goals", "where": {"target": ()}},
    {"label": "with steps", "table": "plan_steps"},
    {"label": "landed", "where": {"landed_at": ()}},
)


def test_a_question_says_how_many_have_each_thing_it_takes():
    result = run(
        with_success_plans(), questions=(question(table="plans", count="rows", also=ALSO, record="goals and steps"),)
    )
    found = result.tables["answerability"].iloc[0]
    # a goal: P1; steps: P1, P3; landed: P1, P2; all of it: P1
    assert (found["has"], found["state"]) == (1, "not enough")
    assert found["table"] == "plans, plan_goals, plan_steps"
    assert found["recorded"] == "3 plans: 1 with a numeric goal, 2 with steps, 2 landed"
    assert say(result.actions[0]) == (
        "To answer “Who writes?” record goals and steps: 3 plans: 1 with a numeric goal, 2 with steps, 2 landed; "
        "2 with all of it are needed."
    )


def test_what_no_table_records_counts_as_nothing():
    made = make_book(
        {"accounts": ACCOUNTS, "plans": [{"plan_id": "P", "account_id": "A1", "created_at": "2026-01-01"}]}
    )
    assert answer(made, question(table="plans", count="rows", also=ALSO))["recorded"] == (
        "1 plans: 0 with a numeric goal, 0 with steps, 0 landed"
    )


def test_accounts_may_have_to_stand_in_another_table_too():
    subscriptions = [{"subscription_id": "S", "start_date": "2026-01-01", "account_id": "A2", "seats": 5}]
    made = make_book({"accounts": ACCOUNTS, "tickets": TICKETS, "subscriptions": subscriptions})
    also = ({"label": "with seats", "table": "subscriptions", "where": {"seats": ()}},)
    assert answer(made, question(also=also))["recorded"] == "2 accounts: 1 with seats"


@pytest.mark.parametrize(
    "changes",
    [
        {"table": "touches"},
        {"where": {"severity": ("high",)}},
        {"detects": {"kind": "share", "base": {"severity": ("high",)}}},
        {"table": "tickets", "where": {"topic": (), "configuration": ()}},
    ],
)
def test_a_question_whose_table_or_column_is_missing_is_not_recorded(changes):
    found = answer(make_book(), question(**changes))
    assert found[["state", "has"]].tolist() == ["not recorded", 0]
    assert math.isnan(found["effect"])


def test_a_column_nobody_knows_is_named():
    result = run(make_book(), questions=(question(where={"topik": ()}),))
    assert codes(result) == ["question_without_column"]
    assert say(result.caveats[0].message).startswith("tickets.topik: a question asks for it")


def test_only_the_first_questions_that_cannot_be_answered_are_next_steps():
    questions = tuple(question(question=f"Question {n}?", count="rows", needs=9) for n in range(5))
    actions = [say(action) for action in run(make_book(), questions=questions).actions]
    assert len(actions) == 4
    assert actions[0] == "To answer “Question 0?” record tickets: 3 of 9 tickets so far."
    assert actions[3] == "See the table of answers for what 2 more questions would take."


# --- what could be seen -----------------------------------------------------------------------------------------------

USUAL = power.Demand(0.95, 0.8)


def people(n, **columns):
    """A book of n contacts, one per account, so that all of them are independent."""
    accounts = [{"account_id": f"A{place}"} for place in range(n)]
    contacts = [{"contact_id": f"C{place}", **each} for place, each in enumerate(accounts)]
    return make_book({"accounts": accounts, "contacts": contacts})


def test_a_question_about_a_share_says_its_half_width_and_takes_its_base_from_the_rows():
    tickets = [TICKETS[0], TICKETS[2], TICKETS[2] | {"ticket_id": "T9", "account_id": "A3"}]
    detects = {"kind": "share", "base": {"topic": ("billing",)}, "worth": 0.2}
    made = make_book({"accounts": ACCOUNTS, "tickets": tickets})
    found = answer(made, question(count="rows", detects=detects, needs=None))
    # 2 of 3 about billing, one hit and one miss more: 3 of 5; 1.96 sqrt(.6 * .4 / 3) = .5544; 1.96^2 .24 / .2^2 = 23.05
    assert found[["reveals", "effect_unit", "needs"]].tolist() == ["margin_of_share", "percentage_points", 24]
    assert found["base_share"] == pytest.approx(0.6)
    assert (found["effect"], found["effect_points"]) == (pytest.approx(55.44, abs=0.01),) * 2


def test_a_planned_test_says_what_it_could_see():
    detects = {"kind": "difference", "base": 0.2, "control": 0.5, "worth": 0.3}
    found = answer(people(100), question(table="contacts", count="rows", detects=detects, needs=None))
    seen = found["effect"] / 100
    assert NormalIndPower().power(proportion_effectsize(0.2 + seen, 0.2), 50, 0.05) == pytest.approx(0.8, abs=1e-6)
    # .2 against .5: h = 2 asin sqrt(.5) - 2 asin sqrt(.2) = .6435; 4 (2.8016 / .6435)^2 = 75.8
    assert found[["needs", "state"]].tolist() == [76, "enough"]


def test_who_has_left_is_not_drawn_for_a_planned_test():
    accounts = [{"account_id": "A1", "churned_at": None}, {"account_id": "A2", "churned_at": "2026-05-01"}]
    people = [("C1", "A1", None), ("C2", "A1", "2026-06-01"), ("C3", "A2", None)]
    contacts = [{"contact_id": contact, "account_id": account, "left_at": left} for contact, account, left in people]
    made = make_book({"accounts": accounts, "contacts": contacts})
    drawn = question(table="contacts", count="rows", detects={"kind": "difference", "control": 0.5})
    assert answer(made, drawn)["has"] == 1
    assert answer(made, question(table="contacts", count="rows"))["has"] == 3


def test_those_with_something_are_compared_with_the_others():
    touches = [{"touch_id": "X", "account_id": "A1", "sent_at": "2026-09-01", "mode": "human"}]
    accounts = [{"account_id": f"A{place}"} for place in range(40)]
    made = make_book({"accounts": accounts, "touches": touches})
    detects = {"kind": "difference", "base": 0.2, "against": "others", "worth": 0.4}
    found = answer(made, question(table="touches", where={"mode": ("human",)}, detects=detects, needs=None))
    # 1 account against 39: even all against none is 2 (asin 1 - asin sqrt(.2)) = 2.21 < 2.80 sqrt(1 + 1 / 39) = 2.84
    assert (found["has"], found["independent"]) == (1, 1)
    assert math.isnan(found["effect"])
    assert found["needs"] == power.units_beside(0.2, 0.4, 39, USUAL)


def test_two_groups_that_are_there_are_compared_by_the_rate_of_the_second():
    rows = [
        {
            "opportunity_id": f"O{place}",
            "account_id": f"A{place}",
            "created_at": "2026-01-01",
            "closed_at": "2026-02-01",
        }
        | {"source": "service" if place < 10 else "sales", "is_won": place % 2 == 0}
        for place in range(40)
    ]
    made = make_book({"accounts": [{"account_id": f"A{place}"} for place in range(40)], "opportunities": rows})
    detects = {"kind": "difference", "base": {"is_won": ("true",)}, "against": {"source": ("sales",)}}
    asked = question(table="opportunities", count="rows", where={"source": ("service",)}, detects=detects)
    found = answer(made, asked)
    # 15 of 30 sales won: (15 + 1) / (30 + 2)
    assert (found["has"], found["base_share"]) == (10, 0.5)
    assert found["effect"] == pytest.approx(100 * power.smallest_difference(0.5, (10, 30), USUAL))


def test_a_ranking_is_judged_by_its_events():
    renewals = [
        {"renewal_id": f"R{place}", "account_id": f"A{place}", "due_date": "2026-01-01", "decided_at": "2026-01-01"}
        | {"outcome": "churned" if place < 12 else "renewed"}
        for place in range(60)
    ]
    made = make_book({"accounts": [{"account_id": f"A{place}"} for place in range(60)], "renewals": renewals})
    detects = {"kind": "auc", "against": {"outcome": ("renewed",)}, "worth": 0.65}
    asked = question(table="renewals", count="rows", where={"outcome": ("churned",)}, detects=detects, needs=30)
    found = answer(made, asked)
    assert found[["has", "reveals", "effect_unit", "state"]].tolist() == [
        12,
        "auc_above_chance",
        "percent_of_pairs",
        "not enough",
    ]
    assert found["effect"] == pytest.approx(100 * power.smallest_auc(12, 48, USUAL))
    assert found["needs"] == max(30, power.events_for_auc(0.65, 4.0, USUAL))


def test_the_nps_says_how_far_off_it_may_be():
    answers = [
        {"response_id": f"R{place}", "account_id": f"A{place}", "invited_at": "2026-09-01", "score": score}
        | {"responded_at": "2026-09-02"}
        for place, score in enumerate((10, 9, 8, 0))
    ]
    made = make_book({"accounts": ACCOUNTS, "nps_responses": answers})
    asked = question(table="nps_responses", count="rows", where={"score": ()}, detects={"kind": "nps"}, needs=30)
    found = answer(made, asked)
    # 2 promoters, 1 passive and 1 detractor, one more of each: 3/7, 2/7, 2/7; spread 100 sqrt(5/7 - 1/49) = 83.3
    assert found[["reveals", "effect_unit"]].tolist() == ["margin_of_nps", "nps_points"]
    assert found["effect"] == pytest.approx(1.959964 * 100 * math.sqrt(5 / 7 - 1 / 49) / 2)


def test_of_a_contact_that_answers_every_quarter_the_latest_answer_counts():
    answers = [
        {"response_id": f"R{month}{contact}", "account_id": "A1", "contact_id": contact, "score": month}
        | {"invited_at": f"2026-0{month}-01", "responded_at": f"2026-0{month}-02"}
        for month in (2, 5, 8)
        for contact in ("C1", "C2")
    ]
    made = make_book({"accounts": ACCOUNTS, "nps_responses": answers})
    asked = question(table="nps_responses", count="rows", where={"score": ()}, detects={"kind": "nps"})
    assert answer(made, asked)["has"] == 2


def test_facts_after_the_date_change_no_answer():
    later = {"ticket_id": "T8", "account_id": "A3", "opened_at": "2026-10-01T10:00:00", "topic": "billing"}
    asked = question(count="rows", detects={"kind": "share", "base": {"topic": ("billing",)}})
    before = answer(make_book(), asked)
    after = answer(make_book({"accounts": ACCOUNTS, "tickets": [*TICKETS, later]}), asked)
    pd.testing.assert_series_equal(before, after)


# --- outcomes ---------------------------------------------------------------------------------------------------------


def with_outcomes(kind=Kind.BOOLEAN, **columns):
    rows = [each | {name: values[place] for name, values in columns.items()} for place, each in enumerate(ACCOUNTS)]
    return book({"accounts": rows}, extras={"accounts": dict.fromkeys(columns, kind)}, outcomes=tuple(columns))


def outcome_figures(made):
    config = data_check.Config()
    inputs = data_check.prepare(take(made, SEPTEMBER), config, {})
    return data_check.analyze(inputs, config)


def test_the_outcome_rate_has_a_wilson_interval_and_leaves_out_the_undecided():
    result = outcome_figures(with_outcomes(gone=[True, False, False, None]))
    rate = result.figures["outcome_rate"]
    low, high = proportion_confint(1, 3, method="wilson")
    assert (rate.value, rate.n, rate.level) == (pytest.approx(1 / 3), 3, 0.95)
    assert (rate.low, rate.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    assert codes(result) == ["interval_of_a_book"]


def test_several_outcomes_have_a_rate_each():
    result = outcome_figures(with_outcomes(gone=[True] * 4, paid=[False] * 4))
    assert {name: figure.value for name, figure in result.figures.items() if name.startswith("outcome_rate")} == {
        "outcome_rate.gone": 1,
        "outcome_rate.paid": 0,
    }


def test_an_outcome_that_is_not_yes_or_no_has_no_rate():
    result = outcome_figures(with_outcomes(Kind.DECIMAL, spend=[1.5, 2, 3, 4]))
    assert "outcome_rate" not in result.figures
    assert codes(result) == ["outcome_not_binary"]


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"table": "logins"}, "questions.0.table: there is no table 'logins'"),
        (
            {"table": "renewals", "where": {"outcome": ("lost",)}},
            "renewals.outcome is never 'lost'; it is one of renewed",
        ),
        ({"table": "features", "where": {"is_core": ("yes",)}}, "features.is_core is never 'yes'"),
        ({"where": {"csat": ("good",)}}, "questions.0.where.csat: tickets.csat is a number, not 'good'"),
        ({"detects": {"kind": "share", "base": {"reopened": ("no",)}}}, "questions.0.detects.base.reopened"),
        ({"needs": None}, "questions.0.needs: say how many it takes"),
        ({"needs": None, "detects": {"kind": "share"}}, "questions.0.needs: say how many it takes"),
        ({"detects": {"kind": "nps"}}, "questions.0.detects.kind: an NPS is made of nps_responses"),
        ({"table": "csms", "window_days": 3}, "questions.0.window_days: csms has no dates"),
        ({"per": "experiment"}, "questions.0.per: tickets has no column 'experiment'"),
        ({"window_days": 3, "window_by": "topic"}, "questions.0.window_by: give window_days, and a date of tickets"),
        ({"window_by": "resolved_at"}, "questions.0.window_by: give window_days, and a date of tickets"),
        ({"table": "csms"}, "questions.0.count: rows of csms belong to no account"),
        ({"also": ({"label": "x", "table": "logins"},)}, "questions.0.also.0.table: there is no table 'logins'"),
        (
            {"count": "rows", "also": ({"label": "x", "table": "csms"},)},
            "questions.0.also.0.table: nothing joins csms to the rows of tickets",
        ),
        (
            {"table": "csms", "count": "rows", "detects": {"kind": "difference", "against": "others"}},
            "questions.0.detects.against: rows of csms belong to no account",
        ),
        (
            {"detects": {"kind": "difference", "against": "others", "base": {"topic": ()}}},
            "questions.0.detects.base: give a number",
        ),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_by_its_key(changes, text):
    with pytest.raises(ValidationError, match=re.escape(text)):
        data_check.Config(questions=(question(**changes),))


@pytest.mark.parametrize("detects", [{}, {"control": 0.5, "against": "others"}])
def test_a_difference_has_one_comparison(detects):
    with pytest.raises(ValidationError, match="give one of control and against"):
        question(detects={"kind": "difference", **detects})


def test_a_limit_of_age_for_an_unknown_table_is_refused():
    with pytest.raises(ValidationError, match=r"fresh_within_days\.usage: there is no table 'usage'"):
        data_check.Config(fresh_within_days={"usage": 3})


LATER = ("health", "health_proof", "renewals", "email_design", "email_touch", "plan_validation", "touch_effect")
LATER += ("segments", "touch_matrix", "nps_outreach", "weekly_list", "portfolio", "triggers", "key_accounts")
LATER += ("reassignment", "account_brief", "contents")


def test_the_shipped_settings_ask_for_every_analysis():
    made = configs.load(Path("configs/data_check.yaml"), data_check.Config, ROOT)
    assert {each.analysis for each in made.questions} == set(LATER)


@pytest.mark.skipif(not TELCO.is_file(), reason="needs telco.csv beside the repository")
def test_telco_has_its_published_churn_and_every_customer(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "telco.csv").symlink_to(TELCO)
    project = ROOT / "examples" / "telco"
    (tmp_path / "configs").symlink_to(project / "configs")
    (tmp_path / "workspace.yaml").symlink_to(project / "workspace.yaml")
    workspace = load_workspace(tmp_path / "workspace.yaml")
    config = configs.load(Path("configs/data_check.yaml"), data_check.Config, tmp_path)
    snapshot = take(sources.open_book(workspace, tmp_path, tmp_path / "cache"), workspace.as_of)
    result = data_check.analyze(data_check.prepare(snapshot, config, {}), config)
    # 1,869 of 7,043 left (README of the data); 11 blank TotalCharges.
    assert result.figures["outcome_rate"].value == pytest.approx(1869 / 7043)
    assert round(result.figures["outcome_rate"].value, 5) == 0.26537
    assert result.figures["accounts"].value == 7043
    assert row(result, "columns", column="TotalCharges")["blanks"] == 11
    assert row(result, "findings", column="TotalCharges")[["rule", "count"]].tolist() == ["blank", 11]


def test_other_currencies_are_a_note_and_no_reason_for_doubt():
    made = reporting(make_book(), "tickets", findings=(finding(rule="currency", action="kept", count=3),))
    result = run(made)
    assert {caveat.code: caveat.severity.value for caveat in result.caveats} == {"currencies": "note"}
    assert "can be trusted" in say(result.headline)


# --- days far off ---


def test_a_table_with_a_day_far_off_is_named_and_does_not_move_the_end_of_the_book():
    # 1001 dated rows, one of them in 2099.
    tickets = [TICKETS[1] | {"ticket_id": f"T{n}"} for n in range(996)] + [TICKETS[1] | {"opened_at": "2099-01-01"}]
    (caveat,) = (
        each for each in run(book({"accounts": ACCOUNTS, "tickets": tickets})).caveats if each.code == "stray_days"
    )
    assert formats.text(caveat.message, "en") == (
        "tickets holds rows as late as 1 Jan 2099, which lies ahead of today or far from other rows: "
        "the book is taken to end on 1 Aug 2026"
    )
