"""Why a notebook is executed again: what determines its result, compared with what determined its last one."""

from collections.abc import Iterator, Mapping
from typing import Any

from csworkbench.store import changed, changes, rows_changed

SHOWN = 3
INSIDE = {"overrides", "config", "workspace", "output_dir"}  # places, and values that the config shows by name


def why(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what changed, the weightiest first: "as_of changed 2026-06-30 -> 2026-09-30".

    Args:
        name: Name of the notebook.
        before: What its last result was made of, as `Job.made_of` has it.
        now: What it is made of now.
    """
    direct = [*_parameters(before, now), *_settings(name, before, now), *_data(before, now), *_program(before, now)]
    found = direct or [*_upstream(before, now)] or ["what it is made of changed"]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def _parameters(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for path, old, new in changes(before["parameters"], now["parameters"]):
        if path.partition(".")[0] not in INSIDE:
            yield f"{path} changed {changed(old, new)}"


def _settings(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for group, shown in (("config", name), ("workspace", "workspace")):
        for path, old, new in changes(before[group], now[group], shown):
            yield f"{path} {changed(old, new)}"


def _data(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = before["inputs"], now["inputs"]
    for table in dict.fromkeys([*old, *new]):
        if table not in old or table not in new:
            yield f"{table} is {'read now' if table in new else 'no longer read'}"
        elif old[table]["rows"] != new[table]["rows"]:
            yield f"row count of {table} changed {rows_changed(old[table]['rows'], new[table]['rows'])}"
        elif old[table] != new[table]:
            yield f"content of {table} changed"
    if before["ends_on"] != now["ends_on"]:
        yield f"newest day of the data changed {changed(before['ends_on'], now['ends_on'])}"


def _program(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    cells = sorted({int(path) + 1 for path, *_ in changes(before["cells"], now["cells"])})
    if cells:
        yield f"its notebook changed in cell {', '.join(map(str, cells))}"
    for path, old, new in changes(before["versions"], now["versions"]):
        yield f"{path} {changed(old, new)}"
    if before["code"] != now["code"]:
        yield "the program changed"


def _upstream(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for need, old, new in changes(before["upstream"], now["upstream"]):
        yield f"{need} {'changed' if old and new else 'is part of the run now' if new else 'is not part of the run'}"
