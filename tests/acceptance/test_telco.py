"""A real file by configuration alone, and the same file in other clothes."""

import pandas as pd
import pytest

from tests.acceptance.projects import TELCO, csw, result, telco_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not TELCO.is_file(), reason="telco.csv is not beside this checkout (shared/data)"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    project = telco_project(tmp_path_factory.mktemp("telco") / "project")
    done = csw("run", "--workspace", project / "workspace.yaml", timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "outputs" / "latest"


def test_all_7043_accounts_are_there_and_churn_is_what_the_file_says(run):
    # 1,869 of 7,043 rows say Yes: 1869 / 7043 = .265370
    figure = result(run, "data_check")["figures"]["outcome_rate"]
    assert figure["n"] == 7043
    assert figure["value"] == pytest.approx(1869 / 7043)
    assert figure["low"] < 1869 / 7043 < figure["high"]


def test_the_eleven_blank_charges_are_reported(run):
    columns = pd.read_parquet(run / "data_check" / "tables" / "columns.parquet").set_index("column")
    assert columns.loc["TotalCharges", ["blanks", "rows"]].tolist() == [11, 7043]


def test_the_score_beats_tenure_alone_and_says_it_is_descriptive(run):
    health = result(run, "health")
    assert health["figures"]["auc_in_sample"]["value"] > 0.74
    assert health["figures"]["auc_in_sample"]["n"] == 7043
    assert any("descri" in caveat["text"].lower() for caveat in health["caveats"])


def test_the_proof_reaches_the_reference_and_says_that_time_is_missing(run):
    # Reference: 5x5 cross-validation, small gradient boosting .849 +- .012; tenure alone .740; 1869 / 7043 = .265370.
    proof = result(run, "health_proof")
    value = {name: figure["value"] for name, figure in proof["figures"].items()}
    assert value["base_rate"] == pytest.approx(1869 / 7043)
    assert 0.835 <= value["auc_challenger"] <= 0.860
    assert value["auc_best_baseline"] == pytest.approx(0.740, abs=0.0015)
    assert value["auc_best_baseline"] < value["auc_score"] < value["auc_challenger"]
    assert all(
        proof["figures"][name]["low"] < value[name] < proof["figures"][name]["high"] for name in value if "auc" in name
    )
    assert "no_proof_out_of_time" in {caveat["code"] for caveat in proof["caveats"]}
    assert "among accounts of one day" in proof["headline"]
