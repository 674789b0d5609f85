"""The snapshot: every table cut to one day, with the values that were remembered of that day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.asof import cut, recall
from csworkbench.asof.newest import end_of
from csworkbench.errors import AnalysisError, Problem
from csworkbench.sources.archive import overwritten
from csworkbench.tables import SPECS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from csworkbench.sources import Book, Contacted, IngestReport, Remembered
    from csworkbench.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Every table cut to what was known at the end of one day; only `take` and `earlier` build one.

    Args:
        as_of: Last day that is known, in `workspace.timezone`.
        workspace: The workspace the data come from.
        tables: Name -> expression; where a row has a validity interval, the version that holds at `as_of`. Rows of
            accounts, contacts, plans or touches that are not there yet are left out; a cell that was revealed later is
            null (or the fallback of its table, such as outcome "open").
        reports: What ingestion found, per table; about the whole file, not only the days up to `as_of`.
        history: The same rows before versions and accounts were picked: every version known by `as_of`.
        remembered: What earlier exports said of the columns that exports overwrite (`sources.archive`).
        ends_on: Newest day of the book; from it on, what an export overwrites is current.
        released: Contacts of the official lists of runs up to `as_of`; they may lie in the days after it.
        ahead: Touches of the days after `as_of`, which are planned, where `as_of` is the day the book ends on; None =
            an earlier day, of which nobody can tell what was planned, or no touches.
    """

    as_of: date
    workspace: "Workspace"
    tables: "Mapping[str, ir.Table]"
    reports: "Mapping[str, IngestReport]"
    history: "Mapping[str, ir.Table]" = field(repr=False)
    remembered: "Mapping[str, Remembered]" = field(repr=False)
    ends_on: date
    released: "tuple[Contacted, ...]" = field(default=(), repr=False)
    ahead: "ir.Table | None" = field(default=None, repr=False)

    @property
    def current_only(self) -> Mapping[str, tuple[str, ...]]:
        """Return table -> columns of which today's value is shown, because nobody recorded the one at `as_of`.

        Empty from the newest day of the book on. A column is left out where each row shows a remembered value.
        """
        found = {name: self.unrecorded(name) for name in self.tables}
        return MappingProxyType({name: columns for name, columns in found.items() if columns})

    def unrecorded(self, name: str) -> tuple[str, ...]:
        """Return the columns of one table that `current_only` names; none where there is no such table.

        Args:
            name: Canonical table.
        """
        if name not in self.tables or self.as_of >= self.ends_on:
            return ()
        table = self.tables[name]
        columns = overwritten(self.workspace, name, table.columns)
        past = self.remembered.get(name)
        if not columns or past is None or self.as_of < past.since:
            return columns
        return recall.unrecorded(table, SPECS[name], columns, past.versions, self.as_of)


def take(book: "Book", as_of: date) -> Snapshot:
    """Return the book as it was known at the end of a day in the workspace's time zone.

    A row is kept when its event time, its `known_at` and its `valid_from` are not later; an undated row is kept only
    where its table allows undated rows. A cell is hidden when it is a date that lies later and is not planned ahead
    (such as a due date), or when the column that reveals it (`Column.known_with`) is empty, absent or later. A version
    that ends because of one that is known later does not end yet. A column that exports overwrite has, before the
    newest day of the book, the value that was remembered of the day, and today's where none was.

    Args:
        book: The checked, typed tables.
        as_of: Last day that is known.

    Returns:
        Snapshot of the same tables and columns.
    """
    ends_on = end_of(book, as_of)
    empty = Snapshot(as_of, book.workspace, {}, book.reports, book.tables, book.remembered, ends_on, book.released)
    made = _cut(empty, as_of)
    if as_of < ends_on or "touches" not in book.tables:
        return made
    return replace(made, ahead=cut.ahead(book.tables["touches"], as_of, book.workspace.timezone))


def earlier(snapshot: Snapshot, as_of: date) -> Snapshot:
    """Return a snapshot cut again at an earlier day; equal to the one taken from the book at that day.

    Args:
        snapshot: What was known at its own, later day.
        as_of: Last day that is known, at most `snapshot.as_of`.

    Returns:
        Snapshot of the same tables and columns.

    Raises:
        ValueError: as_of lies after the snapshot.
    """
    if as_of > snapshot.as_of:
        raise ValueError(f"{as_of} lies after the snapshot of {snapshot.as_of}")
    return _cut(snapshot, as_of)


def require_history(snapshot: Snapshot, table: str, columns: Iterable[str]) -> None:
    """Refuse columns as evidence where the snapshot shows today's value: for proofs and validations.

    Args:
        snapshot: The book as of the earliest date that is read.
        table: Canonical table.
        columns: The columns that are read; those the table does not have are no matter here.

    Raises:
        AnalysisError: nobody recorded what some of them were at the date.
    """
    doubtful = snapshot.unrecorded(table)
    named = [name for name in columns if name in doubtful]
    if not named:
        return
    versioned = "give `valid_from` and `valid_to`, or " if SPECS[table].has_versions else ""
    past = snapshot.remembered.get(table)
    archived = f"each run archives it since {past.since}" if past else "each run archives it from now on"
    raise AnalysisError(
        Problem(
            f"{', '.join(named)}: the export holds today's value, and nobody recorded the one of {snapshot.as_of}",
            key=table,
            hint=f"{versioned}wait: {archived}",
        )
    )


def _cut(later: Snapshot, as_of: date) -> Snapshot:
    """Return the snapshot of a day from the history of a later one."""
    day_after, zone = as_of + timedelta(days=1), later.workspace.timezone
    history = {name: cut.known(table, SPECS[name], day_after, zone) for name, table in later.history.items()}
    present: dict[str, ir.Table] = {}
    # Parents come first, so that what refers to a row that was left out is left out too.
    for name in (name for name in SPECS if name in history):
        table = cut.valid(history[name], SPECS[name])
        columns = overwritten(later.workspace, name, table.columns)
        past = later.remembered.get(name)
        if columns and past is not None and past.since <= as_of < later.ends_on:
            table = recall.recalled(table, SPECS[name], columns, past.versions, as_of)
        present[name] = cut.of_parents(table, SPECS[name], present)
    return Snapshot(
        as_of,
        later.workspace,
        MappingProxyType({name: present[name] for name in history}),
        later.reports,
        MappingProxyType(history),
        later.remembered,
        later.ends_on,
        tuple(each for each in later.released if each.known_on <= as_of),
    )
