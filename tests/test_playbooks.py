"""The solution library: strict files read one by one, and proposals that keep their comments."""

from datetime import date
from pathlib import Path
from typing import Annotated

import pandas as pd
import pytest

from csworkbench.config import FromFolder, Section, digest, load, setting
from csworkbench.errors import ConfigError
from csworkbench.formats import text as in_words
from csworkbench.playbooks import (
    CASES,
    Library,
    Playbook,
    ScopeFound,
    Standing,
    Status,
    difference,
    parsed,
    patched,
    propose,
    read,
)
from tests.analyses.plan_validation.libraries import standings

AS_OF = date(2026, 9, 30)
FILES = Path(__file__).resolve().parents[1] / "configs" / "playbooks"
TOUR = """\
# A tour, for those who asked for it.
schema: 1
id: tour
title: Tour
status: active  # since spring
version: 2
problem: Features are never opened
steps:
  # by mail
  - {name: Send the tour, mandatory: true}
  - {name: Quiz, mandatory: false}
goals:
  - {metric: queries_run, uplift: 0.25}
scope:
  where: {tier: [large, mid]}
trait: {name: tier, expected: [large]}  # declared before the first plan
founder: null
cases: []
"""
TIERS = ScopeFound("tier", ("large",), is_shown=True, plans=72)
HARM = Standing("harm", 9)


def verdicts(*words, playbook="tour", effect=0.25):
    """One plan per word: PL1 of account A1, PL2 of A2 and so on."""
    ids = range(1, len(words) + 1)
    return pd.DataFrame(
        {
            "plan_id": [f"PL{number}" for number in ids],
            "account_id": [f"A{number}" for number in ids],
            "playbook": playbook,
            "verdict": list(words),
            "stop_step": ["Send the tour" if word == "not_executable" else None for word in words],
            "evidence": "C",
            "effect": effect,
            "low": effect - 0.1,
            "high": effect + 0.1,
        }
    )


def tour(**lines):
    """The text of the tour with lines that begin with a key replaced."""
    text = TOUR
    for key, line in lines.items():
        (old,) = [each for each in TOUR.splitlines() if each.startswith(f"{key}:")]
        text = text.replace(old, line)
    return text


def only(text, name="tour"):
    return parsed({f"{name}.yaml": text}).playbooks[name]


def proposed(text=TOUR, rows=None, scope=None):
    rows = verdicts() if rows is None else rows
    return propose(only(text), text, rows, AS_OF, scope, standing=standings(rows).get("tour"))


def problem_of(text, name="tour.yaml", **others):
    library = parsed({name: text, **others})
    return " | ".join(str(problem) for problem in library.problems)


# --- the files of the sample book -------------------------------------------------------------------------------------


def test_the_sample_playbooks_can_all_be_read():
    library = read(FILES)
    assert library.problems == ()
    assert sorted(library.playbooks) == [
        "data_integration",
        "executive_dashboards",
        "feature_tour",
        "peak_season",
        "quick_wins",
        "scenario_workshop",
        "sponsor_program",
        "team_rollout",
    ]


def test_the_sample_playbooks_name_the_steps_and_goals_of_the_sample_plans():
    samples = FILES.parents[1] / "data" / "samples"
    plans = pd.read_csv(samples / "plans.csv")[["plan_id", "playbook", "problem", "problem_metric"]]
    steps = pd.read_csv(samples / "plan_steps.csv").merge(plans, on="plan_id")
    goals = pd.read_csv(samples / "plan_goals.csv").merge(plans, on="plan_id")
    for name, playbook in read(FILES).playbooks.items():
        of_plans = steps[steps["playbook"] == name]
        assert set(of_plans["name"]) == {step.name for step in playbook.steps}
        assert set(of_plans.loc[of_plans["is_mandatory"], "name"]) == set(playbook.mandatory_steps)
        assert set(goals.loc[goals["playbook"] == name, "metric"]) == {goal.metric for goal in playbook.goals}
        assert set(plans.loc[plans["playbook"] == name, "problem"]) == {playbook.problem}


def test_executive_dashboards_declares_the_tier_and_expects_it_to_work_for_large_accounts():
    trait = read(FILES).playbooks["executive_dashboards"].trait
    assert (trait.name, trait.expected) == ("tier", ("large",))


