"""What a reader is told about a table: findings from counts and bad rows, and the list of bad rows as a file."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csworkbench.sources.book import Finding
from csworkbench.sources.fields import Field
from csworkbench.sources.parse import FILE, LINE, BadRow
from csworkbench.tables import TableSpec

if TYPE_CHECKING:
    import ibis

ADVICE = {
    "duplicate": "equal rows are read once",
    "late": "became known more than a day after they happened; a run as of an earlier day does not see them",
    "assumed": "counts as known when it happened; map it if the warehouse knows better",
}
KEPT_PREFIX = "flag_"


def bad_rows(listed: "ibis.Table | None") -> Iterator[BadRow]:
    """Yield the rows that break a rule, in the order of the files."""
    if listed is None:
        return
    for batch in listed.order_by(["file", "line", "column", "rule"]).to_pyarrow_batches():
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
    is_formula = text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not re.fullmatch(r"[+-]?[\d.,]+", text)
    return f"'{text}" if is_formula else text


def from_groups(table: str, groups: dict[tuple[str, str], tuple[int, BadRow]], *, keep: bool) -> list[Finding]:
    """Return a finding per rule and column that rows break.

    Args:
        table: Canonical table.
        groups: From `write_quarantine`.
        keep: Whether the workspace keeps such rows.
    """
    always = {"width", "header", "too_long"}
    found = []
    for (rule, column), (count, example) in groups.items():
        is_kept = rule.startswith(KEPT_PREFIX) or (keep and rule not in always)
        action: Literal["flagged", "quarantined"] = "flagged" if is_kept else "quarantined"
        found.append(Finding(table, rule.removeprefix(KEPT_PREFIX), column, count, example.value,
                             f"{example.file}:{example.line}", example.hint, action))
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
    first = ibis.union(*(
        staged.filter(staged[item.name].isnull()).order_by([FILE, LINE]).limit(1)
        .select(column=ibis.literal(item.name), file=FILE, line=LINE)
        for item in gaps), ibis.memtable({"column": [""], "file": [""], "line": [0]}))
    places = {row["column"]: f"{row['file']}:{row['line']}" for row in first.to_pyarrow().to_pylist()}
    return [Finding(table, "blank", item.name, blanks[item.name], "", places.get(item.name, ""),
                    "read as missing, never as zero", "kept") for item in gaps]


def of_rows(good: "ibis.Table", spec: TableSpec, currency: str) -> list[Finding]:
    """Return findings about rows that stay: known late, revealed at no known time, in another currency.

    Args:
        good: Rows that stay.
        spec: Contract of the table.
        currency: Currency of the workspace.
    """
    import ibis

    present = set(good.columns)
    found: list[Finding] = []
    if spec.event_at in present and spec.known_at in present:
        event = good[spec.event_at].cast("timestamp")
        found += _found(good, good[spec.known_at] > event + ibis.interval(days=2), spec, "late", str(spec.known_at),
                        ADVICE["late"], "kept")
    elif spec.known_at and spec.event_at in present:
        found += _found(good, ibis.literal(True), spec, "assumed", spec.known_at, ADVICE["assumed"], "kept")
    for column in spec.columns:
        if column.known_with and column.name in present:
            dated = good[column.known_with].notnull() if column.known_with in present else ibis.literal(False)
            open_ = spec.on_unknown.get(column.name)
            says = good[column.name].notnull() if open_ is None else good[column.name].fill_null(open_) != open_
            found += _found(good, says & ~dated, spec, "undated", column.name,
                            f"has a value without {column.known_with}: known since nobody knows when", "flagged")
    if "currency" in present:
        found += _found(good, good["currency"].notnull() & (good["currency"] != currency), spec, "currency", "currency",
                        f"is not {currency}: amounts of different currencies are never added up", "flagged")
    return found


def _found(
    good: "ibis.Table", broken: "ibis.Value", spec: TableSpec, rule: str, column: str, hint: str,
    action: Literal["kept", "flagged"],
) -> list[Finding]:
    rows = good.filter(broken)
    count = int(rows.count().to_pyarrow().as_py())
    if not count:
        return []
    first = rows.order_by([FILE, LINE]).limit(1).to_pyarrow().to_pylist()[0]
    value = first.get(column)
    return [Finding(spec.name, rule, column, count, "" if value is None else str(value),
                    f"{first[FILE]}:{first[LINE]}", hint, action)]


def of_collapsed(table: str, collapsed: int, file: str) -> list[Finding]:
    """Return the finding about equal rows that were read once; none where there are none."""
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
