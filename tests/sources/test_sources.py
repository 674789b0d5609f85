"""Opening a book: the cache, Parquet, limits of the machine, and a real file by configuration alone."""

import fcntl
import json
import os
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csworkbench.errors import DataError, EnvironmentProblem
from csworkbench.sources import cache, engine, open_book, parse
from csworkbench.workspace import Engine, Workspace, load_workspace
from tests.sources.conftest import column, finding, rows, utc

ROOT = Path(__file__).parents[2]
TELCO = ROOT.parent / "shared" / "data" / "telco.csv"


def test_the_second_time_nothing_is_parsed_and_everything_is_equal(project, monkeypatch):
    first = project.accounts("account_id,arr\nA,1\nB,x\nC,3\nC,3\n", extra={})
    bad = project.quarantine("accounts")
    monkeypatch.setattr(parse, "CsvRows", None)  # parsing would fail now
    second = project.open(accounts="accounts.csv")
    assert second.reports["accounts"] == replace(first.reports["accounts"], was_cached=True)
    assert rows(second) == rows(first)
    assert project.quarantine("accounts") == bad


@pytest.mark.parametrize("source", [{"missing": ["gold"]}, {"extra": {"x": "text"}}, {"rules": "flag"}])
def test_another_mapping_is_read_again(project, source):
    content = "account_id,plan,x\nA,gold,1\n"
    project.accounts(content)
    assert not project.accounts(content, **source).reports["accounts"].was_cached


def test_other_content_is_read_again(project):
    project.accounts("account_id,name\nA,x\n")
    book = project.accounts("account_id,name\nA,y\n")
    assert not book.reports["accounts"].was_cached
    assert column(book, "name") == ["y"]


def test_another_version_of_the_engine_reads_again(project, monkeypatch):
    project.accounts("account_id\nA\n")
    monkeypatch.setattr(cache, "_reader", lambda: ("another engine",))
    assert not project.open(accounts="accounts.csv").reports["accounts"].was_cached


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(project):
    project.write("accounts.csv", "account_id\nA\n")
    for name in ("killed", "living"):
        project.write(f"cache/.staging-{name}/half.parquet", "PAR1")
        project.write(f"cache/.staging-{name}.lock", "")
    with (project.cache / ".staging-living.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        project.open(accounts="accounts.csv")
    assert sorted(path.name for path in project.cache.glob(".staging-*")) == [".staging-living", ".staging-living.lock"]


def test_spilled_data_of_a_killed_process_is_removed_and_that_of_an_open_book_is_not(project):
    project.accounts("account_id\nA\n")
    (mine,) = project.cache.glob(".spill-*.lock")
    project.write("cache/.spill-killed/block", "x")
    project.write("cache/.spill-killed.lock", "")
    project.open(accounts="accounts.csv")
    locks = sorted(path.name for path in project.cache.glob(".spill-*.lock"))
    assert len(locks) == 2
    assert mine.name in locks
    assert not (project.cache / ".spill-killed").exists()


def aged(project, days, pattern):
    for path in project.cache.glob(pattern):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - days * 24 * 3600))


@pytest.mark.parametrize(("days", "is_left"), [(29, True), (31, False)])
def test_typed_tables_that_no_book_used_for_a_month_are_removed(project, days, is_left):
    project.accounts("account_id,arr\nOLD,x\nB,1\nC,2\n")
    old = sorted(path.name for path in project.cache.glob("accounts-*"))
    aged(project, days, "accounts-*")
    project.accounts("account_id\nNEW\n")
    assert len(old) == 3  # table, report and list of bad rows
    assert [(project.cache / name).exists() for name in old] == [is_left] * 3


def test_a_typed_table_in_use_stays_however_old_it_is(project):
    project.accounts("account_id\nA\n")
    aged(project, 400, "accounts-*")
    project.write("t.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01\n")
    book = project.open(accounts="accounts.csv", tickets="t.csv")
    assert book.reports["accounts"].was_cached
    assert column(project.open(accounts="accounts.csv"), "account_id") == ["A"]


