"""What boards, sheets, baselines, lotteries and the ledger are made of: plans, accounts, levels before the start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.days import day_of, in_days, read
from csworkbench.analyses.plan_validation.ledger_inputs import going_on
from csworkbench.asof import Snapshot
from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

PLANS = {
    "playbook": "string", "problem": "string", "theme": "string", "priority": "string", "csm_id": "string",
    "created_at": "timestamp", "started_at": "timestamp", "landed_at": "timestamp", "due_at": "timestamp",
    "closed_at": "timestamp", "shared_at": "timestamp", "customer_commitments": "string", "lottery": "string",
    "start_order": "float64",
}  # fmt: skip
STEPS = {
    "name": "string", "is_mandatory": "boolean", "planned_at": "timestamp", "done_at": "timestamp", "status": "string",
    "blocker": "string",
}  # fmt: skip
GOALS = {"baseline": "float64", "target": "float64"}
NOTES = {"note": "string", "sentiment": "string"}


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What is known around plans.

    Args:
        as_of: Date of the page.
        plans: One row per plan, by plan_id: account_id, playbook, problem, theme, priority, csm_id, created_on,
            started_on, landed_on, due_on, closed_on, shared_on, customer_commitments, lottery, start_order.
        steps: One row per step: plan_id, step_no, name, is_mandatory, planned_on, done_on, status, blocker.
        goals: One row per plan and metric: plan_id, metric, baseline, target.
        notes: Touches of plans with a note: plan_id, sent_on, note, sentiment.
        accounts: All accounts, by account_id: name, tier, left_on, and their other texts.
        levels: Mean of each goal metric in the window before the start: plan_id, metric, value.
        facts: What was going on before each date of the history of health: see `ledger_inputs.going_on`.
        people: Names of contacts and of our team, which no sheet may hold.
    """

    as_of: date
    plans: "pd.DataFrame"
    steps: "pd.DataFrame"
    goals: "pd.DataFrame"
    notes: "pd.DataFrame"
    accounts: "pd.DataFrame"
    levels: "pd.DataFrame"
    facts: "pd.DataFrame"
    people: tuple[str, ...] = ()


def surroundings(snapshot: Snapshot, dates: Sequence[date], window_days: int) -> Surroundings:
    """Return what is known around the plans of a book.

    Args:
        snapshot: The book at the date of the page.
        dates: Dates of the history of health; empty = there is none, so nothing is counted before them.
        window_days: Length of the windows before those dates, and before the starts of plans.
    """
    tables = snapshot.tables
    return Surroundings(
        snapshot.as_of,
        *board_rows(snapshot),
        _frame(snapshot, tables.get("plan_goals"), ("plan_id", "metric"), GOALS),
        _frame(snapshot, _notes(tables), ("plan_id", "sent_at"), NOTES),
        _accounts(snapshot),
        _levels(snapshot, window_days),
        going_on(snapshot, dates, window_days),
        _people(snapshot),
    )


def board_rows(snapshot: Snapshot) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return plans and steps as `boards.boards` takes them.

    Args:
        snapshot: The book as of a date.
    """
    tables = snapshot.tables
    plans = _frame(snapshot, tables.get("plans"), ("plan_id", "account_id"), PLANS).set_index("plan_id")
    return plans, _frame(snapshot, tables.get("plan_steps"), ("plan_id", "step_no"), STEPS)


def _people(snapshot: Snapshot) -> tuple[str, ...]:
    tables = [snapshot.tables[name] for name in ("contact_pii", "csms") if name in snapshot.tables]
    found = [with_columns(table, name="string").select("name").distinct().to_pandas()["name"] for table in tables]
    return tuple(sorted({str(name) for names in found for name in names.dropna()}))


def _frame(
    snapshot: Snapshot, table: "ir.Table | None", keys: Sequence[str], kinds: Mapping[str, str]
) -> "pd.DataFrame":
    """Return columns of a table, in the order of its keys, instants as days of the workspace; no rows without it."""
    import pandas as pd

    if table is None:
        empty = pd.DataFrame({name: pd.Series(dtype="object") for name in (*keys, *kinds)})
        return in_days(_typed(empty, kinds), snapshot.workspace.timezone)
    frame = in_days(_typed(read(table, keys, kinds), kinds), snapshot.workspace.timezone)
    return frame.sort_values([day_of(key) for key in keys], ignore_index=True)


def _typed(frame: "pd.DataFrame", kinds: Mapping[str, str]) -> "pd.DataFrame":
    plain = {"string": "str", "timestamp": "datetime64[us]"}
    wanted = {name: plain.get(kind, kind) for name, kind in kinds.items()}
    keys = [str(name) for name in frame.columns if name not in kinds and name != "step_no"]
    return frame.astype({**wanted, **{name: "datetime64[us]" if name.endswith("_at") else "str" for name in keys}})


def _notes(tables: "Mapping[str, ir.Table]") -> "ir.Table | None":
    touches = tables.get("touches")
    if touches is None or not {"plan_id", "note"} <= set(touches.columns):
        return None
    return touches.filter(touches.plan_id.notnull(), touches.note.notnull())  # noqa: PD004 - Ibis


def _accounts(snapshot: Snapshot) -> "pd.DataFrame":
    table = with_columns(snapshot.tables["accounts"], name="string", value_tier="string", churned_at="timestamp")
    texts = [name for name, kind in table.schema().items() if kind.is_string() and name != "account_id"]
    frame = _frame(snapshot, table, ("account_id",), {**dict.fromkeys(texts, "string"), "churned_at": "timestamp"})
    frame = frame.rename(columns={"churned_on": "left_on"})
    named = frame.assign(name=frame["name"].fillna(frame["account_id"]), tier=frame["value_tier"].fillna("not known"))
    return named.set_index("account_id")


def _levels(snapshot: Snapshot, window_days: int) -> "pd.DataFrame":
    """Return the mean per recorded day of each goal metric in the days before the start of its plan."""
    import pandas as pd

    from csworkbench.asof import with_local_day

    needed = {"plans", "plan_goals", "metrics_daily"}
    if not needed <= set(snapshot.tables) or "started_at" not in snapshot.tables["plans"].columns:
        kinds = {"plan_id": "str", "metric": "str", "value": "float64"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    plans, goals, metrics = (snapshot.tables[name] for name in ("plans", "plan_goals", "metrics_daily"))
    begun = with_local_day(plans, "started_at", snapshot.workspace.timezone)
    begun = begun.filter(begun.started_at.notnull()).select("plan_id", "account_id", begins="local_day")  # noqa: PD004
    asked = begun.inner_join(goals.select("plan_id", "metric"), "plan_id")
    # Decimals add up to the same digits in any order; floats would differ with the number of threads.
    days = metrics.select("account_id", "metric", "date", level=metrics["value"].try_cast("decimal(38, 9)"))
    joined = asked.inner_join(days, ["account_id", "metric"])
    age = joined.begins.delta(joined.date, unit="day")
    before = joined.filter(age >= 1, age <= window_days)
    means = before.group_by(["plan_id", "metric"]).agg(total=before.level.sum(), days=before.level.count())
    means = means.select("plan_id", "metric", value=means.total.cast("float64") / means.days.nullif(0))
    frame: pd.DataFrame = means.order_by(["plan_id", "metric"]).to_pandas()
    return frame.astype({"plan_id": "str", "metric": "str"})
