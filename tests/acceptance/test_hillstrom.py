"""A published e-mail test by configuration alone: three arms, six tests, equal rows kept."""

import pandas as pd
import pytest

from tests.acceptance.projects import DATA, csw, example_project, result

HILLSTROM = DATA / "hillstrom.csv"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not HILLSTROM.is_file(), reason="hillstrom.csv is not beside this checkout (shared/data)"),
]

# Arms against no mail: value of the arm, difference and interval, as published or computed with two libraries
# (statistics.md, V4; totals in the documentation of pyuplift: visit .14678, conversion .00903, spend 1.05091).
MENS = {
    "visit": (0.182757, 0.106167, 0.076590, 0.069953, 0.083226),
    "conversion": (0.012531, 0.005726, 0.006805, 0.005, 0.00861),
    "spend": (1.422617, 0.652789, 0.769827, 0.48514, 1.054515),
}
WOMENS = {"visit": 0.151400, "conversion": 0.008837, "spend": 1.077202}
COLUMNS = [
    "experiment_id", "metric", "variant", "control", "value_variant", "value_control", "effect", "low", "high", "p",
    "p_adjusted", "n_units", "hypothesis", "method",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    project = example_project(tmp_path_factory.mktemp("hillstrom") / "project", "hillstrom", [HILLSTROM])
    done = csw("run", "--workspace", project / "workspace.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "outputs" / "latest"


@pytest.fixture(scope="module")
def effects(run):
    frame = pd.read_csv(run / "email_touch" / "tables" / "effects.csv")
    assert list(frame.columns[: len(COLUMNS)]) == COLUMNS
    return frame.set_index(["metric", "variant"])


@pytest.mark.parametrize("metric", MENS)
def test_the_mens_mail_has_the_published_effects(effects, metric):
    row = effects.loc[(metric, "Mens E-Mail")]
    found = row[["value_variant", "value_control", "effect", "low", "high"]]
    assert found.astype(float).tolist() == pytest.approx(MENS[metric], abs=1e-4)
    assert row["n_units"] == 21_307 + 21_306
    assert row["control"] == "No E-Mail"


@pytest.mark.parametrize("metric", WOMENS)
def test_the_womens_mail_has_the_published_values(effects, metric):
    row = effects.loc[(metric, "Womens E-Mail")]
    assert row["value_variant"] == pytest.approx(WOMENS[metric], abs=1e-4)
    assert row["effect"] == pytest.approx(WOMENS[metric] - MENS[metric][1], abs=1e-4)
    assert row["n_units"] == 21_387 + 21_306


def test_six_tests_are_counted_together(effects):
    assert effects.loc[("spend", "Mens E-Mail"), "p_adjusted"] == pytest.approx(3.49e-7, rel=5e-3)
    assert (effects["p_adjusted"] >= effects["p"]).all()
    assert set(effects["hypothesis"]) == {"no absolute difference (Holm over 6)"}


def test_the_sample_ratio_is_as_the_lot_made_it(run):
    # chi-square .2025 with 2 degrees of freedom: p .9037
    assert result(run, "email_touch")["figures"]["sample_ratio_p.hillstrom"]["value"] == pytest.approx(0.9037, abs=1e-4)
    ratios = pd.read_csv(run / "email_touch" / "tables" / "sample_ratio.csv").set_index("variant")
    units = {"Mens E-Mail": 21_307, "No E-Mail": 21_306, "Womens E-Mail": 21_387}
    assert ratios["units"].to_dict() == units


def test_equal_rows_are_customers_of_their_own(run):
    # 6,562 of the 64,000 rows are equal to an earlier one.
    figure = result(run, "email_touch")["figures"]["units"]
    assert (figure["value"], figure["n"], figure["unit"]) == (64_000, 64_000, "accounts")
