"""A table made by a team's SQL: one SELECT over declared files, run where nothing else can be reached."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from csworkbench.errors import DataError, Problem, did_you_mean
from csworkbench.formats import printable
from csworkbench.sources import engine, native
from csworkbench.sources.fields import DELIMITERS, Field, check_header, plan_fields
from csworkbench.sources.files import SourceFile
from csworkbench.sources.parse import FILE, LINE, BadRow
from csworkbench.sources.raw import Part, Raw, Task, named, read_headers, to_texts, unused
from csworkbench.tables import Column, Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PLACES = (FILE, LINE)
ROWS = "_rows"
# Functions the engine calls constant within a query although the clock moves them.
CLOCKS = (
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_localtime",
    "current_localtimestamp",
)
PLAIN = ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL", "FLOAT", "DOUBLE")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
SHOWN_CHARACTERS = 200


def faults(sql: str, names: Sequence[str], key: str) -> list[Problem]:
    """Return what a query may not say; empty when it is one SELECT over declared names.

    Args:
        sql: The query.
        names: Names that are declared.
        key: Key of the query in the workspace.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        return [_engine_problem(error, key)]
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return [Problem("must be one SELECT, also with WITH or UNION", key=key, hint="one statement that only reads")]
    return _name_faults(sql, names, key)


def _name_faults(sql: str, names: Sequence[str], key: str) -> list[Problem]:
    import sqlglot
    from sqlglot import exp

    try:
        (tree,) = (one for one in sqlglot.parse(sql, dialect="duckdb") if one is not None)
    except sqlglot.errors.ParseError as error:
        fault = error.errors[0] if error.errors else {}
        what = f"cannot be checked: {fault.get('description', 'unknown syntax')} in line {fault.get('line', 1)}"
        return [Problem(what, key=key, hint="write it in a simpler way")]
    if not isinstance(tree, exp.Query):
        return [Problem("must be one SELECT, also with WITH or UNION", key=key, hint="one statement that only reads")]
    known = {name.casefold() for name in names} | {each.alias.casefold() for each in tree.find_all(exp.CTE)}
    problems = []
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            if not isinstance(table.this, exp.GenerateSeries):
                said = f"reads {_called(table.this)}(...)"
                problems.append(Problem(said, key=key, hint="declare the file under files and select from its name"))
        elif table.db or table.name.casefold() not in known:
            name = printable(".".join(part for part in (table.catalog, table.db, table.name) if part))
            hint = did_you_mean(name, names, f"declared are {', '.join(names)}")
            problems.append(Problem(f"reads {name!r}, which is not declared under files", key=key, hint=hint))
    for called in dict.fromkeys(_called(function) for function in tree.find_all(exp.Func)):
        if called in _unsteady():
            hint = "a result may depend on the files only: write the value"
            problems.append(Problem(f"calls {called}(), which changes from run to run", key=key, hint=hint))
    if tree.find(exp.TableSample) is not None:
        problems.append(Problem("takes a sample, which changes from run to run", key=key, hint="take rows by a rule"))
    return list(dict.fromkeys(problems))


def _called(function: Any) -> str:
    from sqlglot import exp

    text = function.name if isinstance(function, exp.Anonymous) else function.sql(dialect="duckdb")
    return str(text).partition("(")[0].strip().lower()


@cache
def _unsteady() -> frozenset[str]:
    """Return the functions whose value depends on more than their arguments, as the engine itself lists them."""
    import duckdb

    with duckdb.connect() as connection:
        listed = "SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
        return frozenset(CLOCKS) | {str(name) for (name,) in connection.execute(listed).fetchall()}


def from_query(task: Task) -> Raw:
    """Return the rows of a query over declared files.

    Raises:
        DataError: a file cannot be read as declared, or the query cannot be run on what is in them.
    """
    views: dict[str, list[str]] = {}
    bad: list[BadRow] = []
    problems: list[Problem] = []
    for part in task.parts:
        try:
            views[part.name], lines = _view(task, part)
            bad += lines
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(*problems)
    out = task.staging / f"{task.name}-result.parquet"
    texts = task.staging.glob(f"{task.name}.files.*.parquet")
    paths = [*texts, *(file.path for part in task.parts for file in part.parquets), out]
    with engine.isolated(task.limits, task.spill, paths) as connection:
        for name, selects in views.items():
            _view_of(connection, name, selects, task)
        raw = export(connection, task, str(task.source.query), "query row")
    return replace(raw, bad=tuple(bad))


