"""What is in the calendars of a few days already: tasks, meetings and steps of success plans."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, day_start

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def planned(snapshot: Snapshot, first: date, last: date) -> "pd.DataFrame":
    """Return what is planned for some days and not done, as it was known at the date of a snapshot.

    Args:
        snapshot: The book as of a date.
        first: First of the days.
        last: Last of the days.

    Returns:
        One row per thing: kind (task, meeting, plan_step), csm_id, account_id; csm_id is missing where nobody is named:
        the CSM of the account does it.
    """
    import pandas as pd

    parts = []
    for kind, table, at, done in (
        ("task", "tasks", "due_at", "done_at"),
        ("meeting", "meetings", "planned_at", "held_at"),
        ("plan_step", "plan_steps", "planned_at", "done_at"),
    ):
        rows = snapshot.tables.get(table)
        if rows is None or at not in rows.columns:
            continue
        if table == "plan_steps":
            plans = snapshot.tables.get("plans")
            if plans is None:
                continue
            named = [name for name in ("plan_id", "account_id", "csm_id") if name in plans.columns]
            rows = rows.join(plans.select(*named), "plan_id")
        ahead = _within(rows, at, (first, last), snapshot.workspace.timezone)
        if done in ahead.columns:
            ahead = ahead.filter(ahead[done].isnull())  # noqa: PD003 - an expression of the engine
        there = [name for name in ("csm_id", "account_id") if name in ahead.columns]
        parts.append(ahead.select(*there).to_pandas().assign(kind=kind))
    columns = ["kind", "csm_id", "account_id"]
    found = [part for part in parts if len(part)]
    if not found:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    frame: pd.DataFrame = pd.concat(found, ignore_index=True).reindex(columns=columns)
    return frame.astype("str").sort_values(columns, ignore_index=True)


def _within(rows: "ir.Table", at: str, days: tuple[date, date], zone: str) -> "ir.Table":
    import ibis

    first, after = day_start(days[0], zone), day_start(days[1] + timedelta(days=1), zone)
    return rows.filter(rows[at] >= ibis.literal(first), rows[at] < ibis.literal(after))
