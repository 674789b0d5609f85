"""The score held against an outcome of the same accounts: descriptive, in-sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.health.graded import GradedBook
from csworkbench.analyses.health.panel import Inputs
from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Caveat, Estimate, Severity, say

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LARGEST_VARIANCE = 0.25  # of a number between 0 and 1
FEW_EVENTS = 30  # of either kind: below, intervals cover less than they say
IMPLAUSIBLE_AUC = 0.9  # of one measure alone
MEASURE_AUC = ["scorecard", "measure", "label", "auc", "low", "high", "n", "events"]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeReading:
    """What the score says about an outcome.

    Args:
        auc: Share of pairs of a bad and a good account in which the bad one has the lower score; None without outcome.
        by_measure: One row per scorecard and measure: scorecard, measure, label, auc (of the points of this measure
            alone), low, high, n, events (bad outcomes).
        caveats: What to know about it.
    """

    auc: Estimate | None
    by_measure: "pd.DataFrame"
    caveats: tuple[Caveat, ...]


def auc(points: "NDArray[np.float64]", is_bad: "NDArray[np.bool_]", level: float = 0.95) -> Estimate:
    """Return how well points tell bad from good: the share of pairs in which the bad one has fewer, ties one half.

    The interval is symmetric on the logit scale, so that it stays within 0 and 1, and takes Student's t with the
    degrees of freedom of Brunner and Munzel, because few events make the variance uncertain. DeLong's variance is
    0 where every pair is in order (or none is): the bound is then that of a share of 1 in as many units as the smaller
    class has; and where all points are equal: then the largest variance an AUC can have is taken,
    value (1 - value) / smaller class.

    A class of one account has no variance of its own; the largest possible one, 1/4, is taken.

    Args:
        points: Points of each account, no missing.
        is_bad: Whether the outcome of the account is bad; both kinds occur.
        level: Coverage of the interval.

    Returns:
        Estimate with unit "auc"; 0.5 says nothing, 1 tells all pairs apart.

    Raises:
        ValueError: only one kind of outcome occurs.

    Source: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44; Brunner and Munzel (2000), Biometrical Journal 42;
    Birnbaum and Klose (1957) for the largest variance. Value checked against scikit-learn `roc_auc_score`, variance and
    degrees of freedom against scipy `brunnermunzel`.
    """
    import numpy as np
    from scipy.special import expit, logit
    from scipy.stats import rankdata, t

    good, bad = points[~is_bad], points[is_bad]
    if not len(good) or not len(bad):
        raise ValueError("an AUC needs both kinds of outcome")
    ranks = rankdata(np.concatenate([good, bad]))
    share_above = (ranks[: len(good)] - rankdata(good)) / len(bad)
    share_below = 1 - (ranks[len(good) :] - rankdata(bad)) / len(good)
    value = float(share_above.mean())
    if value in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / min(len(good), len(bad)))
        low, high = (bound, 1.0) if value == 1.0 else (0.0, 1 - bound)
    else:
        parts = np.array([_variance_of_mean(share_above), _variance_of_mean(share_below)])
        variance = parts.sum() or value * (1 - value) / min(len(good), len(bad))
        spread = (parts**2 / np.maximum([len(good) - 1, len(bad) - 1], 1)).sum()
        freedom = variance**2 / spread if spread else min(len(good), len(bad)) - 1
        half = t.ppf((1 + level) / 2, max(freedom, 1)) * np.sqrt(variance) / (value * (1 - value))
        low, high = expit(logit(value) - half), expit(logit(value) + half)
    return Estimate(value, "auc", len(points), float(low), float(high), level)


def read_outcome(inputs: Inputs, config: Config, book: GradedBook) -> OutcomeReading:
    """Return the score and each measure held against the outcome column of the accounts, if there is one.

    Args:
        inputs: Outcomes of the accounts.
        config: Names the outcome where there are several, and says which way it points.
        book: Scores at the last date.
    """
    column, caveat = _outcome_column(inputs, config)
    if column is None:
        return OutcomeReading(None, _no_measures(), caveat)
    values = inputs.outcomes[column].reindex(inputs.accounts.index)
    is_known = values.notna().to_numpy()
    is_bad = is_known & (values.eq(True).to_numpy(dtype=bool) == (config.outcome_is == "bad"))
    scores = book.score[-1]
    usable = is_known & (scores == scores)
    if not _has_both(is_bad[usable]):
        return OutcomeReading(None, _no_measures(), (_one_kind(column, int(usable.sum())),))
    by_measure = _by_measure(inputs, book, is_known, is_bad)
    caveats = (
        _descriptive(column),
        *_undated(column, inputs),
        *_few(column, is_bad[usable]),
        *_suspects(column, by_measure),
    )
    return OutcomeReading(auc(scores[usable], is_bad[usable]), by_measure, caveats)


def _outcome_column(inputs: Inputs, config: Config) -> tuple[str | None, tuple[Caveat, ...]]:
    columns = list(inputs.outcomes.columns)
    if config.outcome is not None and config.outcome not in columns:
        message = say(
            "accounts have no outcome column {column}; they have: {columns:list}",
            column=config.outcome,
            columns=columns or ["none"],
        )
        action = say("Change outcome in the settings of health")
        return None, (Caveat("no_such_outcome", Severity.WARNING, message, action),)
    if config.outcome is None and len(columns) > 1:
        message = say("Accounts carry several outcomes ({columns:list}), and none is chosen", columns=columns)
        return None, (Caveat("several_outcomes", Severity.NOTE, message, say("Set outcome in the settings of health")),)
    column = config.outcome or (columns[0] if columns else None)
    if column is not None and not _is_binary(inputs.outcomes[column]):
        message = say("Outcome {column} is not yes or no, so the score is not held against it", column=column)
        return None, (
            Caveat(
                "outcome_not_binary", Severity.NOTE, message, say("Declare it as boolean under extra in the workspace")
            ),
        )
    return column, ()


def _is_binary(values: "pd.Series[bool]") -> bool:
    return bool(values.dropna().isin([True, False]).all())


def _has_both(flags: "NDArray[np.bool_]") -> bool:
    return bool(flags.any() and not flags.all())


def _variance_of_mean(values: "NDArray[np.float64]") -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else LARGEST_VARIANCE


def _by_measure(
    inputs: Inputs, book: GradedBook, is_known: "NDArray[np.bool_]", is_bad: "NDArray[np.bool_]"
) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    rows = []
    for place, accounts in book.using(-1):
        graded = book.cards[place]
        points = graded.on(len(inputs.dates) - 1, accounts).points
        for column, measure in enumerate(graded.card.measures):
            usable = is_known[accounts] & ~np.isnan(points[:, column])
            bad = is_bad[accounts][usable]
            if _has_both(bad):
                found = auc(points[usable, column], bad)
                rows.append(
                    (
                        graded.card.id,
                        measure.name,
                        measure.label,
                        found.value,
                        found.low,
                        found.high,
                        found.n,
                        int(bad.sum()),
                    )
                )
    frame = pd.DataFrame(rows, columns=MEASURE_AUC)
    return frame.sort_values("auc", ascending=False, kind="stable").reset_index(drop=True)


def _no_measures() -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype="str" if name in MEASURE_AUC[:3] else float) for name in MEASURE_AUC})


def _descriptive(column: str) -> Caveat:
    return Caveat(
        "in_sample",
        Severity.WARNING,
        say(
            "The AUC only describes the accounts at hand: score and {column} come from the same book, so it does not "
            "show that the score predicts what happens next",
            column=column,
        ),
        say("Keep the scores of today and hold them against outcomes that are decided later"),
    )


def _undated(column: str, inputs: Inputs) -> Iterator[Caveat]:
    if not inputs.has_attribute_history:
        yield Caveat(
            "outcome_undated",
            Severity.NOTE,
            say(
                "{column} carries no date: it may have become known after {as_of:date}",
                column=column,
                as_of=inputs.as_of,
            ),
            say("Add valid_from and valid_to to accounts"),
        )


def _few(column: str, is_bad: "NDArray[np.bool_]") -> Iterator[Caveat]:
    fewer = int(min(is_bad.sum(), (~is_bad).sum()))
    if fewer < FEW_EVENTS:
        yield Caveat(
            "few_events",
            Severity.WARNING,
            say(
                "Only {n:n scored account is|scored accounts are} of the rarer kind of {column}: below {least:count} "
                "the interval of the AUC is too narrow",
                n=fewer,
                column=column,
                least=FEW_EVENTS,
            ),
        )


def _suspects(column: str, by_measure: "pd.DataFrame") -> Iterator[Caveat]:
    suspects = list(dict.fromkeys(by_measure.loc[by_measure["auc"] > IMPLAUSIBLE_AUC, "label"]))
    if suspects:
        yield Caveat(
            "suspected_leak",
            Severity.WARNING,
            say(
                "{measures:list} alone: AUC above {limit:number} for {column}, which is implausibly good; the value "
                "may have been recorded after the outcome",
                measures=suspects,
                column=column,
                limit=IMPLAUSIBLE_AUC,
            ),
            say("Find out when these values are written; leave out of the scorecard what is known only afterwards"),
        )


def _one_kind(column: str, n: int) -> Caveat:
    return Caveat(
        "outcome_one_kind",
        Severity.NOTE,
        say(
            "The {n:n scored account has|scored accounts have} only one kind of {column}, "
            "so there is nothing to tell apart",
            n=n,
            column=column,
        ),
    )
