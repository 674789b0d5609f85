"""Config files into Sections: references resolved, overrides applied, every problem of every file at once."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from csworkbench.config.documents import Node, UnreadableError, document, parse, read_document, texts_of
from csworkbench.config.faults import data_of, dotted, step, validated
from csworkbench.config.kinds import Slot, fields, fitting, slot
from csworkbench.config.sections import FromFolder, Section, plain
from csworkbench.errors import ConfigError, Problem, did_you_mean

T = TypeVar("T", bound=Section)
_OUTSIDE = "must be a path inside the project, relative to its root; found {!r}"


@dataclass(frozen=True, slots=True)
class Request:
    """One config file to read.

    Args:
        path: File; relative paths start at the project root.
        model: Section it holds.
        overrides: Dotted key -> value that replaces the file's; a text is also tried as YAML where text does not fit.
    """

    path: Path
    model: type[Section]
    overrides: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Override:
    """One setting changed for a run.

    Args:
        name: Analysis, or "workspace".
        key: Dotted key within its config.
        value: JSON value.
    """

    name: str
    key: str
    value: Any


def load_all(requests: Sequence[Request], root: Path) -> list[Section]:
    """Return the sections of several files.

    Args:
        requests: Files, the models they hold and what to override.
        root: Project root; places in problems and references to files are relative to it.

    Returns:
        One section a request, in order.

    Raises:
        ConfigError: With every problem of every file.
    """
    sections: list[Section] = []
    problems: list[Problem] = []
    for request in requests:
        section, found = _loaded(request, root)
        problems.extend(found)
        if section is not None:
            sections.append(section)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return sections


def load(path: Path, model: type[T], root: Path, overrides: Mapping[str, object] | None = None) -> T:
    """Return the section of one file.

    Args:
        path: File; a relative path starts at the project root.
        model: Section it holds.
        root: Project root.
        overrides: Dotted key -> value that replaces the file's.

    Returns:
        Validated section, with defaults and referenced files filled in.

    Raises:
        ConfigError: With every problem of the file and the files it refers to.
    """
    (section,) = load_all([Request(path, model, overrides or {})], root)
    return cast(T, section)


def changed(section: T, changes: Mapping[str, object]) -> T:
    """Return a section with other values, checked as those of a file are.

    Args:
        section: Settings as they are.
        changes: Dotted key -> new value; a text is also tried as YAML where text does not fit.

    Returns:
        Validated section.

    Raises:
        ConfigError: With every problem of the changes.
    """
    node = node_of(plain(section), "settings")
    problems: list[Problem] = []
    for key, value in changes.items():
        try:
            node = _changed(slot(type(section)), node, Override("settings", key, value))
        except UnreadableError as error:
            problems.extend(error.problems)
    found, faults = validated(type(section), node)
    if problems or faults:
        raise ConfigError(*problems, *faults)
    return cast(T, found)


def load_text(text: str, model: type[T], name: str) -> T:
    """Return the section of a text, such as one of a `FromFolder`.

    Args:
        text: YAML as it stands in a file; what it refers to is not read.
        model: Section it holds.
        name: How problems call it: the path of its file.

    Returns:
        Validated section.

    Raises:
        ConfigError: With every problem of the text.
    """
    try:
        node = document(text, name)
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    section, faults = validated(model, node)
    if section is None:
        raise ConfigError(*faults)
    return cast(T, section)


def parse_override(text: str) -> Override:
    """Return the override that `NAME.key=value` says.

    Args:
        text: Such as `health.history_months=6`; the value is one YAML value (`45`, `true`, `[a, b]`, `"0046"`).

    Returns:
        Its parts, the value typed.

    Raises:
        ConfigError: It has no `=`, no key, or its value is no YAML.
    """
    left, equals, right = text.partition("=")
    name, dot, key = left.strip().partition(".")
    if not (equals and name and dot and key and all(key.split("."))):
        raise ConfigError(Problem("must be NAME.key=value, such as health.history_months=6", key=text[:80]))
    try:
        value = data_of(parse(right, f"--set {left.strip()}")) if right.strip() else ""
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    return Override(name, key, value)


def resolved(path: Path, model: type[Section], root: Path) -> tuple[Node, list[Problem]]:
    """Return a file with the files it refers to in place of their paths.

    Args:
        path: File; a relative path starts at the project root.
        model: Section it holds.
        root: Project root.

    Returns:
        Top node, and what is wrong with the references.

    Raises:
        UnreadableError: The file itself cannot be read.
    """
    file = root / path
    node = read_document(file, relative(file, root))
    problems: list[Problem] = []
    return _with_files(slot(model), node, root, (node.file,), problems), problems


def relative(path: Path, root: Path) -> str:
    """Return a path as problems name it.

    Args:
        path: File.
        root: Project root.

    Returns:
        Path relative to the root, with slashes; as it is where it lies outside.
    """
    whole, base = Path(os.path.abspath(path)), Path(os.path.abspath(root))  # noqa: PTH100 - links stay as written
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else path.as_posix()


def _loaded(request: Request, root: Path) -> tuple[Section | None, list[Problem]]:
    try:
        node, problems = resolved(request.path, request.model, root)
    except UnreadableError as error:
        return None, list(error.problems)
    accepts = slot(request.model)
    for key, value in request.overrides.items():
        try:
            changed = _changed(accepts, node, Override(f"override of {node.file}", key, value))
            node = _with_files(accepts, changed, root, (node.file,), problems)
        except UnreadableError as error:
            problems.extend(error.problems)
    section, faults = validated(request.model, node)
    problems.extend(faults)
    files = list(dict.fromkeys(problem.file for problem in problems))
    problems.sort(key=lambda problem: (files.index(problem.file), problem.line or 0, problem.column or 0))
    return (None if problems else section), problems


def _with_files(accepts: Slot, node: Node, root: Path, trail: tuple[str, ...], problems: list[Problem]) -> Node:
    """Return the node with every path of a `FromFile` field replaced by the file's content."""
    if isinstance(node.value, str) and not node.is_broken and any(kind.from_file for kind in accepts.kinds):
        below = _referenced(node, root, trail, problems)
        return below if below.is_broken else _with_files(accepts, below, root, (*trail, below.file), problems)
    folder = next((kind.from_folder for kind in accepts.kinds if kind.from_folder), None)
    if isinstance(node.value, str) and not node.is_broken and folder:
        return _texts(node, root, folder, problems)
    if not isinstance(node.value, dict | list):
        return node
    keys: list[str | int] = list(node.value) if isinstance(node.value, dict) else list(range(len(node.value)))
    below_of = {key: step(accepts, node, key) for key in keys}
    done = {key: _with_files(found, value, root, trail, problems) for key, (found, value) in below_of.items() if value}
    if isinstance(node.value, dict):
        return replace(node, value={str(key): value for key, value in done.items()})
    return replace(node, value=[*done.values()])


