"""Dates: a declared format reads what people mean by it and nothing else; the machine's zone never matters."""

import json
import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from csworkbench.errors import DataError
from csworkbench.sources.dates import formats_of, reads
from tests.sources.conftest import column, rows, utc


@pytest.mark.parametrize(
    ("dates", "cell", "expected"),
    [
        ("%m/%d/%Y %H:%M", "3/1/2026 8:05", utc(2026, 3, 1, 8, 5)),
        ("%Y-%m-%d %H:%M", "2026-03-01 8:05", utc(2026, 3, 1, 8, 5)),
        ("%m/%d/%Y %I:%M %p", "3/1/2026 8:05 PM", utc(2026, 3, 1, 20, 5)),
        ("%m/%d/%Y %I:%M %p", "3/1/2026 8:05\u202fpm", utc(2026, 3, 1, 20, 5)),
        ("%d.%m.%y", "1.3.26", utc(2026, 3, 1)),
        ("%d %b %Y", "1 mar 2026", utc(2026, 3, 1)),
        ("%Y年%m月%d日", "2026年3月1日", utc(2026, 3, 1)),
        ("%Y%m%d%H%M%S", "20260301080500", utc(2026, 3, 1, 8, 5)),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-01T08:05:00Z", utc(2026, 3, 1, 8, 5)),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-01T08:05:00+05:30", utc(2026, 3, 1, 2, 35)),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-03-01 08:05:00.25", utc(2026, 3, 1, 8, 5, 0, 250000)),
    ],
)
def test_declared_formats_are_read_as_spreadsheets_and_programs_write_them(project, dates, cell, expected):
    book = project.accounts(f'account_id,signup_at\nA,"{cell}"\n', dates=dates)
    assert column(book, "signup_at") == [expected]


@pytest.mark.parametrize(
    ("dates", "cell"),
    [
        pytest.param("%Y%m%d", "2026115", id="fifteenth of January or fifth of November"),
        pytest.param("%d/%m/%Y", "1/2/26", id="the year 26"),
        pytest.param("%d/%m/%Y", "1/2/202", id="the year 202"),
        pytest.param("%d/%m/%Y", "29/2/2026", id="no leap year"),
        pytest.param("%d/%m/%Y", "1/2/2026 9:00", id="more than declared"),
        pytest.param("%m/%d/%Y %H:%M", "3/1/2026 8:5", id="a minute of one digit"),
        pytest.param("%m/%d/%Y %H:%M", "3/1/2026 24:00", id="hour 24"),
        pytest.param("%Y-%m-%d %H:%M:%S", "2026-12-31 23:59:60", id="leap second"),
        pytest.param("%Y-%m-%dT%H:%M:%S%z", "2026-03-01T08:05:00+25:00", id="no offset of the earth"),
        pytest.param("%Y-%m-%d", "2026-01-01 24:00", id="ISO, hour 24"),
        pytest.param("%Y-%m-%d", "2026-12-31T23:59:60Z", id="ISO, leap second"),
        pytest.param("%Y-%m-%d", "2026-03-01T08:05:00+25:00", id="ISO, no offset of the earth"),
        pytest.param("epoch_s", "0", id="0 for missing"),
        pytest.param("epoch_s", "20454", id="days"),
        pytest.param("epoch_ms", "1767225600", id="seconds for milliseconds"),
    ],
)
def test_what_no_date_of_the_declared_format_is_set_aside(project, dates, cell):
    good = {"epoch_s": "1767225600", "epoch_ms": "1767225600000"}.get(dates) or utc(2026, 5, 20, 9).strftime(dates)
    good += "Z" if dates.endswith("%z") else ""
    lines = "".join(f"A{number},{good}\n" for number in range(3))
    book = project.accounts(f"account_id,signup_at\n{lines}B,{cell}\n", dates=dates)
    assert column(book, "account_id") == ["A0", "A1", "A2"]
    assert project.quarantine("accounts")[0]["rule"] == "type"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["3/13/2026 8:05", "3/1/2026 18:05"], r"looks like %m/%d/%Y %H:%M \(set tables.accounts.dates: '%m/%d/%Y"),
        (["3/1/2026 8:05", "3/2/2026 8:05"], r"looks like %d/%m/%Y %H:%M or %m/%d/%Y %H:%M"),
        (["46023", "46024.5"], "looks like day numbers of a spreadsheet.*format the column as a date"),
        (["1767225600000", "1767225600001"], "looks like epoch_ms"),
        (["20260105", "20260106"], "looks like %Y%m%d"),
    ],
)
def test_an_undeclared_writing_is_refused_with_the_format_to_set(project, cells, message):
    lines = "".join(f"A{number},{cell}\n" for number, cell in enumerate(cells))
    with pytest.raises(DataError, match=message):
        project.accounts(f"account_id,signup_at\n{lines}")


@pytest.mark.parametrize(
    ("declared", "cell", "other"),
    [("epoch_s", "1767225600000", "epoch_ms"), ("epoch_ms", "1767225600", "epoch_s")],
)
def test_an_epoch_in_another_unit_is_refused_and_not_the_year_50000(project, declared, cell, other):
    with pytest.raises(DataError, match=f"looks like {other} .set tables.accounts.dates: '{other}'"):
        project.accounts(f"account_id,signup_at\nA,{cell}\n", dates=declared)


