"""A digest of the content of tables that no file format, order of rows or number of chunks can change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.notes import kind_of
from csworkbench.tables import Kind

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_KEYS = ("csworkbench rows", "csworkbench ROWS")  # 16 characters each: two sums of 64 bits make one of 128


class TableDigest:
    """The digest of one table, fed chunk by chunk: a sum over its rows, so their order does not count."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rows, self._sums, self._columns = 0, [0, 0], ""

    def add(self, frame: pd.DataFrame) -> None:
        """Add the rows of a chunk."""
        from pandas.util import hash_array

        self._columns = " ".join(sorted(frame.columns))
        lines = _lines(self.name, frame)
        self._rows += len(frame)
        for place, key in enumerate(_KEYS):
            total = int(hash_array(lines, hash_key=key, categorize=False).sum(dtype="uint64"))
            self._sums[place] = (self._sums[place] + total) % 2**64

    def hexdigest(self) -> str:
        """Return the sha256 over the names of the columns, the number of rows and the sums."""
        return hashlib.sha256(f"{self._columns}\n{self._rows}\n{self._sums}".encode()).hexdigest()


def content_digest(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the digest of the logical content of the tables: their typed values, whatever the file format.

    Args:
        frames: Table name -> frame, rows in any order, columns in any order.

    Returns:
        64 hexadecimal characters.
    """
    digests = {}
    for name, frame in frames.items():
        digest = TableDigest(name)
        digest.add(frame)
        digests[name] = digest.hexdigest()
    return combined(digests)


def combined(digests: Mapping[str, str]) -> str:
    """Return one digest of the digests of the tables."""
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _lines(name: str, frame: pd.DataFrame) -> Any:
    """Return each row as a line of text, its columns in the order of their names."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = sorted(frame.columns)
    text = [
        pc.fill_null(text_values(frame[column], kind_of(name, column)).cast(pa.large_string()), "")
        for column in columns
    ]
    if not len(frame):
        return np.array([], dtype=object)
    return pc.binary_join_element_wise(*text, pa.scalar("\x1f", pa.large_string())).to_numpy(zero_copy_only=False)


def text_values(column: pd.Series[Any], kind: Kind) -> pa.Array:
    """Return the canonical text of a column: the same for a frame, a CSV and a Parquet file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = typed_values(column, kind)
    if kind is Kind.INSTANT:
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    if kind is Kind.DECIMAL:
        values = values.cast(pa.decimal128(21, 2))  # what a 64-bit integer needs
    return values.cast(pa.string())


def typed_values(column: pd.Series[Any], kind: Kind) -> pa.Array:
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
