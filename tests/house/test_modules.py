"""Modules stay small, functions short, names in the field's words."""

import ast
import re
import statistics
import sys

from tests.house.places import PACKAGE, ROOT, body_lines, functions, sources

BANNED_STEMS = {"utils", "util", "helpers", "helper", "common", "misc"}
UNSAFE = re.compile(r"\b(pickle|joblib|eval\(|exec\(|yaml\.load\(|shell=True|\.style\b)")


def test_no_module_is_longer_than_400_lines():
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path, _ in sources()}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_no_function_body_is_longer_than_60_lines_and_half_have_at_most_8():
    lengths = {f"{path}:{item.name}": body_lines(item) for path, tree in sources() for item in functions(tree)}
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert statistics.median(lengths.values()) <= 8


def test_no_function_takes_more_than_five_positional_parameters():
    wide = [
        f"{path}:{item.name}"
        for path, tree in sources()
        for item in functions(tree)
        if len([name for name in item.args.posonlyargs + item.args.args if name.arg not in {"self", "cls"}]) > 5
    ]
    assert wide == []


def test_names_are_nouns_of_the_subject_and_no_standard_library_module():
    names = {path.stem for path, _ in sources()} - {"__init__"}
    assert names & BANNED_STEMS == set()
    assert names & set(sys.stdlib_module_names) == set()
    assert [name for name in names if name.startswith("test_") or name.endswith("_test")] == []


def test_nothing_unsafe_is_called():
    hits = [
        f"{path}: {match.group()}"
        for path, _ in sources()
        for match in UNSAFE.finditer((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert hits == []


def test_exceptions_are_caught_broadly_only_where_notebooks_are_run_and_at_the_door():
    allowed = {"runner", "cli"}
    broad = [
        str(path)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not allowed & set(path.parts)
    ]
    assert broad == []


def test_every_module_has_a_test_file_of_its_stem():
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    tested |= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    stems = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir()}
    stems = {stem for stem in stems if not stem.startswith("_") and stem not in {"analyses", "templates", "py"}}
    assert stems - tested == set()
