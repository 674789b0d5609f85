"""What a number of independent units can show: half-widths of intervals, smallest differences, smallest AUC.

An interval is two-sided at a level; a difference is seen at that level with a power. Units that share an account are
brought down to independent ones by the design effect before they get here.
"""

from dataclasses import dataclass
from math import asin, ceil, isfinite, nan, pi, sin, sqrt

LARGEST_N = 10**9
NPS_SPAN = 100.0


@dataclass(frozen=True, slots=True)
class Demand:
    """How sure an answer has to be.

    Args:
        level: Coverage of intervals; one minus the two-sided significance level of a test.
        power: Chance to see a difference that is there.
    """

    level: float
    power: float

    @property
    def z_level(self) -> float:
        """Normal quantile of the two-sided level."""
        return _quantile((1 + self.level) / 2)

    @property
    def z_power(self) -> float:
        """Normal quantile of the power."""
        return _quantile(self.power)


def design_effect(mean_size: float, icc: float) -> float:
    """Return by how much rows of the same account inflate a variance.

    Args:
        mean_size: Mean number of rows per account as a row sees it, sum(m^2) / sum(m): above the plain mean where
            accounts differ in size. At least 1.
        icc: Intra-account correlation, 0 to 1.

    Source: Kish (1965), Survey Sampling: 1 + (m - 1) ICC, for unequal sizes with m (1 + cv^2) in place of m.
    """
    return 1 + (mean_size - 1) * icc


def share_margin(share: float, n: float, demand: Demand) -> float:
    """Return the half-width of the interval of a share, as a share of 0 to 1.

    Args:
        share: Share that is expected.
        n: Independent units, above 0.
        demand: Level.

    Source: normal approximation z sqrt(p (1 - p) / n); checked against statsmodels `proportion_confint`.
    """
    return demand.z_level * sqrt(share * (1 - share) / n)


def units_for_share(share: float, margin: float, demand: Demand) -> int:
    """Return how many independent units make the half-width of a share at most `margin`.

    Args:
        share: Share that is expected.
        margin: Half-width, above 0.
        demand: Level.

    Source: inverse of `share_margin`; checked against statsmodels `samplesize_confint_proportion`.
    """
    return _units(share * (1 - share) * (demand.z_level / margin) ** 2)


def smallest_difference(base: float, groups: tuple[float, float], demand: Demand) -> float:
    """Return the smallest difference of two shares that is seen, as a share of 0 to 1.

    It lies towards even odds (a rise from a low base, a fall from a high one), which is the harder direction.

    Args:
        base: Share in the comparison group.
        groups: Independent units of the two groups.
        demand: Level and power.

    Returns:
        NaN where even the largest difference there can be would not be seen.

    Source: Cohen (1988), Statistical Power Analysis, ch. 6: h = 2 asin sqrt(p2) - 2 asin sqrt(p1); checked against
    statsmodels `NormalIndPower` and `proportion_effectsize`.
    """
    first, second = groups
    if first <= 0 or second <= 0:
        return nan
    low = min(base, 1 - base)
    effect = (demand.z_level + demand.z_power) * sqrt(1 / first + 1 / second)
    angle = asin(sqrt(low)) + effect / 2
    return sin(angle) ** 2 - low if angle < pi / 2 else nan


def smallest_by_holdout(base: float, units: float, held: float, demand: Demand) -> float | None:
    """Return the smallest difference of two shares that is seen where a part of the units is held out.

    Args:
        base: Share with the outcome in the comparison group.
        units: Independent units, both groups together.
        held: Share of them that is held out.
        demand: Level and power.

    Returns:
        A share of 0 to 1; None where even the largest difference there can be would not be seen.

    Source: as `smallest_difference`.
    """
    found = smallest_difference(base, (units * held, units * (1 - held)), demand)
    return found if isfinite(found) else None


def units_for_difference(base: float, difference: float, control: float, demand: Demand) -> int:
    """Return how many independent units, both groups together, show a difference of two shares.

    Args:
        base: Share in the comparison group.
        difference: Difference towards even odds, above 0 and at most 0.5.
        control: Share of the units in the comparison group.
        demand: Level and power.

    Source: as `smallest_difference`.
    """
    return _units((1 / control + 1 / (1 - control)) / _most_error(base, difference, demand))


