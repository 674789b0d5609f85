"""Designs that need months instead of windows: plans that start one after another, and one account among donors."""

from typing import TYPE_CHECKING

from csworkbench.adjustment import did
from csworkbench.adjustment.averaging import UNIT
from csworkbench.adjustment.designs import CompareRules, Comparison, Design
from csworkbench.adjustment.episodes import FIGURES, blank_balance, plan_rows
from csworkbench.adjustment.staggered import REACH, stacked, staggered
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 2  # months before a start and after it whose means are held against each other
LEAST_BEFORE = 4  # months before landing without which no donors are weighed


def by_starts(every: "pd.DataFrame", panel: "pd.DataFrame", rules: CompareRules) -> Comparison | Message | Caveat:
    """Return plans held against accounts that were eligible with them and got their plan later, or why not.

    Args:
        every: Episodes.
        panel: Months of the accounts (`comparing.compare`).
        rules: What is demanded.
    """
    stack = stacked(panel, rules.anticipation)
    changes = _changes(stack, rules.anticipation)
    plans, controls = changes[changes["is_plan"]], changes[~changes["is_plan"]]
    sizes = controls.groupby("landing").size()
    plans = plans[plans["landing"].map(sizes).fillna(0) >= rules.min_per_cell]
    controls = controls[controls["landing"].isin(plans["landing"])]
    if plans.empty or len(controls) < rules.min_controls:
        return say(
            "Of the accounts eligible at a start {n:count} had no plan yet and have months before and after; "
            "{least:count} are needed",
            n=len(controls),
            least=rules.min_controls,
        )
    gap = _gap(plans, controls)
    if abs(gap) > rules.max_smd:
        return say(
            "Accounts whose plan came later differ by {gap:number} SD in level before: what rises by itself would be "
            "taken for an effect",
            gap=abs(gap),
        )
    if not did.is_installed():
        return _lacking(say("Plans that start one after another could be compared with the package diff-diff"))
    return _staggered(every, panel, plans, controls, rules)


def _lacking(what: Message) -> Caveat:
    """Return that a design would do, if its package were there: told on the page, not only beside the design."""
    return Caveat("extra_missing", Severity.WARNING, what, say("pip install 'csworkbench[did]'"))


def _changes(stack: "pd.DataFrame", anticipation: int) -> "pd.DataFrame":
    """Return, per account and start, its level before and its change, where all months are there."""
    import pandas as pd

    if stack.empty:
        return _no_changes()
    number = (stack["month"].dt.year - stack["landing"].dt.year) * 12 + (
        stack["month"].dt.month - stack["landing"].dt.month
    )
    is_near = number.between(1, WINDOW) | (-anticipation - number).between(1, WINDOW)
    near = stack.assign(offset=number)[is_near]
    keys = ["account_id", "landing", "is_plan"]
    near = near.assign(is_plan=near["start"] > 0, is_after=near["offset"] > 0)
    means = near.pivot_table(index=keys, columns="is_after", values="value", aggfunc=["mean", "size"])
    if means.shape[1] < 4:
        return _no_changes()
    told: pd.DataFrame = means[(means["size"] == WINDOW).all(axis=1)]["mean"]
    found: pd.DataFrame = pd.DataFrame({"before": told[False], "change": told[True] - told[False]}).reset_index()
    return found


def _no_changes() -> "pd.DataFrame":
    import pandas as pd

    made = pd.DataFrame(columns=["account_id", "landing", "is_plan", "before", "change"])
    return made.astype({"is_plan": bool})  # an empty mask of objects would choose columns instead of rows


def _gap(plans: "pd.DataFrame", controls: "pd.DataFrame") -> float:
    use = controls["landing"].map(plans["landing"].value_counts() / controls["landing"].value_counts())
    spread = float(controls["before"].std())
    gap = float(plans["before"].mean() - (use * controls["before"]).sum() / use.sum())
    return gap / spread if spread > 0 else 0.0


def _staggered(
    every: "pd.DataFrame", panel: "pd.DataFrame", plans: "pd.DataFrame", controls: "pd.DataFrame", rules: CompareRules
) -> Comparison:
    import numpy as np
    import pandas as pd
    from scipy.stats import norm

    found = staggered(panel, rules)
    about = controls["change"] - controls.groupby("landing")["change"].transform("mean")
    spread = float(np.sqrt((about**2).sum() / max(len(about) - controls["landing"].nunique(), 1)))
    use = controls["landing"].map(plans["landing"].value_counts() / controls["landing"].value_counts()) / len(plans)
    shared = float(np.sqrt(((use * about).groupby(controls["account_id"]).sum() ** 2).sum()))
    told = plans[["account_id", "landing"]].assign(
        change=plans["landing"].map(controls.groupby("landing")["change"].mean()),
        n_controls=plans["landing"].map(controls["landing"].value_counts()),
    )
    rows = plan_rows(every)
    month = every.loc[every["is_plan"], "month"]
    rows = rows.assign(landing=month).merge(told, on=["account_id", "landing"], how="left")
    error = spread * np.sqrt(1 + 1 / rows["n_controls"])
    expected = rows["before"] + rows["change"]
    far = float(norm.ppf((1 + rules.level) / 2)) * error
    effect = rows["observed"] - expected
    effects = rows.assign(
        expected=expected,
        rebound=rows["change"],
        effect=effect,
        standard_error=error,
        shared_error=shared,
        low=effect - far,
        high=effect + far,
        n_controls=rows["n_controls"].fillna(0).astype(int),
    )[[*plan_rows(every).columns, *FIGURES, "n_controls"]]
    sets = pd.concat(
        [
            plans.assign(weight=1 / len(plans), rest=np.nan),
            controls.assign(weight=use, rest=about),
        ],
        ignore_index=True,
    ).rename(columns={"landing": "month"})
    sets["episode_id"] = sets["account_id"] + " " + sets["month"].dt.strftime("%Y-%m")
    gap = _gap(plans, controls)
    reason = say(
        "Nobody of the same days and band went without a plan: {plans:n account|accounts} are held against "
        "{controls:count} that were eligible with them and got theirs later",
        plans=found.n_plans,
        controls=int(controls["account_id"].nunique()),
    )
    balance = pd.DataFrame({"covariate": ["level"], "smd_before": [gap], "smd_after": [gap]})
    return Comparison(
        Design.STAGGERED,
        reason,
        effects,
        balance,
        sets[["episode_id", "account_id", "month", "is_plan", "weight", "rest"]],
        found.average,
        _p(found.average, rules),
    )


