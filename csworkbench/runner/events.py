"""What a run tells while it is running: plain facts, drawn by the command line as it likes."""

from dataclasses import asdict, dataclass
from typing import Any

from csworkbench.store import NotebookRecord, RunRecord


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has its folder: its name, the names of its notebooks, and how many of them may run at once."""

    run_id: str
    notebooks: tuple[str, ...]
    workers: int


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table was read before the run: its files, the rows kept and set aside, and how.

    `was_cached` says that the typed table was there already, so that no file was parsed.
    """

    table: str
    files: tuple[str, ...]
    rows: int
    set_aside: int
    was_cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class NotebookStarted:
    """A notebook's kernel is being started; `cells` is the number of its code cells."""

    name: str
    cells: int


@dataclass(frozen=True, slots=True)
class CellStarted:
    """A code cell begins: the `done` cells before it of `cells`, its number in the notebook, the heading above it."""

    name: str
    done: int
    cells: int
    number: int
    heading: str


@dataclass(frozen=True, slots=True)
class NotebookFinished:
    """A notebook ended, was blocked or was skipped: its record says which and why."""

    record: NotebookRecord


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line worth telling; `name` is the notebook it is about, empty for the run."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is published."""

    record: RunRecord


Event = RunStarted | TableRead | NotebookStarted | CellStarted | NotebookFinished | LogLine | RunFinished


def as_line(event: Event) -> dict[str, Any]:
    """Return what the log of a run says of an event, in JSON types."""
    if isinstance(event, NotebookFinished):
        record = event.record
        said = {"name": record.name, "status": record.status, "seconds": record.seconds, "reason": record.reason}
        return said | ({"cached_from": record.cached_from} if record.cached_from else {})
    return {} if isinstance(event, RunFinished) else asdict(event)
