"""Sample ratio: do the arms hold as many units as the draw should have given them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from csworkbench.estimates import say
from csworkbench.inference.accounts import CannotTell

WARNS_BELOW, BLOCKS_BELOW = 0.01, 0.001
LEAST_EXPECTED = 5.0  # units an arm should have before chi-square holds


class RatioState(StrEnum):
    """What a sample ratio allows: `ok`, `warn` above the verdict, `block` every verdict."""

    OK = "ok"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Units found against units that should be there.

    Args:
        observed: Units of each arm.
        expected: Units each arm should have.
        chi_square: Pearson's statistic.
        p: Its p-value; over several slices adjusted by Holm.
        state: What it allows.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    chi_square: float
    p: float
    state: RatioState


def sample_ratio(observed: Sequence[int], weights: Sequence[float]) -> SampleRatio | CannotTell:
    """Return the units of each arm held against the ratio they were drawn with.

    Args:
        observed: Units of each arm.
        weights: Configured share of each arm, in any scale, above 0.

    Raises:
        ValueError: lengths differ, or a weight is not above 0.

    Source: Fabijan et al. (2019), KDD, Diagnosing Sample Ratio Mismatch; Pearson's chi-square from scipy.
    """
    from scipy.stats import chisquare

    if len(observed) != len(weights) or len(observed) < 2 or min(weights) <= 0:
        raise ValueError("every arm, at least two, needs a weight above 0")
    expected = tuple(sum(observed) * weight / sum(weights) for weight in weights)
    if min(expected) < LEAST_EXPECTED:
        said = say("An arm should have {n:count} units: too few to check the sample ratio", n=int(min(expected)))
        return CannotTell("too_few_units", said)
    found = chisquare(observed, expected)
    return SampleRatio(tuple(observed), expected, float(found.statistic), float(found.pvalue), _state(found.pvalue))


def sample_ratio_slices(
    observed: Mapping[str, Sequence[int]], weights: Sequence[float]
) -> Mapping[str, SampleRatio | CannotTell]:
    """Return the sample ratio of each slice, such as a stratum or a week, with p-values adjusted for their number.

    Args:
        observed: Slice -> units of each arm.
        weights: Configured share of each arm.

    Source: as `sample_ratio`; Holm (1979), Scandinavian Journal of Statistics 6, over the slices that can be checked.
    """
    from dataclasses import replace

    from csworkbench.inference.multiplicity import holm

    found = {name: sample_ratio(units, weights) for name, units in observed.items()}
    told = {name: ratio for name, ratio in found.items() if isinstance(ratio, SampleRatio)}
    adjusted = holm([ratio.p for ratio in told.values()]).p
    return found | {
        name: replace(ratio, p=p, state=_state(p)) for (name, ratio), p in zip(told.items(), adjusted, strict=True)
    }


def _state(p: float) -> RatioState:
    return RatioState.BLOCK if p < BLOCKS_BELOW else RatioState.WARN if p < WARNS_BELOW else RatioState.OK
