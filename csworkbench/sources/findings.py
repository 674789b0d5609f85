"""What a reader is told about a table: findings from counts and bad rows, and the list of bad rows as a file."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.formats import neutral
from csworkbench.sources.book import Finding
from csworkbench.sources.check import Counts, Sieve
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE, BadRow
from csworkbench.sources.rules import Action, Check
from csworkbench.tables import TableSpec

if TYPE_CHECKING:
    import ibis

ADVICE = {
    "duplicate": "equal rows are read once",
    "alike": "equal rows are kept: the line is their id; map an id if the source has one",
    "blank": "read as missing, never as zero",
    "assumed": "counts as known when it happened; map it if the warehouse knows better",
}


def bad_rows(listed: "ibis.Table | None", aside: Path) -> Iterator[BadRow]:
    """Yield the rows that break a rule, in the order of the files.

    Args:
        listed: Such rows as the engine lists them; None where there are none.
        aside: Parquet file that may be written, so that not all of them have to be in memory at once.
    """
    if listed is None:
        return
    import pyarrow.parquet as pq

    listed.order_by(["file", "line", "column", "rule", "hint"]).to_parquet(aside)
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
        (rule, column) -> number of rows and example.
    """
    groups: dict[tuple[str, str], tuple[int, BadRow]] = {}
    last: dict[tuple[str, str], tuple[str, int]] = {}
    first = next(iterator := iter(rows), None)
    if first is None:
        return groups
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "line", "column", "value", "rule", "hint"])
        for row in _with_first(first, iterator):
            texts = [_inert(text) for text in (row.column, row.value, row.rule, row.hint)]
            writer.writerow([_inert(row.file), row.line, *texts])
            place, (count, example) = (row.file, row.line), groups.get((row.rule, row.column), (0, row))
            # A row that breaks one rule twice (before its account and before its subscription) is still one row.
            is_again = last.get((row.rule, row.column)) == place
            if is_again and count == 1:
                example = replace(example, hint=f"{example.hint}; {row.hint}")
            groups[row.rule, row.column] = (count + (not is_again), example)
            last[row.rule, row.column] = place
    return groups


def _with_first(first: BadRow, rest: Iterator[BadRow]) -> Iterator[BadRow]:
    yield first
    yield from rest


def _inert(text: str) -> str:
    """Return text that a spreadsheet does not compute; plain numbers stay as they are."""
    return text if re.fullmatch(r"[+-]?[\d.,]+", text) else neutral(text)


def from_groups(
    table: str, groups: dict[tuple[str, str], tuple[int, BadRow]], actions: Mapping[tuple[str, str], Action]
) -> list[Finding]:
    """Return a finding per rule and column that rows break.

    Args:
        table: Canonical table.
        groups: From `write_quarantine`.
        actions: (rule, column) -> what became of such rows; those not named were lines that are no rows.
    """
    found = [
        Finding(
            table,
            rule,
            column,
            count,
            example.value,
            f"{example.file}:{example.line}",
            example.hint,
            actions.get((rule, column), "quarantined"),
        )
        for (rule, column), (count, example) in groups.items()
    ]
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
            ADVICE["blank"],
            "kept",
        )
        for item in gaps
    ]


def of_rows(good: "ibis.Table", notes: Sequence[Check], table: str) -> list[Finding]:
    """Return a finding per rule that tells something about rows that stay.

    Args:
        good: Rows that stay, with what the rules look up.
        notes: Rules that some row breaks, be it one that was set aside.
        table: Canonical table.
    """
    if not notes:
        return []
    counts = good.aggregate(**{str(place): note.broken(good).sum() for place, note in enumerate(notes)})
    numbers = counts.to_pyarrow().to_pylist()[0].values()
    found = []
    for note, count in zip(notes, numbers, strict=True):
        rows = good.filter(note.broken(good))
        told = partial(Finding, table, note.rule.value, note.column, hint=note.hint, action=note.action)
        found += with_example(rows, note.value(rows), told, count)
    return found


def with_example(
    rows: "ibis.Table", value: "ibis.Value", told: Callable[..., Finding], count: int | None = None
) -> list[Finding]:
    """Return a finding with the number of some rows and the first of them; none where there is no row.

    Args:
        rows: The rows, with file and line.
        value: What to show of a row.
        told: Makes the finding of count, example and place.
        count: How many rows there are, where that is known.
    """
    if count == 0:
        return []
    shown = rows.select(FILE, LINE, value=value.cast("string"))
    first = shown.order_by([FILE, LINE]).limit(1).to_pyarrow().to_pylist()
    if not first:
        return []
    number = int(rows.count().to_pyarrow().as_py()) if count is None else int(count)
    return [told(count=number, example=first[0]["value"] or "", place=f"{first[0][FILE]}:{first[0][LINE]}")]


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


def of_equal_rows(table: str, sieve: Sieve, file: str) -> list[Finding]:
    """Return the finding about equal rows, read once or kept; none where there are none.

    Args:
        table: Canonical table.
        sieve: How many there are.
        file: First file of the table.
    """
    told = [(sieve.collapsed, ADVICE["duplicate"]), (sieve.alike, ADVICE["alike"])]
    return [Finding(table, "duplicate", "", number, "", file, hint, "kept") for number, hint in told if number]


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
