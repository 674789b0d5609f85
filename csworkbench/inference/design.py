"""What an experiment on accounts could show, from a sample of its own kind: accounts, effects, weeks, power.

Closed forms and bisection only, so that any pilot has an answer or a reason why there is none.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate, say
from csworkbench.inference.accounts import (
    CannotTell,
    intra_account_correlation,
    linearized,
    size_variation,
)
from csworkbench.inference.effects import LEAST_IN_ARM
from csworkbench.inference.power import LARGEST_N, Demand, design_effect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NODES = 200
ALMOST_NORMAL = 10**6  # degrees of freedom from which Student's t is the normal distribution to six digits
HALVINGS = 40


USUAL = Demand(level=0.95, power=0.8)


@dataclass(frozen=True, slots=True)
class Pilot:
    """What is known of an outcome before an experiment on it.

    Args:
        value: Outcome per contact: a share of 0 to 1, or a mean.
        spread: Standard deviation of one contact's outcome.
        mean_size: Contacts per account.
        size_variation: Coefficient of variation of the sizes.
        icc: Intra-account correlation.
        correlation: Correlation over accounts with the period before; 0 without a covariate.
        is_share: The outcome is 0 or 1, so that its spread follows from its value.
    """

    value: float
    spread: float
    mean_size: float
    size_variation: float
    icc: Estimate
    correlation: float = 0.0
    is_share: bool = False

    def account_variance(self, effect: float = 0.0) -> float:
        """Return the variance of what one account contributes to the value of its arm.

        Args:
            effect: Difference of the arm to the value.

        Source: Eldridge, Ashby and Kerry (2006), International Journal of Epidemiology 35, 1292-1300: design effect
            1 + ((cv^2 + 1) m - 1) ICC; what a covariate leaves is 1 - rho^2 of it.
        """
        share = min(1.0, max(0.0, self.value + effect))
        variance = share * (1 - share) if self.is_share else self.spread**2
        inflated = design_effect(self.mean_size * (1 + self.size_variation**2), self.icc.value or 0.0)
        return variance * inflated / self.mean_size * (1 - self.correlation**2)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an experiment is to be run.

    Args:
        demand: How sure its answer has to be.
        control: Share of the accounts in the control, strictly between 0 and 1.
    """

    demand: Demand = USUAL
    control: float = 0.5

    @property
    def least(self) -> int:
        """Accounts below which an arm is too small for any test."""
        return ceil(LEAST_IN_ARM / min(self.control, 1 - self.control) - 1e-9)


def pilot_of(
    total: "Floats", squares: "Floats", size: "Floats", before: "tuple[Floats, Floats] | None" = None
) -> Pilot | CannotTell:
    """Return what a sample of accounts says of an outcome.

    Args:
        total: Sum of the outcome per account.
        squares: Sum of its squares per account.
        size: Contacts per account, above 0.
        before: Sum of the outcome and contacts per account in the period before, 0 contacts where nothing is known.
    """
    import numpy as np

    contacts = float(size.sum())
    value = float(total.sum()) / contacts if contacts else 0.0
    variance = float(squares.sum()) / contacts - value**2 if contacts else 0.0
    if len(size) < 2 or variance <= 1e-12 * value**2 or not np.any(total):
        return CannotTell("no_variation", say("The sample shows no two outcomes that differ: nothing can be planned"))
    icc: Estimate | CannotTell = Estimate(0.0, "share", len(size))
    if contacts > len(size):
        icc = intra_account_correlation(total, squares, size)
    if isinstance(icc, CannotTell):
        return icc
    is_share = bool(np.array_equal(total, squares) and (total <= size).all())
    return Pilot(
        value,
        sqrt(variance),
        contacts / len(size),
        size_variation(size),
        icc,
        0.0 if before is None else _correlation(linearized(total, size), *before),
        is_share,
    )


def _correlation(moves: "Floats", total: "Floats", size: "Floats") -> float:
    """Return the correlation with the period before; an account without one tells nothing, so has its mean."""
    import numpy as np

    known = size > 0
    earlier = np.zeros(len(moves))
    if known.any():
        earlier[known] = linearized(total[known], size[known])
    if not earlier.any() or not moves.any():
        return 0.0
    return float(np.corrcoef(moves, earlier)[0, 1])


