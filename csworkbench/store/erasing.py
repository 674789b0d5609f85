"""A contact erased from everything a project keeps: runs, stored results, the cache of tables, and the records.

Rows stay and say `erased` where the person stood, so that counts, and what was done for the account, stay true. Digests
are written anew: what is left is whole, and no file says what was there before. Whatever states a digest is written
before the file itself, and what others are found by goes last, so that an erasure that was killed is finished by
calling it again: the records note that it has begun, and have its entry when all is done.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from csworkbench.errors import Problem, RunError
from csworkbench.files import write_file
from csworkbench.sources.forgetting import forget
from csworkbench.store.folders import LOCK_FILE, held
from csworkbench.store.kept import RECORD_FILE
from csworkbench.store.redacting import Person, remains, without
from csworkbench.store.releasing import SHORT, locked
from csworkbench.store.results import RESULT_FILE, write_json

ENTRIES, BEGUN, VERSION = "erasures", ".begun", 1
HALF = re.compile(r"\..+\.\d+")
"""Names of files that are being written."""
CACHE, HISTORY = "cache", "history"
INDEX_DIGITS = 16
"""Digits of a digest on the index of a run."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or would be.

    Args:
        changed: Files that hold the person and stay without, from the folder above.
        removed: Files that are removed, because a run makes them again.
        entry: The entry in the records; None where nothing was found, or nothing was done yet.
    """

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    entry: Path | None = None


def erase(outs: tuple[Path, ...], records: Path, person: Person, at: datetime, *, is_dry: bool = True) -> Erased:
    """Erase a person from folders of outputs and from the records.

    Args:
        outs: Folders of all outputs; those that are not there are left out.
        records: Records of the project.
        person: Who is erased.
        at: The present instant, with its zone.
        is_dry: Only say which files hold the person.

    Returns:
        The files, and the entry in the records that something was erased, without saying who.

    Raises:
        EnvironmentProblem: A run holds a folder, or it cannot be written.
        RunError: A file still holds the person afterwards; each of them.
    """
    found = _through(outs, records, person, is_dry=True)
    begun = _begun(records, person)
    if is_dry or (begun is None and not (found.changed or found.removed)):
        return found
    begun = begun or _begin(records, person, at, len(found.changed) + len(found.removed))
    _through(outs, records, person, is_dry=False)
    for path in [each for folder in (*outs, records) for each in _files(folder) if HALF.fullmatch(each.name)]:
        path.unlink()  # of one that was killed
    _refuse_what_remains((*outs, records), person)
    return Erased(found.changed, found.removed, _ended(begun, at))


def _through(outs: tuple[Path, ...], records: Path, person: Person, *, is_dry: bool) -> Erased:
    """Go through all folders once, and return what holds the person."""
    changed: list[Path] = []
    removed: list[Path] = []
    for out in outs:
        if out.is_dir():
            with held(out, "an erasure"):
                removed += _from_cache(out / CACHE, person, is_dry=is_dry)
                changed += _from_outputs(out, person, is_dry=is_dry)
    if records.is_dir():
        with nullcontext() if is_dry else locked(records):
            changed += _from_records(records, person, is_dry=is_dry)
    return Erased(_named(changed, outs, records), _named(removed, outs, records))


def when_erased(records: Path, contact_id: str) -> tuple[str, ...]:
    """Return the instants at which a contact was erased before, as the entries in the records say.

    Args:
        records: Records of the project.
        contact_id: Id of the contact.
    """
    entries = (json.loads(path.read_text("utf-8")) for path in sorted((records / ENTRIES).glob("*.json")))
    return tuple(each["erased_at"] for each in entries if _is_of(each, contact_id))


def _from_cache(cache: Path, person: Person, *, is_dry: bool) -> list[Path]:
    """Return the files of typed tables that hold a person, and what was remembered of reading them."""
    files = list(_files(cache))
    found = {path for path in files if without(path, person) is not None or _is_left(path, person)}
    stems = {path.stem for path in found}
    gone = [path for path in files if found and (path.stem in stems or path.name.startswith("reading-"))]
    # What holds the person goes last: an erasure that is killed before finds the rest by it again.
    for path in sorted(gone, key=lambda path: path in found) if not is_dry else ():
        path.unlink()
    return gone


def _from_outputs(out: Path, person: Person, *, is_dry: bool) -> list[Path]:
    """Return the files of runs and stored results that held a person; they are written without, digests and all."""
    found: list[Path] = []
    places: dict[tuple[int, bytes], Path] = {}
    for folder in _folders(out):
        contents = {path: content for path in _files(folder) if (content := without(path, person)) is not None}
        found += contents
        if contents and not is_dry:
            for path, content in _with_digests(folder, contents).items():
                _put(path, content, places)
    return found


def _folders(out: Path) -> list[Path]:
    """Return what is changed as one: each run, each stored result, and whatever else lies there."""
    inner = [path for name in ("runs", "store", ".tmp") for path in sorted((out / name).glob("*")) if path.is_dir()]
    others = [path for path in sorted(out.iterdir()) if path.is_dir() and not path.is_symlink()]
    return [*inner, *(path for path in others if path.name not in {"runs", "store", ".tmp", CACHE})]


def _with_digests(folder: Path, contents: dict[Path, bytes]) -> dict[Path, bytes]:
    """Return contents with every file that states their digests beside them, the outermost first."""
    results: dict[Path, bytes] = {}
    digests: dict[str, str] = {}
    for path in sorted(folder.rglob(RESULT_FILE)):
        data = _read(path, contents)
        for table in [*data["tables"].values(), *data.get("files", ())]:
            file = next((each for each in table.get("files", ()) if each.endswith(".csv")), table.get("path", ""))
            if path.parent / file in contents:
                now = hashlib.sha256(contents[path.parent / file]).hexdigest()
                digests[table["sha256"]], table["sha256"] = now, now
        if path in contents or any(each.is_relative_to(path.parent) for each in contents):
            results[path] = _as_written(data)
    inner = contents | results
    index = folder / "index.html"
    first: dict[Path, bytes] = {}
    if index.is_file():
        text = inner.get(index, index.read_bytes()).decode()
        for old, now in digests.items():
            text = text.replace(old[:INDEX_DIGITS], now[:INDEX_DIGITS])
        first[index] = text.encode()
    inner |= first
    outer = {
        path: _as_written(_stated(_read(path, inner), folder, inner))
        for path in (folder / "run.json", folder / RECORD_FILE)
        if path.is_file()
    }
    stating = outer | first | results
    return stating | {path: content for path, content in contents.items() if path not in stating}


def _stated(record: dict[str, Any], folder: Path, contents: dict[Path, bytes]) -> dict[str, Any]:
    """Return a record with the sizes and digests of the files as they are now."""
    notebooks = record["notebooks"] if "notebooks" in record else [record["notebook"]]
    for artifact in (each for item in notebooks for each in item["artifacts"]):
        content = contents.get(folder / artifact["path"])
        if content is not None:
            artifact |= {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return record


def _put(path: Path, content: bytes, places: dict[tuple[int, bytes], Path]) -> None:
    """Write a file; further names of the same bytes stay names of one file."""
    same = places.get((path.stat().st_ino, hashlib.sha256(content).digest()))
    if same is None:
        places[path.stat().st_ino, hashlib.sha256(content).digest()] = path
        write_file(path, content)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        os.link(same, beside)
        beside.replace(path)
    except OSError:  # no hard links here
        write_file(path, content)


def _from_records(records: Path, person: Person, *, is_dry: bool) -> list[Path]:
    """Return the files of the records that held a person; an official list gets the name of its new digest."""
    told = forget(records / HISTORY, lambda value: person.out_of(value) != value, is_dry=is_dry)
    files = [path for path in _files(records) if not path.is_relative_to(records / HISTORY)]
    contents = {path: content for path in files if (content := without(path, person)) is not None}
    lists = [path for path in contents if path.suffix == ".csv" and _is_official(path)]
    slips = [slip for path in lists if (slip := path.with_suffix(".json")).is_file()]
    found = [*told, *dict.fromkeys([*contents, *slips])]
    if not is_dry:
        for path in lists:
            _rename(path, contents[path], person)
        for path in contents.keys() - {*lists, *slips}:
            write_file(path, contents[path])
    return found


def _is_official(path: Path) -> bool:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.stem.endswith(digest[:SHORT])


def _rename(path: Path, content: bytes, person: Person) -> None:
    """Write an official list and its slip under the name of its new digest; the old list is the last to go."""
    digest = hashlib.sha256(content).hexdigest()
    now, slip = path.with_name(f"{path.stem[:-SHORT]}{digest[:SHORT]}.csv"), path.with_suffix(".json")
    if slip.is_file():
        said = json.loads(without(slip, person) or slip.read_bytes())
        write_json(now.with_suffix(".json"), {**said, "file": now.name, "sha256": digest})
        write_file(now, content)
        slip.unlink()
    path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, in order; what a link leads to is not looked into."""
    for place, names, files in os.walk(folder):
        names.sort()
        paths = (Path(place, name) for name in sorted(files) if name != LOCK_FILE)
        yield from (path for path in paths if not path.is_symlink())