def units_beside(base: float, difference: float, others: float, demand: Demand) -> int:
    """Return how many independent units a group needs to show a difference from another group as it is.

    Args:
        base: Share in the comparison group.
        difference: Difference towards even odds, above 0 and at most 0.5.
        others: Independent units of the other group.
        demand: Level and power.

    Returns:
        Where the other group is too small for any number: what each of two equal groups needs.

    Source: as `smallest_difference`.
    """
    most = _most_error(base, difference, demand)
    left = most - 1 / others if others else 0.0
    return _units(1 / left if left > 0 else 2 / most)


def smallest_auc(events: float, others: float, demand: Demand) -> float:
    """Return the smallest AUC that is told from chance.

    Args:
        events: Independent units with the event.
        others: Independent units without it.
        demand: Level and power.

    Returns:
        AUC above 0.5; NaN where even an AUC of 1 would not be told from chance.

    Source: Hanley and McNeil (1982), Radiology 143: variance of the area under negative exponential scores; under
    chance that of the Wilcoxon statistic, (n1 + n2 + 1) / (12 n1 n2).
    """
    if events <= 0 or others <= 0 or not _is_seen(1.0, events, others, demand):
        return nan
    low, high = 0.5, 1.0
    while high - low > 1e-9:  # far below what anybody reads
        middle = (low + high) / 2
        low, high = (low, middle) if _is_seen(middle, events, others, demand) else (middle, high)
    return high


def events_for_auc(auc: float, others_per_event: float, demand: Demand) -> int:
    """Return how many units with the event tell an AUC from chance.

    Args:
        auc: AUC above 0.5, up to 1.
        others_per_event: Units without the event per unit with it, above 0.
        demand: Level and power.

    Source: as `smallest_auc`.
    """
    low, high = 0, 1
    while high < LARGEST_N and not _is_seen(auc, high, high * others_per_event, demand):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_seen(auc, middle, middle * others_per_event, demand) else (middle, high)
    return high


def auc_error(auc: float, events: float, others: float) -> float:
    """Return the standard error of an AUC.

    Args:
        auc: AUC, 0 to 1.
        events: Independent units with the event.
        others: Independent units without it.

    Source: Hanley and McNeil (1982), Radiology 143, equations 1 and 2.
    """
    both_above, one_above = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (events - 1) * (both_above - auc**2) + (others - 1) * (one_above - auc**2)
    return sqrt(max(0.0, spread) / (events * others))


def nps_spread(promoters: float, detractors: float) -> float:
    """Return the standard deviation of one answer's part in the NPS, in NPS points.

    Args:
        promoters: Share of answers of 9 and 10.
        detractors: Share of answers of 0 to 6.

    Source: variance of a variable that is 100, 0 or -100.
    """
    return NPS_SPAN * sqrt(promoters + detractors - (promoters - detractors) ** 2)


def mean_margin(spread: float, n: float, demand: Demand) -> float:
    """Return the half-width of the interval of a mean, in the unit of its spread.

    Args:
        spread: Standard deviation.
        n: Independent units, above 0.
        demand: Level.
    """
    return demand.z_level * spread / sqrt(n)


def units_for_mean(spread: float, margin: float, demand: Demand) -> int:
    """Return how many independent units make the half-width of a mean at most `margin`.

    Args:
        spread: Standard deviation.
        margin: Half-width in the same unit, above 0.
        demand: Level.
    """
    return _units((demand.z_level * spread / margin) ** 2)


def _most_error(base: float, difference: float, demand: Demand) -> float:
    """Return the largest 1 / n1 + 1 / n2 at which a difference is seen."""
    low = min(base, 1 - base)
    effect = 2 * (asin(sqrt(low + difference)) - asin(sqrt(low)))
    return (effect / (demand.z_level + demand.z_power)) ** 2


def _is_seen(auc: float, events: float, others: float, demand: Demand) -> bool:
    by_chance = sqrt((events + others + 1) / (12 * events * others))
    return auc - 0.5 >= demand.z_level * by_chance + demand.z_power * auc_error(auc, events, others)


def _units(exact: float) -> int:
    # A hair below the exact number is that number: 384.0000001 is no reason for one unit more.
    return max(1, ceil(exact - 1e-6))


def _quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)
