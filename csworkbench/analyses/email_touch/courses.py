"""How the effect grew with the units, how long a decision still takes, and what segments show."""

from collections.abc import Iterator, Sequence
from math import nan
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.comparing import BETTER, WORSE, Line
from csworkbench.analyses.email_touch.exposure import read_units
from csworkbench.analyses.email_touch.looks import is_over
from csworkbench.analyses.email_touch.pairs import effect_of, pair_of
from csworkbench.analyses.email_touch.reading import Reading
from csworkbench.analyses.email_touch.settings import Config
from csworkbench.analyses.email_touch.words import time_words
from csworkbench.estimates import Message, say
from csworkbench.experiments import Continuous, unit_of, window_of
from csworkbench.formats import text
from csworkbench.inference.accounts import AccountSums, CannotTell, linearized, refusal
from csworkbench.inference.design import Pilot, Plan, accounts_needed, pilot_of, smallest_effect, weeks_needed
from csworkbench.inference.effects import LEAST_IN_ARM, Effect, delta_t
from csworkbench.inference.multiplicity import benjamini_hochberg
from csworkbench.inference.power import Demand
from csworkbench.inference.sequential import confidence_sequence

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COURSE = ["experiment_id", "metric", "variant", "ready_on", "n_units", "effect", "low", "high", "name"]
TIMES = [
    "experiment_id", "experiment", "metric", "variant", "unit", "worth", "visible_now", "units_now", "units_needed",
    "weeks_more", "what", "in_words",
]  # fmt: skip
SEGMENTS = [
    "experiment_id", "metric", "segment", "value", "variant", "control", "effect", "low", "high", "p", "p_adjusted",
    "n_units", "state",
]  # fmt: skip


