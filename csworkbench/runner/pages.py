"""Pages of a run: what the records say, put into the words of `report`."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from csworkbench import report
from csworkbench.errors import RunError, WorkbenchError
from csworkbench.estimates import Severity
from csworkbench.formats import label
from csworkbench.store import (
    Artifact,
    Failure,
    InputRecord,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    StoredResult,
    read_result,
)
from csworkbench.store.results import write_file

SHOWN_STATUS = {
    NotebookStatus.WARNING: "ok",
    NotebookStatus.STOP: "ok",
    NotebookStatus.INTERRUPTED: "failed",
}


def write_page(home: Path, record: NotebookRecord, info: RunInfo) -> None:
    """Write report.html of an executed notebook.

    Args:
        home: Its folder, holding notebook.ipynb and result.json.
        record: What became of it; its artifacts are not yet known.
        info: What the run is made from.

    Raises:
        WorkbenchError: The page cannot be made.
    """
    result = home / "result.json"
    context = report.PageContext(
        name=record.name,
        as_of=_date(info.as_of),
        workspace=info.project,
        language=info.language,
        sources=_sources(info.inputs),
        downloads=_table_downloads(_result(home)),
        failure=_failure(record.failure),
        key=record.key,
        config_digest=info.configs.get(record.name, ""),
        versions=info.versions,
    )
    shown = result if result.exists() and _result(home) is not None else None
    write_file(home / "report.html", report.render(home / "notebook.ipynb", shown, context).encode())


def write_index(folder: Path, record: RunRecord, started_at: datetime) -> None:
    """Write index.html of a run.

    Args:
        folder: The run's folder.
        record: Its record.
        started_at: Instant of its start.

    Raises:
        RunError: The index cannot be made.
    """
    info = record.info
    page = report.RunPage(
        run_id=record.run_id,
        as_of=_date(info.as_of),
        workspace=info.project,
        language=info.language,
        started=started_at,
        ended=started_at + timedelta(seconds=record.seconds),
        entries=tuple(_entry(folder, item) for item in record.notebooks),
        sources=_sources(info.inputs),
        versions=info.versions,
        config_digest=info.code,
    )
    try:
        write_file(folder / "index.html", report.render_index(page).encode())
    except (WorkbenchError, ValueError) as error:
        raise RunError(*(error.problems if isinstance(error, WorkbenchError) else (str(error),))) from error


def _entry(folder: Path, record: NotebookRecord) -> report.RunEntry:
    page = folder / record.name / "report.html"
    result = _result(folder / record.name)
    caveats = result.caveats if result else ()
    return report.RunEntry(
        name=record.name,
        status=SHOWN_STATUS.get(record.status, record.status.value),
        title=label(record.name),
        headline=record.headline,
        reason=record.reason,
        href=f"{record.name}/report.html" if page.exists() else "",
        caveats=len(caveats),
        stops=sum(caveat.severity is Severity.STOP for caveat in caveats),
        seconds=record.seconds or None,
        downloads=_downloads(record.artifacts),
    )


def _downloads(artifacts: Iterable[Artifact]) -> tuple[report.Download, ...]:
    tables = [item for item in artifacts if item.rows is not None and item.path.endswith(".csv")]
    return tuple(report.Download(item.path, rows=item.rows, sha256=item.sha256) for item in tables)


def _table_downloads(result: StoredResult | None) -> tuple[report.Download, ...]:
    notebook = report.Download("notebook.ipynb", label="The executed notebook")
    if result is None:
        return (notebook,)
    return (*(report.Download(f"tables/{name}.csv", label=label(name)) for name in result.tables), notebook)


def _result(home: Path) -> StoredResult | None:
    try:
        return read_result(home)
    except RunError:
        return None


def _failure(failure: Failure | None) -> report.Failure | None:
    return None if failure is None else report.Failure(failure.message, failure.cell, failure.heading)


def _sources(inputs: Sequence[InputRecord]) -> tuple[report.SourceNote, ...]:
    return tuple(
        report.SourceNote(item.table, item.rows, _date(item.last_event), item.quarantined, item.digest)
        for item in inputs
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
