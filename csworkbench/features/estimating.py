"""From sums per account to a rate with its interval: accounts are the independent units, never rows."""

from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PSEUDO_ANSWERS = 3.0
LEAST_AT_RISK = 10


def share_of(
    hits: "pd.Series[float]", trials: "pd.Series[float]", level: float = 0.95, *, are_amounts: bool = False
) -> Estimate:
    """Return a share with a Wilson interval that allows for accounts whose trials go together.

    The interval is Wilson's with the number of trials divided by the design effect, the variance between accounts over
    the binomial one, at least 1, and Student's quantile where that effect had to be estimated. So 20 of 20 is not 1 to
    1, and ten trials of one account are one. Where every trial is a hit, or none is, nothing says how much accounts
    may differ: then accounts count, not trials. So they do with amounts, which have no number of trials.

    Args:
        hits: Hits per account, at most the trials.
        trials: Trials per account, same index.
        level: Coverage of the interval.
        are_amounts: Hits and trials are amounts, such as money retained and money due.

    Returns:
        Estimate in share; n is the number of accounts with trials; value None where there is none.

    Raises:
        ValueError: an account has more hits than trials.

    Source: Wilson (1927), JASA 22, with the effective sample size as in Dean and Pagano (2015), Journal of Survey
        Statistics and Methodology 3(4), 484-503; checked against statsmodels.
    """
    from math import sqrt

    counted = trials > 0
    hits, trials = hits[counted], trials[counted]
    n = len(trials)
    if not n:
        return Estimate(None, "share", 0)
    if (hits > trials * (1 + 1e-9)).any():
        raise ValueError("a share cannot have more hits than trials: count what is hit among the trials")
    total = float(trials.sum())
    share = float(hits.sum()) / total
    # Kish's count of equally weighted accounts stands in where there is no number of trials, or nothing but hits.
    alike = total**2 / float((trials**2).sum())
    number = alike if are_amounts else total
    binomial = share * (1 - share) / number
    effective = number / _design_effect(_variance(hits, trials), binomial, number, n) if binomial else alike
    z = _quantile(level, n, is_grouped=bool(binomial) and number > n)
    center = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z * sqrt(share * (1 - share) / effective + z * z / (4 * effective**2)) / (1 + z * z / effective)
    return Estimate(share, "share", n, min(max(0.0, center - half), share), max(min(1.0, center + half), share), level)


def share_of_rows(is_hit: "pd.Series[bool]", units: "pd.Series[str]", level: float = 0.95) -> Estimate:
    """Return `share_of` where each row is one trial.

    Args:
        is_hit: Whether a row is a hit.
        units: Account of each row, or what else rows go together by; same index.
        level: Coverage of the interval.
    """
    by_unit = is_hit.astype(float).groupby(units)
    return share_of(by_unit.sum(), by_unit.size().astype(float), level)


def _design_effect(clustered: float, simple: float, number: float, accounts: int) -> float:
    if accounts == 1:
        return number
    is_grouped = number > accounts
    return max(1.0, clustered / simple) if is_grouped and simple > 0 else 1.0


def _quantile(level: float, accounts: int, *, is_grouped: bool) -> float:
    from scipy.stats import norm, t

    estimated = is_grouped and accounts > 1
    return float(t.ppf((1 + level) / 2, accounts - 1) if estimated else norm.ppf((1 + level) / 2))


def _variance(numerators: "pd.Series[float]", denominators: "pd.Series[float]") -> float:
    """Return the linearised variance of a ratio of sums: that of the residuals of the accounts."""
    n, ratio = len(denominators), numerators.sum() / denominators.sum()
    if n == 1:
        return 0.0
    residuals = numerators - ratio * denominators
    return float(n / (n - 1) * (residuals**2).sum() / denominators.sum() ** 2)


def ratio_of(numerators: "pd.Series[float]", denominators: "pd.Series[float]", level: float = 0.95) -> Estimate:
    """Return a ratio of sums with a Student interval over accounts.

    Args:
        numerators: Numerator per account.
        denominators: Denominator per account, same index; accounts where it is 0 do not count.
        level: Coverage of the interval.

    Returns:
        Estimate in share; n accounts. Without an interval where fewer than two accounts count or all have the same
        ratio, because then nothing says how much the next account would differ.

    Source: Cochran (1977), Sampling Techniques, ch. 6; checked against statsmodels' cluster-robust least squares.
    """
    from math import sqrt

    from scipy.stats import t

    counted = denominators > 0
    numerators, denominators = numerators[counted], denominators[counted]
    n = len(denominators)
    if not n:
        return Estimate(None, "share", 0)
    value = float(numerators.sum() / denominators.sum())
    error = sqrt(_variance(numerators, denominators))
    if error <= 1e-12 * max(1.0, abs(value)):
        return Estimate(value, "share", n)
    half = float(t.ppf((1 + level) / 2, n - 1)) * error
    return Estimate(value, "share", n, value - half, value + half, level)


