"""Pages by an attribute: rows of the whole-book result, one page per value, and nothing estimated anew."""

import json
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from csworkbench import shards
from csworkbench.cli import main
from csworkbench.errors import ConfigError, RunError
from csworkbench.estimates import Severity
from csworkbench.files import slugs
from csworkbench.planner.shards import MOST_PAGES, Division, Group, check_attribute, divide, pages_workbook, shard_jobs
from csworkbench.store import (
    Job,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    Shard,
    StoredCaveat,
    StoredResult,
    shard_names,
)
from csworkbench.workspace import Workspace
from tests.books import book

DAY = date(2026, 6, 30)
ACCOUNTS = [
    {"account_id": "A1", "name": "Åsa", "region": "north", "value_tier": "large", "arr": 9, "signup_at": "2026-01-01"},
    {"account_id": "A2", "name": "北京", "region": "", "value_tier": "mid", "arr": 200, "signup_at": "2026-01-01"},
    {"account_id": "A3", "name": None, "region": "so/ea", "value_tier": "mid", "arr": 1, "signup_at": "2026-01-01"},
    {"account_id": "A4", "name": "Bo", "region": None, "value_tier": "mid", "arr": 1, "signup_at": "2026-01-01"},
]  # fmt: skip
CSMS = [{"csm_id": "C1", "name": "Anna"}, {"csm_id": "C2", "name": "Anna"}, {"csm_id": "C3", "name": "刘洋"}]
HELD = [
    {"account_id": account, "csm_id": csm, "role": "csm", "valid_from": "2026-01-01"}
    for account, csm in (("A1", "C1"), ("A2", "C2"), ("A3", "C3"))
]


def groups(by, **tables):
    made = divide(book({"accounts": ACCOUNTS, **tables}), DAY, by)
    return {group.title: group.accounts for group in made.groups}


# Names of folders


def test_folders_of_values_stay_apart_in_any_script_and_case():
    values = ["Anna", "anna", "Björn/Nord", "Björn Nord", "刘洋", "", ".."]
    names = shard_names("csm", values)
    assert len({name.casefold() for name in names}) == len(values)
    assert all(name.isascii() and "/" not in name for name in names)
    assert names[5] == "without.csm"


def test_the_folder_of_a_value_is_never_that_of_a_part_of_a_result():
    values = ["csm", "Anna", "csm-Anna", "without", "csm.Anna"]
    assert not set(shard_names("csm", [*values, ""])) & set(slugs(values))


def test_values_whose_short_digests_are_equal_get_long_ones(monkeypatch):
    class Weak:
        """A digest of which the first eight digits are always the same."""

        def __init__(self, data: bytes) -> None:
            self.data = data

        def hexdigest(self) -> str:
            return "0" * 8 + self.data.hex()

    monkeypatch.setattr("csworkbench.files.sha256", Weak)
    first, second = slugs(["刘", "洋"])
    assert first != second


# Dividing a book


def test_each_account_is_on_one_page_and_those_without_a_value_on_one_of_their_own():
    found = groups("region")
    assert found == {"north": ("A1",), "so/ea": ("A3",), "Without region": ("A2", "A4")}
    assert list(found)[-1] == "Without region"


def test_two_of_one_name_have_a_page_each():
    found = groups("csm", assignments=HELD, csms=CSMS)
    assert found == {"Anna (C1)": ("A1",), "Anna (C2)": ("A2",), "刘洋": ("A3",), "Without CSM": ("A4",)}


def test_tier_is_short_for_value_tier():
    assert groups("tier") == {"large": ("A1",), "mid": ("A2", "A3", "A4")}


def test_a_page_per_account_is_called_by_name_and_id():
    assert groups("account") == {"A3": ("A3",), "Bo (A4)": ("A4",), "Åsa (A1)": ("A1",), "北京 (A2)": ("A2",)}


DECLARED = Workspace.model_validate(
    {
        "version": 1,
        "name": "Book",
        "tables": {
            "accounts": {
                "path": "a.csv",
                "extra": {"cluster": "text", "seats": "integer", "lost": {"type": "boolean", "role": "outcome"}},
            }
        },
    }
)


