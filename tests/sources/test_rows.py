"""Rows: doubled, contradicting, orphaned and impossible ones never change a figure without a word."""

import csv

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csworkbench.errors import DataError
from csworkbench.sources import check
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


def test_a_rule_of_its_own_action_decides_about_its_rows_only(project):
    book = project.with_accounts(
        tickets={
            "path": project.write(
                "t.csv",
                "ticket_id,account_id,opened_at,resolved_at,csat\n"
                "1,A,2026-01-02,2026-01-01,5\n"  # resolved before it was opened
                "2,Z,2026-01-01,2026-01-02,5\n"  # an unknown account
                "3,A,2026-01-01,2026-01-02,-1\n"  # below 0
                "4,A,2026-01-01,2026-01-02,5\n5,B,2026-01-01,2026-01-02,4\n",
            ),
            "rules": {"default": "flag", "foreign_key": "quarantine"},
        }
    )
    assert column(book, "ticket_id", "tickets") == ["1", "3", "4", "5"]
    assert finding(book, "tickets", "foreign_key", "account_id").action == "quarantined"
    assert finding(book, "tickets", "order", "resolved_at").action == "flagged"
    assert finding(book, "tickets", "range", "csat").action == "flagged"
    assert book.reports["tickets"].quarantined == 1


def test_a_row_is_listed_under_every_rule_it_breaks_and_set_aside_once(project):
    book = project.with_accounts(
        tickets=project.write(
            "t.csv",
            "ticket_id,account_id,opened_at,resolved_at,csat\n"
            "1,Z,2026-01-02,2026-01-01,bad\n2,A,2026-01-02,,4\n3,A,2026-01-02,,5\n",
        )
    )
    assert [(row["line"], row["column"], row["rule"]) for row in project.quarantine("tickets")] == [
        ("2", "account_id", "foreign_key"),
        ("2", "csat", "type"),
        ("2", "resolved_at", "order"),
    ]
    assert book.reports["tickets"].quarantined == 1


def test_use_before_its_own_subscription_is_set_aside(project):
    book = project.with_accounts(
        "A",
        subscriptions=project.write(
            "s.csv",
            "subscription_id,account_id,start_date\nS,A,2026-01-10\nS,A,2026-03-01\nT,A,2026-02-01\n",
        ),
        usage_daily={
            "path": project.write(
                "u.csv",
                "account_id,date,events,subscription_id\n"
                "A,2026-01-09,1,S\n"  # the day before S began, of whose two terms the first counts
                "A,2026-01-10,2,S\n"
                "A,2026-01-31,3,T\n"  # S had begun, T had not
                "A,2026-02-01,4,T\n"
                "A,2020-01-01,5,\n",  # of no subscription
            ),
            "extra": {"subscription_id": "text"},
        },
    )  # V22
    assert column(book, "events", "usage_daily") == [2, 4, 5]
    found = finding(book, "usage_daily", "before_start", "date")
    assert (found.count, found.example, found.place) == (2, "2026-01-09", "u.csv:2")
    assert found.hint.startswith("lies before start_date of its subscription_id in subscriptions; correct")


def test_without_the_column_that_joins_nothing_is_compared(project):
    book = project.with_accounts(
        "A",
        subscriptions=project.write("s.csv", "subscription_id,account_id,start_date\nS,A,2026-01-10\n"),
        usage_daily=project.write("u.csv", "account_id,date,events\nA,2026-01-09,1\n"),
    )
    assert column(book, "events", "usage_daily") == [1]


def test_a_number_finds_the_text_it_is_written_as(project):
    book = project.with_accounts(
        "A",
        subscriptions=project.write("s.csv", "subscription_id,account_id,start_date\n42,A,2026-01-10\n"),
        usage_daily={
            "path": project.write("u.csv", "account_id,date,subscription_id\nA,2026-01-09,42\nA,2026-01-11,42\n"),
            "extra": {"subscription_id": "integer"},
        },
    )
    assert finding(book, "usage_daily", "before_start", "date").count == 1


def test_a_ticket_of_the_day_of_the_signup_is_not_before_it(project):
    accounts = project.write("accounts.csv", "account_id,signup_at\nA,2026-01-10T15:00:00Z\n")
    tickets = project.write(
        "t.csv",
        "ticket_id,account_id,opened_at\n1,A,2026-01-09T22:59:00Z\n2,A,2026-01-09T23:00:00Z\n3,A,2026-01-11\n",
    )
    book = project.open({"timezone": "Europe/Stockholm"}, accounts=accounts, tickets=tickets)
    # 23:00 in UTC is midnight in Stockholm in winter, where the day of the signup begins.
    assert column(book, "ticket_id", "tickets") == ["2", "3"]


