"""What a project can be asked about, each by name: workspace, batch, scorecards, experiments, playbooks, analyses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from csworkbench.config import Section
from csworkbench.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class Project:
    """A project and its workspace file."""

    root: Path
    workspace: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A config one can name.

    Args:
        name: workspace, batch, scorecard, experiment, playbook or the name of an analysis.
        model: What its file is read into.
        paths: Its files; empty where all values are defaults.
        purpose: What it is, in one sentence.
    """

    name: str
    model: type[Section]
    paths: tuple[Path, ...]
    purpose: str


def open_project(option: Path | None) -> Project:
    """Return the project of a workspace option, else of the current folder.

    Raises:
        ConfigError: there is no workspace.
    """
    from csworkbench.workspace import find_workspace, project_root

    path = find_workspace(str(option) if option else None, Path.cwd())
    return Project(project_root(path), path.absolute())


def entries(project: Project) -> Mapping[str, Entry]:
    """Return everything with a config in a project, by name; a broken workspace hides nothing but its own batch."""
    from csworkbench.experiments import Experiment
    from csworkbench.planner import Batch, analyses
    from csworkbench.playbooks import Playbook
    from csworkbench.scoring import Scorecard
    from csworkbench.workspace import Workspace

    batch = project.root / _batch(project)
    kinds: dict[str, type[Section]] = {"scorecard": Scorecard, "experiment": Experiment, "playbook": Playbook}
    found = [
        Entry("workspace", Workspace, (project.workspace,), _purpose(Workspace.__doc__)),
        Entry("batch", Batch, (batch,), _purpose(Batch.__doc__)),
    ]
    for name, model in kinds.items():
        paths = tuple(sorted((project.root / "configs" / f"{name}s").glob("*.yaml")))
        found.append(Entry(name, model, paths, _purpose(model.__doc__)))
    for name, module in analyses(project.root).items():
        path = project.root / "configs" / f"{name}.yaml"
        found.append(Entry(name, module.Config, (path,) if path.is_file() else (), _purpose(module.__doc__)))
    return {entry.name: entry for entry in found}


def pick(known: Mapping[str, Entry], name: str) -> Entry:
    """Return the entry of a name.

    Raises:
        ConfigError: there is none; the nearest names are given.
    """
    if name in known:
        return known[name]
    hint = did_you_mean(name, known, f"there are {', '.join(known)}")
    raise ConfigError(f"{name!r}: nothing in this project has this name; {hint}")


def _batch(project: Project) -> str:
    from csworkbench.workspace import Workspace, load_workspace

    try:
        return load_workspace(project.workspace).batch
    except ConfigError:
        return str(Workspace.model_fields["batch"].default)


def _purpose(documented: str | None) -> str:
    """Return the first sentence of a docstring."""
    line = (documented or "").strip().partition("\n")[0]
    return re.split(r"(?<=[.?!])\s", line)[0].rstrip(".")
