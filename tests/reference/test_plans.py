"""Comparisons of plans against published figures and other libraries.

V7 and V8 use the panel of minimum wages of Callaway and Sant'Anna (`mpdta` of R's did), which moderndid ships.
"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.periods import change_beyond_others
from csworkbench.adjustment.pooling import random_effects
from csworkbench.adjustment.staggered import staggered

# Thirteen trials of the BCG vaccine against tuberculosis: ill and well with the vaccine, ill and well without.
# Colditz et al. (1994), JAMA 271, 698-702; as `dat.bcg` of metafor.
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)


def log_risk_ratios():
    ill, well, ill_without, well_without = BCG.T
    total, total_without = ill + well, ill_without + well_without
    effect = np.log(ill / total) - np.log(ill_without / total_without)
    return effect, 1 / ill - 1 / total + 1 / ill_without - 1 / total_without


def test_v14_bcg_trials_have_the_published_mean_and_variance_between():
    # metafor: DL tau2 .3088, mean -.7141 (SE .1787), Q 152.23; PM tau2 .3181, mean -.7150 (.1809).
    effect, variance = log_risk_ratios()
    laird, mandel = random_effects(effect, variance, method="dl"), random_effects(effect, variance)
    assert (laird.tau2, laird.mean, laird.error) == pytest.approx((0.3088, -0.7141, 0.1787), abs=5e-5)
    assert laird.q == pytest.approx(152.233, abs=5e-4)
    assert (mandel.tau2, mandel.mean, mandel.error) == pytest.approx((0.318068, -0.714968, 0.180892), abs=1e-6)


def test_v14_bcg_trials_pool_as_in_statsmodels():
    effect, variance = log_risk_ratios()
    for ours, theirs in (("dl", "chi2"), ("pm", "iterated")):
        found = random_effects(effect, variance, method=ours)
        other = combine_effects(effect, variance, method_re=theirs, use_t=True, atol=1e-12, maxiter=1000)
        assert found.tau2 == pytest.approx(other.tau2, abs=1e-6)
        assert found.mean == pytest.approx(other.mean_effect_re, abs=1e-6)
        assert found.error == pytest.approx(other.sd_eff_w_re, abs=1e-6)
        # statsmodels' `hksj` widens the random-effects error by the same factor.
        assert found.knapp(0.95) == pytest.approx(other.conf_int(alpha=0.05)[3], abs=1e-6)


def test_v9_active_choice_did_not_raise_organ_donations_in_california():
    # Kessler and Roth (2014); Huntington-Klein, The Effect, ch. 18: -.022 (.006 there, .00672 by CRV1 of two-way fixed
    # effects). CRV1 multiplies by 161 / (162 - parameters), 33 of them here (27 states, 5 quarters, the effect); ours
    # does not: the rest is equal.
    data = pytest.importorskip("causaldata").organ_donations.load_pandas().data
    found = change_beyond_others(
        data["Rate"].to_numpy(float),
        (data["State"] == "California").to_numpy(),
        (data["Quarter_Num"] >= 4).to_numpy(),
        accounts=pd.factorize(data["State"])[0],
        max_smd=None,
    )
    assert found.value == pytest.approx(-0.022459, abs=1e-6)
    assert found.error * np.sqrt(161 / (162 - 33)) == pytest.approx(0.00672, abs=5e-6)


def minimum_wages():
    pytest.importorskip("diff_diff", reason="needs the extra did")
    moderndid = pytest.importorskip("moderndid", reason="holds the data; part of the extra dev")
    rows, first = moderndid.load_mpdta().to_pandas(), "first.treat"
    # Years stand for months: the estimator knows periods only.
    start = pd.to_datetime({"year": 2000, "month": rows[first].sub(2000).clip(lower=1), "day": 1})
    return pd.DataFrame(
        {
            "account_id": rows["countyreal"].astype(str),
            "month": pd.to_datetime({"year": 2000, "month": rows["year"] - 2000, "day": 1}),
            "value": rows["lemp"],
            "first_plan": start.mask(rows[first] == 0),
            "is_eligible": True,
        }
    )


def test_v8_minimum_wages_against_counties_not_yet_treated():
    assert staggered(minimum_wages(), CompareRules()).average.value == pytest.approx(-0.039764, abs=1e-6)


def test_v7_minimum_wages_by_start_and_year():
    # Never-treated controls: later starters are taken out of the comparison by never being eligible.
    rows = minimum_wages()
    found = staggered(rows.assign(is_eligible=rows["first_plan"].isna()), CompareRules())
    cells = found.groups[found.groups["month"] >= found.groups["start"]]
    expected = {4: [-0.0105, -0.0704, -0.1373, -0.1008], 6: [-0.0046, -0.0412], 7: [-0.0261]}
    for start, values in expected.items():
        own = cells.loc[cells["start"].dt.month == start, "effect"]
        assert own.tolist() == pytest.approx(values, abs=5e-5)
    assert found.average.value == pytest.approx(-0.039951, abs=1e-6)
    assert (found.average.high - found.average.value) / 1.959964 == pytest.approx(0.012034, rel=0.1)
    dynamic = found.months.set_index("offset")["effect"]
    assert dynamic.loc[0:3].tolist() == pytest.approx([-0.0199, -0.0510, -0.1373, -0.1008], abs=5e-5)
