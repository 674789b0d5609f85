"""Who is held against a plan, and in which windows."""

import math

import numpy as np
import pytest

from csworkbench import formats
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.episodes import episodes_of
from csworkbench.analyses.plan_validation.judging import lines_of, read_playbook
from csworkbench.analyses.plan_validation.settings import Config
from tests.calibration.plan_inputs import inputs_of

STEADY = np.full((4, 400), 100.0)


def seen(inputs, plans):
    """The episodes of some plans of a book."""
    config = Config()
    return episodes_of(inputs, config, lines_of(inputs, config).loc[plans], "m")


def plan(account, started, landed=None, **columns):
    closed = None if landed is None else landed + 70
    return {"account": account, "created": started, "started": started, "landed": landed, "closed": closed} | columns


def test_a_plan_that_begins_after_landing_keeps_its_account_in_the_comparison():
    # The first lands on day 310; its window after ends 61 days later.
    book = inputs_of(STEADY, [plan(0, 300, 310), plan(1, 305, 320), plan(2, 330, 340)])
    others = seen(book, ["p0000"]).query("not is_plan").set_index("account_id")
    # The second began before that day: it shares what happened before. The third began after it.
    assert others["starts_later"].to_dict() == {"a0002": True, "a0003": False}


def test_how_many_of_the_comparison_started_later_is_told():
    rng = np.random.default_rng(1)
    values = np.exp(rng.normal(3, 0.1, (60, 400)))
    plans = [plan(number, 300, 310) for number in range(20)] + [plan(20, 330, 340)]
    book = inputs_of(values, plans)
    reading = read_playbook(book, Config(), lines_of(book, Config()).iloc[:20], Declared("rescue"))
    (told,) = (each for each in reading.comparison.caveats if each.code == "controls_started_later")
    # 40 of 60 have no plan under way on day 310, and one of them has on day 330.
    assert formats.text(told.message).startswith("1 of 40 accounts in the comparison started such a plan")


def lottery(drawn, landed, left=(), gain=1.5, accounts=60):
    """A lottery of day 300: the first `drawn` accounts start at once and land on `landed`, unless they left before.

    What their plan does rises from nothing on day 300 to the whole gain on the day of landing.
    """
    values = 100 * np.exp(np.random.default_rng(2).normal(0, 0.02, (accounts, 460)))
    values[:drawn, 300:] *= 1 + (gain - 1) * np.clip(np.arange(160) / (landed - 300), 0, 1)
    gone = dict(left)
    plans = [
        plan(number, 300 if number < drawn else None, landed if number < drawn and number not in gone else None)
        | {"created": 290, "lottery": "spring", "start_order": number + 1.0}
        for number in range(accounts)
    ]
    return inputs_of(values, plans, left=gone)


def reading_of(book):
    return read_playbook(book, Config(), lines_of(book, Config()), Declared("rescue"))


def test_what_a_drawn_plan_does_before_landing_is_part_of_its_effect():
    found = reading_of(lottery(30, landed=360)).comparison
    assert found.design is Design.LOTTERY
    # All have 100 (and 2 for the logarithm) up to the draw; afterwards the drawn have 150.
    assert found.average.value == pytest.approx(math.log(152 / 102), abs=0.01)
    assert found.effects["before"].mean() == pytest.approx(math.log(102), abs=0.01)


def test_who_left_after_the_draw_counts_on_both_sides_of_it():
    # Two of 30 drawn and two of 30 waiting accounts leave between the draw and the landing: the plan does nothing.
    book = lottery(30, landed=345, left={3: 310, 20: 330, 33: 310, 50: 330}, gain=1.0)
    found = reading_of(book)
    assert found.comparison.average.value == pytest.approx(0, abs=0.01)
    assert found.episodes.groupby("is_plan")["has_left"].sum().to_dict() == {True: 2, False: 2}
    # Held against accounts that wait no more, those that have left are nobody's comparison.
    other = compare(found.episodes.assign(lottery=None), CompareRules())
    assert not {"a0033", "a0050"} & set(other.sets["account_id"])


def test_a_season_between_two_days_of_a_month_is_no_effect():
    # From 1 July on (day 547) everybody has 30 % less. 20 plans land on 2 June, 2 on 27 June, and do nothing.
    values = 100 * np.exp(np.random.default_rng(3).normal(0, 0.02, (80, 640)))
    values[:, 547:] *= 0.7
    plans = [plan(number, landing - 15, landing) for number, landing in enumerate([518] * 20 + [543] * 2)]
    found = reading_of(inputs_of(values, plans)).comparison
    assert found.average.value == pytest.approx(0, abs=0.01)
    assert "days_mixed" not in {each.code for each in found.caveats}
