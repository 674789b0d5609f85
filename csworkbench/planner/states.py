"""What a run would do with each job, and why: the lines of a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csworkbench.formats import text
from csworkbench.planner.reasons import why
from csworkbench.store import Job, NotebookStatus, about, find, lists_accounts, no_lists, runs

RAN = {NotebookStatus.OK, NotebookStatus.WARNING, NotebookStatus.STOP, NotebookStatus.FAILED}


@dataclass(frozen=True, slots=True)
class PlannedNotebook:
    """One line of a plan.

    Args:
        name: Name of the notebook.
        state: run, cached, skipped or blocked.
        reason: Why, in one line.
        needs: What it needs.
        files: Files it will write, relative to the folder of the run.
    """

    name: str
    state: str
    reason: str
    needs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def lines(jobs: Sequence[Job], out: Path, language: str, *, is_fresh: bool) -> tuple[PlannedNotebook, ...]:
    """Return a line for each job.

    Args:
        jobs: Jobs in an order that respects their needs.
        out: Folder of all outputs.
        language: Language of the workspace.
        is_fresh: Whether everything is executed, also what is stored.
    """
    last = _last_of(out, [job.name for job in jobs])
    found: dict[str, PlannedNotebook] = {}
    stops: set[str] = set()
    stored: dict[str, Path] = {}
    for job in jobs:
        kept = None if is_fresh else find(out, job.key)
        if job.skip is not None:
            state, reason = "skipped", text(job.skip, language)
        elif absent := next((need for need in job.needs if found[need].state in {"skipped", "blocked"}), ""):
            state, reason = "blocked", f"needs {absent}, which is not run"
        elif job.shard is not None and job.shard.of in stored and not lists_accounts(stored[job.shard.of]):
            state, reason = "skipped", text(no_lists(job.shard.of), language)
        elif stopping := next((need for need in job.needs if need in stops), ""):
            state, reason = "blocked", f"needs {stopping}, whose result says stop"
        elif kept is not None:
            state, reason = "cached", f"nothing changed since {kept.run_id}"
            stops |= {job.name} if kept.record.status is NotebookStatus.STOP else set()
            stored[job.name] = kept.folder / job.name
        else:
            state, reason = "run", "asked for with --force" if is_fresh else _why(job, out, last.get(job.name))
        files = _files(job) if state in {"run", "cached"} else ()
        found[job.name] = PlannedNotebook(job.name, state, reason, job.needs, files)
    return tuple(found.values())


def _files(job: Job) -> tuple[str, ...]:
    names = ("notebook.ipynb", "report.html", *(("result.json", "tables/") if job.has_result else ()))
    return tuple(f"{job.name}/{name}" for name in names)


def _why(job: Job, out: Path, last: "tuple[str, Mapping[str, Any]] | None") -> str:
    if last is None:
        return "there is no result of it yet"
    run_id, record = last
    if record["status"] == NotebookStatus.FAILED:
        return f"it failed in {run_id}"
    if record["key"] == job.key:
        return f"its result of {run_id} is not in the store"
    before = about(out, record["key"])
    return why(job.name, before.made_of, job.made_of) if before else "what its last result was made of is not stored"


def _last_of(out: Path, names: Iterable[str]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the newest run in which each notebook was executed or taken, and its record there."""
    wanted, found = set(names), dict[str, tuple[str, Mapping[str, Any]]]()
    for run in runs(out):
        for item in run.record["notebooks"]:
            if item["name"] in wanted and item["status"] in RAN:
                found.setdefault(item["name"], (run.run_id, item))
        if found.keys() == wanted:
            break
    return found
