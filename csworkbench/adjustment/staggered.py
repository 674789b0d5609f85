"""Plans that start one after another: accounts whose plan comes later are the comparison."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.designs import CompareRules
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Staggered:
    """Effects by start and time.

    Args:
        average: Mean effect over all starts and months after.
        groups: One row per start and month: start, month, effect, standard_error.
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

    Args:
        panel: account_id, month, value, first_plan (month, null without), is_eligible; accounts that were never
            eligible at the start of a plan are left out.
        rules: What is demanded.

    Raises:
        EnvironmentProblem: the extra `did` is not installed; says how to install it.
        AnalysisError: no account is left to compare with.
    """
    raise NotImplementedError
