"""The data engine: one DuckDB per book, and the few functions of it that Ibis has no name for."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.errors import EnvironmentProblem, Problem
from csworkbench.workspace import Engine

if TYPE_CHECKING:
    import ibis
    from duckdb import DuckDBPyConnection
    from ibis.backends.duckdb import Backend

NULL_MARK = "\x1e"
SEPARATOR = "\x1f"


def connect(engine: Engine, spill_folder: Path) -> "Backend":
    """Return a DuckDB in memory that spills to a folder.

    Args:
        engine: Threads and memory it may use.
        spill_folder: Folder for what does not fit into memory; the engine makes it when it needs it and removes it.

    Raises:
        EnvironmentProblem: this machine's locale cannot write the name of the folder.
    """
    import ibis

    _refuse_unwritable(spill_folder)
    limits: dict[str, Any] = {"temp_directory": str(spill_folder)}
    if engine.threads is not None:
        limits["threads"] = engine.threads
    if engine.memory_gb is not None:
        limits["memory_limit"] = f"{engine.memory_gb}GB"
    connection = ibis.duckdb.connect(**limits)
    # In a notebook the engine would show a bar of its own among the outputs, whenever a query is slow.
    connection.raw_sql("SET enable_progress_bar = false")
    return connection


@contextmanager
def isolated(
    engine: Engine, spill_folder: Path, paths: Sequence[Path], database: Path | None = None
) -> "Iterator[DuckDBPyConnection]":
    """Yield an engine of its own for a team's SQL: it reaches the files named and nothing else.

    One thread, so that what a query leaves open (`LIMIT` without order, ties) does not depend on the machine.

    Args:
        engine: Memory it may use.
        spill_folder: Folder for what does not fit into memory.
        paths: Files it may read or write, or folders of such.
        database: DuckDB file to open, read only; None = an empty one in memory.
    """
    import duckdb

    limits: dict[str, Any] = {
        "threads": 1,
        "temp_directory": str(spill_folder),
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
    }
    if engine.memory_gb is not None:
        limits["memory_limit"] = f"{engine.memory_gb}GB"
    connection = duckdb.connect(str(database or ":memory:"), read_only=database is not None, config=limits)
    try:
        folders, files = [str(path) for path in paths if path.is_dir()], [path for path in paths if not path.is_dir()]
        allowed = [spelled for path in files for spelled in (str(path), _literal(path))]
        connection.execute("SET enable_progress_bar = false; SET timezone = 'UTC'")
        connection.execute("SET allowed_paths = ?", [allowed])
        connection.execute("SET allowed_directories = ?", [folders])
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def parquet_list(paths: Sequence[Path]) -> str:
    """Return Parquet files as the argument of the SQL function `read_parquet`."""
    return f"[{', '.join(quoted_text(_literal(path)) for path in paths)}]"


def quoted_text(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _refuse_unwritable(path: Path) -> None:
    """Refuse a path that only bytes can name: under LC_ALL=C without UTF-8 mode the engine cannot open it."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        message = "the name of this folder cannot be written in the locale of this machine"
        shown = str(path).encode(errors="surrogateescape").decode(errors="replace")
        hint = "set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        raise EnvironmentProblem(Problem(message, file=shown, hint=hint)) from error


def read_parquet(connection: "Backend", paths: Sequence[Path], name: str | None = None, **options: Any) -> "ibis.Table":
    """Return Parquet files as one table.

    Args:
        connection: Engine to read with.
        paths: The files; a `*` or `[` in a path stands for itself.
        name: Name of the view; None = one of the engine's own.
        options: Passed to the engine's reader.
    """
    return connection.read_parquet([_literal(path) for path in paths], table_name=name, **options)


def _literal(path: Path) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def nfc(text: "ibis.Value") -> "ibis.Value":
    """Return text in Unicode normal form C."""
    return _one("nfc_normalize", "string", "string")(text)


def parse_time(text: "ibis.Value", dates: str) -> "ibis.Value":
    """Return text read by strptime codes, null where it does not fit; with `%z` the time is in UTC."""
    returns = "timestamp('UTC')" if "%z" in dates else "timestamp"
    return _two("try_strptime", "string", "string", returns)(text, dates).cast("timestamp")


def from_micros(micros: "ibis.Value") -> "ibis.Value":
    """Return the instant of microseconds since 1970."""
    return _one("make_timestamp", "int64", "timestamp")(micros)


def wall_clock_to_utc(wall: "ibis.Value", zone: str) -> "ibis.Value":
    """Return the UTC instant of a wall-clock time, null in the hour a zone skips; a doubled hour is its second."""
    import ibis

    if zone == "UTC":
        return wall
    instant = _two("timezone", "string", "timestamp", "timestamp('UTC')")(zone, wall)
    return ibis.ifelse(
        _two("timezone", "string", "timestamp('UTC')", "timestamp")(zone, instant) == wall,
        instant.cast("timestamp"),
        ibis.null("timestamp"),
    )


def local_day(instant: "ibis.Value", zone: str) -> "ibis.Value":
    """Return the calendar day of a UTC instant in a zone."""
    if zone == "UTC":
        return instant.date()
    aware = instant.cast("timestamp('UTC')")
    return _two("timezone", "string", "timestamp('UTC')", "timestamp")(zone, aware).date()


def row_text(columns: Iterable["ibis.Value"]) -> "ibis.Value":
    """Return the cells of a row as one text that differs for different rows."""
    import ibis

    cells = [column.cast("string").fill_null(NULL_MARK) for column in columns]
    return ibis.literal(SEPARATOR).join(cells)


def low_hash(text: "ibis.Value") -> "ibis.Value":
    """Return the lower 64 bits of the MD5 of a text."""
    return _one("md5_number_lower", "string", "uint64")(text)


def high_hash(text: "ibis.Value") -> "ibis.Value":
    """Return the upper 64 bits of the MD5 of a text."""
    return _one("md5_number_upper", "string", "uint64")(text)


@cache
def _one(name: str, argument: str, returns: str) -> Any:
    import ibis

    def function(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # Ibis reads the types from `signature`
        ...

    return ibis.udf.scalar.builtin(function, name=name, signature=((argument,), returns))


@cache
def _two(name: str, first: str, second: str, returns: str) -> Any:
    import ibis

    def function(left, right):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # as in _one
        ...

    return ibis.udf.scalar.builtin(function, name=name, signature=((first, second), returns))


def word_counts(words: "ibis.Value") -> "ibis.Value":
    """Return an aggregate: each word of a column -> how often it occurs; null where there is no word."""
    return _word_counts()(words)


@cache
def _word_counts() -> Any:
    import ibis

    def function(words):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # as in _one
        ...

    return ibis.udf.agg.builtin(function, name="histogram", signature=(("string",), "map<string, uint64>"))
