"""Settings that are turned beside their effect, and saved."""

import os
from itertools import pairwise
from time import monotonic
from types import ModuleType, SimpleNamespace
from typing import Annotated, Literal

import pandas as pd
import pytest
from pydantic import Field, model_validator

from csworkbench import views
from csworkbench.analyses.segments.settings import StageRule
from csworkbench.config import FromFile, Section, SettingError, load, setting
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Estimate, say
from csworkbench.views import View
from csworkbench.widgets import Panel, Saved, knobs, tune
from csworkbench.widgets.controls import control
from tests.house.places import ROOT


class Band(Section):
    """A range."""

    name: str = setting(description="Name")
    low: float = setting(ge=0, le=100, unit="points", tunable=True, same_as="high", description="First score")
    high: float = setting(ge=0, le=100, unit="points", description="Next score")


class Card(Section):
    """A file of its own."""

    title: str = setting(description="Title")
    weights: dict[str, Annotated[float, Field(ge=0, le=5)]] = setting(
        default_factory=lambda: {"a": 1.0}, tunable=True, description="Weights"
    )
    grades: tuple[float, ...] = setting((1.0,), tunable=True, description="Grades")
    bands: tuple[Band, ...] = setting(description="Bands")

    @model_validator(mode="after")
    def _touch(self):
        for place, (left, right) in enumerate(pairwise(self.bands), 1):
            if left.high != right.low:
                raise SettingError({f"bands.{place}.low": "make both equal"})
        return self


class Channel(Section):
    """A channel."""

    reach: float = setting(0.5, gt=0, le=1, unit="share", tunable=True, description="Reach")
    minutes: dict[str, int] = setting(default_factory=dict, tunable=True, description="Minutes")
    most: int | None = setting(None, ge=0, tunable=True, description="Most")


class Config(Section):
    """Settings."""

    card: Annotated[Card, FromFile()] = setting(description="Card")
    share: float = setting(0.5, gt=0, lt=1, unit="share", tunable=True, description="Share that counts")
    groups: int = setting(6, ge=2, le=10, tunable=True, description="Groups")
    rounds: int = setting(6, ge=2, le=10**6, tunable=True, description="Rounds")
    way: Literal["left", "right"] = setting("left", tunable=True, description="Way")
    is_fast: bool = setting(False, tunable=True, description="Fast")
    channels: dict[str, Channel] = setting(default_factory=lambda: {"call": Channel(reach=0.4)}, description="Channels")
    seed: int = setting(1, description="Not to be turned")


MAIN = """\
# Settings of the tiny page.
card: configs/card.yaml
# Share, 0 to 1.
share: 0.4   # as agreed in May
"""
CARD = """\
title: All
# Bands from worst to best.
bands:
  - {name: low, low: 0, high: 40}    # edges are
  - {name: high, low: 40, high: 100}  # those of the board
"""


def analyze(inputs, config):
    if config.share > 0.8:
        raise AnalysisError("nobody is left above 0.8; <b>lower</b> share")
    scores = pd.DataFrame({"account_id": ["a", "b"], "score": [30.0, 45.0]})
    at_risk = int((scores["score"] < config.card.bands[1].low).sum())
    return SimpleNamespace(
        headline=say("{n:n account|accounts} at risk", n=at_risk),
        figures={"at_risk": Estimate(at_risk, "accounts", 2)},
        tables={"scores": scores.assign(name="<script>alert(1)</script>", share=config.share)},
        caveats=(),
        actions=(),
    )


@pytest.fixture
def panel(tmp_path):
    (tmp_path / "configs").mkdir()
    for name, written in (("tiny", MAIN), ("card", CARD)):
        (tmp_path / "configs" / f"{name}.yaml").write_text(written, "utf-8")
    module = ModuleType("csworkbench.analyses.tiny")
    module.Config, module.analyze = Config, analyze
    path = tmp_path / "configs" / "tiny.yaml"
    return Panel(module, None, load(path, Config, tmp_path), Saved(path, tmp_path, "en", "Settings used"))


