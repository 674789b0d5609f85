"""The F rows: what happens to the bytes of an export on its way."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from random import Random
from unicodedata import normalize

from csworkbench.tables import Kind
from tests.faults.book import Sheet, eastern, only
from tests.faults.cases import Case
from tests.faults.verdicts import Fault

HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in to continue</body></html>\n"


def recoded(sheet: Sheet, _: Random, codec: str, declared: str | None = None, mark: bytes = b"") -> Fault:
    """The same text in another code page."""
    return Fault(mark + sheet.text().encode(codec), sheet, source={"encoding": declared} if declared else None)


def relined(sheet: Sheet, _: Random, end: str) -> Fault:
    """Other line ends."""
    return Fault(sheet.text(end=end).encode(), sheet)


def rewritten(sheet: Sheet, _: Random, change: Callable[[str], str]) -> Fault:
    """The text of the file, changed as a whole."""
    return Fault(change(sheet.text()).encode(), sheet)


def redelimited(sheet: Sheet, _: Random, delimiter: str, head: str = "", *, comma: bool, declared: bool) -> Fault:
    """Another delimiter, with or without a decimal comma."""
    keys = {"delimiter": delimiter} | ({"decimal": ","} if comma else {})
    for name, kind in sheet.kinds.items():
        if comma and kind in {Kind.DECIMAL, Kind.SHARE}:
            sheet = sheet.with_cells(name, {at: text.replace(".", ",") for at, text in enumerate(sheet.cells(name))})
    return Fault((head + sheet.text(delimiter)).encode(), sheet, source=keys if declared else None)


def one_latin_line(sheet: Sheet, random: Random) -> Fault:
    """One line that another program wrote, in the middle of a file in UTF-8."""
    lines = sheet.text().encode().splitlines(keepends=True)
    at = random.randrange(1, len(lines))
    lines[at] = lines[at].rstrip(b"\n") + "ö\n".encode("latin-1")
    return Fault(b"".join(lines), sheet)


def a_nul(sheet: Sheet, random: Random) -> Fault:
    """A NUL byte somewhere in a row."""
    content = sheet.text().encode()
    at = random.randrange(content.index(b"\n") + 1, len(content))
    return Fault(content[:at] + b"\0" + content[at:], sheet)


def an_open_quote(sheet: Sheet, random: Random, place: float) -> Fault:
    """A quote that opens a field of a row and is never closed; later quoted fields may close it by accident."""
    lines = sheet.text().splitlines()
    at = min(len(lines) - 1, max(1, round(place * len(lines))))
    cells = lines[at].split(",")
    cells[-1] = '"' + cells[-1].strip('"')
    lines[at] = ",".join(cells)
    return Fault(("\n".join(lines) + "\n").encode(), sheet, touched=frozenset([at - 1]))


def misshapen(sheet: Sheet, random: Random, change: Callable[[list[str], int], list[str]]) -> Fault:
    """Three rows with more or fewer fields than the header."""
    touched = sorted(random.sample(range(len(sheet.rows)), min(3, max(1, len(sheet.rows) // 3))))
    rows = [list(row) for row in sheet.rows]
    for index in touched:
        rows[index] = change(rows[index], random.randrange(len(sheet.header)))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([sheet.header, *rows])
    return Fault(out.getvalue().encode(), sheet, touched=frozenset(touched))


def renamed(
    sheet: Sheet, random: Random, change: Callable[[str], str], *, required: bool | None = None
) -> Fault | None:
    """Another name in the header."""
    of_kind = [
        name
        for name in sheet.header
        if required is None or (name in sheet.contract and sheet.contract[name].required is required)
    ]
    if not of_kind:
        return None
    name = random.choice(of_kind)
    header = tuple(change(each) if each == name else each for each in sheet.header)
    return Fault(replace(sheet, header=header).text().encode(), sheet)


def doubled_name(sheet: Sheet, random: Random) -> Fault:
    """Two columns of one name."""
    name = random.choice(sheet.header)
    twice = replace(sheet, header=(*sheet.header, name), rows=tuple((*row, "x") for row in sheet.rows))
    return Fault(twice.text().encode(), sheet)


def extra_column(sheet: Sheet, random: Random) -> Fault:
    """A column nobody asked for, anywhere."""
    at = random.randrange(len(sheet.header) + 1)
    rows = [(*row[:at], f"x{index}", *row[at:]) for index, row in enumerate(sheet.rows)]
    wider = replace(sheet, header=(*sheet.header[:at], "zzz_unasked", *sheet.header[at:]), rows=tuple(rows))
    return Fault(wider.text().encode(), sheet)


def shuffled(sheet: Sheet, random: Random, *, columns: bool) -> Fault:
    """Columns or rows in another order."""
    if not columns:
        order = random.sample(range(len(sheet.rows)), len(sheet.rows))
        mixed = replace(sheet, rows=tuple(sheet.rows[index] for index in order))
        return Fault(mixed.text().encode(), mixed, origin=tuple(order))
    order = random.sample(range(len(sheet.header)), len(sheet.header))
    turned = [tuple(row[index] for index in order) for row in sheet.rows]
    return Fault(
        replace(sheet, header=tuple(sheet.header[index] for index in order), rows=tuple(turned)).text().encode(), sheet
    )


def blank_rows(sheet: Sheet, random: Random) -> Fault:
    """Empty lines and lines of delimiters only."""
    head, *rows = sheet.text().splitlines(keepends=True)
    if any('"' in row for row in rows):  # a quoted cell may span lines, and a blank line in it is content
        return Fault((head + "\n" + "".join(rows) + "," * (len(sheet.header) - 1) + "\n\n").encode(), sheet)
    at = random.randrange(len(rows) + 1)
    blank = "," * (len(sheet.header) - 1) + "\n"
    return Fault("".join([head, "\n", *rows[:at], blank, "\n", *rows[at:], blank, "\n\n"]).encode(), sheet)


def glued(sheet: Sheet, random: Random) -> Fault:
    """A second export under the first, header and all."""
    at = random.randrange(1, len(sheet.rows)) if len(sheet.rows) > 1 else 1
    rows = (*sheet.rows[:at], sheet.header, *sheet.rows[at:])
    both = replace(sheet, rows=rows)
    origin = (*range(at), None, *range(at, len(sheet.rows)))
    return Fault(both.text().encode(), both, origin=origin, touched=frozenset([at]))


def a_workbook(sheet: Sheet, _: Random) -> Fault:
    """A workbook under the name of a CSV."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
    return Fault(out.getvalue(), sheet)


