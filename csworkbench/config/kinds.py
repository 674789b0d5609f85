"""What a field accepts, read from its annotation: its kinds, the one that fits a value, and how to say it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from csworkbench.config.documents import Node
from csworkbench.config.sections import FromFile, FromFolder, Section

_NAMES = {
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    date: ("a date such as 2026-09-30", "dates such as 2026-09-30"),
    datetime: ("an instant such as 2026-09-30T12:00:00Z", "instants such as 2026-09-30T12:00:00Z"),
    time: ("a time such as 12:30:00", "times such as 12:30:00"),
    NoneType: ("nothing", "nothing"),
}
_SHOWN_WORDS = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One alternative of an annotation: a concrete type with its constraints.

    Args:
        type: Type without Annotated, Union or alias around it.
        marks: Constraints and markers of `Annotated` and `Field`.
    """

    type: Any
    marks: tuple[Any, ...] = ()

    @property
    def is_section(self) -> bool:
        """Whether it is a nested config."""
        return isinstance(self.type, type) and issubclass(self.type, Section)

    @property
    def is_list(self) -> bool:
        """Whether it is written as a YAML list."""
        origin = get_origin(self.type) or self.type
        return isinstance(origin, type) and not issubclass(origin, str) and issubclass(origin, Sequence | Set)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping of free keys."""
        origin = get_origin(self.type) or self.type
        return isinstance(origin, type) and issubclass(origin, Mapping)

    @property
    def from_file(self) -> bool:
        """Whether a path may stand in its place."""
        return any(isinstance(mark, FromFile) for mark in self.marks)

    @property
    def from_folder(self) -> FromFolder | None:
        """The marker, where the path of a folder stands in its place."""
        return next((mark for mark in self.marks if isinstance(mark, FromFolder)), None)


@dataclass(frozen=True, slots=True)
class Slot:
    """Everything one place of a config accepts.

    Args:
        kinds: Alternatives, in order.
        is_tagged: A key of the value says which one is meant, and pydantic puts its value into error places.
    """

    kinds: tuple[Kind, ...]
    is_tagged: bool = False

    @property
    def real(self) -> tuple[Kind, ...]:
        """The alternatives apart from None."""
        return tuple(kind for kind in self.kinds if kind.type is not NoneType)


def slot(annotation: Any, marks: Sequence[Any] = ()) -> Slot:
    """Return what an annotation accepts.

    Args:
        annotation: Any annotation of a field.
        marks: Constraints that apply to it from outside.

    Returns:
        Its alternatives, flat.
    """
    if hasattr(annotation, "__value__"):
        return slot(annotation.__value__, marks)
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *own = get_args(annotation)
        spread = [mark for each in own for mark in ([each, *each.metadata] if isinstance(each, FieldInfo) else [each])]
        return slot(inner, [*spread, *marks])
    if origin in (Union, UnionType):
        parts = [slot(part, marks) for part in get_args(annotation)]
        is_tagged = any(getattr(mark, "discriminator", None) for mark in marks)
        if len([part for part in parts if part.real]) == 1:  # X | None: None adds no level to pydantic's places
            is_tagged = any(part.is_tagged for part in parts)
        return Slot(tuple(kind for part in parts for kind in part.kinds), is_tagged)
    return Slot((Kind(annotation, tuple(marks)),))


def field_slot(field: FieldInfo) -> Slot:
    """Return what a field of a Section accepts.

    Args:
        field: One of `model_fields`.

    Returns:
        Its alternatives.
    """
    return slot(field.annotation, [field, *field.metadata])


def fields(model: type[Section]) -> dict[str, FieldInfo]:
    """Return the fields of a Section by the key that a file uses.

    Args:
        model: Section.

    Returns:
        Key (alias where there is one) -> field.
    """
    return {field.alias or name: field for name, field in model.model_fields.items()}


@cache
def field_slots(model: type[Section]) -> Mapping[str, Slot]:
    """Return what the fields of a Section accept.

    Args:
        model: Section.

    Returns:
        Key (alias where there is one) -> alternatives.
    """
    return {key: field_slot(field) for key, field in fields(model).items()}


def item_slot(kind: Kind, index: int = 0) -> Slot:
    """Return what the items of a list or the values of a mapping accept.

    Args:
        kind: A list, tuple, set or mapping.
        index: Position, for tuples whose items differ.

    Returns:
        Alternatives of one item.
    """
    parts = get_args(kind.type)
    if kind.is_mapping:
        return slot(parts[1] if len(parts) > 1 else Any)
    if get_origin(kind.type) is tuple and len(parts) > 1 and parts[-1] is not Ellipsis:
        return slot(parts[min(index, len(parts) - 1)])
    return slot(parts[0] if parts else Any)


def fitting(accepts: Slot, node: Node | None) -> Kind | None:
    """Return the one alternative a value is meant to be.

    Args:
        accepts: What the place accepts.
        node: Value; None = nothing is known of it.

    Returns:
        The only alternative, or the section whose tags match, or the list or mapping; None where it stays open.
    """
    real = accepts.real
    if len(real) == 1:
        return real[0]
    if node is None:
        return None
    if isinstance(node.value, list):
        return next((kind for kind in real if kind.is_list), None)
    if not isinstance(node.value, dict):
        return None
    scored = [(score, kind) for kind in real if kind.is_section and (score := _likeness(kind.type, node.value)) >= 0]
    if scored:
        return max(scored, key=lambda pair: pair[0])[1]
    return next((kind for kind in real if kind.is_mapping), None)


def _likeness(model: type[Section], value: Mapping[str, Node]) -> int:
    """Return how many keys a mapping shares with a section, its tags counting most; -1 where a tag is another's."""
    score = 0
    for key, field in fields(model).items():
        if key not in value:
            continue
        score += 1
        if get_origin(field.annotation) is Literal:
            if value[key].value not in get_args(field.annotation):
                return -1
            score += 1_000
    return score


