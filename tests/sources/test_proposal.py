"""Files nobody has declared: what they look like, which table they are, and the mapping that reads them."""

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from csworkbench.errors import ConfigError, DataError
from csworkbench.sources import open_book
from csworkbench.sources.headers import likeness
from csworkbench.sources.looks import look, look_at
from csworkbench.sources.proposal import propose, scalar, try_out
from csworkbench.tables import Kind
from csworkbench.workspace import load_workspace

ENGLISH = """Customer Number,Company Name,Industry,Country,Customer Since,Annual Revenue,Account Manager,Churned
00042,Acme Ltd,Retail,Ireland,2024-03-01,12000.50,Ann,no
00043,Brown & Sons,Media,Ireland,2024-04-15,8000,Bo,no
00044,Cole,Retail,Ireland,2024-05-20,950.25,Ann,yes
"""
CHINESE = """工单号,客户编号,创建时间,解决时间,问题类型,优先级,满意度
T-1,00042,2026/03/01 09:30,2026/03/02 10:00,登录,高,5
T-2,00043,2026/03/05 14:05,,报表,低,
T-3,00042,2026/04/11 08:00,2026/04/11 09:15,登录,中,4
"""
SWEDISH = """Abonnemangs-id;Kundnummer;Startdatum;Slutdatum;Antal licenser;Månadsavgift;Automatisk förnyelse;Bransch
A1;00042;01.03.2025;28.02.2026;10;1250,50;ja;Handel
A2;00043;15.04.2025;;5;800,00;nej;Media
A3;00044;20.05.2025;31.05.2026;1;95,25;ja;Handel
"""


def written(folder, text, encoding="utf-8", name="export.csv"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def mapping(proposal):
    return {match.column: match.header for match in proposal.matches}


def read(folder, proposal, path):
    """Return the rows of a table read with the proposed mapping, put into a workspace by hand."""
    entry = "".join(f"  {line}\n" for line in proposal.to_yaml(path.name).splitlines())
    accounts = "" if proposal.table == "accounts" else "  accounts: {path: accounts.csv}\n"
    (folder / "accounts.csv").write_text("account_id\n00042\n00043\n00044\n", encoding="utf-8")
    (folder / "workspace.yaml").write_text(f"version: 1\nname: t\ntables:\n{accounts}{entry}", encoding="utf-8")
    book = open_book(load_workspace(folder / "workspace.yaml"), folder, folder / "cache")
    rows = book.tables[proposal.table].to_pyarrow().to_pylist()
    book.connection.disconnect()
    return rows


def test_an_english_customer_list_is_mapped_to_accounts(tmp_path):
    path = written(tmp_path, ENGLISH)
    proposal = propose(path)
    assert proposal.table == "accounts"
    assert mapping(proposal) == {
        "account_id": "Customer Number",
        "name": "Company Name",
        "industry": "Industry",
        "region": "Country",
        "arr": "Annual Revenue",
        "signup_at": "Customer Since",
    }
    first = read(tmp_path, proposal, path)[0]
    assert (first["account_id"], first["signup_at"]) == ("00042", datetime.fromisoformat("2024-03-01"))


def test_what_became_of_a_customer_is_proposed_as_an_outcome_and_never_as_a_predictor(tmp_path):
    proposal = propose(written(tmp_path, ENGLISH))
    assert [extra.header for extra in proposal.extras if extra.is_outcome] == ["Churned"]
    assert "role: outcome" in proposal.to_yaml("export.csv")


def test_a_chinese_ticket_export_in_gb18030_is_mapped_to_tickets(tmp_path):
    path = written(tmp_path, CHINESE, "gb18030")
    proposal = propose(path)
    assert (proposal.table, proposal.look.encoding) == ("tickets", "gb18030")
    assert mapping(proposal) == {
        "ticket_id": "工单号",
        "account_id": "客户编号",
        "opened_at": "创建时间",
        "resolved_at": "解决时间",
        "topic": "问题类型",
        "severity": "优先级",
        "csat": "满意度",
    }
    rows = read(tmp_path, proposal, path)
    opened = {row["opened_at"].isoformat(" ", "minutes") for row in rows}
    assert opened == {"2026-03-01 09:30", "2026-03-05 14:05", "2026-04-11 08:00"}


def test_a_swedish_contract_list_with_semicolons_and_decimal_commas_is_mapped_to_subscriptions(tmp_path):
    path = written(tmp_path, SWEDISH, "cp1252")
    proposal = propose(path)
    assert (proposal.table, proposal.look.encoding, proposal.look.delimiter) == ("subscriptions", "cp1252", ";")
    rows = {row["subscription_id"]: row for row in read(tmp_path, proposal, path)}
    assert rows["A1"]["start_date"] == date(2025, 3, 1)
    assert float(rows["A1"]["mrr"]) == 1250.50
    assert (rows["A1"]["seats"], rows["A1"]["auto_renew"], rows["A2"]["auto_renew"]) == (10, True, False)
    assert rows["A1"]["Bransch"] == "Handel"


@pytest.mark.parametrize(("text", "encoding"), [(ENGLISH, "utf-8"), (CHINESE, "gb18030"), (SWEDISH, "cp1252")])
def test_the_proposed_mapping_reads_every_row(tmp_path, text, encoding):
    path = written(tmp_path, text, encoding)
    report = try_out(propose(path), path)
    assert (report.rows, report.quarantined) == (3, 0)


def test_days_and_months_that_cannot_be_told_apart_are_no_sure_thing(tmp_path):
    path = written(tmp_path, "ticket_id,account_id,opened_at\n1,a,03/04/2026\n2,a,05/06/2026\n")
    (doubtful,) = [match for match in propose(path).matches if match.column == "opened_at"]
    assert doubtful.confidence < 0.75
    assert "day and month cannot be told apart" in doubtful.note


def test_a_table_without_an_id_takes_the_line_as_its_id(tmp_path):
    path = written(tmp_path, "Customer,NPS score,Answered at\na,9,2026-01-01\na,9,2026-01-01\n")
    proposal = propose(path)
    assert (proposal.table, proposal.takes_line_as_id) == ("nps_responses", True)
    assert try_out(proposal, path).rows == 2


def test_words_of_the_file_are_mapped_to_words_of_the_contract(tmp_path):
    path = written(tmp_path, "续约编号,客户编号,到期日期,续约结果\nR1,a,2026-01-31,已续约\nR2,b,2026-02-28,流失\n")
    (outcome,) = [match for match in propose(path).matches if match.column == "outcome"]
    assert outcome.settings["values"] == {"已续约": "renewed", "流失": "churned"}


def test_what_the_table_needs_and_the_file_lacks_is_said(tmp_path):
    proposal = propose(written(tmp_path, "subscription_id,start_date\ns,2026-01-01\n"), "subscriptions")
    assert proposal.missing == ("account_id",)
    assert "# account_id: needed" in proposal.to_yaml("export.csv")


def test_ids_are_not_taken_for_one_another_because_they_end_alike():
    assert likeness("usage_id", "usage_daily", "user_id") == 0


def test_numbers_with_leading_zeros_and_numbers_of_things_are_text():
    assert look_at("Ref", ["007", "12"]).kind is Kind.TEXT
    assert look_at("Phone", ["4670123", "4670124"]).kind is Kind.TEXT


def test_times_written_without_marks_are_times():
    seen = look_at("Created", ["20260930235959", "20261001000000"])
    assert (seen.kind, seen.dates) == (Kind.INSTANT, "%Y%m%d%H%M%S")


def test_parquet_is_looked_at_as_it_is(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"customer_id": ["a", "b"], "company": ["A", "B"]}), tmp_path / "x.parquet")
    proposal = propose(tmp_path / "x.parquet")
    assert (proposal.table, mapping(proposal)) == ("accounts", {"account_id": "customer_id", "name": "company"})
    assert try_out(proposal, tmp_path / "x.parquet").rows == 2


