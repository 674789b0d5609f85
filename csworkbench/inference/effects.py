"""The effect of a variant: difference to the control with its interval, by a test that the number of accounts allows.

Decisions rest on the absolute difference. The relative one is shown with an interval and never with a p-value, because
the two hypotheses have different ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from csworkbench.estimates import Estimate, say
from csworkbench.inference.accounts import (
    INFORMATIVE_VARIATION,
    AccountSums,
    CannotTell,
    adjusted_values,
    refusal,
    size_variation,
)
from csworkbench.inference.permutation import Arrangements, arrangements, permutation_test, ratio_test

LEAST_IN_ARM = 6  # accounts of an arm below which nothing is tested
LEAST_ARRANGEMENTS = 20  # below, no difference has p .05
ALONE = 1e-9  # share of a column of the regression that no other explains, below which nothing is its own
MOST_TIMES = 1e6  # a relative interval that reaches so many times the control says nothing
FAR = 100.0  # errors from 0 at which a relative interval can be computed, if not used
UNEQUAL = 1.1  # accounts of the larger arm over those of the smaller from which slopes may differ
MANY, MANY_IN_ARM = 200, 40  # accounts in all, and of each arm, from which a large-sample test holds


class Method(StrEnum):
    """How an effect is judged."""

    DESCRIPTIVE = "descriptive"
    PERMUTATION = "permutation"
    DELTA_T = "delta_t"
    ANCOVA = "ancova_hc2"


def method_for(arm_sizes: Sequence[int]) -> Method:
    """Return the inference that so many accounts allow.

    Large-sample tests of 40 accounts reject 7 % of true nulls, of 10 accounts 10 %; permutations hold 5 %.

    Args:
        arm_sizes: Accounts of each arm of the comparison.
    """
    if min(arm_sizes) < LEAST_IN_ARM:
        return Method.DESCRIPTIVE
    return Method.PERMUTATION if sum(arm_sizes) < MANY or min(arm_sizes) < MANY_IN_ARM else Method.DELTA_T


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """The effect of a variant.

    Args:
        value_variant: Outcome per contact in the variant, adjusted where there is a covariate.
        value_control: The same in the control.
        error: Standard error of the difference.
        p: Two-sided p-value of no absolute difference.
        n_units: Accounts behind it.
        method: How it is judged.
        interval: Coverage -> bounds of the difference; None where no interval can be told.
        relative: Coverage -> difference over the value of the control, in share; None where a value is not above 0
            or too near it.
        variance_kept: Variance with the covariate over that without; None without one.
    """

    value_variant: float
    value_control: float
    error: float
    p: float
    n_units: int
    method: Method
    interval: Callable[[float], tuple[float, float] | None]
    relative: Callable[[float], Estimate | None]
    variance_kept: float | None = None

    @property
    def value(self) -> float:
        """Variant minus control."""
        return self.value_variant - self.value_control

    def estimate(self, unit: str, level: float = 0.95) -> Estimate:
        """Return the difference with its interval; without one where none can be told.

        Args:
            unit: Unit of the outcome.
            level: Coverage, higher where several questions are asked at once.
        """
        bounds = self.interval(level)
        return Estimate(self.value, unit, self.n_units, *((*bounds, level) if bounds else (None, None, None)))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A variant held against the control.

    Args:
        effect: The effect by the method that the number of accounts allows.
        otherwise: The effect by the large-sample test, where it says something else at the same level.
        per_account: The effect where each account counts once whatever its size; only where sizes differ so much that
            big accounts may answer otherwise.
    """

    effect: Effect
    otherwise: Effect | None = None
    per_account: "Effect | CannotTell | None" = None

    @property
    def is_informative_size(self) -> bool:
        """Contacts gain where accounts lose, or the other way round."""
        return isinstance(self.per_account, Effect) and self.per_account.value * self.effect.value < 0


def compare(
    pair: AccountSums, *, ways: Arrangements | None = None, level: float = 0.95, seed: int = 0
) -> Comparison | CannotTell:
    """Return a variant held against the control, or why they cannot be.

    Args:
        pair: Accounts of arms 0 and 1.
        ways: Arrangements of these accounts, to be shared by several outcomes; drawn where needed.
        level: One minus the significance level at which two tests are said to disagree.
        seed: Seed of the arrangements.
    """
    judged = judge(pair, ways=ways, seed=seed)
    if isinstance(judged, CannotTell):
        return judged
    plain = delta_t(pair) if judged.method is Method.PERMUTATION else judged
    differs = (plain.p < 1 - level) != (judged.p < 1 - level)
    per_account = None
    if size_variation(pair.size) > INFORMATIVE_VARIATION:
        per_account = judge(pair.equal_weight(), ways=ways, seed=seed)
    return Comparison(judged, plain if differs else None, per_account)


