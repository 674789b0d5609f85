"""What a config is made of: the frozen base model, its documented fields, and references to other files."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.config import JsonDict
from pydantic_core import CoreSchema, to_jsonable_python

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Section(BaseModel):
    """Base of every config: frozen, and an unknown key is an error.

    Change one by validating again, never in place. Declare fields with `setting`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        # A text of a config is never shortened or changed on its way in: ids and codes stay as written.
        str_strip_whitespace=False,
    )


@dataclass(frozen=True, slots=True)
class FromFile:
    """Marker of a field that may stand in a file of its own: `Annotated[Scorecard, FromFile()]`.

    YAML then holds either the path of that file, relative to the project root, or the section itself. It works
    inside lists and mappings too: `list[Annotated[Scorecard, FromFile()]]`.
    """

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        path = {"type": "string", "description": "Path of a YAML file, relative to the project root."}
        return {"anyOf": [path, handler(schema)]}


@dataclass(frozen=True, slots=True)
class FromFolder:
    """Marker of a field that holds what the files of a folder say: `Annotated[dict[str, str], FromFolder()]`.

    YAML then holds the path of the folder, relative to the project root. The value is file name -> text as it stands
    there, so that one broken file is a matter of whoever reads the texts, and the digest changes with any of them.

    Args:
        pattern: Names of the files that are read.
        is_optional: The folder may be missing: it has no files then.
    """

    pattern: str = "*.yaml"
    is_optional: bool = False

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        return {"type": "string", "description": f"Path of a folder of {self.pattern}, relative to the project root."}


class SettingError(ValueError):
    """What a validator raises when it can say which keys are at fault; each becomes a problem with its own place.

    Args:
        faults: Key relative to the section (dotted, "" for the section itself) and what is wrong with it.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        if not faults:
            raise ValueError("a SettingError needs at least one fault")
        self.faults = dict(faults)
        super().__init__("; ".join(f"{key}: {message}" if key else message for key, message in faults.items()))


def setting(
    default: Any = ...,
    *,
    description: str,
    unit: str = "",
    label: str = "",
    better: str = "",
    tunable: bool = False,
    same_as: str = "",
    **constraints: Any,
) -> Any:
    """Return a documented field of a Section.

    Args:
        default: Value where the file says nothing; `...` makes the key required.
        description: What it means, one sentence.
        unit: What a number counts: "points", "days", "share" ...
        label: Name a reader sees; empty = made from the key.
        better: "higher" or "lower" where one direction is good.
        tunable: A widget may change it: only `analyze` uses it.
        same_as: Key of the item before this one in a list that always has the same value; both are changed together.
        constraints: Passed to pydantic's `Field`: ge, gt, le, lt, min_length, pattern, alias, default_factory ...

    Returns:
        A pydantic field.
    """
    marks: dict[str, str | bool] = {
        "unit": unit, "label": label, "better": better, "tunable": tunable, "same_as": same_as
    }  # fmt: skip
    extra: JsonDict = {name: mark for name, mark in marks.items() if mark}
    if "default_factory" not in constraints:
        constraints["default"] = default
    return Field(description=description, json_schema_extra=extra or None, **constraints)


def plain(section: Section) -> dict[str, Any]:
    """Return a section as JSON data with the key names of its file; the same for equal sections.

    Args:
        section: Any config.

    Returns:
        Mapping of JSON values; sets come as sorted lists.
    """
    data: dict[str, Any] = json.loads(json.dumps(section.model_dump(by_alias=True), default=_as_json))
    return data


def digest(section: Section) -> str:
    """Return the sha256 of a resolved config; equal values give equal digests, whatever file they came from.

    Args:
        section: Any config, defaults and referenced files filled in.

    Returns:
        64 hexadecimal digits.
    """
    canonical = json.dumps(without_zeros(plain(section)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def json_schema(model: type[Section]) -> dict[str, Any]:
    """Return the JSON Schema of a config file, for editors and other validators.

    Args:
        model: The Section a file is read into.

    Returns:
        Schema of draft 2020-12.
    """
    return {"$schema": SCHEMA_DIALECT, **model.model_json_schema(by_alias=True)}


def _as_json(value: object) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(to_jsonable_python(list(value)))
    return to_jsonable_python(value)


def without_zeros(data: Any) -> Any:
    """Return JSON data with 40.0 as 40: a default keeps the form its author typed, a value of a file its field's type.

    Args:
        data: Scalars, lists and dicts.
    """
    if isinstance(data, dict):
        return {key: without_zeros(value) for key, value in data.items()}
    if isinstance(data, list):
        return [without_zeros(value) for value in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
