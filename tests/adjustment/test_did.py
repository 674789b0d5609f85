"""The door to diff-diff."""

import numpy as np
import pytest

from csworkbench.adjustment import did
from csworkbench.errors import EnvironmentProblem


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(did, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'csworkbench\[did\]'"), did.library():
        pass
    assert did.breakdown(np.ones(4), np.eye(4), 2, np.array([0.5, 0.5])) is None


def test_the_breakdown_of_a_straight_past_is_where_the_bound_meets_zero():
    # Before: 0.1 and 0 against month -1, so the largest step is 0.1. After: 1 and 1, error .01, weights on the first.
    # A bend of M times 0.1 in the first month takes the bound to 1 - .1 M - 1.96 x .01: zero at 9.8.
    pytest.importorskip("diff_diff", reason="needs the extra did")
    found = did.breakdown(np.array([0.1, 0.0, 1.0, 1.0]), np.eye(4) * 1e-4, 2, np.array([1.0, 0.0]))
    assert found == pytest.approx(9.8, abs=0.1)


def test_an_effect_that_does_not_differ_anyway_breaks_down_at_once():
    pytest.importorskip("diff_diff", reason="needs the extra did")
    assert did.breakdown(np.zeros(4), np.eye(4), 2, np.array([0.5, 0.5])) == 0
