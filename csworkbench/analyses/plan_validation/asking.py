"""Whom the page wants to be talked to this week: accounts whose plan waits for a mandatory step."""

from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.boards import overdue
from csworkbench.analyses.plan_validation.boards_inputs import board_rows
from csworkbench.asof import Snapshot, earlier
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.policy import of_accounts, week_of

if TYPE_CHECKING:
    import pandas as pd

STEM, RULE, PLAY = "plan_validation", "overdue_step", "plan-step"
PRIORITY = 3


def waiting_steps(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the mandatory steps of running plans that were overdue when the week began, see `boards.overdue`.

    Args:
        snapshot: The book at the date of the page.
    """
    week = week_of(snapshot.as_of)
    plans, steps = board_rows(earlier(snapshot, week.known))
    late = overdue(plans, steps, week.known)
    return late[late["is_mandatory"].fillna(False).astype(bool)].reset_index(drop=True)


def proposal_table(late: "pd.DataFrame", as_of: date) -> "pd.DataFrame":
    """Return the proposals of the week: whoever runs the plan settles its oldest step with the account.

    Args:
        late: Steps of `waiting_steps`, the oldest first.
        as_of: Date of the page.
    """
    told = zip(late["step_no"], late["plan_id"], late["planned_on"], strict=True)
    reasons = [
        text(say("Step {step:count} of plan {plan} was planned for {day:date}", step=int(step), plan=plan, day=day))
        for step, plan, day in told
    ]
    rows = late[["account_id", "csm_id"]].assign(reason=reasons)
    return of_accounts(rows, (STEM, RULE), week_of(as_of), play=PLAY, priority=PRIORITY)
