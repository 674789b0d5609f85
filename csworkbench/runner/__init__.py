"""Jobs -> executed notebooks: here or on a cluster, a thread per running notebook, and a status nobody has to doubt."""

from csworkbench.runner.batch import run
from csworkbench.runner.cluster import Cluster, connected
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
from csworkbench.runner.options import RunOptions, check
from csworkbench.runner.printing import check_printed, find_browser

__all__ = [
    "CellStarted",
    "Cluster",
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
    "check_printed",
    "connected",
    "find_browser",
    "fitting",
    "run",
]
