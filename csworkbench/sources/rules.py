"""The rules of one table as conditions on its rows: cells, order of dates, references, beginnings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Literal

from csworkbench.sources import engine
from csworkbench.sources.fields import Field
from csworkbench.sources.misfit import cell_hint
from csworkbench.sources.typed import cell_of, rule_of
from csworkbench.tables import Column, ForeignKey, Kind, NotBefore, Rule, TableSpec
from csworkbench.workspace import TableSource

if TYPE_CHECKING:
    import ibis

Condition = Callable[["ibis.Table"], "ibis.Value"]
Action = Literal["kept", "flagged", "quarantined"]
LATE_DAYS = 2
ADVICE = {
    Rule.CURRENCY: "is not the currency of the workspace: amounts of different currencies are never added up",
    Rule.UNMAPPED: "is not named under values of the column, and passes unchanged; name it there too",
    Rule.LATE: "became known more than a day after they happened; a run as of an earlier day does not see them",
    Rule.REPEATED: "an earlier row has this value already; export each row once, or leave out unique",
    Rule.OVERLAP: "this version ends after the next one begins; end it on that day",
    Rule.GAP: "no version holds from this day until the next one begins; close the gap, or the row is missing then",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What the rows of a table are judged by.

    Args:
        spec: Contract of the table.
        source: What the workspace declares; its `rules` decide what becomes of rows that break one.
        parents: Tables that were read before.
        zone: Time zone of calendar days.
        currency: Currency of the workspace.
    """

    spec: TableSpec
    source: TableSource
    parents: "Mapping[str, ibis.Table]"
    zone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Check:
    """One rule about the rows of a table.

    Args:
        rule: Its name.
        column: Column it is about.
        broken: Table with its lookups -> whether a row breaks it.
        value: Table -> what to show of such a row.
        hint: What to do about it.
        action: What becomes of such rows.
        lookup: Number of the lookup it needs; None = none.
        cell: Number of the field whose cells it judges; None = it judges rows.
    """

    rule: Rule
    column: str
    broken: Condition
    value: Condition
    hint: str
    action: Action
    lookup: int | None = None
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class _Reference:
    """Columns of a table whose values stand in columns of another one."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What rows of this table need to know of another one, or of each other.

    Args:
        columns: Columns of this table that refer to it.
        keys: Columns of `table` that hold their values, one row for each.
        table: These keys, and what the rows there say beside them.
    """

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    table: "ibis.Table"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules about the rows of a table.

    Args:
        checks: The rules.
        lookups: What some of them need of other tables.
    """

    checks: tuple[Check, ...]
    lookups: tuple[Lookup, ...]

    def with_lookups(self, rows: "ibis.Table", checks: Sequence[Check]) -> "ibis.Table":
        """Return the rows with the lookups some checks need; as many rows as before."""
        for number in sorted({check.lookup for check in checks if check.lookup is not None}):
            found = self.lookups[number]
            pairs = zip(found.columns, found.keys, strict=True)
            rows = rows.left_join(found.table, [_same(rows[ours], found.table[theirs]) for ours, theirs in pairs])
        return rows


def rulebook(staged: "ibis.Table", case: Case) -> Rulebook:
    """Return the rules about the rows of a table.

    Args:
        staged: Its typed rows.
        case: What they are judged by.
    """
    present = [name for name in staged.columns if not name.startswith("_")]
    lookups: list[Lookup] = []
    checks = [*_needed(case.spec, present), *_order(case.spec, present), *_notes(staged, case)]
    for reference in _references(case, present):
        checks += _reference(reference, staged, case, lookups)
    if case.spec.has_versions and {"valid_from", "valid_to"} <= set(present):
        checks += _versions(staged, case.spec, lookups)
    return Rulebook(tuple(_decided(check, case) for check in checks), tuple(lookups))


def cell_check(fields: Sequence[Field], index: int, rule: Rule, case: Case) -> Check:
    """Return the rule about the cells of a column that `typed` found broken.

    Args:
        fields: Columns of the table.
        index: Number of the column.
        rule: What `typed` found.
        case: What the rows are judged by.
    """
    item, cell = fields[index], _itself(cell_of(index))
    action: Action = "quarantined" if rule.is_choice else "kept"  # a value that is rounded or unmapped stays
    hint = ADVICE.get(rule) or cell_hint(item, rule)
    check = Check(rule, item.name, _says(rule_of(index), rule), cell, hint, action, cell=index)
    return _decided(check, case)


def _decided(check: Check, case: Case) -> Check:
    """Return a check with the action of the workspace, where the rule leaves it to the workspace."""
    if not check.rule.is_choice or check.action == "flagged":
        return check
    return replace(check, action=action_of(case, check.rule))


def action_of(case: Case, rule: Rule) -> Action:
    """Return what becomes of rows that break a rule."""
    is_aside = case.source.rule_action(rule) == "quarantine" and not case.spec.fails_closed
    return "quarantined" if is_aside else "flagged"


def any_broken(rows: "ibis.Table", checks: Sequence[Check]) -> "ibis.Value":
    """Return whether a row breaks any of some checks, of which there is at least one."""
    return reduce(or_, (check.broken(rows).fill_null(False) for check in checks))


def _needed(spec: TableSpec, present: Sequence[str]) -> Iterator[Check]:
    fallbacks = [(column.name, column.falls_back_to) for column in spec.columns if column.falls_back_to]
    groups = [(group, " or ".join(group)) for group in spec.one_of]
    groups += [((name,), f"{name} or {other}") for name, other in fallbacks if name in present]
    for group, words in groups:
        names = [name for name in group if name in present]
        hint = f"{words} is needed; fill one of them"
        yield Check(Rule.BLANK, names[0], _all_blank(names), _nothing, hint, "quarantined")


def _order(spec: TableSpec, present: Sequence[str]) -> Iterator[Check]:
    pairs = list(spec.ordered)
    if spec.event_at and spec.known_at and spec.event_at not in spec.planned:
        pairs += [(spec.event_at, spec.known_at)] if spec.column(spec.event_at).kind is Kind.INSTANT else []
    for early, late in pairs:
        if early in present and late in present:
            hint = f"{late} may not lie before {early}; correct one of them"
            yield Check(Rule.ORDER, late, _before(late, early), _text_of(late), hint, "quarantined")


def _references(case: Case, present: Sequence[str]) -> Iterator[_Reference]:
    """Yield what the table refers to, each other table and its columns once."""
    spec = case.spec
    wanted = [_Reference(key.columns, key.table, key.targets) for key in spec.foreign_keys]
    wanted += [_Reference((rule.by,), rule.table, (rule.by,)) for rule in spec.not_before]
    for reference in dict.fromkeys(wanted):
        there = present if reference.table == spec.name else _columns(case.parents.get(reference.table))
        if set(reference.columns) <= set(present) and set(reference.targets) <= set(there):
            yield reference


def _columns(table: "ibis.Table | None") -> Sequence[str]:
    return () if table is None else table.columns


def _reference(reference: _Reference, staged: "ibis.Table", case: Case, lookups: list[Lookup]) -> list[Check]:
    """Return the checks that need one other table, and add what they look up there."""
    number, spec = len(lookups), case.spec
    parent = staged if reference.table == spec.name else case.parents[reference.table]
    keys = {f"_key_{number}_{place}": target for place, target in enumerate(reference.targets)}
    checks = [
        _orphan(key, next(iter(keys)), number)
        for key in spec.foreign_keys
        if _Reference(key.columns, key.table, key.targets) == reference
    ]
    filled = parent.filter([parent[target].notnull() for target in reference.targets])
    firsts: dict[str, ibis.Value] = {}
    for rule in spec.not_before:
        applies = _Reference((rule.by,), rule.table, (rule.by,)) == reference
        if applies and rule.column in staged.columns and rule.other in parent.columns:
            name = f"_first_{number}_{len(firsts)}"
            firsts[name] = _bound(filled[rule.other].min(), staged[rule.column], rule, case.zone)
            checks.append(_early(rule, name, number))
    groups = {key: filled[target] for key, target in keys.items()}
    found = filled.group_by(**groups).aggregate(**firsts) if firsts else filled.select(**groups).distinct()
    lookups.append(Lookup(reference.columns, tuple(keys), found))
    return checks


def _orphan(key: ForeignKey, found: str, number: int) -> Check:
    def broken(rows: "ibis.Table") -> "ibis.Value":
        return reduce(and_, (rows[name].notnull() for name in key.columns)) & rows[found].isnull()

    name = key.columns[0]
    advice = "the row is kept" if key.keep_orphans else "export its row too, or correct the id"
    hint = f"{key.table} has no such {key.targets[0]}; {advice}"
    action: Action = "flagged" if key.keep_orphans else "quarantined"
    return Check(Rule.FOREIGN_KEY, name, broken, _text_of(name), hint, action, lookup=number)


def _early(rule: NotBefore, bound: str, number: int) -> Check:
    hint = f"lies before {rule.other} of its {rule.by} in {rule.table}; correct one of the two"
    broken = _before(rule.column, bound)
    return Check(Rule.BEFORE_START, rule.column, broken, _text_of(rule.column), hint, "quarantined", lookup=number)


def _bound(first: "ibis.Value", column: "ibis.Value", rule: NotBefore, zone: str) -> "ibis.Value":
    """Return what a column may not lie before: the first instant, its day, or the beginning of that day."""
    import ibis

    is_instant = column.type().is_timestamp()
    if rule.is_exact and is_instant and first.type().is_timestamp():
        return first
    day = engine.local_day(first, zone) if first.type().is_timestamp() else first
    if not is_instant:
        return day
    midnight = day.cast("timestamp")
    return ibis.coalesce(engine.wall_clock_to_utc(midnight, zone), midnight)


def _versions(staged: "ibis.Table", spec: TableSpec, lookups: list[Lookup]) -> list[Check]:
    """Return the checks of versions of a row against the next one, and add where that begins."""
    import ibis

    unit = [name for name in spec.key_among(staged.columns) if name != "valid_from"]
    keys = {f"_key_versions_{name}": staged[name] for name in (*unit, "valid_from")}
    begins = staged.select(**keys).drop_null().distinct()
    *group, start = begins.columns
    following = begins[start].lead().over(ibis.window(group_by=group, order_by=start))
    lookups.append(Lookup((*unit, "valid_from"), tuple(keys), begins.mutate(_next_from=following)))
    value, number = _text_of("valid_to"), len(lookups) - 1
    overlap = _before("_next_from", "valid_to")
    checks = [Check(Rule.OVERLAP, "valid_to", overlap, value, ADVICE[Rule.OVERLAP], "quarantined", lookup=number)]
    if spec.version:  # an account is always there; a role or a consent may lapse
        gap = _before("valid_to", "_next_from")
        checks.append(Check(Rule.GAP, "valid_to", gap, value, ADVICE[Rule.GAP], "flagged", lookup=number))
    return checks


def _notes(staged: "ibis.Table", case: Case) -> Iterator[Check]:
    """Yield what is told about rows that stay: known late, revealed at no known time, in another currency."""
    import ibis

    spec, present = case.spec, set(staged.columns)
    if spec.known_at and spec.event_at in present and spec.known_at in present:

        def late(rows: "ibis.Table") -> "ibis.Value":
            return rows[spec.known_at] > rows[spec.event_at].cast("timestamp") + ibis.interval(days=LATE_DAYS)

        yield Check(Rule.LATE, spec.known_at, late, _text_of(spec.known_at), ADVICE[Rule.LATE], "kept")
    for column in spec.columns:
        if column.known_with and not column.varies and column.name in present:
            hint = f"has a value without {column.known_with}: known since nobody knows when; fill {column.known_with}"
            undated = _undated(column, spec.on_unknown.get(column.name), has_date=column.known_with in present)
            yield Check(Rule.UNDATED, column.name, undated, _text_of(column.name), hint, "flagged")
    if "currency" in present:
        # Another currency breaks no rule; adding it up would.
        told = ADVICE[Rule.CURRENCY]
        yield Check(Rule.CURRENCY, "currency", _other(case.currency), _text_of("currency"), told, "kept")


def _undated(column: Column, fallback: str | None, *, has_date: bool) -> Condition:
    def broken(rows: "ibis.Table") -> "ibis.Value":
        value = rows[column.name]
        says = value.notnull() if fallback is None else value.fill_null(fallback) != fallback
        return says & rows[column.known_with].isnull() if has_date else says

    return broken


def _other(currency: str) -> Condition:
    return lambda rows: rows["currency"].notnull() & (rows["currency"] != currency)


def _says(name: str, rule: Rule) -> Condition:
    return lambda rows: rows[name] == rule.value


def _before(late: str, early: str) -> Condition:
    return lambda rows: rows[late] < rows[early]


def _all_blank(names: Sequence[str]) -> Condition:
    return lambda rows: reduce(and_, (rows[name].isnull() for name in names))


def _itself(name: str) -> Condition:
    return lambda rows: rows[name]


def _text_of(name: str) -> Condition:
    return lambda rows: rows[name].cast("string")


def _nothing(rows: "ibis.Table") -> "ibis.Value":
    import ibis

    del rows
    return ibis.literal("")


def _same(ours: "ibis.Value", theirs: "ibis.Value") -> "ibis.Value":
    # An extra column may hold a number where the contract says text.
    return ours == theirs if ours.type() == theirs.type() else ours.cast("string") == theirs.cast("string")
