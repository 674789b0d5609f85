"""Cells of a file -> typed values by the contract of their column, each with the rule it breaks, if any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sources import engine
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE
from csworkbench.tables import Column, Kind, TableSpec
from csworkbench.workspace import EPOCHS

if TYPE_CHECKING:
    import ibis

ISO = "%Y-%m-%d"
FIRST_YEAR, LAST_YEAR, LAST_PLANNED_YEAR = 1900, 2100, 9999

_EDGES = r"^[\s\p{Z}\x{200B}-\x{200D}\x{2060}\x{FEFF}]+|[\s\p{Z}\x{200B}-\x{200D}\x{2060}\x{FEFF}]+$"
_INVISIBLE = r"[\x{200B}-\x{200D}\x{2060}\x{FEFF}]"
_WHOLE = r"^[+-]?\d+(\.0*)?$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_ISO_DAY = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$"
_ISO_OFFSET = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(Z|[+-]\d{2}(:?\d{2})?)$"


@dataclass(frozen=True, slots=True)
class Clock:
    """How times without an offset are read.

    Args:
        source_zone: Zone of a time of day without an offset.
        calendar_zone: Zone of a day without a time.
    """

    source_zone: str
    calendar_zone: str


def rule_of(index: int) -> str:
    """Return the name of the column that holds the rule a cell breaks, or null."""
    return f"_rule_{index}"


def cell_of(index: int) -> str:
    """Return the name of the column that holds the text of a cell that breaks a rule."""
    return f"_cell_{index}"


def blank_of(name: str) -> str:
    """Return the name of the column that says where a column was blank before another one stood in."""
    return f"_blank_{name}"


def typed(raw: "ibis.Table", fields: Sequence[Field], spec: TableSpec, clock: Clock, is_one_file: bool) -> "ibis.Table":
    """Return a table of typed values with the rule each cell breaks and the text it had.

    Args:
        raw: Columns of the file under their canonical names, with `_file` and `_line`.
        fields: Columns to type.
        spec: Contract of the table.
        clock: How times without an offset are read.
        is_one_file: Whether a line number alone says which row is meant.

    Returns:
        One row per row of the file: `_file`, `_line`, the typed columns, and per column `_rule_<i>` (null, blank, type,
        range or allowed) and `_cell_<i>`.
    """
    import ibis

    columns = {FILE: raw[FILE], LINE: raw[LINE]}
    for index, item in enumerate(fields):
        if item.is_row:
            line = raw[LINE].cast("string")
            columns[item.name] = line if is_one_file else raw[FILE] + ":" + line
            continue
        cell = ibis.literal(item.const) if item.const is not None else raw[item.name]
        if cell.type().is_floating():
            cell = cell.isnan().ifelse(ibis.null(cell.type()), cell)
        text = cell.cast("string")
        if cell.type().is_string() or item.column.kind is Kind.TEXT or item.values:
            text = _cleaned(text, item)
        value = _value(cell, text, item, clock)
        rule = _broken(text, value, item.column, item.name in {*spec.planned, "valid_to"})
        columns[item.name] = ibis.ifelse(rule.isin(["type", "range", "allowed"]), ibis.null(value.type()), value)
        columns[rule_of(index)] = rule
        columns[cell_of(index)] = ibis.ifelse(rule.notnull(), cell.cast("string"), ibis.null("string"))
    return raw.select(**columns)


def _cleaned(text: "ibis.Value", item: Field) -> "ibis.Value":
    text = engine.nfc(text).re_replace(_EDGES, "")
    if item.column.is_id or item.column.name == "feature":
        text = text.re_replace(_INVISIBLE, "").re_replace(r"\p{Zs}", " ")
    text = text.nullif("")
    missing = [] if item.column.is_id else [word for word in item.missing if word]
    if missing:
        text = text.isin(missing).ifelse(None, text)
    return text.substitute(dict(item.values)) if item.values else text


def _value(cell: "ibis.Value", text: "ibis.Value", item: Field, clock: Clock) -> "ibis.Value":
    kind = item.column.kind
    if kind is Kind.TEXT:
        return text
    if not cell.type().is_string() and not item.values:
        native = _native(cell, kind, clock)
        if native is not None:
            return native
    if kind is Kind.BOOLEAN:
        lower = text.lower()
        return lower.isin(["true", "1"]).ifelse(True, lower.isin(["false", "0"]).ifelse(False, None))
    if kind in {Kind.DATE, Kind.INSTANT}:
        return _time(text, item, clock)
    return _number(text, item)


def _native(cell: "ibis.Value", kind: Kind, clock: Clock) -> "ibis.Value | None":
    """Return a Parquet value that has the right type already; None where it has to go through its text."""
    import ibis

    type_ = cell.type()
    if kind is Kind.BOOLEAN and type_.is_boolean():
        return cell
    if kind is Kind.DATE and type_.is_date():
        return cell
    if kind is Kind.INSTANT and type_.is_date():
        return engine.wall_clock_to_utc(cell.cast("timestamp"), clock.calendar_zone)
    if kind is Kind.INSTANT and type_.is_timestamp():
        return cell.cast("timestamp") if type_.timezone else engine.wall_clock_to_utc(cell, clock.source_zone)
    if kind is Kind.DATE and type_.is_timestamp():
        return engine.local_day(cell.cast("timestamp"), clock.calendar_zone) if type_.timezone else cell.date()
    if kind is Kind.INTEGER and type_.is_floating():
        return (cell == cell.floor()).ifelse(cell, ibis.null(type_)).try_cast("int64")
    if kind in {Kind.INTEGER, Kind.DECIMAL, Kind.SHARE} and type_.is_numeric():
        return cell.try_cast(kind.engine_type)
    return None


def _number(text: "ibis.Value", item: Field) -> "ibis.Value":
    # A decimal comma makes a point a mistake, so the point is turned into something no number has.
    plain = text.replace(".", "!").replace(",", ".") if item.decimal == "," else text
    if item.column.kind is Kind.INTEGER:
        whole = plain.re_search(_WHOLE).ifelse(plain.re_replace(r"\.0*$", ""), None)
        return whole.try_cast("int64")
    return plain.re_search(_NUMBER).ifelse(plain, None).try_cast(item.column.kind.engine_type)


def _time(text: "ibis.Value", item: Field, clock: Clock) -> "ibis.Value":
    is_date = item.column.kind is Kind.DATE
    if item.dates in EPOCHS:
        factor = 1_000_000 if item.dates == "epoch_s" else 1_000
        micros = text.re_search(r"^-?\d{1,14}$").ifelse(text, None).try_cast("int64") * factor
        instant = engine.from_micros(micros)
        return engine.local_day(instant, clock.calendar_zone) if is_date else instant
    if item.dates == ISO and is_date:
        return text.re_search(_ISO_DAY).ifelse(text, None).try_cast("date")
    if item.dates == ISO:
        return _iso_instant(text, clock)
    parsed = engine.parse_time(text, item.dates)
    if "%z" in item.dates:
        return engine.local_day(parsed, clock.calendar_zone) if is_date else parsed
    if is_date:
        return parsed.date()
    has_time = any(code in item.dates for code in ("%H", "%I", "%c", "%X"))
    return engine.wall_clock_to_utc(parsed, clock.source_zone if has_time else clock.calendar_zone)


def _iso_instant(text: "ibis.Value", clock: Clock) -> "ibis.Value":
    import ibis

    # The engine ignores the offset when it casts to a time without zone, hence the way over a time with one.
    aware = text.re_search(_ISO_OFFSET).ifelse(text, None).try_cast("timestamp('UTC')").cast("timestamp")
    naive = text.re_search(_ISO_TIME).ifelse(text, None).try_cast("timestamp")
    day = text.re_search(_ISO_DAY).ifelse(text, None).try_cast("timestamp")
    return ibis.coalesce(
        aware, engine.wall_clock_to_utc(naive, clock.source_zone), engine.wall_clock_to_utc(day, clock.calendar_zone)
    )


def _broken(text: "ibis.Value", value: "ibis.Value", column: Column, is_planned: bool) -> "ibis.Value":
    import ibis

    nothing = ibis.null("string")
    rule = nothing
    outside = _outside(value, column, is_planned)
    if outside is not None:
        rule = outside.fill_null(False).ifelse("range", rule)
    if column.allowed:
        rule = value.notin(column.allowed).fill_null(False).ifelse("allowed", rule)
    if column.kind is not Kind.TEXT:
        rule = (value.isnull() & text.notnull()).ifelse("type", rule)
    # A column that falls back to another is judged after it was filled.
    if not column.nullable and column.falls_back_to is None:
        rule = text.isnull().ifelse("blank", rule)
    return rule


def _outside(value: "ibis.Value", column: Column, is_planned: bool) -> "ibis.Value | None":
    import ibis

    if column.kind in {Kind.DATE, Kind.INSTANT}:
        return ~value.year().between(FIRST_YEAR, LAST_PLANNED_YEAR if is_planned else LAST_YEAR)
    low, high = (0.0, 1.0) if column.kind is Kind.SHARE else (column.low, column.high)
    bounds = []
    if column.kind is Kind.SHARE:
        bounds.append(value.isnan())
    if low is not None:
        bounds.append(value < ibis.literal(low))
    if high is not None:
        bounds.append(value > ibis.literal(high))
    outside = None
    for bound in bounds:
        outside = bound if outside is None else outside | bound
    return outside


def filled(table: "ibis.Table", fields: Sequence[Field], spec: TableSpec) -> "ibis.Table":
    """Return a typed table with `falls_back_to` applied and a blank `known_at` set to the event.

    Args:
        table: Table of `typed`.
        fields: Its columns.
        spec: Contract of the table.

    Returns:
        The same rows; per column that was filled, `_blank_<name>` says where it was blank.
    """
    present = {item.name for item in fields}
    stand_ins = {column.name: table[column.falls_back_to] for column in spec.columns if column.falls_back_to in present}
    if spec.known_at in present and spec.event_at in present:
        event = table[spec.event_at]
        # In every zone midnight UTC lies before the end of that day, which is all a cut by days asks.
        stand_ins[str(spec.known_at)] = event.cast("timestamp")
    columns: dict[str, ibis.Value] = {}
    for name, stand_in in stand_ins.items():
        if name in present:
            columns |= {name: table[name].coalesce(stand_in), blank_of(name): table[name].isnull()}
        else:
            columns[name] = stand_in
    return table.mutate(**columns) if columns else table