@pytest.mark.parametrize("path", sorted(FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_change_of_a_sample_playbook_touches_its_own_lines_only(path):
    text = path.read_text("utf-8")
    rows = verdicts("harmful", playbook=path.stem)
    lines = difference(
        text, patched(text, propose(only(text, path.stem), text, rows, AS_OF, standing=HARM)), "x"
    ).splitlines()
    changed = [line for line in lines if line[0] in "+-" and not line.startswith(("---", "+++"))]
    # status and version replaced, `cases: []` opened, one case added
    assert [line[:9] for line in changed if line[0] == "-"] == ["-status: ", "-version:", "-cases: ["]
    assert len(changed) == 3 + 4


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_missing_folder_holds_no_playbooks(tmp_path):
    assert read(tmp_path / "none") == Library({}, {})


def test_a_file_of_a_newer_format_is_told_and_the_others_go_on():
    library = parsed({"tour.yaml": TOUR, "next.yaml": TOUR.replace("schema: 1", "schema: 2\nmood: good")})
    assert list(library.playbooks) == ["tour"]
    assert library.broken == ("next",)
    (problem,) = [each for each in library.problems if each.key == "schema"]
    assert (problem.file, problem.line) == ("configs/playbooks/next.yaml", 2)
    assert "newer version (2)" in problem.message
    assert problem.hint == "update csworkbench"


def test_two_files_with_one_id_keep_the_one_that_is_named_by_it():
    library = parsed({"tour.yaml": TOUR, "copy.yaml": TOUR})
    assert list(library.playbooks) == ["tour"]
    assert library.broken == ("copy",)
    assert "configs/playbooks/copy.yaml: id: 'tour' is the id of tour.yaml already" in str(library.problems[0])


def test_a_file_must_be_named_by_its_id():
    assert "'tour' is not the name of the file (call the file tour.yaml)" in problem_of(TOUR, "other.yaml")


def test_a_trait_without_values_is_refused():
    says = problem_of(tour(trait="trait: {name: tier, expected: []}"))
    assert "configs/playbooks/tour.yaml:16" in says
    assert "trait.expected" in says
    assert "an empty list" in says


def test_a_trait_outside_the_scope_is_refused():
    assert "small is outside scope.where" in problem_of(tour(trait="trait: {name: tier, expected: [small]}"))


def test_a_doubled_step_is_refused_at_its_place():
    says = problem_of(TOUR.replace("name: Quiz", "name: Send the tour"))
    assert "configs/playbooks/tour.yaml:11" in says
    assert "steps.1.name: 'Send the tour' is used twice" in says


def test_a_playbook_without_a_mandatory_step_is_refused():
    assert "one step must be mandatory" in problem_of(TOUR.replace("mandatory: true", "mandatory: false"))


def test_a_case_with_half_an_interval_is_refused():
    case = "cases: [{account: A1, plan: P1, verdict: verified, low: 0.1, as_of: 2026-09-30}]"
    assert "give low and high together" in problem_of(tour(cases=case))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"id: caf\xe9\n", "the file is not UTF-8"),
        (b"id: tour\nid: tour\n", "already set on line 1"),
        (b"id: tour\nmood: good\n", "mood: unknown key"),
        (b"#" * 200_001, "larger than 200,000 bytes"),
    ],
)
def test_a_broken_file_is_a_problem_and_no_exception(tmp_path, content, says):
    (tmp_path / "tour.yaml").write_bytes(content)
    (tmp_path / "other.yaml").write_text(TOUR.replace("id: tour", "id: other"))
    library = read(tmp_path)
    assert list(library.playbooks) == ["other"]
    assert says in " | ".join(str(problem) for problem in library.problems)


def test_a_folder_under_the_name_of_a_file_is_a_problem(tmp_path):
    (tmp_path / "tour.yaml").mkdir()
    assert read(tmp_path).broken == ("tour",)


# --- as texts in the settings of an analysis --------------------------------------------------------------------------


class Config(Section):
    playbooks: Annotated[dict[str, str], FromFolder()] = setting(default_factory=dict, description="Folder")


def settings_of(root, text="playbooks: library\n"):
    (root / "a.yaml").write_text(text)
    return load(Path("a.yaml"), Config, root)


