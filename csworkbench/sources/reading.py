"""Opening a book: every table of a workspace found, inspected, typed, checked and cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, Problem
from csworkbench.sources import check, engine, findings
from csworkbench.sources.book import Book, Finding, IngestReport
from csworkbench.sources.cache import TableCache, table_key
from csworkbench.sources.fields import Field, check_header, plan_fields
from csworkbench.sources.files import SourceFile, digest, find_files, inspect
from csworkbench.sources.parse import FILE, LINE, BadRow, Parsed, changed, read_header, to_text_parquet
from csworkbench.sources.typed import Clock, typed
from csworkbench.tables import SPECS, TableSpec
from csworkbench.workspace import TableSource, Workspace

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class _Staged:
    """A table that was typed, before its rows are judged."""

    table: "ibis.Table"
    fields: tuple[Field, ...]
    counts: check.Counts
    bad: tuple[BadRow, ...]
    unused: tuple[str, ...]


def open_book(workspace: Workspace, root: Path, cache_dir: Path) -> Book:
    """Return the typed, checked tables of a workspace, from the cache where nothing changed.

    Rows that break a rule are listed in `<cache_dir>/quarantine/<table>.csv`.

    Args:
        workspace: What was declared.
        root: Project root; paths of the workspace are relative to it.
        cache_dir: Folder of the typed tables; made when it is not there.

    Raises:
        DataError: files that cannot be read as declared; every problem of every file.
        EnvironmentProblem: the cache folder cannot be written, or the disk is full.
    """
    cache = TableCache(cache_dir)
    with cache.staging() as staging:
        reader = _Reader(workspace, root, cache, staging)
        for table in (name for name in SPECS if name in workspace.tables):
            reader.read(table)
        if reader.problems:
            reader.connection.disconnect()
            raise DataError(*reader.problems)
        return reader.book()


class _Reader:
    """Reads one table after another; after the first problem it only looks for more."""

    def __init__(self, workspace: Workspace, root: Path, cache: TableCache, staging: Path) -> None:
        self.workspace, self.root, self.cache, self.staging = workspace, root, cache, staging
        self.connection: Backend = engine.connect(workspace.engine, staging)
        self.problems: list[Problem] = []
        self.keys: dict[str, str] = {}
        self.tables: dict[str, ibis.Table] = {}
        self.reports: dict[str, IngestReport] = {}

    def book(self) -> Book:
        return Book(self.workspace, self.root, self.connection, MappingProxyType(self.tables),
                    MappingProxyType(self.reports))

    def read(self, table: str) -> None:
        source, spec = self.workspace.tables[table], SPECS[table]
        files, problems = find_files(table, source, self.root)
        self.problems += problems
        parents = [self.keys.get(name, "") for name in _parents(spec)]
        key = self.keys[table] = table_key(table, self.workspace, files, parents)
        report = None if self.problems else self.cache.find(table, key)
        if report is None and files:
            try:
                staged = _stage(self.connection, table, self.workspace, files, self.staging)
                if not self.problems:
                    report = self._finish(staged, spec, files, key)
            except DataError as error:
                self.problems += error.problems
        if report is not None:
            self.reports[table] = report
            self.tables[table] = engine.read_parquet(self.connection, [self.cache.parquet(table, key)], table)

    def _finish(self, staged: _Staged, spec: TableSpec, files: Sequence[SourceFile], key: str) -> IngestReport:
        clock, source = _clock(self.workspace, spec.name), self.workspace.tables[spec.name]
        keep = source.rules == "flag"
        sieve = _sift(staged, spec, self.tables, clock, keep=keep)
        listed = [*staged.bad, *findings.bad_rows(sieve.bad)]
        quarantine = self.staging / f"{spec.name}-quarantine.csv"
        groups = findings.write_quarantine(listed, quarantine)
        path = self.staging / f"{spec.name}-typed.parquet"
        columns = [name for name in staged.table.columns if not name.startswith("_")]
        final = sieve.good.order_by(_sorted_by(spec, columns)).select(columns)
        self.connection.to_parquet(final, path, compression="zstd")
        found = [
            *findings.from_groups(spec.name, groups, keep=keep),
            *findings.of_collapsed(spec.name, sieve.collapsed, files[0].name),
            *findings.of_rows(sieve.good, spec, self.workspace.currency),
            *findings.of_blanks(staged.table, staged.fields, dict(staged.counts.blanks), spec.name),
            *_unused(staged, spec, files[0].name),
        ]
        report = _report(self.connection, path, staged, spec, clock)
        rows_read = staged.counts.rows + len(staged.bad)
        report = replace(report, files=tuple(file.name for file in files), findings=tuple(found),
                         quarantined=rows_read - sieve.collapsed - report.rows)
        if not report.rows and spec.name == "accounts":
            raise DataError(Problem("no account is left: the file has no row that passes", file=files[0].name,
                                    hint=_why(found)))
        self.cache.keep(report, key, path, quarantine)
        return report


def _parents(spec: TableSpec) -> list[str]:
    return [*(key.table for key in spec.foreign_keys), *(rule.table for rule in spec.not_before)]


def _clock(workspace: Workspace, table: str) -> Clock:
    return Clock(workspace.tables[table].timezone, workspace.timezone)


def _why(found: Sequence[Finding]) -> str:
    reasons = [f"{item.count} x {item.rule} {item.column}".strip() for item in found if item.action == "quarantined"]
    return "; ".join(reasons) or "export it again"


def _stage(
    connection: "Backend", table: str, workspace: Workspace, files: Sequence[SourceFile], staging: Path
) -> _Staged:
    """Return a table typed by its contract, written aside.

    Raises:
        DataError: a file cannot be read as declared, or a column is not what was declared.
    """
    source = workspace.tables[table]
    texts = [file for file in files if not file.is_parquet]
    others = [file for file in files if file.is_parquet]
    headers = _headers(connection, table, source, texts, others)
    fields = tuple(plan_fields(table, source, list(headers.values())))
    parsed, raws = _parse(connection, table, source, texts, fields, staging)
    raws += [_native(connection, file, fields) for file in others]
    clock, is_one_file = _clock(workspace, table), len(files) == 1
    path = staging / f"{table}-staged.parquet"
    tables = [typed(raw, fields, SPECS[table], clock, is_one_file) for raw in raws]
    import ibis

    connection.to_parquet(ibis.union(*tables), path, compression="zstd")
    for file in others:
        if digest(file.path) != file.sha256:
            raise DataError(changed(file))
    staged = engine.read_parquet(connection, [path])
    counts = check.count(staged, fields)
    check.refuse_misfits(staged, fields, counts, ", ".join(file.name for file in files[:3]))
    used = {item.origin for item in fields}
    unused = dict.fromkeys(name for header in headers.values() for name in header if name not in used)
    filled = check.fill_fallbacks(staged, fields, SPECS[table], clock)
    return _Staged(filled, fields, counts, tuple(row for one in parsed for row in one.bad), tuple(unused))


def _headers(
    connection: "Backend", table: str, source: TableSource, texts: Sequence[SourceFile], others: Sequence[SourceFile]
) -> dict[str, tuple[str, ...]]:
    """Return the column names of each file.

    Raises:
        DataError: every file whose bytes or names do not fit.
    """
    problems: list[Problem] = []
    headers: dict[str, tuple[str, ...]] = {}
    for file in texts:
        found = inspect(file, source, f"tables.{table}")
        try:
            headers[file.name] = () if found else read_header(file, source, table)
        except DataError as error:
            found = list(error.problems)
        problems += found
    for file in others:
        headers[file.name] = tuple(engine.read_parquet(connection, [file.path]).columns)
        problems += check_header(headers[file.name], table, source, file.name)
    if problems:
        raise DataError(*problems)
    return headers


def _parse(
    connection: "Backend", table: str, source: TableSource, texts: Sequence[SourceFile], fields: Sequence[Field],
    staging: Path,
) -> tuple[list[Parsed], "list[ibis.Table]"]:
    if not texts:
        return [], []
    paths = [staging / f"{table}-{index}.parquet" for index in range(len(texts))]
    parsed = [to_text_parquet(file, source, table, fields, path) for file, path in zip(texts, paths, strict=True)]
    return parsed, [engine.read_parquet(connection, paths)]


def _native(connection: "Backend", file: SourceFile, fields: Sequence[Field]) -> "ibis.Table":
    import ibis

    raw = engine.read_parquet(connection, [file.path], file_row_number=True)
    columns = {FILE: ibis.literal(file.name), LINE: raw["file_row_number"].cast("int64") + 1}
    for item in fields:
        if item.origin is not None:
            columns[item.name] = raw[item.origin] if item.origin in raw.columns else ibis.null("string")
    return raw.select(**columns)


def _sift(
    staged: _Staged, spec: TableSpec, tables: "Mapping[str, ibis.Table]", clock: Clock, *, keep: bool
) -> check.Sieve:
    sifter = check.Sifter(staged.table, staged.fields, spec, keep=keep)
    sifter.cells(staged.counts)
    sifter.filled()
    sifter.order()
    sifter.keys()
    sifter.parents(tables)
    sifter.starts(tables, clock)
    return sifter.sieve()


def _sorted_by(spec: TableSpec, columns: Sequence[str]) -> list[str]:
    # Facts sorted by time let the engine skip the row groups outside a window.
    event = [spec.event_at] if spec.event_at in columns and spec.name != "accounts" else []
    return [str(name) for name in dict.fromkeys([*event, *spec.key_among(columns)])]


def _unused(staged: _Staged, spec: TableSpec, file: str) -> list[Finding]:
    taken = {item.name for item in staged.fields}
    free = {name.replace("_", ""): name for name in spec.names if name not in taken}
    near = {}
    for name in staged.unused:
        close = get_close_matches("".join(filter(str.isalnum, name.casefold())), free, n=1, cutoff=0.8)
        if close:
            near[name] = free[close[0]]
    return findings.of_unused(spec.name, staged.unused, near, file)


def _report(connection: "Backend", path: Path, staged: _Staged, spec: TableSpec, clock: Clock) -> IngestReport:
    table = engine.read_parquet(connection, [path])
    generated = [item.name for item in staged.fields if item.is_row]
    wanted = {"rows": table.count()}
    if spec.event_at in table.columns:
        event = table[spec.event_at]
        day = event if event.type().is_date() else engine.local_day(event, clock.calendar_zone)
        wanted |= {"first": day.min(), "last": day.max()}
    found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return IngestReport(
        table=spec.name, files=(), rows=found["rows"], quarantined=0,
        digest=check.content_digest(connection, table, generated), findings=(),
        first_event=found.get("first"), last_event=found.get("last"), blanks=dict(staged.counts.blanks),
        extras={item.name: item.role for item in staged.fields if item.role is not None}, was_cached=False,
        columns=tuple(table.columns),
    )
