"""A small book cut from the samples, as texts: what the fault matrix breaks, one table at a time."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from csworkbench.tables import SPECS, Column, Kind, TableSpec
from csworkbench.workspace import load_workspace

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS, ROWS = 60, 150
SWEDISH, CHINESE = "Åsa Öberg – märkt", "北京云计算有限公司"


@dataclass(frozen=True)
class Sheet:
    """One table as texts.

    Args:
        table: Canonical table.
        header: Names of its columns.
        rows: Cells as the file has them, in the order of the file.
        source: Keys of the table in the workspace, beside its path.
    """

    table: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> TableSpec:
        return SPECS[self.table]

    @property
    def contract(self) -> dict[str, Column]:
        """The columns of the contract that the file has, by name."""
        return {column.name: column for column in self.spec.columns if column.name in self.header}

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of every column that is read, extra ones too."""
        extra = {
            name: keys if isinstance(keys, str) else keys["type"] for name, keys in self.source.get("extra", {}).items()
        }
        return {name: column.kind for name, column in self.contract.items()} | {
            name: Kind(kind) for name, kind in extra.items()
        }

    @property
    def key(self) -> tuple[str, ...]:
        return self.spec.key_among(self.header)

    def links_of(self, *, keeps: bool) -> set[str]:
        """Columns that refer to rows of the book, where a row that refers to nothing is kept or is set aside."""
        links = [link for link in self.spec.foreign_keys if link.table in declared()["tables"]]
        return {name for link in links if link.keep_orphans is keeps for name in link.columns}

    @property
    def links(self) -> set[str]:
        """Columns that refer to other rows."""
        return self.links_of(keeps=True) | self.links_of(keeps=False)

    def at(self, name: str) -> int:
        return self.header.index(name)

    def cells(self, name: str) -> list[str]:
        return [row[self.at(name)] for row in self.rows]

    def with_cells(self, name: str, cells: dict[int, str]) -> "Sheet":
        """Return the sheet with other texts in some rows of a column."""
        place, rows = self.at(name), [list(row) for row in self.rows]
        for index, text in cells.items():
            rows[index][place] = text
        return replace(self, rows=tuple(map(tuple, rows)))

    def text(self, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL, end: str = "\n") -> str:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerow(self.header)
        writer.writerows(self.rows)
        return out.getvalue()

    def identity(self, row: Sequence[Any], header: Sequence[str]) -> tuple[str, ...]:
        """Return what tells a row from every other one, from its texts or from its typed values."""
        return tuple(_plain(row[header.index(name)]) for name in self.key)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)


@cache
def declared() -> dict[str, Any]:
    """The workspace of the sample book with the tables that are one file each."""
    workspace = load_workspace(ROOT / "configs" / "workspace.yaml")
    whole = workspace.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return whole | {
        "tables": {name: keys for name, keys in whole["tables"].items() if isinstance(keys.get("path"), str)}
    }


@cache
def cut() -> dict[str, Sheet]:
    """Return sixty accounts and what belongs to them in every table, parents first, at most 150 rows of each."""
    made: dict[str, Sheet] = {}
    tables = declared()["tables"]
    for table in (name for name in SPECS if name in tables):
        header, rows = _read(ROOT / tables[table]["path"])
        sheet = Sheet(table, header, rows, {key: value for key, value in tables[table].items() if key != "path"})
        made[table] = _marked(_within(replace(sheet, rows=_kept(sheet, made))))
    return made


def only(codec: str) -> Callable[[Sheet], Sheet]:
    """Return what leaves a sheet the characters a code page has, and no others."""

    def dress(sheet: Sheet) -> Sheet:
        rows = tuple(tuple(cell.encode(codec, "ignore").decode(codec) for cell in row) for row in sheet.rows)
        return replace(sheet, rows=rows)

    return dress


def eastern(sheet: Sheet) -> Sheet:
    """Return the sheet with ASCII and Chinese only."""
    rows = tuple(tuple("".join(c for c in cell if c < "\x80" or c > "\u2e80") for cell in row) for row in sheet.rows)
    return replace(sheet, rows=rows)


def parents(table: str) -> list[str]:
    """Return the tables a table is judged by, and their own, each after its parents."""
    spec = SPECS[table]
    direct = {key.table for key in spec.foreign_keys} | {rule.table for rule in spec.not_before}
    wanted = {"accounts"} | direct | {above for name in direct if name != table for above in parents(name)}
    return [name for name in cut() if name in wanted and name != table]


def _read(path: Path) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    if path.suffix == ".parquet":
        stored = pq.read_table(path)
        columns = [
            [_plain(value) for value in stored[name].slice(0, 400_000).to_pylist()] for name in stored.column_names
        ]
        return tuple(stored.column_names), tuple(zip(*columns, strict=True))
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return tuple(header), tuple(map(tuple, rows))


def _kept(sheet: Sheet, above: dict[str, Sheet]) -> tuple[tuple[str, ...], ...]:
    rows = list(sheet.rows)
    if sheet.table == "accounts":
        ids = sorted({row[sheet.at("account_id")] for row in rows})
        some = set(ids[:: max(1, len(ids) // ACCOUNTS)][:ACCOUNTS])
        return tuple(row for row in rows if row[sheet.at("account_id")] in some)
    for link in sheet.spec.foreign_keys:
        parent = above.get(link.table)
        if parent is None or not set(link.columns) <= set(sheet.header):
            continue
        known = {tuple(row[parent.at(name)] for name in link.targets) for row in parent.rows}
        places = [sheet.at(name) for name in link.columns]
        rows = [row for row in rows if tuple(row[at] for at in places) in known or not all(row[at] for at in places)]
    return tuple(rows[:: max(1, len(rows) // ROWS)][:ROWS])


def _within(sheet: Sheet) -> Sheet:
    """Blank the links to rows of the same table that were left out."""
    for link in sheet.spec.foreign_keys:
        if link.table == sheet.table and len(link.columns) == 1 and link.columns[0] in sheet.header:
            there = set(sheet.cells(link.targets[0]))
            gone = {index: "" for index, text in enumerate(sheet.cells(link.columns[0])) if text not in there}
            sheet = sheet.with_cells(link.columns[0], gone)
    return sheet


def _marked(sheet: Sheet) -> Sheet:
    """Put Swedish and Chinese words into a free text, so that every code page has something to get wrong."""
    for name, column in sheet.contract.items():
        free = column.kind is Kind.TEXT and not (column.allowed or column.is_id or name in {*sheet.key, *sheet.links})
        if free and name not in {"currency", "timezone", "language", "region", "feature"} and not column.known_with:
            words = {0: SWEDISH, 1: CHINESE, len(sheet.rows) // 2: CHINESE, len(sheet.rows) - 1: SWEDISH}
            return sheet.with_cells(name, words)
    return sheet
