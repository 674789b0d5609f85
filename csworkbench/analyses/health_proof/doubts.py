"""What to know before believing the proof."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence
from csworkbench.analyses.health_proof.reading import Reading, main_readings
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.analyses.health_proof.wording import event_words
from csworkbench.asof import Part
from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd

MANY = 0.1  # of the rows


def doubts(
    evidence: Evidence, readings: Sequence[Reading], tables: "Mapping[str, pd.DataFrame]", config: Config
) -> tuple[Caveat, ...]:
    """Return the caveats of a proof, in no particular order.

    Args:
        evidence: What happened and what was known before.
        readings: The proofs.
        tables: Leaks and drift.
        config: Settings.
    """
    return (
        *_about_time(evidence, config),
        *_about_events(readings, config),
        *_about_rows(evidence, readings),
        *_about_leaks(evidence, tables["leaks"]),
        *_about_drift(tables["drift"]),
        *_about_columns(evidence, config),
        *_about_division(readings),
    )


def _about_time(evidence: Evidence, config: Config) -> Iterator[Caveat]:
    if evidence.cut is None:
        yield Caveat(
            "no_proof_out_of_time",
            Severity.WARNING,
            say(
                "The outcome has no day, so a proof out of time is impossible: accounts of one day are held against "
                "each other, and a measure may have followed the outcome instead of going before it"
            ),
            say("Record the day of the outcome, and prove the score again"),
        )
    else:
        taught = int(evidence.is_event[evidence.is_part(Part.TRAIN.value)].sum())
        if taught < config.least_events:
            yield Caveat(
                "little_to_learn",
                Severity.WARNING,
                say(
                    "Only {n:count} {what} before {cut:date} could teach: learned models and baselines are weaker than "
                    "they will be",
                    n=taught,
                    what=event_words(config),
                    cut=evidence.cut,
                ),
            )
    if evidence.open_units:
        yield Caveat(
            "open_units",
            Severity.NOTE,
            say(
                "{n:n row was|rows were} left out: nothing was decided within the horizon, and open is not renewed",
                n=evidence.open_units,
            ),
        )


def _about_events(readings: Sequence[Reading], config: Config) -> Iterator[Caveat]:
    for reading in main_readings(readings):
        if reading.proof.rows.rarer < config.least_events:
            yield Caveat(
                "too_few_events",
                Severity.WARNING,
                say(
                    "{card}: {n:count} {what} in the test and {others:n row|rows} without; below {least:count} of "
                    "either nothing is said",
                    card=reading.scorecard,
                    n=reading.proof.rows.events,
                    others=len(reading.proof.rows.is_event) - reading.proof.rows.events,
                    what=event_words(config),
                    least=config.least_events,
                ),
                say("Wait, take a longer test, or prove all accounts with one scorecard"),
            )


def _about_rows(evidence: Evidence, readings: Sequence[Reading]) -> Iterator[Caveat]:
    for reading in main_readings(readings):
        rows = reading.not_scored + len(reading.rows)
        if reading.not_scored:
            yield Caveat(
                "not_scored",
                Severity.WARNING if reading.not_scored > MANY * rows else Severity.NOTE,
                say(
                    "{card}: {n:count} of {rows:n row that tests has|rows that test have} no score, because too little "
                    "was known; no candidate is held against them",
                    card=reading.scorecard,
                    n=reading.not_scored,
                    rows=rows,
                ),
            )
    if evidence.columns.left_out:
        yield Caveat(
            "left_out",
            Severity.NOTE,
            say(
                "{labels:list} took no part: the workspace has no {tables:list}",
                labels=list(evidence.columns.left_out),
                tables=sorted({name for names in evidence.columns.left_out.values() for name in names}),
            ),
        )


def _about_leaks(evidence: Evidence, leaks: "pd.DataFrame") -> Iterator[Caveat]:
    suspected = leaks[leaks["is_suspected"]]
    used = suspected[suspected["used_by"] != "nothing"]
    unused = suspected[suspected["used_by"] == "nothing"]
    if len(used):
        yield Caveat(
            "suspected_leak",
            Severity.WARNING,
            say(
                "{columns:list} may have been written after the outcome, and the proof rests on it: see the table of "
                "leaks",
                columns=list(used["label"]),
            ),
            say("Find out when these values are written; leave out what is known only afterwards"),
        )
    if len(unused):
        yield Caveat(
            "suspected_leak_unused",
            Severity.NOTE,
            say(
                "{columns:list} may have been written after the outcome; no candidate uses it",
                columns=list(unused["label"]),
            ),
            say("Do not put it into a scorecard before you know when it is written"),
        )
    if evidence.violations:
        yield Caveat(
            "known_later",
            Severity.STOP,
            say("{n:n value|values} rest on facts younger than their date", n=evidence.violations),
            say("Report this: a snapshot must not know the future"),
        )


def _about_drift(drift: "pd.DataFrame") -> Iterator[Caveat]:
    shifted = drift[drift["verdict"] == "shifted"]
    if len(shifted):
        yield Caveat(
            "drift",
            Severity.WARNING,
            say(
                "{columns:list} moved between the rows that teach and those that test: what was learned may no longer "
                "fit",
                columns=list(dict.fromkeys(shifted["label"])),
            ),
            say("See whether the customers changed, or what is recorded of them"),
        )


def _about_columns(evidence: Evidence, config: Config) -> Iterator[Caveat]:
    columns = evidence.columns
    in_score = sorted({name for each in columns.of_card.values() for name in each.values()} & columns.today_only)
    if in_score:
        yield Caveat(
            "score_of_today",
            Severity.WARNING,
            say(
                "The score rests on {columns:list}, which read something of which only today's value is known: earlier "
                "scores may know the future there",
                columns=[columns.labels[name] for name in in_score],
            ),
            say(
                "Give accounts valid_from and valid_to, declare varies: false for what is never overwritten, or wait: "
                "each run remembers today's values from now on"
            ),
        )
    by_attribute = {name: column for column, name in columns.attributes.items() if column in columns.today_only}
    wanted = (*config.baselines, *config.also)
    of_today = [columns.sources[name] for name in columns.today_only]
    left = [each.label for each in wanted if each.source in of_today]
    if left:
        yield Caveat(
            "today_left_out",
            Severity.NOTE,
            say("{columns:list} took no part: only today's value is known, not that of the dates", columns=left),
            say(
                "Give accounts valid_from and valid_to, declare varies: false for what is never overwritten, or wait: "
                "each run remembers today's values from now on"
            ),
        )
    named = {condition.column for rule in evidence.cards.rules for condition in rule.when} | set(config.segments)
    by_today = sorted(named & set(by_attribute))
    if by_today:
        yield Caveat(
            "divided_by_today",
            Severity.NOTE,
            say("Scorecards and segments are chosen by today's {columns:list}", columns=by_today),
        )


def _about_division(readings: Sequence[Reading]) -> Iterator[Caveat]:
    shared = max(reading.line.on_both_sides for reading in readings)
    if shared:
        yield Caveat(
            "accounts_on_both_sides",
            Severity.STOP,
            say("{n:n account|accounts} taught and tested the same prediction", n=shared),
            say("Report this: it must never happen"),
        )
    yield Caveat(
        "clustered",
        Severity.NOTE,
        say("Intervals come from drawing whole accounts again: rows of one account are no independent witnesses"),
    )
