"""Rows of a table as a frame: the columns asked for, instants as days of the workspace."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.estimates import Caveat, Message, Severity, say
from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

NOT_KNOWN, NO_ONE = "not known", "nobody"
_PLAIN = {"string": "str", "timestamp": "datetime64[s]", "date": "datetime64[s]", "boolean": "boolean"}


def rows_of(snapshot: Snapshot, table: "ir.Table | str", **kinds: str) -> "pd.DataFrame":
    """Return columns of a table, in the order of all of them; no rows where there is no such table.

    Args:
        snapshot: The book as of a date.
        table: Name of a canonical table, or an expression with its columns.
        kinds: Column -> type of the engine: string, timestamp, date, boolean or float64; missing in every row where the
            source does not have it.

    Returns:
        One row per row of the table, with the columns in the order of `kinds`. A timestamp is its day in the zone of
        the workspace, and is called so: `sent_on` of `sent_at`.
    """
    import pandas as pd

    names = {name: f"{name[:-3]}_on" if kind == "timestamp" else name for name, kind in kinds.items()}
    types = {names[name]: _PLAIN.get(kind, kind) for name, kind in kinds.items()}
    found = snapshot.tables.get(table) if isinstance(table, str) else table
    if found is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    rows = with_columns(found, **kinds)
    cast = {name: rows[name].cast(kind) for name, kind in kinds.items() if kind in ("float64", "date")}
    frame = rows.mutate(**cast).select(*kinds).to_pandas()
    for name in (name for name, kind in kinds.items() if kind == "timestamp"):
        local = pd.to_datetime(frame[name]).dt.tz_localize("UTC").dt.tz_convert(snapshot.workspace.timezone)
        frame[name] = local.dt.tz_localize(None).dt.normalize()
    typed = frame.rename(columns=names).astype(types)
    ordered: pd.DataFrame = typed.sort_values(list(typed.columns), ignore_index=True, kind="stable")
    return ordered


def customers_of(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the accounts that have signed up and not left, by account_id.

    Args:
        snapshot: The book as of a date.

    Returns:
        One row per account: name (the id where nobody says it), tier ("not known" without one), arr, currency, since
        (day it signed up, missing = not known), csm_id (missing = nobody), csm (its name, "nobody").
    """
    from csworkbench.features.owners import owner_names, owners

    rows = rows_of(
        snapshot, "accounts", account_id="string", name="string", value_tier="string", arr="float64", currency="string",
        signup_at="timestamp", churned_at="timestamp",
    )  # fmt: skip
    here = rows[rows["churned_on"].isna()].set_index("account_id")
    return here.assign(
        name=here["name"].fillna(here.index.to_series()),
        tier=here["value_tier"].fillna(NOT_KNOWN),
        currency=here["currency"].fillna(snapshot.workspace.currency),
        since=here["signup_on"],
        csm_id=owners(snapshot).reindex(here.index),
        csm=owner_names(snapshot).reindex(here.index).fillna(NO_ONE),
    )[["name", "tier", "arr", "currency", "since", "csm_id", "csm"]]


def with_two_csms(snapshot: Snapshot, accounts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the accounts that assignments give to different CSMs at once.

    Args:
        snapshot: The book as of a date.
        accounts: By account_id: name; nobody else is looked at.

    Returns:
        One row per account: account_id, name, csm_id (who counts), csms (ids of all of them).
    """
    import ibis

    from csworkbench.features.owners import owners

    # The cut keeps one version of each: the contradiction is in the history, where an end that lies ahead is none yet.
    history = snapshot.history.get("assignments")
    running = "assignments" if history is None else history.filter(history.role == ibis.literal("csm"))
    rows = rows_of(snapshot, running, account_id="string", csm_id="string", valid_to="date")
    rows = rows[rows["valid_to"].isna() & rows["account_id"].isin(accounts.index)]
    people = rows.drop_duplicates(["account_id", "csm_id"]).groupby("account_id")["csm_id"]
    found = accounts[["name"]].join(people.agg(", ".join).rename("csms")[people.size() > 1], how="inner")
    told: pd.DataFrame = (
        found.assign(csm_id=owners(snapshot).reindex(found.index)).rename_axis("account_id").reset_index()
    )
    return told[["account_id", "name", "csm_id", "csms"]]


def about_two_csms(doubled: "pd.DataFrame") -> Iterator[Caveat]:
    """Yield the doubt that accounts have two CSMs at once; none where no account has.

    Args:
        doubled: From `with_two_csms`.
    """
    if len(doubled):
        yield Caveat(
            "two_csms",
            Severity.WARNING,
            say(
                "{n:n account has|accounts have} two CSMs at once ({names:list}): the newest assignment counts",
                n=len(doubled),
                names=[f"{name}: {csms}" for name, csms in zip(doubled["name"], doubled["csms"], strict=True)],
            ),
            say("End the other assignment in assignments.valid_to"),
        )


def time_in_stage(days: float, *, is_at_least: bool) -> Message:
    """Return how long an account has been in its stage, as `segments` saw it.

    Args:
        days: Days since it was first seen there.
        is_at_least: It was there already on the first day that was looked at.
    """
    if is_at_least:
        return say("at least {days:n day|days}", days=int(days))
    return say("{days:n day|days}", days=int(days))
