"""The archive: what an export overwrites is kept, once per change, and never read wrongly."""

import hashlib
import shutil
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csworkbench.errors import DataError, EnvironmentProblem
from csworkbench.sources.archive import overwritten, remember, remembered
from csworkbench.tables import Kind
from csworkbench.workspace import TableSource
from tests.books import book

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


def accounts(**plans):
    """A book of accounts without versions: id -> plan."""
    return book({"accounts": [{"account_id": name, "plan": plan, "name": "Ä"} for name, plan in plans.items()]})


def mapped(made, table, **source):
    """The book with another mapping of one table."""
    tables = made.workspace.tables | {table: TableSource.model_validate({"path": "x.csv"} | source)}
    return replace(made, workspace=made.workspace.model_copy(update={"tables": tables}))


def versions(made, folder, table="accounts"):
    """What is remembered: day, key, plan (or the recorded columns of a row that is gone)."""
    rows = remembered(made.connection, folder)[table].versions.to_pyarrow().to_pylist()
    return sorted(
        (row["_seen_on"], row["account_id"], row["plan"] if row["_recorded"] else "gone", row["_place"]) for row in rows
    )


# --- what is written ---


def test_the_first_run_remembers_every_row(tmp_path):
    made = accounts(a="basic", b=None)
    (path,) = remember(made, tmp_path, MONDAY)
    assert path.parent == tmp_path / "accounts"
    assert versions(made, tmp_path) == [(MONDAY, "a", "basic", 0), (MONDAY, "b", None, 0)]


def test_later_runs_remember_rows_that_changed_or_are_new(tmp_path):
    remember(accounts(a="basic", b="pro", c=None), tmp_path, MONDAY)
    made = accounts(a="basic", b="team", c="basic", d="pro")
    remember(made, tmp_path, TUESDAY)
    assert versions(made, tmp_path)[3:] == [
        (TUESDAY, "b", "team", 1),
        (TUESDAY, "c", "basic", 1),
        (TUESDAY, "d", "pro", 1),
    ]


def test_a_run_without_changes_adds_no_file(tmp_path):
    remember(accounts(a="basic", b=None), tmp_path, MONDAY)
    assert remember(accounts(a="basic", b=None), tmp_path, MONDAY) == ()
    assert remember(accounts(a="basic", b=None), tmp_path, TUESDAY) == ()
    assert len(list(tmp_path.rglob("*"))) == 2  # the folder of the table, and one file


def test_a_row_that_left_the_export_is_gone_and_may_come_back(tmp_path):
    made = accounts(a="basic", b="pro")
    remember(made, tmp_path, MONDAY)
    remember(accounts(a="basic"), tmp_path, TUESDAY)
    remember(made, tmp_path, WEDNESDAY)
    assert versions(made, tmp_path)[2:] == [(TUESDAY, "b", "gone", 1), (WEDNESDAY, "b", "pro", 2)]


def test_a_second_export_of_the_day_comes_after_the_first(tmp_path):
    remember(accounts(a="basic"), tmp_path, MONDAY)
    made = accounts(a="pro")
    remember(made, tmp_path, MONDAY)
    assert versions(made, tmp_path) == [(MONDAY, "a", "basic", 0), (MONDAY, "a", "pro", 1)]


def test_an_export_older_than_the_newest_one_adds_nothing(tmp_path):
    made = accounts(a="basic")
    remember(made, tmp_path, TUESDAY)
    assert remember(accounts(a="pro", b="pro"), tmp_path, MONDAY) == ()
    assert versions(made, tmp_path) == [(TUESDAY, "a", "basic", 0)]


def test_a_file_of_a_day_that_has_not_come_keeps_no_export_out(tmp_path):
    ahead = date(2099, 1, 1)
    remember(accounts(a="basic"), tmp_path, MONDAY)
    remember(accounts(a="wrong"), tmp_path, ahead)
    made = replace(accounts(a="pro"), today=WEDNESDAY)
    for _ in range(2):  # the second time adds nothing
        remember(made, tmp_path, TUESDAY)
    assert versions(made, tmp_path) == [
        (MONDAY, "a", "basic", 0),
        (TUESDAY, "a", "pro", 2),
        (ahead, "a", "wrong", 1),
    ]