def test_an_event_of_a_touch_is_compared_to_the_second(project):
    touches = project.write("t.csv", "touch_id,account_id,sent_at\nT,A,2026-01-10T10:00:00Z\n")
    events = project.write(
        "e.csv",
        "touch_id,type,occurred_at\nT,open,2026-01-10T09:59:59Z\nT,open,2026-01-10T10:00:00Z\n"
        "T,click,2026-01-10T10:05:00Z\nX,open,2026-01-10T10:05:00Z\n",
    )
    book = project.with_accounts("A", touches=touches, touch_events=events)  # V15, V16, V18
    assert column(book, "occurred_at", "touch_events") == [utc(2026, 1, 10, 10), utc(2026, 1, 10, 10, 5)]
    assert finding(book, "touch_events", "before_start", "occurred_at").count == 1
    assert finding(book, "touch_events", "foreign_key", "touch_id").example == "X"


def test_clicks_on_two_links_in_one_second_do_not_contradict_each_other(project):
    touches = project.write("t.csv", "touch_id,account_id,sent_at\nT,A,2026-01-10\n")
    events = project.write(
        "e.csv",
        "touch_id,type,occurred_at,link\nT,click,2026-01-10T10:00:00,/a\nT,click,2026-01-10T10:00:00,/b\n"
        "T,click,2026-01-10T10:00:00,/a\n",
    )
    book = project.with_accounts("A", touches=touches, touch_events=events)
    assert column(book, "link", "touch_events") == ["/a", "/b"]


def test_a_plan_that_ends_before_it_was_written_and_its_steps_are_set_aside(project):
    plans = project.write(
        "p.csv",
        "plan_id,account_id,created_at,closed_at\nP,A,2026-02-01,2026-03-01\nQ,A,2026-02-01,2026-01-31\n",
    )
    steps = project.write(
        "s.csv",
        "plan_id,step_no,done_at\nP,1,2026-01-31\nP,2,2026-02-01\nP,3,\nQ,1,2026-02-02\n",
    )
    book = project.with_accounts("A", plans=plans, plan_steps=steps)  # V23
    assert column(book, "plan_id", "plans") == ["P"]
    assert column(book, "step_no", "plan_steps") == [2, 3]


def test_a_parent_that_is_no_account_is_kept_and_flagged(project):
    book = project.accounts("account_id,parent_account_id\nA,\nB,A\nC,Z\n")
    assert column(book, "account_id") == ["A", "B", "C"]
    found = finding(book, "accounts", "foreign_key", "parent_account_id")
    assert (found.count, found.example, found.action) == (1, "Z", "flagged")
    assert found.hint == "accounts has no such account_id; the row is kept"


def test_a_unique_value_that_comes_again_is_set_aside_after_the_first(project):
    usage = {
        "path": project.write(
            "u.csv",
            "account_id,date,events,usage_id\nA,2026-01-01,1,U1\nA,2026-01-02,2,U1\nB,2026-01-01,3,U2\n"
            "B,2026-01-02,4,\nB,2026-01-03,5,\nB,2026-01-04,6,U1\n",
        ),
        "extra": {"usage_id": {"type": "text", "unique": True}},
    }
    book = project.with_accounts(usage_daily=usage)
    assert column(book, "events", "usage_daily") == [1, 3, 4, 5]  # blanks are no values
    found = finding(book, "usage_daily", "repeated", "usage_id")
    assert (found.count, found.example, found.place, found.action) == (2, "U1", "u.csv:3", "quarantined")


def test_a_row_that_is_there_twice_repeats_no_unique_value(project):
    usage = {
        "path": project.write("u.csv", "account_id,date,usage_id\nA,2026-01-01,U1\nA,2026-01-01,U1\n"),
        "extra": {"usage_id": {"type": "text", "unique": True}},
        "rules": "flag",
    }
    book = project.with_accounts(usage_daily=usage)
    assert {item.rule for item in book.reports["usage_daily"].findings} == {"duplicate", "assumed"}


def test_equal_rows_are_kept_and_counted_where_the_line_is_the_id(project):
    answers = {
        "path": project.write(
            "n.csv", "account_id,responded_at,score\nA,2026-01-01,9\nA,2026-01-01,9\nB,2026-01-01,9\n"
        ),
        "columns": {"response_id": {"row": True}},
    }
    book = project.with_accounts(nps_responses=answers)
    assert len(rows(book, "nps_responses")) == 3
    found = finding(book, "nps_responses", "duplicate")
    assert (found.count, found.action) == (1, "kept")
    assert "the line is their id" in found.hint


