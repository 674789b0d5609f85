"""Every fault of the matrix on tables of a small book: equal, refused or set aside by name, never a silent misread.

Here each case breaks one table, chosen by its seed; tests/soak/test_faults.py breaks all of them.
"""

import csv
import re
from collections import Counter
from random import Random

import pytest

from csworkbench.errors import DataError
from tests.faults import file_faults, row_faults
from tests.faults.book import cut
from tests.faults.verdicts import Desk, Fault, told_badly

CASES = [*file_faults.CASES, *row_faults.CASES]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = Desk(tmp_path_factory.mktemp("faults"))
    yield made
    print(f"\n{made.opened} books opened for {len(CASES)} cases of the fault matrix, each on one table of {len(cut())}")


@pytest.fixture
def fresh(tmp_path):
    return Desk(tmp_path)


def broken_table(case):
    """Return a table this case can break, as it was and as it is; None where no table has what it breaks."""
    tables = sorted(cut())
    for table in Random(f"20260930 {case.name}").sample(tables, len(tables)):
        sheet = case.dress(cut()[table])
        fault = case.make(sheet, Random(f"{case.name} {table}"))
        if fault is not None:
            return sheet, fault
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_never_a_silent_misread(desk, case):
    found = broken_table(case)
    if found is None:
        pytest.skip("no table of the sample book has what this breaks")
    sheet, fault = found
    verdict = desk.judge(sheet, fault, case.told_by)
    assert verdict.letter in case.letters, f"{sheet.table}: {verdict.letter}: {verdict.words}"
    if verdict.letter == "R":
        assert re.search(case.words, verdict.words), f"{sheet.table}: {verdict.words}"


def test_the_cut_book_is_whole(desk):
    for sheet in cut().values():
        assert sheet.rows, sheet.table
        assert desk.base(sheet).rows, sheet.table


ODD_IDS = (
    *("00042", "42", "1E5", "100000", "9007199254740993", "9007199254740992"),
    *("NA", "null", "001xx000003DGb0", "001xx000003DGB0"),
)


HAVE_ACCOUNTS = [name for name, sheet in cut().items() if "account_id" in sheet.header]
SHOWN = ("accounts", "subscriptions", "tickets")


@pytest.mark.parametrize(
    "table", [pytest.param(name, marks=[] if name in SHOWN else [pytest.mark.soak]) for name in HAVE_ACCOUNTS]
)
def test_odd_ids_stay_what_they_are_in_every_table(fresh, table):  # V04
    ids = sorted(set(cut()["accounts"].cells("account_id")))
    names = dict(zip(ids, ODD_IDS, strict=False))
    renamed = {
        name: sheet.with_cells(
            "account_id", {at: names.get(text, text) for at, text in enumerate(sheet.cells("account_id"))}
        )
        for name, sheet in cut().items()
        if name in {"accounts", table}
    }
    (fresh.folder / "accounts.csv").write_text(renamed["accounts"].text(), encoding="utf-8", newline="")
    book = fresh.open(renamed[table], renamed[table].text().encode())
    found = Counter(book.tables[table].account_id.to_pyarrow().to_pylist())
    book.connection.disconnect()
    raw = csv.DictReader(renamed[table].text().splitlines())
    assert found == Counter(row["account_id"] or None for row in raw)


def test_all_problems_of_a_file_come_in_one_pass(fresh):
    sheet = cut()["subscriptions"]
    for name, change in {
        "start_date": lambda text: "/".join(reversed(text.split("-"))),
        "mrr": lambda text: text.replace(".", ","),
        "change_type": str.upper,
        "auto_renew": lambda text: "ja" if text == "true" else "nej",
    }.items():
        sheet = sheet.with_cells(name, {at: change(text) for at, text in enumerate(sheet.cells(name)) if text})
    with pytest.raises(DataError, match="dates: '%d/%m/%Y'") as refused:
        fresh.open(sheet, sheet.text().encode())
    assert told_badly(refused.value) == []
    named = [problem.message.partition(":")[0] for problem in refused.value.problems]
    assert sorted(named) == ["auto_renew", "change_type", "mrr", "start_date"]


def test_bad_rows_of_every_kind_in_one_file_are_all_listed(fresh):
    sheet = cut()["subscriptions"]
    broken = sheet.with_cells("mrr", {2: "12k"}).with_cells("account_id", {4: "", 6: "NOBODY"})
    broken = broken.with_cells("seats", {8: "-3"}).with_cells("start_date", {10: "2026-02-30"})
    lines = broken.text().splitlines()
    lines[13] += ",more"
    verdict = fresh.judge(
        sheet, Fault(("\n".join(lines) + "\n").encode(), broken, touched=frozenset([2, 4, 6, 8, 10, 12]))
    )
    assert verdict.letter == "Q", verdict.words
    with (fresh.folder / "cache" / "quarantine" / "subscriptions.csv").open(encoding="utf-8", newline="") as stream:
        listed = [(int(row["line"]), row["column"], row["rule"]) for row in csv.DictReader(stream)]
    # Line 2 is row 0.
    assert listed == [
        (4, "mrr", "type"),
        (6, "account_id", "blank"),
        (8, "account_id", "foreign_key"),
        (10, "seats", "range"),
        (12, "start_date", "type"),
        (14, "", "width"),
    ]
