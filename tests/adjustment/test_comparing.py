"""Plans are compared by the best design there is; what cannot be compared is said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench import formats
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Design
from tests.adjustment.plan_books import MONTH, episodes, returning

RULES = CompareRules()


def test_a_plan_is_held_against_what_its_controls_had():
    # Level before 0 everywhere; controls have 0.9, 1, 1.1 after (mean 1), the plan 3: effect 2.
    after = np.r_[3.0, np.tile([0.9, 1.0, 1.1], 10)]
    found = compare(episodes(np.arange(31) < 1, np.zeros(31), np.zeros(31), after), CompareRules(matches=0))
    row = found.effects.iloc[0]
    assert found.design is Design.MATCHED
    assert (row["before"], row["observed"], row["n_controls"]) == (0, 3, 30)
    assert row["expected"] == pytest.approx(1)
    assert row["rebound"] == pytest.approx(1)
    assert row["effect"] == pytest.approx(2)
    # Ten triples about their mean have the variance 0.2 / 29; one account is predicted with that of the mean on top.
    assert row["standard_error"] == pytest.approx(np.sqrt(0.2 / 29 * 31 / 30), rel=1e-6)


def test_the_better_design_is_used_and_the_refused_ones_say_why():
    found = compare(returning(np.random.default_rng(1)), RULES)
    assert found.design is Design.MATCHED
    said = [formats.text(caveat.message) for caveat in found.caveats if caveat.code == "better_design_refused"]
    assert said == ["No lottery drew who starts first", "No rule with a threshold is declared that starts plans"]


def test_what_rises_by_itself_is_in_the_rebound_and_not_in_the_effect():
    book = returning(np.random.default_rng(2), accounts=3000)
    found = compare(book, RULES)
    assert found.effects["rebound"].mean() > 0.25
    assert abs(found.average.value) < 0.1
    # The level returns by 1 - (.6 / .8): reliability of a mean of two windows.
    others = book[~book["is_plan"]]
    slope = np.polyfit(others[["before_2", "before_1"]].mean(axis=1), others["after"], 1)[0]
    assert slope == pytest.approx(0.75, abs=0.06)


def test_a_planted_effect_is_in_the_interval():
    found = compare(returning(np.random.default_rng(3), accounts=1500, effect=0.5), RULES)
    assert found.average.low < 0.5 < found.average.high
    assert found.average.low > 0.2
    assert found.p < 0.001


def test_balance_is_shown_before_and_after_matching():
    found = compare(returning(np.random.default_rng(4)), RULES)
    assert found.balance["covariate"].tolist()[:2] == ["level", "slope"]
    assert found.balance.loc[0, "smd_after"] <= 0.25


def test_the_sides_of_the_sets_weigh_one_each():
    found = compare(returning(np.random.default_rng(5)), RULES)
    assert found.sets.groupby("is_plan")["weight"].sum().tolist() == pytest.approx([1, 1])
    assert found.sets.loc[found.sets["is_plan"], "rest"].mean() == pytest.approx(found.average.value)


def test_without_controls_plans_are_described_and_nothing_is_explained():
    found = compare(episodes([True, True], [1, 2], [1, 2], [3, 4]), RULES)
    assert found.design is Design.NONE
    assert found.average is None
    assert found.p is None
    assert found.effects["effect"].isna().all()
    assert found.effects["observed"].tolist() == [3, 4]
    assert found.effects["n_controls"].tolist() == [0, 0]


def test_a_plan_without_a_window_stays_without_an_effect():
    book = returning(np.random.default_rng(6))
    first = book.index[book["is_plan"]][0]
    found = compare(book.assign(before_2=book["before_2"].mask(book.index == first)), RULES)
    assert np.isnan(found.effects.loc[0, "effect"])
    assert found.effects["effect"].notna().sum() == len(found.effects) - 1
    assert any(caveat.code == "plans_without_controls" for caveat in found.caveats)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_episodes_does_not_matter(seed):
    book = returning(np.random.default_rng(7), accounts=200)
    one, other = compare(book, RULES), compare(book.sample(frac=1, random_state=seed), RULES)
    columns = ["effect", "standard_error", "expected"]
    pd.testing.assert_frame_equal(
        one.effects.set_index("episode_id")[columns].sort_index(),
        other.effects.set_index("episode_id")[columns].sort_index(),
    )


def test_effects_of_a_lottery_change_their_sign_with_the_labels():
    rng = np.random.default_rng(8)
    is_plan = np.arange(24) < 12
    windows = rng.normal(size=(3, 24))
    found = [
        compare(episodes(side, *windows, lottery="spring", is_waiting=~side), RULES).average.value
        for side in (is_plan, ~is_plan)
    ]
    assert found[0] == pytest.approx(-found[1])


def test_few_accounts_of_a_lottery_are_judged_by_drawing_again():
    # Six that started have 2 more than six that waited, who differ by less: 2 of 924 draws are so far apart.
    before = np.zeros(12)
    after = np.r_[2 + np.arange(6) / 10, np.arange(6) / 10]
    is_plan = np.arange(12) < 6
    found = compare(episodes(is_plan, before, before, after, lottery="spring", is_waiting=~is_plan), RULES)
    assert found.design is Design.LOTTERY
    assert found.average.value == pytest.approx(2)
    assert found.p == pytest.approx(2 / 924)


def test_plans_of_different_months_are_held_against_their_own_month():
    # In April everybody has 5 more: no effect of the April plan.
    march = episodes(np.arange(30) < 1, *np.zeros((2, 30)), np.r_[0.0, np.tile([-0.1, 0, 0.1], 10)[:29]])
    april = march.assign(
        month=MONTH + pd.DateOffset(months=1), after=march["after"] + 5, episode_id=march["episode_id"] + "b"
    )
    found = compare(pd.concat([march, april]), CompareRules(matches=0))
    assert found.effects["effect"].abs().max() < 0.02


def test_an_input_frame_stays_as_it_was():
    book = returning(np.random.default_rng(9), accounts=100)
    before = book.copy()
    compare(book, RULES)
    pd.testing.assert_frame_equal(book, before)


def test_at_a_threshold_the_course_on_both_sides_is_no_effect():
    # What follows rises with the distance by 2 per unit on both sides, and plans add 1: the means differ by another 1.
    rng = np.random.default_rng(10)
    distance = np.r_[rng.uniform(-0.5, 0, 200), rng.uniform(0, 0.5, 200), np.full(40, -3.0), np.full(40, 3.0)]
    is_plan = distance <= 0
    after = 2 * distance + 1.0 * is_plan + rng.normal(0, 0.1, len(distance))
    windows = rng.normal(0, 0.1, (2, len(distance)))
    found = compare(episodes(is_plan, *windows, after, threshold_distance=distance), RULES)
    assert found.design is Design.THRESHOLD
    assert found.average.low < 1 < found.average.high
    assert found.average.value == pytest.approx(1, abs=0.1)
    # Accounts far from the threshold are compared with nobody.
    assert found.effects["effect"].isna().sum() == 40
