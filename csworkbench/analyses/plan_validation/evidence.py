"""What is known of the plans: the plans, their steps, goals and notes, and the metrics around them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.around import Bands, bands_of
from csworkbench.analyses.plan_validation.asking import waiting_steps
from csworkbench.analyses.plan_validation.boards_inputs import Surroundings, surroundings
from csworkbench.analyses.plan_validation.days import in_days, read
from csworkbench.analyses.plan_validation.declared import declared_in
from csworkbench.analyses.plan_validation.levels import Levels, levels_of
from csworkbench.analyses.plan_validation.lottery import recorded, with_orders, without_plan
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.playbooks import parsed

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot

ACTIVE_USERS, ACTIVE_RATIO, HEALTH = "active_users", "active_ratio", "health_score"
PLAN_KINDS = {
    "playbook": "string",
    "problem": "string",
    "problem_metric": "string",
    "theme": "string",
    "csm_id": "string",
    "started_at": "timestamp",
    "landed_at": "timestamp",
    "due_at": "timestamp",
    "closed_at": "timestamp",
    "lottery": "string",
    "start_order": "int64",
}
STEP_KINDS = {
    "name": "string",
    "is_mandatory": "boolean",
    "planned_at": "timestamp",
    "done_at": "timestamp",
    "status": "string",
    "blocker": "string",
    "minutes": "float64",
}
GOAL_KINDS = {
    "direction": "string",
    "baseline": "float64",
    "target": "float64",
    "pre_days": "int64",
    "post_days": "int64",
}
NO_PLAYBOOK = "no playbook"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the validation.
        plans: One row per plan, by plan_id: account_id, playbook, problem, problem_metric, theme, csm_id, created_on,
            started_on, landed_on, due_on, closed_on (days of the workspace's calendar, missing = not yet), lottery,
            start_order.
        waiting: Accounts of official start orders without such a plan, read by comparisons only: lottery, account_id,
            playbook, start_order.
        official: Names of the lotteries whose order stands in records/; only these are draws.
        steps: Steps of the plans: plan_id, step_no, name, is_mandatory, planned_on, done_on, status, blocker, minutes.
        goals: Goals: plan_id, metric, direction, baseline, target, pre_days, post_days.
        notes: Touches of plans with a note or a sentiment: plan_id, sent_on, channel, note, sentiment.
        accounts: Accounts with a plan and those they are compared with; index account_id: name, tier, signup_on,
            left_on, and every text attribute.
        load: Accounts per CSM: account_id, month, csm_load.
        levels: Metric -> levels of these accounts.
        bands: Bands of the health page at month ends; empty without it.
        around: What is known around the plans; None leaves boards, start orders, baselines and the ledger out.
        lacking: Table or result that is absent -> what cannot be said without it.
        of_today: Columns of accounts of which today's value is used for the past.
        late: Mandatory steps that were overdue when the week began, see `asking.waiting_steps`.
        aside: Table of plans -> rows that were set aside when the files were read, where there were any.
        language: Language of the workspace: of plan sheets and of the reasons in playbook files.
        drawn_on: Lottery of `official` -> day of its draw.
    """

    as_of: date
    plans: "pd.DataFrame"
    waiting: "pd.DataFrame"
    official: frozenset[str]
    steps: "pd.DataFrame"
    goals: "pd.DataFrame"
    notes: "pd.DataFrame"
    accounts: "pd.DataFrame"
    load: "pd.DataFrame"
    levels: Mapping[str, Levels]
    bands: Bands
    around: Surroundings | None
    lacking: Mapping[str, str]
    of_today: tuple[str, ...]
    late: "pd.DataFrame"
    aside: Mapping[str, int] = field(default_factory=dict)
    language: str = "en"
    drawn_on: "Mapping[str, pd.Timestamp]" = field(default_factory=dict)

    @property
    def is_tier_of_today(self) -> bool:
        """Whether tiers are known as of today only: a plan that works may have moved its account to another one."""
        return "value_tier" in self.of_today

    @property
    def tiers(self) -> "pd.Series[str]":
        """The tier by which accounts are compared, index account_id: one for all where only today's is known."""
        import pandas as pd

        tier: pd.Series[str] = self.accounts["tier"]
        return pd.Series("known of today only", index=tier.index, dtype="str") if self.is_tier_of_today else tier


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the plans and the metrics of their accounts and of those they are compared with.

    Args:
        snapshot: The book at the date of the validation.
        config: Settings; windows and the number of accounts decide what is read.
        upstream: Results of other analyses; the health page gives scores and bands where it is there.
    """
    import numpy as np

    zone = snapshot.workspace.timezone
    plans = in_days(_frame(snapshot, "plans", ("plan_id", "account_id", "created_at"), PLAN_KINDS), zone)
    plans = plans.assign(playbook=plans["playbook"].fillna(NO_PLAYBOOK)).sort_values("plan_id").set_index("plan_id")
    orders = recorded(config.around.lotteries).rows
    plans, waiting = with_orders(plans, orders), without_plan(plans, orders)
    steps = in_days(_frame(snapshot, "plan_steps", ("plan_id", "step_no"), STEP_KINDS), zone)
    goals = _frame(snapshot, "plan_goals", ("plan_id", "metric"), GOAL_KINDS).sort_values(["plan_id", "metric"])
    accounts = _accounts(snapshot, {*plans["account_id"], *waiting["account_id"]}, config)
    first = np.datetime64(_first_day(snapshot, plans, config), "D")
    span = (first, np.datetime64(snapshot.as_of, "D"))
    bands = bands_of(upstream)
    levels = _business(snapshot, _wanted(plans, goals, config), accounts, span)
    levels |= _use(snapshot, accounts, span)
    if len(bands.history):
        rows = bands.history.rename(columns={"snapshot_on": "date", "score": "value"})
        levels[HEALTH] = levels_of(
            rows, accounts.index, span, metric=HEALTH, cadence="monthly", left_on=accounts["left_on"]
        )
    return Inputs(
        snapshot.as_of,
        plans,
        waiting,
        frozenset(orders["lottery"]),
        steps.sort_values(["plan_id", "step_no"], ignore_index=True),
        goals.reset_index(drop=True),
        _notes(snapshot),
        accounts,
        _load(snapshot, accounts, span),
        MappingProxyType(levels),
        bands,
        surroundings(snapshot, _dates(bands.history), config.around.window_days),
        MappingProxyType(_lacking(snapshot, levels)),
        _of_today(snapshot, first.astype(date), accounts),
        waiting_steps(snapshot),
        _aside(snapshot),
        snapshot.workspace.language,
        MappingProxyType({str(name): day for name, day in orders.groupby("lottery")["eligible_on"].first().items()}),
    )


def _aside(snapshot: "Snapshot") -> dict[str, int]:
    """Return how many rows of plans were set aside at reading; from the whole files, whatever the date."""
    found = {name: snapshot.reports.get(name) for name in ("plans", "plan_steps", "plan_goals")}
    return {name: report.quarantined for name, report in found.items() if report is not None and report.quarantined}


def _dates(history: "pd.DataFrame") -> list[date]:
    return [day.date() for day in sorted(history["snapshot_on"].unique())]


def _frame(snapshot: "Snapshot", name: str, keys: Sequence[str], kinds: Mapping[str, str]) -> "pd.DataFrame":
    """Return a table as a frame with all columns asked for; no rows where the table is absent."""
    import pandas as pd

    if name not in snapshot.tables:
        plain = {"string": "str", "timestamp": "datetime64[us]", "int64": "float64", "boolean": "boolean"}
        columns = {key: pd.Series(dtype="str") for key in keys}
        return pd.DataFrame(columns | {key: pd.Series(dtype=plain.get(kind, kind)) for key, kind in kinds.items()})
    return read(snapshot.tables[name], keys, kinds)


def _accounts(snapshot: "Snapshot", planned: set[str], config: Config) -> "pd.DataFrame":
    """Return the accounts with a plan, and of the others as many as are read, chosen by a hash of their id."""
    from csworkbench.features.dated import with_columns

    table = with_columns(
        snapshot.tables["accounts"],
        name="string",
        value_tier="string",
        region="string",
        signup_at="timestamp",
        churned_at="timestamp",
    )
    texts = [name for name, kind in table.schema().items() if kind.is_string() and name not in ("account_id", "name")]
    frame = table.select("account_id", "name", *texts, "signup_at", "churned_at").to_pandas()
    others = sorted(set(frame["account_id"]) - planned, key=lambda each: sha256(each.encode()).digest())
    kept = frame[frame["account_id"].isin(planned | set(others[: config.most_accounts]))]
    dated = in_days(kept, snapshot.workspace.timezone)
    found: pd.DataFrame = dated.rename(columns={"churned_on": "left_on"}).sort_values("account_id")
    found = found.assign(tier=found["value_tier"].fillna("not known"), name=found["name"].fillna(found["account_id"]))
    return found.set_index("account_id")


def _first_day(snapshot: "Snapshot", plans: "pd.DataFrame", config: Config) -> date:
    """Return the first day that any window can reach."""
    earliest = plans["created_on"].min() if len(plans) else None
    start = snapshot.as_of if earliest is None or earliest != earliest else earliest.date()
    return min(start, snapshot.as_of) - timedelta(
        days=config.pre_days + config.anticipation_days + config.history_days + 62
    )


def _wanted(plans: "pd.DataFrame", goals: "pd.DataFrame", config: Config) -> list[str]:
    rules = {each.starts_below[0] for each in declared_in(parsed(config.playbooks)) if each.starts_below}
    named = {*plans["problem_metric"].dropna(), *goals["metric"].dropna(), *rules, config.business_metric}
    return sorted(named - {ACTIVE_USERS, ACTIVE_RATIO, HEALTH})


def _business(
    snapshot: "Snapshot", metrics: Sequence[str], accounts: "pd.DataFrame", span: tuple[Any, Any]
) -> dict[str, Levels]:
    """Return the levels of business metrics that plans name; the engine hands over the accounts asked for only."""
    import ibis

    if "metrics_daily" not in snapshot.tables or not metrics:
        return {}
    table = snapshot.tables["metrics_daily"]
    is_late = table.date >= ibis.literal(span[0].astype(date))
    table = table.filter(is_late, table.metric.isin(list(metrics)), *_of(table, accounts))
    rows = table.select("account_id", "metric", "date", value=table["value"].cast("float64")).to_pandas()
    found = {}
    for metric, part in rows.groupby("metric", sort=True):
        name = str(metric)
        found[name] = levels_of(part, accounts.index, span, metric=name, left_on=accounts["left_on"])
    return found


def _of(table: "ir.Table", accounts: "pd.DataFrame") -> "list[ir.BooleanValue]":
    """Return the condition that a row is of the accounts asked for."""
    import ibis
    import pyarrow as pa

    asked = ibis.memtable(pa.table({"account_id": pa.array(accounts.index.tolist(), pa.string())}))
    return [table.account_id.isin(asked.account_id)]


def _use(snapshot: "Snapshot", accounts: "pd.DataFrame", span: tuple[Any, Any]) -> dict[str, Levels]:
    """Return active users and active ratio at month ends, as far as the tables are there."""
    import numpy as np

    from csworkbench.asof import month_ends
    from csworkbench.features import ActiveRatio, ActiveUsers, missing_tables, panel

    sources: dict[str, Any] = {ACTIVE_USERS: ActiveUsers(), ACTIVE_RATIO: ActiveRatio()}
    absent = missing_tables(sources, snapshot)
    kept: dict[str, Any] = {name: source for name, source in sources.items() if name not in absent}
    if not kept:
        return {}
    months = max(1, int((span[1] - span[0]) / np.timedelta64(1, "D") / 30.44))
    measured = panel(_narrowed(snapshot, accounts), kept, month_ends(snapshot.as_of, months))
    measured = measured.rename(columns={"snapshot_date": "date"})
    return {
        name: levels_of(
            measured[measured["measure"] == name],
            accounts.index,
            span,
            metric=name,
            cadence="monthly",
            left_on=accounts["left_on"],
        )
        for name in kept
    }


def _narrowed(snapshot: "Snapshot", accounts: "pd.DataFrame") -> "Snapshot":
    """Return the snapshot with the use of the accounts asked for only."""
    from dataclasses import replace

    usage = snapshot.history["usage_daily"]
    return replace(snapshot, history={**snapshot.history, "usage_daily": usage.filter(*_of(usage, accounts))})


def _notes(snapshot: "Snapshot") -> "pd.DataFrame":
    """Return what was written and felt about plans."""
    import pandas as pd

    from csworkbench.features.dated import with_columns

    columns = ["plan_id", "sent_on", "channel", "note", "sentiment"]
    table = snapshot.tables.get("touches")
    if table is None or "plan_id" not in table.columns:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    table = with_columns(table, note="string", sentiment="string", channel="string")
    said = table.filter(table.plan_id.notnull(), table.note.notnull() | table.sentiment.notnull())  # noqa: PD004 - Ibis
    frame = in_days(
        said.select("plan_id", "sent_at", "channel", "note", "sentiment").to_pandas(), snapshot.workspace.timezone
    )
    return frame.sort_values(["plan_id", "sent_on", "note"], ignore_index=True)[columns]


def _load(snapshot: "Snapshot", accounts: "pd.DataFrame", span: tuple[Any, Any]) -> "pd.DataFrame":
    """Return how many accounts the CSM of each account holds, month by month."""
    import pandas as pd

    columns = ["account_id", "month", "csm_load"]
    if "assignments" not in snapshot.history:
        return pd.DataFrame(
            {
                "account_id": pd.Series(dtype="str"),
                "month": pd.Series(dtype="datetime64[s]"),
                "csm_load": pd.Series(dtype="float64"),
            }
        )
    held = snapshot.history["assignments"]
    held = held.filter(held.role == "csm").select("account_id", "csm_id", "valid_from", "valid_to")
    frame = held.to_pandas()
    starts, ends = pd.to_datetime(frame["valid_from"]), pd.to_datetime(frame["valid_to"])
    parts = []
    for month in pd.date_range(span[0].astype("datetime64[M]").astype("datetime64[s]"), span[1], freq="MS"):
        now = frame[(starts <= month) & (ends.isna() | (ends > month))].drop_duplicates("account_id", keep="last")
        load = now["csm_id"].map(now["csm_id"].value_counts()).astype(float)
        parts.append(pd.DataFrame({"account_id": now["account_id"], "month": month, "csm_load": load}))
    found = pd.concat(parts, ignore_index=True)
    return found[found["account_id"].isin(accounts.index)].astype({"month": "datetime64[s]"})[columns]


def _lacking(snapshot: "Snapshot", levels: Iterable[str]) -> dict[str, str]:
    said = {
        "plan_steps": "whether plans were run to the end",
        "plan_goals": "whether goals were met",
        "metrics_daily": "business metrics",
        "usage_daily": "active users and their ratio",
        "assignments": "how many accounts a CSM holds",
        "touches": "notes beside the figures",
    }
    found = {name: what for name, what in said.items() if name not in snapshot.tables}
    return found if HEALTH in set(levels) else found | {"health": "health before and after"}


def _of_today(snapshot: "Snapshot", first: date, accounts: "pd.DataFrame") -> tuple[str, ...]:
    from csworkbench.asof import earlier

    current = earlier(snapshot, min(first, snapshot.as_of)).current_only.get("accounts", ())
    return tuple(name for name in current if name in accounts.columns)
