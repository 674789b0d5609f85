"""The result of the experiment page: verdicts, figures, tables, and what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.courses import course_frame, growth_frame, segment_frame, time_frame
from csworkbench.analyses.email_touch.doubts import assumption_frame, doubts
from csworkbench.analyses.email_touch.exposure import read_units
from csworkbench.analyses.email_touch.facts import Inputs
from csworkbench.analyses.email_touch.frames import (
    check_table,
    content_frame,
    effect_frame,
    forest_frame,
    funnel_bars,
    funnel_frame,
    machine_share,
    ratio_frame,
    reconciliation_frame,
    verdict_table,
    week_frame,
)
from csworkbench.analyses.email_touch.reading import Reading, Verdict, read
from csworkbench.analyses.email_touch.settings import Config
from csworkbench.analyses.email_touch.words import comparison_frame, health_frame
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd

BRIEF = {
    Verdict.WINNER: say("a winner"),
    Verdict.LOSER: say("the variant is worse"),
    Verdict.MIXED: say("metrics disagree"),
    Verdict.HARM: say("the variant does harm"),
    Verdict.NONE: say("no difference is shown"),
    Verdict.SMALL: say("any difference is smaller than worth knowing"),
    Verdict.RUNNING: say("still running"),
    Verdict.BLOCKED: say("no verdict, the draw is broken"),
    Verdict.CANNOT_TELL: say("cannot tell"),
}
MOST_TOLD = 3  # verdicts in the headline; the others stand in the table


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """What each experiment says, and whether it may be believed.

    Tables, key columns first. Shares and differences of shares are 0 to 1; `experiment_id` is the id of the file.

    * verdicts, experiment: experiment_id, experiment, verdict, in_words, units, last_day
    * health, experiment: experiment, then the state of each check with its p-value, in words
    * checks, experiment and check, in the order of the page: experiment_id, experiment, check, state (ok, note,
      warning, stop), finding, action, p, n
    * findings, the checks that found something
    * sample_ratio, slice and arm: experiment_id, slice_kind (all, week, stratum), slice, variant, units, expected,
      ratio, p, state
    * ratio_weeks, week and arm, for a picture: week, arm, ratio (units over expected)
    * reconciliation, arm, metric and outcome: experiment_id, variant, metric, outcome, units
    * comparisons, metric and variant, in words, set aside ones at the end: experiment, metric, difference, says,
      p_adjusted, compared, values, relative (shown, never tested), role
    * effects, metric and variant: experiment_id, metric, variant, control, value_variant, value_control, effect, low,
      high, p, p_adjusted, n_units, hypothesis, method, role, state, unit, low_adjusted, high_adjusted, level_adjusted,
      relative_effect, relative_low, relative_high (shown, never tested), variance_kept (by the covariate), reason (why
      nothing can be told)
    * set_aside, the same where the draw is broken or units are left out unevenly: not to be acted on
    * forest, primary and secondary comparison of shares, for a picture: name, effect, low, high (percentage points,
      adjusted for the other tests)
    * course, week, metric and variant: experiment_id, metric, variant, ready_on, n_units, effect, low, high, name
    * growth, the same for metrics that are shares, for a picture: name, effect, low, high (percentage points)
    * time_to_decide, metric and variant: experiment_id, experiment, metric, variant, unit, worth, visible_now,
      units_now, units_needed, weeks_more, what (is visible now), in_words (what is missing)
    * segments, metric, segment and variant: experiment_id, metric, segment, value, variant, control, effect, low, high,
      p, p_adjusted, n_units, state
    * funnel, arm, week and step: experiment_id, variant, week, step, label, share, low, high, hits, mails, n_units;
      only what was delivered while it runs and where its draw is broken
    * funnel_bars, of the first experiment, for a picture: name, share, low, high
    * contents, content: experiment_id, content_id, title, variant, mails, click_share, low_share, high_share,
      reply_share (shares missing while it runs and where its draw is broken), experiment_verdict
    * assumptions, experiment and assumption: experiment_id, experiment, assumption, evidence

    Args:
        headline: Verdicts in words.
        figures: effect.<id> (of the first primary metric; shares in percentage points) of each experiment,
            sample_ratio_p.<id>, units.<id>, machine_open_share.<id>; the bare names are those of the first experiment.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return what each experiment says on the date of the inputs.

    Args:
        inputs: What is known of the experiments, from `prepare`.
        config: Settings; level, power and seed may differ from those of `prepare`.
    """
    ordered = sorted(config.experiments, key=lambda each: each.id != config.first.id)
    readings = [read(each, inputs.facts, inputs.as_of, config) for each in ordered]
    caveats = doubts(readings)
    return Result(
        headline=_headline(readings),
        figures=_figures(readings),
        tables=_tables(readings, inputs, config),
        caveats=worst_first(caveats),
        actions=tuple(_actions(readings)),
    )


def _tables(readings: Sequence[Reading], inputs: Inputs, config: Config) -> "dict[str, pd.DataFrame]":
    funnel = funnel_frame(readings, config.level)
    course = course_frame(readings, config)
    return {
        "verdicts": verdict_table(readings),
        "health": health_frame(readings),
        "checks": (checks := check_table(readings)),
        "findings": checks[checks["state"].isin(["warning", "stop"])].reset_index(drop=True),
        "sample_ratio": ratio_frame(readings),
        "ratio_weeks": week_frame(readings),
        "reconciliation": reconciliation_frame(readings),
        "comparisons": comparison_frame(readings),
        "effects": effect_frame([(each, line) for each in readings for line in each.lines]),
        "set_aside": effect_frame([(each, line) for each in readings for line in each.set_aside]),
        "forest": forest_frame(readings),
        "course": course,
        "growth": growth_frame(course, readings),
        "time_to_decide": time_frame(readings, config),
        "segments": segment_frame(readings, config),
        "funnel": funnel,
        "funnel_bars": funnel_bars(funnel, readings[0]),
        "contents": content_frame(readings, inputs, config.level),
        "assumptions": assumption_frame(readings),
    }


def _headline(readings: Sequence[Reading]) -> Message:
    first, others = readings[0], readings[1:MOST_TOLD]
    if not others:
        return first.sentence
    sound = sum(each.verdict is not Verdict.BLOCKED for each in readings)
    said = say(
        "{sound:count} of {n:n experiment|experiments} can be believed. {first}",
        sound=sound,
        n=len(readings),
        first=first.sentence,
    )
    for each in others:
        said = say("{said}. {label}: {verdict}", said=said, label=each.experiment.label, verdict=BRIEF[each.verdict])
    return say("{said}.", said=said)


def _figures(readings: Sequence[Reading]) -> dict[str, Estimate]:
    named = [(each.experiment.id, _of(each)) for each in readings]
    figures = dict(named[0][1]) if len(named) == 1 else {}
    figures |= {f"effect.{name}": own["effect"] for name, own in named}
    for key in ("sample_ratio_p", "units", "machine_open_share"):
        figures |= {f"{key}.{name}": own[key] for name, own in named if key in own}
    return figures | named[0][1]


def _of(reading: Reading) -> dict[str, Estimate]:
    """Return the figures of one experiment; the effect is unknown while it runs, and where its draw is broken."""
    units = reading.facts.units
    named = [metric.name for metric in reading.experiment.metrics]
    primary = [line for line in (*reading.lines, *reading.set_aside) if line.metric.role == "primary"]
    primary.sort(key=lambda line: named.index(line.metric.name))
    found = {"effect": Estimate(None, primary[0].estimate.unit if primary else "", len(read_units(reading.facts)))}
    if primary and primary[0] in reading.lines:
        found["effect"] = primary[0].estimate
    whole = reading.ratios[reading.ratios["slice_kind"] == "all"]
    if len(whole) and whole["p"].notna().all():
        found["sample_ratio_p"] = Estimate(float(whole["p"].iloc[0]), "", len(read_units(reading.facts)))
    found["units"] = Estimate(len(read_units(reading.facts)), f"{reading.experiment.unit}s", len(units))
    machines = machine_share(reading)
    if machines is not None:
        found["machine_open_share"] = Estimate(machines, "share", int(reading.facts.funnel["unit_id"].nunique()))
    return found


def _actions(readings: Sequence[Reading]) -> Iterator[Message]:
    for each in readings:
        label = each.experiment.label
        match each.verdict:
            case Verdict.WINNER:
                yield say(
                    "{label}: send the winner from now on, and keep a holdout so that it stays measured", label=label
                )
            case Verdict.LOSER | Verdict.HARM:
                yield say("{label}: stop the variant", label=label)
            case Verdict.MIXED:
                yield say("{label}: metrics disagree; decide which of them counts before you act", label=label)
            case Verdict.BLOCKED:
                yield say("{label}: find what removed units after the draw, mend it, and draw again", label=label)
            case Verdict.NONE:
                yield say("{label}: keep what you have; see the time to decide before you ask again", label=label)
            case Verdict.SMALL:
                yield say("{label}: keep what you have; the question is answered", label=label)
            case Verdict.RUNNING:
                yield say(
                    "{label}: wait until {last:date}; mend what the checks found",
                    label=label,
                    last=each.experiment.last_day,
                )
            case Verdict.CANNOT_TELL:
                yield say("{label}: record what is missing before the next draw", label=label)