def test_a_version_that_runs_into_the_next_one_is_set_aside(project):
    csms = project.write("c.csv", "csm_id\nX\nY\nZ\n")
    assignments = project.write(
        "a.csv",
        "account_id,role,valid_from,valid_to,csm_id\n"
        "A,csm,2026-01-01,2026-03-02,X\n"  # one day too long
        "A,csm,2026-03-01,2026-04-01,Y\n"
        "A,csm,2026-04-01,,Z\n"
        "A,support,2026-01-01,2026-12-31,X\n"  # another role
        "B,csm,2026-01-01,,X\n"  # open, so it ends where the next one begins
        "B,csm,2026-02-01,,Y\n",
    )
    book = project.with_accounts(csms=csms, assignments=assignments)
    assert len(rows(book, "assignments")) == 5
    found = finding(book, "assignments", "overlap", "valid_to")
    assert (found.count, found.example, found.place) == (1, "2026-03-02", "a.csv:2")


def test_days_between_two_versions_of_an_account_are_flagged_and_between_assignments_are_normal(project):
    accounts = project.write(
        "accounts.csv",
        "account_id,valid_from,valid_to,arr\nA,2026-01-01,2026-02-01,1\nA,2026-02-02,,2\nB,2026-01-01,,3\n",
    )
    csms = project.write("c.csv", "csm_id\nX\n")
    assignments = project.write(
        "a.csv", "account_id,role,valid_from,valid_to,csm_id\nA,csm,2026-01-01,2026-01-05,X\nA,csm,2026-02-01,,X\n"
    )
    book = project.open(accounts=accounts, csms=csms, assignments=assignments)
    found = finding(book, "accounts", "gap", "valid_to")
    assert (found.count, found.example, found.place, found.action) == (1, "2026-02-01", "accounts.csv:2", "flagged")
    assert len(rows(book)) == 3
    assert [item.rule for item in book.reports["assignments"].findings] == ["assumed"]


def test_consents_and_suppressions_are_never_dropped(project):
    consents = project.write(
        "c.csv",
        "contact_id,channel,purpose,valid_from,status\n"
        "P,email,marketing,2026-01-01,granted\nP,email,marketing,2026-02-01,opted out\n"  # no word of ours
        "Q,email,marketing,2026-01-01,granted\nQ,email,marketing,2026-01-01,denied\n"
        "Z,email,marketing,2026-01-01,denied\n",  # nobody we know
    )
    suppressions = project.write(
        "s.csv", "contact_id,address,valid_from,until\nP,,2026-02-01,2026-01-01\nQ,,2026-01-01,\nZ,,2026-01-01,\n"
    )
    contacts = project.write("p.csv", "contact_id,account_id\nP,A\nQ,A\n")
    book = project.with_accounts("A", contacts=contacts, consents=consents, suppressions=suppressions)
    assert column(book, "status", "consents") == [None, "denied", "denied", "granted", "granted"]
    assert len(rows(book, "suppressions")) == 3
    told = {(item.rule, item.action) for name in ("consents", "suppressions") for item in book.reports[name].findings}
    assert {action for rule, action in told if rule != "assumed"} == {"flagged"}
    assert {rule for rule, _ in told} == {"allowed", "contradiction", "foreign_key", "order", "assumed"}


BROKEN = "contact_id,address,reason\nP,,left\nQ,,left,too many\nR\n" + "S,,left\n" * 3


def test_a_line_of_suppressions_that_is_no_row_is_refused(project):
    words = r"s.csv:3: tables.suppressions.broken_lines: the line is no row .* 1 more like it: somebody's no"
    with pytest.raises(DataError, match=words):
        project.with_accounts("A", suppressions=project.write("s.csv", BROKEN))


def test_a_workspace_may_set_lines_of_suppressions_aside(project):
    suppressions = {"path": project.write("s.csv", BROKEN), "broken_lines": "quarantine"}
    book = project.with_accounts("A", suppressions=suppressions)
    # P, and S once: equal rows are read once.
    assert (len(rows(book, "suppressions")), book.reports["suppressions"].quarantined) == (2, 2)


