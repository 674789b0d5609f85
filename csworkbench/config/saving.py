"""Changes written back to a config file with its comments, order and quotes kept."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import unified_diff
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from csworkbench.config.documents import Node, UnreadableError, document, parse, read_document
from csworkbench.config.faults import data_of
from csworkbench.config.loading import resolved
from csworkbench.config.sections import Section, plain, without_zeros
from csworkbench.errors import ConfigError, EnvironmentProblem, Problem
from csworkbench.files import write_file

_NULL = re.compile(r":\s+null\b")


def preview(path: Path, changes: Mapping[str, object]) -> str:
    """Return what `save` would do to a file.

    Args:
        path: Config file.
        changes: Dotted key -> new value.

    Returns:
        Unified diff; "" where nothing changes.

    Raises:
        ConfigError: The file is no strict YAML, or a key leads nowhere.
    """
    before, after = _texts(path, changes)
    lines = unified_diff(before.splitlines(), after.splitlines(), path.name, f"{path.name} (changed)", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def by_file(path: Path, section: Section, root: Path, keys: Sequence[str]) -> dict[Path, dict[str, Any]]:
    """Return where values of a config are written: it may refer to further files.

    Args:
        path: Config file; a relative path starts at the project root.
        section: Settings as they are to be.
        root: Project root.
        keys: Dotted keys whose values are written; of a list or mapping the file does not have, all is.

    Returns:
        File -> dotted key within it -> value; what `preview` and `save` take.

    Raises:
        ConfigError: The file is wrong, or a key leads nowhere.
    """
    try:
        top, problems = resolved(path, type(section), root)
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    if problems:
        raise ConfigError(*problems)
    data, found = without_zeros(plain(section)), dict[Path, dict[str, Any]]()
    for key in keys:
        file, inside, value = _place(top, data, key.split("."))
        found.setdefault(root / file, {})[inside] = value
    return found


def _place(top: Node, data: Any, parts: Sequence[str]) -> tuple[str, str, Any]:
    """Return file, key within it and value of a dotted key."""
    node, file, begun = top, top.file, 0
    for at, part in enumerate(parts):
        data = data[int(part)] if isinstance(data, list) else data[part]
        written = node.value
        items = {str(place): each for place, each in enumerate(written)} if isinstance(written, list) else written
        below = items.get(part) if isinstance(items, dict) else None
        if below is None:
            return file, ".".join(parts[begun : at + 1]), data
        if below.is_file:
            file, begun = below.file, at + 1
        node = below
    return file, ".".join(parts[begun:]), data


def save(path: Path, changes: Mapping[str, object]) -> None:
    """Write changes into a config file: all of them or none, and never half a file.

    The values are not checked against a model: `load` the file with the same changes as overrides first.

    Args:
        path: Config file.
        changes: Dotted key -> new value. A key that leads into a referenced file is refused: save that file.

    Raises:
        ConfigError: The file is no strict YAML, or a key leads nowhere.
        EnvironmentProblem: The file cannot be written.
    """
    before, after = _texts(path, changes)
    if after != before:
        _replace(path, after)


def _texts(path: Path, changes: Mapping[str, object]) -> tuple[str, str]:
    try:
        read_document(path, path.name)
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    before = path.read_bytes().decode("utf-8")
    return before, edited(before, changes, path.name)


def edited(before: str, changes: Mapping[str, object], name: str) -> str:
    """Return the text of a config file with changes, its comments, order and quotes kept.

    Items of a list that stay as they are keep their comments; a new one that holds only plain values takes one line.

    Args:
        before: Text of the file, decoded, with its line ends.
        changes: Dotted key -> new value.
        name: How problems call it.

    Raises:
        ConfigError: The text is no strict YAML, or a key leads nowhere.
    """
    try:
        wanted = data_of(document(before, name))
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    round_trip = _round_trip(says_null=bool(_NULL.search(before)))
    content = round_trip.load(before.removeprefix("\ufeff"))
    for key, value in changes.items():
        data = to_jsonable_python(value)
        old = deepcopy(_put(wanted, key, data, name))
        _put(content, key, data, name, old)
    stream = StringIO()
    round_trip.dump(content, stream)
    written = stream.getvalue()
    if not _says(written, wanted):
        message = "the change cannot be written without touching other keys (anchors?)"
        raise ConfigError(Problem(message, name, hint="edit the file by hand"))
    after = written.replace("\n", "\r\n") if "\r\n" in before else written
    return ("\ufeff" if before.startswith("\ufeff") else "") + after


def _round_trip(*, says_null: bool) -> Any:
    """Return a reader and writer of YAML that keeps what it does not change."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes nothing as the word `null` where the file does."""

    if says_null:
        Representer.add_representer(type(None), lambda own, _: own.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml = YAML()
    yaml.Representer = Representer
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000  # a long line stays one line
    return yaml


def _put(content: Any, key: str, value: Any, name: str, old: Any = None) -> Any:
    """Put a value where a key leads, and return what was there; `old` is that as our own reader sees it."""
    parts = key.split(".")
    for part in parts[:-1]:
        content = _below(content, part, key, name)
    place: Any = parts[-1]
    if isinstance(content, dict):
        place = _written_key(content, place)
    elif isinstance(content, list):
        _below(content, place, key, name)
        place = int(place)
    else:
        raise ConfigError(Problem("leads nowhere in this file", name, key=key, hint=_reference_hint(content)))
    there = content.get(place) if isinstance(content, dict) else content[place]
    if isinstance(there, list) and isinstance(old, list) and isinstance(value, list):
        _relist(there, old, value)
    else:
        content[place] = value
    return there


def _relist(there: list[Any], old: list[Any], wanted: list[Any]) -> None:
    """Make a list of a file hold what is wanted, in place: what stays as it is keeps its comments."""
    for place, value in enumerate(wanted[: len(there)]):
        if old[place] != value:
            there[place] = _on_one_line(value)
    if not there and wanted:
        there.fa.set_block_style()  # type: ignore[attr-defined]  # a list of ruamel: `[]` grows downwards
    there.extend(_on_one_line(value) for value in wanted[len(there) :])
    del there[len(wanted) :]


def _on_one_line(value: Any) -> Any:
    """Return a new item of a list of a file as it is to be written: `{a: 1, b: 2}`."""
    from ruamel.yaml.comments import CommentedMap

    if not isinstance(value, dict) or any(isinstance(each, dict | list) for each in value.values()):
        return value
    item = CommentedMap(value)
    item.fa.set_flow_style()
    return item


def _below(content: Any, part: str, key: str, name: str) -> Any:
    if isinstance(content, dict):
        return content.setdefault(_written_key(content, part), {})
    if isinstance(content, list) and part.isdecimal() and int(part) < len(content):
        return content[int(part)]
    raise ConfigError(Problem("leads nowhere in this file", name, key=key, hint=_reference_hint(content)))


def _written_key(content: dict[Any, Any], part: str) -> Any:
    """Return the key as ruamel holds it: our keys are text as written, ruamel's `1:` is a number."""
    return next((key for key in content if _as_written(key) == part), part)


def _as_written(key: Any) -> str:
    return {True: "true", False: "false", None: "null"}[key] if key is None or isinstance(key, bool) else str(key)


def _says(written: str, wanted: Any) -> bool:
    try:
        return bool(data_of(parse(written, "")) == wanted)
    except UnreadableError:
        return False


def _reference_hint(content: Any) -> str:
    return f"save {content} instead" if isinstance(content, str) and content.endswith((".yaml", ".yml")) else ""


def _replace(path: Path, text: str) -> None:
    try:
        write_file(path, text.encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EnvironmentProblem(Problem(f"cannot be written: {reason}; it is as before", str(path))) from error
