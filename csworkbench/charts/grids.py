"""Shapes with rows and columns of cells: a table whose shade follows its numbers."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
    SMALL,
    TEXT,
    WIDTH,
    Chart,
    Sheet,
    Title,
    axis_name,
    color,
    finish,
    fitted,
    font_note,
    nothing,
    ours,
    room,
    sheet,
    shown,
    spoken,
    told,
    written,
)  # fmt: skip
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_ROWS, MOST_COLUMNS = 25, 8
# Above it, ink on the shade falls under 4.5:1.
DEEPEST = 0.5
_ROW, _TOP, _FOOT, _GUTTER, _LINE = 34.0, 48.0, 10.0, 170.0, 16.0


def heat_table(
    frame: "pd.DataFrame", row: str, column: str, value: str, *, title: Title, unit: str = "", row_title: str = "",
    column_title: str = "", order: Sequence[str] = (), language: str = "",
) -> Chart:  # fmt: skip
    """Return a grid of numbers whose shade follows the number; a cell without a number shows a dash.

    Args:
        frame: One row per cell; several rows of one cell are added up.
        row: Column with the names of the rows, in the order of the rows.
        column: Column with the names of the columns, in the order of the rows.
        value: Column with the numbers.
        title: What the chart shows.
        unit: Unit of the numbers, as in `Estimate`.
        row_title: What the rows are ("from").
        column_title: What the columns are ("to").
        order: Names of rows and columns that come first, in this order.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    row_title, column_title = ours(language, row_title, column_title)
    names, heads = (_ordered(frame[each], order) for each in (row, column))
    hidden = max(0, len(names) - MOST_ROWS) + max(0, len(heads) - MOST_COLUMNS)
    names, heads = names[:MOST_ROWS], heads[:MOST_COLUMNS]
    sums = frame.groupby([row, column], observed=True)[value].sum(min_count=1)
    cells = {(name, head): float(sums.get((name, head), float("nan"))) for name in names for head in heads}
    shown_names = [[spoken(each, language) for each in line] for line in (names, heads)]
    texts = [written(number, unit, language) for number in cells.values()]
    scale = " · ".join(filter(None, (column_title, axis_name(unit, language))))
    top = _TOP + _LINE * _is_crowded(shown_names, row_title)
    with sheet(top + _ROW * len(names) + _FOOT) as page:
        _draw(page, shown_names, list(zip(cells.values(), texts, strict=True)), (row_title, scale))
        svg = finish(page)
    parts = [
        f"{spoken(name, language)} – {spoken(head, language)} {each}"
        for ((name, head), number), each in zip(cells.items(), texts, strict=True)
        if isfinite(number)
    ]
    alt = told(text(say("Table of {n:n row|rows}", n=len(names)), language), parts, language, unit)
    more = text(say("{n:n row or column|rows and columns} more in the data below", n=hidden), language)
    note = ". ".join(filter(None, (font_note([*shown_names[0], *shown_names[1]], language), more if hidden else "")))
    return Chart(title, alt, svg, shown(frame, row, column, value), note, language)


def _ordered(series: "pd.Series[Any]", order: Sequence[str]) -> list[Any]:
    found = list(dict.fromkeys(series.dropna()))
    return [name for name in order if name in found] + [name for name in found if name not in order]


def _gutter(rows: Sequence[str], row_title: str) -> float:
    return min(_GUTTER, max(map(room, (*rows, row_title))) + 12)


def _is_crowded(names: Sequence[Sequence[str]], row_title: str) -> bool:
    """Return whether names of columns are too wide for one line even in small letters; they take turns on two then."""
    rows, heads = names
    width = (WIDTH - _gutter(rows, row_title) - 2) / len(heads)
    return max(room(head, SMALL) for head in heads) > width - 2


def _draw(page: Sheet, names: list[list[str]], cells: list[tuple[float, str]], titles: tuple[str, str]) -> None:
    rows, heads = names
    gutter, lines = _gutter(rows, titles[0]), 1 + _is_crowded(names, titles[0])
    axes = page.place(gutter, _TOP + _LINE * (lines - 1), 2, _FOOT)
    axes.set_xlim(0, len(heads))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    width = (WIDTH - gutter - 2) / len(heads)
    size = SMALL if max(map(room, heads)) > width - 2 else TEXT
    for across, head in enumerate(heads):
        words = fitted(head, width * lines - 2, size=size)
        # A name that is wider than the first or the last column stays within the grid.
        half, center = room(words, size) / 2, (across + 0.5) * width
        shift = min(max(center, half), width * len(heads) - half) - center
        lift = 13 + _LINE * ((lines - 1) * (across % 2))
        _write(axes, words, (across + 0.5, 0), (shift, lift), ha="center", fontsize=size)
    for down, name in enumerate(rows):
        _write(axes, fitted(name, gutter - 8), (0, down + 0.5), (-gutter, 0))
    small = {"fontsize": SMALL, "color": color("muted")}
    _write(axes, fitted(titles[0], gutter - 8, size=SMALL), (0, 0), (-gutter, 13), **small)
    _write(axes, titles[1], (0, 0), (2, 33 + _LINE * (lines - 1)), **small)
    most = max((abs(number) for number, _ in cells if isfinite(number)), default=0.0) or 1.0
    for place, (number, words) in enumerate(cells):
        down, across = divmod(place, len(heads))
        role, depth = ("fair" if number >= 0 else "bad", abs(number) / most) if isfinite(number) else ("grid", 0.0)
        axes.bar(
            across + 0.5, 0.9, bottom=down + 0.05, width=0.96, color=color(role), alpha=max(DEEPEST * depth, 0.04),
            linewidth=0,
        )  # fmt: skip
        _write(axes, words, (across + 0.5, down + 0.5), (0, 0), ha="center")


def _write(axes: "Axes", words: str, place: tuple[float, float], offset: tuple[float, float], **style: Any) -> None:
    given = {"color": color("ink"), "fontsize": TEXT, "ha": "left", **style}
    axes.annotate(
        words, place, xytext=offset, textcoords="offset points", annotation_clip=False, va="center_baseline", **given
    )