def phrase(accepts: Slot, *, is_many: bool = False) -> str:
    """Return what a place accepts, in English.

    Args:
        accepts: Its alternatives.
        is_many: Say it of many.

    Returns:
        For example "a whole number from 0 to 100" or "'email', 'phone' or nothing".
    """
    key, tags = tags_of(accepts)
    parts = [_kind_phrase(kind, is_many) for kind in accepts.kinds if not (tags and kind.is_section)]
    if tags:
        parts.insert(0, f"{'sections' if is_many else 'a section'} whose '{key}' is {either(tags)}")
    parts = list(dict.fromkeys(parts))
    return (", or " if any(" or " in part for part in parts[:-1]) else " or ").join(parts)


def either(words: Sequence[object]) -> str:
    """Return words in quotes as a choice.

    Args:
        words: Allowed values.

    Returns:
        For example "'a', 'b' or 'c'".
    """
    shown = [f"'{word}'" if isinstance(word, str) else _yaml_word(word) for word in words]
    if len(shown) > _SHOWN_WORDS:
        return f"one of {', '.join(shown[:_SHOWN_WORDS])} and {len(shown) - _SHOWN_WORDS} more"
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def words(accepts: Slot) -> list[str]:
    """Return the closed vocabulary of a place.

    Args:
        accepts: Its alternatives.

    Returns:
        All allowed texts of its Literals and enums.
    """
    found = [word for kind in accepts.kinds for word in _vocabulary(kind.type)]
    return [word for word in found if isinstance(word, str)]


def tag_of(kind: Kind) -> str:
    """Return the word that says "this variant" in a tagged section.

    Args:
        kind: One alternative.

    Returns:
        Its tag, "" where it has none.
    """
    tags = _tags(kind.type) if kind.is_section else []
    return str(tags[0]) if tags else ""


