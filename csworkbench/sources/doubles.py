"""Rows that stand in each other's way: equal ones, one key with two contents, a unique value once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sources import engine
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE
from csworkbench.sources.rules import ADVICE
from csworkbench.tables import Rule, TableSpec

if TYPE_CHECKING:
    import ibis

PLACE = (FILE, LINE)


@dataclass(frozen=True, slots=True)
class Sameness:
    """What makes a row of a table the same row.

    Args:
        key: Columns of its key; those of its whole content where the line is its id.
        content: Columns of its content.
        is_line: The line is the id, so that equal rows are kept.
    """

    key: tuple[str, ...]
    content: tuple[str, ...]
    is_line: bool


@dataclass(frozen=True, slots=True)
class Doubles:
    """Rows with the key of another one.

    Args:
        copies: Places of rows that repeat an earlier one in full.
        clashes: Rows whose key stands for two contents: place, value (the key) and hint; of equal ones the first.
    """

    copies: "ibis.Table"
    clashes: "ibis.Table"


def sameness(fields: Sequence[Field], spec: TableSpec) -> Sameness:
    """Return what makes a row the same row.

    Args:
        fields: Columns of the table.
        spec: Its contract.
    """
    lines = {item.name for item in fields if item.is_row}
    content = tuple(item.name for item in fields if not item.is_row)
    key = spec.key_among([item.name for item in fields])
    is_line = not key or bool(lines & set(key))
    return Sameness(content if is_line else key, content, is_line)


def doubles(rows: "ibis.Table", same: Sameness) -> Doubles:
    """Return the rows with the key of another one.

    Args:
        rows: Typed rows with file and line.
        same: What makes them the same.
    """
    import ibis

    keys = rows.group_by(same.key).aggregate(_number=rows.count())
    twice = keys.filter(keys["_number"] > 1)
    # A blank part of a key is a value like any other.
    found = rows.semi_join(twice, [rows[name].identical_to(twice[name]) for name in same.key])
    text = engine.row_text([found[name] for name in same.content])
    value = ibis.literal(", ").join([found[name].cast("string").fill_null("") for name in same.key])
    found = found.select(*PLACE, *same.key, _value=value, _content=engine.low_hash(text))
    of_key = ibis.window(group_by=list(same.key))
    found = found.mutate(
        _contents=found["_content"].nunique().over(of_key),
        _first=found[LINE].min().over(of_key),
        _last=found[LINE].max().over(of_key),
        _copy=ibis.row_number().over(group_by=[*same.key, "_content"], order_by=PLACE),
    ).cache()
    lines = ibis.literal("lines ") + found["_first"].cast("string") + " and " + found["_last"].cast("string")
    hint = lines + " have the same key and say different things"
    is_clash = (found["_copy"] == 0) & (found["_contents"] > 1)
    clashes = found.filter(is_clash).select(*PLACE, value=found["_value"], hint=hint)
    return Doubles(found.filter(found["_copy"] > 0).select(*PLACE), clashes)


def again(rows: "ibis.Table", name: str) -> "ibis.Table":
    """Return the rows whose value stands in an earlier row already: place, value and hint.

    Args:
        rows: Typed rows with file and line.
        name: Column in which no value may occur twice; blanks are no values.
    """
    import ibis

    filled = rows.filter(rows[name].notnull()).select(*PLACE, value=rows[name].cast("string"))
    earlier = ibis.row_number().over(group_by="value", order_by=PLACE)
    numbered = filled.mutate(_earlier=earlier, hint=ibis.literal(ADVICE[Rule.REPEATED]))
    return numbered.filter(numbered["_earlier"] > 0).drop("_earlier")


def without(rows: "ibis.Table", places: "ibis.Table") -> "ibis.Table":
    """Return the rows that are not at certain places.

    Args:
        rows: Rows with file and line.
        places: File and line of the others.
    """
    return rows.anti_join(places.select(*PLACE), list(PLACE))
