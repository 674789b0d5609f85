"""Commands that make something new: a project, a sample book, an analysis."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from json import dumps
from pathlib import Path
from string import Template
from typing import Annotated, Literal

import typer

from csworkbench.cli.console import answer, answer_json, short, tell
from csworkbench.cli.options import JsonOption, WorkspaceOption
from csworkbench.errors import ConfigError, Problem

PROJECT_FOLDERS = ("configs", "notebooks", "data/samples", "records/lotteries")
NEXT = {"demo": "", "csv": "", "blank": "put your accounts into data/, name the columns in configs/workspace.yaml, "}
DEMO_README = (
    "It runs as it is, on a simulated customer book:",
    "| `data/samples/` | the simulated book | nothing; delete it once your own data is in |",
)
OWN_README = (
    "It runs on your own files, as `tables:` in `configs/workspace.yaml` reads them:",
    "| `data/` | your files | put new exports in their place |",
)
OWN_FOLDERS = ("configs", "notebooks")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.tmp")


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it may exist when it is empty.")],
    *,
    template: Annotated[
        Literal["demo", "blank", "csv"],
        typer.Option(help="demo: the sample book; blank: no data yet; csv: your files of --data, mapped."),
    ] = "demo",
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="With csv: a CSV or Parquet file of yours; repeatable.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a project of the packaged configs and notebooks, with the sample book or data of one's own.

    Args:
        folder: Folder to make.
        template: What it begins with.
        data: Files of one's own, with the template csv.
        json: Answer as JSON.

    Raises:
        ConfigError: the folder exists and is not empty, or is a file; or the files do not go with the template.
    """
    if data and template != "csv":
        raise ConfigError(Problem("files go with the template csv", key="--data", hint="add --template csv"))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ConfigError(f"{folder}: is not an empty folder; name a new one, nothing was written")
    place = folder.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place and renamed: a full disk leaves no half project behind.
    with tempfile.TemporaryDirectory(prefix=".csw-init-", dir=place.parent) as beside:
        made = Path(beside) / "project"
        files = _write_project(made, template, [path.absolute() for path in data or ()])
        made.chmod(0o755)
        made.replace(place)
    tell(f"Made {folder} with {len(files)} files. README.md in it says what to change.")
    _answer_files(folder, files, as_json=json)
    tell(f"Next: {NEXT[template]}cd {folder} && csw check && csw run")


