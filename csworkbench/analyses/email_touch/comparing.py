"""Effects: each metric of each variant against its baseline, judged together with the others of its role."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.analyses.email_touch.looks import Due, due_look, look_at
from csworkbench.analyses.email_touch.pairs import Pair, pair_of, within
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say
from csworkbench.experiments import Continuous, Experiment, Fixed, Metric, Planned, unit_of
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.effects import Comparison, Effect, compare
from csworkbench.inference.multiplicity import Adjusted, Guardrail, benjamini_hochberg, guardrail, holm
from csworkbench.inference.sequential import Look

BETTER, WORSE, SAME, SMALL = "better", "worse", "no difference shown", "smaller than worth knowing"
HARM, NO_HARM, TOO_FEW = "harm", "no harm", "too few data"
DESCRIBED, CANNOT_TELL = "described only", "cannot tell"
GUARDRAIL = {Guardrail.HARM: HARM, Guardrail.NO_HARM: NO_HARM, Guardrail.TOO_FEW_DATA: TOO_FEW}
Bounds = tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One metric of one variant against its baseline.

    Args:
        metric: The metric.
        variant: Name of the arm.
        control: Name of the arm it is compared with.
        n_units: Units of both that the test counts; accounts where contacts are compared within them or added up.
        effect: Difference with its test; None where nothing can be told.
        seen: Value of variant and control, without a covariate.
        bounds: Interval at the level of the page.
        p: P-value of no difference; None where there is no such test.
        p_adjusted: The same, for all tests of its role together.
        adjusted: Interval that agrees with the decision, and its coverage.
        state: What it says, in a few words.
        hypothesis: What was tested.
        reason: Why nothing can be told.
        comparison: What the test says besides; None for contacts within accounts.
        missing: Share of units without the covariate; None without one.
        level: Coverage of `bounds`.
        relative: Difference over the value of the baseline: shown, never tested; None where a value is not above 0.
        doubts: What a reader must know beside it.
        due: The look it is of; None before the first.
    """

    metric: Metric
    variant: str
    control: str
    n_units: int
    effect: Effect | None
    seen: tuple[float | None, float | None]
    bounds: Bounds = None
    p: float | None = None
    p_adjusted: float | None = None
    adjusted: tuple[Bounds, float | None] = (None, None)
    state: str = CANNOT_TELL
    hypothesis: str = ""
    reason: Message | None = None
    comparison: Comparison | None = None
    missing: float | None = None
    level: float = 0.95
    relative: Estimate | None = None
    doubts: tuple[Caveat, ...] = ()
    due: Due | None = None

    @property
    def estimate(self) -> Estimate:
        """The difference with its interval, shares in percentage points."""
        unit = unit_of(self.metric.outcome)
        factor, named = (100.0, "percentage_points") if unit == "share" else (1.0, unit)
        if self.effect is None:
            return Estimate(None, named, self.n_units)
        value = self.effect.value * factor
        if self.bounds is None:
            return Estimate(value, named, self.n_units)
        low, high = self.bounds
        return Estimate(value, named, self.n_units, low * factor, high * factor, self.level)


def compared(experiment: Experiment, facts: Facts, level: float, seed: int) -> tuple[Line, ...]:
    """Return every comparison of an experiment, judged by role.

    Args:
        experiment: The experiment, not before its first look.
        facts: What is known of it.
        level: Coverage of intervals, and one minus the significance level.
        seed: Seed of permutations.
    """
    raw = [
        _line(experiment, facts, (metric, variant), level, seed)
        for metric in experiment.metrics
        for variant in experiment.variants(metric)
        if metric.name in facts.metrics
    ]
    judged = {
        "primary": _family(experiment, raw, "primary", level),
        "secondary": _family(experiment, raw, "secondary", level),
        "guardrail": [_guarded(experiment, line, level) for line in raw if line.metric.role == "guardrail"],
        "diagnostic": [_described(line, level) for line in raw if line.metric.role == "diagnostic"],
    }
    return tuple(line for role in judged for line in judged[role])


