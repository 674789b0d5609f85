"""A plan: what would run and why. Configs first, then the data, then the notebooks; nothing is started."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from csworkbench import config
from csworkbench.config import Override, Request, Section
from csworkbench.config.loading import relative
from csworkbench.errors import ConfigError, Problem
from csworkbench.estimates import Message, say
from csworkbench.planner.discovery import Batch, analyses, find_notebook, near
from csworkbench.planner.inputs import Inputs, calendar, read, read_dry, reopened
from csworkbench.planner.keys import cell_digests, code_digest, hash_of, library_versions, secret_names
from csworkbench.planner.shards import check_attribute, divide, shard_jobs
from csworkbench.planner.states import PlannedNotebook, lines
from csworkbench.store import InputRecord, Job, NotebookFile, RunInfo, read_notebook
from csworkbench.workspace import Workspace, load_workspace, project_root

if TYPE_CHECKING:
    from csworkbench.sources import IngestReport, Listener


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Args:
        root: Folder of the project.
        out: Folder of all outputs.
        as_of: Cut-off date.
        jobs: Jobs in an order that respects their needs.
        notebooks: State and reason of each, in the same order.
        inputs: Tables with rows, digests and the dates they cover.
        info: What the run is made from; goes into its record.
        reports: How each table was read.
        forgets: What exports overwrite was not remembered, because the project's records are read-only.
    """

    root: Path
    out: Path
    as_of: date
    jobs: tuple[Job, ...]
    notebooks: tuple[PlannedNotebook, ...]
    inputs: tuple[InputRecord, ...]
    info: RunInfo
    reports: "Mapping[str, IngestReport]" = field(default_factory=dict)
    forgets: bool = False

    @property
    def whole(self) -> tuple[PlannedNotebook, ...]:
        """Return the lines of the notebooks of the whole book, without those of pages by an attribute."""
        shards = {job.name for job in self.jobs if job.shard is not None}
        return tuple(item for item in self.notebooks if item.name not in shards)

    def to_json(self) -> dict[str, Any]:
        """Return the plan in JSON types, without any path of the machine."""
        keys = {job.name: job.key for job in self.jobs}
        return {
            "version": 1,
            "as_of": self.as_of.isoformat(),
            "notebooks": [{**asdict(item), "key": keys[item.name]} for item in self.notebooks],
            "inputs": [asdict(item) for item in self.inputs],
            "info": {name: value for name, value in asdict(self.info).items() if name != "inputs"},
        }


@dataclass(frozen=True, slots=True)
class _Settings:
    """Everything that was read from configs, and what is to be run."""

    root: Path
    path: Path
    workspace: Workspace
    batch: Batch
    batch_path: str
    modules: Mapping[str, ModuleType]
    configs: Mapping[str, Section]
    notebooks: Mapping[str, NotebookFile]
    order: tuple[str, ...]
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def plan(
    workspace: Path,
    names: Sequence[str] = (),
    *,
    as_of: str | date | None = None,
    batch: Path | None = None,
    overrides: Sequence[Override] = (),
    out: Path | None = None,
    is_dry: bool = False,
    is_fresh: bool = False,
    by: str = "",
    on_rows: "Listener | None" = None,
    now: datetime | None = None,
) -> Plan:
    """Return what a run would do: all configs are checked, the data is read and checked, no kernel is started.

    Unless it is dry, what exports overwrite is remembered in the project's records, where they may be written.

    Args:
        workspace: The workspace file.
        names: Notebooks to run with what they need; none = the whole batch.
        as_of: Cut-off date; None or empty = the workspace's.
        batch: Batch file, from the current folder; None = the workspace's.
        overrides: Settings changed for this run.
        out: Folder of all outputs; None = `outputs` in the project.
        is_dry: Leave no file behind, not even the cache of the tables.
        is_fresh: Execute every notebook, also where its result is stored.
        by: Attribute of accounts: a page for each of its values and each notebook asked for; empty makes none. What
            these need if present runs too, where the batch has it.
        on_rows: Told how far the parsing of a table has come.
        now: The instant of the run: what is dated later cannot be the newest; None = not known.

    Raises:
        ConfigError: A config, a name, an override, a date or a notebook is wrong, needs form a circle, or accounts have
            no such attribute; every problem of every file.
        DataError: A file of the data was refused.
        EnvironmentProblem: The cache of the tables or the records cannot be written, or Spark is not there.
    """
    settings = _settings(workspace.absolute(), tuple(names), batch, overrides, is_whole=bool(by))
    if by:
        check_attribute(settings.workspace, by)
    declared = settings.workspace.as_of
    day = _day(as_of) if as_of else declared if isinstance(declared, date) else None
    place = (out or settings.root / "outputs").absolute()
    if is_dry:
        inputs = read_dry(settings.workspace, settings.root, place, day, on_rows=on_rows, now=now)
    else:
        inputs = read(settings.workspace, settings.root, place, day, on_rows=on_rows, now=now)
    info = _info(settings, inputs)
    jobs = _jobs(settings, inputs, info)
    if by:
        with reopened(settings.workspace, settings.root, place, is_dry=is_dry, now=now) as book:
            division = divide(book, inputs.as_of, by)
        wanted = names or [item.name for item in settings.batch.notebooks]
        jobs += shard_jobs(jobs, wanted, division, info)
    shown = lines(jobs, place, info.language, is_fresh=is_fresh)
    return Plan(settings.root, place, inputs.as_of, jobs, shown, inputs.records, info, inputs.reports, inputs.forgets)


