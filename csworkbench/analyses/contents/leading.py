"""Leads and what happened to them, as frames: amounts exact, days of the workspace, the rule that takes them back."""

from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING

from csworkbench.analyses.contents.settings import Config
from csworkbench.asof import Snapshot, with_local_day
from csworkbench.features.dated import TODAY, with_columns
from csworkbench.filters import check, fits

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

CENT = Decimal("0.01")
EXACT = "decimal(18, 6)"
LEAD = {
    **dict.fromkeys(("lead_id", "account_id", "status", "owner", "currency", "credit_to", "source"), "string"),
    "protect_until": "date", "created_at": "timestamp", "closed_at": "timestamp", "amount": EXACT, "cost": EXACT,
}  # fmt: skip
EVENT = {
    **dict.fromkeys(("event_id", "lead_id", "type", "person", "order_id", "currency"), "string"),
    "occurred_at": "timestamp", "amount": EXACT, "share": EXACT,
}  # fmt: skip
WORKED = ("contacted", "qualified")
FOLLOWED = ("followed_on", "follow_ups")


def leads_of(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    """Return the leads, in the order they came in; no rows without the table.

    Args:
        snapshot: The book as of a date.
        config: Protection, stages and rules of recall.

    Returns:
        One row per lead: lead_id, account_id, status, owner, currency, credit_to, source, protected_until (of those
        that have an owner; the setting's days where the lead says nothing), created_on, closed_on, amount and cost
        (exact), followed_on (newest contact by the owner), follow_ups, is_protected, recall (name of the first rule
        that fits an open lead, "" = none).

    Raises:
        ConfigError: a rule reads an attribute that is not there, or tests it in a way that does not fit.
    """
    import ibis

    columns = [
        "lead_id", "account_id", "status", "owner", "currency", "credit_to", "source", "protected_until", "created_on",
        "closed_on", "amount", "cost", "followed_on", "follow_ups", "is_protected", "recall",
    ]  # fmt: skip
    if "leads" not in snapshot.tables:
        return _typed(dict.fromkeys(columns, "object"))
    table = _with_days(snapshot, with_columns(snapshot.tables["leads"], **LEAD), "created_at", "closed_at")
    worked = _worked(snapshot)
    joined = table.left_join(worked, "lead_id", rname="{name}_right").drop("lead_id_right")
    given = joined.created_on + ibis.interval(days=config.protection_days)
    has_none = joined.owner.fill_null("") == ""
    until = ibis.ifelse(has_none, ibis.null("date"), joined.protect_until.coalesce(given))
    whole = joined.mutate(
        **{TODAY: ibis.literal(snapshot.as_of)},
        exact_amount=joined.amount,
        exact_cost=joined.cost,
        amount=joined.amount.cast("float64"),
        cost=joined.cost.cast("float64"),
        protected_until=until,
        follow_ups=joined.follow_ups.fill_null(0),
    )
    check({f"recall.{place}.where": rule.where for place, rule in enumerate(config.recall)}, whole)
    is_protected = (whole.protected_until >= whole[TODAY]).fill_null(False)
    marked = whole.mutate(is_protected=is_protected, recall=_rule(snapshot, config, whole, is_protected))
    exact = marked.drop("amount", "cost").rename(amount="exact_amount", cost="exact_cost")
    return _frame(exact.select(*columns), ["created_on", "lead_id"])


def unasked(config: Config, absent: Collection[str]) -> tuple[str, ...]:
    """Return the rules of recall that read follow-ups which nobody records: without them every lead would fit.

    Args:
        config: Rules of recall.
        absent: Tables that are not there.
    """
    has_none = "lead_events" in absent
    return tuple(rule.name for rule in config.recall if has_none and rule.where.attributes() & {*FOLLOWED})


def _rule(snapshot: Snapshot, config: Config, table: "ir.Table", is_protected: "ir.BooleanValue") -> "ir.StringValue":
    import ibis

    skipped = unasked(config, () if "lead_events" in snapshot.tables else ("lead_events",))
    rules = [rule for rule in config.recall if rule.name not in skipped]
    is_open = table.status.isin(sorted(config.statuses("open")))
    named = ibis.literal("")
    for rule in reversed(rules):
        may = is_open if rule.protected_too else is_open & ~is_protected
        named = ibis.ifelse(may.fill_null(False) & fits(rule.where, table), ibis.literal(rule.name), named)
    return named


def _worked(snapshot: Snapshot) -> "ir.Table":
    """Return when and how often each lead was worked; no rows without events."""
    import ibis

    events = snapshot.tables.get("lead_events")
    if events is None:
        return ibis.memtable(_typed({"lead_id": "str", "followed_on": "datetime64[s]", "follow_ups": "int64"})).cast(
            {"followed_on": "date"}
        )
    mine = events.filter(events.type.isin(WORKED))
    table = mine.group_by("lead_id").agg(followed_at=mine.occurred_at.max(), follow_ups=mine.count())
    return _with_days(snapshot, table, "followed_at")


def events_of(snapshot: Snapshot) -> "pd.DataFrame":
    """Return what happened to leads, in its order; no rows without the table.

    Args:
        snapshot: The book as of a date.

    Returns:
        One row per event: event_id, lead_id, type, person, order_id, currency, occurred_on, amount and share (exact).
    """
    columns = ["event_id", "lead_id", "type", "person", "order_id", "currency", "occurred_on", "amount", "share"]
    if "lead_events" not in snapshot.tables:
        return _typed(dict.fromkeys(columns, "object"))
    table = _with_days(snapshot, with_columns(snapshot.tables["lead_events"], **EVENT), "occurred_at")
    return _frame(table.select(*columns), ["occurred_on", "event_id"])


def _with_days(snapshot: Snapshot, table: "ir.Table", *instants: str) -> "ir.Table":
    for name in instants:
        table = with_local_day(table, name, snapshot.workspace.timezone)
        table = table.rename({f"{name[:-3]}_on": "local_day"}).drop(name)
    return table


def _frame(table: "ir.Table", by: list[str]) -> "pd.DataFrame":
    """Return rows with exact amounts: Arrow's decimals become Python's, which add up to the cent."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    for name in frame.columns:
        if name.endswith(("_on", "_until")):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
        elif name in ("amount", "cost", "share"):
            frame[name] = pd.Series([exact(each) for each in frame[name]], dtype=object)
        elif frame[name].dtype == object:
            frame[name] = frame[name].astype("str")
    return frame.sort_values(by, ignore_index=True, kind="stable")


def _typed(kinds: dict[str, str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def exact(value: object) -> Decimal | None:
    """Return an amount with two decimals, or with as many as it needs; None where there is none.

    Args:
        value: Cell of a column of exact numbers.
    """
    if not isinstance(value, Decimal):
        return None
    rounded = value.quantize(CENT)
    return rounded if rounded == value else value
