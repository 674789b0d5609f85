"""What all units of a period share: how far periods differ from what was expected of them, beyond chance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LARGEST, STEPS = 1.5, 61
USUAL = 0.5  # scale of the prior: before any period is seen, odds move by a factor of about 1.6 one way or the other


@dataclass(frozen=True, slots=True, eq=False)
class Shocks:
    """What is known of the standard deviation of the shocks, on the logit scale.

    Args:
        grid: Standard deviations.
        weight: Probability of each.
        periods: How many periods it was learned from.
    """

    grid: "Floats"
    weight: "Floats"
    periods: int

    @property
    def mean(self) -> float:
        """Mean of the standard deviation."""
        return float(self.grid @ self.weight)

    def quantile(self, share: float) -> float:
        """Return the standard deviation below which it lies with a probability."""
        import numpy as np

        return float(np.interp(share, np.cumsum(self.weight), self.grid))

    def draw(self, rng: "np.random.Generator", draws: int) -> "Floats":
        """Return draws of the shock of one period to come: of its deviation first, then of the shock itself.

        Args:
            rng: Source of chance.
            draws: How many.
        """
        return rng.choice(self.grid, draws, p=self.weight) * rng.standard_normal(draws)


def shocks_of(missed: "Floats", chance: "Floats", parameter: "Floats") -> Shocks:
    """Return what past periods say about the deviation of their common shocks.

    A shock u moves the events of a period by about u V, with V their binomial variance, so what a forecast missed is
    normal with variance V + P + sd^2 V^2. The deviation is integrated over a grid and not plugged in: with few periods
    the best guess is often 0, and intervals that believe it are too narrow.

    Args:
        missed: Events less expected events, per period.
        chance: Binomial variance of the events, per period: sum of p (1 - p).
        parameter: Variance of the expected events because the model was learned, per period.

    Source: Gelman (2006), Bayesian Analysis 1, for the half-normal prior on a group deviation.
    """
    import numpy as np

    grid = np.linspace(0, LARGEST, STEPS)
    variance = chance + parameter + grid[:, None] ** 2 * chance**2
    told = chance > 0
    fit = -0.5 * (np.log(variance[:, told]) + missed[told] ** 2 / variance[:, told]).sum(axis=1)
    log_weight = fit - 0.5 * (grid / USUAL) ** 2
    weight = np.exp(log_weight - log_weight.max())
    return Shocks(grid, weight / weight.sum(), int(told.sum()))
