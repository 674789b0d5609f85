"""Several questions at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from csworkbench.inference.multiplicity import Guardrail, benjamini_hochberg, guardrail, holm

SHARES = st.lists(st.floats(1e-6, 1), min_size=1, max_size=8)


def test_holm_multiplies_by_the_questions_that_are_left():
    # Sorted .01, .02, .04: times 3, 2, 1, never falling: .03, .04, .04.
    assert holm([0.04, 0.01, 0.02]).p == pytest.approx((0.04, 0.03, 0.04))


def test_benjamini_hochberg_multiplies_by_questions_over_rank():
    # .01 x 3/1, .02 x 3/2, .04 x 3/3, never rising from the last: .03, .03, .04.
    assert benjamini_hochberg([0.04, 0.01, 0.02]).p == pytest.approx((0.04, 0.03, 0.03))


def test_the_interval_of_the_smallest_holm_p_is_that_of_bonferroni():
    assert holm([0.5, 0.001, 0.6, 0.7]).levels[1] == pytest.approx(1 - 0.05 / 4)


def test_no_question_has_no_answer():
    assert holm([]).p == holm([]).levels == ()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@settings(deadline=None)
@given(p=SHARES)
def test_an_interval_leaves_out_zero_exactly_where_the_question_is_rejected(adjust, p):
    found = adjust(p)
    for raw, adjusted, level in zip(p, found.p, found.levels, strict=True):
        z, half = norm.isf(raw / 2), norm.ppf((1 + level) / 2)
        if abs(adjusted - 0.05) > 1e-6:
            assert (z > half + 1e-9) == (adjusted < 0.05) or np.isclose(z, half)


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (-0.01, 0.03, Guardrail.NO_HARM),
        (-0.05, 0.03, Guardrail.TOO_FEW_DATA),
        (-0.05, -0.01, Guardrail.TOO_FEW_DATA),
        (-0.09, -0.03, Guardrail.HARM),
    ],
)
def test_a_guardrail_has_three_states(low, high, state):
    assert guardrail(low, high, 0.02) is state
    assert guardrail(-high, -low, 0.02, is_higher_better=False) is state


def test_a_margin_is_not_below_zero():
    with pytest.raises(ValueError, match="put up with"):
        guardrail(-1, 1, -0.1)


@pytest.mark.parametrize(("adjust", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(adjust, method):
    rng = np.random.default_rng(0)
    for n in (1, 2, 9, 40):
        p = rng.random(n) ** 3
        p[: n // 3] = p[0]  # ties
        assert adjust(list(p)).p == pytest.approx(tuple(multipletests(p, method=method)[1]))
