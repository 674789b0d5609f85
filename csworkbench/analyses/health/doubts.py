"""What to know before acting on the scores."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.analyses.health.graded import GradedBook, left_out_measures
from csworkbench.analyses.health.panel import Inputs, source_key
from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features import Attribute
from csworkbench.scoring import Categories, Measure

if TYPE_CHECKING:
    import pandas as pd

MANY_NOT_SCORED = 0.1


def doubts(inputs: Inputs, config: Config, book: GradedBook, judgements: "pd.DataFrame") -> tuple[Caveat, ...]:
    """Return the caveats of the scores, in no particular order.

    Args:
        inputs: Measures of every account at every date.
        config: Settings.
        book: Scores and bands.
        judgements: Judgements in force.
    """
    return (
        *_left_out(inputs, config),
        *_not_scored(book),
        *_unlisted(inputs, book),
        *_about_time(inputs, config, book),
        *_about_people(inputs, book, judgements),
        *inputs.notes,
        Caveat(
            "weights_are_judgement",
            Severity.NOTE,
            say(
                "Points and weights are the team's judgement; nothing on this page shows that the score predicts "
                "renewal"
            ),
        ),
        Caveat(
            "whole_book",
            Severity.NOTE,
            say("Shares and counts cover every account in the book, so they are exact and carry no interval"),
        ),
    )


def _left_out(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    by_tables: dict[tuple[str, ...], list[str]] = {}
    for card in config.scorecards:
        lacking = left_out_measures(card, inputs)
        for measure in card.measures:
            if measure.name in lacking:
                by_tables.setdefault(lacking[measure.name], []).append(measure.label)
    for tables, labels in by_tables.items():
        yield Caveat(
            "measure_left_out",
            Severity.WARNING,
            say(
                "{measures:list} took no part in the score: the workspace has no table {tables:list}",
                measures=list(dict.fromkeys(labels)),
                tables=tables,
            ),
            say(
                "Add {tables:list} under tables in the workspace, or take the measure out of the scorecard",
                tables=tables,
            ),
        )


def _not_scored(book: GradedBook) -> Iterator[Caveat]:
    customers = int((book.card[-1] >= 0).sum())
    missing = customers - int((book.band[-1] >= 0).sum())
    if missing:
        severity = (
            Severity.STOP
            if missing == customers
            else (Severity.WARNING if missing > MANY_NOT_SCORED * customers else Severity.NOTE)
        )
        yield Caveat(
            "not_scored",
            severity,
            say(
                "{n:count} of {customers:n account|accounts} cannot be scored: less is known about them than the "
                "scorecard asks for",
                n=missing,
                customers=customers,
            ),
            say("See the table of measures for what is missing"),
        )


def _unlisted(inputs: Inputs, book: GradedBook) -> Iterator[Caveat]:
    today = inputs.panel.iloc[-len(inputs.accounts) :]
    for place, accounts in book.using(-1):
        for measure in book.cards[place].card.measures:
            unlisted = _unlisted_values(measure, today[source_key(measure.source)].iloc[accounts])
            if unlisted:
                yield Caveat(
                    "values_not_listed",
                    Severity.WARNING,
                    say(
                        "{measure} has values the scorecard does not list ({values:list}); "
                        "{n:n account counts|accounts count} as missing there",
                        measure=measure.label,
                        values=list(unlisted),
                        n=sum(unlisted.values()),
                    ),
                    say("List them under points, or set otherwise"),
                )


def _unlisted_values(measure: Measure, values: "pd.Series[str]") -> dict[str, int]:
    """Return the number of accounts per value that the categories of a measure do not list."""
    scale = measure.points
    if not isinstance(scale, Categories) or scale.otherwise is not None or values.dtype != "category":
        return {}
    return {str(value): int(n) for value, n in values.value_counts().items() if n and value not in scale.of}


def _about_time(inputs: Inputs, config: Config, book: GradedBook) -> Iterator[Caveat]:
    if config.history_months > 1:
        yield Caveat(
            "rescored",
            Severity.NOTE,
            say("Earlier months are scored with today's scorecards, so that months can be compared"),
        )
    if config.history_months > 1 and not inputs.has_attribute_history and _uses_attributes(config):
        yield Caveat(
            "attributes_of_today",
            Severity.NOTE,
            say("Accounts keep no history of their attributes: earlier months use the values of today"),
            say("Add valid_from and valid_to to accounts"),
        )
    then = -1 - config.compare_months
    switched = int(((book.card[then] >= 0) & (book.card[-1] >= 0) & (book.card[then] != book.card[-1])).sum())
    if switched:
        yield Caveat(
            "scorecard_switched",
            Severity.NOTE,
            say(
                "{n:n account has|accounts have} another scorecard than at the earlier date; "
                "what that changed counts as config",
                n=switched,
            ),
        )
    if inputs.left:
        yield Caveat(
            "left",
            Severity.NOTE,
            say("{n:n account that has left is|accounts that have left are} not scored", n=inputs.left),
        )


def _uses_attributes(config: Config) -> bool:
    sources = (measure.source for card in config.scorecards for measure in card.measures)
    return bool(config.rules) or any(isinstance(source, Attribute) for source in sources)


def _about_people(inputs: Inputs, book: GradedBook, judgements: "pd.DataFrame") -> Iterator[Caveat]:
    import pandas as pd

    overrides = judgements[judgements["kind"] == "override"]
    unexplained = int((overrides["reason"].isna() | (overrides["reason"] == "")).sum())
    if unexplained:
        yield Caveat(
            "override_without_reason",
            Severity.WARNING,
            say("{n:n override gives|overrides give} no reason", n=unexplained),
            say("Ask its author to write one down"),
        )
    # Superseded judgements are not doubts; only accounts where nothing of a kind is in force any more are counted.
    ever = inputs.judgements[["account_id", "kind"]].drop_duplicates()
    positions = inputs.accounts.index.get_indexer(pd.Index(ever["account_id"]))
    ended = int(((positions >= 0) & (book.card[-1, positions] >= 0)).sum()) - len(judgements)
    if ended:
        yield Caveat(
            "judgement_ended",
            Severity.NOTE,
            say("{n:n judgement has|judgements have} ended and no longer stand beside the score", n=ended),
        )
