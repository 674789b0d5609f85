"""Episodes: each plan around its anchor day, and accounts without one around the same days."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.bystanders import bystanders
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.levels import HALF_DAYS, Levels, on_scale
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.turns import by_turn, lots_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NOT_KNOWN = "not known"


def starts(inputs: Inputs, config: Config, lines: "pd.DataFrame") -> "pd.DataFrame":
    """Return how each plan's problem metric stood on the day it was written, against its own history and its peers.

    Args:
        inputs: What is known.
        config: Windows and margins.
        lines: The timeline of the plans.

    Returns:
        One row per plan, index plan_id: problem_level, own_history (levels per day), own_change (on the scale of the
        analysis, good is positive), peer_change (median of the accounts read), net_change, peer_share (of its tier that
        are worse off), start_band, is_wrong (missing = no history,
        no such metric, or nobody said which way of it is good; nor are there changes then).
    """
    import numpy as np
    import pandas as pd

    names = ("problem_level", "own_history", "own_change", "peer_change", "peer_share")
    found = pd.DataFrame({name: np.full(len(lines), np.nan) for name in names}, index=lines.index)
    metric = lines["problem_metric"].fillna(lines["metric"])
    for (name, day), part in lines.groupby([metric, lines["created_on"]], sort=True):
        levels = inputs.levels.get(str(name))
        if levels is None:
            continue
        recent, history = _recent(levels, day, config)
        change = change_of(levels, config, recent, history)
        gone = _gone(levels, day)
        rows = levels.places(part["account_id"])
        sign = part["problem_sign"].to_numpy()
        change = np.where(gone, np.nan, change) if (sign < 0).any() else change
        peers = np.nanmedian(change) if np.isfinite(change).any() else np.nan
        found.loc[part.index, list(names)] = np.column_stack(
            [recent[rows], history[rows], change[rows] * sign, peers * sign, _worse(inputs, levels, recent, rows, sign)]
        )
    net = found["own_change"] - found["peer_change"]
    is_fine = (net >= config.not_bad_above) & (found["peer_share"] >= 0.5)
    is_wrong = is_fine.astype("boolean").where(net.notna())
    return found.assign(net_change=net, start_band=bands_of(net.to_numpy(), config), is_wrong=is_wrong)


def _worse(inputs: Inputs, levels: Levels, recent: "Floats", rows: Any, sign: "Floats") -> "list[float]":
    """Return, for each account, the share of its tier with a worse level."""
    import numpy as np

    tier = inputs.tiers.reindex(levels.accounts).to_numpy()
    known = np.isfinite(recent)
    peers = {name: np.sort(recent[(tier == name) & known]) for name in dict.fromkeys(tier[rows])}
    shares = []
    for row, way in zip(rows, sign, strict=True):
        there, level = peers[tier[row]], recent[row]
        worse = np.searchsorted(there, level) if way > 0 else len(there) - np.searchsorted(there, level, side="right")
        is_told = len(there) > 1 and np.isfinite(way)
        shares.append(float(worse / len(there) if np.isfinite(level) else 0.0) if is_told else float("nan"))
    return shares


def change_of(levels: Levels, config: Config, recent: "Floats", history: "Floats") -> "Floats":
    """Return how far recent levels are from those of the history, on the scale of the analysis.

    Args:
        levels: Levels of the metric.
        config: Settings; only its scale counts.
        recent: Recent level of each account.
        history: Level of its own history.
    """
    scale, usual = config.scale(levels.metric), levels.usual()
    return on_scale(recent, scale, usual) - on_scale(history, scale, usual)


def _gone(levels: Levels, day: Any) -> "NDArray[np.bool_]":
    import numpy as np

    rows = np.arange(len(levels.accounts))
    return levels.has_left(rows, np.full(len(rows), np.datetime64(day, "D")))


def _recent(levels: Levels, day: Any, config: Config) -> "tuple[Floats, Floats]":
    import numpy as np

    rows = np.arange(len(levels.accounts))
    days = np.full(len(rows), np.datetime64(day, "D"))
    return levels.own_change(rows, days, config.pre_days, config.history_days)


def bands_of(net: "Floats", config: Config) -> "NDArray[np.object_]":
    """Return the eligibility band of each change: "below -25%", "-25% to -10%" ..., or not known."""
    import numpy as np

    edges = [f"{edge:+.0%}" for edge in config.band_edges]
    named = [
        f"below {edges[0]}",
        *(f"{a} to {b}" for a, b in pairwise(edges)),
        f"{edges[-1]} or more",
    ]
    place = np.searchsorted(config.band_edges, np.nan_to_num(net), side="right")
    return np.where(np.isnan(net), NOT_KNOWN, np.array(named, dtype=object)[place])


def episodes_of(
    inputs: Inputs,
    config: Config,
    lines: "pd.DataFrame",
    metric: str,
    *,
    starts_below: tuple[str, float] | None = None,
) -> "pd.DataFrame":
    """Return the episodes of some plans and of the accounts they can be compared with, as `adjustment` reads them.

    Args:
        inputs: What is known.
        config: Windows, bands and how many accounts are looked at.
        lines: Rows of the timeline, of one playbook, whose windows have ended.
        metric: What is compared; good is positive.
        starts_below: Metric and value under which a declared rule starts plans; None = no such rule.

    Returns:
        The columns of `csworkbench.adjustment.episodes.COLUMNS`, has_left, starts_later, after_in_full (without
        `largest_fall`), and those up to the draw (`from_draw`); plans first. Nothing where the metric is not known.
    """
    import numpy as np
    import pandas as pd

    levels = inputs.levels.get(metric)
    if levels is None or lines.empty:
        return pd.DataFrame()
    days = {"anchor": "anchor_on", "ends": "ends_on", "written": "created_on"}
    own = pd.DataFrame(
        {
            **{name: lines[column].to_numpy("datetime64[D]") for name, column in days.items()},
            **{name: lines[name].to_numpy() for name in ("pre_days", "account_id", "playbook", "lottery", "csm_id")},
            "episode_id": lines.index,
            "is_plan": True,
            "is_waiting": False,
            "has_landed": lines["landed_on"].notna().to_numpy(),
            "start_order": lines["start_order"].to_numpy(float),
        }
    )
    lots = lots_of(inputs)
    own = by_turn(own, lots)
    own = own[own["account_id"].isin(levels.accounts)]
    if own.empty:
        return pd.DataFrame()
    others = bystanders(inputs, config, lines, own[["anchor", "ends", "written", "pre_days", "lottery"]], metric)
    made = pd.concat([own.drop(columns="has_landed"), others], ignore_index=True) if len(others) else own
    made = made.assign(
        threshold_distance=_distance(inputs, made, starts_below),
        drawn=pd.to_datetime(made["lottery"].map({name: lot.drawn_on for name, lot in lots.items()})),
    )
    return _measured(inputs, config, made, levels, float(np.median(lines["sign"])))


def _measured(inputs: Inputs, config: Config, made: "pd.DataFrame", levels: Levels, sign: float) -> "pd.DataFrame":
    """Return episodes with the levels of their windows and what is known of their accounts."""
    import numpy as np

    anchor, ends = made["anchor"].to_numpy("datetime64[D]"), made["ends"].to_numpy("datetime64[D]")
    rows = levels.places(made["account_id"])
    lengths, drawn = made["pre_days"].to_numpy(int), made["drawn"].to_numpy("datetime64[D]")
    values = _before(config, levels, rows, anchor - config.anticipation_days, lengths)
    values |= {f"draw_{name}": each for name, each in _before(config, levels, rows, drawn, lengths).items()}
    values["after"] = levels.after(rows, anchor, ends)
    values = _bounded(values, config, levels, sign, levels.has_left(rows, ends))
    for own in ("own", "draw_own"):
        prefix = own.removesuffix("own")
        level = (values[f"{prefix}before_2"] + values[f"{prefix}before_1"]) / 2
        values[f"{own}_change"] = level - values.pop(own)
    about = inputs.accounts[["left_on", "signup_on"]].reindex(made["account_id"])
    left = about["left_on"].to_numpy("datetime64[D]")
    month = anchor.astype("datetime64[M]").astype("datetime64[s]")
    found = made.assign(
        **values,
        month=month,
        tier=inputs.tiers.reindex(made["account_id"]).to_numpy(),
        windows=made.groupby(["anchor", "ends", "pre_days"]).ngroup(),
        tenure_months=(anchor - about["signup_on"].to_numpy("datetime64[D]")) / np.timedelta64(1, "D") / 30.44,
        csm_load=_loads(inputs, made["account_id"], month),
        band=_net_bands(config, made["written"], levels, rows, sign),
        has_left=left < ends,
    )
    # A draw holds those that left after it on both sides; nobody else is compared with an account that has left.
    is_gone = (left < anchor) & ~found["is_plan"].to_numpy()
    found["is_started"] = found["is_started"].fillna(True).astype(bool) & ~is_gone
    is_waiting = found["is_waiting"].to_numpy(bool) & ~(left < drawn)
    found = found[~is_gone | is_waiting].drop(columns=["anchor", "ends", "written", "pre_days", "drawn"])
    made_up: pd.DataFrame = found.reset_index(drop=True)
    return made_up


def _before(config: Config, levels: Levels, rows: Any, end: Any, pre_days: Any) -> "dict[str, Floats]":
    """Return the levels of both halves of the window before a day, and of the account's own history before them."""
    import numpy as np

    older, newer, own = np.full((3, len(rows)), np.nan)
    for length in np.unique(pre_days):
        at = np.flatnonzero((pre_days == length) & ~np.isnat(end))
        older[at], newer[at] = levels.halves(rows[at], end[at], int(length))
        own[at] = levels.own_change(rows[at], end[at], int(length), config.history_days)[1]
    return {"before_2": older, "before_1": newer, "own": own}