def test_the_rows_parsed_so_far_are_told(project, monkeypatch):
    monkeypatch.setattr(parse, "BATCH_ROWS", 2)
    project.write("accounts.csv", 'account_id\n"A"\nB\nC\n')  # a quote: read row by row
    told = []
    workspace = Workspace(version=1, name="Test", tables={"accounts": {"path": "accounts.csv"}})
    for _ in range(2):
        book = open_book(workspace, project.root, project.cache, on_rows=lambda *said: told.append(said))
        book.connection.disconnect()
    assert told == [("accounts", 2), ("accounts", 3)]  # and nothing the second time


def test_a_table_is_checked_again_when_the_accounts_change(project):
    project.write("t.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01\n2,B,2026-01-01\n")
    assert len(rows(project.with_accounts("A B", tickets="t.csv"), "tickets")) == 2
    assert len(rows(project.with_accounts("A", tickets="t.csv"), "tickets")) == 1


@pytest.mark.parametrize("damage", ["cut", "no report", "foreign report"])
def test_a_damaged_cache_is_made_again(project, damage):
    project.accounts("account_id\nA\n")
    (stored,) = project.cache.glob("accounts-*.parquet")
    if damage == "cut":
        stored.write_bytes(stored.read_bytes()[:-10])
    elif damage == "no report":
        stored.with_suffix(".json").unlink()
    else:
        stored.with_suffix(".json").write_text(json.dumps({"bytes": stored.stat().st_size, "strange": 1}))
    book = project.open(accounts="accounts.csv")
    assert not book.reports["accounts"].was_cached
    assert column(book, "account_id") == ["A"]


@pytest.mark.parametrize("damage", ["cut", "no more than the mark", "a changed page"])
def test_a_damaged_parquet_is_refused_by_name(project, damage):
    pq.write_table(pa.table({"account_id": ["A", "B"]}), project.root / "a.parquet")
    whole = (project.root / "a.parquet").read_bytes()
    cut = {
        "cut": whole[:-20],
        "no more than the mark": whole[:4],
        "a changed page": whole[:20] + b"\xff" * 4 + whole[24:],
    }
    project.write("a.parquet", cut[damage])
    with pytest.raises(DataError, match=r"^a\.parquet: cannot be read as Parquet: it is damaged or cut"):
        project.open(accounts="a.parquet")


@pytest.mark.parametrize("name", ["account_id", "Account_ID"])
def test_a_parquet_with_a_column_twice_is_refused(project, name):
    columns = [pa.array(["A"]), pa.array(["B"])]
    pq.write_table(pa.Table.from_arrays(columns, ["account_id", name]), project.root / "a.parquet")
    with pytest.raises(DataError, match=rf"^a\.parquet: columns 'account_id', '{name}' differ by case at most"):
        project.open(accounts="a.parquet")


def test_a_refused_book_leaves_nothing_behind(project):
    project.write("accounts.csv", "account_id\nA\n")
    project.write("t.csv", "")
    with pytest.raises(DataError, match=r"t.csv: the file is empty"):
        project.open(accounts="accounts.csv", tickets="t.csv")
    assert [path.name for path in project.cache.iterdir() if path.name.startswith(".")] == []


def test_a_table_without_bad_rows_has_no_quarantine_file_even_if_it_had_one(project):
    project.accounts("account_id,arr\nA,1\nB,2\nC,x\n")
    assert (project.cache / "quarantine" / "accounts.csv").is_file()
    project.accounts("account_id,arr\nA,1\nB,2\nC,3\n")
    assert not (project.cache / "quarantine" / "accounts.csv").exists()


def test_a_cache_folder_that_is_a_file_is_a_problem_of_the_machine(project):
    project.write("cache", "not a folder")
    with pytest.raises(EnvironmentProblem, match=r"cannot write: .*cache folder") as refused:
        project.accounts("account_id\nA\n")
    assert refused.value.exit_code == 4


def test_a_project_may_lie_in_a_folder_of_any_name(project):
    root = project.root / "my [book] 100% #1 *漢字"
    root.mkdir()
    inside = type(project)(root)
    frame = pd.DataFrame({"account_id": ["A"], "date": [date(2026, 1, 1)], "events": [3]})
    frame.to_parquet(root / "u.parquet")
    book = inside.with_accounts("A", usage_daily="u.parquet")  # T16
    assert column(book, "events", "usage_daily") == [3]
    book.connection.disconnect()