def test_only_what_is_marked_is_turned_and_an_edge_of_two_bands_is_one_setting(panel):
    assert {key: knob.same for key, knob in panel.knobs.items()} == {
        "card.weights.a": (), "card.grades": (), "card.bands.1.low": ("card.bands.0.high",), "share": (), "groups": (),
        "rounds": (), "way": (), "is_fast": (), "channels.call.reach": (), "channels.call.minutes": (),
        "channels.call.most": (),
    }  # fmt: skip


def test_a_setting_gets_a_control_that_fits_its_bounds(panel):
    found = {key: (type(each).__name__, getattr(each, "min", None), getattr(each, "max", None))
             for key, each in panel.controls.items()}  # fmt: skip
    # Bounds 0 and 1 are open: the outermost places are one step of 0.01 inside.
    assert found == {
        "card.weights.a": ("FloatSlider", 0.0, 5.0), "card.grades": ("Text", None, None),
        "card.bands.1.low": ("FloatSlider", 0.0, 100.0),
        "share": ("FloatSlider", 0.01, 0.99), "groups": ("IntSlider", 2, 10), "rounds": ("IntText", None, None),
        "way": ("Dropdown", None, None), "is_fast": ("Checkbox", None, None),
        "channels.call.reach": ("FloatSlider", 0.01, 1.0), "channels.call.minutes": ("Text", None, None),
        "channels.call.most": ("Text", None, None),
    }  # fmt: skip


def test_controls_stand_in_groups_that_say_what_they_are_of(panel):
    knob = panel.knobs["channels.call.reach"]
    assert (knob.group, knob.label, knob.description) == ("Channels", "call: reach", "Reach (share)")
    assert panel.group.options == ("Weights", "General", "Bands", "Channels")


def test_turning_shows_figures_as_saved_and_as_turned_and_what_names_hold_is_no_markup(panel):
    panel.controls["card.bands.1.low"].value = 50
    # a has 30 points, b 45: with the edge at 50 both are below it, with the saved 40 only a.
    assert "2 accounts at risk" in panel.effect.value
    assert "1 of 1 figure" in panel.effect.value
    assert "1 setting" in panel.status.value
    assert "<script" not in panel.effect.value


SLOW = """
import time
from pathlib import Path
from types import ModuleType

from csworkbench.config import load
from csworkbench.widgets import Panel, Saved
from tests.test_widgets import Config, analyze

module, path = ModuleType("csworkbench.analyses.tiny"), Path({path!r})
module.Config, module.analyze = Config, lambda inputs, config: time.sleep(1) or analyze(inputs, config)
panel = Panel(module, None, load(path, Config, path.parents[1]), Saved(path, path.parents[1], "en", "Settings used"))
"""


def test_a_browser_is_told_that_the_kernel_computes_while_it_does_and_of_the_first_time_that_it_is_longer(panel):
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(ROOT), env=os.environ | {"PYTHONWARNINGS": ""})
    try:
        answer = client.execute(SLOW.format(path=str(panel._saved.path)), reply=True, timeout=60)
        assert answer["content"]["status"] == "ok"
        said = [told(client, share) for share in (0.6, 0.7)]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    # The first time it sleeps twice, for the settings as saved too.
    for each, words, least in zip(said, ("takes longer ...", "Computing ..."), (1.5, 0.5), strict=True):
        assert words in each[0][1]
        assert "Changed, not saved" in each[-1][1]
        assert each[-1][0] - each[0][0] > least


def told(client, share):
    """Turn a control in a kernel; return when it said what of computing, and that it is done."""
    client.execute(f"panel.controls['share'].value = {share}")
    found = []
    while not found or "Changed" not in found[-1][1]:
        message = client.get_iopub_msg(timeout=60)
        value = message["content"].get("data", {}).get("state", {}).get("value", "")
        if message["msg_type"] == "comm_msg" and ("Computing" in str(value) or "Changed" in str(value)):
            found.append((monotonic(), value))
    return found


