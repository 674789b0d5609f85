"""Days off per region: public holidays and declared seasons, so that a drop of use can be read against them."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.errors import ConfigError, Problem
from csworkbench.workspace import Region, Workspace

if TYPE_CHECKING:
    import pandas as pd
    from holidays import HolidayBase

SATURDAY = 5


def off_days(workspace: Workspace, first: date, last: date) -> "pd.DataFrame":
    """Return the public holidays and the days of the declared seasons of every region.

    Weekends are no days off of their own; a holiday that falls on one is listed.

    Args:
        workspace: Declares the regions.
        first: First day.
        last: Last day.

    Returns:
        One row per region, day and name, ascending: region, day (datetime64) and name (of the holiday, in the language
        of the workspace where the library has it, or of the season).

    Raises:
        ConfigError: the holidays of a country are not known; every such country.
    """
    import pandas as pd

    rows = []
    for name, region, calendar in _calendars(workspace, first, last):
        for day in _days(first, last):
            holiday = None if calendar is None else calendar.get(day)
            named = ([] if holiday is None else [holiday]) + _seasons(region, day)
            rows += [(name, pd.Timestamp(day), each) for each in named]
    frame = pd.DataFrame(rows, columns=["region", "day", "name"])
    return frame.astype({"region": "str", "day": "datetime64[s]", "name": "str"}).sort_values(
        ["region", "day", "name"], ignore_index=True
    )


def working_days(workspace: Workspace, first: date, last: date) -> "pd.DataFrame":
    """Return how much of its usual work a window has in every region.

    A working day is a weekday that is neither a public holiday nor in a declared season, or a weekend day that the
    country works instead of another, as China does.

    Args:
        workspace: Declares the regions.
        first: First day of the window.
        last: Last day of the window.

    Returns:
        One row per region, ascending: region, working_days, weekdays (days) and share (working_days / weekdays;
        unit share, above 1 where weekends are worked, missing where the window has no weekday).

    Raises:
        ConfigError: the holidays of a country are not known; every such country.
    """
    import pandas as pd

    rows = []
    for name, region, calendar in _calendars(workspace, first, last):
        days = list(_days(first, last))
        weekdays = [day for day in days if not _is_weekend(calendar, day)]
        worked = [day for day in (weekdays if calendar is None else days) if _is_worked(region, calendar, day)]
        rows.append((name, len(worked), len(weekdays), len(worked) / len(weekdays) if weekdays else float("nan")))
    columns = {"region": "str", "working_days": "int64", "weekdays": "int64", "share": "float64"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _calendars(workspace: Workspace, first: date, last: date) -> "list[tuple[str, Region, HolidayBase | None]]":
    """Return every region with the holidays of its country, if it names one."""
    problems, found = [], []
    for name, region in sorted(workspace.regions.items()):
        try:
            calendar = _calendar(region.country, workspace.language, first, last) if region.country else None
        except NotImplementedError:
            hint = "leave the country out and declare its days as seasons"
            problems.append(
                Problem(f"the holidays of {region.country!r} are not known", key=f"regions.{name}.country", hint=hint)
            )
        else:
            found.append((name, region, calendar))
    if problems:
        raise ConfigError(*problems)
    return found


def _calendar(country: str, language: str, first: date, last: date) -> "HolidayBase":
    """Return the public holidays of a country.

    Raises:
        NotImplementedError: the library does not know the country.
    """
    import holidays

    years = range(first.year, last.year + 1)
    plain = holidays.country_holidays(country, years=years)
    near = [code for code in plain.supported_languages if code.partition("_")[0] == language[:2]]
    # Without a language the library would take the one of the machine's locale.
    return holidays.country_holidays(country, years=years, language=near[0] if near else plain.default_language)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=after) for after in range((last - first).days + 1))


def _seasons(region: Region, day: date) -> list[str]:
    """Return the names of the declared seasons a day lies in."""
    today = f"{day:%m-%d}"
    return [
        season.name
        for season in region.seasons
        if (
            season.first <= today <= season.last
            if season.first <= season.last
            else today >= season.first or today <= season.last
        )
    ]


def _is_weekend(calendar: "HolidayBase | None", day: date) -> bool:
    return day.weekday() >= SATURDAY if calendar is None else bool(calendar.is_weekend(day))


def _is_worked(region: Region, calendar: "HolidayBase | None", day: date) -> bool:
    return not _seasons(region, day) and (calendar is None or bool(calendar.is_working_day(day)))