def course_frame(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return how the effect on each primary metric grew, week by week, with intervals that hold at every look.

    Args:
        readings: The experiments.
        config: Level.

    Returns:
        One row per experiment, metric, variant and week: experiment_id, metric, variant, ready_on (day by which the
        windows of n_units had ended), n_units, effect, low, high (missing below 100 units), name (for a picture).
    """
    import pandas as pd

    rows = [
        row
        for each in readings
        for line in each.lines
        if line.metric.role == "primary" and line.effect is not None
        for row in _course(each, line, config)
    ]
    return pd.DataFrame(rows, columns=COURSE).astype({"effect": float, "low": float, "high": float})


def _course(reading: Reading, line: Line, config: Config) -> Iterator[tuple[object, ...]]:
    import pandas as pd

    window = window_of(line.metric.outcome)
    if window is None:
        return
    experiment, facts = reading.experiment, reading.facts
    ready = pd.to_datetime(facts.units["assigned_on"]) + pd.Timedelta(days=window)
    kept = (facts.units["why"] == "") & (facts.metrics[line.metric.name]["why"] == "")
    days = sorted(set(ready[kept]))
    is_continuous = isinstance(experiment.looks, Continuous)
    planned = round(line.due.planned) if line.due and is_continuous else line.n_units
    for day in days:
        told, n = _so_far(reading, line, ready <= day, config.seed)
        if isinstance(told, CannotTell):
            continue
        look = confidence_sequence(told.value, told.error, n, planned, config.level)
        low, high = (nan, nan) if isinstance(look, CannotTell) else (look.low, look.high)
        name = f"{experiment.label} {day:%Y-%m-%d}"
        yield experiment.id, line.metric.name, line.variant, day, n, told.value, low, high, name


def _so_far(reading: Reading, line: Line, is_ready: "pd.Series[bool]", seed: int) -> tuple[Effect | CannotTell, int]:
    """Return the effect on the units that were ready, and their number; accounts need no permutation for an error."""
    pair = pair_of(reading.experiment, reading.facts, line.metric, line.variant, is_ready)
    n = len(pair.account)
    if reading.experiment.unit == "contact":
        told = effect_of(reading.experiment, reading.facts, (line.metric, line.variant), seed, is_ready)
        return told, n if isinstance(told, CannotTell) else told.n_units
    refused = refusal(pair.sums)
    if refused is None and min(pair.sums.arm_sizes()) < LEAST_IN_ARM:
        refused = CannotTell("too_few_accounts", say("Too few accounts were ready"))
    return refused or delta_t(pair.sums), n


def growth_frame(course: "pd.DataFrame", readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return the course of metrics that are shares, for a picture: name, effect, low, high, in percentage points.

    Args:
        course: What `course_frame` returned.
        readings: The experiments.
    """
    shares = {
        (each.experiment.id, metric.name)
        for each in readings
        for metric in each.experiment.metrics
        if unit_of(metric.outcome) == "share"
    }
    is_share = [key in shares for key in zip(course["experiment_id"], course["metric"], strict=True)]
    shown = course.loc[is_share, ["name", "effect", "low", "high"]].reset_index(drop=True)
    shown = shown.dropna(ignore_index=True)
    return shown.assign(**{name: 100 * shown[name] for name in ("effect", "low", "high")})


def time_frame(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return what each experiment can see by now, and how many units and weeks the difference worth knowing takes.

    Args:
        readings: The experiments.
        config: Level and power.

    Returns:
        One row per experiment, metric with `worth` and variant; columns as in `email_touch.Result`.
    """
    import pandas as pd

    rows = [_time(each, line, config) for each in readings for line in each.lines if line.metric.worth is not None]
    return pd.DataFrame(rows, columns=TIMES).astype(
        {"worth": float, "visible_now": float, "units_needed": float, "weeks_more": float}
    )


def _time(reading: Reading, line: Line, config: Config) -> tuple[object, ...]:
    experiment, worth = reading.experiment, line.metric.worth or 0.0
    pair = pair_of(experiment, reading.facts, line.metric, line.variant).sums
    is_binary = bool((pair.total <= pair.size).all()) and line.estimate.unit == "percentage_points"
    # A covariate is kept about its mean; what a pilot takes is a sum and a size, and only their correlation counts.
    before = None if pair.covariate is None else (pair.covariate + 1.0, pair.size * 0 + 1.0)
    pilot = pilot_of(pair.total, pair.total, pair.size, before) if is_binary else _of_accounts(pair, before)
    n = len(pair.arm)
    unit = unit_of(line.metric.outcome)
    named = (experiment.id, experiment.label, line.metric.label, line.variant, unit, worth)
    if isinstance(pilot, CannotTell):
        return *named, nan, n, nan, nan, "", text(pilot.message)
    in_control = float((pair.arm == 0).mean())
    if not 0 < in_control < 1:
        return *named, nan, n, nan, nan, "", text(line.reason or say("One of the two arms has no units"))
    plan = Plan(Demand(config.level, config.power), in_control)
    visible, needed = smallest_effect(pilot, n, plan), accounts_needed(pilot, worth, plan)
    seen = nan if isinstance(visible, CannotTell) else visible
    what = time_words(unit, worth, seen)
    if isinstance(needed, CannotTell):
        return *named, seen, n, nan, nan, what, text(needed.message)
    weeks = weeks_needed(max(0, needed - n), _per_week(reading, line))
    more = nan if isinstance(weeks, CannotTell) else float(weeks)
    is_decided = line.state in (BETTER, WORSE)
    said = say("decided") if is_decided else _said(n, needed, weeks)
    return *named, seen, n, float(needed), 0.0 if is_decided else more, what, text(said)


def _of_accounts(pair: AccountSums, before: "tuple[Floats, Floats] | None") -> Pilot | CannotTell:
    """Return what accounts say of an outcome of which squares are not kept: each counts once, as the ratio moves by it.

    The spread between accounts holds both that of contacts and how much those of an account go together.
    """
    if not pair.size.sum():
        return pilot_of(pair.total, pair.total, pair.size)
    moves = pair.total.sum() / pair.size.sum() + linearized(pair.total, pair.size)
    return pilot_of(moves, moves**2, pair.size * 0 + 1.0, before)


def _said(n: int, needed: int, weeks: int | CannotTell) -> Message:
    if n >= needed:
        return say("enough units to see it: {n:count}, and {needed:count} are needed", n=n, needed=needed)
    if isinstance(weeks, CannotTell):
        return say("{more:n more unit|more units} needed", more=needed - n)
    return say("{more:n more unit|more units} needed, at this pace {weeks:n week|weeks}", more=needed - n, weeks=weeks)


def _per_week(reading: Reading, line: Line) -> float:
    """Return the units of both arms drawn in a week, over the weeks from the first to the last draw of them."""
    import pandas as pd

    units = read_units(reading.facts)
    days = pd.to_datetime(units.loc[units["variant"].isin([line.variant, line.control]), "assigned_on"])
    return len(days) / ((days.max() - days.min()).days / 7 + 1)


def segment_frame(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return the primary metrics in the segments of each experiment, all tests of it counted together.

    Args:
        readings: The experiments.
        config: Level and seed.

    Returns:
        One row per experiment, metric, segment and variant; columns as in `email_touch.Result`. p_adjusted and state
        allow for every segment that was looked at (Benjamini-Hochberg).
    """
    import pandas as pd

    rows = [row for each in readings for row in _segments(each, config)]
    numbers = dict.fromkeys(("effect", "low", "high", "p", "p_adjusted"), float)
    return pd.DataFrame(rows, columns=SEGMENTS).astype(numbers)


def _segments(reading: Reading, config: Config) -> list[tuple[object, ...]]:
    experiment, facts = reading.experiment, reading.facts
    asked = [
        (line, column, value)
        for line in reading.lines
        if line.metric.role == "primary" and line.effect is not None and is_over(experiment, facts, line.metric)
        for column in experiment.segments
        for value in sorted(facts.units[column].dropna().unique())
    ]
    found = []
    for line, column, value in asked:
        inside, asked_of = facts.units[column] == value, (line.metric, line.variant)
        inside &= line.due.units if line.due else True
        told = effect_of(experiment, facts, asked_of, config.seed, inside)
        n = len(pair_of(experiment, facts, *asked_of, inside).account) if isinstance(told, CannotTell) else told.n_units
        found.append((told, n))
    adjusted = benjamini_hochberg([told.p for told, _ in found if not isinstance(told, CannotTell)], 1 - config.level)
    answers = iter(zip(adjusted.p, adjusted.levels, strict=True))
    rows: list[tuple[object, ...]] = []
    for (line, column, value), (told, n) in zip(asked, found, strict=True):
        named = (experiment.id, line.metric.name, column, str(value), line.variant, line.control)
        if isinstance(told, CannotTell):
            rows.append((*named, nan, nan, nan, nan, nan, n, text(told.message)))
            continue
        p, level = next(answers)
        low, high = told.interval(level) or (nan, nan)
        state = "differs from no effect" if p < 1 - config.level else "not shown"
        rows.append((*named, told.value, low, high, told.p, p, n, state))
    return rows
