"""What a reassignment rests on: accounts with what they take, the people who could take them, and past transfers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.reassignment.settings import Config
from csworkbench.asof import Snapshot, since
from csworkbench.errors import refuse_absent
from csworkbench.features import owners
from csworkbench.features.dated import with_columns
from csworkbench.features.listed import with_two_csms

if TYPE_CHECKING:
    import pandas as pd

STEM = "reassignment"
NO_ROLE, LEAVES, NO_CAPACITY, FULL, LEADS = "other role", "leaves", "no capacity", "takes no others", "leads others"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        currency: Currency of the workspace.
        accounts: Accounts that have not left, by account_id: name, tier, language, csm_id (each missing where
            nobody knows), arr (in the workspace's currency; missing = none, or no rate), currency, standard, recorded
            and minutes (a week), parent (account_id of the parent, or its own).
        people: CSMs by csm_id: name, languages (text), capacity (minutes a week), role, why_not ("" = takes accounts;
            else why it takes none), leaving_on.
        doubles: Accounts with two CSMs at once: see `with_two_csms`.
        transfers: Transfers of the history, by day: account_id, moved_on, reason, old, new.
        lives: Accounts that ever paid: account_id, tier, began_on, left_on (missing = still there).
        use: Users active in each calendar month: month (its first day), account_id, users; empty without use.
    """

    as_of: date
    currency: str
    accounts: "pd.DataFrame"
    people: "pd.DataFrame"
    doubles: "pd.DataFrame"
    transfers: "pd.DataFrame"
    lives: "pd.DataFrame"
    use: "pd.DataFrame"


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return accounts, people and past transfers.

    Args:
        snapshot: The book at the date of the page.
        config: Settings.
        upstream: Not used: a reassignment needs no other result.

    Raises:
        ConfigError: a setting names a CSM or an account that is not there.
    """
    del upstream
    people, accounts = _people(snapshot, config), _accounts(snapshot, config)
    _check_names(config, people, accounts)
    transfers = _transfers(snapshot, config)
    return Inputs(
        as_of=snapshot.as_of,
        currency=snapshot.workspace.currency,
        accounts=accounts,
        people=people,
        doubles=with_two_csms(snapshot, accounts),
        transfers=transfers,
        lives=_lives(snapshot),
        use=_use(snapshot),
    )


def _check_names(config: Config, people: "pd.DataFrame", accounts: "pd.DataFrame") -> None:
    csms, ids = set(people.index), set(accounts.index)
    # Whoever has left may be out of csms already and still hold accounts.
    holders = csms | set(accounts["csm_id"].dropna())
    named = [(f"leaving.{each}", each, holders) for each in config.leaving]
    named += [(f"not_taking.{place}", each, csms) for place, each in enumerate(config.not_taking)]
    named += [(f"complaints.{place}", each, ids) for place, each in enumerate(config.complaints)]
    named += [
        (f"keep_together.{place}", each, ids) for place, group in enumerate(config.keep_together) for each in group
    ]
    refuse_absent(f"configs/{STEM}.yaml", named)


def _people(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    import pandas as pd

    columns = {
        "name": "string", "languages": "string", "capacity_minutes_week": "int64", "role": "string",
        "manager_id": "string",
    }  # fmt: skip
    rows = with_columns(snapshot.tables["csms"], **columns).select("csm_id", *columns).to_pandas()
    made = rows.set_index("csm_id").sort_index()
    capacity = made["capacity_minutes_week"].astype("float64")
    role = made["role"].fillna("csm")
    leads = made.index.isin(set(made["manager_id"].dropna()))
    leaving_on = pd.to_datetime(pd.Series(dict(config.leaving), dtype="object")).reindex(made.index)
    why = pd.Series("", index=made.index, dtype="object")
    # The first reason that holds is the one that is told.
    for reason, holds in (
        (LEADS, leads & (not config.leads_take)),
        (FULL, made.index.isin(config.not_taking)),
        (NO_CAPACITY, ~(capacity > 0)),
        (NO_ROLE, ~role.isin(config.roles)),
        (LEAVES, made.index.isin(list(config.leaving))),
    ):
        why = why.mask(pd.Series(holds, index=made.index), reason)
    return pd.DataFrame(
        {
            "name": made["name"].fillna(made.index.to_series()).astype("str"),
            "languages": made["languages"].astype("str"),
            "capacity": capacity,
            "role": role.astype("str"),
            "why_not": why.astype("str"),
            "leaving_on": leaving_on,
        }
    )


def _accounts(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    import pandas as pd

    columns = {
        "name": "string", "value_tier": "string", "language": "string", "arr": "decimal(18, 6)", "currency": "string",
        "parent_account_id": "string", "churned_at": "timestamp",
    }  # fmt: skip
    table = with_columns(snapshot.tables["accounts"], **columns)
    rows = table.filter(table.churned_at.isnull()).select("account_id", *columns).to_pandas()  # noqa: PD003 - an expression of the engine
    made = rows.set_index("account_id").sort_index()
    currency = made["currency"].fillna(snapshot.workspace.currency).astype("str")
    rate = currency.map({**config.rates, snapshot.workspace.currency: 1.0}).astype("float64")
    standard = made["value_tier"].map(config.effort.by_tier).astype("float64").fillna(config.effort.otherwise)
    recorded = _recorded(snapshot, config).reindex(made.index).fillna(0.0).astype("float64")
    parent = made["parent_account_id"].fillna(made.index.to_series()).astype("str")
    return pd.DataFrame(
        {
            "name": made["name"].fillna(made.index.to_series()).astype("str"),
            "tier": made["value_tier"].astype("str"),
            "language": made["language"].astype("str"),
            "csm_id": owners(snapshot).reindex(made.index).astype("str"),
            "arr": made["arr"].astype("float64") * rate,
            "currency": currency,
            "standard": standard,
            "recorded": recorded,
            "minutes": standard.where(standard >= recorded, recorded),
            "parent": parent,
        },
        index=made.index.astype("str"),
    )


def _recorded(snapshot: Snapshot, config: Config) -> "pd.Series[float]":
    """Return the minutes a week that touches by people took of the last weeks, by account_id."""
    import ibis
    import pandas as pd

    touches, weeks = snapshot.tables.get("touches"), config.effort.window_weeks
    if touches is None or not weeks or not {"minutes", "mode"} <= set(touches.columns):
        return pd.Series(dtype="float64")
    first = snapshot.as_of - timedelta(days=7 * weeks - 1)
    mine = touches.filter(touches.mode == "human", since(touches.sent_at, first, snapshot.workspace.timezone))
    sums = mine.group_by("account_id").agg(total=mine["minutes"].sum().cast("float64").fill_null(ibis.literal(0.0)))
    frame = sums.to_pandas().set_index("account_id")
    weekly: pd.Series[float] = frame["total"].astype("float64") / weeks
    return weekly


def _transfers(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    import pandas as pd

    rows = with_columns(snapshot.history["assignments"], reason="string")
    held = rows.filter(rows.role == "csm").select("account_id", "csm_id", "valid_from", "reason").to_pandas()
    held = held.sort_values(["account_id", "valid_from", "csm_id"], ignore_index=True)
    old = held["csm_id"].shift().where(held["account_id"].eq(held["account_id"].shift()))
    moved_on = pd.to_datetime(held["valid_from"])
    first = pd.Timestamp(snapshot.as_of - timedelta(days=config.monitor.history_days))
    is_move = old.notna() & (old != held["csm_id"]) & (moved_on >= first)
    made = pd.DataFrame(
        {
            "account_id": held["account_id"], "moved_on": moved_on, "reason": held["reason"].fillna("not given"),
            "old": old, "new": held["csm_id"],
        }
    )[is_move]  # fmt: skip
    ordered: pd.DataFrame = made.sort_values(["moved_on", "account_id"], ignore_index=True)
    return ordered


def _lives(snapshot: Snapshot) -> "pd.DataFrame":
    import pandas as pd

    table = with_columns(snapshot.tables["accounts"], value_tier="string", paid_at="timestamp", churned_at="timestamp")
    rows = table.filter(table.paid_at.notnull()).select("account_id", "value_tier", "paid_at", "churned_at").to_pandas()  # noqa: PD004 - an expression of the engine
    made = pd.DataFrame(
        {
            "account_id": rows["account_id"],
            "tier": rows["value_tier"].fillna("not known"),
            "began_on": pd.to_datetime(rows["paid_at"]).dt.normalize(),
            "left_on": pd.to_datetime(rows["churned_at"]).dt.normalize(),
        }
    )
    ordered: pd.DataFrame = made.sort_values("account_id", ignore_index=True)
    return ordered


def _use(snapshot: Snapshot) -> "pd.DataFrame":
    """Return how many users were active in each calendar month."""
    import pandas as pd

    if not {"usage_daily"} <= snapshot.tables.keys() or "user_id" not in snapshot.tables["usage_daily"].columns:
        return pd.DataFrame({"month": [], "account_id": [], "users": []})
    rows = snapshot.tables["usage_daily"]
    months = rows.group_by(month=rows.date.truncate("M"), account_id=rows.account_id).agg(users=rows.user_id.nunique())
    frame = months.to_pandas()
    ordered: pd.DataFrame = frame.assign(month=pd.to_datetime(frame["month"])).sort_values(
        ["month", "account_id"], ignore_index=True
    )
    return ordered
