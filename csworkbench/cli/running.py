"""Commands that run notebooks, or say what they would run."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from csworkbench.cli.console import answer, answer_json, answer_rows, short, tell
from csworkbench.cli.faults import outside
from csworkbench.cli.options import (
    AsOfOption,
    BatchOption,
    ByOption,
    ForceOption,
    JsonOption,
    NamesArgument,
    OutOption,
    PlaceOption,
    SetOption,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from csworkbench.planner import Plan
    from csworkbench.runner import Cluster, RunOptions
    from csworkbench.store import Place, RunRecord


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a run takes its inputs from and where it puts its outputs, as the options say."""

    workspace: Path | None
    as_of: str
    batch: Path | None
    out: Path | None


def _jobs(text: str) -> int:
    """Return how many notebooks run at a time; 0 for as many as fit."""
    if text == "auto":
        return 0
    if not text.isdigit() or not int(text):
        raise typer.BadParameter(f"{text!r} is neither auto nor a whole number from 1")
    return int(text)


JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", metavar="auto|N", parser=_jobs, help="Notebooks at a time; auto: by cores and free memory."
    ),
]
KernelOption = Annotated[
    Literal["auto", "warm", "stock"],
    typer.Option(help="How kernels start: warm is forked from one that has done the imports; auto: where it pays."),
]
ExecutorOption = Annotated[
    str,
    typer.Option(metavar="local|dask://HOST:PORT", help="Where notebooks are executed; dask: an existing cluster."),
]
PdfOption = Annotated[
    bool, typer.Option("--pdf", help="Print every page as PDF too, through the Chromium of this machine.")
]


def run(
    names: NamesArgument = None,
    *,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = "",
    batch: BatchOption = None,
    out: PlaceOption = "",
    jobs: JobsOption = "auto",  # type: ignore[assignment]  # parsed like one that was given
    kernel: KernelOption = "auto",
    executor: ExecutorOption = "local",
    settings: SetOption = None,
    by: ByOption = "",
    force: ForceOption = False,
    pdf: PdfOption = False,
    json: JsonOption = False,
) -> int:
    """Run notebooks and publish their pages.

    Args:
        names: Notebooks to run with what they need; none = the whole batch.
        workspace: The workspace.yaml.
        as_of: Cut-off date, ISO.
        batch: Batch file.
        out: Folder of all outputs, or the address for copies of finished runs.
        jobs: Notebooks at a time; 0 = as many as cores and free memory allow.
        kernel: How kernels are started.
        executor: Where notebooks are executed.
        settings: Settings changed for this run.
        by: Attribute of accounts that gets a page for each value.
        force: Execute everything, also what is stored.
        pdf: Print every page as PDF too.
        json: Answer as JSON.

    Returns:
        Exit code of the run.
    """
    from csworkbench.cli.pacing import earlier_seconds
    from csworkbench.cli.progress import progress
    from csworkbench.planner.shards import pages_workbook
    from csworkbench.runner import Kernel, check_printed, find_browser
    from csworkbench.runner import run as run_jobs

    place = _place(out)
    folder = Path(out) if out and place is None else None
    browser = find_browser() if pdf else None
    with _cluster(executor) as cluster:
        planned = _planned(names, Sources(workspace, as_of, batch, folder), settings, by, is_dry=False, is_fresh=force)
        if pdf:
            check_printed(len(planned.jobs))
        for item in planned.whole:
            if item.state == "run":
                tell(f"{item.name}: to run: {item.reason}")
        if cluster is not None and kernel == "warm":
            tell("Workers of a cluster start a new kernel for each notebook; warm ones are for this machine.")
        if planned.forgets:
            tell("The records of the project are read-only: what its exports overwrite is not remembered.")
        options = replace(
            _options(planned, jobs, cluster),
            kernel=Kernel(kernel),
            is_fresh=force,
            extras=pages_workbook if by else None,
            browser=browser,
        )
        with progress(earlier_seconds(planned.out)) as listen:
            record = run_jobs(planned.jobs, planned.out, options, listen)
    copied = _copied(record, place)
    if json:
        answer_json(record.to_json() | {"folder": str(record.folder)} | ({"copy": copied} if copied else {}))
    else:
        _answer_record(record, planned.out)
        if copied:
            answer(f"copied to {copied}")
    return record.exit_code


def _place(out: str) -> "Place | None":
    """Return where copies of the run go, when that can be written; None for a folder."""
    from csworkbench.store import is_place, open_place

    if not is_place(out):
        return None
    place = open_place(out)
    with outside(place.url):
        place.check()
    return place


def _copied(record: "RunRecord", place: "Place | None") -> str:
    """Return the address of the copy of a run; empty where there is none, as of a run that was interrupted."""
    if place is None or record.folder is None or record.state == "interrupted":
        return ""
    tell(f"Copying the run to {place.url} ...")
    with outside(place.url):
        return place.copy(record.folder)


