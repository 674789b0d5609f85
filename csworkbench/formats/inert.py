"""Text that commands nothing: no terminal, no log, no spreadsheet."""

import re
import unicodedata

JOINERS = {"\u200c", "\u200d"}  # they shape Persian, Indic and emoji text and cannot hide or reorder anything
# A spreadsheet computes a cell that begins so, after any blank or invisible character in front of it.
FORMULA = re.compile("^[\\s\u200b-\u200f\u2060\ufeff\x00-\x1f]*[=+\\-@|%＝＋－＠]")
# Of all that begins so, only phone numbers and e-mail addresses are exported exactly, where a column holds ids.
PHONE = re.compile(r"^\+\d[\d ().-]{5,}$")
EMAIL = re.compile(r"^\+[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")


def printable(text: str, *, has_lines: bool = False) -> str:
    """Return text that cannot command a terminal, forge a line of a log or reorder what is read.

    Args:
        text: Any text of a file or a person.
        has_lines: Keep its line feeds: for a text that stands by itself.

    Returns:
        The same text with control, format, bidirectional and line-separating characters as visible escapes.
    """
    return "".join(character if has_lines and character == "\n" else _visible(character) for character in text)


def neutral(text: str, *, is_id: bool = False) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe is put before what looks like one.

    Args:
        text: Text of a cell.
        is_id: Whether the column holds ids, phone numbers or addresses; the latter two are returned as they are.
    """
    if not FORMULA.match(text) or (is_id and (PHONE.match(text) or EMAIL.match(text))):
        return text
    return f"'{text}"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in JOINERS:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
