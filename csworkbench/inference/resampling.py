"""Intervals by drawing accounts again: rows of one account always go together."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_DRAWS = 0.9  # share of draws in which a measure must be there to have an interval


def account_weights(accounts: "NDArray[np.int64]", draws: int, seed: int) -> "Iterator[Floats]":
    """Yield how often each row counts in each draw of as many accounts as there are, with replacement.

    Args:
        accounts: Number of the account of each row, 0 to n - 1, each with a row.
        draws: How many draws.
        seed: The same seed gives the same draws.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    count = int(accounts.max()) + 1 if len(accounts) else 0
    for _ in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        yield times[accounts]


def interval(
    value: float, drawn: "Floats", n: int, unit: str, *, is_share: bool = False, level: float = 0.95
) -> Estimate:
    """Return a measure with the interval of its draws.

    Normal about the value with the standard deviation of the draws; of a share on the logit scale, where the draws of
    a measure near 1 are symmetric and its bounds stay within 0 and 1.

    Args:
        value: The measure of the data themselves; nan where nobody can tell.
        drawn: The measure of each draw, nan where it could not be told.
        n: Accounts behind it.
        unit: Unit of the estimate.
        is_share: The measure lies between 0 and 1.
        level: Coverage of the interval.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.2.
    """
    import numpy as np
    from scipy.special import expit, logit
    from scipy.stats import norm

    told = drawn[np.isfinite(drawn)]
    if not np.isfinite(value):
        return Estimate(None, unit, n)
    if is_share:
        told = told[(told > 0) & (told < 1)]
    if len(told) < max(2, LEAST_DRAWS * len(drawn)) or (is_share and value in (0.0, 1.0)):
        return Estimate(value, unit, n)
    forth: Callable[[Floats], Floats] = logit if is_share else np.asarray
    back: Callable[[Floats], Floats] = expit if is_share else np.asarray
    half = norm.ppf((1 + level) / 2) * float(np.std(forth(told), ddof=1))
    middle = float(forth(np.asarray(value)))
    return Estimate(
        value, unit, n, float(back(np.asarray(middle - half))), float(back(np.asarray(middle + half))), level
    )
