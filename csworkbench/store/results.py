"""Results as files: result.json beside its tables, written whole or not at all, read back typed."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from csworkbench.errors import Problem, RunError
from csworkbench.estimates import Estimate, Message, Result, Severity, say
from csworkbench.files import write_file
from csworkbench.formats import is_foreign, text
from csworkbench.store.parts import PARTS_FOLDER, StoredPart

if TYPE_CHECKING:
    import pandas as pd

RESULT_FILE = "result.json"
_TAKEN = ("tables", PARTS_FOLDER, RESULT_FILE, "notebook.ipynb", "report.html")  # written by others in that folder


class TableFiles(Protocol):
    """A table that was written: its files relative to the folder of result.json, its rows and its digest."""

    @property
    def files(self) -> tuple[str, ...]:
        """Return the paths of its files."""
        ...

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        ...

    @property
    def sha256(self) -> str:
        """Return the digest of its CSV file."""
        ...


@dataclass(frozen=True, slots=True)
class StoredCaveat:
    """A caveat as a result.json holds it: code, severity, the sentence, and what to do (empty where nothing helps)."""

    code: str
    severity: Severity
    text: str
    action: str = ""


class StoredTables(Mapping[str, "pd.DataFrame"]):
    """Tables of a stored result by name; each is read from its Parquet file when it is asked for.

    Args:
        folder: Folder of the result.json.
        files: Relative path of the Parquet file by table name.
    """

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self._folder = folder
        self._files = dict(files)

    def __getitem__(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        return pd.read_parquet(self._folder / self._files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the Parquet files."""
        return tuple(self._folder / file for file in self._files.values())

    def __len__(self) -> int:
        return len(self._files)


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result as other analyses and pages read it.

    Args:
        analysis: Name of the analysis.
        as_of: Cut-off date.
        headline: Verdict sentence.
        figures: Estimate by name, the most important first.
        tables: Frame by name, read on demand.
        config: Resolved config, in JSON types.
        caveats: Doubts, most severe first.
        actions: What to do next.
        folder: Where it was read from.
        stamps: Analysis -> sentences this result puts on its page.
        files: Paths of the further files it offers, relative to the folder.
        parts: Its pages of their own, in order.
        english: Those of its sentences that have no translation, where its language is another one.
    """

    analysis: str
    as_of: date
    headline: str
    figures: Mapping[str, Estimate]
    tables: Mapping[str, "pd.DataFrame"]
    config: Mapping[str, Any]
    caveats: tuple[StoredCaveat, ...]
    actions: tuple[str, ...]
    folder: Path
    stamps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    parts: tuple[StoredPart, ...] = ()
    english: frozenset[str] = frozenset()

    @property
    def worst(self) -> Severity | None:
        """Return the most severe caveat's severity; None without caveats."""
        order = list(Severity)
        return max((caveat.severity for caveat in self.caveats), key=order.index, default=None)


