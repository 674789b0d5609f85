"""Controls of the same days and band that looked like each plan before it: two windows, tier, tenure, load."""

from math import inf
from typing import TYPE_CHECKING

from csworkbench.adjustment.counterfactual import Side, Weights, alike, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
    plans: Side, controls: Side, where: "tuple[Floats, Floats]", *, matches: int, caliper: float = inf
) -> tuple[Weights, float]:
    """Return the weights of the nearest controls, and the standardized difference of levels that is left.

    Args:
        plans: Plans; the first covariate is the level.
        controls: Controls of the same cells.
        where: `places`.
        matches: Controls per plan at most; 0 = all of the cell.
        caliper: How far their level may lie from that of the plan.
    """
    if matches or caliper < inf:
        weights = nearest(plans, controls, where, matches or len(controls.outcome), caliper=caliper)
    else:
        weights = alike(plans, controls)
    return weights, float(standardized(plans, controls, weights)[0])
