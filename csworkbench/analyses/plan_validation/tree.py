"""The verdict tree as data: what is known of a plan and its playbook, the questions in order, and the leaf they reach.

Nothing here is estimated. `Facts` are what happened, `Evidence` what the playbook's posterior says without the plan's
own account; both go down `TREE`, and the way is part of the verdict.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from csworkbench.analyses.plan_validation.settings import VerdictRules

ROOT = "closed"


class Verdict(StrEnum):
    """The leaves of the tree."""

    IN_PROGRESS = "in_progress"
    TOO_EARLY = "too_early"
    BLOCKED_BY_CUSTOMER = "blocked_by_customer"
    WRONG_PROBLEM = "wrong_problem"
    MET_WITHOUT_STEPS = "met_without_steps"
    NOT_EXECUTABLE = "not_executable"
    EXECUTION_ISSUE = "execution_issue"
    NOT_FINISHED = "not_finished"
    VERIFIED = "verified"
    SUPPORTED = "supported"
    REACHED_NOT_ATTRIBUTABLE = "reached_not_attributable"
    HARMFUL = "harmful"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_REPRESENTATIVE = "not_representative"
    GOAL_TOO_HIGH = "effective_but_goal_too_high"
    UNLUCKY = "unlucky"
    INCONCLUSIVE = "inconclusive"
    NOT_ASSESSABLE = "not_assessable"


class OnFacts(StrEnum):
    """What a review meeting can say without any comparison: were the steps done, and was the goal met?"""

    RUNNING = "running"
    WINDOW_OPEN = "window_open"
    DONE_MET = "steps_done_goal_met"
    DONE_MISSED = "steps_done_goal_missed"
    DONE_NO_GOAL = "steps_done_no_goal"
    UNDONE_MET = "steps_not_done_goal_met"
    UNDONE_MISSED = "steps_not_done_goal_missed"
    UNDONE_NO_GOAL = "steps_not_done_no_goal"


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened in one plan.

    Args:
        is_closed: The plan was closed.
        is_matured: The window after landing has ended.
        is_blocked: Every mandatory step that is open waits for the customer.
        is_wrong: The named problem was none at the start; None = cannot be told.
        fidelity: Share of the mandatory steps that were done, 0 where all were ticked off at closing; None without
            steps.
        is_reached: The goal was met; None without a goal or without values.
        blocker: Who held up the first mandatory step that is open: csm, customer, plan, product or none.
        stops: Plans of the playbook that stopped at that step, this one among them.
        stop_csms: CSMs of these plans.
    """

    is_closed: bool = True
    is_matured: bool = True
    is_blocked: bool = False
    is_wrong: bool | None = False
    fidelity: float | None = 1.0
    is_reached: bool | None = None
    blocker: str = "none"
    stops: int = 0
    stop_csms: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What other accounts say of the playbook, this account left out; probabilities are None where nothing is told.

    Args:
        is_comparable: There is a design (A to E) that compares the plans with something.
        is_randomized: A lot drew who starts when (design A).
        accounts: Other accounts with an effect.
        csms: CSMs of their plans.
        above: P(mean effect >= smallest effect of note); of the account's side of the trait where that limits it.
        harm: P(mean effect < - smallest effect of note).
        above_goal: P(mean effect >= the goal of this plan).
        is_outside: The declared trait puts the account outside of what the playbook is for.
        is_limited: That trait is shown to limit the playbook: enough plans, small p.
        above_inside: P(mean effect >= smallest effect of note) of the accounts inside the trait.
        accounts_inside: Other accounts with an effect inside the trait.
    """

    is_comparable: bool = True
    is_randomized: bool = False
    accounts: int = 0
    csms: int = 0
    above: float | None = None
    harm: float | None = None
    above_goal: float | None = None
    is_outside: bool = False
    is_limited: bool = False
    above_inside: float | None = None
    accounts_inside: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One question of the tree.

    Args:
        asks: The question, in words.
        test: Answers it.
        yes: The next question, or the verdict.
        no: The same for the other answer.
    """

    asks: str
    test: Callable[[Facts, Evidence, VerdictRules], bool]
    yes: "str | Verdict"
    no: "str | Verdict"


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a plan ended up.

    Args:
        on_facts: What can be said without a comparison.
        verdict: The leaf.
        path: Questions in the order they were asked, each with its answer.
    """

    on_facts: OnFacts
    verdict: Verdict
    path: tuple[tuple[str, bool], ...]

    @property
    def way(self) -> str:
        """The path as one line: "closed yes > blocked by customer no > ..."."""
        return " > ".join(f"{name.replace('_', ' ')} {'yes' if answer else 'no'}" for name, answer in self.path)


def has_steps_done(facts: Facts, rules: VerdictRules) -> bool:
    """Return whether enough mandatory steps were done; without steps nobody can tell, which is no."""
    return facts.fidelity is not None and facts.fidelity >= rules.fidelity


def is_enough(evidence: Evidence, rules: VerdictRules) -> bool:
    """Return whether the evidence comes from enough other accounts and CSMs."""
    return evidence.above is not None and evidence.accounts >= rules.accounts and evidence.csms >= rules.csms


def is_attributable(evidence: Evidence, rules: VerdictRules) -> bool:
    """Return whether the playbook is shown to do at least the smallest effect of note elsewhere."""
    return is_enough(evidence, rules) and (evidence.above or 0.0) >= rules.chance


def _blames_plan(facts: Facts, _: Evidence, rules: VerdictRules) -> bool:
    return facts.blocker == "plan" or (facts.stops >= rules.stops and facts.stop_csms >= rules.stop_csms)


def _is_harmful(_: Facts, evidence: Evidence, rules: VerdictRules) -> bool:
    return is_enough(evidence, rules) and (evidence.harm or 0.0) >= rules.chance


def _is_outside(_: Facts, evidence: Evidence, rules: VerdictRules) -> bool:
    is_shown = evidence.accounts_inside >= rules.accounts and (evidence.above_inside or 0.0) >= rules.chance
    return evidence.is_limited and evidence.is_outside and is_shown


def _is_below(_: Facts, evidence: Evidence, rules: VerdictRules) -> bool:
    return is_enough(evidence, rules) and 1 - (evidence.above or 0.0) >= rules.chance


def _is_goal_too_high(_: Facts, evidence: Evidence, rules: VerdictRules) -> bool:
    return evidence.above_goal is not None and 1 - evidence.above_goal >= rules.chance


TREE: Mapping[str, Node] = MappingProxyType(
    {
        "closed": Node(
            "Is the plan closed?", lambda f, _e, _r: f.is_closed, "blocked_by_customer", Verdict.IN_PROGRESS
        ),
        "blocked_by_customer": Node(
            "Does every open step wait for the customer?",
            lambda f, _e, _r: f.is_blocked,
            Verdict.BLOCKED_BY_CUSTOMER,
            "window_over",
        ),
        "window_over": Node(
            "Has the window after landing ended?", lambda f, _e, _r: f.is_matured, "problem_was_none", Verdict.TOO_EARLY
        ),
        "problem_was_none": Node(
            "Was the named problem none at the start?",
            lambda f, _e, _r: f.is_wrong is True,
            Verdict.WRONG_PROBLEM,
            "steps_done",
        ),
        "steps_done": Node(
            "Were the mandatory steps done?", lambda f, _e, r: has_steps_done(f, r), "measurable", "met_anyway"
        ),
        "met_anyway": Node(
            "Was the goal met all the same?",
            lambda f, _e, _r: f.is_reached is True,
            Verdict.MET_WITHOUT_STEPS,
            "plan_in_the_way",
        ),
        "plan_in_the_way": Node(
            "Do plans of this playbook stop at this step, or did the plan itself hold it up?",
            _blames_plan,
            Verdict.NOT_EXECUTABLE,
            "csm_in_the_way",
        ),
        "csm_in_the_way": Node(
            "Was the step held up on our side?",
            lambda f, _e, _r: f.blocker == "csm",
            Verdict.EXECUTION_ISSUE,
            Verdict.NOT_FINISHED,
        ),
        "measurable": Node(
            "Is there a goal and a value to hold against it?",
            lambda f, _e, _r: f.is_reached is not None,
            "comparable",
            Verdict.NOT_ASSESSABLE,
        ),
        "comparable": Node(
            "Is there anything to compare the plans with?",
            lambda _f, e, _r: e.is_comparable,
            "goal_met",
            Verdict.NOT_ASSESSABLE,
        ),
        "goal_met": Node("Was the goal met?", lambda f, _e, _r: f.is_reached is True, "enough_elsewhere", "harm"),
        "enough_elsewhere": Node(
            "Do enough other accounts and CSMs tell about the playbook?",
            lambda _f, e, r: is_enough(e, r),
            "attributable",
            Verdict.INCONCLUSIVE,
        ),
        "attributable": Node(
            "Does the playbook do at least the smallest effect of note at the other accounts?",
            lambda _f, e, r: is_attributable(e, r),
            "randomized",
            Verdict.REACHED_NOT_ATTRIBUTABLE,
        ),
        "randomized": Node(
            "Did a lot draw who starts when?", lambda _f, e, _r: e.is_randomized, Verdict.VERIFIED, Verdict.SUPPORTED
        ),
        "harm": Node("Does the playbook do harm at the other accounts?", _is_harmful, Verdict.HARMFUL, "outside"),
        "outside": Node(
            "Is the account outside of what the playbook is shown to work for?",
            _is_outside,
            Verdict.OUT_OF_SCOPE,
            "below_elsewhere",
        ),
        "below_elsewhere": Node(
            "Does the playbook do less than the smallest effect of note at the other accounts?",
            _is_below,
            Verdict.NOT_REPRESENTATIVE,
            "works_elsewhere",
        ),
        "works_elsewhere": Node(
            "Does the playbook do at least the smallest effect of note at the other accounts?",
            lambda _f, e, r: is_attributable(e, r),
            "goal_too_high",
            Verdict.INCONCLUSIVE,
        ),
        "goal_too_high": Node(
            "Is the goal above what the playbook does?", _is_goal_too_high, Verdict.GOAL_TOO_HIGH, Verdict.UNLUCKY
        ),
    }
)
"""Question -> Node, the first is `ROOT`; every leaf of `Verdict` is reached by one way at least."""


def judge(facts: Facts, evidence: Evidence, rules: VerdictRules) -> Judged:
    """Return where a plan ends up, and by which way.

    Args:
        facts: What happened.
        evidence: What other accounts say of the playbook.
        rules: Thresholds.
    """
    path: list[tuple[str, bool]] = []
    at: str | Verdict = ROOT
    while not isinstance(at, Verdict):
        node = TREE[at]
        answer = node.test(facts, evidence, rules)
        path.append((str(at), answer))
        at = node.yes if answer else node.no
    return Judged(on_facts(facts, rules), at, tuple(path))


def on_facts(facts: Facts, rules: VerdictRules) -> OnFacts:
    """Return what can be said of a plan without a comparison.

    Args:
        facts: What happened.
        rules: Thresholds; only the fidelity counts.
    """
    if not facts.is_closed:
        return OnFacts.RUNNING
    if not facts.is_matured:
        return OnFacts.WINDOW_OPEN
    done = has_steps_done(facts, rules)
    if facts.is_reached is None:
        return OnFacts.DONE_NO_GOAL if done else OnFacts.UNDONE_NO_GOAL
    if facts.is_reached:
        return OnFacts.DONE_MET if done else OnFacts.UNDONE_MET
    return OnFacts.DONE_MISSED if done else OnFacts.UNDONE_MISSED