def test_facts_are_stored_in_the_order_of_time(project):
    book = project.with_accounts(
        "A B",
        usage_daily=project.write("u.csv", "account_id,date,events\nB,2026-01-03,1\nA,2026-01-01,2\nB,2026-01-02,3\n"),
    )
    assert [row["events"] for row in rows(book, "usage_daily")] == [2, 3, 1]


def test_the_report_says_the_days_the_events_span(project):
    project.write("t.csv", "ticket_id,account_id,opened_at\n1,A,2026-01-01T23:30:00Z\n2,A,2026-03-01\n")
    project.write("accounts.csv", "account_id\nA\n")
    book = project.open({"timezone": "Asia/Shanghai"}, accounts="accounts.csv", tickets="t.csv")
    report = book.reports["tickets"]
    assert (report.first_event, report.last_event) == (
        date(2026, 1, 2),
        date(2026, 3, 1),
    )  # 23:30 UTC is 07:30 the next day


def parquet(project, **columns):
    pq.write_table(pa.table(columns), project.root / "u.parquet")
    return "u.parquet"


def test_parquet_and_csv_of_the_same_content_have_the_same_digest(project):
    typed = parquet(
        project,
        ticket_id=["1", "2"],
        account_id=["A", "A"],
        csat=pa.array([4.5, None]),
        opened_at=pa.array([utc(2026, 1, 1, 10), utc(2026, 1, 2)], pa.timestamp("us")),
    )
    first = project.with_accounts("A", tickets=typed)
    second = project.with_accounts(
        "A",
        tickets=project.write(
            "t.csv", "csat,opened_at,account_id,ticket_id\n,2026-01-02,A,2\n4.50,2026-01-01T10:00:00Z,A,1\n"
        ),
    )
    assert first.reports["tickets"].digest == second.reports["tickets"].digest


def test_parquet_types_are_turned_into_the_contracts(project):
    typed = parquet(
        project,
        account_id=[7, 8, 9],
        date=pa.array([utc(2026, 1, 1)] * 3, pa.timestamp("ns")),
        events=pa.array([1.0, None, float("nan")]),
        minutes=pa.array([1, 2, 3], pa.int8()),
    )
    book = project.with_accounts("7 8 9", usage_daily=typed)
    assert rows(book, "usage_daily")[0] == {
        "account_id": "7",
        "date": date(2026, 1, 1),
        "events": 1,
        "minutes": Decimal(1),
    }
    assert column(book, "events", "usage_daily") == [1, None, None]


def test_aware_parquet_times_are_held_in_utc(project):
    aware = pa.array([utc(2026, 1, 1, 12)], pa.timestamp("us", "America/New_York"))  # the wall clock given is UTC
    book = project.with_accounts("A", tickets=parquet(project, ticket_id=["1"], account_id=["A"], opened_at=aware))
    assert column(book, "opened_at", "tickets") == [utc(2026, 1, 1, 12)]


def test_bad_cells_of_parquet_are_set_aside_by_their_row(project):
    typed = parquet(
        project, account_id=["A", "A", "A"], date=["2026-01-01", "2026-01-02", "soon"], events=[1.0, 2.5, 3.0]
    )
    book = project.with_accounts("A", usage_daily=typed)
    assert column(book, "events", "usage_daily") == [1]
    assert [(row["line"], row["column"]) for row in project.quarantine("usage_daily")] == [
        ("2", "events"),
        ("3", "date"),
    ]


def test_parquet_columns_that_are_missing_are_refused_like_those_of_a_csv(project):
    with pytest.raises(
        DataError, match=r"u.parquet:1: tables.usage_daily.columns.date: column 'date' is missing.*'Date'"
    ):
        project.with_accounts("A", usage_daily=parquet(project, account_id=["A"], Date=["2026-01-01"]))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("value_tier", pa.array([["a", "b"]]), r"is list<element: string>, which is no cell \(a cell holds one value"),
        ("value_tier", pa.array([{"a": 1}]), "is struct<a: int64>"),
        ("name", pa.array([b"\x00"]), r"is binary, which is no cell \(export it as text"),
        ("employees", pa.array([5], pa.duration("s")), r"is duration\[s\], which is no cell \(export it as a number"),
        ("arr", pa.array([Decimal("1.5")], pa.decimal256(50, 2)), r"is decimal256\(50, 2\)"),
        ("account_id", pa.array([7.0]), r"is double, which is no cell \(export ids as text"),
    ],
)
def test_a_mapped_column_that_is_no_cell_is_refused_with_its_type(project, name, value, said):
    columns = {"account_id": ["A"], name: value}
    with pytest.raises(DataError, match=rf"^u.parquet: tables.accounts.columns.{name}: column '{name}' {said}"):
        project.open(accounts=parquet(project, **columns))


