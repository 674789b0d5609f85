"""What is other between two results."""

from types import SimpleNamespace

import pandas as pd

from csworkbench import changes
from csworkbench.estimates import Estimate, say
from csworkbench.formats import text


def result(figures, **tables):
    return SimpleNamespace(headline=say("x"), figures=figures, tables=tables, caveats=(), actions=())


def rows(**columns):
    return pd.DataFrame(columns)


def test_figures_stand_side_by_side_and_those_that_are_gone_come_last():
    before = result({"gone": Estimate(1, "accounts", 3), "same": Estimate(2, "accounts", 3)})
    after = result({"same": Estimate(2, "accounts", 3), "new": Estimate(4, "accounts", 3)})
    beside = changes.figures_beside(before, after)
    assert list(beside["figure"]) == ["same", "new", "gone"]
    assert list(beside["is_other"]) == [False, True, True]
    assert beside["before"].iloc[1] is None
    assert beside["after"].iloc[2] is None


def test_rows_that_stay_as_they_are_are_not_told():
    before = rows(account_id=["a", "b", "c"], name=["A", "B", "C"], band=["low", "high", None])
    after = rows(account_id=["c", "a", "d"], name=["C", "A", "D"], band=[None, "high", "low"])
    # a: low -> high; b is gone; c is missing both times, so the same; d is new.
    other = changes.rows_beside(before, after, "account_id", ["band"], ["name"]).astype("object")
    told = other.where(other.notna(), None).to_dict("records")
    assert told == [
        {"account_id": "a", "name": "A", "band_before": "low", "band_after": "high"},
        {"account_id": "d", "name": "D", "band_before": None, "band_after": "low"},
        {"account_id": "b", "name": "B", "band_before": "high", "band_after": None},
    ]


def test_without_words_of_its_own_a_change_counts_rows_by_the_first_columns_that_tell_them_apart():
    # Key is (day, band), as no day is alone: (1, x) has another n, (2, x) came, (1, y) went.
    before = result({"f": Estimate(1, "accounts", 1)}, t=rows(day=[1, 1], band=["x", "y"], n=[3, 4]), u=rows(k=[1]))
    after = result({"f": Estimate(2, "accounts", 2)}, t=rows(day=[1, 2], band=["x", "x"], n=[5, 4]), u=rows(k=[1]))
    change = changes.compare(before, after)
    assert change.tables["rows"].to_dict("records") == [
        {"table": "t", "rows_before": 2, "rows_after": 2, "came": 1, "went": 1, "differ": 1}
    ]
    assert text(change.headline) == "1 of 1 figure and 1 table are other ones"
