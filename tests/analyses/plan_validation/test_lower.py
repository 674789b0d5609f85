"""Metrics of which less is good, such as open tickets: nothing is mirrored, nothing is won by leaving."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses import plan_validation
from csworkbench.analyses.plan_validation.episodes import _bounded, starts
from csworkbench.analyses.plan_validation.frames import natural
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.timeline import timeline
from csworkbench.asof import take
from tests.analyses.test_plan_validation import (
    AS_OF,
    PLANNED,
    PLAYBOOK,
    SETTINGS,
    goal,
    make_book,
    plan,
    result_of,
    verdicts,
)
from tests.books import book

FEWER = PLAYBOOK.replace("uplift: 0.25", "direction: lower, uplift: 0.25")
LOWER = {"playbooks": {"tour.yaml": FEWER}, "not_bad_above": 1.0}


def fewer(number):
    return goal(number, 100.0, 80.0) | {"direction": "lower"}


@pytest.mark.parametrize("share", [0.2, -0.3])
def test_a_share_is_that_of_the_level_whichever_way_is_good(share):
    assert natural(math.log1p(share), "relative") == pytest.approx(share)
    # A level that fell to 1 - share has a gain of -log(1 - share): it reads as a share fewer.
    assert natural(-math.log1p(-share), "relative", -1.0) == pytest.approx(share)


@pytest.mark.parametrize(("sign", "harm"), [(1.0, 10.0), (-1.0, 1000.0)])
def test_a_loss_is_bounded_and_a_gain_is_not_whichever_way_is_good(sign, harm):
    levels = SimpleNamespace(metric="orders", usual=lambda: 0.0)
    gain = 100.0**2 / harm
    before = np.array([100.0, 100.0])
    values = {"before_2": before, "before_1": before, "after": np.array([harm, gain])}
    found = _bounded(values, Config(largest_fall=0.5), levels, sign, np.array([False, False]))
    change = found["after"] - found["before_1"]
    assert change == pytest.approx([math.log(0.5), math.log(10)])


def test_a_fall_that_was_wanted_reads_as_a_share_fewer():
    made = make_book(gain=0.7, goals=[fewer(n) for n in range(PLANNED)])
    result = result_of(made, **LOWER)
    row = result.tables["playbooks"].iloc[0]
    # After landing planned accounts have .7 times what accounts with the same course have: 30 % fewer.
    assert row["effect"] == pytest.approx(0.3, abs=0.04)
    assert row["low"] > 0.2
    assert row["goal"] == pytest.approx(0.25)
    assert set(verdicts(result)["verdict"]) == {"supported"}


def test_plans_that_want_the_other_way_are_not_compared():
    mixed = [fewer(n) if n < PLANNED - 2 else goal(n) for n in range(PLANNED)]
    found = verdicts(result_of(make_book(gain=0.7, goals=mixed), **LOWER))
    assert found["effect"].isna().to_list() == [False] * (PLANNED - 2) + [True] * 2


def test_an_account_that_left_has_lost_where_less_is_good():
    levels = SimpleNamespace(metric="orders", usual=lambda: 0.0)
    before = np.array([100.0, 100.0])
    values = {"before_2": before, "before_1": before, "after": np.array([0.0, np.nan])}
    found = _bounded(values, Config(largest_fall=0.5), levels, -1.0, np.array([True, True]))
    assert found["after"] - found["before_1"] == pytest.approx([math.log(0.5)] * 2)


@pytest.mark.parametrize(("direction", "target"), [("lower", 80.0), ("higher", 0.5)])
def test_no_goal_to_lower_anything_is_met_by_leaving(direction, target):
    goals = [goal(n, 100.0, target) | {"direction": direction} for n in range(PLANNED)]
    config = Config(**SETTINGS)
    inputs = plan_validation.prepare(take(make_book(gain=0.7, goals=goals), AS_OF), config, {})
    levels = inputs.levels["orders"]
    gone = np.full(len(levels.accounts), np.datetime64("NaT"), dtype="datetime64[D]")
    gone[levels.accounts.get_loc("P000")] = np.datetime64("2026-03-15")
    found = timeline(replace(inputs, levels={"orders": replace(levels, gone=gone)}), config)
    assert found["has_left"].to_list() == [True] + [False] * (PLANNED - 1)
    if direction == "lower":
        assert found["is_reached"].to_list() == [False] + [True] * (PLANNED - 1)
        assert np.isnan(found["level_after"]["PL0"])
    else:  # 0.5 is no goal from 100 on; what the level was stays known
        assert found["level_after"].notna().all()


def test_an_account_that_left_has_a_health_of_nothing_afterwards():
    old = {"value_tier": "mid", "signup_at": "2024-01-01T00:00:00", "churned_at": None}
    accounts = [{"account_id": each, "name": each} | old for each in ("P000", "P001", "N1")]
    accounts[2]["churned_at"] = "2026-03-10T00:00:00"
    made = book({"accounts": accounts, "plans": [plan(0)], "plan_goals": [goal(0)]})
    ends = pd.to_datetime(["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"])
    scores = [(account, end, 60.0, "ok") for account in ("P000", "P001", "N1") for end in ends]
    scores = [row for row in scores if row[0] != "N1" or row[1] < pd.Timestamp("2026-03-10")]
    history = pd.DataFrame(scores, columns=["account_id", "snapshot_on", "score", "band"])
    health = SimpleNamespace(
        tables={"account_history": history}, config={"scorecards": [{"bands": [{"name": "poor"}, {"name": "ok"}]}]}
    )
    levels = plan_validation.prepare(take(made, AS_OF), Config(**SETTINGS), {"health": health}).levels["health_score"]
    start, end = (np.array([day], dtype="datetime64[D]") for day in ("2026-03-15", "2026-05-01"))
    assert levels.mean(levels.places(pd.Series(["N1"])), start, end).tolist() == [0.0]
    assert levels.mean(levels.places(pd.Series(["P000"])), start, end).tolist() == [60.0]


# --- the diagnosis goes by the problem's own way ----------------------------------------------------------------------


def diagnosed(playbooks=None, **changes):
    """Dipped accounts have 70 in place of 100 at the start: a problem where more is good, none where less is."""
    goals = [goal(n) | changes for n in range(PLANNED)]
    config = Config(**SETTINGS | {"playbooks": playbooks or {}})
    inputs = plan_validation.prepare(take(make_book(goals=goals), AS_OF), config, {})
    return starts(inputs, config, timeline(inputs, config))


def test_a_fall_is_a_problem_where_more_is_good_and_none_where_less_is():
    assert not diagnosed()["is_wrong"].any()
    wanted = diagnosed(direction="lower", target=60.0)
    assert (wanted["own_change"] > 0).all()
    assert (wanted["net_change"] > 0.2).all()


def test_a_goal_on_another_metric_says_nothing_about_the_problems_own_way():
    found = diagnosed(metric="active_users")
    assert found["is_wrong"].isna().all()
    assert found["own_change"].isna().all()
    assert found["problem_level"].notna().all()


def test_the_file_of_the_playbook_says_the_way_of_a_problem_without_a_goal_of_its_own():
    assert (diagnosed({"tour.yaml": PLAYBOOK}, metric="active_users")["own_change"] < 0).all()
    assert (diagnosed({"tour.yaml": FEWER}, metric="active_users")["own_change"] > 0).all()
