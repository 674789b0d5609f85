"""The line of what comes back by itself."""

import numpy as np
import pytest

from csworkbench.adjustment.rebound import rebound_line
from tests.adjustment.plan_books import episodes


def test_the_line_is_that_of_accounts_without_a_plan():
    # Without a plan after = 1 + before / 2; the plan does not bend the line.
    before = np.r_[0.0, np.arange(10.0)]
    after = np.r_[99.0, 1 + np.arange(10.0) / 2]
    line = rebound_line(episodes(np.arange(11) < 1, before, before, after))
    assert line["expected"].to_numpy() == pytest.approx(1 + line["before"].to_numpy() / 2)
    assert (line["high"] - line["low"]).max() == pytest.approx(0, abs=1e-9)


def test_the_interval_holds_the_line():
    rng = np.random.default_rng(1)
    line = rebound_line(episodes(np.arange(50) < 5, *rng.normal(size=(3, 50))))
    assert (line["low"] < line["expected"]).all()
    assert (line["expected"] < line["high"]).all()


@pytest.mark.parametrize("number", [4, 0])
def test_too_few_accounts_draw_no_line(number):
    assert rebound_line(episodes([True] + [False] * number, *np.ones((3, number + 1)))).empty
