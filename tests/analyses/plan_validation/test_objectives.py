"""Objective metrics before and after plans, over the windows of their own goals."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from csworkbench.analyses.plan_validation.levels import levels_of
from csworkbench.analyses.plan_validation.objectives import _bands, _before


def test_the_level_before_is_that_of_each_plans_own_window():
    # Ten a day in January, twenty in February, forty in March: 30 days before 1 April are 40; 60 are two halves of 30,
    # the older one from 31 January: one day of 10 and 28 of 20 and one of 40 (1 March).
    days = pd.date_range("2026-01-01", "2026-04-30")
    values = days.month.map({1: 10.0, 2: 20.0, 3: 40.0, 4: 0.0}).to_numpy(float)
    rows = pd.DataFrame({"account_id": "a", "date": days, "value": values})
    levels = levels_of(
        rows, pd.Index(["a"]), (np.datetime64("2026-01-01"), np.datetime64("2026-04-30")), metric="orders"
    )
    anchor = np.array(["2026-04-01"] * 2, dtype="datetime64[D]")
    found = _before(levels, np.array([0, 0]), anchor, np.array([30, 60]))
    assert found.tolist() == [40.0, (40.0 + (10 + 28 * 20 + 40) / 30) / 2]


def test_the_band_of_a_window_is_its_last_one():
    days = pd.to_datetime(["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"])
    history = pd.DataFrame({"account_id": "a", "snapshot_on": days, "band": ["poor", "fair", "good", "best"]})
    inputs = SimpleNamespace(bands=SimpleNamespace(history=history))
    accounts = pd.Series({"P1": "a", "P2": "b"})
    first, end = (pd.Series(pd.Timestamp(day), index=accounts.index) for day in ("2026-02-01", "2026-04-30"))
    found = _bands(inputs, accounts, first, end)
    assert found["P1"] == "good"  # 30 April is the day after the window
    assert pd.isna(found["P2"])
