"""How strong would a hidden trait have to be to explain a difference away?"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from csworkbench.adjustment.covariates import Covariates

    Floats = NDArray[np.float64]

MOST_TIMES = 100.0  # beyond so many times a covariate nobody imagines a hidden trait
ALONE = 1e-9  # share of a column that no other explains, below which nothing is its own


def e_value(ratio: float) -> float:
    """Return the E-value of a ratio: what both risk ratios of a hidden trait must reach to explain it away.

    Args:
        ratio: Ratio of two risks, above 0.

    Raises:
        ValueError: the ratio is not above 0.

    Source: VanderWeele and Ding (2017), Annals of Internal Medicine 167: RR + sqrt(RR (RR - 1)), of 1 / RR below 1.
    """
    if not ratio > 0 or not isfinite(ratio):
        raise ValueError(f"a ratio lies above 0, not {ratio}")
    above = max(ratio, 1 / ratio)
    return above + sqrt(above * (above - 1))


def e_value_of_limit(ratio: float, low: float, high: float) -> float:
    """Return the E-value of the limit nearer to 1; 1 where the interval holds 1.

    Args:
        ratio: The ratio.
        low: Lower limit, above 0.
        high: Upper limit.

    Raises:
        ValueError: a limit is not above 0.
    """
    if low <= 1 <= high:
        return 1.0
    return e_value(low if ratio > 1 else high)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """How strong a covariate is, and how many times as strong a hidden trait must be to erase the difference.

    Args:
        covariate: Its name.
        of_touch: Share of what is left of who was touched that it explains (partial R2).
        of_outcome: Share of what is left of the outcome that it explains.
        times: How many times as strong, on both, a trait that brings the difference to 0; None beyond 100 times.
    """

    covariate: str
    of_touch: float
    of_outcome: float
    times: float | None


@dataclass(frozen=True, slots=True)
class Robustness:
    """How robust a regression's difference is against a hidden trait.

    Args:
        value: The difference of the regression: outcome on the touch and all covariates.
        robustness: Share of both residual variances a hidden trait must explain to bring it to 0 (RV).
        benchmarks: The covariates as yardsticks, the strongest first.
    """

    value: float
    robustness: float
    benchmarks: tuple[Benchmark, ...]


def robustness_value(t: float, freedom: float) -> float:
    """Return the share of the residual variance of touch and outcome that erases a difference.

    Args:
        t: Its t statistic, by plain least squares.
        freedom: Residual degrees of freedom.

    Source: Cinelli and Hazlett (2020), JRSS B 82: f = |t| / sqrt(df), RV = (sqrt(f^4 + 4 f^2) - f^2) / 2.
    """
    f2 = t * t / freedom
    return (sqrt(f2 * f2 + 4 * f2) - f2) / 2


def robustness_of(
    is_touched: "Floats", outcome: "Floats", design: "Covariates", together: "Mapping[str, str] | None" = None
) -> Robustness | None:
    """Return how robust a difference is, with each covariate as a yardstick; None where least squares has no answer.

    Args:
        is_touched: 1 where a row was touched, else 0.
        outcome: What came of it.
        design: Covariates of the rows.
        together: Covariate -> name of the yardstick it is a part of: what says nearly the same twice would look weak.
    """
    import numpy as np

    names = {name: (together or {}).get(name, name) for name in design.sources}

    touch, result = _residual(is_touched, design.matrix), _residual(outcome, design.matrix)
    freedom = len(outcome) - int(np.linalg.matrix_rank(design.matrix)) - 2
    if freedom < 1 or touch @ touch <= ALONE * len(outcome) or result @ result <= 0:
        return None
    value = float(touch @ result / (touch @ touch))
    left = result - value * touch
    error = sqrt(float(left @ left) / freedom / float(touch @ touch))
    if error <= 0:
        return None
    t = value / error
    marks = [
        _benchmark(is_touched, outcome, (design.matrix, design.without(*own)), name, t * t / freedom)
        for name in dict.fromkeys(names.values())
        if (own := [each for each, whole in names.items() if whole == name])
    ]
    marks.sort(key=lambda mark: (np.inf if mark.times is None else mark.times, mark.covariate))
    return Robustness(value, robustness_value(t, freedom), tuple(marks))


def _benchmark(touched: "Floats", outcome: "Floats", both: "tuple[Floats, Floats]", name: str, f2: float) -> Benchmark:
    """Return a covariate as a yardstick: partial R2 with the touch, and with the outcome given the touch.

    `both` holds all covariates, and those without it.
    """
    import numpy as np

    every, others = both
    of_touch = _explained(touched, others, every)
    of_outcome = _explained(outcome, np.column_stack([others, touched]), np.column_stack([every, touched]))
    return Benchmark(name, of_touch, of_outcome, _times(of_touch, of_outcome, f2))


def _times(of_touch: float, of_outcome: float, f2: float) -> float | None:
    """Return how many times as strong as a covariate a trait must be to bring the difference to 0.

    Bounds of Cinelli and Hazlett (2020), section 4.4: with k times the covariate, R2 with the touch is
    k r / (1 - r), and that with the outcome follows; the difference is 0 where their product reaches f^2.
    """
    from scipy.optimize import brentq

    if of_touch <= ALONE or of_outcome <= ALONE:
        return None
    odds_touch, odds_outcome = of_touch / (1 - of_touch), of_outcome / (1 - of_outcome)

    def excess(times: float) -> float:
        with_touch = min(times * odds_touch, 1 - 1e-9)
        inner = min(times * of_touch**2 / ((1 - min(times * of_touch, 1 - 1e-9)) * (1 - of_touch)), 1 - 1e-9)
        eta = (sqrt(times) + sqrt(inner)) / sqrt(1 - inner)
        with_outcome = min(eta * eta * odds_outcome, 1.0)
        return with_outcome * with_touch / (1 - with_touch) - f2

    return float(brentq(excess, 1e-9, MOST_TIMES)) if excess(MOST_TIMES) > 0 > excess(1e-9) else None


def _explained(target: "Floats", few: "Floats", all_: "Floats") -> float:
    """Return the share of what `few` columns leave of a target that `all_` of them explain."""
    left, rest = _residual(target, few), _residual(target, all_)
    before = float(left @ left)
    return max(0.0, 1 - float(rest @ rest) / before) if before > 0 else 0.0


def _residual(target: "Floats", matrix: "Floats") -> "Floats":
    import numpy as np

    columns = np.column_stack([np.ones(len(target)), matrix])
    return np.asarray(target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0])