def _texts(node: Node, root: Path, folder: FromFolder, problems: list[Problem]) -> Node:
    """Return the texts of the files of a folder; what is wrong with one is told by whoever reads it."""
    written = str(node.value)
    if _is_outside(written):
        problems.append(node.problem(_OUTSIDE.format(written)))
    elif not (root / written).is_dir() and not folder.is_optional:
        problems.append(node.problem(f"there is no folder {written!r}"))
    else:
        return node_of(texts_of(root / written, folder.pattern), written)
    return replace(node, is_broken=True)


def _is_outside(written: str) -> bool:
    name = os.path.normpath(written)
    return not written or os.path.isabs(written) or name.startswith("..") or "\0" in written  # noqa: PTH117


def _referenced(node: Node, root: Path, trail: tuple[str, ...], problems: list[Problem]) -> Node:
    written = str(node.value)
    name = os.path.normpath(written).replace(os.sep, "/")
    if _is_outside(written):
        problems.append(node.problem(_OUTSIDE.format(written)))
    elif name in trail:
        problems.append(node.problem(f"the files refer to each other in a circle: {' -> '.join([*trail, name])}"))
    elif not (root / name).is_file():
        hint = did_you_mean(name, _yaml_files(root / name, root))
        problems.append(node.problem(f"there is no file {written!r}", hint=hint))
    else:
        try:
            return read_document(root / name, name)
        except UnreadableError as error:
            problems.extend(error.problems)
    return replace(node, is_broken=True)


