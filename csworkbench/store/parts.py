"""Pages of their own for values of a result: where they stand below it, and what they are called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

PARTS_FOLDER = "by"
STORY_FILE = "story.json"
_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST, _DIGITS = 60, 8


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A page of its own for one value of a result.

    Args:
        dimension: What it is one of, such as "playbook".
        value: Which one.
        title: Heading of its page.
        headline: Its verdict.
        folder: Its folder below that of the result, with forward slashes.
    """

    dimension: str
    value: str
    title: str
    headline: str
    folder: str


def slugs(values: Sequence[str]) -> tuple[str, ...]:
    """Return a folder name for each value: itself where every machine can store it, else what is left and a digest.

    Args:
        values: Different values, in any script.

    Returns:
        Names that stay apart where case does not count.

    Raises:
        ValueError: a value occurs twice.
    """
    if len(set(values)) < len(values):
        twice = sorted({value for value in values if list(values).count(value) > 1})
        raise ValueError(f"each part has a value of its own, and there are two of {', '.join(map(repr, twice))}")
    folded = [value.casefold() for value in values]
    return tuple(_slug(value, is_alone=folded.count(value.casefold()) == 1) for value in values)


def _slug(value: str, *, is_alone: bool) -> str:
    plain = _ODD.sub("-", value).strip("-")[:_LONGEST]
    if is_alone and plain == value and plain:
        return plain
    return f"{plain or 'part'}-{sha256(value.encode()).hexdigest()[:_DIGITS]}"
