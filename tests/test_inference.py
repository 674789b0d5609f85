"""Rank, probability and capacity measures against other libraries, and intervals that draw accounts again."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
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
from csworkbench.inference.encoding import encoding_of
from csworkbench.inference.models import BOOSTING, fit, folds_of, from_json, importance_order
from csworkbench.inference.proof import Rows, Stamp, auc_of, prove
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


@pytest.mark.parametrize("events", [[False, False], [True, True], []])
def test_one_kind_of_outcome_cannot_be_ranked(events):
    risk = np.arange(len(events), dtype=float)
    assert np.isnan(auc(ranked(risk, np.array(events, dtype=bool))))


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
    found = interval(values.mean(), means, 400, "points")
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * values.std(ddof=1) / 20, rel=0.06)


def test_a_measure_most_draws_could_not_tell_has_no_interval():
    draws = np.array([0.5] * 8 + [np.nan] * 2)
    assert interval(0.5, draws, 9, "share", is_share=True).low is None
    assert interval(float("nan"), draws, 9, "share", is_share=True).value is None


# --- learned models ---


def churn(seed=0, rows=600):
    """Measures of accounts, two rows each, and an event that depends on use (less) and complaints (more)."""
    rng = np.random.default_rng(seed)
    use, complaints, noise = rng.normal(size=rows), rng.normal(size=rows), rng.normal(size=rows)
    frame = pd.DataFrame({"use": use, "complaints": complaints, "noise": noise})
    frame["plan"] = rng.choice(["basic", "pro", "max"], rows)
    frame.loc[rng.random(rows) < 0.1, "complaints"] = np.nan
    odds = -1 - 1.5 * use + 0.8 * complaints + (frame["plan"] == "basic")
    return frame, rng.random(rows) < 1 / (1 + np.exp(-odds)), np.arange(rows) // 2


@pytest.mark.parametrize("kind", ["logistic", "boosting"])
def test_a_model_read_back_from_json_gives_the_same_risks(kind):
    frame, is_event, accounts = churn()
    model = fit(kind, frame, is_event, accounts)
    again = from_json(json.loads(json.dumps(model.to_json())))
    assert (again.risk(frame) == model.risk(frame)).all()


@pytest.mark.parametrize("kind", ["logistic", "boosting"])
def test_a_model_finds_what_drives_the_event_and_is_calibrated_on_new_accounts(kind):
    model = fit(kind, *churn(1, 3000))
    frame, is_event, _ = churn(2, 3000)
    assert importance_order(model, frame)[:2] == ["use", "complaints"]
    assert auc(ranked(model.risk(frame), is_event)) > 0.8
    intercept, slope = calibration_line(model.risk(frame), is_event)
    assert (abs(intercept), slope) == (pytest.approx(0, abs=0.2), pytest.approx(1, abs=0.15))


def test_the_trees_of_a_model_are_those_of_scikit_learn():
    frame, is_event, accounts = churn()
    model = fit("boosting", frame, is_event, accounts)
    matrix = model.encoding.matrix(frame)
    size = {"max_iter": len(model.parameters["trees"])}
    judge = HistGradientBoostingClassifier(**BOOSTING | size, early_stopping=False, random_state=0).fit(
        matrix, is_event
    )
    uncalibrated = replace(model, line=(0.0, 1.0))
    assert uncalibrated.risk(frame) == pytest.approx(judge.predict_proba(matrix)[:, 1], abs=1e-9)


@pytest.mark.parametrize("kind", ["logistic", "boosting"])
def test_a_direction_is_never_contradicted(kind):
    frame, is_event, accounts = churn()
    # Said the wrong way round: more use must not lower the risk, so a model bound to it may not use it so.
    model = fit(kind, frame, is_event, accounts, directions={"use": 1})
    low, high = (model.risk(frame.assign(use=value)) for value in (-2.0, 2.0))
    assert (high >= low - 1e-12).all()


def test_a_stored_model_that_was_changed_is_refused():
    stored = fit("logistic", *churn()).to_json()
    stored["parameters"]["intercept"] += 0.1
    with pytest.raises(ValueError, match="hash does not fit"):
        from_json(stored)


def test_rows_of_an_account_are_in_one_fold_and_events_in_all():
    _, is_event, accounts = churn()
    folds = folds_of(accounts, is_event, seed=5)
    assert all(len(set(folds[accounts == account])) == 1 for account in range(10))
    assert all(is_event[folds == fold].any() for fold in range(5))


def test_the_first_model_of_a_process_keeps_to_one_thread_too():
    # scikit-learn is not loaded before: what loads its threads inside the limit would not be limited.
    program = (
        "from csworkbench.inference.models import few_threads\n"
        "from threadpoolctl import threadpool_info\n"
        "with few_threads(1):\n"
        "    import sklearn.ensemble\n"
        "    print({pool['num_threads'] for pool in threadpool_info()})"
    )
    env = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, env=env)
    assert told.stdout == "{1}\n"


def test_a_model_of_one_kind_of_outcome_is_an_error_of_the_caller():
    frame, _, accounts = churn()
    with pytest.raises(ValueError, match="both kinds"):
        fit("logistic", frame, np.zeros(len(frame), dtype=bool), accounts)


def test_words_seldom_seen_and_missing_share_the_column_of_none():
    encoding = encoding_of(pd.DataFrame({"plan": ["a", "a", "b", None], "same": [1, 1, 1, 1]}))
    assert encoding.names == ("plan = a", "plan = b")
    assert encoding.matrix(pd.DataFrame({"plan": ["b", "new", None]})).tolist() == [[0, 1], [0, 0], [0, 0]]


# --- proofs ---


def graded_rows(seed=3, accounts=200, gain=1.2):
    """Two rows per account: a score that tells, a baseline that tells less, and nothing at all."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(accounts), 2)
    is_event = rng.random(2 * accounts) < 0.25
    risks = {
        "score": rng.normal(size=2 * accounts) + gain * is_event,
        "baseline": rng.normal(size=2 * accounts) + 0.3 * is_event,
        "noise": rng.normal(size=2 * accounts),
    }
    return risks, Rows(is_event, number)


