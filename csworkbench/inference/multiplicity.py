"""Several questions at once: adjusted p-values, intervals that agree with them, and guardrails."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


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

    Source: Holm (1979), Scandinavian Journal of Statistics 6, 65-70; the interval of the question of rank k has level
        1 - alpha / (m - k + 1), those after the first that is not rejected the level of that one. Checked against
        statsmodels `multipletests`, which collects garbage at each call and so takes .1 s.
    """
    import numpy as np

    m, ranks = len(p), _ranks(p)
    adjusted = np.minimum(1.0, np.maximum.accumulate(np.sort(p) * np.arange(m, 0, -1)))
    rejected = int((adjusted <= alpha).sum())
    return Adjusted(
        tuple(float(adjusted[rank]) for rank in ranks),
        tuple(1 - alpha / (m - min(rank, rejected)) for rank in ranks),
    )


def benjamini_hochberg(p: Sequence[float], alpha: float = 0.05) -> Adjusted:
    """Return p-values adjusted so that at most such a share of the claims is wrong, on average.

    Args:
        p: P-value of each question.
        alpha: The share, for the levels of the intervals.

    Source: Benjamini and Hochberg (1995), JRSS B 57, 289-300, from scipy; intervals of Benjamini and Yekutieli (2005),
        JASA 100, 71-81: level 1 - R alpha / m for the R rejected ones, one rank further for the rest.
    """
    from scipy.stats import false_discovery_control

    adjusted = [float(each) for each in false_discovery_control(p)] if len(p) else []
    rejected = sum(each <= alpha for each in adjusted)
    shares = (rejected if rank < rejected else rejected + 1 for rank in _ranks(p))
    return Adjusted(tuple(adjusted), tuple(1 - alpha * share / len(p) for share in shares))


def _ranks(p: Sequence[float]) -> list[int]:
    """Return the place of each p-value among them, the smallest at 0."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    return sorted(range(len(p)), key=lambda place: order[place])


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
