"""Earlier runs: found again, and removed when they are too many, with the stored results nobody has any more."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from csworkbench.errors import ConfigError, Problem, RunError, did_you_mean
from csworkbench.store.folders import held
from csworkbench.store.kept import STORE, about, discard

RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was published.

    Args:
        folder: Its folder.
        record: Its run.json.
    """

    folder: Path
    record: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """Return its name."""
        return self.folder.name

    @property
    def started_at(self) -> datetime:
        """Return the instant of its start."""
        return datetime.fromisoformat(self.record["started_at"])

    @property
    def keys(self) -> frozenset[str]:
        """Return the keys of its notebooks."""
        return frozenset(item["key"] for item in self.record["notebooks"])


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is removed, or would be.

    Args:
        runs: Names of runs.
        results: Keys of stored results.
        size_bytes: Space that becomes free.
    """

    runs: tuple[str, ...]
    results: tuple[str, ...]
    size_bytes: int


def runs(out: Path) -> tuple[Run, ...]:
    """Return the runs of an output folder, the newest first; a folder that is no run is left out.

    Args:
        out: Folder of all outputs.
    """
    found = (_read(path.parent) for path in (out / "runs").glob(f"*/{RECORD}"))
    return tuple(sorted((run for run in found if run), key=lambda run: (run.started_at, run.run_id), reverse=True))


def find_run(out: Path, name: str) -> Run:
    """Return one run.

    Args:
        out: Folder of all outputs.
        name: Its name, the beginning of it that no other has, or latest.

    Raises:
        ConfigError: There is no such run, or there are several.
        RunError: Its record cannot be read.
    """
    folder = (out / "latest").resolve() if name == "latest" else out / "runs" / name
    if not folder.is_dir() or not name:
        names = sorted(path.name for path in (out / "runs").glob("*") if path.is_dir())
        near = [each for each in names if name and each.startswith(name)]
        if len(near) != 1:
            what = "several runs begin so" if near else "there is no such run"
            hint = ", ".join(near[-3:]) or did_you_mean(name, names, "`csw runs list` shows them")
            raise ConfigError(Problem(what, key=name or "RUN", hint=hint))
        folder = out / "runs" / near[0]
    found = _read(folder)
    if found is None:
        raise RunError(Problem("its record cannot be read", file=str(folder / RECORD)))
    return found


def prune(out: Path, now: datetime, *, keep: int, older_than_days: int | None = None, is_dry: bool = True) -> Pruned:
    """Remove old runs, and the stored results that no run that stays has computed or taken.

    The run that `latest` points to always stays.

    Args:
        out: Folder of all outputs.
        now: The present instant, with its zone.
        keep: How many of the newest runs stay.
        older_than_days: Only runs that began more days ago than that are removed; None = of any age.
        is_dry: Only say what would be removed.

    Raises:
        EnvironmentProblem: A run holds the folder, or it cannot be written.
    """
    with held(out, "csw prune"):
        latest = (out / "latest").resolve().name
        before = now - timedelta(days=older_than_days or 0)
        every = runs(out)
        gone = [run for run in every[keep:] if run.run_id != latest and run.started_at <= before]
        stay = [run for run in every if run not in gone]
        wanted = frozenset[str]().union(*(run.keys for run in stay))
        results = [path for path in _results(out) if path.name not in wanted and not _is_of(out, path.name, stay)]
        folders = [*(run.folder for run in gone), *results]
        size = _freed(folders)
        if not is_dry:
            for folder in folders:
                discard(folder)
    return Pruned(tuple(run.run_id for run in gone), tuple(path.name for path in results), size)


def run_schema() -> dict[str, Any]:
    """Return the JSON Schema of run.json, draft 2020-12."""
    text = resources.files("csworkbench.store").joinpath("run.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def _results(out: Path) -> list[Path]:
    return sorted(path for path in (out / STORE).glob("*") if path.is_dir())


def _is_of(out: Path, key: str, stay: list[Run]) -> bool:
    """Return whether a run that stays computed a result: one that was killed does not list it."""
    found = about(out, key)
    return found is not None and any(found.run_id == run.run_id for run in stay)


def _freed(folders: list[Path]) -> int:
    """Return the space of the files that have no further name elsewhere."""
    names: dict[int, int] = {}
    states = [path.stat() for folder in folders for path in folder.rglob("*") if path.is_file()]
    for state in states:
        names[state.st_ino] = names.get(state.st_ino, 0) + 1
    alone = {state.st_ino: state.st_size for state in states if names[state.st_ino] >= state.st_nlink}
    return sum(alone.values())


def read_run(folder: Path, text: str | bytes) -> Run | None:
    """Return a run from the text of its record; None where that is none.

    Args:
        folder: Its folder.
        text: What its run.json holds.
    """
    try:
        record = json.loads(text)
        run = Run(folder, record)
        return run if record["version"] == 1 and run.keys is not None and run.started_at.tzinfo else None
    except (ValueError, KeyError, TypeError):
        return None


def _read(folder: Path) -> Run | None:
    try:
        return read_run(folder, (folder / RECORD).read_bytes())
    except OSError:
        return None