def write_json(path: Path, data: Any) -> None:
    """Write JSON whole or not at all; keys keep their order, text stays readable.

    Args:
        path: Where it goes.
        data: JSON types; a number that is not finite is refused.

    Raises:
        ValueError: A number is not finite.
    """
    write_file(path, (json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode())


def write_result(
    folder: Path,
    result: Result,
    *,
    analysis: str,
    as_of: date,
    config: Mapping[str, Any],
    tables: Mapping[str, TableFiles],
    parts: Sequence[StoredPart] = (),
    language: str = "en",
) -> Path:
    """Write result.json of a result whose tables are written already, and return its path.

    Args:
        folder: Folder of the notebook in the run.
        result: Result of `analyze`; where it has `stamps` (analysis -> messages), they go onto the pages of those,
            where it has `releases`, `csw release` can make those tables official, and where it has `files` (path below
            the folder -> text), they are written beside the tables.
        analysis: Name of the analysis.
        as_of: Cut-off date.
        config: Resolved config in JSON types.
        tables: The written tables, as `exports.write_table` returns them.
        parts: Its pages of their own, written already.
        language: Language of headline, caveats and actions.

    Returns:
        Path of the written file. Same inputs, same bytes.

    Raises:
        ValueError: The path of a file leads out of the folder, or to a file of the run itself.
    """
    data = {
        "analysis": analysis,
        "as_of": as_of.isoformat(),
        "headline": text(result.headline, language),
        "figures": {name: _figure(estimate) for name, estimate in result.figures.items()},
        "caveats": [
            {
                "code": caveat.code,
                "severity": caveat.severity.value,
                "text": text(caveat.message, language),
                "action": text(caveat.action, language) if caveat.action else "",
            }
            for caveat in result.caveats
        ],
        "actions": [text(action, language) for action in result.actions],
        "tables": {
            name: {"files": list(table.files), "rows": table.rows, "sha256": table.sha256}
            for name, table in tables.items()
        },
        "config": dict(config),
    }
    english = sorted({text(each, language) for each in _sentences(result) if is_foreign(each.key, language)})
    if english:
        data["english"] = english
    stamps = getattr(result, "stamps", {})
    if stamps:
        data["stamps"] = {name: [text(message, language) for message in said] for name, said in stamps.items()}
    releases = getattr(result, "releases", ())
    if releases:
        data["releases"] = [asdict(release) for release in releases]
    files = getattr(result, "files", {})
    if files:
        data["files"] = [_written(folder, path, content) for path, content in files.items()]
    if parts:
        data["parts"] = [asdict(part) for part in parts]
    write_json(folder / RESULT_FILE, data)
    return folder / RESULT_FILE


def _sentences(result: Result) -> Iterator[Message]:
    yield result.headline
    for caveat in result.caveats:
        yield caveat.message
        if caveat.action:
            yield caveat.action
    yield from result.actions
    for said in getattr(result, "stamps", {}).values():
        yield from said


def read_result(folder: Path) -> StoredResult:
    """Return the result stored in a folder.

    Args:
        folder: Folder that holds result.json.

    Raises:
        RunError: There is no result.json, or it cannot be read as one.
    """
    path = folder / RESULT_FILE
    try:
        data = json.loads(path.read_text("utf-8"))
        return StoredResult(
            analysis=data["analysis"],
            as_of=date.fromisoformat(data["as_of"]),
            headline=data["headline"],
            figures={name: Estimate(**figure) for name, figure in data["figures"].items()},
            tables=StoredTables(folder, {name: _parquet(table) for name, table in data["tables"].items()}),
            config=data.get("config", {}),
            caveats=tuple(StoredCaveat(**{**item, "severity": Severity(item["severity"])}) for item in data["caveats"]),
            actions=tuple(data.get("actions", ())),
            folder=folder,
            stamps={name: tuple(said) for name, said in data.get("stamps", {}).items()},
            files=tuple(item["path"] for item in data.get("files", ())),
            parts=tuple(StoredPart(**item) for item in data.get("parts", ())),
            english=frozenset(data.get("english", ())),
        )
    except FileNotFoundError:
        raise RunError(Problem("there is no result.json", file=str(folder))) from None
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise RunError(Problem(f"not a result of csworkbench: {error}", file=str(path))) from error


def lists_accounts(folder: Path) -> bool:
    """Return whether a stored result has a table with a row for accounts, in a column account_id.

    Args:
        folder: Folder that holds result.json.

    Raises:
        RunError: There is no result.json, or it cannot be read as one.
    """
    import pyarrow.parquet as pq

    tables = read_result(folder).tables
    files = tables.files if isinstance(tables, StoredTables) else ()
    return any("account_id" in pq.read_schema(path).names for path in files)


def no_lists(name: str) -> Message:
    """Return why no page is made of a result for some accounts.

    Args:
        name: Name of the notebook.
    """
    return say("{name} lists no accounts", name=name)


def _written(folder: Path, path: str, content: str) -> Mapping[str, str]:
    """Write a further file of a result and return where it stands and its digest."""
    place = PurePosixPath(path)
    if place.is_absolute() or not place.parts or {"..", "."} & set(path.split("/")) or place.parts[0] in _TAKEN:
        raise ValueError(f"a file of a result stands below its folder, beside {', '.join(_TAKEN)}, not at {path!r}")
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    write_file(folder / place, content.encode())
    return {"path": place.as_posix(), "sha256": sha256(content.encode()).hexdigest()}


def _figure(estimate: Estimate) -> dict[str, Any]:
    names = ("value", "low", "high", "level", "n", "unit")
    return {name: _plain(getattr(estimate, name)) for name in names}


def _plain(value: Any) -> Any:
    """Return a number of any library as a plain JSON number."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _parquet(table: Mapping[str, Any]) -> str:
    return str(next(file for file in table["files"] if str(file).endswith(".parquet")))
