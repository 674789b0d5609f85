"""How the files, queries and tables of a team become canonical tables: what is where, and how it is written."""

import codecs
import re
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import field_validator, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.tables import Kind, Role, Rule

EPOCHS = ("epoch_s", "epoch_ms")
Action = Literal["quarantine", "flag"]
Thousands = Literal[",", ".", " ", "'"]

_CODES = "YymdHIMSfzpbBaA%"
_DATES = "How dates are written, in strptime codes, or epoch_s, epoch_ms; %Y-%m-%d reads ISO 8601 times too"
_DECIMAL = "Decimal mark of this column"
_THOUSANDS = "Mark between the thousands of this column; absent = that of the table"


def checked_zone(name: str | None) -> str | None:
    """Return the name of a time zone.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        if name is not None:
            ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone such as 'Europe/Stockholm'") from error
    return name


def _checked_dates(dates: str | None) -> str | None:
    if dates is not None and dates not in EPOCHS and "%" not in dates:
        raise ValueError(f"{dates!r} is no date format; write strptime codes such as '%d/%m/%Y', or epoch_s, epoch_ms")
    strange = re.search("%-?.?", re.sub(f"%-?[{_CODES}]", "", dates or ""))
    if strange:
        raise ValueError(f"{strange.group()!r} is no code dates are read by; known are %{' %'.join(_CODES)}")
    return dates


def _checked_codec(encoding: str) -> str:
    try:
        info = codecs.lookup(encoding)
    except LookupError as error:
        raise ValueError(f"{encoding!r} is no Python codec such as utf-8, utf-16, gb18030, cp1252") from error
    if not info._is_text_encoding:  # the only mark Python has for codecs that turn bytes into bytes
        raise ValueError(f"{encoding!r} is no text encoding")
    return encoding


def _checked_delimiter(delimiter: str) -> str:
    if delimiter in '"\r\n':
        raise ValueError("a quote or a line end cannot separate fields")
    return delimiter


class ColumnMap(Section):
    """Where a canonical column comes from, when it is more than a renamed column of the file."""

    source: str | None = setting(None, alias="from", min_length=1, description="Name of the column in the file")
    const: str | None = setting(None, description="The same text in every row")
    row: Literal[True] | None = setting(None, description="The line in the file is the id; equal rows are kept")
    ids: str | None = setting(
        None,
        min_length=1,
        description="Source of the ids in id_map, which become ours; email_domain looks up what follows the @",
    )
    values: dict[str, str | bool] = setting(
        default_factory=dict, description="Words of the file -> words of the table; others pass unchanged and are told"
    )
    dates: str | None = setting(None, description=_DATES)
    decimal: Literal[".", ","] | None = setting(None, description=_DECIMAL)
    thousands: Thousands | None = setting(None, description=_THOUSANDS)
    varies: bool | None = setting(
        None,
        description="The export overwrites it with today's value, so that its past is unknown; absent = as "
        "docs/tables.md says",
    )

    _dates = field_validator("dates")(_checked_dates)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.source, self.const, self.row)) > 1:
            raise ValueError("give one of from, const and row")
        if self.ids is not None and (self.const is not None or self.row):
            raise ValueError("ids needs a column of the file")
        return self


class ExtraColumn(Section):
    """A column the canonical table does not have: an attribute, or an outcome that is never a predictor."""

    type: Kind = setting(description="What a cell is")
    source: str | None = setting(
        None, alias="from", min_length=1, description="Name of the column in the file; absent = the same name"
    )
    role: Role = setting(Role.ATTRIBUTE, description="What the column may be used for")
    unique: bool = setting(False, description="No value may occur twice, as in an id of the source's own")
    varies: bool = setting(True, description="The export overwrites it with today's value, so that its past is unknown")
    values: dict[str, str | bool] = setting(
        default_factory=dict, description="Words of the file -> words of the table; others pass unchanged and are told"
    )
    dates: str | None = setting(None, description=_DATES)
    decimal: Literal[".", ","] | None = setting(None, description=_DECIMAL)
    thousands: Thousands | None = setting(None, description=_THOUSANDS)

    _dates = field_validator("dates")(_checked_dates)


class RuleActions(Section):
    """What becomes of rows that break a rule, rule by rule."""

    default: Action = setting("quarantine", description="Every rule that is not named")
    blank: Action | None = setting(None, description="A cell that must be filled is not")
    type: Action | None = setting(None, description="A cell cannot be read as its column's type")
    range: Action | None = setting(None, description="A cell is too small or too large")
    allowed: Action | None = setting(None, description="A cell is none of the words its column takes")
    foreign_key: Action | None = setting(None, description="An id is not in the table it refers to")
    order: Action | None = setting(None, description="The dates of a row come in an impossible order")
    before_start: Action | None = setting(None, description="A row lies before what it belongs to began")
    contradiction: Action | None = setting(None, description="Rows have one key and say different things")
    repeated: Action | None = setting(None, description="A unique value stands in an earlier row already")
    overlap: Action | None = setting(None, description="A version ends after the next one begins")


class FileSource(Section):
    """A raw file for a query: its cells are texts under the names of its header; Parquet keeps its types."""

    path: str | tuple[str, ...] = setting(
        description="CSV or Parquet file(s) from the project root; a list or a glob is read as one table"
    )
    encoding: str = setting("utf-8", description="Python codec of the CSV")
    delimiter: str = setting(",", min_length=1, max_length=1, description="Character between the fields")

    _codec = field_validator("encoding")(_checked_codec)
    _separates = field_validator("delimiter")(_checked_delimiter)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths as written, a single one as a tuple of one."""
        return (self.path,) if isinstance(self.path, str) else self.path


