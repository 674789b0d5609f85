"""The tests keep their own rules."""

import ast

from tests.house.places import ROOT


def calls(name):
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_expected_error_names_its_text():
    assert [place for place, node in calls("raises") if "match" not in {keyword.arg for keyword in node.keywords}] == []


def test_no_test_sleeps():
    assert [
        place
        for place, node in calls("sleep")
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "time"
    ] == []
