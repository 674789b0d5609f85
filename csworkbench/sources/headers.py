"""What the columns of exports are called in English, Chinese and Swedish, and how alike two names are."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from unicodedata import normalize

EXACT, LIKE, LEAST = 1.0, 0.9, 0.84

# Column, or table.column where the name means something else elsewhere: other names, separated by |.
OUTCOME_NAMES = (
    "churn",
    "churned",
    "is churned",
    "churn flag",
    "has churned",
    "流失",
    "是否流失",
    "avhopp",
    "har slutat",
)


def plain(name: str) -> str:
    """Return a header without case, blanks, punctuation and a unit in brackets, for comparison."""
    text = normalize("NFKC", name).casefold()
    text = re.sub(r"[(\[（【].*?[)\]）】]", "", text) or text
    bare = (
        re.sub(r"^(property|properties|attributes|fields?)[._ ](hs[._ ])?", "", text) or text
    )  # prefixes of warehouses
    return "".join(char for char in bare if char.isalnum())


@cache
def _names() -> dict[str, tuple[str, ...]]:
    text = files("csworkbench.sources").joinpath("header_names.txt").read_text(encoding="utf-8")
    lines = (line.partition(": ") for line in text.splitlines() if not line.startswith("#"))
    return {column: tuple(plain(name) for name in names.split(" | ")) for column, _, names in lines}


def likeness(header: str, table: str, column: str) -> float:
    """Return how much a header sounds like a column, 0 to 1.

    Args:
        header: Name in the file.
        table: Canonical table.
        column: Column of it.

    Returns:
        1 for the column's own name, .9 for one of its known names, less for near ones, else 0.
    """
    said = plain(header)
    if not said:
        return 0.0
    if said == plain(column):
        return EXACT
    known = (*_names().get(f"{table}.{column}", ()), *_names().get(column, ()))
    if said in known:
        return LIKE
    if column.endswith("_id"):
        return 0.0  # ids are near each other by their ending alone
    near = max((_near(said, name) for name in (plain(column), *known)), default=0.0)
    return LIKE * near if near >= LEAST else 0.0


def _near(said: str, name: str) -> float:
    """Return the likeness of two names, 0 where they are too short to be near by anything but chance."""
    if min(len(said), len(name)) < 4:
        return 0.0
    return SequenceMatcher(None, said, name, autojunk=False).ratio()


def sounds_like_outcome(header: str) -> bool:
    """Return whether a header names what became of the customer, which must never be a predictor."""
    return plain(header) in {plain(name) for name in OUTCOME_NAMES}


def names_a_person(header: str) -> bool:
    """Return whether a header names what tells who a person is, which stays out of pages and lists."""
    said = plain(header)
    return any(said == column or said in _names()[column] for column in ("email", "phone", "wechat_id"))


def word_for(cell: str, column: str, allowed: Sequence[str]) -> str | None:
    """Return the word of the contract a cell stands for; None where nobody can tell.

    Args:
        cell: Word of the file.
        column: Canonical column.
        allowed: Words of the contract.
    """
    said = plain(cell)
    for word in allowed:
        if said == plain(word) or said in _names().get(f"{column}={word}", ()):
            return word
    return None
