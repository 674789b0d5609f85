"""Days off: public holidays of the country of a region, and its declared seasons."""

from datetime import date

import pytest

from csworkbench.errors import ConfigError
from csworkbench.seasons import off_days, working_days
from csworkbench.workspace import Workspace

SUMMER = {"name": "summer", "first": "07-06", "last": "07-31"}
TURN = {"name": "turn of the year", "first": "12-24", "last": "01-06"}


def workspace(language="en", **regions):
    return Workspace(version=1, name="w", language=language, tables={"accounts": {"path": "a.csv"}}, regions=regions)


def days(made, first, last):
    found = off_days(made, date.fromisoformat(first), date.fromisoformat(last))
    return [(row.region, row.day.date().isoformat(), row.name) for row in found.itertuples(index=False)]


def share(made, first, last):
    found = working_days(made, date.fromisoformat(first), date.fromisoformat(last))
    return [tuple(row) for row in found.itertuples(index=False)]


def test_public_holidays_are_those_of_the_country_of_the_region():
    # The Swedish law on public holidays: 1 May and Ascension Day; the first Monday of May is British.
    made = workspace(nordics={"country": "SE"}, uk={"country": "GB"})
    assert days(made, "2026-05-01", "2026-05-15") == [
        ("nordics", "2026-05-01", "May Day"),
        ("nordics", "2026-05-14", "Ascension Day"),
        ("uk", "2026-05-04", "May Day"),
    ]


def test_holidays_have_their_names_in_the_language_of_the_workspace():
    assert days(workspace(language="sv", n={"country": "SE"}), "2026-12-25", "2026-12-25") == [
        ("n", "2026-12-25", "Juldagen")
    ]


def test_holidays_keep_their_own_names_where_the_language_is_not_there():
    assert days(workspace(language="zh-CN", n={"country": "SE"}), "2026-12-25", "2026-12-25") == [
        ("n", "2026-12-25", "Juldagen")
    ]


def test_a_season_holds_every_year_from_its_first_to_its_last_day():
    made = workspace(nordics={"seasons": [{"name": "summer", "first": "07-30", "last": "07-31"}]})
    expected = [("nordics", f"{year}-07-{day}", "summer") for year in (2025, 2026) for day in (30, 31)]
    assert days(made, "2025-07-30", "2026-08-01") == expected


def test_a_season_may_reach_over_the_new_year():
    made = workspace(nordics={"seasons": [TURN]})
    found = [day for _, day, _ in days(made, "2025-12-23", "2026-01-07")]
    assert (found[0], found[-1], len(found)) == ("2025-12-24", "2026-01-06", 14)


def test_a_season_to_the_leap_day_ends_the_day_before_in_other_years():
    made = workspace(r={"seasons": [{"name": "sports", "first": "02-27", "last": "02-29"}]})
    assert [day for _, day, _ in days(made, "2025-02-26", "2025-03-02")] == ["2025-02-27", "2025-02-28"]
    assert [day for _, day, _ in days(made, "2028-02-28", "2028-03-02")] == ["2028-02-28", "2028-02-29"]


def test_a_holiday_within_a_season_is_listed_under_both_names():
    made = workspace(nordics={"country": "SE", "seasons": [TURN]})
    assert days(made, "2025-12-25", "2025-12-25") == [
        ("nordics", "2025-12-25", "Christmas Day"),
        ("nordics", "2025-12-25", "turn of the year"),
    ]


def test_without_regions_there_is_no_day_off():
    found = off_days(workspace(), date(2026, 1, 1), date(2026, 12, 31))
    assert (list(found.columns), len(found)) == (["region", "day", "name"], 0)
    assert len(working_days(workspace(), date(2026, 1, 1), date(2026, 12, 31))) == 0


def test_an_ordinary_week_is_worked_whole():
    # Monday to Sunday.
    assert share(workspace(r={}), "2026-03-02", "2026-03-08") == [("r", 5, 5, 1.0)]


def test_holidays_on_weekdays_are_not_worked():
    # May 2026 has 21 weekdays; 1 May is a Friday, Ascension Day a Thursday, Pentecost a Sunday.
    assert share(workspace(n={"country": "SE"}), "2026-05-01", "2026-05-31") == [("n", 19, 21, 19 / 21)]


def test_weekends_that_a_country_works_instead_count():
    # State Council of China, notice of 4 November 2025: off 15 to 23 February 2026, at work on Saturdays 14 and 28.
    # The three weeks have 15 weekdays, 6 of them off.
    assert share(workspace(c={"country": "CN"}), "2026-02-09", "2026-03-01") == [("c", 11, 15, 11 / 15)]


def test_the_weekend_is_that_of_the_country():
    # Saudi Arabia rests on Friday and Saturday: 1 and 2 October 2026 are Thursday and Friday.
    assert share(workspace(s={"country": "SA"}), "2026-10-01", "2026-10-02") == [("s", 1, 1, 1.0)]


def test_a_declared_season_is_not_worked():
    # 6 to 31 July 2026 are four weeks from Monday to Friday; July has 23 weekdays.
    assert share(workspace(n={"seasons": [SUMMER]}), "2026-07-01", "2026-07-31") == [("n", 3, 23, 3 / 23)]


def test_a_window_without_a_weekday_has_no_share():
    (row,) = share(workspace(r={}), "2026-03-07", "2026-03-08")
    assert row[:3] == ("r", 0, 0)
    assert row[3] != row[3]


def test_countries_without_known_holidays_are_refused_all_at_once():
    made = workspace(a={"country": "XX"}, b={"country": "QQ"}, c={"country": "SE"})
    with pytest.raises(ConfigError, match="declare its days as seasons") as refused:
        off_days(made, date(2026, 1, 1), date(2026, 1, 31))
    assert [(problem.key, problem.message) for problem in refused.value.problems] == [
        ("regions.a.country", "the holidays of 'XX' are not known"),
        ("regions.b.country", "the holidays of 'QQ' are not known"),
    ]