def test_the_order_of_the_rows_does_not_change_the_file(tmp_path):
    written = [
        remember(accounts(**plans), tmp_path / name, MONDAY)[0]
        for name, plans in (
            ("one", {"a": "basic", "b": "pro", "c": None}),
            ("two", {"c": None, "b": "pro", "a": "basic"}),
        )
    ]
    assert written[0].name == written[1].name
    assert written[0].read_bytes() == written[1].read_bytes()


def test_two_runs_at_once_leave_one_file(tmp_path):
    # Both read the archive before either writes: they are given a copy of it each.
    here, there = tmp_path / "here", tmp_path / "there"
    remember(accounts(a="basic"), here, MONDAY)
    shutil.copytree(here, there)
    (first,) = remember(accounts(a="pro"), here, TUESDAY)
    (second,) = remember(accounts(a="pro"), there, TUESDAY)
    shutil.copy(second, first.parent)
    assert len(list(first.parent.iterdir())) == 2
    assert remember(accounts(a="pro"), here, TUESDAY) == ()


def test_runs_at_once_that_saw_different_exports_leave_both(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    remember(accounts(a="basic"), here, MONDAY)
    shutil.copytree(here, there)
    (first,) = remember(accounts(a="pro"), here, TUESDAY)
    (second,) = remember(accounts(a="team"), there, TUESDAY)
    shutil.copy(second, first.parent)
    made = accounts(a="team")
    assert [row[2] for row in versions(made, here)] == ["basic", "pro", "team"]
    remember(accounts(a="next"), here, WEDNESDAY)  # follows both
    assert versions(made, here)[-1] == (WEDNESDAY, "a", "next", 3)


def test_a_column_that_is_new_is_remembered_of_every_row(tmp_path):
    remember(accounts(a="basic", b="pro"), tmp_path, MONDAY)
    made = book(
        {"accounts": [{"account_id": name, "plan": plan, "arr": 5} for name, plan in (("a", "basic"), ("b", "pro"))]}
    )
    remember(made, tmp_path, TUESDAY)
    rows = remembered(made.connection, tmp_path)["accounts"].versions.to_pyarrow().to_pylist()
    assert sorted((row["_recorded"], row["account_id"], row["arr"]) for row in rows) == [
        (";plan;", "a", None),
        (";plan;", "b", None),
        (";plan;;arr;", "a", "5.000000"),
        (";plan;;arr;", "b", "5.000000"),
    ]


def test_ids_stay_the_text_they_are(tmp_path):
    made = accounts(**{"00042": "basic", "42": "pro", "NA": "team"})
    remember(made, tmp_path, MONDAY)
    assert [row[1] for row in versions(made, tmp_path)] == ["00042", "42", "NA"]


# --- what is not ---


def test_rows_with_versions_need_no_archive(tmp_path):
    made = book({"accounts": [{"account_id": "a", "valid_from": "2026-01-01", "plan": "basic"}]})
    assert remember(made, tmp_path, MONDAY) == ()


def test_facts_and_what_says_who_a_person_is_are_not_archived():
    made = mapped(mapped(mapped(accounts(a=None), "contact_pii"), "usage_daily"), "contacts")
    assert overwritten(made.workspace, "contact_pii", ("contact_id", "name", "email", "phone")) == ()
    assert overwritten(made.workspace, "usage_daily", ("account_id", "date", "events")) == ()
    assert overwritten(made.workspace, "contacts", ("contact_id", "role", "language")) == ("role",)


def test_extra_columns_are_archived_where_they_vary():
    extra = {"segment": "text", "born": {"type": "date", "varies": False}}
    made = mapped(accounts(a=None), "accounts", extra=extra)
    assert overwritten(made.workspace, "accounts", ("account_id", "name", "plan", "segment", "born")) == (
        "plan",
        "segment",
    )


def test_extra_columns_of_facts_are_part_of_the_fact():
    made = mapped(accounts(a=None), "usage_daily", extra={"usage_id": "text"})
    assert overwritten(made.workspace, "usage_daily", ("account_id", "date", "usage_id")) == ()


def test_rows_whose_id_is_their_line_cannot_be_told_again(tmp_path):
    made = book({"accounts": [{"account_id": "a"}], "tasks": [{"task_id": "1", "account_id": "a", "status": "todo"}]})
    assert remember(mapped(made, "tasks", columns={"task_id": {"row": True}}), tmp_path, MONDAY) == ()
    assert [path.parent.name for path in remember(made, tmp_path, MONDAY)] == ["tasks"]


def test_rows_whose_key_is_doubled_are_left_out(tmp_path):
    rows = [{"account_id": name, "plan": plan} for name, plan in (("a", "basic"), ("a", "pro"), ("b", "pro"))]
    made = book({"accounts": rows})
    remember(made, tmp_path, MONDAY)
    assert versions(made, tmp_path) == [(MONDAY, "b", "pro", 0)]


def test_nothing_is_remembered_before_the_first_run(tmp_path):
    assert remembered(accounts(a="basic").connection, tmp_path / "records" / "history") == {}


# --- a damaged archive ---


@pytest.fixture
def history(tmp_path):
    """Two files of the accounts in records/history, oldest first."""
    folder = tmp_path / "records" / "history"
    written = [*remember(accounts(a="basic"), folder, MONDAY), *remember(accounts(a="pro"), folder, TUESDAY)]
    return folder, *written


def refused(folder):
    with pytest.raises(DataError, match="records/history/accounts") as error:
        remembered(accounts(a="basic").connection, folder)
    with pytest.raises(DataError, match="records/history/accounts"):
        remember(accounts(a="basic"), folder, WEDNESDAY)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize("kept", [0, 4, 0.5, -1])
def test_a_cut_file_is_refused_by_name(history, kept):
    folder, _, newest = history
    content = newest.read_bytes()
    newest.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    (problem,) = refused(folder)
    assert problem.startswith(f"records/history/accounts/{newest.name}: is damaged")
    assert "restore it from a backup" in problem


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9])
def test_a_flipped_bit_is_refused_by_name(history, place):
    folder, oldest, _ = history
    content = bytearray(oldest.read_bytes())
    content[int(len(content) * place)] ^= 1
    oldest.write_bytes(content)
    (problem,) = refused(folder)
    assert problem.startswith(f"records/history/accounts/{oldest.name}: is damaged")


