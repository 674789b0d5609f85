"""The two streams: answers go to stdout, talk goes to stderr, and a closed one ends nothing."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from csworkbench.formats import printable


def answer(text: str = "") -> None:
    """Write a line of the result to stdout."""
    _write(sys.stdout, text)


def answer_json(document: Any) -> None:
    """Write the result to stdout as one JSON document."""
    answer(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def answer_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table of the result to stdout.

    Args:
        head: Names of the columns.
        rows: Cells, as many per row.
    """
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        answer("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def tell(text: str = "") -> None:
    """Write a line of talk to stderr."""
    _write(sys.stderr, text)


def short(path: Path) -> Path:
    """Return a path as short as it can be typed here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def prepare_streams() -> None:
    """Let both streams carry every name whatever the locale: what it cannot encode is written as an escape.

    A stream that was closed before the start goes nowhere, and its number is taken so that no file gets it.
    """
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(printable(text, has_lines=True) + "\n")
        stream.flush()
    except BrokenPipeError:
        _mute(stream)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _mute(stream: TextIO) -> None:
    """Send the rest of a stream nowhere: whoever read it has seen enough, the command's own result still counts."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
