"""The bytes of a file: the same content in any declared dress is the same table, an undeclared dress is refused."""

import gzip
import re

import pytest

from csworkbench.errors import DataError
from tests.sources.conftest import column

PLAIN = 'account_id,name,arr,signup_at\nA1,Åsa & Söner,"1234.50",2026-01-05\nB2,"北京 ""云""",7,2025-12-31\n'
SWEDISH = 'account_id;name;arr;signup_at\nA1;Åsa & Söner;1234,50;2026-01-05\nB2;"北京 ""云""";7;2025-12-31\n'


@pytest.fixture
def plain_digest(project):
    return project.accounts(PLAIN).reports["accounts"].digest


@pytest.mark.parametrize(
    ("content", "source"),
    [
        pytest.param(b"\xef\xbb\xbf" + PLAIN.encode(), {}, id="F01 byte order mark"),
        pytest.param(PLAIN.encode("utf-16"), {"encoding": "utf-16"}, id="F02 UTF-16"),
        pytest.param(PLAIN.encode("utf-16-be"), {"encoding": "utf-16-be"}, id="F02 UTF-16 big endian, no mark"),
        pytest.param(PLAIN.encode("gb18030"), {"encoding": "gb18030"}, id="F03 GB18030"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), {}, id="F06 CRLF"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), {}, id="F07 CR"),
        pytest.param(PLAIN.rstrip("\n").encode(), {}, id="F09 no newline at the end"),
        pytest.param(SWEDISH.encode(), {"delimiter": ";", "decimal": ","}, id="F10 semicolon and decimal comma"),
        pytest.param(PLAIN.replace(",", "\t").encode(), {"delimiter": "\t"}, id="F11 tab"),
        pytest.param(("sep=;\n" + SWEDISH).encode(), {"delimiter": ";", "decimal": ","}, id="F12 sep=;"),
        pytest.param(
            re.sub(r"([^,\n]+)", lambda cell: cell[0] if '"' in cell[0] else f'"{cell[0]}"', PLAIN).encode(),
            {},
            id="F16 everything quoted",
        ),
        pytest.param((PLAIN + "\n,,,\n\n").encode(), {}, id="F28 blank rows"),
        pytest.param(PLAIN.replace("Åsa", "A\u030asa").replace("ö", "o\u0308").encode(), {}, id="F37 NFD"),
        pytest.param(
            SWEDISH.replace("\n", "\r\n").encode("utf-16"),
            {"delimiter": ";", "decimal": ",", "encoding": "utf-16"},
            id="all of it at once",
        ),
    ],
)
def test_the_same_content_in_a_declared_dress_has_the_same_digest(project, plain_digest, content, source):
    assert project.accounts(content, **source).reports["accounts"].digest == plain_digest


def test_the_order_of_rows_and_of_columns_does_not_change_the_digest(project, plain_digest):
    turned = 'signup_at,arr,name,account_id\n2025-12-31,7.0,"北京 ""云""",B2\n2026-01-05,1234.5,Åsa & Söner,A1\n'
    assert project.accounts(turned).reports["accounts"].digest == plain_digest


def test_dates_written_in_another_format_and_declared_so_have_the_same_digest(project, plain_digest):
    slashes = PLAIN.replace("2026-01-05", "05/01/2026").replace("2025-12-31", "31/12/2025")
    assert project.accounts(slashes, dates="%d/%m/%Y").reports["accounts"].digest == plain_digest


def test_another_value_changes_the_digest(project, plain_digest):
    assert project.accounts(PLAIN.replace(",7,", ",8,")).reports["accounts"].digest != plain_digest


def test_cp1252_gives_the_same_text_once_it_is_declared(project):
    text = "account_id,name\nA1,Åsa – Söner\n"
    assert column(project.accounts(text.encode("cp1252"), encoding="cp1252"), "name") == ["Åsa – Söner"]


