"""An analysis is one stem in five places with one surface; nothing registers it."""

import dataclasses
import importlib
import inspect
import re

import pytest

from csworkbench.analyses import weekly_list
from csworkbench.config import Section
from csworkbench.formats import Readable
from tests.house.places import ROOT, stems


def test_there_are_analyses():
    assert {"data_check", "health", "health_proof"} <= set(stems())


@pytest.mark.parametrize("stem", stems())
def test_notebook_config_test_and_method_note_share_the_stem(stem):
    places = [
        f"notebooks/{stem}.ipynb",
        f"configs/{stem}.yaml",
        f"tests/analyses/test_{stem}.py",
        f"docs/methods/{stem}.md",
    ]
    assert [place for place in places if not (ROOT / place).is_file()] == []


def test_start_here_is_the_only_notebook_without_a_module():
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - set(stems()) == {"start_here"}


@pytest.mark.parametrize("stem", stems())
def test_the_surface_is_the_same_everywhere(stem):
    module = importlib.import_module(f"csworkbench.analyses.{stem}")
    for name in ("READS", "READS_IF_PRESENT", "NEEDS", "NEEDS_IF_PRESENT"):
        value = getattr(module, name)
        assert isinstance(value, tuple), name
        assert all(isinstance(item, str) for item in value), name
    assert issubclass(module.Config, Section)
    for frozen in (module.Inputs, module.Result):
        assert dataclasses.is_dataclass(frozen)
        assert frozen.__dataclass_params__.frozen
    assert list(inspect.signature(module.prepare).parameters) == ["snapshot", "config", "upstream"]
    assert list(inspect.signature(module.analyze).parameters) == ["inputs", "config"]
    for name in ("headline", "figures", "tables", "caveats", "actions"):
        assert hasattr(module.Result, name) or name in {field.name for field in dataclasses.fields(module.Result)}


@pytest.mark.parametrize("stem", stems())
def test_every_result_has_text_a_frame_and_plain_data(stem):
    made = importlib.import_module(f"csworkbench.analyses.{stem}").Result
    assert issubclass(made, Readable)
    for name in ("__repr__", "to_frame", "to_dict"):
        assert getattr(made, name) is getattr(Readable, name)


def test_the_weekly_list_reads_every_analysis_that_proposes():
    folder = ROOT / "csworkbench" / "analyses"
    makes = re.compile(r"^from csworkbench\.policy import [^\n]*\b(proposals|of_accounts)\b", re.MULTILINE)
    proposing = {
        path.relative_to(folder).parts[0] for path in folder.rglob("*.py") if makes.search(path.read_text("utf-8"))
    }
    assert proposing >= {"nps_outreach", "renewals", "plan_validation", "touch_matrix"}
    assert proposing <= set(weekly_list.NEEDS_IF_PRESENT)
