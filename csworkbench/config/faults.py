"""What pydantic found wrong, as problems a reader can act on: one for each fault, at its place, in plain English."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from csworkbench.config.documents import Node, typed
from csworkbench.config.kinds import (
    Kind,
    Slot,
    either,
    field_slots,
    fields,
    fitting,
    item_slot,
    phrase,
    slot,
    tags_of,
    words,
)
from csworkbench.config.sections import Section, SettingError
from csworkbench.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]

_SECRET_WORDS = {"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "credential", "credentials"}
_REFERENCE = re.compile(r"env:[A-Za-z_]\w*")
_SECRET_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key")}
_CREDENTIALS_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_BUILT_IN = frozenset(get_args(ErrorType)) - {"custom_error"}
_SHOWN_TEXT = 60
_SHOWN_KEYS = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a value, before it has a place.

    Args:
        path: Keys and indexes from the top of the config.
        message: What is wrong.
        hint: What to do.
        kind: pydantic's name of the error, or "".
    """

    path: Path
    message: str
    hint: str = ""
    kind: str = ""


def data_of(node: Node) -> Any:
    """Return a node as plain JSON data.

    Args:
        node: Any value.

    Returns:
        Scalars, lists and dicts.
    """
    if isinstance(node.value, dict):
        return {key: data_of(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [data_of(value) for value in node.value]
    return node.value


def validated(model: type[Section], node: Node) -> tuple[Section | None, list[Problem]]:
    """Return the section a node holds, or everything that is wrong with it.

    Args:
        model: Section to build.
        node: Top of the resolved file.

    Returns:
        The section, None where it has problems; a node whose problem is already told adds none.
    """
    secrets = [_placed(node, fault) for fault in _secrets(slot(model), node, ())]
    try:
        section = model.model_validate_json(json.dumps(data_of(node)), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        faults = _without_echoes(list(_faults(slot(model), error, node, ())))
        faults = [fault for fault in faults if not _at(node, fault.path).is_broken]
        newer = [fault for fault in faults if fault.kind == "newer"]
        return None, [*secrets, *(_placed(node, fault) for fault in newer or faults)]
    return (None, secrets) if secrets else (section, [])


def step(accepts: Slot, node: Node | None, key: str | int) -> tuple[Slot, Node | None]:
    """Return what one key further down is accepted, and the value there.

    Args:
        accepts: What this place accepts.
        node: Value at this place, if there is one.
        key: Key or index.

    Returns:
        Slot (empty for an unknown key) and node (None where nothing is).
    """
    kind = fitting(accepts, node)
    below = _child(node, key)
    if kind is None:
        return Slot(()), below
    if kind.is_section:
        return field_slots(kind.type).get(str(key), Slot(())), below
    if kind.is_list or kind.is_mapping:
        return item_slot(kind, key if isinstance(key, int) else 0), below
    return Slot(()), below


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as a dotted key.

    Args:
        path: Keys and indexes.

    Returns:
        For example "bands.1.low".
    """
    return ".".join(str(part) for part in path)


def _child(node: Node | None, key: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, list) and isinstance(key, int) and 0 <= key < len(node.value):
        return node.value[key]
    return None


def _at(node: Node, path: Path) -> Node:
    """Return the node at a path, or the last one on the way to it."""
    for part in path:
        below = _child(node, part)
        if below is None:
            return node
        node = below
    return node


def _placed(top: Node, fault: Fault) -> Problem:
    """Return the problem of a fault: at its key, or at the nearest place above it, with its key within its file."""
    node, place, start = top, (top.file, top.line, top.column), 0
    for depth, part in enumerate(fault.path):
        below = _child(node, part)
        if below is None:
            break
        place = (below.file, below.line, below.column)
        if isinstance(node.value, dict) and not below.is_file:
            place = node.keys.get(str(part), place)
        start = depth + 1 if below.is_file else start
        node = below
    if place[1] is None:
        start = 0  # an override names the key from the top, whatever file it changes
    return Problem(fault.message, *place, key=dotted(fault.path[start:]), hint=fault.hint)


def _faults(accepts: Slot, error: ValidationError, node: Node, base: Path) -> Iterator[Fault]:
    unions: set[Path] = set()
    for detail in error.errors(include_url=False):
        path, found, at, is_union = _trace(accepts, detail["loc"], node)
        if not is_union:
            yield from _described(found, detail, at, (*base, *path))
        elif path not in unions:
            unions.add(path)
            yield from _union_faults(found, at, (*base, *path))


def _trace(accepts: Slot, loc: Path, node: Node | None) -> tuple[Path, Slot, Node | None, bool]:
    """Return pydantic's place as a path of real keys; it stops where a value has several kinds to choose from."""
    path: Path = ()
    rest = list(loc)
    while rest and accepts.kinds:
        if len(accepts.real) > 1:
            if not accepts.is_tagged:
                return path, accepts, node, True
            tag = rest.pop(0)
            accepts = Slot(tuple(kind for kind in accepts.real if _has_tag(kind, tag))[:1])
            continue
        if accepts.real and accepts.real[0].is_mapping and len(rest) > 1 and rest[1] == "[key]":
            return (*path, rest[0]), Slot((Kind(get_args(accepts.real[0].type)[0]),)), Node(str(rest[0])), False
        if not accepts.real or not (
            accepts.real[0].is_section or accepts.real[0].is_list or accepts.real[0].is_mapping
        ):
            break
        key = rest.pop(0)
        path = (*path, key)
        if rest or _is_known(accepts, key):
            accepts, node = step(accepts, node, key)
    return path, accepts, node, len(accepts.real) > 1 and not accepts.is_tagged


def _is_known(accepts: Slot, key: str | int) -> bool:
    """Say whether a key is one of the section; the section itself explains an unknown one."""
    return not accepts.real[0].is_section or str(key) in fields(accepts.real[0].type)


def _has_tag(kind: Kind, tag: object) -> bool:
    if not kind.is_section:
        return False
    return any(tag in get_args(field.annotation) for field in fields(kind.type).values())


def _union_faults(accepts: Slot, node: Node | None, path: Path) -> Iterator[Fault]:
    kind = fitting(accepts, node)
    if kind is not None and node is not None:
        try:
            annotation: Any = Annotated[kind.type, *kind.marks] if kind.marks else kind.type
            TypeAdapter(annotation).validate_json(json.dumps(data_of(node)), strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            yield from _faults(Slot((kind,)), error, node, path)
            return
    yield _tag_fault(accepts, node, path)


def _mismatch(accepts: Slot, node: Node | None, path: Path) -> Fault:
    message = f"must be {phrase(accepts)}; found {found_text(node, path)}"
    return Fault(path, message, _hint(accepts, node), "mismatch")


def _described(accepts: Slot, detail: "ErrorDetails", node: Node | None, path: Path) -> Iterator[Fault]:
    kind = detail["type"]
    context = detail.get("ctx", {})
    cause = context.get("error")
    if kind == "missing":
        yield Fault(path, f"is missing; it must be {phrase(accepts)}", kind=kind)
    elif kind == "extra_forbidden":
        yield _unknown_key(accepts, path)
    elif isinstance(cause, SettingError):
        for key, message in cause.faults.items():
            below = tuple(int(part) if part.isdigit() else part for part in key.split(".") if part)
            yield Fault((*path, *below), message, kind=kind)
    elif kind in ("value_error", "assertion_error"):
        yield Fault(path, str(cause) if cause else detail["msg"], kind=kind)
    elif path in (("version",), ("schema",)) and kind == "literal_error" and node is not None:
        yield _version(accepts, node, path)
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        yield _tag_fault(accepts, node, path)
    elif kind == "too_short" and node is not None and len(data_of(node)) >= context["min_length"]:
        return  # pydantic does not count items that have a fault of their own
    elif kind in _BUILT_IN and accepts.kinds:
        yield _mismatch(accepts, node, path)
    else:
        yield Fault(path, detail["msg"], kind=kind)


def _unknown_key(accepts: Slot, path: Path) -> Fault:
    known = list(fields(accepts.real[0].type)) if accepts.real and accepts.real[0].is_section else []
    shown = ", ".join(known[:_SHOWN_KEYS]) + (
        f" and {len(known) - _SHOWN_KEYS} more" if len(known) > _SHOWN_KEYS else ""
    )
    hint = did_you_mean(str(path[-1]), known, f"known keys: {shown}" if known else "no keys are known here")
    return Fault(path, "unknown key", hint, "extra_forbidden")


def _version(accepts: Slot, node: Node, path: Path) -> Fault:
    known = [number for kind in accepts.real for number in get_args(kind.type) if isinstance(number, int)]
    if isinstance(node.value, int) and known and node.value > max(known):
        message = f"this file is of a newer version ({node.value}); this csworkbench reads version {either(known)}"
        return Fault(path, message, "update csworkbench", "newer")
    return _mismatch(accepts, node, path)


def _tag_fault(accepts: Slot, node: Node | None, path: Path) -> Fault:
    """Return the fault of a section whose variant is not named or not known, placed at its tag where it is written."""
    key, names = tags_of(accepts)
    if not key or node is None or not isinstance(node.value, dict):
        return _mismatch(accepts, node, path)
    tag, below = node.value.get(key), (*path, key)
    if tag is None:
        return Fault(path, f"'{key}' is missing; it must be {either(names)}", kind="missing")
    hint = did_you_mean(str(tag.value), [str(name) for name in names])
    return Fault(below, f"must be {either(names)}; found {found_text(tag, below)}", hint, "mismatch")


def _without_echoes(faults: list[Fault]) -> list[Fault]:
    """Drop "b is missing" where an unknown key beside it is b misspelt: one mistake, one problem."""
    meant = {
        (*fault.path[:-1], fault.hint.removeprefix("did you mean '").removesuffix("'?"))
        for fault in faults
        if fault.kind == "extra_forbidden"
    }
    return [fault for fault in dict.fromkeys(faults) if not (fault.kind == "missing" and fault.path in meant)]


def found_text(node: Node | None, path: Sequence[str | int] = ()) -> str:
    """Return what was found, short, on one line and without secrets.

    Args:
        node: Value; None = nothing there.
        path: Where it stands; its last key says whether it may be shown.

    Returns:
        For example "the text 'fourty'" or "a list of 3".
    """
    if node is None or node.value is None:
        return "nothing"
    if isinstance(node.value, dict):
        return f"a section with the keys {', '.join(list(node.value)[:5])}" if node.value else "an empty section"
    if isinstance(node.value, list):
        count = len(node.value)
        return f"a list of {count} item{'s' if count > 1 else ''}" if count else "an empty list"
    if (path and is_secret(str(path[-1]))) or _CREDENTIALS_IN_URL.search(node.source):
        return "a value that is not shown"
    if isinstance(node.value, str):
        cut = node.value[:_SHOWN_TEXT] + ("..." if len(node.value) > _SHOWN_TEXT else "")
        return f"the text {cut!r}"  # repr shows control and bidirectional characters as escapes
    return (node.source or str(node.value).lower())[:_SHOWN_TEXT]


def is_secret(key: str) -> bool:
    """Say whether a key names a secret, so that its value is never shown.

    Args:
        key: Key as written.

    Returns:
        True for "db_password", "apiKey"; False for "password_env", "tokens".
    """
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", key)]
    return bool(parts) and (parts[-1] in _SECRET_WORDS or tuple(parts[-2:]) in _SECRET_PAIRS)


def _secrets(accepts: Slot, node: Node, path: Path) -> Iterator[Fault]:
    """Yield every secret in clear text. Keys of a mapping to texts are data (a ticket topic "password"), not names."""
    hint = "write env:NAME, the name of an environment variable, and change the secret: it may have been read"
    if isinstance(node.value, dict):
        kind = fitting(accepts, node)
        are_names = kind is None or not kind.is_mapping or _holds_anything(kind)
        for key, value in node.value.items():
            if (
                are_names
                and is_secret(key)
                and isinstance(value.value, str | int | float)
                and value.value not in ("", None)
                and not _REFERENCE.fullmatch(str(value.value))
            ):
                yield Fault((*path, key), "a secret stands here in clear text", hint)
            else:
                yield from _secrets(step(accepts, node, key)[0], value, (*path, key))
    elif isinstance(node.value, list):
        for index, value in enumerate(node.value):
            yield from _secrets(step(accepts, node, index)[0], value, (*path, index))
    elif isinstance(node.value, str) and _CREDENTIALS_IN_URL.search(node.value):
        yield Fault(path, "a password stands in this address in clear text", hint)


def _holds_anything(kind: Kind) -> bool:
    """Say whether the values of a mapping are free JSON, such as the parameters of a notebook: its keys are names."""
    return any(item.is_mapping or item.type == "JsonValue" for item in item_slot(kind).kinds)  # it refers to itself


def _hint(accepts: Slot, node: Node | None) -> str:
    if node is None:
        return ""
    types = {kind.type for kind in accepts.real}
    if isinstance(node.value, str):
        meant = typed(node.value)
        if types & {int, float} and isinstance(meant, int | float) and not isinstance(meant, bool):
            return f"write {node.value} without quotes"
        if types & {int, float} and re.fullmatch(r"[-+]?0+[0-9]+", node.value):
            return f"write {int(node.value)}, without leading zeros"
        if float in types and re.fullmatch(r"[-+]?[0-9]+,[0-9]+", node.value):
            return f"write {node.value.replace(',', '.')}"
        if bool in types and node.value.lower() in ("yes", "on", "no", "off", "y", "n"):
            return f"write {'true' if node.value.lower() in ('yes', 'on', 'y') else 'false'}"
        return did_you_mean(node.value, words(accepts))
    if str in types and isinstance(node.value, bool | int | float):
        return f'put it in quotes: "{node.source}"' if node.source else "give it as text"
    return ""