def _is_left(path: Path, person: Person) -> bool:
    return remains(path.read_bytes(), person)


def _refuse_what_remains(folders: tuple[Path, ...], person: Person) -> None:
    left = [path for folder in folders if folder.is_dir() for path in _files(folder)]
    left = [path for path in left if remains(os.fsencode(path.name), person) or _is_left(path, person)]
    left += [path for folder in folders for path in _files(folder) if path not in left and without(path, person)]
    if left:
        hint = "no csw command wrote it like this: remove it by hand and erase again"
        raise RunError(*(Problem("still holds the person", file=str(path), hint=hint) for path in left))


def _begin(records: Path, person: Person, at: datetime, files: int) -> Path:
    """Write that something is being erased: who already knows the id can ask whether it was; nobody can read it there.

    It becomes an entry when all is done; until then whoever calls again goes on.
    """
    salt = secrets.token_hex(16)
    digest = _digest(person.contact_id, salt)
    said = {"version": VERSION, "erased_at": at.isoformat(timespec="seconds"), "files": files}
    folder = records / ENTRIES
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{at:%Y-%m-%d}-{digest[:SHORT]}{BEGUN}"
    write_json(path, {**said, "salt": salt, "contact": digest})
    return path


def _begun(records: Path, person: Person) -> Path | None:
    """Return the note of an erasure of a person that was killed before its end."""
    notes = sorted((records / ENTRIES).glob(f"*{BEGUN}"))
    return next((path for path in notes if _is_of(json.loads(path.read_bytes()), person.contact_id)), None)


def _ended(begun: Path, at: datetime) -> Path:
    """Make the entry of an erasure that is done."""
    write_json(begun, json.loads(begun.read_bytes()) | {"erased_at": at.isoformat(timespec="seconds")})
    return begun.rename(begun.with_suffix(".json"))


def _is_of(entry: dict[str, Any], contact_id: str) -> bool:
    return bool(_digest(contact_id, entry["salt"]) == entry["contact"])


def _digest(contact_id: str, salt: str) -> str:
    """Return the digest of an id; each takes a tenth of a second, so that lists of ids are slow to try."""
    return hashlib.scrypt(contact_id.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1).hex()


def _read(path: Path, contents: dict[Path, bytes]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(contents[path] if path in contents else path.read_bytes())
    return data


def _as_written(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _named(paths: list[Path], outs: tuple[Path, ...], records: Path) -> tuple[str, ...]:
    """Return paths from the folder that holds outputs or records."""
    tops = [each.parent for each in (*outs, records)]
    return tuple(next(path.relative_to(top).as_posix() for top in tops if path.is_relative_to(top)) for path in paths)
