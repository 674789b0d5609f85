"""Every config key says what it means; every number says its bounds."""

import importlib
import pkgutil

import pytest

import csworkbench
from csworkbench.config import Section


def sections():
    for module in pkgutil.walk_packages(csworkbench.__path__, "csworkbench."):
        if not module.name.startswith("csworkbench.cli"):
            importlib.import_module(module.name)
    found, waiting = [], [Section]
    while waiting:
        children = [child for child in waiting.pop().__subclasses__() if child.__module__.startswith("csworkbench")]
        found += children
        waiting += children
    return sorted(set(found), key=lambda section: section.__qualname__)


SECTIONS = sections()


def number_schemas(schema):
    """Every schema of a bare number in a field's schema, through unions and lists."""
    if schema.get("type") in {"integer", "number"} and "enum" not in schema and "const" not in schema:
        yield schema
    for part in [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("prefixItems", [])]:
        yield from number_schemas(part)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__qualname__)
def test_every_key_of_a_section_is_described(section):
    assert [name for name, field in section.model_fields.items() if not (field.description or "").strip()] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__qualname__)
def test_every_number_of_a_section_is_bounded(section):
    unbounded = [
        name
        for name, schema in section.model_json_schema().get("properties", {}).items()
        for number in number_schemas(schema)
        if not {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} & set(number)
    ]
    assert unbounded == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__qualname__)
def test_a_section_is_frozen_and_refuses_unknown_keys(section):
    assert section.model_config["frozen"]
    assert section.model_config["extra"] == "forbid"
