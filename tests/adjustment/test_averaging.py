"""Mean effects: normal errors where plans are many, draws where they are few."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.averaging import placebo_means
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.placebo import placebo_space
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


def test_few_accounts_with_many_plans_are_few_draws():
    # Nothing works; the four plans of an account share most of what happens to it. Drawn as eight: .27 in 200 books.
    rng, found, draws = np.random.default_rng(2), 0, 60
    for _ in range(draws):
        who = np.r_[np.repeat([0, 1], 4), 2 + np.arange(60)]
        after = rng.normal(size=62)[who] + 0.3 * rng.normal(size=68)
        book = episodes(np.arange(68) < 8, *np.zeros((2, 68)), after, account_id=[f"a{each}" for each in who])
        result = compare(book, CompareRules(draws=199, matches=0))
        found += result.p < 0.05
    assert result.average.n == 2
    assert found / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5


def test_few_accounts_are_averaged_one_by_one():
    # Account a gains 4 at each of three plans, b nothing at one: 2 over accounts, 3 over plans.
    after = np.r_[4.0, 4.0, 4.0, 0.0, np.tile([-1.0, 0.0, 1.0], 10)]
    names = [*"aaab", *(f"c{each}" for each in range(30))]
    found = compare(episodes(np.arange(34) < 4, *np.zeros((2, 34)), after, account_id=names), CompareRules(matches=0))
    assert found.average.value == pytest.approx(2)
    assert placebo_space(found, CompareRules(matches=0))["p"].tolist() == [found.p]


def test_several_plans_of_one_account_count_as_one_account():
    rng = np.random.default_rng(1)
    is_plan = np.arange(90) < 30
    book = episodes(is_plan, *np.zeros((2, 90)), np.r_[np.repeat(rng.normal(size=10), 3), rng.normal(size=60)])
    accounts = np.r_[np.repeat([f"p{i}" for i in range(10)], 3), book["account_id"][30:]]
    alone, together = compare(book, CompareRules()), compare(book.assign(account_id=accounts), CompareRules())
    assert together.average.n == 10
    assert alone.average.n == 30
    assert together.average.high - together.average.low > 1.2 * (alone.average.high - alone.average.low)


def test_a_lottery_in_waves_counts_those_who_waited_first_on_both_sides():
    # Three waves of eight: the first starts in March, the second in April, the third waits. All gain 2 when they start.
    rng = np.random.default_rng(1)
    accounts, parts = [f"a{i}" for i in range(24)], []
    for wave, month in enumerate(pd.to_datetime(["2026-03-01", "2026-04-01"])):
        there = np.arange(8 * wave, 24)
        is_plan = there < 8 * (wave + 1)
        parts.append(
            episodes(
                is_plan,
                *rng.normal(0, 0.1, (2, len(there))),
                2 * is_plan + rng.normal(0, 0.1, len(there)),
                account_id=[accounts[i] for i in there],
                episode_id=[f"{wave}-{i}" for i in there],
                month=month,
                lottery="spring",
                is_waiting=~is_plan,
            )
        )
    found = compare(pd.concat(parts), CompareRules())
    assert found.effects["n_controls"].tolist() == [16] * 8 + [8] * 8
    assert found.average.value == pytest.approx(found.effects["effect"].mean())
    assert found.average.low < 2 < found.average.high
