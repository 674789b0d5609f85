"""Options that several commands share: one name, one meaning, one help text."""

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="PATH",
        help="The workspace.yaml; else configs/workspace.yaml or workspace.yaml here or above.",
        show_default=False,
    ),
]
AsOfOption = Annotated[
    str,
    typer.Option(
        "--as-of", metavar="DATE", help="Use nothing known after this day (2026-09-30).", show_default="the workspace's"
    ),
]
BatchOption = Annotated[
    Path | None,
    typer.Option("--batch", metavar="PATH", help="List of notebooks to run.", show_default="the workspace's"),
]


def _folder(text: str) -> Path:
    """Return a folder; an address is refused, where it would be taken for one."""
    if "://" in text:
        raise typer.BadParameter(f"{text} holds copies of runs; fetch them, or name a folder")
    return Path(text)


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", parser=_folder, help="Folder for runs.", show_default="outputs of the project"
    ),
]
PlaceOption = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="DIR|URL",
        help="Folder for runs; s3://bucket/folder and the like: for copies of finished runs.",
        show_default="outputs of the project",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME.KEY=VALUE",
        help="Change a setting for this run, e.g. health.history_months=6; repeatable.",
        show_default=False,
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Execute everything, also what has not changed since an earlier run.")
]
ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="DIMENSION",
        help="Also a page per csm, account, tier or any attribute of accounts: its rows of the whole-book results.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with one JSON document on stdout.")]
NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Notebooks to run, with what they need; none = all.", show_default=False),
]


def run_folder(run: str, outputs: Path) -> Path:
    """Return the folder of a run by its name, or that of the latest one.

    Args:
        run: Name of the run, or latest.
        outputs: Folder of all outputs.
    """
    latest = outputs.absolute() / "latest"
    # The link is followed once, so that a run that ends meanwhile is not mixed in.
    return latest.resolve() if run == "latest" and latest.exists() else outputs.absolute() / "runs" / run
