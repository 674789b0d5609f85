"""The course of plans by month before and after landing, held against their comparison: an event study."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.designs import CompareRules
from csworkbench.estimates import Caveat, Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """An event study.

    Args:
        months: One row per month from landing (-6..6): offset, effect (plans less controls, less that of month -1),
            standard_error, low, high (one month), band_low, band_high (all months at once), n_plans, n_controls.
        covariance: Of the effects, months in the same order; month -1 is 0.
        pretrend_p: p-value of no difference in any month before -1; None where it cannot be told.
        detectable: Slope per month of a trend before landing that the test would miss half of the time.
        detectable_bias: What such a trend would add to the mean effect after landing.
        breakdown: Violations after landing, in multiples of the largest before (M of relative magnitudes), up to
            which the mean effect after differs from 0; None without the extra `did` or where it never does.
        average: Mean effect of the months 1..6.
        caveats: Doubts; the rule for accounts with missing months is one of them.
    """

    months: "pd.DataFrame"
    covariance: "Floats"
    pretrend_p: float | None
    detectable: float | None
    detectable_bias: float | None
    breakdown: float | None
    average: Estimate | None
    caveats: tuple[Caveat, ...] = ()


def course(panel: "pd.DataFrame", sets: "pd.DataFrame", rules: CompareRules) -> Course | None:
    """Return the course of plans; None where no account has a month before and one after.

    Args:
        panel: account_id, month (first day), value on the scale of the analysis; one row per account and month.
        sets: `Comparison.sets`; month is the month of landing (offset 0).
        rules: What is demanded.
    """
    raise NotImplementedError
