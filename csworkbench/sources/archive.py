"""What exports overwrite, kept: each run adds the values that changed to `records/history/<table>/`.

A file is `<day>-<digest>.parquet`: the digest is that of its bytes, so damage shows, and it names the files it follows,
so a lost one shows too. Its rows are the versions first seen that day: the key and the overwritten columns as text,
`_seen_on` (date), `_place` (how many files were there before) and `_recorded` (the columns that were seen, null where
the row was no longer in the export). Files are never changed.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, EnvironmentProblem, Problem
from csworkbench.files import write_file
from csworkbench.sources import engine
from csworkbench.sources.book import Book, Remembered
from csworkbench.tables import SPECS
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends import BaseBackend
    from ibis.backends.duckdb import Backend

SEEN_ON, PLACE, RECORDED = "_seen_on", "_place", "_recorded"
FORMAT = 1
FORMAT_KEY, FOLLOWS_KEY = b"csworkbench.history", b"csworkbench.follows"
NAME = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the archive that is whole: where it is, and the names of those it follows."""

    path: Path
    follows: tuple[str, ...]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.path.name[:10])


def overwritten(workspace: Workspace, table: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a table of which an export only holds today's value.

    None where the rows have versions; else those of the contract, as far as the workspace does not say otherwise of a
    column (`varies`). Extra columns count where the contract of the table has such columns too: the rows of the others
    are facts that do not change.

    Args:
        workspace: What was declared.
        table: Canonical table.
        columns: The columns it has.
    """
    spec, source = SPECS[table], workspace.tables[table]
    usual = {
        column.name: column.varies for column in spec.columns if not (column.is_personal or column.name in spec.key)
    }
    said = {name: found.varies for name in usual if (found := source.column_map(name)) and found.varies is not None}
    varying = [name for name, varies in (usual | said).items() if varies]
    if not (any(usual.values()) or varying) or (spec.has_versions and "valid_from" in columns):
        return ()
    varying += [name for name in source.extra if source.extra_column(name).varies]
    return tuple(name for name in varying if name in columns)


def recording(columns: Iterable[str]) -> str:
    """Return the names of columns as one text in which each can be found."""
    return "".join(f";{name};" for name in columns)


def remember(book: Book, folder: Path, day: date) -> tuple[Path, ...]:
    """Add what an export says of its overwritten columns to the archive, where it differs from what is there.

    Rows whose key is blank, doubled or made of line numbers cannot be told again and are left out. An export older than
    the newest one remembered adds nothing, because what came after it is known better; what is remembered of a day that
    has not come is no newer one. Running twice adds nothing more.

    Args:
        book: The export, as it was read.
        folder: Archive of the project: `<root>/records/history`; made when it is not there.
        day: Day of which the values are: the newest day of the book.

    Returns:
        The files that were added, one per table with changes.

    Raises:
        DataError: a file of the archive is damaged, missing or of a newer format; every one of them.
        EnvironmentProblem: the archive cannot be written.
    """
    past, added = _files(folder), []
    with TemporaryDirectory(prefix="csw-history-") as spill, _engine(book, Path(spill)) as connection:
        for name, table in book.tables.items():
            columns, files = overwritten(book.workspace, name, table.columns), past.get(name, ())
            # What a wrong date once put ahead of today must not keep every later export out.
            is_older = any(day < file.day <= book.last_possible for file in files)
            if columns and not is_older and _can_be_told(book.workspace, name, table.columns):
                before = [file for file in files if file.day <= day]
                changes = _changes(connection, _seen(table, name, columns), SPECS[name].key, before)
                if changes.num_rows:
                    added.append(_write(folder / name, changes, files, day))
    return tuple(added)


def remembered(connection: "BaseBackend", folder: Path) -> Mapping[str, Remembered]:
    """Return the archive: every version of the overwritten columns that earlier runs saw.

    Args:
        connection: Engine of the book.
        folder: Archive of the project: `<root>/records/history`; nothing is remembered where it is not there.

    Returns:
        Canonical table -> its versions and the day of the first.

    Raises:
        DataError: a file of the archive is damaged, missing or of a newer format; every one of them.
    """
    return {
        name: Remembered(_read(connection, files), min(file.day for file in files))
        for name, files in _files(folder).items()
    }


@contextmanager
def _engine(book: Book, spill: Path) -> "Iterator[Backend]":
    connection = engine.connect(book.workspace.engine, spill)
    try:
        yield connection
    finally:
        connection.disconnect()


def _read(connection: "BaseBackend", files: "Sequence[_File]") -> "ibis.Table":
    paths = [file.path for file in files]
    if connection.name == "duckdb":
        return engine.read_parquet(connection, paths, union_by_name=True)
    # Spark takes the folder; what is hidden in it is not read.
    return connection.read_parquet(str(paths[0].parent), mergeSchema=True)


def _can_be_told(workspace: Workspace, table: str, columns: Sequence[str]) -> bool:
    """Return whether the rows of a table can be found again in the next export."""
    origins = [workspace.tables[table].column_map(name) for name in SPECS[table].key]
    return set(SPECS[table].key) <= set(columns) and not any(origin and origin.row for origin in origins)


def _seen(table: "ibis.Table", name: str, columns: Sequence[str]) -> "pa.Table":
    """Return the key and the overwritten columns of an export as text, of the rows that can be told."""
    import ibis

    key = SPECS[name].key
    texts = table.select(**{column: table[column].cast("string") for column in (*key, *columns)})
    alone = texts.count().over(ibis.window(group_by=list(key))) == 1
    told = texts.mutate(_is_alone=alone).filter(ibis._["_is_alone"], *(texts[column].notnull() for column in key))
    return told.mutate(**{RECORDED: ibis.literal(recording(columns))}).drop("_is_alone").to_pyarrow()


def newest(past: "ibis.Table", key: Sequence[str]) -> "ibis.Table":
    """Return the newest version of each row.

    Args:
        past: Versions of `Remembered`, or those up to a day.
        key: Key of the table.
    """
    import ibis

    # Runs at the same time may have seen different exports of one day: then the texts decide, not the engine.
    texts = [name for name in past.columns if name not in (SEEN_ON, PLACE)]
    newest_first = ibis.row_number().over(
        group_by=list(key),
        order_by=[
            ibis.desc(past[SEEN_ON]),
            ibis.desc(past[PLACE]),
            *(ibis.asc(past[name], nulls_first=False) for name in texts),
        ],
    )
    return past.mutate(_rank=newest_first).filter(ibis._["_rank"] == 0).drop("_rank")


def _changes(connection: "Backend", seen: "pa.Table", key: Sequence[str], files: "Sequence[_File]") -> "pa.Table":
    """Return the rows that differ from their newest version, and those that are no longer there, by key."""
    import ibis

    changed = today = ibis.memtable(seen)
    if files:
        last = newest(_read(connection, files), key)
        last = last.filter(last[RECORDED].notnull())
        both = [name for name in today.columns if name in last.columns]
        is_same = [today[name].identical_to(last[name]) for name in both]
        left = last.anti_join(today, list(key))
        blank = {name: ibis.null("string") for name in today.columns if name not in key}
        gone = left.select(*key).mutate(**blank).select(*today.columns)
        changed = ibis.union(today.anti_join(last, is_same), gone)
    return connection.to_pyarrow(changed.order_by(list(key)))


def _write(folder: Path, changes: "pa.Table", files: "Sequence[_File]", day: date) -> Path:
    """Return the file of the archive that the rows were written to."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    followed = {name for file in files for name in file.follows}
    heads = sorted({file.path.name for file in files} - followed)
    constant = {SEEN_ON: pa.scalar(day), PLACE: pa.scalar(len(files), pa.int64())}
    for name, value in constant.items():
        changes = changes.append_column(name, pa.repeat(value, changes.num_rows))
    whole = changes.replace_schema_metadata({FORMAT_KEY: str(FORMAT), FOLLOWS_KEY: " ".join(heads)})
    buffer = BytesIO()
    pq.write_table(whole, buffer, compression="zstd")
    content = buffer.getvalue()
    path = folder / name_of(day.isoformat(), content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    except OSError as error:
        raise EnvironmentProblem(
            Problem(
                f"cannot write: {error.strerror or error}",
                file=error.filename or str(folder),
                hint="free space, or allow writing to the records of the project",
            )
        ) from error
    return path


def _files(folder: Path) -> dict[str, tuple[_File, ...]]:
    """Return the files of each table that has any, by name.

    Raises:
        DataError: a file is damaged, missing or of a newer format; every one of them.
    """
    problems: list[Problem] = []
    found = {}
    for table in SPECS:
        paths = sorted(path for path in (folder / table).glob("*.parquet") if not path.name.startswith("."))
        files = [_opened(path, problems) for path in paths]
        there = {path.name for path in paths}
        lost = sorted({name for file in files if file is not None for name in file.follows} - there)
        problems += [_problem(folder / table / name, "is missing from the archive", LOST) for name in lost]
        if paths:
            found[table] = tuple(file for file in files if file is not None)
    if problems:
        raise DataError(*problems)
    return found


def _opened(path: Path, problems: list[Problem]) -> _File | None:
    """Return a file of the archive, or None and why it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if NAME.fullmatch(path.name) is None:
        problems.append(_problem(path, "is no file of the archive", "move it out of this folder"))
        return None
    with path.open("rb") as stream:
        is_whole = path.stem.endswith(_short(hashlib.file_digest(stream, "sha256")))
    try:
        metadata = pq.read_metadata(path).metadata or {} if is_whole else {}
        version = int(metadata[FORMAT_KEY])
    except (pa.ArrowInvalid, KeyError, ValueError):
        problems.append(_problem(path, "is damaged: its content is not what was written", LOST))
        return None
    if version > FORMAT:
        what = f"was written by a newer csworkbench, in format {version}; this one reads {FORMAT}"
        problems.append(_problem(path, what, "update csworkbench"))
        return None
    return _File(path, tuple(metadata[FOLLOWS_KEY].decode().split()))


LOST = "restore it from a backup; to give up the history of the table, move its folder away"


def _problem(path: Path, what: str, hint: str) -> Problem:
    return Problem(what, file="/".join(path.parts[-4:]), hint=hint)


def name_of(day: str, content: bytes) -> str:
    """Return what a file of the archive is called.

    Args:
        day: Day of its values, ISO.
        content: Its bytes.
    """
    return f"{day}-{_short(hashlib.sha256(content))}.parquet"


def _short(digest: "hashlib._Hash") -> str:
    return digest.hexdigest()[:12]
