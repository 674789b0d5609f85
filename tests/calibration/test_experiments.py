"""Tests of experiments hold what they promise on simulated accounts: quick here, in full with make calibrate.

Contacts of an account share its rate (beta, intra-account correlation ICC); accounts have 1 to some 80 contacts (mean
12, coefficient of variation near 1). Every row prints the rate and its Monte-Carlo error.
"""

import math

import numpy as np
import pytest
from scipy.stats import norm

from csworkbench.estimates import Estimate
from csworkbench.inference.accounts import AccountSums
from csworkbench.inference.contacts import within_accounts
from csworkbench.inference.design import Pilot, Plan, accounts_needed, power_of, smallest_effect
from csworkbench.inference.effects import Method, delta_t, judge, method_for
from csworkbench.inference.multiplicity import benjamini_hochberg, holm
from csworkbench.inference.permutation import arrangements, permutation_test, ratio_test
from csworkbench.inference.power import Demand
from csworkbench.inference.sample_ratio import RatioState, sample_ratio
from csworkbench.inference.sequential import confidence_sequence, spending_bounds

SEED = 20261122
MEAN_SIZE, BASE, ICC = 12, 0.2, 0.1
VARIATION = math.sqrt(11 + 11**2) / MEAN_SIZE  # a geometric count of mean 12 has variance 12 x 11


def tiers(quick, full):
    return pytest.mark.parametrize("reps", [quick, pytest.param(full, marks=pytest.mark.calibration)])


def mc_error(rate, reps):
    return math.sqrt(rate * (1 - rate) / reps)


def say(row, rate, reps):
    print(f"{row}: {rate:.4f} +- {mc_error(rate, reps):.4f} over {reps}")


def accounts(rng, number, control=BASE, variant=BASE, icc=ICC):
    """Accounts in two arms of equal number with the rates of their arms."""
    arm = np.arange(number) % 2
    size = rng.geometric(1 / 12, number)
    mean = np.where(arm == 1, variant, control)
    share = rng.beta(mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1))
    return AccountSums(arm, rng.binomial(size, share).astype(float), size.astype(float))


@tiers(1000, 5000)
@pytest.mark.parametrize("number", [12, 20, 40, 100, 400])
def test_a_true_null_is_rejected_as_often_as_said(number, reps):
    rng = np.random.default_rng([SEED, number])
    every = arrangements(np.arange(number) % 2) if number == 12 else None
    rejected = untold = 0
    for rep in range(reps):
        sums = accounts(rng, number)
        ways = every or (arrangements(sums.arm, draws=199, seed=rep) if number < 200 else None)
        found = judge(sums, ways=ways)
        if hasattr(found, "p"):
            rejected += found.p <= 0.05
        else:
            untold += 1
    assert untold <= 0.01 * reps  # no account had the outcome
    rate = rejected / reps
    say(f"type I, {number} accounts, {method_for([number // 2] * 2)}", rate, reps)
    assert abs(rate - 0.05) <= 3 * mc_error(0.05, reps)
    assert reps < 5000 or rate <= 0.06


