"""Every fault of the matrix on every table of the sample book, and what bare pandas and bare DuckDB make of the files.

By hand: about an hour of CPU. The numbers it prints go to docs/evidence/.
"""

import re
from collections import Counter
from random import Random

import pytest

from tests.faults import file_faults, row_faults
from tests.faults.book import cut
from tests.faults.peers import PEERS, verdict
from tests.faults.verdicts import Desk

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def tally():
    found = Counter()
    yield found
    print(f"\n{found.total()} faults on {len(cut())} tables: {dict(found)}")


@pytest.mark.parametrize("table", cut())
def test_no_fault_of_a_table_is_a_silent_misread(tmp_path, tally, table):
    desk, wrong = Desk(tmp_path), []
    for case in (*file_faults.CASES, *row_faults.CASES):
        sheet = case.dress(cut()[table])
        fault = case.make(sheet, Random(f"{case.name} {table}"))
        if fault is None:
            continue
        found = desk.judge(sheet, fault, case.told_by)
        tally[found.letter] += 1
        says = found.letter != "R" or re.search(case.words, found.words)
        if found.letter not in case.letters or not says:
            wrong.append(f"{case.name}: {found.letter}: {found.words}")
    assert wrong == []


def test_bare_readers_accept_what_is_refused_here(tmp_path):
    """Prints, per reader, how many file faults it accepts with other content and no error."""
    silent = {name: Counter() for name in PEERS}
    base, broken = tmp_path / "base.csv", tmp_path / "broken.csv"
    for table, whole in cut().items():
        before = {}
        for case in file_faults.CASES:
            sheet = case.dress(whole)
            fault = case.make(sheet, Random(f"{case.name} {table}"))
            if fault is None or fault.source is not None:
                continue
            if sheet.rows not in before:
                base.write_text(sheet.text(), encoding="utf-8", newline="")
                before[sheet.rows] = {name: read(base) for name, read in PEERS.items()}
            broken.write_bytes(fault.content)
            for name, read in PEERS.items():
                silent[name][case.name] += verdict(read, before[sheet.rows][name], broken) == "silent"
    for name, counts in silent.items():
        cases = sorted(case for case, count in counts.items() if count)
        rows = len({case.split()[0] for case in cases})
        print(f"\n{name}: {counts.total()} files with other content and no error; {len(cases)} cases of {rows} F rows")
        print("  " + "; ".join(f"{case} ({counts[case]})" for case in cases))
    assert all(counts.total() for counts in silent.values())
