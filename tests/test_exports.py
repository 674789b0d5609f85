"""Tables as files: what people open cannot compute, what machines read is exact, and equal tables are equal bytes."""

import csv
import hashlib
import io
import zipfile
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csworkbench.exports import HUBSPOT, SALESFORCE, crm_files, workbook, write_handout, write_table, write_tables
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


# --- workbooks --------------------------------------------------------------------------------------------------------


def cells_of(content):
    """Value and type of every cell of a workbook, by a reader that is not the writer."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    return {
        sheet.title: [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows()] for sheet in book
    }


@pytest.mark.parametrize("payload", FORMULAS)
def test_no_cell_of_a_workbook_is_a_formula(payload):
    frame = pd.DataFrame({"name": [payload], "id": [payload], payload: [payload]})
    (rows_of,) = cells_of(workbook(frame, "t")).values()
    assert {kind for row in rows_of for _, kind in row} == {"s"}
    inside = zipfile.ZipFile(io.BytesIO(workbook(frame, "t")))
    assert not any(b"<f>" in inside.read(name) or b"<hyperlink" in inside.read(name) for name in inside.namelist())


def test_a_workbook_reads_back_as_it_was_typed():
    frame = pd.DataFrame(
        {
            "id": ["00042", "9007199254740993"],
            "phone": ["+46 70-123 45 67", None],
            "n": pd.array([1, None], dtype="Int64"),
            "big": [2**53 + 1, 2],
            "x": [0.5, float("nan")],
            "flag": [True, False],
            "on": pd.to_datetime(["2026-09-30", None]),
            "at": pd.to_datetime(["2026-09-30 12:30:00", None]),
        }
    )
    head, first, second = next(iter(cells_of(workbook(frame, "t")).values()))
    assert [value for value, _ in head] == list(frame.columns)
    assert first == [
        ("00042", "s"), ("+46 70-123 45 67", "s"), (1, "n"), (str(2**53 + 1), "s"), (0.5, "n"), (True, "b"),
        (pd.Timestamp("2026-09-30"), "d"), (pd.Timestamp("2026-09-30T12:30"), "d"),
    ]  # fmt: skip
    assert [value for value, _ in second] == ["9007199254740993", None, None, 2, None, False, None, None]


def test_the_same_table_is_the_same_workbook():
    frame = pd.DataFrame({"a": ["x"], "on": pd.to_datetime(["2026-01-01"])})
    assert workbook(frame, "t") == workbook(frame.copy(), "t")


def test_a_text_longer_than_a_cell_is_cut_and_shows_it():
    ((_, (cell,)),) = cells_of(workbook(pd.DataFrame({"a": ["x" * 40_000]}), "t")).values()
    assert (len(cell[0]), cell[0][-1]) == (32_767, "…")


def test_rows_beyond_a_sheet_go_on_on_the_next_one(monkeypatch):
    monkeypatch.setattr("csworkbench.exports.sheets.MOST_ROWS", 3)  # a header and two rows
    sheets = cells_of(workbook(pd.DataFrame({"a": [1, 2, 3]}), "list"))
    assert {name: [row[0][0] for row in rows] for name, rows in sheets.items()} == {
        "list": ["a", 1, 2],
        "list 2": ["a", 3],
    }


def test_an_empty_workbook_keeps_its_header():
    assert cells_of(workbook(pd.DataFrame({"a": []}), "a/b*c")) == {"abc": [[("a", "s")]]}


# --- imports into other systems ---------------------------------------------------------------------------------------

LIST = pd.DataFrame(
    {
        "proposal_id": ["0046aabb"],
        "contact_id": ["003x00000ABCDEF"],
        "account_id": ["007"],
        "email": ["+anna@x.se"],
        "phone": ["+46701234567"],
        "reason": ["Gave 3"],
        "due_on": pd.to_datetime(["2026-10-02"]),
        "unknown": ["left out"],
    }
)


def read_csv(content):
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_hubspot_gets_its_property_names_and_ids_and_addresses_exactly():
    (content,) = crm_files(LIST, HUBSPOT)
    assert read_csv(content) == [
        {
            "Contact ID": "003x00000ABCDEF", "Email": "+anna@x.se", "Phone Number": "+46701234567", "Company ID": "007",
            "Proposal ID": "0046aabb", "Outreach Reason": "Gave 3", "Outreach Due": "2026-10-02",
        }
    ]  # fmt: skip


def test_salesforce_gets_the_fields_of_a_task():
    (content,) = crm_files(LIST, SALESFORCE)
    (row,) = read_csv(content)
    assert {name: row[name] for name in ("WhoId", "WhatId", "Phone__c", "ActivityDate", "Status")} == {
        "WhoId": "003x00000ABCDEF",
        "WhatId": "007",
        "Phone__c": "+46701234567",
        "ActivityDate": "2026-10-02",
        "Status": "Not Started",
    }


@pytest.mark.parametrize(("rows_in", "sizes"), [(50_000, [50_000]), (50_001, [50_000, 1]), (0, [0])])
def test_salesforce_files_hold_what_its_wizard_takes(rows_in, sizes):
    frame = pd.DataFrame({"contact_id": [f"C{n}" for n in range(rows_in)]})
    files = crm_files(frame, SALESFORCE)
    assert [len(read_csv(content)) for content in files] == sizes
    assert [row["WhoId"] for content in files for row in read_csv(content)] == list(frame["contact_id"])


@pytest.mark.parametrize("payload", FORMULAS)
@pytest.mark.parametrize("profile", [HUBSPOT, SALESFORCE], ids=lambda each: each.name)
def test_an_import_file_holds_no_formula(profile, payload):
    names = ["contact_id", "email", "phone", "reason", "play", "account_id"]
    (content,) = crm_files(pd.DataFrame({name: [payload] for name in names}), profile)
    (row,) = read_csv(content)
    assert not any(FORMULA.match(cell) for cell in row.values())


def test_a_handout_is_written_beside_the_table_and_named_among_its_files(tmp_path):
    written = write_table(LIST, tmp_path / "tables", "list")
    table = write_handout(LIST, tmp_path / "tables", "list", ("xlsx", "hubspot", "salesforce"), written)
    assert table.files == tuple(
        f"tables/list.{end}" for end in ("csv", "parquet", "xlsx", "hubspot.csv", "salesforce.csv")
    )
    assert all((tmp_path / file).is_file() for file in table.files)
    assert table.sha256 == written.sha256


def test_a_handout_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a handout is xlsx, hubspot or salesforce, not pdf"):
        write_handout(LIST, tmp_path, "list", ("pdf",), write_table(LIST, tmp_path, "list"))
