"""`csw explain`: a score in parts, why a contact is on a list or not, and what a key does."""

import json
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from csworkbench.cli import main
from csworkbench.estimates import Caveat, Estimate, Message, say
from csworkbench.session import write_files
from csworkbench.store import NotebookRecord, NotebookStatus, RunInfo, RunRecord, RunState, begin, publish, write_result
from tests.house.places import ROOT

WORKSPACE = (
    "version: 1\nname: Nordbok\nas_of: 2026-06-30\ntables:\n"
    "  accounts: {path: data/accounts.csv}\n  contacts: {path: data/contacts.csv}\n"
)
ACCOUNTS = "account_id,name,signup_at\nA1,Åsa,2026-01-10\nA2,北京,2026-02-10\n"
CONTACTS = "contact_id,account_id,role\nP1,A1,admin\nP2,A1,user\nP3,A2,user\n"


@dataclass(frozen=True)
class Made:
    """A result that is only its tables."""

    tables: dict[str, pd.DataFrame]
    headline: Message = field(default_factory=lambda: say("Made"))
    figures: dict[str, Estimate] = field(default_factory=lambda: {"median_score": Estimate(50.0, "points", 2)})
    caveats: tuple[Caveat, ...] = ()
    actions: tuple[Message, ...] = ()


def health(contributions=(30.0, 10.0)):
    """A1 has 60 points at 50 % and 20 points at 50 %: 30 + 10 = 40; A2 is not scored."""
    scores = pd.DataFrame(
        {"account_id": ["A1", "A2"], "name": ["Åsa", "北京"], "score": [40.0, None], "band": ["average", "not_scored"],
         "coverage": [1.0, 0.25], "scorecard": ["default", "default"], "rule": ["everyone else", "everyone else"]}
    )  # fmt: skip
    measures = pd.DataFrame(
        {"account_id": ["A1", "A1", "A2"], "measure": ["use", "nps", "use"], "label": ["Use", "NPS", "Use"],
         "group": ["Adoption", "Relationship", "Adoption"], "value": [12.0, 6.0, None], "text": [None, None, None],
         "points": [60.0, 20.0, None], "basis": ["measured", "carried", "missing"], "age_days": [1.0, 90.0, None]}
    )  # fmt: skip
    parts = pd.DataFrame(
        {"account_id": ["A1", "A1"], "measure": ["use", "nps"], "effective_percent": [50.0, 50.0],
         "contribution": list(contributions)}
    )  # fmt: skip
    return Made({"scores": scores, "measures": measures, "contributions": parts})


