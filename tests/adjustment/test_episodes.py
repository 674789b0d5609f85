"""Episodes are checked, completed and turned into arrays."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.episodes import (
    affordable,
    blank_balance,
    by_days,
    checked,
    comparable,
    complete,
    level,
    month_number,
    plan_rows,
    sides,
    traits,
)
from tests.adjustment.plan_books import episodes

BOOK = episodes([True, False, False], [1, 3, 5], [2, 4, np.nan], [9, 8, 7])


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="lack band, csm_id"):
        checked(BOOK.drop(columns=["band", "csm_id"]))


def test_episodes_without_any_plan_are_refused():
    with pytest.raises(ValueError, match="no plan"):
        checked(BOOK[~BOOK["is_plan"]])


def test_plans_of_two_playbooks_are_refused():
    with pytest.raises(ValueError, match="one playbook"):
        checked(episodes([True, True], [1, 1], [1, 1], [1, 1], playbook=["rescue", "rollout"]))


def test_an_episode_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        checked(BOOK.assign(episode_id="e1"))


def test_an_episode_without_one_of_its_windows_is_not_complete():
    assert complete(BOOK).tolist() == [True, True, False]


def test_the_level_is_the_mean_of_both_windows_before():
    assert level(BOOK.head(2)).tolist() == [1.5, 3.5]
    assert plan_rows(BOOK)[["episode_id", "before", "observed"]].to_numpy().tolist() == [["e0", 1.5, 9.0]]


def test_unknown_tenure_gets_the_mean_of_those_known():
    known = traits(BOOK.assign(tenure_months=[None, 10, 20]))
    assert known["tenure_months"].tolist() == [15, 10, 20]


def test_the_change_against_an_accounts_own_history_counts_where_it_is_there():
    known = traits(BOOK.assign(own_change=[-1.0, None, 3.0]))
    assert known["own_change"].tolist() == [-1, 1, 3]
    assert "own_change" not in traits(BOOK)


def test_tiers_become_columns_of_those_beyond_the_first():
    known = traits(BOOK.assign(tier=["small", "large", None]))
    assert known["tier small"].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("controls", "columns"), [(80, 3), (25, 2), (8, 1)])
def test_few_controls_bear_few_covariates(controls, columns):
    rng = np.random.default_rng(1)
    book = episodes(
        np.arange(controls + 2) < 2, *rng.normal(size=(3, controls + 2)), tenure_months=rng.random(controls + 2)
    )
    assert affordable(traits(book), book["is_plan"].to_numpy()).shape[1] == columns


def test_plans_of_cells_without_enough_controls_are_left_out():
    book = episodes([True, True, False, False], *np.zeros((3, 4)), band=["a", "b", "a", "a"])
    assert comparable(book, ["band"], 2)["episode_id"].tolist() == ["e0", "e2", "e3"]
    assert comparable(book, ["band"], 3).empty
    assert comparable(book.assign(band=None), ["band"], 1).empty


def test_cells_are_named_by_all_keys_together():
    book = episodes([True, False, False], *np.ones((3, 3)), band=["a", "a", "b"], tier=["x", "y", "x"])
    plans, controls = sides(book, ["band", "tier"], traits(book)[["level"]])
    assert len({*plans.cell, *controls.cell}) == 3
    assert len(plans.outcome) == 1


def test_months_are_numbered_and_never_is_last():
    months = pd.Series(pd.to_datetime(["2025-12-01", "2026-01-01", None]))
    numbers = month_number(months)
    assert numbers[1] - numbers[0] == 1
    assert numbers[2] > 10**6


def test_no_balance_is_a_table_without_rows():
    assert blank_balance().columns.tolist() == ["covariate", "smd_before", "smd_after"]
    assert blank_balance().empty


@pytest.mark.parametrize(
    ("windows", "around"),
    [
        # A plan and its controls per day: two of each are enough.
        ([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]),
        # One of day 1 and one of day 2 are too few each, and together they are enough.
        ([0, 0, 0, 1, 1, 2], [0, 0, 0, -1, -1, -1]),
        # Only one is left beside those of day 0: all of the month are put together.
        ([0, 0, 0, 1, 1, 0], [-1, -1, -1, -1, -1, -1]),
    ],
)
def test_episodes_are_compared_by_days_where_these_have_enough_controls(windows, around):
    book = episodes([True, False, False, True, False, False], *np.ones((3, 6)), windows=windows)
    assert by_days(book, ["month", "band"], 2)["around"].tolist() == around


def test_episodes_without_days_are_compared_by_month():
    assert by_days(BOOK, ["month"], 1)["around"].tolist() == [-1, -1, -1]