class TableSource(Section):
    """What is behind one canonical table: files, a query over files, or a table of a database."""

    path: str | tuple[str, ...] | None = setting(
        None, description="CSV or Parquet file(s) from the project root; a list or a glob is read as one table"
    )
    files: dict[str, FileSource] = setting(default_factory=dict, description="Name in the query -> raw file")
    query: str | None = setting(None, min_length=1, description="One SQL SELECT that reads nothing but the files")
    table: str | None = setting(
        None, pattern=r"^[^.]+(\.[^.]+){0,2}$", description="Table or view of engine.database, such as schema.table"
    )
    encoding: str = setting("utf-8", description="Python codec of the CSV")
    delimiter: str = setting(",", min_length=1, max_length=1, description="Character between the fields")
    decimal: Literal[".", ","] = setting(".", description="Decimal mark of numbers")
    thousands: Thousands | None = setting(None, description="Mark between the thousands of numbers; absent = none")
    dates: str = setting("%Y-%m-%d", description=_DATES)
    timezone: str = setting("UTC", description="IANA zone of times that are written without an offset")
    missing: tuple[str, ...] = setting(("",), description="Texts that mean missing; never applied to ids")
    columns: dict[str, str | ColumnMap] = setting(
        default_factory=dict, description="Canonical column -> column of the file; absent = the same name"
    )
    extra: dict[str, Kind | ExtraColumn] = setting(
        default_factory=dict, description="Further columns to keep: name -> type, or type with role and more"
    )
    rules: Action | RuleActions = setting(
        "quarantine", description="Rows that break a rule are set aside, or kept and reported: all, or rule by rule"
    )
    broken_lines: Literal["refuse", "quarantine"] | None = setting(
        None,
        description="Lines that are no rows: the file is refused, or they are set aside; absent = refused where a lost "
        "line may be somebody's no (consents, suppressions), set aside elsewhere",
    )

    _dates = field_validator("dates")(_checked_dates)
    _zone = field_validator("timezone")(checked_zone)
    _codec = field_validator("encoding")(_checked_codec)
    _separates = field_validator("delimiter")(_checked_delimiter)

    @field_validator("files")
    @classmethod
    def _names_fit_a_query(cls, files: dict[str, FileSource]) -> dict[str, FileSource]:
        faults = {name: "write letters, digits and _ only" for name in files if not name.isidentifier()}
        folded = [name.casefold() for name in files]
        faults |= {
            name: "names in a query differ by more than case" for name in files if folded.count(name.casefold()) > 1
        }
        if faults:
            raise SettingError(faults)
        return files

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [name for name in ("path", "query", "table") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise ValueError("give one of path, query (with files) and table")
        if bool(self.files) != (self.query is not None):
            raise ValueError("files and query belong together")
        for name in ("encoding", "delimiter"):
            if self.path is None and name in self.model_fields_set:
                where = f"write it under each of files, such as files.{next(iter(self.files))}" if self.files else ""
                raise SettingError({name: where or "a table of a database has none"})
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        extras = {f"extra.{name}": item for name, item in self.extra.items() if isinstance(item, ExtraColumn)}
        maps = {f"columns.{name}": item for name, item in self.columns.items() if isinstance(item, ColumnMap)}
        faults = {} if self.thousands != self.decimal else {"thousands": "the decimal mark is the same"}
        for key, item in (maps | extras).items():
            if not faults and (item.thousands or self.thousands) == (item.decimal or self.decimal):
                faults[f"{key}.thousands"] = "the decimal mark of the column is the same"
        if faults:
            raise SettingError(faults)
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths as written, a single one as a tuple of one; empty where the table is no file."""
        return (self.path,) if isinstance(self.path, str) else self.path or ()

    def column_map(self, name: str) -> ColumnMap | None:
        """Return where a canonical column comes from; None where the workspace says nothing about it."""
        declared = self.columns.get(name)
        return ColumnMap(source=declared) if isinstance(declared, str) else declared

    def extra_column(self, name: str) -> ExtraColumn:
        """Return the declaration of an extra column in its long form."""
        declared = self.extra[name]
        return ExtraColumn(type=declared) if isinstance(declared, Kind) else declared

    def rule_action(self, rule: str) -> Action:
        """Return what becomes of the rows that break a rule; lines that are no rows are always set aside."""
        if not Rule(rule).is_choice:
            return "quarantine"
        if isinstance(self.rules, str):
            return self.rules
        action: Action | None = getattr(self.rules, rule)
        return action or self.rules.default
