"""What a playbook does across accounts, and what that says about each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.remembering import once

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COARSE, FINE = 400, 200  # steps of the grid of tau: to find where it has weight, then there
WIDEST = 10.0  # largest tau, in spreads of the effects or their errors
DROP = 25.0  # logarithms below the best from which a tau has no weight
HALVINGS = 45
SURE = 1e-6  # share of the largest effect that is the least error of one: examples without noise can be pooled too
OWN = 0.25  # share of the variance of an effect that is never taken for shared


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Effects of a playbook pooled over its accounts: a normal hierarchy with a flat prior on its spread.

    Args:
        mean: Mean effect mu of the playbook (posterior mean).
        low: Lower bound of mu.
        high: Upper bound of mu.
        tau: SD of true effects between accounts (posterior mean).
        n: Accounts with an effect.
        accounts: One row per plan: episode_id, account_id, effect, standard_error, mean, sd, low, high (posterior of
            the true effect of its account).
        knapp: Hartung-Knapp interval of mu (low, high), which is shown beside; None with fewer than two accounts.
        level: Coverage of all intervals.
        hierarchy: What the figures come from.
    """

    mean: float
    low: float
    high: float
    tau: float
    n: int
    accounts: "pd.DataFrame"
    knapp: tuple[float, float] | None
    level: float
    hierarchy: "Hierarchy"

    def chance_above(self, effect: float) -> float:
        """Return the probability that the mean effect of the playbook is above a value."""
        return self.hierarchy.chance_above(effect)

    def next_above(self, effect: float) -> float:
        """Return the probability that the true effect at the next account is above a value."""
        return self.hierarchy.next_above(effect)

    def chance_above_without(self, effect: float) -> "pd.Series":
        """Return, per plan (index episode_id), P(mean effect > value) without all plans of its account.

        Null where no other account is left.
        """
        import numpy as np
        import pandas as pd
        from scipy.special import ndtr

        account, names = pd.factorize(self.accounts["account_id"], sort=True)
        chances = np.full(len(names), np.nan)
        if len(names) > 1:
            weight, mean, spread = self.hierarchy.without_each()
            chances = (weight * ndtr((mean - effect) / spread)).sum(axis=0)
        return pd.Series(chances[account], index=pd.Index(self.accounts["episode_id"], name="episode_id"))

    def chances_without(self) -> "Callable[[str, float], float | None]":
        """Return what `chance_above_without` says, for one plan and value at a time: what they share is done once.

        Returns:
            Function of episode_id and value; None where no other account is left.
        """
        import pandas as pd
        from scipy.special import ndtr

        account, names = pd.factorize(self.accounts["account_id"], sort=True)
        if len(names) < 2:
            return lambda _plan, _effect: None
        place = dict(zip(self.accounts["episode_id"], account, strict=True))
        weight, mean, spread = self.hierarchy.without_each()

        def chance(plan: str, effect: float) -> float | None:
            at = place[plan]
            # Added one after the other, as a sum over the rows of the whole is.
            value = float((weight[:, at] * ndtr((mean[:, at] - effect) / spread[:, at])).cumsum()[-1])
            return None if value != value else value

        return chance

    def leave_one_out(self) -> "pd.DataFrame":
        """Return the mean without each account in turn: account_id, mean, low, high, n; no row for a single account."""
        import pandas as pd

        names = pd.factorize(self.accounts["account_id"], sort=True)[1]
        if len(names) < 2:
            return pd.DataFrame({"account_id": names[:0], "mean": [], "low": [], "high": [], "n": []})
        weight, mean, spread = self.hierarchy.without_each()
        tails = ((1 - self.level) / 2, (1 + self.level) / 2)
        low, high = (mixture_quantile(share, weight, mean, spread) for share in tails)
        columns = {"mean": (weight * mean).sum(axis=0), "low": low, "high": high, "n": self.n - 1}
        return pd.DataFrame({"account_id": names} | columns)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Hierarchy:
    """Effects with their errors, integrated over the SD of true effects on a grid.

    Args:
        effect: Effects, one per account, by account.
        variance: Variance of each that it shares with no other.
        shared: Standard error that all have in common.
        grid: Values of tau.
        step: Width of the grid around each.
    """

    effect: "Floats"
    variance: "Floats"
    shared: float
    grid: "Floats"
    step: "Floats"

    def moments(self) -> "tuple[Floats, Floats, Floats]":
        """Return weight, mean of mu and its variance (without the shared part), per tau."""
        return once(self, "moments", self._moments)

    def _moments(self) -> "tuple[Floats, Floats, Floats]":
        import numpy as np

        precision = 1 / (self.grid[:, None] ** 2 + self.variance)
        total = precision.sum(axis=1)
        mean = precision @ self.effect / total
        fit = 0.5 * (np.log(precision).sum(axis=1) - (precision * (self.effect - mean[:, None]) ** 2).sum(axis=1))
        weight = np.exp(fit - 0.5 * np.log(total) - np.max(fit - 0.5 * np.log(total))) * self.step
        return weight / weight.sum(), mean, 1 / total

    def chance_above(self, effect: float) -> float:
        """Return P(mu > effect)."""
        return self._above(effect, 0.0)

    def next_above(self, effect: float) -> float:
        """Return P(true effect of a further account > effect)."""
        return self._above(effect, 1.0)

    def _above(self, effect: float, share_of_tau: float) -> float:
        import numpy as np
        from scipy.special import ndtr

        weight, mean, variance = self.moments()
        spread = np.sqrt(variance + self.shared**2 + share_of_tau * self.grid**2)
        return float(weight @ ndtr((mean - effect) / spread))

    def quantile(self, share: float) -> float:
        """Return the value below which mu lies with a probability."""
        import numpy as np

        weight, mean, variance = self.moments()
        return float(
            mixture_quantile(share, weight[:, None], mean[:, None], np.sqrt(variance + self.shared**2)[:, None])[0]
        )

    def without_each(self) -> "tuple[Floats, Floats, Floats]":
        """Return weight, mean of mu and its SD, per tau (rows) and account left out (columns), of two at least."""
        import numpy as np

        precision = 1 / (self.grid[:, None] ** 2 + self.variance)
        parts = [np.log(precision), precision, precision * self.effect, precision * self.effect**2]
        logs, total, first, second = (part.sum(axis=1)[:, None] - part for part in parts)
        mean = first / total
        fit = 0.5 * (logs - (second - first * mean) - np.log(total))
        weight = np.exp(fit - fit.max(axis=0)) * self.step[:, None]
        return weight / weight.sum(axis=0), mean, np.sqrt(1 / total + self.shared**2)


