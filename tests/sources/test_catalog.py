"""Tables of a DuckDB file: found by name, opened read only, typed like any other source."""

import subprocess
import sys
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from csworkbench.errors import DataError, EnvironmentProblem
from tests.sources.conftest import column, finding, rows, utc

TICKETS = """
create schema crm;
create table crm.tickets as from (values
    ('1', 'A', timestamp '2026-01-01 10:00:00', 4.5::double, [1, 2]),
    ('2', 'B', timestamp '2026-01-02 00:00:00', 9.0, null)
) as t(ticket_id, account_id, opened_at, csat, watchers);
create view crm.good as select * exclude (watchers) from crm.tickets where csat < 5;
create table usage as select 'A' as account_id, date '2026-01-01' as date, 3 as events;
"""


def database(project, sql=TICKETS, name="dwh/team.duckdb"):
    (project.root / "dwh").mkdir(exist_ok=True)
    with duckdb.connect(str(project.root / name)) as connection:
        connection.execute(sql)
    return name


def opened(project, table="crm.tickets", canonical="tickets", name="dwh/team.duckdb", **source):
    project.write("accounts.csv", "account_id\nA\nB\n")
    workspace = {"engine": {"database": name}}
    return project.open(workspace, accounts="accounts.csv", **{canonical: {"table": table} | source})


def test_a_table_of_the_database_is_typed_by_its_contract(project):
    database(project)
    book = opened(project)
    assert rows(book, "tickets") == [
        {"ticket_id": "1", "account_id": "A", "opened_at": utc(2026, 1, 1, 10), "csat": Decimal("4.5")},
        {"ticket_id": "2", "account_id": "B", "opened_at": utc(2026, 1, 2), "csat": Decimal(9)},
    ]
    assert book.reports["tickets"].files == ("dwh/team.duckdb",)


def test_a_view_and_a_table_without_a_schema_are_found_too(project):
    database(project)
    assert column(opened(project, "crm.good"), "ticket_id", "tickets") == ["1"]
    assert column(opened(project, "usage", "usage_daily"), "date", "usage_daily") == [date(2026, 1, 1)]
    assert column(opened(project, "team.main.usage", "usage_daily"), "events", "usage_daily") == [3]


def test_a_broken_value_is_found_by_the_number_of_its_row(project):
    database(project, TICKETS + "insert into crm.tickets values (null, 'A', now()::timestamp, 1, null);")
    found = finding(opened(project), "tickets", "blank", "ticket_id")
    assert found.place == "crm.tickets row 3"  # blanks come last


def test_a_table_the_database_does_not_have_is_named_with_the_near_ones(project):
    database(project)
    message = r"^tables.tickets.table: the database has no table 'crm.ticket' \(did you mean 'crm.tickets'\?\)$"
    with pytest.raises(DataError, match=message):
        opened(project, "crm.ticket")
    with pytest.raises(DataError, match=r"\(it has crm.good, crm.tickets, main.usage\)"):
        opened(project, "nothing.like_it")


def test_a_missing_column_is_named_with_the_near_ones(project):
    database(project, "create table t as select 1 as ticket_id, 'A' as account_id, 2 as opened_on")
    with pytest.raises(
        DataError, match=r"^tables.tickets.table: column 'opened_at' is missing; .*did you mean 'opened_on'"
    ):
        opened(project, "t")


def test_a_missing_database_is_named_with_the_near_ones(project):
    database(project)
    with pytest.raises(
        DataError, match=r"^dwh/taem.duckdb: engine.database: there is no such .*did you mean 'team.duckdb'"
    ):
        opened(project, name="dwh/taem.duckdb")


def test_a_file_that_is_no_database_is_refused(project):
    project.write("dwh/team.duckdb", "no database\n" * 1000)
    with pytest.raises(DataError, match=r"^dwh/team.duckdb: engine.database: is no DuckDB database"):
        opened(project)


WRITER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


def test_a_database_that_is_being_written_is_a_problem_of_the_moment(project):
    path = project.root / database(project)
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(EnvironmentProblem, match=r"^dwh/team.duckdb: engine.database: is being written") as found:
            opened(project)
        writer.communicate("\n")
    assert found.value.exit_code == 4
    assert column(opened(project), "ticket_id", "tickets") == ["1", "2"]


def test_a_database_that_this_process_has_open_is_told_too(project):
    path = project.root / database(project)
    with duckdb.connect(str(path)), pytest.raises(EnvironmentProblem, match="is being written to"):
        opened(project)


def test_a_view_that_reaches_other_files_is_refused(project):
    other = project.write("other.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01\n")
    database(project, f"create view v as from read_csv('{project.root / other}')")
    with pytest.raises(DataError, match=r"^tables.tickets.table: .*file system operations are disabled"):
        opened(project, "v")


def test_the_database_is_left_as_it_was(project):
    path = project.root / database(project)
    before = path.read_bytes()
    opened(project)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_the_number_of_a_row_is_its_id_where_it_has_no_other(project):
    database(project)
    book = opened(project, columns={"ticket_id": {"row": True}})
    assert column(book, "ticket_id", "tickets") == ["1", "2"]


def test_a_problem_of_the_database_is_told_once_for_all_its_tables(project):
    project.write("accounts.csv", "account_id\nA\n")
    source = {"table": "t"}
    with pytest.raises(DataError, match="there is no such database") as refused:
        project.open({"engine": {"database": "no.db"}}, accounts="accounts.csv", tickets=source, usage_daily=source)
    assert len(refused.value.problems) == 1


def test_what_was_committed_but_not_merged_into_the_database_counts(project):
    path = project.root / database(project)
    late = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('set checkpoint_threshold = \"1GB\"');"
    late += "c.execute(\"delete from crm.tickets where ticket_id = '2'\"); os._exit(0)"
    opened(project)
    subprocess.run([sys.executable, "-c", late, str(path)], check=True)
    assert path.with_name("team.duckdb.wal").is_file()
    assert column(opened(project), "ticket_id", "tickets") == ["1"]


def test_a_changed_database_is_read_again(project):
    database(project)
    opened(project)
    assert opened(project).reports["tickets"].was_cached
    database(project, "delete from crm.tickets where ticket_id = '2'")
    assert column(opened(project), "ticket_id", "tickets") == ["1"]
