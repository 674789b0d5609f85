"""`make demo` in one test: the sample book through papermill to pages, from the checkout and from a wheel."""

import html
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from csworkbench.analyses.portfolio.performance import TAKEN
from csworkbench.report.glossary import definition
from tests.acceptance.projects import ROOT, csw, result
from tests.browser.test_pages import browser  # noqa: F401 - a fixture
from tests.browser.wholeness import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BATCH = (
    "data_check",
    "health",
    "health_proof",
    "renewals",
    "email_touch",
    "email_design",
    "touch_effect",
    "plan_validation",
    "segments",
    "touch_matrix",
    "triggers",
    "nps_outreach",
    "weekly_list",
    "reassignment",
    "portfolio",
    "account_brief",
    "key_accounts",
    "contents",
)

OF_TABLES = ("", "portfolio", "account_brief")  # the index, what is due across the book, and briefs: nothing to draw


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of the sample book: `make test` has made one, which its notebooks were checked against."""
    if made := os.environ.get("SAMPLE_RUN"):
        return ROOT / made
    out = tmp_path_factory.mktemp("sample") / "outputs"
    done = csw("run", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
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


@pytest.mark.browser
@pytest.mark.parametrize("name", [*BATCH, ""])
def test_a_page_is_whole_at_every_width_in_light_dark_and_print(run, browser, name):  # noqa: F811 - the fixture
    page = run / name / "report.html" if name else run / "index.html"
    assert faults(browser, page.resolve(), has_pictures=name not in OF_TABLES) == []
    told = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))))
    for each in [name] if name else BATCH:
        assert re.sub(r"\s+", " ", result(run, each)["headline"]) in told


def test_uncertain_figures_have_an_interval_and_every_figure_an_n(run):
    for name in BATCH:
        for figure, estimate in result(run, name)["figures"].items():
            assert set(estimate) == {"value", "low", "high", "level", "n", "unit"}, figure
            assert isinstance(estimate["n"], int)


def test_every_figure_has_its_entry_in_the_glossary(run):
    lacking = {
        f"{path.parent.relative_to(run)}: {name}"
        for path in run.rglob("result.json")
        for name in json.loads(path.read_text(encoding="utf-8"))["figures"]
        if definition(json.loads(path.read_text(encoding="utf-8"))["analysis"], name) is None
    }
    assert lacking == set()


def test_every_figure_on_a_page_leads_to_formula_tables_time_and_what_is_missing(run):
    for page in run.rglob("report.html"):
        text = page.read_text(encoding="utf-8")
        cards = re.search(r'<dl class="cards">(.*?)</dl>', text, re.DOTALL)[1]
        anchors = re.findall(r'<dt><a href="#([^"]+)"', cards)
        assert len(anchors) == cards.count("<dt>") >= 1, page
        for anchor in anchors:
            entry = re.search(rf'<div id="{re.escape(anchor)}">(.*?)</div>', text, re.DOTALL)[1]
            assert all(part in entry for part in ("Made from: ", "Time: ", "What is missing: ")), f"{page}: {anchor}"


def test_contributions_on_disk_add_up_to_the_score(run):
    scores = pd.read_parquet(run / "health" / "tables" / "scores.parquet").set_index("account_id")["score"].dropna()
    contributions = pd.read_parquet(run / "health" / "tables" / "contributions.parquet")
    total = contributions.groupby("account_id")["contribution"].sum()
    assert len(scores) > 400
    assert (total.reindex(scores.index) - scores).abs().max() < 1e-9


def test_stages_began_on_the_same_days_for_segments_for_the_matrix_and_for_lists(run):
    folder = run / "segments" / "tables"
    page, lists = (pd.read_parquet(folder / f"{name}.parquet") for name in ("accounts", "week_start"))
    both = page.merge(lists, on=["account_id", "stage"], suffixes=("", "_then"))
    stayed = both[both["entered_on"] <= pd.Timestamp("2026-09-27")]
    assert len(stayed) > 500
    assert (stayed["entered_on"] == stayed["entered_on_then"]).all()
    # What happens once is wanted 7, 30 and 45 days after the account came in (configs/touch_matrix.yaml).
    days = {"Personal welcome mail": 7, "Project plan and training mails": 30, "Renewal call": 45}
    waits = pd.read_parquet(run / "touch_matrix" / "tables" / "next_actions.parquet")
    once = waits[waits["does"].isin(days)].merge(page[["account_id", "entered_on"]], on="account_id")
    assert len(once) > 10
    assert (once["deadline"] - once["entered_on"]).dt.days.tolist() == [days[each] for each in once["does"]]


def test_the_stamp_of_each_scorecard_stands_on_the_health_page(run):
    proof = result(run, "health_proof")
    page = re.sub(r"\s+", " ", (run / "health" / "report.html").read_text(encoding="utf-8"))
    assert len(proof["stamps"]["health"]) == 2
    for stamp in proof["stamps"]["health"]:
        assert stamp in page


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A caller of the `csw` of a venv that has the wheel; its dependencies come from this environment's packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True, text=True)
    wheel = next(folder.glob("*.whl"))
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    # `--python` and not `--prefix`: that would first uninstall the package of the environment the tests run in.
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--quiet", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True, text=True)
    # Paths of this environment come after the venv's own, so that the wheel's package is the one that is imported.
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def call(*arguments, cwd, env):
        clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        script = "import sys; from csworkbench.cli import main; sys.argv = ['csw', *sys.argv[1:]]; main()"
        command = [python, "-c", script, *arguments]
        return subprocess.run(command, cwd=cwd, env=clean | env, capture_output=True, text=True, check=False)

    where = subprocess.run(
        [python, "-c", "import csworkbench; print(csworkbench.__file__)"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(folder)
    return call


@pytest.fixture(scope="module")
def elsewhere(installed, tmp_path_factory):
    """The run of a new project of the installed wheel, under another hash seed, time zone and locale, two at a time."""
    folder = tmp_path_factory.mktemp("else where 别处")
    env = {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    for arguments, cwd in ((("init", "x"), folder), (("check",), folder / "x"), (("run", "--jobs", "2"), folder / "x")):
        done = installed(*arguments, cwd=cwd, env=env)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    assert "index.html" in done.stdout
    return folder / "x" / "outputs" / "latest"


def test_a_new_project_of_an_installed_wheel_passes_check_and_run_unedited(elsewhere):
    assert (elsewhere / "index.html").is_file()


def test_the_same_inputs_give_the_same_bytes_of_tables_wherever_they_are_run(run, elsewhere):
    for name in BATCH:
        first, second = result(run, name), result(elsewhere, name)
        assert first["tables"] == second["tables"]
        assert first["figures"] == second["figures"]
        assert first["headline"] == second["headline"]


def test_the_panorama_has_the_figures_of_the_other_pages_to_the_last_digit(run):
    here = result(run, "portfolio")["figures"]
    taken = [(analysis, source, name) for analysis, names in TAKEN.items() for source, name in names.items()]
    assert len(taken) > 15
    for analysis, source, name in taken:
        assert here[name] == result(run, analysis)["figures"][source], name


def test_the_panorama_has_the_tables_of_the_other_pages_to_the_last_digit(run):
    def table(analysis, name):
        return pd.read_parquet(run / analysis / "tables" / f"{name}.parquet")

    assert table("portfolio", "stages").equals(table("segments", "cells"))
    assert table("portfolio", "renewal_rates").equals(table("renewals", "predicted_actual"))
    history = table("health", "history")
    now = history[history["snapshot_on"] == history["snapshot_on"].max()]
    assert table("portfolio", "health")["band_share"].tolist() == now["share"].tolist()
    people = table("portfolio", "people").dropna(subset="csm_id").set_index("csm_id")
    assert len(people)
    loads = table("touch_matrix", "loads").set_index("csm_id")["accounts"]
    assert people["accounts_average"].tolist() == loads.reindex(people.index).tolist()
    running = table("plan_validation", "by_csm").set_index("csm_id")[["running", "landed"]].sum(axis=1)
    assert people["plans_running"].tolist() == running.reindex(people.index).fillna(0).tolist()