def test_turning_back_is_as_saved(panel):
    panel.controls["share"].value = 0.6
    assert not panel.save.disabled
    panel.controls["share"].value = 0.4
    assert panel.save.disabled
    assert panel.effect.value == ""


def test_an_error_is_shown_in_the_panel_as_text_and_cannot_be_saved(panel):
    panel.controls["share"].value = 0.9
    assert "nobody is left above 0.8; &lt;b&gt;lower&lt;/b&gt; share" in panel.status.value
    assert panel.save.disabled
    panel.controls["share"].value = 0.5
    assert 'role="status"' in panel.status.value


def test_a_value_that_is_not_allowed_is_named_with_its_key(panel):
    panel.controls["channels.call.most"].value = "-3"
    assert "channels.call.most" in panel.status.value
    assert panel.save.disabled


def test_a_list_of_numbers_is_written_as_yaml(panel):
    panel.controls["card.grades"].value = "[2, 3]"
    assert panel.config.card.grades == (2.0, 3.0)


MAPPED = """\
# Minutes of a contact.
channels:
  call:   # by hand
    reach: 0.4
    # As measured in May; a chat takes longer.
    minutes: {large: 20, small: 5}  # by tier
"""


def test_the_numbers_of_a_mapping_are_turned_one_by_one_and_written_where_they_stand(panel):
    path, root = panel._saved.path, panel._saved.root
    path.write_text(MAIN + MAPPED, "utf-8")
    found = Panel(panel._analysis, None, load(path, Config, root), panel._saved)
    knob = found.knobs["channels.call.minutes.small"]
    assert (knob.group, knob.label, knob.value, knob.kind) == ("Channels", "call: minutes: small", 5, "whole")
    # One that is empty has no number to turn: it is written as YAML.
    assert panel.knobs["channels.call.minutes"].kind == "text"
    found.controls["channels.call.minutes.small"].value = 8
    assert found.config.channels["call"].minutes == {"large": 20, "small": 8}
    found.save.click()
    found.write.click()
    assert path.read_text("utf-8") == MAIN + MAPPED.replace("small: 5", "small: 8")


def test_a_number_of_a_mapping_is_named_by_its_key_and_has_the_bounds_of_its_values(panel):
    knob = panel.knobs["card.weights.a"]
    assert (knob.group, knob.label, knob.bounds) == ("Weights", "a", (0, 5))
    panel.controls["card.weights.a"].value = 2
    assert panel.config.card.weights == {"a": 2.0}


def test_a_mapping_whose_keys_have_dots_is_written_as_a_whole():
    (knob,) = [each for each in knobs(Card(title="t", weights={"a.b": 1.0}, bands=())) if "weights" in each.key]
    assert (knob.key, knob.kind) == ("weights", "text")


def test_reset_puts_every_control_back(panel):
    panel.controls["share"].value = 0.6
    panel.controls["is_fast"].value = True
    panel.reset.click()
    assert (panel.controls["share"].value, panel.controls["is_fast"].value) == (0.4, False)
    assert panel.save.disabled


def test_save_shows_the_change_of_each_file_and_writes_nothing_yet(panel):
    panel.controls["card.bands.1.low"].value = 50
    panel.controls["share"].value = 0.5
    panel.save.click()
    for line in ("-share: 0.4   # as agreed in May", "+share: 0.5   # as agreed in May", "high: 50}"):
        assert line in panel.diff.value
    root = panel._saved.root
    assert (root / "configs" / "tiny.yaml").read_text("utf-8") == MAIN
    panel.cancel.click()
    assert panel.diff.value == ""


