"""Comparisons of plans hold what they promise on simulated accounts: quick here, in full with make calibrate.

Accounts return to their usual level by themselves (reliability .6); plans start among the lowest 30 % and do nothing.
Every row prints its rates and their Monte-Carlo error.
"""

import numpy as np
import pandas as pd
import pytest

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.adjustment.pooling import pool
from csworkbench.adjustment.scoping import scope
from csworkbench.errors import AnalysisError
from tests.adjustment.plan_books import episodes, returning

SEED = 20261122


def tiers(quick, full):
    return pytest.mark.parametrize("reps", [quick, pytest.param(full, marks=pytest.mark.calibration)])


def mc_error(rate, reps):
    return np.sqrt(rate * (1 - rate) / reps)


RECOMMENDED = {
    "ANCOVA on two windows, all bands": (CompareRules(matches=0, max_smd=1e6), True),
    "ANCOVA within the band": (CompareRules(matches=0), False),
    "matched within the band": (CompareRules(), False),
}


@tiers(150, 2000)
@pytest.mark.parametrize("name", RECOMMENDED)
def test_what_comes_back_by_itself_is_no_effect(name, reps):
    rules, is_one_band = RECOMMENDED[name]
    rng = np.random.default_rng([SEED, len(name)])
    values, rejected = [], 0
    for _ in range(reps):
        book = returning(rng)
        found = compare(book.assign(band="all") if is_one_band else book, rules)
        values.append(found.average.value)
        rejected += found.p <= 0.05
    bias, error, rate = np.mean(values), np.std(values) / np.sqrt(reps), rejected / reps
    print(
        f"RTM, {name}: bias {bias:+.4f} +- {error:.4f} SD, rejects {rate:.4f} +- {mc_error(0.05, reps):.4f} over {reps}"
    )
    slack = 0.0 if reps >= 2000 else 3.0
    assert abs(bias) <= 0.02 + slack * error
    assert rate <= 0.065 + slack * mc_error(0.05, reps)


@tiers(60, 2000)
def test_naive_comparisons_are_refused(reps):
    rng = np.random.default_rng([SEED, 2])
    phantom, rejected = [], 0
    for _ in range(reps):
        book = returning(rng)
        level = ((book["before_1"] + book["before_2"]) / 2).to_numpy()
        is_plan, is_after = np.tile(book["is_plan"], 2), np.repeat([False, True], len(book))
        rows = np.r_[level, book["after"]], is_plan, is_after
        naive = change_beyond_others(*rows, accounts=np.tile(np.arange(len(book)), 2), max_smd=None)
        phantom.append(naive.value)
        rejected += naive.p <= 0.05
        with pytest.raises(AnalysisError, match="accounts of the same band"):
            change_beyond_others(*rows)
    print(f"RTM, DiD against all: {np.mean(phantom):+.3f} SD, rejects {rejected / reps:.3f}; refused {reps} of {reps}")
    assert np.mean(phantom) > 0.2
    assert rejected / reps > 0.6
    assert {design.value for design in Design}.isdisjoint({"before_after", "difference"})


@tiers(150, 2000)
@pytest.mark.parametrize(("plans", "controls"), [(12, 12), (60, 15)])
def test_a_lottery_that_draws_nothing_finds_nothing(plans, controls, reps):
    rng = np.random.default_rng([SEED, plans])
    rejected, values = 0, []
    for rep in range(reps):
        n = plans + controls
        lasting = rng.normal(0, np.sqrt(0.6), n)
        older, newer, after = lasting + rng.normal(0, np.sqrt(0.4), (3, n))
        is_plan = rng.permutation(np.arange(n) < plans)
        book = episodes(is_plan, older, newer, after, lottery="spring", is_waiting=~is_plan)
        found = compare(book, CompareRules(seed=rep, draws=199))
        assert found.design is Design.LOTTERY
        rejected += found.p <= 0.05
        values.append(found.average.value)
    rate, error = rejected / reps, mc_error(0.05, reps)
    print(
        f"lottery {plans}:{controls}, null: rejects {rate:.4f} +- {error:.4f}, bias {np.mean(values):+.4f} over {reps}"
    )
    assert rate <= 0.065 + (0 if reps >= 2000 else 3) * mc_error(0.05, reps)