def _yaml_files(path: Path, root: Path) -> list[str]:
    there = path.parent.glob("*.y*ml") if path.parent.is_dir() else ()
    return [other.relative_to(root).as_posix() for other in there]


def _changed(accepts: Slot, node: Node, override: Override, path: tuple[str, ...] = ()) -> Node:
    """Return the tree with the value of an override in place; what the file leaves out starts from its default."""
    part, *rest = override.key.split(".")[len(path) :]
    path = (*path, part)
    origin = override.name
    if isinstance(node.value, list) and not (part.isdecimal() and int(part) < len(node.value)):
        message = f"is no item of a list of {len(node.value)}, which are numbered from 0"
        raise UnreadableError(Problem(message, origin, key=dotted(path)))
    if not isinstance(node.value, list | dict):
        message = f"has no keys below it, so {part!r} cannot be set"
        raise UnreadableError(Problem(message, origin, key=dotted(path[:-1])))
    found, below = step(accepts, node, int(part) if isinstance(node.value, list) else part)
    if not rest:
        below = node_of(_fitting_value(found, override), origin)
    else:
        if below is None or below.value is None:
            below = _started(accepts, node, part, origin)
        below = _changed(found, below, override, path)
    if isinstance(node.value, list):
        return replace(node, value=[*node.value[: int(part)], below, *node.value[int(part) + 1 :]])
    return replace(node, value={**node.value, part: below}, keys={**node.keys, part: (origin, None, None)})


def _started(accepts: Slot, node: Node, key: str, origin: str) -> Node:
    """Return what an absent key holds before an override changes a part of it."""
    kind = fitting(accepts, node)
    default = default_node(fields(kind.type).get(key) if kind and kind.is_section else None, origin)
    return node_of({}, origin) if default.value is None else default


def _fitting_value(accepts: Slot, override: Override) -> Any:
    """Return an override's value as JSON; a text that the key does not accept is read as YAML."""
    try:
        data = to_jsonable_python(override.value)
    except ValueError as error:
        message = f"holds {type(override.value).__name__}, which no config can hold"
        raise UnreadableError(Problem(message, override.name, key=override.key)) from error
    if not isinstance(data, str) or not data.strip() or any(_accepts_text(kind.type, data) for kind in accepts.kinds):
        return data
    try:
        return data_of(parse(data, override.name))
    except UnreadableError:
        return data


def _accepts_text(annotation: Any, text: str) -> bool:
    try:
        TypeAdapter(annotation).validate_json(json.dumps(text), strict=True)
    except ValidationError:
        return False
    return True


def default_node(field: FieldInfo | None, origin: str) -> Node:
    """Return the default of a field as a node, to be changed or described like a value of a file.

    Args:
        field: Field; None or a required one has an empty section.
        origin: What problems call it.

    Returns:
        Node without a line.
    """
    if field is None or field.is_required():
        return node_of({}, origin)
    return node_of(to_jsonable_python(field.get_default(call_default_factory=True), by_alias=True), origin)


def node_of(data: Any, origin: str) -> Node:
    """Return JSON data as a node.

    Args:
        data: Scalars, lists and dicts.
        origin: What problems call it.

    Returns:
        Node without a line.
    """
    if isinstance(data, dict):
        value = {str(key): node_of(below, origin) for key, below in data.items()}
        return Node(value, origin, keys=dict.fromkeys(value, (origin, None, None)))
    if isinstance(data, list | tuple):
        return Node([node_of(below, origin) for below in data], origin)
    return Node(data, origin, source=json.dumps(data) if not isinstance(data, str) else data)