def test_write_keeps_comments_and_what_is_saved_is_what_is_compared_with_next(panel):
    panel.controls["card.bands.1.low"].value = 50
    panel.save.click()
    panel.write.click()
    root = panel._saved.root
    assert (root / "configs" / "card.yaml").read_text("utf-8") == CARD.replace("high: 40", "high: 50").replace(
        "low: 40", "low: 50"
    )
    assert (root / "configs" / "tiny.yaml").read_text("utf-8") == MAIN
    assert "configs/card.yaml" in panel.status.value
    assert load(root / "configs" / "tiny.yaml", Config, root) == panel.config
    panel.controls["card.bands.1.low"].value = 30
    # Nobody has less than 30 points: 2 accounts at risk as saved, none as turned.
    assert "2 accounts" in panel.effect.value
    assert "0 accounts at risk" in panel.effect.value


def test_of_a_default_that_the_file_does_not_spell_out_all_is_written(panel):
    panel.controls["channels.call.reach"].value = 0.7
    panel.save.click()
    panel.write.click()
    root = panel._saved.root
    assert load(root / "configs" / "tiny.yaml", Config, root).channels == {"call": Channel(reach=0.7)}


def test_a_file_that_was_broken_meanwhile_is_told_and_left_alone(panel):
    path = panel._saved.path
    panel.controls["share"].value = 0.5
    path.write_text("share: [", "utf-8")
    panel.save.click()
    assert 'role="alert"' in panel.status.value
    assert path.read_text("utf-8") == "share: ["


def test_a_slider_has_a_place_for_every_value_of_its_setting():
    class Shares(Section):
        """Shares."""

        even: float = setting(0.95, ge=0.8, le=0.999, tunable=True, description="On the usual steps")
        fine: float = setting(0.125, ge=0, le=1, tunable=True, description="Between two of them")
        odd: float = setting(1 / 3, ge=0, le=1, tunable=True, description="Between any")

    even, fine, odd = (control(each) for each in knobs(Shares()))
    # Steps are powers of ten, at least 40 to a slider: 0.199 / 40 gives 0.001; 1 / 40 gives 0.01, 0.125 needs 0.001.
    assert (even.step, fine.step) == pytest.approx((0.001, 0.001))
    assert type(odd).__name__ == "FloatText"


def test_a_slider_that_a_browser_moved_by_a_hair_is_as_saved(panel):
    panel.controls["share"].value = 0.4000000000000001
    assert panel.save.disabled
    assert "As saved" in panel.status.value


def desk_of(saved, **others):
    """What `tune` asks of a notebook's desk."""
    return SimpleNamespace(
        root=saved.root,
        language="en",
        settings_file=lambda analysis: saved.path,
        settings=views.settings,
        **others,
    )


@pytest.mark.parametrize(("is_live", "kind"), [(True, Panel), (False, View)])
def test_where_nobody_could_turn_a_control_the_settings_are_a_plain_table(panel, is_live, kind):
    module, saved = panel._analysis, panel._saved
    shown = tune(module, None, panel.config, desk_of(saved, is_live=is_live))
    assert type(shown) is kind
    # Both say the same to a terminal, so that stored outputs do not depend on where they were made.
    assert repr(shown) == views.settings(panel.config).text
    data, metadata = shown._repr_mimebundle_()
    assert (data["text/plain"], metadata["csworkbench"]["slot"]) == (repr(shown), "settings")


def test_what_a_stored_proof_says_of_turned_settings_stands_beside_them(panel, monkeypatch):
    saved, asked = panel._saved, []
    module = panel._analysis

    class Proof:
        def __init__(self, table):
            self.rows = len(table)

        def said(self, before, after):
            asked.append((before.share, after.share))
            yield say("AUC of {n:count} rows", n=self.rows)

    monkeypatch.setattr(module, "PROVED_BY", ("health_proof", "teaching"), raising=False)
    monkeypatch.setattr(module, "Proof", Proof, raising=False)
    (saved.root / "configs/health_proof.yaml").write_text("draws: 200\n", encoding="utf-8")
    stored = SimpleNamespace(tables={"teaching": pd.DataFrame({"unit_id": ["r1", "r2"]})})
    latest = {("health_proof", 200): stored}
    desk = desk_of(saved, is_live=True, latest=lambda name, config: latest.get((name, config.draws)))
    turned = tune(module, None, panel.config, desk)
    turned.controls["share"].value = 0.7
    assert "<p>AUC of 2 rows." in turned.effect.value
    assert asked == [(0.4, 0.7)]