@pytest.mark.parametrize("by", ["csm", "account", "tier", "region", "cluster"])
def test_what_accounts_share_may_be_divided_by(by):
    assert check_attribute(DECLARED, by) is None


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("regoin", "accounts have no attribute 'regoin' .did you mean 'region'"),
        ("clutser", "did you mean 'cluster'"),
        ("nothing like it", r"there are name, .*region.*cluster, csm, account, tier\)"),
        ("lost", "accounts have no attribute 'lost'"),
        ("account_id", "did you mean 'account'"),
        ("arr", "is an amount"),
        ("seats", "is an amount"),
        ("signup_at", "is a date"),
        ("last_touch_on", "is a date"),
    ],
)
def test_what_accounts_do_not_share_is_refused(by, said):
    with pytest.raises(ConfigError, match=said):
        check_attribute(DECLARED, by)


def test_what_accounts_do_not_share_is_refused_before_data_is_read(project, capsys):
    (project / "data" / "accounts.csv").write_text("not a table at all")
    assert main(["plan", "--by", "regoin"]) == 2
    assert "did you mean 'region'?" in capsys.readouterr().err


# Jobs


WHOLE = Job("health", Path("health.ipynb"), key="k1", timeout_seconds=60)
NORTH = Group("north", "north", "region.north", ("A1",))
SOUTH = Group("south", "south", "region.south", ("A2", "A3"))


def made(*found: Group, whole: Job = WHOLE, wanted=("health",)):
    return shard_jobs([whole], wanted, Division("region", found), RunInfo(workspace="workspace.yaml"))


def test_a_page_is_made_of_the_whole_result_and_its_accounts_alone():
    north, south = (job.key for job in made(NORTH, SOUTH))
    assert north != south
    again = made(NORTH, Group("south", "south", "region.south", ("A2",)))
    assert again[0].key == north
    assert again[1].key != south
    other = made(NORTH, whole=Job("health", Path("health.ipynb"), key="k2"))
    assert other[0].key != north


def test_pages_are_made_of_what_was_asked_for_and_not_of_what_is_only_needed():
    assert made(NORTH, wanted=("renewals",)) == ()


def test_too_many_pages_are_refused_with_what_to_do():
    many = [Group(str(n), str(n), f"a.{n}", (str(n),)) for n in range(MOST_PAGES + 1)]
    with pytest.raises(ConfigError, match=r"5,001 pages.*name notebooks"):
        made(*many)


# Rows


def whole(folder: Path) -> StoredResult:
    scores = pd.DataFrame({"account_id": ["A3", "A1", "A2"], "score": [1.5, 2.5, 3.5]})
    months = pd.DataFrame({"month": ["2026-06"], "accounts": [3]})
    doubt = StoredCaveat("few", Severity.WARNING, "Few answers", "Ask more")
    tables = {"scores": scores, "months": months}
    return StoredResult("health", DAY, "2 of 3 are well", {}, tables, {}, (doubt,), (), folder)


def test_a_page_has_the_rows_of_its_accounts_unchanged_and_no_statistics(tmp_path):
    found = shards.cut(whole(tmp_path), ["A1", "A3", "A9"], "north")
    assert list(found.tables) == ["scores"]
    assert found.tables["scores"].to_dict("records") == [
        {"account_id": "A3", "score": 1.5},
        {"account_id": "A1", "score": 2.5},
    ]
    assert {name: (each.value, each.low) for name, each in found.figures.items()} == {
        "accounts": (3, None),
        "scores": (2, None),
    }


def lists(folder: Path, **columns) -> StoredResult:
    """A result with one list of ten accounts."""
    frame = pd.DataFrame({"account_id": [f"A{n}" for n in range(10)], **columns})
    return StoredResult("health", DAY, "h", {}, {"scores": frame}, {}, (), (), folder)


def drawn(found: StoredResult, accounts: int, title="north"):
    ids = [f"A{n}" for n in range(accounts)]
    return list(shards.spreads(shards.cut(found, ids, title), found, title))


