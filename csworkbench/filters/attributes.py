"""What conditions read: the columns of accounts and contacts, measures, and what messages and touches say."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.asof import Snapshot, with_local_day
from csworkbench.features import MeasureSource, at_dates, missing_tables, panel
from csworkbench.features.dated import PLACE, TODAY, with_columns
from csworkbench.tables import SPECS, Kind, Role

if TYPE_CHECKING:
    import ibis.expr.types as ir

OF_ACCOUNT = "account."


@dataclass(frozen=True, slots=True)
class Derived:
    """An attribute that is added up from the rows of a table.

    Args:
        table: Canonical table it is read from.
        of: Sum over the rows of an account or contact; an instant becomes its day.
        is_count: Accounts and contacts without a row have 0, not nothing.
    """

    table: str
    of: "Callable[[Any], Any]"
    is_count: bool = False


TALKS = {
    "last_conversation_on": Derived("messages", lambda rows: rows.sent_at.max()),
    "last_inbound_on": Derived("messages", lambda rows: rows.sent_at.max(where=rows.direction == "in")),
    "unanswered": Derived(
        "messages",
        lambda rows: (rows.direction == "in").sum() - rows.answered_at.count(where=rows.direction == "in"),
        is_count=True,
    ),
    "last_touch_on": Derived("touches", lambda rows: rows.sent_at.max()),
    "last_human_touch_on": Derived("touches", lambda rows: rows.sent_at.max(where=rows["mode"] == "human")),
}
CONTACT_FACTS = TALKS
ACCOUNT_FACTS = {
    **TALKS,
    "milestones_open": Derived("milestones", lambda rows: rows.count() - rows.reached_at.count(), is_count=True),
    "milestones_reached": Derived("milestones", lambda rows: rows.reached_at.count(), is_count=True),
    "last_milestone_on": Derived("milestones", lambda rows: rows.reached_at.max()),
    "open_opportunities": Derived("opportunities", lambda rows: rows.count() - rows.closed_at.count(), is_count=True),
    "last_upgrade_on": Derived("subscriptions", lambda rows: rows.start_date.max(where=rows.change_type == "upgrade")),
}
READS = {
    "messages": {"sent_at": "timestamp", "direction": "string", "answered_at": "timestamp"},
    "touches": {"sent_at": "timestamp", "mode": "string"},
    "milestones": {"reached_at": "timestamp"},
    "opportunities": {"closed_at": "timestamp"},
    "subscriptions": {"start_date": "date", "change_type": "string"},
}
KINDS = {
    Kind.TEXT: "string", Kind.INTEGER: "int64", Kind.DECIMAL: "float64", Kind.SHARE: "float64",
    Kind.BOOLEAN: "boolean", Kind.DATE: "date", Kind.INSTANT: "timestamp",
}  # fmt: skip


def accounts_at(
    snapshot: Snapshot,
    dates: Sequence[date],
    *,
    wanted: Collection[str],
    measures: Mapping[str, MeasureSource] | None = None,
) -> "ir.Table":
    """Return the attributes of every account at one date or several.

    Args:
        snapshot: The book as of the latest date or later.
        dates: Days at the end of which is looked, ascending.
        wanted: Attributes that are read. Only these are computed; the others are there, so that names can be checked,
            and empty.
        measures: Measures by name; a wanted one is an attribute.

    Returns:
        Expression with one row per date and account: _place (position in `dates`), _today (the date), account_id, and
        one column per attribute. Instants are days of the workspace's calendar.
    """
    import ibis

    table = _columns(snapshot, "accounts", dates, wanted)
    table = _with_facts(snapshot, table, ("account_id", ACCOUNT_FACTS), dates, wanted)
    sources = measures or {}
    others = {name: ibis.null("float64") for name in sources if name not in wanted}
    asked = {name: source for name, source in sources.items() if name in wanted}
    return _with_measures(snapshot, table.mutate(**others), dates, asked)


def contacts_at(
    snapshot: Snapshot,
    dates: Sequence[date],
    *,
    wanted: Collection[str],
    measures: Mapping[str, MeasureSource] | None = None,
) -> "ir.Table":
    """Return the attributes of every contact at one date or several; those of the account as `account.<attribute>`.

    Args:
        snapshot: The book as of the latest date or later; it has contacts.
        dates: Days at the end of which is looked, ascending.
        wanted: Attributes that are read, as in `accounts_at`.
        measures: Measures of the account by name.

    Returns:
        Expression with one row per date and contact: _place, _today, contact_id, account_id and the attributes.
    """
    table = _columns(snapshot, "contacts", dates, wanted)
    table = _with_facts(snapshot, table, ("contact_id", CONTACT_FACTS), dates, wanted)
    inner = {name.removeprefix(OF_ACCOUNT) for name in wanted if name.startswith(OF_ACCOUNT)}
    accounts = accounts_at(snapshot, dates, wanted=inner, measures=measures)
    named = {f"{OF_ACCOUNT}{name}": name for name in accounts.columns if name not in (PLACE, TODAY, "account_id")}
    return _beside(table, accounts.select(PLACE, "account_id", **named), "account_id")


def absent_tables(snapshot: Snapshot, wanted: Iterable[str]) -> dict[str, str]:
    """Return the wanted attributes that are missing for everybody, and the table each would be read from.

    Args:
        snapshot: The book.
        wanted: Attributes of accounts or contacts.
    """
    names = (name.removeprefix(OF_ACCOUNT) for name in wanted)
    found = {name: ACCOUNT_FACTS[name].table for name in names if name in ACCOUNT_FACTS}
    return {name: table for name, table in sorted(found.items()) if table not in snapshot.tables}


def absent(
    snapshot: Snapshot,
    wanted: Iterable[str],
    measures: Mapping[str, MeasureSource] | None = None,
    *,
    of: str = "accounts",
) -> dict[str, str]:
    """Return the wanted attributes that no table of the book can tell of anybody, and the table each is read from.

    Args:
        snapshot: The book.
        wanted: Attributes.
        measures: Measures of accounts by name; one hides a column that is called alike.
        of: Whose attributes they are: accounts or contacts, where those of the account are `account.<attribute>`.
    """
    lacking = {
        table: {column.name for column in SPECS[table].columns} - {*snapshot.tables[table].columns}
        for table in {of, "accounts"} & snapshot.tables.keys()
    }
    sources = measures or {}
    found = {}
    for name in sorted(wanted):
        plain = name.removeprefix(OF_ACCOUNT)
        table = of if plain == name else "accounts"
        if plain in sources and table == "accounts":
            gone = ", ".join(missing_tables({plain: sources[plain]}, snapshot).get(plain, ()))
        elif plain in ACCOUNT_FACTS:
            gone = "".join(absent_tables(snapshot, [plain]).values())
        else:
            gone = table if plain in lacking.get(table, ()) else ""
        if gone:
            found[name] = gone
    return found


def _columns(snapshot: Snapshot, name: str, dates: Sequence[date], wanted: Collection[str]) -> "ir.Table":
    """Return the columns that may be tested: wanted ones as they are, the others empty, outcomes left out."""
    import ibis

    spec = SPECS[name]
    extras = snapshot.reports[name].extras
    outcomes = {column for column, role in extras.items() if role is Role.OUTCOME}
    keys = [*spec.key] + ([] if "account_id" in spec.key else ["account_id"])
    read = list(dict.fromkeys([*keys, *wanted]))
    table = at_dates(snapshot, name, read, dates)
    kinds = {column.name: KINDS[column.kind] for column in spec.columns}
    table = with_columns(table, **{column: kind for column, kind in kinds.items() if column in wanted})
    for column in wanted:
        if column in table.columns and table[column].type().is_timestamp():
            others = [each for each in table.columns if each != column]
            table = with_local_day(table, column, snapshot.workspace.timezone)
            table = table.select(*others, **{column: table.local_day})
    chosen = {column: _number(table[column]) for column in wanted if column in table.columns and column not in outcomes}
    known = {**kinds, **{column: str(snapshot.tables[name][column].type()) for column in extras}}
    empty = {
        column: ibis.null("date" if kind.startswith("timestamp") else kind)
        for column, kind in known.items()
        if column not in chosen and column not in keys and column not in outcomes
    }
    hidden = {column: value for column, value in {**chosen, **empty}.items() if column not in keys}
    return table.select(PLACE, TODAY, *keys, **hidden)


def _number(column: Any) -> Any:
    """Return a decimal as a float, so that it can be compared with the numbers of settings."""
    return column.cast("float64") if column.type().is_decimal() else column


def _with_facts(
    snapshot: Snapshot,
    table: "ir.Table",
    by: tuple[str, Mapping[str, Derived]],
    dates: Sequence[date],
    wanted: Collection[str],
) -> "ir.Table":
    import ibis

    key, facts = by
    empty: dict[str, Any] = {}
    for source in dict.fromkeys(fact.table for fact in facts.values()):
        here = {name: fact for name, fact in facts.items() if fact.table == source}
        read = [name for name in here if name in wanted]
        if read and source in snapshot.tables:
            summed = _summed(snapshot, source, key, dates, {name: here[name] for name in read})
            table = _beside(table, summed, key)
            counts = {name: table[name].fill_null(0) for name in read if here[name].is_count}
            table = table.mutate(**counts)
        else:
            read = []
        empty |= {
            name: ibis.null("int64" if fact.is_count else "date") for name, fact in here.items() if name not in read
        }
    return table.mutate(**empty)


def _summed(
    snapshot: Snapshot, source: str, key: str, dates: Sequence[date], facts: Mapping[str, Derived]
) -> "ir.Table":
    spec = SPECS[source]
    # What is planned says that a row is there already, whose event lies ahead.
    rows = at_dates(snapshot, source, (*spec.key, *spec.planned, key, *READS[source]), dates)
    rows = with_columns(rows, **READS[source], **{key: "string"})
    if source == "touches" and key == "contact_id" and "touch_participants" in snapshot.tables:
        people = at_dates(snapshot, "touch_participants", ("touch_id", key), dates).select(PLACE, "touch_id", key)
        met = rows.drop(key).inner_join(people, [PLACE, "touch_id"])
        columns = [PLACE, key, *READS[source]]
        rows = rows.select(columns).union(met.select(columns))
    rows = rows.drop_null(key)
    table = rows.group_by([PLACE, key]).agg(**{name: fact.of(rows) for name, fact in facts.items()})
    for name in facts:
        if table[name].type().is_timestamp():
            others = [each for each in table.columns if each != name]
            table = with_local_day(table, name, snapshot.workspace.timezone)
            table = table.select(*others, **{name: table.local_day})
    return table


def _with_measures(
    snapshot: Snapshot, table: "ir.Table", dates: Sequence[date], sources: Mapping[str, MeasureSource]
) -> "ir.Table":
    """Return the attributes with measures beside them; they are computed here, in one query for all dates."""
    import ibis
    import pandas as pd
    import pyarrow as pa

    if not sources:
        return table
    long = panel(snapshot, sources, dates)
    if long.empty:
        return table.mutate(**{name: ibis.null("float64") for name in sources})
    wide = long.set_index(["snapshot_date", "account_id", "measure"])
    places = pd.DatetimeIndex(sorted(set(dates)))
    for name in sources:
        cells = wide.xs(name, level="measure")
        text = cells["text"]
        values = text.astype(object) if text.notna().any() else cells["value"].astype(object)
        found = values.where(values.notna(), None)
        days, accounts = (found.index.get_level_values(level) for level in (0, 1))
        kind = pa.string() if text.notna().any() else pa.float64()
        arrow = pa.table(
            {
                PLACE: pa.array(places.get_indexer(days), pa.int32()),
                "account_id": pa.array(accounts, pa.string()),
                name: pa.array(list(found), kind),
            }
        )
        table = _beside(table, ibis.memtable(arrow), "account_id")
    return table


def _beside(table: "ir.Table", facts: "ir.Table", key: str) -> "ir.Table":
    """Return a table with the columns of another beside its rows; a column of the same name gives way."""
    new = [name for name in facts.columns if name not in (PLACE, key)]
    kept = table.drop(*(name for name in new if name in table.columns))
    joined = kept.left_join(facts, [PLACE, key], rname="{name}_right")
    return joined.select(*(kept[name] for name in kept.columns), *(facts[name] for name in new))