def test_a_lost_file_is_missed_by_the_one_that_follows_it(history):
    folder, oldest, _ = history
    oldest.unlink()
    (problem,) = refused(folder)
    assert problem.startswith(f"records/history/accounts/{oldest.name}: is missing from the archive")


def test_a_file_of_a_newer_format_is_refused(history):
    folder, _, newest = history
    table = pa.table({"account_id": ["a"]}).replace_schema_metadata({"csworkbench.history": "2"})
    path = newest.with_name("new.parquet")
    pq.write_table(table, path)
    path.rename(newest.with_name(f"2026-03-05-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.parquet"))
    (problem,) = refused(folder)
    assert "newer csworkbench, in format 2; this one reads 1 (update csworkbench)" in problem


def test_every_problem_of_the_archive_is_told_at_once(history):
    folder, oldest, newest = history
    newest.write_bytes(b"")
    shutil.copy(oldest, oldest.with_name("a copy.parquet"))
    first, second = refused(folder)
    assert newest.name in first
    assert "a copy.parquet: is no file of the archive (move it out of this folder)" in second


def test_an_archive_that_cannot_be_written_is_a_problem_of_the_machine(tmp_path):
    (tmp_path / "accounts").write_text("in the way", encoding="utf-8")
    with pytest.raises(EnvironmentProblem, match="allow writing to the records of the project"):
        remember(accounts(a="basic"), tmp_path, MONDAY)


def test_instants_and_booleans_are_kept_as_they_read(tmp_path):
    made = book(
        {
            "accounts": [{"account_id": "a"}],
            "plans": [{"plan_id": "p", "account_id": "a", "priority": "high", "due_at": "2026-05-01T10:30"}],
            "subscriptions": [
                {"subscription_id": "s", "start_date": "2026-01-01", "account_id": "a", "auto_renew": True}
            ],
        },
        extras={"accounts": {"went_live_on": Kind.DATE}},
    )
    remember(made, tmp_path, MONDAY)
    past = {
        name: each.versions.to_pyarrow().to_pylist() for name, each in remembered(made.connection, tmp_path).items()
    }
    assert [(row["plan_id"], row["due_at"]) for row in past["plans"]] == [("p", "2026-05-01 10:30:00")]
    assert [(row["start_date"], row["auto_renew"]) for row in past["subscriptions"]] == [("2026-01-01", "true")]
