"""Whether probabilities that were said came true: a test and a plain verdict, accounts as the independent units."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

EDGE = 1e-3  # a probability of 0 or 1 was said by a person who meant "nearly"
ALPHA = 0.05
LEAST_ACCOUNTS = 20  # the statistic is at most their number: fewer could hardly ever contradict anything


class Calibration(StrEnum):
    """What may be said of forecasts."""

    TOO_FEW = "too_few"
    CALIBRATED = "calibrated"
    TOO_OPTIMISTIC = "too_optimistic"
    TOO_CAUTIOUS = "too_cautious"
    UNEVEN = "uneven"


@dataclass(frozen=True, slots=True)
class CalibrationTest:
    """What came of forecasts.

    Args:
        verdict: In one word; uneven = right on average, but not both for high and for low probabilities.
        bias: Mean probability less the share that came true; above 0 = too optimistic. n counts accounts.
        p_value: Of the joint test of bias and slope; None where there are too few.
        forecasts: How many forecasts.
        rarer: Forecasts with the rarer outcome: what the test lives on.
    """

    verdict: Calibration
    bias: Estimate
    p_value: float | None
    forecasts: int
    rarer: int


def calibration_test(
    probability: "Floats", came: "Flags", accounts: "NDArray[np.int64]", *, least: int = 30, level: float = 0.95
) -> CalibrationTest:
    """Return whether probabilities fit what came, as far as the data can tell.

    The score test of intercept 0 and slope 1 of the logistic regression of what came on the logit of what was said,
    with the rows of an account as one. Nothing is fitted, so it also works where forecasts tell nothing apart.

    Args:
        probability: What was said, 0 to 1.
        came: Whether it came.
        accounts: Number of the account of each row, 0 to n - 1.
        least: Rows with the rarer outcome below which nothing is said; so it is below 20 accounts.
        level: Coverage of the interval of the bias.

    Source: Cox (1958), Biometrika 45; score test with clusters as in Boos (1992), The American Statistician 46.
    """
    import numpy as np
    from scipy.special import logit
    from scipy.stats import chi2

    rows = len(came)
    rarer = int(min(came.sum(), rows - came.sum()))
    bias = _bias(probability, came, accounts, level)
    if rarer < least or bias.n < LEAST_ACCOUNTS or bias.low is None or bias.high is None:
        return CalibrationTest(Calibration.TOO_FEW, bias, None, rows, rarer)
    said = np.clip(probability, EDGE, 1 - EDGE)
    centered = logit(said) - logit(said).mean()
    missed = came - said
    columns = [missed] if np.ptp(centered) < 1e-9 else [missed, missed * centered]
    scores = np.column_stack([np.bincount(accounts, each) for each in columns])
    total = scores.sum(axis=0)
    statistic = float(total @ np.linalg.pinv(scores.T @ scores) @ total)
    p_value = float(chi2.sf(statistic, len(columns)))
    if p_value >= ALPHA:
        verdict = Calibration.CALIBRATED
    elif bias.low > 0:
        verdict = Calibration.TOO_OPTIMISTIC
    else:
        verdict = Calibration.TOO_CAUTIOUS if bias.high < 0 else Calibration.UNEVEN
    return CalibrationTest(verdict, bias, p_value, rows, rarer)


def _bias(probability: "Floats", came: "Flags", accounts: "NDArray[np.int64]", level: float) -> Estimate:
    """Return the mean of what was said less what came, with Student's interval over accounts."""
    import numpy as np
    from scipy.stats import t

    rows = len(came)
    if not rows:
        return Estimate(None, "share", 0)
    missed = probability - came
    value, sums, sizes = float(missed.mean()), np.bincount(accounts, missed), np.bincount(accounts)
    groups = int((sizes > 0).sum())
    residuals = sums - value * sizes
    error = float(np.sqrt((residuals**2).sum() * groups / max(groups - 1, 1))) / rows
    if groups < 2 or error <= 1e-12:
        return Estimate(value, "share", groups)
    half = float(t.ppf((1 + level) / 2, groups - 1)) * error
    return Estimate(value, "share", groups, value - half, value + half, level)
