"""Frames as plain, semantic HTML tables and as text; every value is escaped here, at the source."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from markupsafe import Markup

from csworkbench import formats
from csworkbench.estimates import Estimate, Message, say

if TYPE_CHECKING:
    import pandas as pd

MISSING = "–"
LONGEST_CELL = 300
KEYS = ("table", "tables", "column", "key", "setting", "value", "file", "id", "name", "language")
"""Columns whose words are those of files or of customers, in any language; so are ids of any kind."""
SLUGS = ("play", "rule", "program", "trigger", "experiment", "experiment_id", "touch")
"""Columns of names that settings write with hyphens: `save-call` reads "Save call"."""
STYLE = Markup(
    "<style>"
    ".csw-chart{margin:1rem 0;max-width:36rem}.csw-chart img{width:100%;height:auto;border-radius:8px;"
    "box-sizing:border-box;padding:.6rem;background:light-dark(#fff,#171b22)}"
    ".csw-chart figcaption{font-weight:600;margin-bottom:.4rem}.csw-scroll{overflow-x:auto}"
    ".csw-table{border-collapse:collapse}.csw-table caption{text-align:left;font-weight:600;padding:.4rem 0}"
    # Named three times: JupyterLab sets every table cell to the right, with two classes of its own.
    ".csw-table.csw-table.csw-table :is(th,td){text-align:left;padding:.3rem 1.2rem .3rem 0;vertical-align:top}"
    ".csw-table.csw-table.csw-table .csw-num{text-align:right;font-variant-numeric:tabular-nums}"
    ".csw-verdict{font-size:1.25rem;font-weight:600;max-width:44rem}"
    ".csw-table .csw-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    ".csw-figures.csw-figures.csw-figures :is(dt,dd){float:none;width:auto;margin:0;line-height:1.35}"
    ".csw-figures.csw-figures.csw-figures dt{font-weight:400;opacity:.8}.csw-figures .csw-range{display:block}"
    ".csw-figures.csw-figures.csw-figures{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1rem 0;padding:0}"
    ".csw-figures .csw-value{font-size:1.6rem;font-weight:600}"
    ".csw-caveat{border-left:4px solid #2f7fb8;padding:.2rem .8rem;margin:.5rem 0}.csw-warning{border-color:#bc7d0e}"
    ".csw-stop{border-color:#b02118}"
    "</style>"
)
"""Style of one output in a notebook; pages drop it and bring their own."""


def mark(english: str, language: str) -> Markup:
    """Return the attribute that marks words of ours as English where a page of another language has no others."""
    return Markup(' lang="en"') if formats.is_foreign(english, language) else Markup("")


def displayed(html: Markup) -> str:
    """Return markup as a notebook shows it: with its style, and closed to MathJax, which would set $...$ in names."""
    return str(STYLE + Markup('<div class="mathjax_ignore">{}</div>').format(html))


def cell(value: Any, column: str, language: str = "", digits: int | None = None) -> str:
    """Return one value of a table as plain text.

    Args:
        value: A cell; a number in a column named share, rate, *_share or *_rate is a share of 0 to 1.
        column: Name of its column.
        language: Language of numbers and dates.
        digits: Decimals of a number; None = three significant digits.

    Returns:
        One printable line of at most `LONGEST_CELL` characters; "–" for a missing value.
    """
    match value:
        case str():
            return _shortened(_said(value, column, language))
        case Message():
            return _shortened(formats.text(value, language))
        case Estimate():
            return formats.estimate(value, language)
        case _ if formats.is_missing(value):
            return MISSING
        case _ if type(value).__name__ in ("bool", "bool_"):
            return formats.answer(value, language)
        case datetime() | date():
            return formats.day(value, language)
        case Real():
            is_share = column in ("share", "rate") or column.endswith(("_share", "_rate"))
            return formats.share(float(value), language=language) if is_share else _number(value, digits, language)
        case list() | tuple() | set() | frozenset():
            said = [_item(each, column, language) for each in value]
            return _shortened(formats.words(", ", language).join(said))
    return _shortened(str(value))


def _item(value: Any, column: str, language: str) -> str:
    """Return one of several things of a cell; a name of ours as it stands within a sentence."""
    if not isinstance(value, str):
        return cell(value, column, language)
    is_ours = formats.NAME.fullmatch(value) and not _is_typed(column)
    return formats.inside(value, language) if is_ours else value


def _is_typed(column: str) -> bool:
    """Return whether a column holds what people type, such as ids: it stays as it is."""
    return column in KEYS or (column.endswith("_id") and column not in SLUGS)


def _said(value: str, column: str, language: str) -> str:
    """Return a text of a cell; a name of ours in words."""
    name = value.replace("-", "_") if column in SLUGS else value
    if _is_typed(column):
        return value
    if formats.NAME.fullmatch(name):
        return formats.label(name, language)
    # Names of ours with a hyphen begin small or with letters such as CSM, and names of customers do not.
    is_ours = value[:1].islower() or value.partition(" ")[0] in formats.ACRONYMS.values()
    return formats.words(value, language) if is_ours else value


def table_html(
    frame: "pd.DataFrame",
    caption: str,
    language: str = "",
    headings: Sequence[str] = (),
    *,
    is_described: bool = True,
) -> Markup:
    """Return a frame as an HTML table in a box that scrolls sideways and can be focused.

    Args:
        frame: Rows to show, all of them; the first column names the row.
        caption: Says what the table holds; also part of the name of its box.
        language: Language of numbers and dates.
        headings: Text of the column heads; empty makes them of the column names.
        is_described: Show the caption; else it is only read aloud.

    Returns:
        Escaped markup without inline style.
    """
    heads = list(headings) or [formats.label(str(name), language) for name in frame.columns]
    names = list(frame.columns)
    numeric = [_is_numeric(frame.iloc[:, place]) for place in range(frame.shape[1])]
    digits = _decimals(frame)
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_NUMBER if is_number else "", _shortened(name))
        for name, is_number in zip(heads, numeric, strict=True)
    )
    kinds = [_kind(frame.iloc[:, place], is_number) for place, is_number in enumerate(numeric)]
    rows = Markup("").join(
        _row(record, zip(names, kinds, digits, strict=True), language) for record in frame.itertuples(index=False)
    )
    shown = Markup("") if is_described else Markup(' class="csw-hidden"')
    name = say("Table: {caption}", caption=caption) if is_described else say("Data: {caption}", caption=caption)
    return Markup(
        '<div class="csw-scroll" role="region" tabindex="0" aria-label="{}"><table class="csw-table">'
        "<caption{}>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(formats.printable(formats.text(name, language)), shown, formats.printable(caption), head, rows)


def table_text(frame: "pd.DataFrame", caption: str, language: str = "", headings: Sequence[str] = ()) -> str:
    """Return a frame as aligned plain text, for terminals and for comparing stored outputs.

    Args:
        frame: Rows to show, all of them.
        caption: First line.
        language: Language of numbers and dates.
        headings: Text of the column heads; empty makes them of the column names.
    """
    heads = list(headings) or [formats.label(str(name), language) for name in frame.columns]
    columns, decimals = [], _decimals(frame)
    for place, head in enumerate(heads):
        series, name = frame.iloc[:, place], str(frame.columns[place])
        texts = [_shortened(head), *(cell(value, name, language, decimals[place]) for value in series)]
        width = max(map(text_width, texts))
        fill = [" " * (width - text_width(text)) for text in texts]
        pairs = zip(texts, fill, strict=True)
        columns.append([gap + text if _is_numeric(series) else text + gap for text, gap in pairs])
    lines = ["  ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
    return "\n".join([formats.printable(caption), *lines])


def text_width(text: str) -> int:
    """Return how many terminal columns a text takes; Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