def _cluster(executor: str) -> "AbstractContextManager[Cluster | None]":
    """Give the cluster that notebooks are executed on; None for this machine."""
    if executor == "local":
        return nullcontext()
    from csworkbench.planner.keys import facts
    from csworkbench.runner import connected

    return connected(executor, facts)


def _options(planned: "Plan", jobs: int, cluster: "Cluster | None") -> "RunOptions":
    from csworkbench.runner import RunOptions, TableRead, fitting

    now = datetime.now(UTC)
    return RunOptions(
        run_id=f"{now:%Y-%m-%dT%H%M%SZ}-{os.urandom(2).hex()}",
        root=planned.root,
        started_at=now,
        workers=jobs or (cluster.workers if cluster else fitting()),
        info=planned.info,
        tables=tuple(
            TableRead(name, item.files, item.rows, item.quarantined, item.was_cached, round(item.seconds, 3))
            for name, item in planned.reports.items()
        ),
        cluster=cluster,
    )


def plan(
    names: NamesArgument = None,
    *,
    workspace: WorkspaceOption = None,
    as_of: AsOfOption = "",
    batch: BatchOption = None,
    out: OutOption = None,
    settings: SetOption = None,
    by: ByOption = "",
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Say what a run would do; writes nothing.

    Args:
        names: Notebooks to plan with what they need; none = the whole batch.
        workspace: The workspace.yaml.
        as_of: Cut-off date, ISO.
        batch: Batch file.
        out: Folder of all outputs.
        settings: Settings changed for this run.
        by: Attribute of accounts that gets a page for each value.
        force: Execute everything, also what is stored.
        json: Answer as JSON.
    """
    planned = _planned(names, Sources(workspace, as_of, batch, out), settings, by, is_dry=True, is_fresh=force)
    if json:
        answer_json({"exit_code": 0, **planned.to_json()})
        return
    answer(f"{planned.info.project}, nothing known after {planned.as_of}")
    answer()
    lines = [(item.name, item.state, item.reason) for item in planned.whole]
    answer_rows(("notebook", "state", "reason"), lines)
    for line in _shards(planned):
        answer(line)
    answer()
    inputs = [
        (item.table, f"{item.rows:,}", f"{item.quarantined:,}", item.last_event or "-") for item in planned.inputs
    ]
    answer_rows(("table", "rows", "set aside", "newest"), inputs)
    answer()
    answer(f"would write in {short(planned.out)}/runs/<run>/")
    for file in ("index.html", "run.json", *(file for item in planned.whole for file in item.files)):
        answer(f"  {file}")
    if by:
        answer("  pages.xlsx, and below by/ of each notebook the same files for each page")


def _planned(
    names: Sequence[str] | None,
    sources: Sources,
    settings: Sequence[str] | None,
    by: str,
    *,
    is_dry: bool,
    is_fresh: bool,
) -> "Plan":
    from csworkbench.cli.catalog import open_project
    from csworkbench.config import parse_override
    from csworkbench.store import refuse_if_held

    project = open_project(sources.workspace)
    overrides = [parse_override(text) for text in settings or ()]
    out = sources.out.absolute() if sources.out else project.root / "outputs"
    if not is_dry:
        refuse_if_held(out)
    # Whoever is refused is told at once: these take a while to load.
    from csworkbench.cli.progress import reading
    from csworkbench.planner import plan as plan_run

    tell("Checking configs and reading the data ...")
    with reading() as on_rows:
        return plan_run(
            project.workspace,
            names or (),
            as_of=sources.as_of,
            batch=sources.batch,
            overrides=overrides,
            out=out,
            is_dry=is_dry,
            is_fresh=is_fresh,
            by=by,
            on_rows=on_rows,
            now=datetime.now(UTC),
        )


def _shards(planned: "Plan") -> "Iterator[str]":
    """Yield a line for the pages by an attribute of each notebook: they are hundreds, and most are alike."""
    shards = {job.name: job.shard for job in planned.jobs if job.shard is not None}
    alike = Counter(
        (shards[item.name].of, shards[item.name].by, item.state) for item in planned.notebooks if item.name in shards
    )
    for (of, by, state), pages in alike.items():
        yield f"{of} by {by}: {pages:,} {state}"


def _answer_record(record: "RunRecord", out: Path) -> None:
    """Answer a line per notebook and the page to open; what failed is said first on that page too."""
    for item in record.notebooks:
        said = item.headline or item.reason
        again = ", unchanged" if item.cached_from else ""
        if item.shard is None:
            answer(f"{item.name}: {item.status}{again}{': ' if said else ''}{said}")
    ended = [
        (item.shard.of, item.shard.by, f"{item.status}, unchanged" if item.cached_from else str(item.status),
         "" if item.status.delivered else item.reason)
        for item in record.notebooks
        if item.shard is not None
    ]  # fmt: skip
    for (of, by, status, reason), pages in Counter(ended).items():
        answer(f"{of} by {by}: {pages:,} {status}{': ' if reason else ''}{reason}")
    interrupted = record.state == "interrupted"
    page = (record.folder if interrupted and record.folder else out / "latest") / "index.html"
    answer(f"open {short(page)}")
