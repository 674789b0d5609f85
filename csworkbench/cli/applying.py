"""The command that writes proposed changes into the solution library."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from csworkbench.cli.console import answer, answer_json, short, tell
from csworkbench.cli.options import JsonOption, OutOption, WorkspaceOption, run_folder
from csworkbench.errors import ConfigError, Problem

if TYPE_CHECKING:
    from csworkbench.store import Applied


def apply(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run under outputs/runs, or latest.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking; needed without a terminal.")] = False,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a run proposes for the playbooks, and write it once it is agreed to.

    Args:
        run: Name of the run, or latest.
        yes: Write without asking.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer as JSON; needs --yes.

    Raises:
        ConfigError: nobody can be asked, and --yes is not given.
    """
    from csworkbench.cli.catalog import open_project
    from csworkbench.store import apply as write
    from csworkbench.store import proposed

    root = open_project(workspace).root
    folder = run_folder(run, out or root / "outputs")
    changes = proposed(folder, root)
    diff = "".join(change.diff for change in changes)
    if not json and diff:
        answer(diff.rstrip("\n"))
    if diff and not yes and not _agreed(sum(bool(change.diff) for change in changes), is_asked=not json):
        tell("Nothing was written.")
        return
    done = write(folder, root, datetime.now(UTC)) if changes else ()
    if json:
        answer_json({"exit_code": 0, "run": folder.name, "diff": diff, "applied": [_told(each) for each in done]})
        return
    for each in done:
        state = f"version {each.to_version} now" if each.is_new else f"version {each.to_version} already"
        tell(f"{each.playbook}: {state}, record {short(each.record)}")
    if not done:
        tell("This run proposes no change.")


def _agreed(count: int, *, is_asked: bool) -> bool:
    """Return the answer of the person at the terminal.

    Raises:
        ConfigError: there is none.
    """
    if not is_asked or not sys.stdin.isatty():
        hint = "read the difference, then add --yes"
        raise ConfigError(Problem("nothing was written: there is no terminal to ask on", key="--yes", hint=hint))
    return typer.confirm(f"Write {count} playbook{'s' if count > 1 else ''}?", default=False, err=True)


def _told(each: "Applied") -> dict[str, object]:
    return {
        "playbook": each.playbook,
        "path": str(each.path),
        "record": str(each.record),
        "from_version": each.from_version,
        "to_version": each.to_version,
        "is_new": each.is_new,
    }