def sample(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the tables.")],
    accounts: Annotated[int, typer.Option("--accounts", metavar="N", help="Number of accounts.")] = 600,
    months: Annotated[int, typer.Option("--months", metavar="M", help="Months of history.")] = 24,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Same seed, same book.")] = 20260930,
    as_project: Annotated[
        bool, typer.Option("--as-project", help="Make the folder a project: with configs and notebooks, ready to run.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a simulated book.

    Args:
        out: Folder for its files.
        accounts: Number of accounts.
        months: Months of history.
        seed: Seed of the simulation.
        as_project: Also copy configs and notebooks, with a workspace that names the files of the book, and record the
            start orders that its plans were drawn by.
        json: Answer as JSON.

    Raises:
        ConfigError: a number is out of bounds, or the folder holds something other than a sample book or is a project.
    """
    from csworkbench.sampledata import BookSize, lottery_records, read, trial_days, workspace_text, write

    size = BookSize(accounts=accounts, months=months, seed=seed)
    # Its files replace those of the same name: an accounts.csv or a README.md of yours must not be among them.
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not _is_sample(out)):
        raise ConfigError(f"{out}: holds something other than a sample book; name a new folder, nothing was written")
    if as_project and (out / "configs").exists():
        raise ConfigError(f"{out / 'configs'}: is there already; name a new folder, nothing was written")
    tell(f"Simulating {accounts:,} accounts over {months} months ...")
    write(size, out, progress=_tell_progress)
    if as_project:
        for name in ("configs", "notebooks"):
            shutil.copytree(_packaged_project() / name, out / name, ignore=LEFT_OUT)
        (out / "configs" / "workspace.yaml").write_text(workspace_text("", size), "utf-8", newline="\n")
        _date_experiments(out / "configs" / "experiments", trial_days(size))
        (out / "records" / "lotteries").mkdir(parents=True)
        for name, text in lottery_records(read(out, ("plans", "accounts"))).items():
            (out / "records" / "lotteries" / name).write_text(text, "utf-8", newline="\n")
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    _answer_files(out, files, as_json=json)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in snake_case, a noun: referrals.")],
    *,
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Write the five files of a new analysis that counts accounts and runs at once.

    Args:
        name: Stem of the files.
        workspace: The workspace.yaml of the project.
        json: Answer as JSON.
    """
    from csworkbench.cli.scaffold import write_analysis
    from csworkbench.workspace import find_workspace, project_root

    root = project_root(find_workspace(str(workspace) if workspace else None, Path.cwd()))
    files = write_analysis(root, name)
    _answer_files(short(root), files, as_json=json)
    tell(f"Next: csw run {name}, then change the module. A line in a batch file makes it part of every run.")


def _date_experiments(folder: Path, days: Mapping[str, tuple[date, date]]) -> None:
    """Write into the copied registrations when the experiments of a book of this size run."""
    for name, (first, last) in days.items():
        path = folder / f"{name}.yaml"
        text = re.sub(r"(?m)^first_day: .*$", f"first_day: {first}", path.read_text("utf-8"))
        path.write_text(re.sub(r"(?m)^last_day: .*$", f"last_day: {last}", text), "utf-8", newline="\n")


def _tell_progress(done: int, of: int) -> None:
    """Say how far a book is that takes long: one of several blocks of accounts."""
    if of > 1:
        tell(f"{done} of {of} blocks of accounts written")


def _is_sample(folder: Path) -> bool:
    readme = folder / "README.md"
    return readme.is_file() and readme.read_text("utf-8", errors="replace").startswith("# The sample book")


def _write_project(target: Path, template: str, data: Sequence[Path]) -> list[str]:
    from csworkbench.cli.starting import empty_tables, own_tables

    source, templates = _packaged_project(), Path(__file__).parents[1] / "templates" / "init"
    for name in PROJECT_FOLDERS if template == "demo" else OWN_FOLDERS:
        shutil.copytree(source / name, target / name, ignore=LEFT_OUT)
    if template != "demo":
        tables = own_tables(target, data) if template == "csv" else empty_tables(target)
        opening = (templates / "workspace.yaml").read_text("utf-8")
        (target / "configs" / "workspace.yaml").write_text(opening + tables, "utf-8", newline="\n")
    opening, holds = DEMO_README if template == "demo" else OWN_README
    readme = Template((templates / "README.md").read_text("utf-8")).substitute(opening=opening, data=holds)
    (target / "README.md").write_text(readme, "utf-8", newline="\n")
    shutil.copyfile(templates / "gitignore", target / ".gitignore")
    _link_schemas(target)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


def _link_schemas(target: Path) -> None:
    """Write the JSON Schemas and name each in the first line of its configs: editors then complete and explain keys."""
    from csworkbench.cli.catalog import Project, entries
    from csworkbench.config import json_schema

    folder = target / ".schemas"
    folder.mkdir()
    for entry in entries(Project(target, target / "configs" / "workspace.yaml")).values():
        schema = folder / f"{entry.name}.json"
        schema.write_text(dumps(json_schema(entry.model), ensure_ascii=False, indent=1) + "\n", "utf-8")
        for path in filter(Path.is_file, entry.paths):
            place = Path(os.path.relpath(schema, path.parent)).as_posix()
            path.write_text(f"# yaml-language-server: $schema={place}\n{path.read_text('utf-8')}", "utf-8")


def _packaged_project() -> Path:
    """Return the project inside the wheel; in an editable checkout, which has none, the repository itself."""
    package = Path(__file__).parents[1]
    inside = package / "_project"
    return inside if inside.is_dir() else package.parent


def _answer_files(folder: Path, files: list[str], *, as_json: bool) -> None:
    if as_json:
        answer_json({"exit_code": 0, "folder": str(folder), "files": files})
        return
    for file in files:
        answer(str(folder / file))
