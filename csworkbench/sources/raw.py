"""Rows of a source before they are typed: the files they come from, the names they have there, and their places."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, Problem
from csworkbench.sources import engine, native, parse
from csworkbench.sources.fields import Field, check_header, plan_fields
from csworkbench.sources.files import SourceFile, digest, find_files, inspect
from csworkbench.sources.parse import FILE, LINE, BadRow
from csworkbench.sources.typed import Clock
from csworkbench.tables import TableSpec
from csworkbench.workspace import Engine, TableSource

if TYPE_CHECKING:
    import ibis
    from duckdb import DuckDBPyConnection
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class Part:
    """Files that are read as one: those of a table, or those behind one name of its query.

    Args:
        name: Name in the query; "" for the table's own files.
        key: Their key in the workspace below `tables`, such as `usage_daily.files.raw`.
        written: How they are written.
        files: The files, in the order declared.
    """

    name: str
    key: str
    written: TableSource
    files: tuple[SourceFile, ...]

    @property
    def texts(self) -> list[SourceFile]:
        """The files that are CSV."""
        return [file for file in self.files if not file.is_parquet]

    @property
    def parquets(self) -> list[SourceFile]:
        """The files that are Parquet."""
        return [file for file in self.files if file.is_parquet]


@dataclass(frozen=True, slots=True)
class Task:
    """One table to read.

    Args:
        connection: Engine to read with.
        limits: What the engine may use of the machine.
        spec: Contract of the table.
        source: What the workspace declares.
        clock: How times without an offset are read.
        parts: Its files.
        staging: Folder for what is made on the way.
        spill: Folder for what does not fit into memory.
        told: Told how many further rows were parsed.
        database: The team's database, where the table is in it.
    """

    connection: "Backend"
    limits: Engine
    spec: TableSpec
    source: TableSource
    clock: Clock
    parts: tuple[Part, ...]
    staging: Path
    spill: Path
    told: Callable[[int], None]
    database: "DuckDBPyConnection | None" = None

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.spec.name

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All its files."""
        return tuple(file for part in self.parts for file in part.files)

    @property
    def names(self) -> str:
        """The first of its files, as messages show them."""
        return ", ".join(file.name for file in self.files[:3])


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows of a source that are not typed yet.

    Args:
        fields: Columns to type.
        tables: Rows with `_file`, `_line` and the columns under their canonical names.
        bad: Lines that are no rows.
        unused: Columns nobody asked for.
        has_one_file: A line number alone says which row is meant.
    """

    fields: tuple[Field, ...]
    tables: "Sequence[ibis.Table]"
    bad: tuple[BadRow, ...]
    unused: tuple[str, ...]
    has_one_file: bool


def find(table: str, source: TableSource, root: Path) -> tuple[tuple[Part, ...], list[Problem]]:
    """Return the files behind a table, and what is wrong with their paths.

    Args:
        table: Canonical table.
        source: What the workspace declares: its files, or files and a query.
        root: Project root.
    """
    declared = {"": (table, source)}
    if source.query is not None:
        declared = {
            name: (
                f"{table}.files.{name}",
                TableSource(path=file.path, encoding=file.encoding, delimiter=file.delimiter),
            )
            for name, file in source.files.items()
        }
    parts: list[Part] = []
    problems: list[Problem] = []
    for name, (key, written) in declared.items():
        files, wrong = find_files(key, written, root)
        parts.append(Part(name, key, written, tuple(files)))
        problems += wrong
    return tuple(parts), problems


def from_files(task: Task) -> Raw:
    """Return the rows of a table's own files.

    Raises:
        DataError: a file cannot be read as declared; every problem of every file.
    """
    (part,) = task.parts

    def check(header: Sequence[str], name: str) -> list[Problem]:
        return check_header(header, task.name, task.source, name)

    headers = read_headers(task, part, check)
    fields = tuple(plan_fields(task.name, task.source, list(headers.values())))
    problems = [problem for file in part.parquets for problem in native.misfits(file.path, fields, file.name)]
    if problems:
        raise DataError(*problems)
    paths, bad = to_texts(task, part, fields)
    tables = [engine.read_parquet(task.connection, paths)] if paths else []
    tables += [_native(task, file, fields) for file in part.parquets]
    return Raw(fields, tables, bad, unused(headers.values(), fields), len(task.files) == 1)


def refuse_changed(task: Task) -> None:
    """Refuse Parquet files whose bytes are not those that were opened; a CSV is hashed while it is parsed.

    Raises:
        DataError: a file changed.
    """
    for part in task.parts:
        for file in part.parquets:
            if digest(file.path) != file.sha256:
                raise DataError(parse.changed(file))


def read_headers(
    task: Task, part: Part, check: Callable[[Sequence[str], str], list[Problem]]
) -> dict[str, tuple[str, ...]]:
    """Return the column names of each file.

    Args:
        task: The table.
        part: The files.
        check: Returns what is wrong with the names of a file.

    Raises:
        DataError: every file whose bytes or names do not fit.
    """
    problems: list[Problem] = []
    headers: dict[str, tuple[str, ...]] = {}
    for file in part.texts:
        found = inspect(file, part.written, f"tables.{part.key}")
        try:
            headers[file.name] = () if found else parse.read_header(file, part.written, part.key)
            found = found or check(headers[file.name], file.name)
        except DataError as error:
            found = list(error.problems)
        problems += found
    for file in part.parquets:
        headers[file.name] = tuple(engine.read_parquet(task.connection, [file.path]).columns)
        problems += native.doubled(file) or check(headers[file.name], file.name)
    if problems:
        raise DataError(*problems)
    return headers


def to_texts(task: Task, part: Part, fields: Sequence[Field]) -> tuple[list[Path], tuple[BadRow, ...]]:
    """Return Parquet files of texts, one per CSV, and the lines that are no rows.

    Args:
        task: The table.
        part: The files.
        fields: Columns to read.

    Raises:
        DataError: a file cannot be parsed, or changed while it was read.
    """
    paths: list[Path] = []
    bad: list[BadRow] = []
    for file in part.texts:
        path = task.staging / f"{part.key}-{len(paths)}.parquet"
        bad += parse.to_text_parquet(file, part.written, part.key, fields, path, told=task.told)
        paths.append(path)
    return paths, tuple(bad)


def _native(task: Task, file: SourceFile, fields: Sequence[Field]) -> "ibis.Table":
    import ibis

    rows = engine.read_parquet(task.connection, [file.path], file_row_number=True)
    return named(rows, fields, ibis.literal(file.name), rows["file_row_number"].cast("int64") + 1)


def named(rows: "ibis.Table", fields: Sequence[Field], file: "ibis.Value", line: "ibis.Value") -> "ibis.Table":
    """Return the columns of a source under their canonical names, with the place of each row.

    Args:
        rows: Columns under the names of the source; one it does not have is null.
        fields: Columns to read.
        file: Where a row stands.
        line: Its number there.
    """
    import ibis

    columns = {FILE: file, LINE: line}
    for item in fields:
        if item.origin is not None:
            columns[item.name] = rows[item.origin] if item.origin in rows.columns else ibis.null("string")
    return rows.select(**columns)


def unused(headers: Iterable[Sequence[str]], fields: Sequence[Field]) -> tuple[str, ...]:
    """Return the columns of files that nobody asked for.

    Args:
        headers: Column names of each file.
        fields: Columns that are read.
    """
    used: Mapping[str | None, None] = dict.fromkeys(item.origin for item in fields)
    return tuple(dict.fromkeys(name for header in headers for name in header if name not in used))
