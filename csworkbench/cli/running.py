"""Commands that run notebooks, or say what they would run."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csworkbench.cli.console import answer, answer_json, tell
from csworkbench.cli.options import (
    AsOfOption,
    BatchOption,
    JsonOption,
    NamesArgument,
    OutOption,
    SetOption,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from csworkbench.planner import Plan
    from csworkbench.store import RunRecord

JobsOption = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Notebooks at a time.", show_default="half the cores")
]


def run(
    names: NamesArgument = None,
    *,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = "",
    batch: BatchOption = None,
    out: OutOption = None,
    jobs: JobsOption = max(1, (os.cpu_count() or 2) // 2),
    settings: SetOption = None,
    json: JsonOption = False,
) -> int:
    """Run notebooks and publish their pages.

    Args:
        names: Notebooks to run with what they need; none = the whole batch.
        workspace: The workspace.yaml.
        as_of: Cut-off date, ISO.
        batch: Batch file.
        out: Folder of all outputs.
        jobs: Notebooks at a time.
        settings: Settings changed for this run.
        json: Answer as JSON.

    Returns:
        Exit code of the run.
    """
    from csworkbench.cli.progress import progress
    from csworkbench.runner import RunOptions
    from csworkbench.runner import run as run_jobs

    plan = _planned(names, workspace, as_of, batch, out, settings)
    now = datetime.now(UTC)
    options = RunOptions(
        run_id=f"{now:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(2)}",
        root=plan.root,
        started_at=now,
        workers=jobs,
        info=plan.info,
    )
    with progress() as listen:
        record = run_jobs(plan.jobs, plan.out, options, listen)
    if json:
        answer_json(record.to_json() | {"folder": str(record.folder)})
    else:
        _answer_record(record, plan.out)
    return record.exit_code
