"""Each design says why it is used or why not."""

import numpy as np
import pytest

from csworkbench import formats
from csworkbench.adjustment.choosing import by_lottery, by_matching, by_threshold
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.estimates import Message
from tests.adjustment.plan_books import episodes, returning

RULES = CompareRules()


def draw(plans, waiting):
    n = plans + waiting
    windows = np.random.default_rng(1).normal(size=(3, n))
    is_plan = np.arange(n) < plans
    return episodes(is_plan, *windows, lottery="spring", is_waiting=~is_plan)


def near_threshold(each, crossing=0):
    distance = np.r_[np.linspace(-0.1, -0.01, each), np.linspace(0.01, 0.1, each), [-5.0, 5.0] * each]
    is_plan = distance <= 0
    is_plan[:crossing] = False
    windows = np.random.default_rng(1).normal(size=(3, len(distance)))
    return episodes(is_plan, *windows, threshold_distance=distance)


def test_a_lottery_is_used_from_six_accounts_a_side_on():
    assert by_lottery(draw(6, 6), RULES).design is Design.LOTTERY
    assert formats.text(by_lottery(draw(6, 5), RULES)) == (
        "A lottery drew who starts first, but only 6 accounts that started and 5 that waited can be compared; "
        "6 of each are needed"
    )


def test_without_a_lottery_that_is_said():
    assert formats.text(by_lottery(draw(6, 6).assign(lottery=None), RULES)) == "No lottery drew who starts first"


def test_accounts_that_do_not_wait_are_no_controls_of_a_lottery():
    assert isinstance(by_lottery(draw(6, 6).assign(is_waiting=False), RULES), Message)


@pytest.mark.parametrize(("each", "is_used"), [(50, True), (49, False)])
def test_a_threshold_needs_fifty_accounts_a_side(each, is_used):
    assert isinstance(by_threshold(near_threshold(each), RULES), Message) != is_used


def test_a_threshold_that_many_cross_did_not_decide():
    said = by_threshold(near_threshold(80, crossing=12), RULES)
    assert "on the wrong side" in formats.text(said)


def test_without_a_rule_that_is_said():
    assert "No rule with a threshold" in formats.text(by_threshold(returning(np.random.default_rng(1)), RULES))


def test_controls_are_of_the_same_month_and_band():
    choice = by_matching(returning(np.random.default_rng(1)), RULES)
    assert choice.design is Design.MATCHED
    assert set(choice.episodes["band"]) == {"at_risk"}


def test_too_few_controls_are_counted_in_the_refusal():
    book = returning(np.random.default_rng(1), accounts=60)
    said = formats.text(by_matching(book.assign(band=np.where(book["is_plan"], "at_risk", "fine")), RULES))
    assert "are 0 accounts without a plan; 20 are needed" in said


def test_plans_far_below_every_control_are_left_out():
    level = np.r_[-9.0, 0.0, np.linspace(-1, 1, 40)]
    book = episodes(np.arange(42) < 2, level, level, level)
    assert by_matching(book, RULES).episodes.query("is_plan")["episode_id"].tolist() == ["e1"]
    assert isinstance(by_matching(book.drop(index=1), RULES), Message)


def test_where_levels_are_apart_those_within_the_caliper_are_held_against():
    # All fifty: (0 - 2.5) / SD of about 2 is more than .25; those around 0 lie within a quarter of 2.5.
    level = np.r_[0.0, 0.01, np.linspace(-0.1, 0.1, 25), np.linspace(4.9, 5.1, 25)]
    choice = by_matching(episodes(np.arange(52) < 2, level, level, level), CompareRules(matches=0))
    assert ((choice.weights.use > 0) == (choice.controls.covariates[:, 0] < 1)).all()
    assert (choice.weights.use > 0).sum() == 25


def test_controls_are_counted_by_those_that_are_used():
    # Two plans at either end of 40 controls, the nearest one of each: 2 controls, not 40.
    level = np.r_[-1.0, 1.0, np.linspace(-1, 1, 40)]
    said = by_matching(episodes(np.arange(42) < 2, level, level, level), CompareRules(matches=1))
    assert formats.text(said) == "Only 2 episodes of accounts without a plan looked alike before; 20 are needed"


def test_accounts_that_all_start_a_plan_in_the_window_after_are_no_match():
    level = np.r_[0.0, 0.0, np.linspace(-1, 1, 40)]
    book = episodes(np.arange(42) < 2, level, level, level)
    everyone = CompareRules(matches=0)
    # Of the 40 controls, those from row 22 on are 20, those from row 21 on are 21.
    assert by_matching(book.assign(starts_later=book.index >= 22), everyone).design is Design.MATCHED
    said = formats.text(by_matching(book.assign(starts_later=book.index >= 21), everyone))
    assert "Of 40 episodes of accounts that looked alike before, only 19 had no such plan of their own" in said