def _settings(
    path: Path, names: tuple[str, ...], batch: Path | None, overrides: Sequence[Override], *, is_whole: bool
) -> _Settings:
    """Return all settings; a broken file does not hide what is wrong with the others."""
    root = project_root(path)
    problems: list[Problem] = []
    workspace = _collected(problems, load_workspace, path)
    default = workspace.batch if workspace else str(Workspace.model_fields["batch"].default)
    batch_path = batch.absolute() if batch else root / default
    parsed = _collected(problems, config.load, batch_path, Batch, root) if workspace or batch_path.is_file() else None
    modules = _collected(problems, analyses, root) or {}
    wanted = names or (tuple(item.name for item in parsed.notebooks) if parsed else ())
    order = _collected(problems, _ordered, wanted, modules, parsed, root, is_whole) or ()
    changes = _changes(overrides, order, modules, problems)
    own = [name for name in order if name in modules]
    requests = [Request(_config_path(root, name), modules[name].Config, changes.get(name, {})) for name in own]
    loaded = _collected(problems, config.load_all, requests, root) or []
    notebooks = {name: _collected(problems, _notebook, root, name, parsed) for name in order}
    if problems or workspace is None or parsed is None:
        raise ConfigError(*dict.fromkeys(problems))
    configs, shown = dict(zip(own, loaded, strict=True)), relative(batch_path, root)
    return _Settings(root, path, workspace, parsed, shown, modules, configs, notebooks, order, changes)


def _config_path(root: Path, name: str) -> Path:
    return root / "configs" / f"{name}.yaml"


def _notebook(root: Path, name: str, batch: Batch | None) -> NotebookFile:
    return read_notebook(find_notebook(root, name, batch.entry(name).notebook if batch else None))


def _collected(problems: list[Problem], function: Any, *arguments: Any) -> Any:
    """Return what a function returns; None when it raised, its problems are added to the others."""
    try:
        return function(*arguments)
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _ordered(
    wanted: Sequence[str], modules: Mapping[str, ModuleType], batch: Batch | None, root: Path, is_whole: bool
) -> tuple[str, ...]:
    """Return the wanted notebooks and all they need, needs first.

    With `is_whole` what they need if present comes too, where the batch runs it: pages to be handed out are not to lack
    what they have in the batch.
    """
    listed = {item.name for item in batch.notebooks} if batch else set()
    known = {**dict.fromkeys(modules), **dict.fromkeys(sorted(listed))}
    unknown = [name for name in wanted if name not in known and not _has_notebook(root, name)]
    if unknown:
        raise ConfigError(*(Problem(f"there is no notebook '{name}'", hint=near(name, known)) for name in unknown))
    chosen, waiting = list(dict.fromkeys(wanted)), list(wanted)
    while waiting:
        name = waiting.pop(0)
        optional = _optional(modules, name, sorted(listed & set(modules))) if is_whole else ()
        for need in (*needs_of(modules, name), *optional):
            if need not in modules:
                raise ConfigError(
                    Problem(f"there is no analysis '{need}', which others need", hint=near(need, modules))
                )
            if need not in chosen:
                chosen.append(need)
                waiting.append(need)
    graph = {name: [*needs_of(modules, name), *_optional(modules, name, chosen)] for name in chosen}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise ConfigError(Problem(f"analyses need each other in a circle: {circle}")) from None


def needs_of(modules: Mapping[str, ModuleType], name: str) -> tuple[str, ...]:
    """Return what an analysis needs; a notebook without a module needs nothing.

    Args:
        modules: Analyses by name.
        name: Name of a notebook.
    """
    return tuple(modules[name].NEEDS) if name in modules else ()


