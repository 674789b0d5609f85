"""The course of plans by month, held against controls of the same month of landing."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f, ncf

from csworkbench.adjustment import did
from csworkbench.adjustment.course import course
from csworkbench.adjustment.designs import CompareRules

MONTHS = pd.date_range("2025-01-01", periods=14, freq="MS")
LANDING = 7
RULES = CompareRules(min_per_cell=1)


def panel(values):
    accounts = [f"a{i}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "account_id": np.repeat(accounts, len(MONTHS)),
            "month": np.tile(MONTHS, len(values)),
            "value": np.asarray(values, float).ravel(),
        }
    )


def sets(plans, controls):
    is_plan = np.arange(plans + controls) < plans
    return pd.DataFrame(
        {
            "episode_id": [f"e{i}" for i in range(len(is_plan))],
            "account_id": [f"a{i}" for i in range(len(is_plan))],
            "month": MONTHS[LANDING],
            "is_plan": is_plan,
            "weight": np.where(is_plan, 1 / plans, 1 / controls),
        }
    )


def noisy(plans, controls, effect=0.0, trend=0.0, seed=1):
    rng = np.random.default_rng(seed)
    clock = np.arange(len(MONTHS)) - LANDING
    values = rng.normal(size=(plans + controls, len(MONTHS)))
    values[:plans] += effect * (clock > 0) + trend * clock
    return panel(values), sets(plans, controls)


def test_what_all_accounts_share_is_no_effect():
    # Everybody has 10, 11, 12 ...; plans have 1 more from the month after landing on.
    values = np.tile(np.arange(10.0, 24.0), (4, 1))
    values[:2, LANDING + 1 :] += 1
    found = course(panel(values), sets(2, 2), RULES)
    assert found.months["offset"].tolist() == list(range(-6, 7))
    assert found.months["effect"].tolist() == pytest.approx([0] * 7 + [1] * 6)
    assert found.average.value == pytest.approx(1)


def test_months_of_anticipation_are_no_reference():
    # Plans have 5 less in the month before landing, as the plan was coming, and what controls have in all others.
    values = np.tile(np.arange(10.0, 24.0), (4, 1))
    values[:2, LANDING - 1] -= 5
    assert course(panel(values), sets(2, 2), RULES).average.value == pytest.approx(5)
    found = course(panel(values), sets(2, 2), CompareRules(min_per_cell=1, anticipation=1))
    assert found.average.value == pytest.approx(0)
    assert found.months.set_index("offset")["effect"].isna().tolist() == [False] * 5 + [True] + [False] * 7


def test_the_last_month_before_landing_is_the_reference():
    rows, both = noisy(20, 40)
    found = course(rows, both, RULES)
    reference = found.months.set_index("offset").loc[-1]
    assert reference["effect"] == 0
    assert reference["standard_error"] == 0


def test_errors_are_those_of_two_means():
    rows, both = noisy(30, 60)
    wide = rows.pivot_table(index="account_id", columns="month", values="value").reindex(both["account_id"])
    change = (wide[MONTHS[LANDING + 2]] - wide[MONTHS[LANDING - 1]]).to_numpy()
    plans, controls = change[:30], change[30:]
    row = course(rows, both, RULES).months.set_index("offset").loc[2]
    assert row["effect"] == pytest.approx(plans.mean() - controls.mean())
    assert row["standard_error"] == pytest.approx(np.sqrt(plans.var(ddof=1) / 30 + controls.var() / 60))


def test_the_band_of_all_months_is_wider_than_the_interval_of_one():
    months = course(*noisy(30, 60), RULES).months
    told = months["offset"] != -1
    assert (months.loc[told, "band_high"] > months.loc[told, "high"]).all()


def test_a_trend_before_landing_is_seen():
    assert course(*noisy(60, 120, trend=0.4), RULES).pretrend_p < 0.001
    assert course(*noisy(60, 120, seed=3), RULES).pretrend_p > 0.05


def test_the_detectable_trend_is_the_one_the_test_misses_half_of_the_time():
    found = course(*noisy(60, 120), RULES)
    slope = found.detectable * np.arange(-5.0, 0.0)  # against month -1
    before = found.covariance[:5, :5]
    rest = found.freedom - 4
    power = ncf.sf(f.ppf(0.95, 5, rest), 5, rest, slope @ np.linalg.inv(before) @ slope)
    assert power == pytest.approx(0.5, abs=1e-6)
    assert found.detectable_bias == pytest.approx(found.detectable * 4.5)  # months 1 to 6 are 2 to 7 after -1


def test_an_account_without_the_reference_month_uses_the_one_before():
    values = np.tile(np.arange(14.0), (3, 1))
    values[0, LANDING - 1] = np.nan
    values[0, LANDING - 2] = 100.0
    found = course(panel(values), sets(1, 2), RULES)
    # The plan's 8 in the month after landing less 100; controls 8 less 6.
    assert found.months.set_index("offset").loc[1, "effect"] == pytest.approx((8 - 100) - (8 - 6))


def test_accounts_without_a_month_after_are_left_out_and_counted():
    values = np.random.default_rng(1).normal(size=(30, 14))
    values[0, LANDING + 1 :] = np.nan
    found = course(panel(values), sets(12, 18), RULES)
    assert found.months["n_plans"].max() == 11
    assert found.left_out == 1


def test_a_control_counts_until_its_own_plan():
    values = np.zeros((3, 14))
    values[2, LANDING + 3 :] = 50
    both = sets(1, 2).assign(next_plan=[pd.NaT, pd.NaT, MONTHS[LANDING + 3]])
    found = course(panel(values), both, RULES).months.set_index("offset")
    assert found.loc[5, "effect"] == 0
    assert found.loc[2, "n_controls"] == 2
    assert found.loc[5, "n_controls"] == 1


def test_an_account_counts_again_where_its_plan_came_before_the_landing():
    # The same account twice: for the later landing its plan is over, and only the next one ends its use.
    both = sets(1, 2).assign(account_id=["a0", "a1", "a1"], next_plan=[pd.NaT, MONTHS[LANDING + 2], pd.NaT])
    found = course(panel(np.zeros((2, 14))), both, RULES).months.set_index("offset")
    assert found["n_controls"].loc[[1, 2, 6]].tolist() == [2, 1, 1]


def test_a_month_with_fewer_controls_than_demanded_is_blank():
    later = [pd.NaT] * 3 + [MONTHS[LANDING + 3]] * 2
    both = sets(2, 3).assign(next_plan=later)
    found = course(panel(np.zeros((5, 14))), both, CompareRules(min_per_cell=2)).months.set_index("offset")
    assert found["effect"].isna().loc[[2, 3, 6]].tolist() == [False, True, True]


def test_a_fall_counts_down_to_the_floor():
    # The control stays; the plan's account leaves: 4 to 0, and -0.7 is the most that counts. A rise has no bound.
    values = np.full((3, 14), 4.0)
    values[0, LANDING + 1 :] = 0.0
    values[0, LANDING + 6] = 9.0
    found = course(panel(values), sets(1, 2), RULES, floor=-0.7).months.set_index("offset")["effect"]
    assert found.loc[[1, 5, 6]].tolist() == pytest.approx([-0.7, -0.7, 5.0])


def test_few_plans_take_the_spread_of_controls():
    rows, both = noisy(3, 60)
    values = rows["value"].mask(rows["account_id"].isin(["a0", "a1", "a2"]), 0.0)
    row = course(rows.assign(value=values), both, RULES).months.set_index("offset").loc[2]
    # The plans do not vary at all, yet three accounts are not sure: changes have SD sqrt(2), means of three .82.
    assert row["standard_error"] == pytest.approx(np.sqrt(2 / 3), rel=0.25)


def test_without_controls_there_is_no_course():
    rows, both = noisy(5, 5)
    assert course(rows, both[both["is_plan"]], RULES) is None


def test_a_large_effect_breaks_down_later_than_a_small_one():
    if not did.is_installed():
        pytest.skip("needs the extra did")
    none, large = (course(*noisy(60, 120, effect=effect), RULES).breakdown for effect in (0.0, 3.0))
    assert none == 0
    assert large > 0.2


def test_without_the_extra_there_is_no_breakdown(monkeypatch):
    monkeypatch.setattr(did, "find_spec", lambda name: None)
    assert course(*noisy(20, 40), RULES).breakdown is None
