"""Tables cut to a day: rows and cells that were not known yet, versions that did not hold, rows of what was not there.

Only operations every engine has are used, so that the same expressions run on DuckDB and on Spark.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof.days import since
from csworkbench.tables import Column, Kind, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir


def known(table: "ir.Table", spec: TableSpec, day_after: date, timezone: str) -> "ir.Table":
    """Return the rows known before a day, with the cells revealed later hidden.

    Args:
        table: Every row there is.
        spec: Its contract.
        day_after: First day that is not known any more.
        timezone: Time zone of the calendar.
    """
    import ibis

    table = _with_known_ends(table, spec, day_after, timezone)
    row_times = [name for name in (spec.event_at, spec.known_at, "valid_from") if name and name in table.columns]
    # The end of a version is hidden until it comes, whatever the contract says about dates that lie ahead.
    shown = {*spec.planned, *row_times} - {"valid_to"}
    revealed = {column.name: column for column in spec.columns if column.known_with}
    cells = {}
    for name, kind in table.schema().items():
        conditions = []
        if kind.is_temporal() and name not in shown:
            conditions.append(~since(table[name], day_after, timezone))
        if name in revealed:
            conditions.append(_is_revealed(table, revealed[name], day_after, timezone))
        if conditions:
            unknown = ibis.literal(spec.on_unknown.get(name), type=kind)
            cells[name] = ibis.ifelse(ibis.and_(*conditions), table[name], unknown)
    happened = [table[name].isnull() | ~since(table[name], day_after, timezone) for name in row_times]
    happened += _has_begun(table, spec, day_after, timezone)
    kept = table.filter(happened) if happened else table
    return kept.mutate(**cells) if cells else kept


def ahead(touches: "ir.Table", as_of: date, timezone: str) -> "ir.Table":
    """Return the touches that are dated after a day and were known on it.

    Args:
        touches: Every row there is.
        as_of: Last day that is known.
        timezone: Time zone of the calendar.
    """
    day_after = as_of + timedelta(days=1)
    later = touches.filter(since(touches.sent_at, day_after, timezone))
    if "known_at" not in later.columns:
        return later
    return later.filter(later.known_at.isnull() | ~since(later.known_at, day_after, timezone))


def valid(history: "ir.Table", spec: TableSpec) -> "ir.Table":
    """Return the version of each row that holds now: not ended, and the newest where several are open.

    Args:
        history: Rows of `known`.
        spec: Their contract; a table without versions comes back as it is.
    """
    import ibis

    if not spec.has_versions or "valid_from" not in history.columns:
        return history
    running = history.filter(history.valid_to.isnull()) if "valid_to" in history.columns else history
    # Where versions contradict each other and are kept all the same, the other columns decide: not the engine.
    others = [name for name in running.columns if name != "valid_from"]
    newest_first = ibis.row_number().over(
        group_by=_unit(spec, history.columns),
        order_by=[
            ibis.desc(running.valid_from, nulls_first=False),
            *(ibis.asc(running[name], nulls_first=False) for name in others),
        ],
    )
    return running.mutate(version_rank=newest_first).filter(ibis._.version_rank == 0).drop("version_rank")


def of_parents(table: "ir.Table", spec: TableSpec, parents: "Mapping[str, ir.Table]") -> "ir.Table":
    """Return the rows whose account, contact, plan, touch or renewal is there too.

    Args:
        table: Rows of `valid`.
        spec: Their contract; references whose orphans are kept drop nothing, nor does a blank.
        parents: Tables that were cut already.
    """
    for key in spec.foreign_keys:
        if key.keep_orphans or key.table not in parents or not set(key.columns) <= set(table.columns):
            continue
        # Every reference of the contract whose orphans are not kept is one column.
        (column,), (target,) = key.columns, key.targets
        table = table.filter(table[column].isnull() | table[column].isin(parents[key.table][target]))
    return table


def _has_begun(table: "ir.Table", spec: TableSpec, day_after: date, timezone: str) -> "list[ir.BooleanValue]":
    """Return when a row without an event is there: it was planned, one of its dates has come, or it has none.

    A milestone that was only reached, or a meeting that was only held, says nothing before that day. What is a part of
    another row, such as a step of a plan, is there with it.
    """
    import ibis

    is_part = any(key.columns == spec.key[:1] and key.table != "accounts" for key in spec.foreign_keys)
    columns = [column.name for column in spec.columns if column.kind in (Kind.DATE, Kind.INSTANT)]
    dates = [table[name] for name in columns if name in table.columns and name != spec.known_at]
    if spec.event_at is not None or is_part or not dates:
        return []
    planned = [table[name].notnull() for name in columns if name in table.columns and name in spec.planned]
    come = [(~since(date, day_after, timezone)).fill_null(False) for date in dates]
    return [ibis.or_(ibis.and_(*(date.isnull() for date in dates)), *planned, *come)]


def _is_revealed(table: "ir.Table", column: Column, day_after: date, timezone: str) -> "ir.BooleanValue":
    """Return whether a cell is known: what reveals it has come; what exports overwrite also holds until then."""
    import ibis

    if column.known_with not in table.columns:
        return ibis.literal(value=column.varies)
    instant = table[str(column.known_with)]
    has_come = ~since(instant, day_after, timezone)
    return instant.isnull() | has_come if column.varies else has_come


def _with_known_ends(table: "ir.Table", spec: TableSpec, day_after: date, timezone: str) -> "ir.Table":
    """Return the table without the ends of versions that only a version not known yet has set."""
    import ibis

    times = [name for name in (spec.event_at, spec.known_at) if name in table.columns and name != "valid_from"]
    if not times or not spec.has_versions or not {"valid_from", "valid_to"} <= set(table.columns):
        return table
    unit = _unit(spec, table.columns)
    unknown = table.filter(ibis.or_(*(since(table[str(name)], day_after, timezone) for name in times)))
    late = unknown.select(**{f"late_{name}": unknown[name] for name in (*unit, "valid_from")}).distinct()
    follows = [table[name] == late[f"late_{name}"] for name in unit] + [table.valid_to == late.late_valid_from]
    joined = table.left_join(late, follows)
    end = ibis.ifelse(joined.late_valid_from.isnull(), joined.valid_to, ibis.null(table.valid_to.type()))
    return joined.mutate(valid_to=end).select(*table.columns)


def _unit(spec: TableSpec, columns: tuple[str, ...]) -> list[str]:
    return [name for name in spec.key_among(columns) if name != "valid_from"]
