"""Verdicts become files beside the result: patched copies, one difference, and a manifest to apply them by."""

import json
from datetime import date
from hashlib import sha256

import pandas as pd

from csworkbench.analyses.plan_validation.patching import write_back
from csworkbench.playbooks import ScopeFound
from tests.analyses.plan_validation.libraries import TOUR, WALK, library, standings, verdicts

AS_OF = date(2026, 9, 30)
TIERS = {"tour": ScopeFound("tier", ("large",), is_shown=True, plans=72)}


def written(rows, scopes=None, books=None):
    return write_back(books or library(), rows, scopes or {}, AS_OF, standings=standings(rows))


def test_verdicts_that_change_nothing_offer_no_file():
    found = written(verdicts("in_progress", "too_early"))
    assert (dict(found.files), list(found.proposals), found.problems) == ({}, [], ())
    assert list(found.table.columns) == ["playbook", "key", "before", "after", "reason"]
    assert found.table.empty


def test_each_changed_playbook_has_a_patched_copy_and_the_others_none():
    found = written(verdicts("harmful"))
    assert sorted(found.files) == ["playbooks.diff", "playbooks/proposals.json", "playbooks/tour.yaml"]
    assert "# A tour, for those who asked for it.\n" in found.files["playbooks/tour.yaml"]
    assert "\nstatus: redesign\nversion: 3\n" in found.files["playbooks/tour.yaml"]


def test_the_manifest_says_what_each_copy_was_made_from():
    found = written(verdicts("supported"))
    (entry,) = json.loads(found.files["playbooks/proposals.json"])["proposals"]
    copy = found.files["playbooks/tour.yaml"]
    assert (entry["from_version"], entry["to_version"]) == (2, 3)
    assert entry["from_sha256"] == sha256(TOUR.encode()).hexdigest()
    assert entry["sha256"] == sha256(copy.encode()).hexdigest()
    assert [case["plan"] for case in entry["cases"]] == ["PL1"]


def test_the_difference_holds_all_changed_playbooks():
    rows = pd.concat([verdicts("harmful"), verdicts("supported", playbook="walk")])
    heads = [line for line in written(rows).files["playbooks.diff"].splitlines() if line.startswith("+++")]
    assert heads == ["+++ b/configs/playbooks/tour.yaml", "+++ b/configs/playbooks/walk.yaml"]


def test_the_table_says_each_change_and_why():
    found = written(verdicts("supported", "out_of_scope"), TIERS)
    assert found.table.to_numpy().tolist() == [
        ["tour", "status", "active", "narrowed", "it works where tier is large, and not elsewhere"],
        [
            "tour",
            "scope.where.tier",
            "large, mid",
            "large",
            "the test of tier, declared before, is passed over 72 plans",
        ],
        ["tour", "cases", "0", "2", "2 cases added or brought up to date, 2 of them new"],
    ]


def test_an_effect_for_other_values_than_the_declared_ones_narrows_nothing():
    scopes = {"tour": ScopeFound("tier", ("mid",), is_shown=True, plans=72)}
    assert written(verdicts("supported"), scopes).table["key"].tolist() == ["cases"]


def test_plans_of_a_playbook_that_is_not_in_the_library_change_nothing():
    assert dict(written(verdicts("harmful", playbook="unknown")).files) == {}


def test_a_playbook_that_cannot_be_patched_is_told_and_the_others_are_offered():
    # Where it works in large accounts only, the declared value mid would lie outside the narrowed scope.
    wide = TOUR.replace("expected: [large]", "expected: [large, mid]")
    rows = pd.concat([verdicts("supported"), verdicts("harmful", playbook="walk")])
    found = written(rows, TIERS, library(tour=wide, walk=WALK))
    assert list(found.proposals) == ["walk"]
    assert "tour.yaml" in str(found.problems[0])
    assert "mid is outside scope.where" in str(found.problems[0])


def test_the_same_verdicts_give_the_same_bytes_in_any_order():
    rows = verdicts("harmful", "supported", "unlucky")
    assert dict(written(rows).files) == dict(written(rows.iloc[::-1]).files)
