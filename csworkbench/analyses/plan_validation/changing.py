"""What would change a verdict, in one sentence with the number of accounts that would settle it."""

import math
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.evidence import NO_PLAYBOOK
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.settings import VerdictRules
from csworkbench.analyses.plan_validation.tree import Evidence, Verdict, is_enough
from csworkbench.estimates import Message, say

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 1000  # accounts; more is "no number of accounts that a team has"


def accounts_to_settle(reading: Reading, rules: VerdictRules) -> int | None:
    """Return how many accounts would settle whether a playbook does the smallest effect of note.

    So many that the mean effect, if it stays where it is, is so far from the smallest effect of note that one side has
    the probability asked for: z^2 (s^2 / n + e^2) = distance^2, s the spread of single effects, e the error that all
    have in common by their controls, which more accounts do not lessen. At least one more than are there.

    Args:
        reading: The playbook.
        rules: Thresholds.

    Returns:
        Accounts; None where nothing is known, or more than `MOST` would be needed, or none would do.
    """
    from statistics import NormalDist

    pooled, worth = reading.elsewhere, reading.worth(rules)
    if pooled is None or worth is None or reading.comparison is None:
        return None
    errors = reading.comparison.effects["standard_error"].dropna()
    spread = math.hypot(pooled.tau, float(errors.median()))
    distance, z = abs(pooled.mean - worth), NormalDist().inv_cdf(rules.chance)
    if distance <= z * pooled.hierarchy.shared:
        return None
    distance = math.sqrt(distance**2 - (z * pooled.hierarchy.shared) ** 2)
    if distance * math.sqrt(MOST) < z * spread:
        return None
    needed = math.ceil((z * spread / distance) ** 2)
    return max(needed, rules.accounts + 1, pooled.n + 1)


def would_change(reading: Reading, plan: str, rules: VerdictRules) -> Message:
    """Return what would change the verdict of a plan.

    Args:
        reading: Its playbook.
        plan: The plan.
        rules: Thresholds.
    """
    line: Mapping[Any, Any] = reading.lines.loc[plan].to_dict()
    verdict, evidence = reading.judged[plan].verdict, reading.evidence[plan]
    if verdict in (Verdict.VERIFIED, Verdict.SUPPORTED):
        return _withdrawn(verdict, evidence, rules)
    step, metric = str(line["stop_step"]), str(line["metric"])
    settled = {
        Verdict.IN_PROGRESS: say("Closing the plan, and the window after landing"),
        Verdict.TOO_EARLY: say("The end of its window on {day:date}", day=line["ends_on"]),
        Verdict.BLOCKED_BY_CUSTOMER: say("The customer's move at the step {step}", step=step),
        Verdict.WRONG_PROBLEM: say("A record that {metric:word} was bad when the plan was written", metric=metric),
        Verdict.MET_WITHOUT_STEPS: say("A record of the steps, day by day, if they were done"),
        Verdict.NOT_EXECUTABLE: say("Another cause on record for the step {step}, or plans that pass it", step=step),
        Verdict.EXECUTION_ISSUE: say("Another cause on record for the step {step}", step=step),
        Verdict.NOT_FINISHED: say("A record that the mandatory steps were done, {step} first", step=step)
        if line["stop_step"] == line["stop_step"]
        else say("A record of the mandatory steps, with the day on which each was done"),
    }
    return settled[verdict] if verdict in settled else _with_evidence(reading, plan, rules)


def _withdrawn(verdict: Verdict, evidence: Evidence, rules: VerdictRules) -> Message:
    if verdict is Verdict.VERIFIED:
        return say(
            "New accounts that bring the probability of {above:percent} below {chance:percent}",
            above=evidence.above,
            chance=rules.chance,
        )
    return say(
        "A drawn start order for the next accounts would verify it; a probability below {chance:percent} (now "
        "{above:percent}) would withdraw it",
        above=evidence.above,
        chance=rules.chance,
    )


def _with_evidence(reading: Reading, plan: str, rules: VerdictRules) -> Message:
    """Return what would change a verdict that rests on the evidence of other accounts."""
    verdict, line = reading.judged[plan].verdict, reading.lines.loc[plan]
    if verdict is Verdict.NOT_ASSESSABLE:
        if line["goal"] != line["goal"]:
            return say("A goal with baseline and target, written before the plan starts")
        if line["level_after"] != line["level_after"]:
            return say("Values of {metric} in the window after landing", metric=str(line["metric"]))
        if reading.name == NO_PLAYBOOK:
            return say("The playbook it followed, named in the plan")
        if str(line["metric"]) != reading.metric:
            return say(
                "More plans that are about {metric}: the playbook is judged by {other}",
                metric=str(line["metric"]),
                other=reading.metric,
            )
        return say("Accounts without the plan to compare with, best by a drawn start order")
    if verdict is Verdict.GOAL_TOO_HIGH:
        return say("A goal that the playbook has been seen to reach")
    if verdict is Verdict.OUT_OF_SCOPE:
        return say("Plans at accounts with another {trait:word} that do work", trait=reading.declared.trait)
    above = reading.evidence[plan].above
    if above is not None and is_enough(reading.evidence[plan], rules) and max(above, 1 - above) >= rules.chance:
        return say(
            "New accounts that bring the probability of an effect of note (now {above:percent}) to the other side of "
            "{chance:percent}",
            above=above,
            chance=rules.chance if above >= rules.chance else 1 - rules.chance,
        )
    needed = accounts_to_settle(reading, rules)
    if reading.elsewhere is None:
        return say("Plans at accounts other than the one the playbook was written for")
    if needed is None:
        return say(
            "It cannot be settled by more plans alone: the mean effect lies next to the smallest effect of note, or "
            "within the error of the controls"
        )
    return say(
        "About {needed:n account|accounts} in all (now {now:count}), if the mean effect stays where it is",
        needed=needed,
        now=reading.elsewhere.n,
    )
