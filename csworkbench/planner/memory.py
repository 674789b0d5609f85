"""What the last reading of the data found: taken again, without opening anything, while no file of it has changed."""

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.config import plain
from csworkbench.files import write_file
from csworkbench.planner.keys import code_digest, hash_of, library_versions
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    from csworkbench.sources import Book, IngestReport

# A file that changes twice within a tick of the clock looks as if it had changed once: young ones are told by bytes.
SETTLED_SECONDS = 2.0
LISTED = ("history/*/*", "lists/*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading found that a plan needs.

    Args:
        reports: How each table was read.
        as_of: Cut-off date.
        ends_on: Newest day of the book.
    """

    reports: "dict[str, IngestReport]"
    as_of: date
    ends_on: date


class Memory:
    """Remembers a reading under the marks of all its files: name, size, times and inode of each.

    Args:
        workspace: What was declared.
        root: Project root.
        cache: Folder of the typed tables; what is remembered lies beside them.
        as_of: The cut-off date that was asked for; None = the newest day of the data.
        today: Day of the reading; None = not known.
    """

    def __init__(self, workspace: Workspace, root: Path, cache: Path, as_of: date | None, today: date | None) -> None:
        self._workspace, self._root, self._cache = workspace, root, cache
        self._given = [plain(workspace), code_digest(root), library_versions(), str(as_of), str(today)]
        states = dict(self._states())
        self._mark = self._marked(states)
        newest = time.time() - SETTLED_SECONDS
        young = [path for path, state in states.items() if max(state.st_mtime, state.st_ctime) > newest]
        self._young = {str(path): _digest(path) for path in young}

    def recall(self) -> Reading | None:
        """Return what was found when the files were as they are; None where that is not known."""
        from csworkbench.sources import stored_report

        try:
            data: dict[str, Any] = json.loads(self._path(self._mark).read_text("utf-8"))
            if not all((self._cache / name).is_file() for name in data["typed"]):
                return None
            if any(_digest(Path(name)) != digest for name, digest in data["young"].items()):
                return None
            reports = {name: replace(stored_report(item), seconds=0.0) for name, item in data["reports"].items()}
            return Reading(reports, date.fromisoformat(data["as_of"]), date.fromisoformat(data["ends_on"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # absent, half or from another version: the data is read again

    def note(self, reading: Reading, book: "Book", added: Collection[Path] = ()) -> None:
        """Remember a reading, unless a file changed meanwhile.

        Args:
            reading: What was found.
            book: The book, which says where its typed tables are.
            added: Files of the archive that were made of this reading: another one would find the same with them.
        """
        states = dict(self._states())
        if self._marked({path: state for path, state in states.items() if path not in added}) != self._mark:
            return
        data = {
            "as_of": reading.as_of.isoformat(),
            "ends_on": reading.ends_on.isoformat(),
            "typed": sorted(path.name for path in book.typed.values()),
            "young": self._young,
            "reports": {name: asdict(report) for name, report in reading.reports.items()},
        }
        with suppress(OSError):  # the next reading takes as long as this one
            write_file(self._path(self._marked(states)), json.dumps(data, default=str, ensure_ascii=False).encode())

    def _path(self, mark: str) -> Path:
        return self._cache / f"reading-{mark[:24]}.json"

    def _marked(self, states: "Mapping[Path, os.stat_result]") -> str:
        files = [
            [str(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
            for path, state in states.items()
        ]
        return hash_of([*self._given, files])

    def _states(self) -> "Iterator[tuple[Path, os.stat_result]]":
        from csworkbench.sources import files_of

        records = self._root / "records"
        recorded = sorted(path for pattern in LISTED for path in records.glob(pattern))
        for path in (*files_of(self._workspace, self._root), *recorded):
            with suppress(OSError):  # gone: it is no longer in the list, which is a mark too
                yield path, path.stat()


def _digest(path: Path) -> str:
    """Return the sha256 of a file; of what cannot be read, nothing."""
    from csworkbench.sources.files import digest

    try:
        return digest(path)
    except OSError:
        return ""
