"""Values that come with a type: what a Parquet file or a query gives that a cell cannot hold."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import Problem
from csworkbench.formats import printable
from csworkbench.sources.fields import Field
from csworkbench.sources.files import SourceFile
from csworkbench.sources.parse import FILE, LINE
from csworkbench.tables import Kind

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

TAKEN = (FILE, LINE, "file_row_number")
DECIMALS = 6


def doubled(file: SourceFile) -> list[Problem]:
    """Return the columns of a Parquet file that the engine, blind to case, would take for one and rename."""
    import pyarrow.parquet as pq

    names = pq.read_schema(file.path).names
    counts = Counter(name.casefold() for name in names)
    problems = [
        Problem(
            f"columns {', '.join(repr(printable(name)) for name in names if name.casefold() == folded)} differ by case"
            " at most",
            file=file.name,
            hint="leave all but one of them out of the export",
        )
        for folded, count in counts.items()
        if count > 1
    ]
    return problems + [
        Problem(f"a column is called {name!r}, as the row's place is here", file=file.name, hint="rename it")
        for name in TAKEN
        if name in counts
    ]


def misfits(path: Path, fields: Sequence[Field], place: str) -> list[Problem]:
    """Return the mapped columns of a Parquet file whose type is none of a cell.

    Args:
        path: The file.
        fields: Columns to read.
        place: File or query, for the messages.
    """
    import pyarrow.parquet as pq

    types = {field.name: field.type for field in pq.read_schema(path)}
    problems = []
    for item in fields:
        said = _advice(types[item.origin], item) if item.origin in types else None
        if said is not None:
            mapped = "" if item.origin == item.name else f" (for {item.name})"
            message = f"column {printable(str(item.origin))!r}{mapped} is {types[item.origin]}, which is no cell"
            problems.append(Problem(message, file=place, key=item.key, hint=said))
    return problems


def unreadable(path: Path) -> list[str]:
    """Return the columns of a Parquet file that the engine would read as something else."""
    import pyarrow.parquet as pq

    return [field.name for field in pq.read_schema(path) if _is_unreadable(field.type)]


def _is_unreadable(type_: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_decimal256(type_) or pa.types.is_duration(type_))


def _advice(type_: "pa.DataType", item: Field) -> str | None:
    """Return what to do about a type that is none of a cell; None where it is one."""
    import pyarrow as pa

    if pa.types.is_nested(type_):
        return "a cell holds one value: export a column or a row for each"
    if pa.types.is_duration(type_):
        return "export it as a number in the unit of the column"
    if _is_unreadable(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return "export it as text"
    if pa.types.is_floating(type_) and item.column.is_id:
        return "export ids as text: digits may be lost already"
    return None


def rounding(raw: "ibis.Table", fields: Sequence[Field]) -> "dict[str, ibis.Value]":
    """Return, per typed column that can have more digits than its contract keeps, whether a row loses some.

    Args:
        raw: Rows under canonical names.
        fields: Columns to read.
    """
    found = {item.name: _loses(raw[item.name], item) for item in fields if item.name in raw.columns}
    return {name: value for name, value in found.items() if value is not None}


def _loses(cell: "ibis.Value", item: Field) -> "ibis.Value | None":
    type_, kind = cell.type(), item.column.kind
    if kind is Kind.DECIMAL and type_.is_decimal() and type_.scale > DECIMALS:
        return cell.round(DECIMALS) != cell
    if kind is Kind.DECIMAL and type_.is_floating():
        # How a float says .1, and a double a sum of such, is off by less; what is more was there.
        noise = 1e-6 if type_.is_float32() else 1e-12
        return (cell - cell.round(DECIMALS)).abs() > cell.abs() * noise
    if kind is Kind.INSTANT and type_.is_timestamp() and (type_.scale or DECIMALS) > DECIMALS:
        return cell.cast(f"timestamp({DECIMALS})").cast(type_) != cell
    return None


def lost_nanoseconds(file: SourceFile, fields: Sequence[Field]) -> dict[str, tuple[int, int]]:
    """Return, per column of times with a zone, how many have nanoseconds, which the engine drops, and the first row.

    Args:
        file: A Parquet file.
        fields: Columns to read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {field.name: field.type for field in pq.read_schema(file.path)}
    found: dict[str, tuple[int, int]] = {}
    for item in fields:
        type_ = types.get(str(item.origin))
        if item.column.kind is not Kind.INSTANT or type_ is None or not pa.types.is_timestamp(type_):
            continue
        if type_.unit == "ns" and type_.tz is not None:
            count, first = _with_nanoseconds(file, str(item.origin))
            if count:
                found[item.name] = (count, first)
    return found


def _with_nanoseconds(file: SourceFile, column: str) -> tuple[int, int]:
    """Return how many times of a column have nanoseconds, and the first row that does; one batch is in memory."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    count = first = behind = 0
    with pq.ParquetFile(file.path) as stored:
        for batch in stored.iter_batches(columns=[column]):
            nanoseconds = batch.column(0).cast(pa.int64())
            kept = pc.multiply(pc.divide(nanoseconds, 1000), 1000)
            rows = pc.indices_nonzero(pc.not_equal(nanoseconds, kept).fill_null(False))
            if len(rows) and not count:
                first = behind + rows[0].as_py() + 1
            count, behind = count + len(rows), behind + len(batch)
    return count, first
