"""A secret is in no byte of what a run writes, whatever its notebooks do with it."""

import json
from pathlib import Path

import pytest

from csworkbench import session
from csworkbench.cli import main
from csworkbench.errors import ConfigError
from csworkbench.planner.keys import secret_names
from csworkbench.runner.masking import hidden, masked
from csworkbench.store import Cell, NotebookFile
from tests.test_erasing import in_any_form

CANARY = 'kanarie<"7f3a&9c'
OTHER = "canary-in-the-mine-42"

MODULE = """
from dataclasses import dataclass
import pandas as pd
from csworkbench.config import Section, setting
from csworkbench.estimates import say

READS, READS_IF_PRESENT = ("accounts",), ()
NEEDS, NEEDS_IF_PRESENT = (), ()

class Config(Section):
    api_token: str = setting("", description="Where the key of the CRM is")

@dataclass(frozen=True)
class Inputs:
    accounts: pd.DataFrame

@dataclass(frozen=True)
class Result:
    headline: object
    tables: dict
    figures = {}
    caveats = ()
    actions = ()

def prepare(snapshot, config, upstream):
    return Inputs(snapshot.tables["accounts"].to_pandas())

def analyze(inputs, config, said=""):
    return Result(say("Counted {said}", said=said), {"rows": inputs.accounts.assign(note=said)})
"""
START = (
    'workspace = ""\nconfig = ""\nas_of = ""\noutput_dir = ""\noverrides = {}',
    "import os, sys, logging\nsys.path.insert(0, '.')\nfrom analyses import NAME\nfrom csworkbench import session",
    "desk = session.start(workspace, config, as_of, output_dir, overrides)\nconfig = desk.config(NAME)",
    "key = session.secret(config.api_token)\ninputs = NAME.prepare(desk.snapshot, config, {})",
)
SAYS = "print(key, repr(key))\nprint(key, file=sys.stderr)\nlogging.warning(key)\nkey"
ENDS = {
    # says it in every way, and delivers
    "says": (SAYS, "print(os.environ['CRM_PASSWORD'])", "desk.conclude(NAME.analyze(inputs, config))"),
    # ends in an error that says it
    "fails": (SAYS, "raise ValueError(f'no access with {key}')"),
    # writes it into its result
    "spills": ("desk.conclude(NAME.analyze(inputs, config, key))",),
    # dies with it in a warning
    "dies": ("import warnings\nwarnings.warn(key)", "os._exit(3)"),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose notebooks read a secret that the settings name, and its temporary folder."""
    root, scratch = tmp_path / "book", tmp_path / "tmp"
    for folder in (*(root / name for name in ("analyses", "configs", "notebooks", "data")), scratch):
        folder.mkdir(parents=True)
    (root / "workspace.yaml").write_text(
        "version: 1\nname: Nordbok\nas_of: 2026-06-30\nbatch: batch.yaml\ntables:\n  accounts: {path: data/a.csv}\n"
    )
    (root / "data" / "a.csv").write_text("account_id,name,signup_at\nA1,Kund,2026-01-10\n")
    (root / "batch.yaml").write_text("version: 1\nnotebooks:\n" + "".join(f"  - {{name: {name}}}\n" for name in ENDS))
    for name, ends in ENDS.items():
        (root / "analyses" / f"{name}.py").write_text(MODULE)
        (root / "configs" / f"{name}.yaml").write_text("api_token: env:CSW_CANARY\n")
        cells = [
            {"cell_type": "code", "metadata": {"tags": [] if n else ["parameters"]}}
            | {"source": source.replace("NAME", name), "id": f"c{n}", "outputs": [], "execution_count": None}
            for n, source in enumerate((*START, *ends))
        ]
        data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (root / "notebooks" / f"{name}.ipynb").write_text(json.dumps(data))
    monkeypatch.setenv("CSW_CANARY", CANARY)
    monkeypatch.setenv("CRM_PASSWORD", OTHER)
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.chdir(root)
    return tmp_path


def holders(folder: Path) -> list[str]:
    """Return the files in which a secret is found, in any form."""
    found = [(path, in_any_form(path)) for path in folder.rglob("*") if path.is_file()]
    forms = [form for secret in (CANARY, OTHER) for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])]
    return [str(path) for path, text in found if any(form in text for form in [*forms, "7f3a&", "7f3a%26"])]


def test_a_secret_is_in_no_byte_of_a_run(project, capsys):
    assert main(["run", "--jobs", "2"]) == 1
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    assert OTHER not in said.out + said.err
    assert holders(project) == []
    latest = project / "book" / "outputs" / "latest"
    record = json.loads((latest / "run.json").read_text("utf-8"))
    found = {
        item["name"]: (item["status"], item["failure"] and item["failure"]["kind"]) for item in record["notebooks"]
    }
    assert found == {
        "says": ("ok", None),
        "fails": ("failed", "error"),
        "spills": ("failed", "secret"),
        "dies": ("failed", "dead_kernel"),
    }
    reasons = {item["name"]: item["reason"] for item in record["notebooks"]}
    assert "no access with env:CSW_CANARY" in reasons["fails"]
    assert "result.json held the value of env:CSW_CANARY" in reasons["spills"]
    assert "env:CRM_PASSWORD" in (latest / "says" / "notebook.ipynb").read_text("utf-8")
    assert [path.name for path in (latest.parents[0] / "store").iterdir()] == [record["notebooks"][0]["key"]]


def test_a_secret_typed_into_a_command_is_refused_and_not_told(project, capsys):
    assert main(["run", "says", "--set", f"says.api_token={CANARY}"]) == 2
    said = capsys.readouterr()
    assert "in clear text" in said.err
    assert CANARY not in said.out + said.err
    assert holders(project) == []


def test_names_of_secrets_are_found_in_cells_and_settings_and_by_what_they_are_called(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "x")
    monkeypatch.setenv("MY_KEYBOARD", "x")
    notebook = NotebookFile(Path("a.ipynb"), (Cell(1, "code", "session.secret('env:IN_CELL')", (), ""),), "python3", {})
    found = secret_names(notebook, {"a": ["env:IN_CONFIG", "env:", "henv:NOT"]})
    assert {"IN_CELL", "IN_CONFIG", "MY_API_KEY"} <= set(found)
    assert not {"MY_KEYBOARD", "NOT"} & set(found)


def test_a_value_is_masked_in_every_form_and_short_ones_and_words_are_left():
    stands_for = hidden(["A", "B", "C", "D"], {"A": "p<q>rst1", "B": "short1", "C": "p<q>rst1-longer", "D": "postgres"})
    data = {"x": ["p<q>rst1", "p&lt;q&gt;rst1", "p%3Cq%3Erst1", "p<q>rst1-longer", 3], "y": "short1 postgres"}
    assert masked(data, stands_for) == {"x": ["env:A", "env:A", "env:A", "env:C", 3], "y": "short1 postgres"}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("hunter2", "written as env:NAME"),
        ("env:", "written as env:NAME"),
        ("env:NOT_THERE_9", "NOT_THERE_9 is not set"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_and_not_told(reference, said):
    with pytest.raises(ConfigError, match=said) as caught:
        session.secret(reference)
    assert "hunter2" not in str(caught.value)
