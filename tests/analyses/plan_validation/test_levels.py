"""Levels in windows are what adding up the days by hand gives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csworkbench.analyses.plan_validation.levels import levels_of, on_scale

FIRST = np.datetime64("2026-01-01")


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def made(rows, accounts=("a", "b"), last="2026-03-31", **more):
    frame = pd.DataFrame(rows, columns=["account_id", "date", "value"]).astype({"date": "datetime64[s]"})
    return levels_of(frame, pd.Index(accounts), (FIRST, np.datetime64(last)), metric="orders", **more)


@given(st.lists(st.integers(0, 50), min_size=90, max_size=90), st.integers(0, 60), st.integers(1, 30))
def test_the_level_of_a_window_is_the_mean_of_its_days(values, start, length):
    rows = [("a", FIRST + day, value) for day, value in enumerate(values)]
    level = made(rows, accounts=("a",)).mean(np.array([0]), days(FIRST + start), days(FIRST + start + length))
    assert level[0] == pytest.approx(np.mean(values[start : start + length]))


def test_a_window_with_too_few_recorded_days_has_no_level():
    rows = [("a", FIRST + day, 4) for day in range(30)] + [("b", FIRST + day, 4) for day in range(10)]
    level = made(rows).mean(np.array([0, 1]), days("2026-01-01", "2026-01-01"), days("2026-01-31", "2026-01-31"))
    assert level[0] == 4
    assert np.isnan(level[1])  # 10 of 30 days; 60 % are asked for


def test_an_account_that_left_counts_0_on_days_on_which_others_have_values():
    rows = [("a", FIRST + day, 4) for day in range(20)] + [("b", FIRST + day, 4) for day in range(10)]
    left = pd.Series({"b": pd.Timestamp("2026-01-11")})
    level = made(rows, left_on=left).mean(np.array([1]), days("2026-01-01"), days("2026-01-21"))
    assert level[0] == pytest.approx(4 * 10 / 20)


def test_a_window_that_leaves_the_book_has_no_level():
    rows = [("a", FIRST + day, 4) for day in range(90)]
    level = made(rows, accounts=("a",)).mean(np.array([0]), days("2025-12-20"), days("2026-01-20"))
    assert np.isnan(level[0])


def test_month_end_values_after_landing_begin_four_weeks_later():
    # Month ends 31 January (3), 28 February (5) and 31 March (9); landed on 10 February, window to 12 April.
    rows = [("a", "2026-01-31", 3), ("a", "2026-02-28", 5), ("a", "2026-03-31", 9)]
    levels = made(rows, accounts=("a",), last="2026-04-30", cadence="monthly")
    assert levels.after(np.array([0]), days("2026-02-10"), days("2026-04-12"))[0] == 9
    # Halves of 31 days, which hold a month end whatever the month: March (9), and 29 January to 28 February (3 and 5).
    older, newer = levels.halves(np.array([0]), days("2026-04-01"), 60)
    assert (older[0], newer[0]) == (4, 9)


def test_a_relative_scale_turns_ratios_into_differences_and_knows_0():
    low, high, none = on_scale(np.array([100.0, 150.0, 0.0]), "relative", 0.0)
    assert high - low == pytest.approx(np.log(1.5))
    assert np.isfinite(none)
    assert on_scale(np.array([0.4]), "points", 1.0)[0] == 0.4
