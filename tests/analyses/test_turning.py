"""What each analysis says of a change of its settings, on tables written by hand."""

from types import SimpleNamespace

import pandas as pd

from csworkbench.analyses import email_design, health, plan_validation, segments, weekly_list
from csworkbench.estimates import Estimate
from csworkbench.formats import text


def result(figures=None, **tables):
    return SimpleNamespace(figures=figures or {}, tables={name: pd.DataFrame(rows) for name, rows in tables.items()})


def scored(**bands):
    names = ["at_risk", "average"]
    scores = {"account_id": list(bands), "name": [each.upper() for each in bands]}
    scores |= {
        "band": list(bands.values()),
        "score": [None if each == "not scored" else 50.0 for each in bands.values()],
    }
    return result(scores=scores, history={"band": names})


def test_health_tells_who_changes_band_and_which_way():
    before = scored(a="average", b="average", c="at_risk", d="at_risk")
    after = scored(a="at_risk", b="average", c="average", d="not scored")
    change = health.compare(before, after)
    assert text(change.headline) == (
        "3 of 4 accounts change band: 1 to a lower one, 1 to a higher one, 1 because they begin or cease to be scored"
    )
    assert sorted(change.tables["band_changes"]["account_id"]) == ["a", "c", "d"]
    # Before: 2 at risk, 2 average; after: a, then c and b, then d.
    assert change.tables["bands"].to_numpy().tolist() == [["at_risk", 2, 1], ["average", 2, 2], ["not scored", 0, 1]]


def staged(stuck, clusters):
    accounts = {"account_id": ["a", "b"], "name": ["A", "B"], "stage": "new", "tier": "mid", "behaviour": None}
    return result(
        accounts={**accounts, "cluster": clusters},
        stuck={"account_id": stuck, "name": stuck, "stage": ["new"] * len(stuck)},
        stability={"groups": [2], "stability": [0.9], "is_stable": [True]},
    )


def test_segments_tell_who_is_stuck_and_who_is_in_another_group():
    change = segments.compare(staged(["a"], ["low", "low"]), staged(["b"], ["low", "high"]))
    assert text(change.headline) == (
        "1 account is longer in a stage than is usual, 1 as saved; 1 account is in another segment or group"
    )
    assert change.tables["stuck"][["account_id", "is_stuck"]].to_numpy().tolist() == [["b", True], ["a", False]]
    assert list(change.tables["elsewhere"]["account_id"]) == ["b"]
    assert [each.table for each in change.shown] == ["stuck", "elsewhere"]


def planned(needed, power):
    plans = {"metric": ["Clicks"], "compared": ["A"], "worth": [5.0], "accounts_needed": [needed],
             "smallest_effect": [6.0], "weeks": [3], "effect_unit": ["points"]}  # fmt: skip
    figures = {"accounts_needed": Estimate(needed, "accounts", 9), "accounts": Estimate(40, "accounts", 40)}
    written = {"item": ["power"], "value": [power]}
    return result(figures, plans=plans, power_curve={"accounts": [1]}, preregistration=written)


def test_email_design_tells_accounts_needed_beside_those_there_are():
    change = email_design.compare(planned(60, "0.8"), planned(80, "0.9"))
    assert text(change.headline) == (
        "Accounts needed: 80 accounts (n 9), as saved 60 accounts (n 9); 40 accounts can be drawn"
    )
    row = change.tables["plans"].iloc[0]
    assert (row["accounts_needed_before"], row["accounts_needed_after"]) == (60, 80)
    assert change.shown[1].options["level"] == 0.9


def listed(ids, hour, gain):
    rows = {"proposal_id": ids, "name": ids, "channel": "call", "csm_id": "c", "priority": 1, "play": "p"}
    capacity = {"csm_id": ["c"], "name": ["C"], "used": [60.0], "more_per_hour": [hour]}
    figures = {"best_hour": Estimate(hour, "contacts", 1), "gain": Estimate(gain, "contacts", 1)}
    return result(figures, list=rows, stages={"stage": ["priority 1"], "planned": [len(ids)], "gain": [gain]},
                  capacity=capacity)  # fmt: skip


def test_the_weekly_list_tells_who_comes_and_goes_what_it_brings_and_the_price_of_an_hour():
    change = weekly_list.compare(listed(["p", "q"], 2.0, 1.0), listed(["q", "r", "s"], 1.0, 1.5))
    assert text(change.headline) == (
        "3 contacts, 2 as saved: 2 come on the list and 1 go off it; they bring 1.50 contacts (n 1), as saved 1 "
        "contact; one more hour of a CSM would bring at most 1 contact, as saved 2 contacts (n 1)"
    )
    assert (list(change.tables["came"]["proposal_id"]), list(change.tables["went"]["proposal_id"])) == (
        ["r", "s"],
        ["p"],
    )
    assert change.tables["stages"][["gain_before", "gain_after"]].to_numpy().tolist() == [[1.0, 1.5]]
    assert list(change.tables["capacity"]["more_per_hour_after"]) == [1.0]


def judged(verdicts, says):
    return result(
        verdicts={"plan_id": ["p", "q"], "name": ["P", "Q"], "playbook": "x", "verdict": verdicts},
        playbooks={"playbook": ["x"], "title": ["X"], "says": [says], "run": [7]},
    )


def test_plan_validation_tells_which_verdicts_flip():
    change = plan_validation.compare(judged(["verified", "harmful"], "works"), judged(["verified", "open"], "unknown"))
    assert text(change.headline) == "1 verdict of 2 flip; of 1 playbook something else is said"
    assert change.tables["flipped"][["plan_id", "verdict_before", "verdict_after"]].to_numpy().tolist() == [
        ["q", "harmful", "open"]
    ]