def _p(average: Estimate, rules: CompareRules) -> float | None:
    from scipy.stats import norm

    if average.value is None or average.high is None:
        return None
    error = (average.high - average.value) / float(norm.ppf((1 + rules.level) / 2))
    return float(2 * norm.sf(abs(average.value) / error)) if error > 0 else None


def by_donors(every: "pd.DataFrame", panel: "pd.DataFrame", rules: CompareRules) -> Comparison | Message | Caveat:
    """Return the plan of one account held against a weighted mean of accounts that went the same way, or why not.

    Args:
        every: Episodes.
        panel: Months of the accounts (`comparing.compare`).
        rules: What is demanded.
    """
    plans = every[every["is_plan"]]
    if len(plans) != 1:
        return say("A synthetic control is for the plan of one account; there are {n:count}", n=len(plans))
    account, landing = str(plans["account_id"].iloc[0]), plans["month"].iloc[0]
    square = _square(panel, account, landing, rules.anticipation)
    donors = int(square.loc[square["is_plan"] == 0, "account_id"].nunique())
    before, after = (sorted(square.loc[side, "clock"].unique()) for side in (square["clock"] < 0, square["clock"] > 0))
    if donors < rules.min_donors or len(before) < LEAST_BEFORE or not after:
        return say(
            "For a synthetic control there are {donors:n account|accounts} without a plan and without gaps and "
            "{months:n month|months} before; {least:count} and {before:count} are needed",
            donors=donors,
            months=len(before),
            least=rules.min_donors,
            before=LEAST_BEFORE,
        )
    if not did.is_installed():
        return _lacking(say("A synthetic control could be made with the package diff-diff"))
    return _synthetic(every, did.synthetic_did(square, after, rules.seed), rules, donors)


def _square(panel: "pd.DataFrame", account: str, landing: "pd.Timestamp", anticipation: int) -> "pd.DataFrame":
    """Return the account and donors in the months before and after landing that the account has, without gaps."""
    clock = (panel["month"].dt.year - landing.year) * 12 + panel["month"].dt.month - landing.month
    is_plan = panel["account_id"] == account
    rows = panel.assign(clock=clock, is_plan=is_plan.astype(int))
    rows = rows[(is_plan | panel["first_plan"].isna()) & panel["value"].notna() & (clock <= REACH)]
    rows = rows[~rows["clock"].between(-anticipation, 0)]
    clocks = rows.loc[rows["is_plan"] == 1, "clock"]
    rows = rows[rows["clock"].isin(clocks)]
    whole = rows.groupby("account_id")["clock"].transform("size") == len(clocks)
    square: pd.DataFrame = rows.loc[whole, ["account_id", "clock", "value", "is_plan"]].reset_index(drop=True)
    return square


def _synthetic(every: "pd.DataFrame", found: did.Synthetic, rules: CompareRules, donors: int) -> Comparison:
    import numpy as np

    far = float(np.quantile(np.abs(found.placebos), rules.level, method="higher"))
    p = float((1 + (np.abs(found.placebos) >= abs(found.value)).sum()) / (1 + len(found.placebos)))
    rows = plan_rows(every).reset_index(drop=True)
    expected = rows["observed"] - found.value
    effects = rows.assign(
        expected=expected,
        rebound=expected - rows["before"],
        effect=found.value,
        standard_error=float(np.sqrt((found.placebos**2).mean())),
        shared_error=0.0,
        low=found.value - far,
        high=found.value + far,
        n_controls=donors,
    )
    reason = say(
        "One account alone: it is held against a weighted mean of {n:n account|accounts} of {donors:count} that went "
        "the same way before",
        n=len(found.donors),
        donors=donors,
    )
    plan = every.loc[every["is_plan"], ["episode_id", "account_id", "month"]].assign(is_plan=True, weight=1.0)
    doubt = Caveat(
        "one_account",
        Severity.WARNING,
        say("The interval comes from putting each of {n:n donor|donors} in the account's place", n=len(found.placebos)),
    )
    return Comparison(
        Design.SYNTHETIC,
        reason,
        effects,
        blank_balance(),
        plan.assign(rest=found.value).reset_index(drop=True),
        Estimate(found.value, UNIT, 1, found.value - far, found.value + far, rules.level),
        p,
        (doubt,),
    )
