"""A tiny project on disk: tests write files into it and open it as a book."""

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from csworkbench.sources import Book, open_book
from csworkbench.workspace import Workspace


@dataclass
class Project:
    root: Path
    opened: list[Book] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def write(self, name: str, content: str | bytes) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def open(self, workspace: dict | None = None, **tables) -> Book:
        """Open a workspace of tables, each given as its mapping or as its path."""
        declared = {name: {"path": source} if isinstance(source, str) else source for name, source in tables.items()}
        data = {"version": 1, "name": "Test", "tables": declared} | (workspace or {})
        book = open_book(Workspace.model_validate(data), self.root, self.cache)
        self.opened.append(book)
        return book

    def accounts(self, content: str | bytes, **source) -> Book:
        return self.open(accounts={"path": self.write("accounts.csv", content)} | source)

    def with_accounts(self, ids="A B C", **tables) -> Book:
        """Open tables beside accounts with these ids."""
        lines = ["account_id", *ids.split()]
        return self.open(accounts=self.write("accounts.csv", "\n".join(lines) + "\n"), **tables)

    def quarantine(self, table: str) -> list[dict[str, str]]:
        with (self.cache / "quarantine" / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


def rows(book: Book, table: str = "accounts") -> list[dict]:
    """Return the rows of a table, in the order of the table."""
    return book.tables[table].to_pyarrow().to_pylist()


def utc(*parts) -> datetime:
    """Return the time as instants are held: in UTC, without saying so."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def column(book: Book, name: str, table: str = "accounts") -> list:
    """Return the values of a column, sorted as text."""
    return sorted((row[name] for row in rows(book, table)), key=str)


def finding(book: Book, table: str, rule: str, name: str = ""):
    """Return the only finding of a rule about a column."""
    (found,) = [item for item in book.reports[table].findings if (item.rule, item.column) == (rule, name)]
    return found


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    yield made
    for book in made.opened:
        book.connection.disconnect()
