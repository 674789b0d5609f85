"""Tables made by SQL over declared files: what a query may say, what it sees, and where its rows come from."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csworkbench.errors import ConfigError, DataError
from csworkbench.sources.query import faults
from tests.sources.conftest import column, finding, rows

SUBS = "subscription_id,account_id\nS1,A\nS2,B\n"
USAGE = "subscription_id,usage_date,events\nS1,2026-01-01,3\nS2,2026-01-02,x\nS2,2026-01-03,5\n"
JOIN = "select s.account_id, u.* from raw u join subs s using (subscription_id)"


def usage(project, query=JOIN, *, raw=USAGE, subs=SUBS, ids="A B", workspace=None, **source):
    """Open usage made by a query over two raw files; the date is called usage_date there."""
    files = {"raw": {"path": project.write("exports/u.csv", raw)}, "subs": {"path": project.write("s.csv", subs)}}
    declared = {"files": files, "query": query, "columns": {"date": "usage_date"}} | source
    project.write("accounts.csv", "\n".join(["account_id", *ids.split()]) + "\n")
    return project.open(workspace, accounts="accounts.csv", usage_daily=declared)


def test_a_query_joins_declared_files(project):
    book = usage(project)
    assert [(row["account_id"], row["date"], row["events"]) for row in rows(book, "usage_daily")] == [
        ("A", date(2026, 1, 1), 3),
        ("B", date(2026, 1, 3), 5),
    ]
    assert book.reports["usage_daily"].files == ("exports/u.csv", "s.csv")


def test_a_bad_cell_is_found_at_the_line_of_the_raw_file_where_the_result_keeps_its_place(project):
    found = finding(usage(project), "usage_daily", "type", "events")
    assert (found.place, found.example) == ("exports/u.csv:3", "x")


def test_a_bad_cell_is_found_at_a_numbered_row_where_the_result_does_not(project):
    query = "select account_id, usage_date, events from raw join subs using (subscription_id)"
    found = finding(usage(project, query), "usage_daily", "type", "events")
    # Ordered by the columns that are read: A 2026-01-01 3, B 2026-01-02 x, B 2026-01-03 5.
    assert (found.place, found.example) == ("query row 2", "x")
    (listed,) = project.quarantine("usage_daily")
    assert (listed["file"], listed["line"]) == ("query row", "2")


def test_rows_are_numbered_where_a_join_gives_a_line_several_times(project):
    doubled = SUBS + "S2,C\n"  # S2 belongs to two accounts, so lines 3 and 4 come out twice
    book = usage(project, subs=doubled, ids="A B C")
    found = finding(book, "usage_daily", "type", "events")
    assert (found.count, found.place) == (2, "query row 2")
    assert book.reports["usage_daily"].rows == 3


def test_the_line_is_the_id_of_a_row_that_keeps_its_place(project):
    book = usage(project, extra={"subscription_id": "text"}, columns={"date": "usage_date", "user_id": {"row": True}})
    assert column(book, "user_id", "usage_daily") == ["exports/u.csv:2", "exports/u.csv:4"]


def test_lines_of_raw_files_that_are_no_rows_are_set_aside(project):
    book = usage(project, raw=USAGE + "S1\n")
    found = finding(book, "usage_daily", "width")
    assert (found.place, found.action) == ("exports/u.csv:5", "quarantined")
    assert book.reports["usage_daily"].quarantined == 2


def test_cells_of_raw_files_are_texts(project):
    query = "select account_id, usage_date, events, typeof(events) as kind from raw join subs using (subscription_id)"
    book = usage(project, query, extra={"kind": "text"})
    assert set(column(book, "kind", "usage_daily")) == {"VARCHAR"}


def test_ids_keep_their_zeros_through_a_query(project):
    book = usage(project, raw=USAGE.replace("S1", "007"), subs=SUBS.replace("S1,A", "007,0042"), ids="0042 B")
    assert column(book, "account_id", "usage_daily") == ["0042", "B"]


def test_types_that_sql_made_are_read_exactly(project):
    query = (
        "select account_id, max(usage_date)::date as usage_date, sum(length(events))::hugeint as events,"
        " 0.125::decimal(20, 10) as minutes from raw join subs using (subscription_id) group by all"
    )
    book = usage(project, query)
    assert [(row["events"], row["minutes"]) for row in rows(book, "usage_daily")] == [
        (1, Decimal("0.125")),
        (2, Decimal("0.125")),
    ]


def test_a_whole_number_beyond_64_bits_is_text_and_no_rounded_number(project):
    huge = "1" + "0" * 29 + "1"
    query = f"select account_id, usage_date, events, {huge}::hugeint as huge from raw join subs using (subscription_id)"
    assert column(usage(project, query, extra={"huge": "text"}), "huge", "usage_daily") == [huge, huge]


def test_a_raw_parquet_keeps_its_types_and_gives_its_rows_as_lines(project):
    typed = {"day": pa.array([date(2026, 1, 1), date(2026, 1, 2)]), "events": [3, -1]}
    pq.write_table(pa.table(typed), project.root / "u.parquet")
    query = "select 'A' as account_id, day + interval 1 day as usage_date, * from raw"
    book = project.with_accounts(
        "A",
        usage_daily={"files": {"raw": {"path": "u.parquet"}}, "query": query, "columns": {"date": "usage_date"}},
    )
    assert column(book, "date", "usage_daily") == [date(2026, 1, 2)]
    assert finding(book, "usage_daily", "range", "events").place == "u.parquet:2"


def test_files_of_one_name_are_stacked_by_the_names_of_their_columns(project):
    project.write("u1.csv", "account_id,date,events\nA,2026-01-01,1\n")
    project.write("u2.csv", "date,account_id\n2026-01-02,A\n")
    source = {"files": {"raw": {"path": ["u1.csv", "u2.csv"]}}, "query": "from raw"}
    book = project.with_accounts("A", usage_daily=source)
    assert [row["events"] for row in rows(book, "usage_daily")] == [1, None]


def test_files_of_one_name_must_agree_on_types(project):
    project.write("u.csv", "account_id,date,events\nA,2026-01-01,1\n")
    pq.write_table(pa.table({"account_id": ["A"], "events": [1]}), project.root / "u.parquet")
    source = {"files": {"raw": {"path": ["u.csv", "u.parquet"]}}, "query": "from raw"}
    message = r"^tables.usage_daily.files.raw: column 'events' is BIGINT in one file and VARCHAR in another"
    with pytest.raises(DataError, match=message):
        project.with_accounts("A", usage_daily=source)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "select * from rawusage",
            r"reads 'rawusage', which is not declared under files \(did you mean 'raw_usage'\?\)",
        ),
        ("select * from other", r"reads 'other'.*\(declared are raw_usage, subs\)"),
        ("select * from main.subs", "reads 'main.subs'"),
        ("from 'secret.csv'", "reads 'secret.csv'"),
        ("select * from read_csv('/etc/passwd')", r"reads read_csv\(...\) \(declare the file under files"),
        ("select * from subs where x in (from read_text('a'))", r"reads read_text\(...\)"),
        ("select * from query('drop table subs')", r"reads query\(...\)"),
        ("select * from duckdb_settings()", r"reads duckdb_settings\(...\)"),
        ("select 1; select 2", "must be one SELECT"),
        ("drop table subs", "must be one SELECT"),
        ("copy subs to 'x.csv'", "must be one SELECT"),
        ("attach 'x.db'", "must be one SELECT"),
        ("set threads = 1", "must be one SELECT"),
        ("summarize subs", "must be one SELECT"),
        ("selec 1", 'syntax error at or near "selec" in line 1'),
        ("select now() as t", r"calls now\(\), which changes from run to run"),
        ("select current_date", r"calls current_date\(\)"),
        ("select current_timestamp", r"calls current_timestamp\(\)"),
        ("select localtimestamp", r"calls localtimestamp\(\)"),
        ("select * from subs using sample 10%", "takes a sample, which changes from run to run"),
        ("select uuid()", r"calls uuid\(\)"),
        ("select * from subs order by random()", r"calls random\(\)"),
    ],
)
def test_a_query_that_is_more_than_a_select_over_declared_files_is_refused(sql, message):
    (problem,) = faults(sql, ["raw_usage", "subs"], "tables.usage_daily.query")
    with pytest.raises(ConfigError, match=f"^tables.usage_daily.query: {message}"):
        raise ConfigError(problem)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from subs -- the end",
        "from Subs;",
        "with s as (from subs) select * from s union all from subs",
        "select * from subs, unnest([1, 2]) as t(n), range(3) as r(m)",
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) from r",
        "select *, row_number() over (partition by account_id order by n) from subs qualify true order by 1 limit 3",
    ],
)
def test_a_select_over_declared_files_is_accepted(sql):
    assert faults(sql, ["subs"], "tables.x.query") == []


def test_what_queries_may_not_say_is_told_at_once_and_before_a_file_is_looked_for(project):
    source = {"files": {"raw": {"path": "absent.csv"}}, "query": "from nothing"}
    with pytest.raises(ConfigError, match="nothing") as refused:
        project.with_accounts("A", usage_daily=source, tickets=source)
    keys = [problem.key for problem in refused.value.problems]
    assert keys == ["tables.usage_daily.query", "tables.tickets.query"]


def test_problems_of_all_files_of_a_query_are_told_at_once(project):
    with pytest.raises(DataError, match=r"u\.csv: the file is empty") as refused:
        usage(project, raw="", subs="a;b\n1;2\n")
    assert [str(problem) for problem in refused.value.problems] == [
        "exports/u.csv: the file is empty (0 bytes) (export it again)",
        "s.csv:1: the columns look separated by ';', not ',' (set tables.usage_daily.files.subs.delimiter: ';')",
    ]


def test_a_missing_raw_file_is_named_with_its_key(project):
    source = {"files": {"raw": {"path": "absent.csv"}}, "query": "from raw"}
    with pytest.raises(DataError, match=r"^absent.csv: .*set tables.usage_daily.files.raw.path"):
        project.with_accounts("A", usage_daily=source)


def test_an_unknown_column_is_named_with_the_near_ones(project):
    with pytest.raises(DataError, match=r'^tables.usage_daily.query: .*"acount_id" not found.*"account_id"') as refused:
        usage(project, "select acount_id from subs")
    assert len(str(refused.value).splitlines()) == 1


def test_a_value_sql_cannot_convert_is_a_problem_of_the_data(project):
    with pytest.raises(
        DataError, match=r"^tables.usage_daily.query: Could not convert string 'x' to INT32 .* in line 1"
    ):
        usage(
            project, "select account_id, usage_date, events::int as events from raw join subs using (subscription_id)"
        )


def test_a_column_the_result_lacks_is_named_with_the_near_ones(project):
    with pytest.raises(DataError, match=r"^tables.usage_daily.query: column 'usage_date' \(for date\) is missing"):
        usage(project, "select account_id, events from raw join subs using (subscription_id)")


def test_a_column_the_result_has_twice_is_refused(project):
    query = "select u.*, s.* from raw u join subs s on u.subscription_id = s.subscription_id"
    with pytest.raises(DataError, match="the result has column 'subscription_id' twice"):
        usage(project, query)


def test_a_column_twice_in_a_raw_file_is_refused_by_name(project):
    with pytest.raises(DataError, match=r"^s.csv:1: column 'account_id' occurs twice"):
        usage(project, subs="account_id,Account_ID,subscription_id\nA,B,S1\n")


def test_a_result_that_holds_lists_is_refused_where_they_are_mapped_and_else_ignored(project):
    query = "select account_id, usage_date, [events] as events from raw join subs using (subscription_id)"
    assert "events" in rows(usage(project, query.replace("as events", "as kept, events")), "usage_daily")[0]
    message = (
        r"^tables.usage_daily.query: tables.usage_daily.columns.events: column 'events' is list<.*which is no cell"
    )
    with pytest.raises(DataError, match=message):
        usage(project, query)


def test_a_damaged_raw_parquet_is_refused_by_name(project):
    project.write("u.parquet", "PAR1")
    source = {"files": {"raw": {"path": "u.parquet"}}, "query": "from raw"}
    with pytest.raises(DataError, match=r"^u.parquet: cannot be read as Parquet: it is damaged or cut"):
        project.with_accounts("A", usage_daily=source)


def test_columns_of_a_raw_parquet_the_engine_would_misread_are_not_there(project):
    wide = pa.array([Decimal("1.5")], pa.decimal256(50, 2))  # the engine reads 25165824.0
    pq.write_table(pa.table({"account_id": ["A"], "date": ["2026-01-01"], "minutes": wide}), project.root / "u.parquet")
    source = {"files": {"raw": {"path": "u.parquet"}}, "query": "select account_id, date, minutes from raw"}
    with pytest.raises(DataError, match='"minutes" not found'):
        project.with_accounts("A", usage_daily=source)


@pytest.mark.parametrize("path", ["/etc/hostname", "accounts.csv"])
def test_sql_that_the_check_lets_through_still_reaches_no_other_file(project, monkeypatch, path):
    monkeypatch.setattr("csworkbench.sources.query.faults", lambda *_: [])
    with pytest.raises(DataError, match="file system operations are disabled"):
        usage(project, f"select content as account_id, '2026-01-01' as usage_date from read_text('{path}')")


@pytest.mark.parametrize("sql", ["from raw", "from raw order by events limit 1"])
@pytest.mark.parametrize("threads", [1, 4])
def test_rows_do_not_depend_on_the_number_of_threads(project, threads, sql):
    lines = [f"A,2026-01-{1 + n % 28:02},{n % 3}" for n in range(3000)]
    raw = "account_id,usage_date,events\n" + "\n".join(lines) + "\n"
    columns = {"date": "usage_date", "user_id": {"row": True}}
    first = usage(project, sql, raw=raw, columns=columns)
    for path in project.cache.glob("usage_daily-*"):
        path.unlink()
    again = usage(project, sql, raw=raw, columns=columns, workspace={"engine": {"threads": threads}})
    assert not again.reports["usage_daily"].was_cached
    assert rows(again, "usage_daily") == rows(first, "usage_daily")


@pytest.mark.parametrize(
    "change", [{"query": JOIN + " where true"}, {"subs": SUBS + "S3,A\n"}, {"raw": USAGE + "S1,2026-01-09,1\n"}]
)
def test_another_query_or_another_file_is_read_again(project, change):
    usage(project)
    assert usage(project).reports["usage_daily"].was_cached
    assert not usage(project, **change).reports["usage_daily"].was_cached


def test_a_file_declared_under_another_name_of_the_query_is_read_again(project):
    x, y, z = (project.write(f"{name}.csv", f"account_id\n{name}\n") for name in "xyz")

    def accounts(a, b):
        return project.open(accounts={"files": {"a": {"path": a}, "b": {"path": b}}, "query": "from a"})

    assert column(accounts([x, y], [z]), "account_id") == ["x", "y"]
    assert column(accounts([x], [y, z]), "account_id") == ["x"]


def test_a_project_of_a_queried_file_may_lie_in_a_folder_of_any_name(project):
    inside = type(project)(project.root / "it's my [book] 100% #1 *漢字")
    inside.root.mkdir()
    pq.write_table(pa.table({"account_id": ["A"], "usage_date": ["2026-01-01"]}), inside.root / "p.parquet")
    inside.write("accounts.csv", "account_id\nA\n")
    files = {"raw": {"path": "p.parquet"}, "more": {"path": "accounts.csv"}}
    source = {"files": files, "query": "from raw semi join more using (account_id)", "columns": {"date": "usage_date"}}
    book = inside.open(accounts="accounts.csv", usage_daily=source)
    assert column(book, "account_id", "usage_daily") == ["A"]
    book.connection.disconnect()