def all_doubled(sheet: Sheet, random: Random) -> Fault:
    """Every row twice."""
    order = [index for index in range(len(sheet.rows)) for _ in range(2)]
    random.shuffle(order)
    twice = replace(sheet, rows=tuple(sheet.rows[index] for index in order))
    return Fault(twice.text().encode(), twice, origin=tuple(order))


def a_carriage_return(sheet: Sheet, random: Random, *, quoted: bool) -> Fault | None:
    """A bare carriage return in a field."""
    names = [name for name, kind in sheet.kinds.items() if kind is Kind.TEXT and name in sheet.header]
    names = [name for name in names if not (name in sheet.contract and sheet.contract[name].allowed)]
    at = random.randrange(len(sheet.rows))
    name = random.choice(names)
    cells = sheet.rows[at][sheet.at(name)]
    broken = sheet.with_cells(name, {at: cells[: len(cells) // 2] + "\r\r" + cells[len(cells) // 2 :] + "x"})
    text = broken.text()
    if not quoted:
        text = re.sub(r'"([^",\n]*\r\r[^",\n]*)"', r"\1", text)
    return Fault(text.encode(), broken, touched=frozenset([at]))


def _cased(name: str) -> str:
    return name.replace("_", " ").title()


def _twice(sheet: Sheet, random: Random) -> Fault:
    return replace_source(redelimited(sheet, random, ";", comma=True, declared=False), codec="utf-16")


def replace_source(fault: Fault, codec: str) -> Fault:
    """The same fault in another code page."""
    return replace(fault, content=fault.content.decode().encode(codec))


def _p(function, *arguments, **keys) -> Callable[[Sheet, Random], Fault | None]:  # type: ignore[no-untyped-def]
    return lambda sheet, random: function(sheet, random, *arguments, **keys)


CASES = (
    Case("F01 byte order mark", "E", _p(recoded, "utf-8-sig")),
    Case("F01 byte order mark, encoding declared", "E", _p(recoded, "utf-8-sig", "utf-8-sig")),
    Case("F02 UTF-16", "R", _p(recoded, "utf-16"), words="UTF-16.*encoding: utf-16"),
    Case("F02 UTF-16 big endian without mark", "R", _p(recoded, "utf-16-be"), words="encoding: utf-16-be"),
    Case("F02 UTF-16 little endian without mark", "R", _p(recoded, "utf-16-le"), words="encoding: utf-16-le"),
    Case("F02 UTF-16, declared", "E", _p(recoded, "utf-16", "utf-16")),
    Case("F02 UTF-16 big endian, declared", "E", _p(recoded, "utf-16-be", "utf-16-be")),
    Case("F02 UTF-32", "R", _p(recoded, "utf-32"), words="UTF-32"),
    Case("F02 UTF-32, declared", "E", _p(recoded, "utf-32", "utf-32")),
    Case("F03 GB18030", "RE", _p(recoded, "gb18030"), eastern, "GB18030.*encoding: gb18030"),
    Case("F03 GB18030, declared", "E", _p(recoded, "gb18030", "gb18030")),
    Case("F03 GB18030, Swedish too", "RE", _p(recoded, "gb18030"), words="not utf-8 at byte offset"),
    Case("F03 UTF-8 declared as GB18030", "RE", _p(recoded, "utf-8", "gb18030"), words="UTF-8"),
    Case("F03 Big5", "RE", _p(recoded, "big5", "big5hkscs"), only("big5")),
    Case("F04 cp1252", "RE", _p(recoded, "cp1252"), only("cp1252"), "CP1252.*encoding: cp1252"),
    Case("F04 cp1252, declared", "E", _p(recoded, "cp1252", "cp1252"), only("cp1252")),
    Case("F04 UTF-8 declared as cp1252", "RE", _p(recoded, "utf-8", "cp1252"), words="UTF-8"),
    Case("F04 UTF-8 declared as Latin-1", "RE", _p(recoded, "utf-8", "latin-1"), words="UTF-8"),
    Case("F04 cp1252 declared as ASCII", "RE", _p(recoded, "cp1252", "ascii"), only("cp1252"), "byte offset"),
    Case("F05 one Latin-1 line", "R", one_latin_line, words=r"csv:\d+: .*byte offset \d+"),
    Case("F06 CRLF", "E", _p(relined, "\r\n")),
    Case("F07 CR", "E", _p(relined, "\r")),
    Case("F07 line ends mixed", "ERQ", _p(rewritten, lambda text: text.replace("\n", "\r\n", 3))),
    Case("F09 no newline at the end", "E", _p(rewritten, lambda text: text.rstrip("\n"))),
    Case(
        "F10 semicolon and decimal comma", "R", _p(redelimited, ";", comma=True, declared=False), words="delimiter.*';'"
    ),
    Case("F10 semicolon and decimal comma, declared", "E", _p(redelimited, ";", comma=True, declared=True)),
    Case("F10 semicolon, UTF-16", "R", _twice, words="encoding: utf-16"),
    Case("F11 tab", "R", _p(redelimited, "\t", comma=False, declared=False), words=r"delimiter.*'\\t'"),
    Case("F11 tab, declared", "E", _p(redelimited, "\t", comma=False, declared=True)),
    Case("F11 bar", "R", _p(redelimited, "|", comma=False, declared=False), words="delimiter.*'|'"),
    Case("F12 sep=;", "R", _p(redelimited, ";", "sep=;\n", comma=True, declared=False), words="delimiter.*';'"),
    Case("F12 sep=;, declared", "E", _p(redelimited, ";", "sep=;\n", comma=True, declared=True)),
    Case("F13 NUL byte", "R", a_nul, words="NUL byte at byte offset"),
    Case("F14 open quote at the end", "R", _p(an_open_quote, place=1), words=r"csv:\d+: .*quote"),
    Case("F14 open quote in the middle", "RQ", _p(an_open_quote, place=0.5)),
    Case("F16 everything quoted", "E", lambda sheet, _: Fault(sheet.text(quoting=csv.QUOTE_ALL).encode(), sheet)),
    Case("F17 rows too long at the end", "Q", _p(misshapen, lambda row, _: [*row, "x"])),
    Case("F17 rows too long, an empty field", "Q", _p(misshapen, lambda row, _: [*row, ""])),
    Case("F17 rows too long in the middle", "Q", _p(misshapen, lambda row, at: [*row[:at], "x", *row[at:]])),
    Case("F19 rows too short at the end", "Q", _p(misshapen, lambda row, _: row[:-1])),
    Case("F19 rows too short in the middle", "Q", _p(misshapen, lambda row, at: row[:at] + row[at + 1 :])),
    Case("F20 doubled name", "R", doubled_name, words="occurs 2 times"),
    Case("F21 padded name", "R", _p(renamed, lambda name: f" {name} "), words="blanks or invisible|missing"),
    Case("F21 no-break space at a name", "R", _p(renamed, lambda name: f"{name}\u00a0"), words="invisible|missing"),
    Case("F22 no name", "R", _p(renamed, lambda name: ""), words="has no name|missing"),
    Case("F22 near name, needed", "R", _p(renamed, _cased, required=True), words="did you mean"),
    Case("F22 near name, not needed", "RQE", _p(renamed, _cased, required=False), told_by=("unused",)),
    Case("F23 extra column", "E", extra_column),
    Case("F24 columns shuffled", "E", _p(shuffled, columns=True)),
    Case("F25 rows shuffled", "E", _p(shuffled, columns=False)),
    Case("F26 0 bytes", "R", lambda sheet, _: Fault(b"", sheet), words="empty"),
    Case("F27 header only", "RQ", _p(rewritten, lambda text: text[: text.index("\n") + 1]), told_by=("empty",)),
    Case("F28 blank rows", "E", blank_rows),
    Case("F29 two exports glued together", "ERQ", glued),
    Case("F30 login page", "R", lambda sheet, _: Fault(HTML, sheet), words="web page"),
    Case("F31 workbook", "R", a_workbook, words="Excel workbook"),
    Case("F32 gzip", "R", lambda sheet, _: Fault(gzip.compress(sheet.text().encode()), sheet), words="gzip"),
    Case("F36 all rows doubled", "EQ", all_doubled),
    Case("F37 NFD text", "E", _p(rewritten, lambda text: normalize("NFD", text))),
    Case("F38 bare CR in a field", "RQ", _p(a_carriage_return, quoted=False)),
    Case("F38 bare CR in a quoted field", "ERQ", _p(a_carriage_return, quoted=True)),
)
"""The F rows that fit any table; F34 and F35 are sizes, and have a test of their own."""
