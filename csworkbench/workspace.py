"""The workspace: where a team's files are, what their columns mean here, and the calendar and money of the team."""

import codecs
from datetime import date
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import field_validator, model_validator

from csworkbench import config
from csworkbench.config import Section, SettingError, setting
from csworkbench.errors import ConfigError, Problem, did_you_mean
from csworkbench.tables import SPECS, Kind, Role, TableSpec

EPOCHS = ("epoch_s", "epoch_ms")
PLACES = ("configs/workspace.yaml", "workspace.yaml")

_DATES = "How dates are written, in strptime codes, or epoch_s, epoch_ms; %Y-%m-%d reads ISO 8601 times too"


def _checked_dates(dates: str | None) -> str | None:
    if dates is not None and dates not in EPOCHS and "%" not in dates:
        raise ValueError(f"{dates!r} is no date format; write strptime codes such as '%d/%m/%Y', or epoch_s, epoch_ms")
    return dates


def _checked_zone(name: str | None) -> str | None:
    try:
        if name is not None:
            ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone such as 'Europe/Stockholm'") from error
    return name


class ColumnMap(Section):
    """Where a canonical column comes from, when it is more than a renamed column of the file."""

    source: str | None = setting(None, alias="from", min_length=1, description="Name of the column in the file")
    const: str | None = setting(None, description="The same text in every row")
    row: Literal[True] | None = setting(None, description="The line in the file is the id; equal rows are kept")
    values: dict[str, str | bool] = setting(
        default_factory=dict, description="Words of the file -> words of the table; others pass unchanged"
    )
    dates: str | None = setting(None, description=_DATES)
    decimal: Literal[".", ","] | None = setting(None, description="Decimal mark of this column")

    _dates = field_validator("dates")(_checked_dates)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.source, self.const, self.row)) > 1:
            raise ValueError("give one of from, const and row")
        return self


class ExtraColumn(Section):
    """A column the canonical table does not have: an attribute, or an outcome that is never a predictor."""

    type: Kind = setting(description="What a cell is")
    source: str | None = setting(
        None, alias="from", min_length=1, description="Name of the column in the file; absent = the same name"
    )
    role: Role = setting(Role.ATTRIBUTE, description="What the column may be used for")
    values: dict[str, str | bool] = setting(
        default_factory=dict, description="Words of the file -> words of the table; others pass unchanged"
    )
    dates: str | None = setting(None, description=_DATES)
    decimal: Literal[".", ","] | None = setting(None, description="Decimal mark of this column")

    _dates = field_validator("dates")(_checked_dates)


