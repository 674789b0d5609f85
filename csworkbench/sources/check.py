"""Judging the rows of a table: one query counts every rule, a second one lists the rows that break some."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.errors import Problem
from csworkbench.sources import engine
from csworkbench.sources.doubles import Sameness, again, doubles, sameness, without
from csworkbench.sources.fields import Field
from csworkbench.sources.misfit import is_other_writing, is_swapped, misfit
from csworkbench.sources.parse import FILE, LINE, SHOWN_CHARACTERS
from csworkbench.sources.rules import Action, Case, Check, Rulebook, action_of, any_broken, cell_check, rulebook
from csworkbench.sources.typed import blank_of, cell_of, rule_of
from csworkbench.tables import Rule
from csworkbench.workspace import TableSource

if TYPE_CHECKING:
    import ibis

EXAMPLES = 300


@dataclass(frozen=True, slots=True)
class Counts:
    """What one aggregate over a table counts.

    Args:
        rows: Rows of the table.
        blanks: Column -> missing cells.
        book: The rules of the table.
        hits: Rules that rows break -> how many.
        repeated: Unique columns in which a value occurs again.
        same: What makes two rows the same.
        has_doubles: Rows have the key of another one.
        alike: Rows that repeat another one where the line is the id.
    """

    rows: int
    blanks: Mapping[str, int]
    book: Rulebook
    hits: Mapping[Check, int]
    repeated: tuple[str, ...]
    same: Sameness
    has_doubles: bool
    alike: int


@dataclass(frozen=True, slots=True)
class Sieve:
    """A table after its rules were applied.

    Args:
        good: Rows that stay, with the internal columns.
        bad: One row per broken rule: file, line, column, value, rule, hint.
        collapsed: Equal rows that were read once.
        alike: Equal rows that stay, because the line is their id.
        actions: (rule, column) -> what became of the rows in `bad`.
        notes: Rules that only tell something about rows that stay.
    """

    good: "ibis.Table"
    bad: "ibis.Table | None"
    collapsed: int
    alike: int
    actions: Mapping[tuple[str, str], Action]
    notes: tuple[Check, ...]


def count(staged: "ibis.Table", fields: Sequence[Field], case: Case) -> Counts:
    """Return how many rows break each rule and how many cells are blank, in one query.

    Args:
        staged: Table of `typed.typed`.
        fields: Its columns.
        case: What they are judged by.
    """
    book, same = rulebook(staged, case), sameness(fields, case.spec)
    cells = {index: item.name for index, item in enumerate(fields) if not item.is_row}
    uniques = [item.name for item in fields if item.is_unique]
    found = _numbers(staged, book, cells, uniques, same)
    words = {index: dict(found[f"words {index}"] or ()) for index in cells}
    hits = {
        cell_check(fields, index, Rule(word), case): number
        for index, rules in words.items()
        for word, number in sorted(rules.items())
    }
    hits |= {check: found[f"check {place}"] for place, check in enumerate(book.checks) if found[f"check {place}"]}
    # A cell that cannot be read is null as well, but it is not blank.
    was_read = (Rule.BLANK, Rule.ROUNDED, Rule.UNMAPPED)
    unread = {
        index: sum(rules.values()) - sum(rules.get(rule, 0) for rule in was_read) for index, rules in words.items()
    }
    blanks = {name: found["rows"] - found[f"filled {index}"] - unread[index] for index, name in cells.items()}
    doubled = found["rows"] - found["kinds"]
    return Counts(
        rows=found["rows"],
        blanks={name: number for name, number in blanks.items() if number},
        book=book,
        hits=hits,
        repeated=tuple(name for name in uniques if found[f"again {name}"]),
        same=same,
        has_doubles=doubled > 0,
        alike=doubled if same.is_line else 0,
    )


def _numbers(
    staged: "ibis.Table", book: Rulebook, cells: Mapping[int, str], uniques: Sequence[str], same: Sameness
) -> dict[str, Any]:
    """Return what one query counts: rows, filled cells, broken ones by rule, rows by rule, kinds of rows."""
    rows = book.with_lookups(staged, book.checks)
    wanted = {"rows": rows.count()}
    for index, name in cells.items():
        # Where another column stood in, this one was blank all the same.
        wanted[f"filled {index}"] = (
            (~rows[blank_of(name)]).sum() if blank_of(name) in rows.columns else rows[name].count()
        )
        wanted[f"words {index}"] = engine.word_counts(rows[rule_of(index)])
    wanted |= {f"check {place}": check.broken(rows).sum() for place, check in enumerate(book.checks)}
    wanted |= {f"again {name}": rows[name].count() - rows[name].nunique() for name in uniques}
    kinds = staged.select(*same.key).distinct()
    asked = rows.aggregate(**wanted).cross_join(kinds.aggregate(kinds=kinds.count()))
    found = asked.to_pyarrow().to_pylist()[0]
    return {name: value if name.startswith("words ") else int(value or 0) for name, value in found.items()}


def misfits(
    staged: "ibis.Table", fields: Sequence[Field], counts: Counts, source: TableSource, files: str
) -> list[Problem]:
    """Return why a table's columns are not what was declared: most values of one break its rule, or fit another one.

    Args:
        staged: Table of `typed.typed`.
        fields: Its columns.
        counts: What `count` found.
        source: What the workspace declares; where it flags blanks, a column that is mostly blank is no problem.
        files: Names of its files, for the messages.
    """
    problems = []
    for check, bad in counts.hits.items():
        is_wanted = check.rule == Rule.BLANK and source.rule_action(Rule.BLANK) == "flag"
        if check.cell is None or not check.rule.is_choice or is_wanted:
            continue
        item, rule = fields[check.cell], check.rule.value
        filled = counts.rows if rule == Rule.BLANK else counts.rows - counts.blanks.get(item.name, 0)
        examples = _examples(staged, check.cell, rule)
        is_swap = is_swapped(item, rule, examples) and _has_no_late_day(staged, item)
        if bad * 2 > filled or is_swap or is_other_writing(item, rule, bad, filled, examples):
            problem = misfit(item, rule, bad, filled, examples)
            problems.append(Problem(problem.message, file=files, key=problem.key, hint=problem.hint))
    return problems


def _has_no_late_day(staged: "ibis.Table", item: Field) -> bool:
    """Return whether no date that was read proves, by a day after the 12th, that day and month are as declared."""
    proof = staged.filter(staged[item.name].day() > 12)
    return int(proof.count().to_pyarrow().as_py()) == 0


def _examples(staged: "ibis.Table", index: int, rule: str) -> list[str]:
    bad = staged.filter(staged[rule_of(index)] == rule)
    first = bad.group_by(text=bad[cell_of(index)].strip()).aggregate(line=bad[LINE].min())
    return [str(row["text"]) for row in first.order_by("line").limit(EXAMPLES).to_pyarrow().to_pylist()]


def sift(staged: "ibis.Table", case: Case, counts: Counts) -> Sieve:
    """Return the rows that stay and those that break a rule, looked for only where there are some.

    Rules about one row come first; then equal rows are read once, and of those left none may share its key with
    another content or a unique value with an earlier row.

    Args:
        staged: Table of `typed.typed`.
        case: What they are judged by.
        counts: What `count` found.
    """
    sifter = _Sifter(staged, case)
    sifter.by_checks(counts)
    if counts.has_doubles and not counts.same.is_line:
        sifter.by_key(counts.same)
    for name in counts.repeated:
        sifter.by_value(name)
    return sifter.sieve(counts)


class _Sifter:
    """Takes rows out of a table, one kind of rule after another, and lists them."""

    def __init__(self, staged: "ibis.Table", case: Case) -> None:
        self.good, self.case = staged, case
        self.bad: list[ibis.Table] = []
        self.collapsed = 0
        self.actions: dict[tuple[str, str], Action] = {}

    def by_checks(self, counts: Counts) -> None:
        import ibis

        hits = [check for check in counts.hits if check.rule.is_choice]
        rows = counts.book.with_lookups(self.good, hits)
        for check in hits:
            broken = rows.filter(check.broken(rows))
            places = broken.select(FILE, LINE, value=check.value(broken), hint=ibis.literal(check.hint))
            self._list(places, check.rule, check.column, check.action)
        aside = [check for check in hits if check.action == "quarantined"]
        if aside:
            self.good = rows.filter(~any_broken(rows, aside)).select(*self.good.columns)

    def by_key(self, same: Sameness) -> None:
        found = doubles(self.good, same)
        self.collapsed = _number(found.copies)
        self.good = without(self.good, found.copies)
        if _number(found.clashes):
            self._take(found.clashes, Rule.CONTRADICTION, same.key[0])

    def by_value(self, name: str) -> None:
        found = again(self.good, name)
        if _number(found):
            self._take(found, Rule.REPEATED, name)

    def _take(self, places: "ibis.Table", rule: Rule, column: str) -> None:
        action = action_of(self.case, rule)
        self._list(places, rule, column, action)
        if action == "quarantined":
            self.good = without(self.good, places)

    def _list(self, places: "ibis.Table", rule: Rule, column: str, action: Action) -> None:
        import ibis

        self.actions[rule.value, column] = action
        self.bad.append(
            places.select(
                file=places[FILE],
                line=places[LINE],
                column=ibis.literal(column),
                value=places["value"].fill_null("").substr(0, SHOWN_CHARACTERS),
                rule=ibis.literal(rule.value),
                hint=places["hint"],
            )
        )

    def sieve(self, counts: Counts) -> Sieve:
        import ibis

        bad = ibis.union(*self.bad) if self.bad else None
        notes = [check for check in counts.hits if not check.rule.is_choice]
        good = counts.book.with_lookups(self.good, notes)
        return Sieve(good, bad, self.collapsed, counts.alike, self.actions, tuple(notes))


def _number(rows: "ibis.Table") -> int:
    return int(rows.count().to_pyarrow().as_py())


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
