"""The customer book as it was known at the end of one day: nothing that happened or became known later is in it."""

from csworkbench.asof.days import day_start, month_ends, since, with_local_day
from csworkbench.asof.labels import Part, Window, labels, windows
from csworkbench.asof.newest import end_of, latest_date, stray_days
from csworkbench.asof.snapshot import Snapshot, earlier, require_history, take

__all__ = [
    "Part",
    "Snapshot",
    "Window",
    "day_start",
    "earlier",
    "end_of",
    "labels",
    "latest_date",
    "month_ends",
    "require_history",
    "since",
    "stray_days",
    "take",
    "windows",
    "with_local_day",
]