CHINESE = "account_id,name\n" + "".join(f"A{number},北京云计算有限公司\n" for number in range(5))
SWEDES = "account_id,name\n" + "".join(f"A{number},Åsa Öberg\n" for number in range(5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(PLAIN.encode("utf-16"), "looks like UTF-16.*set tables.accounts.encoding: utf-16", id="F02"),
        pytest.param(PLAIN.encode("utf-16-le"), "looks like UTF-16.*encoding: utf-16-le", id="F02 without mark"),
        pytest.param(
            CHINESE.encode("gb18030"), "accounts.csv:2: .*byte offset 19.*GB18030.*encoding: gb18030", id="F03"
        ),
        pytest.param(SWEDES.encode("cp1252"), "accounts.csv:2: .*byte offset 19.*CP1252.*encoding: cp1252", id="F04"),
        pytest.param(
            SWEDES.encode() + "A9,Malmö\n".encode("latin-1") + b"B1,x\n",
            # 16 bytes of header, 5 lines of 15 bytes, then A9,Malm
            "accounts.csv:7: not utf-8 at byte offset 98; 1 such line.* among 5 good ones",
            id="F05",
        ),
        pytest.param(b"account_id,name\nA1,x\nA2,a\0b\n", "accounts.csv:3: NUL byte at byte offset 25", id="F13"),
        pytest.param(b"", r"accounts.csv: the file is empty \(0 bytes\)", id="F26"),
        pytest.param(b"\n\n", "accounts.csv: the file has no header", id="F26 blank lines only"),
        pytest.param(b"account_id,name\n", "accounts.csv: no account is left", id="F27"),
        pytest.param(b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page.*login page", id="F30"),
        pytest.param(b"PK\x03\x04rest", "Excel workbook.*export the sheet as CSV", id="F31"),
        pytest.param(gzip.compress(PLAIN.encode()), "gzip.*unpack it first", id="F32"),
        pytest.param(SWEDISH.encode(), "accounts.csv:1: .*';', not ','.*set tables.accounts.delimiter: ';'", id="F10"),
        pytest.param(b"account_id\tname\nA1\tx\n", r"'\\t', not ','.*set tables.accounts.delimiter: '\\t'", id="F11"),
        pytest.param(("sep=;\n" + SWEDISH).encode(), "accounts.csv:1: .*set tables.accounts.delimiter: ';'", id="F12"),
        pytest.param(b'account_id,name\nA1,x\nA2,"y\nA3,z\n', "accounts.csv:3: a quote that opens here", id="F14"),
        pytest.param(
            b'account_id,name\nA1,"x"y\nA2,z\n', "accounts.csv:2: a quote is open, or stands inside", id="F14 inner"
        ),
    ],
)
def test_an_undeclared_dress_is_refused_with_what_it_looks_like(project, content, message):
    with pytest.raises(DataError, match=message):
        project.accounts(content)


def test_a_refused_file_ends_with_exit_code_3(project):
    with pytest.raises(DataError, match="empty") as refused:
        project.accounts(b"")
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(("codec", "text"), [("cp1252", "Åsa"), ("gb18030", "Åsa åäö ÅÄÖ éè")])
def test_utf_8_declared_as_something_else_is_refused_before_it_turns_into_garbage(project, codec, text):
    with pytest.raises(DataError, match=r"looks like UTF-8.*set tables.accounts.encoding: utf-8"):
        project.accounts(f"account_id,name\nA1,{text}\n", encoding=codec)


def test_a_windows_file_declared_as_latin_1_is_refused_before_its_dashes_are_lost(project):
    # 16 bytes of header and 4 of "A1,x": the dash is byte 20, a control character in Latin-1.
    with pytest.raises(DataError, match=r"csv:2: control character at byte offset 20: looks like CP1252, not latin-1"):
        project.accounts("account_id,name\nA1,x–y\n".encode("cp1252"), encoding="latin-1")


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-32", "Åsa 云"),
        ("gbk", "北京云计算"),
        ("big5", "台北雲端"),
        ("shift_jis", "東京クラウド"),
        ("euc_jp", "東京クラウド"),
        ("mac_roman", "Åsa – ö"),
        ("koi8-r", "Москва"),
        ("iso8859-15", "Åsa €"),
        ("hz", "北京"),
        ("utf-7", "Åsa"),
    ],
)
def test_any_codec_of_python_is_read_once_it_is_declared(project, codec, text):
    content = f"account_id,name\nA1,{text}\n".encode(codec)
    assert column(project.accounts(content, encoding=codec), "name") == [text]


@pytest.mark.parametrize(
    ("codec", "text", "message"),
    [
        ("utf-32", "Åsa", "set tables.accounts.encoding: utf-32"),
        ("big5", "台北雲端運算", "BIG5.*set tables.accounts.encoding: big5"),
        ("shift_jis", "東京クラウド", "SHIFT_JIS.*set tables.accounts.encoding: shift_jis"),
        ("koi8-r", "Москва", "accounts.csv:2: not utf-8 at byte offset 19.*to how it is written"),
    ],
)
def test_a_codec_that_is_not_declared_is_refused_with_its_place_and_what_it_looks_like(project, codec, text, message):
    with pytest.raises(DataError, match=message):
        project.accounts(f"account_id,name\nA1,{text}\n".encode(codec))


