"""Tables of the team's own database: a DuckDB file, opened read only, from which nothing else can be reached."""

from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, EnvironmentProblem, Problem, did_you_mean
from csworkbench.sources import engine
from csworkbench.sources.files import SourceFile, digest
from csworkbench.sources.query import export
from csworkbench.sources.raw import Part, Raw, Task
from csworkbench.workspace import TableSource, Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY = "engine.database"


def find(table: str, workspace: Workspace, root: Path) -> tuple[tuple[Part, ...], list[Problem]]:
    """Return the database as the file behind a table, and what is wrong with it.

    Args:
        table: Canonical table.
        workspace: What was declared.
        root: Project root.
    """
    name = str(workspace.engine.database)
    path = root / name
    if not path.is_file():
        near = did_you_mean(path.name, [item.name for item in path.parent.glob("*")]) if path.parent.is_dir() else ""
        hint = near or "set it to the DuckDB file, from the project root"
        return (), [Problem("there is no such database", file=name, key=KEY, hint=hint)]
    try:
        file = SourceFile(path, name, digest(path))
    except OSError as error:
        return (), [Problem(f"cannot be read: {error.strerror}", file=name, key=KEY)]
    return (Part("", table, TableSource(path=name), (file,)),), []


def from_table(task: Task) -> Raw:
    """Return the rows of a table or view of the database.

    Raises:
        DataError: the file is no database, it has no such table, or the table cannot be read as declared.
        EnvironmentProblem: another program is writing to the database.
    """
    import duckdb

    (file,) = task.files
    out = task.staging / f"{task.name}-result.parquet"
    try:
        with engine.isolated(task.limits, task.spill, [out], file.path) as connection:
            name = _spelled(connection, str(task.source.table), f"tables.{task.name}.table")
            return export(connection, task, f"FROM {name}", f"{task.source.table} row")
    except (duckdb.IOException, duckdb.ConnectionException) as error:
        said = str(error).splitlines()[0]
        if "lock" in said or isinstance(error, duckdb.ConnectionException):
            hint = "wait until the program that writes to it has closed it"
            raise EnvironmentProblem(Problem("is being written to", file=file.name, key=KEY, hint=hint)) from error
        if "not a valid DuckDB database" not in said and "version number" not in said:
            raise
        hint = f"export it again with DuckDB {duckdb.__version__.rpartition('.')[0]}"
        raise DataError(
            Problem("is no DuckDB database that can be read here", file.name, key=KEY, hint=hint)
        ) from error


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