_NUMBER, _LONG, _DAY = (Markup(' class="csw-{}"').format(name) for name in ("num", "long", "day"))
_LONG_FROM = 36


def _kind(series: "pd.Series[Any]", is_number: bool) -> Markup:
    if is_number:
        return _NUMBER
    if any(isinstance(value, date) and not formats.is_missing(value) for value in series):
        return _DAY
    is_long = any(isinstance(value, str) and len(value) > _LONG_FROM for value in series)
    return _LONG if is_long else Markup("")


def _row(record: tuple[Any, ...], columns: Iterable[tuple[Any, Markup, int | None]], language: str) -> Markup:
    cells = Markup("")
    for value, (name, kind, digits) in zip(record, columns, strict=True):
        text = cell(value, str(name), language, digits)
        # A row without a name has no header: an empty one is read aloud as "blank" before each of its cells.
        pattern = Markup("<td{}>{}</td>") if cells or not text else Markup('<th scope="row"{}>{}</th>')
        cells += pattern.format(kind, text)
    return Markup("<tr>{}</tr>").format(cells)


def _is_numeric(series: "pd.Series[Any]") -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_bool_dtype(series):
        return False
    if is_numeric_dtype(series):
        return True
    values = [value for value in series if not formats.is_missing(value)]
    return bool(values) and all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def _number(value: Real, digits: int | None, language: str) -> str:
    if isinstance(value, Integral):
        return formats.number(int(value), 0, language)
    return formats.number(float(value), digits, language)


def _decimals(frame: "pd.DataFrame") -> list[int | None]:
    """Return the decimals of each column: bounds have those that suit both and the value they are bounds of."""
    import pandas as pd

    names = [str(name) for name in frame.columns]
    found = [_digits(frame.iloc[:, place]) for place in range(len(names))]
    for low, name in enumerate(names):
        upper = f"{name.removesuffix('low')}high"
        if not name.endswith("low") or upper not in names:
            continue
        high, stem = names.index(upper), name.removesuffix("_low")
        point = names.index(stem) if stem in names and stem != name else low - 1
        places = [low, high, *([point] if _is_within(frame, point, low, high) else [])]
        if all(found[place] is not None for place in places):
            shared = _digits(pd.concat([frame.iloc[:, place] for place in places]))
            found = [shared if place in places else digits for place, digits in enumerate(found)]
    return found


def _is_within(frame: "pd.DataFrame", point: int, low: int, high: int) -> bool:
    """Return whether a column holds the values that two others are bounds of."""
    columns = [frame.iloc[:, place] for place in (low, point, high)]
    if point < 0 or any(series.dtype.kind != "f" for series in columns):
        return False
    lower, value, upper = columns
    return bool(((lower <= value) & (value <= upper) | lower.isna() | value.isna() | upper.isna()).all())


def _digits(series: "pd.Series[Any]") -> int | None:
    """Return decimals that suit a whole column, so that its numbers line up; None for a column that has none."""
    if series.dtype.kind != "f" or series.dropna().empty:
        return None
    known = series.dropna().abs()
    if (known % 1 == 0).all():
        return 0
    return next((digits for limit, digits in ((1000, 0), (10, 1), (1, 2)) if known.max() >= limit), 3)


def _shortened(text: str) -> str:
    text = formats.printable(" ".join(text.splitlines()))
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
