"""The command that makes a list of a run official."""

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from csworkbench.cli.console import answer, answer_json, short, tell
from csworkbench.cli.options import JsonOption, OutOption, WorkspaceOption, run_folder

if TYPE_CHECKING:
    from csworkbench.store import Released


def release(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run under outputs/runs, or latest.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The notebook whose list it is.")],
    table: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="One of its lists; without it, all that it offers.")
    ] = None,
    *,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Make the lists of a result official: added to `records/`, never changed afterwards.

    A list of contacts is refused where the contact policy, asked anew, speaks against somebody on it.

    Args:
        run: Name of the run, or latest.
        name: Name of the notebook.
        table: Name of the table; None = all that are offered.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer as JSON.
    """
    from csworkbench.cli.catalog import open_project
    from csworkbench.cli.rechecking import recheck
    from csworkbench.store import release as make_official

    project = open_project(workspace)
    root, outputs = project.root, out or project.root / "outputs"
    folder, check = run_folder(run, outputs), partial(recheck, project, outputs)
    found = make_official(folder, name, root / "records", datetime.now(UTC), table=table, check=check)
    if json:
        answer_json({"exit_code": 0, "run": folder.name, "released": [_told(each) for each in found]})
        return
    for each in found:
        state = "official now" if each.is_new else "was official already, nothing changed"
        tell(f"{each.table}: {each.rows:,} rows, {state}")
        answer(str(short(each.path)))


def _told(each: "Released") -> dict[str, object]:
    return {
        "table": each.table,
        "path": str(each.path),
        "slip": str(each.slip),
        "rows": each.rows,
        "sha256": each.sha256,
        "is_new": each.is_new,
    }
