"""The mean effect of the plans of a playbook: normal errors where plans are many, permutations where they are few."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.choosing import Choice
from csworkbench.adjustment.counterfactual import Expected
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.estimates import Estimate
from csworkbench.inference.accounts import AccountSums, refusal
from csworkbench.inference.permutation import arrangements, permutation_test

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNIT = "scale"  # of the analysis: logarithms or points, as the caller has it
MANY_DRAWN = 40  # accounts of each side of a lottery from which normal errors hold
LEAST_SPREAD = 0.5  # share of the variance between plans that is never taken for error of the controls


def average_of(choice: Choice, expected: Expected, rules: CompareRules) -> tuple[Estimate | None, float | None]:
    """Return the mean effect on the plans with its interval, and the p-value of no effect of any.

    Args:
        choice: The design.
        expected: What was expected without plans.
        rules: What is demanded.
    """
    effects = choice.plans.outcome - expected.value
    if choice.design is Design.LOTTERY and min(_accounts(choice)) < MANY_DRAWN and not _changed_sides(choice):
        return _drawn(choice, expected, effects, rules)
    if _accounts(choice)[0] < rules.few_treated:
        return _few(choice, expected, effects, rules)
    return _many(choice, expected, effects, rules)


def _accounts(choice: Choice) -> tuple[int, int]:
    import numpy as np

    return len(np.unique(choice.plans.account)), len(np.unique(choice.controls.account))


def _changed_sides(choice: Choice) -> bool:
    """Return whether an account waited first and started later: then there are no two sides to draw again."""
    import numpy as np

    return len(np.intersect1d(choice.plans.account, choice.controls.account)) > 0


def _many(choice: Choice, expected: Expected, effects: "Floats", rules: CompareRules) -> tuple[Estimate, float | None]:
    """Return the mean with the error of its plans, clustered by account, and that of the controls they share."""
    import numpy as np
    from scipy.stats import t

    number, groups = len(effects), _accounts(choice)[0]
    sums = np.bincount(choice.plans.account, effects - effects.mean())
    between = (sums**2).sum() / number**2 * groups / max(groups - 1, 1)
    # Effects differ between plans also because their controls do: that part is in the shared error already.
    twice = (expected.fit_variance.mean() - expected.shared_error**2) / number
    own = max(between - max(twice, 0.0), LEAST_SPREAD * between)
    variance, mean = own + expected.shared_error**2, float(effects.mean())
    if variance <= 0:
        return Estimate(mean, UNIT, groups, mean, mean, rules.level), None
    freedom = variance**2 / (own**2 / max(groups - 1, 1) + expected.shared_error**4 / expected.freedom)
    error = float(np.sqrt(variance))
    far = float(t.ppf((1 + rules.level) / 2, freedom)) * error
    p = float(2 * t.sf(abs(mean) / error, freedom))
    return Estimate(mean, UNIT, groups, mean - far, mean + far, rules.level), p


def _few(choice: Choice, expected: Expected, effects: "Floats", rules: CompareRules) -> tuple[Estimate, float]:
    """Return the mean over accounts held against means of as many controls drawn from those that stand for the plans.

    Plans of one account share what happens to it: two accounts with four plans each are two draws and not eight.
    """
    import numpy as np

    account = choice.plans.account
    plans = np.bincount(account)
    means = np.bincount(account, effects)[plans > 0] / plans[plans > 0]
    mean, number = float(means.mean()), len(means)
    drawn = placebo_means(expected.residual, choice.weights.use, number, expected.shared_error, rules)
    p = float((1 + (np.abs(drawn) >= abs(mean)).sum()) / (len(drawn) + 1))
    far = float(np.quantile(np.abs(drawn), rules.level, method="higher"))
    return Estimate(mean, UNIT, number, mean - far, mean + far, rules.level), p


def placebo_means(residual: "Floats", use: "Floats", number: int, shared_error: float, rules: CompareRules) -> "Floats":
    """Return mean "effects" of as many controls as there are accounts with a plan, drawn as they stand for plans.

    Args:
        residual: What each control differs from what was expected of it.
        use: How much each stands for plans.
        number: Accounts with a plan.
        shared_error: Standard error of what was expected.
        rules: Number of draws and seed.
    """
    import numpy as np

    rng = np.random.default_rng(rules.seed)
    drawn = rng.choice(residual, (rules.draws, number), p=use / use.sum()).mean(axis=1)
    return np.asarray(drawn + shared_error * rng.standard_normal(rules.draws))


def _drawn(
    choice: Choice, expected: Expected, effects: "Floats", rules: CompareRules
) -> tuple[Estimate | None, float | None]:
    """Return the mean judged by drawing the start order again within each lottery, accounts as units."""
    import numpy as np
    import pandas as pd

    is_plan = choice.episodes["is_plan"].to_numpy(bool)
    rest = np.empty(len(is_plan))
    rest[is_plan], rest[~is_plan] = effects, expected.residual
    rows = choice.episodes[["account_id", "lottery"]].assign(rest=rest, is_plan=is_plan)
    units = rows.groupby(["account_id", "lottery"], sort=True).mean().reset_index()
    arm = (units["is_plan"] > 0).to_numpy().astype(np.int64)
    stratum = pd.factorize(units["lottery"])[0]
    pair = AccountSums(arm, units["rest"].to_numpy(float), np.ones(len(arm)), stratum)
    if refusal(pair):
        return None, None
    test = permutation_test(pair, arrangements(arm, stratum, draws=rules.draws, seed=rules.seed))
    bounds = test.interval(rules.level)
    return Estimate(test.value, UNIT, len(arm), *((*bounds, rules.level) if bounds else (None, None, None))), test.p()
