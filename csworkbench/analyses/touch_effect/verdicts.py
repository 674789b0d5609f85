"""What may be said of a touch: the verdict, its reason, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.adjustment.sensitivity import Robustness
from csworkbench.analyses.touch_effect.measuring import Adjusted, Line
from csworkbench.analyses.touch_effect.settings import Touch
from csworkbench.estimates import Message, say

if TYPE_CHECKING:
    import pandas as pd


class Verdict(StrEnum):
    """What may be said of a touch."""

    EFFECT_BY_DESIGN = "effect_by_design"
    NO_EFFECT_SHOWN = "no_effect_shown"
    ADJUSTED_DIFFERENCE = "adjusted_difference"
    INCONCLUSIVE = "inconclusive"
    DESCRIPTIVE_ONLY = "descriptive_only"
    CONFOUNDED = "confounded_by_indication"
    NOT_FIXABLE = "cannot_be_fixed_by_adjustment"
    NOT_ANSWERABLE = "not_answerable"


BEFORE = ("negative_control", "placebo_week", "pre_trend")  # what would show that accounts differed before the touch
CAUSAL = (Verdict.EFFECT_BY_DESIGN, Verdict.NO_EFFECT_SHOWN)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at beside the effect.

    Args:
        name: Stable name in snake_case.
        is_passed: None = it could not be looked at.
        finding: What was found, with the numbers.
        is_fatal: Failing it, nothing can be answered.
    """

    name: str
    is_passed: bool | None
    finding: Message
    is_fatal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The figures and checks of one touch, before they are put into a verdict.

    Args:
        touch: The touch.
        lines: Its figures.
        main: The one the verdict is about; None where there is none.
        checks: What was looked at.
        absent: Why there are no figures; None where there are.
        action: What helps where there are none.
        adjusted: The adjustment, where one was made.
        course: Weeks around the touch, where use is known.
        robustness: Against hidden traits, where an adjustment was made.
        e_values: E-value of the effect and of its limit nearer to none, where the outcome is a ratio or a share.
        left_out: Reason -> rows that are not read, and touched ones among them.
    """

    touch: Touch
    lines: tuple[Line, ...] = ()
    main: Line | None = None
    checks: tuple[Check, ...] = ()
    absent: Message | None = None
    action: Message | None = None
    adjusted: Adjusted | None = None
    course: "pd.DataFrame | None" = None
    robustness: Robustness | None = None
    e_values: tuple[float, float] | None = None
    left_out: "dict[str, tuple[int, int]] | None" = None

    def line(self, estimand: str) -> Line | None:
        """Return the figure of an estimand; None where there is none.

        Args:
            estimand: One of the names of `measuring`.
        """
        return next((line for line in self.lines if line.estimand == estimand), None)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A touch with its verdict.

    Args:
        found: Figures and checks.
        verdict: What may be said.
        sentence: In words, with the numbers.
        action: What to do next.
    """

    found: Measured
    verdict: Verdict
    sentence: Message
    action: Message


def judge(found: Measured, lots: Mapping[str, Measured], contradicted: Mapping[str, float]) -> Judged:
    """Return what may be said of a touch.

    Args:
        found: Figures and checks.
        lots: Touch -> figures of those that were drawn by lot.
        contradicted: Touches whose adjustment lots contradict -> p-value.
    """
    verdict, reason = _verdict(found, contradicted)
    if verdict is Verdict.NOT_FIXABLE:
        sentence = _not_fixable(found, lots, contradicted[found.touch.id])
    else:
        sentence = _sentence(found, verdict, reason)
    return Judged(found, verdict, sentence, _action(found, verdict))


def _verdict(found: Measured, contradicted: Mapping[str, float]) -> tuple[Verdict, Message | None]:
    if found.absent is not None or found.main is None:
        return Verdict.NOT_ANSWERABLE, found.absent or say("there is no figure with an error")
    if found.touch.id in contradicted:
        return Verdict.NOT_FIXABLE, None
    fatal = next((check for check in found.checks if check.is_fatal and check.is_passed is False), None)
    if fatal is not None:
        return Verdict.NOT_ANSWERABLE, fatal.finding
    is_clear = _is_clear(found.main)
    if is_drawn(found.touch):
        return (Verdict.EFFECT_BY_DESIGN if is_clear else Verdict.NO_EFFECT_SHOWN), None
    if found.touch.kind == "periods" and not is_clear:
        return Verdict.INCONCLUSIVE, None
    if getattr(found.touch, "trigger", None) or is_by_rule(found.touch):
        return Verdict.CONFOUNDED, None
    if found.touch.kind == "periods" or any(check.is_passed is False for check in found.checks):
        return Verdict.DESCRIPTIVE_ONLY, None
    if _is_unchecked(found):
        return Verdict.INCONCLUSIVE, None
    return (Verdict.ADJUSTED_DIFFERENCE if is_clear else Verdict.INCONCLUSIVE), None


def is_drawn(touch: Touch) -> bool:
    """Return whether the draw of a touch is read: only then may its effect be called one, whatever is declared."""
    return touch.kind == "lot"


