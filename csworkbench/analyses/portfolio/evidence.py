"""What the panorama is made of: the customers of today, who looks after them, visits, tasks, and what others found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.portfolio.settings import Config
from csworkbench.asof import Snapshot

if TYPE_CHECKING:
    import pandas as pd

ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        language: Language of texts in tables.
        accounts: Customers by account_id: name, tier, arr, currency, since (day it signed up, missing = not known),
            csm_id (missing = nobody), csm (its name).
        people: By csm_id: csm (name), team, capacity (minutes a week, missing = not known).
        doubled: Accounts with two CSMs at once: see `with_two_csms`.
        talks: One row per account and person (missing = not recorded) with a touch by a person in the period:
            account_id, csm_id, touches, minutes.
        visits: By account_id: online, offline (day of the last one); a kind that no table records is no column.
        tasks: One row per task that is not dropped: task_id, account_id, csm_id, theme, priority, due_on, done_on.
        meetings: One row per meeting that was not held: account_id, kind, planned_on.
        steps: One row per open mandatory step of an open plan: plan_id, account_id, name, planned_on.
        tables: Table of the workspace -> its columns.
        upstream: Results of this run: their figures, tables and settings.
    """

    as_of: date
    language: str
    accounts: "pd.DataFrame"
    people: "pd.DataFrame"
    doubled: "pd.DataFrame"
    talks: "pd.DataFrame"
    visits: "pd.DataFrame"
    tasks: "pd.DataFrame"
    meetings: "pd.DataFrame"
    steps: "pd.DataFrame"
    tables: Mapping[str, frozenset[str]]
    upstream: Mapping[str, Any]

    def knows(self, table: str, *columns: str) -> bool:
        """Return whether the book has a table with all of these columns: what they say is not known otherwise.

        Args:
            table: Canonical table.
            columns: Its columns.
        """
        return table in self.tables and self.tables[table] >= set(columns)


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return customers, people, visits and what is to do.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: period, channels of visits, statuses of dropped tasks.
        upstream: Results of the analyses of this run.
    """
    from csworkbench.features.listed import customers_of, rows_of, with_two_csms

    accounts = customers_of(snapshot)
    tasks = rows_of(
        snapshot, "tasks", task_id="string", account_id="string", csm_id="string", theme="string", priority="string",
        due_at="timestamp", done_at="timestamp", status="string",
    )  # fmt: skip
    is_dropped = tasks["status"].str.casefold().isin([each.casefold() for each in config.dropped]).astype(bool)
    meetings = rows_of(
        snapshot, "meetings", account_id="string", kind="string", is_onsite="boolean", planned_at="timestamp",
        held_at="timestamp",
    )  # fmt: skip
    steps = _steps(snapshot)
    held = meetings[meetings["held_on"].notna()]
    not_held = meetings[meetings["held_on"].isna() & meetings["planned_on"].notna()]
    here, tables = accounts.index, {name: frozenset(table.columns) for name, table in snapshot.tables.items()}
    talks, last = _talks(snapshot, config)
    return Inputs(
        as_of=snapshot.as_of,
        language=snapshot.workspace.language,
        accounts=accounts,
        people=_people(snapshot),
        doubled=with_two_csms(snapshot, accounts),
        talks=talks[talks["account_id"].isin(here)].reset_index(drop=True),
        visits=_visits(last, held, config)[_recorded(tables)].reindex(here),
        tasks=tasks[~is_dropped & tasks["account_id"].isin(here)].drop(columns="status").reset_index(drop=True),
        meetings=not_held.loc[not_held["account_id"].isin(here), ["account_id", "kind", "planned_on"]].reset_index(
            drop=True
        ),
        steps=steps[steps["account_id"].isin(here)].reset_index(drop=True),
        tables=tables,
        upstream=upstream,
    )


def _people(snapshot: Snapshot) -> "pd.DataFrame":
    from csworkbench.features.listed import rows_of

    rows = rows_of(snapshot, "csms", csm_id="string", name="string", team="string", capacity_minutes_week="float64")
    named = rows.set_index("csm_id").rename(columns={"capacity_minutes_week": "capacity"})
    return named.assign(csm=named["name"].fillna(named.index.to_series()))[["csm", "team", "capacity"]]


def _talks(snapshot: Snapshot, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return touches by people per account and person, and the last one per account and channel."""
    from csworkbench.asof import since
    from csworkbench.features.dated import with_columns
    from csworkbench.features.listed import rows_of

    table = snapshot.tables.get("touches")
    counted = {"account_id": "string", "csm_id": "string", "touches": "float64", "minutes": "float64"}
    newest = {"account_id": "string", "channel": "string", "last_at": "timestamp"}
    if table is None:
        # Without the table both have no rows.
        return rows_of(snapshot, "touches", **counted), rows_of(snapshot, "touches", **newest)
    kinds = {"csm_id": "string", "channel": "string", "mode": "string", "minutes": "decimal(18, 6)"}
    human = with_columns(table, **kinds)
    human = human.filter(human["mode"] == "human")
    first = snapshot.as_of - timedelta(days=config.period_days - 1)
    recent = human.filter(since(human.sent_at, first, snapshot.workspace.timezone))
    sums = recent.group_by(["account_id", "csm_id"]).agg(
        touches=recent.count().cast("float64"), minutes=recent.minutes.sum().cast("float64").fill_null(0.0)
    )
    visited = human.filter(human.channel.isin([*config.online_channels, *config.offline_channels]))
    last = visited.group_by(["account_id", "channel"]).agg(last_at=visited.sent_at.max())
    return rows_of(snapshot, sums, **counted), rows_of(snapshot, last, **newest)


def _visits(last: "pd.DataFrame", held: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the day of the last online and the last offline visit of each account; a held meeting is one too."""
    import pandas as pd

    met = held.assign(last_on=held["held_on"], is_there=held["is_onsite"].fillna(value=False).astype(bool))
    found = {}
    for kind, channels in ((ONLINE, config.online_channels), (OFFLINE, config.offline_channels)):
        talked = last[last["channel"].isin(channels)]
        sat = met[met["is_there"] == (kind == OFFLINE)]
        both = pd.concat([talked[["account_id", "last_on"]], sat[["account_id", "last_on"]]])
        found[kind] = both.groupby("account_id")["last_on"].max()
    return pd.DataFrame(found)


def _recorded(tables: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the kinds of visits that a table of the book can tell of: no row of another one says that nobody went."""
    met = tables.get("meetings", frozenset())
    if tables.get("touches", frozenset()) >= {"channel", "mode"}:
        return [ONLINE, OFFLINE]
    return [ONLINE, OFFLINE] if met >= {"held_at", "is_onsite"} else [ONLINE] if "held_at" in met else []


def _steps(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the mandatory steps of running plans that are planned and not done."""
    from csworkbench.features.listed import rows_of

    plans = rows_of(
        snapshot, "plans", plan_id="string", account_id="string", started_at="timestamp", closed_at="timestamp"
    )
    steps = rows_of(
        snapshot, "plan_steps", plan_id="string", name="string", is_mandatory="boolean", status="string",
        planned_at="timestamp", done_at="timestamp",
    )  # fmt: skip
    running = plans[plans["started_on"].notna() & plans["closed_on"].isna()]
    open_ones = steps[
        steps["planned_on"].notna() & steps["done_on"].isna() & ~steps["status"].isin(["done", "skipped"])
        & steps["is_mandatory"].fillna(value=True).astype(bool)
    ]  # fmt: skip
    return open_ones.merge(running[["plan_id", "account_id"]], on="plan_id")[
        ["plan_id", "account_id", "name", "planned_on"]
    ]
