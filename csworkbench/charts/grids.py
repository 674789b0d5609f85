"""Shapes with rows and columns of cells: a table whose shade follows its numbers."""

from math import isfinite
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
    SMALL,
    TEXT,
    WIDTH,
    Chart,
    axis_name,
    color,
    finish,
    fitted,
    font_note,
    nothing,
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

MOST_ROWS, MOST_COLUMNS = 25, 8
# Above it, ink on the shade falls under 4.5:1.
DEEPEST = 0.5
_ROW, _TOP, _FOOT, _GUTTER = 34.0, 48.0, 10.0, 140.0


def heat_table(
    frame: "pd.DataFrame", row: str, column: str, value: str, *, title: str, unit: str = "", row_title: str = "",
    column_title: str = "", language: str = "en",
) -> Chart:  # fmt: skip
    """Return a grid of numbers whose shade follows the number; a cell without a number shows a dash.

    Args:
        frame: One row per cell; several rows of one cell are added up.
        row: Column with the names of the rows, in the order they are drawn.
        column: Column with the names of the columns, in the order they are drawn.
        value: Column with the numbers.
        title: What the chart shows.
        unit: Unit of the numbers, as in `Estimate`.
        row_title: What the rows are ("from").
        column_title: What the columns are ("to").
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    names, heads = (list(dict.fromkeys(frame[each].dropna())) for each in (row, column))
    hidden = max(0, len(names) - MOST_ROWS) + max(0, len(heads) - MOST_COLUMNS)
    names, heads = names[:MOST_ROWS], heads[:MOST_COLUMNS]
    sums = frame.groupby([row, column], observed=True)[value].sum(min_count=1)
    grid = {(name, head): float(sums.get((name, head), float("nan"))) for name in names for head in heads}
    most = max((abs(number) for number in grid.values() if isfinite(number)), default=0.0) or 1.0
    gutter = min(_GUTTER, max(room(spoken(name, language)) for name in (*names, row_title)) + 12)
    with sheet(_TOP + _ROW * len(names) + _FOOT) as page:
        axes = page.place(gutter, _TOP, 2, _FOOT)
        axes.set_xlim(0, len(heads))
        axes.set_ylim(len(names), 0)
        axes.set_xticks([])
        axes.set_yticks([])
        width = (WIDTH - gutter - 2) / len(heads)
        style: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "va": "center_baseline"}
        for across, head in enumerate(heads):
            words = fitted(head, width - 4, language)
            axes.annotate(words, (across + 0.5, 0), xytext=(0, 13), ha="center", color=color("ink"), **style)
        for down, name in enumerate(names):
            words = fitted(name, gutter - 8, language)
            axes.annotate(words, (0, down + 0.5), xytext=(-gutter, 0), ha="left", color=color("ink"), **style)
        corner: dict[str, Any] = {"fontsize": SMALL, "color": color("muted"), "ha": "left", **style}
        axes.annotate(fitted(row_title, gutter - 8, language, SMALL), (0, 0), xytext=(-gutter, 13), **corner)
        axes.annotate(
            " · ".join(filter(None, (column_title, axis_name(unit, language)))), (0, 0), xytext=(2, 33), **corner
        )
        for (name, head), number in grid.items():
            down, across = names.index(name), heads.index(head)
            depth = DEEPEST * abs(number) / most if isfinite(number) else 0.0
            role = "fair" if number >= 0 else "bad"
            axes.bar(
                across + 0.5, 0.9, bottom=down + 0.05, width=0.96, color=color(role if isfinite(number) else "grid"),
                alpha=max(depth, 0.04), linewidth=0,
            )  # fmt: skip
            words = written(number, unit, language, is_named=False)
            axes.annotate(
                words,
                (across + 0.5, down + 0.5),
                xytext=(0, 0),
                ha="center",
                color=color("ink"),
                fontsize=TEXT,
                **style,
            )
        svg = finish(page)
    parts = [
        text(
            say(
                "{a} to {b} {n}", a=spoken(name, language), b=spoken(head, language), n=written(number, unit, language)
            ),
            language,
        )
        for (name, head), number in grid.items()
        if isfinite(number)
    ]
    alt = told(text(say("Table of {n:n row|rows}", n=len(names)), language), parts, language)
    more = (
        text(say("{n:n row or column|rows and columns} more in the data below", n=hidden), language) if hidden else ""
    )
    note = ". ".join(each for each in (font_note([str(name) for name in (*names, *heads)], language), more) if each)
    return Chart(title, alt, svg, shown(frame, row, column, value), note, language)
