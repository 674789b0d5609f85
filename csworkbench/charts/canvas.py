"""The sheet every chart is drawn on: sizes, fonts, colour roles, and the way to a small, safe, stable SVG."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import isnan
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from csworkbench import formats
from csworkbench.charts.markup import MISSING, displayed, mark, table_html, text_width
from csworkbench.charts.palette import STAND_IN, css
from csworkbench.estimates import Message, say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 460
"""Width of a chart in pixels: two fit side by side on a desktop page, one is still readable on a telephone."""
TEXT, SMALL = 13.0, 11.5
DATA_ROWS = 60
TOLD = 12
CJK_FONT, CJK_PACKAGE = "Noto Sans CJK SC", "fonts-noto-cjk"
FONTS = (CJK_FONT, "DejaVu Sans")
# Readers see their own system's face first: it matches the page, and a Latin face of 2026 reads better than DejaVu.
READER_FONTS = f"system-ui,'Segoe UI','Noto Sans','{CJK_FONT}','PingFang SC','Microsoft YaHei','DejaVu Sans',sans-serif"
_EM = 0.57
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "csworkbench",
    "font.size": TEXT,
    "text.parse_math": False,  # a "$" in a customer's name is a dollar
    "axes.unicode_minus": True,
    "path.simplify": False,
}


Title = str | Message
"""What a chart shows: a sentence of ours, or a Message where a name stands in it."""


@dataclass(frozen=True, slots=True, repr=False)
class Chart:
    """A finished picture.

    Args:
        title: What it shows, with the unit.
        alt: The same in words with the numbers, for readers who do not see it.
        svg: The picture, without title.
        data: The rows behind it.
        note: A doubt about the picture itself, such as a missing font.
        language: Language of the texts around it.
    """

    title: Title
    alt: str
    svg: str
    data: "pd.DataFrame"
    note: str = ""
    language: str = ""

    def __repr__(self) -> str:
        """Return title and alt text."""
        title = named(self.title, self.language)
        return "\n".join(formats.printable(part) for part in (title, self.alt, self.note) if part)

    def to_frame(self) -> "pd.DataFrame":
        """Return the rows behind the picture."""
        return self.data.copy()

    @property
    def html(self) -> Markup:
        """Return the picture as a figure: an image cannot run a script, and its data stands in a table below."""
        address = f"data:image/svg+xml;base64,{b64encode(self.svg.encode()).decode('ascii')}"
        width, height = re.findall(r'\b(?:width|height)="(\d+)"', self.svg)[:2]
        note = Markup('<p class="csw-note">{}</p>').format(self.note) if self.note else Markup("")
        title = named(self.title, self.language)
        key = self.title.key if isinstance(self.title, Message) else self.title
        return Markup(
            '<figure class="csw-chart"><figcaption{}>{}</figcaption>'
            '<img src="{}" alt="{}" width="{}" height="{}">{}{}</figure>'
        ).format(
            mark(key, self.language), formats.printable(title), address, formats.printable(self.alt),
            width, height, note, self._table(),
        )  # fmt: skip

    def _table(self) -> Markup:
        summary = formats.text(say("Data behind this chart"), self.language)
        rows = table_html(
            self.data.head(DATA_ROWS), named(self.title, self.language), self.language, is_described=False
        )
        hidden = len(self.data) - DATA_ROWS
        more = formats.text(say("{n:n row|rows} more", n=hidden), self.language) if hidden > 0 else ""
        rest = Markup('<p class="csw-note">{}</p>').format(more) if more else Markup("")
        return Markup("<details><summary>{}</summary>{}{}</details>").format(summary, rows, rest)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = {"text/plain": repr(self), "text/html": displayed(self.html)}
        return data, {"csworkbench": {"slot": "chart"}}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One figure in pixels, top left is (0, 0) for `place`.

    Args:
        figure: The matplotlib figure; one pixel is one of its points.
        height: Height in pixels.
    """

    figure: "Figure"
    height: float

    def place(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """Return empty axes between four margins, with no frame and muted ticks.

        Args:
            left: Pixels from the left edge of the sheet to the axes.
            top: Pixels from its upper edge.
            right: Pixels from its right edge.
            bottom: Pixels from its lower edge.
        """
        box = (left / WIDTH, bottom / self.height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / self.height)
        axes = self.figure.add_axes(box)
        axes.set_facecolor("none")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0, labelsize=SMALL, labelcolor=STAND_IN["muted"], pad=6)
        axes.set_axisbelow(True)
        return axes


