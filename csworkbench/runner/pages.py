"""Pages of a run: what the records say, put into the words of `report`."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from csworkbench import report
from csworkbench.errors import ConfigError, RunError
from csworkbench.estimates import Severity
from csworkbench.files import write_file
from csworkbench.formats import label
from csworkbench.store import (
    RESULT_FILE,
    STORY_FILE,
    Artifact,
    Failure,
    InputRecord,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    StoredPart,
    StoredResult,
    read_notebook,
    read_result,
)

SHOWN_STATUS = {
    NotebookStatus.WARNING: "ok",
    NotebookStatus.STOP: "ok",
    NotebookStatus.INTERRUPTED: "failed",
}


def write_page(home: Path, record: NotebookRecord, info: RunInfo, stamps: tuple[report.Stamp, ...] = ()) -> None:
    """Write report.html of an executed notebook, and one for each part its result has a page for.

    Args:
        home: Its folder, holding notebook.ipynb and result.json.
        record: What became of it; its artifacts are not yet known.
        info: What the run is made from.
        stamps: What other notebooks of the run say of it.
    """
    result = _result(home)
    context = report.PageContext(
        name=record.name,
        as_of=_date(info.as_of),
        workspace=info.project,
        language=info.language,
        sources=_sources(item for item in info.inputs if item.table in info.reads.get(record.name, ())),
        downloads=_table_downloads(result),
        failure=_failure(record.failure),
        key=record.key,
        config_digest=info.configs.get(record.name, ""),
        versions=info.versions,
        stamps=stamps,
        parts=_part_links(result),
    )
    shown = home / RESULT_FILE if result is not None else None
    write_file(home / "report.html", report.render(home / "notebook.ipynb", shown, context).encode())
    if result is not None and record.failure is None:
        for part in result.parts:
            _write_part(home, part, context)


def _part_links(result: StoredResult | None) -> dict[str, tuple[report.PartLink, ...]]:
    links: dict[str, tuple[report.PartLink, ...]] = {}
    for part in result.parts if result else ():
        link = report.PartLink(f"{part.folder}/report.html", part.title, part.headline)
        links[part.dimension] = (*links.get(part.dimension, ()), link)
    return links


def _write_part(home: Path, part: StoredPart, whole: report.PageContext) -> None:
    folder, up = home / part.folder, "../" * len(Path(part.folder).parts)
    title = _title(home / "notebook.ipynb") or label(whole.name)
    context = replace(
        whole,
        downloads=_table_downloads(_result(folder), up),
        stamps=(),
        parts={},
        index_href=f"{up}{whole.index_href}",
        whole=report.PartLink(f"{up}report.html", title, ""),
    )
    write_file(folder / "report.html", report.render(folder / STORY_FILE, folder / RESULT_FILE, context).encode())


def put_stamps(folder: Path, records: Sequence[NotebookRecord], info: RunInfo) -> tuple[NotebookRecord, ...]:
    """Write the pages again that other results of the run put a stamp on; return the records with the new digests.

    Args:
        folder: The run's folder.
        records: Records of all its notebooks.
        info: What the run is made from.
    """
    stamps: dict[str, list[report.Stamp]] = {}
    for record in records:
        result = _result(folder / record.name) if record.status.delivered else None
        title = _title(folder / record.name / "notebook.ipynb") or label(record.name)
        for name, said in (result.stamps if result else {}).items():
            stamps.setdefault(name, []).extend(
                report.Stamp(each, f"../{record.name}/report.html", title) for each in said
            )
    return tuple(
        _stamped(folder / record.name, record, info, tuple(stamps[record.name]))
        if record.name in stamps and record.status.delivered
        else record
        for record in records
    )


def _stamped(home: Path, record: NotebookRecord, info: RunInfo, stamps: tuple[report.Stamp, ...]) -> NotebookRecord:
    write_page(home, record, info, stamps)
    return replace(record, artifacts=artifacts(home))


def artifacts(home: Path) -> tuple[Artifact, ...]:
    """Return the files of a notebook with their digests, and the rows of its tables.

    Args:
        home: Its folder.
    """
    rows = _rows(home)
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            name = path.relative_to(home).as_posix()
            digest = hashlib.sha256(content).hexdigest()
            found.append(Artifact(f"{home.name}/{name}", len(content), digest, rows.get(name)))
    return tuple(found)


def _rows(home: Path) -> dict[str, int]:
    """Return the rows of each table file, as the result states them."""
    try:
        tables = json.loads((home / "result.json").read_text("utf-8"))["tables"]
        return {str(file): int(table["rows"]) for table in tables.values() for file in table["files"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_index(folder: Path, record: RunRecord, started_at: datetime) -> None:
    """Write index.html of a run.

    Args:
        folder: The run's folder.
        record: Its record.
        started_at: Instant of its start.
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
        config_digest=_digest(info),
    )
    write_file(folder / "index.html", report.render_index(page).encode())


