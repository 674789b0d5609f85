"""Looking more than once: planned looks that spend the error, and intervals that hold at every look."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from csworkbench.estimates import say
from csworkbench.inference.accounts import CannotTell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FARTHEST = 8.0  # standard errors beyond which nobody stops: chance 1e-15
NODES = 401  # of the integral between two looks; 5 looks are exact to 1e-6
LEAST_P = 1e-12  # below, a p-value over several looks is not told apart
MOST_P = 0.99  # above, a p-value over several looks is 1
LEAST_UNITS = 100  # units below which a confidence sequence, which is asymptotic, is refused


def spending_bounds(fractions: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """Return how many standard errors a difference must exceed at each planned look.

    Of the error alpha, what an O'Brien-Fleming boundary would have used up is spent: early looks stop only for the
    overwhelming, the last is nearly the fixed test. Looks may come at other times than planned.

    Args:
        fractions: Information at each look over the planned one, rising, above 0; beyond 1 all error is spent.
        alpha: Two-sided error of all looks together.

    Returns:
        One bound per look, at most 8.

    Raises:
        ValueError: fractions do not rise from above 0.

    Source: Lan and DeMets (1983), Biometrika 70, 659-663, spending 2 - 2 Phi(z / sqrt t) on each side; recursive
        integration of Armitage, McPherson and Rowe (1969), JRSS A 132.
    """
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import norm

    steps = np.diff([0.0, *fractions])
    if not len(steps) or not np.isfinite(steps).all() or (steps <= 0).any():
        raise ValueError(f"information fractions must rise from above 0, not {list(fractions)}")
    nodes, weights = _nodes()
    spent = 2 * alpha_spent(np.minimum(fractions, 1.0), alpha / 2)
    at, mass = np.zeros(1), np.ones(1)  # where the sum stands that has not stopped yet, and with what chance
    bounds: list[float] = []
    for fraction, step, left in zip(fractions, steps, np.diff(spent, prepend=0.0), strict=True):
        spread = np.sqrt(step)

        def excess(bound: float) -> float:
            edge = bound * np.sqrt(fraction)  # noqa: B023 - used within this round only
            beyond = norm.sf((edge - at) / spread) + norm.cdf((-edge - at) / spread)  # noqa: B023
            return float(mass @ beyond - left)  # noqa: B023

        bounds.append(FARTHEST if excess(FARTHEST) >= 0 else float(brentq(excess, 0.0, FARTHEST, xtol=1e-9)))
        edge = bounds[-1] * np.sqrt(fraction)
        new = edge * nodes
        mass = edge * weights * (norm.pdf((new[:, None] - at) / spread) / spread @ mass)
        at = new
    return tuple(bounds)


@cache
def _nodes() -> "tuple[Floats, Floats]":
    import numpy as np

    return np.polynomial.legendre.leggauss(NODES)


@cache
def repeated_p(p: float, fractions: tuple[float, ...]) -> float:
    """Return the smallest error of all looks together at which the last of them would have stopped.

    Args:
        p: Two-sided p-value at the last look, as if it were the only one.
        fractions: As in `spending_bounds`.

    Source: repeated p-values, Jennison and Turnbull (2000), section 9.5.
    """
    from math import exp, log

    from scipy.optimize import brentq
    from scipy.stats import norm

    seen = min(float(norm.isf(p / 2)), FARTHEST) if p > 0 else FARTHEST

    def beyond(logarithm: float) -> float:
        return spending_bounds(fractions, exp(logarithm))[-1] - seen

    least, most = log(LEAST_P), log(MOST_P)
    if beyond(least) <= 0:
        return LEAST_P
    return 1.0 if beyond(most) >= 0 else exp(float(brentq(beyond, least, most, xtol=1e-6)))


def alpha_spent(fractions: "Floats", alpha: float) -> "Floats":
    """Return the one-sided error that may be used up at each information fraction.

    Args:
        fractions: Information over the planned one, 0 to 1.
        alpha: One-sided error at fraction 1.

    Source: Lan and DeMets (1983), alpha_1.
    """
    import numpy as np
    from scipy.stats import norm

    return np.asarray(2 * norm.sf(norm.isf(alpha / 2) / np.sqrt(fractions)))


@dataclass(frozen=True, slots=True)
class Look:
    """A difference as seen at one of many looks.

    Args:
        low: Lower bound that holds at all looks together.
        high: Upper bound.
        p: P-value that holds at all looks together.
    """

    low: float
    high: float
    p: float


def planned_look(value: float, error: float, bound: float) -> tuple[float, float]:
    """Return the interval of a difference at a planned look, which leaves out 0 where the look stops.

    Args:
        value: Difference.
        error: Its standard error.
        bound: Bound of this look (`spending_bounds`).

    Source: repeated confidence intervals, Jennison and Turnbull (1989), JRSS B 51.
    """
    return value - bound * error, value + bound * error


def confidence_sequence(value: float, error: float, n: int, planned: int, level: float = 0.95) -> Look | CannotTell:
    """Return an interval that may be looked at as often as one likes.

    Args:
        value: Difference.
        error: Its standard error.
        n: Units of both arms.
        planned: Units of both arms at which the interval is to be narrowest.
        level: Chance that the intervals of all looks hold the truth.

    Returns:
        CannotTell below 100 units, because it only holds in large samples, or without an error.

    Source: Waudby-Smith et al. (2024), Annals of Statistics 52, Time-uniform central limit theory and asymptotic
        confidence sequences, eq. 9 and 161; reproduces GrowthBook's test vectors.
    """
    from math import exp, log, sqrt

    if n < LEAST_UNITS:
        said = say(
            "There are {n:n unit|units}; below {least:count} an interval that holds at every look cannot be told",
            n=n,
            least=LEAST_UNITS,
        )
        return CannotTell("too_few_units", said)
    if error <= 0:
        said = say("Accounts do not differ at all: nothing says how much they would by chance")
        return CannotTell("no_variation", said)
    alpha = 1 - level
    rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / planned
    grown = n * rho2 + 1
    half = error * sqrt(n) * sqrt(2 * grown * log(sqrt(grown) / alpha) / (n**2 * rho2))
    # The level at which 0 is just left out: the interval solved for alpha.
    p = min(1.0, sqrt(grown) * exp(-((value / error) ** 2) * n * rho2 / (2 * grown)))
    return Look(value - half, value + half, p)
