"""The simulated book as files: CSV and Parquet, a README with column notes, and a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.book import Block, SampleBook, blocks
from csworkbench.sampledata.digest import TableDigest, combined, text_values, typed_values
from csworkbench.sampledata.notes import TableFile, file_name, kind_of, readme_text
from csworkbench.sampledata.projects import workspace_text
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BookSize
from csworkbench.tables import SPECS, Kind

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIXES = (".csv", ".parquet")
ROWS_AT_ONCE = 200_000


def write(
    book: SampleBook | BookSize,
    out: Path,
    *,
    with_workspace: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the book: one file per table and a README.md with column notes and the digest of the content.

    Args:
        book: A book in memory, or a size: then it is drawn and written block by block in bounded memory.
        out: Folder of the files, made if absent; files of the same name are replaced.
        with_workspace: Also write `workspace.yaml`, which makes the folder a project.
        progress: Called after each block of a size with how many are written and how many there are.
    """
    out.mkdir(parents=True, exist_ok=True)
    size = book if isinstance(book, BookSize) else book.size
    files: dict[str, _File] = {}
    for name, frame in _chunks(book, progress):
        if name not in files:
            files[name] = _File(name, out / file_name(name, size))
        files[name].add(frame)
    written = {name: file.close() for name, file in files.items()}
    digest = combined({name: item.digest for name, item in written.items()})
    (out / "README.md").write_text(readme_text(size, written, digest), encoding="utf-8", newline="\n")
    if with_workspace:
        (out / "workspace.yaml").write_text(workspace_text("", size), encoding="utf-8", newline="\n")


def _chunks(
    book: SampleBook | BookSize, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    if isinstance(book, SampleBook):
        yield from book.frames.items()
        return
    count = -(-book.accounts // BLOCK_ACCOUNTS)
    rest = blocks(book)
    for number in range(1, count + 1):
        yield from _tables(next(rest))  # no name keeps the block while the next one is drawn
        if progress:
            progress(number, count)


def _tables(block: Block) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from block.frames.items()
    yield from (("usage_daily", frame) for frame in block.usage)


class _File:
    """A file that is written chunk by chunk, a row group each in Parquet: only one is in memory."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.digest = TableDigest(name)
        self.rows = self.dated = 0
        self.columns: tuple[str, ...] = ()
        self.parquet: pq.ParquetWriter | None = None
        for suffix in SUFFIXES:  # what an earlier book of another size left behind
            path.with_suffix(suffix).unlink(missing_ok=True)

    def add(self, frame: pd.DataFrame) -> None:
        """Append the rows of a frame, so many at once that their text fits in memory."""
        for first in range(0, max(len(frame), 1), ROWS_AT_ONCE):
            self._add(frame.iloc[first : first + ROWS_AT_ONCE])

    def _add(self, frame: pd.DataFrame) -> None:
        if self.path.suffix == ".parquet":
            self._add_to_parquet(frame)
        else:
            self._add_to_csv(frame)
        self.digest.add(frame)
        self.rows, self.columns = self.rows + len(frame), tuple(frame.columns)
        self.dated += int(frame["known_at"].notna().sum()) if "known_at" in frame else 0

    def close(self) -> TableFile:
        """Finish the file and return what it holds."""
        if self.parquet:
            self.parquet.close()
        return TableFile(self.path.name, self.rows, self.columns, self.dated, self.digest.hexdigest())

    def _add_to_parquet(self, frame: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({column: typed_values(frame[column], kind_of(self.name, column)) for column in frame.columns})
        if self.parquet is None:
            schema = pa.schema([pa.field(field.name, _wide(field.type)) for field in table.schema])
            self.parquet = pq.ParquetWriter(self.path, schema, compression="zstd", compression_level=12)
        self.parquet.write_table(table.cast(self.parquet.schema))

    def _add_to_csv(self, frame: pd.DataFrame) -> None:
        import pandas as pd

        texts = {column: text_values(frame[column], kind_of(self.name, column)).to_pandas() for column in frame.columns}
        has_head = self.rows == 0 and not self.columns
        options: dict[str, Any] = {"index": False, "lineterminator": "\n", "encoding": "utf-8"}
        pd.DataFrame(texts).to_csv(self.path, mode="w" if has_head else "a", header=has_head, **options)


def _wide(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column for all chunks: the index of a dictionary grows with the number of its texts."""
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_dictionary(kind) else kind


def read(folder: Path, names: Iterable[str] = tuple(SPECS)) -> Mapping[str, pd.DataFrame]:
    """Return the tables that `write` wrote into a folder, typed by the table contract.

    Args:
        folder: Folder of the files; tables without a file are left out.
        names: Tables to read.

    Returns:
        Table name -> frame; days and instants as datetime64[s] (UTC).
    """
    paths = [folder / f"{name}{suffix}" for name in names for suffix in SUFFIXES]
    return {path.stem: _read_table(path, path.stem) for path in paths if path.is_file()}


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
