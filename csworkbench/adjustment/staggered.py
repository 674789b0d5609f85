"""Plans that start one after another: accounts whose plan comes later are the comparison."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment import did
from csworkbench.adjustment.averaging import UNIT
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.episodes import month_number
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

REACH = 6  # months before and after a start that count


@dataclass(frozen=True, slots=True, eq=False)
class Staggered:
    """Effects by start and time.

    Args:
        average: Mean effect over all starts and the months of the start and up to six after.
        groups: One row per start and month: start, month (both first days), effect, standard_error.
        months: One row per month from the start: offset, effect, standard_error, low, high.
        n_plans: Accounts with a plan.
        n_controls: Accounts that were a control at some time.
    """

    average: Estimate
    groups: "pd.DataFrame"
    months: "pd.DataFrame"
    n_plans: int
    n_controls: int


def staggered(panel: "pd.DataFrame", rules: CompareRules) -> Staggered:
    """Return effects of plans that start one after another, by Callaway and Sant'Anna.

    A start is held against accounts that were eligible in its month and had no plan so far, each until its own plan
    starts. So that they are not mixed up with those of another start, every start gets a clock of its own; errors are
    clustered by account, which brings back that one account is a control of several starts.

    Args:
        panel: account_id, month (first day), value, first_plan (month, null without), is_eligible; one row per account
            and month. Where it has busy_from (month in which that plan got under way), an account is a control until
            then only.
        rules: What is demanded.

    Raises:
        EnvironmentProblem: the extra `did` is not installed; says how to install it.
        AnalysisError: no account is left to compare with.
    """
    from scipy.stats import norm

    stack = stacked(panel, rules.anticipation)
    treated = stack["start"] > 0
    n_plans, n_controls = (stack.loc[side, "account_id"].nunique() for side in (treated, ~treated))
    if not n_plans or not n_controls:
        raise AnalysisError("no account was eligible and without a plan when another one's plan started")
    columns = {"account_id": "account"}
    told = stack.rename(columns=columns)[["unit", "account", "clock", "value", "start"]]
    found = did.callaway_santanna(told, rules.anticipation)
    far = float(norm.ppf((1 + rules.level) / 2))
    names = stack[["clock", "month"]].drop_duplicates().set_index("clock")["month"]
    groups = found.cells.assign(start=found.cells["start"].map(names), month=found.cells["clock"].map(names))
    value, reach = found.value, far * found.error
    return Staggered(
        Estimate(value, UNIT, n_plans, value - reach, value + reach, rules.level),
        groups[["start", "month", "effect", "standard_error"]],
        found.months.assign(
            low=found.months["effect"] - far * found.months["standard_error"],
            high=found.months["effect"] + far * found.months["standard_error"],
        ),
        int(n_plans),
        int(n_controls),
    )


def stacked(panel: "pd.DataFrame", anticipation: int = 0) -> "pd.DataFrame":
    """Return each start with its comparison as a panel of its own, one under another.

    Args:
        panel: As `staggered` takes it.
        anticipation: Months before its own plan in which an account is no control any more.

    Returns:
        unit (account and start), account_id, month, value, clock (of the start's own time), start (clock of the start;
        0 for a control), landing (month of the start).
    """
    import pandas as pd

    told = panel[panel["value"].notna()]
    number, first_plan = month_number(told["month"]), month_number(told["first_plan"])
    until = month_number(told["busy_from"]) if "busy_from" in told else first_plan
    until = until - anticipation
    rows = told[["account_id", "month", "value"]].assign(number=number, first_plan=first_plan, until=until)
    first, last = int(number.min()), int(number.max())
    width = 2 * REACH + 1
    parts = []
    for place, start in enumerate(sorted(set(first_plan[(first_plan > first) & (first_plan <= last)]))):
        at_start = told.loc[(number == start) & told["is_eligible"].fillna(False).astype(bool), "account_id"]
        is_plan = rows["first_plan"] == start
        is_control = (rows["first_plan"] > start) & (rows["number"] < rows["until"])
        is_near = (rows["number"] - start).abs() <= REACH
        part = rows[is_near & (is_plan | (is_control & rows["account_id"].isin(at_start)))]
        shift = 1 + place * width + REACH - start
        parts.append(
            part.assign(
                clock=part["number"] + shift,
                start=(part["first_plan"] == start) * (start + shift),
                landing=pd.Timestamp(year=(start - 1) // 12, month=(start - 1) % 12 + 1, day=1),
                place=place,
            )
        )
    columns = ["unit", "account_id", "month", "value", "clock", "start", "landing"]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    every = pd.concat(parts, ignore_index=True)
    every["unit"] = every.groupby(["place", "account_id"], sort=False).ngroup()
    found: pd.DataFrame = every[columns]
    return found
