"""Designs beside lot and match, from the tables of a book to its verdicts: a threshold, later starters, donors."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from csworkbench import formats
from csworkbench.adjustment import did
from csworkbench.analyses import plan_validation
from csworkbench.asof import take
from tests.books import book

AS_OF = date(2026, 6, 30)
GAIN = 1.5
PLAYBOOK = """
schema: 1
id: tour
title: Grand tour
problem: Few orders
steps: [{name: Show}]
goals: [{metric: orders, uplift: 0.25}]
"""
RULE = "starts_when: {metric: seats, below: 40}\n"


@pytest.fixture
def library():
    pytest.importorskip("diff_diff", reason="needs the extra did")


def made(landings, measures=None, left=(), early=0):
    """A book whose accounts have 100 orders a week, within 3 %, and half as many again from landing on, or so many days

    earlier; those that left did so on the day after.
    """
    weeks = [date(2025, 3, 5) + timedelta(days=7 * week) for week in range(69)]
    orders = [
        {
            "account_id": account,
            "metric": "orders",
            "date": day,
            "value": 100
            * (1 + 0.03 * math.sin(7.0 * number + 1.7 * week))
            * (GAIN if landed and day > landed - timedelta(days=early) else 1),
        }
        for number, (account, landed) in enumerate(landings.items())
        for week, day in enumerate(weeks)
        if account not in left or day <= landed
    ]
    planned = {f"PL-{account}": (account, day) for account, day in landings.items() if day is not None}
    instants = {"created_at": 20, "started_at": 15, "landed_at": 0, "closed_at": -20}
    return book(
        {
            "accounts": [
                {
                    "account_id": account,
                    "name": account,
                    "value_tier": "mid",
                    "signup_at": "2024-01-01T00:00:00",
                    "churned_at": f"{landings[account] + timedelta(days=1)}T00:00:00" if account in left else None,
                }
                for account in landings
            ],
            "plans": [
                {
                    "plan_id": plan,
                    "account_id": account,
                    "playbook": "tour",
                    "problem": "Few orders",
                    "problem_metric": "orders",
                    "csm_id": f"CSM{number % 2}",
                    **{name: f"{day - timedelta(days=back)}T09:00:00" for name, back in instants.items()},
                }
                for number, (plan, (account, day)) in enumerate(planned.items())
            ],
            "plan_steps": [
                {
                    "plan_id": plan,
                    "step_no": 1,
                    "name": "Show",
                    "is_mandatory": True,
                    "done_at": f"{day - timedelta(days=2)}T09:00:00",
                    "status": "done",
                    "blocker": "none",
                }
                for plan, (_, day) in planned.items()
            ],
            "plan_goals": [
                {"plan_id": plan, "metric": "orders", "direction": "higher", "baseline": 100.0, "target": 125.0}
                for plan in planned
            ],
            "metrics_daily": orders + (measures or []),
        }
    )


def result_of(landings, measures=None, playbook=PLAYBOOK, left=(), early=0, **settings):
    chosen = {"business_metric": "orders", "history_days": 120, "not_bad_above": 1.0}
    config = plan_validation.Config(**chosen | {"playbooks": {"tour.yaml": playbook}} | settings)
    inputs = plan_validation.prepare(take(made(landings, measures, left, early), AS_OF), config, {})
    return plan_validation.analyze(inputs, config)


def seats():
    """Sixty accounts with 35 to 38 seats and a plan, sixty with 42 to 45 and none, ten far away on each side."""
    near = {f"A{n:03d}": 36.5 + 1.5 * math.sin(n) for n in range(60)} | {
        f"B{n:03d}": 43.5 + 1.5 * math.sin(n) for n in range(60)
    }
    return near | {f"C{n:03d}": 5.0 for n in range(10)} | {f"D{n:03d}": 75.0 for n in range(10)}


def by_rule(playbook, metric="seats"):
    counts = seats()
    landings = {account: date(2026, 2, 10) if count < 40 else None for account, count in counts.items()}
    days = [date(2026, 1, 21) - timedelta(days=7 * week) for week in range(1, 6)]
    measures = [
        {"account_id": account, "metric": metric, "date": day, "value": count}
        for account, count in counts.items()
        for day in days
    ]
    return result_of(landings, measures, playbook)


def test_a_declared_threshold_holds_accounts_just_inside_against_those_just_outside():
    row = by_rule(PLAYBOOK + RULE).tables["playbooks"].iloc[0]
    assert row["design"] == "B threshold"
    assert "60 accounts just inside are held against 60 just outside" in row["reason"]
    assert row["effect"] == pytest.approx(GAIN - 1, abs=0.03)


def test_without_a_declared_threshold_the_same_plans_are_matched():
    row = by_rule(PLAYBOOK).tables["playbooks"].iloc[0]
    assert row["design"] == "C matched"
    assert "No rule with a threshold is declared" in row["reason"]


def test_a_threshold_on_a_metric_that_no_table_holds_is_told():
    codes = {caveat.code for caveat in by_rule(PLAYBOOK + RULE, "desks").caveats}
    assert "threshold_not_measured" in codes


def in_turn():
    """Everybody gets a plan: half land in October, half start before the long window of the first has ended."""
    return {f"A{n:03d}": date(2025, 10, 10) for n in range(24)} | {f"B{n:03d}": date(2026, 1, 20) for n in range(24)}


def key_account():
    """One account with a plan beside nineteen without: too few to match, enough to weigh."""
    return {"KEY": date(2026, 2, 10)} | {f"B{n:03d}": None for n in range(19)}


def test_where_everybody_gets_a_plan_those_who_get_it_later_are_the_comparison(library):
    tables = result_of(in_turn(), post_days=120).tables
    row = tables["playbooks"].iloc[0]
    assert row["design"] == "D staggered"
    assert row["effect"] == pytest.approx(GAIN - 1, abs=0.03)
    effects = tables["effects"].set_index("account_id")["effect"]
    # Nobody starts after the second half: its plans have no comparison.
    assert effects[effects.index.str.startswith("A")].notna().all()
    assert effects[effects.index.str.startswith("B")].isna().all()


def test_one_account_is_held_against_nineteen_that_went_the_same_way(library):
    tables = result_of(key_account()).tables
    row = tables["playbooks"].iloc[0]
    assert row["design"] == "E synthetic"
    assert tables["effects"]["effect"].iloc[0] == pytest.approx(GAIN - 1, abs=0.05)
    # One account, the one it was written for, says nothing of others.
    assert np.isnan(row["effect"])
    assert tables["verdicts"]["verdict"].tolist() == ["inconclusive"]


def test_eighteen_donors_are_too_few(library):
    landings = key_account()
    del landings["B018"]
    row = result_of(landings).tables["playbooks"].iloc[0]
    assert row["design"] == "F none"
    assert "18 accounts without a plan and without gaps" in row["reason"]


def test_a_later_start_is_compared_from_before_what_its_coming_changed(library):
    # The gain is there 25 days before landing, so that the month before landing is no month before.
    landings = in_turn() | {f"B{n:03d}": date(2026, 2, 20) for n in range(24)}
    row = result_of(landings, post_days=130, early=25, anticipation_days=28).tables["playbooks"].iloc[0]
    assert row["design"] == "D staggered"
    assert row["effect"] == pytest.approx(GAIN - 1, abs=0.03)


def test_the_windows_before_end_earlier_where_anticipation_is_set():
    landings = {f"A{n:03d}": date(2026, 2, 10) for n in range(20)} | {f"B{n:03d}": None for n in range(40)}
    plain, told = (result_of(landings, early=15, anticipation_days=days).tables for days in (0, 28))
    # Half risen before landing, they are like nobody without a plan.
    assert plain["playbooks"]["design"].tolist() == ["F none"]
    assert told["playbooks"]["effect"].iloc[0] == pytest.approx(GAIN - 1, abs=0.03)
    changes = told["before_after"]
    assert changes.loc[changes["metric"] == "orders", "change"].tolist() == pytest.approx([GAIN - 1] * 20, abs=0.05)


@pytest.mark.parametrize(("landings", "post_days"), [(in_turn(), 120), (key_account(), 60)])
def test_without_the_extra_the_page_says_what_to_install(landings, post_days, monkeypatch):
    monkeypatch.setattr(did, "find_spec", lambda name: None)
    result = result_of(landings, post_days=post_days)
    (told,) = (caveat for caveat in result.caveats if caveat.code == "extra_missing")
    assert formats.text(told.message).startswith("Grand tour: ")
    assert "pip install 'csworkbench[did]'" in formats.text(told.action)
    assert result.tables["playbooks"]["design"].tolist() == ["F none"]
    assert np.isnan(result.tables["playbooks"]["effect"].iloc[0])


def test_what_accounts_that_left_do_to_the_effect_stands_in_the_table_of_sensitivity():
    landings = {f"A{n:03d}": date(2026, 2, 10) for n in range(20)} | {f"B{n:03d}": None for n in range(40)}
    table = result_of(landings, left={"A000", "A001"}).tables["sensitivity"]
    found = table.set_index("counted")["effect"]
    # Two of twenty left. On the logarithm of the level + 2 (2 % of the usual 100) the others gain log(152 / 102). Those
    # that left lose log(2), the most that counts, or log(102 / 2) in full, or keep their level, or are not asked.
    # The table tells them as shares.
    gain = math.log(152 / 102)
    logs = {
        "as judged": (18 * gain - 2 * math.log(2)) / 20,
        "accounts that left as 0, in full": (18 * gain - 2 * math.log(102 / 2)) / 20,
        "accounts that left as before": 18 * gain / 20,
        "without accounts that left": gain,
    }
    assert found.to_dict() == pytest.approx(
        {name: math.expm1(value) for name, value in logs.items()},
        abs=0.03,
    )
    assert table.set_index("counted")["accounts"].tolist() == [20, 20, 20, 18]


def test_where_nobody_left_there_is_nothing_to_count_otherwise():
    landings = {f"A{n:03d}": date(2026, 2, 10) for n in range(20)} | {f"B{n:03d}": None for n in range(40)}
    assert result_of(landings).tables["sensitivity"]["counted"].tolist() == ["as judged"]
