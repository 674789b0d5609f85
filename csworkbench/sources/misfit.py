"""Columns that as a whole are not what was declared: what they look like, and which key to set."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from csworkbench.errors import Problem
from csworkbench.formats import printable
from csworkbench.sources.dates import SWAPPED, formats_of, reads
from csworkbench.sources.fields import Field
from csworkbench.tables import Kind

SHOWN_CHARACTERS, SHOWN_WORDS = 40, 5
OTHER_CELLS, OTHER_SHARE = 3, 0.05
_THOUSANDS = {",": ",", ".": r"\.", " ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}
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
    return rule == "type" and swapped is not None and all(reads(text, swapped) for text in examples)


def is_other_writing(item: Field, rule: str, bad: int, filled: int, examples: Sequence[str]) -> bool:
    """Return whether the cells that cannot be read are not slips but all written in one other way.

    Large numbers alone have thousands to keep apart, and early hours alone lack a digit: setting such rows aside would
    lose the large customers, or the nights. From the twentieth of a column on its declaration is refused.

    Args:
        item: The column.
        rule: Rule they break.
        bad: Cells that break it.
        filled: Cells that are not blank.
        examples: Distinct texts of such cells, at most a few hundred.
    """
    if rule != "type" or bad < OTHER_CELLS or bad < filled * OTHER_SHARE:
        return False
    if item.column.kind in {Kind.DATE, Kind.INSTANT}:
        return bool(formats_of(examples))
    return item.column.kind is not Kind.BOOLEAN and bool(_number_writings(item, examples))


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
        return _looks_like_dates(examples, place, long)
    writings = _number_writings(item, examples)
    if writings:
        return _looks_like_numbers(item, writings, place, long)
    if any("%" in text for text in examples):
        return "; looks like percent", "export shares from 0 to 1 without a percent sign"
    if any(re.search(r"\d[ \u00a0\u202f',.]\d{3}\b", text) for text in examples):
        return "; looks like thousands separators", "export plain numbers"
    return "", f"look at the column {long} maps, or declare it as text under extra"


def _looks_like_dates(examples: Sequence[str], place: str, long: str) -> tuple[str, str]:
    found = formats_of(examples)
    if found:
        fix = " or ".join(f"{place}.dates: '{dates}'" for dates in found)
        return f"; looks like {' or '.join(found)}", f"set {fix} (or {long}.dates for this column only)"
    if all(re.fullmatch(r"[2-7]\d{4}(\.\d+)?", text.strip()) for text in examples):
        return "; looks like day numbers of a spreadsheet", "format the column as a date and export it again"
    return "", f"set {place}.dates to how they are written"


def _looks_like_numbers(
    item: Field, writings: Sequence[tuple[str, str | None]], place: str, long: str
) -> tuple[str, str]:
    point, thousands = writings[0]
    if thousands is None and (item.decimal, point) in writings:
        # 1,200 is one and a fifth to some, and twelve hundred to others.
        mark = _quoted(point)
        fix = f"set {place}.thousands: {mark} or {place}.decimal: {mark}, whichever it is"
        return "; looks like thousands separators or another decimal mark", fix
    keys = {"decimal": (point, item.decimal), "thousands": (thousands, item.thousands)}
    fix = " and ".join(
        f"{place}.{key}: {_quoted(mark)}" for key, (mark, now) in keys.items() if mark not in {None, now}
    )
    what = "thousands separators" if thousands else f"decimal mark {point!r}"
    return f"; looks like {what}", f"set {fix} (or {long}.{'thousands' if thousands else 'decimal'})"


def _number_writings(item: Field, examples: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the pairs of a decimal mark and a mark between thousands that read all examples, the likeliest first."""
    texts = [text.strip() for text in examples]
    other = "," if item.decimal == "." else "."
    digits = "0*" if item.column.kind is Kind.INTEGER else r"\d+"
    found = []
    for thousands in (None, *_THOUSANDS):
        for point in (item.decimal, other):
            groups = "" if thousands is None else rf"|\d{{1,3}}({_THOUSANDS[thousands]}\d{{3}})+"
            pattern = re.compile(rf"[+-]?(\d+{groups})(\{point}{digits})?")
            if thousands != point and all(pattern.fullmatch(text) for text in texts):
                found.append((point, thousands))
    return found


def _quoted(mark: str) -> str:
    """Return a mark as YAML takes it."""
    return '"\'"' if mark == "'" else f"'{mark}'"


def _word_map(item: Field, examples: Sequence[str]) -> str:
    pairs = []
    for text in examples[:SHOWN_WORDS]:
        if item.column.kind is Kind.BOOLEAN:
            to = _BOOLEANS.get(text.strip().casefold(), "true or false")
        else:
            close = get_close_matches(text.strip().casefold(), item.column.allowed, n=1)
            to = close[0] if close else "..."
        pairs.append(f"{printable(text.strip()[:SHOWN_CHARACTERS])}: {to}")
    return "{" + ", ".join(pairs) + ("" if len(examples) <= SHOWN_WORDS else ", ...") + "}"


def cell_hint(item: Field, rule: str) -> str:
    """Return what to do about one cell that breaks a rule."""
    if rule == "blank":
        return f"{item.name} may not be blank"
    if rule == "range":
        return f"must be {range_words(item)}"
    if rule == "rounded":
        return "has more than 6 decimals, and is read with 6"
    return f"must be {expected(item)}"
