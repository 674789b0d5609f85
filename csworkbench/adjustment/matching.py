"""Controls of the same days and band that looked like each plan before it: two windows, tier, tenure, load."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.counterfactual import Side, Weights, alike, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWER = (10, 5, 3, 1)
"""Controls per plan that are tried one after the other where more leave levels too far apart."""
TIER_APART = 2.0  # standard deviations by which another tier counts as further away


def places(known: "pd.DataFrame", is_plan: "Floats") -> "tuple[Floats, Floats]":
    """Return where plans and controls lie, in standard deviations of controls; level and slope count twice.

    Args:
        known: `episodes.traits`.
        is_plan: Which rows are plans.
    """
    import numpy as np

    inside = is_plan.astype(bool)
    spread = known[~inside].std(ddof=0).to_numpy()
    scaled = known.to_numpy(float) / np.where(spread > 0, spread, 1.0)
    for place, name in enumerate(known.columns):
        if name in {"level", "slope", "own_change"}:
            scaled[:, place] *= 2
        elif name.startswith("tier "):
            scaled[:, place] = known[name] * TIER_APART
    return scaled[inside], scaled[~inside]


def standardized(plans: Side, controls: Side, weights: Weights | None) -> "Floats":
    """Return plans less controls per covariate, in SD of both: of all controls, or as weights have it.

    Args:
        plans: Plans.
        controls: Controls of the same cells.
        weights: How controls stand for plans; None = each alike.

    Source: Stuart (2010), Statistical Science 25, 1-21: the SD is that before matching.
    """
    import numpy as np

    own = plans.covariates.var(axis=0, ddof=1) if len(plans.outcome) > 1 else controls.covariates.var(axis=0)
    spread = np.sqrt((own + controls.covariates.var(axis=0)) / 2)
    use = np.ones(len(controls.outcome)) if weights is None else weights.use
    gap = plans.covariates.mean(axis=0) - use @ controls.covariates / use.sum()
    return np.asarray(np.where(spread > 0, gap / np.where(spread > 0, spread, 1), 0.0))


def match(
    plans: Side, controls: Side, where: "tuple[Floats, Floats]", *, matches: int, max_smd: float
) -> tuple[Weights, float]:
    """Return the weights of as many nearest controls as keep levels near, and the difference of levels that is left.

    Args:
        plans: Plans; the first covariate is the level.
        controls: Controls of the same cells.
        where: `places`.
        matches: Controls per plan at most; 0 = all of the cell.
        max_smd: Largest standardized difference of the level; fewer controls are tried until it holds.
    """
    tries = [count for count in FEWER if not matches or count < matches]
    weights = nearest(plans, controls, where, matches) if matches else alike(plans, controls)
    gap = float(standardized(plans, controls, weights)[0])
    for count in tries:
        if abs(gap) <= max_smd:
            break
        weights = nearest(plans, controls, where, count)
        gap = float(standardized(plans, controls, weights)[0])
    return weights, gap
