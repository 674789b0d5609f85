"""A workbook for people: one table on one sheet, as text where it is text, the same bytes for the same table."""

from datetime import UTC, date, datetime
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS, MOST_LETTERS = 1_048_576, 32_767
"""Rows of a sheet with its header, and letters of a cell: limits of the format (ECMA-376 as Excel reads it)."""
EXACT = 2**53
WIDEST = 60


def workbook(frame: "pd.DataFrame", title: str) -> bytes:
    """Return a table as XLSX: no cell is a formula or a link, dates are dates, ids and long numbers are texts.

    A table with more rows than a sheet holds goes on on the next sheet, a text longer than a cell holds is cut with an
    ellipsis; CSV and Parquet hold all of it.

    Args:
        frame: The table; the index is not written.
        title: Name of the sheet; letters a sheet may not have are left out.
    """
    import xlsxwriter

    content = BytesIO()
    # Without these a text that looks like a formula, a link or a number would become one.
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(content, plain)
    # The time of writing would make other bytes of the same table.
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    forms = {"head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
             "date": book.add_format({"num_format": "yyyy-mm-dd"}),
             "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
             "text": book.add_format({"num_format": "@"})}  # fmt: skip
    name = "".join(letter for letter in title if letter not in "[]:*?/\\")[:28] or "table"
    for number, start in enumerate(range(0, max(1, len(frame)), MOST_ROWS - 1), 1):
        part = frame.iloc[start : start + MOST_ROWS - 1]
        _fill(book.add_worksheet(name if number == 1 else f"{name} {number}"), part, forms)
    book.close()
    return content.getvalue()


def _fill(sheet: Any, frame: "pd.DataFrame", forms: dict[str, Any]) -> None:
    for place, column in enumerate(frame.columns):
        head = str(column)[:MOST_LETTERS]
        sheet.write_string(0, place, head, forms["head"])
        width = len(head)
        for row, value in enumerate(frame[column].tolist(), 1):
            width = max(width, _write(sheet, (row, place), value, forms))
        sheet.set_column(place, place, min(WIDEST, width + 2))
    sheet.freeze_panes(1, 0)
    if len(frame.columns):
        sheet.autofilter(0, 0, max(1, len(frame)), len(frame.columns) - 1)


def _write(sheet: Any, place: tuple[int, int], value: Any, forms: dict[str, Any]) -> int:
    """Write a cell, and return how many letters it takes; what is missing stays empty."""
    import pandas as pd

    match value:
        case str():
            text = value if len(value) <= MOST_LETTERS else f"{value[: MOST_LETTERS - 1]}…"
            sheet.write_string(*place, text, forms["text"])
            return len(text)
        case bool():
            sheet.write_boolean(*place, value)
            return len("FALSE")
        case int() if abs(value) <= EXACT:
            sheet.write_number(*place, value)
            return len(str(value))
        case float() if isfinite(value):
            sheet.write_number(*place, value)
            return len(f"{value:g}")
        case datetime() if value is not pd.NaT:
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
            sheet.write_datetime(*place, moment, forms["date" if is_day else "moment"])
            return len("2000-01-01 00:00:00")
        case date() if value is not pd.NaT:
            sheet.write_datetime(*place, value, forms["date"])
            return len("2000-01-01")
        case float() | None:
            return 0
        case _ if value is pd.NaT or value is pd.NA:
            return 0
        case _:
            return _write(sheet, place, str(value), forms)
