"""Notebooks on a Dask cluster that is there already: one task each, executed by a worker, judged and recorded as here.

Workers see the project and its outputs under the same path as the runner. Each attempt has a folder of its own, in
which results it needs are links; what is finished is moved into the run by one rename. A task that Dask gives to
another worker because its first was lost can therefore neither meet half a result nor leave one, and counts once.
"""

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from time import monotonic
from typing import Any

from csworkbench.errors import ConfigError, EnvironmentProblem, Problem
from csworkbench.runner.events import CellStarted, Event, LogLine
from csworkbench.runner.one import Setting, execute_job
from csworkbench.runner.watch import Watch, kill_marked
from csworkbench.store import PARTS_FOLDER, Failure, Job, NotebookRecord, NotebookStatus, RunFolder, RunInfo

SCHEME, ALIVE = "dask://", "alive"
CONNECT_SECONDS = 5
TICK_SECONDS, LOOKS = 0.5, 10
LOST_SECONDS = 60.0
"""After this long a runner, or all workers, or the scheduler, count as gone."""
STOP_SECONDS = 10.0
LIVES = 2
"""Workers that may be lost with one notebook: who loses two is most likely losing them by it."""

Facts = Callable[[Path], Mapping[str, str]]
EVENTS: Mapping[str, type[CellStarted] | type[LogLine]] = {"CellStarted": CellStarted, "LogLine": LogLine}


@dataclass(frozen=True, slots=True)
class Task:
    """All a worker needs to execute one notebook.

    Args:
        job: The job; its notebook is a copy in the shared folder.
        root: Folder of the project.
        folder: The run's folder.
        info: What the run is made from.
        start_timeout_seconds: How long a kernel may take to answer.
        grace_seconds: Time between the interrupt at a deadline and the kill.
        facts: Tells the code and the versions of a machine.
        expected: What it told on the machine of the runner.
    """

    job: Job
    root: Path
    folder: RunFolder
    info: RunInfo
    start_timeout_seconds: int
    grace_seconds: float
    facts: Facts
    expected: Mapping[str, str]


@contextmanager
def connected(address: str, facts: Facts) -> "Iterator[Cluster]":
    """Give the connection to a Dask cluster.

    Args:
        address: dask://host:port of its scheduler.
        facts: Tells what must be the same on every worker as here: code and versions, for the folder of a project.

    Raises:
        ConfigError: The address is none.
        EnvironmentProblem: The extra is not installed, the scheduler does not answer, or it has no workers.
    """
    host, _, port = address.removeprefix(SCHEME).rpartition(":")
    if not address.startswith(SCHEME) or not host or not port.isdigit():
        hint = "write dask://host:8786, or local"
        raise ConfigError(Problem(f"{address!r} is no place to execute notebooks", key="--executor", hint=hint))
    if find_spec("distributed") is None:
        what = "notebooks on a Dask cluster need the package distributed, which is not installed"
        raise EnvironmentProblem(Problem(what, key="--executor", hint="pip install 'csworkbench[dask]'"))
    from distributed import Client

    for name in [each for each in logging.root.manager.loggerDict if each.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters of it is told by ourselves
    try:
        scheduler = f"tcp://{host}:{port}"
        client: Any = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False, name="csw")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        what = f"the scheduler {address} does not answer: {error or type(error).__name__}"
        raise EnvironmentProblem(Problem(what, key="--executor", hint="start it, or mend the address")) from error
    try:
        cluster = Cluster(client, address, facts)
        if not cluster.workers:
            hint = f"start some with `dask worker tcp://{host}:{port}`"
            raise EnvironmentProblem(Problem(f"the cluster {address} has no workers", key="--executor", hint=hint))
        yield cluster
    finally:
        client.close()


