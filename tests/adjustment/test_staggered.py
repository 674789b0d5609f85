"""Plans that start one after another, held against those that are eligible with them and start later."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.staggered import stacked, staggered
from csworkbench.errors import AnalysisError

MONTHS = pd.date_range("2025-01-01", periods=10, freq="MS")
RULES = CompareRules()


def book(accounts=120, effect=0.5, seed=1):
    rng = np.random.default_rng(seed)
    start = rng.choice([4, 6, 8, 99], accounts)
    values = (
        rng.normal(size=(accounts, 1)) + rng.normal(0, 0.3, (accounts, 10)) + effect * (np.arange(10) >= start[:, None])
    )
    is_eligible = rng.random((accounts, 10)) < 0.7
    first = np.where(start < 99, MONTHS.to_numpy()[np.minimum(start, 9)], np.datetime64("NaT"))
    frame = pd.DataFrame(
        {
            "account_id": np.repeat([f"a{i}" for i in range(accounts)], 10),
            "month": np.tile(MONTHS, accounts),
            "value": values.ravel(),
            "first_plan": np.repeat(first, 10),
            "is_eligible": is_eligible.ravel(),
        }
    )
    return frame, values, start, is_eligible


def test_each_start_is_a_difference_of_mean_changes():
    pytest.importorskip("diff_diff", reason="needs the extra did")
    frame, values, start, is_eligible = book()
    found = staggered(frame, RULES)
    cells = found.groups.set_index(["start", "month"])["effect"]
    weighted = []
    for g in (4, 6, 8):
        for t in range(g, 10):
            change = values[:, t] - values[:, g - 1]
            expected = change[start == g].mean() - change[(start > t) & is_eligible[:, g]].mean()
            assert cells[MONTHS[g], MONTHS[t]] == pytest.approx(expected)
            weighted += [expected] * int((start == g).sum())
    assert found.average.value == pytest.approx(np.mean(weighted))
    assert found.average.low < found.average.value < found.average.high
    assert found.n_plans == (start < 99).sum()


def test_months_of_anticipation_are_neither_before_nor_a_control_s():
    pytest.importorskip("diff_diff", reason="needs the extra did")
    frame, values, start, is_eligible = book()
    cells = staggered(frame, CompareRules(anticipation=1)).groups.set_index(["start", "month"])["effect"]
    for g, t in ((4, 4), (4, 5), (6, 6)):
        change = values[:, t] - values[:, g - 2]
        expected = change[start == g].mean() - change[(start > t + 1) & is_eligible[:, g]].mean()
        assert cells[MONTHS[g], MONTHS[t]] == pytest.approx(expected)


def test_errors_of_one_start_are_those_of_two_means():
    pytest.importorskip("diff_diff", reason="needs the extra did")
    frame, values, start, is_eligible = book()
    row = staggered(frame, RULES).groups.set_index(["start", "month"]).loc[(MONTHS[4], MONTHS[4])]
    change = values[:, 4] - values[:, 3]
    sides = change[start == 4], change[(start > 4) & is_eligible[:, 4]]
    assert row["standard_error"] == pytest.approx(np.sqrt(sum(side.var() / len(side) for side in sides)), rel=0.02)


def test_accounts_that_were_not_eligible_are_no_controls():
    frame, _, start, is_eligible = book()
    stack = stacked(frame)
    first = stack[stack["landing"] == MONTHS[4]]
    names = {f"a{i}" for i in np.flatnonzero((start == 4) | ((start > 4) & is_eligible[:, 4]))}
    assert set(first["account_id"]) == names


def test_a_control_is_one_until_its_own_plan():
    frame, _, start, _ = book()
    stack = stacked(frame.assign(is_eligible=True))
    later = stack[
        (stack["landing"] == MONTHS[4]) & stack["account_id"].isin([f"a{i}" for i in np.flatnonzero(start == 6)])
    ]
    assert later["month"].max() == MONTHS[5]
    assert (later["start"] == 0).all()


def test_a_control_whose_plan_gets_under_way_earlier_is_one_until_then():
    frame, _, start, _ = book()
    frame = frame.assign(
        is_eligible=True, busy_from=frame["first_plan"].where(frame["first_plan"] != MONTHS[8], MONTHS[6])
    )
    stack = stacked(frame)
    later = stack[
        (stack["landing"] == MONTHS[4]) & stack["account_id"].isin([f"a{i}" for i in np.flatnonzero(start == 8)])
    ]
    assert later["month"].max() == MONTHS[5]


def test_clocks_of_different_starts_do_not_meet():
    stack = stacked(book()[0])
    assert stack.groupby("clock")["landing"].nunique().max() == 1


def test_nobody_to_compare_with_is_an_error():
    frame = book()[0]
    with pytest.raises(AnalysisError, match="eligible and without a plan"):
        staggered(frame.assign(is_eligible=False), RULES)
    with pytest.raises(AnalysisError, match="eligible and without a plan"):
        staggered(frame.assign(first_plan=pd.NaT), RULES)
