"""Difference in differences, and when it is refused."""

import numpy as np
import pytest

from csworkbench.adjustment.changes import difference_in_differences
from csworkbench.errors import AnalysisError

TREATED = np.array([True, True, True, True, False, False, False, False])
AFTER = np.array([False, False, True, True] * 2)


def test_the_effect_is_the_change_less_that_of_the_others():
    # Treated 1 -> 5, others 1 -> 2: 4 - 1 = 3.
    found = difference_in_differences(np.array([0.0, 2, 4, 6, 0, 2, 1, 3]), TREATED, AFTER)
    assert found.effect.value == pytest.approx(3)
    # Each cell has variance 2 with two rows: pooled variance 2, error sqrt(4 x 2 / 2) = 2.
    assert found.error == pytest.approx(2)
    assert found.smd == 0


def test_a_group_chosen_by_its_level_is_refused():
    with pytest.raises(AnalysisError, match="compare with accounts of the same band"):
        difference_in_differences(np.array([0.0, 2, 4, 6, 5, 7, 1, 3]), TREATED, AFTER)


def test_an_empty_cell_is_refused():
    with pytest.raises(AnalysisError, match="before and after"):
        difference_in_differences(np.arange(4.0), TREATED[:4], AFTER[:4])


def test_rows_of_one_account_are_one_cluster():
    found = difference_in_differences(
        np.array([0.0, 2, 4, 6, 0, 2, 1, 3.5]), TREATED, AFTER, cluster=np.array([0, 1, 0, 1, 2, 3, 2, 3])
    )
    assert found.effect.n == 4
