"""Effects where there can be none, and effects without one account: what the method makes of nothing."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.averaging import placebo_means
from csworkbench.adjustment.course import REACH, Course
from csworkbench.adjustment.designs import CompareRules, Comparison
from csworkbench.adjustment.pooling import pool
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

EARLIER = 3  # months


def placebo_time(found: Course, rules: CompareRules) -> Estimate | None:
    """Return the "effect" of plans had they landed three months earlier; None where months are missing.

    Months -3..-1 are held against -6..-4, plans against controls: nothing had begun, so a difference is a course of the
    plans' own. Near 0 is no proof: both were chosen for looking alike then.

    Args:
        found: Course of the plans.
        rules: What is demanded.
    """
    import numpy as np

    weights = np.zeros(2 * REACH + 1)
    weights[:EARLIER], weights[EARLIER:REACH] = -1 / EARLIER, 1 / EARLIER
    return found.contrast(weights, rules.level)


def placebo_space(comparison: Comparison, rules: CompareRules) -> "pd.DataFrame":
    """Return mean "effects" of as many accounts without a plan, drawn again and again as they stand for plans.

    Args:
        comparison: What came out.
        rules: What is demanded.

    Returns:
        One row: n_draws, mean, sd, low, high (of the draws), p (share of draws at least as far from 0 as the plans);
        none without a comparison.
    """
    import numpy as np
    import pandas as pd

    told, controls = comparison.effects.dropna(subset=["effect"]), comparison.sets[~comparison.sets["is_plan"]]
    columns = ["n_draws", "mean", "sd", "low", "high", "p"]
    if told.empty or controls.empty:
        return pd.DataFrame(columns=columns, dtype=float)
    rest, weight = controls["rest"].to_numpy(float), controls["weight"].to_numpy(float)
    means = told.groupby("account_id")["effect"].mean()
    drawn = placebo_means(rest, weight, len(means), float(told["shared_error"].iloc[0]), rules)
    tail = (1 - rules.level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    beyond = (np.abs(drawn) >= abs(float(means.mean()))).sum()
    row = (len(drawn), drawn.mean(), drawn.std(ddof=1), low, high, (1 + beyond) / (1 + len(drawn)))
    return pd.DataFrame([row], columns=columns)


def leave_one_out(effects: "pd.DataFrame", *, level: float = 0.95) -> "pd.DataFrame":
    """Return the pooled effect without each account in turn.

    Args:
        effects: `Comparison.effects`.
        level: Coverage.

    Returns:
        One row per account: account_id, mean, low, high, n; the account that moves the mean most comes first.
    """
    import pandas as pd

    every = pool(effects, level=level)
    if every is None:
        return pd.DataFrame(columns=["account_id", "mean", "low", "high", "n"])
    found = every.leave_one_out()
    return found.iloc[(found["mean"] - every.mean).abs().argsort(kind="stable")[::-1]].reset_index(drop=True)