def test_a_file_that_sounds_like_nothing_is_refused_with_what_to_say(tmp_path):
    with pytest.raises(DataError, match="--table accounts"):
        propose(written(tmp_path, "qqq,zzz\n1,2\n"))


def test_an_unknown_table_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no table 'tickts'"):
        propose(written(tmp_path, ENGLISH), "tickts")


@pytest.mark.parametrize(("text", "match"), [("", "empty"), ("a,b\n" * 99 + "\0", "NUL")])
def test_what_is_no_table_of_texts_is_refused(tmp_path, text, match):
    with pytest.raises(DataError, match=match):
        look(written(tmp_path, text))


@pytest.mark.parametrize("text", ["no", "Yes", "a: b", "#x", "42", "- a", "{a}", 'q"u', "x: ", "null", "客户: #"])
def test_any_header_becomes_yaml_that_says_the_same(text):
    from ruamel.yaml import YAML

    assert YAML(typ="safe").load(f"{{k: {scalar(text)}}}") == {"k": text}


def test_the_command_prints_yaml_on_stdout_and_talk_on_stderr(tmp_path):
    path = written(tmp_path, SWEDISH, "cp1252")
    done = subprocess.run(
        [Path(sys.executable).with_name("csw"), "doctor", "data", path.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "subscriptions:\n" in done.stdout
    assert "Read like this: 3 rows, 0 set aside." in done.stderr


def test_a_file_that_is_not_there_is_told_with_those_beside_it(tmp_path):
    written(tmp_path, SWEDISH, "cp1252").rename(tmp_path / "customers.csv")
    with pytest.raises(DataError, match=r"custmers.csv: cannot be read: .* \(near it: customers.csv\)"):
        propose(tmp_path / "custmers.csv")
