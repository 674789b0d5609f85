"""The command that finds every mistake before a notebook runs."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csworkbench.cli.console import answer, answer_json, tell
from csworkbench.cli.options import JsonOption, WorkspaceOption
from csworkbench.errors import ConfigError

if TYPE_CHECKING:
    from csworkbench.cli.catalog import Entry, Project
    from csworkbench.config import Request
    from csworkbench.sources import Finding, IngestReport

# From so many tables on, equal findings of rows that were kept share one line.
ALIKE = 4


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Config files to check; none = all.", show_default=False),
    ] = None,
    *,
    config_only: Annotated[
        bool, typer.Option("--config-only", help="Leave the data out: answers in a second.")
    ] = False,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Check configs, then the data contract.

    Args:
        paths: Config files; none = all of the project, and its data.
        config_only: Leave the data out.
        workspace: The workspace.yaml.
        json: Answer as JSON.
    """
    from csworkbench.cli.catalog import entries, open_project
    from csworkbench.config import load_all

    project = open_project(workspace)
    requests = _requests(project, entries(project), paths or [])
    load_all(requests, project.root)
    files = [request.path.relative_to(project.root).as_posix() for request in requests]
    reports = {} if config_only or paths else _reports(project)
    stops = _stops(project, reports)
    if json:
        data = [asdict(report) for report in reports.values()]
        answer_json({"exit_code": 0, "configs": files, "tables": data, "warnings": stops})
        return
    for file in files:
        answer(f"{file}: ok")
    _answer_tables(list(reports.values()), project.root)
    for stop in stops:
        answer(f"warning: {stop}")
    tell(_summary(files, reports, stops=len(stops)))


def _requests(project: "Project", known: "Mapping[str, Entry]", paths: Sequence[Path]) -> "list[Request]":
    """Return what to load: the files named, else every config of the project.

    Raises:
        ConfigError: a file is of no known kind, or is not there.
    """
    from csworkbench.config import Request

    everything = {path: Request(path, entry.model) for entry in known.values() for path in entry.paths}
    if not paths:
        return list(everything.values())
    wanted, faults = [], []
    for path in paths:
        request = everything.get(path.absolute()) or _other_batch(path.absolute(), project, known)
        if request is None:
            names = ", ".join(sorted(known_path.relative_to(project.root).as_posix() for known_path in everything))
            faults.append(f"{path}: is no config of this project; there are {names}")
        else:
            wanted.append(request)
    if faults:
        raise ConfigError(*faults)
    return wanted


def _other_batch(path: Path, project: "Project", known: "Mapping[str, Entry]") -> "Request | None":
    """Return a batch that the workspace does not name: told by its folder."""
    from csworkbench.config import Request

    is_batch = path.parent == project.root / "configs" / "batch" and path.is_file()
    return Request(path, known["batch"].model) if is_batch else None


def _reports(project: "Project") -> "Mapping[str, IngestReport]":
    from csworkbench.cli.progress import reading
    from csworkbench.sources import is_writable, read_book, without_trace
    from csworkbench.workspace import load_workspace

    tell("Reading the data ...")
    cache, records = project.root / "outputs" / "cache", project.root / "records"
    with reading() as on_rows, nullcontext(cache) if is_writable(cache) else without_trace(cache) as folder:
        book = read_book(load_workspace(project.workspace), project.root, folder, records, on_rows=on_rows)
        book.connection.disconnect()
        return book.reports


def _stops(project: "Project", reports: "Mapping[str, IngestReport]") -> list[str]:
    """Return what will stop every list of contacts, where the book has contacts."""
    from csworkbench.policy import short_lists
    from csworkbench.workspace import load_workspace

    if "contacts" not in reports:
        return []
    problems = short_lists(load_workspace(project.workspace).contact_policy, reports)
    return [str(each) for each in problems]


def _answer_tables(reports: "Sequence[IngestReport]", root: Path) -> None:
    """Answer the tables, each with what was found in it, and last what holds of many of them alike."""
    from csworkbench.sources import quarantine_file

    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in (finding for report in reports for finding in report.findings if finding.action == "kept"):
        alike.setdefault((finding.rule, finding.hint), []).append(finding)
    common = {key: found for key, found in alike.items() if len({finding.table for finding in found}) >= ALIKE}
    for report in reports:
        listed = quarantine_file(report.table)
        where = f" (listed in {listed.as_posix()})" if report.quarantined and (root / listed).is_file() else ""
        answer(f"{report.table}: {report.rows:,} rows, {report.quarantined:,} set aside{where}")
        for finding in report.findings:
            if (finding.rule, finding.hint) not in common:
                _answer_finding(finding)
    for (rule, hint), found in common.items():
        where = ", ".join(f"{finding.table}.{finding.column} {finding.count:,}" for finding in found)
        answer(f"{rule}: rows kept ({hint}): {where}")


def _answer_finding(finding: "Finding") -> None:
    column = f".{finding.column}" if finding.column else ""
    hint = f" ({finding.hint})" if finding.hint else ""
    example = f", such as {finding.example!r}" if finding.example else ""
    counted = f"{finding.count:,} {'row' if finding.count == 1 else 'rows'} {finding.action}"
    answer(f"{finding.place}: {finding.table}{column}: {finding.rule}: {counted}{example}{hint}")


def _summary(files: Sequence[str], reports: "Mapping[str, IngestReport]", *, stops: int = 0) -> str:
    aside = sum(report.quarantined for report in reports.values())
    tables = f", tables: {len(reports)}, rows set aside: {aside:,}" if reports else ""
    verdict = "In order, but every list of contacts will stop" if stops else "In order"
    return f"{verdict}. Configs: {len(files)}{tables}"
