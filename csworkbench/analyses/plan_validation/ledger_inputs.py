"""What was going on at every account in a fixed window before each of several dates: plans, touches, tickets, use."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.asof import Snapshot, day_start

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COUNTS = ("plans_running", "plans_landed", "human_touches", "tech_touches", "tickets_opened", "tickets_resolved")


def going_on(snapshot: Snapshot, dates: Sequence[date], window_days: int) -> "pd.DataFrame":
    """Return what was going on at every account of the book before each date.

    Args:
        snapshot: The book as of the last date or later.
        dates: Days at the end of which is looked.
        window_days: Length of the window, the date included.

    Returns:
        One row per date and account: account_id, snapshot_on, then counts within the window, as far as the tables are
        there: plans_running (started by its last day and not closed before its first), plans_landed, human_touches,
        tech_touches, tickets_opened, tickets_resolved; usage_change (events of use in the window against those in the
        window before, as a share of the latter; missing without use then), playbooks (of the plans running, "" = none).
    """
    import ibis

    accounts = snapshot.tables["accounts"].select("account_id")
    grid = accounts.cross_join(_windows(snapshot, dates, window_days))
    for facts in _counts(snapshot, _windows(snapshot, dates, window_days)):
        names = [name for name in facts.columns if name not in ("account_id", "snapshot_on")]
        grid = grid.left_join(facts, ["account_id", "snapshot_on"]).select(*grid.columns, *names)
        filled = {name: grid[name].fill_null("" if name == "playbooks" else 0) for name in names if name != "change"}
        grid = grid.mutate(**filled)
    grid = grid.rename(usage_change="change") if "change" in grid.columns else grid
    ordered = grid.drop("opens_at", "ends_at", "before_at").order_by([ibis._.snapshot_on, ibis._.account_id])
    return _typed(ordered.to_pandas())


def _typed(frame: "pd.DataFrame") -> "pd.DataFrame":
    kinds = {name: "int64" for name in COUNTS if name in frame.columns}
    return frame.astype({"snapshot_on": "datetime64[s]", **kinds})


def _windows(snapshot: Snapshot, dates: Sequence[date], window_days: int) -> "ir.Table":
    """Return one row per date: snapshot_on, and when its window opens and ends and the one before opens."""
    from datetime import timedelta

    import ibis
    import pyarrow as pa

    zone, days = snapshot.workspace.timezone, sorted(set(dates))

    def starts(shift: int) -> "pa.Array[Any]":
        return pa.array([day_start(day + timedelta(days=shift), zone) for day in days], pa.timestamp("us"))

    columns = {
        "snapshot_on": pa.array(days, pa.date32()),
        "before_at": starts(1 - 2 * window_days),
        "opens_at": starts(1 - window_days),
        "ends_at": starts(1),
    }
    return ibis.memtable(pa.table(columns))


def _counts(snapshot: Snapshot, windows: "ir.Table") -> "Iterator[ir.Table]":
    """Yield per table one row per account and date with a fact."""
    tables = snapshot.tables
    if "plans" in tables and {"started_at", "closed_at"} <= set(tables["plans"].columns):
        yield _running(tables["plans"], windows)
    if "plans" in tables and "landed_at" in tables["plans"].columns:
        yield _within(tables["plans"], windows, "landed_at", "plans_landed")
    if "touches" in tables and "mode" in tables["touches"].columns:
        for mode in ("human", "tech"):
            touches = tables["touches"].filter(tables["touches"]["mode"] == mode)
            yield _within(touches, windows, "sent_at", f"{mode}_touches")
    if "tickets" in tables:
        yield _within(tables["tickets"], windows, "opened_at", "tickets_opened")
        if "resolved_at" in tables["tickets"].columns:
            yield _within(tables["tickets"], windows, "resolved_at", "tickets_resolved")
    if "usage_daily" in tables and "events" in tables["usage_daily"].columns:
        yield _change(tables["usage_daily"], windows)


def _running(plans: "ir.Table", windows: "ir.Table") -> "ir.Table":
    import ibis

    started = plans.filter(plans.started_at.notnull())  # noqa: PD004 - Ibis
    is_running = [
        started.started_at < windows.ends_at,
        started.closed_at.isnull() | (started.closed_at >= windows.opens_at),  # noqa: PD003 - Ibis
    ]
    joined = started.inner_join(windows, is_running)
    names = joined.playbook.fill_null("") if "playbook" in plans.columns else ibis.literal("")
    rows = joined.select("account_id", "snapshot_on", "plan_id", named=names)
    return rows.group_by(["account_id", "snapshot_on"]).agg(
        plans_running=rows.plan_id.nunique(), playbooks=rows.named.group_concat(", ", order_by=rows.named)
    )


def _within(table: "ir.Table", windows: "ir.Table", column: str, name: str) -> "ir.Table":
    """Return how many rows of a table have an instant within the window."""
    rows = table.select("account_id", at=table[column])
    joined = rows.inner_join(windows, [rows.at >= windows.opens_at, rows.at < windows.ends_at])
    return joined.group_by(["account_id", "snapshot_on"]).agg(**{name: joined.count()})


def _change(usage: "ir.Table", windows: "ir.Table") -> "ir.Table":
    """Return the change of the events of use; use has days, so they are compared with days of the window."""
    import ibis

    by_day = usage.group_by(["account_id", "date"]).agg(events=usage.events.sum().cast("float64"))
    spans = windows.mutate(
        length=(windows.ends_at.epoch_seconds() - windows.opens_at.epoch_seconds() + 43_200) // 86_400
    )
    age = spans.snapshot_on.delta(by_day.date, unit="day")
    joined = by_day.inner_join(spans, [age >= 0, age < 2 * spans.length])
    is_now = joined.snapshot_on.delta(joined.date, unit="day") < joined.length
    sums = joined.group_by(["account_id", "snapshot_on"]).agg(
        now=joined.events.sum(where=is_now).fill_null(0.0), then=joined.events.sum(where=~is_now)
    )
    return sums.select("account_id", "snapshot_on", change=ibis.ifelse(sums.then > 0, sums.now / sums.then - 1, None))
