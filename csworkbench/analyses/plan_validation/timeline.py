"""When each plan is judged: the day it is anchored at, the windows around it, the goal, and whether it was met."""

from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.declared import declared_in
from csworkbench.analyses.plan_validation.evidence import ACTIVE_RATIO, ACTIVE_USERS, HEALTH, Inputs
from csworkbench.analyses.plan_validation.levels import LAG_DAYS
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.playbooks import parsed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LANDED, STARTED, WRITTEN = "landed", "started", "written"
NEVER = "2262-01-01"


def timeline(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the goal and the windows of each plan.

    Args:
        inputs: What is known of the plans.
        config: Windows and scales.

    Returns:
        The plans with further columns: metric (of the first goal, the problem's own metric before others), direction,
        sign (1 or -1: which way is good; 1 where neither goal nor file says), problem_sign (the same for the problem's
        own metric, missing where nobody says), is_assumed (nobody says which way of its goal is good), is_known (some
        table holds the metric), baseline, target, pre_days, post_days, goal (change that was asked for
        on the scale of the analysis, good is positive; missing without one), anchor_on, anchored_by (landed, started,
        written), ends_on (day after the window after), is_matured, before_2, before_1 (levels of the two halves
        before), level_after (missing where less is good and the account left), has_left (before the window's end),
        is_backward (it landed before it was written), is_reached (missing = cannot tell),
        overlaps (other plans of the account in these windows).
    """
    import numpy as np
    import pandas as pd

    plans = _with_goals(inputs, config)
    landed, started = plans["landed_on"], plans["started_on"]
    anchor = landed.fillna(started).fillna(plans["created_on"])
    by = np.select([landed.notna(), started.notna()], [LANDED, STARTED], WRITTEN)
    ends = _ends(anchor, plans["post_days"], config)
    plans = plans.assign(
        anchor_on=anchor,
        anchored_by=by,
        ends_on=ends,
        is_matured=ends <= pd.Timestamp(inputs.as_of) + pd.Timedelta(days=1),
    )
    plans = plans.assign(**_seen(inputs, config, plans), is_backward=plans["anchor_on"] < plans["created_on"])
    return plans.assign(is_reached=_reached(plans), overlaps=_overlaps(plans))


def _with_goals(inputs: Inputs, config: Config) -> "pd.DataFrame":
    import numpy as np

    goals = inputs.goals.merge(inputs.plans[["problem_metric"]], left_on="plan_id", right_index=True)
    is_main = goals["metric"] == goals["problem_metric"]
    first = goals.assign(rank=np.where(is_main, 0, 1)).sort_values(["plan_id", "rank", "metric"])
    first = first.drop_duplicates("plan_id").set_index("plan_id").drop(columns=["rank", "problem_metric"])
    plans = inputs.plans.join(first)
    aims = _aims(config)
    stated = plans["direction"].map({"lower": -1.0, "higher": 1.0}).astype(float)
    metric = plans["metric"].fillna(plans["problem_metric"])
    sign = stated.fillna(_filed(plans["playbook"], metric, aims))
    problem = plans["problem_metric"].fillna(metric)
    plans = plans.assign(
        metric=metric,
        pre_days=plans["pre_days"].fillna(config.pre_days).astype(int),
        post_days=plans["post_days"].fillna(config.post_days).astype(int),
        sign=sign.fillna(1.0),
        is_assumed=sign.isna() & plans["metric"].notna(),
        is_known=metric.isin(list(inputs.levels)),
        problem_sign=sign.where(problem == metric, _filed(plans["playbook"], problem, aims)),
    )
    return plans.assign(goal=_asked(plans, config))


def _aims(config: Config) -> dict[tuple[str, str], float]:
    """Return which way of a metric is good, 1 or -1, by playbook and metric, as the files say."""
    files = declared_in(parsed(config.playbooks))
    return {(each.name, name): -1.0 if name in each.lower else 1.0 for each in files for name in each.uplift or {}}


def _filed(
    playbook: "pd.Series[str]", metric: "pd.Series[str]", aims: dict[tuple[str, str], float]
) -> "pd.Series[float]":
    """Return which way of a metric is good as the files say; of use and health more is; missing = nobody said."""
    import numpy as np
    import pandas as pd

    known = dict.fromkeys((ACTIVE_USERS, ACTIVE_RATIO, HEALTH), 1.0)
    found = [aims.get(key, known.get(key[1], np.nan)) for key in zip(playbook, metric, strict=True)]
    return pd.Series(found, index=playbook.index, dtype=float)


def _asked(plans: "pd.DataFrame", config: Config) -> "NDArray[np.float64]":
    """Return the change a goal asks for: of the logarithm, or in points; missing without baseline or target."""
    import numpy as np

    baseline, target = plans["baseline"].to_numpy(float), plans["target"].to_numpy(float)
    is_relative = plans["metric"].map(lambda name: config.scale(str(name)) == "relative").to_numpy(bool)
    possible = (baseline > 0) & (target > 0)
    ratio = np.log(np.where(possible, target, 1.0) / np.where(possible, baseline, 1.0))
    asked = np.where(is_relative, np.where(possible, ratio, np.nan), target - baseline) * plans["sign"].to_numpy()
    return np.where(asked > 0, asked, np.nan)


def _ends(anchor: "pd.Series[pd.Timestamp]", post_days: "pd.Series[int]", config: Config) -> "pd.Series[pd.Timestamp]":
    """Return the day after the window after landing; in a quarterly review it ends with the quarter."""
    import pandas as pd

    if config.review == "days":
        found = anchor + pd.to_timedelta(post_days + 1, unit="D")
    else:
        reviewed = (anchor + pd.Timedelta(days=LAG_DAYS)).dt.to_period("Q")
        ends = reviewed.dt.end_time + pd.Timedelta(days=1)
        found = ends.dt.normalize()
    return found.astype("datetime64[s]")


def _seen(inputs: Inputs, config: Config, plans: "pd.DataFrame") -> "dict[str, NDArray[Any]]":
    """Return the level of each plan's metric in the two halves before and after, and whether the account left."""
    import numpy as np

    found: dict[str, NDArray[Any]] = {
        name: np.full(len(plans), np.nan) for name in ("before_2", "before_1", "level_after")
    }
    found["has_left"] = np.zeros(len(plans), dtype=bool)
    for (metric, pre_days), part in plans.groupby(["metric", "pre_days"], sort=True):
        levels, length = inputs.levels.get(str(metric)), int(str(pre_days))
        if levels is None:
            continue
        at = plans.index.get_indexer(part.index)
        rows, anchor = levels.places(part["account_id"]), part["anchor_on"].to_numpy("datetime64[D]")
        found["before_2"][at], found["before_1"][at] = levels.halves(rows, anchor - config.anticipation_days, length)
        ends = part["ends_on"].to_numpy("datetime64[D]")
        found["has_left"][at] = levels.has_left(rows, ends)
        # An account that left has no tickets any more: where less is good, that is no level to be judged by.
        is_void = levels.has_left(rows, ends) & (part["sign"].to_numpy() < 0)
        found["level_after"][at] = np.where(is_void, np.nan, levels.after(rows, anchor, ends))
    return found


def _reached(plans: "pd.DataFrame") -> "pd.Series[bool]":
    """Return whether the target was met in the window after; missing without a goal, a value or the window's end.

    Where less is good, no target is met by leaving.
    """
    gap = (plans["level_after"] - plans["target"]) * plans["sign"]
    is_lost = plans["has_left"] & (plans["sign"] < 0)
    told = (gap.notna() | is_lost) & plans["goal"].notna() & plans["is_matured"] & ~plans["is_backward"]
    found: pd.Series[bool] = (gap >= 0).astype("boolean").where(told)
    return found


def _overlaps(plans: "pd.DataFrame") -> "NDArray[np.int64]":
    """Return how many other plans of the account ran in the windows of each plan."""
    import numpy as np
    import pandas as pd

    start = plans["anchor_on"] - pd.to_timedelta(plans["pre_days"], unit="D")
    spans = pd.DataFrame(
        {
            "account_id": plans["account_id"],
            "plan": range(len(plans)),
            "first": start,
            "last": plans["ends_on"],
            "began": plans["started_on"].fillna(pd.Timestamp(NEVER)),
            "over": plans["ends_on"],
        }
    )
    pairs = spans.merge(spans, on="account_id", suffixes=("", "_other"))
    meets = (pairs["plan"] != pairs["plan_other"]) & (pairs["began_other"] < pairs["last"])
    meets &= pairs["over_other"] > pairs["first"]
    count = pairs[meets].groupby("plan").size().reindex(range(len(plans)), fill_value=0)
    return np.asarray(count, dtype=np.int64)
