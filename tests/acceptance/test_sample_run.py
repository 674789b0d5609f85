"""`make demo` in one test: the sample book through papermill to pages."""

import json
import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from tests.acceptance.projects import csw, result

pytestmark = pytest.mark.slow
BATCH = ("data_check", "health", "health_proof", "renewals", "email_touch", "email_design")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "outputs"
    done = csw("run", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "index.html" in done.stdout
    return out / "latest"


def test_every_notebook_of_the_batch_ended_well(run):
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert {item["name"]: item["status"] in {"ok", "warning"} for item in record["notebooks"]} == dict.fromkeys(
        BATCH, True
    )
    suite = ElementTree.parse(run / "junit.xml").getroot()
    assert suite.get("failures") == "0"
    assert int(suite.get("tests")) == len(BATCH)


def test_pages_hold_no_script_and_no_address_to_fetch(run):
    for page in [run / "index.html", *run.glob("*/report.html")]:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text.lower()
        assert "default-src 'none'" in text
        assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text) == []
        assert page.stat().st_size < 2_000_000


def test_uncertain_figures_have_an_interval_and_every_figure_an_n(run):
    for name in BATCH:
        for figure, estimate in result(run, name)["figures"].items():
            assert set(estimate) == {"value", "low", "high", "level", "n", "unit"}, figure
            assert isinstance(estimate["n"], int)


def test_contributions_on_disk_add_up_to_the_score(run):
    scores = pd.read_parquet(run / "health" / "tables" / "scores.parquet").set_index("account_id")["score"].dropna()
    contributions = pd.read_parquet(run / "health" / "tables" / "contributions.parquet")
    total = contributions.groupby("account_id")["contribution"].sum()
    assert len(scores) > 400
    assert (total.reindex(scores.index) - scores).abs().max() < 1e-9


def test_the_stamp_of_each_scorecard_stands_on_the_health_page(run):
    proof = result(run, "health_proof")
    page = re.sub(r"\s+", " ", (run / "health" / "report.html").read_text(encoding="utf-8"))
    assert len(proof["stamps"]["health"]) == 2
    for stamp in proof["stamps"]["health"]:
        assert stamp in page


def test_the_same_inputs_give_the_same_bytes_of_tables(run, tmp_path):
    """Other hash seed, other time zone, other locale, one thread more: the digests in result.json stay."""
    env = {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    done = csw("run", "--out", tmp_path / "again", "--jobs", "2", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in BATCH:
        first, second = result(run, name), result(tmp_path / "again" / "latest", name)
        assert first["tables"] == second["tables"]
        assert first["figures"] == second["figures"]
        assert first["headline"] == second["headline"]
