"""The proof of the health score on the sample book, whose truth is known."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses import health, health_proof
from csworkbench.analyses.health_proof.evidence import gather
from csworkbench.analyses.health_proof.learning import challenger_frame
from csworkbench.analyses.health_proof.reading import read
from csworkbench.asof import take
from csworkbench.config import load, plain
from csworkbench.inference.discrimination import auc, ranked
from csworkbench.sampledata import BookSize
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sources import open_book
from csworkbench.workspace import load_workspace
from tests.house.places import SAMPLE_CACHE

ROOT = Path(__file__).resolve().parents[2]
CONFIG = load(ROOT / "configs" / "health_proof.yaml", health_proof.Config, ROOT).model_copy(
    update={"segments": (), "draws": 200}
)


@pytest.fixture(scope="module")
def evidence():
    """What was known of the sample book, in which the source of half of those who left was written over later."""
    workspace = load_workspace(ROOT / "configs" / "workspace.yaml")
    made = open_book(workspace, ROOT, SAMPLE_CACHE)
    accounts = made.tables["accounts"]
    is_trap = accounts.churned_at.notnull() & accounts.account_id.right(1).isin(["1", "3", "5", "7", "9"])
    trapped = accounts.mutate(lead_source=ibis.ifelse(is_trap, "win-back list", accounts.lead_source))
    resolved = plain(load(ROOT / "configs" / "health.yaml", health.Config, ROOT))
    return gather(take(replace(made, tables={**made.tables, "accounts": trapped}), date(2026, 9, 30)), CONFIG, resolved)


@pytest.fixture(scope="module")
def inputs(evidence):
    return health_proof.inputs_of(evidence, CONFIG)


@pytest.fixture(scope="module")
def result(inputs):
    return health_proof.analyze(inputs, CONFIG)


@pytest.fixture(scope="module")
def readings(inputs):
    found = read(inputs.evidence, inputs.scored, inputs.learned, CONFIG)
    return {reading.line.name.value: reading for reading in found if reading.scorecard == "default"}


@pytest.fixture(scope="module")
def chances(evidence):
    """The probability of a loss that the simulator drew each renewal with."""
    truth = make_contracts(make_world(BookSize(), 0)).truth.set_index("renewal_id").loc[evidence.rows["unit_id"]]
    assert truth["is_lost"].tolist() == evidence.is_event.tolist()
    return truth["p_churned"].to_numpy()


def test_use_which_follows_the_planted_engagement_is_found_to_drive_losses(result):
    weights = result.tables["weights"].set_index(["scorecard", "measure"])["suggested_percent"].loc["default"]
    of_use = weights[["query_count", "usage_minutes", "feature_breadth"]]
    assert (of_use > 0).all()
    assert of_use.sum() > 50
    # Nothing planted ties how long ago somebody was in touch to a loss.
    assert weights["days_since_contact"] == 0


def test_the_challenger_is_near_what_the_simulator_itself_can_tell(readings, chances):
    reading = readings["cross_validation"]
    attainable = auc(ranked(chances[reading.rows], reading.proof.rows.is_event))
    assert reading.measure(reading.challenger).value == pytest.approx(attainable, abs=0.03)


def test_out_of_time_the_challenger_tells_what_the_measures_hold(evidence, readings, chances):
    # Who knew the simulator's probabilities could learn this much from the same measures: their regression on ranks.
    frame = challenger_frame(evidence)
    ranks, gaps = frame.rank(pct=True), frame.isna()
    design = np.column_stack([np.ones(len(frame)), ranks.fillna(0.5), gaps.loc[:, gaps.any()]]).astype(float)
    logit = np.log(chances / (1 - chances))
    told = design @ np.linalg.lstsq(design, logit, rcond=None)[0]
    reading = readings["forward"]
    held = auc(ranked(told[reading.rows], reading.proof.rows.is_event))
    assert reading.measure(reading.challenger).value == pytest.approx(held, abs=0.03)


def test_a_column_that_was_written_over_after_the_loss_is_named_and_nobody_uses_it(result):
    suspected = result.tables["leaks"].query("is_suspected")
    assert suspected[["column", "suspicion", "used_by"]].to_numpy().tolist() == [
        ["lead_source", "today_only", "nothing"]
    ]
    assert "suspected_leak_unused" in {caveat.code for caveat in result.caveats}


def test_a_scorecard_of_shuffled_measures_is_not_shown_to_predict(evidence):
    order = np.random.default_rng(20260930).permutation(len(evidence.rows))

    def shuffled(frame, columns):
        return frame.assign(**{name: frame[name].iloc[order].set_axis(frame.index) for name in columns})

    measures = evidence.columns.of_card["default"].values()
    made = replace(
        evidence,
        known=shuffled(evidence.known, measures),
        carried={name: shuffled(frame, frame.columns) for name, frame in evidence.carried.items()},
        cards=replace(evidence.cards, proved=("default",)),
    )
    found = health_proof.analyze(health_proof.inputs_of(made, CONFIG), CONFIG)
    assert found.tables["stamps"].iloc[0]["stamp"] == "not_shown"


def test_nothing_is_known_too_early_and_no_account_teaches_what_it_tests(result):
    assert result.figures["asof_violations"].value == 0
    assert result.figures["accounts_on_both_sides"].value == 0


def test_what_is_open_is_left_out_and_said(evidence, result):
    renewals = pd.read_csv(ROOT / "data" / "samples" / "renewals.csv").set_index("renewal_id")
    assert (renewals.loc[evidence.rows["unit_id"], "outcome"] != "open").all()
    assert evidence.open_units > 0
    assert "open_units" in {caveat.code for caveat in result.caveats}
