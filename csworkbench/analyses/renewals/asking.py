"""Whom the page wants to be talked to this week: accounts whose renewal is due and not decided."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, earlier
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.policy import of_accounts, week_of

if TYPE_CHECKING:
    import pandas as pd

STEM, RULE, PLAY = "renewals", "decision", "renewal-decision"
PRIORITY = 2


def undecided(snapshot: Snapshot, overdue_days: int) -> "pd.DataFrame":
    """Return the renewals that were open when the week began and are due by its end.

    Args:
        snapshot: The book at the date of the forecast.
        overdue_days: How long after its due date a renewal is still asked for.

    Returns:
        One row per renewal, the one due first on top: account_id, due_date.
    """
    import ibis

    week = week_of(snapshot.as_of)
    rows = earlier(snapshot, week.known).tables["renewals"]
    if "outcome" in rows.columns:
        rows = rows.filter(rows.outcome.fill_null("open") == "open")
    oldest = ibis.literal(week.known - timedelta(days=overdue_days))
    due = rows.filter(rows.due_date <= ibis.literal(week.last), rows.due_date >= oldest)
    frame: pd.DataFrame = due.select("renewal_id", "account_id", "due_date").to_pandas()
    return frame.sort_values(["due_date", "renewal_id"], ignore_index=True)[["account_id", "due_date"]]


def proposal_table(due: "pd.DataFrame", as_of: date) -> "pd.DataFrame":
    """Return the proposals of the week: whoever looks after the account gets the decision.

    Args:
        due: Renewals of `undecided`.
        as_of: Date of the forecast.
    """
    reasons = [text(say("Renewal due on {day:date} is not decided", day=day)) for day in due["due_date"]]
    return of_accounts(due.assign(reason=reasons), (STEM, RULE), week_of(as_of), play=PLAY, priority=PRIORITY)
