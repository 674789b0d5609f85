"""Which design the data of a playbook allow: each is tried, the most trustworthy first, and says why it is not used."""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from csworkbench.adjustment.counterfactual import Side, Weights, alike
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.adjustment.episodes import affordable, by_days, comparable, sides, traits
from csworkbench.adjustment.matching import match, places
from csworkbench.estimates import Message, say

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LEAST_OF_CELL = 2  # controls that show how much they differ
BANDWIDTH = 0.5  # standard deviations of the distance within which accounts near a threshold are compared
MOST_CROSSING = 0.05  # share near a threshold on the wrong side above which the rule did not decide


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A design that can be used.

    Args:
        design: Which.
        reason: Why it can.
        episodes: Plans and controls that are used, in their order.
        plans: The plans as arrays.
        controls: The controls as arrays.
        weights: How controls stand for plans.
        covariates: Names of the covariates.
    """

    design: Design
    reason: Message
    episodes: "pd.DataFrame"
    plans: Side
    controls: Side
    weights: Weights
    covariates: tuple[str, ...]


def by_lottery(episodes: "pd.DataFrame", rules: CompareRules) -> Choice | Message:
    """Return the accounts that a lot let start held against those it let wait, or why not.

    Args:
        episodes: Episodes without gaps.
        rules: What is demanded.
    """
    followed = _followed(episodes)
    if len(followed) and followed.max() < rules.order_followed:
        return say(
            "A lottery is named, but {share:percent} of the starts follow a drawn order; {least:percent} are needed",
            share=float(followed.max()),
            least=rules.order_followed,
        )
    drawn = episodes[episodes["lottery"].notna()]
    drawn = drawn[~drawn["lottery"].isin(followed.index[followed < rules.order_followed])]
    if not drawn["is_plan"].any():
        return say("No lottery drew who starts first")
    waiting = drawn[drawn["is_plan"] | drawn["is_waiting"].fillna(False).astype(bool)]
    cell = ["lottery", "month"]
    used = comparable(by_days(waiting, cell, rules.min_per_cell), [*cell, "around"], LEAST_OF_CELL)
    started = used.loc[used["is_plan"], "account_id"].nunique()
    others = used.loc[~used["is_plan"], "account_id"].nunique()
    if min(started, others) < rules.least_drawn:
        return say(
            "A lottery drew who starts first, but only {started:n account|accounts} that started and {waiting:count} "
            "that waited can be compared; {least:count} of each are needed",
            started=started,
            waiting=others,
            least=rules.least_drawn,
        )
    reason = say(
        "A lottery drew who starts first: {started:n account|accounts} that started are held against {waiting:count} "
        "that had to wait",
        started=started,
        waiting=others,
    )
    return _alike(Design.LOTTERY, reason, used, [*cell, "around"])


def _followed(episodes: "pd.DataFrame") -> "pd.Series[float]":
    """Return the share of starts that follow the order, by lottery; empty where that was not measured."""
    import pandas as pd

    if "order_followed" not in episodes:
        return pd.Series(dtype=float)
    plans = episodes[episodes["is_plan"] & episodes["order_followed"].notna()]
    names = plans["lottery"].astype("object").where(plans["lottery"].notna(), "")  # "" = started out of turn
    found: pd.Series[float] = plans["order_followed"].astype(float).groupby(names).max()
    return found


def by_threshold(episodes: "pd.DataFrame", rules: CompareRules) -> Choice | Message:
    """Return accounts just inside a threshold held against those just outside, or why not.

    Args:
        episodes: Episodes without gaps.
        rules: What is demanded.
    """
    ruled = episodes[episodes["threshold_distance"].notna()]
    if not ruled["is_plan"].any():
        return say("No rule with a threshold is declared that starts plans")
    distance = ruled["threshold_distance"].astype(float)
    near = ruled[distance.abs() <= BANDWIDTH * distance.std()]
    is_inside = near["threshold_distance"].astype(float) <= 0
    crossing = float((is_inside != near["is_plan"]).mean()) if len(near) else 1.0
    obeyed = by_days(near[is_inside == near["is_plan"]], ["month"], rules.min_per_cell)
    used = comparable(obeyed, ["month", "around"], LEAST_OF_CELL)
    plans, controls = (used.loc[used["is_plan"] == side, "account_id"].nunique() for side in (True, False))
    if min(plans, controls) < rules.threshold_side:
        return say(
            "Near the threshold are {plans:n account|accounts} with a plan and {controls:count} without; {least:count} "
            "of each are needed",
            plans=plans,
            controls=controls,
            least=rules.threshold_side,
        )
    if crossing > MOST_CROSSING:
        return say("Near the threshold {share:percent} of the accounts are on the wrong side of it", share=crossing)
    reason = say(
        "A threshold decides who gets a plan: {plans:n account|accounts} just inside are held against {controls:count} "
        "just outside",
        plans=plans,
        controls=controls,
    )
    return _alike(Design.THRESHOLD, reason, used, ["month", "around"], "threshold_distance")


def by_matching(episodes: "pd.DataFrame", rules: CompareRules, *, caliper: float = inf) -> Choice | Message:
    """Return plans held against accounts of the same days and band that looked alike before, or why not.

    Where levels before stay too far apart, plans without any account near their own level are left out.

    Args:
        episodes: Episodes without gaps.
        rules: What is demanded.
        caliper: How far the level of a control may lie from that of its plan: tried where the nearest in all traits
            are too far apart in level. Plans without an account that near are left out.
    """
    cell = ["month", "band", "around"]
    enough = max(rules.matches, rules.min_per_cell)  # from fewer there is nothing to choose the nearest of
    used = comparable(by_days(episodes, cell[:2], enough), cell, rules.min_per_cell)
    controls = int((~used["is_plan"]).sum())
    if not used["is_plan"].any() or controls < rules.min_controls:
        return say(
            "Of the same days and band are {controls:n account|accounts} without a plan; {least:count} are needed "
            "in all and {cell:count} for each of the days and bands",
            controls=controls,
            least=rules.min_controls,
            cell=rules.min_per_cell,
        )
    is_plan = used["is_plan"].to_numpy(bool)
    known = affordable(traits(used), is_plan)
    plans, others = sides(used, cell, known)
    weights, gap = match(plans, others, places(known, is_plan), matches=rules.matches, caliper=caliper)
    held = int((weights.use > 0).sum())
    if abs(gap) > rules.max_smd or held < rules.min_controls:
        far = rules.max_smd * float(others.covariates[:, 0].std())
        without = used.index[is_plan][_alone(plans, others, far)]
        if len(without):
            return by_matching(episodes.drop(index=without), rules)
        if caliper == inf:
            return by_matching(episodes, rules, caliper=far)
    if abs(gap) > rules.max_smd:
        return say(
            "Even the nearest accounts of the same days and band differ by {gap:number} SD in level before; more than "
            "{most:number} is not left to adjustment",
            gap=abs(gap),
            most=rules.max_smd,
        )
    if held < rules.min_controls:
        return say(
            "Only {controls:n episode|episodes} of accounts without a plan looked alike before; {least:count} are "
            "needed",
            controls=held,
            least=rules.min_controls,
        )
    alone = int(((weights.use > 0) & ~starts_later(used)).sum())
    if alone < rules.min_controls:
        return say(
            "Of {controls:n episode|episodes} of accounts that looked alike before, only {alone:count} had no such "
            "plan of their own in the window after either; {least:count} are needed",
            controls=held,
            alone=alone,
            least=rules.min_controls,
        )
    reason = say(
        "Nobody drew lots: {plans:n plan|plans} are held against {controls:n episode|episodes} of accounts of the same "
        "days and band that had none and looked alike before",
        plans=int(is_plan.sum()),
        controls=held,
    )
    return Choice(Design.MATCHED, reason, used, plans, others, weights, tuple(map(str, known)))


def starts_later(used: "pd.DataFrame") -> "NDArray[np.bool_]":
    """Return which controls started a plan of their own in the window after."""
    controls = used[~used["is_plan"]]
    later = controls["starts_later"].fillna(False) if "starts_later" in controls else controls["is_plan"]
    return later.to_numpy(bool)


def _alike(
    design: Design, reason: Message, used: "pd.DataFrame", keys: list[str], further: str | None = None
) -> Choice:
    known = affordable(traits(used), used["is_plan"].to_numpy(bool))
    if further is not None:
        known = known.assign(**{further: used[further].astype(float)})
    plans, controls = sides(used, keys, known)
    return Choice(design, reason, used, plans, controls, alike(plans, controls), tuple(map(str, known)))


def _alone(plans: Side, controls: Side, far: float) -> "NDArray[np.bool_]":
    """Return which plans have no control of their cell so near their level."""
    import numpy as np

    levels = {cell: np.sort(controls.covariates[controls.cell == cell, 0]) for cell in np.unique(plans.cell)}
    is_alone = np.zeros(len(plans.cell), dtype=bool)
    for cell, there in levels.items():
        inside = plans.cell == cell
        level = plans.covariates[inside, 0]
        after = np.searchsorted(there, level)
        gaps = [np.abs(level - there[np.clip(place, 0, len(there) - 1)]) for place in (after - 1, after)]
        is_alone[inside] = np.minimum(*gaps) > far
    return is_alone
