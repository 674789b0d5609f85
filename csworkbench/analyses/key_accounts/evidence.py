"""What the key accounts page rests on: small frames of the tables there are, as known on the date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.asof import Snapshot
from csworkbench.errors import refuse_absent
from csworkbench.features import owner_names
from csworkbench.features.dated import with_columns
from csworkbench.features.listed import with_two_csms
from csworkbench.features.refused import refused_rows

if TYPE_CHECKING:
    import pandas as pd

STEM = "key_accounts"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "relationship_ratings": {
        "account_id": "string", "dimension": "string", "rated_at": "timestamp", "rater": "string", "level": "int64",
    },
    "opportunities": {
        "opportunity_id": "string", "account_id": "string", "source": "string", "amount": "decimal(18, 6)",
        "cost": "decimal(18, 6)", "currency": "string", "created_at": "timestamp", "closed_at": "timestamp",
        "is_won": "boolean", "origin_task_id": "string",
    },
    "projects": {
        "project_id": "string", "account_id": "string", "planned_end": "date", "ended_at": "timestamp",
        "quality": "decimal(18, 6)", "utilization": "decimal(18, 6)", "cash_due": "decimal(18, 6)",
        "cash_collected": "decimal(18, 6)", "known_at": "timestamp",
    },
    "tickets": {
        "ticket_id": "string", "account_id": "string", "opened_at": "timestamp", "resolved_at": "timestamp",
        "severity": "string", "csat": "decimal(18, 6)", "is_feature_request": "boolean", "topic": "string",
    },
    "meetings": {
        "meeting_id": "string", "account_id": "string", "kind": "string", "planned_at": "timestamp",
        "held_at": "timestamp", "trigger": "string",
    },
    "tasks": {
        "task_id": "string", "account_id": "string", "csm_id": "string", "line": "string", "trigger": "string",
        "due_at": "timestamp", "done_at": "timestamp", "status": "string",
    },
    "renewals": {"renewal_id": "string", "account_id": "string", "due_date": "date", "outcome": "string"},
    "assignments": {"account_id": "string", "role": "string", "csm_id": "string"},
    "csms": {"csm_id": "string", "name": "string", "role": "string"},
}  # fmt: skip
"""Columns that are read of each table; those a source does not have are null."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        accounts: Accounts that ever paid, by account_id: name, tier, region, csm (name; missing = nobody), began_on,
            left_on (missing = still there), is_key.
        tables: Table -> its rows, COLUMNS, times as days of the workspace's zone but for those of tickets, which stay
            instants; a table that is not there is empty.
        absent: Tables that are not there.
        refused: What ingestion set aside or flagged: table, column, rule, count, example.
        nps: Sums of the NPS answers of the window by account_id: answered, promoters, detractors.
        doubled: Accounts with two CSMs at once: see `with_two_csms`.
        language: Language of the workspace.
    """

    as_of: date
    accounts: "pd.DataFrame"
    tables: "Mapping[str, pd.DataFrame]"
    absent: tuple[str, ...]
    refused: "pd.DataFrame"
    doubled: "pd.DataFrame"
    nps: "pd.DataFrame | None" = None
    language: str = "en"

    @property
    def key(self) -> "pd.DataFrame":
        """The key accounts that are there on the date."""
        return self.accounts[self.accounts["is_key"] & self.accounts["left_on"].isna()]


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return accounts and the rows of the tables there are.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: who key accounts are.
        upstream: Not used: the page needs no other result.

    Raises:
        ConfigError: a setting names an account or a tier that is not there.
    """
    del upstream
    accounts = _accounts(snapshot, config)
    return Inputs(
        as_of=snapshot.as_of,
        accounts=accounts,
        tables={name: _rows(snapshot, name) for name in COLUMNS},
        absent=tuple(sorted({*COLUMNS, "nps_responses"} - snapshot.tables.keys())),
        refused=refused_rows(snapshot, COLUMNS, {"range", "order", "allowed", "type"}),
        doubled=with_two_csms(snapshot, accounts[accounts["is_key"] & accounts["left_on"].isna()]),
        nps=_nps(snapshot, config),
        language=snapshot.workspace.language,
    )


def _accounts(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    import pandas as pd

    columns = {
        "name": "string", "value_tier": "string", "region": "string", "paid_at": "timestamp", "churned_at": "timestamp",
    }  # fmt: skip
    table = with_columns(snapshot.tables["accounts"], **columns)
    known = table.select("account_id", *columns)
    rows = known.to_pandas().set_index("account_id").sort_index()
    _check(config, set(rows.index), set(rows["value_tier"].dropna()))
    names = rows["name"].fillna(rows.index.to_series())
    made = pd.DataFrame(
        {
            "name": names.astype("str"),
            "tier": rows["value_tier"].fillna("not known").astype("str"),
            "region": rows["region"].fillna("not known").astype("str"),
            "csm": owner_names(snapshot).reindex(rows.index),
            "began_on": pd.to_datetime(rows["paid_at"]).dt.normalize(),
            "left_on": pd.to_datetime(rows["churned_at"]).dt.normalize(),
            "is_key": rows["value_tier"].isin(config.tiers) | rows.index.isin(config.accounts),
        }
    )
    return made[made["began_on"].notna()]


def _check(config: Config, accounts: set[str], tiers: set[str]) -> None:
    named = [(f"accounts.{place}", each, accounts) for place, each in enumerate(config.accounts)]
    named += [(f"tiers.{place}", each, tiers) for place, each in enumerate(config.tiers) if tiers]
    refuse_absent(f"configs/{STEM}.yaml", named)


def no_rows(name: str) -> "pd.DataFrame":
    """Return a table without a row, its columns of the kinds they have.

    Args:
        name: Table of COLUMNS.
    """
    import pandas as pd

    return pd.DataFrame({column: pd.Series(dtype=_kind(kind)) for column, kind in COLUMNS[name].items()})


def _kind(kind: str) -> str:
    kinds = {"string": "str", "timestamp": "datetime64[s]", "date": "datetime64[s]", "boolean": "object"}
    return kinds.get(kind, "float64")


def _rows(snapshot: Snapshot, name: str) -> "pd.DataFrame":
    import pandas as pd

    columns, table = COLUMNS[name], snapshot.tables.get(name)
    if table is None:
        return no_rows(name)
    rows = with_columns(table, **columns).select(*columns)
    decimals = {column: rows[column].cast("float64") for column, kind in columns.items() if kind.startswith("decimal")}
    frame = (rows.mutate(**decimals) if decimals else rows).to_pandas()
    for column, kind in columns.items():
        if kind == "timestamp" and name != "tickets":  # hours count there, days elsewhere
            local = pd.to_datetime(frame[column]).dt.tz_localize("UTC").dt.tz_convert(snapshot.workspace.timezone)
            frame[column] = local.dt.tz_localize(None).dt.normalize()
    frame = frame.astype({column: _kind(kind) for column, kind in columns.items()})
    ordered: pd.DataFrame = frame.sort_values(list(columns)[:2], kind="stable", ignore_index=True)
    return ordered


def _nps(snapshot: Snapshot, config: Config) -> "pd.DataFrame | None":
    from csworkbench.features.rates import nps_answers

    if "nps_responses" not in snapshot.tables:
        return None
    made: pd.DataFrame = nps_answers(snapshot, config.window_days).to_pandas().set_index("account_id").sort_index()
    return made
