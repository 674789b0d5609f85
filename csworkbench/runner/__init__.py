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
from csworkbench.runner.kernels import Kernel, fitting
from csworkbench.runner.printing import find_browser

__all__ = [
    "CellStarted",
    "Event",
    "Kernel",
    "LogLine",
    "NotebookFinished",
    "NotebookStarted",
    "RunFinished",
    "RunOptions",
    "RunStarted",
    "TableRead",
    "check",
    "find_browser",
    "fitting",
    "run",
]