def _view(task: Task, part: Part) -> tuple[list[str], tuple[BadRow, ...]]:
    """Return per declared file the SELECT that gives its rows, with their places, and the lines that are no rows."""
    headers = read_headers(task, part, lambda header, name: _header_faults(header, name, part))
    columns = dict.fromkeys(name for file in part.texts for name in headers[file.name])
    twice = _differ_by_case([*columns, *(name for file in part.parquets for name in headers[file.name])])
    if twice:
        message = f"columns {', '.join(repr(printable(name)) for name in twice)} of these files differ by case only"
        names = ", ".join(file.name for file in part.files[:3])
        raise DataError(Problem(message, file=names, hint="declare the files under two names"))
    fields = [Field(Column(name, Kind.TEXT, ""), name, part.key, "", ".") for name in columns]
    paths, bad = to_texts(task, part, fields)
    selects = [f"FROM read_parquet({engine.parquet_list([path])})" for path in paths]
    selects += [
        f"FROM read_parquet({engine.parquet_list([file.path])}, file_row_number = true) "
        f"SELECT * EXCLUDE ({_excluded(file)}), {engine.quoted_text(file.name)} AS {FILE}, "
        f"file_row_number + 1 AS {LINE}"
        for file in part.parquets
    ]
    return selects, bad


def _excluded(file: SourceFile) -> str:
    return ", ".join(["file_row_number", *map(engine.quoted, native.unreadable(file.path))])


def _differ_by_case(names: Sequence[str]) -> list[str]:
    spelled: dict[str, set[str]] = {}
    for name in names:
        spelled.setdefault(name.casefold(), set()).add(name)
    return sorted(name for group in spelled.values() if len(group) > 1 for name in group)


def _header_faults(header: Sequence[str], name: str, part: Part) -> list[Problem]:
    """Return why names cannot be used in a query: missing, twice, taken, or several in one."""
    other = next((mark for mark in DELIMITERS if len(header) == 1 and mark in header[0]), None)
    if other and part.texts:
        message = f"the columns look separated by {other!r}, not {part.written.delimiter!r}"
        return [Problem(message, file=name, line=1, hint=f"set tables.{part.key}.delimiter: {other!r}")]
    folded = [column.casefold() for column in header]
    problems = [
        Problem(f"column {place} has no name", file=name, line=1, hint="name it or leave it out")
        for place, column in enumerate(header, 1)
        if not column.strip()
    ]
    twice = dict.fromkeys(column for column in header if column.strip() and folded.count(column.casefold()) > 1)
    problems += [
        Problem(f"column {printable(column)!r} occurs twice, or but for case", file=name, line=1, hint="rename one")
        for column in twice
    ]
    return problems + [
        Problem(f"a column is called {column!r}, as the row's place is here", file=name, line=1, hint="rename it")
        for column in header
        if column in PLACES
    ]


def _view_of(connection: "DuckDBPyConnection", name: str, selects: Sequence[str], task: Task) -> None:
    """Make the rows of declared files a view, if all files say the same about the types of their columns."""
    types: dict[str, set[str]] = {}
    for select in selects:
        for column, type_ in _described(connection, select):
            types.setdefault(column, set()).add(type_)
    problems = [
        Problem(
            f"column {printable(column)!r} is {' in one file and '.join(sorted(found))} in another",
            key=f"tables.{task.name}.files.{name}",
            hint="declare the files under two names and cast the column in the query",
        )
        for column, found in types.items()
        if len(found) > 1
    ]
    if problems:
        raise DataError(*problems)
    connection.execute(f"CREATE VIEW {engine.quoted(name)} AS {' UNION ALL BY NAME '.join(selects)}")