def test_early_hours_of_one_digit_alone_are_enough_to_refuse_the_column(project):
    cells = [f"2026-03-{day:02} 1{day % 10}:00" for day in range(1, 28)] + [f"2026-03-0{day} 8:00" for day in (1, 2, 3)]
    lines = "".join(f"A{number},{cell}\n" for number, cell in enumerate(cells))
    with pytest.raises(DataError, match=r"3 of 30 values .* looks like %Y-%m-%d %H:%M"):
        project.accounts(f"account_id,signup_at\n{lines}")


def test_dates_of_both_orders_in_one_column_are_refused(project):
    # 25/12 proves day first, 12/25 month first: the days up to the 12th could be either.
    cells = ["25/12/2025", "26/12/2025", "27/12/2025", "12/25/2025", "12/26/2025", "12/27/2025", "01/02/2026"]
    lines = "".join(f"A{number},{cell}\n" for number, cell in enumerate(cells))
    with pytest.raises(DataError, match="looks like %m/%d/%Y"):
        project.accounts(f"account_id,signup_at\n{lines}", dates="%d/%m/%Y")


def test_a_day_whose_midnight_a_zone_skips_begins_an_hour_later(project):
    # Cairo put its clocks from 00:00 to 01:00 on 24 April 2026; before, it was two hours ahead of UTC.
    path = project.write("accounts.csv", "account_id,signup_at\nA,2026-04-24\n")
    book = project.open({"timezone": "Africa/Cairo"}, accounts=path)
    assert column(book, "signup_at") == [utc(2026, 4, 23, 22)]


def test_the_doubled_hour_of_autumn_is_its_second(project):
    # In Stockholm 02:30 of 25 October 2026 comes at 00:30 UTC (summer time) and again at 01:30 UTC.
    book = project.accounts("account_id,signup_at\nA,2026-10-25 02:30\n", timezone="Europe/Stockholm")
    assert column(book, "signup_at") == [utc(2026, 10, 25, 1, 30)]


def test_two_dates_of_a_file_may_be_written_in_two_ways(project):
    book = project.accounts(
        "account_id,signup_at,trial_until\nA,1767225600,31.01.2026\n",
        columns={"signup_at": {"dates": "epoch_s"}, "trial_until": {"dates": "%d.%m.%Y"}},
    )
    # 1767225600 s = 20454 days x 86400 = 2026-01-01
    assert rows(book)[0]["signup_at"] == utc(2026, 1, 1)
    assert str(rows(book)[0]["trial_until"]) == "2026-01-31"


def test_both_orders_are_proposed_where_day_and_month_cannot_be_told_apart():
    assert formats_of(["03/04/2026"]) == ("%d/%m/%Y", "%m/%d/%Y")
    assert formats_of(["13/04/2026", "03/04/2026"]) == ("%d/%m/%Y",)
    assert formats_of(["soon"]) == ()


@pytest.mark.parametrize(("dates", "code"), [("%d/%j", "%j"), ("%F %T", "%F"), ("%d/%m/%Y %Z", "%Z"), ("100%", "%")])
def test_a_format_with_a_code_that_is_not_read_is_refused_before_anything_is(project, dates, code):
    with pytest.raises(ValidationError, match=f"'{code}' is no code dates are read by"):
        project.accounts("account_id,signup_at\nA,2026-01-01\n", dates=dates)


def test_reading_and_proposing_agree_on_short_years():
    assert not reads("1/2/26", "%d/%m/%Y")
    assert reads("1/2/26", "%d/%m/%y")


IN_A_ZONE = """
import json, sys
from pathlib import Path
from csworkbench.sources import open_book
from csworkbench.workspace import Workspace
root = Path(sys.argv[1])
tables = {"accounts": {"path": "accounts.csv", "timezone": "Europe/Stockholm", "columns": {
    "churned_at": {"dates": "%d/%m/%Y %H:%M %z"}, "paid_at": {"dates": "epoch_s"},
}}}
workspace = Workspace.model_validate({"version": 1, "name": "T", "timezone": "America/New_York", "tables": tables})
book = open_book(workspace, root, root / "cache" / sys.argv[2])
report = book.reports["accounts"]
rows = sorted(map(str, book.tables["accounts"].to_pyarrow().to_pylist()))
print(json.dumps([report.digest, str(report.first_event), report.quarantined, rows]))
"""


def test_the_machine_s_own_zone_changes_nothing(project):  # V19
    cells = [
        "2026-03-29 02:30", "2026-10-25 02:30", "2026-07-01", "2026-07-01T12:00:00Z", "2026-07-01T12:00:00-07:00",
        "2026-07-01 12:00", "2026-12-31T23:59:60Z",
    ]  # fmt: skip
    lines = "".join(f"A{number},{cell},01/12/2026 10:00 +0200,1767225600\n" for number, cell in enumerate(cells))
    project.write("accounts.csv", f"account_id,signup_at,churned_at,paid_at\n{lines}")
    found = set()
    for number, zone in enumerate(("UTC", "Asia/Shanghai", "America/Los_Angeles")):
        done = subprocess.run(
            [sys.executable, "-c", IN_A_ZONE, str(project.root), str(number)],
            env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(done.stdout)
    assert len(found) == 1
    digest, _, quarantined, _ = json.loads(found.pop())
    assert digest
    assert quarantined == 2  # the hour that never was, and the leap second
