"""Every table as CSV without formulas and as typed Parquet, same inputs same bytes."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.files import write_file
from csworkbench.formats import neutral

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A written table.

    Args:
        files: Paths relative to the parent of the folder it was written to, for example "tables/scores.csv".
        rows: Number of rows.
        sha256: Digest of the CSV file.
    """

    files: tuple[str, ...]
    rows: int
    sha256: str


def write_table(frame: "pd.DataFrame", folder: Path, name: str, ids: Sequence[str] = ()) -> ExportedTable:
    """Write a frame as CSV and Parquet, rows and columns in the order given; the index is not written.

    CSV is for people: UTF-8, floats with all their digits, dates as ISO, true and false, an empty cell for what is
    missing, and an apostrophe before any text a spreadsheet would take for a formula. Parquet holds the exact values.

    Args:
        frame: The table.
        folder: Where the files go; made where it is missing.
        name: Name of the table and of its files.
        ids: Columns of ids, phone numbers and addresses; a phone number in them keeps its leading plus.

    Raises:
        ValueError: The name is not a plain file name, or two columns have one name.
    """
    if not NAME.match(name):
        raise ValueError(f"a table is called by letters, digits and _.-, not {name!r}")
    if not frame.columns.is_unique:
        raise ValueError(f"{name}: two columns have one name")
    folder.mkdir(parents=True, exist_ok=True)
    text = csv_text(frame, ids).encode()
    write_file(folder / f"{name}.csv", text)
    write_file(folder / f"{name}.parquet", _parquet(frame))
    files = tuple(f"{folder.name}/{name}.{ending}" for ending in ("csv", "parquet"))
    return ExportedTable(files, len(frame), hashlib.sha256(text).hexdigest())


def write_tables(
    tables: Mapping[str, "pd.DataFrame"], folder: Path, ids: Sequence[str] = ()
) -> Mapping[str, ExportedTable]:
    """Write several tables into one folder and return what was written by name.

    Args:
        tables: Frame by name.
        folder: Where the files go.
        ids: Columns of ids, in whichever table they occur.

    Raises:
        ValueError: As `write_table`.
    """
    return {name: write_table(frame, folder, name, ids) for name, frame in tables.items()}


def csv_text(frame: "pd.DataFrame", ids: Sequence[str]) -> str:
    """Return a frame as CSV for people, see `write_table`.

    Args:
        frame: The table.
        ids: Columns of ids, phone numbers and addresses.
    """
    import pandas as pd

    columns = {column: _cells(frame[column], is_id=column in ids) for column in frame.columns}
    ready = pd.DataFrame(columns, columns=frame.columns, dtype=object)
    # CR LF as RFC 4180 has it; with LF alone the writer leaves a bare CR in a cell unquoted, which splits the row
    return ready.rename(columns=lambda column: neutral(str(column))).to_csv(index=False, lineterminator="\r\n")


def _cells(series: "pd.Series[Any]", *, is_id: bool) -> list[str | None]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        stamps = series.dropna()
        is_date = not str(series.name).endswith("_at") and bool((stamps == stamps.dt.normalize()).all())
        form = "%Y-%m-%d" if is_date else "%Y-%m-%dT%H:%M:%S" + ("%z" if series.dt.tz is not None else "")
        return [None if pd.isna(item) else item.strftime(form) for item in series]
    return [_cell(item, is_id=is_id) for item in series.tolist()]


def _cell(value: Any, *, is_id: bool) -> str | None:
    import pandas as pd

    value = value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return neutral(value, is_id=is_id)
        case float():
            return None if math.isnan(value) else repr(value)
        case int():
            return str(value)
        case datetime() if value is not pd.NaT:
            return value.isoformat()
        case date() if value is not pd.NaT:
            return value.isoformat()
        case _:
            return neutral(_json(value)) if hasattr(value, "__len__") else None if pd.isna(value) else str(value)


def _json(value: Any) -> str:
    plain = value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, set | tuple) else value
    return json.dumps(plain, ensure_ascii=False, default=str)


def _parquet(frame: "pd.DataFrame") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {str(column): _array(frame[column]) for column in frame.columns}
    sink = pa.BufferOutputStream()
    # no pandas metadata: it names the versions of the machine that wrote the file
    pq.write_table(pa.table(arrays), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue().to_pybytes())


def _array(series: "pd.Series[Any]") -> Any:
    import pandas as pd
    import pyarrow as pa

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        array = pa.array([_cell(item, is_id=True) for item in series.tolist()], pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    plain = {pa.null(): pa.string(), pa.large_string(): pa.string()}
    return array.cast(plain[array.type]) if array.type in plain else array