def test_settings_take_the_texts_of_a_folder_as_they_stand(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "tour.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    (tmp_path / "library" / "notes.txt").write_text("no playbook")
    assert settings_of(tmp_path).playbooks == {"tour.yaml": "\ufeffa: 1\r\n"}


def test_the_digest_of_settings_changes_with_each_playbook(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "tour.yaml").write_text(TOUR)
    before = digest(settings_of(tmp_path))
    (tmp_path / "library" / "tour.yaml").write_text(TOUR.replace("version: 2", "version: 3"))
    assert digest(settings_of(tmp_path)) != before


@pytest.mark.parametrize("written", ["../elsewhere", "/etc", '""'])
def test_a_folder_outside_the_project_is_refused(tmp_path, written):
    with pytest.raises(ConfigError, match=r"a\.yaml:1:12: must be a path inside the project"):
        settings_of(tmp_path, f"playbooks: {written}\n")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder 'library'"):
        settings_of(tmp_path)


class Records(Section):
    orders: Annotated[dict[str, str], FromFolder("*.csv", is_optional=True)] = setting({}, description="Folder")


def test_a_folder_of_records_may_be_missing_and_holds_its_own_kind_of_file(tmp_path):
    (tmp_path / "a.yaml").write_text("orders: records/lotteries\n")
    assert load(Path("a.yaml"), Records, tmp_path).orders == {}
    (tmp_path / "records" / "lotteries").mkdir(parents=True)
    (tmp_path / "records" / "lotteries" / "tour-1.csv").write_text("a,b\n")
    (tmp_path / "records" / "lotteries" / "tour-1.json").write_text("{}")
    assert load(Path("a.yaml"), Records, tmp_path).orders == {"tour-1.csv": "a,b\n"}


# --- proposing --------------------------------------------------------------------------------------------------------


def test_no_verdict_changes_nothing():
    proposal = proposed(rows=verdicts("in_progress", "too_early", "blocked_by_customer"))
    assert proposal.changes == {}
    assert patched(TOUR, proposal) == TOUR


@pytest.mark.parametrize("word", CASES)
def test_every_plan_that_could_be_judged_becomes_a_case_whatever_came_of_it(word):
    (case,) = only(patched(TOUR, proposed(rows=verdicts(word)))).cases
    assert (case.account, case.plan, case.verdict, case.evidence) == ("A1", "PL1", word, "C")
    assert (case.effect, case.low, case.high, case.as_of) == (0.25, 0.15, 0.35, AS_OF)


def test_the_plans_of_other_playbooks_are_no_cases():
    assert proposed(rows=verdicts("harmful", playbook="other")).changes == {}


def test_an_effect_that_could_not_be_told_is_left_out():
    changed = patched(TOUR, proposed(rows=verdicts("inconclusive", effect=float("nan"))))
    assert "  - {account: A1, plan: PL1, verdict: inconclusive, evidence: C, as_of: '2026-09-30'}\n" in changed


def test_a_case_is_renewed_only_when_its_verdict_changes():
    text = patched(TOUR, proposed(rows=verdicts("supported", "unlucky")))
    moved = proposed(text, rows=verdicts("supported", "unlucky", effect=0.2))
    assert moved.changes == {}
    turned = only(patched(text, proposed(text, rows=verdicts("supported", "supported", effect=0.2))))
    assert [(case.verdict, case.effect) for case in turned.cases] == [("supported", 0.25), ("supported", 0.2)]


def test_a_proposal_made_twice_is_made_once():
    text = patched(TOUR, proposed(rows=verdicts("harmful", "out_of_scope"), scope=TIERS))
    assert proposed(text, rows=verdicts("harmful", "out_of_scope"), scope=TIERS).changes == {}


@pytest.mark.parametrize(
    ("words", "scope", "before", "after"),
    [
        (("harmful", "verified"), None, "active", Status.REDESIGN),
        (("not_executable", "not_executable"), None, "active", Status.REDESIGN),
        (("not_representative",), None, "narrowed", Status.REDESIGN),
        (("supported", "out_of_scope"), TIERS, "active", Status.NARROWED),
        (("supported",), None, "draft", Status.ACTIVE),
        (("supported",), None, "narrowed", Status.NARROWED),
        (("supported",), None, "redesign", Status.REDESIGN),
        (("supported", "out_of_scope"), TIERS, "redesign", Status.REDESIGN),
        (("harmful",), None, "retired", Status.RETIRED),
        (("reached_not_attributable", "unlucky", "inconclusive"), None, "draft", Status.DRAFT),
    ],
)
def test_the_status_follows_the_worst_that_the_evidence_shows(words, scope, before, after):
    text = tour(status=f"status: {before}")
    assert only(patched(text, proposed(text, verdicts(*words), scope))).status is after


@pytest.mark.parametrize("word", ["harmful", "not_representative", "supported", "not_executable"])
def test_one_plan_says_nothing_of_its_playbook(word):
    text = tour(status="status: draft")
    assert "status" not in propose(only(text), text, verdicts(word), AS_OF).changes


@pytest.mark.parametrize(
    ("known", "now", "is_sure", "is_heard"),
    [
        (0, 12, False, True),
        (8, 15, False, False),  # the next look is at 16 accounts
        (15, 16, False, True),
        (16, 31, False, False),
        (16, 17, True, True),
    ],
)
def test_the_evidence_is_heard_when_the_accounts_have_doubled_or_it_is_sure(known, now, is_sure, is_heard):
    text = patched(TOUR, propose(only(TOUR), TOUR, verdicts(*["unlucky"] * known), AS_OF))
    rows, standing = verdicts(*["unlucky"] * now), Standing("harm", now, is_sure)
    found = propose(only(text), text, rows, AS_OF, TIERS, standing=standing).changes
    assert (found.get("status") is Status.REDESIGN) is is_heard
    assert ("scope.where.tier" in found) is (now.bit_length() > known.bit_length())


def test_a_passed_test_of_the_declared_trait_narrows_the_scope():
    assert only(patched(TOUR, proposed(rows=verdicts("supported"), scope=TIERS))).scope.where == {"tier": ("large",)}


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (TOUR, ScopeFound("tier", ("large",), is_shown=False, plans=30)),
        (TOUR, ScopeFound("region", ("Sweden",), is_shown=True, plans=90)),
        (tour(trait="trait: null"), TIERS),
    ],
    ids=["too few plans", "another trait", "none declared"],
)
def test_a_candidate_narrows_nothing(text, scope):
    changed = only(patched(text, proposed(text, verdicts("supported"), scope)))
    assert (changed.status, changed.scope.where) == (Status.ACTIVE, {"tier": ("large", "mid")})


