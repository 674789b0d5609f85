"""Every sentence for a reader is a template that formats can fill."""

import ast
import string
from datetime import date

from csworkbench import formats
from csworkbench.estimates import Estimate, Message
from tests.house.places import sources


def templates():
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                yield f"{path}:{node.lineno}", node


def test_every_message_key_is_a_literal():
    assert [place for place, node in templates() if not isinstance(node.args[0], ast.Constant)] == []


def test_every_message_gives_exactly_the_values_its_template_names():
    wrong = []
    for place, node in templates():
        if any(keyword.arg is None for keyword in node.keywords):
            continue
        named = {name for _, name, _, _ in string.Formatter().parse(node.args[0].value) if name}
        if named != {keyword.arg for keyword in node.keywords}:
            wrong.append(place)
    assert wrong == []


SAMPLES = {
    "list": ["a", "b"],
    "date": date(2026, 9, 30),
    "estimate": Estimate(0.5, "share", 10, 0.4, 0.6, 0.95),
    "": "text",
    "word": "at_risk",
    "words": ["at_risk"],
}


def test_formats_can_fill_every_template():
    for place, node in templates():
        fields = [(name, spec or "") for _, name, spec, _ in string.Formatter().parse(node.args[0].value) if name]
        filled = formats.text(Message(node.args[0].value, {name: SAMPLES.get(spec, 1) for name, spec in fields}))
        assert filled, place
        assert "{" not in filled, place


def test_a_message_without_values_is_its_own_text():
    assert formats.text(Message("All is well")) == "All is well"
