"""A batch: jobs in the order of their needs, several at a time, their results published together."""

import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any

from csworkbench.files import write_file
from csworkbench.formats import printable, text
from csworkbench.runner.events import (
    Event,
    LogLine,
    NotebookFinished,
    NotebookStarted,
    RunFinished,
    RunStarted,
    as_line,
)
from csworkbench.runner.kernels import choose
from csworkbench.runner.one import Setting, execute_job
from csworkbench.runner.options import RunOptions, check
from csworkbench.runner.pages import put_stamps, write_index
from csworkbench.runner.printing import TOLD_EVERY, print_run
from csworkbench.runner.watch import Watch, kill_marked
from csworkbench.store import (
    Failure,
    Job,
    NotebookRecord,
    NotebookStatus,
    RunFolder,
    RunRecord,
    RunState,
    about,
    begin,
    find,
    keep,
    lists_accounts,
    no_lists,
    publish,
    read_notebook,
    state_of,
    take,
    why_skipped,
)
from csworkbench.store.results import write_json

WAKE_SECONDS = 0.2


def run(
    jobs: Sequence[Job], out: Path, options: RunOptions, on_event: Callable[[Event], None] | None = None
) -> RunRecord:
    """Run notebooks and publish what they made as one run.

    Args:
        jobs: Jobs of a plan; what they need is among them.
        out: Folder of all outputs.
        options: How it is done.
        on_event: Told what happens, in the thread of the caller.

    Returns:
        The record of the run, published: failures and signals are in it, not raised.

    Raises:
        ConfigError: A notebook cannot run; nothing was started or written.
        EnvironmentProblem: The output folder cannot be written, or another run holds it, or workers of the cluster do
            not see it or have another code.
        ValueError: Two jobs have one name, or a job needs what is not among them.
    """
    _check_names(jobs)
    check([job for job in jobs if options.is_fresh or about(out, job.key) is None])
    with begin(out, options.run_id) as folder, tempfile.TemporaryDirectory(prefix="csw-") as scratch:
        batch = _Batch(jobs, folder, options, Path(scratch), on_event or _silent)
        with batch.signals():
            record = batch.finish(batch.execute())
            final = publish(folder, record, move_latest=record.state is not RunState.INTERRUPTED)
    record = replace(record, folder=final)
    (on_event or _silent)(RunFinished(record))
    return record


def _silent(event: Event) -> None:
    del event


def _check_names(jobs: Sequence[Job]) -> None:
    names = [job.name for job in jobs]
    if len(set(names)) < len(names):
        raise ValueError(f"two jobs have one name: {names}")
    for job in jobs:
        missing = set(job.needs) - set(names)
        if missing:
            raise ValueError(f"{job.name} needs what is not among the jobs: {sorted(missing)}")