@contextmanager
def sheet(height: float) -> Iterator[Sheet]:
    """Return a sheet to draw on; settings of other drawings on this machine do not matter."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = {**_SETTINGS, "font.family": _families()}
        mpl.rcParams.update(settings)
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor=STAND_IN["paper"])
        yield Sheet(figure, height)


def finish(drawn: Sheet) -> str:
    """Return the drawing as a small SVG whose bytes depend on nothing but the drawing."""
    import logging
    import warnings

    file = BytesIO()
    # Glyphs and fonts missing here do not matter: the text stays text, and the reader's machine draws it.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        drawn.figure.savefig(file, format="svg", facecolor=STAND_IN["paper"], metadata={"Date": None})
    return _small(file.getvalue().decode("utf-8"), round(drawn.height))


def font_note(texts: Sequence[str], language: str = "") -> str:
    """Return what is missing to draw these texts, or nothing.

    Args:
        texts: All texts of a chart.
        language: Language of the note.

    Returns:
        One sentence naming the package with the font; empty when there is none to name.
    """
    needs_font = any(text_width(text) > len(text) for text in texts)
    if not needs_font or CJK_FONT in _families():
        return ""
    message = say(
        "Chinese text may be cut off: install the package {package} where the pages are made", package=CJK_PACKAGE
    )
    return formats.text(message, language)


def told(kind: str, parts: Sequence[str], language: str = "", unit: str = "") -> str:
    """Return the alt text of a chart: its kind, unit, and at most `TOLD` of its numbers in words.

    Args:
        kind: What kind of chart it is.
        parts: Name and number of each mark.
        language: Language of the texts.
        unit: Unit of the numbers; percent and currencies speak for themselves.
    """
    hidden = len(parts) - TOLD
    listed = "; ".join(parts[:TOLD])
    rest = formats.text(say("; and {n:count} more in the table", n=hidden), language) if hidden > 0 else ""
    named = f"{kind}, {axis_name(unit, language)}" if unit not in ("", "share") else kind
    return f"{named}: {listed}{rest}."


def fitted(value: Any, pixels: float = WIDTH, language: str = "", size: float = TEXT) -> str:
    """Return a value as a label that fits, without characters an SVG cannot hold.

    Args:
        value: Text, number or date.
        pixels: Room it has.
        language: Language of numbers and dates.
        size: Size of its letters in pixels.
    """
    text = spoken(value, language)
    if room(text, size) <= pixels:
        return text
    while text and room(f"{text}…", size) > pixels:
        text = text[:-1]
    return f"{text.rstrip()}…"


def spoken(value: Any, language: str = "") -> str:
    """Return a value as one line of text: `at_risk` reads "At risk", a date as the language writes it."""
    raw = value if isinstance(value, str) else formats.text(say("{value}", value=value), language)
    name = formats.label(raw, language) if formats.NAME.fullmatch(raw) else raw
    return formats.printable(" ".join(name.split()))


def written(
    value: float,
    unit: str,
    language: str = "",
    *,
    is_signed: bool = False,
    is_tick: bool = False,
) -> str:
    """Return a number as it stands in a chart: the axis names what is counted, currencies and percent stay.

    Args:
        value: Number; missing reads "–".
        unit: Unit, as in `Estimate`.
        language: Language of numbers.
        is_signed: Put "+" before a gain.
        is_tick: A round number of an axis: no needless decimals.
    """
    if isnan(value):
        return MISSING
    if is_tick and unit in ("share", "percent"):
        return formats.share(value, 0 if abs(value * 100 - round(value * 100)) < 1e-6 else 1, language)
    if is_tick and not _is_currency(unit):
        return formats.number(round(value, 10), language=language)
    text = formats.in_unit(value, unit, language, named=False)
    return f"+{text}" if is_signed and value > 0 else text


def named(title: Title, language: str = "") -> str:
    """Return a title in a language; one with a name in it is a Message."""
    return formats.text(title, language) if isinstance(title, Message) else formats.words(title, language)


def axis_name(unit: str, language: str = "") -> str:
    """Return the name of an axis: its unit in words."""
    return formats.words("percent" if unit == "share" else formats.spaced(unit), language)


def ours(language: str, *texts: str) -> list[str]:
    """Return words of ours, such as names of axes, in a language."""
    return [formats.words(text, language) for text in texts]


def shown(frame: "pd.DataFrame", *columns: str) -> "pd.DataFrame":
    """Return the columns a chart uses, each once, as the data behind it."""
    return frame[[column for column in dict.fromkeys(columns) if column]].reset_index(drop=True)


def nothing(title: Title, frame: "pd.DataFrame", language: str = "") -> Chart:
    """Return a chart that says there is nothing to show.

    Args:
        title: What would have been shown.
        frame: The rows that are not there.
        language: Language of the sentence.
    """
    words = formats.text(say("Nothing to show: no rows"), language)
    with sheet(90) as page:
        page.figure.text(0.5, 0.5, words, ha="center", va="center", color=color("muted"))
        svg = finish(page)
    return Chart(title, words, svg, frame, language=language)


def room(text: str, size: float = TEXT) -> float:
    """Return a careful guess of the width of a text in pixels, the same on every machine."""
    return text_width(text) * size * _EM


def color(role: str) -> str:
    """Return the stand-in of a colour role."""
    return STAND_IN[role]


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isupper()


def _families() -> list[str]:
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return [family for family in FONTS if family in known]


def _small(svg: str, height: int) -> str:
    body = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    ours = ", ".join(f"'{family}'" for family in _families())
    body = body.replace(ours, READER_FONTS)
    for role, stand_in in STAND_IN.items():
        body = body.replace(stand_in, f"var(--{role})")
    body = re.sub(
        r"<svg[^>]*>",
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}"><style>{css()}</style>',
        body,
        count=1,
    )
    return re.sub(r">\s*\n\s*<", "><", body).strip() + "\n"
