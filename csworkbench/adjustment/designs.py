"""How plans can be held against what would have come without them: the designs, their rules, and what comes out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.estimates import Caveat, Estimate, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Design(StrEnum):
    """Where the comparison of plans comes from, the most trustworthy first."""

    LOTTERY = "lottery"
    THRESHOLD = "threshold"
    MATCHED = "matched"
    STAGGERED = "staggered"
    SYNTHETIC = "synthetic"
    NONE = "none"

    @property
    def letter(self) -> str:
        """A for the lottery to F where nothing can be compared."""
        return "ABCDEF"[list(Design).index(self)]


@dataclass(frozen=True, slots=True)
class CompareRules:
    """What a comparison demands.

    Args:
        level: Coverage of intervals.
        seed: Seed of permutations and simulated bands.
        least_drawn: Accounts of a lottery on each side below which its draw tells nothing.
        order_followed: Share of the starts of a lottery that must follow its drawn order.
        min_controls: Controls without which a design is not used.
        min_per_cell: Controls of the same days and band (or draw) without which a plan gets no effect.
        matches: Nearest controls each plan is held against; 0 = all of its days and band.
        max_smd: Largest standardized difference of the level before that is left to adjustment.
        few_treated: Accounts with a plan below which permutations take the place of the normal error.
        draws: Permutations.
        threshold_side: Accounts on each side of a threshold without which it is not used.
        min_donors: Other accounts a single one needs for a synthetic control; 19 make p = .05 possible.
        anticipation: Months before landing that are no months before: accounts may have changed as the plan was coming.
    """

    level: float = 0.95
    seed: int = 0
    least_drawn: int = 6
    order_followed: float = 0.9
    min_controls: int = 20
    min_per_cell: int = 5
    matches: int = 20
    max_smd: float = 0.25
    few_treated: int = 10
    draws: int = 999
    threshold_side: int = 50
    min_donors: int = 19
    anticipation: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The plans of one playbook held against what was expected without them, on the scale of the analysis.

    Args:
        design: Where the comparison comes from.
        reason: Why this design and no better one.
        effects: One row per plan, in the order of the episodes: episode_id, account_id, playbook, before (mean of the
            two windows before), observed (after), expected (after, without the plan), rebound (expected - before),
            effect (observed - expected), standard_error (SD of the prediction for one account), shared_error (part of
            it that all plans have in common because they share controls; one number), low, high, n_controls. Effect,
            expected, errors and bounds are null for a plan that has no comparable account.
        balance: One row per covariate: covariate, smd_before, smd_after (plans less controls of
            their cells, in SD, before and after weighting; the level comes first and is the one that is demanded).
        sets: One row per plan and control used: episode_id, account_id, month, is_plan, weight (each side
            sums to 1), rest (what it differs from what was expected of it: the effect of a plan, chance of a control).
        average: Mean effect on the plans with its interval; n = accounts; None where nothing can be told.
        p: Two-sided p-value of no effect of any plan; by permutation where plans are few; None where none is told.
        caveats: Doubts.
        influence: `Expected.influence` of the plans with an effect, in their order; None where it is not known (designs
            D and E).
    """

    design: Design
    reason: Message
    effects: "pd.DataFrame"
    balance: "pd.DataFrame"
    sets: "pd.DataFrame"
    average: Estimate | None
    p: float | None
    caveats: tuple[Caveat, ...] = ()
    influence: "Callable[[Floats], Floats] | None" = None
