"""Our papermill engine: one notebook on one kernel, watched. Imported when a run starts: papermill is slow."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
import zmq
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from csworkbench.runner.warm import WarmProcess, choose_provisioner
from csworkbench.runner.watch import Watch

ENGINE_NAME = "csworkbench"
SHOWN_CHARACTERS = 100_000
SHOWN_BYTES = 8_000_000
START_UP = threading.Lock()
IOPUB_SECONDS = 30
LONGEST_PLACE = zmq.IPC_PATH_MAX_LEN - 4
"""Bytes of a connection file's path above which its sockets, named like it, have no room in a socket's address."""
# a socket drops what waits beyond this: with the default of 1,000 half of 20,000 flushed prints were lost
WAITING_MESSAGES = 100_000


@dataclass(slots=True)
class Execution:
    """One attempt to execute a notebook: what goes in, and what is known of it afterwards.

    Args:
        notebook: The prepared notebook; papermill works on a copy.
        kernel: Name of the kernel.
        parameters: Values for the parameters cell.
        folder: Where the kernel starts.
        environment: Environment of the kernel.
        connection: Where the kernel's connection file goes, sockets beside it; where its path is too long for them
            the kernel is reached through ports of this machine.
        watch: Deadline and stop.
        on_cell: Called with all cells and the index of the code cell that begins.
        is_warm: Whether the kernel is to be forked from a process that has done the imports; afterwards whether it was.
        start_timeout_seconds: How long a kernel may take to answer.
        executed: The notebook as it was left.
        is_started: Whether the kernel has answered.
        at: Index of the code cell that began last.
        exit_code: How the kernel's process ended by itself; None while it is alive.
        error: What ended the execution; None when papermill is content.
    """

    notebook: Any
    kernel: str
    parameters: Mapping[str, Any]
    folder: Path
    environment: Mapping[str, str]
    connection: Path
    watch: Watch
    on_cell: Callable[[list[Any], int], None]
    is_warm: bool = False
    start_timeout_seconds: int = 60
    executed: Any = None
    is_started: bool = False
    at: int | None = None
    exit_code: int | None = None
    error: BaseException | None = None
    sizes: dict[tuple[int, str], int] = field(default_factory=dict)


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client on a kernel of ours: start-up one after the other, outputs capped, nothing left alive."""

    def __init__(self, manager: Any, execution: Execution, kernel_name: str) -> None:
        super().__init__(
            manager,
            kernel_name=kernel_name,
            startup_timeout=execution.start_timeout_seconds,
            resources={"metadata": {"path": str(execution.folder)}},
            iopub_timeout=IOPUB_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            shutdown_kernel="immediate",
            on_cell_start=self._cell_starts,
            log=logging.getLogger("papermill"),
        )
        self._execution = execution

    def execute(self) -> Any:
        """Execute all cells and return the notebook.

        Raises:
            Stopped: The watch ended it.
        """
        execution = self._execution
        self.reset_execution_trackers()
        try:
            with START_UP:
                execution.watch.check()
                place = str(execution.connection)
                transport = "ipc" if len(os.fsencode(place)) < LONGEST_PLACE else "tcp"
                self.km = AsyncKernelManager(kernel_name=self.kernel_name, transport=transport, connection_file=place)
                choose_provisioner(self.km.kernel_spec, is_warm=execution.is_warm)
                self.km.context.setsockopt(zmq.RCVHWM, WAITING_MESSAGES)
                self.start_new_kernel(env=dict(execution.environment))
                execution.is_warm = isinstance(self._process(), WarmProcess)
                execution.watch.attach(self._process().pid)
                self.start_new_kernel_client()
            execution.is_started = True
            execution.watch.begin()
            self.papermill_execute_cells()
        finally:
            self._end()
        return self.nb

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take one message of the kernel; output beyond the cap is replaced by one note a cell.

        Args:
            msg: The message.
            cell: The cell it belongs to.
            cell_index: Its index.
        """
        capped = self._capped(msg, cell_index)
        return None if capped is None else super().process_message(capped, cell, cell_index)

    def _capped(self, msg: dict[str, Any], index: int) -> dict[str, Any] | None:
        content, kind = msg["content"], msg["msg_type"]
        if kind == "stream":
            used, limit, size = "text", SHOWN_CHARACTERS, len(content["text"])
        elif kind in {"display_data", "execute_result", "update_display_data"}:
            used, limit, size = "data", SHOWN_BYTES, sum(len(str(part)) for part in content["data"].values())
        else:
            return msg
        before = self._execution.sizes.get((index, used), 0)
        self._execution.sizes[index, used] = before + size
        if before + size <= limit:
            return msg
        if before > limit:
            return None
        kept = content["text"][: limit - before] if used == "text" else ""
        unit = "characters" if used == "text" else "bytes"
        note = f"\n[the output of this cell was cut here: it has more than {limit:,} {unit}]\n"
        name = content.get("name", "stderr")
        header = {**msg["header"], "msg_type": "stream"}
        return {**msg, "msg_type": "stream", "header": header, "content": {"name": name, "text": kept + note}}

    def _cell_starts(self, cell: Any, cell_index: int) -> None:
        self._execution.watch.check()
        if cell.cell_type == "code" and cell.source.strip():
            self._execution.at = cell_index
            self._execution.on_cell(self.nb.cells, cell_index)

    def _end(self) -> None:
        process = self._process()
        if process is not None:
            self._execution.exit_code = process.poll()
        if self.km is not None:
            self._cleanup_kernel()

    def _process(self) -> Any:
        return getattr(getattr(self.km, "provisioner", None), "process", None)


class WatchedEngine(Engine):  # type: ignore[misc]
    """The engine that papermill calls by name."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Execute the notebook of a papermill execution manager.

        Args:
            nb_man: The manager.
            kernel_name: Name of the kernel.
            options: `execution` is ours, the rest papermill's.
        """
        execution: Execution = options["execution"]
        execution.executed = nb_man.nb
        Client(nb_man, execution, kernel_name).execute()


def execute(execution: Execution) -> None:
    """Execute a notebook through papermill; what happened is written into the execution.

    Papermill's own word on success is not trusted: it takes `sys.exit(0)` for a success.

    Args:
        execution: The attempt.
    """
    papermill_engines.register(ENGINE_NAME, WatchedEngine)
    # its lines go to stderr of whoever has no logging set up; we tell the same in our own events
    logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
    try:
        papermill.execute_notebook(
            execution.notebook,
            None,
            parameters=dict(execution.parameters),
            engine_name=ENGINE_NAME,
            kernel_name=execution.kernel,
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            execution=execution,
        )
    except Exception as error:  # noqa: BLE001 - whatever ends a notebook is for the runner to judge
        execution.error = error
    finally:
        _close_loop()


def _close_loop() -> None:
    """Close the event loop that jupyter_core opened in this thread: a long-lived process would run out of files."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def as_node(source: Mapping[str, Any]) -> Any:
    """Return a notebook's JSON as the node papermill works on.

    Args:
        source: Content of an .ipynb file.
    """
    return nbformat.reads(json.dumps(source), as_version=4)  # type: ignore[no-untyped-call]