def test_columns_that_are_no_cells_are_ignored_where_nobody_maps_them(project):
    path = parquet(project, account_id=["A"], tags=pa.array([["a"]]), deep=pa.array([{"a": [1]}]), raw=[b"1"])
    assert rows(project.open(accounts=path)) == [{"account_id": "A"}]


def test_texts_of_any_arrow_type_are_the_same_texts(project):
    dictionary = pa.array(["gold", "gold"]).dictionary_encode()
    path = parquet(project, account_id=pa.array(["1", "2"], pa.large_string()), plan=dictionary)
    assert rows(project.open(accounts=path)) == [{"account_id": name, "plan": "gold"} for name in "12"]


def test_a_fraction_is_no_whole_number_whatever_its_type(project):
    numbers = pa.array([Decimal("2.50"), Decimal("3.00"), Decimal("4.00")], pa.decimal128(10, 2))
    book = project.open(accounts=parquet(project, account_id=["A", "B", "C"], employees=numbers))
    assert column(book, "employees") == [3, 4]
    assert finding(book, "accounts", "type", "employees").place == "u.parquet:1"


@pytest.mark.parametrize(
    ("values", "read", "count"),
    [
        (pa.array([Decimal("1.23456789"), Decimal("1.5")], pa.decimal128(20, 8)), ["1.234568", "1.5"], 1),
        (pa.array([1.23456789, 1.5]), ["1.234568", "1.5"], 1),
        (pa.array([0.1 + 0.2, 1234.56 * 3]), ["0.3", "3703.68"], 0),  # off by less than a double can say
        (pa.array([1.1, 2.5], pa.float32()), ["1.1", "2.5"], 0),
        (pa.array([7, 2**62], pa.int64()), ["7", "None"], 0),  # beyond 18 digits: set aside, never cut
    ],
)
def test_digits_beyond_the_sixth_decimal_are_told(project, values, read, count):
    book = project.open(accounts=parquet(project, account_id=["A", "B"], arr=values))
    found = [item for item in book.reports["accounts"].findings if item.rule == "rounded"]
    assert [item.count for item in found] == [count] * bool(count)
    assert all(item.place == "u.parquet:1" and item.action == "kept" for item in found)
    expected = sorted(Decimal(text) for text in read if text != "None")
    assert column(book, "arr") == expected


@pytest.mark.parametrize("zone", [None, "Europe/Stockholm"])
def test_nanoseconds_are_told(project, zone):
    times = pa.array([1_500, 2_000, None], pa.timestamp("ns", zone))  # 1.5 and 2 microseconds after 1970 began
    book = project.open(accounts=parquet(project, account_id=["A", "B", "C"], paid_at=times))
    found = finding(book, "accounts", "rounded", "paid_at")
    assert (found.count, found.place) == (1, "u.parquet:1")
    assert [row["paid_at"] for row in rows(book)] == [utc(1970, 1, 1, 0, 0, 0, 1), utc(1970, 1, 1, 0, 0, 0, 2), None]


def test_nanoseconds_of_a_long_file_are_counted_with_the_first_row(project):
    # Batches hold 65,536 rows: rows 65,600 and 130,000 lie in the second one.
    times = [2_000] * 130_000
    times[65_599] = times[129_999] = 1_500
    zoned = pa.array(times, pa.timestamp("ns", "Europe/Stockholm"))
    names = pa.array([str(row) for row in range(len(times))])
    found = finding(
        project.open(accounts=parquet(project, account_id=names, paid_at=zoned)), "accounts", "rounded", "paid_at"
    )
    assert (found.count, found.place) == (2, "u.parquet:65600")


def test_yes_and_no_of_parquet_are_no_numbers(project):
    path = parquet(project, account_id=["A", "B", "C"], employees=[True, None, None])
    with pytest.raises(DataError, match="employees: 1 of 1 values are not a whole number such as 12: 'true'"):
        project.open(accounts=path)


