"""One strict path from a CSV's bytes to a Parquet of texts, with the physical line of every row."""

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from csworkbench.errors import DataError, Problem
from csworkbench.sources.fields import Field
from csworkbench.sources.files import SourceFile
from csworkbench.sources.plain import PLAIN_CODECS, PlainRows
from csworkbench.workspace import TableSource

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

    import pyarrow as pa

BATCH_ROWS = 50_000
SHOWN_CHARACTERS = 200
FILE, LINE = "_file", "_line"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row, or a cell of it, that was set aside or flagged: one line of the quarantine file."""

    file: str
    line: int
    column: str
    value: str
    rule: str
    hint: str


class _Hashing(io.RawIOBase):
    """Bytes of a file that are hashed while they are read: the proof that what was parsed is what was opened."""

    def __init__(self, path: Path, offset: int, before: "Hash | None") -> None:
        self._stream = path.open("rb")
        self._stream.seek(offset)
        self._hash = before or hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._stream.readinto(buffer)
        self._hash.update(memoryview(buffer)[:count])
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def changed(file: SourceFile) -> Problem:
    """Return the problem of a file whose bytes are not those that were opened."""
    return Problem("changed while it was read", file=file.name, hint="wait until the export is complete and run again")


def _line_end(path: Path, encoding: str) -> str:
    """Return what ends the lines, so that a stray carriage return in a row cannot pass for the end of it."""
    with path.open(encoding=encoding, newline="") as stream:
        first = stream.readline()
    return "\r" if first.endswith("\r") else "\n"


class CsvRows:
    """Rows of one CSV with their first physical line, as strict as RFC 4180 and without guesses.

    Args:
        file: The file, already inspected.
        source: How it is written.
        table: Canonical table, for the messages.
    """

    def __init__(self, file: SourceFile, source: TableSource, table: str) -> None:
        self.file, self.source, self.table = file, source, table
        self.bad: list[BadRow] = []
        self.rows = 0
        self._end = _line_end(file.path, source.encoding)
        self._open()
        self.header = self._read_header()

    def _open(self, offset: int = 0, before: "Hash | None" = None, line: int = 0) -> None:
        """Read on from a place in the file: the bytes before it are hashed already and had so many lines."""
        self._line = line
        self._bytes = _Hashing(self.file.path, offset, before)
        buffered = io.BufferedReader(self._bytes, 1 << 20)
        self._text = io.TextIOWrapper(buffered, encoding=self.source.encoding, newline=self._end)
        first = [next(self._text, "").removeprefix("\ufeff")] if offset == 0 else []
        self._reader = csv.reader(chain(first, self._text), delimiter=self.source.delimiter, strict=True)

    def plain(self) -> "Iterator[tuple[int, pa.RecordBatch]]":
        """Yield what needs no strict parser: the line of the first row, and rows; `batches` yields the rest."""
        if self._end != "\n" or codecs.lookup(self.source.encoding).name not in PLAIN_CODECS:
            return
        rows = PlainRows(self.file, self.source.delimiter, self.header, self._reader.line_num)
        for line, part in rows.parts():
            self.rows += part.num_rows
            yield line, part
        if rows.line:
            self._text.close()
            self._open(rows.offset, rows.hash, rows.line)

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _read_header(self) -> tuple[str, ...]:
        for _, row in self._records():
            if len(row) <= 2 and row[0] == "sep=" and not any(row[1:]):
                continue  # Excel's note about the delimiter, which is the declared one
            if any(row):
                return tuple(normalize("NFC", name) for name in row)
        raise DataError(Problem("the file has no header and no rows", file=self.file.name, hint="export it again"))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with its first line; a field that is too long is set aside, an open quote refused."""
        reader = self._reader
        while True:
            before = reader.line_num
            start = self._line + before + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                hint = self._one_row_only(str(error)) if reader.line_num == before + 1 else None
                if hint is None:
                    raise DataError(self._quote_problem(start, str(error))) from error
                self.bad.append(BadRow(self.file.name, start, "", "", "shape", hint))
                continue
            if row:
                yield start, row

    @staticmethod
    def _one_row_only(error: str) -> str | None:
        if "field larger" in error:
            return f"a field may have {csv.field_size_limit():,} characters"
        return "a carriage return stands inside an unquoted field" if "new-line" in error else None

    def _quote_problem(self, line: int, error: str) -> Problem:
        what = (
            "a quote that opens here is never closed"
            if "unexpected end" in error
            else "a quote is open, or stands inside a field without being doubled"
        )
        return Problem(
            f'{what} (")',
            file=self.file.name,
            line=line,
            hint='repair the row: a field with " in it is written "like ""this"""',
        )

    def batches(self) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Yield batches of first lines and rows, all as wide as the header.

        Raises:
            DataError: an open quote, most rows of another width, or the file changed while it was read.
        """
        width, header = len(self.header), list(self.header)
        lines: list[int] = []
        rows: list[list[str]] = []
        for line, row in self._records():
            if len(row) != width:
                self._misshapen(line, row, width)
            elif row == header:
                self._set_aside(line, row, "header", "two exports were glued together; rows below it are read")
            elif any(row):
                lines.append(line)
                rows.append(row)
            if len(rows) == BATCH_ROWS:
                self.rows += len(rows)
                yield lines, rows
                lines, rows = [], []
        self.rows += len(rows)
        if rows:
            yield lines, rows
        self._finish()

    def _misshapen(self, line: int, row: list[str], width: int) -> None:
        if any(row):
            self._set_aside(line, row, "width", f"the row has {len(row)} fields, the header {width}")

    def _set_aside(self, line: int, row: list[str], rule: str, hint: str) -> None:
        value = self.source.delimiter.join(row)[:SHOWN_CHARACTERS]
        self.bad.append(BadRow(self.file.name, line, "", value, rule, hint))

    def _finish(self) -> None:
        while self._text.read(1 << 20):
            pass  # the reader may stop before the end of the bytes
        if self._bytes.hexdigest() != self.file.sha256:
            raise DataError(changed(self.file))
        wrong = [item for item in self.bad if item.rule == "width"]
        if len(wrong) > self.rows:
            hint = f"look at tables.{self.table}.delimiter; a decimal comma needs quotes or another delimiter"
            share = f"{len(wrong)} of {len(wrong) + self.rows} rows"
            raise DataError(
                Problem(
                    f"{share} do not have the width of the header: {wrong[0].hint}",
                    file=self.file.name,
                    line=wrong[0].line,
                    hint=hint,
                )
            )


def read_header(file: SourceFile, source: TableSource, table: str) -> tuple[str, ...]:
    """Return the column names of a CSV, in normal form C.

    Args:
        file: The file, already inspected.
        source: How it is written.
        table: Canonical table, for the messages.

    Raises:
        DataError: there is no header.
    """
    with closing(CsvRows(file, source, table)) as rows:
        return rows.header


def to_text_parquet(
    file: SourceFile,
    source: TableSource,
    table: str,
    fields: Sequence[Field],
    out: Path,
    *,
    told: Callable[[int], object] = int,
) -> tuple[BadRow, ...]:
    """Write the declared columns of a CSV as texts, with file and line, and return the lines that are no rows.

    Args:
        file: The file, already inspected, with a header that was checked.
        source: How it is written.
        table: Canonical table, for the messages.
        fields: Columns to read; those the file does not have become null.
        out: Parquet file to write.
        told: Told how many further rows were read.

    Raises:
        DataError: see `CsvRows.batches`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [item.name for item in fields if item.origin is not None]
    schema = pa.schema([(FILE, pa.string()), (LINE, pa.int64()), *((name, pa.string()) for name in names)])
    with (
        closing(CsvRows(file, source, table)) as rows,
        pq.ParquetWriter(out, schema, compression="zstd", compression_level=1) as writer,
    ):
        place = {name: index for index, name in enumerate(rows.header)}
        origins = [place.get(str(item.origin)) for item in fields if item.origin is not None]
        for first, part in rows.plain():
            numbers = range(first, first + part.num_rows)
            writer.write_table(_as_table(schema, file.name, numbers, part.columns, origins))
            told(part.num_rows)
        for lines, batch in rows.batches():
            writer.write_table(_as_table(schema, file.name, lines, list(zip(*batch, strict=True)), origins))
            told(len(lines))
    return tuple(rows.bad)


def _as_table(
    schema: "pa.Schema", name: str, lines: Sequence[int], columns: Sequence[Any], origins: Sequence[int | None]
) -> "pa.Table":
    import pyarrow as pa

    absent = pa.nulls(len(lines), pa.string())
    cells = [absent if at is None else pa.array(columns[at], pa.string()) for at in origins]
    return pa.Table.from_arrays([pa.array([name] * len(lines)), pa.array(lines, pa.int64()), *cells], schema=schema)
