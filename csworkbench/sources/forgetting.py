"""A row of a table taken out of what earlier runs remembered of it, with the chain of its files mended."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.files import write_file
from csworkbench.sources.archive import FOLLOWS_KEY, name_of
from csworkbench.tables import SPECS

if TYPE_CHECKING:
    import pyarrow as pa


def forget(folder: Path, is_of: Callable[[str], bool], *, is_dry: bool = True) -> tuple[Path, ...]:
    """Take out of the archive the rows whose key tells of a person, and blank the person in other columns.

    A file is called by the digest of its bytes and names those it follows: files that change, and those that
    follow them, are written anew under their new names before the old ones are removed.

    Args:
        folder: Archive of the project: `<root>/records/history`.
        is_of: Whether a text tells of the person.
        is_dry: Only say which files hold the person.

    Returns:
        The files that hold the person, as they were called.

    Raises:
        OSError: The archive cannot be written.
    """
    held: list[Path] = []
    for table in SPECS:
        renamed: dict[str, str] = {}
        for path in _in_order(sorted((folder / table).glob("*.parquet"))):
            content, is_held = _without(path, SPECS[table].key, is_of, renamed)
            held += [path] if is_held else []
            if content is not None:
                renamed[path.name] = name_of(path.name[:10], content)
                if not is_dry:
                    write_file(path.with_name(renamed[path.name]), content)
        # Those that follow go first: what is left, when this is killed, is done again from its beginning.
        for name in reversed(renamed) if not is_dry else ():
            (folder / table / name).unlink()
    return tuple(held)


def _in_order(paths: list[Path]) -> list[Path]:
    """Return files so that each stands after those it follows."""
    from graphlib import TopologicalSorter

    here = {path.name: path for path in paths}
    graph = {name: [each for each in _follows(path) if each in here] for name, path in here.items()}
    return [here[name] for name in TopologicalSorter(graph).static_order()]


def _follows(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    stored: dict[bytes, bytes] = pq.read_metadata(path).metadata or {}
    return stored.get(FOLLOWS_KEY, b"").decode().split()


def _without(
    path: Path, key: tuple[str, ...], is_of: Callable[[str], bool], renamed: Mapping[str, str]
) -> tuple[bytes | None, bool]:
    """Return the new bytes of a file, None where it stays, and whether it held the person."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    cleaned = _cleaned(table, key, is_of)
    follows = _follows(path)
    now = [renamed.get(name, name) for name in follows]
    is_held = cleaned is not None
    if not is_held and now == follows:
        return None, False
    whole = table if cleaned is None else cleaned
    metadata = {**(table.schema.metadata or {}), FOLLOWS_KEY: " ".join(now).encode()}
    buffer = BytesIO()
    pq.write_table(whole.replace_schema_metadata(metadata), buffer, compression="zstd")
    return buffer.getvalue(), is_held


def _cleaned(table: "pa.Table", key: tuple[str, ...], is_of: Callable[[str], bool]) -> "pa.Table | None":
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        name: table[name].to_pylist() for name in table.column_names if pa.types.is_string(table[name].type)
    }
    told = {name: [isinstance(value, str) and is_of(value) for value in values] for name, values in columns.items()}
    if not any(any(marks) for marks in told.values()):
        return None
    for name, values in columns.items():
        if name not in key and any(told[name]):
            blanked = [None if mark else value for value, mark in zip(values, told[name], strict=True)]
            place = table.column_names.index(name)
            table = table.set_column(place, name, pa.array(blanked, table[name].type))
    stays = [not any(told[name][row] for name in key if name in told) for row in range(table.num_rows)]
    return table.filter(pa.array(stays))
