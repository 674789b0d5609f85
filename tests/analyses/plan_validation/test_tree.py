"""The verdict tree: one golden plan per leaf, and the rules that hold for all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csworkbench.analyses.plan_validation.settings import VerdictRules
from csworkbench.analyses.plan_validation.tree import ROOT, TREE, Evidence, Facts, OnFacts, Verdict, judge

RULES = VerdictRules()
RUN = Facts(is_closed=True, is_matured=True, is_wrong=False, fidelity=1.0, is_reached=True)
MISSED = replace(RUN, is_reached=False)
OPEN = replace(RUN, is_reached=False, fidelity=0.4)
WORKS = Evidence(accounts=9, csms=4, above=0.95, harm=0.001, above_goal=0.6)
IDLE = replace(WORKS, above=0.05, above_goal=0.01, harm=0.1)

GOLDEN = {
    # One plan each; what is not said is a plan that was closed, run to the end, measured, and whose problem was one.
    Verdict.IN_PROGRESS: (replace(RUN, is_closed=False), WORKS),
    Verdict.BLOCKED_BY_CUSTOMER: (replace(OPEN, is_blocked=True, blocker="customer"), WORKS),
    Verdict.TOO_EARLY: (replace(RUN, is_matured=False), WORKS),
    Verdict.WRONG_PROBLEM: (replace(RUN, is_wrong=True), WORKS),
    Verdict.MET_WITHOUT_STEPS: (replace(RUN, fidelity=0.4), WORKS),
    Verdict.NOT_EXECUTABLE: (replace(OPEN, blocker="none", stops=5, stop_csms=3), WORKS),
    Verdict.EXECUTION_ISSUE: (replace(OPEN, blocker="csm", stops=4, stop_csms=4), WORKS),
    Verdict.NOT_FINISHED: (replace(OPEN, blocker="none", stops=9, stop_csms=2), WORKS),
    Verdict.NOT_ASSESSABLE: (replace(RUN, is_reached=None), WORKS),
    Verdict.VERIFIED: (RUN, replace(WORKS, is_randomized=True)),
    Verdict.SUPPORTED: (RUN, WORKS),
    Verdict.REACHED_NOT_ATTRIBUTABLE: (RUN, IDLE),
    Verdict.HARMFUL: (MISSED, replace(IDLE, above=0.001, harm=0.9)),
    Verdict.OUT_OF_SCOPE: (
        MISSED,
        replace(IDLE, is_outside=True, is_limited=True, above_inside=0.99, accounts_inside=5),
    ),
    Verdict.NOT_REPRESENTATIVE: (MISSED, IDLE),
    Verdict.GOAL_TOO_HIGH: (MISSED, replace(WORKS, above_goal=0.1)),
    Verdict.UNLUCKY: (MISSED, WORKS),
    Verdict.INCONCLUSIVE: (MISSED, replace(WORKS, above=0.5)),
}


@pytest.mark.parametrize("leaf", list(Verdict))
def test_the_golden_plan_of_each_leaf_ends_there(leaf):
    assert judge(*GOLDEN[leaf], RULES).verdict is leaf


def test_every_question_and_every_leaf_is_on_a_way_from_the_root():
    seen, waiting = set(), [ROOT]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += [] if isinstance(at, Verdict) else [TREE[at].yes, TREE[at].no]
    assert seen == {*TREE, *Verdict}


def test_the_way_names_each_question_with_its_answer():
    judged = judge(replace(RUN, is_matured=False), WORKS, RULES)
    assert judged.way == "closed yes > blocked by customer no > window over no"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(RUN, is_closed=False), OnFacts.RUNNING),
        (replace(RUN, is_matured=False), OnFacts.WINDOW_OPEN),
        (RUN, OnFacts.DONE_MET),
        (MISSED, OnFacts.DONE_MISSED),
        (replace(RUN, is_reached=None), OnFacts.DONE_NO_GOAL),
        (replace(RUN, fidelity=0.4), OnFacts.UNDONE_MET),
        (OPEN, OnFacts.UNDONE_MISSED),
        (replace(OPEN, is_reached=None), OnFacts.UNDONE_NO_GOAL),
    ],
)
def test_the_verdict_on_the_facts_needs_no_evidence(facts, said):
    assert judge(facts, Evidence(is_comparable=False), RULES).on_facts is said


def test_nothing_to_compare_with_is_not_assessable_whether_the_goal_was_met_or_not():
    nothing = Evidence(is_comparable=False)
    assert {judge(facts, nothing, RULES).verdict for facts in (RUN, MISSED)} == {Verdict.NOT_ASSESSABLE}


def test_five_accounts_of_two_csms_are_asked_for_before_a_met_goal_is_credited():
    thin = [replace(WORKS, accounts=4), replace(WORKS, csms=1), replace(WORKS, above=None)]
    assert {judge(RUN, each, RULES).verdict for each in thin} == {Verdict.INCONCLUSIVE}


def test_a_plan_without_steps_is_not_finished_and_met_without_them_where_the_goal_was_met():
    without = replace(RUN, fidelity=None)
    assert judge(without, WORKS, RULES).verdict is Verdict.MET_WITHOUT_STEPS
    assert judge(replace(without, is_reached=False), WORKS, RULES).verdict is Verdict.NOT_FINISHED


def test_an_undeclared_or_unproven_trait_puts_no_account_out_of_scope():
    unproven = replace(IDLE, is_outside=True, is_limited=False, above_inside=0.99, accounts_inside=5)
    assert judge(MISSED, unproven, RULES).verdict is Verdict.NOT_REPRESENTATIVE


def test_only_a_drawn_start_order_verifies():
    facts, evidence = GOLDEN[Verdict.VERIFIED]
    assert judge(facts, replace(evidence, is_randomized=False), RULES).verdict is Verdict.SUPPORTED


CHANCES = st.floats(0, 1)
RANK = {
    # The better the evidence, the further on; a met and a missed goal each have an order of their own.
    Verdict.REACHED_NOT_ATTRIBUTABLE: 0,
    Verdict.SUPPORTED: 1,
    Verdict.HARMFUL: 0,
    Verdict.NOT_REPRESENTATIVE: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.GOAL_TOO_HIGH: 3,
    Verdict.UNLUCKY: 4,
}


@given(st.booleans(), CHANCES, CHANCES, CHANCES, CHANCES, CHANCES, CHANCES)
def test_more_evidence_for_a_playbook_never_makes_the_verdict_worse(is_reached, a, b, harm, less, goal, more):
    low, high = sorted((a, b))
    weak = replace(WORKS, above=low, harm=max(harm, less) * (1 - low), above_goal=min(goal, more) * low)
    strong = replace(WORKS, above=high, harm=min(weak.harm, 1 - high), above_goal=max(weak.above_goal, more * high))
    facts = replace(RUN, is_reached=is_reached)
    ranks = [RANK[judge(facts, each, RULES).verdict] for each in (weak, strong)]
    assert ranks[0] <= ranks[1]


@given(st.integers(0, 60), st.integers(0, 60))
def test_more_stops_at_a_step_never_take_the_blame_off_the_plan(a, b):
    few, many = sorted((a, b))
    blamed = [
        judge(replace(OPEN, stops=number, stop_csms=3), WORKS, RULES).verdict is Verdict.NOT_EXECUTABLE
        for number in (few, many)
    ]
    assert blamed[0] <= blamed[1]