def test_lines_of_other_tables_are_refused_where_the_workspace_says_so(project):
    csms = {"path": project.write("m.csv", "csm_id,name\nM,Mo\nN,Na,x\nO,Om\n")}
    assert project.with_accounts("A", csms=csms).reports["csms"].quarantined == 1
    with pytest.raises(DataError, match=r"m.csv:3: tables.csms.broken_lines: the line is no row"):
        project.with_accounts("A", csms=csms | {"broken_lines": "refuse"})


def test_the_header_once_more_is_no_lost_suppression(project):
    text = "contact_id,address,reason\nP,,left\ncontact_id,address,reason\nQ,,left\n"
    book = project.with_accounts("A", suppressions=project.write("s.csv", text))
    assert len(rows(book, "suppressions")) == 2


def test_a_suppression_of_nobody_is_named(project):
    suppressions = project.write("s.csv", "contact_id,address,reason\n,,left\n,a@b.se,left\nP,,left\n")
    book = project.with_accounts("A", suppressions=suppressions)
    found = finding(book, "suppressions", "blank", "contact_id")
    assert (found.count, found.place, found.action) == (1, "s.csv:2", "flagged")
    assert found.hint == "contact_id or address is needed; fill one of them"


def test_a_file_without_any_of_the_columns_that_say_who_is_refused(project):
    with pytest.raises(DataError, match=r"s.csv:1: none of the columns contact_id and address is there.*map one"):
        project.with_accounts("A", suppressions=project.write("s.csv", "valid_from,reason\n2026-01-01,left\n"))


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


def test_a_table_without_faults_takes_one_query_to_judge(project, monkeypatch):
    asked, judging = [], []
    ask, count, sift = ibis.Table.to_pyarrow, check.count, check.sift

    def telling(table, **options):
        asked.append(table)
        return ask(table, **options)

    def measured(judge):
        def judged(*args):
            before = len(asked)
            found = judge(*args)
            judging.append(len(asked) - before)
            return found

        return judged

    monkeypatch.setattr(ibis.Table, "to_pyarrow", telling)
    monkeypatch.setattr(check, "count", measured(count))
    monkeypatch.setattr(check, "sift", measured(sift))
    project.accounts(
        "account_id,parent_account_id,valid_from,valid_to,arr,signup_at,code\nA,,2026-01-01,,1,2026-01-01,x\n",
        extra={"code": {"type": "text", "unique": True}},
    )
    assert judging == [1, 0]


DAYS = st.integers(1, 28).map(lambda day: f"2026-02-{day:02}")
TICKETS = st.lists(
    st.tuples(
        st.sampled_from("1234"), st.sampled_from("ABZ"), DAYS, st.one_of(st.just(""), DAYS), st.sampled_from("15x")
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tickets=TICKETS)
def test_the_rows_that_stay_are_those_a_plain_loop_keeps(project, tickets):
    # Enough good rows keep a column from looking misdeclared as a whole.
    good = [(f"G{number}", "B", "2026-02-20", "2026-02-21", "1") for number in range(2 * len(tickets))]
    lines = [",".join(row) for row in [*tickets, *good]]
    book = project.open(
        accounts=project.write("a.csv", "account_id,signup_at\nA,2026-02-10\nB,\n"),
        tickets=project.write("t.csv", "\n".join(["ticket_id,account_id,opened_at,resolved_at,csat", *lines]) + "\n"),
    )
    passed = {
        row
        for row in [*tickets, *good]
        if row[1] != "Z"
        and (row[1] != "A" or row[2] >= "2026-02-10")
        and (not row[3] or row[3] >= row[2])
        and row[4] != "x"
    }
    ids = [row[0] for row in passed]
    expected = sorted(row[0] for row in passed if ids.count(row[0]) == 1)
    assert column(book, "ticket_id", "tickets") == expected
    report = book.reports["tickets"]
    copies = sum(item.count for item in report.findings if item.rule == "duplicate")
    assert report.rows + report.quarantined + copies == len(lines)


def test_a_negative_capacity_is_set_aside_with_its_place(project):
    lines = ["csm_id,capacity_minutes_week", *(f"C{number},600" for number in range(30)), "bo,-60"]
    book = project.with_accounts(csms=project.write("csms.csv", "\n".join(lines) + "\n"))
    assert column(book, "csm_id", "csms") == sorted(f"C{number}" for number in range(30))
    assert finding(book, "csms", "range", "capacity_minutes_week").place == "csms.csv:32"  # line 1 is the header
    (aside,) = project.quarantine("csms")
    assert (aside["line"], aside["column"], aside["value"]) == ("32", "capacity_minutes_week", "-60")
    assert aside["hint"] == "must be at least 0"
