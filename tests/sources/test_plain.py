"""The fast way through a CSV gives what the strict one gives: the same texts, lines and bad rows, or refusal."""

import csv
import hashlib
import io

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from csworkbench.errors import DataError
from csworkbench.sources import plain
from csworkbench.sources.fields import plan_fields
from csworkbench.sources.files import SourceFile
from csworkbench.sources.parse import CsvRows, to_text_parquet
from csworkbench.workspace import TableSource

HEADER = "account_id,name,plan"
CELLS = st.sampled_from(
    ["", "A1", " x ", "Åsa", "云", "a b", '"q"', '"a,b"', '"two\nlines"', '"', 'a"b', "\r", "-1", "\u2028"]
)
ROWS = st.lists(CELLS, min_size=1, max_size=4).map(",".join) | st.sampled_from(["A,b,c"] * 6 + ["", ",,", HEADER])
ENDS = st.sampled_from(["\n", "\r\n"])


def read(path, source, out):
    """Rows with their lines, and what is wrong."""
    content = path.read_bytes()
    file = SourceFile(path, path.name, hashlib.sha256(content).hexdigest())
    try:
        header = CsvRows(file, source, "accounts").header
        bad = to_text_parquet(file, source, "accounts", plan_fields("accounts", source, [header]), out)
    except DataError as error:
        return str(error)
    return pq.read_table(out).to_pylist(), bad


def both_ways(folder, monkeypatch, content, chunk=64, **keys):
    path = folder / "accounts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = TableSource(path="accounts.csv", **keys)
    with monkeypatch.context() as changed:
        changed.setattr(plain, "CHUNK_BYTES", chunk)
        fast = read(path, source, folder / "fast.parquet")
    with monkeypatch.context() as changed:
        changed.setattr(CsvRows, "plain", lambda self: iter(()))
        strict = read(path, source, folder / "strict.parquet")
    return fast, strict


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, max_size=12), end=ENDS, last=st.booleans(), mark=st.booleans(), chunk=st.integers(8, 200))
@example(rows=["A,b,c"] * 5 + ['B,"x'], end="\n", last=True, mark=False, chunk=16)
@example(rows=["A,b,c"] * 5 + ["B,b", "C,d,e"], end="\r\n", last=False, mark=True, chunk=16)
def test_both_ways_give_the_same(tmp_path, monkeypatch, rows, end, last, mark, chunk):
    content = ("\ufeff" if mark else "") + end.join([HEADER, *rows]) + (end if last else "")
    fast, strict = both_ways(tmp_path, monkeypatch, content, chunk)
    assert fast == strict


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_both_ways_give_the_same_of_any_bytes_that_are_text(tmp_path, monkeypatch, data):
    text = data.decode("utf-8", "ignore").replace("\0", "")
    fast, strict = both_ways(tmp_path, monkeypatch, f"{HEADER}\nA,b,c\n{text}")
    assert fast == strict


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("sep=,\n\n" + HEADER + "\nA,b,c\n" * 9, id="Excel's note and a blank line above"),
        pytest.param('"account_id",name,plan\n' + "A,b,c\n" * 9, id="a quoted header"),
        pytest.param(HEADER, id="a header without a line end"),
        pytest.param(HEADER + "\nA,b,c\n" + "B," + "x" * 140_000 + ",c\nC,d,e\n", id="a field too long"),
        pytest.param("account_id\nA\n\nB\n", id="one column with a blank line"),
        pytest.param(HEADER + "\n" + "A,b,c\n" * 99 + 'B,"c, d",e\n' + "C,d,e\n" * 99, id="quotes far down"),
        pytest.param(HEADER + "\rA,b,c\rB,c,d\r", id="CR only"),
        pytest.param((HEADER + "\nA,ö,c\n").encode("latin-1"), id="no UTF-8"),
    ],
)
def test_odd_files_are_the_same_both_ways(tmp_path, monkeypatch, content):
    keys = {"encoding": "latin-1"} if isinstance(content, bytes) else {}
    fast, strict = both_ways(tmp_path, monkeypatch, content, **keys)
    assert fast == strict


def test_a_plain_file_needs_no_strict_parser(tmp_path, monkeypatch):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEADER.split(","), *(["A", "b", str(n)] for n in range(1000))])
    path = tmp_path / "accounts.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    source = TableSource(path="accounts.csv")
    file = SourceFile(path, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    rows = CsvRows(file, source, "accounts")
    taken = [(line, part.num_rows) for line, part in rows.plain()]
    assert taken == [(2, 1000)]
    assert list(rows.batches()) == []
    rows.close()


def test_a_file_that_changes_behind_the_fast_way_is_refused(tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_text(f"{HEADER}\nA,b,c\n", encoding="utf-8")
    file = SourceFile(path, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    path.write_text(f"{HEADER}\nA,b,d\n", encoding="utf-8")
    source = TableSource(path="accounts.csv")
    fields = plan_fields("accounts", source, [HEADER.split(",")])
    with pytest.raises(DataError, match="changed while it was read"):
        to_text_parquet(file, source, "accounts", fields, tmp_path / "out.parquet")
