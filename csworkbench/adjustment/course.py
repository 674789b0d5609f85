"""The course of plans by month before and after landing, held against their comparison: an event study."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.adjustment import did
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.episodes import month_number
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REACH = 6  # months before and after landing
BEFORE, REFERENCE, AFTER = slice(0, REACH - 1), REACH - 1, slice(REACH + 1, None)  # places of -6..-2, -1, 1..6
SIMULATED = 4_000  # draws of the band
MISSED = 0.5  # chance of missing a trend that is called detectable


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """An event study.

    Args:
        months: One row per month from landing (-6..6): offset, effect (plans less controls, less that of month -1, or
            of the last one before anticipation), standard_error, low, high (one month), band_low, band_high (all months
            at once), n_plans, n_controls; null where no plan or no control is seen.
        covariance: Of the effects, months in the same order; month -1 is 0.
        freedom: Degrees of freedom of the intervals.
        pretrend_p: p-value of no difference in any month before -1; None where it cannot be told.
        detectable: Slope per month of a trend before landing that the test would miss half of the time.
        detectable_bias: What such a trend would add to the mean effect after landing.
        breakdown: Violations after landing, in multiples of the largest before (M of relative magnitudes), up to
            which the mean effect after differs from 0: 0 = it does not anyway, 10 = 10 or more; None without the
            extra `did`.
        average: Mean effect of the months 1..6.
        left_out: Episodes that are not in it: no month before landing is seen, or none after.
    """

    months: "pd.DataFrame"
    covariance: "Floats"
    freedom: int
    pretrend_p: float | None
    detectable: float | None
    detectable_bias: float | None
    breakdown: float | None
    average: Estimate | None
    left_out: int

    def contrast(self, weights: "Floats", level: float) -> Estimate | None:
        """Return a weighted sum of the months' effects; None where a month in it is not seen.

        Args:
            weights: One per month, -6..6.
            level: Coverage.
        """
        import numpy as np
        from scipy.stats import t

        used = weights != 0
        effects = self.months["effect"].to_numpy(float)
        if not np.isfinite(effects[used]).all():
            return None
        value = float(weights[used] @ effects[used])
        error = float(np.sqrt(max(weights[used] @ self.covariance[np.ix_(used, used)] @ weights[used], 0.0)))
        far = float(t.ppf((1 + level) / 2, self.freedom)) * error
        return Estimate(value, "scale", int(self.months["n_plans"].max()), value - far, value + far, level)


def course(
    panel: "pd.DataFrame", sets: "pd.DataFrame", rules: CompareRules, *, floor: float | None = None
) -> Course | None:
    """Return the course of plans; None where no account has a month before and one after.

    An episode with a month before landing and one after is in; its last month before is the reference.

    The effect of a month is the mean over plans of their value less that of the controls of the same month of landing,
    each less its own reference. Errors come from the influence of each account, plan or control. With few plans the
    spread of controls takes the place of that of plans.

    Args:
        panel: account_id, month (first day), value on the scale of the analysis; one row per account and month.
        sets: `Comparison.sets`; month is the month of landing (offset 0). Where it has next_plan (month, null without),
            a control counts until that month only: the first in which a plan of its own began after the landing.
        rules: What is demanded; a month with fewer than `min_per_cell` controls is blank.
        floor: The most a month after landing may lie below the reference (negative), as in the windows of the judged
            effect; None = no bound.

    Source: Freyaldenhoven, Hansen, Perez and Shapiro (2021) for the band; Roth (2022), AER: Insights 4, 305-322, for
    the trend a test would miss.
    """
    import numpy as np

    change, kept = _changes(panel, sets, rules.anticipation)
    if floor is not None:
        change[:, REFERENCE + 1 :] = np.maximum(change[:, REFERENCE + 1 :], floor)
    rows = sets[kept]
    if rows["is_plan"].sum() == 0 or rows["is_plan"].all():
        return None
    effect, influence, seen, n_accounts = _effects(change, rows, few=rules.few_treated)
    is_thin = (seen["n_controls"] < rules.min_per_cell).to_numpy() & (np.arange(len(effect)) != REFERENCE)
    effect = np.where(is_thin, np.nan, effect)
    covariance = influence.T @ influence
    covariance[REFERENCE] = covariance[:, REFERENCE] = 0.0
    freedom = max(n_accounts - 1, 1)
    pretrend_p, detectable = _pretrend(effect, covariance, freedom, rules.level)
    found = Course(
        _months(effect, covariance, seen, freedom, rules),
        covariance,
        freedom,
        pretrend_p,
        detectable,
        None if detectable is None else detectable * float(np.mean(np.arange(1, REACH + 1) + 1)),
        _breakdown(effect, covariance, rules.level),
        None,
        len(sets) - len(rows),
    )
    weights = np.zeros(2 * REACH + 1)
    weights[AFTER] = 1 / REACH
    return replace(found, average=found.contrast(weights, rules.level))


def _changes(panel: "pd.DataFrame", sets: "pd.DataFrame", anticipation: int) -> "tuple[Floats, Floats]":
    """Return values of -6..6 less the reference per row of the sets, for rows with a month before and one after."""
    import numpy as np
    import pandas as pd

    accounts = pd.Index(sets["account_id"].unique())
    used = panel[panel["account_id"].isin(accounts) & panel["value"].notna()]
    month, anchor = (month_number(frame["month"]) for frame in (used, sets))
    first = min(month.min(initial=anchor.min()), anchor.min()) - REACH
    width = max(month.max(initial=anchor.max()), anchor.max()) + REACH - first + 1
    grid = np.full((len(accounts), width), np.nan)
    grid[accounts.get_indexer(used["account_id"]), month - first] = used["value"].to_numpy(float)
    places = (anchor - first)[:, None] + np.arange(-REACH, REACH + 1)
    values = grid[accounts.get_indexer(sets["account_id"])[:, None], places]
    if "next_plan" in sets:
        begun = month_number(sets["next_plan"])[:, None] <= anchor[:, None] + np.arange(-REACH, REACH + 1)
        values[begun & ~sets["is_plan"].to_numpy(bool)[:, None]] = np.nan
    values[:, REACH - anticipation : REACH] = np.nan
    before = values[:, :REACH]
    kept = np.isfinite(before).any(axis=1) & np.isfinite(values[:, AFTER]).any(axis=1)
    last = REACH - 1 - np.argmax(np.isfinite(before[:, ::-1]), axis=1)
    reference = before[np.arange(len(before)), last]
    return (values - reference[:, None])[kept], kept


def _effects(change: "Floats", rows: "pd.DataFrame", *, few: int) -> "tuple[Floats, Floats, pd.DataFrame, int]":
    """Return effects by month, the influence of each account on them, counts, and the accounts behind the error."""
    import numpy as np
    import pandas as pd

    is_plan, weight = rows["is_plan"].to_numpy(bool), rows["weight"].to_numpy(float)
    month = pd.factorize(rows["month"])[0]
    cells, there = int(month.max()) + 1, np.isfinite(change)
    use = np.where(there, weight[:, None], 0.0)
    filled = np.where(there, change, 0.0)

    def total(values: "Floats", inside: "Floats") -> "Floats":
        out = np.zeros((cells, values.shape[1]))
        np.add.at(out, month[inside], values[inside])
        return out

    control_use = total(use, ~is_plan)
    told = np.where(control_use > 0, control_use, 1.0)
    usual = total(use * filled, ~is_plan) / told
    rest = np.where(there & (control_use > 0)[month], filled - usual[month], 0.0)
    plan_use = np.where((control_use > 0)[month], use, 0.0) * is_plan[:, None]
    mass = plan_use.sum(axis=0)
    scale = np.where(mass > 0, mass, 1.0)
    effect = np.where(mass > 0, (plan_use * rest).sum(axis=0) / scale, np.nan)
    control_part = -(total(plan_use, is_plan) / told)[month] * use * rest * ~is_plan[:, None] / scale
    plan_part = plan_use * (rest - np.where(mass > 0, effect, 0.0)) / scale
    account, names = pd.factorize(rows["account_id"])
    n_plans = len(np.unique(account[is_plan]))
    influence = np.zeros((len(names), change.shape[1]))
    np.add.at(influence, account, control_part)
    if n_plans < few:
        spread = np.sqrt(weight[~is_plan] / weight[~is_plan].sum() / n_plans)
        influence = np.concatenate([influence, rest[~is_plan] * spread[:, None]])
        behind = len(np.unique(account[~is_plan]))
    else:
        np.add.at(influence, account, plan_part * np.sqrt(n_plans / (n_plans - 1)))
        behind = n_plans
    counts = {"n_plans": (plan_use > 0).sum(axis=0), "n_controls": (use[~is_plan] > 0).sum(axis=0)}
    return effect, influence, pd.DataFrame(counts), behind


def _months(
    effect: "Floats", covariance: "Floats", seen: "pd.DataFrame", freedom: int, rules: CompareRules
) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd
    from scipy.stats import t

    error = np.where(np.isfinite(effect), np.sqrt(np.diag(covariance)), np.nan)
    one = float(t.ppf((1 + rules.level) / 2, freedom))
    told = np.isfinite(effect) & (error > 0)
    every = _band(covariance[np.ix_(told, told)], freedom, rules) if told.any() else one
    columns = {"offset": np.arange(-REACH, REACH + 1), "effect": effect, "standard_error": error}
    for name, far in (("", one), ("band_", max(every, one))):
        columns |= {f"{name}low": effect - far * error, f"{name}high": effect + far * error}
    return pd.concat([pd.DataFrame(columns), seen], axis=1)


def _band(covariance: "Floats", freedom: int, rules: CompareRules) -> float:
    """Return how many errors off all months at once stay, by simulation of a multivariate t."""
    import numpy as np

    rng = np.random.default_rng(rules.seed)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.abs(rng.standard_normal((SIMULATED, len(root))) @ root.T) / np.sqrt(np.diag(covariance))
    shrink = np.sqrt(rng.chisquare(freedom, SIMULATED) / freedom)
    return float(np.quantile(drawn.max(axis=1) / shrink, rules.level))


def _pretrend(effect: "Floats", covariance: "Floats", freedom: int, level: float) -> tuple[float | None, float | None]:
    """Return the joint p-value of the months -6..-2, and the slope such a test would miss half of the time."""
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import f, ncf

    told = np.flatnonzero(np.isfinite(effect[BEFORE]) & (np.diag(covariance)[BEFORE] > 0))
    rest = freedom - len(told) + 1
    if not len(told) or rest < 1:
        return None, None
    inverse = np.linalg.pinv(covariance[np.ix_(told, told)])
    count, before = len(told), effect[told]
    shrink = rest / (freedom * count)  # Hotelling's T2 as an F
    p = float(f.sf(shrink * before @ inverse @ before, count, rest))
    limit = f.ppf(level, count, rest)

    def power_less_half(noncentrality: float) -> float:
        return float(ncf.sf(limit, count, rest, noncentrality)) - MISSED

    high = 1.0
    while power_less_half(high) < 0:
        high *= 2
    trend = (told - REFERENCE).astype(float)
    slope = np.sqrt(brentq(power_less_half, 1e-9, high) / (trend @ inverse @ trend))
    return p, float(slope)


def _breakdown(effect: "Floats", covariance: "Floats", level: float) -> float | None:
    import numpy as np

    kept = np.arange(2 * REACH + 1) != REFERENCE
    if not np.isfinite(effect).all() or not (np.diag(covariance)[kept] > 0).all():
        return None
    weights = np.r_[0.0, np.full(REACH, 1 / REACH)]
    return did.breakdown(effect[kept], covariance[np.ix_(kept, kept)], REACH - 1, weights, level)
