"""Cells of a file -> typed values by the contract of their column, each with the rule it breaks, if any.

Times are read by one rule, whatever the machine's own zone is:

* An offset in the cell decides; offsets may differ from row to row. All instants are held in UTC.
* A time of day without an offset is a clock on a wall in the `timezone` of its table. A time in the hour that a zone
  skips in spring never was: the row is set aside. A time in the hour that comes twice in autumn is the second, the
  standard-time one.
* A day without a time, in a column of times, begins where the calendar of the workspace begins it.
* Hours run from 0 to 23 and seconds to 59: `24:00` and the leap second `23:59:60` are set aside.
* An epoch before 1973 is another unit, or a 0 that means missing: it is set aside.

Numbers are read in the declared writing only. Digits of other scripts, `inf`, `(300)`, `12k` and `9/10` are no numbers.
Thousands are kept apart by the declared mark alone, between groups of exactly three digits; a blank is also a no-break
or narrow one, an apostrophe also the curly one. Money has six decimals; a cell with more is told as `rounded`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sources import engine
from csworkbench.sources.dates import shape
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE
from csworkbench.tables import Column, Kind, Rule, TableSpec
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
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?"
_ISO_TIME = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}$"
_ISO_OFFSET = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK} ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)$"
_FINER = r"^[^eE]*\.\d{6}\d*[1-9]\d*$"
_MARKS = {" ": r"[ \x{00A0}\x{202F}\x{2009}]", "'": r"['\x{2019}]", ",": ",", ".": r"\."}


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
        range, allowed; rounded or unmapped for a value that stays) and `_cell_<i>`.
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
        if item.column.kind is Kind.DECIMAL and (cell.type().is_string() or item.values):
            rule = rule.coalesce(_rounded(text, value, item).ifelse(Rule.ROUNDED.value, None))
        elif item.values and item.column.kind is Kind.TEXT and not item.column.allowed:
            rule = rule.coalesce(text.notin([*item.values.values()]).ifelse(Rule.UNMAPPED.value, None))
        columns[item.name] = ibis.ifelse(rule.isin(["type", "range", "allowed"]), ibis.null(value.type()), value)
        columns[rule_of(index)] = rule
        columns[cell_of(index)] = ibis.ifelse(rule.notnull(), cell.cast("string"), ibis.null("string"))
    return raw.select(**columns)


def _cleaned(text: "ibis.Value", item: Field) -> "ibis.Value":
    if item.column.is_id or item.column.name == "feature":
        text = engine.nfc(text).re_replace(f"{_EDGES}|{_INVISIBLE}", "").re_replace(r"\p{Zs}", " ")
    else:
        text = engine.nfc(text).re_replace(_EDGES, "")
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
        moment = cell.cast("timestamp")  # also from nanoseconds
        return moment if type_.timezone else engine.wall_clock_to_utc(moment, clock.source_zone)
    if kind is Kind.DATE and type_.is_timestamp():
        return engine.local_day(cell.cast("timestamp"), clock.calendar_zone) if type_.timezone else cell.date()
    if kind is Kind.INTEGER and (type_.is_floating() or type_.is_decimal()):
        return (cell == cell.floor()).ifelse(cell, ibis.null(type_)).try_cast("int64")
    if kind in {Kind.INTEGER, Kind.DECIMAL, Kind.SHARE} and type_.is_numeric():
        return cell.try_cast(kind.engine_type)
    return None


def _number(text: "ibis.Value", item: Field) -> "ibis.Value":
    plain = _plain(text, item)
    if item.column.kind is Kind.INTEGER:
        whole = plain.re_search(_WHOLE).ifelse(plain.re_replace(r"\.0*$", ""), None)
        return whole.try_cast("int64")
    return plain.re_search(_NUMBER).ifelse(plain, None).try_cast(item.column.kind.engine_type)


def _plain(text: "ibis.Value", item: Field) -> "ibis.Value":
    """Return a number without marks between its thousands and with a decimal point."""
    if item.thousands is not None:
        mark, point = _MARKS[item.thousands], _MARKS[item.decimal]
        is_grouped = text.re_search(rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d*)?$")
        text = is_grouped.ifelse(text.re_replace(mark, ""), text)
    # A decimal comma makes a point a mistake, so the point is turned into something no number has.
    return text.replace(".", "!").replace(",", ".") if item.decimal == "," else text


def _rounded(text: "ibis.Value", value: "ibis.Value", item: Field) -> "ibis.Value":
    """Return whether the text of a decimal says more than its value keeps."""
    plain = _plain(text, item)
    exact = plain.re_search("[eE]").ifelse(plain, None).try_cast("decimal(38, 18)")
    return plain.re_search(_FINER) | (exact != value.cast("decimal(38, 18)")).fill_null(False)


def _time(text: "ibis.Value", item: Field, clock: Clock) -> "ibis.Value":
    is_date = item.column.kind is Kind.DATE
    if item.dates == ISO:
        if is_date:
            return text.re_search(_ISO_DAY).ifelse(text, None).try_cast("date")
        return _iso_instant(text, clock)
    # Spreadsheets and browsers write a narrow space before AM.
    text = text.re_replace(r"\p{Zs}", " ")
    text = text.re_search(shape(item.dates)).ifelse(text, None)
    if item.dates in EPOCHS:
        factor = 1_000_000 if item.dates == "epoch_s" else 1_000
        instant = engine.from_micros(text.re_replace(r"\..*", "").try_cast("int64") * factor)
        return engine.local_day(instant, clock.calendar_zone) if is_date else instant
    if "%z" in item.dates:
        parsed = engine.parse_time(text.re_replace("Z$", "+00:00"), item.dates)
        return engine.local_day(parsed, clock.calendar_zone) if is_date else parsed
    parsed = engine.parse_time(text, item.dates)
    if is_date:
        return parsed.date()
    has_time = any(f"%{code}" in item.dates for code in ("H", "I", "-H", "-I"))
    return engine.wall_clock_to_utc(parsed, clock.source_zone) if has_time else _midnight(parsed, clock.calendar_zone)


def _midnight(day: "ibis.Value", zone: str) -> "ibis.Value":
    """Return the instant at which a day begins; some zones skip their first hour once a year."""
    import ibis

    return ibis.coalesce(
        engine.wall_clock_to_utc(day, zone), engine.wall_clock_to_utc(day + ibis.interval(hours=1), zone)
    )


def _iso_instant(text: "ibis.Value", clock: Clock) -> "ibis.Value":
    import ibis

    # The engine ignores the offset when it casts to a time without zone, hence the way over a time with one.
    aware = text.re_search(_ISO_OFFSET).ifelse(text, None).try_cast("timestamp('UTC')").cast("timestamp")
    naive = text.re_search(_ISO_TIME).ifelse(text, None).try_cast("timestamp")
    day = text.re_search(_ISO_DAY).ifelse(text, None).try_cast("timestamp")
    wall = engine.wall_clock_to_utc(naive, clock.source_zone)
    return ibis.coalesce(aware, wall, _midnight(day, clock.calendar_zone))


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
