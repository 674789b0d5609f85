"""The two streams: answers go to stdout, talk goes to stderr, and a closed stdout ends nothing with a traceback."""

import json
import os
import sys
from typing import Any

from csworkbench.formats import printable


def answer(text: str = "") -> None:
    """Write a line of the result to stdout."""
    try:
        sys.stdout.write(_inert(text) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _mute_stdout()


def answer_json(document: Any) -> None:
    """Write the result to stdout as one JSON document."""
    answer(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def tell(text: str = "") -> None:
    """Write a line of talk to stderr."""
    sys.stderr.write(_inert(text) + "\n")
    sys.stderr.flush()


def prepare_streams() -> None:
    """Let both streams carry every name whatever the locale: what it cannot encode is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _inert(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _mute_stdout() -> None:
    """Send the rest of stdout nowhere: whoever read it has seen enough, the command's own result still counts."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
