"""Episodes: an account seen around an anchor day, with or without a plan, in windows of the same geometry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from csworkbench.adjustment.counterfactual import Side

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

COLUMNS = (
    "episode_id",
    "account_id",
    "playbook",
    "is_plan",
    "month",
    "before_2",
    "before_1",
    "after",
    "tier",
    "tenure_months",
    "csm_load",
    "band",
    "lottery",
    "start_order",
    "is_waiting",
    "threshold_distance",
    "csm_id",
)
"""Columns of an episode frame: before_2 and before_1 are the older and the newer half of the window before, `after` the
window after, all on the scale of the analysis; `band` of eligibility at the start; `lottery` null without one;
`is_waiting` = in the lottery and not started over the whole window; `threshold_distance` below 0 (or 0) on the side
where the rule starts plans, null without a declared rule. `has_left` may be added: the account left before the end of
the window after, which then counts 0; and `own_change`, the level before less that of the account's own longer history,
null without one: where plans start after a dip, it is the dip that comes back; `starts_later`: an account without a
plan at the anchor that started one in the window after; and `windows`, a number per set of days (`by_days`). With a
lottery, `order_followed`, the share of its starts that follow the order, and `is_started`: a plan whose turn came and
that never started counts in the lottery, as drawn, and nowhere else; `draw_before_2`, `draw_before_1` and
`draw_own_change` are of the windows up to the draw, which a lottery is adjusted for: see `from_draw`."""
FIGURES = ("expected", "rebound", "effect", "standard_error", "shared_error", "low", "high")
WINDOWS = ["before_2", "before_1", "after"]
PER_COVARIATE = 10  # controls a covariate needs before slopes of it are learned


def checked(episodes: "pd.DataFrame") -> "pd.DataFrame":
    """Return episodes in a fresh frame, numbered from 0, those without a window after or before kept.

    Raises:
        ValueError: a column is missing, there is no plan, plans are of several playbooks, or an id comes twice.
    """
    missing = [name for name in COLUMNS if name not in episodes]
    if missing:
        raise ValueError(f"episodes lack {', '.join(missing)}")
    plans = episodes["is_plan"].astype(bool)
    if not plans.any():
        raise ValueError("there is no plan among the episodes")
    if len(episodes.loc[plans, "playbook"].unique()) > 1:
        raise ValueError("the plans of one playbook are compared at a time")
    if episodes["episode_id"].duplicated().any():
        raise ValueError("an episode comes twice")
    return episodes.assign(is_plan=plans).reset_index(drop=True)


def complete(episodes: "pd.DataFrame") -> "pd.Series":
    """Return, per episode, whether all three windows hold a finite number."""
    import numpy as np
    import pandas as pd

    values = episodes[WINDOWS].to_numpy(float, na_value=np.nan)
    return pd.Series(np.isfinite(values).all(axis=1), index=episodes.index)


def from_draw(episodes: "pd.DataFrame") -> "pd.DataFrame":
    """Return episodes in which the windows before of a lottery end with its draw, not with the landing.

    Between the two those that were drawn run their plan: what it does by then is an effect, not a difference before.
    """
    if "draw_before_1" not in episodes:
        return episodes
    drawn = episodes["lottery"].notna()
    names = ("before_2", "before_1", "own_change")
    return episodes.assign(**{name: episodes[name].where(~drawn, episodes[f"draw_{name}"]) for name in names})


def level(episodes: "pd.DataFrame") -> "Floats":
    """Return the mean of the two windows before, per episode."""
    import numpy as np

    return np.asarray(episodes[["before_2", "before_1"]].to_numpy(float, na_value=np.nan).mean(axis=1))


def plan_rows(episodes: "pd.DataFrame") -> "pd.DataFrame":
    """Return the plans: episode_id, account_id, playbook, before (level), observed (after)."""
    plans = episodes[episodes["is_plan"]]
    return plans[["episode_id", "account_id", "playbook"]].assign(before=level(plans), observed=plans["after"])


def blank_balance() -> "pd.DataFrame":
    """Return a balance table (covariate, smd_before, smd_after) without a row: nothing was balanced."""
    import pandas as pd

    return pd.DataFrame({"covariate": pd.Series(dtype=str), "smd_before": [], "smd_after": []})


def traits(episodes: "pd.DataFrame") -> "pd.DataFrame":
    """Return what accounts are made comparable by: level, slope, tenure_months, csm_load and a column per further tier.

    Where it is there, own_change too. What is not known of it, of tenure or of load gets the mean of those that are.
    """
    import numpy as np
    import pandas as pd

    columns = {"level": level(episodes), "slope": (episodes["before_1"] - episodes["before_2"]).to_numpy(float)}
    for name in (name for name in ("own_change", "tenure_months", "csm_load") if name in episodes):
        values = episodes[name].to_numpy(float, na_value=np.nan)
        known = np.isfinite(values)
        columns[name] = np.where(known, values, values[known].mean() if known.any() else 0.0)
    codes, names = pd.factorize(episodes["tier"], sort=True, use_na_sentinel=False)
    for place, name in list(enumerate(names))[1:]:
        columns[f"tier {name}"] = (codes == place).astype(float)
    return pd.DataFrame(columns, index=episodes.index)


def affordable(known: "pd.DataFrame", is_plan: "Floats") -> "pd.DataFrame":
    """Return the traits that so many controls can bear: all, level and slope, or the level alone.

    Args:
        known: `traits` of plans and controls.
        is_plan: Which of them are plans.
    """
    controls = int((~is_plan.astype(bool)).sum())
    varying = known.loc[:, (known.std(ddof=0) > 0) | (known.columns == "level")]
    if controls >= PER_COVARIATE * varying.shape[1]:
        return varying
    return varying[
        [name for name in ("level", "slope")[: 2 if controls >= 2 * PER_COVARIATE else 1] if name in varying]
    ]


def sides(episodes: "pd.DataFrame", keys: Sequence[str], covariates: "pd.DataFrame") -> tuple[Side, Side]:
    """Return plans and controls as arrays, in the order of the episodes.

    Args:
        episodes: Episodes without gaps.
        keys: Columns whose values together name the cell within which plans are compared.
        covariates: One row per episode.
    """
    import numpy as np
    import pandas as pd

    cell = np.zeros(len(episodes), dtype=np.int64)
    for key in keys:
        codes, names = pd.factorize(episodes[key], use_na_sentinel=False)
        cell = cell * len(names) + codes
    cell = np.unique(cell, return_inverse=True)[1]
    account = pd.factorize(episodes["account_id"])[0]
    outcome, x = episodes["after"].to_numpy(float), covariates.to_numpy(float)
    is_plan = episodes["is_plan"].to_numpy(bool)
    return (
        Side(outcome[is_plan], x[is_plan], cell[is_plan], account[is_plan]),
        Side(outcome[~is_plan], x[~is_plan], cell[~is_plan], account[~is_plan]),
    )


def comparable(episodes: "pd.DataFrame", keys: Sequence[str], least: int) -> "pd.DataFrame":
    """Return the plans that have at least so many controls in their cell, and the controls of the cells of plans.

    They come in the order of their ids, so that the order of what was read decides nothing where controls are equally
    near.

    Args:
        episodes: Episodes without gaps.
        keys: Columns whose values together name a cell; an episode without one of them is left out.
        least: Controls of a cell.
    """
    told = episodes[episodes[list(keys)].notna().all(axis=1)]
    groups = told.groupby(list(keys), sort=False)["is_plan"]
    plans, everyone = groups.transform("sum"), groups.transform("size")
    return told[(plans > 0) & (everyone - plans >= least)].sort_values("episode_id")


def by_days(episodes: "pd.DataFrame", keys: Sequence[str], least: int) -> "pd.DataFrame":
    """Return episodes with `around`: the days of their windows, or -1 where too few controls have the same ones.

    Two days of a month may lie on both sides of a season's edge, so plans and controls should have the same windows.
    Episodes without enough controls of their own days are put together within the month, and where that is not enough
    either, with all others of it.

    Args:
        episodes: Episodes without gaps.
        keys: Columns whose values together name a cell.
        least: Controls of a cell.
    """
    if "windows" not in episodes:
        return episodes.assign(around=-1)

    def controls(where: "pd.Series[bool]", *further: "pd.Series[int]") -> "pd.Series[int]":
        counted = where & ~episodes["is_plan"]
        found: pd.Series[int] = counted.groupby([*(episodes[key] for key in keys), *further], dropna=False).transform(
            "sum"
        )
        return found

    everyone = episodes["windows"].notna()
    around = episodes["windows"].where(controls(everyone, episodes["windows"]) >= least, -1)
    rest = around == -1
    is_short = (rest & episodes["is_plan"]).groupby([episodes[key] for key in keys], dropna=False).transform("any")
    return episodes.assign(around=around.where(~is_short | (controls(rest) >= least), -1))


def month_number(month: "pd.Series") -> "Ints":
    """Return months as running numbers, year times 12 plus month; null is later than any month."""
    import numpy as np

    never = np.iinfo(np.int32).max
    return np.asarray((month.dt.year * 12 + month.dt.month).fillna(never).to_numpy(np.int64))