def _line(experiment: Experiment, facts: Facts, asked: tuple[Metric, str], level: float, seed: int) -> Line:
    metric, variant = asked
    due = due_look(experiment, facts, metric, variant)
    pair = pair_of(experiment, facts, metric, variant, due.units if isinstance(due, Due) else None)
    sums = pair.sums
    values = (sums.ratio(1), sums.ratio(0))
    if late := facts.late.get(metric.name, 0):
        said = say(
            "The covariate of {n:n unit was|units was} measured on the day of the draw or later, so it is refused",
            n=late,
        )
        return Line(metric, variant, experiment.baseline(metric), len(sums.arm), None, values, reason=said)
    if not isinstance(due, Due):
        return Line(metric, variant, experiment.baseline(metric), len(sums.arm), None, values, reason=due)
    judged = within(experiment, pair, seed) or compare(sums, level=level, seed=seed)
    named = (metric, variant, experiment.baseline(metric))
    doubts = tuple(_doubts(experiment, metric, pair))
    if isinstance(judged, CannotTell):
        return Line(*named, len(sums.arm), None, values, reason=judged.message, doubts=doubts)
    effect = judged.effect if isinstance(judged, Comparison) else judged
    return Line(
        *named,
        effect.n_units,
        effect,
        values,
        comparison=judged if isinstance(judged, Comparison) else None,
        missing=pair.missing,
        level=level,
        relative=effect.relative(level),
        doubts=doubts,
        due=due,
    )


def _doubts(experiment: Experiment, metric: Metric, pair: Pair) -> Iterator[Caveat]:
    """Tell where contacts were drawn and accounts are what counts, or not all of them."""
    severity = Severity.WARNING if metric.role == "primary" else Severity.NOTE
    words = {"label": experiment.label, "metric": metric.label}
    if pair.contacts:
        said = say(
            "{label}: {metric}: every account has all its contacts in one arm, so {n:n account|accounts} are compared, "
            "not {contacts:n contact|contacts}",
            n=len(pair.account),
            contacts=pair.contacts,
            **words,
        )
        yield Caveat("accounts_not_contacts", severity, said, say("Say unit: account, if the lot was that of accounts"))
    elif experiment.unit == "contact" and 0 < (alone := int(pair.one_armed().sum())) < len(pair.account):
        said = say(
            "{label}: {metric}: {alone:count} of {n:n contact|contacts} say nothing, for all of their account are in "
            "one arm; only accounts with both arms are compared",
            alone=alone,
            n=len(pair.account),
            **words,
        )
        yield Caveat("contacts_left_out", severity, said, say("Read the result as that of the accounts that are left"))


def _family(experiment: Experiment, raw: Sequence[Line], role: str, level: float) -> list[Line]:
    """Return the lines of a role with p-values, intervals and decisions that allow for their number."""
    lines = [line for line in raw if line.metric.role == role]
    told = [line for line in lines if line.effect is not None]
    match experiment.looks:
        case Fixed():
            judged = list(_judged(told, role, level))
        case Continuous() | Planned():
            judged = list(_looked(experiment, told, role, level))
    done = {(line.metric.name, line.variant): line for line in judged}
    return [done.get((line.metric.name, line.variant), line) for line in lines]


def _adjust(p: Sequence[float], role: str, level: float) -> Adjusted:
    return holm(p, 1 - level) if role == "primary" else benjamini_hochberg(p, 1 - level)


def _over(role: str, n: int) -> str:
    name = "Holm" if role == "primary" else "Benjamini-Hochberg"
    return f"no absolute difference ({name} over {n})" if n > 1 else "no absolute difference"


def _judged(lines: Sequence[Line], role: str, level: float) -> Iterator[Line]:
    effects = [_effect(line) for line in lines]
    adjusted = _adjust([effect.p for effect in effects], role, level)
    for line, effect, p, own in zip(lines, effects, adjusted.p, adjusted.levels, strict=True):
        bounds = effect.interval(own)
        yield replace(
            line,
            bounds=effect.interval(level),
            p=effect.p,
            p_adjusted=p,
            adjusted=(bounds, own),
            state=_state(line, bounds, is_shown=p < 1 - level),
            hypothesis=_over(role, len(lines)),
        )


