"""What was declared of a playbook before anybody looked."""

import math

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.declared import Declared, declared_in, declared_of, goal_of, inside, sign_of
from csworkbench.playbooks import parsed

TEXT = """
schema: 1
id: tour
title: Grand tour
problem: Few orders
steps: [{name: Show}]
goals: [{metric: orders, uplift: 0.25}]
trait: {name: tier, expected: [large]}
"""
LINES = pd.DataFrame(
    {"metric": ["orders"] * 3, "goal": [0.1, 0.2, 0.9], "account_id": ["a", "b", "c"], "sign": [1.0, 1.0, -1.0]},
    index=["P1", "P2", "P3"],
)


def test_the_file_of_a_playbook_says_its_goal_and_its_trait():
    (found,) = declared_in(parsed({"tour.yaml": TEXT}))
    assert (found.title, found.trait, found.works_for) == ("Grand tour", "tier", ("large",))
    assert goal_of(found, "orders", "relative", LINES) == pytest.approx(math.log(1.25))


def test_a_goal_to_lower_by_a_quarter_is_the_logarithm_of_what_is_left():
    lower = TEXT.replace("uplift: 0.25", "direction: lower, uplift: 0.25")
    (found,) = declared_in(parsed({"tour.yaml": lower}))
    assert sign_of(found, "orders", LINES) == -1
    assert goal_of(found, "orders", "relative", LINES) == pytest.approx(-math.log(0.75))
    # Nothing can fall by 150 %: the median of what the plans asked for takes its place.
    (beyond,) = declared_in(parsed({"tour.yaml": lower.replace("0.25", "1.5")}))
    assert goal_of(beyond, "orders", "relative", LINES) == 0.2


@pytest.mark.parametrize(("signs", "expected"), [((1, 1, -1), 1), ((1, -1, -1), -1), ((1, -1, 0), 1)])
def test_without_a_file_the_way_is_that_of_most_plans(signs, expected):
    assert sign_of(Declared("tour"), "orders", LINES.assign(sign=signs)) == expected


def test_without_a_file_the_goal_is_the_median_of_what_plans_asked_for():
    assert goal_of(declared_of("tour", ()), "orders", "relative", LINES) == 0.2
    assert goal_of(declared_of("tour", ()), "visits", "relative", LINES) is None


def test_an_account_whose_trait_nobody_knows_is_neither_inside_nor_outside():
    accounts = pd.DataFrame({"tier": ["large", "mid", None]}, index=["a", "b", "c"])
    found = inside(Declared("tour", trait="tier", works_for=("large",)), accounts, LINES)
    assert found[["P1", "P2"]].tolist() == [True, False]
    assert pd.isna(found["P3"])
    assert inside(Declared("tour"), accounts, LINES) is None


def test_a_rule_that_starts_plans_is_read_with_its_threshold():
    text = TEXT + "starts_when: {metric: health_score, below: 40}\n"
    assert declared_in(parsed({"tour.yaml": text}))[0].starts_below == ("health_score", 40.0)
