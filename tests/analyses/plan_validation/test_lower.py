"""Metrics of which less is good, such as open tickets: nothing is mirrored, nothing is won by leaving."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from csworkbench.analyses.plan_validation.episodes import _bounded
from csworkbench.analyses.plan_validation.frames import natural
from csworkbench.analyses.plan_validation.settings import Config
from tests.analyses.test_plan_validation import PLANNED, PLAYBOOK, goal, make_book, result_of, verdicts

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
    found = _bounded(values, Config(largest_fall=0.5), levels, sign)
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