def test_a_score_that_is_shown_to_lie_above_the_baseline_adds_to_it():
    risks, rows = graded_rows()
    proof = prove(risks, rows, 0.2, draws=200)
    assert proof.stamp("score", "baseline") is Stamp.ADDS
    assert proof.differences["score", "baseline"].value == pytest.approx(
        roc_auc_score(rows.is_event, risks["score"]) - roc_auc_score(rows.is_event, risks["baseline"])
    )


def test_a_score_against_itself_in_other_clothes_predicts_and_adds_nothing():
    risks, rows = graded_rows()
    proof = prove({"score": risks["score"], "same": risks["score"] * 2}, rows, 0.2, draws=100)
    assert proof.stamp("score", "same") is Stamp.PREDICTS


def test_noise_is_not_shown_to_predict():
    risks, rows = graded_rows()
    assert prove(risks, rows, 0.2, draws=200).stamp("noise", "baseline") is Stamp.NOT_SHOWN


def test_noise_adds_nothing_to_a_baseline_that_tells_the_opposite():
    risks, rows = graded_rows()
    proof = prove({"noise": risks["noise"], "inverted": -risks["score"]}, rows, 0.2, draws=200)
    assert proof.differences["noise", "inverted"].low > 0
    assert proof.stamp("noise", "inverted") is Stamp.NOT_SHOWN


def test_where_nearly_all_have_the_event_nothing_is_said():
    is_event = np.arange(400) >= 6
    risks = {"score": np.linspace(0, 1, 400), "baseline": np.linspace(1, 0, 400)}
    assert prove(risks, Rows(is_event, np.arange(400)), 0.2, draws=50).stamp("score", "baseline") is Stamp.TOO_FEW


def test_a_perfect_score_predicts_beside_a_perfect_baseline():
    is_event = np.arange(200) >= 100
    risks = {"score": np.linspace(0, 1, 200), "baseline": np.linspace(0, 1, 200) ** 2}
    assert prove(risks, Rows(is_event, np.arange(200)), 0.2, draws=50).stamp("score", "baseline") is Stamp.PREDICTS


def test_below_the_least_number_of_events_nothing_is_said():
    risks, rows = graded_rows(accounts=20)
    proof = prove(risks, rows, 0.2, draws=50)
    assert rows.events < 30
    assert proof.stamp("score", "baseline") is Stamp.TOO_FEW


def test_ranks_that_are_no_probabilities_have_no_brier_score():
    risks, rows = graded_rows()
    found = prove({"score": risks["score"], "certain": rows.is_event * 0.5}, rows, 0.2, draws=20).measures
    assert "brier" not in found["score"]
    assert found["certain"]["brier"].value == pytest.approx(float(np.mean((rows.is_event * 0.5 - rows.is_event) ** 2)))


