"""Every key of a config with its meaning, unit, bounds, default, value now and the line it was set on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from csworkbench.config.documents import Node
from csworkbench.config.faults import data_of
from csworkbench.config.kinds import Kind, Slot, field_slot, fields, fitting, item_slot, phrase, tag_of
from csworkbench.config.loading import default_node, load, resolved
from csworkbench.config.sections import Section

_SHOWN_VALUE = 80


@dataclass(frozen=True, slots=True)
class KeyDoc:
    """What there is to know about one key of a config.

    Args:
        key: Dotted; `*` stands for any item, `source(usage)` for one variant of a tagged section.
        type: What is allowed, in English.
        unit: What a number counts, "" for none.
        description: What it means.
        default: Value where the file says nothing; "" where there is none.
        value: Value now; the count of a list or section; "" for null or without a file.
        place: "file:line" where it is set; "" = default.
        tunable: A widget may change it.
        is_required: The file must set it.
    """

    key: str
    type: str
    unit: str
    description: str
    default: str
    value: str
    place: str
    tunable: bool
    is_required: bool = False


def describe(model: type[Section], path: Path | None, root: Path) -> list[KeyDoc]:
    """Return the keys of a config in the order of its model, nested ones after their parent.

    Args:
        model: Section the file holds.
        path: File whose values are shown; None = defaults only.
        root: Project root.

    Returns:
        One entry a key.

    Raises:
        ConfigError: The file is wrong.
    """
    if path is None:
        return list(_keys(model, "", None, ()))
    load(path, model, root)
    node, _ = resolved(path, model, root)
    return list(_keys(model, "", node, ()))


def _keys(model: type[Section], prefix: str, node: Node | None, trail: tuple[Any, ...]) -> Iterator[KeyDoc]:
    if node is None and model in trail:
        return  # a section that may hold itself
    values = node.value if node is not None and isinstance(node.value, dict) else {}
    for key, field in fields(model).items():
        below, place = values.get(key), ""
        if below is None and node is not None:
            below = default_node(field, "")
        elif node is not None and node.keys[key][1]:
            place = f"{node.keys[key][0]}:{node.keys[key][1]}"
        yield _entry(f"{prefix}{key}", field, below, place)
        yield from _nested(field_slot(field), f"{prefix}{key}", below, (*trail, model))


def _entry(key: str, field: FieldInfo, node: Node | None, place: str) -> KeyDoc:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = "" if field.is_required() else _text(field.get_default(call_default_factory=True))
    return KeyDoc(
        key=key,
        type=phrase(field_slot(field)),
        unit=str(extra.get("unit", "")),
        description=field.description or "",
        default=default,
        value="" if node is None else _text(data_of(node)),
        place=place,
        tunable=bool(extra.get("tunable", False)),
        is_required=field.is_required(),
    )


def _nested(accepts: Slot, key: str, node: Node | None, trail: tuple[Any, ...]) -> Iterator[KeyDoc]:
    if node is not None and node.value is None:
        return
    kind = fitting(accepts, node)
    if kind is not None:
        yield from _within(kind, key, node, trail)
        return
    for variant in accepts.real if node is None else ():
        tag = tag_of(variant)
        yield from _within(variant, f"{key}({tag})" if tag else key, None, trail)


def _within(kind: Kind, key: str, node: Node | None, trail: tuple[Any, ...]) -> Iterator[KeyDoc]:
    if kind.is_section:
        yield from _keys(kind.type, f"{key}.", node, trail)
    elif (kind.is_list or kind.is_mapping) and get_args(kind.type):
        items: dict[str, Node | None] = {"*": None}
        if node is not None and isinstance(node.value, dict):
            items = dict(node.value)
        elif node is not None and isinstance(node.value, list):
            items = {str(index): item for index, item in enumerate(node.value)}
        for index, (name, item) in enumerate(items.items()):
            yield from _nested(item_slot(kind, index), f"{key}.{name}", item, trail)


def _text(value: object) -> str:
    data = to_jsonable_python(value, by_alias=True)
    if data is None:
        return ""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) or (isinstance(data, list) and any(isinstance(item, dict | list) for item in data)):
        return f"{len(data)} {'key' if isinstance(data, dict) else 'item'}{'' if len(data) == 1 else 's'}"
    written = json.dumps(data, ensure_ascii=False)
    return written if len(written) <= _SHOWN_VALUE else written[: _SHOWN_VALUE - 3] + "..."