def _entry(folder: Path, record: NotebookRecord) -> report.RunEntry:
    page = folder / record.name / "report.html"
    result = _result(folder / record.name)
    caveats = result.caveats if result else ()
    return report.RunEntry(
        name=record.name,
        status="cached" if record.cached_from else SHOWN_STATUS.get(record.status, record.status.value),
        title=_title(folder / record.name / "notebook.ipynb") or label(record.name),
        headline=record.headline,
        reason=record.reason,
        href=f"{record.name}/report.html" if page.exists() else "",
        caveats=len(caveats),
        stops=sum(caveat.severity is Severity.STOP for caveat in caveats),
        seconds=record.seconds or None,
        downloads=_downloads(record.artifacts),
    )


def _digest(info: RunInfo) -> str:
    """Return the digest of all resolved settings of a run; overrides are in them already."""
    return hashlib.sha256(json.dumps([info.batch, info.configs], sort_keys=True, default=dict).encode()).hexdigest()


def _title(notebook: Path) -> str:
    """Return the first heading of an executed notebook; empty where there is none to be read."""
    try:
        return next((cell.heading for cell in read_notebook(notebook).cells if cell.heading), "")
    except ConfigError:
        return ""


def _downloads(artifacts: Iterable[Artifact]) -> tuple[report.Download, ...]:
    tables = [item for item in artifacts if item.rows is not None and item.path.endswith(".csv")]
    return tuple(report.Download(item.path, rows=item.rows, sha256=item.sha256) for item in tables)


def _table_downloads(result: StoredResult | None, up: str = "") -> tuple[report.Download, ...]:
    """Return the files a page offers; `up` leads from its folder to that of the notebook."""
    notebook = report.Download(f"{up}notebook.ipynb", label="The executed notebook")
    if result is None:
        return (notebook,)
    tables = (each for name in result.tables for each in _files_of(name, result.folder))
    return (*tables, *(report.Download(path) for path in result.files), notebook)


def _files_of(name: str, home: Path) -> Iterator[report.Download]:
    """Yield the CSV of a table, and the further files people take away, such as a workbook."""
    yield report.Download(f"tables/{name}.csv", label=label(name))
    for path in sorted((home / "tables").glob(f"{name}.*")):
        kind = path.name.removeprefix(f"{name}.")
        if kind not in ("csv", "parquet"):
            yield report.Download(f"tables/{path.name}", label=f"{label(name)} ({kind})")


def _result(home: Path) -> StoredResult | None:
    try:
        return read_result(home)
    except RunError:
        return None


def _failure(failure: Failure | None) -> report.Failure | None:
    return None if failure is None else report.Failure(failure.message, failure.cell, failure.heading)


def _sources(inputs: Iterable[InputRecord]) -> tuple[report.SourceNote, ...]:
    return tuple(
        report.SourceNote(item.table, item.rows, _date(item.last_event), item.quarantined, item.digest)
        for item in inputs
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
