"""How long a run still takes, from how long its notebooks took before."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def earlier_seconds(out: Path) -> dict[str, float]:
    """Return how many seconds each notebook took in the latest run; nothing where there is no readable record.

    Args:
        out: Folder of all outputs.
    """
    try:
        notebooks = json.loads((out / "latest" / "run.json").read_text("utf-8"))["notebooks"]
        return {str(item["name"]): float(item["seconds"]) for item in notebooks if item["seconds"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def seconds_left(
    earlier: Mapping[str, float], waiting: Sequence[str], running: Mapping[str, float], workers: int
) -> float | None:
    """Return how many seconds a run still takes, about; None without any run before.

    Never less than its longest notebook; one that was never run counts as long as is usual.

    Args:
        earlier: Seconds by notebook of the run before.
        waiting: Notebooks that have not started.
        running: Seconds since their start, by notebook.
        workers: How many run at once.
    """
    if not earlier:
        return None
    usual = median(earlier.values())
    rests = [earlier.get(name, usual) for name in waiting]
    rests += [max(0.0, earlier.get(name, usual) - since) for name, since in running.items()]
    return max(sum(rests) / workers, max(rests, default=0.0))


def in_words(seconds: float | None) -> str:
    """Return time left as a reader wants it: whole minutes, or tens of seconds; empty for nothing known.

    Args:
        seconds: Seconds left.
    """
    if seconds is None:
        return ""
    if seconds >= 90:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 10) * 10} s left" if seconds >= 5 else "a few seconds left"
