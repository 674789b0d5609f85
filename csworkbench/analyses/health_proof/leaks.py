"""What looks too good: columns of implausible power, values of today, facts known only after the outcome."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.estimates import say
from csworkbench.formats import text, words
from csworkbench.inference.discrimination import auc, ranked
from csworkbench.inference.models import FOLDS, folds_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

IMPLAUSIBLE = 0.9  # AUC of one column alone
GROUPS = 20  # of the values of a number
ERRORS = 3.0  # standard errors above chance that make a column telling: many columns are looked at
AFTERWARDS = 0.1  # AUC that a column gains between the date of the row and today
PRIOR = 5.0  # rows by which the share of a group is drawn to that of all
COLUMNS = ["column", "label", "used_by", "auc", "error", "auc_today", "today_only", "suspicion", "is_suspected"]


def leak_table(evidence: Evidence, config: Config) -> "pd.DataFrame":
    """Return every column that could be used, with how well it tells the event alone and why that may be too good.

    The share with the event in each group of like values (missing is a group of its own), learned from the accounts of
    other folds, is taken as risk: so a column of text, and one that is filled only for those who left, count too.

    Args:
        evidence: What happened and what was known before.
        config: Seed of the folds.

    Returns:
        One row per column, the suspected first, then the most telling: column, label, used_by (score, learned,
        baseline, nothing), auc (of the column alone), error (its standard error), auc_today (of the value on the day of
        the study, where it is another), today_only (nobody recorded its past), suspicion (implausible, today_only,
        afterwards or none), is_suspected.
    """
    import pandas as pd

    folds = folds_of(evidence.accounts, evidence.is_event, config.seed)
    rows = list(_rows(evidence, folds))
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"auc": float, "error": float, "auc_today": float})
    return frame.sort_values(["is_suspected", "auc", "column"], ascending=[False, False, True], ignore_index=True)


def _rows(evidence: Evidence, folds: "NDArray[np.int64]") -> "Iterator[tuple[object, ...]]":
    is_event = evidence.is_event
    for name in evidence.columns.sources:
        alone = _alone(evidence.known[name], is_event, folds)
        error = _error(alone, is_event)
        later = _alone(evidence.today[name], is_event, folds) if name in evidence.today else float("nan")
        is_today = name in evidence.columns.today_only
        suspicion = "none"
        if alone > IMPLAUSIBLE:
            suspicion = "implausible"
        elif is_today and alone - ERRORS * error > 0.5:
            suspicion = "today_only"
        elif later > alone + AFTERWARDS and later - ERRORS * _error(later, is_event) > 0.5:
            suspicion = "afterwards"
        label = evidence.columns.labels[name]
        yield name, label, _users(evidence, name), alone, error, later, is_today, suspicion, suspicion != "none"


def _users(evidence: Evidence, name: str) -> str:
    columns = evidence.columns
    cards = [card for card in evidence.cards.proved if name in columns.of_card[card].values()]
    users = [text(say("score {card}", card=card)) for card in cards]
    users += [text(say("learned models"))] if name in columns.learned else []
    users += [text(say("baseline"))] if name in columns.baselines.values() else []
    return words(", ").join(users) or "nothing"


def _alone(values: "pd.Series[float]", is_event: "Flags", folds: "NDArray[np.int64]") -> float:
    """Return the AUC of the share with the event among like values of other accounts."""
    import numpy as np

    codes = _codes(values)
    risk = np.empty(len(codes))
    for fold in range(FOLDS):
        inside = folds != fold
        share = is_event[inside].mean() if inside.any() else 0.0
        rows = np.bincount(codes[inside], minlength=codes.max() + 1)
        events = np.bincount(codes[inside], weights=is_event[inside], minlength=codes.max() + 1)
        # Against the share of its own fold: what all folds learn differently tells nothing.
        risk[~inside] = ((events + PRIOR * share) / (rows + PRIOR) - share)[codes[~inside]]
    return auc(ranked(risk, is_event))


def _codes(values: "pd.Series[float]") -> "NDArray[np.int64]":
    """Return the group of each value, 0 = missing: a text is a group, numbers are cut into groups of like size."""
    import numpy as np
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy().astype(np.int64) + 1
    known = values.dropna()
    edges = np.unique(np.quantile(known, np.linspace(0, 1, GROUPS + 1)[1:-1])) if len(known) else np.empty(0)
    return np.where(values.isna(), 0, 1 + np.searchsorted(edges, values.fillna(0.0), side="right"))


def _error(value: float, is_event: "Flags") -> float:
    """Return the standard error of an AUC.

    Source: Hanley and McNeil (1982), Radiology 143, eq. 1 with Q1 = A / (2 - A), Q2 = 2 A^2 / (1 + A).
    """
    events, others = float(is_event.sum()), float((~is_event).sum())
    if not events or not others:
        return float("nan")
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (events - 1) * (first - value**2) + (others - 1) * (second - value**2)
    return float((max(variance, 0.0) / (events * others)) ** 0.5)
