"""How much more one group changed than the other, and when that is refused."""

import numpy as np
import pytest

from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.errors import AnalysisError

TOUCHED = np.array([True, True, True, True, False, False, False, False])
AFTER = np.array([False, False, True, True] * 2)


def test_the_effect_is_the_change_less_that_of_the_others():
    # Touched 1 -> 5, others 1 -> 2: 4 - 1 = 3.
    found = change_beyond_others(np.array([0.0, 2, 4, 6, 0, 2, 1, 3]), TOUCHED, AFTER)
    assert found.value == pytest.approx(3)
    # Each cell has variance 2 with two rows: pooled variance 2, error sqrt(4 x 2 / 2) = 2.
    assert found.error == pytest.approx(2)


def test_a_group_chosen_by_its_level_is_refused():
    with pytest.raises(AnalysisError, match="compare with accounts of the same band"):
        change_beyond_others(np.array([0.0, 2, 4, 6, 5, 7, 1, 3]), TOUCHED, AFTER)


def test_a_cell_without_rows_has_no_change():
    assert change_beyond_others(np.arange(4.0), TOUCHED[:4], AFTER[:4]) is None


def test_rows_of_one_account_are_one_cluster():
    # Touched 1 -> 5, others 1 -> 2.25: 4 - 1.25 = 2.75. Each row adds its distance from its cell / 2, after with the
    # sign of the group, before with the other: .5 - .5 = 0 for accounts 0 and 1, .625 - .5 = .125 and -.125 for 2, 3.
    found = change_beyond_others(
        np.array([0.0, 2, 4, 6, 0, 2, 1, 3.5]), TOUCHED, AFTER, accounts=np.array([0, 1, 0, 1, 2, 3, 2, 3])
    )
    assert (found.value, found.n) == (pytest.approx(2.75), 4)
    assert found.error == pytest.approx(np.sqrt(4 / 3 * 2 * 0.125**2))
