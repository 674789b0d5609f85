"""Pages of their own for values of a result: where they stand below it, and what they are called."""

from collections.abc import Sequence
from dataclasses import dataclass

from csworkbench.files import slugs

PARTS_FOLDER = "by"
STORY_FILE = "story.json"
ACCOUNTS_FILE = "accounts.json"
"""Ids of the accounts of a shard, in its folder before its notebook starts."""


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


@dataclass(frozen=True, slots=True)
class Shard:
    """The rows of one value of a dimension, taken out of a result of the whole book.

    Args:
        of: Notebook whose result it is taken from.
        by: The dimension, such as "csm".
        value: Which value; empty for the accounts that have none.
        title: The value as a reader sees it.
    """

    of: str
    by: str
    value: str
    title: str


def shard_names(by: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return a folder name for each value of a dimension; the dot keeps them apart from the parts of a result.

    Args:
        by: The dimension.
        values: Different values, in any script; an empty one stands for those without.
    """
    [stem] = slugs([by])
    said = [value for value in values if value]
    found = dict(zip(said, slugs(said), strict=True))
    return tuple(f"{stem}.{found[value]}" if value else f"without.{stem}" for value in values)


def is_in_shard(path: str) -> bool:
    """Return whether a file stands below a shard of a notebook.

    Args:
        path: Its path relative to the folder of the notebook, with forward slashes.
    """
    first, _, rest = path.partition("/")
    return first == PARTS_FOLDER and "." in rest.partition("/")[0]
