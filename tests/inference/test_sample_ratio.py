"""Do the arms hold as many units as they should?"""

import pytest
from scipy.stats import chi2

from csworkbench import formats
from csworkbench.inference.sample_ratio import RatioState, sample_ratio, sample_ratio_slices


def test_units_are_held_against_the_configured_ratio():
    # 2:1 of 300 is 200 and 100; (190 - 200)^2 / 200 + (110 - 100)^2 / 100 = 1.5 on one degree of freedom.
    found = sample_ratio([190, 110], [2, 1])
    assert found.expected == (200, 100)
    assert found.chi_square == pytest.approx(1.5)
    assert found.p == pytest.approx(chi2.sf(1.5, 1))
    assert found.state is RatioState.OK


@pytest.mark.parametrize(
    ("larger", "state"), [(1090, RatioState.OK), (1140, RatioState.WARN), (1160, RatioState.BLOCK)]
)
def test_one_percent_warns_and_one_per_mille_blocks(larger, state):
    # 1,000 against 1,090, 1,140, 1,160: chi-square 3.88, 9.16, 11.85; 6.63 is p .01, 10.83 is p .001.
    assert sample_ratio([1000, larger], [1, 1]).state is state


def test_slices_are_adjusted_for_their_number():
    # The smallest of three p-values counts three times.
    one = sample_ratio([1000, 1110], [1, 1])
    found = sample_ratio_slices({"a": [1000, 1110], "b": [500, 500], "c": [300, 301]}, [1, 1])
    assert found["a"].p == pytest.approx(3 * one.p)
    assert found["b"].state is RatioState.OK


def test_a_slice_that_is_too_small_is_told_and_does_not_count():
    found = sample_ratio_slices({"a": [1000, 1110], "b": [3, 4]}, [1, 1])
    assert found["a"].p == pytest.approx(sample_ratio([1000, 1110], [1, 1]).p)
    assert formats.text(found["b"].message) == "An arm should have 3 units: too few to check the sample ratio"


def test_nobody_at_all_cannot_be_checked():
    assert sample_ratio([0, 0], [1, 1]).code == "too_few_units"


def test_a_weight_of_nothing_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="weight above 0"):
        sample_ratio([10, 10], [1, 0])
