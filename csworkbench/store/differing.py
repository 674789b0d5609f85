"""What differs between two documents, and between two runs: settings, data, code, notebooks and lists."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csworkbench.errors import RunError
from csworkbench.store.history import Run
from csworkbench.store.results import StoredResult, read_result

LONGEST = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two runs differ.

    Args:
        kind: run, config, data, code, notebook or list.
        name: What it is about: a dotted key, a table, a library, a notebook, or `notebook/table` of a list.
        words: How it changed: `40 -> 45`, `9,120 -> 9,344 rows`, `12 rows are new, 3 are gone`.
    """

    kind: str
    name: str
    words: str


def changes(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the values that differ between two JSON documents: dotted path, before and now; None where there is none.

    Args:
        before: JSON types.
        now: JSON types.
        path: What stands before their paths.
    """
    if isinstance(before, list) and isinstance(now, list):
        before, now = dict(enumerate(before)), dict(enumerate(now))
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from changes(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif before != now:
        yield path, before, now


def changed(before: Any, now: Any) -> str:
    """Return a change in words: `40 -> 45`, `none -> 45`.

    Args:
        before: JSON value; None = there was none.
        now: JSON value; None = there is none.
    """
    return f"{_short(before)} -> {_short(now)}"


def rows_changed(before: int, now: int) -> str:
    """Return a change of a row count in words: `9,120 -> 9,344`.

    Args:
        before: Rows there were.
        now: Rows there are.
    """
    return f"{before:,} -> {now:,}"


def differences(before: Run, now: Run) -> tuple[Difference, ...]:
    """Return in what two runs differ, causes before effects; empty when nothing that counts does.

    Args:
        before: The earlier run.
        now: The later one.
    """
    old, new = before.record["info"], now.record["info"]
    first, second = _notebooks(before), _notebooks(now)
    both = [name for name in second if name in first]
    return (
        *(Difference("run", path, changed(*values)) for path, *values in changes(_facts(old), _facts(new))),
        *(found for name in both for found in _config(name, before, now)),
        *_data(_inputs(old), _inputs(new)),
        *_code(old, new),
        *_ended(first, second),
        *(found for name in both for found in _lists(name, before, now)),
    )


def _facts(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: info.get(name) for name in ("project", "workspace", "batch", "as_of", "language")}


def _notebooks(run: Run) -> dict[str, Mapping[str, Any]]:
    return {item["name"]: item for item in run.record["notebooks"]}


def _inputs(info: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {item["table"]: item for item in info["inputs"]}


def _config(name: str, before: Run, now: Run) -> Iterator[Difference]:
    old, new = _result(before.folder / name), _result(now.folder / name)
    for path, *values in changes(old.config, new.config, name) if old and new else ():
        yield Difference("config", path, changed(*values))


def _data(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    for table in dict.fromkeys([*old, *new]):
        if table not in old or table not in new:
            yield Difference("data", table, "is read now" if table in new else "is no longer read")
            continue
        for key, what in (("rows", "rows"), ("quarantined", "rows set aside"), ("last_event", "newest day")):
            if old[table][key] != new[table][key]:
                values = (old[table][key], new[table][key])
                words = changed(*values) if key == "last_event" else rows_changed(*values)
                yield Difference("data", table, f"{words} {what}" if key != "last_event" else f"{what} {words}")
        if old[table]["rows"] == new[table]["rows"] and old[table]["digest"] != new[table]["digest"]:
            yield Difference("data", table, "other content in as many rows")


def _code(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    if old["code"] != new["code"]:
        yield Difference("code", "csworkbench", f"{old['code'][:12]} -> {new['code'][:12]}")
    for path, *values in changes(old["versions"], new["versions"]):
        yield Difference("code", path, changed(*values))


def _ended(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            yield Difference("notebook", name, "is part of the run now" if name in new else "is no longer part of it")
            continue
        for key in ("status", "headline"):
            if old[name][key] != new[name][key]:
                yield Difference("notebook", name, f"{old[name][key] or 'nothing'} -> {new[name][key] or 'nothing'}")


def _lists(name: str, before: Run, now: Run) -> Iterator[Difference]:
    old, new = _tables(before.folder / name), _tables(now.folder / name)
    for table in dict.fromkeys([*old, *new]):
        place = f"{name}/{table}"
        if table not in old or table not in new:
            yield Difference("list", place, "is new" if table in new else "is gone")
        elif old[table]["sha256"] != new[table]["sha256"]:
            gone, come = _moved(_csv(before.folder / name, old[table]), _csv(now.folder / name, new[table]))
            count = rows_changed(old[table]["rows"], new[table]["rows"])
            yield Difference("list", place, f"{count} rows: {come:,} are new or changed, {gone:,} are gone or changed")


def _tables(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "result.json").read_text("utf-8"))["tables"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # it left no result, which its status says


def _csv(folder: Path, table: Mapping[str, Any]) -> Path:
    return folder / next(str(file) for file in table["files"] if str(file).endswith(".csv"))


def _moved(before: Path, now: Path) -> tuple[int, int]:
    """Return how many rows are no longer there, and how many were not there before."""
    old, new = _rows(before), _rows(now)
    return (old - new).total(), (new - old).total()


def _rows(path: Path) -> "Counter[tuple[str, ...]]":
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream)
        next(lines, None)
        return Counter(tuple(line) for line in lines)


def _result(folder: Path) -> StoredResult | None:
    try:
        return read_result(folder)
    except RunError:
        return None


def _short(value: Any) -> str:
    said = "none" if value is None else str(value)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
