"""Shapes of what came after something was done: before and after beside what was expected, and a course over months."""

from math import isfinite
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
    SMALL,
    Chart,
    Title,
    color,
    finish,
    font_note,
    nothing,
    ours,
    sheet,
    shown,
    spoken,
    told,
    written,
)  # fmt: skip
from csworkbench.charts.columns import HEIGHT
from csworkbench.charts.lanes import Lanes
from csworkbench.charts.rows import MOST_ROWS
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_LEFT, _TOP, _RIGHT, _FOOT = 58.0, 24.0, 16.0, 48.0


def before_after(
    frame: "pd.DataFrame", label: str, columns: "Sequence[str]", *, title: Title, before: float, unit: str = "",
    language: str = "",
) -> Chart:  # fmt: skip
    """Return, per row, what was expected without anything being done (ring and bar) and what came (diamond).

    Args:
        frame: One row per thing that was done.
        label: Column with the names.
        columns: Columns with the expectation, its lower and upper end, and what came.
        title: What the chart shows.
        before: Value before, the same for all rows; drawn as a line.
        unit: Unit of the values; it names the axis.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    rows = frame.head(MOST_ROWS)
    numbers = [tuple(float(value) for value in line) for line in rows[list(columns)].itertuples(index=False)]
    texts = [_said(line, unit, language) for line in numbers]
    names = [spoken(name, language) for name in rows[label]]
    known = [value for line in numbers for value in line if isfinite(value)] + [before]
    margin = (max(known) - min(known)) * 0.06 or 1.0
    lanes = Lanes(names, texts, unit, language, is_below=True)
    with sheet(lanes.height) as page:
        axes = lanes.axes(page, (min(known) - margin, max(known) + margin))
        axes.axvline(before, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
        for place, line in enumerate(numbers):
            _draw_row(axes, place, line)
        svg = finish(page)
    alt = told(
        text(say("What was expected, with its interval, and what came"), language), _parts(names, texts), language, unit
    )
    note = font_note(names, language)
    return Chart(title, alt, svg, shown(frame, label, *columns), note, language)


def course(
    frame: "pd.DataFrame", x: str, columns: "Sequence[str]", *, title: Title, along: str, unit: str = "",
    language: str = "",
) -> Chart:  # fmt: skip
    """Return a difference month by month around an event at 0, with the interval of each month and that of all.

    Args:
        frame: One row per month, in time order.
        x: Column with the months from the event.
        columns: Columns with the difference, the ends of its interval, and the ends of the band of all months.
        title: What the chart shows.
        along: Name of the lower axis.
        unit: Unit of the difference, as in `Estimate`.
        language: Language of numbers and texts.
    """
    rows = frame.dropna(subset=[columns[0]])
    if rows.empty:
        return nothing(title, frame, language)
    value, low, high, band_low, band_high = (rows[name].to_numpy(float) for name in columns)
    months = rows[x].to_numpy(float)
    (along,) = ours(language, along)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP, _RIGHT, _FOOT)
        _scale(axes, (float(min(band_low.min(), 0)), float(max(band_high.max(), 0))), unit, language)
        axes.set_xlabel(along, loc="left", fontsize=SMALL, color=color("muted"), labelpad=4)
        axes.axvline(-0.5, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
        for place, *ends in zip(months, band_low, band_high, low, high, strict=True):
            axes.plot((place, place), ends[:2], color=color("plain"), linewidth=1.4, zorder=2)
            axes.plot((place, place), ends[2:], color=color("fair"), linewidth=5, solid_capstyle="round", zorder=3)
        axes.plot(months, value, "-", color=color("good"), linewidth=1.6, zorder=4)
        axes.plot(months, value, "o", markersize=8, color=color("good"), markeredgecolor=color("paper"), zorder=5)
        svg = finish(page)
    parts = [
        f"{month:+.0f}: {written(a, unit, language)} ({written(b, unit, language)} – {written(c, unit, language)})"
        for month, a, b, c in zip(months, value, low, high, strict=True)
    ]
    alt = told(text(say("Difference by {along}", along=along), language), parts, language)
    return Chart(title, alt, svg, shown(frame, x, *columns), "", language)


def _draw_row(axes: "Axes", place: int, line: "tuple[float, ...]") -> None:
    expected, low, high, after = line
    axes.plot((low, high), (place, place), color=color("fair"), linewidth=5, solid_capstyle="round", zorder=2)
    axes.plot((expected, after), (place, place), color=color("muted"), linewidth=1, zorder=1)
    axes.plot(
        [expected], [place], "o", markersize=8, color=color("paper"), markeredgecolor=color("good"),
        markeredgewidth=2, zorder=3,
    )  # fmt: skip
    axes.plot([after], [place], "D", markersize=9, color=color("bad"), markeredgecolor=color("paper"), zorder=4)


def _scale(axes: "Axes", span: tuple[float, float], unit: str, language: str) -> None:
    """Give axes an upright scale over a span with a line at 0, and a lower one of whole numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    margin = (span[1] - span[0]) * 0.06 or 1.0
    axes.set_ylim(span[0] - margin, span[1] + margin)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit, language, is_tick=True)))
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.0f}" if value else "0"))
    axes.grid(axis="y", color=color("grid"), linewidth=1)
    axes.axhline(0, color=color("muted"), linewidth=1.4)


def _said(line: "tuple[float, ...]", unit: str, language: str) -> str:
    expected, low, high, after = (written(value, unit, language) for value in line)
    message = say("{expected} ({low} – {high}), came {after}", expected=expected, low=low, high=high, after=after)
    return text(message, language)


def _parts(names: "Sequence[Any]", texts: "Sequence[str]") -> list[str]:
    return [f"{name}: {said}" for name, said in zip(names, texts, strict=True)]
