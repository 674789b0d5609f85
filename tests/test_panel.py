"""The measures of several dates at once: equal to those of each date alone, and to SQL."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from csworkbench import features
from csworkbench.asof import earlier, take
from csworkbench.features import ActiveUsers, DaysSinceLastUse, Tenure, Usage
from tests.books import book
from tests.oracles import features_sql as sql
from tests.oracles.feature_books import AS_OF, ago, random_tables, small_books

ACCOUNTS = [{"account_id": "a"}, {"account_id": "b"}]
SOURCES = {name: source for name, (source, _, _) in sql.CASES.items()}


def use(account, days_ago, user="u1", feature="query", events=1):
    return {"account_id": account, "date": ago(days_ago), "user_id": user, "feature": feature, "events": events}


def at_each(source, tables, dates, **options):
    """Return [{account: value} at each date] of the accounts that have one."""
    frame = features.panel(take(book({"accounts": ACCOUNTS} | tables, **options), AS_OF), {"m": source}, dates)
    known = frame.dropna(subset=["value"])
    by_date = {
        day: dict(zip(rows["account_id"], rows["value"], strict=True)) for day, rows in known.groupby("snapshot_date")
    }
    return [by_date.get(pd.Timestamp(day), {}) for day in dates]


def test_each_date_has_its_own_window_and_history():
    usage = [use("a", 70, events=5), use("a", 40, events=2), use("b", 3, events=1)]
    dates = [ago(60), ago(30), ago(0)]
    # a: 5 in the first window, 2 in the second, then nothing; b is not seen before the last date.
    assert at_each(Usage(), {"usage_daily": usage}, dates) == [{"a": 5}, {"a": 2}, {"a": 0, "b": 1}]
    assert at_each(DaysSinceLastUse(), {"usage_daily": usage}, dates) == [{"a": 10}, {"a": 10}, {"a": 40, "b": 3}]


def test_windows_of_neighboring_dates_may_overlap():
    usage = [use("a", 9, "u1"), use("a", 5, "u2"), use("a", 1, "u3")]
    assert at_each(ActiveUsers(window_days=6), {"usage_daily": usage}, [ago(8), ago(4), ago(0)]) == [
        {"a": 1},  # u1
        {"a": 2},  # u1 on the first day of the window, u2
        {"a": 2},  # u2 on the first day of the window, u3
    ]


def test_a_row_that_became_known_late_counts_from_the_date_that_knows_it():
    late = use("a", 50, "u2", events=7) | {"known_at": ago(20)}
    usage = [use("a", 45, "u1", events=1) | {"known_at": None}, late, use("b", 1) | {"known_at": None}]
    dates = [ago(40), ago(21), ago(20), ago(0)]
    assert at_each(Usage(window_days=90), {"usage_daily": usage}, dates)[:3] == [{"a": 1}, {"a": 1}, {"a": 8}]
    assert at_each(ActiveUsers(window_days=90), {"usage_daily": usage}, dates)[:3] == [{"a": 1}, {"a": 1}, {"a": 2}]
    # Outside of the window it is too late to count at all.
    assert at_each(Usage(window_days=28), {"usage_daily": usage}, dates)[2:] == [{"a": 1}, {"a": 0, "b": 1}]


def test_a_row_of_the_last_evening_is_known_on_the_day_of_the_workspace():
    # 22:30 UTC on 9 June is 10 June in Stockholm.
    usage = [use("a", 25, events=3) | {"known_at": "2026-06-09T22:30"}, use("a", 40, events=1) | {"known_at": None}]
    dates = [date(2026, 6, 9), date(2026, 6, 10)]
    found = at_each(Usage(window_days=60), {"usage_daily": usage}, dates, timezone="Europe/Stockholm")
    assert found == [{"a": 1}, {"a": 4}]


def test_an_account_counts_at_the_dates_it_is_there():
    accounts = [{"account_id": "a", "signup_at": ago(300)}, {"account_id": "b", "signup_at": ago(10)}]
    snapshot = take(book({"accounts": accounts, "usage_daily": [use("a", 50)]}), AS_OF)
    frame = features.panel(snapshot, {"m": Usage()}, [ago(30), AS_OF])
    assert list(zip(frame["snapshot_date"].dt.date, frame["account_id"], strict=True)) == [
        (ago(30), "a"),
        (AS_OF, "a"),
        (AS_OF, "b"),
    ]


def test_repeated_dates_count_once_and_come_in_order():
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 50)]}), AS_OF)
    frame = features.panel(snapshot, {"m": DaysSinceLastUse()}, [AS_OF, ago(9), AS_OF])
    assert frame["value"].dropna().tolist() == [41, 50]


def test_a_date_after_the_snapshot_is_refused():
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 0)]}), AS_OF)
    with pytest.raises(ValueError, match="2026-07-01 lies after the snapshot"):
        features.panel(snapshot, {"m": Usage()}, [ago(-1)])


def test_no_dates_give_an_empty_panel():
    frame = features.panel(take(book({"accounts": ACCOUNTS}), AS_OF), {"m": Tenure()}, [])
    assert (len(frame), list(frame.columns)) == (
        0,
        ["snapshot_date", "account_id", "measure", "value", "text", "age_days"],
    )


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    tables=small_books(),
    names=st.lists(st.sampled_from(sorted(SOURCES)), min_size=3, max_size=5, unique=True),
    backs=st.lists(st.integers(0, 120), min_size=2, max_size=3, unique=True),
    zone=st.sampled_from(["UTC", "Europe/Stockholm", "Asia/Shanghai"]),
)
def test_a_panel_is_the_measures_of_each_date(tables, names, backs, zone):
    snapshot = take(book(tables, timezone=zone), AS_OF)
    sources = {name: SOURCES[name] for name in names}
    dates = sorted(ago(back) for back in backs)
    loop = [
        features.measures(earlier(snapshot, day), sources).assign(snapshot_date=np.datetime64(day, "s"))
        for day in dates
    ]
    panel = features.panel(snapshot, sources, dates)
    expected = pd.concat(loop, ignore_index=True)[list(panel.columns)]
    pd.testing.assert_frame_equal(panel, expected, check_exact=True)


@pytest.mark.parametrize(("seed", "zone"), [(11, "Europe/Stockholm"), (12, "Asia/Shanghai")])
def test_every_measure_at_every_date_equals_its_sql(seed, zone):
    made, dates = book(random_tables(seed), timezone=zone), [ago(back) for back in (95, 61, 60, 20, 0)]
    frame = features.panel(take(made, AS_OF), SOURCES, dates).dropna(subset=["value"])
    found = {
        (row.snapshot_date.date(), row.measure, row.account_id): (row.value, row.age_days) for row in frame.itertuples()
    }
    expected = {
        (day, name, account): (pytest.approx(float(value), rel=1e-12, abs=1e-12), (day - known_on).days)
        for day in dates
        for name, (_, query, options) in sql.CASES.items()
        for account, (value, known_on) in sql.answer(made, day, query, zone=zone, **options).items()
    }
    assert found == expected
