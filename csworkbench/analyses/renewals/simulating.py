"""What a quarter will bring: many simulated quarters, with what nobody can know yet shared by all its renewals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.shocks import Shocks

    Floats = NDArray[np.float64]

EDGE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What kept renewals brought of the amounts due: a sample in which each counts by its amount.

    So its mean is what all of them brought over all that was due, and a tiny amount due cannot carry the rest away.

    Args:
        ratios: Final amount over amount due, each above or at 0; empty = nothing is known.
        weights: What each counts, above 0.
    """

    ratios: "Floats"
    weights: "Floats"

    @property
    def usual(self) -> float:
        """Share of the amount due that kept renewals bring; 1 where nothing is known."""
        return float((self.ratios * self.weights).sum() / self.weights.sum()) if len(self.ratios) else 1.0

    def draw(self, rng: "np.random.Generator", draws: int, renewals: int) -> "Floats":
        """Return ratios of renewals, one row per draw; each row is from a pool whose mean is off by chance.

        Args:
            rng: Where chance comes from.
            draws: How many rows.
            renewals: How many columns.
        """
        import numpy as np

        if not len(self.ratios):
            return np.ones((draws, renewals))
        share, mean = self.weights / self.weights.sum(), self.usual
        error = float(np.sqrt((share**2 * (self.ratios - mean) ** 2).sum()))
        off = 1 + rng.standard_normal(draws) * error / mean if mean > 0 else np.ones(draws)
        return rng.choice(self.ratios, (draws, renewals), p=share) * np.clip(off, 0, None)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """One quarter, simulated.

    Args:
        kept: Renewals kept, per draw.
        amounts: Amount per draw and renewal; nan where the amount due is not known.
    """

    kept: "Floats"
    amounts: "Floats"


def simulate(
    p_renew: "Floats",
    target: "Floats",
    pool: Pool,
    shocks: "Shocks | None",
    seed: int,
) -> Simulated:
    """Return a quarter as it may turn out, as often as there are draws.

    Args:
        p_renew: Probability of renewing: one row per draw of the parameters, one column per renewal.
        target: Amount due per renewal; nan where it is not known.
        pool: What kept renewals brought of their targets.
        shocks: What is known of the shock that all renewals of the quarter share; None = none: too narrow, for tests.
        seed: The same seed gives the same quarter.
    """
    import numpy as np
    from scipy.special import expit, logit

    rng = np.random.default_rng(seed)
    draws, renewals = p_renew.shape
    # Parameters and shocks are paired at random: the rows of the one come in the order of their own seed.
    shock = np.zeros(draws) if shocks is None else shocks.draw(rng, draws)
    chance = expit(logit(np.clip(p_renew, EDGE, 1 - EDGE)) + shock[:, None])
    is_kept = rng.random((draws, renewals)) < chance
    return Simulated(is_kept.sum(axis=1).astype(float), is_kept * target * pool.draw(rng, draws, renewals))


def bounds(drawn: "Floats", level: float) -> "tuple[float, float]":
    """Return the interval that holds a share of the draws, as much outside on either side."""
    import numpy as np

    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deciders(amounts: "Floats", accounts: "pd.Series[str]", count: int) -> Iterator[tuple[str, float]]:
    """Yield the accounts that decide a total, with the share of its variance each is responsible for.

    Args:
        amounts: Amount per draw and renewal.
        accounts: Account of each renewal.
        count: How many accounts.
    """
    import numpy as np
    import pandas as pd

    total = np.nansum(amounts, axis=1)
    spread = float(total.var())
    if spread <= 0:
        return
    centered = np.nan_to_num(amounts - np.mean(amounts, axis=0))
    each = (centered * (total - total.mean())[:, None]).mean(axis=0) / spread
    shares = pd.Series(each).groupby(accounts.to_numpy()).sum().sort_index().sort_values(ascending=False, kind="stable")
    yield from ((str(account), float(share)) for account, share in shares.head(count).items() if share > 0)
