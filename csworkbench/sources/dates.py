"""How dates are written: which texts a format reads, and which format reads some texts."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

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
    "%Y%m%d%H%M%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M %p",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%B %d, %Y",
    "%d %B %Y",
    "%Y年%m月%d日",
    "%Y年%m月%d日 %H:%M",
)
"""Formats that are proposed, in the order they are tried."""

SWAPPED = {
    dates: dates.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    for dates in FORMATS
    if re.match(r"%[dm][/-]%[dm][/-]%[yY]", dates)
}
"""Formats whose texts can be read with day and month the other way round -> that format."""

EPOCH_DIGITS = {"epoch_s": "{8,10}", "epoch_ms": "{11,13}"}
_PROPOSED_EPOCH_DIGITS = {"epoch_s": "{8,9}", "epoch_ms": "{11,12}"}
_EXACT = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "M": r"[0-5]\d",
    "S": r"[0-5]\d",
    "f": r"\d{1,6}",
    "z": r"(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)",
    "p": "[AaPp][Mm]",
    "b": r"[A-Za-z]+\.?",
    "B": "[A-Za-z]+",
    "a": r"[A-Za-z]+\.?",
    "A": "[A-Za-z]+",
    "%": "%",
}
_LOOSE = "dmHI"
_DIGITS = "YymdHIMSf"
_CODE = re.compile(r"%-?(.)", re.DOTALL)


@cache
def shape(dates: str) -> str:
    """Return the regular expression of all texts a format may read.

    The engine alone reads more than people mean: a year of two digits as the year 26, `2026115` as the fifth of
    November. Days, months and hours may have one digit where something stands between them and the next digits.

    Args:
        dates: How dates are written, in strptime codes or epoch_s, epoch_ms. An epoch lies from 1973 to 5138: smaller
            numbers are days, seconds taken for milliseconds, or a 0 that means missing.

    Returns:
        A pattern for Python and for the engine.
    """
    if dates in EPOCH_DIGITS:
        return rf"^[1-9]\d{EPOCH_DIGITS[dates]}(?:\.0*)?$"
    parts, place = [], 0
    codes = list(_CODE.finditer(dates))
    for number, code in enumerate(codes):
        parts.append(_literal(dates[place : code.start()]))
        place = code.end()
        before = codes[number - 1] if number and codes[number - 1].end() == code.start() else None
        after = codes[number + 1] if number + 1 < len(codes) and codes[number + 1].start() == code.end() else None
        is_glued = any(other is not None and other.group(1) in _DIGITS for other in (before, after))
        parts.append(_EXACT.get(code.group(1)) or (r"\d{2}" if is_glued else r"\d{1,2}"))
    return f"^{''.join(parts)}{_literal(dates[place:])}$"


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ )+", " +", re.escape(text))


def reads(text: str, dates: str) -> bool:
    """Return whether a format reads a text.

    Args:
        text: A cell.
        dates: How dates are written, in strptime codes or epoch_s, epoch_ms.
    """
    text = text.strip()
    if not re.search(shape(dates), text):
        return False
    try:
        return dates in EPOCH_DIGITS or bool(datetime.strptime(" ".join(text.split()), dates))  # noqa: DTZ007  # only whether it fits is asked
    except ValueError:
        return False


def formats_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the formats that read all of some texts: none, the likeliest one, or two when day and month may swap.

    Args:
        texts: Cells that are not blank, at least one.
    """
    bare = [text.strip() for text in texts]
    for dates, digits in _PROPOSED_EPOCH_DIGITS.items():
        if all(re.fullmatch(rf"[1-9]\d{digits}", text) for text in bare):
            return (dates,)
    first = next((dates for dates in FORMATS if all(reads(text, dates) for text in bare)), None)
    if first is None:
        return ()
    other = SWAPPED.get(first)
    return (first, other) if other and all(reads(text, other) for text in bare) else (first,)