class Lifecycle(Section):
    """Rules, as `segments` has them."""

    stages: tuple[StageRule, ...] = setting(description="Stages")


RULES = """\
stages:
  # What is paid by card is old after two weeks.
  - stage: new
    where:
      all:
        - {attribute: paid_at, within_days: 14}   # confirmed in May
        - not: {attribute: usage_trend, at_most: -0.3}
        - {attribute: channel, in: [1, 2]}
  - {stage: growth}
"""


@pytest.fixture
def rules(tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    module = ModuleType("csworkbench.analyses.rules")
    module.Config, module.analyze = (
        Lifecycle,
        lambda inputs, config: analyze(
            None,
            SimpleNamespace(
                share=0.5,
                card=SimpleNamespace(bands=(None, SimpleNamespace(low=config.stages[0].where.all_of[0].within_days))),
            ),
        ),
    )
    path = tmp_path / "rules.yaml"
    return Panel(module, None, load(path, Lifecycle, tmp_path), Saved(path, tmp_path, "en", "Settings used"))


def test_the_numbers_of_a_rule_are_turned_one_by_one_and_named_by_what_they_are_of(rules):
    found = {key: (knob.group, knob.label, type(rules.controls[key]).__name__) for key, knob in rules.knobs.items()
             if ".where." in key}  # fmt: skip
    # A list of values and a rule without a condition have no number to turn.
    assert found == {
        "stages.0.where.all.0.within_days": ("Stages", "new: paid at, within days", "IntText"),
        "stages.0.where.all.1.not.at_most": ("Stages", "new: usage trend, at most", "FloatText"),
    }


def test_a_turned_number_of_a_rule_is_written_where_it_stands_with_all_comments(rules):
    rules.controls["stages.0.where.all.0.within_days"].value = 40
    rules.controls["stages.0.where.all.1.not.at_most"].value = -0.25
    # a has 30 points, b 45: below 40 is one.
    assert "1 account at risk" in rules.effect.value
    rules.save.click()
    assert "+        - {attribute: paid_at, within_days: 40}   # confirmed in May" in rules.diff.value
    rules.write.click()
    written = rules._saved.path.read_text("utf-8")
    assert written == RULES.replace("within_days: 14", "within_days: 40").replace("-0.3", "-0.25")


def test_a_number_of_a_rule_that_is_not_allowed_cannot_be_saved(rules):
    rules.controls["stages.0.where.all.0.within_days"].value = 0
    assert "stages.0.where.all.0.within_days" in rules.status.value
    assert rules.save.disabled


def test_an_arrow_moves_a_number_in_a_box_by_a_unit_of_its_second_digit():
    class Boxes(Section):
        """Boxes."""

        share: float = setting(0.8, tunable=True, description="0.8 moves by 0.01")
        count: float = setting(3.0, tunable=True, description="Whole numbers stay whole")
        money: float = setting(20_000.0, tunable=True, description="20,000 moves by 1,000")
        days: int = setting(365, ge=1, le=36_500, tunable=True, description="365 moves by 10")
        none: float = setting(0.0, tunable=True, description="Nothing moves by 1")

    assert [control(each).step for each in knobs(Boxes())] == pytest.approx([0.01, 1, 1000, 10, 1])


def test_an_analysis_may_leave_out_of_a_turn_what_nobody_looks_at(panel):
    asked = []
    panel._analysis.turn = lambda inputs, config: asked.append(config.share) or analyze(inputs, config)
    panel._analysis.analyze = None
    panel.controls["share"].value = 0.6
    assert asked == [0.6, 0.4]
    assert "1 account at risk" in panel.effect.value
