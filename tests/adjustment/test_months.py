"""Designs D and E: later starters, and one account among donors."""

import numpy as np
import pandas as pd
import pytest

from csworkbench import formats
from csworkbench.adjustment import did
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Design
from tests.adjustment.plan_books import episodes

MONTHS = pd.date_range("2025-01-01", periods=16, freq="MS")
RULES = CompareRules()


@pytest.fixture
def library():
    pytest.importorskip("diff_diff", reason="needs the extra did")


def book(starts, effect=0.6, seed=1):
    """Plans at these months (99 = none) as episodes and as months; everybody is eligible always."""
    rng = np.random.default_rng(seed)
    start = np.asarray(starts)
    n, clock = len(start), np.arange(16)
    values = rng.normal(0, 0.5, (n, 1)) + rng.normal(0, 0.3, (n, 16)) + effect * (clock >= start[:, None])
    first = np.where(start < 99, MONTHS.to_numpy()[np.minimum(start, 15)], np.datetime64("NaT"))
    panel = pd.DataFrame(
        {
            "account_id": np.repeat([f"a{i}" for i in range(n)], 16),
            "month": np.tile(MONTHS, n),
            "value": values.ravel(),
            "first_plan": np.repeat(first, 16),
            "is_eligible": True,
        }
    )
    places = np.flatnonzero(start < 99)
    windows = [np.array([values[i, start[i] + step] for i in places]) for step in (-2, -1)]
    after = np.array([values[i, start[i] + 1 : start[i] + 3].mean() for i in places])
    names = [f"a{i}" for i in places]
    plans = episodes(np.ones(len(places), bool), *windows, after, month=first[places], account_id=names)
    return plans, panel


def test_without_anybody_of_the_same_band_later_starters_are_the_comparison(library):
    plans, panel = book(np.tile([5, 8, 11], 30))
    found = compare(plans, RULES, panel=panel)
    assert found.design is Design.STAGGERED
    assert found.average.low < 0.6 < found.average.high
    assert found.effects["effect"].mean() == pytest.approx(0.6, abs=0.2)
    # Nobody starts after the last: those plans have no comparison.
    assert found.effects["effect"].isna().sum() == 30
    assert found.sets.groupby("is_plan")["weight"].sum().tolist() == pytest.approx([1, 1])


def test_later_starters_of_another_level_are_refused(library):
    plans, panel = book(np.tile([5, 8], 30))
    low = panel["account_id"].isin([f"a{i}" for i in range(0, 60, 2)])
    found = compare(plans, RULES, panel=panel.assign(value=panel["value"] - 3 * low))
    assert found.design is Design.NONE
    assert any("SD in level before" in formats.text(caveat.message) for caveat in found.caveats)


def test_one_account_is_held_against_a_weighted_mean_of_donors(library):
    plans, panel = book([8] + [99] * 25, effect=3.0)
    found = compare(plans, RULES, panel=panel)
    assert found.design is Design.SYNTHETIC
    assert found.average.value == pytest.approx(3, abs=0.6)
    assert found.p <= 2 / 20
    assert found.average.low > 1
    assert found.effects.loc[0, "n_controls"] == 25


def test_fewer_than_nineteen_donors_are_too_few(library):
    plans, panel = book([8] + [99] * 18)
    found = compare(plans, RULES, panel=panel)
    assert found.design is Design.NONE
    assert any("18 accounts without a plan" in formats.text(caveat.message) for caveat in found.caveats)


@pytest.mark.parametrize("starts", [np.tile([5, 8, 11], 30), [8] + [99] * 25])
def test_without_the_extra_it_is_said_what_to_install(starts, monkeypatch):
    monkeypatch.setattr(did, "find_spec", lambda name: None)
    plans, panel = book(starts)
    found = compare(plans, RULES, panel=panel)
    assert found.design is Design.NONE
    (told,) = (caveat for caveat in found.caveats if caveat.code == "extra_missing")
    assert "pip install 'csworkbench[did]'" in formats.text(told.action)


def test_plans_without_a_month_after_their_start_have_no_comparison():
    plans, panel = book([5, 99])
    found = compare(plans, RULES, panel=panel[panel["month"] <= MONTHS[5]])
    assert found.design is Design.NONE
