"""A run while it is running: one bar and the running notebooks on a terminal, plain lines everywhere else."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.cli.console import tell
from csworkbench.cli.pacing import in_words, seconds_left
from csworkbench.formats import printable
from csworkbench.runner import CellStarted, Event, LogLine, NotebookFinished, NotebookStarted, RunStarted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from csworkbench.store import NotebookRecord

Listener = Callable[[Event], None]
RowsListener = Callable[[str, int], None]
EVERY_SECONDS = 15.0


@contextmanager
def reading() -> Iterator[RowsListener]:
    """Give a listener for the rows of a table that were parsed so far: one line redrawn, or one every 15 seconds."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield plain_rows()
        return
    with console.status("") as line:
        yield lambda table, rows: line.update(printable(_rows(table, rows)))


def plain_rows(write: Callable[[str], None] = tell, clock: Callable[[], float] = monotonic) -> RowsListener:
    """Return a listener that writes a line whenever the last one, or the beginning, is 15 seconds ago."""
    last = clock()

    def listen(table: str, rows: int) -> None:
        nonlocal last
        now = clock()
        if now - last >= EVERY_SECONDS:
            last = now
            write(_rows(table, rows))

    return listen


def _rows(table: str, rows: int) -> str:
    return f"{table}: {rows:,} rows read so far"


@contextmanager
def progress(earlier: Mapping[str, float] = MappingProxyType({})) -> Iterator[Listener]:
    """Give a listener for the events of a run: a table when stderr is a terminal that can redraw, else lines.

    Args:
        earlier: Seconds by notebook of the run before, for the time left.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield plain_lines()
        return
    with _table(console) as bars:
        yield _Table(bars, earlier)


def plain_lines(write: Callable[[str], None] = tell) -> Listener:
    """Return a listener that writes one line when a notebook starts, reaches a new heading, and ends."""
    headings: dict[str, str] = {}

    def listen(event: Event) -> None:
        match event:
            case RunStarted():
                write(f"run {event.run_id}: {', '.join(event.notebooks)}")
            case NotebookStarted():
                write(f"{event.name}: started")
            case CellStarted() if event.heading and headings.get(event.name) != event.heading:
                headings[event.name] = event.heading
                write(f"{event.name}: {event.done + 1}/{event.cells} {event.heading}")
            case NotebookFinished():
                write(outcome(event.record))
            case LogLine():
                write(f"{event.name}: {event.text}" if event.name else event.text)
            case _:
                pass

    return listen


def outcome(record: "NotebookRecord") -> str:
    """Return one line about a notebook that ended: its status, its headline or why there is none, and its time."""
    said = record.headline or record.reason
    took = f" ({record.seconds:.1f} s)" if record.seconds else ""
    return f"{record.name}: {record.status}{': ' if said else ''}{said}{took}"


def _table(console: "Console") -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # Text of notebooks is shown as it is: markup in it must not be obeyed.
    return Progress(
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        console=console,
        transient=True,
    )


class _Table:
    """Draws one bar for the run and a row per running notebook."""

    def __init__(self, bars: "Progress", earlier: Mapping[str, float], clock: Callable[[], float] = monotonic) -> None:
        self._bars = bars
        self._earlier = earlier
        self._clock = clock
        self._run: TaskID | None = None
        self._rows: dict[str, TaskID] = {}
        self._waiting: list[str] = []
        self._begun: dict[str, float] = {}
        self._workers = 1

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._run = self._bars.add_task("", total=len(event.notebooks), name="run", step=event.run_id)
                self._waiting, self._workers = list(event.notebooks), event.workers
            case NotebookStarted():
                name = printable(event.name)
                self._begun[event.name] = self._clock()
                self._waiting.remove(event.name)
                self._rows[event.name] = self._bars.add_task("", total=event.cells, name=name, step="starting")
            case CellStarted() if event.name in self._rows:
                step = printable(event.heading or f"cell {event.number}")
                self._bars.update(self._rows[event.name], completed=event.done, total=event.cells, step=step)
            case NotebookFinished():
                self._finish(event.record)
            case LogLine():
                self._bars.console.print(printable(event.text), markup=False, highlight=False)
            case _:
                pass
        self._tell_left()

    def _tell_left(self) -> None:
        """Say at each event how long it still takes: between events nothing is known that was not known before."""
        now = self._clock()
        running = {name: now - begun for name, begun in self._begun.items()}
        left = in_words(seconds_left(self._earlier, self._waiting, running, self._workers))
        if left and self._run is not None:
            self._bars.update(self._run, step=left)

    def _finish(self, record: "NotebookRecord") -> None:
        self._begun.pop(record.name, None)
        if record.name in self._waiting:
            self._waiting.remove(record.name)
        row = self._rows.pop(record.name, None)
        if row is not None:
            self._bars.remove_task(row)
        if self._run is not None:
            self._bars.advance(self._run)
        # The answer of the command lists every notebook; only bad news is worth a line before it.
        if not record.status.delivered:
            self._bars.console.print(printable(outcome(record)), markup=False, highlight=False)
