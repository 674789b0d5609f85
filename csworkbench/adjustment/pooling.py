"""What a playbook does across accounts, and what that says about each of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Effects of a playbook pooled over its plans.

    Args:
        mean: Mean effect mu of the playbook (posterior mean).
        low, high: Interval of mu.
        tau: SD of true effects between accounts (posterior mean).
        n: Plans with an effect.
        accounts: One row per plan: episode_id, account_id, effect, mean, sd, low, high (posterior of its true effect).
        knapp: Hartung-Knapp interval of mu (low, high), to be shown beside; None with fewer than two plans.
    """

    mean: float
    low: float
    high: float
    tau: float
    n: int
    accounts: "pd.DataFrame"
    knapp: tuple[float, float] | None

    def chance_above(self, effect: float) -> float:
        """Return the probability that the mean effect of the playbook is above a value."""
        raise NotImplementedError

    def next_above(self, effect: float) -> float:
        """Return the probability that the true effect at the next account is above a value."""
        raise NotImplementedError

    def chance_above_without(self, effect: float) -> "pd.Series":
        """Return, per plan (index episode_id), P(mean effect > value) without all plans of its account.

        Null where no other account is left.
        """
        raise NotImplementedError

    def without(self, account_id: str) -> "Pooled | None":
        """Return the same of all other accounts (founder left out); None where none is left."""
        raise NotImplementedError


def pool(effects: "pd.DataFrame", *, level: float = 0.95) -> Pooled | None:
    """Return what a playbook does across accounts; None where no plan has an effect.

    Args:
        effects: `Comparison.effects`, of one comparison or several put under one another.
        level: Coverage of all intervals.
    """
    raise NotImplementedError
