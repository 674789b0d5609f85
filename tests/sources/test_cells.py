"""Cells: opaque ids, declared numbers and dates; a bad cell is set aside, a column of them is refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csworkbench.errors import DataError
from tests.sources.conftest import column, finding, rows, utc


def test_ids_that_look_like_numbers_or_missing_stay_what_they_are(project):
    ids = [
        "NA",
        "00042",
        "42",
        "9007199254740993",
        "1E5",
        "100000",
        "null",
        "None",
        "001xx000003DGb0",
        "001xx000003DGB0",
    ]
    book = project.accounts("account_id\n" + "\n".join(ids) + "\n", missing=["", "NA", "null"])  # V04
    assert column(book, "account_id") == sorted(ids)


def test_blanks_and_invisible_characters_around_an_id_make_no_new_account(project):
    book = project.with_accounts(
        "A1 B2",
        tickets=project.write(
            "t.csv",
            "account_id,ticket_id,opened_at\n A1 ,1,2026-01-01\n"
            "\u00a0A1\u00a0,2,2026-01-01\nA\u200b1\ufeff,3,2026-01-01\n",
        ),
    )
    assert column(book, "account_id", "tickets") == ["A1", "A1", "A1"]  # V03


def test_one_id_in_two_unicode_forms_is_one_account(project):
    book = project.accounts("account_id,name\nÅsa,x\nA\u030asa,x\n")
    assert column(book, "account_id") == ["Åsa"]


def test_a_blank_is_missing_and_counted_and_nobody_is_lost(project):
    book = project.accounts("account_id,arr,employees\nA1, ,5\nA2,7,\nA3,,\n")
    assert column(book, "arr") == [Decimal(7), None, None]
    assert book.reports["accounts"].blanks == {"arr": 2, "employees": 2}
    assert finding(book, "accounts", "blank", "arr").place == "accounts.csv:2"


def test_a_column_that_is_mostly_blank_is_kept_where_the_workspace_flags_blanks(project):
    tickets = {"path": project.write("t.csv", "ticket_id,account_id,opened_at\nT1,A,2026-01-01\nT2,A,\nT3,A,\n")}
    with pytest.raises(DataError, match=r"t.csv: .*opened_at"):
        project.with_accounts("A", tickets=tickets)
    book = project.with_accounts("A", tickets=tickets | {"rules": {"blank": "flag"}})
    assert len(column(book, "ticket_id", "tickets")) == 3
    found = finding(book, "tickets", "blank", "opened_at")
    assert (found.count, found.action, found.place) == (2, "flagged", "t.csv:3")


def test_a_blank_that_means_something_is_counted_without_a_finding(project):
    book = project.accounts("account_id,churned_at\nA1,\nA2,2026-01-01\n")
    assert book.reports["accounts"].blanks == {"churned_at": 1}
    assert [item.rule for item in book.reports["accounts"].findings] == []


def test_texts_declared_missing_are_missing(project):
    assert column(project.accounts("account_id,plan\nNA,NA\nB,gold\n", missing=["NA"]), "plan") == [None, "gold"]


@pytest.mark.parametrize(
    "text", ["inf", "-inf", "nan", "#DIV/0!", "12k", "(300)", "1 234", "１０", "1,5", "--1", "0x10", "1_000", "−5"]
)
def test_what_is_no_number_in_the_declared_writing_is_set_aside(project, text):
    good = "".join(f"A{number},1.5\n" for number in range(3))  # V11, V12
    book = project.accounts(f'account_id,arr\n{good}B,"{text}"\n')
    assert column(book, "account_id") == ["A0", "A1", "A2"]
    (bad,) = project.quarantine("accounts")
    assert (bad["file"], bad["line"], bad["column"], bad["rule"]) == ("accounts.csv", "5", "arr", "type")
    assert bad["value"].removeprefix("'") == text


@pytest.mark.parametrize("score", ["-1", "11", "10.5", "9/10", "１０", "inf"])
def test_an_nps_score_that_is_not_0_to_10_is_set_aside(project, score):
    lines = "".join(f"G{number},A,2026-01-0{number},{number}\n" for number in range(1, 4))  # V08
    book = project.with_accounts(
        nps_responses=project.write(
            "n.csv", f"response_id,account_id,responded_at,score\n{lines}R0,A,2026-01-05,\nR1,A,2026-01-05,{score}\n"
        )
    )
    assert column(book, "score", "nps_responses") == [1, 2, 3, None]  # the blank is missing, not zero


def test_negative_counts_are_set_aside(project):
    book = project.with_accounts(
        usage_daily=project.write("u.csv", "account_id,date,events\nA,2026-01-01,5\nA,2026-01-02,-1\nB,2026-01-01,0\n")
    )  # V10
    assert column(book, "events", "usage_daily") == [0, 5]
    assert finding(book, "usage_daily", "range", "events").hint == "must be at least 0"


def test_a_whole_number_may_carry_a_zero_fraction(project):
    assert column(project.accounts("account_id,employees\nA,10.0\nB,7\n"), "employees") == [10, 7]


def test_large_integers_are_exact(project):
    assert column(project.accounts("account_id,employees\nA,9007199254740993\n"), "employees") == [2**53 + 1]


def test_the_decimal_mark_of_one_column_may_differ(project):
    book = project.accounts(
        "account_id;arr;x\nA;1,5;2.5\n", delimiter=";", decimal=",", extra={"x": {"type": "decimal", "decimal": "."}}
    )
    assert rows(book) == [{"account_id": "A", "arr": Decimal("1.5"), "x": Decimal("2.5")}]


def test_shares_are_from_0_to_1(project):
    book = project.accounts("account_id,s\nA,0.25\nB,1\nC,0\nD,1.5\n", extra={"s": "share"})
    assert column(book, "s") == [0.0, 0.25, 1.0]


def test_booleans_are_true_false_1_and_0(project):
    book = project.accounts("account_id,b\nA,TRUE\nB,0\nC,false\nD,1\nE,perhaps\n", extra={"b": "boolean"})
    assert column(book, "b") == [False, False, True, True]


EXTRA = {"s": "share", "b": "boolean"}
REFUSED = [
    pytest.param(
        "arr", ["1,5", "2,5", "3"], r"looks like decimal mark ','.*set tables.accounts.decimal: ','", id="decimal comma"
    ),
    pytest.param("arr", ["1'234.5", "2'234.5"], "looks like thousands separators", id="thousands"),
    pytest.param("s", ["45%", "50%"], "looks like percent", id="percent"),
    pytest.param("s", ["45", "50"], "not from 0 to 1", id="percent without sign"),
    pytest.param(
        "signup_at",
        ["31.12.2025", "01.02.2026"],
        r"looks like %d.%m.%Y.*set tables.accounts.dates: '%d.%m.%Y'",
        id="dots",
    ),
    pytest.param("signup_at", ["1767225600", "1767225601"], "looks like epoch_s", id="epoch seconds"),
    pytest.param("trial_until", ["2026-01-01T10:00:00"] * 2, "looks like %Y-%m-%dT%H:%M:%S", id="time in a date"),
    pytest.param("b", ["Yes", "No"], r"set tables.accounts.extra.b.values: \{Yes: true, No: false\}", id="yes and no"),
]


@pytest.mark.parametrize(("name", "values", "message"), REFUSED)
def test_a_column_that_is_not_what_was_declared_is_refused_with_the_key_to_set(project, name, values, message):
    lines = "".join(f'A{number},"{value}"\n' for number, value in enumerate(values))
    extra = {name: EXTRA[name]} if name in EXTRA else {}
    with pytest.raises(DataError, match=f"accounts.csv: tables.accounts: {name}: .*{message}"):
        project.accounts(f"account_id,{name}\n{lines}", extra=extra)


def test_words_that_are_not_allowed_are_refused_with_a_value_map(project):
    with pytest.raises(
        DataError, match=r"outcome: 2 of 2 values are not one of renewed, .*values: \{Renewed: renewed, Lost: "
    ):
        project.with_accounts(
            renewals=project.write(
                "r.csv", "renewal_id,account_id,due_date,outcome\n1,A,2026-01-01,Renewed\n2,A,2026-01-02,Lost\n"
            )
        )


def test_swapped_day_and_month_is_refused_even_when_most_dates_happen_to_fit(project):
    days = ["01/02/2026", "03/04/2026", "05/06/2026", "12/25/2025"]  # only the last one gives it away
    lines = "".join(f"A{number},{day}\n" for number, day in enumerate(days))
    with pytest.raises(DataError, match=r"looks like %m/%d/%Y"):
        project.accounts(f"account_id,signup_at\n{lines}", dates="%d/%m/%Y")


def test_one_swapped_date_among_dates_that_prove_the_declaration_is_set_aside(project):
    lines = "A,25/12/2025\nB,01/02/2026\nC,12/25/2025\n"
    assert column(project.accounts(f"account_id,signup_at\n{lines}", dates="%d/%m/%Y"), "account_id") == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", utc(2026, 3, 1)),
        ("2026-03-01 10:30", utc(2026, 3, 1, 10, 30)),
        ("2026-03-01T10:30:15Z", utc(2026, 3, 1, 10, 30, 15)),
        ("2026-03-01T10:30:15.250+02:00", utc(2026, 3, 1, 8, 30, 15, 250000)),
        ("2026-03-01T23:30:00-05:00", utc(2026, 3, 2, 4, 30)),
    ],
)
def test_iso_times_with_any_offset_are_held_in_utc(project, text, expected):
    assert column(project.accounts(f"account_id,signup_at\nA,{text}\n"), "signup_at") == [expected]


def test_a_time_without_offset_is_in_the_zone_of_its_table(project):
    lines = "A,2026-01-15 12:00\nB,2026-07-15 12:00\nC,2026-03-29 02:30\nD,2026-10-25 02:30\n"
    book = project.accounts(f"account_id,signup_at\n{lines}", timezone="Europe/Stockholm")  # V19
    # Winter is UTC+1, summer UTC+2; 02:30 does not exist on 29 March and is set aside; in October it happens twice.
    found = {row["account_id"]: row["signup_at"] for row in rows(book)}
    assert found["A"] == utc(2026, 1, 15, 11)
    assert found["B"] == utc(2026, 7, 15, 10)
    assert found["D"] in {utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)}
    assert [row["line"] for row in project.quarantine("accounts")] == ["4"]


def test_a_day_in_a_column_of_times_begins_in_the_calendar_of_the_workspace(project):
    path = project.write("accounts.csv", "account_id,signup_at\nA,2026-07-01\n")
    book = project.open({"timezone": "America/New_York"}, accounts=path)
    assert column(book, "signup_at") == [utc(2026, 7, 1, 4)]  # UTC-4 in summer
    assert book.reports["accounts"].first_event == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("dates", "text"),
    [("epoch_s", "1767225600"), ("epoch_ms", "1767225600000"), ("%d %b %Y %H:%M %z", "01 Jan 2026 01:00 +0100")],
)
def test_declared_times_are_read(project, dates, text):
    # 1767225600 s = 20454 days x 86400 = 2026-01-01
    assert column(project.accounts(f"account_id,signup_at\nA,{text}\n", dates=dates), "signup_at") == [utc(2026, 1, 1)]


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-01-01T23:59:60", "0026-01-01", "2199-01-01", "2026-13-01", "soon"]
)
def test_days_that_do_not_exist_or_cannot_be_are_set_aside(project, text):
    book = project.accounts(f"account_id,signup_at\nA,2026-01-01\nB,2026-01-02\nC,{text}\n")
    assert column(book, "account_id") == ["A", "B"]


def test_an_open_end_in_the_year_9999_is_accepted_for_planned_dates(project):
    book = project.with_accounts(
        subscriptions=project.write(
            "s.csv", "subscription_id,account_id,start_date,end_date\nS,A,2026-01-01,9999-12-31\n"
        )
    )
    assert column(book, "end_date", "subscriptions") == [date(9999, 12, 31)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.decimals(0, 10**9, places=6), min_size=1, max_size=20))
def test_amounts_survive_exactly_in_either_decimal_mark(project, amounts):
    lines = "".join(f"A{number};{amount}\n" for number, amount in enumerate(amounts))
    point = project.accounts(f"account_id;arr\n{lines}", delimiter=";")
    comma = project.accounts(f"account_id;arr\n{lines.replace('.', ',')}", delimiter=";", decimal=",")
    assert column(point, "arr") == sorted(amounts, key=str)
    assert point.reports["accounts"].digest == comma.reports["accounts"].digest


def test_a_word_that_the_map_does_not_name_stays_and_is_told(project):
    lines = "account_id,Segment,Kind\nA1,A,x\nA2,D,y\nA3,large,x\nA4,,x\nA5,E,z\nA6, B ,x\n"
    mapped = {"from": "Segment", "values": {"A": "large", "B": "mid"}}
    kind = {"from": "Kind", "values": {"x": "shop", "y": "farm"}}
    book = project.accounts(lines, columns={"value_tier": mapped}, extra={"kind": {"type": "text", **kind}})
    assert column(book, "value_tier") == ["D", "E", None, "large", "large", "mid"]
    found = finding(book, "accounts", "unmapped", "value_tier")
    assert (found.count, found.example, found.place, found.action) == (2, "D", "accounts.csv:3", "kept")
    assert "is not named under values" in found.hint
    assert finding(book, "accounts", "unmapped", "kind").example == "z"
    assert finding(book, "accounts", "blank", "value_tier").count == 1
