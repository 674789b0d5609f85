"""Effects where there can be none, and effects without one account: what the method makes of nothing."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.course import Course
from csworkbench.adjustment.designs import CompareRules, Comparison
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd


def placebo_time(found: Course, rules: CompareRules) -> Estimate | None:
    """Return the "effect" of plans had they landed three months earlier; None where months are missing.

    Args:
        found: Course of the plans.
        rules: What is demanded.
    """
    raise NotImplementedError


def placebo_space(episodes: "pd.DataFrame", comparison: Comparison, rules: CompareRules) -> "pd.DataFrame":
    """Return mean "effects" of as many accounts without a plan, drawn again and again from the same months and bands.

    Args:
        episodes: What was compared.
        comparison: What came out.
        rules: What is demanded.

    Returns:
        One row: n_draws, mean, sd, low, high (of the draws), p (share of draws at least as far from 0 as the plans).
    """
    raise NotImplementedError


def leave_one_out(effects: "pd.DataFrame", *, level: float = 0.95) -> "pd.DataFrame":
    """Return the pooled effect without each account in turn.

    Args:
        effects: `Comparison.effects`.
        level: Coverage.

    Returns:
        One row per account: account_id, mean, low, high, n; the account that moves the mean most comes first.
    """
    raise NotImplementedError