def nps_of(answers: "pd.DataFrame", level: float = 0.95) -> Estimate:
    """Return the Net Promoter Score with an interval that allows for several answers of one account.

    Three pseudo-answers (.75 promoters, 1.5 passives, .75 detractors) keep 12 promoters of 12 from printing 100 +- 0;
    they move the interval, not the value. The variance is multiplied by the design effect of accounts, at least 1.

    Args:
        answers: One row per account: answered, promoters, detractors.
        level: Coverage of the interval.

    Returns:
        Estimate in points, -100 to 100; n accounts; value None without answers.

    Source: adjusted Wald interval AC(3, T) of Rocks (2016), The American Statistician 70(4), 365-372.
    """
    from math import sqrt

    n, accounts = float(answers["answered"].sum()), len(answers)
    if not n:
        return Estimate(None, "points", 0)
    net = answers["promoters"] - answers["detractors"]
    value = float(net.sum()) / n
    extreme = float((answers["promoters"] + answers["detractors"]).sum())
    simple = (extreme / n - value**2) / n
    design = _design_effect(_variance(net, answers["answered"]), simple, n, accounts)
    more = n + PSEUDO_ANSWERS
    center = float(net.sum()) / more
    variance = ((extreme + PSEUDO_ANSWERS / 2) / more - center**2) / more
    half = _quantile(level, accounts, is_grouped=n > accounts) * sqrt(design * variance)
    low, high = min(max(-1.0, center - half), value), max(min(1.0, center + half), value)
    return Estimate(100 * value, "points", accounts, 100 * low, 100 * high, level)


def median_days(times: "pd.DataFrame", level: float = 0.95) -> Estimate:
    """Return the Kaplan-Meier median of a time to an event, with those that still wait as censored.

    Args:
        times: One row per account: days, is_reached.
        level: Coverage of the interval.

    Returns:
        Estimate in days; n accounts. The value is None where fewer than half have got there: nobody can tell the median
        yet. Without an interval where its upper end is not reached.

    Source: Kaplan and Meier (1958), JASA 53; interval of Brookmeyer and Crowley (1982), Biometrics 38, as in
        `statsmodels.duration.survfunc.SurvfuncRight.quantile_ci`.
    """
    from math import isfinite

    import numpy as np
    from statsmodels.duration.survfunc import SurvfuncRight

    n = len(times)
    if not times["is_reached"].any():
        return Estimate(None, "days", n)
    curve = SurvfuncRight(times["days"].to_numpy(), times["is_reached"].astype(int).to_numpy())
    median = float(curve.quantile(0.5))
    if not isfinite(median):
        return Estimate(None, "days", n)
    with np.errstate(divide="ignore", invalid="ignore"):  # the log-log transform of a curve that ends at 0
        low, high = (float(bound) for bound in curve.quantile_ci(0.5, alpha=1 - level))
    if not (isfinite(low) and isfinite(high)):
        return Estimate(median, "days", n)
    return Estimate(median, "days", n, low, high, level)


def kept_share(times: "pd.DataFrame", days: float, level: float = 0.95) -> Estimate:
    """Return the Kaplan-Meier share that is still there after so many days, with an interval over accounts.

    The interval is that of log(-log(share)), so that it stays within 0 and 1, with the infinitesimal jackknife as
    variance: influences of the rows of one account are added up before they are squared. With one row per account that
    is Greenwood's formula, but for n / (n - 1).

    Args:
        times: One row per person: account_id, entered (age in days after which it was watched, -1 = from the start),
            days (age at which it left, or was last seen; above entered), is_gone (false = censored).
        days: Age at which is looked.
        level: Coverage of the interval.

    Returns:
        Estimate in share; n is the number of accounts. The value is None where fewer than ten persons were watched at
        that age, or when somebody left before; without an interval where nobody left, or with one account.

    Source: Kaplan and Meier (1958), JASA 53, with delayed entry; Kalbfleisch and Prentice (2002), 1.4, the transform;
        Therneau and Grambsch (2000), ch. 7, the jackknife by cluster. Checked against statsmodels `SurvfuncRight`.
    """
    from math import exp, log, sqrt

    import numpy as np
    from scipy.stats import norm

    n = int(times["account_id"].nunique())
    entered, seen = times["entered"].to_numpy(float), times["days"].to_numpy(float)
    is_left = times["is_gone"].to_numpy(bool) & (seen <= days)
    moments, left = np.unique(seen[is_left], return_counts=True)

    def before(ages: "Floats") -> "Ints":
        return np.asarray(np.searchsorted(moments, ages, side="right"), np.int64)

    def at_risk(ages: "Floats") -> "Ints":
        begun, ended = (np.searchsorted(np.sort(each), ages, side="left") for each in (entered, seen))
        return np.asarray(begun - ended, np.int64)

    risk = at_risk(moments)
    if min([*risk, *at_risk(np.array([days]))]) < LEAST_AT_RISK:
        return Estimate(None, "share", n)
    share = float(np.prod(1 - left / risk))
    if not len(moments) or share <= 0 or n < 2:
        return Estimate(share, "share", n)
    # Influence on log(share): what being at risk was expected to take away, less what leaving takes.
    rate = np.concatenate([[0.0], np.cumsum(left / risk / (risk - left))])
    own = np.where(is_left, (1 / (risk - left))[np.searchsorted(moments, np.minimum(seen, moments[-1]))], 0.0)
    sums = np.bincount(_numbers(times["account_id"]), rate[before(seen)] - rate[before(entered)] - own)
    error = sqrt(n / (n - 1) * float((sums**2).sum())) / abs(log(share))
    far = float(norm.ppf((1 + level) / 2)) * error
    low, high = (exp(-exp(log(-log(share)) + sign * far)) for sign in (1, -1))
    return Estimate(share, "share", n, min(low, share), max(high, share), level)


def _numbers(names: "pd.Series[str]") -> "Ints":
    import pandas as pd

    return pd.factorize(names)[0]
