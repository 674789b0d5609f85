"""Columns that can be read in two ways, each without an error: `1.234` is one and a bit, or twelve hundred."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from csworkbench.errors import Problem
from csworkbench.sources.fields import Field
from csworkbench.tables import Kind
from csworkbench.workspace import TableSource

if TYPE_CHECKING:
    import ibis

FEWEST = 3
_GROUPED = r"^\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*$"
# A zero before the point, other than three digits after it, or four without one: nobody keeps thousands apart so.
_PLAIN = r"^\s*[+-]?(0?\.\d+|\d+\.\d{1,2}|\d+\.\d{4,}|\d{4,}(\.\d*)?)\s*$"


def unclear(tables: "Sequence[ibis.Table]", fields: Sequence[Field], source: TableSource, files: str) -> list[Problem]:
    """Return the number columns in which every point stands before three digits, so that it may keep thousands apart.

    Args:
        tables: Texts under canonical names.
        fields: Columns to read.
        source: What the workspace declares; a decimal mark that is written there is believed.
        files: Names of the files, for the messages.
    """
    doubtful = [item for item in fields if item.origin is not None and not _is_declared(item, source)]
    found: dict[str, int] = {}
    for table in tables:
        texts = [item.name for item in doubtful if table[item.name].type().is_string()]
        found |= _grouped(table, texts)
    problems = []
    for item in doubtful:
        if found.get(item.name, 0) >= FEWEST:
            place = item.key.rsplit(".", 2)[0]
            message = f"{item.name}: every point stands before three digits: 1.234 may be a thousand and more"
            hint = f"set {item.key}.thousands: '.' with decimal: ',', or {item.key}.decimal: '.'"
            problems.append(Problem(message, file=files, key=place, hint=hint))
    return problems


def _is_declared(item: Field, source: TableSource) -> bool:
    """Return whether a column is none of numbers, or its marks are written in the workspace."""
    long = source.column_map(item.name) if item.role is None else source.extra_column(item.name)
    is_said = "decimal" in source.model_fields_set or (long is not None and long.decimal is not None)
    return item.column.kind not in {Kind.INTEGER, Kind.DECIMAL} or item.thousands is not None or is_said


def _grouped(table: "ibis.Table", names: Sequence[str]) -> dict[str, int]:
    """Return how many different cells look grouped, per column in which no cell proves the opposite."""
    if not names:
        return {}
    wanted = {}
    for name in names:
        wanted[f"plain {name}"] = table[name].re_search(_PLAIN).sum()
        wanted[f"grouped {name}"] = table[name].nunique(where=table[name].re_search(_GROUPED))
    found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return {name: found[f"grouped {name}"] for name in names if not found[f"plain {name}"]}
