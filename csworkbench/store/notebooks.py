"""A notebook as a file, read without any notebook library: its cells, its parameters, and what is wrong with them."""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csworkbench.errors import ConfigError, Problem, did_you_mean

PARAMETERS_TAG = "parameters"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its number from 1, its kind (code, markdown, raw), its source, tags, and the nearest heading above."""

    number: int
    kind: str
    source: str
    tags: tuple[str, ...]
    heading: str


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """A readable notebook.

    Args:
        path: Where it is.
        cells: All its cells.
        kernel: Name of the kernel it asks for.
        parameters: Default by parameter name, from the cell tagged `parameters`; None without such a cell.
    """

    path: Path
    cells: tuple[Cell, ...]
    kernel: str
    parameters: Mapping[str, Any] | None

    @property
    def code(self) -> tuple[str, ...]:
        """Return the sources of the code cells."""
        return tuple(cell.source for cell in self.cells if cell.kind == "code")


def read_notebook(path: Path) -> NotebookFile:
    """Return a notebook's cells and parameters; nothing in it is executed.

    Args:
        path: The .ipynb file.

    Raises:
        ConfigError: The file is missing, is not a notebook of format 4, or its parameters are not literals.
    """
    data = _load(path)
    cells = _cells(path, data)
    tagged = [cell for cell in cells if cell.kind == "code" and PARAMETERS_TAG in cell.tags]
    parameters = _literals(path, tagged[0]) if tagged else None
    kernel = data.get("metadata", {}).get("kernelspec", {}).get("name") or "python3"
    return NotebookFile(path, cells, str(kernel), parameters)


def check_parameters(notebook: NotebookFile, parameters: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return what is wrong with values for a notebook's parameters: unknown names and other types than the defaults.

    Args:
        notebook: The notebook.
        parameters: Values by name; a whole number is accepted where the default is a float, anything where it is None.
    """
    file = notebook.path.name
    if notebook.parameters is None:
        hint = "tag the cell that holds its literals with 'parameters'"
        return (Problem("has no parameters cell", file=file, hint=hint),)
    problems = []
    for name, value in parameters.items():
        if name not in notebook.parameters:
            known = ", ".join(notebook.parameters) or "none"
            hint = did_you_mean(name, notebook.parameters, f"its parameters: {known}")
            problems.append(Problem("the notebook has no such parameter", file=file, key=name, hint=hint))
        elif not _fits(value, notebook.parameters[name]):
            default = notebook.parameters[name]
            found, wanted = f"{value!r} is {_kind(value)}", f"the default {default!r} is {_kind(default)}"
            problems.append(Problem(f"{found}, but {wanted}", file=file, key=name))
    return tuple(problems)


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(Problem("there is no such notebook", file=str(path))) from None
    except json.JSONDecodeError as error:
        hint = "restore it or save it again in JupyterLab"
        problem = Problem(f"not a notebook: {error.msg}", str(path), error.lineno, error.colno, hint=hint)
        raise ConfigError(problem) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(Problem(f"not a notebook: {error}", file=str(path))) from None
    is_notebook = isinstance(data, dict) and isinstance(data.get("cells"), list) and data.get("nbformat") == 4
    if not is_notebook:
        raise ConfigError(Problem("not a notebook of format 4", file=str(path), hint="save it again in JupyterLab"))
    return dict(data)


def _cells(path: Path, data: Mapping[str, Any]) -> tuple[Cell, ...]:
    cells, heading = [], ""
    for number, cell in enumerate(data["cells"], start=1):
        try:
            source = cell["source"]
            source = source if isinstance(source, str) else "".join(source)
            tags = tuple(str(tag) for tag in cell.get("metadata", {}).get("tags", ()))
            kind = str(cell["cell_type"])
        except (KeyError, TypeError, AttributeError):
            raise ConfigError(Problem(f"cell {number} is not a notebook cell", file=str(path))) from None
        if kind == "markdown":
            heading = heading_of(source) or heading
        cells.append(Cell(number, kind, source, tags, heading))
    return tuple(cells)


def heading_of(source: str) -> str:
    """Return the last heading of a markdown cell as plain text; empty without one.

    Args:
        source: Markdown.
    """
    headings = re.findall(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", source, flags=re.MULTILINE)
    return re.sub(r"[*`]", "", headings[-1]).strip() if headings else ""


def _literals(path: Path, cell: Cell) -> dict[str, Any]:
    """Return name -> default of a parameters cell, which holds nothing but assignments of literals."""
    found: dict[str, Any] = {}
    where = f"{path} cell {cell.number}"
    try:
        body: Sequence[ast.stmt] = ast.parse(cell.source).body
    except SyntaxError as error:
        raise ConfigError(Problem(f"parameters cell: {error.msg}", file=where, line=error.lineno)) from None
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            target, value = ast.Constant(None), ast.Constant(None)
        try:
            name = target.id if isinstance(target, ast.Name) else None
            default = ast.literal_eval(value)
        except ValueError:
            name, default = None, None
        if name is None:
            hint = "one `name = literal  # meaning` a line"
            raise ConfigError(Problem("parameters cell holds more than literals", where, statement.lineno, hint=hint))
        found[name] = default
    return found


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return _is_json(value)
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default) and _is_json(value)


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return type(value) is dict and all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if type(value) is list:
        return all(_is_json(item) for item in value)
    return value is None or type(value) in {bool, int, float, str}


def _kind(value: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return "nothing" if value is None else words.get(type(value), "a mapping" if isinstance(value, dict) else "no JSON")