def _described(connection: "DuckDBPyConnection", sql: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {sql}").fetchall()]


def export(connection: "DuckDBPyConnection", task: Task, sql: str, rows: str) -> Raw:
    """Return the rows a SELECT gives, with the place of each: the raw file's where the result has it, else a number.

    Args:
        connection: An isolated engine.
        task: The table.
        sql: One SELECT.
        rows: What a row is called where it has only a number, such as `query row`.

    Raises:
        DataError: it cannot be run, or its columns are not those declared.
    """
    import duckdb

    key = f"tables.{task.name}.{'query' if task.source.query is not None else 'table'}"
    out = task.staging / f"{task.name}-result.parquet"
    try:
        header = _described(connection, _without_end(sql))
        names = [normalize("NFC", name) for name, _ in header]
        fields = _fields(task, names, key)
        _keep(connection, _without_end(sql), header, names, fields)
        has_places = _write(connection, rows, out)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        raise DataError(_engine_problem(error, key)) from error
    problems = native.misfits(out, fields, key)
    if problems:
        raise DataError(*problems)
    table = engine.read_parquet(task.connection, [out])
    asked = unused([[name for name in names if name not in PLACES]], fields)
    return Raw(fields, [named(table, fields, table[FILE], table[LINE])], (), asked, has_one_file=not has_places)


def _without_end(sql: str) -> str:
    """Return a statement without the semicolon at its end, so that it can stand in another one."""
    import sqlglot

    last = sqlglot.tokenize(sql, dialect="duckdb")[-1]
    return sql[: last.start] if last.text == ";" else sql


def _fields(task: Task, names: Sequence[str], key: str) -> tuple[Field, ...]:
    header = list(dict.fromkeys(name for name in names if name not in PLACES))
    problems = [
        replace(problem, file="", line=None, key=key, message=problem.message.replace("the file has", "the result has"))
        for problem in check_header(header, task.name, task.source, key)
    ]
    folded = [name.casefold() for name in names]
    twice = dict.fromkeys(name for name in header if folded.count(name.casefold()) > 1)
    hint = "select it once, or give one an alias"
    problems += [Problem(f"the result has column {printable(name)!r} twice", key=key, hint=hint) for name in twice]
    if problems:
        raise DataError(*problems)
    return tuple(plan_fields(task.name, task.source, [header]))


def _keep(
    connection: "DuckDBPyConnection",
    sql: str,
    header: Sequence[tuple[str, str]],
    names: Sequence[str],
    fields: Sequence[Field],
) -> None:
    """Keep the rows of a SELECT with the columns that are used, in types that a Parquet file keeps exactly."""
    used = {item.origin for item in fields} | set(PLACES)
    places = {name: names.index(name) for name in dict.fromkeys(names) if name in used}
    kept = [_exactly(f"c{place}", header[place][1], name) for name, place in places.items()]
    aliases = ", ".join(f"c{place}" for place in range(len(names)))
    selected = ", ".join(kept) or "true AS _nothing"
    connection.execute(f"CREATE TEMP TABLE {ROWS} AS FROM ({sql}\n) AS result({aliases}) SELECT {selected}")


def _exactly(column: str, type_: str, name: str) -> str:
    is_nested = type_.endswith("]") or type_.startswith(("STRUCT", "MAP"))
    is_kept = is_nested or type_ in (*WHOLE, "BLOB") or type_.startswith(PLAIN)
    # Parquet has no whole numbers beyond 64 bits and no intervals: their text is exact.
    return f"{column if is_kept else f'CAST({column} AS VARCHAR)'} AS {engine.quoted(name)}"


def _write(connection: "DuckDBPyConnection", rows: str, out: Path) -> bool:
    """Write the rows with their places, and return whether those are lines of files."""
    columns = dict(_described(connection, f"FROM {ROWS}"))
    names = [engine.quoted(name) for name in columns if name not in PLACES]
    file, line = engine.quoted_text(rows), f"row_number() OVER (ORDER BY {', '.join(names) or '1'})"
    has_places = _has_places(connection, columns)
    if has_places:
        file, line = FILE, LINE
    selected = ", ".join([*names, f"{file} AS {FILE}", f"CAST({line} AS BIGINT) AS {LINE}"])
    target = engine.quoted_text(str(out))
    connection.execute(f"COPY (FROM {ROWS} SELECT {selected}) TO {target} (FORMAT parquet, USE_TMP_FILE false)")
    connection.execute(f"DROP TABLE {ROWS}")
    return has_places


def _has_places(connection: "DuckDBPyConnection", columns: Mapping[str, str]) -> bool:
    """Return whether each row of a result stands for one line of a raw file; a join may give a line several times."""
    if columns.get(FILE) != "VARCHAR" or columns.get(LINE) != "BIGINT":
        return False
    counted = (
        f"SELECT count(*) = count(DISTINCT ({FILE}, {LINE})) AND count(*) = count({FILE}) AND count(*) = count({LINE})"
    )
    (is_one_to_one,) = connection.execute(f"{counted} FROM {ROWS}").fetchone() or (False,)
    return bool(is_one_to_one)


def _engine_problem(error: Exception, key: str) -> Problem:
    """Return what the engine says about a query, without the picture of it."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = said[0].partition(": ")[2] or said[0]
    place = next((line.partition(":")[0].lower() for line in said if line.startswith("LINE ")), "")
    hints = [line for line in said[1:] if line.startswith(("Candidate", "Did you mean"))]
    shown = f"{message[:SHOWN_CHARACTERS]}{f' in {place}' if place else ''}"
    return Problem(printable(shown), key=key, hint=printable("; ".join(hints)))
