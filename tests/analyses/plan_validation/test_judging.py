"""What the plans of a playbook prove together: where it works, and whether those that were dropped change it."""

from types import SimpleNamespace

import pandas as pd
import pytest

from csworkbench import formats
from csworkbench.adjustment.designs import Design
from csworkbench.adjustment.pooling import pool
from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.doubts import _of_dropped
from csworkbench.analyses.plan_validation.frames import says
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.tree import Evidence

CONFIG = Config()
RULES = CONFIG.rules
GOAL = 0.25  # so .125 is the smallest effect of note


def pooled(*effects):
    """A playbook with one plan per account, each effect known to within .05."""
    rows = pd.DataFrame({"effect": effects, "standard_error": 0.05, "shared_error": 0.0})
    return pool(rows.assign(episode_id=[f"e{i}" for i in rows.index], account_id=[f"a{i}" for i in rows.index]))


def reading(**changes):
    usual = {
        "name": "tour",
        "declared": Declared("tour", title="Grand tour"),
        "metric": "orders",
        "goal": GOAL,
        "lines": pd.DataFrame({"lottery": [None]}),
        "episodes": pd.DataFrame(),
        "comparison": SimpleNamespace(design=Design.MATCHED, caveats=()),
        "pooled": None,
        "is_inside": None,
        "scope": None,
        "sides": {},
        "evidence": {"PL0": Evidence(is_limited=True)},
        "judged": {},
    }
    return Reading(**usual | changes)


def limited(inside, outside, **changes):
    """A reading whose trait makes a difference, with so many effects on each side."""
    sides = {True: pooled(*inside), False: pooled(*outside)}
    return reading(sides=sides, elsewhere=pooled(*inside, *outside), **changes)


def dropped(run, every):
    return list(_of_dropped([reading(pooled=pooled(*run), all_started=pooled(*every))], RULES))


def test_a_trait_inside_of_which_it_works_narrows_a_playbook():
    found = limited([0.5] * 6, [0.0] * 6)
    assert found.is_proven_inside(RULES)
    assert says(found, CONFIG) == "works inside its trait only"


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param([0.0] * 6, id="outside is worse, inside is nothing"),
        pytest.param([0.5] * 4, id="fewer accounts inside than evidence must come from"),
    ],
)
def test_a_difference_alone_narrows_nothing(inside):
    found = limited(inside, [-0.5] * 6)
    assert found.is_limited
    assert not found.is_proven_inside(RULES)
    assert says(found, CONFIG) != "works inside its trait only"


def test_without_a_goal_nothing_is_proven_inside():
    assert not limited([0.5] * 6, [0.0] * 6, goal=None).is_proven_inside(RULES)


def test_plans_that_were_dropped_and_say_something_else_are_a_doubt():
    # By the five run to the end the mean is .5: surely above .125. With five at -.5 it is 0: likely below it.
    found = dropped(run=[0.5] * 5, every=[0.5, -0.5] * 5)
    assert [each.code for each in found] == ["run_and_started_differ"]
    said = formats.text(found[0].message)
    assert said.startswith("Grand tour: that it does something of note is 100.0% likely by the plans that were run to")


def test_plans_that_were_dropped_and_say_the_same_are_none():
    assert dropped(run=[0.5] * 5, every=[0.5] * 8) == []
