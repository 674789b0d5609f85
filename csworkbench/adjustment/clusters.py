"""Differences whose error counts accounts, not rows: rows of one account tell much the same story."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference and its standard error.

    Args:
        value: The difference.
        error: Standard error, above 0.
        n: Accounts behind it, at least 2.
        freedom: Degrees of freedom of Student's t; None = one less than accounts.
    """

    value: float
    error: float
    n: int
    freedom: int | None = None

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference."""
        from scipy.stats import t

        return float(2 * t.sf(abs(self.value / self.error), self.freedom or self.n - 1))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the bounds of the difference.

        Args:
            level: Coverage, between 0 and 1.
        """
        from scipy.stats import t

        half = float(t.ppf((1 + level) / 2, self.freedom or self.n - 1)) * self.error
        return self.value - half, self.value + half

    def estimate(self, unit: str, level: float) -> Estimate:
        """Return the difference with its interval and the accounts behind it.

        Args:
            unit: Unit of the outcome.
            level: Coverage.
        """
        return Estimate(self.value, unit, self.n, *self.interval(level), level)


def difference_of(value: float, influence: "Floats", accounts: "Ints") -> Difference | None:
    """Return a difference with the error that its influence function has over accounts; None where there is none.

    Args:
        value: The difference.
        influence: What each row adds to it, times the number of rows; its mean is 0.
        accounts: Number of the account of each row, 0 to n - 1.

    Source: Liang and Zeger (1986), Biometrika 73: squares of the sums of each account, times G / (G - 1).
    """
    import numpy as np

    sums = np.bincount(accounts, weights=influence)
    count = len(np.unique(accounts))
    if count < 2:
        return None
    error = float(np.sqrt(count / (count - 1) * np.square(sums).sum())) / len(influence)
    return Difference(float(value), error, count) if error > 0 and np.isfinite(value) else None


def numbered(accounts: object) -> "Ints":
    """Return the number of the account of each row, 0 to n - 1, by its first row.

    Args:
        accounts: Ids, one per row.
    """
    import numpy as np
    import pandas as pd

    return np.asarray(pd.factorize(np.asarray(accounts))[0], dtype=np.int64)
