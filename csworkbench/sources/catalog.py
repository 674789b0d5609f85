"""Tables of the team's own database: a DuckDB file, opened read only, from which nothing else can be reached."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, EnvironmentProblem, Problem, did_you_mean
from csworkbench.sources import engine
from csworkbench.sources.files import SourceFile, digest
from csworkbench.sources.query import export
from csworkbench.sources.raw import Raw, Task
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY = "engine.database"


@dataclass(frozen=True, slots=True)
class Database:
    """The team's database while a book is read.

    Args:
        connection: Isolated engine that has it open, read only; while it does, nobody can write to it.
        file: The file, with the digest of all that is in it.
    """

    connection: "DuckDBPyConnection"
    file: SourceFile


@contextmanager
def opened(workspace: Workspace, root: Path, spill: Path, staging: Path) -> Iterator[Database]:
    """Yield the database of a workspace.

    Args:
        workspace: What was declared.
        root: Project root.
        spill: Folder for what does not fit into memory.
        staging: Folder its tables are exported to.

    Raises:
        DataError: there is no such file, or it is no database.
        EnvironmentProblem: another program is writing to it.
    """
    name = str(workspace.engine.database)
    path = root / name
    if not path.is_file():
        near = did_you_mean(path.name, [item.name for item in path.parent.glob("*")]) if path.parent.is_dir() else ""
        hint = near or "set it to the DuckDB file, from the project root"
        raise DataError(Problem("there is no such database", file=name, key=KEY, hint=hint))
    with ExitStack() as held:
        with _told(name):
            connection = held.enter_context(engine.isolated(workspace.engine, spill, [staging], path))
        yield Database(connection, SourceFile(path, name, _digest(path)))


def _digest(path: Path) -> str:
    """Return the digest of a database; what was committed but not yet merged lies beside it."""
    log = path.with_name(f"{path.name}.wal")
    return digest(path) + (digest(log) if log.is_file() else "")


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell why a database cannot be opened."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        said = str(error).splitlines()[0]
        if "lock" in said or isinstance(error, duckdb.ConnectionException):
            hint = "wait until the program that writes to it has closed it"
            raise EnvironmentProblem(Problem("is being written to", file=name, key=KEY, hint=hint)) from error
        if "not a valid DuckDB database" not in said and "version number" not in said:
            raise
        hint = f"export it again with DuckDB {duckdb.__version__.rpartition('.')[0]}"
        raise DataError(
            Problem("is no DuckDB database that can be read here", file=name, key=KEY, hint=hint)
        ) from error


def from_table(task: Task, database: "DuckDBPyConnection") -> Raw:
    """Return the rows of a table or view of the database.

    Raises:
        DataError: it has no such table, or the table cannot be read as declared.
    """
    name = _spelled(database, str(task.source.table), f"tables.{task.name}.table")
    return export(database, task, f"FROM {name}", f"{task.source.table} row")


def _spelled(connection: "DuckDBPyConnection", wanted: str, key: str) -> str:
    """Return a declared table as SQL writes it."""
    listed = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY ALL"
    ).fetchall()
    known = {f"{schema}.{name}": (str(schema), str(name)) for schema, name in listed}
    short = ".".join(wanted.split(".")[-2:])
    full = short if "." in short else f"main.{short}"
    if full not in known:
        names = ", ".join(list(known)[:10]) or "no table"
        hint = did_you_mean(full, known, f"it has {names}")
        raise DataError(Problem(f"the database has no table {wanted!r}", key=key, hint=hint))
    return ".".join(engine.quoted(part) for part in known[full])
