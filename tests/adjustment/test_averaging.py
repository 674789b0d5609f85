"""Mean effects: normal errors where plans are many, draws where they are few."""

import numpy as np
import pytest

from csworkbench.adjustment.averaging import placebo_means
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules
from tests.adjustment.plan_books import episodes


def test_placebo_means_have_the_spread_of_a_mean_of_so_many_controls():
    rest = np.array([-1.0, 1.0])
    drawn = placebo_means(rest, np.ones(2), 4, 0.0, CompareRules(draws=20_000))
    assert drawn.std() == pytest.approx(0.5, abs=0.01)  # SD 1 over sqrt(4)


def test_placebo_means_hold_what_is_not_known_of_the_expectation():
    drawn = placebo_means(np.zeros(2), np.ones(2), 4, 0.3, CompareRules(draws=20_000))
    assert drawn.std() == pytest.approx(0.3, abs=0.01)


def test_few_plans_are_held_against_draws_of_controls():
    after = np.r_[5.0, 5.0, np.tile([-1.0, 0.0, 1.0], 10)]
    found = compare(episodes(np.arange(32) < 2, *np.zeros((2, 32)), after), CompareRules(draws=99, matches=0))
    assert found.p == pytest.approx(1 / 100)
    assert found.average.value == pytest.approx(5)
    assert found.average.low > 3


def test_several_plans_of_one_account_count_as_one_account():
    rng = np.random.default_rng(1)
    is_plan = np.arange(90) < 30
    book = episodes(is_plan, *np.zeros((2, 90)), np.r_[np.repeat(rng.normal(size=10), 3), rng.normal(size=60)])
    accounts = np.r_[np.repeat([f"p{i}" for i in range(10)], 3), book["account_id"][30:]]
    alone, together = compare(book, CompareRules()), compare(book.assign(account_id=accounts), CompareRules())
    assert together.average.n == 10
    assert alone.average.n == 30
    assert together.average.high - together.average.low > 1.2 * (alone.average.high - alone.average.low)