def judge(pair: AccountSums, *, ways: Arrangements | None = None, seed: int = 0) -> Effect | CannotTell:
    """Return the effect by the method that the number of accounts allows, or why nothing is said.

    Args:
        pair: Accounts of arms 0 and 1.
        ways: Arrangements of these accounts, to be shared by several outcomes; drawn where needed.
        seed: Seed of the arrangements.
    """
    if refused := refusal(pair):
        return refused
    match method_for([int(size) for size in pair.arm_sizes()]):
        case Method.DESCRIPTIVE:
            return _too_few(pair)
        case Method.PERMUTATION:
            ways = ways or arrangements(pair.arm, pair.stratum, seed=seed)
            if len(ways.is_variant) < LEAST_ARRANGEMENTS:
                said = say("Arms were drawn in so small groups that no other draw could tell them apart")
                return CannotTell("too_few_arrangements", said, pair.ratio(1), pair.ratio(0))
            return permuted(pair, ways)
        case _:
            return delta_t(pair)


def _too_few(pair: AccountSums) -> CannotTell:
    said = say(
        "An arm has {n:n account|accounts}; below {least:count} nothing is tested, the values are only described",
        n=int(min(pair.arm_sizes())),
        least=LEAST_IN_ARM,
    )
    return CannotTell("too_few_accounts", said, pair.ratio(1), pair.ratio(0))


def permuted(pair: AccountSums, ways: Arrangements) -> Effect:
    """Return the effect judged by permutation of accounts.

    With a covariate its value is that of least squares on arm and covariate: the effect that leaves no difference.

    Args:
        pair: Accounts of arms 0 and 1 (not refused).
        ways: Arrangements of these accounts.
    """
    test, (control, variant) = permutation_test(pair, ways), adjusted_values(pair)

    def relative(level: float) -> Estimate | None:
        if control <= 0 or variant <= 0:
            return None
        factor = ratio_test(pair, ways)
        bounds = factor.interval(level)
        if bounds is None or bounds[0] < 1 / MOST_TIMES or factor.value <= 0:
            return None
        # The control is `factor` times the variant, so the variant is 1 / factor times the control.
        return Estimate(1 / factor.value - 1, "share", len(pair.arm), 1 / bounds[1] - 1, 1 / bounds[0] - 1, level)

    return Effect(
        control + test.value,
        control,
        test.error,
        test.p(),
        len(pair.arm),
        Method.PERMUTATION,
        test.interval,
        relative,
        _variance_kept(pair),
    )


def delta_t(pair: AccountSums) -> Effect:
    """Return the effect with the delta method for ratios and Welch's t on accounts, adjusted by the covariate.

    The relative interval is that of the logarithm of the ratio of values.

    Args:
        pair: Accounts of arms 0 and 1 (not refused).

    Source: Deng, Knoblich and Lu (2018), KDD, through tea-tasting `RatioOfMeans` on account sums.
    """
    from dataclasses import replace
    from functools import cache
    from math import inf

    from tea_tasting.metrics import RatioOfMeans

    is_covered = _is_covered(pair)
    columns = ("total", "size", "covariate") if is_covered else ("total", "size")
    arms = [_aggregates(pair, arm) for arm in (0, 1)]

    @cache
    def ask(level: float) -> Any:
        asked = RatioOfMeans(*columns, confidence_level=level)
        try:
            return asked.analyze_aggregates(*arms)
        except OverflowError:  # a value this near 0 has no relative interval; moved away from it, the rest is the same
            moved = replace(pair, total=pair.total + shift * pair.size)
            found = asked.analyze_aggregates(*(_aggregates(moved, arm) for arm in (0, 1)))
            return found._replace(
                control=found.control - shift, treatment=found.treatment - shift, rel_effect_size_ci_upper=inf
            )

    def interval(level: float) -> tuple[float, float]:
        found = ask(level)
        return float(found.effect_size_ci_lower), float(found.effect_size_ci_upper)

    error = _error(arms, is_covered=is_covered)
    shift = FAR * (abs(pair.ratio(0) or 0.0) + error)
    found = ask(0.95)
    return Effect(
        float(found.treatment),
        float(found.control),
        error,
        float(found.pvalue),
        len(pair.arm),
        Method.DELTA_T,
        interval,
        lambda level: _relative(ask(level), len(pair.arm), level),
        (error / _error(arms, is_covered=False)) ** 2 if is_covered else None,
    )


def _aggregates(pair: AccountSums, arm: int) -> Any:
    """Return count, means, variances and covariances of the accounts of an arm, as tea-tasting takes them."""
    import numpy as np
    from tea_tasting.aggr import Aggregates

    inside = pair.arm == arm
    columns = {"total": pair.total, "size": pair.size, "covariate": pair.covariate}
    there = {name: column[inside] for name, column in columns.items() if column is not None}
    spread = np.atleast_2d(np.cov(np.stack(list(there.values()))))
    names = list(there)
    return Aggregates(
        int(inside.sum()),
        {name: float(column.mean()) for name, column in there.items()},
        {name: float(spread[at, at]) for at, name in enumerate(names)},
        {(one, two): float(spread[i, j]) for i, one in enumerate(names) for j, two in enumerate(names) if i < j},
    )