def tags_of(accepts: Slot) -> tuple[str, list[object]]:
    """Return the key that tells the variants of a tagged section apart, and its values.

    Args:
        accepts: Alternatives.

    Returns:
        Such as ("kind", ["usage", "tickets"]); ("", []) where they are not told apart by one key.
    """
    sections = [kind.type for kind in accepts.real if kind.is_section]
    keys = {_tag_key(model) for model in sections}
    if len(sections) < 2 or len(keys) != 1 or "" in keys:
        return "", []
    return keys.pop(), [tag for model in sections for tag in _tags(model)]


def _vocabulary(annotation: Any) -> list[object]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return []


def _tag_key(model: type[Section]) -> str:
    return next((key for key, field in fields(model).items() if get_origin(field.annotation) is Literal), "")


def _tags(model: type[Section]) -> list[object]:
    key = _tag_key(model)
    return list(get_args(fields(model)[key].annotation)) if key else []


def _kind_phrase(kind: Kind, is_many: bool) -> str:
    vocabulary = _vocabulary(kind.type)
    if vocabulary:
        return either(vocabulary)
    if kind.is_section:
        return _section_phrase(kind, is_many)
    if kind.from_folder:
        return "the path of a folder"
    if kind.is_mapping:
        return f"{'mappings' if is_many else 'a mapping'} of names to {phrase(item_slot(kind), is_many=True)}"
    if kind.is_list:
        items = phrase(item_slot(kind), is_many=True)
        length = _length(kind)
        return f"{'lists' if is_many else 'a list'} of {length + ' ' if length else ''}{items}"
    name = _NAMES.get(kind.type, ("a value", "values") if kind.type is Any else (f"a {kind.type}",) * 2)[is_many]
    # Bounds that are given beside an alternative hold for what has a size.
    bounds = "" if kind.type is NoneType else _range(kind)
    return " ".join(part for part in (name, bounds, _text_rule(kind, is_many)) if part)


def _section_phrase(kind: Kind, is_many: bool) -> str:
    if kind.from_file:
        return "paths of files or sections" if is_many else "the path of a file or a section"
    keys = list(fields(kind.type))
    shown = ", ".join(f"'{key}'" for key in keys[:_SHOWN_WORDS])
    return f"{'sections' if is_many else 'a section'} with the key{'s' if len(keys) > 1 else ''} {shown}"


def _limit(kind: Kind, name: str) -> Any:
    return next((getattr(mark, name) for mark in kind.marks if getattr(mark, name, None) is not None), None)


def _between(kind: Kind, names: tuple[str, str], *, least: str, most: str, both: str) -> str:
    low, high = (f"{limit:.15g}" if isinstance(limit, float) else limit for limit in (_limit(kind, n) for n in names))
    if low is not None and high is not None:
        return str(low) if low == high else both.format(low, high)
    if low is not None:
        return least.format(low)
    return "" if high is None else most.format(high)


def _length(kind: Kind) -> str:
    return _between(kind, ("min_length", "max_length"), least="{} or more", most="at most {}", both="{} to {}")


def _range(kind: Kind) -> str:
    opened = _between(kind, ("gt", "lt"), least="above {}", most="below {}", both="above {} and below {}")
    closed = _between(kind, ("ge", "le"), least="of at least {}", most="of at most {}", both="from {} to {}")
    return " and ".join(part for part in (opened, closed) if part)


def _text_rule(kind: Kind, is_many: bool) -> str:
    if kind.type is not str:
        return ""
    length = _length(kind)
    filled = "that are not empty" if is_many else "that is not empty"
    said = filled if length == "1 or more" else f"of {length} character{'' if length == '1' else 's'}"
    pattern = _limit(kind, "pattern")
    return " ".join(part for part in (said if length else "", f"that matches {pattern}" if pattern else "") if part)


def _yaml_word(word: object) -> str:
    if word is None:
        return "nothing"
    return str(word).lower() if isinstance(word, bool) else str(word)