@pytest.mark.parametrize(
    ("declared", "content", "message"),
    [
        ("utf-16", b"account_id,name\nA1,x\n", "csv:1: looks like UTF-8, not utf-16"),
        ("utf-16-be", "account_id\nA1\n".encode("utf-16"), "csv:1: looks like UTF-16 .byte order mark.*utf-16"),
        ("gb18030", ("account_id,name\nA1,Åsa åäö éè\n" * 3).encode(), "csv:2: looks like UTF-8, not gb18030"),
        # Line 2 holds 上, which is 4E0A: a line end to who counts bytes.
        ("utf-16-le", "account_id,name\nA1,上上\nA2,".encode("utf-16-le") + b"\x00\xdc", "csv:3: not utf-16-le"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_line(project, declared, content, message):
    with pytest.raises(DataError, match=message):
        project.accounts(content, encoding=declared)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"BZh91AY&SY", "bzip2 file"),
        (b"\xfd7zXZ\x00", "xz file"),
        (b'[{"account_id": 1}]', "JSON"),
        (b"SQLite format 3\x00", "SQLite database"),
        (b"\xd0\xcf\x11\xe0", "old Excel workbook"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(project, content, message):
    with pytest.raises(DataError, match=f"this is .*{message}.*, not a CSV"):
        project.accounts(content)


def test_a_field_of_five_megabytes_is_set_aside_and_the_rest_is_read(project):
    book = project.accounts("account_id,name\nA1," + "x" * 5_000_000 + "\nA2,y\n")  # F34
    assert column(book, "account_id") == ["A2"]
    (bad,) = project.quarantine("accounts")
    assert (bad["line"], bad["rule"]) == ("2", "shape")


def test_a_file_of_1500_columns_is_read(project):
    names = ",".join(["account_id", *(f"c{number}" for number in range(1499))])  # F35
    book = project.accounts(names + "\nA1" + ",0" * 1499 + "\n", extra={"c7": "integer"})
    assert column(book, "c7") == [0]


def test_a_quoted_field_may_hold_line_ends_and_lines_are_still_counted(project):
    book = project.accounts('account_id,name,arr\nA1,"two\nlines",1\nA2,"a\rb",x\nA3,c,3\n')
    assert column(book, "name") == ["c", "two\nlines"]
    assert project.quarantine("accounts")[0]["line"] == "4"  # A1 takes lines 2 and 3


def test_a_file_that_changes_while_it_is_read_is_refused(project, monkeypatch):
    path = project.root / project.write("accounts.csv", "account_id\nA1\n")

    def grow(self, *positions):
        with path.open("a") as stream:
            stream.write("A2\n")
        return original(self, *positions)

    from csworkbench.sources.parse import CsvRows

    original = CsvRows.batches
    monkeypatch.setattr(CsvRows, "batches", grow)
    with pytest.raises(DataError, match=r"accounts.csv: changed while it was read"):  # T06
        project.open(accounts="accounts.csv")


def test_a_missing_file_is_named_with_those_near_it(project):
    project.write("data/accounts_2026.csv", "account_id\nA1\n")
    with pytest.raises(
        DataError, match=r"data/acounts_2026.csv: .*near it: accounts_2026.csv; set tables.accounts.path"
    ):
        project.open(accounts="data/acounts_2026.csv")


def test_a_missing_folder_is_named(project):
    with pytest.raises(DataError, match=r"exports/a.csv: there is no folder"):
        project.open(accounts="exports/a.csv")


def test_problems_of_all_files_come_in_one_error(project):
    project.write("accounts.csv", b"")
    project.write("tickets.csv", b"\x1f\x8b")
    project.write("renewals.csv", "renewal_id,account_id,due_date\nR1,A1,01.02.2026\nR2,A1,03.02.2026\n")
    with pytest.raises(DataError, match="empty") as refused:
        project.open(accounts="accounts.csv", tickets="tickets.csv", renewals="renewals.csv", csms="csms.csv")
    assert [problem.file for problem in refused.value.problems] == [
        "accounts.csv",
        "csms.csv",
        "renewals.csv",
        "tickets.csv",
    ]


def test_several_files_and_globs_are_one_table(project):
    project.write("a1.csv", "account_id,name\nA1,x\n")
    project.write("a2.csv", "name,account_id,plan\ny,A2,gold\n")
    book = project.open(accounts={"path": ["a*.csv"]})
    assert column(book, "plan") == [None, "gold"]  # the first file has no such column
    assert book.reports["accounts"].files == ("a1.csv", "a2.csv")