class Cluster:
    """A Dask cluster that executes the notebooks of one run. Made by `connected`.

    Args:
        client: The client.
        address: What a reader knows it by.
        facts: Tells what must be the same on every worker as here.
    """

    def __init__(self, client: Any, address: str, facts: Facts) -> None:
        self._client, self._address, self._facts = client, address, facts
        self._stopped_at: float | None = None
        self._seen = monotonic()

    @property
    def workers(self) -> int:
        """Return how many notebooks its workers can execute at once."""
        return sum(self._client.nthreads().values())

    @contextmanager
    def held(self, setting: Setting, grace_seconds: float) -> Iterator[None]:
        """Share the folder of a run with the workers as long as it goes on, and remove what attempts left in the end.

        Args:
            setting: What all notebooks of the run share.
            grace_seconds: Time between the interrupt at a deadline and the kill.

        Raises:
            EnvironmentProblem: A worker does not see the folder, or has other code or versions.
        """
        self._setting, self._grace_seconds, self._seen = setting, grace_seconds, monotonic()
        self._expected, self._shared = dict(self._facts(setting.root)), _shared(setting.folder)
        self._shared.mkdir()
        self._alive.write_text(f"{0:012}", encoding="ascii")
        ended = threading.Event()
        pulse = threading.Thread(target=self._beat, args=(ended,), daemon=True)
        pulse.start()
        try:
            self._refuse_strangers()
            setting.tell(LogLine(f"on {self._address}: {self.workers} at once"))
            self._client.subscribe_topic(self._shared.name, self._heard)
            yield
        finally:
            ended.set()
            pulse.join()
            kill_marked(f"{setting.folder.run_id}.")  # of workers that were lost on this machine
            for left in (self._shared, *_attempts(setting.folder, "*")):
                rmtree(left, ignore_errors=True)

    def execute(self, job: Job) -> NotebookRecord:
        """Return the record of a job after a worker has executed it; its files stand in the run's folder.

        Args:
            job: The job.

        Raises:
            WorkbenchError: The worker could not write, or does not fit.
        """
        folder, digest = self._setting.folder, _digest(job)
        source = self._shared / f"{digest}.ipynb"
        source.write_bytes(job.notebook.read_bytes())
        task = Task(
            job=replace(job, notebook=source, made_of={}),
            root=self._setting.root,
            folder=folder,
            info=self._setting.info,
            start_timeout_seconds=self._setting.start_timeout_seconds,
            grace_seconds=self._grace_seconds,
            facts=self._facts,
            expected=self._expected,
        )
        done = threading.Event()
        future = self._client.submit(execute_on_worker, task, pure=False, retries=0)
        future.add_done_callback(lambda _: done.set())
        reason = self._waited(done)
        name, record = ("", self._given_up(job, future, reason)) if reason else self._answer(job, future)
        attempts = len(_attempts(folder, digest))
        made, place = folder.out / ".tmp" / name / job.name, folder.path / job.name
        if name and made.exists():  # one that is skipped leaves nothing
            place.parent.mkdir(parents=True, exist_ok=True)
            made.rename(place)
        if attempts > 1:
            self._setting.tell(LogLine("its worker was lost; another one executed it", job.name))
        return replace(record, attempts=record.attempts + max(0, attempts - 1))

    def stop(self) -> None:
        """Let workers end their notebooks at once: each looks every half a second whether the run is still alive."""
        if self._stopped_at is None:
            self._stopped_at = monotonic()
            self._alive.unlink(missing_ok=True)

    @property
    def _alive(self) -> Path:
        return self._shared / ALIVE

    def _beat(self, ended: threading.Event) -> None:
        """Write a number that grows into a file, as long as it is there, and see whether the cluster is."""
        count = 0
        while not ended.wait(TICK_SECONDS):
            count += 1
            with suppress(OSError), self._alive.open("r+b") as handle:  # in place: a full disk must not end the run
                handle.write(f"{count:012}".encode())
            if not count % LOOKS and self._is_there():
                self._seen = monotonic()

    def _heard(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        self._setting.tell(EVENTS[event[1]["kind"]](**event[1]["said"]))

    def _refuse_strangers(self) -> None:
        expected = (self._facts, self._setting.root, self._shared, self._expected)
        answers = self._client.run(_strange, *expected, on_error="return")
        wrong = {worker: said for worker, said in answers.items() if said}
        if wrong:
            raise EnvironmentProblem(
                *(Problem(str(said), key=worker, hint="mend that worker") for worker, said in wrong.items())
            )

    def _waited(self, done: threading.Event) -> str:
        """Wait for a task, and return why no longer; empty when it ended."""
        while not done.wait(TICK_SECONDS):
            now = monotonic()
            if self._stopped_at is not None and now - self._stopped_at > STOP_SECONDS + self._grace_seconds:
                return "stopped with the run; its worker has not answered"
            if now - self._seen > LOST_SECONDS:
                return f"the cluster {self._address} has had no workers for {LOST_SECONDS:g} s"
        return ""

    def _given_up(self, job: Job, future: Any, reason: str) -> NotebookRecord:
        future.cancel()
        return _undone(job, reason, is_stopped=self._stopped_at is not None)

    def _is_there(self) -> bool:
        with suppress(OSError, ValueError):
            return self._client.status == "running" and bool(self.workers)
        return False

    def _answer(self, job: Job, future: Any) -> tuple[str, NotebookRecord]:
        from distributed import CancelledError, KilledWorker

        try:
            name, record = future.result()
        except KilledWorker:
            return "", _undone(job, "the worker that executed it was lost, and its cluster gives it to no other")
        except CancelledError:
            return "", _undone(job, f"the scheduler {self._address} was lost")
        return str(name), record


def execute_on_worker(task: Task) -> tuple[str, NotebookRecord]:
    """Return the name of the folder an attempt was made in, and the record; runs on a worker.

    Args:
        task: The notebook and all that goes with it.

    Raises:
        EnvironmentProblem: This worker does not see the folder of the run, or has other code or versions.
    """
    from distributed import get_worker

    job, shared = task.job, _shared(task.folder)
    alive = _Leash(shared / ALIVE)
    if not alive.is_held():
        return "", _undone(job, "stopped with the run", is_stopped=True)
    strange = _strange(task.facts, task.root, shared, task.expected)
    if strange:
        raise EnvironmentProblem(Problem(strange))
    if len(_attempts(task.folder, _digest(job))) >= LIVES:
        return "", _undone(job, f"{LIVES} workers were lost that executed it, most often for want of memory")
    attempt = replace(task.folder, run_id=f"{task.folder.run_id}.{_digest(job)}.{token_hex(4)}")
    _furnish(attempt, task.folder, job)
    worker, ended = get_worker(), threading.Event()
    topic, threads = shared.name, worker.state.nthreads

    def tell(event: Event) -> None:
        if type(event).__name__ in EVENTS:
            worker.log_event(topic, {"kind": type(event).__name__, "said": asdict(event)})

    def watch(job: Job, token: str) -> Watch:
        found = Watch(job.timeout_seconds, token, task.grace_seconds)
        threading.Thread(target=alive.watch, args=(found, ended), daemon=True).start()
        return found

    try:
        with tempfile.TemporaryDirectory(prefix="csw-") as scratch:
            setting = Setting(
                root=task.root,
                folder=attempt,
                scratch=Path(scratch),
                info=task.info,
                threads=max(1, (os.cpu_count() or 1) // threads),
                start_timeout_seconds=task.start_timeout_seconds,
                watch=watch,
                tell=tell,
            )
            return attempt.run_id, execute_job(job, setting)
    finally:
        ended.set()


class _Leash:
    """A file that the runner changes every few seconds: gone, or still for long, it says that the run is over.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._last, self._seen = path, b"", monotonic()

    def is_held(self) -> bool:
        """Return whether the run goes on."""
        try:
            said = self._path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError:  # a network disk that does not answer just now
            said = self._last
        if said != self._last:
            self._last, self._seen = said, monotonic()
        return monotonic() - self._seen < LOST_SECONDS

    def watch(self, found: Watch, ended: threading.Event) -> None:
        """End a notebook when the run is over.

        Args:
            found: The watch of its kernel.
            ended: Set when the notebook has ended by itself.
        """
        while not ended.wait(TICK_SECONDS):
            if not self.is_held():
                found.stop()
                return


def _strange(facts: Facts, root: Path, shared: Path, expected: Mapping[str, str]) -> str:
    """Return why a worker cannot execute notebooks of a run; empty when it can."""
    if not shared.is_dir():
        return f"does not see {shared}: workers need the project and its outputs under the same path as the runner"
    found = facts(root)
    other = [f"{name} is {found.get(name, 'absent')}, here {value}" for name, value in expected.items()
             if found.get(name) != value]  # fmt: skip
    return f"is another installation than this one: {'; '.join(other)}" if other else ""


def _furnish(attempt: RunFolder, run: RunFolder, job: Job) -> None:
    """Make the folder of an attempt: what the job may read of the run stands in it as links."""
    attempt.path.mkdir()
    for name in (*job.needs, *job.needs_if_present):
        place = attempt.path / name
        place.mkdir()
        for path in (run.path / name).glob("*"):
            if job.shard is None or path.name != PARTS_FOLDER:  # a shard stands there itself
                (place / path.name).symlink_to(path)


def _undone(job: Job, reason: str, *, is_stopped: bool = False) -> NotebookRecord:
    status = NotebookStatus.INTERRUPTED if is_stopped else NotebookStatus.FAILED
    failure = Failure("interrupted" if is_stopped else "dead_kernel", reason)
    return NotebookRecord(
        job.name, status, reason, job.key, failure=failure, timeout_seconds=job.timeout_seconds,
        parameters=job.parameters, shard=job.shard,
    )  # fmt: skip


def _shared(folder: RunFolder) -> Path:
    return folder.path.with_name(f"{folder.run_id}.cluster")


def _attempts(folder: RunFolder, digest: str) -> list[Path]:
    return list(folder.path.parent.glob(f"{folder.run_id}.{digest}.*"))


def _digest(job: Job) -> str:
    return sha256(job.name.encode()).hexdigest()[:16]
