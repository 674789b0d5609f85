"""Commands that explain: what keys mean and where they are set, and schemas for other programs."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csworkbench.cli.console import answer, answer_json
from csworkbench.cli.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from csworkbench.cli.catalog import Entry
    from csworkbench.config.describing import KeyDoc
    from csworkbench.tables import TableSpec

DescribedArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="workspace, batch, scorecard, experiment, playbook, an analysis or a table.",
        show_default=False,
    ),
]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="workspace, batch, scorecard, experiment, playbook or an analysis.", show_default=False
    ),
]


def describe(name: DescribedArgument = "", *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Say what can be described, or what every key of one config means, holds, and where it is set.

    A table is described by its columns; where an analysis has its name, that is described.

    Args:
        name: workspace, batch, scorecard, experiment, playbook, an analysis or a table; empty lists all but tables.
        workspace: The workspace.yaml.
        json: Answer as JSON.
    """
    from csworkbench.cli.catalog import entries, open_project, pick
    from csworkbench.tables import SPECS

    project = open_project(workspace)
    known = entries(project)
    if not name:
        _answer_names(known.values(), project.root, as_json=json)
        return
    if name in SPECS and name not in known:
        _answer_table(SPECS[name], as_json=json)
        return
    entry = pick(known, name)
    docs = {str(path.relative_to(project.root)): _keys(entry, path, project.root) for path in entry.paths}
    docs = docs or {"": _keys(entry, None, project.root)}
    if json:
        files = [{"file": file, "keys": [asdict(key) for key in keys]} for file, keys in docs.items()]
        answer_json({"exit_code": 0, "name": name, "purpose": entry.purpose, "files": files})
        return
    answer(f"{name}: {entry.purpose}")
    for file, keys in docs.items():
        answer(f"\n{file or 'no file: every key has its default'}")
        for key in keys:
            _answer_key(key)


def schema(name: NameArgument = "", *, workspace: WorkspaceOption = None, json: JsonOption = False) -> None:
    """Print the names that have a schema, or the JSON Schema of one.

    Args:
        name: workspace, batch, scorecard, experiment, playbook, an analysis, or run.json; empty lists the configs.
        workspace: The workspace.yaml.
        json: Answer the list of names as JSON; a schema is JSON anyway.
    """
    from csworkbench.cli.catalog import entries, open_project, pick
    from csworkbench.config import json_schema
    from csworkbench.store import run_schema

    if name == "run.json":
        answer_json(run_schema())
        return
    project = open_project(workspace)
    known = entries(project)
    if name:
        answer_json(json_schema(pick(known, name).model))
        return
    _answer_names(known.values(), project.root, as_json=json)


def _answer_table(spec: "TableSpec", *, as_json: bool) -> None:
    from csworkbench.tables.reference import columns_of

    names = ("column", "type", "meaning", "rules")
    columns = columns_of(spec)
    if as_json:
        said = [dict(zip(names, cells, strict=True)) for cells in columns]
        answer_json({"exit_code": 0, "name": spec.name, "purpose": f"One row per {spec.grain}", "columns": said})
        return
    answer(f"{spec.name}: the table, one row per {spec.grain}; map it under tables in the workspace")
    for name, kind, meaning, rules in columns:
        answer(f"  {name}")
        answer(f"      {meaning}")
        answer(f"      {'; '.join(filter(None, (kind, rules)))}")


def _keys(entry: "Entry", path: Path | None, root: Path) -> "list[KeyDoc]":
    from csworkbench.config.describing import describe as describe_config

    return describe_config(entry.model, path, root)


def _answer_names(known: "Iterable[Entry]", root: Path, *, as_json: bool) -> None:
    lines = [(entry, [path.relative_to(root).as_posix() for path in entry.paths]) for entry in known]
    if as_json:
        names = [{"name": entry.name, "purpose": entry.purpose, "files": files} for entry, files in lines]
        answer_json({"exit_code": 0, "names": names})
        return
    for entry, files in lines:
        answer(f"{entry.name:<16}{entry.purpose}")
        for file in files:
            answer(f"{'':<16}{file}")


def _answer_key(key: "KeyDoc") -> None:
    value = f" = {key.value}" if key.value else ""
    unit = f" ({key.unit})" if key.unit else ""
    default = "required" if key.is_required else f"default {key.default}" if key.default else "no default"
    marks = ", tunable" if key.tunable else ""
    answer(f"  {key.key}{value}{unit}")
    answer(f"      {key.description}")
    answer(f"      {key.type}, {default}{marks}, {f'set in {key.place}' if key.place else 'not set'}")
