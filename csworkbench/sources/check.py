"""The checks a table contract implies: which rows break which rule, and what is left when they are set aside."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, Problem
from csworkbench.sources import engine
from csworkbench.sources.fields import Field
from csworkbench.sources.misfit import cell_hint, is_swapped, misfit
from csworkbench.sources.parse import FILE, LINE, SHOWN_CHARACTERS
from csworkbench.sources.typed import Clock, blank_of, cell_of, rule_of
from csworkbench.tables import Kind, TableSpec

if TYPE_CHECKING:
    import ibis

RULES = ("blank", "type", "range", "allowed")
EXAMPLES = 300
CONTENT = "_content"


@dataclass(frozen=True, slots=True)
class Counts:
    """What one aggregate over a table counts.

    Args:
        rows: Rows of the table.
        broken: (index of the field, rule) -> cells.
        blanks: Column -> missing cells.
    """

    rows: int
    broken: Mapping[tuple[int, str], int]
    blanks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sieve:
    """A table after its rules were applied.

    Args:
        good: Rows that stay, with the internal columns.
        bad: One row per broken rule: file, line, column, value, rule, hint.
        collapsed: Equal rows that were read once.
    """

    good: "ibis.Table"
    bad: "ibis.Table | None"
    collapsed: int


def count(staged: "ibis.Table", fields: Sequence[Field]) -> Counts:
    """Return how many cells break each rule and how many are blank, in one pass.

    Args:
        staged: Table of `typed.typed`.
        fields: Its columns.
    """
    wanted = {"rows": staged.count()}
    for index, item in enumerate(fields):
        if item.is_row:
            continue
        rule = staged[rule_of(index)]
        was_filled = blank_of(item.name) in staged.columns
        blank = staged[blank_of(item.name)] if was_filled else staged[item.name].isnull()
        wanted[f"missing {index}"] = (blank & (rule.isnull() | (rule == "blank"))).sum()
        wanted.update({f"{name} {index}": (rule == name).sum() for name in RULES})
    found = {name: int(value or 0) for name, value in staged.aggregate(**wanted).to_pyarrow().to_pylist()[0].items()}
    broken = {
        (index, rule): number
        for index, item in enumerate(fields)
        for rule in RULES
        if not item.is_row and (number := found[f"{rule} {index}"])
    }
    blanks = {
        item.name: number
        for index, item in enumerate(fields)
        if not item.is_row and (number := found[f"missing {index}"])
    }
    return Counts(found["rows"], broken, blanks)


def refuse_misfits(staged: "ibis.Table", fields: Sequence[Field], counts: Counts, files: str) -> None:
    """Refuse a table whose columns are not what was declared.

    Args:
        staged: Table of `typed.typed`.
        fields: Its columns.
        counts: What `count` found.
        files: Names of its files, for the messages.

    Raises:
        DataError: most values of a column break its rule, or all of them fit another declaration.
    """
    problems: list[Problem] = []
    for (index, rule), bad in counts.broken.items():
        item = fields[index]
        filled = counts.rows if rule == "blank" else counts.rows - counts.blanks.get(item.name, 0)
        examples = _examples(staged, index, rule)
        if bad * 2 > filled or (is_swapped(item, rule, examples) and _has_no_late_day(staged, item)):
            problem = misfit(item, rule, bad, filled, examples)
            problems.append(Problem(problem.message, file=files, key=problem.key, hint=problem.hint))
    if problems:
        raise DataError(*problems)


def _has_no_late_day(staged: "ibis.Table", item: Field) -> bool:
    """Return whether no date that was read proves, by a day after the 12th, that day and month are as declared."""
    proof = staged.filter(staged[item.name].day() > 12)
    return int(proof.count().to_pyarrow().as_py()) == 0


def _examples(staged: "ibis.Table", index: int, rule: str) -> list[str]:
    bad = staged.filter(staged[rule_of(index)] == rule)
    first = bad.group_by(text=bad[cell_of(index)].strip()).aggregate(line=bad[LINE].min())
    return [str(row["text"]) for row in first.order_by("line").limit(EXAMPLES).to_pyarrow().to_pylist()]


class Sifter:
    """Applies the rules of a table one after another; each rule sees only rows that passed those before.

    Args:
        staged: Typed rows.
        fields: Its columns.
        spec: Its contract.
        keep: Keep rows that break a rule and only list them.
    """

    def __init__(self, staged: "ibis.Table", fields: Sequence[Field], spec: TableSpec, *, keep: bool) -> None:
        self.good, self.fields, self.spec, self.keep = staged, fields, spec, keep
        self.bad: list[ibis.Table] = []
        self.collapsed = 0
        self.present = [name for name in staged.columns if not name.startswith("_")]

    def cells(self, counts: Counts) -> None:
        """Set aside the rows with cells that break their column's rules."""
        import ibis

        for index, rule in counts.broken:
            item = self.fields[index]
            rows = self.good.filter(self.good[rule_of(index)] == rule)
            self._list(rows, item.name, rows[cell_of(index)], rule, ibis.literal(cell_hint(item, rule)))
        rules = sorted({index for index, _ in counts.broken})
        if rules and not self.keep:
            self.good = self.good.filter([self.good[rule_of(index)].isnull() for index in rules])

    def filled(self) -> None:
        """Set aside the rows in which a column and the one it falls back to are both blank."""
        for column in self.spec.columns:
            if column.falls_back_to and column.name in self.present:
                broken = self.good[column.name].isnull()
                self._break(broken, column.name, None, "blank", f"{column.name} or {column.falls_back_to} is needed")

    def order(self) -> None:
        """Set aside the rows whose dates come in an impossible order."""
        pairs = list(self.spec.ordered)
        if self.spec.event_at and self.spec.known_at and self.spec.event_at not in self.spec.planned:
            kind = self.spec.column(self.spec.event_at).kind
            pairs += [(self.spec.event_at, self.spec.known_at)] if kind is Kind.INSTANT else []
        for early, late in pairs:
            if early in self.present and late in self.present:
                broken = (self.good[late] < self.good[early]).fill_null(False)
                self._break(broken, late, self.good[late], "order", f"{late} may not lie before {early}")

    def parents(self, parents: Mapping[str, "ibis.Table"]) -> None:
        """Set aside the rows that refer to rows another table does not have."""
        for key in self.spec.foreign_keys:
            parent = parents.get(key.table)
            if parent is None or not all(name in self.present for name in key.columns):
                continue
            filled = self.good.filter([self.good[name].notnull() for name in key.columns])
            orphans = filled.anti_join(parent.select(*key.columns).distinct(), list(key.columns))
            column = key.columns[0]
            hint = f"{key.table} has no such {column}"
            self._list_orphans(orphans, column, hint, keep=key.keep_orphans)

    def _list_orphans(self, orphans: "ibis.Table", column: str, hint: str, *, keep: bool) -> None:
        import ibis

        if not int(orphans.count().to_pyarrow().as_py()):
            return
        self._list(orphans, column, orphans[column], "flag_foreign_key" if keep else "foreign_key", ibis.literal(hint))
        if not (keep or self.keep):
            self._drop(orphans)

    def starts(self, parents: Mapping[str, "ibis.Table"], clock: Clock) -> None:
        """Set aside the rows that lie before the account's own first day."""
        for rule in self.spec.not_before:
            parent = parents.get(rule.table)
            if parent is None or rule.other not in parent.columns or rule.column not in self.present:
                continue
            day = engine.local_day(parent[rule.other], clock.calendar_zone)
            first = parent.group_by("account_id").aggregate(_first=day.min())
            joined = self.good.inner_join(first, "account_id")
            early = joined.filter(joined[rule.column] < joined["_first"]).drop("_first")
            self._list_early(early, rule.column, f"lies before {rule.other} of the account")

    def _list_early(self, early: "ibis.Table", column: str, hint: str) -> None:
        import ibis

        if not int(early.count().to_pyarrow().as_py()):
            return
        self._list(early, column, early[column].cast("string"), "before_start", ibis.literal(hint))
        if not self.keep:
            self._drop(early)

    def keys(self) -> None:
        """Read equal rows once, and set aside rows that have one key and say different things."""
        import ibis

        key = self.spec.key_among(self.present)
        if not key or any(item.is_row for item in self.fields if item.name in key):
            return
        per_key = self.good.group_by(key).aggregate(number=ibis._.count())
        if not int(per_key.filter(per_key.number > 1).count().to_pyarrow().as_py()):
            return
        content = engine.low_hash(engine.row_text([self.good[name] for name in self.present]))
        rows = self.good.mutate(**{CONTENT: content})
        group = ibis.window(group_by=list(key))
        rows = rows.mutate(
            _contents=rows[CONTENT].nunique().over(group),
            _first=rows[LINE].min().over(group),
            _last=rows[LINE].max().over(group),
            _copy=ibis.row_number().over(group_by=[*key, CONTENT], order_by=[FILE, LINE]),
        )
        before = int(rows.count().to_pyarrow().as_py())
        rows = rows.filter(rows["_copy"] == 0)
        self.collapsed = before - int(rows.count().to_pyarrow().as_py())
        twice = rows.filter(rows["_contents"] > 1)
        hint = (
            ibis.literal("lines ")
            + twice["_first"].cast("string")
            + " and "
            + twice["_last"].cast("string")
            + " have the same key and say different things"
        )
        value = ibis.literal(", ").join([twice[name].cast("string").fill_null("") for name in key])
        self._list(twice, key[0], value, "contradiction", hint)
        self.good = rows if self.keep else rows.filter(rows["_contents"] == 1)

    def _break(self, broken: "ibis.Value", column: str, value: "ibis.Value | None", rule: str, hint: str) -> None:
        import ibis

        if not int(self.good.filter(broken).count().to_pyarrow().as_py()):
            return
        rows = self.good.mutate(_value=ibis.literal("") if value is None else value.cast("string")).filter(broken)
        self._list(rows, column, rows["_value"], rule, ibis.literal(hint))
        if not self.keep:
            self.good = self.good.filter(~broken)

    def _list(self, rows: "ibis.Table", column: str, value: "ibis.Value", rule: str, hint: "ibis.Value") -> None:
        import ibis

        self.bad.append(
            rows.select(
                file=rows[FILE],
                line=rows[LINE],
                column=ibis.literal(column),
                value=value.fill_null("").substr(0, SHOWN_CHARACTERS),
                rule=ibis.literal(rule),
                hint=hint,
            )
        )

    def _drop(self, rows: "ibis.Table") -> None:
        self.good = self.good.anti_join(rows.select(FILE, LINE), [FILE, LINE])

    def sieve(self) -> Sieve:
        """Return what is left and what was listed."""
        import ibis

        return Sieve(self.good, ibis.union(*self.bad) if self.bad else None, self.collapsed)


def content_digest(table: "ibis.Table", generated: Sequence[str]) -> str:
    """Return a sha256 of the rows of a table that depends on neither their order nor that of the columns.

    Args:
        table: Typed rows.
        generated: Columns made of line numbers, which are no content.
    """
    names = sorted(name for name in table.columns if name not in generated)
    text = engine.row_text([table[name] for name in names])
    wide = "decimal(38, 0)"
    sums = table.aggregate(
        rows=table.count(),
        low=engine.low_hash(text).cast(wide).sum(),
        high=engine.high_hash(text).cast(wide).sum(),
    )
    found = sums.to_pyarrow().to_pylist()[0]
    schema = ",".join(f"{name}:{table[name].type()}" for name in names)
    whole = f"{schema}|{found['rows']}|{found['low']}|{found['high']}"
    return hashlib.sha256(whole.encode()).hexdigest()
