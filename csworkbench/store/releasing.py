"""Lists made official: copied from a run into `records/`, where nothing is changed or removed afterwards.

Only the erasure of a contact (`erasing`) changes a list, and its name with it. A release is two files:
`<name>-<digest>.csv`, byte for byte the list of the run, and `<name>-<digest>.json`, which says where it came from and
holds the tables kept with it. The digest is that of the list, so damage shows.
"""

import csv
import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from csworkbench.errors import EnvironmentProblem, Problem, RunError, did_you_mean
from csworkbench.files import write_file
from csworkbench.store.history import runs
from csworkbench.store.records import NotebookStatus
from csworkbench.store.results import RESULT_FILE, write_json

VERSION = 1
Check = Callable[[str, list[dict[str, str]], date], None]
"""Called with the place of a list, its rows as texts, and the cut-off date of its run."""
SHORT = 12  # digits of the digest in a name


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did.

    Args:
        path: The list in records/.
        slip: The file beside it that says where it came from.
        table: The table it was.
        rows: Its rows.
        sha256: Digest of the list.
        is_new: It was written now; else it had been official before, and nothing was changed.
    """

    path: Path
    slip: Path
    table: str
    rows: int
    sha256: str
    is_new: bool


def release(
    run: Path, name: str, records: Path, at: datetime, *, table: str | None = None, check: Check | None = None
) -> tuple[Released, ...]:
    """Make the lists of a result official that its `result.json` offers under `releases`.

    Args:
        run: Folder of a published run.
        name: Name of the notebook.
        records: Folder of the project's records; made where it is missing.
        at: Instant of the release, UTC.
        table: The one table to make official; None = all that are offered.
        check: Asked about each list that is not official yet, with its rows, before anything is written; raises where
            the list may not be acted on any more.

    Returns:
        One per list. Releasing the same list again changes nothing.

    Raises:
        RunError: there is no such run or notebook; it failed, or its result says stop; it offers nothing, or not
            this table; a file was changed after the run; or another list was made official where only one may be.
        EnvironmentProblem: records cannot be written, or another release is writing.
    """
    result, files = _delivered(run, name)
    offers = result.get("releases") or []
    if not offers:
        hint = "only results that offer releases have lists to make official"
        raise RunError(Problem("its result has nothing to make official", file=f"{run.name}/{name}", hint=hint))
    if table is not None and table not in (names := [str(offer["table"]) for offer in offers]):
        hint = did_you_mean(table, names, f"it offers {', '.join(names)}")
        raise RunError(Problem(f"has no table {table!r} to make official", file=f"{run.name}/{name}", hint=hint))
    offers = [offer for offer in offers if table in (None, offer["table"])]
    try:
        with locked(records):
            for offer in offers if check else ():
                place, content = _place(offer, files[offer["table"]], records), files[offer["table"]]
                if check and not place.exists():
                    check(str(offer["place"]), _rows(content), date.fromisoformat(result["as_of"]))
            return tuple(_written(offer, (result, files), (run.name, name), (records, at)) for offer in offers)
    except OSError as error:
        problem = Problem(f"cannot be written: {error.strerror or error}", file=str(error.filename or records))
        raise EnvironmentProblem(problem) from error


def _delivered(run: Path, name: str) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    """Return the result of a notebook and the CSV of each of its tables, all as the run left them."""
    digests = delivered(run, name, "nothing is made official")
    content = intact(run, f"{name}/{RESULT_FILE}", digests)
    result: dict[str, Any] = json.loads(content)
    wanted = {table for offer in result.get("releases", ()) for table in (offer["table"], *offer["beside"])}
    paths = {table: _csv_of(result["tables"][table]) for table in sorted(wanted)}
    return result, {table: intact(run, f"{name}/{path}", digests) for table, path in paths.items()}


def delivered(run: Path, name: str, refusal: str) -> Mapping[str, str]:
    """Return the digests of the files of a notebook that delivered its result: path in the run -> sha256.

    Args:
        run: Folder of a published run.
        name: Name of the notebook.
        refusal: What is said before the reason where it did not deliver.

    Raises:
        RunError: there is no such run or notebook, it failed, or its result says stop.
    """
    record = _read(run / "run.json", "there is no such run")
    notebooks = {item["name"]: item for item in record["notebooks"]}
    if name not in notebooks:
        hint = _elsewhere(run, name) or did_you_mean(name, notebooks, _all(notebooks))
        raise RunError(Problem(f"{name!r} is not in this run", file=run.name, hint=hint))
    item = notebooks[name]
    status = NotebookStatus(item["status"])
    if not status.delivered:
        why = "its result says stop" if status is NotebookStatus.STOP else f"the notebook is {status}"
        hint = "mend what its page says, run again, and take that run"
        raise RunError(Problem(f"{refusal}: {why}", file=f"{run.name}/{name}", hint=hint))
    return {artifact["path"]: artifact["sha256"] for artifact in item["artifacts"]}


def _elsewhere(run: Path, name: str) -> str:
    """Return which run has a notebook that this one lacks; empty where none has."""
    for each in runs(run.parents[1]):
        if any(item["name"] == name and NotebookStatus(item["status"]).delivered for item in each.record["notebooks"]):
            return f"the newest with it is {each.run_id}"
    return ""


def _read(path: Path, missing: str) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        runs = path.parents[1]
        names = sorted((each.name for each in runs.glob("[!.]*") if each.is_dir()), reverse=True)
        hint = did_you_mean(path.parent.name, names, f"the newest is {names[0]}" if names else "csw run makes one")
        raise RunError(Problem(missing, file=path.parent.name, hint=hint)) from None
    except ValueError as error:
        raise RunError(Problem(f"cannot be read: {error}", file=str(path))) from error
    return data


def intact(run: Path, path: str, digests: Mapping[str, str]) -> bytes:
    """Return the bytes of a file of a run, which must be those the run wrote.

    Args:
        run: Folder of the run.
        path: The file, from that folder.
        digests: What `delivered` returned.

    Raises:
        RunError: the file is missing, or was changed after the run.
    """
    hint = "run again, and take that run unchanged"
    try:
        content = (run / path).read_bytes()
    except FileNotFoundError:
        raise RunError(Problem("is missing from the run", file=f"{run.name}/{path}", hint=hint)) from None
    if digests.get(path) != sha256(content).hexdigest():
        raise RunError(Problem("was changed after the run", file=f"{run.name}/{path}", hint=hint))
    return content


def _csv_of(table: Mapping[str, Any]) -> str:
    return next(str(file) for file in table["files"] if str(file).endswith(".csv"))


def _written(
    offer: Mapping[str, Any],
    delivered: tuple[Mapping[str, Any], Mapping[str, bytes]],
    source: tuple[str, str],
    target: tuple[Path, datetime],
) -> Released:
    """Return one list as it stands in records, written if it was not there."""
    (result, files), (run, name), (records, at) = delivered, source, target
    content = files[offer["table"]]
    digest = sha256(content).hexdigest()
    path, stem = _place(offer, content, records), Path(offer["place"]).name
    folder = path.parent
    slip = path.with_suffix(".json")
    rows = int(result["tables"][offer["table"]]["rows"])
    if path.exists():
        if path.read_bytes() != content:
            hint = "restore it from a backup: what was made official is never changed"
            raise RunError(Problem("is damaged: its content is not what was made official", file=str(path), hint=hint))
        return Released(path, slip, offer["table"], rows, digest, is_new=False)
    others = [each for each in folder.glob(f"{stem}-*.csv") if _stem(each) == stem]
    if offer["is_once"] and others:
        hint = "a draw is made once: to draw anew, give the new experiment an id of its own"
        raise RunError(Problem(f"{stem} has an official list already", file=str(others[0]), hint=hint))
    folder.mkdir(parents=True, exist_ok=True)
    says = {
        "version": VERSION,
        "analysis": name,
        "run": run,
        "as_of": result["as_of"],
        "released_at": at.isoformat(timespec="seconds"),
        "file": path.name,
        "sha256": digest,
        "rows": rows,
        "beside": {table: _rows(files[table]) for table in offer["beside"]},
    }
    # The list comes last: where it stands, what belongs to it is there too.
    write_json(slip, says)
    write_file(path, content)
    return Released(path, slip, offer["table"], rows, digest, is_new=True)


def _place(offer: Mapping[str, Any], content: bytes, records: Path) -> Path:
    """Return where a list stands in records once it is official."""
    return records / f"{offer['place']}-{sha256(content).hexdigest()[:SHORT]}.csv"


def _stem(path: Path) -> str:
    """Return the name of a release without its digest."""
    return path.stem[: -SHORT - 1]


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode(), newline="")))


def _all(names: Mapping[str, object]) -> str:
    return f"there are {', '.join(names) or 'none'}"


@contextmanager
def locked(records: Path) -> Iterator[None]:
    """Hold the records: two releases at once could both find that nothing is official yet.

    Args:
        records: Their folder; made where it is missing.
    """
    records.mkdir(parents=True, exist_ok=True)
    with (records / ".lock").open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