def test_accounts_drawn_together_give_wider_intervals_than_rows_drawn_apart():
    rng = np.random.default_rng(5)
    number, is_event = np.repeat(np.arange(60), 10), np.repeat(rng.random(60) < 0.4, 10)
    risk = np.repeat(rng.normal(size=60), 10) + 0.8 * is_event
    together = prove({"s": risk}, Rows(is_event, number), 0.2, draws=200).measures["s"]["auc"]
    apart = prove({"s": risk}, Rows(is_event, np.arange(600)), 0.2, draws=200).measures["s"]["auc"]
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_a_score_is_ranked_by_itself_where_its_probabilities_were_learned_in_parts():
    # Two parts gave the same order probabilities of their own: pooled they tell less than the score itself.
    rng = np.random.default_rng(5)
    score = rng.normal(size=400)
    is_event = rng.random(400) < 1 / (1 + np.exp(1 - 2 * score))
    shifted = 1 / (1 + np.exp(-score - np.where(np.arange(400) % 2, 2.0, 0.0)))
    proof = prove({"score": shifted}, Rows(is_event, np.arange(400)), 0.1, ranks={"score": score}, draws=100)
    assert proof.measures["score"]["auc"].value == pytest.approx(roc_auc_score(is_event, score))
    assert proof.measures["score"]["brier"].value == pytest.approx(brier_score_loss(is_event, shifted))


def test_the_auc_of_one_candidate_alone_is_that_of_the_proof():
    rng = np.random.default_rng(6)
    rows = Rows(rng.random(300) < 0.3, np.arange(300) // 3)
    risk = rng.random(300)
    alone = auc_of(risk, rows, draws=100, seed=4)
    assert alone == prove({"one": risk}, rows, 0.1, draws=100, seed=4).measures["one"]["auc"]


def test_the_calibration_line_is_the_same_from_a_start_nearby():
    risk, is_event, weights = drawn(3)
    probability = 1 / (1 + np.exp(-0.5 - 1.5 * risk))
    far = calibration_line(probability, is_event, weights, start=(0.2, 0.7))
    assert far == pytest.approx(calibration_line(probability, is_event, weights), abs=1e-8)


def test_a_number_that_counts_by_rank_is_where_it_lies_among_the_rows_it_was_learned_from():
    # 0 to 100: the knots are 0, 5, 10 ... A value between two lies between them, one beyond the last at the end.
    encoding = encoding_of(pd.DataFrame({"n": np.arange(101.0)}), by_rank=True)
    found = encoding.matrix(pd.DataFrame({"n": [0.0, 50.0, 52.5, 1e9, np.nan]}))[:, 0]
    assert found == pytest.approx([0.0, 0.5, 0.525, 1.0, np.nan], nan_ok=True)


def test_a_value_that_half_of_the_rows_share_ranks_in_the_middle_of_them():
    # Ten zeros and ten others: the zeros fill the knots from 0 to about a half.
    encoding = encoding_of(pd.DataFrame({"n": [0.0] * 10 + list(range(1, 11))}), by_rank=True)
    zero, one = encoding.matrix(pd.DataFrame({"n": [0.0, 1.0]}))[:, 0]
    assert zero == pytest.approx(0.225, abs=0.026)
    assert 0.45 < one < 0.55


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_ranks_make_a_model_blind_to_the_length_of_a_tail(scale):
    rng = np.random.default_rng(8)
    value = rng.normal(size=600)
    is_event = rng.random(600) < 1 / (1 + np.exp(1 - value))
    longer = np.where(value > np.quantile(value, 0.95), value * scale, value)
    frames = [pd.DataFrame({"n": column}) for column in (value, longer)]
    plain, tailed = (fit("logistic", frame, is_event, np.arange(600), by_rank=True) for frame in frames)
    # Only places between the last two knots move a little.
    assert np.median(np.abs(plain.risk(frames[0]) - tailed.risk(frames[1]))) < 1e-3


def test_few_events_carry_few_trees_and_many_carry_more():
    rng = np.random.default_rng(12)

    def trees(rows):
        frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
        signal = np.sin(2 * frame["a"]) * frame["b"] + frame["c"]
        is_event = (rng.random(rows) < 1 / (1 + np.exp(1 - signal))).to_numpy()
        return len(fit("boosting", frame, is_event, np.arange(rows)).parameters["trees"])

    assert trees(120) < trees(4000)
