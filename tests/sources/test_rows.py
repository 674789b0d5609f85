"""Rows: doubled, contradicting, orphaned and impossible ones never change a figure without a word."""

import csv

import pytest

from csworkbench.errors import DataError
from tests.sources.conftest import column, finding, rows, utc


def test_equal_rows_are_read_once_with_their_count(project):
    book = project.accounts("account_id,arr\nA,1\nB,2\nA,1.0\n A ,1\n")  # F36, V01
    assert column(book, "account_id") == ["A", "B"]
    assert finding(book, "accounts", "duplicate").count == 2
    assert book.reports["accounts"].quarantined == 0


def test_doubling_every_row_changes_neither_the_rows_nor_the_digest(project):
    header, *lines = (
        "account_id,date,user_id,events\nA,2026-01-01,u1,5\nA,2026-01-01,,7\nB,2026-01-02,u1,3\n".splitlines()
    )
    once = project.with_accounts(usage_daily=project.write("u.csv", "\n".join([header, *lines])))
    twice = project.with_accounts(usage_daily=project.write("u2.csv", "\n".join([header, *lines, *lines])))
    assert twice.reports["usage_daily"].digest == once.reports["usage_daily"].digest


def test_contradicting_rows_are_set_aside_with_both_lines(project):
    book = project.accounts("account_id,arr\nA,1\nB,2\nC,3\nB,5\n")  # V02
    assert column(book, "account_id") == ["A", "C"]
    bad = project.quarantine("accounts")
    assert [(row["line"], row["value"], row["rule"]) for row in bad] == [
        ("3", "B", "contradiction"),
        ("5", "B", "contradiction"),
    ]
    assert bad[0]["hint"].startswith("lines 3 and 5 have the same key")
    assert book.reports["accounts"].quarantined == 2


def test_a_key_with_a_blank_part_still_identifies_a_row(project):
    book = project.with_accounts(
        usage_daily=project.write(
            "u.csv", "account_id,date,user_id,events\nA,2026-01-01,,5\nA,2026-01-01,,6\nA,2026-01-01,u,7\n"
        )
    )
    assert column(book, "events", "usage_daily") == [7]


def test_versions_of_an_account_are_not_duplicates(project):
    book = project.accounts("account_id,valid_from,arr\nA,2026-01-01,1\nA,2026-02-01,2\n")
    assert len(rows(book)) == 2


def test_rows_of_unknown_accounts_are_set_aside(project):
    book = project.with_accounts(
        "A B",
        tickets=project.write(
            "t.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01\n2,Z,2026-01-01\n3,,2026-01-01\n4,B,2026-01-01\n"
        ),
    )  # V06
    assert column(book, "ticket_id", "tickets") == ["1", "4"]
    assert [(row["line"], row["rule"]) for row in project.quarantine("tickets")] == [
        ("3", "foreign_key"),
        ("4", "blank"),
    ]


def test_blank_ids_are_never_joined_to_each_other(project):
    accounts = project.write("accounts.csv", "account_id,name\nA,x\n,y\nB,z\n")  # V07
    tickets = project.write("t.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01\n2,,2026-01-01\n")
    book = project.open(accounts=accounts, tickets=tickets)
    assert column(book, "account_id") == ["A", "B"]
    assert column(book, "ticket_id", "tickets") == ["1"]


def test_a_touch_of_an_unknown_csm_is_kept_and_flagged(project):
    book = project.with_accounts(
        csms=project.write("c.csv", "csm_id,name\nX,Li\n"),
        touches=project.write(
            "t.csv", "touch_id,account_id,csm_id,sent_at\n1,A,X,2026-01-01\n2,A,Y,2026-01-01\n3,A,,2026-01-01\n"
        ),
    )
    assert len(rows(book, "touches")) == 3
    found = finding(book, "touches", "foreign_key", "csm_id")
    assert (found.count, found.example, found.action) == (1, "Y", "flagged")


def test_rows_whose_own_dates_contradict_each_other_are_set_aside(project):
    book = project.with_accounts(
        subscriptions=project.write(
            "s.csv",
            "subscription_id,account_id,start_date,end_date\nS,A,2026-01-01,2025-01-01\nT,A,2026-01-01,2026-01-01\n",
        )
    )  # V20
    assert column(book, "subscription_id", "subscriptions") == ["T"]
    assert finding(book, "subscriptions", "order", "end_date").example == "2025-01-01"


def test_use_and_renewals_before_the_account_began_are_set_aside(project):
    accounts = project.write("accounts.csv", "account_id,signup_at\nA,2026-01-10 15:00\nB,\n")  # V20, V22
    usage = project.write("u.csv", "account_id,date,events\nA,2026-01-09,1\nA,2026-01-10,2\nB,2020-01-01,3\n")
    renewals = project.write("r.csv", "renewal_id,account_id,due_date\nR,A,2025-12-31\nQ,A,2026-12-31\n")
    book = project.open(accounts=accounts, usage_daily=usage, renewals=renewals)
    assert column(book, "events", "usage_daily") == [2, 3]  # the day of the signup counts; B's signup is unknown
    assert column(book, "renewal_id", "renewals") == ["Q"]


