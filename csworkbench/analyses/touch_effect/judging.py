"""From the rows of a touch to its figures and checks, kind by kind."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import exp
from typing import TYPE_CHECKING

from csworkbench.adjustment.clusters import numbered
from csworkbench.adjustment.compliance import STRONG, compliance_of
from csworkbench.adjustment.overlap import LEAST_EFFECTIVE, MOST_TRIMMED
from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.adjustment.sensitivity import e_value, e_value_of_limit, robustness_of
from csworkbench.analyses.touch_effect.facts import Absent, Block, Drawn, Facts, Grouped, Observed
from csworkbench.analyses.touch_effect.measuring import (
    AS_GOT,
    BEYOND_OTHERS,
    COMPLIERS,
    DRAWN,
    MOVED,
    Adjusted,
    Line,
    Scale,
    adjust,
    course_frame,
    plain,
    touched_accounts,
)
from csworkbench.analyses.touch_effect.settings import Config, LotTouch, OnceTouch, PeriodsTouch, Touch, UseAfter
from csworkbench.analyses.touch_effect.verdicts import Check, Judged, Measured, judge
from csworkbench.analyses.touch_effect.weekly import PAST
from csworkbench.estimates import say
from csworkbench.experiments import unit_of
from csworkbench.inference.accounts import AccountSums, CannotTell
from csworkbench.inference.effects import Effect
from csworkbench.inference.effects import judge as judge_draw
from csworkbench.inference.models import few_threads
from csworkbench.inference.sample_ratio import RatioState, SampleRatio, sample_ratio

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def judged(facts: Mapping[str, Facts], config: Config) -> tuple[Judged, ...]:
    """Return every touch with its verdict, in the order of the settings.

    Args:
        facts: Rows of each touch.
        config: Settings.
    """
    found = [measure(touch, facts[touch.id], config) for touch in config.touches]
    lots = {each.touch.id: each for each in found if each.touch.kind == "lot"}
    wrong = contradicted(found, lots, 1 - config.level)
    return tuple(judge(each, lots, wrong) for each in found)


def scale_of(touch: Touch) -> Scale:
    """Return how differences of a touch are told."""
    if isinstance(touch, LotTouch):
        metric = next(each for each in touch.experiment.metrics if each.name == touch.metric)
        return Scale(unit_of(metric.outcome))
    if isinstance(touch, OnceTouch | PeriodsTouch):
        return Scale(touch.unit)
    if isinstance(touch.outcome, UseAfter):
        is_relative = touch.outcome.scale == "relative"
        return Scale("share" if is_relative else touch.outcome.what, is_relative)
    return Scale("share")


def measure(touch: Touch, facts: Facts, config: Config) -> Measured:
    """Return the figures and checks of one touch.

    Args:
        touch: The touch.
        facts: Its rows.
        config: Settings.
    """
    match facts:
        case Absent():
            return Measured(touch, absent=facts.reason, action=facts.action)
        case Drawn():
            return _by_lot(touch, facts, config)
        case Grouped():
            return _by_group(touch, facts, config)
    return _observed(touch, facts, config)


def contradicted(found: "list[Measured]", lots: Mapping[str, Measured], alpha: float) -> dict[str, float]:
    """Return the touches whose adjustment their lots contradict, with the p-value of all of them taken together.

    One touch may agree with its lot by chance: where the same adjustment fails for its neighbours, it is not to be
    trusted for that one either. The sum of the squared standardised differences is chi-squared with one degree of
    freedom each, where the adjustment is right.

    Args:
        found: Figures of all touches.
        lots: Touch -> figures of those drawn by lot.
        alpha: Significance level.
    """
    from scipy.stats import chi2

    pairs = [
        (each.touch.id, each.main.difference, stone.main.difference)
        for each in found
        if isinstance(each.touch, OnceTouch) and each.touch.lot is not None
        if each.main is not None and (stone := lots[each.touch.lot]).main is not None
    ]
    total = sum((one.value - two.value) ** 2 / (one.error**2 + two.error**2) for _, one, two in pairs)
    p = float(chi2.sf(total, len(pairs))) if pairs else 1.0
    return {name: p for name, *_ in pairs} if p < alpha else {}


def _by_lot(touch: Touch, facts: Drawn, config: Config) -> Measured:

    units = facts.units
    is_drawn, got = units["is_drawn"].to_numpy(dtype=bool), units["got"].to_numpy(dtype=float)
    total, size = units["total"].to_numpy(dtype=float), units["size"].to_numpy(dtype=float)
    accounts = numbered(units["account_id"])
    found = compliance_of(is_drawn, got, total / size, accounts)  # each unit counts once
    scale = scale_of(touch)
    figures = (
        (DRAWN, found.drawn, scale),
        (MOVED, found.share, Scale("share", most=1.0)),
        (COMPLIERS, found.compliers, scale),
    )
    lines = tuple(
        Line(name, each, told.told(each, config.level), int(is_drawn.sum()), len(units))
        for name, each, told in (*figures, (AS_GOT, found.as_got, scale))
        if each is not None and (name == DRAWN or found.share is not None)  # all obeyed: there is one figure
    )
    exact = _by_accounts(units, config)
    lines = tuple(
        replace(line, told=exact.estimate(scale.unit, config.level))
        if line.estimand == DRAWN and isinstance(exact, Effect)
        else line
        for line in lines
    )
    main = next((line for line in lines if line.estimand == DRAWN), None)
    checks = (*_ratio_check(touch, Counter(units["variant"])), _compliance_check(found.strength, got))
    left_out = dict(facts.left_out)
    least = int(units.groupby("is_drawn")["account_id"].nunique().min())
    few = exact.message if isinstance(exact, CannotTell) else None
    if least < config.minimum_touched // 2:
        few = say("only {n:n account|accounts} in one arm", n=least)
    return Measured(touch, lines, main, checks, few, left_out=left_out)


def _by_accounts(units: "pd.DataFrame", config: Config) -> Effect | CannotTell | None:
    """Return the effect of being drawn by the test that so many accounts allow; None where an account has both arms."""
    by_account = units.assign(value=units["total"] / units["size"]).groupby("account_id", sort=True)
    sums = by_account.agg(total=("value", "sum"), size=("value", "size"), arms=("is_drawn", "nunique"))
    if (sums["arms"] > 1).any():
        return None
    arm = by_account["is_drawn"].first().to_numpy(dtype=int)
    pair = AccountSums(arm, sums["total"].to_numpy(dtype=float), sums["size"].to_numpy(dtype=float))
    return judge_draw(pair, seed=config.seed)


def _ratio_check(touch: Touch, counts: Mapping[str, int]) -> Iterator[Check]:
    if not isinstance(touch, LotTouch):
        return
    arms = touch.experiment.arms
    ratio = sample_ratio([counts.get(arm.name, 0) for arm in arms], [arm.weight for arm in arms])
    if not isinstance(ratio, SampleRatio):
        return
    said = " : ".join(f"{counts.get(arm.name, 0):,}" for arm in arms)
    is_passed = ratio.state is not RatioState.BLOCK
    finding = say("units per arm are {said} (p {p:number} of a lot as designed)", said=said, p=ratio.p)
    yield Check("sample_ratio", is_passed, finding, is_fatal=True)


def _compliance_check(strength: float, got: "Floats") -> Check:
    if strength < STRONG:
        finding = say(
            "the lot moved too few (F {f:number}, 10 is needed): the effect on those it moved cannot be told",
            f=strength,
        )
        return Check("compliance", None, finding)
    return Check("compliance", True, say("{got:share} of all units got the touch", got=float(got.mean())))


def _by_group(touch: Touch, facts: Grouped, config: Config) -> Measured:
    rows = facts.rows
    is_touched, is_after = (rows[name].to_numpy(dtype=bool) for name in ("is_touched", "is_after"))
    # Told whatever the levels before: a touch of this kind is only described.
    found = change_beyond_others(rows["outcome"].to_numpy(dtype=float), is_touched, is_after, max_smd=None)
    if found is None:
        return Measured(
            touch,
            absent=say("a group before or after has no two rows"),
            action=say("Give both groups rows before and after"),
            left_out=dict(facts.left_out),
        )
    line = Line(BEYOND_OTHERS, found, scale_of(touch).told(found, config.level), int(is_touched.sum()), len(rows))
    return Measured(touch, (line,), line, left_out=dict(facts.left_out))


def _observed(touch: Touch, facts: Observed, config: Config) -> Measured:
    block = facts.block
    few = touched_accounts(block)
    if few < config.minimum_touched or block.accounts[~block.is_touched].nunique() < config.minimum_touched:
        reason = say(
            "{touched:n account was|accounts were} touched and {others:count} were not in a week that can be read; "
            "{needed:count} of each are needed",
            touched=few,
            others=int(block.accounts[~block.is_touched].nunique()),
            needed=config.minimum_touched,
        )
        return Measured(touch, absent=reason, action=say("wait for more touches"), left_out=dict(facts.left_out))
    with few_threads(block.covariates.size):
        return _compared(touch, facts, config)


def _compared(touch: Touch, facts: Observed, config: Config) -> Measured:
    block, scale = facts.block, scale_of(touch)
    adjusted = adjust(block, config, scale)
    course = None if facts.course is None else course_frame(facts.course, adjusted, block, scale, config)
    checks = (
        _overlap_check(adjusted),
        _balance_check(adjusted),
        _zero_check("negative_control", facts.control, scale, config),
        _zero_check("placebo_week", facts.placebo, scale, config),
        _trend_check(facts, config, scale),
        *_open_check(facts, adjusted, config, scale),
    )
    return Measured(
        touch,
        adjusted.lines,
        adjusted.main,
        checks,
        adjusted=adjusted,
        course=course,
        robustness=robustness_of(
            block.is_touched.astype(float), adjusted.rows.outcome, adjusted.design, dict.fromkeys(PAST, "use_before")
        ),
        e_values=_e_values(adjusted, scale, config),
        left_out=dict(facts.left_out),
    )


def _overlap_check(adjusted: Adjusted) -> Check:
    overlap = adjusted.overlap
    finding = say(
        "{effective:count} effective accounts (at least {least:count}); {trimmed:share} of the touched have nobody to "
        "be compared with (at most {most:share})",
        effective=round(overlap.effective),
        least=LEAST_EFFECTIVE,
        trimmed=overlap.trimmed,
        most=MOST_TRIMMED,
    )
    return Check("overlap", overlap.is_enough, finding, is_fatal=True)


def _balance_check(adjusted: Adjusted) -> Check:
    flagged = adjusted.balance.loc[adjusted.balance["is_flagged"], "covariate"].tolist()
    if flagged:
        return Check("balance", False, say("still different after weighting: {names:list}", names=flagged))
    worst = float(adjusted.balance["smd_after"].abs().max()) if len(adjusted.balance) else 0.0
    return Check(
        "balance", True, say("alike after weighting, at most {worst:number} standard deviations apart", worst=worst)
    )


def _zero_check(name: str, block: Block | None, scale: Scale, config: Config) -> Check:
    """Return the check of a comparison in which nothing can have come of the touch yet."""
    if block is None or touched_accounts(block) < config.minimum_touched:
        return Check(name, None, say("cannot be looked at: use before the touch is not known for enough accounts"))
    found = adjust(block, config, scale, is_check=True).main
    if found is None or found.told.low is None or found.told.high is None:
        return Check(name, None, say("cannot be looked at: it has no error"))
    is_zero = found.told.low <= 0 <= found.told.high
    finding = (
        say("no difference where none can be: {found:estimate}", found=found.told)
        if is_zero
        else say("a difference where none can be: {found:estimate}", found=found.told)
    )
    return Check(name, is_zero, finding)


def _open_check(facts: Observed, adjusted: Adjusted, config: Config, scale: Scale) -> Iterator[Check]:
    """Yield whether renewals that are due and still open could turn the answer, however they are decided."""
    if facts.bounds is None or adjusted.main is None:
        return
    lost, kept = (adjust(block, config, scale).main for block in facts.bounds)
    if lost is None or kept is None:
        yield Check("open_renewals", None, say("cannot be looked at: without an error"))
        return
    sides = {_side(line) for line in (adjusted.main, lost, kept)}
    finding = say(
        "{n:n renewal is|renewals are} due and still open: {lost:estimate} if all are lost, {kept:estimate} if all are "
        "kept",
        n=len(facts.bounds[0].outcome) - len(facts.block.outcome),
        lost=lost.told,
        kept=kept.told,
    )
    yield Check("open_renewals", len(sides) == 1, finding)


def _side(line: Line) -> int:
    low, high = line.told.low, line.told.high
    return 0 if low is None or high is None or low <= 0 <= high else (1 if low > 0 else -1)


def _trend_check(facts: Observed, config: Config, scale: Scale) -> Check:
    """Return whether touched accounts were already changing: weeks -4 to -1 against the weeks before, unadjusted."""
    import numpy as np

    course, block = facts.course, facts.block
    if course is None:
        return Check("pre_trend", None, say("cannot be looked at: there is one row per account and no time"))
    late = course[:, config.course_weeks - 4 : config.course_weeks]
    soon = course[:, : config.course_weeks - 4]
    change = late.mean(axis=1) - soon.mean(axis=1)
    known = ~np.isnan(change)
    part = block.only(known, change[known])
    found = plain(part)
    if found is None:
        return Check("pre_trend", None, say("cannot be looked at: the weeks before are not known"))
    told = scale.told(found, config.level)
    is_flat = told.low is not None and told.high is not None and told.low <= 0 <= told.high
    finding = (
        say("touched accounts were not changing before the touch: {told:estimate}", told=told)
        if is_flat
        else say("touched accounts were changing before the touch already: {told:estimate}", told=told)
    )
    return Check("pre_trend", is_flat, finding)


def _e_values(adjusted: Adjusted, scale: Scale, config: Config) -> tuple[float, float] | None:
    """Return the E-value of the effect as a ratio, and of its limit nearer to no effect; None without a ratio."""
    main = adjusted.main
    if main is None:
        return None
    numbers = (main.difference.value, *main.difference.interval(config.level))
    if scale.is_relative:
        ratio, low, high = (exp(number) for number in numbers)
    elif scale.unit == "share" and adjusted.baseline > 0:
        ratio, low, high = (1 + number / adjusted.baseline for number in numbers)
    else:
        return None
    return (e_value(ratio), e_value_of_limit(ratio, low, high)) if ratio > 0 and low > 0 else None
