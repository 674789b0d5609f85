"""Opening a book with one broken table, and the letter of the fault matrix that what happened deserves."""

import csv
import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from csworkbench.errors import DataError
from csworkbench.formats import printable
from csworkbench.sources import Book, open_book
from csworkbench.workspace import Workspace
from tests.faults.book import Sheet, cut, declared, parents

TERMINAL = 100
LINES = 6


@dataclass(frozen=True)
class Fault:
    """A table after something happened to it.

    Args:
        content: The bytes of the file.
        sheet: The rows as they were written.
        origin: Per row of the sheet: the row of the base it comes from; None = all are in their place.
        touched: Rows of the sheet that are not what they were.
        source: Keys declared for it, beside those of the base.
        first_line: Line of the first row in the file.
    """

    content: bytes
    sheet: Sheet
    origin: tuple[int | None, ...] | None = None
    touched: frozenset[int] = frozenset()
    source: dict | None = None
    first_line: int = 2

    def lines(self) -> dict[int, int]:
        """Return the line at which each row begins."""
        place, found = self.first_line, {}
        for index, row in enumerate(self.sheet.rows):
            found[index] = place
            place += 1 + sum(len(re.findall("\r\n|\r|\n", cell)) for cell in row)
        return found


@dataclass(frozen=True)
class Verdict:
    """What became of a fault.

    Args:
        letter: E equal, R refused, Q set aside or flagged by name, "silent" for what nobody was told.
        words: The error, or what differs without a word.
    """

    letter: str
    words: str = ""


@dataclass(frozen=True)
class Base:
    """A table before anything happened to it: its digest, rows, columns and the count per rule of its findings."""

    digest: str
    rows: list[tuple]
    columns: tuple[str, ...]
    told: dict[str, int]


class Desk:
    """Opens books in one folder; what is not broken comes from its cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bases: dict[tuple[str, tuple], Base] = {}
        self.opened = 0
        for name, sheet in cut().items():
            (folder / f"{name}.csv").write_text(sheet.text(), encoding="utf-8", newline="")

    def open(self, sheet: Sheet, content: bytes, source: dict | None = None) -> Book:
        """Open a table with these bytes beside the tables it refers to."""
        tables = {name: cut()[name].source | {"path": f"{name}.csv"} for name in parents(sheet.table)}
        name = f"broken_{sheet.table}.csv"
        (self.folder / name).write_bytes(content)
        tables[sheet.table] = sheet.source | (source or {}) | {"path": name}
        workspace = Workspace.model_validate(declared() | {"tables": tables, "engine": {"threads": 1}})
        self.opened += 1
        return open_book(workspace, self.folder, self.folder / "cache")

    def base(self, sheet: Sheet) -> "Base":
        """Return a table that nothing happened to; none of its rows breaks a rule."""
        key = (sheet.table, sheet.rows)
        if key not in self.bases:
            book = self.open(sheet, sheet.text().encode())
            try:
                report = book.reports[sheet.table]
                assert [item for item in report.findings if item.action == "quarantined"] == []
                told = {item.rule: item.count for item in report.findings}
                self.bases[key] = Base(report.digest, *_rows(book, sheet.table), told)
            finally:
                book.connection.disconnect()
        return self.bases[key]

    def judge(self, sheet: Sheet, fault: Fault, told_by: tuple[str, ...] = ()) -> Verdict:
        """Return what became of a fault.

        Args:
            sheet: The table as it was.
            fault: The table as it is.
            told_by: Rules whose finding counts as a word about all rows they name by their number.
        """
        base = self.base(sheet)
        try:
            book = self.open(sheet, fault.content, fault.source)
        except DataError as error:
            faults = told_badly(error)
            return Verdict("badly told", f"{faults}: {error}") if faults else Verdict("R", str(error))
        try:
            return self._compared(sheet, fault, base, book, told_by)
        finally:
            book.connection.disconnect()

    def _compared(self, sheet, fault, base, book, told_by):
        before, columns = base.rows, base.columns
        report = book.reports[sheet.table]
        now, header = _rows(book, sheet.table)
        if report.digest == base.digest:
            return Verdict("E")
        if any(item.rule in told_by and item.count > base.told.get(item.rule, -1) for item in report.findings):
            return Verdict("Q")
        if header != columns:
            return Verdict("silent", f"columns {header} instead of {columns}")
        listed = self._listed(sheet.table, len(report.findings))
        lines = fault.lines()
        origin = fault.origin or tuple(range(len(fault.sheet.rows)))
        aside = {index for index in fault.touched if lines[index] in listed}
        excused = {
            sheet.identity(sheet.rows[origin[index]], sheet.header) for index in aside if origin[index] is not None
        }
        kept = Counter(row for row in before if sheet.identity(row, columns) not in excused)
        found = Counter(row for row in now if sheet.identity(row, columns) not in excused)
        lost, new = kept - found, found - kept
        # Some tables keep every row: what cannot be read of it is blank, and the row is listed.
        flagged = len(aside) if any(item.action == "flagged" for item in report.findings) else 0
        if not lost and new.total() <= flagged:
            return Verdict("Q")
        return Verdict("silent", f"lost {list(lost)[:2]}, new {list(new)[:2]}")

    def _listed(self, table: str, findings: int) -> set[int]:
        path = self.folder / "cache" / "quarantine" / f"{table}.csv"
        if not findings or not path.is_file():
            return set()
        with path.open(encoding="utf-8", newline="") as stream:
            return {int(row["line"]) for row in csv.DictReader(stream)}


def _rows(book: Book, table: str) -> tuple[list[tuple], tuple[str, ...]]:
    found = book.tables[table].to_pyarrow()
    return list(zip(*(found[name].to_pylist() for name in found.column_names), strict=True)), tuple(found.column_names)


def told_badly(error: DataError) -> list[str]:
    """Return what is missing from the words of a refusal: place, hint, brevity, no traceback, no control character."""
    faults = []
    for problem in error.problems:
        text = str(problem)
        checks = {
            "no file": bool(problem.file),
            "no line, key or offset": bool(problem.line or problem.key) or "the file" in text or "this is" in text,
            "no hint": bool(problem.hint),
            "too long": len(textwrap.wrap(text, TERMINAL)) <= LINES and "\n" not in text,
            "traceback": "Traceback" not in text,
            "control characters": text == printable(text),
        }
        faults += [name for name, is_good in checks.items() if not is_good]
    return faults
