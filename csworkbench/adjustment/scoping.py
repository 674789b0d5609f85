"""Whether a playbook works for the accounts it was said to work for: one trait, declared beforehand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.averaging import UNIT
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 2  # accounts of a side below which its spread is not known


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


def scope(effects: "pd.DataFrame", trait: "pd.Series", *, min_treated: int = 45, level: float = 0.95) -> Scope:
    """Return how far effects differ between accounts inside and outside one declared trait, by Welch's test.

    Several plans of an account count as one, their mean. What plans have in common by their controls cancels in the
    difference and is not in its interval; it is in those of both means.

    Args:
        effects: `Comparison.effects`.
        trait: True inside, False outside, null unknown; index episode_id.
        min_treated: Accounts below which a difference is a candidate only.
        level: Coverage.
    """
    import numpy as np
    from scipy.stats import t

    rows = effects.assign(is_inside=effects["episode_id"].map(trait)).dropna(subset=["effect", "is_inside"])
    shared = float(rows["shared_error"].max()) if len(rows) else 0.0
    means = rows.groupby(["account_id", "is_inside"])["effect"].mean().reset_index()
    inside, outside = (means.loc[means["is_inside"] == side, "effect"].to_numpy(float) for side in (True, False))
    sizes = (len(inside), len(outside))
    is_candidate = sum(sizes) < min_treated
    one, other = (_mean(values, shared, level) for values in (inside, outside))
    if min(sizes) < LEAST:
        return Scope(
            Estimate(None, UNIT, sum(sizes)), None, *sizes, inside=one, outside=other, is_candidate=is_candidate
        )
    parts = [float(values.var(ddof=1)) / len(values) for values in (inside, outside)]
    value, variance = float(inside.mean() - outside.mean()), sum(parts)
    if variance == 0:
        return Scope(
            Estimate(value, UNIT, sum(sizes)), None, *sizes, inside=one, outside=other, is_candidate=is_candidate
        )
    freedom = variance**2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    error = float(np.sqrt(variance))
    far = float(t.ppf((1 + level) / 2, freedom)) * error
    difference = Estimate(value, UNIT, sum(sizes), value - far, value + far, level)
    return Scope(
        difference,
        float(2 * t.sf(abs(value) / error, freedom)),
        *sizes,
        inside=one,
        outside=other,
        is_candidate=is_candidate,
    )


def _mean(values: "Floats", shared: float, level: float) -> Estimate:
    import numpy as np
    from scipy.stats import t

    if len(values) < LEAST:
        return Estimate(float(values.mean()) if len(values) else None, UNIT, len(values))
    value, error = float(values.mean()), float(np.sqrt(values.var(ddof=1) / len(values) + shared**2))
    far = float(t.ppf((1 + level) / 2, len(values) - 1)) * error
    return Estimate(value, UNIT, len(values), value - far, value + far, level)
