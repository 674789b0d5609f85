"""The words a table contract is written in: kinds of cells, columns, keys and references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a cell is. `INSTANT` is a time in UTC, `DATE` a calendar day, `SHARE` a number from 0 to 1."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    SHARE = "share"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"

    @property
    def engine_type(self) -> str:
        """Ibis type of a column of this kind; decimals are exact, so that sums do not depend on their order."""
        return _ENGINE_TYPES[self]


_ENGINE_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "decimal(18, 6)",
    Kind.SHARE: "float64",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamp",
}


class Rule(StrEnum):
    """Every rule a finding may name. Those with `is_choice` set rows aside, or only flag them, as a workspace says.

    Cells: `BLANK`, `TYPE`, `RANGE`, `ALLOWED`. Rows: `FOREIGN_KEY` (refers to nothing), `ORDER` (dates of a row in an
    impossible order), `BEFORE_START` (before what it belongs to began), `CONTRADICTION` (one key, two contents),
    `REPEATED` (a unique value again), `OVERLAP` (a version runs into the next one). Lines: `WIDTH`, `SHAPE`, `HEADER`
    are always set aside. The others only tell: `DUPLICATE` (equal rows), `GAP` (days between two versions), `LATE`,
    `UNDATED`, `ASSUMED` (when a row became known), `CURRENCY`, `ROUNDED` (digits beyond the sixth decimal), `UNMAPPED`
    (a word that `values` does not name), `UNUSED` (a column nobody asked for), `EMPTY` (a table without a row).
    """

    BLANK = "blank"
    TYPE = "type"
    RANGE = "range"
    ALLOWED = "allowed"
    FOREIGN_KEY = "foreign_key"
    ORDER = "order"
    BEFORE_START = "before_start"
    CONTRADICTION = "contradiction"
    REPEATED = "repeated"
    OVERLAP = "overlap"
    WIDTH = "width"
    SHAPE = "shape"
    HEADER = "header"
    DUPLICATE = "duplicate"
    GAP = "gap"
    LATE = "late"
    UNDATED = "undated"
    ASSUMED = "assumed"
    CURRENCY = "currency"
    ROUNDED = "rounded"
    UNMAPPED = "unmapped"
    UNUSED = "unused"
    EMPTY = "empty"

    @property
    def is_choice(self) -> bool:
        """Whether a workspace decides what becomes of the rows that break it."""
        return self in _CHOICES


_CHOICES = (
    Rule.BLANK,
    Rule.TYPE,
    Rule.RANGE,
    Rule.ALLOWED,
    Rule.FOREIGN_KEY,
    Rule.ORDER,
    Rule.BEFORE_START,
    Rule.CONTRADICTION,
    Rule.REPEATED,
    Rule.OVERLAP,
)


class Role(StrEnum):
    """What an extra column may be used for: an `OUTCOME` is never a predictor."""

    ATTRIBUTE = "attribute"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Args:
        name: Name in snake_case.
        kind: What a cell is.
        description: Meaning, one sentence.
        unit: Unit of a number, "" where there is none.
        required: The source must have the column.
        nullable: A row may leave it blank.
        allowed: The values a text may take; empty = any.
        low: Smallest number allowed.
        high: Largest number allowed.
        known_with: Instant column of the same row that reveals this value (`resolved_at` reveals `csat`). Where the
            value also varies, a row without that instant shows today's.
        falls_back_to: Column whose value stands in where this one is blank or not mapped.
        blank_means: What a blank says where it is normal ("not resolved yet"); "" where a blank is a gap in the data.
        varies: Exports overwrite it with today's value, so that without versions of the row its past is unknown.
        is_personal: Says who a person is; never leaves the machine unless the workspace says so.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    required: bool = False
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    known_with: str | None = None
    falls_back_to: str | None = None
    blank_means: str = ""
    varies: bool = False
    is_personal: bool = False

    @property
    def is_id(self) -> bool:
        """Whether the cell is an opaque identifier: never a number, never "missing" because it reads `NA`."""
        return self.kind is Kind.TEXT and self.name.endswith("_id")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns whose values must exist in another table, or among the rows of the same one.

    Args:
        columns: Columns of this table; a row with a blank in one of them refers to nothing.
        table: The other table; not checked where the workspace does not have it.
        keep_orphans: Report orphans and keep the rows, instead of doing what the workspace says about the rule.
        others: Their columns in the other table; empty = the same names.
    """

    columns: tuple[str, ...]
    table: str
    keep_orphans: bool = False
    others: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns of the other table, in the order of `columns`."""
        return self.others or self.columns


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A time that may not lie before a time of what it belongs to in another table.

    Args:
        column: Date or instant of this table.
        table: The other table.
        other: Date or instant of the other table; the earliest one counts.
        by: Column that joins the two; the rule applies where both tables have it.
        is_exact: Compare instants; else calendar days, so that the day itself counts.
    """

    column: str
    table: str
    other: str
    by: str = "account_id"
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The contract of one canonical table.

    Args:
        name: Name of the table.
        grain: What one row stands for.
        key: Columns that identify a row; those a source does not have are left out.
        columns: All columns, the key first.
        event_at: Column that says when a row happened; None where rows have no event.
        known_at: Optional column that says when the warehouse knew the row; absent = with the event.
        planned: Dates that may lie in the future and are never masked.
        foreign_keys: References to other tables.
        ordered: Pairs of dates of a row: the first may not lie after the second.
        on_unknown: Value a masked column falls back to.
        not_before: Dates that may not lie before a date of another table.
        version: Key column of tables that keep history; absent = one row per key.
        one_of: Groups of columns of which the source must have one, and each row must fill one.
        fails_closed: Rows that break a rule are kept, whatever the workspace says: dropped, they could forbid nothing.
            Lines that are no rows stop the reading, unless the workspace sets them aside.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_at: str | None = None
    known_at: str | None = "known_at"
    planned: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    on_unknown: Mapping[str, str] = field(default_factory=dict)
    not_before: tuple[NotBefore, ...] = ()
    version: str | None = None
    one_of: tuple[tuple[str, ...], ...] = ()
    fails_closed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, the key first."""
        return tuple(column.name for column in self.columns)

    @property
    def has_versions(self) -> bool:
        """Whether a row holds from `valid_from` until `valid_to`, and another one of the same key may follow."""
        return {"valid_from", "valid_to"} <= set(self.names)

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            KeyError: the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")

    def key_among(self, present: Sequence[str]) -> tuple[str, ...]:
        """Return the key columns (with the version column) that are among the columns present."""
        wanted = (*self.key, self.version) if self.version else self.key
        return tuple(name for name in wanted if name in present)