def test_each_change_counts_the_version_up_and_has_its_reason():
    proposal = proposed(rows=verdicts("supported", "out_of_scope"), scope=TIERS)
    assert proposal.changes["version"] == 3
    assert [in_words(reason) for reason in proposal.reasons] == [
        "it works where tier is large, and not elsewhere",
        "the test of tier, declared before, is passed over 72 plans",
        "2 cases added or brought up to date, 2 of them new",
    ]


def test_the_order_of_the_plans_changes_nothing():
    rows = verdicts("harmful", "supported", "unlucky")
    assert patched(TOUR, proposed(rows=rows)) == patched(TOUR, proposed(rows=rows.iloc[::-1]))


def test_a_doubled_verdict_is_one_case():
    rows = verdicts("supported")
    assert patched(TOUR, proposed(rows=pd.concat([rows, rows]))) == patched(TOUR, proposed(rows=rows))


def test_a_patch_keeps_every_comment_and_changes_its_own_lines_only():
    proposal = proposed(rows=verdicts("supported", "out_of_scope"), scope=TIERS)
    lines = difference(TOUR, patched(TOUR, proposal), proposal.file).splitlines()
    assert lines[:2] == ["--- a/configs/playbooks/tour.yaml", "+++ b/configs/playbooks/tour.yaml"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-status: active  # since spring",
        "-version: 2",
        "+status: narrowed # since spring",
        "+version: 3",
        "-  where: {tier: [large, mid]}",
        "+  where: {tier: [large]}",
        "-cases: []",
        "+cases:",
        "+  - {account: A1, plan: PL1, verdict: supported, evidence: C, effect: 0.25, low: 0.15, high: 0.35, "
        "as_of: '2026-09-30'}",
        "+  - {account: A2, plan: PL2, verdict: out_of_scope, evidence: C, effect: 0.25, low: 0.15, high: 0.35, "
        "as_of: '2026-09-30'}",
    ]


def test_a_comment_beside_a_case_that_stays_is_kept():
    case = "{account: A1, plan: PL1, verdict: supported, evidence: C, as_of: 2026-06-30}"
    text = tour(cases=f"cases:\n  - {case}  # the first one")
    changed = patched(text, proposed(text, verdicts("supported", "unlucky")))
    assert f"  - {case}  # the first one\n  - {{account: A2," in changed


def test_line_ends_of_the_file_are_kept():
    text = TOUR.replace("\n", "\r\n")
    changed = patched(text, proposed(text, verdicts("supported")))
    assert changed.count("\n") == changed.count("\r\n") == TOUR.count("\n") + 1


def test_a_proposal_is_not_applied_to_another_text():
    with pytest.raises(ValueError, match="made from another text"):
        patched(TOUR.replace("Tour", "Walk"), proposed(rows=verdicts("supported")))


def test_the_schema_names_the_key_of_the_format():
    assert "schema" in Playbook.model_json_schema(by_alias=True)["properties"]
