"""A notebook before and after its execution: outputs dropped and an end marker added, then judged and cleaned."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csworkbench.errors import AnalysisError, NothingToAnalyze
from csworkbench.formats import printable
from csworkbench.store import Failure
from csworkbench.store.notebooks import heading_of

if TYPE_CHECKING:
    from csworkbench.runner.engine import Execution

ERROR_MARKER = "papermill-error-cell-tag"
END_MARKER = "csworkbench-end"
NO_DATA = "no_data"
OURS = {AnalysisError.__name__, NothingToAnalyze.__name__}
"""Errors that say to whoever reads the page what is the matter: no cell and no class helps there."""
COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def prepare(path: Path, nonce: str) -> dict[str, Any]:
    """Return a notebook's JSON ready to run: no output of anybody, and a last cell that proves the end was reached.

    Args:
        path: The notebook.
        nonce: What the last cell answers.
    """
    source: dict[str, Any] = json.loads(path.read_text("utf-8"))
    source.get("metadata", {}).pop("widgets", None)
    source.get("metadata", {}).pop("papermill", None)
    for cell in source["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    marker = {"cell_type": "code", "source": repr(nonce), "metadata": {"tags": [END_MARKER]}, "outputs": []}
    source["cells"].append({**marker, "execution_count": None, "id": END_MARKER})
    return source


def headings(cells: list[Any]) -> Iterator[tuple[int, str]]:
    """Yield for each cell its number among the code cells, as `In [n]` shows it, and the heading above it.

    Args:
        cells: Cells of a notebook.
    """
    number, heading = 0, ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            heading = heading_of("".join(cell["source"])) or heading
        number += cell["cell_type"] == "code" and bool("".join(cell["source"]).strip())
        yield number, heading


def judge(execution: "Execution", nonce: str) -> Failure | None:
    """Return why a notebook failed; None when its end marker was reached in time.

    Args:
        execution: The finished attempt.
        nonce: What the last cell had to answer.
    """
    watch, cells = execution.watch, _ours(execution.executed) if execution.executed is not None else []
    places = list(headings(cells))
    cell, heading = places[execution.at] if execution.at is not None else (None, "")
    where = _where(cell, heading)
    if watch.is_stopped:
        return Failure("interrupted", f"stopped with the run{where}", cell, heading)
    if watch.is_timed_out:
        limit = f"{watch.timeout_seconds:g} s"
        return Failure("timeout", f"ran longer than its time limit of {limit} and was ended{where}", cell, heading)
    if not execution.is_started:
        detail = printable(f"{type(execution.error).__name__}: {execution.error}")
        return Failure("no_kernel", f"its kernel did not start: {detail}", detail=detail)
    if execution.exit_code is not None:
        return Failure("dead_kernel", f"its kernel died{where}: {_ended(execution.exit_code)}", cell, heading)
    failed = next((index for index, item in enumerate(cells) if _is_failed(item)), None)
    if failed is not None:
        return _raised(cells[failed], *places[failed])
    # papermill also counts the errors that a cell is tagged to raise
    if execution.error is not None and type(execution.error).__name__ != "PapermillExecutionError":
        return _other(execution.error, cell, heading)
    if nonce not in _answer(cells[-1]):
        return Failure("exit", f"it stopped before its last cell{where}", cell, heading)
    return None


def clean(executed: Any, replacements: Mapping[str, str]) -> bytes:
    """Return an executed notebook as it is published: without our marker, papermill's traces, and places of this run.

    Args:
        executed: The executed notebook.
        replacements: Text to be replaced in the cell of injected parameters.
    """
    import nbformat

    kept = [cell for cell in _ours(executed) if END_MARKER not in cell.metadata.get("tags", ())]
    for cell in kept:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["id"] = "injected-parameters"
            for old, new in replacements.items():
                cell.source = cell.source.replace(old, new)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
    executed.cells = kept
    executed.metadata.pop("papermill", None)
    return str(nbformat.writes(executed)).encode() + b"\n"  # type: ignore[no-untyped-call]


def _ours(executed: Any) -> list[Any]:
    """Return the cells without the two that papermill puts in when there was an error."""
    return [cell for cell in executed.cells if ERROR_MARKER not in cell.metadata.get("tags", ())]


def _where(cell: int | None, heading: str) -> str:
    if not cell:
        return ""
    return f" in cell {cell} ({printable(heading)})" if heading else f" in cell {cell}"


def _ended(code: int) -> str:
    if code == -9:
        return "killed by signal 9, most often for want of memory"
    return f"killed by signal {-code}" if code < 0 else f"the process ended itself with exit code {code}"


def _is_failed(cell: Any) -> bool:
    return bool(cell.metadata.get("papermill", {}).get("exception") is True)


def _raised(cell: Any, number: int, heading: str) -> Failure:
    error = next((item for item in cell.outputs if item.output_type == "error"), None)
    if error is None:
        return Failure("error", f"an error was raised{_where(number, heading)}", number, heading)
    lines = [printable(line) for line in COLORS.sub("", error.evalue).splitlines()]
    name, text = printable(error.ename), "; ".join(lines)
    detail = "\n".join(printable(line) for line in COLORS.sub("", "\n".join(error.traceback)).splitlines())
    if name == "SystemExit":
        message = f"it called sys.exit({text}){_where(number, heading)}, before its last cell"
        return Failure("exit", message, number, heading, detail)
    message = text if name in OURS else f"{name}{_where(number, heading)}: {''.join(lines[:1])}"
    kind = NO_DATA if name == NothingToAnalyze.__name__ else "error"
    return Failure(kind, message, number, heading, detail)


def _other(error: BaseException, cell: int | None, heading: str) -> Failure:
    name = type(error).__name__
    detail = printable(f"{name}: {error}")
    if name == "CellTimeoutError":
        message = f"it printed faster than its output could be read{_where(cell, heading)}: print less, or write a file"
        return Failure("error", message, cell, heading, detail)
    if name == "DeadKernelError":
        return Failure("dead_kernel", f"its kernel died{_where(cell, heading)}", cell, heading, detail)
    return Failure("internal", f"it could not be executed{_where(cell, heading)}: {detail}", cell, heading, detail)


def _answer(cell: Any) -> str:
    return "".join(item.get("data", {}).get("text/plain", "") for item in cell.outputs)
