"""Events by account and week, added up in the engine: touches, use, milestones, renewals."""

from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_effect.settings import Outcome, Reached, TouchFilter, UseAfter
from csworkbench.asof import with_local_day
from csworkbench.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot

MONDAY = date(2001, 1, 1)  # weeks begin on Mondays and are numbered from this one


def numbered_weeks(day: "ir.Column") -> "ir.IntegerColumn":
    """Return the number of the week of each day.

    Args:
        day: DATE column.
    """
    import ibis

    return (day.delta(ibis.literal(MONDAY), unit="day") / 7).floor().cast("int64")


def days(instant: "ir.Column") -> "ir.FloatingColumn":
    """Return each instant in days, so that what came first in a week is known.

    Args:
        instant: TIMESTAMP column.
    """
    return instant.epoch_seconds() / 86_400


def touch_rows(snapshot: "Snapshot", where: TouchFilter) -> "ir.Table":
    """Return the touches that are meant.

    Args:
        snapshot: The book, with touches.
        where: Which touches.

    Raises:
        AnalysisError: touches lacks a column that says which are meant.
    """
    touches = snapshot.tables["touches"]
    lost = [name for name in where.columns if name not in touches.columns]
    if lost:
        hint = f"map it in the workspace, or choose by {', '.join(sorted(set(touches.columns) & set(_COLUMNS)))}"
        raise AnalysisError(*(Problem("there is no such column in touches", key=name, hint=hint) for name in lost))
    return touches.filter(*(touches[name].isin(words) for name, words in where.columns.items()))


_COLUMNS = tuple(TouchFilter.model_fields)


def touch_weeks(snapshot: "Snapshot", where: TouchFilter) -> "pd.DataFrame":
    """Return how often each account was touched in each week: account_id, week, total, sent (the first, as `days`).

    Args:
        snapshot: The book, with touches.
        where: Which touches.
    """
    dated = with_local_day(touch_rows(snapshot, where), "sent_at", snapshot.workspace.timezone)
    rows = dated.select("account_id", week=numbered_weeks(dated.local_day), sent=days(dated.sent_at))
    weeks = rows.group_by("account_id", "week")
    frame: pd.DataFrame = weeks.agg(total=rows.count(), sent=rows.sent.min()).to_pandas()
    return frame


def use_weeks(snapshot: "Snapshot", outcome: Outcome) -> "pd.DataFrame":
    """Return the use of each account in each week: account_id, week, total.

    Args:
        snapshot: The book, with usage_daily.
        outcome: What is compared; where it is no use, all events are what the checks look at.
    """
    use = snapshot.tables["usage_daily"]
    what = outcome.what if isinstance(outcome, UseAfter) else "events"
    if isinstance(outcome, UseAfter) and outcome.features:
        use = use.filter(use.feature.isin(outcome.features))
    rows = use.select("account_id", week=numbered_weeks(use.date), amount=use[what].cast("float64"))
    frame: pd.DataFrame = rows.group_by("account_id", "week").agg(total=rows.amount.sum()).to_pandas()
    return frame.fillna({"total": 0.0})


def happened_weeks(snapshot: "Snapshot", outcome: Outcome) -> "pd.DataFrame":
    """Return when what is compared happened to an account.

    Args:
        snapshot: The book, with milestones or renewals.
        outcome: A milestone (the first time it was reached) or a renewal (when it was due).

    Returns:
        account_id, week, is_good; a milestone has `at` in `days`, a renewal is_open: not decided yet.
    """
    if isinstance(outcome, Reached):
        rows = snapshot.tables["milestones"]
        rows = rows.filter(rows.milestone == outcome.milestone, rows.reached_at.notnull())  # noqa: PD004 - an Ibis column
        dated = with_local_day(rows, "reached_at", snapshot.workspace.timezone)
        weeks = dated.group_by("account_id").agg(
            week=numbered_weeks(dated.local_day).min(), at=days(dated.reached_at).min()
        )
        frame: pd.DataFrame = weeks.mutate(is_good=True).to_pandas()
        return frame
    renewals = snapshot.tables["renewals"]
    due = renewals.select(
        "account_id",
        week=numbered_weeks(renewals.due_date),
        is_good=renewals.outcome != "churned",
        is_open=renewals.outcome == "open",
    )
    found: pd.DataFrame = due.to_pandas()
    return found
