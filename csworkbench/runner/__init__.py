"""Jobs -> executed notebooks: one process, a thread per running notebook, and a status nobody has to doubt."""

from csworkbench.runner.batch import RunOptions, check, run
from csworkbench.runner.events import (
    CellStarted,
    Event,
    LogLine,
    NotebookFinished,
    NotebookStarted,
    RunFinished,
    RunStarted,
    TableRead,
)

__all__ = [
    "CellStarted",
    "Event",
    "LogLine",
    "NotebookFinished",
    "NotebookStarted",
    "RunFinished",
    "RunOptions",
    "RunStarted",
    "TableRead",
    "check",
    "run",
]
