"""Whether a playbook works for the accounts it was said to work for: one trait, declared beforehand."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.adjustment.averaging import UNIT
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 2  # accounts of a side below which its spread is not known
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Scope:
    """Effects of plans inside a trait less those outside.

    Args:
        difference: Mean effect inside less outside; value None where a side has fewer than two accounts.
        p: Two-sided p-value of no difference; None where none is told.
        n_inside: Accounts inside.
        n_outside: Accounts outside.
        inside: Mean effect inside.
        outside: Mean effect outside.
        is_candidate: Too few accounts for a verdict: to be declared and looked at again.
    """

    difference: Estimate
    p: float | None
    n_inside: int
    n_outside: int
    inside: Estimate
    outside: Estimate
    is_candidate: bool


def scope(
    effects: "pd.DataFrame",
    trait: "pd.Series",
    *,
    min_treated: int = 45,
    level: float = 0.95,
    influence: "Callable[[Floats], Floats] | None" = None,
) -> Scope:
    """Return how far effects differ between accounts inside and outside one declared trait, by Welch's test.

    Several plans of an account count as one, their mean. What plans have in common by their controls cancels in the
    difference only where both sides are held against the same controls, so its part of the error is that of the
    controls of this very difference; where that is not known, each side is taken to have all of it by itself.

    Args:
        effects: `Comparison.effects`.
        trait: True inside, False outside, null unknown; index episode_id.
        min_treated: Accounts below which a difference is a candidate only.
        level: Coverage.
        influence: `Comparison.influence`.
    """
    import numpy as np
    from scipy.stats import t

    rows = effects.dropna(subset=["effect"])
    rows = rows.assign(is_inside=rows["episode_id"].map(trait), place=np.arange(len(rows))).dropna(subset=["is_inside"])
    shared = float(rows["shared_error"].max()) if len(rows) else 0.0
    means = rows.groupby(["account_id", "is_inside"])["effect"].mean().reset_index()
    inside, outside = (means.loc[means["is_inside"] == side, "effect"].to_numpy(float) for side in (True, False))
    sizes = (len(inside), len(outside))
    one, other = (_mean(values, shared, level) for values in (inside, outside))
    blank = Scope(Estimate(None, UNIT, sum(sizes)), None, *sizes, one, other, sum(sizes) < min_treated)
    if min(sizes) < LEAST:
        return blank
    parts = [float(values.var(ddof=1)) / size for values, size in zip((inside, outside), sizes, strict=True)]
    common, clusters = 2 * shared**2, np.inf
    if influence is not None:
        pulls = influence(_contrast(rows, sizes, int(effects["effect"].notna().sum()))) ** 2
        common, clusters = float(pulls.sum()), float(pulls.sum() ** 2 / max((pulls**2).sum(), TINY))
    value, variance = float(inside.mean() - outside.mean()), sum(parts) + common
    if variance == 0:
        return replace(blank, difference=Estimate(value, UNIT, sum(sizes)))
    squares = [part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True)]
    freedom = variance**2 / (sum(squares) + common**2 / max(clusters, 1.0))
    error = float(np.sqrt(variance))
    far = float(t.ppf((1 + level) / 2, freedom)) * error
    difference = Estimate(value, UNIT, sum(sizes), value - far, value + far, level)
    return replace(blank, difference=difference, p=float(2 * t.sf(abs(value) / error, freedom)))


def _contrast(rows: "pd.DataFrame", sizes: tuple[int, int], plans: int) -> "Floats":
    """Return the share of each plan in the mean inside less the mean outside; rows have their place among all plans."""
    import numpy as np

    number = rows.groupby(["account_id", "is_inside"])["place"].transform("size").to_numpy(float)
    is_inside = rows["is_inside"].to_numpy(bool)
    share = np.zeros(plans)
    share[rows["place"]] = np.where(is_inside, 1 / sizes[0], -1 / sizes[1]) / number
    return share


def _mean(values: "Floats", shared: float, level: float) -> Estimate:
    import numpy as np
    from scipy.stats import t

    if len(values) < LEAST:
        return Estimate(float(values.mean()) if len(values) else None, UNIT, len(values))
    value, error = float(values.mean()), float(np.sqrt(values.var(ddof=1) / len(values) + shared**2))
    far = float(t.ppf((1 + level) / 2, len(values) - 1)) * error
    return Estimate(value, UNIT, len(values), value - far, value + far, level)