def _optional(modules: Mapping[str, ModuleType], name: str, chosen: Sequence[str]) -> tuple[str, ...]:
    declared = getattr(modules.get(name), "NEEDS_IF_PRESENT", ())
    return tuple(need for need in declared if need in chosen)


def _has_notebook(root: Path, name: str) -> bool:
    try:
        return find_notebook(root, name).is_file()
    except ConfigError:
        return False


def _changes(
    overrides: Sequence[Override],
    order: Sequence[str],
    modules: Mapping[str, ModuleType],
    problems: list[Problem],
) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for change in overrides:
        if change.name in order and change.name in modules:
            changes.setdefault(change.name, {})[change.key] = change.value
            continue
        hint = near(change.name, {name: None for name in order if name in modules})
        message = "is not among the analyses of this run"
        if change.name == "workspace":
            message, hint = "settings of the workspace hold for every run", "change its file, or give another one"
        problems.append(Problem(message, key=f"--set {change.name}.{change.key}", hint=hint))
    return changes


def _day(as_of: str | date) -> date:
    try:
        return as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    except ValueError:
        raise ConfigError(Problem(f"{as_of!r} is no date", key="--as-of", hint="write it as 2026-09-30")) from None


def _info(settings: _Settings, inputs: Inputs) -> RunInfo:
    return RunInfo(
        project=settings.workspace.name,
        workspace=relative(settings.path, settings.root),
        batch=settings.batch_path,
        as_of=inputs.as_of.isoformat(),
        language=settings.workspace.language,
        code=code_digest(settings.root),
        configs={name: config.digest(section) for name, section in settings.configs.items()},
        overrides=settings.overrides,
        inputs=inputs.records,
        reads={name: _reads(settings.modules.get(name), inputs) for name in settings.order},
        versions=library_versions(),
    )


def _reads(module: ModuleType | None, inputs: Inputs) -> tuple[str, ...]:
    """Return the tables of the workspace that a notebook reads; a tour may read all."""
    named = (*module.READS, *getattr(module, "READS_IF_PRESENT", ())) if module else tuple(inputs.reports)
    return tuple(table for table in named if table in inputs.reports)


def _jobs(settings: _Settings, inputs: Inputs, info: RunInfo) -> tuple[Job, ...]:
    keys: dict[str, str] = {}
    jobs = []
    for name in settings.order:
        job = _job(name, settings, inputs, info, keys)
        keys[name] = job.key
        jobs.append(job)
    return tuple(jobs)


def _job(
    name: str,
    settings: _Settings,
    inputs: Inputs,
    info: RunInfo,
    keys: Mapping[str, str],
) -> Job:
    module, notebook, entry = settings.modules.get(name), settings.notebooks[name], settings.batch.entry(name)
    needs, optional = needs_of(settings.modules, name), _optional(settings.modules, name, settings.order)
    parameters = _parameters(name, settings, info)
    made_of = {
        "parameters": parameters,
        "config": config.plain(settings.configs[name]) if name in settings.configs else {},
        "workspace": calendar(settings.workspace),
        "ends_on": inputs.ends_on.isoformat(),
        "cells": cell_digests(notebook),
        "upstream": {need: keys[need] for need in (*needs, *optional)},
        "inputs": {table: inputs.mark(table) for table in info.reads[name]},
        "code": info.code,
        "versions": dict(info.versions),
    }
    return Job(
        name=name,
        notebook=notebook.path,
        parameters=parameters,
        needs=needs,
        needs_if_present=optional,
        timeout_seconds=entry.timeout_seconds or settings.batch.timeout_seconds,
        key=hash_of({**made_of, "config": info.configs.get(name, "")}),
        made_of=made_of,
        skip=_skip(module, inputs.reports),
        has_result=module is not None,
        secrets=secret_names(notebook, parameters, made_of["config"]),
    )


def _parameters(name: str, settings: _Settings, info: RunInfo) -> dict[str, Any]:
    """Return the five usual parameters and those of the batch; a tour gets only the usual ones it knows."""
    usual: dict[str, Any] = {
        "workspace": info.workspace,
        "config": f"configs/{name}.yaml",
        "as_of": info.as_of,
        "output_dir": "",
        "overrides": dict(settings.overrides.get(name, {})),
    }
    if name not in settings.modules:
        known = settings.notebooks[name].parameters or {}
        usual = {key: value for key, value in usual.items() if key in known and key != "config"}
    return {**usual, **settings.batch.entry(name).parameters}


def _skip(module: ModuleType | None, reports: "Mapping[str, IngestReport]") -> Message | None:
    missing = [table for table in module.READS if table not in reports] if module else []
    if not missing:
        return None
    return say("it reads {tables:list}, which the workspace does not declare", tables=missing)