def _distance(inputs: Inputs, made: "pd.DataFrame", starts_below: tuple[str, float] | None) -> "Floats":
    """Return how far the metric of the starting rule was from its threshold when each plan was written."""
    import numpy as np

    levels = None if starts_below is None else inputs.levels.get(starts_below[0])
    if levels is None or starts_below is None:
        return np.full(len(made), np.nan)
    day = made["written"].to_numpy("datetime64[D]")
    return levels.mean(levels.places(made["account_id"]), day - HALF_DAYS, day) - starts_below[1]


def _bounded(
    values: "dict[str, Floats]", config: Config, levels: Levels, sign: float, has_left: "NDArray[np.bool_]"
) -> "dict[str, Floats]":
    """Return levels on the scale of the analysis, good is positive; a loss beyond `largest_fall` counts as that much.

    Where less is good, that is a rise to 1 / (1 - largest_fall) times the level, and leaving counts as that, not as 0;
    points count as the worst of the others. `after_in_full` keeps the whole fall.
    """
    import numpy as np

    scale = config.scale(levels.metric)
    found = {name: sign * on_scale(value, scale, levels.usual()) for name, value in values.items()}
    found["after_in_full"] = found["after"]
    worst = np.nanmin(found["after"]) if np.isfinite(found["after"]).any() else np.nan
    floor = np.full(len(has_left), worst)
    if scale == "relative":
        before = (found["before_2"] + found["before_1"]) / 2
        if "draw_before_1" in found:
            drawn = (found["draw_before_2"] + found["draw_before_1"]) / 2
            before = np.where(np.isnan(drawn), before, drawn)
        floor = before + np.log1p(-config.largest_fall)
        found["after"] = np.fmax(found["after"], np.where(np.isnan(found["after"]), np.nan, floor))
    if sign < 0:
        found["after"] = np.where(has_left, floor, found["after"])
    return found


