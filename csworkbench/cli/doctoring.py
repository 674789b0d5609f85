"""The command that looks at what is there and says what to do: the environment, or a file nobody has declared yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from csworkbench.cli.console import answer, answer_json, short, tell
from csworkbench.cli.options import JsonOption, WorkspaceOption
from csworkbench.errors import ConfigError, DataError, EnvironmentProblem, Problem

if TYPE_CHECKING:
    from csworkbench.sources.proposal import Proposal


def doctor(
    what: Annotated[
        str, typer.Argument(metavar="data", help="data: look at a file of yours.", show_default=False)
    ] = "",
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A CSV or Parquet file.", show_default=False)
    ] = None,
    *,
    table: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Canonical table the file is.", show_default="the one that fits best"),
    ] = None,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Check the environment, or propose a mapping for a file.

    Args:
        what: data, or empty for the environment.
        file: The file of data.
        table: Canonical table the file is; None = whichever fits best.
        workspace: The workspace.yaml.
        json: Answer as JSON.

    Raises:
        ConfigError: it is asked about something else.
    """
    if not what:
        _check_environment(workspace, as_json=json)
        return
    if what != "data" or file is None:
        raise ConfigError(Problem("doctor looks at the environment, or at data", hint="csw doctor data FILE"))
    from csworkbench.sources.proposal import propose

    tell(f"Looking at {file} ...")
    proposal = propose(file, table)
    report = _tried(proposal, file)
    if json:
        answer_json(_document(proposal, file, report))
        return
    answer(f"# Put this under tables: in workspace.yaml. {_fit(proposal)}")
    answer(proposal.to_yaml(short(file.absolute()).as_posix()).rstrip("\n"))
    for line in report["lines"]:
        tell(line)


def _fit(proposal: "Proposal") -> str:
    other = f"; next: {proposal.runner_up[0]} ({proposal.runner_up[1]:.0%})" if proposal.runner_up else ""
    return f"Fit of {proposal.table}: {proposal.confidence:.0%}{other}"


def _tried(proposal: "Proposal", file: Path) -> dict[str, Any]:
    """Return what comes of reading the file with the mapping: rows, set_aside, problems, and lines for people."""
    from csworkbench.sources.proposal import try_out

    try:
        report = try_out(proposal, file)
    except (ConfigError, DataError) as error:
        problems = [str(problem) for problem in error.problems]
        lines = ["Read like this, the file is refused:", *(f"  {problem}" for problem in problems)]
        return {"rows": None, "set_aside": None, "problems": problems, "lines": lines}
    found = [item for item in report.findings if item.action != "kept"]
    lines = [f"Read like this: {report.rows:,} rows, {report.quarantined:,} set aside."]
    lines += [
        f"  line {item.place.rpartition(':')[2]}: {item.column}: {item.count:,} x {item.rule} ({item.hint})"
        for item in found
    ]
    return {"rows": report.rows, "set_aside": report.quarantined, "problems": [], "lines": lines}


def _document(proposal: "Proposal", file: Path, report: dict[str, Any]) -> dict[str, Any]:
    return {
        "exit_code": 0,
        "table": proposal.table,
        "confidence": round(proposal.confidence, 3),
        "columns": [
            {"column": match.column, "from": match.header, "confidence": round(match.confidence, 3), "note": match.note}
            for match in proposal.matches
        ],
        "extra": [{"from": extra.header, "type": extra.kind} for extra in proposal.extras],
        "missing": list(proposal.missing),
        "yaml": proposal.to_yaml(short(file.absolute()).as_posix()),
        **{key: report[key] for key in ("rows", "set_aside", "problems")},
    }


def _check_environment(workspace: Path | None, *, as_json: bool) -> None:
    """Answer with one line per check.

    Raises:
        EnvironmentProblem: something without which nothing runs is missing; all of it.
    """
    checks = [*_libraries(), _fonts(), _project(workspace)]
    broken = [Problem(f"{name}: {seen}", hint=hint) for name, seen, state, hint in checks if state == "broken"]
    if as_json:
        keys = ("check", "found", "state", "hint")
        found = [dict(zip(keys, check, strict=True)) for check in checks]
        answer_json({"exit_code": 4 if broken else 0, "checks": found})
    else:
        for name, seen, state, hint in checks:
            answer(f"{state:<8}{name}: {seen}" + (f" ({hint})" if hint else ""))
    if broken:
        raise EnvironmentProblem(*broken)


def _libraries() -> Iterator[tuple[str, str, str, str]]:
    """Yield each library the package requires that is absent or not of a version it works with, else one line."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    wrong = 0
    wanted = [Requirement(text) for text in requires("csworkbench") or ()]
    wanted = [item for item in wanted if "extra" not in str(item.marker or "")]
    for item in wanted:
        try:
            found = version(item.name)
        except PackageNotFoundError:
            found = "absent"
        if found == "absent" or not item.specifier.contains(found, prereleases=True):
            wrong += 1
            yield item.name, found, "broken", f"pip install '{item.name}{item.specifier}'"
    if not wrong:
        yield "libraries", f"{len(wanted)} of the versions that are needed", "ok", ""


def _fonts() -> tuple[str, str, str, str]:
    from csworkbench.charts.canvas import CJK_FONT, CJK_PACKAGE, font_note

    if font_note(["\u5ba2"]):
        return "fonts", f"{CJK_FONT} is absent", "weak", f"Chinese names in charts need it: install {CJK_PACKAGE}"
    return "fonts", CJK_FONT, "ok", ""


def _project(workspace: Path | None) -> tuple[str, str, str, str]:
    import os

    from csworkbench.workspace import find_workspace, project_root

    try:
        root = project_root(find_workspace(str(workspace) if workspace else None, Path.cwd()))
    except ConfigError as error:
        return "project", error.problems[0].message, "weak", error.problems[0].hint or ""
    folders = [root / name for name in ("", "outputs", "records") if (root / name).exists()]
    shut = [folder for folder in folders if not os.access(folder, os.W_OK)]
    if shut:
        names = ", ".join(str(short(folder)) for folder in shut)
        return "project", f"cannot write to {names}", "broken", "allow writing, or give --out DIR"
    return "project", str(short(root)), "ok", ""
