"""What may be said of a score, in one sentence with its interval: the stamp."""

from collections.abc import Mapping
from typing import Any

from csworkbench.analyses.health_proof.reading import SCORE, Reading
from csworkbench.analyses.health_proof.settings import Churn, Config, Renewals
from csworkbench.analyses.health_proof.tables import label_of
from csworkbench.estimates import Message, say
from csworkbench.inference.proof import Stamp


def event_words(config: Config) -> Message:
    """Return what the events are called."""
    match config.event:
        case Renewals():
            return say("lost renewals")
        case Churn():
            return say("departures")
    return say("bad outcomes")


def stamp_words(reading: Reading, title: Message, config: Config, candidate: str = SCORE) -> Message:
    """Return the stamp of a candidate in words; interval and events always stand in it.

    Args:
        reading: The proof it rests on.
        title: How the candidate is called.
        config: Names of the baselines, the event and the least number of events.
        candidate: Its name.
    """
    given = {
        "score": title,
        "baseline": label_of(reading.baseline, config).lower(),
        "auc": reading.measure(candidate),
        "more": reading.difference(candidate),
        "events": reading.proof.rows.events,
        "what": event_words(config),
    }
    rows, stamp = reading.proof.rows, reading.stamp(candidate, config)
    if stamp is Stamp.TOO_FEW and rows.rarer < rows.events:
        return say(
            "{score} cannot be judged, too few rows without {what} ({rarer:count} in the test): AUC "
            "{auc:estimate}, {more:estimate} against {baseline:word}",
            rarer=rows.rarer,
            **given,
        )
    is_dated = reading.line.name.value == "forward"
    return _in_time(stamp, given) if is_dated else _of_one_day(stamp, given)


def _in_time(stamp: Stamp, given: Mapping[str, Any]) -> Message:
    match stamp:
        case Stamp.ADDS:
            return say(
                "{score} adds to {baseline:word}: AUC {auc:estimate}, which is {more:estimate} more; "
                "{events:count} {what} in the test window",
                **given,
            )
        case Stamp.PREDICTS:
            return say(
                "{score} predicts, not shown better than {baseline:word}: AUC {auc:estimate}, difference "
                "{more:estimate}; {events:count} {what} in the test window",
                **given,
            )
        case Stamp.NOT_SHOWN:
            return say(
                "{score} is not shown to predict: AUC {auc:estimate}, {more:estimate} against {baseline:word}; "
                "{events:count} {what} in the test window",
                **given,
            )
    return say(
        "{score} cannot be judged, too few {what} ({events:count} in the test window): AUC {auc:estimate}, "
        "{more:estimate} against {baseline:word}",
        **given,
    )


def _of_one_day(stamp: Stamp, given: Mapping[str, Any]) -> Message:
    match stamp:
        case Stamp.ADDS:
            return say(
                "{score} adds to {baseline:word} among accounts of one day: AUC {auc:estimate}, which is "
                "{more:estimate} more; {events:count} {what}",
                **given,
            )
        case Stamp.PREDICTS:
            return say(
                "{score} predicts among accounts of one day, not shown better than {baseline:word}: AUC "
                "{auc:estimate}, difference {more:estimate}; {events:count} {what}",
                **given,
            )
        case Stamp.NOT_SHOWN:
            return say(
                "{score} is not shown to predict, even among accounts of one day: AUC {auc:estimate}, {more:estimate} "
                "against {baseline:word}; {events:count} {what}",
                **given,
            )
    return say(
        "{score} cannot be judged, too few {what} ({events:count}): AUC {auc:estimate}, {more:estimate} against "
        "{baseline:word}",
        **given,
    )
