"""Changes written back to a config file with its comments, order and quotes kept."""

from collections.abc import Mapping
from difflib import unified_diff
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from csworkbench.config.documents import UnreadableError, parse, read_document
from csworkbench.config.faults import data_of
from csworkbench.errors import ConfigError, EnvironmentProblem, Problem
from csworkbench.files import write_file


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
    from ruamel.yaml import YAML

    try:
        wanted = data_of(read_document(path, path.name))
    except UnreadableError as error:
        raise ConfigError(*error.problems) from None
    before = path.read_bytes().decode("utf-8")
    round_trip = YAML()
    round_trip.indent(mapping=2, sequence=4, offset=2)
    round_trip.preserve_quotes = True
    round_trip.width = 1_000_000  # a long line stays one line
    content = round_trip.load(before.removeprefix("\ufeff"))
    for key, value in changes.items():
        data = to_jsonable_python(value)
        _put(content, key, data, path)
        _put(wanted, key, data, path)
    stream = StringIO()
    round_trip.dump(content, stream)
    written = stream.getvalue()
    if not _says(written, wanted):
        message = "the change cannot be written without touching other keys (anchors?)"
        raise ConfigError(Problem(message, path.name, hint="edit the file by hand"))
    after = written.replace("\n", "\r\n") if "\r\n" in before else written
    return before, ("\ufeff" if before.startswith("\ufeff") else "") + after


def _put(content: Any, key: str, value: Any, path: Path) -> None:
    parts = key.split(".")
    for part in parts[:-1]:
        content = _below(content, part, key, path)
    if isinstance(content, dict):
        content[_written_key(content, parts[-1])] = value
    elif isinstance(content, list):
        _below(content, parts[-1], key, path)
        content[int(parts[-1])] = value
    else:
        raise ConfigError(Problem("leads nowhere in this file", path.name, key=key, hint=_reference_hint(content)))


def _below(content: Any, part: str, key: str, path: Path) -> Any:
    if isinstance(content, dict):
        return content.setdefault(_written_key(content, part), {})
    if isinstance(content, list) and part.isdecimal() and int(part) < len(content):
        return content[int(part)]
    raise ConfigError(Problem("leads nowhere in this file", path.name, key=key, hint=_reference_hint(content)))


def _written_key(content: dict[Any, Any], part: str) -> Any:
    """Return the key as ruamel holds it: our keys are text as written, ruamel's `1:` is a number."""
    return next((key for key in content if str(key) == part), part)


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