@tiers(100, 1000)
@pytest.mark.parametrize(("plans", "controls"), [(60, 25), (6, 60)])
def test_the_pooled_interval_knows_that_plans_share_their_controls(plans, controls, reps):
    rng = np.random.default_rng([SEED, plans, controls])
    covered = known = told = 0
    for rep in range(reps):
        n = plans + controls
        older, newer, after = rng.normal(0, np.sqrt(0.6), n) + rng.normal(0, np.sqrt(0.4), (3, n))
        found = compare(
            episodes(np.arange(n) < plans, older, newer, after + 0.3 * (np.arange(n) < plans)), CompareRules(seed=rep)
        )
        pooled = pool(found.effects)
        if pooled is None:  # no account near in level: said, not guessed
            continue
        told += 1
        covered += pooled.low <= 0.3 <= pooled.high
        known += found.average.low <= 0.3 <= found.average.high
    assert told >= 0.9 * reps
    rates, error = (covered / told, known / told), mc_error(0.95, told)
    print(
        f"{plans} plans, {controls} controls: mu covered {rates[0]:.4f}, average {rates[1]:.4f} +- {error:.4f}, {told}"
    )
    slack = 0.0 if reps >= 1000 else 3 * mc_error(0.95, reps)
    assert min(rates) >= 0.93 - slack


@tiers(50, 2000)
@pytest.mark.parametrize("number", [6, 11, 30])
@pytest.mark.parametrize("tau", [0.0, 1.0, "drawn between"])
def test_intervals_of_accounts_and_of_the_playbook_cover(number, tau, reps):
    rng = np.random.default_rng([SEED, number, len(str(tau))])
    accounts, mu, knapp = [], 0, 0
    for _ in range(reps):
        error = rng.uniform(0.7, 1.3, number)
        spread = rng.random() if tau == "drawn between" else tau
        truth = 0.4 + spread * rng.standard_normal(number)
        pooled = pool(effects(truth + error * rng.standard_normal(number), error))
        accounts.append(((pooled.accounts["low"] <= truth) & (truth <= pooled.accounts["high"])).mean())
        mu += pooled.low <= 0.4 <= pooled.high
        knapp += pooled.knapp[0] <= 0.4 <= pooled.knapp[1]
    rate, mu_rate, error = np.mean(accounts), mu / reps, np.std(accounts) / np.sqrt(reps)
    print(
        f"hierarchy, {number} plans, tau {tau}: accounts {rate:.4f} +- {error:.4f}, mu {mu_rate:.4f} +- "
        f"{mc_error(0.95, reps):.4f}, Hartung-Knapp {knapp / reps:.4f} over {reps}"
    )
    slack = 0.0 if reps >= 2000 else 3.0
    assert rate >= (0.94 if tau == "drawn between" else 0.92) - slack * error
    # Where accounts do not differ at all, a prior that lets them differ gives intervals that are too wide.
    assert rate <= 0.99 + slack * error or tau == 0
    assert mu_rate >= 0.93 - slack * mc_error(0.95, reps)
    # With few plans a flat tau makes the pool's interval of mu wide; Hartung and Knapp's is held to both ends.
    assert 0.93 - slack * mc_error(0.95, reps) <= knapp / reps <= 0.99 + slack * mc_error(0.99, reps)


@tiers(200, 500)
@pytest.mark.parametrize("interaction", [0.0, 1.0])
def test_a_declared_trait_is_found_where_it_matters_and_only_there(interaction, reps):
    rng = np.random.default_rng([SEED, int(interaction)])
    found = 0
    for _ in range(reps):
        is_inside = rng.permutation(np.arange(90) < 45)
        rows = effects(0.5 + interaction * is_inside + rng.standard_normal(90), np.full(90, 0.8))
        result = scope(rows, pd.Series(is_inside, index=rows["episode_id"]))
        assert not result.is_candidate
        found += result.p <= 0.05
    rate, error = found / reps, mc_error(max(found / reps, 0.05), reps)
    print(f"scope, interaction {interaction} SD at 90 plans: told {rate:.4f} +- {error:.4f} over {reps}")
    slack = (0 if reps >= 500 else 3) * mc_error(0.05, reps)
    assert rate >= 0.9 if interaction else rate <= 0.065 + slack


def effects(values, errors):
    names = [f"e{i}" for i in range(len(values))]
    return pd.DataFrame(
        {"episode_id": names, "account_id": names, "effect": values, "standard_error": errors, "shared_error": 0.0}
    )