@tiers(400, 5000)
@pytest.mark.parametrize("number", [40, 100, 400])
@pytest.mark.parametrize("lift", [0.0, 0.2])
def test_intervals_cover_the_true_effect_as_often_as_said(number, lift, reps):
    rng = np.random.default_rng([SEED, number, int(10 * lift)])
    truth, covered, covered_relative = BASE * lift, 0, 0
    is_large = method_for([number // 2] * 2) is Method.DELTA_T
    for rep in range(reps):
        sums = accounts(rng, number, variant=BASE + truth)
        if is_large:
            found = delta_t(sums)
            low, high = found.interval(0.95)
            relative = found.relative(0.95)
            covered += low <= truth <= high
            covered_relative += relative.low <= lift <= relative.high
        else:
            # An interval by inversion holds the effects with p above .05, so one p-value says whether it covers.
            ways = arrangements(sums.arm, draws=199, seed=rep)
            covered += permutation_test(sums, ways).p(truth) > 0.05
            covered_relative += ratio_test(sums, ways).p(1 / (1 + lift)) > 0.05
    most, slack = (0.96 if is_large else 0.97), 0.0 if reps >= 5000 else 3 * mc_error(0.95, reps)
    for name, count in (("absolute", covered), ("relative", covered_relative)):
        say(f"coverage, {number} accounts, lift {lift:.0%}, {name}", count / reps, reps)
        assert 0.94 - slack <= count / reps <= most + slack


@tiers(400, 4000)
@pytest.mark.parametrize(
    ("number", "variant", "icc", "band"), [(200, 0.26, 0.05, 0.03), (400, 0.25, 0.1, 0.03), (60, 0.3, 0.1, 0.06)]
)
def test_the_closed_form_of_power_is_that_of_simulation(number, variant, icc, band, reps):
    rng = np.random.default_rng([SEED, number])
    pilot = Pilot(BASE, 0.4, MEAN_SIZE, VARIATION, Estimate(icc, "share", number), is_share=True)
    promised = power_of(pilot, variant - BASE, number, Plan())
    found = 0
    for rep in range(reps):
        sums = accounts(rng, number, variant=variant, icc=icc)
        ways = arrangements(sums.arm, draws=999, seed=rep) if number < 200 else None
        found += judge(sums, ways=ways).p <= 0.05
    say(f"power, {number} accounts, {BASE} to {variant}, ICC {icc}, closed form {promised:.3f}", found / reps, reps)
    assert abs(found / reps - promised) <= band + (0 if reps >= 4000 else 3 * mc_error(promised, reps))


def test_a_thousand_pilots_have_an_answer():
    rng = np.random.default_rng(SEED)
    for _ in range(1000):
        is_share = bool(rng.random() < 0.5)
        pilot = Pilot(
            rng.uniform(0.001, 0.999) if is_share else rng.normal(0, 10),
            10 ** rng.uniform(-3, 3),
            10 ** rng.uniform(0, 3),
            rng.uniform(0, 3),
            Estimate(rng.uniform(0, 1), "share", 10),
            rng.uniform(-0.99, 0.99),
            is_share,
        )
        plan = Plan(Demand(rng.uniform(0.8, 0.999), rng.uniform(0.5, 0.99)), rng.uniform(0.05, 0.95))
        number = int(10 ** rng.uniform(1, 6))
        effect = smallest_effect(pilot, number, plan)
        if not isinstance(effect, float):
            assert effect.code == "out_of_reach"
            continue
        assert 0 < effect < math.inf
        side = -1 if is_share and pilot.value > 0.5 else 1
        needed = accounts_needed(pilot, side * effect, plan)
        assert needed <= max(number, plan.least) + 1


LOOKS, PLANNED = 20, 1000


def looks(rng, reps, variant):
    """Differences and standard errors of the ratio at 20 looks at growing numbers of accounts, one row per world."""
    arm = np.arange(PLANNED) % 2
    size = rng.geometric(1 / 12, (reps, PLANNED)).astype(float)
    mean = np.where(arm == 1, variant, BASE)
    share = rng.beta(mean * 9, (1 - mean) * 9, (reps, PLANNED))
    total = rng.binomial(size.astype(int), share).astype(float)
    value, variance = 0.0, 0.0
    ends = np.arange(PLANNED // LOOKS, PLANNED + 1, PLANNED // LOOKS) - 1
    for side, sign in ((1, 1), (0, -1)):
        kept = arm == side
        sums = [np.cumsum(each * kept, axis=1)[:, ends] for each in (total, size, total**2, total * size, size**2)]
        y, n, yy, yn, nn = sums
        ratio, count = y / n, np.cumsum(kept)[ends]
        value = value + sign * ratio
        variance = variance + (yy - 2 * ratio * yn + ratio**2 * nn) * count / (count - 1) / n**2
    return value, np.sqrt(variance), ends + 1


@tiers(1000, 5000)
def test_looking_twenty_times_raises_no_more_alarms_than_said(reps):
    rng = np.random.default_rng(SEED)
    value, error, numbers = looks(rng, reps, BASE)
    z = np.abs(value / error)
    naive = (z > 1.96).any(axis=1).mean()
    planned = (z > np.array(spending_bounds(numbers / PLANNED))).any(axis=1).mean()
    always = stopped(value, error, numbers).mean()
    for name, rate in (("naive", naive), ("planned", planned), ("continuous", always)):
        say(f"peeking, {LOOKS} looks, {name}", rate, reps)
    assert naive > 0.15
    assert always <= 0.05
    assert abs(planned - 0.05) <= 3 * mc_error(0.05, reps)


@tiers(300, 2000)
def test_looking_always_keeps_most_of_the_power(reps):
    rng = np.random.default_rng(SEED + 1)
    value, error, numbers = looks(rng, reps, BASE + 0.04)
    fixed = (np.abs(value / error)[:, -1] > norm.isf(0.025)).mean()
    always = stopped(value, error, numbers).mean()
    say(f"power of looking always beside {fixed:.3f} of one look", always, reps)
    assert always >= 0.6 * fixed


def stopped(value, error, numbers):
    """Whether the confidence sequence left out 0 at any look, per world; below 100 units it says nothing."""
    found = np.zeros(len(value), dtype=bool)
    for look, n in enumerate(numbers):
        one = confidence_sequence(0.0, 1.0, int(n), PLANNED)
        if n >= 100:
            found |= np.abs(value[:, look]) > one.high * error[:, look]
    return found


@tiers(500, 2000)
def test_many_metrics_together_err_as_rarely_as_said(reps):
    # Twelve metrics correlated .5, six with a true effect of three standard errors.
    rng = np.random.default_rng(SEED)
    truth = np.repeat([0.0, 3.0], 6)
    family = false = 0.0
    for _ in range(reps):
        z = math.sqrt(0.5) * rng.normal() + math.sqrt(0.5) * rng.normal(size=12) + truth
        p = 2 * norm.sf(np.abs(z))
        family += (np.array(holm(p).p)[:6] < 0.05).any()
        claimed = np.array(benjamini_hochberg(p).p) < 0.05
        false += claimed[:6].sum() / max(1, claimed.sum())
    say("Holm, any false claim", family / reps, reps)
    say("Benjamini-Hochberg, share of false claims", false / reps, reps)
    assert family / reps <= 0.05 + 3 * mc_error(0.05, reps)
    assert false / reps <= 0.05 + 3 * mc_error(0.05, reps)


@tiers(500, 2000)
def test_a_sample_ratio_blocks_what_is_broken_and_nothing_else(reps):
    rng = np.random.default_rng(SEED)

    def state(share):
        return [sample_ratio([n, 50_000 - n], [1, 1]).state for n in rng.binomial(50_000, share, reps)]

    alarms = state(0.5).count(RatioState.BLOCK) / reps
    broken = state(0.51)
    found = 1 - broken.count(RatioState.OK) / reps
    say("sample ratio, blocked at 50 to 50", alarms, reps)
    say("sample ratio, warned or blocked at 51 to 49", found, reps)
    say("sample ratio, blocked at 51 to 49", broken.count(RatioState.BLOCK) / reps, reps)
    assert alarms <= 0.001 + (0.002 if reps >= 2000 else 3 * mc_error(0.001, reps))
    # Two units of a hundred are 4.47 errors: beyond 2.58 (p .01) 97 % of the time, beyond 3.29 (p .001) 88 %.
    assert found >= 0.95


@tiers(500, 2000)
def test_a_true_null_within_accounts_is_rejected_as_often_as_said(reps):
    rng = np.random.default_rng(SEED)
    rejected = 0
    for rep in range(reps):
        account = np.repeat(np.arange(20), rng.geometric(1 / 12, 20) + 1)
        outcome = (rng.random(len(account)) < rng.beta(1.8, 7.2, 20)[account]).astype(float)
        found = within_accounts(account, outcome, rng.integers(0, 2, len(account)), draws=199, seed=rep)
        rejected += found.p <= 0.05
    say("type I, contacts within 20 accounts", rejected / reps, reps)
    assert abs(rejected / reps - 0.05) <= 3 * mc_error(0.05, reps)
