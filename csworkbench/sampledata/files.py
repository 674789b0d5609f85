"""The simulated book as files: CSV, Parquet, a README with column notes, a workspace, and a digest of the content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.book import SampleBook, draft
from csworkbench.sampledata.notes import PARQUET, TableFile, file_name, kind_of, readme_text, workspace_text
from csworkbench.sampledata.world import BookSize
from csworkbench.tables import SPECS, Kind

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ORDER = {"usage_daily": ("date", "account_id", "user_id", "feature"), "touches": ("sent_at", "touch_id")}


def write(book: SampleBook | BookSize, out: Path, *, with_workspace: bool = False) -> None:
    """Write the book: one file per table and a README.md with column notes and the digest of the content.

    Args:
        book: A book in memory, or a size: then usage is drawn and written month by month in bounded memory.
        out: Folder of the files, made if absent; files of the same name are replaced.
        with_workspace: Also write `workspace.yaml`, which makes the folder a project.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, chunks in _chunks(book):
        writer = _write_parquet if name in PARQUET else _write_csv
        written[name] = writer(out / file_name(name), name, chunks)
    size = book if isinstance(book, BookSize) else book.size
    digest = _combined({name: item.digest for name, item in written.items()})
    (out / "README.md").write_text(readme_text(size, written, digest), encoding="utf-8", newline="\n")
    if with_workspace:
        (out / "workspace.yaml").write_text(workspace_text("", size.end), encoding="utf-8", newline="\n")


def _chunks(book: SampleBook | BookSize) -> Iterator[tuple[str, Iterable[pd.DataFrame]]]:
    if isinstance(book, SampleBook):
        yield from ((name, [frame]) for name, frame in book.frames.items())
    else:
        plan = draft(book)
        yield from ((name, [frame]) for name, frame in plan.frames.items())
        yield "usage_daily", plan.usage


def read(folder: Path) -> Mapping[str, pd.DataFrame]:
    """Return the tables that `write` wrote into a folder, typed by the table contract.

    Args:
        folder: Folder of the files; tables without a file are left out.

    Returns:
        Table name -> frame; days and instants as datetime64[s] (UTC).
    """
    return {name: _read_table(folder / file_name(name), name) for name in SPECS if (folder / file_name(name)).is_file()}


def _read_table(path: Path, name: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
        times = [column for column in frame.columns if kind_of(name, column) in (Kind.DATE, Kind.INSTANT)]
        return frame.astype(dict.fromkeys(times, "datetime64[s]"))
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    return pd.DataFrame({column: _typed(frame[column], kind_of(name, column)) for column in frame.columns})


def _typed(column: pd.Series[str], kind: Kind) -> pd.Series[Any]:
    import pandas as pd

    if kind in (Kind.DATE, Kind.INSTANT):
        return pd.to_datetime(column.str.removesuffix("Z"), format="ISO8601").astype("datetime64[s]")
    if kind is Kind.BOOLEAN:
        return column.map({"true": True, "false": False}).astype("boolean")
    if kind is Kind.INTEGER:
        return column.astype("Int64")
    return column.astype("float64") if kind in (Kind.DECIMAL, Kind.SHARE) else column


def content_digest(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the sha256 of the logical content of the tables: typed values of sorted rows, whatever the file format.

    Args:
        frames: Table name -> frame, rows in any order, columns in any order.

    Returns:
        64 hexadecimal characters.
    """
    return _combined({name: _table_digest(name, frame) for name, frame in frames.items()})


def _combined(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _table_digest(name: str, frame: pd.DataFrame) -> str:
    hasher = hashlib.sha256()
    hasher.update(_row_bytes(name, frame))
    return hasher.hexdigest()


def _row_bytes(name: str, frame: pd.DataFrame) -> bytes:
    """Return the rows as sorted lines of text: the columns that order the table first, then the others by name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first = _ORDER.get(name, SPECS[name].key)
    columns = [*first, *sorted(set(frame.columns) - set(first))]
    text = [pc.fill_null(_text(frame[column], kind_of(name, column)).cast(pa.large_string()), "") for column in columns]
    lines = pc.binary_join_element_wise(*text, *(pa.scalar(mark, pa.large_string()) for mark in ("\n", "\x1f")))
    return "".join(lines.take(pc.sort_indices(lines)).to_pylist()).encode()


def _text(column: pd.Series[Any], kind: Kind) -> pa.Array:
    """Return the canonical text of a column: the same for a frame, a CSV and a Parquet file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _values(column, kind)
    if kind is Kind.INSTANT:
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    if kind is Kind.DECIMAL:
        values = values.cast(pa.decimal128(21, 2))  # what a 64-bit integer needs
    return values.cast(pa.string())


def _values(column: pd.Series[Any], kind: Kind) -> pa.Array:
    """Return a column in the type it has in Parquet; numbers keep their small integer types."""
    import pyarrow as pa

    values = pa.array(column, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if kind is Kind.TEXT:
        return values if pa.types.is_dictionary(values.type) else values.cast(pa.string())
    if kind is Kind.DECIMAL and pa.types.is_floating(values.type):
        return values.cast(pa.decimal128(18, 2))
    fixed = {Kind.DATE: pa.date32(), Kind.INSTANT: pa.timestamp("s"), Kind.BOOLEAN: pa.bool_()}.get(kind)
    return values.cast(fixed) if fixed else values


def _write_csv(path: Path, name: str, chunks: Iterable[pd.DataFrame]) -> TableFile:
    import pandas as pd

    frame = pd.concat(chunks, ignore_index=True)
    texts = {column: _text(frame[column], kind_of(name, column)).to_pandas() for column in frame.columns}
    pd.DataFrame(texts).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    return TableFile(path.name, len(frame), tuple(frame.columns), _dated(frame), _table_digest(name, frame))


def _write_parquet(path: Path, name: str, chunks: Iterable[pd.DataFrame]) -> TableFile:
    """Write chunk by chunk, a row group each: only one is in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    hasher, rows, dated, writer = hashlib.sha256(), 0, 0, None
    columns: tuple[str, ...] = ()
    for frame in chunks:
        table = pa.table({column: _values(frame[column], kind_of(name, column)) for column in frame.columns})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=12)
        writer.write_table(table)
        hasher.update(_row_bytes(name, frame))
        rows, dated, columns = rows + len(frame), dated + _dated(frame), tuple(frame.columns)
    if writer:
        writer.close()
    return TableFile(path.name, rows, columns, dated, hasher.hexdigest())


def _dated(frame: pd.DataFrame) -> int:
    return int(frame["known_at"].notna().sum()) if "known_at" in frame else 0
