"""Columns that as a whole are not what was declared: what they look like, and which key to set."""

import re
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

from csworkbench.errors import Problem
from csworkbench.formats import printable
from csworkbench.sources.fields import Field
from csworkbench.tables import Kind

SHOWN_CHARACTERS = 60
FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%b %d, %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%Y年%m月%d日",
)
SWAPPED = {
    "%d/%m/%Y": "%m/%d/%Y",
    "%m/%d/%Y": "%d/%m/%Y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%m-%d-%Y": "%d-%m-%Y",
    "%d/%m/%y": "%m/%d/%y",
    "%m/%d/%y": "%d/%m/%y",
}
EXPECTED = {
    Kind.INTEGER: "a whole number such as 12",
    Kind.DECIMAL: "a number such as 12{mark}5",
    Kind.SHARE: "a number from 0 to 1 such as 0{mark}25",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date written {dates}",
    Kind.INSTANT: "a time written {dates}",
    Kind.TEXT: "text",
}
_BOOLEANS = {
    "yes": "true",
    "y": "true",
    "no": "false",
    "n": "false",
    "ja": "true",
    "nej": "false",
    "nein": "false",
    "是": "true",
    "否": "false",
    "t": "true",
    "f": "false",
    "x": "true",
}


def expected(item: Field) -> str:
    """Return in words what a cell of a column should be."""
    if item.column.allowed:
        return "one of " + ", ".join(item.column.allowed)
    return EXPECTED[item.column.kind].format(mark=item.decimal, dates=item.dates)


def range_words(item: Field) -> str:
    """Return in words which values a column takes."""
    column = item.column
    if column.kind in {Kind.DATE, Kind.INSTANT}:
        return "a day from 1900 to 2100"
    if column.kind is Kind.SHARE:
        return "from 0 to 1"
    if column.high is None:
        return f"at least {column.low:g}"
    return f"from {column.low:g} to {column.high:g}"


def is_swapped(item: Field, rule: str, examples: Sequence[str]) -> bool:
    """Return whether all dates that cannot be read can be with day and month the other way round.

    Args:
        item: The column.
        rule: Rule they break.
        examples: Distinct texts of such cells.
    """
    swapped = SWAPPED.get(item.dates)
    return rule == "type" and swapped is not None and all(_reads(text, swapped) for text in examples)


def misfit(item: Field, rule: str, bad: int, filled: int, examples: Sequence[str]) -> Problem:
    """Return the problem of a column whose cells break a rule so often that its declaration must be wrong.

    Args:
        item: The column.
        rule: blank, type, range or allowed.
        bad: Cells that break it.
        filled: Cells that are not blank (for blank: rows).
        examples: Distinct texts of such cells, at most a few hundred.
    """
    shown = ", ".join(repr(printable(text[:SHOWN_CHARACTERS])) for text in examples[:3])
    name = item.name if item.origin in {None, item.name} else f"{item.name} (from {item.origin!r})"
    place = item.key.rsplit(".", 2)[0]
    if rule == "blank":
        return Problem(f"{name} is blank in {bad:,} of {filled:,} rows", key=place, hint=f"set {item.key}")
    wanted = range_words(item) if rule == "range" else expected(item)
    looks, hint = _looks_like(item, rule, examples, place)
    return Problem(f"{name}: {bad:,} of {filled:,} values are not {wanted}: {shown}{looks}", key=place, hint=hint)


def _looks_like(item: Field, rule: str, examples: Sequence[str], place: str) -> tuple[str, str]:
    kind = item.column.kind
    long = item.key
    if rule == "range":
        return "", f"look at the unit, or at the column {long} maps"
    if rule == "allowed" or kind is Kind.BOOLEAN:
        return "", f"set {long}.values: {_word_map(item, examples)}"
    if kind in {Kind.DATE, Kind.INSTANT}:
        dates = _date_format(examples)
        fix = f"set {place}.dates: '{dates}' (or {long}.dates for this column only)"
        return (f"; looks like {dates}", fix) if dates else ("", f"set {place}.dates to how they are written")
    mark = "," if item.decimal == "." else "."
    if all(re.fullmatch(rf"[+-]?\d+(\{mark}\d+)?", text.strip()) for text in examples):
        return f"; looks like decimal mark {mark!r}", f"set {place}.decimal: '{mark}' (or {long}.decimal)"
    if any("%" in text for text in examples):
        return "; looks like percent", "export shares from 0 to 1 without a percent sign"
    if any(re.search(r"\d[ \u00a0\u202f',.]\d{3}\b", text) for text in examples):
        return "; looks like thousands separators", "export numbers without them"
    return "", f"look at the column {long} maps, or declare it as text under extra"


def _word_map(item: Field, examples: Sequence[str]) -> str:
    pairs = []
    for text in examples[:6]:
        if item.column.kind is Kind.BOOLEAN:
            to = _BOOLEANS.get(text.strip().casefold(), "true or false")
        else:
            close = get_close_matches(text.strip().casefold(), item.column.allowed, n=1)
            to = close[0] if close else item.column.allowed[0]
        pairs.append(f"{printable(text.strip()[:SHOWN_CHARACTERS])}: {to}")
    return "{" + ", ".join(pairs) + "}"


def _date_format(examples: Sequence[str]) -> str | None:
    texts = [text.strip() for text in examples]
    if all(re.fullmatch(r"\d{10}", text) for text in texts):
        return "epoch_s"
    if all(re.fullmatch(r"\d{13}", text) for text in texts):
        return "epoch_ms"
    return next((dates for dates in FORMATS if all(_reads(text, dates) for text in texts)), None)


def _reads(text: str, dates: str) -> bool:
    try:
        datetime.strptime(text.strip(), dates)  # noqa: DTZ007  # only whether it fits is asked
    except ValueError:
        return False
    return True


def cell_hint(item: Field, rule: str) -> str:
    """Return what to do about one cell that breaks a rule."""
    if rule == "blank":
        return f"{item.name} may not be blank"
    if rule == "range":
        return f"must be {range_words(item)}"
    return f"must be {expected(item)}"
