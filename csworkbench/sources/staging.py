"""From the rows of a source to rows typed by a contract, written aside before they are judged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, Problem
from csworkbench.sources import catalog, check, engine, identity, native, query, raw
from csworkbench.sources.book import Finding
from csworkbench.sources.fields import Field
from csworkbench.sources.findings import with_example
from csworkbench.sources.identity import MERGED, Identities
from csworkbench.sources.parse import BadRow
from csworkbench.sources.raw import Raw, Task
from csworkbench.sources.rules import Case
from csworkbench.sources.typed import filled, typed
from csworkbench.sources.unclear import unclear
from csworkbench.tables import Rule

if TYPE_CHECKING:
    import ibis

ROUNDED = "has more than 6 decimals, and is read with 6"


@dataclass(frozen=True, slots=True)
class Staged:
    """A table that was typed, before its rows are judged.

    Args:
        table: Typed rows with `_file`, `_line` and the rule each cell breaks.
        fields: Its columns.
        counts: What one aggregate counts.
        bad: Lines that are no rows.
        unused: Columns of the source nobody asked for.
        told: Findings of the way here.
    """

    table: "ibis.Table"
    fields: tuple[Field, ...]
    counts: check.Counts
    bad: tuple[BadRow, ...]
    unused: tuple[str, ...]
    told: tuple[Finding, ...]


def stage(task: Task, case: Case, identities: Callable[[], Identities]) -> Staged:
    """Return a table typed by its contract, written aside.

    Args:
        task: The table.
        case: What its rows are judged by.
        identities: Gives where ids of other systems lead.

    Raises:
        DataError: a file cannot be read as declared, or a column is not what was declared.
    """
    with _readable(task):
        rows = _raw(task)
        _refuse_broken_lines(task, rows.bad)
        path = task.staging / f"{task.name}-staged.parquet"
        task.connection.to_parquet(_typed(task, rows, identities), path, compression="zstd")
        told = _rounded(task, rows)
    raw.refuse_changed(task)
    staged = engine.read_parquet(task.connection, [path])
    if MERGED in staged.columns:
        told += _merged(task, staged)
        staged = staged.filter(~staged[MERGED]).drop(MERGED)
    counts = check.count(staged, rows.fields, case)
    problems = unclear(rows.tables, rows.fields, task.source, task.names)
    problems += check.misfits(staged, rows.fields, counts, task.source, task.names)
    if problems:
        raise DataError(*problems)
    return Staged(staged, rows.fields, counts, rows.bad, rows.unused, tuple(told))


def _refuse_broken_lines(task: Task, bad: Sequence[BadRow]) -> None:
    """Refuse files of consents or suppressions with lines that are no rows, unless the workspace sets them aside.

    The header once more is nobody's no.
    """
    action = task.source.broken_lines or ("refuse" if task.spec.fails_closed else "quarantine")
    lost: dict[str, list[BadRow]] = {}
    for row in bad:
        if row.rule != Rule.HEADER and action == "refuse":
            lost.setdefault(row.file, []).append(row)
    why = ": somebody's no may be lost" if task.spec.fails_closed else ""
    hint = "correct it in the source and export again; or set it to quarantine, to go on without such lines"
    problems = []
    for file, rows in lost.items():
        more = f", and {len(rows) - 1:,} more like it" if len(rows) > 1 else ""
        message = f"the line is no row ({rows[0].hint}){more}{why}"
        problems.append(Problem(message, file, rows[0].line, key=f"tables.{task.name}.broken_lines", hint=hint))
    if problems:
        raise DataError(*problems)


def _raw(task: Task) -> Raw:
    if task.source.query is not None:
        return query.from_query(task)
    return raw.from_files(task) if task.database is None else catalog.from_table(task, task.database)


def _typed(task: Task, rows: Raw, identities: Callable[[], Identities]) -> "ibis.Table":
    import ibis

    made = ibis.union(*(typed(one, rows.fields, task.spec, task.clock, rows.has_one_file) for one in rows.tables))
    if any(item.ids is not None for item in rows.fields):
        made = identity.mapped(made, rows.fields, task.spec, identities())
    return filled(made, rows.fields, task.spec)


@contextmanager
def _readable(task: Task) -> Iterator[None]:
    """Tell a damaged Parquet file as a problem of the data; a CSV never reaches the engine's reader."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        parquets = [file.name for part in task.parts for file in part.parquets]
        if not parquets or isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        names = ", ".join(parquets[:3])
        raise DataError(
            Problem("cannot be read as Parquet: it is damaged or cut", names, hint="export it again")
        ) from error


def _rounded(task: Task, rows: Raw) -> list[Finding]:
    """Return a finding per column of typed values that have more digits than the contract keeps."""
    note = partial(Finding, task.name, Rule.ROUNDED, hint=ROUNDED, action="kept")
    found = []
    for table in rows.tables:
        for name, loses in native.rounding(table, rows.fields).items():
            lost = table.filter(loses.fill_null(False))
            found += with_example(lost, lost[name], partial(note, column=name))
    for file in (file for part in task.parts if not part.name for file in part.parquets):
        for name, (count, line) in native.lost_nanoseconds(file, rows.fields).items():
            found.append(note(column=name, count=count, example="", place=f"{file.name}:{line}"))
    return found


def _merged(task: Task, staged: "ibis.Table") -> list[Finding]:
    """Return the finding about rows of ids that were merged into one that has a row of its own."""
    merged, (key,) = staged.filter(staged[MERGED]), task.spec.key
    hint = "was merged, as id_map says: the row of the id that stayed counts"
    return with_example(merged, merged[key], partial(Finding, task.name, "duplicate", key, hint=hint, action="kept"))
