"""What a trigger is worth: how often a loss followed its alerts, how long before, and how many alerts that takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers.evidence import Inputs, tiers_of
from csworkbench.analyses.triggers.kinds import Behaviour, OpenTicket, TicketCluster
from csworkbench.analyses.triggers.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

WARNS, WEAK, NOT_SHOWN, USELESS, TOO_FEW, NO_WARNING, NOT_TOLD = (
    "warns", "weak", "not_shown", "useless", "too_few", "occasion", "cannot_tell",
)  # fmt: skip
LOAD_WEEKS = 26
_SPAN = 100_000  # days; more than any two of a book lie apart


@dataclass(frozen=True, slots=True)
class Worth:
    """How a trigger did in the past.

    Args:
        verdict: warns (a loss follows more often, and may do so useful_lift times as often), weak (more often, but not
            that often), not_shown, useless (shown not to be that often), too_few, occasion (nothing to warn of),
            cannot_tell (losses are not recorded).
        first: First place that is judged.
        alerts: Alerts in the judged weeks.
        acted_on: Of them, acted on, and so not judged.
        judged: Of them, judged.
        accounts: Accounts behind those.
        hits: Of those judged, a loss followed.
        precision: Their share.
        base: Share of weeks of any account that a loss followed, nobody having acted either, with as many of each tier
            as the alerts have: small accounts leave more often, and alert more often, with or without a reason.
        gain: Precision minus base.
        acted: Precision of the alerts that were acted on, which is no judgement: action may have kept the account.
        lead: Median days from the first alert to the loss.
        found: Share of the accounts lost in these weeks that had an alert within the horizon before.
        per_week: Alerts per week, of the newest weeks.
        per_csm_week: The same for one CSM; None = nobody is assigned.
    """

    verdict: str
    first: int
    alerts: int
    acted_on: int
    judged: int
    accounts: int
    hits: int
    precision: Estimate
    base: Estimate
    gain: Estimate
    acted: Estimate
    lead: Estimate
    found: Estimate
    per_week: float
    per_csm_week: float | None


def acted_after(
    account: "NDArray[np.int64]", day: "NDArray[np.int64]", touches: "pd.DataFrame", within_days: int
) -> "NDArray[np.bool_]":
    """Return whether somebody touched an account soon after a day.

    Args:
        account: Number of the account of each case.
        day: Day of each case, as a number.
        touches: account, day (numbers).
        within_days: A touch on one of so many days after it counts, that day itself not.
    """
    import numpy as np

    keys = np.sort(touches["account"].to_numpy(np.int64) * _SPAN + touches["day"].to_numpy(np.int64))
    if not len(keys):
        return np.zeros(len(account), dtype=bool)
    asked = account * _SPAN + day
    place = np.searchsorted(keys, asked, side="right")
    following = keys[np.minimum(place, len(keys) - 1)]
    return (place < len(keys)) & (following <= asked + within_days)


def touch_days(inputs: Inputs) -> "pd.DataFrame":
    """Return the touches by people with the number of their account and of their day; none where nobody records them.

    Args:
        inputs: Touches and accounts.
    """
    import pandas as pd

    if inputs.touches is None:
        return pd.DataFrame({"account": [], "day": []}, dtype="int64")
    account = inputs.panel.accounts.get_indexer(pd.Index(inputs.touches["account_id"]))
    found = pd.DataFrame({"account": account, "day": numbers(inputs.touches["happened_on"].to_numpy())})
    return found[found["account"] >= 0]


def numbers(days: "NDArray[np.datetime64]") -> "NDArray[np.int64]":
    """Return days as numbers."""
    import numpy as np

    found: NDArray[np.int64] = days.astype("datetime64[D]").astype(np.int64)
    return found


def judge(inputs: Inputs, config: Config, alerts: "pd.DataFrame", acted: "NDArray[np.bool_]") -> dict[str, Worth]:
    """Return what each trigger that is not left out was worth.

    Args:
        inputs: Weeks of accounts and losses.
        config: The triggers.
        alerts: From `firing.alerts`.
        acted: Whether somebody acted, for each row of the panel.
    """
    rows = inputs.panel.rows.assign(is_acted=acted, tier=tiers_of(inputs)[inputs.panel.rows["account"]], weight=1.0)
    seen = alerts.merge(rows, how="inner", on=["account", "place"])
    return {
        name: _worth(inputs, config, name, (seen[seen["trigger"] == name], rows))
        for name in config.triggers
        if name not in inputs.left_out
    }


def _worth(inputs: Inputs, config: Config, name: str, told: "tuple[pd.DataFrame, pd.DataFrame]") -> Worth:
    (seen, rows), trigger = told, config.triggers[name]
    first, last = inputs.panel.judged(config)
    # A threshold is judged on weeks it was not proposed from; what has none, on the whole past.
    if not isinstance(trigger, Behaviour | OpenTicket):
        first = 0
    is_in = seen["place"].between(first, last) & seen["is_complete"]
    here, weeks = seen[is_in], rows[rows["place"].between(first, last) & rows["is_complete"] & ~rows["is_acted"]]
    if name in inputs.panel.about:
        weeks = weeks[inputs.panel.about[name][weeks["account"], weeks["place"]]]
    judged = here[~here["is_acted"]]
    precision, base = _share(judged, config.level), _share(_alike(weeks, judged), config.level)
    recent = int((seen["place"] > len(inputs.panel.dates) - 1 - LOAD_WEEKS).sum()) / LOAD_WEEKS
    gain = difference(precision, base)
    return Worth(
        verdict=_verdict(inputs, config, name, (len(judged), precision, base, gain)),
        first=first,
        alerts=len(here),
        acted_on=int(here["is_acted"].sum()),
        judged=len(judged),
        accounts=judged["account"].nunique(),
        hits=int(judged["is_lost"].sum()),
        precision=precision,
        base=base,
        gain=gain,
        acted=_share(here[here["is_acted"]], config.level),
        lead=lead(judged, inputs, config.level),
        found=_found(seen, rows, (first, last), config),
        per_week=recent,
        per_csm_week=recent / inputs.csms if inputs.csms else None,
    )


def _alike(weeks: "pd.DataFrame", alerts: "pd.DataFrame") -> "pd.DataFrame":
    """Return weeks with the weights that give each tier the part it has among the alerts; in all, as many as they tell.

    Source: direct standardization; effective number of weighted cases as in Kish (1965), Survey Sampling, ch. 11.7.
    """
    if alerts.empty:
        return weeks
    parts = alerts["tier"].value_counts(normalize=True) / weeks["tier"].value_counts(normalize=True)
    weight = weeks["tier"].map(parts).fillna(0.0)
    return weeks.assign(weight=weight * weight.sum() / (weight**2).sum())


def _share(cases: "pd.DataFrame", level: float) -> Estimate:
    """Return the weighted share of cases that a loss followed; accounts are the units."""
    from csworkbench.features.estimating import share_of

    sums = cases.assign(hit=cases["weight"] * cases["is_lost"]).groupby("account")[["hit", "weight"]].sum()
    return share_of(sums["hit"].astype(float), sums["weight"], level)


def difference(share: Estimate, other: Estimate) -> Estimate:
    """Return the difference of two shares with the interval that theirs make.

    Args:
        share: A share with an interval.
        other: The share that is taken off.

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; conservative where the two go together.
    """
    if share.value is None or other.value is None:
        return Estimate(None, "share", share.n)
    value = share.value - other.value
    if share.low is None or share.high is None or other.low is None or other.high is None:
        return Estimate(value, "share", share.n)
    low = value - sqrt((share.value - share.low) ** 2 + (other.high - other.value) ** 2)
    high = value + sqrt((share.high - share.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(value, "share", share.n, low, high, share.level)


def _verdict(inputs: Inputs, config: Config, name: str, told: tuple[int, Estimate, Estimate, Estimate]) -> str:
    judged, precision, base, gain = told
    trigger = config.triggers[name]
    if not trigger.is_warning or isinstance(trigger, TicketCluster):
        return NO_WARNING
    if inputs.panel.tells_losses:
        return NOT_TOLD
    if judged < config.least_alerts or gain.low is None or precision.high is None or not base.value:
        return TOO_FEW
    is_below = precision.high < config.useful_lift * base.value
    if gain.low > 0:
        return WEAK if is_below else WARNS
    return USELESS if is_below else NOT_SHOWN


def lead(judged: "pd.DataFrame", inputs: Inputs, level: float) -> Estimate:
    """Return the median days from the first alert of an account to its loss, among alerts that a loss followed.

    Args:
        judged: Alerts with account, place, is_lost and lost_on.
        inputs: Dates of the weeks.
        level: Coverage of the interval.

    Source: interval of order statistics, as in scipy `quantile_test`; without one where there are too few for it.
    """
    from math import isfinite

    from scipy.stats import quantile_test

    hits = judged[judged["is_lost"]].sort_values("place").drop_duplicates(["account", "lost_on"])
    if hits.empty:
        return Estimate(None, "days", 0)
    days = numbers(hits["lost_on"].to_numpy()) - numbers(inputs.panel.dates[hits["place"].to_numpy()])
    median = float(sorted(days)[(len(days) - 1) // 2] + sorted(days)[len(days) // 2]) / 2
    bounds = quantile_test(days, p=0.5).confidence_interval(level)
    low, high = float(bounds.low), float(bounds.high)
    if not (isfinite(low) and isfinite(high)):
        return Estimate(median, "days", len(days))
    return Estimate(median, "days", len(days), min(low, median), max(high, median), level)


def _found(seen: "pd.DataFrame", rows: "pd.DataFrame", span: tuple[int, int], config: Config) -> Estimate:
    """Return the share of the losses that had an alert within the horizon before, whoever acted."""
    from csworkbench.features.estimating import share_of

    first, last = span
    weeks = rows[rows["place"].between(first, last) & rows["is_lost"] & rows["is_complete"]]
    losses = weeks.drop_duplicates(["account", "lost_on"])
    if losses.empty:
        return Estimate(None, "share", 0)
    warned = seen[seen["place"].between(first, last) & seen["is_lost"]].drop_duplicates(["account", "lost_on"])
    keys = set(zip(warned["account"], warned["lost_on"], strict=True))
    hit = [key in keys for key in zip(losses["account"], losses["lost_on"], strict=True)]
    sums = losses.assign(hit=hit).groupby("account")["hit"].agg(["sum", "count"]).astype(float)
    return share_of(sums["sum"], sums["count"], config.level)


COLUMNS = {
    "trigger": "str", "kind": "str", "is_on": "bool", "verdict": "str", "judged_from": "datetime64[s]",
    "judged_to": "datetime64[s]", "alerts": "int64", "acted_on": "int64", "judged": "int64", "accounts": "int64",
    "hits": "int64", "precision_share": "float64", "low": "float64", "high": "float64", "base_rate": "float64",
    "base_low": "float64", "base_high": "float64", "lift": "float64", "gain": "float64", "gain_low": "float64",
    "gain_high": "float64", "lead_days": "float64", "lead_low": "float64", "lead_high": "float64",
    "warned_share": "float64", "acted_loss_rate": "float64", "alerts_per_week": "float64",
    "alerts_per_csm_week": "float64",
}  # fmt: skip


def table(inputs: Inputs, config: Config, found: Mapping[str, Worth]) -> "pd.DataFrame":
    """Return the worth of each trigger, those that warn first.

    Args:
        inputs: Dates of the weeks.
        config: The triggers.
        found: From `judge`.

    Returns:
        One row per trigger with the columns of `COLUMNS`: those of `Worth`, its shares 0 to 1, low and high the bounds
        of the column before; lift = precision_share / base_rate, warned_share = `found`, acted_loss_rate = `acted`.
    """
    import pandas as pd

    _, last = inputs.panel.judged(config)
    lines = []
    for name, each in found.items():
        is_judged = each.verdict not in (NO_WARNING, NOT_TOLD)
        lift = each.precision.value / each.base.value if each.precision.value is not None and each.base.value else None
        shares = (
            each.precision.value, each.precision.low, each.precision.high, each.base.value, each.base.low,
            each.base.high, lift, each.gain.value, each.gain.low, each.gain.high, each.lead.value, each.lead.low,
            each.lead.high, each.found.value, each.acted.value,
        )  # fmt: skip
        told = shares if is_judged else (None,) * len(shares)
        days = (inputs.panel.dates[each.first], inputs.panel.dates[last])
        counts = (each.alerts, each.acted_on, each.judged, each.accounts, each.hits)
        trigger = config.triggers[name]
        lines.append(
            (name, trigger.kind, trigger.is_on, each.verdict, *days, *counts, *told, each.per_week, each.per_csm_week)
        )
    made = pd.DataFrame(lines, columns=list(COLUMNS)).astype(COLUMNS)
    order = made.assign(rank=made["verdict"].map(ORDER.index), worth=-made["lift"])
    return order.sort_values(["rank", "worth", "trigger"], ignore_index=True)[list(COLUMNS)]


ORDER = (WARNS, WEAK, NOT_SHOWN, USELESS, TOO_FEW, NOT_TOLD, NO_WARNING)
