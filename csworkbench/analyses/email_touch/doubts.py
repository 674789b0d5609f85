"""Doubts that stand beside the effects, and the assumptions they rest on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.balance import uneven_metrics
from csworkbench.analyses.email_touch.comparing import CANNOT_TELL, Line
from csworkbench.analyses.email_touch.frames import machine_share
from csworkbench.analyses.email_touch.pairs import pair_of
from csworkbench.analyses.email_touch.reading import Reading, Verdict
from csworkbench.estimates import Caveat, Message, Severity, say
from csworkbench.experiments import Experiment, Opens
from csworkbench.formats import number, share, text
from csworkbench.inference.accounts import AccountSums, CannotTell, intra_account_correlation, size_variation
from csworkbench.inference.opens import attenuation

if TYPE_CHECKING:
    import pandas as pd

ASSUMPTIONS = ["experiment_id", "experiment", "assumption", "evidence"]


def doubts(readings: Sequence[Reading]) -> tuple[Caveat, ...]:
    """Return the doubts of all experiments; a broken draw stops the page only where it is that of the first experiment.

    Args:
        readings: The experiments, the one the page is about first.
    """
    return tuple(_on_page(caveat, each is readings[0]) for each in readings for caveat in _doubts(each))


def _on_page(caveat: Caveat, is_first: bool) -> Caveat:
    return caveat if is_first or caveat.severity is not Severity.STOP else replace(caveat, severity=Severity.WARNING)


def _doubts(reading: Reading) -> Iterator[Caveat]:
    label = reading.experiment.label
    for check in reading.checks:
        if check.severity not in (None, Severity.NOTE):
            said = say("{label}: {finding}", label=label, finding=check.finding)
            yield Caveat(check.name, check.severity, said, check.action)
    for name, tables in reading.facts.lacks.items():
        yield Caveat(
            "not_recorded",
            Severity.WARNING,
            say(
                "{label}: {metric} needs {tables:list}", label=label, metric=_named(reading, name), tables=list(tables)
            ),
            say("Add the table to the workspace"),
        )
    for line in reading.lines:
        yield from _of_line(reading, line)
    yield from _left_out_unevenly(reading)


def _named(reading: Reading, name: str) -> str:
    return next(metric.label for metric in reading.experiment.metrics if metric.name == name)


def _of_line(reading: Reading, line: Line) -> Iterator[Caveat]:
    words = {"label": reading.experiment.label, "metric": line.metric.label}
    yield from line.doubts
    if line.state == CANNOT_TELL and line.reason is not None:
        severity = Severity.NOTE if line.metric.role in ("guardrail", "diagnostic") else Severity.WARNING
        yield Caveat("cannot_tell", severity, say("{label}: {metric}: {why}", why=line.reason, **words))
    if isinstance(line.metric.outcome, Opens):
        machines = machine_share(reading)
        if machines:
            yield Caveat(
                "opens",
                Severity.NOTE,
                say(
                    "{label}: machines opened {share:share} of the delivered mails and hide who reads them: of a true "
                    "difference in opens {kept:share} would be seen",
                    label=reading.experiment.label,
                    share=machines,
                    kept=attenuation(machines),
                ),
                say("Decide by clicks, replies or use"),
            )
    if line.missing is not None and line.missing > 0:
        yield Caveat(
            "covariate_missing",
            Severity.NOTE,
            say("{label}: {metric}: {share:share} of the units have no earlier period", share=line.missing, **words),
        )
    yield from _disagreements(line, words)


def _disagreements(line: Line, words: dict[str, str]) -> Iterator[Caveat]:
    told = line.comparison
    if told is not None and told.is_informative_size and line.metric.role != "diagnostic":
        yield Caveat(
            "informative_size",
            Severity.WARNING if line.metric.role == "primary" else Severity.NOTE,
            say("{label}: {metric}: large and small accounts move in opposite directions", **words),
            say("Say whether a person or an account counts before you decide"),
        )
    if told is not None and told.otherwise is not None:
        yield Caveat(
            "tests_disagree",
            Severity.NOTE,
            say(
                "{label}: {metric}: the large-sample test says p {other:number}, the permutation p {own:number}; with "
                "so few accounts the permutation counts",
                other=told.otherwise.p,
                own=told.effect.p,
                **words,
            ),
        )


def _left_out_unevenly(reading: Reading) -> Iterator[Caveat]:
    for name in uneven_metrics(reading.experiment, reading.facts):
        yield Caveat(
            "left_out_unevenly",
            Severity.STOP,
            say(
                "{label}: {metric}: units are left out more often in one arm than in another",
                label=reading.experiment.label,
                metric=_named(reading, name),
            ),
            say("Do not act on this metric: who is left was not drawn by lot"),
        )


def assumption_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return what the effects rest on, with the evidence: experiment_id, experiment, assumption, evidence."""
    import pandas as pd

    rows = [
        (each.experiment.id, each.experiment.label, text(assumption), text(evidence))
        for each in readings
        if each.verdict is not Verdict.RUNNING
        for assumption, evidence in _assumptions(each)
    ]
    return pd.DataFrame(rows, columns=ASSUMPTIONS)


def _assumptions(reading: Reading) -> Iterator[tuple[Message, Message]]:
    experiment = reading.experiment
    lines = [line for line in (*reading.lines, *reading.set_aside) if line.effect is not None]
    yield say("Units are independent"), _counted(experiment, lines)
    if not lines:
        return
    line = lines[0]
    pair = pair_of(experiment, reading.facts, line.metric, line.variant).sums
    variation = size_variation(pair.size)
    # A sum of 0 and 1 is that of its squares too; of other outcomes the squares are not kept.
    if variation > 0 and ((pair.total >= 0) & (pair.total <= pair.size)).all():
        yield say("Contacts of an account go together"), _alike(pair)
    if variation > 0:
        yield say("Size does not decide the answer"), _sizes(line, variation)
    for covered in lines:
        if covered.effect is not None and covered.effect.variance_kept is not None:
            saved = share(1 - covered.effect.variance_kept, 0)
            yield (
                say("The earlier period predicts the metric"),
                say("{metric}: it takes {saved} off the variance", metric=covered.metric.label, saved=saved),
            )
    if len(reading.facts.funnel):
        other = float(reading.facts.funnel["as_other"].sum() / reading.facts.funnel["sent"].sum())
        yield (
            say("Units are read as they were drawn"),
            say("{other:share} of the mails were sent as another variant", other=other),
        )


def _counted(experiment: Experiment, lines: "Sequence[Line]") -> Message:
    is_by_account = any(line.doubts for line in lines)
    if experiment.unit == "account":
        return say("the lot was drawn for whole accounts, and accounts are what the tests count")
    if is_by_account:
        return say("the lot was drawn for contacts, and accounts are what the tests count")
    return say("the lot was drawn for contacts, and they are what the tests count")


def _sizes(line: Line, variation: float) -> Message:
    vary = number(variation, 2)
    if line.comparison and line.comparison.per_account:
        return say("sizes vary by {vary} of their mean: so accounts are also counted once each", vary=vary)
    return say("sizes vary by {vary} of their mean: fine", vary=vary)


def _alike(pair: AccountSums) -> Message:
    told = intra_account_correlation(pair.total, pair.total, pair.size)
    if isinstance(told, CannotTell):
        return told.message
    return say("intra-account correlation {icc:estimate}", icc=told)
