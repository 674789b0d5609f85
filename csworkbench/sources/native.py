"""Values that come with a type: what a Parquet file or a query gives that a cell cannot hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from csworkbench.errors import Problem
from csworkbench.formats import printable
from csworkbench.sources import engine
from csworkbench.sources.fields import Field
from csworkbench.sources.files import SourceFile
from csworkbench.sources.parse import FILE, LINE
from csworkbench.tables import Kind

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend
    from ibis.expr.datatypes import DataType

TAKEN = (FILE, LINE, "file_row_number")
MICROSECONDS, DIGITS = 6, 6


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


def misfits(connection: "Backend", file: SourceFile, fields: Sequence[Field]) -> list[Problem]:
    """Return the mapped columns of a Parquet file whose type no cell can hold.

    Args:
        connection: Engine to read with.
        file: The file.
        fields: Columns to read.
    """
    return nested(dict(engine.read_parquet(connection, [file.path]).schema()), fields, file.name)


def nested(types: "Mapping[str, DataType]", fields: Sequence[Field], place: str) -> list[Problem]:
    """Return the mapped columns that hold several values per row, bytes, or ids as broken numbers.

    Args:
        types: Column of the source -> its type.
        fields: Columns to read.
        place: File or query, for the messages.
    """
    problems = []
    for item in fields:
        said = _words(types[item.origin], item) if item.origin and item.origin in types else None
        if said is not None:
            mapped = "" if item.origin == item.name else f" (for {item.name})"
            what, advice = said
            message = f"column {printable(str(item.origin))!r}{mapped} holds {what}"
            problems.append(Problem(message, file=place, key=item.key, hint=advice))
    return problems


def _words(type_: "DataType", item: Field) -> tuple[str, str] | None:
    one = "a cell holds one value: export one column or one row for each"
    if type_.is_array():
        return f"lists ({type_})", one
    if type_.is_struct() or type_.is_map():
        return f"several values under names ({type_})", one
    if type_.is_binary():
        return "bytes", "export it as text"
    if type_.is_floating() and item.column.is_id:
        return f"ids as broken numbers ({type_})", "export them as text: digits may be lost already"
    return None


def rounding(raw: "ibis.Table", fields: Sequence[Field]) -> "dict[str, ibis.Value]":
    """Return, per column that has more digits than its contract keeps, whether a row loses some.

    Args:
        raw: Rows under canonical names.
        fields: Columns to read.
    """
    found = {item.name: _loses(raw[item.name], item) for item in fields if item.name in raw.columns}
    return {name: value for name, value in found.items() if value is not None}


def _loses(cell: "ibis.Value", item: Field) -> "ibis.Value | None":
    type_, kind = cell.type(), item.column.kind
    if kind is Kind.DECIMAL and type_.is_decimal() and type_.scale > DIGITS:
        return cell.round(DIGITS) != cell
    if kind is Kind.DECIMAL and type_.is_floating():
        # How a double says .1, and a sum of them, is off by less; what is more was there.
        return (cell - cell.round(DIGITS)).abs() > cell.abs() * 1e-12
    if kind is Kind.INSTANT and type_.is_timestamp() and (type_.scale or MICROSECONDS) > MICROSECONDS:
        return cell.cast("timestamp(6)").cast(type_) != cell
    return None
