"""Calibrated forecasts of renewals pass their test, and quarters fall into their intervals as often as said.

Quick here, in full with make calibrate. Every row prints its rate with the Monte-Carlo error.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from csworkbench.analyses.renewals.simulating import Pool, bounds, simulate
from csworkbench.inference.calibration import Calibration, calibration_test
from csworkbench.inference.models import fit
from csworkbench.inference.parameters import coefficient_draws, risk_draws
from csworkbench.inference.shocks import shocks_of

DRAWS = 400
RATIOS = np.repeat([0.7, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.4], 50)


def rows(*cases):
    """Each case with its quick repetitions, and with its full ones for make calibrate."""
    return [
        pytest.param(*case[:-2], reps, marks=marks)
        for case in cases
        for reps, marks in ((case[-2], ()), (case[-1], pytest.mark.calibration))
    ]


def told(name, rate, nominal, reps):
    error = np.sqrt(nominal * (1 - nominal) / reps)
    print(f"{name}: {rate:.4f} +- {error:.4f} over {reps}")
    return error


def renewals(rng, n):
    """What is known of renewals: two measures, the amount due, the account; two renewals an account."""
    accounts = np.repeat(np.arange(n // 2), 2)
    measures = rng.standard_normal((n // 2, 2))[accounts]
    return accounts, measures, np.exp(rng.normal(8, 1, n))


def p_renew(measures, shock=0.0):
    return expit(1.7 + 0.8 * measures[:, 0] + shock)


# --- the test of past forecasts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "reps"), rows((200, 1000, 5000), (300, 1000, 5000), (1000, 400, 5000)))
def test_calibrated_forecasts_are_rejected_in_5_of_100_worlds(n, reps):
    rng = np.random.default_rng(20261122)
    rejected = 0
    for _ in range(reps):
        accounts, measures, _ = renewals(rng, n)
        said = p_renew(measures)
        test = calibration_test(said, rng.random(n) < said, accounts)
        rejected += test.verdict not in (Calibration.CALIBRATED, Calibration.TOO_FEW)
    error = told(f"calibrated forecasts, n {n}, rejected", rejected / reps, 0.05, reps)
    assert rejected / reps <= 0.05 + 3 * error


@pytest.mark.parametrize(
    ("n", "bias", "power", "reps"),
    rows((150, 0.1, 0.55, 300, 5000), (300, 0.1, 0.9, 300, 5000), (700, 0.05, 0.7, 300, 5000)),
)
def test_forecasts_that_are_too_optimistic_are_found(n, bias, power, reps):
    rng = np.random.default_rng(20261122)
    found = 0
    for _ in range(reps):
        accounts, measures, _ = renewals(rng, n)
        said = p_renew(measures)
        came = rng.random(n) < said - bias
        found += calibration_test(said, came, accounts).verdict is Calibration.TOO_OPTIMISTIC
    told(f"forecasts {bias:.0%} too high, n {n}, found", found / reps, power, reps)
    assert found / reps >= power


# --- the interval of a quarter ----------------------------------------------------------------------------------------


def covered(rng, deviation, quarters, *, with_shocks=True, n=100):
    """Whether the number kept and the amount of a new quarter fall into their intervals, the past being known."""
    past = []
    for _ in range(quarters):
        _, measures, _ = renewals(rng, n)
        said = p_renew(measures)
        kept = rng.random(n) < p_renew(measures, deviation * rng.standard_normal())
        past.append((kept.sum() - said.sum(), (said * (1 - said)).sum(), 0.0))
    shocks = shocks_of(*np.array(past).reshape(-1, 3).T) if with_shocks else None
    _, measures, amount = renewals(rng, n)
    drawn = simulate(
        np.tile(p_renew(measures), (DRAWS, 1)),
        amount,
        Pool(RATIOS, np.ones(len(RATIOS))),
        shocks,
        int(rng.integers(2**31)),
    )
    kept = rng.random(n) < p_renew(measures, deviation * rng.standard_normal())
    low, high = bounds(drawn.kept, 0.95)
    least, most = bounds(drawn.amounts.sum(axis=1), 0.95)
    came = (kept * amount * rng.choice(RATIOS, n)).sum()
    return low <= kept.sum() <= high, least <= came <= most


@pytest.mark.parametrize(
    ("deviation", "quarters", "reps"),
    rows((0.0, 7, 300, 3000), (0.3, 7, 400, 3000), (0.5, 7, 400, 3000), (0.5, 4, 300, 3000)),
)
def test_quarters_with_a_common_shock_fall_into_their_intervals(deviation, quarters, reps):
    rng = np.random.default_rng(20261122)
    counts, amounts = np.mean([covered(rng, deviation, quarters) for _ in range(reps)], axis=0)
    name = f"shock sd {deviation}, {quarters} past quarters, covered"
    error = told(f"{name}, number kept", counts, 0.95, reps)
    told(f"{name}, amount", amounts, 0.95, reps)
    # Without a shock, intervals that allow for one are wide: they may cover all but never too little.
    assert 0.90 - 3 * error <= min(counts, amounts)
    if deviation:
        assert max(counts, amounts) <= 0.98 + 3 * error


@pytest.mark.parametrize(("deviation", "reps"), rows((0.5, 400, 3000)))
def test_independent_draws_are_too_narrow_where_a_shock_is_shared(deviation, reps):
    rng = np.random.default_rng(20261122)
    counts, _ = np.mean([covered(rng, deviation, 7, with_shocks=False) for _ in range(reps)], axis=0)
    told(f"shock sd {deviation}, independent draws, covered, number kept", counts, 0.95, reps)
    assert counts < 0.85


def learned_and_covered(rng, deviation, quarters=7, n=100):
    """Whether the number kept falls into the interval of a model that was learned from the past quarters."""
    past = [renewals(rng, n) for _ in range(quarters)]
    came = [rng.random(n) < p_renew(measures, deviation * rng.standard_normal()) for _, measures, _ in past]
    columns = ["first", "second"]

    def taught(until):
        frame = pd.DataFrame(np.concatenate([measures for _, measures, _ in past[:until]]), columns=columns)
        lost = ~np.concatenate(came[:until])
        accounts = np.concatenate([each + n * number for number, (each, _, _) in enumerate(past[:until])])
        accounts = pd.factorize(accounts)[0]
        model = fit("logistic", frame, lost, accounts, by_rank=True)
        drawn = coefficient_draws(model, frame, lost, accounts, draws=DRAWS, seed=int(rng.integers(2**31)))
        return lambda measures: 1 - risk_draws(model, drawn, pd.DataFrame(measures, columns=columns))

    missed = []
    for quarter in range(2, quarters):
        said = taught(quarter)(past[quarter][1])
        mean = said.mean(axis=0)
        missed.append((came[quarter].sum() - mean.sum(), (mean * (1 - mean)).sum(), said.sum(axis=1).var()))
    _, measures, amount = renewals(rng, n)
    drawn = simulate(
        taught(quarters)(measures),
        amount,
        Pool(RATIOS, np.ones(len(RATIOS))),
        shocks_of(*np.array(missed).T),
        int(rng.integers(2**31)),
    )
    kept = rng.random(n) < p_renew(measures, deviation * rng.standard_normal())
    low, high = bounds(drawn.kept, 0.95)
    return low <= kept.sum() <= high


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("deviation", "reps"), rows((0.3, 6, 150), (0.5, 6, 150)))
def test_quarters_of_a_learned_model_fall_into_their_intervals(deviation, reps):
    rng = np.random.default_rng(20261122)
    rate = np.mean([learned_and_covered(rng, deviation) for _ in range(reps)])
    error = told(f"learned model, shock sd {deviation}, covered, number kept", rate, 0.95, reps)
    assert 0.90 - 3 * error <= rate <= 0.98 + 3 * error


# --- the parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "reps"), rows((600, 30, 600)))
def test_the_probability_of_a_renewal_lies_in_its_interval_as_often_as_said(n, reps):
    rng = np.random.default_rng(20261122)
    wanted = pd.DataFrame({"first": [-1.0, 0.0, 1.0]})
    hits = np.zeros(3)
    for _ in range(reps):
        accounts, measures, _ = renewals(rng, n)
        frame = pd.DataFrame({"first": measures[:, 0]})
        lost = rng.random(n) > p_renew(measures)
        model = fit("logistic", frame, lost, accounts)
        drawn = risk_draws(model, coefficient_draws(model, frame, lost, accounts, draws=DRAWS, seed=1), wanted)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        truth = 1 - expit(1.7 + 0.8 * wanted["first"].to_numpy())
        hits += (low <= truth) & (truth <= high)
    for place, rate in zip(wanted["first"], hits / reps, strict=True):
        error = told(f"risk at {place:+.0f} SD, n {n}, covered", rate, 0.95, reps)
        assert rate >= 0.90 - 3 * error


def test_a_logit_of_a_probability_of_one_is_finite():
    drawn = simulate(np.ones((200, 1)), np.ones(1), Pool(np.ones(1), np.ones(1)), shocks_of(*np.empty((3, 0))), 1)
    assert np.isfinite(drawn.amounts).all()
    assert logit(0.5) == 0
