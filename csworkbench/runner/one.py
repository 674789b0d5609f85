"""One job from its prepared notebook to its record: executed, judged, published in the run's folder, rendered."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING, Any

import csworkbench
from csworkbench.errors import RunError
from csworkbench.estimates import Severity
from csworkbench.files import write_file
from csworkbench.formats import printable
from csworkbench.runner.events import CellStarted, Event, LogLine
from csworkbench.runner.masking import hidden, mask_failure, mask_outputs, remove_spilled
from csworkbench.runner.notebooks import NO_DATA, clean, headings, judge, prepare
from csworkbench.runner.pages import artifacts, write_page
from csworkbench.runner.watch import TOKEN_VARIABLE, Watch
from csworkbench.runner.zygote import THREADS
from csworkbench.store import (
    Failure,
    Job,
    NotebookRecord,
    NotebookStatus,
    RunFolder,
    RunInfo,
    StoredResult,
    read_result,
)
from csworkbench.store.notebooks import read_notebook

if TYPE_CHECKING:
    from csworkbench.runner.engine import Execution

ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """What all notebooks of a run share.

    Args:
        root: Folder of the project.
        folder: The run's folder.
        scratch: A short-lived folder for sockets and IPython.
        info: What the run is made from.
        threads: Threads each notebook may use.
        start_timeout_seconds: How long a kernel may take to answer.
        watch: Makes the watch of a job and knows how to stop it.
        tell: Takes events from any thread.
        is_warm: Whether kernels are forked from a process that has done the imports.
    """

    root: Path
    folder: RunFolder
    scratch: Path
    info: RunInfo
    threads: int
    start_timeout_seconds: int
    watch: Callable[[Job, str], Watch]
    tell: Callable[[Event], None]
    is_warm: bool = False


def execute_job(job: Job, setting: Setting) -> NotebookRecord:
    """Return the record of a job after executing its notebook; its files stand in the run's folder.

    Args:
        job: The job.
        setting: What all notebooks of the run share.

    Raises:
        WorkbenchError: The folder of the notebook cannot be written.
    """
    begun = perf_counter()
    home = setting.folder.path / job.name
    home.mkdir(parents=True)
    for name, content in job.files.items():
        write_file(home / name, content.encode())
    parameters = _parameters(job, home, setting.root)
    nonce, watch = token_hex(16), setting.watch(job, f"{setting.folder.run_id}/{token_hex(16)}")
    try:
        execution, attempts = _attempt(job, setting, parameters, nonce, watch)
        failure = judge(execution, nonce)
    finally:
        watch.close()
    secrets = hidden(job.secrets)
    failure = mask_failure(failure, secrets) or remove_spilled(home, secrets)
    record = NotebookRecord(
        job.name,
        NotebookStatus.SKIPPED,
        failure.message if failure else "",
        job.key,
        attempts=attempts,
        timeout_seconds=job.timeout_seconds,
        parameters=job.parameters,
        shard=job.shard,
    )
    if failure is not None and failure.kind == NO_DATA:
        shutil.rmtree(home)  # as of any that is skipped, its reason is all there is to read
        return replace(record, seconds=round(perf_counter() - begun, 3))
    mask_outputs(execution.executed if execution.executed is not None else execution.notebook, secrets)
    _write_notebook(execution, home, setting)
    status, failure, headline = _status(job, home, failure)
    reason = failure.message if failure else ""
    record = replace(record, status=status, reason=reason, headline=headline, failure=failure)
    record = _with_page(record, home, setting)
    return replace(record, seconds=round(perf_counter() - begun, 3), artifacts=artifacts(home, setting.folder.path))


def environment(root: Path, scratch: Path, token: str, threads: int) -> dict[str, str]:
    """Return the environment of a kernel: ours, plus its mark, its share of the cores, and a neutral IPython.

    Args:
        root: Folder of the project.
        scratch: Folder for IPython.
        token: Mark of all processes of the notebook.
        threads: Threads it may use.
    """
    variables = dict(os.environ)
    variables |= dict.fromkeys(THREADS, str(threads))
    variables |= {
        TOKEN_VARIABLE: token,
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    # the kernel starts in the project; the package may lie in a checkout that only this process has on its path
    package = str(Path(csworkbench.__file__).parent.parent)
    paths = [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
    if package not in paths and "site-packages" not in Path(package).parts:
        paths.append(package)
    variables["PYTHONPATH"] = os.pathsep.join(str((root / path).resolve()) if path == "." else path for path in paths)
    return variables


def _parameters(job: Job, home: Path, root: Path) -> Mapping[str, Any]:
    declared = read_notebook(job.notebook).parameters or {}
    return {**job.parameters, "output_dir": _place(home, root)} if "output_dir" in declared else job.parameters


def _place(path: Path, root: Path) -> str:
    """Return a path from the project where it lies inside, so that no notebook names a folder of the machine."""
    whole = path.resolve()
    return whole.relative_to(root.resolve()).as_posix() if whole.is_relative_to(root.resolve()) else str(whole)


def _attempt(
    job: Job, setting: Setting, parameters: Mapping[str, Any], nonce: str, watch: Watch
) -> "tuple[Execution, int]":
    """Execute a notebook; only a kernel that did not start is tried once more."""
    from csworkbench.runner.engine import Execution, as_node, execute

    source, kernel = prepare(job.notebook, nonce), read_notebook(job.notebook).kernel
    for attempt in range(1, ATTEMPTS + 1):
        execution = Execution(
            notebook=as_node(source),
            kernel=kernel,
            parameters=parameters,
            folder=setting.root,
            environment=environment(setting.root, setting.scratch, watch.token, setting.threads),
            connection=setting.scratch / f"{token_hex(4)}.json",
            watch=watch,
            on_cell=_teller(job, setting),
            is_warm=setting.is_warm,
            start_timeout_seconds=setting.start_timeout_seconds,
        )
        execute(execution)
        if execution.is_started or watch.is_stopped or watch.is_timed_out or attempt == ATTEMPTS:
            break
        setting.tell(LogLine(f"its kernel did not start ({execution.error}); one more try", job.name))
    if setting.is_warm and execution.is_started and not execution.is_warm:
        setting.tell(LogLine("no warm kernel could be had; it got one of its own", job.name))
    return execution, attempt


def _teller(job: Job, setting: Setting) -> Callable[[list[Any], int], None]:
    def tell(cells: list[Any], index: int) -> None:
        places = list(headings(cells))
        number, heading = places[index]
        if index < len(cells) - 1:  # the last one is our end marker
            setting.tell(CellStarted(job.name, number - 1, places[-2][0], number, heading))

    return tell


def _write_notebook(execution: "Execution", home: Path, setting: Setting) -> None:
    executed = execution.executed if execution.executed is not None else execution.notebook
    # Run again from there it only shows: it must not write over a published result.
    write_file(home / "notebook.ipynb", clean(executed, {_place(home, setting.root): ""}))


def _status(job: Job, home: Path, failure: Failure | None) -> tuple[NotebookStatus, Failure | None, str]:
    """Return status, failure and headline of an executed job, from the result it left."""
    result: StoredResult | None = None
    try:
        result = read_result(home)
    except RunError as error:
        if failure is None and (job.has_result or (home / "result.json").exists()):
            message = "it ended without a result; does its last code cell call desk.conclude(result)?"
            failure = Failure("no_result", message, detail=str(error))
    headline = result.headline if result else ""
    if failure is not None:
        status = NotebookStatus.INTERRUPTED if failure.kind == "interrupted" else NotebookStatus.FAILED
        return status, failure, headline
    by_severity = {Severity.STOP: NotebookStatus.STOP, Severity.WARNING: NotebookStatus.WARNING}
    worst = result.worst if result else None
    return by_severity.get(worst, NotebookStatus.OK) if worst else NotebookStatus.OK, None, headline


def _with_page(record: NotebookRecord, home: Path, setting: Setting) -> NotebookRecord:
    try:
        write_page(home, record, setting.info)
    except Exception as error:  # noqa: BLE001 - a page that cannot be made loses neither the result nor the run
        said = printable(f"{type(error).__name__}: {error}")
        setting.tell(LogLine(f"its page could not be made: {said}", record.name))
        if record.failure is None:
            message = f"it ran, but its page could not be made: {said}"
            failure = Failure("internal", message)
            return replace(record, status=NotebookStatus.FAILED, reason=message, failure=failure)
    return record


__all__ = ["Setting", "environment", "execute_job"]
