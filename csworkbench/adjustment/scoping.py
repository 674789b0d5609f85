"""Whether a playbook works for the accounts it was said to work for: one trait, declared beforehand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Scope:
    """Effects of plans inside a trait less those outside.

    Args:
        difference: Mean effect inside less outside; value None where either side has fewer than two plans.
        p: Two-sided p-value of no difference; None where none is told.
        n_inside: Plans inside.
        n_outside: Plans outside.
        inside: Mean effect inside.
        outside: Mean effect outside.
        is_candidate: Too few plans for a verdict: to be declared and looked at again.
    """

    difference: Estimate
    p: float | None
    n_inside: int
    n_outside: int
    inside: Estimate
    outside: Estimate
    is_candidate: bool


def scope(effects: "pd.DataFrame", trait: "pd.Series", *, min_treated: int = 45, level: float = 0.95) -> Scope:
    """Return how far effects differ between accounts inside and outside one declared trait.

    Args:
        effects: `Comparison.effects`.
        trait: True inside, False outside, null unknown; index episode_id.
        min_treated: Plans below which a difference is a candidate only.
        level: Coverage.
    """
    raise NotImplementedError
