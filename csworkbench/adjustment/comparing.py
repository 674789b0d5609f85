"""Compare the plans of a playbook by the best design their data allow."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from csworkbench.adjustment.averaging import average_of
from csworkbench.adjustment.choosing import Choice, by_lottery, by_matching, by_threshold, starts_later
from csworkbench.adjustment.counterfactual import Expected, expect
from csworkbench.adjustment.designs import CompareRules, Comparison, Design
from csworkbench.adjustment.episodes import FIGURES, blank_balance, checked, complete, from_draw, level, plan_rows
from csworkbench.adjustment.matching import standardized
from csworkbench.adjustment.months import by_donors, by_starts
from csworkbench.estimates import Caveat, Message, Severity, say

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def compare(episodes: "pd.DataFrame", rules: CompareRules, *, panel: "pd.DataFrame | None" = None) -> Comparison:
    """Return the plans of one playbook held against accounts without one.

    Args:
        episodes: One row per plan of ONE playbook and per candidate control (`episodes.COLUMNS`): an account seen
            around an anchor day.
        rules: What is demanded.
        panel: Months of the same accounts (account_id, month, value, first_plan (month of the first landing, null
            without), is_eligible, and busy_from where known: `staggered.staggered`), for designs D and E; without it
            they are not tried.

    Returns:
        The comparison; design NONE with its reason where nothing can be compared.

    Raises:
        ValueError: a column is missing or there is no plan.
    """
    every = checked(episodes)
    refused: list[Caveat] = []
    drawn, every = from_draw(every), _started(every)
    for attempt, rows in ((by_lottery, drawn), (by_threshold, every), (by_matching, every)):
        found = attempt(rows[complete(rows)], rules)
        if isinstance(found, Choice):
            return _compared(rows, found, rules, tuple(refused))
        refused.append(Caveat("better_design_refused", Severity.NOTE, found))
    if panel is not None:
        for further in (by_starts, by_donors):
            other = further(every, panel, rules)
            if isinstance(other, Comparison):
                return replace(other, caveats=(*refused, *other.caveats))
            refused.append(
                other if isinstance(other, Caveat) else Caveat("better_design_refused", Severity.NOTE, other)
            )
    return _nothing(every, refused)


def _started(every: "pd.DataFrame") -> "pd.DataFrame":
    """Return episodes without the plans that were drawn and never started, which only a lottery can count."""
    return (
        every[every["is_started"].fillna(True).astype(bool)].reset_index(drop=True) if "is_started" in every else every
    )


def _compared(every: "pd.DataFrame", choice: Choice, rules: CompareRules, refused: tuple[Caveat, ...]) -> Comparison:
    import pandas as pd

    expected = expect(choice.plans, choice.controls, choice.weights, is_drawn=choice.design is Design.LOTTERY)
    average, p = average_of(choice, expected, rules)
    balance = pd.DataFrame(
        {
            "covariate": choice.covariates,
            "smd_before": standardized(choice.plans, choice.controls, None),
            "smd_after": standardized(choice.plans, choice.controls, choice.weights),
        }
    )
    effects = _effects(every, choice, expected, rules)
    return Comparison(
        choice.design,
        choice.reason,
        effects,
        balance,
        _sets(choice, expected),
        average,
        p,
        (*refused, *_doubts(effects, choice)),
        expected.influence,
    )


def _effects(every: "pd.DataFrame", choice: Choice, expected: Expected, rules: CompareRules) -> "pd.DataFrame":
    import pandas as pd
    from scipy.stats import t

    used = choice.episodes[choice.episodes["is_plan"]]
    before, observed = level(used), used["after"].to_numpy(float)
    effect, far = observed - expected.value, t.ppf((1 + rules.level) / 2, expected.freedom) * expected.error
    columns = (expected.value, expected.value - before, effect, expected.error)
    told = pd.DataFrame(dict(zip(FIGURES, columns, strict=False)), index=used.index).assign(
        shared_error=expected.shared_error, low=effect - far, high=effect + far, n_controls=choice.weights.number
    )
    return plan_rows(every).join(told).fillna({"n_controls": 0}).astype({"n_controls": int}).reset_index(drop=True)


def _sets(choice: Choice, expected: Expected) -> "pd.DataFrame":
    import pandas as pd

    columns = ["episode_id", "account_id", "month", "is_plan"]
    is_plan = choice.episodes["is_plan"]
    plans, controls = choice.episodes.loc[is_plan, columns], choice.episodes.loc[~is_plan, columns]
    use = choice.weights.use / choice.weights.use.sum()
    one = plans.assign(weight=1 / len(plans), rest=choice.plans.outcome - expected.value)
    other = controls.assign(weight=use, rest=expected.residual)[use > 0]
    sets: pd.DataFrame = pd.concat([one, other])
    return sets.reset_index(drop=True)


def _doubts(effects: "pd.DataFrame", choice: Choice) -> list[Caveat]:
    import numpy as np

    doubts = []
    alone = int(effects["effect"].isna().sum())
    if alone:
        message = say(
            "{n:n plan has|plans have} no comparable account and no effect: a window is missing, or too few accounts "
            "of the same days and band had no plan",
            n=alone,
        )
        advice = say("Widen band_edges, or read more accounts: most_accounts and most_controls")
        doubts.append(Caveat("plans_without_controls", Severity.WARNING, message, advice))
    heaviest = float(np.max(choice.weights.use) / len(choice.plans.outcome))
    if heaviest > 0.25 and len(choice.plans.outcome) > 1:
        message = say("One account without a plan stands for {share:percent} of the comparison", share=heaviest)
        doubts.append(Caveat("one_control_weighs", Severity.WARNING, message))
    return [*doubts, *_later(choice), *_mixed(choice)]


def _later(choice: Choice) -> Iterator[Caveat]:
    """Tell how many accounts of the comparison started a plan of their own in the window after."""
    used = choice.weights.use > 0
    accounts = choice.episodes.loc[~choice.episodes["is_plan"], "account_id"]
    later = accounts[used & starts_later(choice.episodes)].nunique()
    if later:
        message = say(
            "{later:count} of {n:n account|accounts} in the comparison started such a plan of their own in a window "
            "after: they stay in, because those that recover start none, and what their plans did is taken off the "
            "effect",
            later=later,
            n=accounts[used].nunique(),
        )
        yield Caveat("controls_started_later", Severity.NOTE, message)


def _nothing(every: "pd.DataFrame", refused: list[Caveat]) -> Comparison:
    reason: Message = say("There is nobody to compare these plans with: what came after is described, not explained")
    sets = every.iloc[:0][["episode_id", "account_id", "month", "is_plan"]].assign(weight=[], rest=[])
    rows = plan_rows(every).assign(**dict.fromkeys(FIGURES, float("nan")), n_controls=0).reset_index(drop=True)
    return Comparison(Design.NONE, reason, rows, blank_balance(), sets, None, None, tuple(refused))


def _mixed(choice: Choice) -> Iterator[Caveat]:
    """Tell how many plans are held against accounts around other days of their month."""
    used = choice.episodes
    if "windows" not in used:
        return
    cell = [name for name in ("lottery", "month", "band") if choice.design is Design.MATCHED or name != "band"]
    is_mixed = used.groupby([*cell, "around"], dropna=False)["windows"].transform("nunique") > 1
    n = int((is_mixed & used["is_plan"]).sum())
    if n:
        message = say(
            "{n:n plan is|plans are} held against accounts around other days of the month, because too few had no plan "
            "around their own: a season does not cancel there",
            n=n,
        )
        advice = say("Read more accounts: most_accounts and most_controls, or widen band_edges")
        yield Caveat("days_mixed", Severity.WARNING, message, advice)