def test_a_chart_has_the_parts_of_these_accounts_beside_those_of_the_book(tmp_path):
    # 5 of the first 6 accounts are at risk, 5 of all 10
    [chart] = drawn(lists(tmp_path, band=["at_risk"] * 5 + ["good"] * 5), 6)
    assert chart.title == "Band (Scores)"
    assert chart.to_frame().set_index("where").T.to_dict() == {
        "These accounts: 6": {"at_risk": 5, "good": 1},
        "The whole book: 10": {"at_risk": 5, "good": 5},
    }


@pytest.mark.parametrize(
    ("column", "accounts"),
    [
        pytest.param(["a"] * 5 + ["b"] * 5, 4, id="fewer than five accounts here"),
        pytest.param(["a"] * 10, 6, id="one word for all"),
        pytest.param(list("abcdefghij"), 6, id="a word of its own for each"),
        pytest.param([None] * 6 + ["a", "b", "a", "b"], 6, id="filled for few"),
        pytest.param(["north"] * 6 + ["south"] * 4, 6, id="what the page is about"),
        pytest.param([1.0] * 5 + [2.0] * 5, 6, id="numbers"),
    ],
)
def test_a_column_that_says_nothing_of_the_accounts_has_no_chart(tmp_path, column, accounts):
    assert drawn(lists(tmp_path, band=column), accounts) == []


def test_a_list_with_several_rows_of_an_account_has_no_chart(tmp_path):
    found = lists(tmp_path, band=["at_risk"] * 5 + ["good"] * 5)
    twice = {"scores": pd.concat([found.tables["scores"]] * 2)}
    assert drawn(StoredResult("health", DAY, "h", {}, twice, {}, (), (), tmp_path), 6) == []


def test_a_page_keeps_the_doubts_and_the_verdict_of_the_whole(tmp_path):
    found = shards.cut(whole(tmp_path), ["A1"], "north").caveats
    assert [each.code for each in found] == ["few", "whole_book"]
    assert found[1].message.values["headline"] == "2 of 3 are well"


def test_tables_that_people_take_away_are_in_the_same_kinds_as_the_whole(tmp_path):
    (tmp_path / "tables").mkdir()
    for name in ("scores.csv", "scores.parquet", "scores.xlsx", "scores.hubspot.1.csv"):
        (tmp_path / "tables" / name).touch()
    [handout] = shards.cut(whole(tmp_path), ["A1"], "north").handouts
    assert (handout.table, handout.kinds) == ("scores", ("hubspot", "xlsx"))


def test_a_file_that_a_row_names_lies_beside_its_page(tmp_path):
    for name in ("a1.ics", "a2.ics", "other.txt"):
        (tmp_path / name).write_text(f"text of {name}")
    rows = pd.DataFrame({"account_id": ["A1", "A2"], "file": ["a1.ics", "a2.ics"]})
    listed = replace(whole(tmp_path), tables={"meetings": rows}, files=("a1.ics", "a2.ics", "other.txt"))
    assert shards.cut(listed, ["A1"], "north").files == {"a1.ics": "text of a1.ics"}


@pytest.mark.parametrize(
    ("is_one", "shown"), [(False, ["name", "csm", "due"]), (True, ["csm", "due"])], ids=["several", "one account"]
)
def test_ids_are_not_shown_beside_names_nor_the_account_on_its_own_page(is_one, shown):
    rows = pd.DataFrame({"account_id": ["A1"], "name": ["Åsa"], "csm_id": ["C1"], "csm": ["Anna"], "due": [1]})
    assert list(shards.readable(rows, is_one=is_one).columns) == shown


def test_a_table_of_ids_alone_is_shown_as_it_is():
    assert list(shards.readable(pd.DataFrame({"account_id": ["A1"]}), is_one=True).columns) == ["account_id"]


