"""Who is held against a plan, and in which windows."""

import numpy as np

from csworkbench import formats
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
