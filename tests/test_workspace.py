"""The workspace file: found from anywhere in the project, refused with every problem at its line."""

import re
from datetime import date

import pytest

from csworkbench.errors import ConfigError
from csworkbench.tables import Kind, Role, Rule
from csworkbench.workspace import RuleActions, TableSource, find_workspace, load_workspace, project_root

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


@pytest.mark.parametrize("language", ["sv", "sv-SE", "en-GB", "zh-CN", "zh_CN", "zh"])
def test_pages_may_be_in_a_language_that_is_written(tmp_path, language):
    assert load(tmp_path, f"{SMALL}language: {language}\n").language == language


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("se", "; did you mean 'sv'?"),
        ("svenska", "; did you mean 'sv'?"),
        ("swe", "; did you mean 'sv'?"),
        ("Sv", "; did you mean 'sv'?"),
        ("cn", "; did you mean 'zh-CN'?"),
        ("zh-TW", "; did you mean 'zh-CN'?"),
        ("US", "; did you mean 'en'?"),
        ("de", ""),
        ("../en", ""),
    ],
)
def test_a_language_in_which_no_page_is_written_is_refused(tmp_path, language, hint):
    said = f"language: pages are written in en, sv, zh-CN, not in '{language}'{hint}"
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        load(tmp_path, f"{SMALL}language: {language}\n")
    assert hint or "did you mean" not in str(refused.value)


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


def source(**keys):
    return TableSource.model_validate({"path": "a.csv"} | keys)


QUERY = """
  usage_daily:
    files: {raw: {path: u.csv, delimiter: ";"}, subs: {path: [s.csv, t/*.csv], encoding: cp1252}}
    query: select s.account_id, u.* from raw u join subs s using (subscription_id)
    thousands: " "
    extra: {usage_id: {type: text, unique: true, varies: false}}
    rules: {default: flag, foreign_key: quarantine}
"""


def test_a_query_over_declared_files_is_read(tmp_path):
    usage = load(tmp_path, SMALL + QUERY).tables["usage_daily"]
    assert usage.paths == ()
    assert usage.files["raw"].delimiter == ";"
    assert usage.files["subs"].paths == ("s.csv", "t/*.csv")
    assert usage.thousands == " "
    assert (usage.extra_column("usage_id").unique, usage.extra_column("usage_id").varies) == (True, False)


@pytest.mark.parametrize(
    ("rules", "rule", "action"),
    [
        ("quarantine", "order", "quarantine"),
        ("flag", "order", "flag"),
        ("flag", "width", "quarantine"),  # a line of another width is no row that could be kept
        ({"default": "flag", "foreign_key": "quarantine"}, "foreign_key", "quarantine"),
        ({"default": "flag", "foreign_key": "quarantine"}, "order", "flag"),
        ({"order": "flag"}, "order", "flag"),
        ({"order": "flag"}, "range", "quarantine"),
    ],
)
def test_each_rule_has_its_action(rules, rule, action):
    assert source(rules=rules).rule_action(rule) == action


def test_every_rule_that_is_a_choice_can_be_given_an_action():
    assert set(RuleActions.model_fields) == {"default", *(rule.value for rule in Rule if rule.is_choice)}


def test_a_table_of_a_database_is_read_where_the_engine_names_one(tmp_path):
    text = SMALL + "  tickets: {table: desk.tickets}\nengine: {database: warehouse.duckdb}\n"
    workspace = load(tmp_path, text)
    assert workspace.tables["tickets"].table == "desk.tickets"
    assert (workspace.engine.database, workspace.engine.backend) == ("warehouse.duckdb", "duckdb")


def test_ids_of_another_system_name_their_source(tmp_path):
    mapped = "  tickets: {path: t.csv, columns: {account_id: {from: Org, ids: zendesk}}}\n  id_map: {path: m.csv}\n"
    assert load(tmp_path, SMALL + mapped).tables["tickets"].column_map("account_id").ids == "zendesk"