def _looked(experiment: Experiment, lines: Sequence[Line], role: str, level: float) -> Iterator[Line]:
    """Return lines with intervals and p-values that hold at all looks together."""
    first = [_look(experiment, line, level) for line in lines]
    for line, found in zip(lines, first, strict=True):
        if isinstance(found, CannotTell):
            yield replace(line, effect=None, reason=found.message)
    told = [(line, found) for line, found in zip(lines, first, strict=True) if not isinstance(found, CannotTell)]
    adjusted = _adjust([found.p for _, found in told], role, level)
    for (line, found), p, own in zip(told, adjusted.p, adjusted.levels, strict=True):
        wide = _look(experiment, line, own)
        bounds = (found.low, found.high) if isinstance(wide, CannotTell) else (wide.low, wide.high)
        yield replace(
            line,
            bounds=(found.low, found.high),
            p=found.p,
            p_adjusted=p,
            adjusted=(bounds, own),
            state=_state(line, bounds, is_shown=p < 1 - level),
            hypothesis=f"{_over(role, len(told))}{_due(line).name}",
            relative=_relative(line, found, level),
        )


def _look(experiment: Experiment, line: Line, level: float) -> Look | CannotTell:
    if isinstance(experiment.looks, Fixed):
        raise ValueError("a fixed experiment is looked at once")
    return look_at(experiment.looks, _effect(line), _due(line), level)


def _relative(line: Line, found: Look, level: float) -> Estimate | None:
    """Return the relative effect with an interval as many standard errors wide as that of the difference."""
    from scipy.stats import norm

    effect = _effect(line)
    if effect.error <= 0:
        return None
    told = effect.relative(1 - 2 * float(norm.sf((found.high - found.low) / 2 / effect.error)))
    return told and replace(told, level=level)


def _guarded(experiment: Experiment, line: Line, level: float) -> Line:
    """Return a guardrail: one-sided, so its interval covers one minus twice the significance level."""
    metric, effect = line.metric, line.effect
    if effect is None or metric.margin is None:
        return line
    own = 1 - 2 * (1 - level)
    shown, bounds = effect.interval(level), effect.interval(own)
    if not isinstance(experiment.looks, Fixed):
        usual, wide = _look(experiment, line, level), _look(experiment, line, own)
        if isinstance(usual, CannotTell) or isinstance(wide, CannotTell):
            reason = next(found.message for found in (usual, wide) if isinstance(found, CannotTell))
            return replace(line, effect=None, reason=reason)
        shown, bounds = (usual.low, usual.high), (wide.low, wide.high)
        line = replace(line, relative=_relative(line, usual, level))
    hypothesis = f"worse by at least {metric.margin:g} (one-sided){_due(line).name}"
    if bounds is None:
        return replace(line, state=TOO_FEW, hypothesis=hypothesis)
    said = guardrail(*bounds, metric.margin, is_higher_better=metric.direction == "higher")
    return replace(line, bounds=shown, adjusted=(bounds, own), state=GUARDRAIL[said], hypothesis=hypothesis)


def _described(line: Line, level: float) -> Line:
    if line.effect is None:
        return line
    bounds = line.effect.interval(level)
    return replace(line, bounds=bounds, adjusted=(bounds, level), state=DESCRIBED, hypothesis="none: decides nothing")


def _state(line: Line, bounds: Bounds, *, is_shown: bool) -> str:
    effect, worth = _effect(line), line.metric.worth
    if is_shown:
        return BETTER if (effect.value > 0) == (line.metric.direction == "higher") else WORSE
    if worth is not None and bounds is not None and -worth < bounds[0] and bounds[1] < worth:
        return SMALL
    return SAME


def _effect(line: Line) -> Effect:
    if line.effect is None:
        raise ValueError("a line without an effect has no test")
    return line.effect


def _due(line: Line) -> Due:
    if line.due is None:
        raise ValueError("a line without a look has no test")
    return line.due