@pytest.fixture
def telco(tmp_path):
    if not TELCO.is_file():
        pytest.skip(f"{TELCO.name} is not in ../shared/data")
    root = tmp_path / "telco"
    (root / "data").mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "telco" / "workspace.yaml", root)
    return root


def telco_report(root, content=None, **source):
    path = root / "data" / "telco.csv"
    path.unlink(missing_ok=True)
    if content is None:
        path.symlink_to(TELCO)
    else:
        path.write_bytes(content)
    declared = load_workspace(root / "workspace.yaml")
    tables = {"accounts": declared.tables["accounts"].model_copy(update=source)}
    book = open_book(declared.model_copy(update={"tables": tables}), root, root / "cache")
    return book, book.reports["accounts"]


def test_the_telco_file_is_read_whole_by_configuration_alone(telco):
    book, report = telco_report(telco)
    assert (report.rows, report.quarantined) == (7043, 0)
    assert report.blanks == {"TotalCharges": 11}
    assert finding(book, "accounts", "blank", "TotalCharges").count == 11
    oracle = (
        duckdb.connect()
        .execute(
            "select avg((Churn = 'Yes')::int), sum(MonthlyCharges::decimal(18, 2)), count(distinct customerID) from "
            "read_csv(?, all_varchar = true)",
            [str(TELCO)],
        )
        .fetchone()
    )
    table = book.tables["accounts"]
    ours = (
        table.aggregate(
            churn=table.Churn.cast("int64").mean(),
            charges=table.MonthlyCharges.sum(),
            accounts=table.account_id.nunique(),
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    assert ours["churn"] == pytest.approx(oracle[0], abs=1e-12)
    assert round(ours["churn"], 5) == 0.26537  # the figure of the data's own README
    assert (ours["charges"], ours["accounts"]) == (oracle[1], oracle[2])
    book.connection.disconnect()


def redressed():
    text = TELCO.read_text(encoding="utf-8")
    return text.replace(",", ";").replace(".", ",").replace("\n", "\r\n").encode("utf-16")


def test_the_telco_file_in_another_dress_declared_so_has_the_same_digest(telco):
    plain, report = telco_report(telco)
    dressed, other = telco_report(telco, redressed(), delimiter=";", decimal=",", encoding="utf-16")
    assert other.digest == report.digest
    plain.connection.disconnect()
    dressed.connection.disconnect()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "data/telco.csv:1: looks like UTF-16.*set tables.accounts.encoding: utf-16"),
        ({"encoding": "utf-16"}, "data/telco.csv:1: .*';', not ','.*set tables.accounts.delimiter: ';'"),
        (
            {"encoding": "utf-16", "delimiter": ";"},
            r"MonthlyCharges: 6,\d\d\d of 7,043 .*set tables.accounts.decimal: ','",
        ),
    ],
)
def test_the_telco_file_in_an_undeclared_dress_is_refused_with_the_next_key_to_set(telco, source, message):
    with pytest.raises(DataError, match=message):
        telco_report(telco, redressed(), **source)


@pytest.mark.parametrize("threads", [1, 4])
def test_the_digest_does_not_depend_on_the_number_of_threads(project, threads):
    path = project.write("a.csv", "account_id,arr\n" + "".join(f"A{n},{n}.25\n" for n in range(2000)))
    plain = project.open(accounts=path).reports["accounts"]
    shutil.rmtree(project.cache)
    assert project.open({"engine": {"threads": threads}}, accounts=path).reports["accounts"].digest == plain.digest


def test_the_engine_shows_no_bar_of_its_own(project):
    book = project.accounts("account_id\nA\n")
    setting = book.connection.raw_sql("SELECT current_setting('enable_progress_bar')").fetchone()
    assert setting == (False,)


def test_a_folder_whose_name_the_locale_cannot_write_is_refused_with_what_to_set():
    # What Python makes of the bytes of a Chinese folder under LC_ALL=C without UTF-8 mode.
    with pytest.raises(EnvironmentProblem, match=r"set LC_ALL=C\.UTF-8 or PYTHONUTF8=1"):
        engine.connect(Engine(), Path("/tmp/\udce5\udcae\udca2"))
