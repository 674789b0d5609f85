"""Touches with a known answer: rows V1 to V3 (overlap), V13, and the files of a causal inference course."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from causaldata import cps_mixtape, nsw_mixtape

from csworkbench.adjustment.aipw import (
    Rows,
    effect_on_all,
    effect_on_touched,
    learn,
    plain_difference,
    regression_difference,
)
from csworkbench.adjustment.compliance import compliance_of
from csworkbench.adjustment.covariates import covariates_of
from csworkbench.adjustment.overlap import overlap_of
from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.adjustment.sensitivity import e_value
from csworkbench.analyses import touch_effect
from csworkbench.analyses.touch_effect.facts import Block, Observed
from csworkbench.analyses.touch_effect.judging import judged

TOUCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "touches"
needs_touches = pytest.mark.skipif(not TOUCHES.is_dir(), reason="touches/ is not in ../shared/data")
TRAITS = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


def block_of(frame, touched, outcome, covariates):
    accounts = pd.Series([f"A{number}" for number in range(len(frame))])
    values = frame[outcome].to_numpy(dtype=float)
    known = frame[covariates].astype(float).reset_index(drop=True)
    return Block(accounts, np.zeros(len(frame), dtype=np.int64), frame[touched].to_numpy() == 1, values, known)


def rows_of(block):
    design = covariates_of(block.covariates)
    return Rows(block.is_touched, block.outcome, design.matrix, np.arange(len(block.outcome))), design


def said(block):
    once = {
        "kind": "once", "id": "training", "label": "Training", "touched": "treat", "touched_on": "1976-01-01",
        "outcome": "re78", "unit": "USD", "covariates": [{"column": "re75", "measured_on": "1975-12-31"}],
    }  # fmt: skip
    config = touch_effect.Config.model_validate({"touches": [once], "model": "ridge"})
    return judged({"training": Observed(block, None, None, None, None, {}, {})}, config)[0]


# --- V1 to V3: National Supported Work, whose men were drawn by lot, and men of the Current Population Survey ---------


@pytest.fixture(scope="module")
def trained():
    return nsw_mixtape.load_pandas().data


@pytest.fixture(scope="module")
def mixed(trained):
    return pd.concat([trained[trained["treat"] == 1], cps_mixtape.load_pandas().data], ignore_index=True)


def test_v1_men_drawn_by_lot_overlap_and_the_effect_is_near_1794_dollars(trained):
    block = block_of(trained, "treat", "re78", TRAITS)
    rows, _ = rows_of(block)
    learned = learn(rows, model="ridge", seed=1)
    # Dehejia and Wahba; Cunningham, Mixtape: 1,794.34. Adjusting what a lot made alike moves it within its error.
    assert plain_difference(rows).value == pytest.approx(1794.34, abs=0.005)
    assert abs(effect_on_touched(rows, learned).value - 1794.34) < 670.997
    assert overlap_of(learned.chance, rows.is_touched, rows.accounts).is_enough


def test_v2_men_who_were_not_drawn_are_flagged_and_no_effect_is_reported(mixed):
    block = block_of(mixed, "treat", "re78", TRAITS)
    rows, _ = rows_of(block)
    # Cunningham, Mixtape: the naive difference is -8,498.
    assert plain_difference(rows).value == pytest.approx(-8497.5, abs=0.05)
    found = said(block)
    assert found.verdict.value == "not_answerable"
    assert found.found.adjusted.overlap.trimmed > 0.2
    assert any(check.name == "overlap" and check.is_passed is False for check in found.found.checks)


def test_v3_earnings_of_1975_held_equal_give_the_published_difference(trained):
    # ANCOVA by statsmodels, one slope for both arms: 1,750.151.
    rows, design = rows_of(block_of(trained, "treat", "re78", ["re75"]))
    assert regression_difference(rows, design.plain).value == pytest.approx(1750.151, abs=5e-4)


# --- V13: E-values, VanderWeele and Ding (2017) and the manual of EValue ----------------------------------------------


@pytest.mark.parametrize(("ratio", "expected"), [(3.9, 7.263), (1.8, 3.0), (0.80, 1.809), (0.91, 1.429)])
def test_v13_e_values(ratio, expected):
    assert e_value(ratio) == pytest.approx(expected, abs=5e-4)


# --- The files of the course (python-causality-handbook, MIT) ---------------------------------------------------------


@needs_touches
def test_a_push_message_is_read_by_the_draw():
    push = pd.read_csv(TOUCHES / "app_engagement_push.csv")
    got = push["push_delivered"].to_numpy(float)
    found = compliance_of(
        push["push_assigned"] == 1, got, push["in_app_purchase"].to_numpy(float), np.arange(len(push))
    )
    assert (found.drawn.value, found.drawn.error) == pytest.approx((2.36, 0.52), abs=5e-3)
    assert found.share.value == pytest.approx(0.718, abs=5e-4)
    assert found.compliers.value == pytest.approx(3.29, abs=5e-3)
    assert found.as_got.value == pytest.approx(13.93, abs=5e-3)  # wrong: old phones could not show it


@needs_touches
def test_billboards_are_inconclusive():
    cities = pd.read_csv(TOUCHES / "billboard_impact.csv")
    outcome, is_touched, is_after = cities["deposits"].to_numpy(float), cities["poa"] == 1, cities["jul"] == 1
    found = change_beyond_others(outcome, is_touched, is_after, max_smd=None)
    assert (found.value, found.error) == pytest.approx((6.52, 5.73), abs=5e-3)
    assert found.p == pytest.approx(0.25, abs=5e-3)


@needs_touches
@pytest.mark.parametrize(
    ("mail", "truth", "raw", "adjusted"),
    [("em1", 0.0685, 0.048, 0.077), ("em2", 0.0609, 0.171, 0.134), ("em3", 0.0371, 0.091, 0.067)],
)
def test_targeted_mails_are_not_repaired_by_regression(mail, truth, raw, adjusted):
    known = ["age", "income", "insurance", "invested"]
    drawn, targeted = (pd.read_csv(TOUCHES / f"invest_email_{name}.csv") for name in ("rnd", "biased"))
    rows, design = rows_of(block_of(targeted, mail, "converted", known))
    lot, _ = rows_of(block_of(drawn, mail, "converted", known))
    assert plain_difference(lot).value == pytest.approx(truth, abs=1e-4)
    assert plain_difference(rows).value == pytest.approx(raw, abs=5e-4)
    assert regression_difference(rows, design.plain).value == pytest.approx(adjusted, abs=5e-4)


# --- AIPW against DoubleML, where it is installed (docs/evidence/2026-11-22-touches.md) -------------------------------


def test_the_scores_are_those_of_doubleml():
    dml = pytest.importorskip("doubleml", reason="DoubleML is not a dependency: it brings 20 packages for one test")
    rng = np.random.default_rng(11)
    account = np.repeat(np.arange(80), 5)
    x = rng.normal(size=(400, 2))
    touched = rng.random(400) < 1 / (1 + np.exp(-x[:, 0]))
    outcome = 0.5 * touched + x @ [1.0, -1.0] + rng.normal(size=80)[account] + rng.normal(size=400)
    rows = Rows(touched, outcome, x, account)
    learned = learn(rows, model="ridge", seed=2)
    frame = pd.DataFrame({"y": outcome, "d": touched.astype(float), "x1": x[:, 0], "x2": x[:, 1], "g": account})
    data = dml.DoubleMLData(frame, "y", "d", ["x1", "x2"], cluster_cols="g")
    given = {"d": {"ml_g0": learned.untouched, "ml_g1": learned.touched, "ml_m": learned.chance}}
    given["d"] = {name: values.reshape(-1, 1) for name, values in given["d"].items()}
    for score, ours in (("ATTE", effect_on_touched), ("ATE", effect_on_all)):
        blank = dml.utils.DMLDummyRegressor(), dml.utils.DMLDummyClassifier()
        peer = dml.DoubleMLIRM(data, *blank, score=score, n_folds=5)
        peer.fit(external_predictions=given)
        found = ours(rows, learned)
        assert found.value == pytest.approx(peer.coef[0], abs=1e-9)
        # Ours counts 80 accounts as 79 free ones, theirs as 80.
        assert found.error == pytest.approx(peer.se[0] * np.sqrt(80 / 79), rel=1e-9)
