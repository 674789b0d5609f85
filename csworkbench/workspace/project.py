"""The file of a project: its tables, its calendar and regions, its money, and the engine that reads it."""

from datetime import date
from typing import Literal, Self

from pydantic import field_validator, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.errors import did_you_mean
from csworkbench.formats import WRITTEN, is_written, likely_language
from csworkbench.tables import SPECS, TableSpec
from csworkbench.workspace.contacting import ContactPolicy
from csworkbench.workspace.mapping import ColumnMap, TableSource, checked_zone

# Columns whose values id_map can turn into ours.
MAPPED = ("account_id", "parent_account_id", "contact_id")
_MONTH_DAY = r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"


def _checked_day(month_day: str) -> str:
    try:
        date.fromisoformat(f"2024-{month_day}")  # a leap year, so that 02-29 exists
    except ValueError as error:
        raise ValueError(f"{month_day!r} is no day of a year, MM-DD") from error
    return month_day


class Season(Section):
    """Days of every year in which less use is normal; it may reach over the new year."""

    name: str = setting(description="Name of the season, such as summer", min_length=1)
    first: str = setting(pattern=_MONTH_DAY, description="First day, MM-DD")
    last: str = setting(pattern=_MONTH_DAY, description="Last day, MM-DD; before the first one = in the next year")

    _days = field_validator("first", "last")(_checked_day)


class Region(Section):
    """The days off of a region of accounts."""

    country: str = setting(
        "",
        pattern="^([A-Z]{2})?$",
        description="ISO 3166 code of the country whose holidays hold; absent = none",
    )
    seasons: list[Season] = setting(default_factory=list, description="Holiday seasons beside the public holidays")


class Engine(Section):
    """Which engine reads and computes, and how much of the machine it may use."""

    threads: int | None = setting(None, ge=1, description="Threads; absent = all cores")
    memory_gb: float | None = setting(
        None, gt=0, unit="GB", description="Memory before it spills to disk; absent = 80 %"
    )
    database: str | None = setting(
        None, min_length=1, description="DuckDB file of `table:` sources, from the project root; opened read only"
    )
    backend: Literal["duckdb", "spark"] = setting(
        "duckdb", description="Engine of the analyses; reading and typing files always run on DuckDB"
    )
    master: str = setting("local[*]", min_length=1, description="Spark master, such as spark://host:7077")


class Workspace(Section):
    """A team's project: data sources, calendar, currency, language and the batch that runs by default."""

    version: Literal[1] = setting(description="Version of this file's format")
    name: str = setting(description="Name of the team or the book, as pages show it", min_length=1)
    as_of: date | Literal["latest"] = setting(
        "latest", description="Day up to which facts are used; latest = the newest day in the data"
    )
    timezone: str = setting("UTC", description="IANA zone of days, weeks and quarters")
    currency: str = setting("EUR", pattern="^[A-Z]{3}$", description="ISO currency of amounts without one")
    language: str = setting("en", description="Language of pages and numbers: en, sv or zh-CN")
    tables: dict[str, TableSource] = setting(description="Canonical table -> its files; only accounts is required")
    batch: str = setting("configs/batch/nightly.yaml", description="Batch file of a run, from the project root")
    engine: Engine = setting(default_factory=Engine, description="Which engine reads, and how much it may use")
    regions: dict[str, Region] = setting(
        default_factory=dict, description="Region of accounts -> its public holidays and seasons"
    )
    contact_policy: ContactPolicy = setting(
        default_factory=ContactPolicy, description="Who may be contacted: what every list of contacts obeys"
    )

    export_ids: dict[Literal["hubspot", "salesforce"], str] = setting(
        default_factory=dict, description="System lists are imported into -> source of its ids in id_map; absent = ours"
    )

    _zone = field_validator("timezone")(checked_zone)

    @field_validator("language")
    @classmethod
    def _pages_are_written_in_it(cls, language: str) -> str:
        if not is_written(language):
            meant = likely_language(language)
            hint = f"; did you mean '{meant}'?" if meant else ""
            raise ValueError(f"pages are written in {', '.join(WRITTEN)}, not in {language!r}{hint}")
        return language

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
                faults.update(_id_faults(name, source, has_map="id_map" in tables))
        if faults:
            raise SettingError(faults)
        return tables

    @model_validator(mode="after")
    def _exported_ids_are_looked_up(self) -> Self:
        if self.export_ids and "id_map" not in self.tables:
            hint = "ids are looked up in the table id_map; declare it under tables"
            raise SettingError({f"export_ids.{system}": hint for system in self.export_ids})
        return self

    @model_validator(mode="after")
    def _tables_of_a_database_have_one(self) -> Self:
        if self.engine.database is None:
            bare = [name for name, source in self.tables.items() if source.table is not None]
            if bare:
                hint = "set engine.database to the DuckDB file it is in"
                raise SettingError({f"tables.{name}.table": hint for name in bare})
        return self


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


def _id_faults(table: str, source: TableSource, *, has_map: bool) -> dict[str, str]:
    mapped = [name for name, item in source.columns.items() if isinstance(item, ColumnMap) and item.ids is not None]
    faults = {}
    for name in mapped:
        key = f"{table}.columns.{name}.ids"
        if table == "id_map" or name not in MAPPED:
            faults[key] = f"ids are looked up for {', '.join(MAPPED)} of other tables"
        elif not has_map:
            faults[key] = "ids are looked up in the table id_map; declare it under tables"
    return faults
