"""What a file looks like before anybody has declared anything: encoding, delimiter, header, and what its cells hold.

Only `csw doctor data` looks this way; reading a workspace never guesses.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from unicodedata import normalize

from csworkbench.errors import DataError, Problem
from csworkbench.sources.dates import FORMATS, SWAPPED, reads
from csworkbench.sources.fields import DELIMITERS
from csworkbench.sources.files import BYTE_ORDER_MARKS, PARQUET_MAGIC, guess_codec, near_files
from csworkbench.tables import Kind

HEAD_BYTES = 1 << 20
SAMPLE_ROWS = 2000
ISO = "%Y-%m-%d"
MOSTLY = 0.98
ID_NAMES = re.compile(
    r"(^|[\W_])(id|ids|no|nr|number|code|zip|phone|tel)$|(编号|编码|号|电话|手机|nummer|postnr)$", re.IGNORECASE
)
YES_NO = {"yes": True, "no": False, "y": True, "n": False, "ja": True, "nej": False, "是": True, "否": False}
TRUE_FALSE = {"true", "false"}


@dataclass(frozen=True, slots=True)
class Look:
    """What the beginning of a file looks like.

    Args:
        encoding: Codec that reads it.
        delimiter: Character between the fields.
        header: Names of the columns, in normal form C.
        rows: Up to 2,000 rows as wide as the header.
        is_parquet: The file is Parquet, whose types are its own.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_parquet: bool = False

    def cells(self, name: str) -> list[str]:
        """Return the cells of a column that are not blank."""
        place = self.header.index(name)
        return [text for row in self.rows if (text := row[place].strip())]


@dataclass(frozen=True, slots=True)
class CellLook:
    """What the cells of one column look like.

    Args:
        kind: Kind that reads them all.
        dates: How dates are written, "" where they are none.
        decimal: Decimal mark, "" where no cell shows one.
        values: Words of the file for true and false, where they are others.
        other_dates: A second way to read the dates that fits as well.
    """

    kind: Kind
    dates: str = ""
    decimal: str = ""
    values: tuple[tuple[str, bool], ...] = ()
    other_dates: str = ""


def look(path: Path) -> Look:
    """Return what the beginning of a CSV or Parquet file looks like.

    Args:
        path: The file.

    Raises:
        DataError: it is empty, not there, no table of texts, or in no codec exports use.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        hint = near_files(path) if isinstance(error, FileNotFoundError) else ""
        raise DataError(Problem(f"cannot be read: {error.strerror}", file=str(path), hint=hint)) from error
    if head.startswith(PARQUET_MAGIC):
        return _parquet(path)
    encoding = _encoding(head, path)
    # The cut may go through a character and through a row: the last line is left out.
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = text.splitlines(keepends=True)
    whole = "".join(lines if len(head) < HEAD_BYTES else lines[:-1])
    delimiter, records = _best_split(whole.removeprefix("sep=;\r\n").removeprefix("sep=;\n"))
    filled = [record for record in records if any(cell.strip() for cell in record)]
    if not filled:
        raise DataError(Problem("the file is empty", file=str(path), hint="export it again"))
    header = tuple(normalize("NFC", name) for name in filled[0])
    rows = tuple(tuple(record) for record in filled[1 : SAMPLE_ROWS + 1] if len(record) == len(header))
    return Look(encoding, delimiter, header, rows)


def _parquet(path: Path) -> Look:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        first = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
    except pa.ArrowException as error:
        raise DataError(Problem("cannot be read as Parquet: it is damaged or cut", file=str(path))) from error
    names = tuple(file.schema_arrow.names)
    cells = (
        []
        if first is None
        else [["" if cell is None else str(cell) for cell in column.to_pylist()] for column in first]
    )
    return Look("utf-8", ",", names, tuple(zip(*cells, strict=True)), is_parquet=True)


def _encoding(head: bytes, path: Path) -> str:
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if head[:400].count(0) > len(head[:400]) // 4:
        return "utf-16-le" if head[1] == 0 else "utf-16-be"
    if b"\0" in head:
        raise DataError(Problem("holds NUL bytes: this is no text file", file=str(path), hint="export it as CSV"))
    # The cut may go through a character, so the last line does not count.
    codec = guess_codec(head if len(head) < HEAD_BYTES else head.rpartition(b"\n")[0])
    if codec is None:
        raise DataError(Problem("is in no encoding exports use", file=str(path), hint="export it as UTF-8"))
    return codec


def _best_split(text: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter under which most rows are as wide as the first, the wider the better."""
    found = {mark: _split(text, mark) for mark in DELIMITERS}

    def merit(mark: str) -> tuple[float, int]:
        records = [record for record in found[mark] if record][:SAMPLE_ROWS]
        width = len(records[0]) if records else 0
        alike = sum(len(record) == width for record in records)
        return (alike / len(records) if width > 1 else 0.0), width

    best = max(DELIMITERS, key=merit)
    return best, found[best]


def _split(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return []


def look_at(name: str, cells: Sequence[str]) -> CellLook:
    """Return what the cells of a column look like: the narrowest kind that reads all of them.

    Args:
        name: Name of the column: ids and telephone numbers are text whatever they look like.
        cells: Cells that are not blank.
    """
    if not cells:
        return CellLook(Kind.TEXT)
    words = {cell.casefold() for cell in cells}
    if words <= TRUE_FALSE:
        return CellLook(Kind.BOOLEAN)
    if words <= set(YES_NO):
        return CellLook(Kind.BOOLEAN, values=tuple(sorted((cell, YES_NO[cell.casefold()]) for cell in set(cells))))
    dates = dates_of(cells)
    if dates:
        has_time = dates[0].startswith("epoch") or "%H" in dates[0] or any(":" in cell for cell in cells)
        return CellLook(Kind.INSTANT if has_time else Kind.DATE, dates[0], other_dates=dates[1] if dates[1:] else "")
    if ID_NAMES.search(name) or any(re.fullmatch(r"0\d+", cell) for cell in cells):
        return CellLook(Kind.TEXT)
    if all(re.fullmatch(r"[+-]?\d{1,18}", cell) for cell in cells):
        return CellLook(Kind.INTEGER)
    for mark in (".", ","):
        if all(re.fullmatch(rf"[+-]?\d+(\{mark}\d+)?", cell) for cell in cells):
            return CellLook(Kind.DECIMAL, decimal=mark)
    return CellLook(Kind.TEXT)


def dates_of(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the ways to write dates that read nearly all cells, the best first; empty where they are no dates.

    Two ways are returned where day and month cannot be told apart.
    """
    sample = list(dict.fromkeys(cells))[:300]
    if all(re.fullmatch(r"1\d{9}", cell) for cell in sample):
        return ("epoch_s",)
    if all(re.fullmatch(r"1\d{12}", cell) for cell in sample):
        return ("epoch_ms",)
    # "%Y-%m-%d" reads every ISO 8601 time too, with and without an offset.
    if _share(sample, lambda cell: bool(re.match(r"\d{4}-\d{2}-\d{2}([T ]|$)", cell))) >= MOSTLY:
        return (ISO,)
    fits = [dates for dates in FORMATS if dates != ISO and _share(sample, partial(reads, dates=dates)) >= MOSTLY]
    if not fits:
        return ()
    other = SWAPPED.get(fits[0])
    return (fits[0], other) if other in fits else (fits[0],)


def reads_all(dates: str, cells: Sequence[str]) -> bool:
    """Return whether one way to write dates reads every cell."""
    return all(reads(cell, dates) for cell in cells)


def _share(cells: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(holds(cell) for cell in cells) / max(1, len(cells))
