"""Daily business metrics of the customers: engagement, season, chance, and what success plans truly add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.sampledata.draws import known_late, presence
from csworkbench.sampledata.world import REGIONS, World, working_share

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

LATE_VALUES = 40
PER_SEAT: Mapping[str, float] = MappingProxyType({"active_dashboards": 1.5, "orders_handled": 8.0, "queries_run": 6.0})
EVERYWHERE = ("queries_run",)  # the other metrics are known of large and mid accounts only


@dataclass(frozen=True, slots=True)
class MetricModel:
    """Planted coefficients of the business metrics, on working days (Monday to Friday) while the account is there.

    log mean = log(per seat) + seats * log(number of seats) + trait of the account + engagement * e of the month
    + shock of the month + plan effects since their landing + tailwind since its month (orders_handled only);
    the mean is damped on holidays to 1 - season * (1 - share of a working day), and the count is negative binomial.
    """

    seats: float = 0.85
    trait_sd: float = 0.3
    engagement: float = 0.45
    shock_sd: float = 0.06
    season: float = 0.3
    gamma_shape: float = 12.0
    tailwind: float = 0.4


METRIC = MetricModel()


@dataclass(frozen=True, slots=True)
class Shifts:
    """What moves a metric for good; one value per shift.

    Args:
        account: Number of the account.
        metric: Metric it acts on.
        since: First day.
        size: What is added to the logarithm of the mean.
    """

    account: Ints
    metric: Texts
    since: Times
    size: Floats


@dataclass(frozen=True, slots=True)
class MetricValues:
    """The metrics of a block.

    Args:
        days: Working days, ascending.
        counts: Metric -> accounts x days; 0 where the account is not there or the metric is not known.
        is_known: Metric -> accounts x days.
    """

    days: Times
    counts: Mapping[str, Ints]
    is_known: Mapping[str, Flags]

    def mean(self, metric: Texts, account: Ints, first: Times, end: Times) -> Floats:
        """Return the mean per working day of [first, end) for each row; an account that left counts 0.

        Args:
            metric: Metric of each row.
            account: Number of the account of each row.
            first: First day of each row.
            end: Day after the last one of each row.

        Returns:
            One mean per row, NaN where the metric is not known of the account or no working day lies in the window.
        """
        import numpy as np

        low, high = (np.searchsorted(self.days, day.astype("datetime64[D]")) for day in (first, end))
        means = np.full(len(account), np.nan)
        for row, (name, number) in enumerate(zip(metric, account, strict=True)):
            if high[row] > low[row] and self.is_known[name][number].any():
                means[row] = self.counts[name][number, low[row] : high[row]].mean()
        return means


def make_metrics(world: World, contracts: Contracts, shifts: Shifts) -> MetricValues:
    """Return the business metrics of a block.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave.
        shifts: Effects of plans and tailwinds.
    """
    import numpy as np

    days = _working_days(world)
    begin, end = (instants.astype("datetime64[D]") for instants in presence(world, contracts))
    is_gone = ~np.isnat(contracts.churned_at)
    is_there = (days >= begin[:, None]) & ((days < end[:, None]) | (~is_gone[:, None] & (days <= end[:, None])))
    is_bigger = world.traits["tier"].to_numpy(object) != "small"
    known = {name: is_there & (is_bigger | (name in EVERYWHERE))[:, None] for name in PER_SEAT}
    counts = {name: _counts(world, days, name, shifts) * known[name] for name in PER_SEAT}
    return MetricValues(days, MappingProxyType(counts), MappingProxyType(known))


def _working_days(world: World) -> Times:
    import numpy as np

    days = np.arange(world.size.start, np.datetime64(world.size.end, "D") + 1)
    return np.asarray(days[np.is_busday(days)])


def _counts(world: World, days: Times, metric: str, shifts: Shifts) -> Ints:
    """Return the counts of one metric, accounts x days, as if every account were there all the time."""
    import numpy as np

    rng = world.stream("metrics_daily", list(PER_SEAT).index(metric))
    traits, month = world.traits, world.month_index(days)
    level = np.log(PER_SEAT[metric]) + METRIC.seats * np.log(traits["seats"].to_numpy(float))
    level = level + rng.normal(0, METRIC.trait_sd, world.accounts)
    monthly = METRIC.engagement * world.engagement + rng.normal(0, METRIC.shock_sd, world.engagement.shape)
    path = level[:, None] + monthly[:, month]
    for row in np.flatnonzero(shifts.metric == metric):
        path[shifts.account[row], np.searchsorted(days, shifts.since[row]) :] += shifts.size[row]
    region = traits["region"].map({name: place for place, name in enumerate(REGIONS)}).to_numpy()
    season = 1 - METRIC.season * (1 - working_share(days)[region])
    luck = rng.gamma(METRIC.gamma_shape, 1 / METRIC.gamma_shape, path.shape)
    return np.asarray(rng.poisson(np.exp(path) * season * luck).astype(np.int32))


def metrics_table(world: World, metrics: MetricValues) -> pd.DataFrame:
    """Return `metrics_daily`, by day, account and metric: a row per working day, also where the value is 0.

    Args:
        world: Accounts of the block.
        metrics: What was drawn.

    Returns:
        account_id and metric (categories), date, value (int32), known_at (a few rows are late).
    """
    import numpy as np
    import pandas as pd

    names = list(metrics.counts)
    known = np.stack([metrics.is_known[name] for name in names])
    day, account, metric = np.nonzero(known.transpose(2, 1, 0))
    date = metrics.days[day].astype("datetime64[s]")
    ids = pd.Index(world.traits["account_id"].tolist())
    return pd.DataFrame(
        {
            "account_id": pd.Categorical.from_codes(account, ids),
            "metric": pd.Categorical.from_codes(metric, pd.Index(names)),
            "date": date,
            "value": np.stack([metrics.counts[name] for name in names])[metric, account, day],
            "known_at": known_late(world, date, LATE_VALUES, 10),
        }
    )
