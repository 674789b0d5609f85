"""The reference page of the canonical tables, written from their contracts: what users map their exports to."""

from collections.abc import Iterator

from csworkbench.tables.contract import Column, Kind, NotBefore, TableSpec
from csworkbench.tables.specs import SPECS

HEAD = """# Tables

Written from `csworkbench.tables` by `make reference`; change the contracts there.

Only `accounts` is required; an analysis with nothing to go on is skipped with the reason. A workspace says which
file, query or database table is behind each one, and which column is which (`configs/workspace.yaml` is an example);
further columns are kept under `extra`.

* **Required** columns must be there, **filled** ones may not be blank. Other blanks mean what the table says, or count
  as gaps. Amounts are exact decimals, shares lie between 0 and 1, times are kept in UTC.
* A value **known with** another column is hidden in a snapshot as of an earlier day. A **current only** value is
  overwritten by exports: today's is shown, and it is refused as evidence about the past unless rows have versions.
* Rows that break a rule are set aside or flagged, as `rules` of the table says: `blank`, `type`, `range`, `allowed`
  (cells), `foreign_key` (refers to nothing), `order` (dates in an impossible order), `before_start` (before what it
  belongs to began), `contradiction` (one key, two contents), `repeated` (a unique value again), `overlap` (a version
  runs into the next one).
"""


def reference() -> str:
    """Return the page in Markdown: a section per table, with a row per column."""
    index = [f"| [{spec.name}](#{spec.name}) | {spec.grain} |" for spec in SPECS.values()]
    parts = [HEAD, "\n".join(["| table | one row per |", "| --- | --- |", *index]), *map(_section, SPECS.values())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def columns_of(spec: TableSpec) -> list[tuple[str, str, str, str]]:
    """Return the columns of a table: name, type with its unit, meaning and rules.

    Args:
        spec: Contract of the table.
    """
    return [
        (
            column.name,
            f"{column.kind.value}, {column.unit}" if column.unit else column.kind.value,
            column.description,
            "; ".join(_marks(spec, column)),
        )
        for column in spec.columns
    ]


def _section(spec: TableSpec) -> str:
    rows = [_row(*cells) for cells in columns_of(spec)]
    table = ["| column | type | meaning | rules |", "| --- | --- | --- | --- |", *rows]
    rules = [f"* {rule}" for rule in _rules(spec)]
    head = f"## {spec.name}\n\nOne row per {spec.grain}; key: {_names(spec.key_among(spec.names))}."
    return "\n\n".join(part for part in (head, "\n".join(table), "\n".join(rules)) if part)


def _row(name: str, *others: str) -> str:
    cells = [f"`{name}`", *others]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _marks(spec: TableSpec, column: Column) -> Iterator[str]:
    """Yield what a column demands, and what its blanks and its value stand for."""
    if column.required:
        yield "required"
    if not column.nullable:
        yield f"filled, else from `{column.falls_back_to}`" if column.falls_back_to else "filled"
    if column.blank_means:
        yield f"blank: {column.blank_means}"
    if column.allowed:
        yield "one of " + _names(column.allowed)
    yield from _range(column)
    if column.known_with:
        yield f"known with `{column.known_with}`"
    if column.name in spec.planned:
        yield "may lie ahead"
    if column.varies:
        yield "current only"
    if column.is_personal:
        yield "personal"


def _range(column: Column) -> Iterator[str]:
    if column.kind is Kind.SHARE:
        yield "from 0 to 1"
    elif column.low is not None:
        yield f"at least {column.low:g}" if column.high is None else f"from {column.low:g} to {column.high:g}"


def _rules(spec: TableSpec) -> Iterator[str]:
    """Yield the rules about whole rows."""
    for group in spec.one_of:
        yield f"{_names(group, ' or ')} is needed."
    for key in spec.foreign_keys:
        there = "" if key.targets == key.columns else f" as {_names(key.targets)}"
        kept = "; rows that refer to nothing are kept and flagged" if key.keep_orphans or spec.fails_closed else ""
        yield f"{_names(key.columns)} must be in [{key.table}](#{key.table}){there}{kept}."
    for early, late in spec.ordered:
        yield f"`{late}` may not lie before `{early}`."
    for rule in spec.not_before:
        yield f"`{rule.column}` may not lie before {_start(rule)}."
    if spec.fails_closed:
        yield "Rows that break a rule are kept and flagged whatever `rules` says: dropped, they could forbid nothing."


def _start(rule: NotBefore) -> str:
    own = "" if rule.by == "account_id" else f", where both have `{rule.by}`"
    return f"`{rule.other}` of its [{rule.table}](#{rule.table}){own}"


def _names(names: tuple[str, ...], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)
