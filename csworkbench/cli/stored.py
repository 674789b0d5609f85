"""Results of earlier runs as commands read them, and whether a run of now would give the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.errors import ConfigError, Problem, WorkbenchError

if TYPE_CHECKING:
    from csworkbench.cli.catalog import Project
    from csworkbench.store import Run, StoredResult

DELIVERED = {"ok", "warning", "stop"}


@dataclass(frozen=True, slots=True)
class Past:
    """What a run left behind.

    Args:
        run_id: Name of the run.
        as_of: Its cut-off date, ISO.
        results: Result by analysis, of those that delivered one.
        stale: Analysis -> why a run of now would compute it again; a fresh one is not in it.
    """

    run_id: str
    as_of: str
    results: "Mapping[str, StoredResult]"
    stale: Mapping[str, str] = field(default_factory=dict)

    def to_json(self, *names: str) -> dict[str, Any]:
        """Return where an answer comes from, in JSON types.

        Args:
            names: Analyses the answer rests on.
        """
        return {
            "run_id": self.run_id, "as_of": self.as_of, "stale": {n: w for n, w in self.stale.items() if n in names},
        }  # fmt: skip


def newest(
    project: "Project",
    out: Path | None,
    name: str = "",
    fits: "Callable[[Mapping[str, StoredResult]], bool]" = bool,
) -> Past:
    """Return the newest run, or the newest one that has a result of an analysis.

    Args:
        project: The project.
        out: Folder of all outputs; None = `outputs` of the project.
        name: Name of an analysis; empty takes the newest run that has any result.
        fits: Whether the results of a run hold what is asked for.

    Raises:
        ConfigError: There is no such run yet.
    """
    from csworkbench.store import runs

    place = out.absolute() if out else project.root / "outputs"
    why = ""
    for run in runs(place):
        results = _results(run)
        if (name in results or not name) and fits(results):
            return Past(run.run_id, str(run.record["info"]["as_of"]), results, _stale(project, place, run, results))
        why = why or _why_none(run, name)
    what = f"there is no result of {name} yet" if name else "there is no result yet"
    raise ConfigError(Problem(what + why, hint="" if why else f"run `csw run{f' {name}' if name else ''}` first"))


def _why_none(run: "Run", name: str) -> str:
    """Return what became of an analysis in a run that has no result of it; empty where it was not part of it."""
    said = next((item for item in run.record["notebooks"] if item["name"] == name), None)
    return f": in {run.run_id} it was {said['status']}: {said['reason']}" if said and said["reason"] else ""


def _results(run: "Run") -> "dict[str, StoredResult]":
    from csworkbench.store import read_result

    names = [item["name"] for item in run.record["notebooks"] if item["status"] in DELIVERED and not item.get("shard")]
    return {name: read_result(run.folder / name) for name in names if (run.folder / name / "result.json").is_file()}


def _stale(project: "Project", out: Path, run: "Run", results: Mapping[str, Any]) -> dict[str, str]:
    """Return what a run of now would compute again, and why; a project that cannot be run makes all of it doubtful."""
    from csworkbench.planner import plan

    try:
        planned = plan(project.workspace, list(results), out=out, is_dry=True, now=datetime.now(UTC))
    except WorkbenchError as error:
        return dict.fromkeys(results, f"the project cannot be run as it is: {error.problems[0]}")
    keys = {item["name"]: item["key"] for item in run.record["notebooks"]}
    reasons = {item.name: item.reason for item in planned.notebooks}
    return {job.name: reasons[job.name] for job in planned.jobs if job.name in results and job.key != keys[job.name]}
