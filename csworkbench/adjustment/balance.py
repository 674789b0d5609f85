"""Were touched and untouched rows alike before the touch, and are they after weighting?"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.adjustment.covariates import Covariates

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MOST_DIFFERENT = 0.1  # standard deviations; Austin (2009), Statistics in Medicine 28


def balance_of(design: "Covariates", is_touched: "Flags", weights: "Floats") -> "pd.DataFrame":
    """Return the standardised mean difference of each covariate, before and after weighting.

    Both are divided by the same spread, the root of the mean of the two variances before weighting, so that weighting
    cannot look better by making the spread larger.

    Args:
        design: Covariates of the rows.
        is_touched: Whether each row was touched.
        weights: Weight of each row; 0 leaves it out.

    Returns:
        One row per covariate column, the largest difference before weighting first: covariate, smd_before, smd_after,
        is_flagged (after weighting above .1 either way).
    """
    import numpy as np
    import pandas as pd

    one, two = design.plain[is_touched], design.plain[~is_touched]
    spread = np.sqrt((one.var(axis=0) + two.var(axis=0)) / 2)
    spread = np.where(spread > 0, spread, 1.0)
    before = (one.mean(axis=0) - two.mean(axis=0)) / spread
    after = (_mean(one, weights[is_touched]) - _mean(two, weights[~is_touched])) / spread
    frame = pd.DataFrame({"covariate": list(design.names), "smd_before": before, "smd_after": after})
    frame["is_flagged"] = frame["smd_after"].abs() > MOST_DIFFERENT
    order = frame["smd_before"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _mean(matrix: "Floats", weights: "Floats") -> "Floats":
    import numpy as np

    return np.asarray(np.average(matrix, axis=0, weights=weights))
