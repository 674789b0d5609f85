"""Pages of a run: what the records say, put into the words of `report`."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from csworkbench import report
from csworkbench.errors import ConfigError, RunError
from csworkbench.estimates import Severity, say
from csworkbench.files import write_file
from csworkbench.formats import label, text, words
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
    Shard,
    StoredPart,
    StoredResult,
    is_in_shard,
    read_notebook,
    read_result,
)

MOST_LINKS = 12
"""More files of one folder than these are one link to it."""
SHOWN_STATUS = {
    NotebookStatus.WARNING: "ok",
    NotebookStatus.STOP: "ok",
    NotebookStatus.INTERRUPTED: "failed",
}


def write_page(
    home: Path,
    record: NotebookRecord,
    info: RunInfo,
    stamps: tuple[report.Stamp, ...] = (),
    shards: Sequence[NotebookRecord] = (),
) -> None:
    """Write report.html of an executed notebook, and one for each part its result has a page for.

    Args:
        home: Its folder, holding notebook.ipynb and result.json.
        record: What became of it; its artifacts are not yet known.
        info: What the run is made from.
        stamps: What other notebooks of the run say of it.
        shards: Records of the pages that show its rows alone.
    """
    result, name = _result(home), record.shard.of if record.shard else record.name
    context = report.PageContext(
        name=record.name,
        as_of=_date(info.as_of),
        workspace=info.project,
        language=info.language,
        sources=_sources(item for item in info.inputs if item.table in info.reads.get(name, ())),
        downloads=_table_downloads(result, info.language),
        failure=_failure(record.failure),
        key=record.key,
        config_digest=info.configs.get(name, ""),
        versions=info.versions,
        stamps=stamps,
        parts=_part_links(result) | _shard_links(shards),
    )
    context = _of_shard(context, record.shard, home) if record.shard else context
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


def _shard_links(shards: Sequence[NotebookRecord]) -> dict[str, tuple[report.PartLink, ...]]:
    """Return links to the pages of one notebook by an attribute, from its folder."""
    links: dict[str, tuple[report.PartLink, ...]] = {}
    for each in shards:
        if each.shard is not None:
            link = report.PartLink(f"{each.name.partition('/')[2]}/report.html", each.shard.title, each.headline)
            links[each.shard.by] = (*links.get(each.shard.by, ()), link)
    return links


def _of_shard(context: report.PageContext, shard: Shard, home: Path) -> report.PageContext:
    """Return what the page of a shard says: it stands two folders below that of the whole, and links back to it."""
    title = _title(home.parents[1] / "notebook.ipynb", context.language)
    return replace(
        context,
        title=f"{title}: {shard.title}",
        index_href=f"../../{context.index_href}",
        whole=report.PartLink("../../report.html", title, ""),
    )


def _write_part(home: Path, part: StoredPart, whole: report.PageContext) -> None:
    folder, up = home / part.folder, "../" * len(Path(part.folder).parts)
    title = _title(home / "notebook.ipynb", whole.language)
    context = replace(
        whole,
        downloads=_table_downloads(_result(folder), whole.language, up),
        stamps=(),
        parts={},
        index_href=f"{up}{whole.index_href}",
        whole=report.PartLink(f"{up}report.html", title, ""),
    )
    write_file(folder / "report.html", report.render(folder / STORY_FILE, folder / RESULT_FILE, context).encode())


def put_stamps(folder: Path, records: Sequence[NotebookRecord], info: RunInfo) -> tuple[NotebookRecord, ...]:
    """Write the pages again that other results of the run put a stamp on, or that have pages by an attribute.

    Args:
        folder: The run's folder.
        records: Records of all its notebooks.
        info: What the run is made from.

    Returns:
        The records with the new digests.
    """
    shards: dict[str, list[NotebookRecord]] = {}
    for record in records:
        if record.shard is not None and record.status.delivered:
            shards.setdefault(record.shard.of, []).append(record)
    stamps: dict[str, list[report.Stamp]] = {}
    for record in records:
        result = _result(folder / record.name) if record.status.delivered and record.shard is None else None
        title = _title(folder / record.name / "notebook.ipynb", info.language)
        for name, said in (result.stamps if result else {}).items():
            stamps.setdefault(name, []).extend(
                report.Stamp(each, f"../{record.name}/report.html", title) for each in said
            )
    return tuple(
        _stamped(folder, record, info, tuple(stamps.get(record.name, ())), shards.get(record.name, ()))
        if record.name in {*stamps, *shards} and record.status.delivered
        else record
        for record in records
    )


def _stamped(
    folder: Path,
    record: NotebookRecord,
    info: RunInfo,
    stamps: tuple[report.Stamp, ...],
    shards: Sequence[NotebookRecord],
) -> NotebookRecord:
    write_page(folder / record.name, record, info, stamps, shards)
    return replace(record, artifacts=artifacts(folder / record.name, folder))


def artifacts(home: Path, run: Path) -> tuple[Artifact, ...]:
    """Return the files of a notebook with their digests, and the rows of its tables; its shards have their own.

    Args:
        home: Its folder.
        run: Folder of the run.
    """
    rows = _rows(home)
    found = []
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if path.is_file() and not path.is_symlink() and not is_in_shard(name):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found.append(Artifact(path.relative_to(run).as_posix(), len(content), digest, rows.get(name)))
    return tuple(found)


def _rows(home: Path) -> dict[str, int]:
    """Return the rows of each table file, as the result states them."""
    try:
        tables = json.loads((home / "result.json").read_text("utf-8"))["tables"]
        return {str(file): int(table["rows"]) for table in tables.values() for file in table["files"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_index(folder: Path, record: RunRecord, started_at: datetime, files: tuple[str, ...] = ()) -> None:
    """Write index.html of a run.

    Args:
        folder: The run's folder.
        record: Its record.
        started_at: Instant of its start.
        files: Names of further files of the run.
    """
    info = record.info
    page = report.RunPage(
        run_id=record.run_id,
        as_of=_date(info.as_of),
        workspace=info.project,
        language=info.language,
        started=started_at,
        ended=started_at + timedelta(seconds=record.seconds),
        entries=tuple(_entry(folder, item, info.language) for item in record.notebooks if item.shard is None),
        shards=_shard_groups(folder, record.notebooks, info.language),
        files=tuple(report.Download(name) for name in files),
        sources=_sources(info.inputs),
        versions=info.versions,
        config_digest=_digest(info),
    )
    write_file(folder / "index.html", report.render_index(page).encode())


def _shard_groups(folder: Path, records: Sequence[NotebookRecord], language: str) -> tuple[report.ShardGroup, ...]:
    """Return the pages by an attribute, those of one notebook that ended alike together."""
    found: dict[tuple[str, str, str, str], list[report.RunEntry]] = {}
    for record in records:
        if record.shard is not None:
            status, has_page = _shown_status(record), record.status.delivered or record.failure is not None
            href = f"{record.name}/report.html" if has_page else ""
            entry = report.RunEntry(record.name, status, record.shard.title, record.headline, record.reason, href)
            alike = "" if record.status.delivered else record.reason
            found.setdefault((record.shard.of, record.shard.by, status, alike), []).append(entry)
    return tuple(
        report.ShardGroup(_title(folder / of / "notebook.ipynb", language), by, status, reason, tuple(entries))
        for (of, by, status, reason), entries in found.items()
    )


def _shown_status(record: NotebookRecord) -> str:
    return "cached" if record.cached_from else SHOWN_STATUS.get(record.status, record.status.value)


def _entry(folder: Path, record: NotebookRecord, language: str) -> report.RunEntry:
    page = folder / record.name / "report.html"
    result = _result(folder / record.name)
    caveats = result.caveats if result else ()
    return report.RunEntry(
        name=record.name,
        status=_shown_status(record),
        title=_title(folder / record.name / "notebook.ipynb", language),
        headline=record.headline,
        is_english=result is not None and record.headline in result.english,
        reason=record.reason,
        href=f"{record.name}/report.html" if page.exists() else "",
        caveats=len(caveats),
        stops=sum(caveat.severity is Severity.STOP for caveat in caveats),
        seconds=record.seconds or None,
        downloads=_downloads(record.artifacts),
        pdf=f"{record.name}/report.pdf" if page.with_suffix(".pdf").exists() else "",
    )


def _digest(info: RunInfo) -> str:
    """Return the digest of all resolved settings of a run; overrides are in them already."""
    return hashlib.sha256(json.dumps([info.batch, info.configs], sort_keys=True, default=dict).encode()).hexdigest()


def _title(notebook: Path, language: str) -> str:
    """Return the first heading of an executed notebook; that of its folder where there is none to be read."""
    try:
        heading = next((cell.heading for cell in read_notebook(notebook).cells if cell.heading), "")
    except ConfigError:
        heading = ""
    return words(heading, language) if heading else label(notebook.parent.name, language)


def _downloads(artifacts: Iterable[Artifact]) -> tuple[report.Download, ...]:
    tables = [item for item in artifacts if item.rows is not None and item.path.endswith(".csv")]
    return tuple(report.Download(item.path, rows=item.rows, sha256=item.sha256) for item in tables)


def _table_downloads(result: StoredResult | None, language: str, up: str = "") -> tuple[report.Download, ...]:
    """Return the files a page offers; `up` leads from its folder to that of the notebook."""
    notebook = report.Download(f"{up}notebook.ipynb", label=words("The executed notebook", language))
    if result is None:
        return (notebook,)
    tables = (each for name in result.tables for each in _files_of(name, result.folder, language))
    return (*tables, *_further(result.files, language), notebook)


def _further(paths: Sequence[str], language: str) -> Iterator[report.Download]:
    """Yield the further files of a result; a folder of many, such as calendar files, is one link."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(path.rpartition("/")[0], []).append(path)
    for folder, files in folders.items():
        if folder and len(files) > MOST_LINKS:
            said = say("{n:n file|files} in the folder {folder}", n=len(files), folder=folder)
            yield report.Download(f"{folder}/", label=text(said, language))
        else:
            yield from map(report.Download, files)


def _files_of(name: str, home: Path, language: str) -> Iterator[report.Download]:
    """Yield the CSV of a table, and the further files people take away, such as a workbook."""
    yield report.Download(f"tables/{name}.csv", label=label(name, language))
    for path in sorted((home / "tables").glob(f"{name}.*")):
        kind = path.name.removeprefix(f"{name}.")
        if kind not in ("csv", "parquet"):
            yield report.Download(f"tables/{path.name}", label=f"{label(name, language)} ({kind})")


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
