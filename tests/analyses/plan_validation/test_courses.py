"""Courses, placebos and sensitivity are told on the scale of the table of playbooks."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.courses import _readable
from csworkbench.analyses.plan_validation.settings import Config

READINGS = [
    SimpleNamespace(name="more", metric="orders", sign=1.0),
    SimpleNamespace(name="fewer", metric="tickets", sign=-1.0),
    SimpleNamespace(name="score", metric="health_score", sign=1.0),
]


def test_effects_are_shares_or_points_with_their_unit_and_the_rest_stays():
    frame = pd.DataFrame(
        {
            "playbook": ["more", "fewer", "score"],
            "value": [math.log(1.25), -math.log(0.8), 4.0],  # a quarter more, a fifth fewer, four points
            "low": [None, 0.0, 1.0],
            "p": [0.5, 0.5, 0.5],
        }
    )
    found = _readable(frame, Config(), READINGS)
    assert found["value"].tolist() == pytest.approx([0.25, 0.2, 4.0])
    assert found["unit"].tolist() == ["share", "share", "points"]
    assert math.isnan(found["low"][0])
    assert found["p"].tolist() == [0.5] * 3


def test_a_table_without_rows_has_its_unit_too():
    assert list(_readable(pd.DataFrame(columns=["playbook", "value"]), Config(), READINGS)) == [
        "playbook",
        "value",
        "unit",
    ]