class _Batch:
    """A run while it is going on. Only the caller's thread touches its records and calls back."""

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: RunFolder,
        options: RunOptions,
        scratch: Path,
        on_event: Callable[[Event], None],
    ) -> None:
        self.signal = 0
        self._jobs = {job.name: job for job in jobs}
        self._folder = folder
        self._options = options
        self._on_event = on_event
        self._queue: SimpleQueue[Event] = SimpleQueue()
        self._watches: dict[str, Watch] = {}
        self._guard = threading.Lock()
        self._records: dict[str, NotebookRecord] = {}
        self._with_lists: dict[str, bool] = {}
        self._events: list[dict[str, Any]] = []
        self._begin = perf_counter()
        executed = [job for job in jobs if job.skip is None and (options.is_fresh or not about(folder.out, job.key))]
        is_warm, self._why_stock = choose(options.kernel, len(executed)) if options.cluster is None else (False, "")
        self._setting = Setting(
            root=options.root,
            folder=folder,
            scratch=scratch,
            info=options.info,
            threads=max(1, (os.cpu_count() or 1) // max(1, min(options.workers, len(jobs)))),
            start_timeout_seconds=options.start_timeout_seconds,
            watch=self._watch,
            tell=self._queue.put,
            is_warm=is_warm,
        )

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as the wish to stop, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def execute(self) -> tuple[NotebookRecord, ...]:
        """Return the records of all jobs, in their order, after the last one has ended."""
        self._tell(RunStarted(self._options.run_id, tuple(self._jobs), self._options.workers))
        if self._why_stock:
            self._tell(LogLine(self._why_stock))
        for table in self._options.tables:
            self._tell(table)
        for name in self._folder.recovered:
            kill_marked(f"{name}/")
            self._tell(LogLine(f"the run {name} was killed before its end; it is kept as interrupted"))
        write_json(self._folder.path / "run.json", self.record(()).to_json())
        graph = {
            name: [*job.needs, *(need for need in job.needs_if_present if need in self._jobs)]
            for name, job in self._jobs.items()
        }
        sorter = TopologicalSorter(graph)
        sorter.prepare()
        cluster = self._options.cluster
        with (
            nullcontext() if cluster is None else cluster.held(self._setting, self._options.grace_seconds),
            ThreadPoolExecutor(self._options.workers, thread_name_prefix="notebook") as pool,
        ):
            try:
                self._loop(sorter, pool)
            finally:
                self._stop_all()
        return tuple(self._records[name] for name in self._jobs)

    def record(self, notebooks: tuple[NotebookRecord, ...]) -> RunRecord:
        """Return the record of the run as it stands.

        Args:
            notebooks: Records of its notebooks.
        """
        started, seconds = self._options.started_at.isoformat(), round(perf_counter() - self._begin, 3)
        options = self._options
        return RunRecord(options.run_id, RunState.RUNNING, started, seconds, options.info, notebooks, self.signal)

    def finish(self, notebooks: tuple[NotebookRecord, ...]) -> RunRecord:
        """Write index and events, and return the record; an index that cannot be made makes the run failed.

        Args:
            notebooks: Records of all notebooks.
        """
        try:
            notebooks = put_stamps(self._folder.path, notebooks, self._options.info)
        except Exception as error:  # noqa: BLE001 - a page without its stamp loses no result
            self._tell(LogLine(f"stamps could not be put on pages: {printable(f'{type(error).__name__}: {error}')}"))
        record = replace(self.record(notebooks), state=state_of(notebooks, self.signal))
        try:
            extras = self._options.extras(record) if self._options.extras is not None else {}
            for name, content in extras.items():
                write_file(self._folder.path / name, content)
            started, files = self._options.started_at, tuple(extras)
            index = partial(write_index, self._folder.path, started_at=started, files=files)
            index(record)
            if self._options.browser is not None and not self.signal:
                record = print_run(self._folder.path, record, index, self._options.browser, self._is_printing)
                record = replace(record, signal=self.signal)
        except Exception as error:  # noqa: BLE001 - an index or a PDF that cannot be made loses no result
            said = printable(f"{type(error).__name__}: {error}")
            self._tell(LogLine(f"the index or the PDFs of the run could not be made: {said}"))
            record = replace(record, state=RunState.FAILED)
        lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in self._events)
        write_file(self._folder.path / "events.jsonl", lines.encode())
        return record

    def _is_printing(self, done: int, pages: int) -> bool:
        """Say how far the printing is, and return whether it goes on: after a signal the rest is left out."""
        if self.signal or done % TOLD_EVERY == 0:
            rest = "; the rest is left out" if self.signal else ""
            self._tell(LogLine(f"{done:,} of {pages:,} pages printed as PDF{rest}"))
        return not self.signal

    def _loop(self, sorter: "TopologicalSorter[str]", pool: ThreadPoolExecutor) -> None:
        while sorter.is_active():
            ready = sorter.get_ready()
            for name in ready:
                record = self._not_to_run(self._jobs[name])
                if record is None:
                    pool.submit(self._work, self._jobs[name], is_kept=self._is_settled(self._jobs[name]))
                else:
                    self._queue.put(NotebookFinished(record))
            event = self._next()
            if self.signal:
                self._stop_all()
            if event is None:
                continue
            if isinstance(event, NotebookFinished):
                self._records[event.record.name] = event.record
                sorter.done(event.record.name)
            self._tell(event)

    def _next(self) -> Event | None:
        try:
            return self._queue.get(timeout=WAKE_SECONDS)
        except Empty:
            return None

    def _not_to_run(self, job: Job) -> NotebookRecord | None:
        """Return the record of a job that is not to be started; None starts it."""
        base = NotebookRecord(
            job.name, NotebookStatus.SKIPPED, key=job.key, timeout_seconds=job.timeout_seconds, shard=job.shard
        )
        if self.signal:
            reason = "the run was stopped before it started"
            return replace(
                base, status=NotebookStatus.INTERRUPTED, reason=reason, failure=Failure("interrupted", reason)
            )
        if job.skip is not None:
            return replace(base, reason=why_skipped(job, self._options.info.language))
        for need in job.needs:
            status = self._records[need].status
            if not status.delivered:
                why = f"needs {need}, whose result says stop" if status is NotebookStatus.STOP else f"needs {need}"
                return replace(base, status=NotebookStatus.BLOCKED, reason=f"blocked ({why})", blocked_by=need)
        if job.shard is not None and not self._lists_accounts(job.shard.of):
            return replace(base, reason=text(no_lists(job.shard.of), self._options.info.language))
        return None

    def _lists_accounts(self, name: str) -> bool:
        if name not in self._with_lists:
            self._with_lists[name] = lists_accounts(self._folder.path / name)
        return self._with_lists[name]

    def _is_settled(self, job: Job) -> bool:
        """Return whether all that a job reads is as its key says: where something failed, another run may read more."""
        records = [self._records[need] for need in job.needs_if_present if need in self._jobs]
        while any(record.blocked_by for record in records):
            records = [self._records[record.blocked_by] if record.blocked_by else record for record in records]
        return not any(record.failure is not None for record in records)

    def _work(self, job: Job, *, is_kept: bool) -> None:
        record = self._taken(job)
        if record is None:
            record = self._executed(job)
            if is_kept:
                self._keep(job, record)
        self._queue.put(NotebookFinished(record))

    def _taken(self, job: Job) -> NotebookRecord | None:
        """Return the record of a job whose result is in the store; None when it has to be executed."""
        kept = None if self._options.is_fresh else find(self._folder.out, job.key)
        try:
            return take(kept, self._folder.path) if kept is not None else None
        except Exception as error:  # noqa: BLE001 - it is executed instead
            shutil.rmtree(self._folder.path / job.name, ignore_errors=True)
            self._queue.put(LogLine(f"its stored result could not be taken: {error}", job.name))
            return None

    def _keep(self, job: Job, record: NotebookRecord) -> None:
        try:
            keep(self._folder.out, self._folder.path, record, job.made_of)
        except Exception as error:  # noqa: BLE001 - the run has its result; only later ones cannot take it
            self._queue.put(LogLine(f"its result could not be stored for later runs: {error}", job.name))

    def _executed(self, job: Job) -> NotebookRecord:
        self._queue.put(NotebookStarted(job.name, len(read_notebook(job.notebook).code)))
        try:
            cluster = self._options.cluster
            return execute_job(job, self._setting) if cluster is None else cluster.execute(job)
        except Exception as error:  # noqa: BLE001 - the run goes on, and its record says what happened
            reason = f"{type(error).__name__}: {error}"
            failure = Failure("internal", reason)
            return NotebookRecord(job.name, NotebookStatus.FAILED, reason, job.key, failure=failure, shard=job.shard)

    def _watch(self, job: Job, token: str) -> Watch:
        watch = Watch(job.timeout_seconds, token, self._options.grace_seconds)
        with self._guard:
            self._watches[job.name] = watch
        if self.signal:
            watch.stop()
        return watch

    def _stop(self, number: int, frame: object) -> None:
        del frame
        self.signal = number  # the loop does the rest: a handler must not wait for a lock

    def _stop_all(self) -> None:
        for watch in list(self._watches.values()):
            watch.stop()
        if self._options.cluster is not None:
            self._options.cluster.stop()

    def _tell(self, event: Event) -> None:
        at = self._options.started_at + timedelta(seconds=perf_counter() - self._begin)
        data = as_line(event)
        self._events.append({"at": at.isoformat(timespec="milliseconds"), "event": type(event).__name__, **data})
        self._on_event(event)
