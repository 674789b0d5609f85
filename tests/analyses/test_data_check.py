"""Can today's data be trusted, and what can it answer?"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError
from statsmodels.stats.proportion import proportion_confint

from csworkbench import config as configs
from csworkbench import formats, sources
from csworkbench.analyses import data_check
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
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


def run(made, **settings):
    config = data_check.Config(**settings)
    return data_check.analyze(data_check.prepare(take(made, SEPTEMBER), config, {}), config)


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
    assert say(caveat.message) == "3 rows are kept although a rule says otherwise: tickets.csat"


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
    result = run(make_book(), questions=(question(**changes),))
    assert result.tables["answerability"].loc[0, "has"] == has


def test_a_question_with_enough_is_answerable_and_says_how_sharply():
    result = run(make_book(), questions=(question(count="rows", needs=3), question(count="rows", needs=4)))
    found = result.tables["answerability"]
    assert found["state"].tolist() == ["enough", "not enough"]
    # 1.96 * sqrt(.5 * .5 / 3) = .5658
    assert found["margin_percent"].tolist() == pytest.approx([56.58] * 2, abs=0.005)
    assert (result.figures["questions_answerable"].value, result.figures["questions_answerable"].n) == (1, 2)
    assert say(result.actions[0]) == "To answer “Who writes?” record tickets: 3 of 4 rows so far."


@pytest.mark.parametrize(
    "changes", [{"table": "touches"}, {"where": {"severity": ("high",)}}, {"table": "csms", "window_days": 3}]
)
def test_a_question_whose_table_or_column_is_missing_is_not_recorded(changes):
    made = make_book({"accounts": ACCOUNTS, "tickets": TICKETS, "csms": [{"csm_id": "C1"}]})
    found = run(made, questions=(question(**changes),)).tables["answerability"]
    assert found.loc[0, ["state", "has"]].tolist() == ["not recorded", 0]


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
    ("settings", "text"),
    [
        ({"fresh_within_days": {"usage": 3}}, "fresh_within_days.usage: no such table; the tables are accounts"),
        ({"questions": (question(table="logins"),)}, "there is no table 'logins'"),
    ],
)
def test_settings_that_name_an_unknown_table_are_refused(settings, text):
    with pytest.raises(ValidationError, match=text):
        data_check.Config(**settings)


def test_the_shipped_settings_load():
    made = configs.load(Path("configs/data_check.yaml"), data_check.Config, ROOT)
    assert {each.analysis for each in made.questions} >= {"health"}


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
