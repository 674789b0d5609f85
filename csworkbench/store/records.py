"""The plain words between planner, runner, pages and command line: jobs, statuses and the record of a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from csworkbench.estimates import Message
from csworkbench.formats import printable, text
from csworkbench.store.parts import Shard


class NotebookStatus(StrEnum):
    """How a notebook of a run ended.

    `ok`: ran to its end. `warning`: ran, its result carries a warning. `stop`: ran, its result forbids acting on it,
    so its dependents are blocked. `failed`: did not reach its end, or left no result. `blocked`: not started, because
    something it needs did not deliver. `skipped`: not started, because its inputs are not there, or it
    found nothing that it is about (`NothingToAnalyze`).
    `interrupted`: the run was stopped by a signal before this notebook ended.
    """

    OK = "ok"
    WARNING = "warning"
    STOP = "stop"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def delivered(self) -> bool:
        """Return whether dependents may use the result."""
        return self in {NotebookStatus.OK, NotebookStatus.WARNING}


class RunState(StrEnum):
    """How a run as a whole stands: `running`, `ok`, `failed` or `interrupted`."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to execute, finished down to its typed parameters.

    Args:
        name: Name of the notebook and of its folder in the run.
        notebook: The file to execute.
        parameters: Values for the notebook's parameters cell: JSON types only, never a secret.
        needs: Names whose delivered results this one reads.
        needs_if_present: Names that run before this one where they are part of the run.
        timeout_seconds: Deadline of all its cells together, once its kernel has answered.
        key: Hash of all that determines the result.
        skip: Why it is not to be run; None runs it.
        has_result: Whether it must leave a result.json.
        made_of: What the key is the hash of, in JSON types.
        shard: What it takes out of the result of another job; None for one that computes.
        files: Texts that are put into its folder before it starts, by name.
        secrets: Names of environment variables whose values stand in nothing that is written.
    """

    name: str
    notebook: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    needs_if_present: tuple[str, ...] = ()
    timeout_seconds: float = 600.0
    key: str = ""
    skip: Message | None = None
    has_result: bool = True
    made_of: Mapping[str, Any] = field(default_factory=dict)
    shard: Shard | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a notebook stopped.

    Args:
        kind: error, timeout, dead_kernel, exit, no_kernel, no_result, secret, interrupted or internal.
        message: The plain first line for people.
        cell: Number of the cell as the reader counts it, from 1 over all cells of the notebook; None before the first.
        heading: The nearest heading above that cell.
        detail: Traceback or other text for whoever repairs it; control characters removed.
    """

    kind: str
    message: str
    cell: int | None = None
    heading: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a run: path relative to the run's folder, size in bytes, sha256, rows of a table (None otherwise)."""

    path: str
    size_bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class NotebookRecord:
    """What became of one notebook.

    Args:
        name: Name of the notebook.
        status: How it ended.
        reason: Why it was blocked or skipped or failed, in one line; empty when it delivered.
        key: Key of its job.
        seconds: Wall time, kernel start included; 0 when it was not started.
        headline: Verdict sentence of its result; empty without a result.
        failure: Where it stopped; None unless failed or interrupted.
        blocked_by: The need that did not deliver; empty unless blocked.
        attempts: How often a kernel was started for it.
        timeout_seconds: Its deadline.
        parameters: The parameters it was run with.
        artifacts: Its files.
        cached_from: Run that computed it, whose result was taken from the store; empty when this run computed it.
        shard: What it takes out of another notebook's result; None for one that computes.
    """

    name: str
    status: NotebookStatus
    reason: str = ""
    key: str = ""
    seconds: float = 0.0
    headline: str = ""
    failure: Failure | None = None
    blocked_by: str = ""
    attempts: int = 0
    timeout_seconds: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    cached_from: str = ""
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One input table of a run: rows used, rows put into quarantine, digest, and the dates it covers (ISO or empty)."""

    table: str
    files: tuple[str, ...] = ()
    rows: int = 0
    quarantined: int = 0
    digest: str = ""
    first_event: str = ""
    last_event: str = ""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run was made from: the same for all its notebooks.

    Args:
        project: Name of the workspace.
        workspace: Path of workspace.yaml relative to the project root.
        batch: Path of the batch file relative to the project root.
        as_of: Cut-off date, ISO.
        language: Language of texts, for example "en".
        code: Digest of the package source.
        configs: Digest of the resolved config by analysis.
        overrides: Values set for this run only, by analysis.
        inputs: Tables read.
        reads: Which of them each notebook reads.
        versions: Versions of Python and of the declared libraries.
    """

    project: str = ""
    workspace: str = ""
    batch: str = ""
    as_of: str = ""
    language: str = "en"
    code: str = ""
    configs: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inputs: tuple[InputRecord, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The record of a run, as it stands in run.json.

    Args:
        run_id: Name of the run's folder.
        state: How the run as a whole stands.
        started_at: UTC instant, ISO.
        seconds: Wall time of the run.
        info: What it was made from.
        notebooks: Every notebook of the plan, in the order of the plan.
        signal: Number of the signal that ended the run; 0 otherwise.
        folder: The published folder; None while the run is not published. Not part of run.json.
    """

    run_id: str
    state: RunState
    started_at: str
    seconds: float
    info: RunInfo
    notebooks: tuple[NotebookRecord, ...] = ()
    signal: int = 0
    folder: Path | None = None

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0 delivered, 1 failed or stopped by a gate, 128 + n for a signal."""
        if self.signal:
            return 128 + self.signal
        return 0 if self.state is RunState.OK else 1

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types, the way run.json holds it."""
        data = asdict(self)
        data.pop("folder")
        return {"version": 1, **data, "exit_code": self.exit_code}


def state_of(notebooks: tuple[NotebookRecord, ...], signal: int = 0) -> RunState:
    """Return the state of a run: a failure, or a stop that blocked a dependent, makes it `failed`.

    Args:
        notebooks: Records of all its notebooks.
        signal: Number of the signal that ended the run; 0 otherwise.
    """
    if signal:
        return RunState.INTERRUPTED
    by_name = {record.name: record for record in notebooks}
    bad = {NotebookStatus.FAILED, NotebookStatus.STOP, NotebookStatus.INTERRUPTED}
    for record in notebooks:
        if record.status is NotebookStatus.FAILED:
            return RunState.FAILED
        root = record
        while root.blocked_by in by_name:
            root = by_name[root.blocked_by]
        if record.status is NotebookStatus.BLOCKED and root.status in bad:
            return RunState.FAILED
    return RunState.OK


def junit(record: RunRecord) -> bytes:
    """Return the run as a JUnit XML report: one test case per notebook.

    Args:
        record: The record of a run.
    """
    counts = {status: sum(item.status is status for item in record.notebooks) for status in NotebookStatus}
    failures = counts[NotebookStatus.FAILED] + counts[NotebookStatus.INTERRUPTED]
    suite = Xml.Element(
        "testsuite",
        name=printable(record.info.project) or "csworkbench",
        tests=str(len(record.notebooks)),
        failures=str(failures),
        errors="0",
        skipped=str(counts[NotebookStatus.SKIPPED] + counts[NotebookStatus.BLOCKED]),
        time=f"{record.seconds:.3f}",
        timestamp=record.started_at,
    )
    for item in record.notebooks:
        case = Xml.SubElement(suite, "testcase", classname="notebooks", name=item.name, time=f"{item.seconds:.3f}")
        reason = printable(item.reason)
        if item.failure is not None:
            failure = Xml.SubElement(case, "failure", message=reason, type=item.failure.kind)
            failure.text = printable(item.failure.detail, has_lines=True)
        elif item.status in {NotebookStatus.BLOCKED, NotebookStatus.SKIPPED}:
            Xml.SubElement(case, "skipped", message=reason)
    Xml.indent(suite)
    return bytes(Xml.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def why_skipped(job: Job, language: str = "en") -> str:
    """Return the sentence why a job is skipped; empty when it is to be run.

    Args:
        job: A job of a plan.
        language: Language of the sentence.
    """
    return text(job.skip, language) if job.skip is not None else ""