def power_of(pilot: Pilot, effect: float, accounts: int, plan: Plan) -> float:
    """Return the chance to see an effect with so many accounts, both arms together.

    Args:
        pilot: What is known of the outcome.
        effect: True difference of the variant to the control.
        accounts: Accounts of both arms, at least 3.
        plan: Level and share of the control.

    Raises:
        ValueError: fewer than 3 accounts.

    Source: noncentral t with accounts - 2 degrees of freedom; checked against statsmodels `TTestIndPower`.
    """
    if accounts < 3:
        raise ValueError("two arms need at least three accounts for a test")
    control, variant = pilot.account_variance() / plan.control, pilot.account_variance(effect) / (1 - plan.control)
    error = sqrt((control + variant) / accounts)
    return _t_power(abs(effect) / error if error else 1e9, min(accounts - 2, ALMOST_NORMAL), plan.demand.level)


def _t_power(shift: float, freedom: int, level: float) -> float:
    """Return the chance that a noncentral t lies beyond the two-sided quantile, averaged over its denominator.

    scipy's own noncentral t gives NaN for some shifts; an average over quantiles of chi-square cannot.
    """
    from scipy.special import ndtr

    edges, weights = _edges(freedom, level)
    return float(weights @ (ndtr(shift - edges) + ndtr(-shift - edges)))


@lru_cache(maxsize=256)
def _edges(freedom: int, level: float) -> "tuple[Floats, Floats]":
    """Return how many true standard errors are seen at quantiles of the error as estimated, and their weights."""
    from scipy.special import gammaincinv, stdtrit

    quantiles, weights = _quantiles()
    return stdtrit(freedom, (1 + level) / 2) * (2 * gammaincinv(freedom / 2, quantiles) / freedom) ** 0.5, weights


@lru_cache(maxsize=1)
def _quantiles() -> "tuple[Floats, Floats]":
    """Return where between 0 and 1 an average is taken, and with what weight (Gauss and Legendre)."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1) / 2, weights / 2


def accounts_needed(pilot: Pilot, effect: float, plan: Plan) -> int | CannotTell:
    """Return how many accounts, both arms together, show an effect with the power that is asked for.

    Args:
        pilot: What is known of the outcome.
        effect: Difference that is to be seen, not 0.
        plan: Level, power and share of the control.
    """
    if pilot.is_share and not 0 <= pilot.value + effect <= 1:
        return CannotTell("outside", say("A share can neither fall below 0 nor rise above 1: ask for a smaller effect"))
    low, high = plan.least - 1, plan.least
    while power_of(pilot, effect, high, plan) < plan.demand.power:
        low, high = high, 2 * high
        if high > LARGEST_N:
            said = say("No number of accounts there could be would show an effect that small")
            return CannotTell("out_of_reach", said)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(pilot, effect, middle, plan) >= plan.demand.power else (middle, high)
    return high


def smallest_effect(pilot: Pilot, accounts: int, plan: Plan) -> float | CannotTell:
    """Return the smallest difference that so many accounts show with the power that is asked for, above 0.

    Of a share it lies towards even odds, which is the harder direction.

    Args:
        pilot: What is known of the outcome.
        accounts: Accounts of both arms.
        plan: Level, power and share of the control.
    """
    out_of_reach = CannotTell(
        "out_of_reach",
        say("With {n:n account|accounts} not even the largest effect there can be would be seen", n=accounts),
    )
    if accounts < plan.least:
        return out_of_reach
    side = -1 if pilot.is_share and pilot.value > 0.5 else 1
    most = max(pilot.value, 1 - pilot.value) if pilot.is_share else 1e3 * sqrt(pilot.account_variance())

    def is_seen(effect: float) -> bool:
        return power_of(pilot, side * effect, accounts, plan) >= plan.demand.power

    if not is_seen(most):
        return out_of_reach
    low, high = 0.0, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_seen(middle) else (middle, high)
    return high


def weeks_needed(accounts: int, per_week: float) -> int | CannotTell:
    """Return after how many weeks so many accounts were sent to.

    Args:
        accounts: Accounts that are needed.
        per_week: Accounts that are sent to for the first time in a week.
    """
    if per_week <= 0:
        return CannotTell("no_sends", say("Nothing was sent in the sample: it does not say how long a test would take"))
    return ceil(accounts / per_week)
