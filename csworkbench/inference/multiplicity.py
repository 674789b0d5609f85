"""Several questions at once: adjusted p-values, intervals that agree with them, and guardrails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Answers to several questions, in the order they were asked.

    Args:
        p: Adjusted p-values.
        levels: Coverage of the interval of each that leaves out 0 exactly where the adjusted p is below alpha (at
            equality nobody looks).
    """

    p: tuple[float, ...]
    levels: tuple[float, ...]


def holm(p: Sequence[float], alpha: float = 0.05) -> Adjusted:
    """Return p-values adjusted so that all claims together are wrong at most so often.

    Args:
        p: P-value of each question.
        alpha: How often, for the levels of the intervals.

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70, from statsmodels; the interval of the question of
        rank k has level 1 - alpha / (m - k + 1), those after the first that is not rejected the level of that one.
    """
    adjusted, ranks, rejected = _adjust(p, "holm", alpha)
    return Adjusted(adjusted, tuple(1 - alpha / (len(p) - min(rank, rejected)) for rank in ranks))


def benjamini_hochberg(p: Sequence[float], alpha: float = 0.05) -> Adjusted:
    """Return p-values adjusted so that at most such a share of the claims is wrong, on average.

    Args:
        p: P-value of each question.
        alpha: The share, for the levels of the intervals.

    Source: Benjamini and Hochberg (1995), JRSS B 57, 289-300, from statsmodels; intervals of Benjamini and Yekutieli
        (2005), JASA 100, 71-81: level 1 - R alpha / m for the R rejected ones, one rank further for the rest.
    """
    adjusted, ranks, rejected = _adjust(p, "fdr_bh", alpha)
    shares = (rejected if rank < rejected else rejected + 1 for rank in ranks)
    return Adjusted(adjusted, tuple(1 - alpha * share / len(p) for share in shares))


def _adjust(
    p: Sequence[float], method: Literal["holm", "fdr_bh"], alpha: float
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    """Return adjusted p-values, the rank of each from 0, and how many are rejected."""
    import numpy as np
    from statsmodels.stats.multitest import multipletests

    if not len(p):
        return (), (), 0
    is_rejected, adjusted, *_ = multipletests(p, alpha, method)
    ranks = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    return tuple(map(float, adjusted)), tuple(map(int, ranks)), int(is_rejected.sum())


class Guardrail(StrEnum):
    """What a guardrail says: shown to be worse than the margin, shown not to be, or neither."""

    HARM = "harm"
    NO_HARM = "no_harm"
    TOO_FEW_DATA = "too_few_data"


def guardrail(low: float, high: float, margin: float, *, is_higher_better: bool = True) -> Guardrail:
    """Return whether a variant does more harm than is put up with.

    Args:
        low: Lower bound of the effect; of a two-sided interval at 1 - 2 alpha for a one-sided test at alpha.
        high: Upper bound.
        margin: Loss that is put up with, at least 0, in the unit of the effect.
        is_higher_better: More of the outcome is good.

    Raises:
        ValueError: the margin is below 0.

    Source: Piaggio et al. (2012), JAMA 308, 2594-2604 (CONSORT, non-inferiority).
    """
    if margin < 0:
        raise ValueError("a margin is a loss that is put up with, so not below 0")
    worst, best = (low, high) if is_higher_better else (-high, -low)
    if best < -margin:
        return Guardrail.HARM
    return Guardrail.NO_HARM if worst > -margin else Guardrail.TOO_FEW_DATA
