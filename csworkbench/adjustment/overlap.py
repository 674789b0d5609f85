"""Do touched and untouched rows overlap? Where they do not, no adjustment tells what a touch did."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.aipw import weights_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

TRIM = 0.1  # Crump et al. (2009), Biometrika 96: rows with a chance beyond 0.1 and 0.9 are left out
LEAST_EFFECTIVE = 30.0
MOST_TRIMMED = 0.2
BINS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """How far the chances of touched and untouched rows overlap.

    Args:
        chance: Probability of being touched, per row, as if touched and untouched rows were equally many.
        is_kept: Rows within the trim, by that chance.
        touched: Rows that were touched.
        untouched: Rows that were not.
        below: Share of rows with a raw chance below .05.
        above: Share of rows with a raw chance above .95.
        effective: Effective number of accounts: of the untouched by their weights, or of the touched, whichever is
            fewer.
        trimmed: Share of touched rows that have nobody to be compared with.
    """

    chance: "Floats"
    is_kept: "Flags"
    touched: int
    untouched: int
    below: float
    above: float
    effective: float
    trimmed: float

    @property
    def is_enough(self) -> bool:
        """Whether the rows can answer: at least 30 effective accounts, at most a fifth of the touched trimmed."""
        return self.effective >= LEAST_EFFECTIVE and self.trimmed <= MOST_TRIMMED


def overlap_of(chance: "Floats", is_touched: "Flags", accounts: "Ints") -> Overlap:
    """Return how far touched and untouched rows overlap.

    The trim is by the chance at equal numbers, e / (e + (1 - e) p / (1 - p)) with the share touched p: the effect on
    those touched does not depend on how many untouched rows there are, so neither may the trim. Where half of the rows
    are touched it is Crump's rule.

    Args:
        chance: Probability of being touched, learned on other accounts.
        is_touched: Whether each row was.
        accounts: Number of the account of each row, 0 to n - 1.
    """
    share = float(is_touched.mean())
    balanced = chance / (chance + (1 - chance) * share / (1 - share))
    is_kept = (balanced >= TRIM) & (balanced <= 1 - TRIM)
    weights = weights_of(chance, is_touched)
    effective = min(
        _effective(weights[rows], accounts[rows]) if rows.any() else 0.0
        for rows in (is_kept & is_touched, is_kept & ~is_touched)
    )
    return Overlap(
        balanced,
        is_kept,
        int(is_touched.sum()),
        int((~is_touched).sum()),
        float((chance < 0.05).mean()),
        float((chance > 0.95).mean()),
        effective,
        float(1 - is_kept[is_touched].mean()),
    )


def _effective(weights: "Floats", accounts: "Ints") -> float:
    """Return (sum w)^2 / sum w^2 over the weights of accounts (Kish 1965)."""
    import numpy as np

    sums = np.bincount(accounts, weights=weights)
    return float(sums.sum() ** 2 / np.square(sums).sum())


def score_bins(overlap: Overlap, is_touched: "Flags") -> "pd.DataFrame":
    """Return how the chances of both kinds of rows are spread.

    Args:
        overlap: What `overlap_of` returned.
        is_touched: Whether each row was touched.

    Returns:
        One row per twentieth: low, high (of the chance at equal numbers), touched and untouched (share of the rows of
        each kind).
    """
    import numpy as np
    import pandas as pd

    edges = np.linspace(0, 1, BINS + 1)
    shares = [
        np.histogram(overlap.chance[is_touched == kind], edges)[0] / max(1, int((is_touched == kind).sum()))
        for kind in (True, False)
    ]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "touched": shares[0], "untouched": shares[1]})
