"""Why a score changed: what the data did, what the settings did, what was known or not known."""

from typing import TYPE_CHECKING

from csworkbench.scoring.grading import FROM_DATA, Grades

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.scoring.grading import Matrix


def decompose(before: Grades, rebased: Grades, after: Grades) -> "pd.DataFrame":
    """Return the change of every account's score, split per measure into data, config and coverage.

    The split walks from `before` to `after` in two steps. Step 1 keeps the earlier data and takes today's scorecard:
    that is *config*. Step 2 keeps the scorecard and takes today's data: where a measure rests on data at both dates,
    the change of its points at its mean weight is *data*; the rest (a value that appeared, disappeared or was
    assumed, and the weight other measures took over from it) is *coverage*.

    Args:
        before: Earlier data by the scorecard of then.
        rebased: Earlier data by today's scorecard.
        after: Today's data by today's scorecard. All three hold the same accounts in the same order.

    Returns:
        One row per account and measure: account_id, measure, before, after (contributions in points), change = after -
        before, data, config, coverage. data + config + coverage = change, and changes add up to the change of the
        score. A measure that takes part in none of the three has no row.

    Raises:
        ValueError: the accounts differ.

    Source: docs/methods/health.md; the data part is the midpoint (Bennet) decomposition of a product.
    """
    import numpy as np
    import pandas as pd

    if not (before.accounts.equals(rebased.accounts) and rebased.accounts.equals(after.accounts)):
        raise ValueError("the three grades must hold the same accounts in the same order")
    added = after.contributions - rebased.contributions
    in_both = (rebased.basis <= FROM_DATA) & (after.basis <= FROM_DATA)
    data = np.where(in_both, (after.weights + rebased.weights) / 2 * (after.points - rebased.points), 0.0)
    coverage = np.where(in_both, (after.points + rebased.points) / 2 * (after.weights - rebased.weights), added)
    names = tuple(dict.fromkeys((*after.measures, *before.measures)))
    old, middle = _widen(before.contributions, before, names), _widen(rebased.contributions, rebased, names)
    new, data, coverage = (_widen(part, after, names) for part in (after.contributions, data, coverage))
    frame = pd.DataFrame(
        {
            "account_id": before.accounts.repeat(len(names)),
            "measure": pd.array(list(names), dtype="str").take(np.tile(np.arange(len(names)), len(old))),
            "before": old.ravel(),
            "after": new.ravel(),
            "change": (new - old).ravel(),
            "data": data.ravel(),
            "config": (middle - old).ravel(),
            "coverage": coverage.ravel(),
        }
    )
    takes_part = np.any([_widen(grades.weights, grades, names) > 0 for grades in (before, rebased, after)], axis=0)
    shown: pd.DataFrame = frame[takes_part.ravel()].reset_index(drop=True)
    return shown


def _widen(part: "Matrix", of: Grades, names: tuple[str, ...]) -> "Matrix":
    import numpy as np

    wide = np.zeros((len(part), len(names)))
    wide[:, [names.index(name) for name in of.measures]] = part
    return wide
