"""Rank, probability and capacity measures against other libraries, and intervals that draw accounts again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from statsmodels.api import GLM, families

from csworkbench.inference.discrimination import (
    auc,
    average_precision,
    brier,
    calibration_line,
    captured,
    ranked,
)
from csworkbench.inference.resampling import account_weights, interval


def drawn(seed, rows=300):
    """Risks with ties, events that go with them, and weights with zeros."""
    rng = np.random.default_rng(seed)
    risk = np.round(rng.normal(size=rows), 1)
    return risk, rng.random(rows) < 1 / (1 + np.exp(1 - risk)), rng.integers(0, 4, rows).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_average_precision_are_those_of_scikit_learn(seed):
    risk, is_event, weights = drawn(seed)
    rows = ranked(risk, is_event)
    assert auc(rows) == pytest.approx(roc_auc_score(is_event, risk))
    assert auc(rows, weights) == pytest.approx(roc_auc_score(is_event, risk, sample_weight=weights))
    assert average_precision(rows) == pytest.approx(average_precision_score(is_event, risk))
    assert average_precision(rows, weights) == pytest.approx(
        average_precision_score(is_event, risk, sample_weight=weights)
    )


@pytest.mark.parametrize("seed", range(3))
def test_brier_and_the_calibration_line_are_those_of_other_libraries(seed):
    risk, is_event, weights = drawn(seed)
    probability = 1 / (1 + np.exp(-0.5 - 1.5 * risk))
    assert brier(probability, is_event, weights) == pytest.approx(
        brier_score_loss(is_event, probability, sample_weight=weights)
    )
    design = np.column_stack([np.ones(len(risk)), 0.5 + 1.5 * risk])
    fitted = GLM(is_event.astype(float), design, families.Binomial(), freq_weights=weights).fit(tol=1e-12)
    assert calibration_line(probability, is_event, weights) == tuple(pytest.approx(one) for one in fitted.params)


def test_a_weight_counts_as_so_many_rows():
    risk, is_event, weights = drawn(9, 60)
    times = np.repeat(np.arange(60), weights.astype(int))
    many = ranked(risk[times], is_event[times])
    for measure in (auc, average_precision, lambda rows, by=None: captured(rows, 0.2, by)):
        assert measure(ranked(risk, is_event), weights) == pytest.approx(measure(many))


def test_captured_is_the_share_of_events_among_those_there_is_time_for():
    # Highest risks first: event, other, event, other. Half of the rows hold 1 of 2 events, three quarters both.
    rows = ranked(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False]))
    assert captured(rows, 0.5) == 0.5
    assert captured(rows, 0.75) == 1


def test_rows_of_equal_risk_at_the_edge_count_in_proportion():
    # Nobody can be told apart: a quarter of the rows holds a quarter of the events.
    rows = ranked(np.zeros(8), np.array([True] * 2 + [False] * 6))
    assert captured(rows, 0.25) == pytest.approx(0.25)


@pytest.mark.parametrize("events", [[False, False], [True, True]])
def test_one_kind_of_outcome_cannot_be_ranked(events):
    assert np.isnan(auc(ranked(np.array([1.0, 2.0]), np.array(events))))


def test_a_perfect_separation_has_no_calibration_line():
    probability, is_event = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    assert np.isnan(calibration_line(probability, is_event)).all()


def test_a_risk_that_is_missing_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="finite risk"):
        ranked(np.array([np.nan]), np.array([True]))


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_turning_all_risks_round_turns_the_auc_round(pairs):
    risk, is_event = np.array([float(one) for one, _ in pairs]), np.array([flag for _, flag in pairs])
    value, turned = auc(ranked(risk, is_event)), auc(ranked(-risk, is_event))
    assert np.isnan(value) or value + turned == pytest.approx(1)


def test_rows_of_one_account_are_drawn_together():
    accounts = np.array([0, 0, 1, 2, 2, 2])
    for weights in account_weights(accounts, 20, seed=1):
        assert len({weights[0], weights[1]}) == len(set(weights[3:])) == 1
        assert weights[[0, 2, 3]].sum() == 3


def test_the_same_seed_gives_the_same_draws():
    accounts = np.arange(10)
    first, again = (np.array(list(account_weights(accounts, 5, seed=4))) for _ in range(2))
    assert (first == again).all()


def test_the_interval_of_a_mean_is_the_normal_one():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    means = np.array([np.average(values, weights=by) for by in account_weights(np.arange(400), 2000, seed=2)])
    found = interval(values.mean(), means, 400, "any", "points")
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * values.std(ddof=1) / 20, rel=0.06)


def test_a_measure_most_draws_could_not_tell_has_no_interval():
    draws = np.array([0.5] * 8 + [np.nan] * 2)
    assert interval(0.5, draws, 9, "share", "share").low is None
    assert interval(float("nan"), draws, 9, "share", "share").value is None
