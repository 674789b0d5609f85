"""What a reader is told about a table: findings from counts and bad rows, and the list of bad rows as a file."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csworkbench.formats import neutral
from csworkbench.sources.book import Finding
from csworkbench.sources.check import Counts
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE, BadRow
from csworkbench.tables import Column, TableSpec

if TYPE_CHECKING:
    import ibis

ADVICE = {
    "duplicate": "equal rows are read once",
    "late": "became known more than a day after they happened; a run as of an earlier day does not see them",
    "assumed": "counts as known when it happened; map it if the warehouse knows better",
}
KEPT_PREFIX = "flag_"


def bad_rows(listed: "ibis.Table | None", aside: Path) -> Iterator[BadRow]:
    """Yield the rows that break a rule, in the order of the files.

    Args:
        listed: Such rows as the engine lists them; None where there are none.
        aside: Parquet file that may be written, so that not all of them have to be in memory at once.
    """
    if listed is None:
        return
    import pyarrow.parquet as pq

    listed.order_by(["file", "line", "column", "rule"]).to_parquet(aside)
    with pq.ParquetFile(aside) as stored:
        for batch in stored.iter_batches():
            for row in batch.to_pylist():
                yield BadRow(**row)


def write_quarantine(rows: Iterable[BadRow], out: Path) -> dict[tuple[str, str], tuple[int, BadRow]]:
    """Write the rows that break a rule to a CSV, and return how many there are of each kind with the first of them.

    Args:
        rows: Bad rows, in the order of the files.
        out: File to write; not made when there is no row.

    Returns:
        (rule, column) -> count and example.
    """
    groups: dict[tuple[str, str], tuple[int, BadRow]] = {}
    first = next(iterator := iter(rows), None)
    if first is None:
        return groups
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "line", "column", "value", "rule", "hint"])
        for row in _with_first(first, iterator):
            rule = row.rule.removeprefix(KEPT_PREFIX)
            texts = [_inert(text) for text in (row.column, row.value, rule, row.hint)]
            writer.writerow([_inert(row.file), row.line, *texts])
            count, example = groups.get((row.rule, row.column), (0, row))
            groups[row.rule, row.column] = (count + 1, example)
    return groups


def _with_first(first: BadRow, rest: Iterator[BadRow]) -> Iterator[BadRow]:
    yield first
    yield from rest


def _inert(text: str) -> str:
    """Return text that a spreadsheet does not compute; plain numbers stay as they are."""
    return text if re.fullmatch(r"[+-]?[\d.,]+", text) else neutral(text)


def from_groups(table: str, groups: dict[tuple[str, str], tuple[int, BadRow]], *, keep: bool) -> list[Finding]:
    """Return a finding per rule and column that rows break.

    Args:
        table: Canonical table.
        groups: From `write_quarantine`.
        keep: Whether the workspace keeps such rows.
    """
    always = {"width", "header", "shape"}
    found = []
    for (rule, column), (count, example) in groups.items():
        is_kept = rule.startswith(KEPT_PREFIX) or (keep and rule not in always)
        action: Literal["flagged", "quarantined"] = "flagged" if is_kept else "quarantined"
        found.append(
            Finding(
                table,
                rule.removeprefix(KEPT_PREFIX),
                column,
                count,
                example.value,
                f"{example.file}:{example.line}",
                example.hint,
                action,
            )
        )
    return sorted(found, key=lambda item: (item.action != "quarantined", -item.count, item.rule, item.column))


def of_blanks(staged: "ibis.Table", fields: Sequence[Field], blanks: dict[str, int], table: str) -> list[Finding]:
    """Return a finding per column with gaps, leaving out those where a blank has a meaning.

    Args:
        staged: Typed rows with file and line.
        fields: Its columns.
        blanks: Column -> missing cells.
        table: Canonical table.
    """
    import ibis

    gaps = [item for item in fields if blanks.get(item.name) and not item.column.blank_means and item.column.nullable]
    if not gaps:
        return []
    first = ibis.union(
        *(
            staged.filter(staged[item.name].isnull())
            .order_by([FILE, LINE])
            .limit(1)
            .select(column=ibis.literal(item.name), file=FILE, line=LINE)
            for item in gaps
        ),
        ibis.memtable({"column": [""], "file": [""], "line": [0]}),
    )
    places = {row["column"]: f"{row['file']}:{row['line']}" for row in first.to_pyarrow().to_pylist()}
    return [
        Finding(
            table,
            "blank",
            item.name,
            blanks[item.name],
            "",
            places.get(item.name, ""),
            "read as missing, never as zero",
            "kept",
        )
        for item in gaps
    ]


def of_rows(good: "ibis.Table", spec: TableSpec, currency: str) -> list[Finding]:
    """Return findings about rows that stay: known late, revealed at no known time, in another currency.

    Args:
        good: Rows that stay.
        spec: Contract of the table.
        currency: Currency of the workspace.
    """
    import ibis

    present = set(good.columns)
    note = partial(Finding, spec.name, count=0, example="", place="", action="flagged")
    broken: list[tuple[Finding, ibis.Value]] = []
    if spec.known_at and spec.event_at in present and spec.known_at in present:
        late = good[spec.known_at] > good[spec.event_at].cast("timestamp") + ibis.interval(days=2)
        broken.append((note("late", spec.known_at, hint=ADVICE["late"], action="kept"), late))
    for column in spec.columns:
        if column.known_with and column.name in present:
            hint = f"has a value without {column.known_with}: known since nobody knows when"
            undated = _undated(good, column, spec.on_unknown.get(column.name))
            broken.append((note("undated", column.name, hint=hint), undated))
    if "currency" in present:
        hint = f"is not {currency}: amounts of different currencies are never added up"
        other = good["currency"].notnull() & (good["currency"] != currency)
        # Another currency breaks no rule; adding it up would.
        broken.append((note("currency", "currency", hint=hint, action="kept"), other))
    return _found(good, broken)


def _undated(good: "ibis.Table", column: Column, fallback: str | None) -> "ibis.Value":
    import ibis

    dated = good[column.known_with].notnull() if column.known_with in good.columns else ibis.literal(False)
    value = good[column.name]
    says = value.notnull() if fallback is None else value.fill_null(fallback) != fallback
    return says & ~dated


def _found(good: "ibis.Table", broken: "Sequence[tuple[Finding, ibis.Value]]") -> list[Finding]:
    if not broken:
        return []
    counts = good.aggregate(**{str(place): rule.sum() for place, (_, rule) in enumerate(broken)})
    numbers = counts.to_pyarrow().to_pylist()[0]
    return [
        _with_example(good, note, rule, int(count))
        for (note, rule), count in zip(broken, numbers.values(), strict=True)
        if count
    ]


def _with_example(good: "ibis.Table", note: Finding, rule: "ibis.Value", count: int) -> Finding:
    first = good.filter(rule).order_by([FILE, LINE]).limit(1).to_pyarrow().to_pylist()[0]
    value = first.get(note.column)
    example = "" if value is None else str(value)
    return replace(note, count=count, example=example, place=f"{first[FILE]}:{first[LINE]}")


def of_assumed(spec: TableSpec, columns: Sequence[str], counts: Counts, file: str) -> list[Finding]:
    """Return the finding about rows that count as known when they happened; none where the source says when.

    Args:
        spec: Contract of the table.
        columns: Columns the table has.
        counts: Its rows and blanks.
        file: First file of the table.
    """
    if not spec.known_at or spec.event_at not in columns:
        return []
    count = counts.blanks.get(spec.known_at, 0) if spec.known_at in columns else counts.rows
    if not count:
        return []
    return [Finding(spec.name, "assumed", spec.known_at, count, "", file, ADVICE["assumed"], "kept")]


def of_collapsed(table: str, collapsed: int, file: str) -> list[Finding]:
    """Return the finding about equal rows that were read once; none where there are none.

    Args:
        table: Canonical table.
        collapsed: Rows that repeat another one.
        file: First file of the table.
    """
    if not collapsed:
        return []
    return [Finding(table, "duplicate", "", collapsed, "", file, ADVICE["duplicate"], "kept")]


def of_unused(table: str, unused: Sequence[str], near: dict[str, str], file: str) -> list[Finding]:
    """Return the finding about columns of the file that nobody asked for; none where all are used.

    Args:
        table: Canonical table.
        unused: Their names.
        near: Of those, names that look like a column of the contract -> that column.
        file: First file of the table.
    """
    if not unused:
        return []
    hint = "not read; name them under extra to keep them"
    if near:
        hint += "; " + ", ".join(f"{name!r} looks like {column}" for name, column in sorted(near.items()))
    return [Finding(table, "unused", "", len(unused), ", ".join(unused[:10]), f"{file}:1", hint, "kept")]