def _loads(inputs: Inputs, account: "pd.Series[str]", month: Any) -> "Floats":
    import numpy as np
    import pandas as pd

    if inputs.load.empty:
        return np.full(len(account), np.nan)
    held = inputs.load.set_index(["account_id", "month"])["csm_load"]
    held = held[~held.index.duplicated()]
    keys = pd.MultiIndex.from_arrays([account, pd.DatetimeIndex(month)])
    found: Floats = held.reindex(keys).to_numpy(float)
    return found


def _net_bands(
    config: Config, written: "pd.Series[pd.Timestamp]", levels: Levels, rows: Any, sign: float
) -> "NDArray[np.object_]":
    """Return the band of each episode on the day its plan was written."""
    import numpy as np

    found = np.full(len(rows), NOT_KNOWN, dtype=object)
    for day, at in written.reset_index(drop=True).groupby(written.to_numpy()).indices.items():
        found[at] = net_bands(levels, config, day, sign)[rows[at]]
    return found


def net_bands(levels: Levels, config: Config, day: Any, sign: float) -> "NDArray[np.object_]":
    """Return the band of each account on a day: its change less the median of all accounts.

    Args:
        levels: Levels of the metric.
        config: Windows and edges of the bands.
        day: Day before which is looked.
        sign: 1 or -1: which way is good.
    """
    import numpy as np

    change = change_of(levels, config, *_recent(levels, day, config)) * sign
    if not np.isfinite(change).any():
        return np.full(len(change), NOT_KNOWN, dtype=object)
    return bands_of(change - np.nanmedian(change), config)