class TableSource(Section):
    """The files behind one canonical table, and how they are written."""

    path: str | tuple[str, ...] = setting(
        description="CSV or Parquet file(s) from the project root; a list or a glob is read as one table"
    )
    encoding: str = setting("utf-8", description="Python codec of the CSV")
    delimiter: str = setting(",", min_length=1, max_length=1, description="Character between the fields")
    decimal: Literal[".", ","] = setting(".", description="Decimal mark of numbers")
    dates: str = setting("%Y-%m-%d", description=_DATES)
    timezone: str = setting("UTC", description="IANA zone of times that are written without an offset")
    missing: tuple[str, ...] = setting(("",), description="Texts that mean missing; never applied to ids")
    columns: dict[str, str | ColumnMap] = setting(
        default_factory=dict, description="Canonical column -> column of the file; absent = the same name"
    )
    extra: dict[str, Kind | ExtraColumn] = setting(
        default_factory=dict, description="Further columns to keep: name -> type, or type with role and more"
    )
    rules: Literal["quarantine", "flag"] = setting(
        "quarantine", description="Rows that break a rule are set aside, or kept and reported"
    )

    _dates = field_validator("dates")(_checked_dates)
    _zone = field_validator("timezone")(_checked_zone)

    @field_validator("encoding")
    @classmethod
    def _codec(cls, encoding: str) -> str:
        try:
            info = codecs.lookup(encoding)
        except LookupError as error:
            raise ValueError(f"{encoding!r} is no Python codec such as utf-8, utf-16, gb18030, cp1252") from error
        if not info._is_text_encoding:  # the only mark Python has for codecs that turn bytes into bytes
            raise ValueError(f"{encoding!r} is no text encoding")
        return encoding

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, delimiter: str) -> str:
        if delimiter in '"\r\n':
            raise ValueError("a quote or a line end cannot separate fields")
        return delimiter

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths as written, a single one as a tuple of one."""
        return (self.path,) if isinstance(self.path, str) else self.path

    def column_map(self, name: str) -> ColumnMap | None:
        """Return where a canonical column comes from; None where the workspace says nothing about it."""
        declared = self.columns.get(name)
        return ColumnMap(source=declared) if isinstance(declared, str) else declared

    def extra_column(self, name: str) -> ExtraColumn:
        """Return the declaration of an extra column in its long form."""
        declared = self.extra[name]
        return ExtraColumn(type=declared) if isinstance(declared, Kind) else declared


class Engine(Section):
    """How much of the machine the data engine may use."""

    threads: int | None = setting(None, ge=1, description="Threads; absent = all cores")
    memory_gb: float | None = setting(
        None, gt=0, unit="GB", description="Memory before it spills to disk; absent = 80 %"
    )


class Workspace(Section):
    """A team's project: data sources, calendar, currency, language and the batch that runs by default."""

    version: Literal[1] = setting(description="Version of this file's format")
    name: str = setting(description="Name of the team or the book, as pages show it", min_length=1)
    as_of: date | Literal["latest"] = setting(
        "latest", description="Day up to which facts are used; latest = the newest day in the data"
    )
    timezone: str = setting("UTC", description="IANA zone of days, weeks and quarters")
    currency: str = setting("EUR", pattern="^[A-Z]{3}$", description="ISO currency of amounts without one")
    language: str = setting("en", pattern="^[a-z]{2}([-_][A-Za-z]+)?$", description="Language of pages and numbers")
    tables: dict[str, TableSource] = setting(description="Canonical table -> its files; only accounts is required")
    batch: str = setting("configs/batch/nightly.yaml", description="Batch file of a run, from the project root")
    engine: Engine = setting(default_factory=Engine, description="How much of the machine the engine may use")

    _zone = field_validator("timezone")(_checked_zone)

    # On the field, not on the whole, so that these problems come together with those of other keys.
    @field_validator("tables")
    @classmethod
    def _tables_are_known(cls, tables: dict[str, TableSource]) -> dict[str, TableSource]:
        faults = {} if "accounts" in tables else {"": "accounts is required"}
        for name, source in tables.items():
            if name not in SPECS:
                faults[name] = f"unknown table; {did_you_mean(name, SPECS, 'known are ' + ', '.join(SPECS))}"
            else:
                faults.update(_column_faults(SPECS[name], source))
        if faults:
            raise SettingError(faults)
        return tables


def _column_faults(spec: TableSpec, source: TableSource) -> dict[str, str]:
    known = f"known are {', '.join(spec.names)}"
    faults = {
        f"{spec.name}.columns.{name}": f"no such column; add it under extra, or {did_you_mean(name, spec.names, known)}"
        for name in source.columns
        if name not in spec.names
    }
    # The engine does not tell column names apart by case.
    taken = {name.casefold(): name for name in spec.names}
    for name in source.extra:
        other = taken.setdefault(name.casefold(), name)
        if other != name or name in spec.names:
            faults[f"{spec.name}.extra.{name}"] = (
                f"the table has {other!r} already; choose another name, or use columns"
            )
        if name.startswith("_"):
            faults[f"{spec.name}.extra.{name}"] = "names that start with _ are ours; choose another name and use from:"
    return faults


def find_workspace(option: str | None, start: Path) -> Path:
    """Return the workspace file to use.

    Args:
        option: Path of the file or of its project, relative to `start`; None = search `start` and the folders above it.
        start: Folder to search from.

    Returns:
        Path of an existing file.

    Raises:
        ConfigError: there is no such file.
    """
    if option is not None:
        for path in (start / option, *(start / option / place for place in PLACES)):
            if path.is_file():
                return path
        raise ConfigError(Problem("no such workspace file", file=option, hint="give a workspace.yaml or its project"))
    for folder in (start, *start.absolute().parents):
        for place in PLACES:
            if (folder / place).is_file():
                return folder / place
    raise ConfigError(
        Problem(
            f"there is no workspace here: neither {PLACES[0]} nor {PLACES[1]}",
            hint="change into a project, give --workspace PATH, or make one with `csw init DIR`",
        )
    )


def project_root(workspace_path: Path) -> Path:
    """Return the project of a workspace file: its folder, or the parent of a folder called `configs`."""
    folder = workspace_path.absolute().parent
    return folder.parent if folder.name == "configs" else folder


def load_workspace(path: Path) -> Workspace:
    """Return the workspace a file declares.

    Args:
        path: The workspace file.

    Raises:
        ConfigError: the file is not valid; every problem with its line and column.
    """
    return config.load(path, Workspace, project_root(path))
