"""Looks before the end: which units each of them is about, and what they allow to say."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, assert_never

from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.estimates import Message, say
from csworkbench.experiments import Continuous, Experiment, Fixed, Metric, Planned, window_of
from csworkbench.experiments.measured import RUNNING
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.effects import Effect
from csworkbench.inference.sequential import Look, confidence_sequence, planned_look, repeated_p, spending_bounds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """The look that is due.

    Args:
        units: For each unit whether the look is about it.
        planned: Units of the two arms at the end; 0 where nothing was planned.
        fractions: Units of each planned look so far over `planned`; empty without planned looks.
        name: The look in words, to stand behind a hypothesis.
    """

    units: "pd.Series[bool]"
    planned: float = 0.0
    fractions: tuple[float, ...] = ()
    name: str = ""


def due_look(experiment: Experiment, facts: Facts, metric: Metric, variant: str) -> Due | Message:
    """Return the look that is due; a planned one is about the units that were ready when its number was reached.

    What comes after waits for the next look: to look again every night would be more looks than were paid for.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        metric: The metric.
        variant: Name of the arm.

    Returns:
        The look; before the first planned one, in words how many units are ready and needed.
    """
    import pandas as pd

    units, arms = facts.units, [variant, experiment.baseline(metric)]
    everybody = pd.Series(data=True, index=units.index)
    if isinstance(experiment.looks, Fixed):
        return Due(everybody)
    weights = {arm.name: arm.weight for arm in experiment.arms}
    planned = experiment.looks.planned_units * sum(weights[name] for name in arms) / sum(weights.values())
    if isinstance(experiment.looks, Continuous):
        return Due(everybody, planned, name=", at every look")
    ready = pd.to_datetime(units["assigned_on"]) + pd.Timedelta(days=window_of(metric.outcome) or 0)
    counted = (units["why"] == "") & (facts.metrics[metric.name]["why"] == "") & units["variant"].isin(arms)
    shares, reached, fractions, last = experiment.looks.shares, 0, list[float](), None
    days = ready[counted].value_counts().sort_index().cumsum()
    for day, n in zip(pd.DatetimeIndex(days.index), days, strict=True):
        # Units come by the day, so a look may be a little larger than planned, or stand for two.
        so_far = sum(share * planned <= n for share in shares)
        if so_far > reached:
            reached, last = so_far, day
            fractions.append(float(n) / planned)
    if last is None:
        return say(
            "{n:n unit is|units are} ready; the first look is due at {due:count}",
            n=int(counted.sum()),
            due=ceil(shares[0] * planned),
        )
    return Due(ready <= last, planned, tuple(fractions), f", look {reached} of {len(shares)}")


def look_at(looks: Continuous | Planned, effect: Effect, due: Due, level: float) -> Look | CannotTell:
    """Return the interval and p-value of an effect that hold at all looks together.

    A planned look holds the p-value of the test that the number of units allows (a permutation below 200 accounts)
    against the nominal level of its bound.

    Args:
        looks: How often is looked.
        effect: The effect on the units of the look.
        due: The look.
        level: Coverage of all looks together.
    """
    from scipy.stats import norm

    match looks:
        case Continuous():
            return confidence_sequence(effect.value, effect.error, effect.n_units, round(due.planned), level)
        case Planned():
            bound, p = spending_bounds(due.fractions, 1 - level)[-1], repeated_p(effect.p, due.fractions)
            found = effect.interval(1 - 2 * float(norm.sf(bound)))
            if found is None:  # so few arrangements reject nothing at this level, so 0 is not rejected either
                low, high = planned_look(effect.value, effect.error, bound)
                return Look(min(low, 0.0), max(high, 0.0), max(p, 1 - level))
            return Look(*found, p)
        case _:
            assert_never(looks)


def is_over(experiment: Experiment, facts: Facts, metric: Metric) -> bool:
    """Return whether nobody is still being watched, so that what is looked at but once may be.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        metric: The metric.
    """
    return isinstance(experiment.looks, Fixed) or not (facts.metrics[metric.name]["why"] == RUNNING).any()
