"""Commands about earlier runs: which there are, how they differ, and removing old ones."""

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from csworkbench.cli.console import answer, answer_json, answer_rows, short, tell
from csworkbench.cli.erasing import AlsoOption, ContactOption, Erasure, erase
from csworkbench.cli.faults import outside
from csworkbench.cli.options import JsonOption, OutOption, PlaceOption, WorkspaceOption

if TYPE_CHECKING:
    from csworkbench.store import Run

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run, the beginning of its name, or latest.")]
DELIVERED = {"ok", "warning"}


def list_(*, workspace: WorkspaceOption = None, out: PlaceOption = "", json: JsonOption = False) -> None:
    """List the runs, the newest first.

    Args:
        workspace: The workspace.yaml.
        out: Folder of all outputs, or the address of copies.
        json: Answer as JSON.
    """
    from csworkbench.store import is_place, open_place, runs

    folder = Path(out) if out else None
    with outside(out) if is_place(out) else nullcontext():
        found = open_place(out).runs() if is_place(out) else runs(_outputs(workspace, folder))
    if json:
        answer_json({"exit_code": 0, "runs": [_summary(run) for run in found]})
        return
    if not found:
        tell("There is no run yet; `csw run` makes one.")
        return
    lines = [(*_counts(run), f"{run.record['seconds']:.1f} s") for run in found]
    answer_rows(("run", "state", "as of", "delivered", "unchanged", "took"), lines)


def show(
    run: RunArgument = "latest",
    *,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a run was made from, and what became of each notebook.

    Args:
        run: A run, the beginning of its name, or latest.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer with its run.json.
    """
    from csworkbench.store import find_run

    found = find_run(_outputs(workspace, out), run)
    record = found.record
    if json:
        answer_json({**record, "folder": str(found.folder)})
        return
    answer(f"{found.run_id}: {record['state']}, nothing known after {record['info']['as_of']}")
    answer(f"started {record['started_at']}, took {record['seconds']:.1f} s")
    answer()
    lines = [
        (item["name"], item["status"], item.get("cached_from") or "this run", item["reason"] or item["headline"])
        for item in record["notebooks"]
    ]
    answer_rows(("notebook", "status", "computed by", ""), lines)
    answer()
    answer(f"open {short(found.folder / 'index.html')}")


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The earlier run, or the beginning of its name.")],
    now: Annotated[str, typer.Argument(metavar="B", help="The later one; latest where it is left out.")] = "latest",
    *,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Say in what two runs differ: config, data, code, how notebooks ended, and lists.

    Args:
        before: The earlier run.
        now: The later one.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer as JSON.
    """
    from csworkbench.store import differences, find_run

    outputs = _outputs(workspace, out)
    first, second = find_run(outputs, before), find_run(outputs, now)
    found = differences(first, second)
    if json:
        both = {"before": first.run_id, "now": second.run_id}
        answer_json({"exit_code": 0, **both, "differences": [asdict(each) for each in found]})
    elif found:
        answer_rows(("what", "name", "change"), [(each.kind, each.name, each.words) for each in found])
    else:
        tell("They are equal.")


def prune(
    *,
    contact: ContactOption = "",
    also: AlsoOption = None,
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=1, help="Newest runs that stay.")] = 30,
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", metavar="DAYS", min=0, help="Only runs older than this.", show_default="any age"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only listed.")] = False,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Remove old runs, and stored results that no other run has; or erase a contact from all of them and the records.

    Args:
        contact: A contact to erase, instead of removing runs.
        also: Further names and addresses of that contact.
        keep: Newest runs that stay.
        older_than: Only runs that began more days ago are removed.
        yes: Remove them; without it they are only listed.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer as JSON.
    """
    if contact or also:
        erase(Erasure(contact, tuple(also or ())), workspace, out, yes=yes, json=json)
        return
    from csworkbench.store import prune as remove

    found = remove(_outputs(workspace, out), datetime.now(UTC), keep=keep, older_than_days=older_than, is_dry=not yes)
    if json:
        answer_json({"exit_code": 0, "is_removed": yes, **asdict(found)})
        return
    for name in found.runs:
        answer(f"run {name}")
    for key in found.results:
        answer(f"result {key[:12]}")
    size = f"{found.size_bytes / 1e6:,.1f} MB"
    if not found.runs and not found.results:
        tell("There is nothing to remove.")
    else:
        tell(f"Removed; {size} are free now." if yes else f"These would be removed, {size}; say --yes to do it.")


def _counts(run: "Run") -> tuple[str, ...]:
    """Return name, state and day of a run, how many notebooks delivered, and how many were taken from the store."""
    record, notebooks = run.record, run.record["notebooks"]
    delivered = sum(item["status"] in DELIVERED for item in notebooks)
    taken = sum(bool(item.get("cached_from")) for item in notebooks)
    return run.run_id, record["state"], record["info"]["as_of"], f"{delivered}/{len(notebooks)}", str(taken)


def _outputs(workspace: Path | None, out: Path | None) -> Path:
    from csworkbench.cli.catalog import open_project

    return out.absolute() if out else open_project(workspace).root / "outputs"


def _summary(run: "Run") -> dict[str, Any]:
    facts = {name: run.record[name] for name in ("run_id", "state", "started_at", "seconds", "exit_code")}
    statuses = {item["name"]: item["status"] for item in run.record["notebooks"]}
    return {**facts, "as_of": run.record["info"]["as_of"], "notebooks": statuses}
