"""Notebooks follow the cell grammar: they load, prepare, analyze and show; the logic lives in the package."""

import ast
import json
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise

import pytest

from tests.house.places import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMETERS = ["workspace", "config", "as_of", "output_dir", "overrides"]
FORBIDDEN = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.If, ast.For, ast.While, ast.Try, ast.With, ast.IfExp)


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def code(path):
    return ["".join(cell["source"]) for cell in cells(path, "code")]


def needs_another(name):
    return find_spec(f"csworkbench.analyses.{name}") is not None and bool(
        import_module(f"csworkbench.analyses.{name}").NEEDS
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_at_most_12_code_cells_of_8_lines_and_no_logic(path):
    sources = code(path)
    assert len(sources) <= 12
    assert [source for source in sources if len(source.splitlines()) > 8] == []
    assert [
        type(node).__name__ for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, FORBIDDEN)
    ] == []
    assert not any(word in source for source in sources for word in ("import pandas", "groupby", ".merge("))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_is_a_title_with_its_question_and_readers(path):
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    text = "".join(first["source"])
    assert first["cell_type"] == "markdown"
    assert text.startswith("# ")
    assert "?" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_parameters_cell_holds_the_five_literals_with_a_comment_each(path):
    tagged = [cell for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    lines = "".join(tagged[0]["source"]).splitlines()
    assert [line.split(" = ")[0] for line in lines] == PARAMETERS
    assert all("#" in line for line in lines)
    for node in ast.parse("\n".join(lines)).body:
        ast.literal_eval(node.value)


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem != "start_here"], ids=lambda path: path.stem)
def test_load_comes_before_prepare_before_analyze_before_conclude(path):
    joined = "\n".join(code(path))
    order = [
        joined.index(step) for step in ("session.start(", ".prepare(", ".analyze(", "desk.show(", "desk.conclude(")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_there_and_hold_no_error_and_no_path_of_a_machine(path):
    outputs = [output for cell in cells(path, "code") for output in cell["outputs"]]
    assert outputs, "run make notebooks"
    text = json.dumps(outputs)
    assert not any(output["output_type"] == "error" for output in outputs)
    assert str(ROOT) not in text
    assert "/home/" not in text
    assert " at 0x" not in text


# Where no run is stored, a result that is needed is computed in place, and a line on stderr says so.
READERS = [
    path for path in NOTEBOOKS if "is_whole=True" in path.read_text(encoding="utf-8") or needs_another(path.stem)
]


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_outputs_do_not_depend_on_what_was_run_before(path):
    computing = [cell for cell in cells(path, "code") if ".prepare(" in "".join(cell["source"])]
    assert [cell["metadata"].get("tags") for cell in computing] == [["nbval-ignore-output"]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_chart_follows_a_sentence_that_says_what_to_look_for(path):
    all_cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for before, cell in pairwise(all_cells):
        if cell["cell_type"] == "code" and "charts." in "".join(cell["source"]):
            assert before["cell_type"] == "markdown"
