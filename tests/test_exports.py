"""Tables as files: what people open cannot compute, what machines read is exact, and equal tables are equal bytes."""

import csv
import hashlib
import io
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csworkbench.exports import write_table, write_tables
from csworkbench.formats import neutral
from csworkbench.formats.inert import FORMULA

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u200b=1+1",
    "\ufeff=1+1", "\u00a0=1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "%0A=1", "|calc", '=HYPERLINK("http://x","y")',
    "-2+3+cmd|' /C calc'!A0", "\x00=1",
]  # fmt: skip


def rows(folder, name):
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))


def test_a_table_is_written_as_csv_and_parquet_in_the_order_given(tmp_path):
    frame = pd.DataFrame({"b": ["z", "a"], "a": [2, 1]}, index=[7, 3])
    table = write_table(frame, tmp_path / "tables", "scores")
    assert rows(tmp_path / "tables", "scores") == [["b", "a"], ["z", "2"], ["a", "1"]]
    assert (table.files, table.rows) == (("tables/scores.csv", "tables/scores.parquet"), 2)
    assert table.sha256 == hashlib.sha256((tmp_path / "tables" / "scores.csv").read_bytes()).hexdigest()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "tables" / "scores.parquet"), frame.reset_index(drop=True))


def test_cells_are_written_exactly_and_what_is_missing_is_empty(tmp_path):
    frame = pd.DataFrame(
        {
            "float": [0.1 + 0.2, float("nan")],
            "int": pd.array([2**53 + 1, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "on": [date(2026, 9, 30), None],
            "day_on": pd.to_datetime(["2026-09-30", None]),
            "seen_at": pd.to_datetime(["2026-09-30", None]),
            "zoned_at": [datetime(2026, 9, 30, 12, tzinfo=UTC), None],
            "text": ["NA", None],
            "band": pd.Categorical(["low", None]),
            "why": [["a", "å"], None],
        }
    )
    write_table(frame, tmp_path, "t")
    assert rows(tmp_path, "t")[1:] == [
        ["0.30000000000000004", "9007199254740993", "true", "2026-09-30", "2026-09-30", "2026-09-30T00:00:00",
         "2026-09-30T12:00:00+0000", "NA", "low", '["a", "å"]'],
        [""] * 10,
    ]  # fmt: skip


def test_parquet_keeps_types_and_values(tmp_path):
    frame = pd.DataFrame(
        {"id": ["00042", "9007199254740993"], "n": [1, 2], "x": [0.1, None], "at": pd.to_datetime(["2026-01-01", None])}
    )
    write_table(frame, tmp_path, "t")
    read = pd.read_parquet(tmp_path / "t.parquet")
    assert read["id"].tolist() == ["00042", "9007199254740993"]
    assert [read[name].dtype.kind for name in ("n", "x", "at")] == ["i", "f", "M"]


def test_the_same_table_is_the_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", None])})
    for name in ("one", "two"):
        write_table(frame.copy(), tmp_path / name, "t")
    for ending in ("csv", "parquet"):
        assert (tmp_path / "one" / f"t.{ending}").read_bytes() == (tmp_path / "two" / f"t.{ending}").read_bytes()


def test_the_frame_is_not_changed(tmp_path):
    frame = pd.DataFrame({"a": ["=1"], "b": pd.Categorical(["x"])})
    before = frame.copy(deep=True)
    write_table(frame, tmp_path, "t")
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_table_keeps_its_columns(tmp_path):
    table = write_table(pd.DataFrame({"a": pd.Series(dtype="float64"), "b": pd.Series(dtype="object")}), tmp_path, "t")
    assert (rows(tmp_path, "t"), table.rows) == ([["a", "b"]], 0)
    assert list(pd.read_parquet(tmp_path / "t.parquet").columns) == ["a", "b"]


@pytest.mark.parametrize("payload", FORMULAS)
def test_text_that_a_spreadsheet_would_compute_is_made_text(tmp_path, payload):
    write_table(pd.DataFrame({"name": [payload], "id": [payload], payload: ["x"]}), tmp_path, "t", ids=["id"])
    header, cells = rows(tmp_path, "t")
    assert not any(FORMULA.match(cell) for cell in (*header, *cells))
    assert cells[:2] == [f"'{payload}"] * 2


@pytest.mark.parametrize("text", ["+46 70-123 45 67", "00042", "åsa@example.com", "a-b", "9007199254740993"])
def test_ids_phone_numbers_and_addresses_are_exported_exactly(text):
    assert neutral(text, is_id=True) == text


def test_negative_numbers_stay_numbers(tmp_path):
    write_table(pd.DataFrame({"n": [-1], "x": [-0.5]}), tmp_path, "t")
    assert rows(tmp_path, "t")[1] == ["-1", "-0.5"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_any_text_reads_back_as_it_was_or_with_one_apostrophe(texts):
    from csworkbench.exports.tables import csv_text

    frame = pd.DataFrame({"n": range(len(texts)), "text": pd.Series(texts, dtype=object)})
    read = [row[1] for row in csv.reader(io.StringIO(csv_text(frame, ()), newline=""))][1:]
    assert all(back in {text, f"'{text}"} for back, text in zip(read, texts, strict=True))
    assert not any(FORMULA.match(back) for back in read)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_table_is_called_by_a_plain_name(tmp_path, name):
    with pytest.raises(ValueError, match="a table is called by"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path, name)


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="two columns have one name"):
        write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path, "t")


def test_several_tables_are_written_by_name(tmp_path):
    written = write_tables({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"y": []})}, tmp_path / "tables")
    assert {name: (table.files[0], table.rows) for name, table in written.items()} == {
        "a": ("tables/a.csv", 1),
        "b": ("tables/b.csv", 0),
    }
