"""A trait that nobody declared is a candidate at most."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from csworkbench.analyses.plan_validation.candidates import CANDIDATE, candidate_table
from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.settings import Config

ACCOUNTS = [f"A{number:02d}" for number in range(40)]


def reading(effects, trait=""):
    frame = pd.DataFrame(
        {
            "episode_id": [f"P{account}" for account in ACCOUNTS],
            "account_id": ACCOUNTS,
            "playbook": "tour",
            "effect": effects,
            "standard_error": 0.2,
            "shared_error": 0.01,
        }
    )
    return SimpleNamespace(
        name="tour",
        metric="orders",
        sign=1.0,
        comparison=SimpleNamespace(effects=frame, influence=None),
        pooled=object(),
        declared=Declared("tour", trait=trait),
    )


def table(effects, trait=""):
    regions = ["north"] * 20 + ["south"] * 20
    inputs = SimpleNamespace(accounts=pd.DataFrame({"region": regions}, index=ACCOUNTS))
    return candidate_table(inputs, Config(), [reading(effects, trait)])


NOISE = np.random.default_rng(7).normal(0, 0.2, 40)


def test_a_difference_that_stands_out_is_a_candidate_to_declare():
    found = table(NOISE + np.repeat([1.0, 0.0], 20)).set_index("value")
    assert found.loc["north", ["plans", "others"]].tolist() == [20, 20]
    assert found["difference"]["north"] > np.expm1(0.7)  # the difference of 1 is of the logarithm
    assert found["unit"]["north"] == "share"
    assert found["says"]["north"] == CANDIDATE


def test_plans_that_do_the_same_everywhere_give_no_candidate():
    assert set(table(NOISE)["says"]) == {""}


def test_the_declared_trait_is_tested_elsewhere():
    assert table(NOISE, trait="region").empty
