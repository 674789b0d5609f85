"""Published figures of experiments: rows V1 to V6, V10 to V12 and V15 of the reference ladder."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt
from causaldata import cps_mixtape, nsw_mixtape
from statsmodels.regression.linear_model import OLS

from csworkbench.estimates import Estimate
from csworkbench.inference.accounts import AccountSums, with_covariate
from csworkbench.inference.design import Pilot, Plan, accounts_needed
from csworkbench.inference.effects import ancova, compare, delta_t
from csworkbench.inference.multiplicity import holm
from csworkbench.inference.power import Demand, units_for_difference
from csworkbench.inference.sample_ratio import RatioState, sample_ratio
from csworkbench.inference.sequential import confidence_sequence, spending_bounds
from tests.analyses.test_email_touch import ARMS as OLD_AND_NEW
from tests.analyses.test_email_touch import KNOWN, facts, plan, read, verdict

HILLSTROM = Path(__file__).resolve().parents[3] / "shared" / "data" / "hillstrom.csv"
needs_hillstrom = pytest.mark.skipif(not HILLSTROM.exists(), reason=f"{HILLSTROM.name} is not in ../shared/data")


def means(outcome, arm):
    return AccountSums(np.asarray(arm), np.asarray(outcome, float), np.ones(len(arm)))


# --- V1, V3: National Supported Work, 185 trained men and 260 controls, earnings of 1978 in dollars -------------------


@pytest.fixture(scope="module")
def trained():
    return nsw_mixtape.load_pandas().data


def test_v1_training_raised_earnings_by_1794_dollars(trained):
    # Dehejia and Wahba; Cunningham, Mixtape: 1,794; the interval by Welch's t.
    found = compare(means(trained["re78"], trained["treat"].astype(int))).effect
    assert found.value == pytest.approx(1794.34, abs=0.005)
    assert found.error == pytest.approx(670.997, abs=5e-4)
    assert found.interval(0.95) == pytest.approx((474.01, 3114.67), abs=0.005)
    assert found.p == pytest.approx(0.00789, abs=5e-6)
    # Least squares without robust errors would say 632.853.
    frame = np.column_stack([np.ones(len(trained)), trained["treat"]]).astype(float)
    assert OLS(trained["re78"].to_numpy(float), frame).fit().bse[1] == pytest.approx(632.853, abs=5e-4)


def test_v2_people_who_were_not_drawn_by_lot_give_a_stop_and_no_effect(trained):
    # Those who were trained beside 15,992 of the Current Population Survey; Cunningham, Mixtape: -8,498.
    both = pd.concat([trained[trained["treat"] == 1], cps_mixtape.load_pandas().data])
    arm = both["treat"].astype(int).to_numpy()
    naive = compare(means(both["re78"], arm)).effect
    assert naive.value == pytest.approx(-8497.5, abs=0.05)
    known = facts({"old": both.loc[arm == 0, "re78"], "new": both.loc[arm == 1, "re78"]}, sizes=1)
    known.metrics["clicked"]["pre_total"] = [*both.loc[arm == 0, "re75"], *both.loc[arm == 1, "re75"]]
    known.metrics["clicked"]["pre_size"] = 1.0
    # A lot that gave such shares on purpose: the numbers of the arms say nothing.
    arms = [arm | {"weight": weight} for arm, weight in zip(OLD_AND_NEW, (864, 10), strict=True)]
    result = read(plan(KNOWN, arms=arms), known)
    assert verdict(result) == ["blocked"]
    assert result.figures["effect"].value is None


def test_v3_earnings_of_1975_as_a_covariate(trained):
    sums, _ = with_covariate(
        means(trained["re78"], trained["treat"].astype(int)), trained["re75"].to_numpy(float), np.ones(len(trained))
    )
    cuped, least_squares = delta_t(sums), ancova(sums, is_interacted=False)
    assert cuped.value == pytest.approx(1747.134, abs=5e-4)
    assert cuped.interval(0.95) == pytest.approx((430.80, 3063.47), abs=0.005)
    assert cuped.p == pytest.approx(0.00945, abs=5e-6)
    assert least_squares.value == pytest.approx(1750.151, abs=5e-4)
    assert least_squares.error == pytest.approx(669.410, abs=5e-4)


# --- V4: Hillstrom's e-mail test, 64,000 customers --------------------------------------------------------------------

ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")


@pytest.fixture(scope="module")
def hillstrom():
    frame = pd.read_csv(HILLSTROM)
    return frame.assign(arm=frame["segment"].map({name: place for place, name in enumerate(ARMS)}))


def of(hillstrom, metric, variant=1):
    return compare(means(hillstrom[metric], hillstrom["arm"]).pair(variant)).effect


@needs_hillstrom
def test_v4_the_arms_have_the_size_they_should(hillstrom):
    sizes = np.bincount(hillstrom["arm"])
    assert sizes.tolist() == [21_306, 21_307, 21_387]
    found = sample_ratio(sizes.tolist(), [1, 1, 1])
    assert (found.chi_square, found.p) == (pytest.approx(0.2025, abs=5e-5), pytest.approx(0.9037, abs=5e-5))
    assert found.state is RatioState.OK


@needs_hillstrom
@pytest.mark.parametrize(
    ("metric", "mens", "nobody", "womens"),
    [
        ("visit", 0.182757, 0.106167, 0.151400),
        ("conversion", 0.012531, 0.005726, 0.008837),
        ("spend", 1.422617, 0.652789, 1.077202),
    ],
)
def test_v4_values_of_the_arms(hillstrom, metric, mens, nobody, womens):
    one, two = (of(hillstrom, metric, variant) for variant in (1, 2))
    values = one.value_variant, one.value_control, two.value_variant
    assert values == pytest.approx((mens, nobody, womens), abs=1e-6)


@needs_hillstrom
@pytest.mark.parametrize(
    ("metric", "effect", "low", "high"),
    [
        ("visit", 0.076590, 0.069953, 0.083226),
        ("conversion", 0.006805, 0.005, 0.00861),
        ("spend", 0.769827, 0.48514, 1.054515),
    ],
)
def test_v4_mens_mail_against_none(hillstrom, metric, effect, low, high):
    found = of(hillstrom, metric).estimate("per customer")
    assert (found.value, found.low, found.high) == pytest.approx((effect, low, high), abs=1e-6)


@needs_hillstrom
def test_v4_spend_survives_six_tests(hillstrom):
    metrics = ("visit", "conversion", "spend")
    adjusted = holm([of(hillstrom, metric, variant).p for variant in (1, 2) for metric in metrics]).p
    assert adjusted[2] == pytest.approx(3.49e-7, rel=2e-3)


# --- V5, V6: test vectors of GrowthBook (packages/stats/tests/frequentist/test_tests.py) ------------------------------


def with_moments(total, squares, n):
    """n numbers with that sum and that sum of squares: half a step above the mean, half below, the odd one on it."""
    mean, pairs = total / n, n // 2
    step = math.sqrt((squares - n * mean**2) / (2 * pairs))
    return np.concatenate([np.full(pairs, mean + step), np.full(pairs, mean - step), np.full(n - 2 * pairs, mean)])


def test_v5_means():
    control, variant = with_moments(1396.87, 52377.9767, 3407), with_moments(2422.7, 134698.29, 3461)
    found = delta_t(means(np.concatenate([control, variant]), np.repeat([0, 1], [3407, 3461])))
    assert found.value == pytest.approx(0.29, abs=5e-6)
    assert found.interval(0.95) == pytest.approx((0.04538, 0.53462), abs=5e-6)
    assert found.p == pytest.approx(0.0201584, abs=5e-8)
    # The relative interval there is of the plain delta method, ours of the logarithm; the value is the same.
    assert found.relative(0.95).value == pytest.approx(0.70732, abs=5e-6)
    assert found.relative(0.95).low < 0.70732 < found.relative(0.95).high


def test_v5_shares():
    outcome = np.repeat([1.0, 0, 1, 0], [14, 14, 16, 14])
    assert delta_t(means(outcome, np.repeat([0, 1], [28, 30]))).relative(0.95).value == pytest.approx(0.06667, abs=5e-6)


def relative(control, variant):
    """Relative difference and its error by the plain delta method; each arm as its mean and the variance of that."""
    (mean, spread), (other, spread_other) = control, variant
    return other / mean - 1, math.sqrt(spread_other / mean**2 + spread * other**2 / mean**4)


def moments(total, squares, n):
    return total / n, (squares - total**2 / n) / (n - 1) / n


def test_v6_a_mean_that_may_be_looked_at_always():
    value, error = relative(moments(1396.87, 52377.9767, 3000), moments(2422.7, 134698.29, 3461))
    found = confidence_sequence(value, error, 6461, 1000)
    assert (value, found.low, found.high) == pytest.approx((0.50336, -0.55844, 1.56516), abs=5e-6)
    assert found.p == 1


def test_v6_a_share_that_may_be_looked_at_always():
    one, other = 1396 / 3000, 2422 / 3461
    value, error = relative((one, one * (1 - one) / 3000), (other, other * (1 - other) / 3461))
    found = confidence_sequence(value, error, 6461, 5000)
    assert (value, found.low, found.high) == pytest.approx((0.50386, 0.40098, 0.60675), abs=5e-6)


# --- V10: sample ratios -----------------------------------------------------------------------------------------------


def test_v10_the_sample_ratio_of_the_book():
    # Kohavi, Tang and Xu (2020), Trustworthy Online Controlled Experiments: p 1.8e-6.
    found = sample_ratio([821_588, 815_482], [1, 1])
    assert found.chi_square == pytest.approx(22.774, abs=5e-4)
    assert found.p == pytest.approx(1.82e-6, abs=5e-9)
    assert found.state is RatioState.BLOCK
    assert sample_ratio([1000, 1100], [1, 1]).p == pytest.approx(0.0290963, abs=5e-8)


# --- V11: sample sizes ------------------------------------------------------------------------------------------------

ALONE = Estimate(0.0, "share", 100)


@pytest.mark.parametrize(("effect", "per_arm"), [(0.5, 63.77), (0.2, 393.41)])
def test_v11_sizes_for_a_mean(effect, per_arm):
    # G*Power: 64 per arm; ours are whole accounts of both arms together.
    assert accounts_needed(Pilot(0.0, 1.0, 1.0, 0.0, ALONE), effect, Plan()) == math.ceil(2 * per_arm)


def test_v11_sizes_for_a_share():
    # Unpooled 3,838.1 per arm by the normal distribution; Student's t asks for 2 x .96 (= z^2 / 4) accounts more.
    needed = accounts_needed(Pilot(0.1, 0.3, 1.0, 0.0, ALONE, is_share=True), 0.02, Plan())
    assert needed == pytest.approx(2 * (3838.1 + 0.96), abs=1.01)
    assert units_for_difference(0.1, 0.02, 0.5, Demand(0.95, 0.8)) == math.ceil(2 * 3834.6)


# --- V12: planned looks -----------------------------------------------------------------------------------------------


def test_v12_five_planned_looks():
    # Lan and DeMets (1983) with O'Brien-Fleming spending; Jennison and Turnbull (2000).
    bounds = spending_bounds([0.2, 0.4, 0.6, 0.8, 1.0])
    assert bounds == pytest.approx((4.8769, 3.3570, 2.6803, 2.2898, 2.0310), abs=1e-4)


# --- V15: the simulation of tea-tasting's README ----------------------------------------------------------------------


def test_v15_users_of_the_readme():
    users = tt.make_users_data(rng=42, return_type="pandas")
    arm = users["variant"].to_numpy()
    orders = AccountSums(arm, users["orders"].to_numpy(float), users["sessions"].to_numpy(float))
    assert delta_t(orders).p == pytest.approx(0.0762, abs=5e-5)
    assert delta_t(means(users["revenue"], arm)).p == pytest.approx(0.123, abs=5e-4)