def test_the_notebook_of_a_page_says_that_it_is_executed_by_a_run(tmp_path, monkeypatch):
    (tmp_path / "workspace.yaml").write_text("version: 1\nname: B\ntables:\n  accounts: {path: a.csv}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"csw run --by"):
        shards.start("workspace.yaml", "north", "")


def test_the_workbook_lists_every_page_with_its_status_and_can_be_filtered():
    def item(name: str, status: NotebookStatus, **more) -> NotebookRecord:
        return NotebookRecord(f"health/by/region.{name}", status, shard=Shard("health", "region", name, name), **more)

    notebooks = (
        NotebookRecord("health", NotebookStatus.OK),
        item("north", NotebookStatus.OK, cached_from="r0"),
        item("=1+1", NotebookStatus.FAILED, reason="it broke"),
    )
    record = RunRecord("r1", RunState.FAILED, "2026-06-30T00:00:00+00:00", 1.0, RunInfo(), notebooks)
    sheet = openpyxl.load_workbook(BytesIO(pages_workbook(record)["pages.xlsx"])).active
    head, *rows = sheet.iter_rows(values_only=True)
    assert [dict(zip(head, row, strict=True))["status"] for row in rows] == ["unchanged", "failed"]
    assert dict(zip(head, rows[1], strict=True))["value"] == "=1+1"
    assert sheet["D3"].data_type == "s"
    assert sheet.auto_filter.ref == "A1:I3"


# A whole run

MODULE = """
from dataclasses import dataclass
import pandas as pd
from csworkbench.config import Section
from csworkbench.estimates import say

READS, READS_IF_PRESENT = ("accounts",), ()
NEEDS, NEEDS_IF_PRESENT = (), ()

class Config(Section): ...

@dataclass(frozen=True)
class Inputs:
    accounts: pd.DataFrame

@dataclass(frozen=True)
class Result:
    headline: object
    figures: dict
    tables: dict
    caveats: tuple = ()
    actions: tuple = ()

def prepare(snapshot, config, upstream):
    return Inputs(snapshot.tables["accounts"].select("account_id", "region").to_pandas())

def analyze(inputs, config):
    frame = inputs.accounts.sort_values("account_id")
    return Result(say("All counted"), {}, {"LISTED": frame, "counts": frame.groupby("region").size().reset_index()})
"""
CELLS = (
    'workspace = ""\nconfig = ""\nas_of = ""\noutput_dir = ""\noverrides = {}',
    "import sys\nsys.path.insert(0, '.')\nfrom analyses import NAME\nfrom csworkbench import session",
    "desk = session.start(workspace, config, as_of, output_dir, overrides)\nconfig = desk.config(NAME)",
    "desk.conclude(NAME.analyze(NAME.prepare(desk.snapshot, config, {}), config))",
)
TEXT = "account_id,name,region,signup_at\nA1,Åsa,north,2026-01-10\nA2,北京,东/北,2026-02-10\nA3,Bo,,2026-02-11\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two analyses, of which only `lists` has a table of accounts."""
    for name in ("analyses", "configs", "notebooks", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "configs" / "workspace.yaml").write_text(
        "version: 1\nname: Nordbok\nas_of: 2026-06-30\nbatch: batch.yaml\n"
        "tables:\n  accounts: {path: data/accounts.csv}\n"
    )
    (tmp_path / "data" / "accounts.csv").write_text(TEXT, "utf-8")
    (tmp_path / "batch.yaml").write_text("version: 1\nnotebooks:\n  - {name: lists}\n  - {name: counts}\n")
    for name in ("lists", "counts"):
        module = MODULE.replace(
            '"LISTED": frame, ' if name == "counts" else "LISTED", "" if name == "counts" else "rows"
        )
        (tmp_path / "analyses" / f"{name}.py").write_text(module)
        (tmp_path / "configs" / f"{name}.yaml").write_text("{}\n")
        cells = [
            {
                "cell_type": "code",
                "metadata": {"tags": [] if n else ["parameters"]},
                "source": source.replace("NAME", name),
            }
            | {"id": f"c{n}", "outputs": [], "execution_count": None}
            for n, source in enumerate(CELLS)
        ]
        data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps(data))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(project: Path, *words: str):
    code = main(["run", "--by", "region", "--jobs", "2", *words])
    latest = project / "outputs" / "latest"
    record = json.loads((latest / "run.json").read_text("utf-8"))
    return code, latest, {item["name"]: item for item in record["notebooks"]}


