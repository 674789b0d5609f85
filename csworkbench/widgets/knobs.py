"""The settings of a config that may be turned: key, value, bounds, and how a reader finds them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from csworkbench.config import Section
from csworkbench.config.kinds import Kind, Slot, field_slot, item_slot, words
from csworkbench.formats import label

_NAMES = ("label", "title", "name", "id", "stage", "segment", "question", "kind")


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting that may be turned.

    Args:
        key: Dotted key.
        same: Keys that always have the same value.
        group: What it is one of, such as "Bands"; "" for a setting by itself.
        label: Which one it is.
        description: What it means, with its unit.
        value: Value now, in JSON types.
        kind: number, whole (number), flag, choice or text (YAML).
        bounds: Lowest and highest number; None = no limit. Of text there are none.
        is_open: Whether the lowest and the highest number themselves are refused.
        choices: Words that are allowed.
    """

    key: str
    same: tuple[str, ...]
    group: str
    label: str
    description: str
    value: Any
    kind: Literal["number", "whole", "flag", "choice", "text"]
    bounds: tuple[float | None, float | None] = (None, None)
    is_open: tuple[bool, bool] = (False, False)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """One step down a config: the key, how a reader calls it ("" = not at all), and whether it leads to one of many."""

    key: str
    name: str
    is_item: bool = False


def knobs(config: Section) -> tuple[Knob, ...]:
    """Return the settings that may be turned, in the order of the config.

    Args:
        config: The settings; lists and mappings are followed to what is in them.
    """
    return tuple(_of_section(config, (), None))


def _of_section(section: Section, trail: tuple[_Step, ...], before: str | None) -> Iterator[Knob]:
    for name, field in type(section).model_fields.items():
        value, step = getattr(section, name), _Step(field.alias or name, label(name))
        marks = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        if not marks.get("tunable"):
            yield from _below(value, (*trail, step))
        elif all(kind.is_section for kind in field_slot(field).real):
            yield from _numbers(value, (*trail, _Step(step.key, "")))
        elif (each := _number_in(field, value)) is not None:
            is_item = not any(above.is_item for above in trail)  # a mapping within one of many does not part it again
            for key, number in value.items():
                yield _knob(field, number, (*trail, step, _Step(key, key, is_item)), (), each)
        elif not marks.get("same_as"):
            yield _knob(field, value, (*trail, step), ())
        elif before is not None:
            yield _knob(field, value, (*trail, step), (f"{before}.{marks['same_as']}",))


def _number_in(field: FieldInfo, value: Any) -> Slot | None:
    """Return what a number of a mapping accepts; None where it is no mapping of numbers, or holds nothing yet."""
    kinds = field_slot(field).real
    if not value or len(kinds) > 1 or not kinds[0].is_mapping or any("." in key for key in value):  # dots part keys
        return None
    each = item_slot(kinds[0])
    return each if [kind.type for kind in each.kinds] in ([int], [float]) else None


def _numbers(value: Any, trail: tuple[_Step, ...]) -> Iterator[Knob]:
    """Yield every number that is written in a tree such as a condition; what it is of names it."""
    if isinstance(value, tuple):
        for place, each in enumerate(value):
            yield from _numbers(each, (*trail, _Step(str(place), "")))
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            found, key = getattr(value, name), field.alias or name
            if isinstance(found, int | float) and not isinstance(found, bool) and len(field_slot(field).real) == 1:
                of = label(str(getattr(value, "attribute", None) or "")).lower()
                accepts = Slot(field_slot(field).real)  # a number that is written stays one, even if it may be absent
                yield _knob(field, found, (*trail, _Step(key, f"{of}, {label(key).lower()}")), (), accepts)
            else:
                yield from _numbers(found, (*trail, _Step(key, "")))


def _below(value: Any, trail: tuple[_Step, ...]) -> Iterator[Knob]:
    if isinstance(value, Section):
        yield from _of_section(value, trail, None)
    items: Sequence[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list | tuple):
        items = [(str(place), each) for place, each in enumerate(value)]
    before = None
    for key, each in items:
        if isinstance(each, Section) and "." not in key:  # dots part keys
            called = key if isinstance(value, Mapping) else _name(each, key)
            here = (*trail, _Step(key, called, is_item=True))
            yield from _of_section(each, here, before)
            before = _dotted(here)


def _name(section: Section, key: str) -> str:
    return str(next((found for name in _NAMES if (found := getattr(section, name, None))), int(key) + 1))


def _dotted(trail: Sequence[_Step]) -> str:
    return ".".join(step.key for step in trail)


def _knob(
    field: FieldInfo, value: Any, trail: tuple[_Step, ...], same: tuple[str, ...], accepts: Slot | None = None
) -> Knob:
    """Return the setting at the end of a trail: all that a field accepts, or what is said of a part of it."""
    # What it is one of ends where the last list or mapping begins.
    at = max((place for place, step in enumerate(trail) if step.is_item), default=0)
    owners = [step.name for step in trail[:at] if step.is_item]
    group = [*owners, trail[at - 1].name.lower() if owners else trail[at - 1].name] if at else []
    rest = [
        step.name if step.is_item or place == at else step.name.lower()
        for place, step in enumerate(trail[at:], at)
        if step.name
    ]
    marks = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = f" ({marks['unit']})" if marks.get("unit") else ""
    accepts = accepts or field_slot(field)
    kind = accepts.kinds[0] if len(accepts.kinds) == 1 else Kind(None)
    limits, is_open = _limits(kind)
    return Knob(
        key=_dotted(trail),
        same=same,
        group=": ".join(group),
        label=": ".join(rest),
        description=f"{field.description}{unit}",
        value=to_jsonable_python(value, by_alias=True),
        kind=_kind(kind),
        bounds=limits,
        is_open=is_open,
        choices=tuple(words(accepts)),
    )


def _kind(kind: Kind) -> Literal["number", "whole", "flag", "choice", "text"]:
    if kind.type is bool:
        return "flag"
    if kind.type is int:
        return "whole"
    if kind.type is float:
        return "number"
    is_enum = isinstance(kind.type, type) and issubclass(kind.type, Enum)
    return "choice" if is_enum or get_origin(kind.type) is Literal else "text"


def _limits(kind: Kind) -> tuple[tuple[float | None, float | None], tuple[bool, bool]]:
    marks: dict[type, Any] = {type(mark): mark for mark in kind.marks}
    at_least, above, at_most, below = (marks.get(each) for each in (Ge, Gt, Le, Lt))
    low = above.gt if above else at_least.ge if at_least else None
    high = below.lt if below else at_most.le if at_most else None
    return (low, high), (above is not None, below is not None)
