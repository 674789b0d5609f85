"""The objective metrics before and after each plan, and what they did beside accounts without one."""

from typing import TYPE_CHECKING, Any

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules
from csworkbench.analyses.plan_validation.episodes import episodes_of
from csworkbench.analyses.plan_validation.evidence import ACTIVE_RATIO, ACTIVE_USERS, HEALTH, Inputs
from csworkbench.analyses.plan_validation.frames import natural
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.levels import Levels
from csworkbench.analyses.plan_validation.settings import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.analyses.plan_validation.levels import Days, Floats, Places

SIDE_CONTROLS = 60  # accounts a side metric is compared with on each day: it describes and decides nothing
COLUMNS = [
    "plan_id",
    "account_id",
    "playbook",
    "metric",
    "before",
    "after",
    "change",
    "unit",
    "band_before",
    "band_after",
]


def before_after(inputs: Inputs, config: Config, lines: "pd.DataFrame") -> "pd.DataFrame":
    """Return every objective metric before and after each plan whose window has ended, without any comparison.

    Args:
        inputs: What is known.
        config: Windows and scales.
        lines: The timeline of the plans.

    Returns:
        One row per plan and metric: plan_id, account_id, playbook, metric, before, after (levels), change (share of the
        level before, or points), unit (of the change), band_before, band_after (of the health page, beside the score:
        the last one of the window; missing for other metrics). The metric of the goal, active_users, active_ratio,
        health_score and the business metric, as far as they are known.
    """
    import pandas as pd

    over = lines[lines["is_matured"]]
    parts = []
    for metric in _metrics(inputs, config, over):
        levels = inputs.levels[metric]
        part = over if metric in _general(config) else over[over["metric"] == metric]
        rows, anchor = levels.places(part["account_id"]), part["anchor_on"].to_numpy("datetime64[D]")
        before = _before(levels, rows, anchor - config.anticipation_days, part["pre_days"].to_numpy(int))
        after = levels.after(rows, anchor, part["ends_on"].to_numpy("datetime64[D]"))
        is_relative = config.scale(metric) == "relative"
        change = after / pd.Series(before).where(before > 0).to_numpy() - 1 if is_relative else after - before
        frame = part[["account_id", "playbook"]].assign(
            metric=metric, before=before, after=after, change=change, unit="share" if is_relative else "points"
        )
        if metric == HEALTH:
            first = part["anchor_on"] - pd.to_timedelta(part["pre_days"], unit="D")
            frame = frame.assign(
                band_before=_bands(inputs, part["account_id"], first, part["anchor_on"]),
                band_after=_bands(inputs, part["account_id"], part["anchor_on"], part["ends_on"]),
            )
        parts.append(frame.rename_axis("plan_id").reset_index())
    found = pd.concat(parts) if parts else pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
    return found.sort_values(["plan_id", "metric"], ignore_index=True).reindex(columns=COLUMNS)


def _bands(
    inputs: Inputs, account: "pd.Series[str]", first: "pd.Series[Any]", end: "pd.Series[Any]"
) -> "pd.Series[Any]":
    """Return the last band of the health page of each account in [first, end), missing where there is none."""
    import pandas as pd

    asked = pd.DataFrame({"account_id": account, "first": first, "end": end}).rename_axis("plan_id").reset_index()
    dated = asked.merge(inputs.bands.history[["account_id", "snapshot_on", "band"]], on="account_id")
    dated = dated[(dated["snapshot_on"] >= dated["first"]) & (dated["snapshot_on"] < dated["end"])]
    last = dated.sort_values("snapshot_on", kind="stable").drop_duplicates("plan_id", keep="last")
    return last.set_index("plan_id")["band"].reindex(account.index)


def _before(levels: Levels, rows: "Places", anchor: "Days", pre_days: "NDArray[np.int_]") -> "Floats":
    """Return the level before each plan over the window of its own goal, as its verdict sees it."""
    import numpy as np

    found = np.full(len(rows), np.nan)
    for length in np.unique(pre_days):
        at = np.flatnonzero(pre_days == length)
        older, newer = levels.halves(rows[at], anchor[at], int(length))
        found[at] = (older + newer) / 2
    return found


def _general(config: Config) -> "tuple[str, ...]":
    return (ACTIVE_USERS, ACTIVE_RATIO, HEALTH, config.business_metric)


def _metrics(inputs: Inputs, config: Config, lines: "pd.DataFrame") -> "list[str]":
    named = [*_general(config), *sorted(set(lines["metric"].dropna()))]
    return [name for name in dict.fromkeys(named) if name in inputs.levels]


def objective_table(inputs: Inputs, config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return what each objective metric did after the plans of each playbook, beside comparable accounts.

    Args:
        inputs: What is known.
        config: Settings.
        readings: The playbooks.

    Returns:
        One row per playbook and metric: playbook, metric, plans, before, after (mean levels), effect, low, high (share
        or points, `unit`; missing where nothing can be compared), n_controls. Further metrics beside the goal: they
        describe, no verdict rests on them.
    """
    import pandas as pd

    rows = [row for reading in readings if len(reading.episodes) for row in _rows(inputs, config, reading)]
    columns = ["playbook", "metric", "plans", "before", "after", "effect", "low", "high", "unit", "n_controls"]
    return pd.DataFrame(rows, columns=columns)


def _rows(inputs: Inputs, config: Config, reading: Reading) -> "Iterator[tuple[object, ...]]":
    import numpy as np

    ran = reading.episodes["is_plan"] & reading.episodes["is_started"].fillna(False).astype(bool)
    lines = reading.lines.loc[reading.episodes.loc[ran, "episode_id"]]
    levels = before_after(inputs, config, lines)
    for metric in _metrics(inputs, config, reading.lines[reading.lines["metric"] == reading.metric]):
        known = levels[levels["metric"] == metric]
        found, sign = reading.comparison, reading.sign
        if metric != reading.metric or found is None:
            episodes = episodes_of(inputs, replace_controls(config), lines.assign(sign=1.0), metric)
            sign = 1.0
            found = compare(
                episodes,
                CompareRules(level=config.level, seed=config.seed, draws=199, anticipation=config.anticipation_months),
            )
        average, controls = found.average, int((~found.sets["is_plan"]).sum())
        values = (np.nan,) * 3 if average is None else (average.value, average.low, average.high)
        unit = "share" if config.scale(metric) == "relative" else "points"
        effect = [np.nan if each is None else natural(each, config.scale(metric), sign) for each in values]
        before, after = known["before"].mean(), known["after"].mean()
        yield reading.name, metric, len(known), before, after, *effect, unit, controls


def replace_controls(config: Config) -> Config:
    """Return settings with as few controls as a description needs."""
    changed: Config = config.model_copy(update={"most_controls": min(config.most_controls, SIDE_CONTROLS)})
    return changed