def mixture_quantile(share: float, weight: "Floats", mean: "Floats", spread: "Floats") -> "Floats":
    """Return, per column, the value below which a mixture of normals (rows) has a share of its mass.

    Args:
        share: Between 0 and 1.
        weight: Of each normal; columns add up to 1, or one column for all.
        mean: Of each normal.
        spread: SD of each normal.
    """
    import numpy as np
    from scipy.special import ndtr

    low, high = (mean - 9 * spread).min(axis=0), (mean + 9 * spread).max(axis=0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_below = (weight * ndtr((middle - mean) / spread)).sum(axis=0) < share
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return np.asarray((low + high) / 2)


def pool(effects: "pd.DataFrame", *, level: float = 0.95) -> Pooled | None:
    """Return what a playbook does across accounts; None where no plan has an effect.

    Several plans of an account are one effect, their mean (`_by_account`). True effects of accounts are normal about mu
    with SD tau, tau is flat between 0 and ten times the spread of the effects or of their errors (whichever is wider),
    mu is flat; tau is integrated over a grid and not plugged in, which is what makes intervals of few accounts wide
    enough. The part of the errors that plans have in common (`shared_error`) does not
    shrink with their number: it widens everything.

    Args:
        effects: `Comparison.effects`; plans without an effect are left out.
        level: Coverage of all intervals.

    Source: Gelman et al., Bayesian Data Analysis, 3rd ed., 5.4.
    """
    import numpy as np
    import pandas as pd

    told = effects[effects["effect"].notna()]
    if told.empty:
        return None
    shared = float(np.sqrt((told["shared_error"].to_numpy(float) ** 2).mean()))
    names, effect, variance = _by_account(told, shared)
    variance = np.maximum(variance, (SURE * max(1.0, float(np.abs(effect).max()))) ** 2)
    found = _hierarchy(effect, variance, shared)
    weight, mean, _ = found.moments()
    knapp = random_effects(effect, variance).knapp(level, shared) if len(effect) > 1 else None
    tail = (1 - level) / 2
    columns = ["episode_id", "account_id", "effect", "standard_error"]
    posterior = pd.DataFrame(_posterior(found, level), index=names)
    accounts = told[columns].reset_index(drop=True).join(posterior, on="account_id")
    low, high = found.quantile(tail), found.quantile(1 - tail)
    tau = float(weight @ found.grid)
    return Pooled(float(weight @ mean), low, high, tau, len(effect), accounts, knapp, level, found)


def pool_part(
    effects: "pd.DataFrame",
    is_part: "pd.Series[bool]",
    influence: "Callable[[Floats], Floats] | None" = None,
    *,
    level: float = 0.95,
) -> Pooled | None:
    """Return what a playbook does across some of its accounts; None where none of them has an effect.

    What their errors have in common is not that of all plans: fewer plans stand on fewer controls, whose chance is more
    of their mean.

    Args:
        effects: `Comparison.effects`.
        is_part: Which rows of it are pooled.
        influence: `Comparison.influence`; None = the part is taken to share what all plans do.
        level: Coverage.
    """
    import numpy as np

    told = effects[effects["effect"].notna()]
    is_used = is_part[told.index].to_numpy(bool)
    rows = told[is_used]
    if influence is not None and len(rows):
        plans = rows.groupby("account_id")["effect"].transform("size").to_numpy(float)
        share = np.zeros(len(told))
        share[is_used] = 1 / plans / rows["account_id"].nunique()
        rows = rows.assign(shared_error=float(np.sqrt((influence(share) ** 2).sum())))
    return pool(rows, level=level)


def _by_account(told: "pd.DataFrame", shared: float) -> "tuple[pd.Index, Floats, Floats]":
    """Return accounts, the mean effect of the plans of each, and the variance of that which it shares with no other.

    What the plans of an account differ by less than their variance s^2 says, they have in common (the account goes its
    own way), and it does not shrink with their number k: s^2 (r + (1 - r) / k), one r for all accounts.
    """
    import numpy as np

    square = told["standard_error"].astype(float) ** 2
    rows = told.assign(variance=np.maximum(square - shared**2, OWN * square))
    by = rows.groupby("account_id", sort=True)
    account = by.agg(effect=("effect", "mean"), variance=("variance", "mean"), plans=("effect", "size"))
    about = float(((rows["effect"] - by["effect"].transform("mean")) ** 2).sum())
    expected = float((account["variance"] * (account["plans"] - 1)).sum())
    common = float(np.clip(1 - about / expected, 0, 1)) if expected > 0 else 0.0
    variance = account["variance"] * (common + (1 - common) / account["plans"])
    return account.index, account["effect"].to_numpy(float), variance.to_numpy(float)


def _hierarchy(effect: "Floats", variance: "Floats", shared: float) -> Hierarchy:
    """Return the hierarchy on a fine grid of tau where it has weight, found on a coarse one that is denser near 0."""
    import numpy as np

    widest = WIDEST * max(float(np.sqrt(variance.mean())), float(effect.std()))
    grid = widest * np.linspace(0, 1, COARSE) ** 2
    weight = Hierarchy(effect, variance, shared, grid, np.ones(COARSE)).moments()[0]
    alive = np.flatnonzero(weight > np.exp(-DROP) * weight.max())
    low, high = grid[max(alive[0] - 1, 0)], grid[min(alive[-1] + 1, COARSE - 1)]
    # Evenly in the square root again: near 0 a posterior of tau is steep.
    root = np.linspace(np.sqrt(low), np.sqrt(high), FINE)
    fine = root**2
    return Hierarchy(effect, variance, shared, fine, np.gradient(fine))


def _posterior(found: Hierarchy, level: float) -> "dict[str, Floats]":
    import numpy as np

    weight, mu, mu_variance = (column[:, None] for column in found.moments())
    tau2 = found.grid[:, None] ** 2
    pulled = found.variance / (tau2 + found.variance)
    mean = found.effect + pulled * (mu - found.effect)
    spread = np.sqrt(tau2 * pulled + pulled**2 * mu_variance + found.shared**2)
    center = (weight * mean).sum(axis=0)
    sd = np.sqrt((weight * (spread**2 + (mean - center) ** 2)).sum(axis=0))
    low, high = (mixture_quantile(share, weight, mean, spread) for share in ((1 - level) / 2, (1 + level) / 2))
    return {"mean": center, "sd": sd, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """The mean of a random-effects model with its between-variance plugged in.

    Args:
        mean: Weighted mean.
        error: Its standard error.
        tau2: Variance of true effects.
        q: Cochran's Q.
        n: Effects.
        dispersion: Hartung and Knapp's factor: weighted variance of the effects about the mean, 1 expected.
    """

    mean: float
    error: float
    tau2: float
    q: float
    n: int
    dispersion: float

    def knapp(self, level: float = 0.95, shared: float = 0.0) -> tuple[float, float]:
        """Return the Hartung-Knapp interval of the mean.

        Args:
            level: Coverage.
            shared: Standard error that all effects have in common.

        Source: Hartung and Knapp (2001), Statistics in Medicine 20, 3875-3889; the t quantile of n - 1 degrees.
        """
        from scipy.stats import t

        far = float(t.ppf((1 + level) / 2, self.n - 1)) * (self.dispersion * self.error**2 + shared**2) ** 0.5
        return self.mean - far, self.mean + far


def random_effects(effect: "Floats", variance: "Floats", *, method: str = "pm") -> RandomEffects:
    """Return the random-effects mean of at least two effects.

    Args:
        effect: Effects.
        variance: Their variances, above 0.
        method: "pm" (Paule and Mandel: Q of the weighted effects is n - 1) or "dl" (DerSimonian and Laird);
            never below 0.

    Raises:
        ValueError: fewer than two effects, or an unknown method.

    Source: Veroniki et al. (2016), Research Synthesis Methods 7, 55-79; checked against statsmodels and metafor.
    """
    import numpy as np

    if len(effect) < 2 or method not in {"pm", "dl"}:
        raise ValueError("at least two effects, and method 'pm' or 'dl'")

    def fit(tau2: float) -> tuple[float, float, float]:
        weight = 1 / (variance + tau2)
        mean = float(weight @ effect / weight.sum())
        return mean, float(weight.sum()), float(weight @ (effect - mean) ** 2)

    weight = 1 / variance
    q = fit(0.0)[2]
    surplus, unit = q - (len(effect) - 1), float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2 = max(surplus / unit, 0.0)
    if method == "pm":
        tau2 = _paule_mandel(lambda value: fit(value)[2] - (len(effect) - 1), float(np.var(effect)))
    mean, total, about = fit(tau2)
    return RandomEffects(mean, total**-0.5, tau2, q, len(effect), about / (len(effect) - 1))


def _paule_mandel(surplus: "Callable[[float], float]", start: float) -> float:
    from scipy.optimize import brentq

    if surplus(0.0) <= 0:
        return 0.0
    high = max(start, 1e-12)
    while surplus(high) > 0:
        high *= 2
    return float(brentq(surplus, 0.0, high, xtol=1e-14, rtol=1e-12))
