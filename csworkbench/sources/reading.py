"""Opening a book: every table of a workspace found, inspected, typed, checked and cached."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from heapq import merge
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import finalize
from zoneinfo import ZoneInfo

from csworkbench.errors import ConfigError, DataError, Problem
from csworkbench.sources import archive, catalog, check, engine, findings, query, raw, spark
from csworkbench.sources.book import Book, Finding, IngestReport
from csworkbench.sources.cache import TableCache, table_key
from csworkbench.sources.catalog import Database
from csworkbench.sources.identity import Identities, homes, resolve
from csworkbench.sources.parse import FILE, LINE
from csworkbench.sources.raw import Part, Task
from csworkbench.sources.released import released
from csworkbench.sources.rules import Case
from csworkbench.sources.staging import Staged, stage
from csworkbench.sources.typed import Clock
from csworkbench.tables import SPECS, Rule, TableSpec
from csworkbench.workspace import ColumnMap, TableSource, Workspace

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

Listener = Callable[[str, int], None]
"""Told the table that is parsed and how many of its rows are behind it."""


def open_book(
    workspace: Workspace,
    root: Path,
    cache_dir: Path,
    records: Path | None = None,
    *,
    on_rows: Listener | None = None,
    now: datetime | None = None,
) -> Book:
    """Return the typed, checked tables of a workspace, from the cache where nothing changed.

    Rows that break a rule are listed in `<cache_dir>/quarantine/<table>.csv`.

    Args:
        workspace: What was declared.
        root: Project root; paths of the workspace are relative to it.
        cache_dir: Folder of the typed tables; made when it is not there.
        records: Folder of a project's records, whose `history` holds what earlier runs archived; None = there is none.
        on_rows: Told how far the parsing of a table has come.
        now: The instant of reading, with its zone: what is dated later cannot be the newest. None = not known.

    Raises:
        ConfigError: a query says what a query may not say; every problem of every query.
        DataError: files that cannot be read as declared; every problem of every file; or damaged records.
        EnvironmentProblem: the cache folder cannot be written, the disk is full, or the engine is not installed.
    """
    spark.require(workspace.engine)
    book = read_book(workspace, root, cache_dir, records, on_rows=on_rows, now=now)
    if workspace.engine.backend != "spark":
        return book
    try:
        return spark.rehome(book, spark.connect(workspace.engine))
    finally:
        book.connection.disconnect()


def read_book(
    workspace: Workspace,
    root: Path,
    cache_dir: Path,
    records: Path | None = None,
    *,
    on_rows: Listener | None = None,
    now: datetime | None = None,
) -> Book:
    """Return the book of `open_book` on the engine that types it, wherever analyses compute.

    Args:
        workspace: What was declared.
        root: Project root; paths of the workspace are relative to it.
        cache_dir: Folder of the typed tables; made when it is not there.
        records: Folder of a project's records; None = there is none.
        on_rows: Told how far the parsing of a table has come.
        now: The instant of reading, with its zone: what is dated later cannot be the newest. None = not known.

    Raises:
        ConfigError: see `open_book`.
        DataError: see `open_book`.
        EnvironmentProblem: the cache folder cannot be written, the disk is full, or the database is being written to.
    """
    _refuse_queries(workspace)
    cache = TableCache(cache_dir)
    with cache.staging() as staging, ExitStack() as undo:
        reader = _Reader(workspace, root, cache, staging, on_rows or _silent)
        undo.callback(reader.let_go)
        with reader.opened:
            for table in (name for name in SPECS if name in workspace.tables):
                reader.read(table)
        if reader.problems:
            raise DataError(*reader.problems)
        cache.sweep()
        book = replace(
            reader.book(), today=None if now is None else now.astimezone(ZoneInfo(workspace.timezone)).date()
        )
        if records is not None:
            history = records / "history"
            past = archive.remembered(book.connection, history)
            book = replace(book, history=history, remembered=past, released=released(records))
        undo.pop_all()
        return book


def _silent(table: str, rows: int) -> None:
    del table, rows


def _refuse_queries(workspace: Workspace) -> None:
    problems = [
        problem
        for table, source in workspace.tables.items()
        if source.query is not None
        for problem in query.faults(source.query, list(source.files), f"tables.{table}.query")
    ]
    if problems:
        raise ConfigError(*problems)


class _Reader:
    """Reads one table after another; after the first problem it only looks for more."""

    def __init__(self, workspace: Workspace, root: Path, cache: TableCache, staging: Path, on_rows: Listener) -> None:
        self.workspace, self.root, self.cache, self.staging, self.on_rows = workspace, root, cache, staging, on_rows
        self.opened = ExitStack()
        self.spill, free = cache.spill()
        self.connection: Backend = engine.connect(workspace.engine, self.spill)
        self._free = finalize(self.connection, free)
        self.problems: list[Problem] = []
        self.keys: dict[str, str] = {}
        self.tables: dict[str, ibis.Table] = {}
        self.reports: dict[str, IngestReport] = {}

    def let_go(self) -> None:
        self.connection.disconnect()
        self._free()

    def book(self) -> Book:
        typed = {table: self.cache.parquet(table, self.keys[table]) for table in self.tables}
        tables, reports = MappingProxyType(self.tables), MappingProxyType(self.reports)
        return Book(self.workspace, self.root, self.connection, tables, reports, typed=MappingProxyType(typed))

    def read(self, table: str) -> None:
        begin = perf_counter()
        source = self.workspace.tables[table]
        parts = self._find(table, source)
        key = self.keys[table] = table_key(table, self.workspace, parts, self._parents(table))
        report = self.cache.find(table, key)
        if report is None and parts and all(part.files for part in parts):
            report = self._make(self._task(table, source, parts), key)
        if report is not None:
            self.reports[table] = replace(report, seconds=perf_counter() - begin)
            self.tables[table] = engine.read_parquet(self.connection, [self.cache.parquet(table, key)], table)

    def _find(self, table: str, source: TableSource) -> tuple[Part, ...]:
        if source.table is None:
            parts, problems = raw.find(table, source, self.root)
        else:
            database, problems = self._database
            parts = () if database is None else (Part("", table, source, (database.file,)),)
        self.problems += [problem for problem in problems if problem not in self.problems]
        return parts

    @cached_property
    def _database(self) -> tuple[Database | None, list[Problem]]:
        """The database, opened once: while it is open nobody else can write to it."""
        try:
            found = catalog.opened(self.workspace, self.root, self.spill, self.staging)
            return self.opened.enter_context(found), []
        except DataError as error:
            return None, list(error.problems)

    def _parents(self, table: str) -> list[str]:
        """Return the keys of all that a table is judged or mapped by."""
        spec = SPECS[table]
        names = [*(key.table for key in spec.foreign_keys), *(rule.table for rule in spec.not_before)]
        parents = [self.keys.get(name, "") for name in names]
        if _has_ids(self.workspace.tables[table]):
            parents += [self.keys["id_map"], str(homes(self.workspace))]
        return parents

    def _task(self, table: str, source: TableSource, parts: tuple[Part, ...]) -> Task:
        rows = 0

        def told(further: int) -> None:
            nonlocal rows
            rows += further
            self.on_rows(table, rows)

        clock = Clock(source.timezone, self.workspace.timezone)
        database = None if source.table is None else self._database[0]
        return Task(
            connection=self.connection,
            limits=self.workspace.engine,
            spec=SPECS[table],
            source=source,
            clock=clock,
            parts=parts,
            staging=self.staging,
            spill=self.spill,
            told=told,
            database=None if database is None else database.connection,
        )

    @cached_property
    def _identities(self) -> Identities:
        return resolve(self.tables["id_map"].to_pyarrow().to_pylist(), homes(self.workspace))

    def _make(self, task: Task, key: str) -> IngestReport | None:
        try:
            if self.problems and _has_ids(task.source) and "id_map" not in self.tables:
                return None  # without it, the ids of this table mean nothing
            case = Case(task.spec, task.source, self.tables, self.workspace.timezone, self.workspace.currency)
            staged = stage(task, case, lambda: self._identities)
            return None if self.problems else self._finish(task, staged, case, key)
        except DataError as error:
            self.problems += error.problems
            return None

    def _finish(self, task: Task, staged: Staged, case: Case, key: str) -> IngestReport:
        sieve = check.sift(staged.table, case, staged.counts)
        quarantine = self.staging / f"{task.name}-quarantine.csv"
        listed = findings.bad_rows(sieve.bad, self.staging / f"{task.name}-bad.parquet")
        groups = findings.write_quarantine(merge(staged.bad, listed, key=lambda row: (row.file, row.line)), quarantine)
        path = self.staging / f"{task.name}-typed.parquet"
        columns = [name for name in staged.table.columns if not name.startswith("_")]
        final = sieve.good.order_by(_sorted_by(task.spec, columns)).select(columns)
        self.connection.to_parquet(final, path, compression="zstd")
        found = [
            *findings.from_groups(task.name, groups, sieve.actions),
            *findings.of_equal_rows(task.name, sieve, task.files[0].name),
            *findings.of_rows(sieve.good, sieve.notes, task.name),
            *findings.of_assumed(task.spec, columns, staged.counts, task.files[0].name),
            *findings.of_blanks(staged.table, staged.fields, dict(staged.counts.blanks), task.name),
            *staged.told,
            *_circles(task, sieve.good, self.workspace),
            *_unused(task, staged),
        ]
        report = _report(task, staged, path)
        if not report.rows:
            hint = "has no row that passes: what needs it is left out; export it again, or leave the table out"
            found.insert(0, Finding(task.name, Rule.EMPTY, "", 0, "", task.files[0].name, hint, "flagged"))
        aside = staged.counts.rows + len(staged.bad) - sieve.collapsed - report.rows
        report = replace(report, findings=tuple(_placed(item) for item in found), quarantined=aside)
        if not report.rows and task.name == "accounts":
            raise DataError(
                Problem(
                    "no account is left: the file has no row that passes", file=task.files[0].name, hint=_why(found)
                )
            )
        self.cache.keep(report, key, path, quarantine)
        return report


def _has_ids(source: TableSource) -> bool:
    return any(isinstance(column, ColumnMap) and column.ids is not None for column in source.columns.values())


def _placed(finding: Finding) -> Finding:
    """Return a finding whose place reads `query row 12` where a row is no line of a file."""
    return replace(finding, place=finding.place.replace(" row:", " row "))


def _why(found: Sequence[Finding]) -> str:
    reasons = [f"{item.count} x {item.rule} {item.column}".strip() for item in found if item.action == "quarantined"]
    return "; ".join(reasons) or "export it again"


def _sorted_by(spec: TableSpec, columns: Sequence[str]) -> list[str]:
    # Facts sorted by time let the engine skip the row groups outside a window.
    event = [spec.event_at] if spec.event_at in columns and spec.name != "accounts" else []
    return [str(name) for name in dict.fromkeys([*event, *spec.key_among(columns)])]


def _circles(task: Task, good: "ibis.Table", workspace: Workspace) -> list[Finding]:
    """Return the finding about ids of id_map that lead to each other in a circle."""
    if task.name != "id_map":
        return []
    rows = good.order_by([FILE, LINE]).to_pyarrow().to_pylist()
    found = resolve(rows, homes(workspace)).circles
    if not found:
        return []
    circling = {(source, raw_id) for _, source, raw_id in found}
    first = next(row for row in rows if (row["source"], row["source_id"]) in circling)
    hint = "these ids lead to each other in a circle: they stay as they are"
    place = f"{first[FILE]}:{first[LINE]}"
    return [Finding(task.name, "contradiction", "source_id", len(found), first["source_id"], place, hint, "flagged")]


def _unused(task: Task, staged: Staged) -> list[Finding]:
    taken = {item.name for item in staged.fields}
    free = {name.replace("_", ""): name for name in task.spec.names if name not in taken}
    near = {}
    for name in staged.unused:
        close = get_close_matches("".join(filter(str.isalnum, name.casefold())), free, n=1, cutoff=0.8)
        if close:
            near[name] = free[close[0]]
    return findings.of_unused(task.name, staged.unused, near, task.files[0].name)


def _report(task: Task, staged: Staged, path: Path) -> IngestReport:
    table = engine.read_parquet(task.connection, [path])
    generated = [item.name for item in staged.fields if item.is_row]
    wanted = {"rows": table.count()}
    if task.spec.event_at in table.columns:
        event = table[task.spec.event_at]
        day = event if event.type().is_date() else engine.local_day(event, task.clock.calendar_zone)
        wanted |= {"first": day.min(), "last": day.max()}
    found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return IngestReport(
        table=task.name,
        files=tuple(file.name for file in task.files),
        rows=found["rows"],
        quarantined=0,
        digest=check.content_digest(table, generated),
        findings=(),
        first_event=found.get("first"),
        last_event=found.get("last"),
        blanks=dict(staged.counts.blanks),
        extras={item.name: item.role for item in staged.fields if item.role is not None},
        was_cached=False,
        columns=tuple(table.columns),
    )
