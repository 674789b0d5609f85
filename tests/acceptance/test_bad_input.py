"""What goes in wrong comes out as one clear line, and nothing is lost."""

import json
import re
import shutil
import textwrap

import pandas as pd
import pytest

from csworkbench.sources import open_book
from csworkbench.workspace import load_workspace
from tests.acceptance.projects import ACCOUNTS, ROOT, csw, result, small_project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path / "small")


def refused(project, code, *parts):
    done = csw("check", cwd=project)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for part in parts:
        assert part in done.stdout + done.stderr
    return done


def with_health(project):
    shutil.copytree(ROOT / "configs" / "scorecards", project / "configs" / "scorecards")
    shutil.copy(ROOT / "configs" / "health.yaml", project / "configs")
    (project / "batch.yaml").write_text("version: 1\nnotebooks:\n  - name: health\n", encoding="utf-8")
    return project / "configs" / "scorecards" / "default.yaml"


def test_ids_survive_as_written(project):
    done = csw("run", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = pd.read_csv(project / "outputs" / "latest" / "data_check" / "tables" / "tables.csv", dtype=str).set_index(
        "table"
    )
    assert tables.loc["accounts", "rows"] == "6"
    cached = list((project / "outputs").rglob("accounts*.parquet"))
    assert sorted(pd.read_parquet(cached[0])["account_id"]) == sorted(
        ["00042", "42", "NA", "9007199254740993", "9007199254740992", "1E5"]
    )
    assert result(project / "outputs" / "latest", "data_check")["as_of"] == "2026-09-30"


def test_a_misspelt_key_names_its_line_and_the_nearest_key(project):
    path = project / "workspace.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("timezone:", "timezon:"), encoding="utf-8")
    refused(project, 2, "workspace.yaml:4:1: timezon", "timezone")


def test_a_doubled_key_names_both_lines(project):
    path = project / "workspace.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "name: Again\n", encoding="utf-8")
    refused(project, 2, "workspace.yaml:10", "name", "line 2")


def test_overlapping_bands_are_refused_in_the_scorecard_file(project):
    path = with_health(project)
    text = path.read_text(encoding="utf-8")
    assert "high: 40" in text
    path.write_text(text.replace("high: 40", "high: 45"), encoding="utf-8")
    refused(project, 2, "configs/scorecards/default.yaml:", "bands", "overlap")


def test_a_weight_of_zero_is_refused(project):
    path = with_health(project)
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(index for index, line in enumerate(lines) if line.strip().startswith("weight:"))
    lines[first] = lines[first].split("weight:")[0] + "weight: 0"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refused(project, 2, f"configs/scorecards/default.yaml:{first + 1}:", "weight", "above 0")


def test_every_problem_of_every_file_comes_at_once(project):
    path = with_health(project)
    text = path.read_text(encoding="utf-8").replace("high: 40", "high: 45")
    path.write_text(text.replace("minimum_coverage:", "minimum_coverag:"), encoding="utf-8")
    workspace = project / "workspace.yaml"
    workspace.write_text(
        workspace.read_text(encoding="utf-8").replace("currency: EUR", "currency: euro"), encoding="utf-8"
    )
    refused(project, 2, "workspace.yaml:5", "configs/scorecards/default.yaml:")


def test_a_missing_file_names_its_neighbor(project):
    (project / "accounts.csv").rename(project / "acounts.csv")
    refused(project, 3, "accounts.csv", "acounts.csv")


def test_an_empty_file_is_named_as_empty(project):
    (project / "accounts.csv").write_bytes(b"")
    refused(project, 3, "accounts.csv", "empty")


def test_a_login_page_named_csv_is_called_what_it_is(project):
    (project / "accounts.csv").write_text("<!DOCTYPE html><html><body>Please sign in</body></html>", encoding="utf-8")
    refused(project, 3, "accounts.csv", "HTML")


DRESSES = {
    "semicolon and decimal comma": (lambda text: swap(text), "utf-8", {"delimiter": '";"', "decimal": '","'}),
    "UTF-16": (lambda text: text, "utf-16", {"encoding": "utf-16"}),
    "BOM": (lambda text: text, "utf-8-sig", {}),
    "CRLF": (lambda text: text.replace("\n", "\r\n"), "utf-8", {}),
    "all of them": (
        lambda text: swap(text).replace("\n", "\r\n"),
        "utf-16",
        {"delimiter": '";"', "decimal": '","', "encoding": "utf-16"},
    ),
}


def swap(text):
    header, *rows = text.splitlines()
    return "\n".join([header.replace(",", ";"), *(row.replace(",", ";").replace(".", ",") for row in rows)]) + "\n"


def dressed(project, dress, *, declared):
    change, encoding, keys = DRESSES[dress]
    (project / "accounts.csv").write_bytes(change(ACCOUNTS).encode(encoding))
    if declared:
        lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
        path = project / "workspace.yaml"
        path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")
    return project


def digest(project):
    book = open_book(load_workspace(project / "workspace.yaml"), project, project / "cache")
    book.connection.disconnect()
    return book.reports["accounts"].digest


@pytest.fixture(scope="module")
def plain_digest(tmp_path_factory):
    return digest(small_project(tmp_path_factory.mktemp("plain") / "small"))


@pytest.mark.parametrize("dress", ["semicolon and decimal comma", "all of them"])
def test_the_same_content_in_declared_other_clothes_has_the_same_digest(project, dress, plain_digest):
    assert digest(dressed(project, dress, declared=True)) == plain_digest


@pytest.mark.parametrize(
    ("dress", "hint"),
    [("semicolon and decimal comma", "delimiter"), ("UTF-16", "encoding"), ("all of them", "encoding")],
)
def test_undeclared_other_clothes_are_refused_with_the_key_to_set(project, dress, hint):
    refused(dressed(project, dress, declared=False), 3, "accounts.csv", hint)


SEVERAL = """account_id,name,value_tier,arr,signup_at,is_key
A,Åkerö,large,"1.200,50",31/03/2024,ja
B,云帆,mid,"2.300,50",13/04/2024,nej
C,North,small,"3.400,50",14/05/2024,ja
"""


def with_several_problems(project):
    (project / "accounts.csv").write_text(SEVERAL, encoding="utf-8")
    path = project / "workspace.yaml"
    text = path.read_text(encoding="utf-8") + "    extra: {is_key: boolean}\n  csms:\n    path: csms.csv\n"
    path.write_text(text, encoding="utf-8")
    (project / "csms.csv").write_bytes(b"\x1f\x8b\x08 packed")


def test_every_problem_of_every_data_file_comes_at_once_and_in_few_lines(project):
    with_several_problems(project)
    done = refused(project, 3, "thousands: '.'", "decimal: ','", "dates: '%d/%m/%Y'", "values: {ja: true", "unpack it")
    told = [line for line in done.stderr.splitlines() if ".csv" in line]
    assert len(told) == 4  # arr, signup_at and is_key of accounts, and the packed file
    for line in told:
        assert len(textwrap.wrap(line, 100)) <= 6
        assert re.match(r"\w+\.csv(:\d+)?: .*\(.+\)$", line)


def test_the_same_problems_are_there_for_programs(project):
    with_several_problems(project)
    done = csw("check", "--json", cwd=project)
    document = json.loads(done.stdout)
    assert document["exit_code"] == 3
    assert [problem["file"] for problem in document["problems"]] == ["accounts.csv"] * 3 + ["csms.csv"]
    assert all(problem["hint"] for problem in document["problems"])


def test_a_refused_file_leaves_the_earlier_result_as_it_was(project):
    assert csw("run", cwd=project).returncode == 0
    latest = (project / "outputs" / "latest").resolve()
    before = {path: path.read_bytes() for path in latest.rglob("*") if path.is_file()}
    (project / "accounts.csv").write_bytes(ACCOUNTS.encode("utf-16"))
    done = csw("run", cwd=project)
    assert done.returncode == 3
    assert "encoding: utf-16" in done.stderr
    assert (project / "outputs" / "latest").resolve() == latest
    assert {path: path.read_bytes() for path in before} == before


def test_plan_writes_nothing(project):
    before = sorted(path for path in project.rglob("*"))
    done = csw("plan", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path for path in project.rglob("*")) == before
