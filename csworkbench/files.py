"""Writing a file so that nobody ever sees half of it, and names that every machine can store."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

_ODD = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST, _DIGITS = 60, (8, 64)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, flushed to disk, then renamed over it.

    A file that is there keeps its permissions, a link to one stays a link.

    Args:
        path: Where it goes; the folder exists.
        content: Its bytes.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if target.exists():
            beside.chmod(target.stat().st_mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def slugs(values: Sequence[str]) -> tuple[str, ...]:
    """Return a file name for each value: itself where every machine can store it, else what is left and a digest.

    Args:
        values: Different values, in any script.

    Returns:
        Names that stay apart where case does not count.

    Raises:
        ValueError: a value occurs twice.
    """
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        raise ValueError(f"each part has a value of its own, and there are two of {', '.join(map(repr, twice))}")
    times = Counter(value.casefold() for value in values)
    for digits in _DIGITS:  # few digits are easier to read, and of many values two may share them
        found = tuple(_slug(value, digits, is_alone=times[value.casefold()] == 1) for value in values)
        if len({each.casefold() for each in found}) == len(found):
            break
    return found


def _slug(value: str, digits: int, *, is_alone: bool) -> str:
    plain = _ODD.sub("-", value).strip("-")[:_LONGEST]
    if is_alone and plain == value and plain:
        return plain
    return f"{plain or 'part'}-{sha256(value.encode()).hexdigest()[:digits]}"