def lists():
    listed = pd.DataFrame(
        {"contact_id": ["P1"], "name": ["Åsa"], "email": ["p1@asa.test"], "rule": ["save_call"], "reason": ["NPS 3"],
         "basis": ["consent"], "last_touch_on": pd.to_datetime(["2026-05-01"])}
    )  # fmt: skip
    left = pd.DataFrame(
        {"contact_id": ["P2"], "rule": ["save_call"], "reason": ["refused"], "reasons": ["refused; contact at the cap"]}
    )
    return Made({"list": listed, "left_out": left})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two accounts; `csw run` was never asked for."""
    for name, text in (("workspace.yaml", WORKSPACE), ("accounts.csv", ACCOUNTS), ("contacts.csv", CONTACTS)):
        path = tmp_path / ("configs" if name.endswith("yaml") else "data") / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    for name in ("health.yaml", "nps_outreach.yaml", "scorecards", "batch"):
        place = shutil.copytree if (ROOT / "configs" / name).is_dir() else shutil.copyfile
        place(ROOT / "configs" / name, tmp_path / "configs" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(project):
    """Publish results as those of a run."""

    def publish_run(run_id="2026-07-01T1", **results):
        with begin(project / "outputs", run_id) as folder:
            for name, result in results.items():
                home = folder.path / name
                (home / "tables").mkdir(parents=True)
                tables = write_files(result, home)
                write_result(home, result, analysis=name, as_of=date(2026, 6, 30), config={}, tables=tables)
            records = tuple(NotebookRecord(name, NotebookStatus.OK, key="0") for name in results)
            info = RunInfo(as_of="2026-06-30")
            publish(folder, RunRecord(folder.run_id, RunState.OK, "2026-07-01T04:15:00+00:00", 1.0, info, records))

    return publish_run


@pytest.fixture
def csw(capsys):
    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_the_parts_of_a_score_are_told_with_weight_and_data_and_add_up(csw, ran):
    ran(health=health())
    code, out, _ = csw("explain", "account", "A1", "--json")
    said = json.loads(out)
    assert (code, said["score"], said["run_id"], said["as_of"]) == (0, 40.0, "2026-07-01T1", "2026-06-30")
    assert [(part["label"], part["value"], part["effective_percent"]) for part in said["parts"]] == [
        ("Use", 12.0, 50.0),
        ("NPS", 6.0, 50.0),
    ]
    assert sum(part["contribution"] for part in said["parts"]) == pytest.approx(said["score"], abs=1e-9)


def test_parts_that_do_not_add_up_to_the_score_are_refused(csw, ran):
    ran(health=health(contributions=(30.0, 11.0)))
    code, _, err = csw("explain", "account", "A1")
    assert code == 1
    assert "do not add up" in err


def test_an_account_without_a_score_says_why(csw, ran):
    ran(health=health())
    code, out, _ = csw("explain", "account", "A2")
    assert code == 0
    assert "not scored: 25% of the weight rests on data" in out


def test_an_unknown_account_gets_near_ids(csw, ran):
    ran(health=health())
    code, _, err = csw("explain", "account", "A11")
    assert code == 2
    assert "did you mean 'A1'?" in err


@pytest.mark.parametrize("name", ["北京", "beijing", "北京 Beijng Tradng"])
def test_the_name_of_an_account_leads_to_its_id(csw, ran, name):
    made = health()
    made.tables["scores"]["name"] = ["Åsa", "北京 Beijing Trading"]
    ran(health=made)
    code, _, err = csw("explain", "account", name)
    assert code == 2
    assert "did you mean A2 (北京 Beijing Trading)?" in err


def test_a_result_that_was_skipped_is_told_with_the_reason(csw, project):
    with begin(project / "outputs", "2026-07-01T1") as folder:
        skipped = NotebookRecord("health", NotebookStatus.SKIPPED, "no measure can be computed", key="0")
        info = RunInfo(as_of="2026-06-30")
        publish(folder, RunRecord(folder.run_id, RunState.OK, "2026-07-01T04:15:00+00:00", 1.0, info, (skipped,)))
    told = "there is no result of health yet: in 2026-07-01T1 it was skipped: no measure can be computed\n"
    assert csw("explain", "account", "A1")[::2] == (2, told)


def test_an_account_needs_a_health_result(csw, ran):
    ran(nps_outreach=lists())
    assert csw("explain", "account", "A1")[::2] == (
        2,
        "there is no result of health yet (run `csw run health` first)\n",
    )


def test_a_result_that_would_be_computed_again_is_not_called_fresh(csw, ran):
    ran(health=health())
    _, _, err = csw("explain", "account", "A1")
    assert err.startswith("not fresh: health: ")


def test_a_listed_contact_is_told_why_on_what_ground_and_when_last(csw, ran):
    ran(nps_outreach=lists())
    code, out, _ = csw("explain", "contact", "P1", "--json")
    (row,) = json.loads(out)["lists"]
    told = {name: row[name] for name in ("analysis", "standing", "rule", "reason", "basis", "last_touch_on")}
    assert code == 0
    assert told == {
        "analysis": "nps_outreach",
        "standing": "listed",
        "rule": "save_call",
        "reason": "NPS 3",
        "basis": "consent",
        "last_touch_on": "2026-05-01",
    }


def test_a_contact_that_was_left_out_is_told_every_reason(csw, ran):
    ran(nps_outreach=lists())
    assert "nps_outreach (save_call): left out: refused; contact at the cap" in csw("explain", "contact", "P2")[1]


def test_a_contact_no_rule_asks_for_is_told_so_for_each_list(csw, ran):
    ran(nps_outreach=lists(), weekly_list=lists())
    out = csw("explain", "contact", "P3")[1]
    assert "nps_outreach: not listed: no rule asks for it" in out
    assert "weekly_list: not listed: no rule asks for it" in out


def test_a_run_without_lists_does_not_hide_those_before_it(csw, ran):
    ran(nps_outreach=lists())
    ran("2026-07-02T1", data_check=Made({"findings": pd.DataFrame({"table": ["accounts"]})}))
    out = csw("explain", "contact", "P1")[1]
    assert "nps_outreach (save_call): listed: NPS 3" in out
    assert "from run 2026-07-01T1" in out


def test_names_and_addresses_are_not_told_of_a_contact(csw, ran):
    ran(nps_outreach=lists())
    out = csw("explain", "contact", "P1")[1] + csw("explain", "contact", "P1", "--json")[1]
    assert "asa.test" not in out
    assert "Åsa" not in out


def test_an_unknown_contact_gets_near_ids(csw, ran):
    ran(nps_outreach=lists())
    code, _, err = csw("explain", "contact", "P33")
    assert code == 2
    assert "did you mean 'P3'?" in err


def test_a_key_is_told_with_meaning_default_value_place_and_what_it_moves(csw, ran):
    ran(health=health())
    path = Path("configs/health.yaml")
    lines = path.read_text("utf-8").splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if text.startswith("compare_months:"))
    lines[line - 1] = "compare_months: 5"
    path.write_text("\n".join(lines), "utf-8")
    code, out, _ = csw("explain", "health.compare_months", "--json")
    (key,) = json.loads(out)["keys"]
    assert (code, key["value"], key["place"], key["default"]) == (0, "5", f"configs/health.yaml:{line}", "3")
    assert key["description"].startswith("How far back")
    assert key["figures"]["health"] == ["median_score"]
    assert "health_proof" in key["moves"]  # it is computed from the scores
    assert "data_check" not in key["moves"]


def test_a_key_of_a_table_moves_what_reads_that_table(csw, project):
    code, out, _ = csw("explain", "workspace.tables.contacts.path", "--json")
    (key,) = json.loads(out)["keys"]
    assert (code, key["value"]) == (0, "data/contacts.csv")
    assert "nps_outreach" in key["moves"]
    assert "health" not in key["moves"]


def test_an_unknown_key_gets_near_names(csw, project):
    code, _, err = csw("explain", "health.compare_month")
    assert code == 2
    assert "did you mean 'health.compare_months'?" in err


def test_the_end_of_a_deeper_key_gets_the_whole_keys(csw, project):
    code, _, err = csw("explain", "weight")
    assert code == 2
    assert "deeper keys end so: scorecard.groups.0.weight, scorecard.groups.1.weight" in err
    assert csw("explain", "scorecard.groups.0.weight")[0] == 0


def test_an_id_is_asked_for(csw, project):
    assert csw("explain", "account")[0] == 2
    assert csw("explain", "compare_months", "A1")[0] == 2