def test_a_run_by_an_attribute_makes_a_page_per_value_and_keeps_those_that_did_not_change(project, capsys):
    code, latest, notebooks = run(project)
    assert code == 0, capsys.readouterr().err
    pages = {item["shard"]["title"]: item for item in notebooks.values() if item["shard"] and item["status"] == "ok"}
    assert set(pages) == {"north", "东/北", "Without region"}
    whole, index = ((latest / name).read_text("utf-8") for name in ("lists/report.html", "index.html"))
    for title, account in (("north", "A1"), ("东/北", "A2"), ("Without region", "A3")):
        folder = latest / pages[title]["name"]
        assert pd.read_parquet(folder / "tables" / "rows.parquet")["account_id"].tolist() == [account]
        page = (folder / "report.html").read_text("utf-8")
        assert f"Lists: {title}" in page
        assert 'href="../../report.html"' in page
        assert 'href="../../../index.html"' in page
        assert f'href="{pages[title]["name"].removeprefix("lists/")}/report.html"' in whole
        assert f'href="{pages[title]["name"]}/report.html"' in index
    skipped = {item["reason"] for item in notebooks.values() if item["status"] == "skipped"}
    assert skipped == {"counts lists no accounts"}
    assert not any("/by/" in each["path"] for each in notebooks["lists"]["artifacts"])
    assert 'href="pages.xlsx"' in index
    assert "Counts: no pages: counts lists no accounts." in index

    # a second run takes all of it, and a plan says so
    code, latest, again = run(project)
    assert code == 0
    assert all(item["cached_from"] for item in again.values() if item["status"] == "ok")
    capsys.readouterr()
    assert main(["plan", "--by", "region"]) == 0
    said = capsys.readouterr().out
    assert "lists by region: 3 cached" in said
    assert "counts by region: 3 skipped" in said


def test_a_broken_page_stops_no_other(project, monkeypatch, capsys):
    source = Path(shards.__file__).parent / "templates" / "shard.ipynb"
    broken = json.loads(source.read_text("utf-8"))
    broken["cells"][2]["source"] = "from csworkbench import shards\nassert title != 'north'"
    templates = project / "package" / "templates"
    templates.mkdir(parents=True)
    (templates / "shard.ipynb").write_text(json.dumps(broken))
    monkeypatch.setattr("csworkbench.planner.shards.resources.files", lambda _: project / "package")
    code, latest, notebooks = run(project, "lists")
    assert code == 1
    states = {item["shard"]["title"]: item["status"] for item in notebooks.values() if item["shard"]}
    assert states == {"north": "failed", "东/北": "ok", "Without region": "ok"}
    assert "1 failed: " in capsys.readouterr().out
    index = (latest / "index.html").read_text("utf-8")
    assert index.index("Lists: 1 page by region") < index.index("Pages by region")


def test_pages_of_a_result_that_failed_are_blocked(project, capsys):
    (project / "analyses" / "lists.py").write_text(MODULE.replace('"LISTED"', "1 / 0"))
    code, _, notebooks = run(project, "lists")
    assert code == 1
    assert {item["status"] for item in notebooks.values() if item["shard"]} == {"blocked"}
    assert "lists by region: 3 blocked: blocked (needs lists)" in capsys.readouterr().out


def test_a_finished_run_is_copied_to_an_address_and_stays_in_the_project(project, capsys):
    fsspec = pytest.importorskip("fsspec", reason="needs the extra remote")
    code, latest, _ = run(project, "lists", "--out", "memory://copies/nightly")
    said = capsys.readouterr()
    assert code == 0, said.err
    name, system = latest.resolve().name, fsspec.filesystem("memory")
    assert f"copied to memory://copies/nightly/runs/{name}" in said.out
    files = {path.relative_to(latest).as_posix(): path.read_bytes() for path in latest.rglob("*") if path.is_file()}
    there = {path.partition(f"/runs/{name}/")[2]: system.cat_file(path) for path in system.find("/copies/nightly/runs")}
    assert there == files
    assert len(files) > 20
