"""The workspace file: found from anywhere in the project, refused with every problem at its line."""

from datetime import date

import pytest

from csworkbench.errors import ConfigError
from csworkbench.tables import Kind, Role
from csworkbench.workspace import TableSource, find_workspace, load_workspace, project_root

SMALL = "version: 1\nname: Test\ntables:\n  accounts:\n    path: a.csv\n"


def load(tmp_path, text=SMALL):
    path = tmp_path / "workspace.yaml"
    path.write_text(text, encoding="utf-8")
    return load_workspace(path)


def test_what_a_file_does_not_say_has_a_default(tmp_path):
    workspace = load(tmp_path)
    assert (workspace.as_of, workspace.timezone, workspace.currency, workspace.language) == (
        "latest",
        "UTC",
        "EUR",
        "en",
    )
    source = workspace.tables["accounts"]
    assert (source.encoding, source.delimiter, source.decimal, source.dates, source.rules) == (
        "utf-8",
        ",",
        ".",
        "%Y-%m-%d",
        "quarantine",
    )


def test_the_full_mapping_is_read(tmp_path):
    workspace = load(
        tmp_path,
        SMALL.replace("path: a.csv", "path: [a.csv, b/*.csv]")
        + """
    delimiter: "\\t"
    columns:
      account_id: {row: true}
      name: Firma
      plan: {from: Vertrag, values: {Gold: gold}}
      region: {const: EU}
    extra: {Market: text, Churn: {type: boolean, role: outcome, values: {Ja: true}}}
as_of: 2026-09-30
""",
    )
    source = workspace.tables["accounts"]
    assert workspace.as_of == date(2026, 9, 30)
    assert source.paths == ("a.csv", "b/*.csv")
    assert source.column_map("name").source == "Firma"
    assert source.column_map("plan").values == {"Gold": "gold"}
    assert source.column_map("account_id").row
    assert source.column_map("arr") is None
    assert source.extra_column("Market").type is Kind.TEXT
    assert source.extra_column("Churn").role is Role.OUTCOME


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL.replace("version: 1", "version: 2"), r"workspace.yaml:1:\d+: version"),
        (
            SMALL.replace("accounts", "acounts"),
            r"workspace.yaml:4:3: tables.acounts: unknown table; did you mean 'accounts'\?",
        ),
        (SMALL.replace("accounts", "tickets"), r"tables: accounts is required"),
        (SMALL + "    delimeter: ';'\n", r"workspace.yaml:6:5: tables.accounts.delimeter: .*'delimiter'"),
        (SMALL + "    encoding: utf-9\n", "workspace.yaml:6:.*no Python codec"),
        (SMALL + "    encoding: base64\n", "no text encoding"),
        (SMALL + "    delimiter: ';;'\n", "tables.accounts.delimiter"),
        (SMALL + "    delimiter: '\"'\n", "cannot separate fields"),
        (SMALL + "    decimal: '!'\n", "tables.accounts.decimal"),
        (SMALL + "    dates: dd/mm/yyyy\n", "no date format; write strptime codes"),
        (SMALL + "    timezone: Stockholm\n", "no IANA time zone"),
        (SMALL + "    columns: {acount_id: x}\n", r"columns.acount_id: no such column.*'account_id'"),
        (SMALL + "    columns: {name: {from: x, const: y}}\n", "one of from, const and row"),
        (SMALL + "    extra: {Plan: text}\n", r"extra.Plan: the table has 'plan' already"),
        (SMALL + "    extra: {_line: text}\n", r"extra._line: names that start with _ are ours"),
        (SMALL + "    extra: {x: {type: number}}\n", r"tables.accounts.extra.x"),
        (SMALL + "currency: euro\n", "workspace.yaml:6:.*currency"),
        (SMALL + "engine: {threads: 0}\n", "engine.threads"),
    ],
)
def test_a_wrong_key_is_refused_at_its_place(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_all_wrong_keys_come_at_once(tmp_path):
    with pytest.raises(ConfigError, match="threads") as refused:
        load(tmp_path, SMALL + "    encoding: utf-9\nengine: {threads: 0}\nbatsh: x\n")
    assert len(refused.value.problems) == 3


def test_norway_and_times_of_day_stay_text(tmp_path):
    source = load(tmp_path, SMALL + "    missing: [NO, 12:30]\n").tables["accounts"]
    assert source.missing == ("NO", "12:30")


@pytest.mark.parametrize("place", ["workspace.yaml", "configs/workspace.yaml"])
def test_a_workspace_is_found_from_any_folder_of_its_project(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(SMALL)
    below = tmp_path / "notebooks" / "mine"
    below.mkdir(parents=True)
    assert find_workspace(None, below).samefile(path)
    assert project_root(path) == tmp_path


def test_the_workspace_in_configs_comes_first(tmp_path):
    (tmp_path / "configs").mkdir()
    for place in ("workspace.yaml", "configs/workspace.yaml"):
        (tmp_path / place).write_text(SMALL)
    assert find_workspace(None, tmp_path) == tmp_path / "configs" / "workspace.yaml"


def test_a_given_workspace_is_relative_to_where_one_is(tmp_path):
    (tmp_path / "other.yaml").write_text(SMALL)
    assert find_workspace("other.yaml", tmp_path) == tmp_path / "other.yaml"


def test_a_project_may_be_given_in_place_of_its_workspace(tmp_path):
    (tmp_path / "book" / "configs").mkdir(parents=True)
    (tmp_path / "book" / "configs" / "workspace.yaml").write_text(SMALL)
    assert find_workspace("book", tmp_path) == tmp_path / "book" / "configs" / "workspace.yaml"


def test_a_given_workspace_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"other.yaml: no such workspace file"):
        find_workspace("other.yaml", tmp_path)


def test_without_a_workspace_the_way_out_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no workspace here.*csw init"):
        find_workspace(None, tmp_path)


def test_a_text_where_a_mapping_is_shorter_means_the_column_of_the_file():
    source = TableSource(path="a.csv", columns={"name": "Firma"})
    assert (source.column_map("name").source, source.column_map("name").const) == ("Firma", None)
