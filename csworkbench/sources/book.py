"""What reading a workspace gives: the typed tables, and a report of what was found in each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from csworkbench.sources.released import Contacted
from csworkbench.tables import Role
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    import ibis
    from ibis.backends import BaseBackend


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that rows of a table break, with an example.

    Args:
        table: Canonical table.
        rule: Name of a `tables.Rule`.
        column: Canonical column, or "" for the whole row.
        count: Rows it concerns.
        example: A value as the file has it.
        place: `file:line` of the example.
        hint: What to do about it.
        action: kept, quarantined (the row is set aside) or flagged (kept although a rule says otherwise).
    """

    table: str
    rule: str
    column: str
    count: int
    example: str
    place: str
    hint: str
    action: Literal["kept", "quarantined", "flagged"]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """How one table was read.

    Args:
        table: Canonical table.
        files: Files relative to the project root.
        rows: Rows in the table.
        quarantined: Rows set aside.
        digest: sha256 of the typed rows; the same for the same content in any order and any dress.
        findings: What was found, the weightiest first.
        first_event: Day of the earliest event in the workspace's time zone; None without events.
        last_event: Day of the latest event.
        blanks: Missing cells per column that has any.
        extras: Role of each extra column.
        was_cached: The files were not parsed again.
        columns: Columns the table has: those of the contract that the source maps, then extras.
        seconds: How long reading it took; next to nothing where it was typed already.
    """

    table: str
    files: tuple[str, ...]
    rows: int
    quarantined: int
    digest: str
    findings: tuple[Finding, ...]
    first_event: date | None
    last_event: date | None
    blanks: Mapping[str, int]
    extras: Mapping[str, Role]
    was_cached: bool
    columns: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)


class Remembered(NamedTuple):
    """What earlier runs archived of one table.

    Args:
        versions: One row per version: the key and the overwritten columns as text, `_seen_on`, `_place` and
            `_recorded`.
        since: Day of the first of them: nothing is remembered of the days before.
    """

    versions: "ibis.Table"
    since: date


@dataclass(frozen=True, slots=True)
class Book:
    """A workspace that was read.

    Args:
        workspace: What was declared.
        root: Project root.
        connection: Engine behind the tables: DuckDB, or the one `rehome` moved them to.
        tables: Canonical table -> typed expression: the columns the source has, plus extras. Instants are timestamps
            without zone that hold UTC; decimals are decimal(18, 6): cast to float64 before they leave for pandas.
        reports: Canonical table -> how it was read.
        history: Archive of the project; None where none was named.
        remembered: Canonical table -> what earlier runs archived of its columns that exports overwrite.
        typed: Canonical table -> Parquet file its expression reads; where another engine finds it.
        today: Day it was read, in `workspace.timezone`; what is dated later cannot have happened. None = not known.
        released: Contacts of the lists that were made official.
    """

    workspace: Workspace
    root: Path
    connection: "BaseBackend"
    tables: Mapping[str, "ibis.Table"]
    reports: Mapping[str, IngestReport]
    history: Path | None = None
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    typed: Mapping[str, Path] = field(default_factory=dict)
    today: date | None = None
    released: tuple[Contacted, ...] = ()

    @property
    def last_possible(self) -> date:
        """Last day on which anything can have happened: today, or the day the workspace is declared to be of."""
        if self.today is None:
            return date.max
        return max(self.today, self.workspace.as_of) if isinstance(self.workspace.as_of, date) else self.today
