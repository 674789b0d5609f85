"""The metric of accounts month by month: the course around landing, and designs that need months instead of windows."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.bystanders import busy_with
from csworkbench.analyses.plan_validation.episodes import net_bands
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.levels import Levels, on_scale
from csworkbench.analyses.plan_validation.settings import Config

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

REACH = 7  # months before the first and after the last landing that are read


def monthly(
    inputs: Inputs,
    config: Config,
    levels: Levels,
    landings: "pd.Series[pd.Timestamp]",
    accounts: Sequence[str],
    *,
    sign: float = 1.0,
) -> "pd.DataFrame":
    """Return a metric month by month from `REACH` months before the first landing to as many after the last.

    Args:
        inputs: What is known; a month that is not over on its date is left out.
        config: Scale of the metric.
        levels: Levels of the metric.
        landings: Months of landing.
        accounts: Whose.
        sign: Which way is good: with -1, months in which an account has left are missing and not 0.

    Returns:
        account_id, month (first day), value (on the scale of the analysis; missing where nothing is recorded).
    """
    import numpy as np
    import pandas as pd

    first = landings.min().to_numpy().astype("datetime64[M]") - REACH
    ended = np.datetime64(inputs.as_of + timedelta(days=1), "M") - 1
    last = min(landings.max().to_numpy().astype("datetime64[M]") + REACH, ended)
    names = pd.Index(accounts)
    rows, usual = levels.accounts.get_indexer(names), levels.usual()
    parts = []
    for month in np.arange(first, last + 1):
        days = np.full(len(rows), month.astype("datetime64[D]"))
        until = np.full(len(rows), (month + 1).astype("datetime64[D]"))
        value = on_scale(levels.mean(rows, days, until), config.scale(levels.metric), usual)
        if sign < 0:
            value[levels.has_left(rows, until)] = np.nan
        parts.append(pd.DataFrame({"account_id": names, "month": month.astype("datetime64[s]"), "value": value}))
    return pd.concat(parts, ignore_index=True)


def starts_by_month(
    inputs: Inputs, config: Config, lines: "pd.DataFrame", metric: str, episodes: "pd.DataFrame"
) -> "pd.DataFrame":
    """Return the months of plans and of the accounts they can be compared with, as designs D and E read them.

    Args:
        inputs: What is known.
        config: Scale and bands.
        lines: Timeline of the plans that are compared.
        metric: What is compared; good is positive.
        episodes: Their episodes (`episodes.episodes_of`); only their accounts are read.

    Returns:
        account_id, month, value, first_plan (month of the first landing), busy_from (month in which that plan got under
        way), is_eligible: in one of the bands that plans of the same month of landing were in, on the day of the month
        on which these usually were written. While a plan of the kind that is not compared is under way, value is
        missing.
    """
    import numpy as np

    levels, sign = inputs.levels[metric], float(np.median(lines["sign"]))
    plans = episodes[episodes["is_plan"]]
    panel = monthly(inputs, config, levels, plans["month"], episodes["account_id"].unique().tolist(), sign=sign)
    first = lines.sort_values("anchor_on", kind="stable").drop_duplicates("account_id").set_index("account_id")
    landed = first["anchor_on"].to_numpy("datetime64[M]")
    began = np.fmin(first["started_on"].to_numpy("datetime64[M]"), landed)
    account = panel["account_id"]
    panel = panel.assign(
        value=sign * panel["value"].where(~_elsewhere_busy(busy_with(inputs, config, lines, metric), lines, panel)),
        first_plan=account.map(dict(zip(first.index, landed.astype("datetime64[s]"), strict=True))),
        busy_from=account.map(dict(zip(first.index, began.astype("datetime64[s]"), strict=True))),
        is_eligible=False,
    )
    panel = panel.astype({"first_plan": "datetime64[s]", "busy_from": "datetime64[s]"})
    for month, mine in plans.groupby("month"):
        middle: Any = lines.loc[lines.index.isin(mine["episode_id"]), "created_on"].median()
        written = middle.to_numpy().astype("datetime64[D]")
        bands = net_bands(levels, config, written, sign)
        at = panel["month"] == month
        panel.loc[at, "is_eligible"] = np.isin(bands[levels.places(account[at])], mine["band"].unique())
    return panel


def _elsewhere_busy(
    busy: "pd.DataFrame", lines: "pd.DataFrame", panel: "pd.DataFrame"
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which months of a panel lie within a plan of the same kind that is not among those compared."""
    import numpy as np

    found = np.zeros(len(panel), dtype=bool)
    month = panel["month"].to_numpy("datetime64[M]")
    account = panel["account_id"].to_numpy()
    busy = busy[~busy.index.isin(lines.index)]
    began, over = (busy[name].to_numpy("datetime64[M]") for name in ("began", "over"))
    for whose, first, last in zip(busy["account_id"], began, over, strict=True):
        found |= (account == whose) & (month >= first) & (month <= last)
    return found