def declared_design(touch: Touch) -> str | None:
    """Return the design that is declared of a touch whose draw is not read; None where none is declared."""
    design = getattr(touch, "design", "none")
    return None if is_drawn(touch) or design == "none" else str(design)


def is_by_rule(touch: Touch) -> bool:
    """Return whether behaviour set a touch off, as its filter says: a rule about behaviour is an indication."""
    return touch.kind == "weekly" and "behaviour" in touch.where.family


def _is_clear(line: Line) -> bool:
    low, high = line.told.low, line.told.high
    return low is not None and high is not None and not low <= 0 <= high


def _is_unchecked(found: Measured) -> bool:
    """Return whether no check of what cannot come of the touch could be made: then adjustment rests on belief alone."""
    return not any(check.name in BEFORE and check.is_passed is not None for check in found.checks)


def _sentence(found: Measured, verdict: Verdict, reason: Message | None) -> Message:
    label, main = found.touch.label, found.main
    naive = found.line("naive")
    if main is None or verdict is Verdict.NOT_ANSWERABLE:
        return say("{label}: not answerable from these data: {reason}.", label=label, reason=reason)
    effect = main.told
    match verdict:
        case Verdict.EFFECT_BY_DESIGN:
            return say("{label}: it changed the outcome by {effect:estimate}.", label=label, effect=effect)
        case Verdict.NO_EFFECT_SHOWN:
            return say("{label}: no effect shown, {effect:estimate}.", label=label, effect=effect)
        case Verdict.CONFOUNDED if naive is not None:
            return say(
                "{label}: confounded by indication. Touched accounts differ by {naive:estimate}, and by "
                "{effect:estimate} from accounts alike before; what set the touch off may explain either.",
                label=label,
                naive=naive.told,
                effect=effect,
            )
        case Verdict.ADJUSTED_DIFFERENCE:
            return say(
                "{label}: {effect:estimate} beside accounts alike before. {checks}, and {drawn}.",
                label=label,
                effect=effect,
                checks=_checks(found),
                drawn=_not_drawn(found.touch),
            )
        case Verdict.INCONCLUSIVE if _is_unchecked(found) and found.touch.kind != "periods":
            return say(
                "{label}: cannot tell. {effect:estimate} beside accounts alike before, and none of negative control, "
                "placebo week and pre-trend could be looked at.",
                label=label,
                effect=effect,
            )
        case Verdict.INCONCLUSIVE:
            return say("{label}: inconclusive, {effect:estimate}.", label=label, effect=effect)
    failed = [check.name for check in found.checks if check.is_passed is False]
    return say(
        "{label}: description only. {effect:estimate} beside the others, and not to be read as an effect: "
        "{failed:words}.",
        label=label,
        effect=effect,
        failed=failed or [say("one group beside one other")],
    )


def _checks(found: Measured) -> Message:
    unseen = [check.name for check in found.checks if check.name in BEFORE and check.is_passed is None]
    if unseen:
        return say("No check that could be made speaks against it, {names:words} could not be looked at", names=unseen)
    return say("No check speaks against it")


def _not_drawn(touch: Touch) -> Message:
    match declared_design(touch):
        case None:
            return say("no lot was drawn")
        case "threshold":
            return say("the declared threshold is not used: accounts just above and below it are not held together")
    return say("the declared draw ({design}) is not read", design=declared_design(touch))


def _not_fixable(found: Measured, lots: Mapping[str, Measured], p: float) -> Message:
    naive, main = found.line("naive"), found.main
    stone = lots.get(getattr(found.touch, "lot", "") or "")
    return say(
        "{label}: cannot be fixed by adjustment. Raw {naive:estimate}, adjusted {effect:estimate}; the lot says "
        "{lot:estimate}. Taken together, the adjusted figures of this page miss their lots (p {p:number}): what "
        "decided who got them is not among the covariates.",
        label=found.touch.label,
        naive=naive.told if naive else None,
        effect=main.told if main else None,
        lot=stone.main.told if stone and stone.main else None,
        p=max(p, 1e-4),
    )


def _action(found: Measured, verdict: Verdict) -> Message:
    label = found.touch.label
    match verdict:
        case Verdict.EFFECT_BY_DESIGN | Verdict.NO_EFFECT_SHOWN:
            return say("{label}: decide on the interval, and on what the touch costs.", label=label)
        case Verdict.NOT_ANSWERABLE if found.action is not None:
            return say("{label}: {action}.", label=label, action=found.action)
        case Verdict.NOT_ANSWERABLE:
            return say(
                "{label}: hold the touch back from a part of those it is meant for, drawn by lot: no adjustment finds "
                "counterparts that do not exist.",
                label=label,
            )
        case Verdict.ADJUSTED_DIFFERENCE | Verdict.INCONCLUSIVE:
            return say("{label}: draw a lot next time; until then plan with the whole interval.", label=label)
    return say(
        "{label}: do not stop or extend it for these figures. Let a lot hold it back from one in five of the accounts "
        "it is meant for, and read that.",
        label=label,
    )