def test_a_region_has_a_country_and_seasons_that_may_cross_the_new_year(tmp_path):
    regions = "regions: {Nordics: {country: SE, seasons: [{name: Yule, first: 12-20, last: 01-06}]}, Rest: {}}\n"
    workspace = load(tmp_path, SMALL + regions)
    assert workspace.regions["Nordics"].seasons[0].last == "01-06"
    assert (workspace.regions["Rest"].country, workspace.regions["Rest"].seasons) == ("", [])


WITHOUT_PATH = SMALL.replace("    path: a.csv\n", "")
LATER = [
    pytest.param(SMALL + "    query: select 1\n", "give one of path, query", id="path and query"),
    pytest.param(WITHOUT_PATH + "    delimiter: ';'\n", "give one of path, query", id="no origin"),
    pytest.param(WITHOUT_PATH + "    query: select 1\n", "files and query belong together", id="query without files"),
    pytest.param(SMALL + "    files: {raw: {path: u.csv}}\n", "files and query belong together", id="files alone"),
    pytest.param(
        WITHOUT_PATH + "    query: select 1\n    files: {my raw: {path: u.csv}}\n",
        r"workspace.yaml:6:\d+: tables.accounts.files.my raw: write letters, digits and _",
        id="name no query could write",
    ),
    pytest.param(
        WITHOUT_PATH + "    query: select 1\n    files: {raw: {path: u.csv}, RAW: {path: v.csv}}\n",
        "differ by more than case",
        id="names that differ by case",
    ),
    pytest.param(
        WITHOUT_PATH + "    query: select 1\n    files: {raw: {path: u.csv}}\n    encoding: cp1252\n",
        r"accounts.encoding: write it under each of files, such as files.raw",
        id="encoding beside a query",
    ),
    pytest.param(
        WITHOUT_PATH + "    table: crm.accounts\n    delimiter: ';'\nengine: {database: w.duckdb}\n",
        r"accounts.delimiter: a table of a database has none",
        id="delimiter beside a table",
    ),
    pytest.param(
        WITHOUT_PATH + "    table: crm.accounts\n",
        r"workspace.yaml:5:\d+: tables.accounts.table: set engine.database",
        id="table without a database",
    ),
    pytest.param(
        SMALL + "    rules: {foreign_kay: flag}\n",
        r"workspace.yaml:6:\d+: tables.accounts.rules.foreign_kay: unknown key .*'foreign_key'",
        id="unknown rule",
    ),
    pytest.param(SMALL + "    rules: {width: flag}\n", "rules.width: unknown key", id="rule that is no choice"),
    pytest.param(SMALL + "    rules: {order: drop}\n", r"tables.accounts.rules", id="unknown action"),
    pytest.param(
        SMALL + "    decimal: ','\n    thousands: ','\n",
        r"accounts.thousands: the decimal mark is the same",
        id="equal marks",
    ),
    pytest.param(
        SMALL + "    thousands: ','\n    columns: {arr: {decimal: ','}}\n",
        r"columns.arr.thousands: the decimal mark of the column is the same",
        id="equal marks of a column",
    ),
    pytest.param(
        SMALL + "    columns: {account_id: {ids: crm}}\n",
        r"columns.account_id.ids: ids are looked up in the table id_map",
        id="ids without a map",
    ),
    pytest.param(
        SMALL + "    columns: {name: {ids: crm}}\n  id_map: {path: m.csv}\n",
        r"columns.name.ids: ids are looked up for account_id",
        id="ids of a name",
    ),
    pytest.param(
        SMALL + "    columns: {account_id: {row: true, ids: crm}}\n  id_map: {path: m.csv}\n",
        "ids needs a column of the file",
        id="ids of a line",
    ),
    pytest.param(SMALL + "regions: {EU: {country: Sweden}}\n", "regions.EU.country", id="country by name"),
    pytest.param(
        SMALL + "regions: {EU: {seasons: [{name: x, first: 02-30, last: 03-01}]}}\n",
        "'02-30' is no day of a year",
        id="day that does not exist",
    ),
    pytest.param(SMALL + "engine: {backend: polars}\n", "engine.backend", id="unknown engine"),
]


@pytest.mark.parametrize(("text", "message"), LATER)
def test_a_wrong_source_region_or_rule_is_refused_at_its_place(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)
