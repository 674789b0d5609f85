"""The columns a table will have: the contract's and the extra ones, each with its origin in the file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from unicodedata import normalize

from csworkbench.errors import Problem
from csworkbench.formats import printable
from csworkbench.tables import SPECS, Column, Role
from csworkbench.workspace import ColumnMap, TableSource

DELIMITERS = (",", ";", "\t", "|")
SHOWN_NAMES = 15
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class Field:
    """One column to read.

    Args:
        column: Its contract.
        origin: Name of the column in the file; None for constants and line ids.
        key: Key in the workspace that decides about it.
        dates: How its dates are written.
        decimal: Its decimal mark.
        const: The same text in every row.
        is_row: The line is the value.
        values: Words of the file -> words of the table.
        missing: Texts that mean missing, where the column is no id.
        role: Role of an extra column; None for columns of the contract.
        thousands: Mark between the thousands of its numbers; None = there is none.
        ids: Source of its ids in id_map; None = they are ours already.
        is_unique: No value may occur twice.
    """

    column: Column
    origin: str | None
    key: str
    dates: str
    decimal: str
    const: str | None = None
    is_row: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    role: Role | None = None
    thousands: str | None = None
    ids: str | None = None
    is_unique: bool = False

    @property
    def name(self) -> str:
        """Name of the column in the table."""
        return self.column.name


def plan_fields(table: str, source: TableSource, headers: Sequence[Sequence[str]]) -> list[Field]:
    """Return the columns to read, given the headers of all files of a table.

    Args:
        table: Canonical table.
        source: What the workspace declares.
        headers: Column names of each file.
    """
    found = {name for header in headers for name in header}
    fields = []
    for column in SPECS[table].columns:
        declared = source.column_map(column.name)
        if declared is None and column.name not in found and not column.required:
            continue
        fields.append(_canonical(table, source, column, declared or ColumnMap()))
    for name in source.extra:
        extra = source.extra_column(name)
        fields.append(
            Field(
                Column(name, extra.type, f"Extra column of {table}", varies=extra.varies),
                extra.source or name,
                f"tables.{table}.extra.{name}",
                extra.dates or source.dates,
                extra.decimal or source.decimal,
                values=_words(extra.values),
                missing=source.missing,
                role=extra.role,
                thousands=extra.thousands or source.thousands,
                is_unique=extra.unique,
            )
        )
    return fields


def _canonical(table: str, source: TableSource, column: Column, declared: ColumnMap) -> Field:
    origin = None if declared.const is not None or declared.row else normalize("NFC", declared.source or column.name)
    return Field(
        column,
        origin,
        f"tables.{table}.columns.{column.name}",
        declared.dates or source.dates,
        declared.decimal or source.decimal,
        declared.const,
        bool(declared.row),
        _words(declared.values),
        source.missing,
        thousands=declared.thousands or source.thousands,
        ids=declared.ids,
    )


def _words(values: Mapping[str, str | bool]) -> dict[str, str]:
    return {normalize("NFC", word): str(to).lower() if isinstance(to, bool) else to for word, to in values.items()}


def check_header(header: Sequence[str], table: str, source: TableSource, file: str) -> list[Problem]:
    """Return what is wrong with the names of a file's columns; empty when all declared ones are there, once.

    Args:
        header: Names as the file has them, in normal form C.
        table: Canonical table.
        source: What the workspace declares.
        file: Name of the file, for the messages.
    """
    wanted = [item for item in plan_fields(table, source, [header]) if item.origin is not None]
    missing = [item for item in wanted if item.origin not in header]
    other = _other_delimiter(header, wanted, missing, source)
    if other:
        return [
            Problem(
                f"the columns look separated by {other!r}, not {source.delimiter!r}",
                file=file,
                line=1,
                hint=f"set tables.{table}.delimiter: {other!r}",
            )
        ]
    problems = [_missing(item, header, file) for item in missing]
    names = {item.name for item in wanted} | set(source.columns)
    problems += [
        Problem(
            f"none of the columns {' and '.join(group)} is there",
            file=file,
            line=1,
            hint=f"map one of them under tables.{table}.columns",
        )
        for group in SPECS[table].one_of
        if not names & set(group)
    ]
    asked = {item.origin for item in wanted}
    for place, name in enumerate(header, 1):
        bare = _bare(name)
        if not bare:
            problems.append(Problem(f"column {place} has no name", file=file, line=1, hint="name it or leave it out"))
        elif bare != name and name not in asked:
            problems.append(
                Problem(
                    f"column {place} has blanks or invisible characters around its name: {name!r}",
                    file=file,
                    line=1,
                    hint=f"rename it to {bare!r}, or map it exactly as it is",
                )
            )
    doubled = sorted({name for name in header if _bare(name) and list(header).count(name) > 1})
    problems += [
        Problem(
            f"column {printable(name)!r} occurs {list(header).count(name)} times",
            file=file,
            line=1,
            hint="each name may occur once",
        )
        for name in doubled
    ]
    return problems


def _bare(name: str) -> str:
    return name.strip().strip(INVISIBLE).strip()


def _other_delimiter(
    header: Sequence[str], wanted: Sequence[Field], missing: Sequence[Field], source: TableSource
) -> str | None:
    line = source.delimiter.join(header)
    mark = re.match(r"^sep=(.)$", line)
    if mark:
        return mark.group(1)
    if not missing and len(header) > 1:
        return None
    for other in DELIMITERS:
        names = [name.strip().strip('"') for name in line.split(other)]
        better = sum(item.origin in names for item in wanted) > len(wanted) - len(missing)
        if other != source.delimiter and len(names) > 1 and (better or len(header) == 1):
            return other
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _missing(item: Field, header: Sequence[str], file: str) -> Problem:
    names = {_plain(name): name for name in header if _bare(name)}
    close = [names[near] for near in get_close_matches(_plain(str(item.origin)), names, n=1, cutoff=0.6)]
    shown = ", ".join(printable(name) for name in header[:SHOWN_NAMES])
    more = f" and {len(header) - SHOWN_NAMES} more" if len(header) > SHOWN_NAMES else ""
    mapped = "" if item.origin == item.name else f" (for {item.name})"
    short = f"tables.{item.key.split('.')[1]}.columns.{item.name}" if item.role is None else f"{item.key}.from"
    hint = f"did you mean {printable(close[0])!r}? " if close else ""
    return Problem(
        f"column {item.origin!r}{mapped} is missing; the file has {shown}{more}",
        file=file,
        line=1,
        key=item.key,
        hint=f"{hint}set {short} to its name in the file",
    )