def _error(arms: Sequence[Any], *, is_covered: bool) -> float:
    """Return the standard error of the difference of two arms, adjusted by the covariate or not."""
    from math import sqrt

    ratio, covariate, variance = ("total", "size"), ("covariate", None), 0.0
    by = (arms[0] + arms[1]).ratio_cov(*ratio, *covariate) / (arms[0] + arms[1]).var("covariate") if is_covered else 0.0
    for arm in arms:
        explained = by**2 * arm.var("covariate") - 2 * by * arm.ratio_cov(*ratio, *covariate) if is_covered else 0.0
        variance += (arm.ratio_var(*ratio) + explained) / arm.count()
    return sqrt(variance)


def _variance_kept(pair: AccountSums) -> float | None:
    if not _is_covered(pair):
        return None
    arms = [_aggregates(pair, arm) for arm in (0, 1)]
    return (_error(arms, is_covered=True) / _error(arms, is_covered=False)) ** 2


def _is_covered(pair: AccountSums) -> bool:
    return pair.covariate is not None and bool(pair.covariate.any())


def _relative(found: Any, n: int, level: float) -> Estimate | None:
    if found.control <= 0 or found.treatment <= 0 or found.rel_effect_size_ci_upper > MOST_TIMES:
        return None
    bounds = float(found.rel_effect_size_ci_lower), float(found.rel_effect_size_ci_upper)
    return Estimate(float(found.rel_effect_size), "share", n, *bounds, level)


def ancova(pair: AccountSums, *, is_interacted: bool | None = None) -> Effect | CannotTell:
    """Return the effect on the mean per account from least squares on arm and covariate, with HC2 errors.

    Args:
        pair: Accounts of arms 0 and 1, with a covariate; each account counts once.
        is_interacted: The covariate has a slope of its own in each arm; None = where one arm is a tenth larger.

    Returns:
        CannotTell as in `refusal`, or below six accounts in an arm.

    Source: Lin (2013), Annals of Applied Statistics 7, 295-318; HC2 of statsmodels.
    """
    pair = pair.equal_weight()
    smaller, larger = sorted(int(size) for size in pair.arm_sizes())
    if refused := refusal(pair):
        return refused
    if smaller < LEAST_IN_ARM:
        return _too_few(pair)
    fitted = _least_squares(pair, is_interacted=larger > UNEQUAL * smaller if is_interacted is None else is_interacted)
    error = 0.0 if fitted is None else float(fitted.bse[1])
    if not error > ALONE * float(abs(pair.total).max()):
        said = say("The covariate leaves nothing to tell the arms by: it goes with the arm, or is one account's alone")
        return CannotTell("no_variation", said, pair.ratio(1), pair.ratio(0))
    control, difference = (float(value) for value in fitted.params[:2])

    def interval(level: float) -> tuple[float, float]:
        low, high = fitted.conf_int(1 - level)[1]
        return float(low), float(high)

    return Effect(
        control + difference,
        control,
        error,
        float(fitted.pvalues[1]),
        len(pair.arm),
        Method.ANCOVA,
        interval,
        lambda level: _log_ratio(control, difference, fitted, level),
        _variance_kept(pair),
    )


def _least_squares(pair: AccountSums, *, is_interacted: bool) -> Any:
    """Return the fit; None where the covariate goes with the arm, or is that of one account alone."""
    import numpy as np
    from statsmodels.regression.linear_model import OLS

    columns = [np.ones(len(pair.arm)), pair.arm.astype(float)]
    if pair.covariate is not None and np.ptp(pair.covariate) > 0:
        about = pair.covariate - pair.covariate.mean()
        columns += [about, about * pair.arm] if is_interacted else [about]
    design = np.column_stack([column / np.sqrt((column**2).sum()) for column in columns])
    turned, rest = np.linalg.qr(design)
    if np.abs(np.diag(rest)).min() < ALONE or (turned**2).sum(axis=1).max() > 1 - ALONE:
        return None
    return OLS(pair.total, np.column_stack(columns)).fit(cov_type="HC2", use_t=True)


def _log_ratio(control: float, difference: float, fitted: Any, level: float) -> Estimate | None:
    """Return the relative effect with the interval of the logarithm of the ratio of values."""
    from math import exp, log, sqrt

    import numpy as np
    from scipy.stats import t

    variant, n = control + difference, int(fitted.nobs)
    if control <= 0 or variant <= 0:
        return None
    gradient = np.array([1 / variant - 1 / control, 1 / variant])
    variance = float(gradient @ fitted.cov_params()[:2, :2] @ gradient)
    half = float(t.ppf((1 + level) / 2, fitted.df_resid)) * sqrt(max(0.0, variance))
    ratio = variant / control
    if half + log(ratio) > log(MOST_TIMES):
        return None
    return Estimate(ratio - 1, "share", n, ratio * exp(-half) - 1, ratio * exp(half) - 1, level)
