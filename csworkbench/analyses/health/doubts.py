"""What to know before acting on the scores."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.analyses.health.graded import GradedBook, left_out_measures
from csworkbench.analyses.health.panel import Inputs, source_key
from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features import ActiveRatio, Attribute
from csworkbench.scoring import Categories, Measure, category_name

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
        *_more_users_than_seats(inputs, book),
        *_recorded_later(inputs, config, book),
        *_about_time(inputs, config, book),
        *_about_people(inputs, book, judgements),
        *inputs.notes,
        Caveat(
            "weights_are_judgement",
            Severity.NOTE,
            say(
                "Points and weights are the team's judgement: whether the score predicts anything is told by "
                "health_proof alone, whose finding stands on top of the page where it is part of the run"
            ),
        ),
        Caveat(
            "whole_book",
            Severity.NOTE,
            say(
                "Shares, medians and counts are those of the accounts themselves and not of a sample of them, so they "
                "are exact and carry no interval"
            ),
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
    if not isinstance(scale, Categories) or scale.otherwise is not None:
        return {}
    named = {category_name(value): int(n) for value, n in values.value_counts().items()}
    return {name: n for name, n in named.items() if n and name not in scale.of}


def _more_users_than_seats(inputs: Inputs, book: GradedBook) -> Iterator[Caveat]:
    today, above = inputs.panel.iloc[-len(inputs.accounts) :], set[str]()
    for place, accounts in book.using(-1):
        for measure in book.cards[place].card.measures:
            if isinstance(measure.source, ActiveRatio):
                ratios = today[source_key(measure.source)].iloc[accounts]
                above |= set(ratios.index[ratios > 1])
    if above:
        yield Caveat(
            "more_users_than_seats",
            Severity.NOTE,
            say("{n:n account has|accounts have} more active users than paid seats", n=len(above)),
            say("Check whether seats are recorded wrongly, logins are shared, or more should be sold"),
        )


def _recorded_later(inputs: Inputs, config: Config, book: GradedBook) -> Iterator[Caveat]:
    """Tell which measures nobody has at the first dates of the history: scores of then rest on less."""
    import numpy as np

    first = len(inputs.dates) - config.history_months
    starts: dict[str, int] = {}
    for graded in book.cards:
        for measure in graded.card.measures:
            has_value = inputs.panel[source_key(measure.source)].notna() & inputs.panel["is_customer"]
            known = np.atleast_1d(has_value.to_numpy().reshape(len(inputs.dates), -1).any(axis=1))
            if known[-1] and not known[first]:
                starts[measure.label] = int(np.flatnonzero(~known)[-1]) + 1
    if starts:
        begins = max(starts.values())
        yield Caveat(
            "recorded_later",
            Severity.WARNING if begins > len(inputs.dates) - 1 - config.compare_months else Severity.NOTE,
            say(
                "Nobody has a value of {measures:list} before {since:date}: earlier scores rest on less, so a change "
                "across that day is partly one of what is recorded",
                measures=list(starts),
                since=inputs.dates[begins],
            ),
            say("See the part coverage in the table of changes"),
        )


def _about_time(inputs: Inputs, config: Config, book: GradedBook) -> Iterator[Caveat]:
    if config.history_months > 1:
        yield Caveat(
            "rescored",
            Severity.NOTE,
            say("Earlier months are scored with today's scorecards, so that months can be compared"),
        )
    yield from _of_today(inputs, config)
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


def _of_today(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    """Tell what earlier dates are measured with that nobody recorded of them."""
    named = [(source_key(measure.source), measure.label) for card in config.scorecards for measure in card.measures]
    named += [
        (source_key(Attribute(column=condition.column)), rule.label) for rule in config.rules for condition in rule.when
    ]
    doubtful = [(inputs.of_today[key], label) for key, label in named if key in inputs.of_today]
    if doubtful:
        yield Caveat(
            "values_of_today",
            Severity.NOTE,
            say(
                "Nobody recorded what {columns:list} held before: earlier dates use the values of today "
                "(for {measures:list})",
                columns=list(dict.fromkeys(column for columns, _ in doubtful for column in columns)),
                measures=list(dict.fromkeys(label for _, label in doubtful)),
            ),
            say("Each run remembers them from now on; accounts may have valid_from and valid_to as well"),
        )


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