def test_an_answer_known_before_it_was_given_is_set_aside(project):
    book = project.with_accounts(
        tickets=project.write(
            "t.csv", "ticket_id,account_id,opened_at,known_at\n1,A,2026-05-02,2026-05-01\n2,A,2026-05-02,2026-05-02\n"
        )
    )  # V09
    assert column(book, "ticket_id", "tickets") == ["2"]


def test_rules_flag_keeps_the_rows_and_reports_them(project):
    book = project.accounts("account_id,arr\nA,1\nB,-2\nC,3\nC,4\nD,x\nE,5\n", rules="flag")
    assert column(book, "account_id") == ["A", "B", "C", "C", "D", "E"]
    assert [row["arr"] for row in rows(book) if row["account_id"] in "BD"] == [None, None]  # nothing is made up
    assert {item.action for item in book.reports["accounts"].findings if item.rule != "blank"} == {"flagged"}
    assert book.reports["accounts"].quarantined == 0


def test_an_invitation_without_its_day_counts_from_the_answer(project):
    book = project.with_accounts(
        nps_responses=project.write(
            "n.csv", "response_id,account_id,responded_at,score\n1,A,2026-01-05,9\n2,A,2026-01-06,3\n3,A,,\n"
        )
    )
    found = {row["response_id"]: row["invited_at"] for row in rows(book, "nps_responses")}
    assert found == {"1": utc(2026, 1, 5), "2": utc(2026, 1, 6)}  # the third happened at no known time
    assert project.quarantine("nps_responses")[0]["line"] == "4"


def test_a_blank_known_at_is_filled_with_the_event_and_an_absent_one_is_said(project):
    book = project.with_accounts(
        tickets=project.write(
            "t.csv", "ticket_id,account_id,opened_at,known_at\n1,A,2026-01-05,\n2,A,2026-01-05,2026-01-20\n"
        ),
        usage_daily=project.write("u.csv", "account_id,date,events\nA,2026-01-05,1\n"),
    )
    assert column(book, "known_at", "tickets") == [utc(2026, 1, 5), utc(2026, 1, 20)]
    assert finding(book, "tickets", "late", "known_at").count == 1
    assert finding(book, "tickets", "assumed", "known_at").count == 1
    assert finding(book, "usage_daily", "assumed", "known_at").count == 1


def test_a_value_that_was_revealed_at_no_known_time_is_flagged(project):
    book = project.with_accounts(
        renewals=project.write(
            "r.csv",
            "renewal_id,account_id,due_date,outcome,decided_at\n1,A,2026-01-05,renewed,\n2,A,2026-01-05,open,\n",
        )
    )
    assert finding(book, "renewals", "undated", "outcome").count == 1


def test_other_currencies_are_named_and_break_no_rule(project):
    book = project.open(
        {"currency": "SEK"}, accounts=project.write("a.csv", "account_id,arr,currency\nA,1,SEK\nB,1,USD\nC,1,\n")
    )
    found = finding(book, "accounts", "currency", "currency")
    assert (found.count, found.example, found.action) == (1, "USD", "kept")  # V13


def test_nothing_left_of_the_accounts_is_refused_with_the_reasons(project):
    with pytest.raises(DataError, match=r"no account is left.*2 x contradiction account_id"):
        project.accounts("account_id,arr\nA,1\nA,2\n")


def test_an_empty_table_beside_the_accounts_is_an_empty_table(project):
    book = project.with_accounts(tickets=project.write("t.csv", "ticket_id,account_id,opened_at\n"))  # F27
    assert rows(book, "tickets") == []
    assert book.reports["tickets"].first_event is None


def test_the_quarantine_holds_no_formula_a_spreadsheet_would_compute(project):
    project.accounts('account_id,arr\nA,1\nB,2\nC,3\nG,4\nH,5\nI,6\nD,"=1+1"\nE,@x\nF,-4\nJ,＝1+1\nK,\u200b=2\nL, |x\n')
    found = [row["value"] for row in project.quarantine("accounts")]
    assert found == ["'=1+1", "'@x", "-4", "'＝1+1", "'\u200b=2", "' |x"]


def test_the_findings_name_the_first_row_of_each_kind(project):
    book = project.accounts("account_id,arr\nA,1\nB,2\nC,x\nD,y\nE,3\n")
    found = finding(book, "accounts", "type", "arr")
    assert (found.count, found.example, found.place, found.action) == (2, "x", "accounts.csv:4", "quarantined")
    assert found.hint == "must be a number such as 12.5"


def test_every_row_is_either_in_the_table_or_accounted_for(project):
    lines = ["A,1", "B,-1", "C,x", "A,1", "D,2", "D,3", ",4", "E,5,6", "F,7", "G,8", "H,9", "I,1", "J,2", "K,3"]
    book = project.accounts("account_id,arr\n" + "\n".join(lines) + "\n")
    report = book.reports["accounts"]
    assert report.rows + report.quarantined + finding(book, "accounts", "duplicate").count == len(lines)


def test_hostile_texts_stay_texts(project):
    texts = [
        "<script>alert(1)</script>",
        "'; drop table accounts; --",
        "{{7*191}}",
        "$(id)",
        "\x1b[31mred",
        "=cmd|' /C calc'!A0",
    ]
    path = project.root / "accounts.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [["account_id", "name"], *([f"A{number}", text] for number, text in enumerate(texts))]
        )
    assert sorted(column(project.open(accounts="accounts.csv"), "name")) == sorted(texts)
