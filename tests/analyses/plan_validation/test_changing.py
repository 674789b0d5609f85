"""How many accounts would settle a question."""

from types import SimpleNamespace

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.changing import accounts_to_settle, would_change
from csworkbench.analyses.plan_validation.settings import VerdictRules
from csworkbench.analyses.plan_validation.tree import Verdict
from csworkbench.formats import text as in_words

RULES = VerdictRules()


def reading(mean, worth=0.1, tau=0.3, error=0.4, n=6, shared=0.0):
    return SimpleNamespace(
        elsewhere=SimpleNamespace(mean=mean, tau=tau, n=n, hierarchy=SimpleNamespace(shared=shared)),
        comparison=SimpleNamespace(effects=pd.DataFrame({"standard_error": [error] * n})),
        worth=lambda rules: worth,
    )


@pytest.mark.parametrize(
    ("mean", "accounts"),
    [
        # The spread of single effects is hypot(.3, .4) = .5, and P = .8 lies .8416 standard errors away.
        (0.15, 71),  # (.8416 * .5 / .05)^2 = 70.8
        (0.05, 71),
        (0.20, 18),  # (.8416 * .5 / .10)^2 = 17.7
        (0.90, 7),  # one would do, but five others are asked for, and six are there already
        (0.101, None),  # 177,000 accounts: nobody has them
    ],
)
def test_the_number_of_accounts_follows_from_the_distance_to_the_smallest_effect_of_note(mean, accounts):
    assert accounts_to_settle(reading(mean), RULES) == accounts


def test_nothing_settles_what_nobody_compared():
    assert accounts_to_settle(SimpleNamespace(elsewhere=None, comparison=None, worth=lambda rules: 0.1), RULES) is None


def test_an_error_that_all_plans_share_is_not_settled_by_more_of_them():
    # .8416 * .15 = .126 is more than the distance of .1; with .1 shared: sqrt(.1^2 - .08416^2) = .05401 is left,
    # (.8416 * .5 / .05401)^2 = 60.7.
    assert accounts_to_settle(reading(0.2, shared=0.15), RULES) is None
    assert accounts_to_settle(reading(0.2, shared=0.1), RULES) == 61


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("Quiz", "A record that the mandatory steps were done, Quiz first"),
        (float("nan"), "A record of the mandatory steps, with the day on which each was done"),  # all ticked at closing
    ],
)
def test_a_plan_without_an_open_step_asks_for_the_days_of_its_steps(step, sentence):
    lines = pd.DataFrame({"stop_step": [step], "metric": "queries_run", "ends_on": pd.Timestamp("2026-03-01")}, ["A"])
    found = SimpleNamespace(
        lines=lines, judged={"A": SimpleNamespace(verdict=Verdict.NOT_FINISHED)}, evidence={"A": None}
    )
    assert in_words(would_change(found, "A", RULES)) == sentence
