"""One experiment read in its order: health of the exposure first, then, if that allows it, the effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.balance import balance, uneven_metrics
from csworkbench.analyses.email_touch.comparing import BETTER, CANNOT_TELL, HARM, SMALL, WORSE, Line, compared
from csworkbench.analyses.email_touch.exposure import Check, checks, ratio_table, read_units
from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.analyses.email_touch.settings import Config
from csworkbench.estimates import Message, Severity, say
from csworkbench.experiments import Experiment, Fixed, Opens

if TYPE_CHECKING:
    import pandas as pd


class Verdict(StrEnum):
    """What an experiment allows to say."""

    WINNER = "winner"
    LOSER = "loser"
    MIXED = "mixed"
    HARM = "harm"
    NONE = "no difference shown"
    SMALL = "smaller than worth knowing"
    RUNNING = "running"
    BLOCKED = "blocked"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What is said of one experiment.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        ratios: Units of each arm against the lot, as `ratio_table` returns them.
        checks: What was looked at before the effects.
        lines: Comparisons that may be acted on; empty while it runs, and where a check says stop.
        set_aside: Comparisons that may not, because a check says stop or their units are left out unevenly.
        verdict: What may be said.
        sentence: The same in words.
    """

    experiment: Experiment
    facts: Facts
    ratios: "pd.DataFrame"
    checks: tuple[Check, ...]
    lines: tuple[Line, ...]
    set_aside: tuple[Line, ...]
    verdict: Verdict
    sentence: Message

    @property
    def shows_outcomes(self) -> bool:
        """Whether it may be shown what people did in each arm: not while it runs, nor where its draw is broken."""
        return self.verdict not in (Verdict.RUNNING, Verdict.BLOCKED)


def read(experiment: Experiment, facts: Mapping[str, Facts], as_of: date, config: Config) -> Reading:
    """Return what is said of an experiment on a date.

    Args:
        experiment: The experiment.
        facts: What is known of it and of the others, by experiment.
        as_of: Date of the page.
        config: Level, seed, and the other experiments.
    """
    own = facts[experiment.id]
    ratios = ratio_table(experiment, own)
    found = (
        *checks(experiment, own, ratios, _of_the_same_days(experiment, facts, config), config.seed),
        *balance(experiment, own, config.seed),
    )
    stops = [check for check in found if check.severity is Severity.STOP]
    lines: tuple[Line, ...] = ()
    if len(read_units(own)) and not _is_running(experiment, as_of):
        lines = compared(experiment, own, config.level, config.seed)
    if any(check.name == "machine_open_share" and check.severity is not None for check in found):
        lines = tuple(_void(line) if isinstance(line.metric.outcome, Opens) else line for line in lines)
    uneven = uneven_metrics(experiment, own)
    shown = tuple(line for line in lines if not stops and line.metric.name not in uneven)
    aside = tuple(_aside(line, is_uneven=line.metric.name in uneven) for line in lines if line not in shown)
    verdict, sentence = _verdict(experiment, own, (shown, aside), stops, as_of)
    return Reading(experiment, own, ratios, found, shown, aside, verdict, sentence)


def _of_the_same_days(experiment: Experiment, facts: Mapping[str, Facts], config: Config) -> "dict[str, set[str]]":
    others = (each for each in config.experiments if each.id != experiment.id)
    return {
        each.label: set(read_units(facts[each.id])["account_id"])
        for each in others
        if each.first_day <= experiment.last_day and experiment.first_day <= each.last_day
    }


def _void(line: Line) -> Line:
    said = say("Machines open the mails of one arm more often than those of another, so opens cannot be compared")
    return replace(line, effect=None, bounds=None, p=None, p_adjusted=None, state=CANNOT_TELL, reason=said)


def _aside(line: Line, *, is_uneven: bool) -> Line:
    """Return a line that must not be acted on; its metric, or with the draw all of them, is broken."""
    said = say("{metric}: units are left out more often in one arm than in another", metric=line.metric.label)
    return replace(line, state="set aside", reason=said if is_uneven else line.reason)


def _is_running(experiment: Experiment, as_of: date) -> bool:
    return isinstance(experiment.looks, Fixed) and as_of < experiment.last_day


def _verdict(
    experiment: Experiment,
    facts: Facts,
    told: tuple[Sequence[Line], Sequence[Line]],
    stops: Sequence[Check],
    as_of: date,
) -> tuple[Verdict, Message]:
    label = experiment.label
    if stops:
        said = say("{label}: no verdict, the draw is broken. {why}", label=label, why=stops[0].finding)
        return Verdict.BLOCKED, said
    if _is_running(experiment, as_of):
        said = say(
            "{label}: runs until {last:date}; until then only the quality of the data is shown",
            label=label,
            last=experiment.last_day,
        )
        return Verdict.RUNNING, said
    if not len(read_units(facts)):
        return Verdict.CANNOT_TELL, say("{label}: nobody who was drawn can be read", label=label)
    lines, aside = told
    primary = [line for line in lines if line.metric.role == "primary"]
    decided = [line for line in primary if line.state in (BETTER, WORSE)]
    harmed = [line for line in lines if line.state == HARM]
    if harmed:
        return Verdict.HARM, _harm(experiment, harmed[0])
    if decided:
        best = min(
            decided, key=lambda line: (line.state != BETTER, 1.0 if line.p_adjusted is None else line.p_adjusted)
        )
        states = {line.state for line in decided}
        verdict = Verdict.MIXED if len(states) == 2 else Verdict.WINNER if BETTER in states else Verdict.LOSER
        return verdict, _decided(experiment, best, len(decided) - 1)
    return _undecided(experiment, primary, [line for line in aside if line.metric.role == "primary"])


def _decided(experiment: Experiment, line: Line, more: int) -> Message:
    words = {
        "label": experiment.label,
        "metric": _inside(line.metric.label),
        "variant": experiment.arm(line.variant).label,
        "control": experiment.arm(line.control).label,
        "effect": line.estimate,
    }
    if line.state == BETTER:
        said = say("{label}: {variant} beats {control} by {effect:estimate} in {metric}", **words)
    else:
        said = say("{label}: {variant} is worse than {control} by {effect:estimate} in {metric}", **words)
    if not more:
        return said
    return say("{said}, and {n:n other comparison is|other comparisons are} decided too", said=said, n=more)


def _inside(label: str) -> str:
    """Return a label as it stands inside a sentence: its first letter small, unless it is an acronym."""
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def _harm(experiment: Experiment, line: Line) -> Message:
    return say(
        "{label}: {variant} does harm, {metric} changed by {effect:estimate}, more than is put up with",
        label=experiment.label,
        metric=_inside(line.metric.label),
        variant=experiment.arm(line.variant).label,
        effect=line.estimate,
    )


def _undecided(experiment: Experiment, primary: Sequence[Line], aside: Sequence[Line]) -> tuple[Verdict, Message]:
    told = [line for line in primary if line.effect is not None]
    if not told:
        why = next((line.reason for line in (*aside, *primary) if line.reason), say("its metrics are not recorded"))
        return Verdict.CANNOT_TELL, say("{label}: cannot tell. {why}", label=experiment.label, why=why)
    first = told[0]
    words = {"label": experiment.label, "metric": _inside(first.metric.label), "effect": first.estimate}
    if all(line.state == SMALL for line in told):
        said = say("{label}: any difference in {metric} is smaller than worth knowing, {effect:estimate}", **words)
        return Verdict.SMALL, said
    return Verdict.NONE, say("{label}: no difference in {metric} is shown, {effect:estimate}", **words)
