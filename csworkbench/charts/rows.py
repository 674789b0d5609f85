"""Shapes with one row per thing: bars, intervals, a waterfall."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
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
)
from csworkbench.charts.lanes import Lanes
from csworkbench.charts.markup import MISSING
from csworkbench.charts.palette import ranked
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 25


def bars(
    frame: "pd.DataFrame", label: str, value: str, *, title: Title, unit: str = "", low: str = "", high: str = "",
    is_ranked: bool = False, rest: str = "", language: str = "",
) -> Chart:  # fmt: skip
    """Return one horizontal bar per row, in the order of the rows, each with its number beside it.

    Args:
        frame: One row per bar.
        label: Column with the names.
        value: Column with the lengths; a missing one leaves a gap with a dash.
        title: What the chart shows.
        unit: Unit of the values, as in `Estimate`; it names the axis.
        low: Column with the lower end of an interval; empty draws none.
        high: Column with its upper end.
        is_ranked: The rows run from bad to good (at most 5) and are coloured so.
        rest: Name of a row outside the ranks ("not scored"), in gray.
        language: Language of numbers and texts.

    Raises:
        ValueError: `is_ranked` with more than 5 rows.
    """
    if frame.empty:
        return nothing(title, frame, language)
    rows = frame.head(MOST_ROWS)
    numbers = _numbers(rows, value)
    ends = [_numbers(rows, low), _numbers(rows, high)] if low and high else []
    texts = [written(number, unit, language) for number in numbers]
    names = [spoken(name, language) for name in rows[label]]
    lanes = Lanes(names, texts, unit, language)
    with sheet(lanes.height) as page:
        axes = lanes.axes(page, _span([*numbers, *(number for end in ends for number in end)]))
        roles = ranked(list(rows[label]), rest) if is_ranked else ("fair",) * len(rows)
        for place, (number, role) in enumerate(zip(numbers, roles, strict=True)):
            lanes.bar(axes, place, 0.0, number, role)
        tips = [max(filter(isfinite, pair), default=0.0) for pair in zip(numbers, *ends[1:], strict=True)]
        bases = [min(filter(isfinite, pair), default=0.0) for pair in zip(numbers, *ends[:1], strict=True)]
        for place, points in enumerate(zip(*ends, strict=True) if ends else ()):
            axes.plot(points, (place + lanes.shift,) * 2, color=color("ink"), linewidth=1.6, solid_capstyle="butt")
        for place, number in enumerate(numbers):
            lanes.beside(axes, place, bases[place] if number < 0 else tips[place], is_left=number < 0)
        svg = finish(page)
    parts = [f"{name} {number}" for name, number in zip(names, texts, strict=True)]
    if ends:
        bounds = [[written(number, unit, language) for number in end] for end in ends]
        parts = [part if a == MISSING else f"{part} ({a} – {b})" for part, a, b in zip(parts, *bounds, strict=True)]
    alt = told(text(say("Bar chart"), language), parts, language, unit)
    return Chart(title, alt, svg, shown(frame, label, value, low, high), _note(names, frame, language), language)


def intervals(
    frame: "pd.DataFrame", label: str, value: str, low: str, high: str, *, title: Title, unit: str = "",
    reference: float | None = None, language: str = "",
) -> Chart:  # fmt: skip
    """Return one point with its interval per row, in the order of the rows.

    Args:
        frame: One row per estimate.
        label: Column with the names.
        value: Column with the points; missing says "cannot tell".
        low: Column with the lower ends.
        high: Column with the upper ends.
        title: What the chart shows.
        unit: Unit of the values, as in `Estimate`; it names the axis.
        reference: Where "no difference" lies; drawn as a line.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    rows = frame.head(MOST_ROWS)
    points, lows, highs = (_numbers(rows, column) for column in (value, low, high))
    texts = [_interval(each, unit, language) for each in zip(points, lows, highs, strict=True)]
    names = [spoken(name, language) for name in rows[label]]
    known = [number for number in (*points, *lows, *highs) if isfinite(number)] or [0.0]
    span = _zoom([*known, *([] if reference is None else [reference])])
    lanes = Lanes(names, texts, unit, language, is_below=True)
    with sheet(lanes.height) as page:
        axes = lanes.axes(page, span)
        if reference is not None:
            axes.axvline(reference, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
        for place, (point, start, end) in enumerate(zip(points, lows, highs, strict=True)):
            axes.plot((start, end), (place, place), color=color("fair"), linewidth=4, solid_capstyle="round")
            axes.plot([point], [place], "o", markersize=9, color=color("good"), markeredgecolor=color("paper"))
        svg = finish(page)
    parts = [f"{name} {number}" for name, number in zip(names, texts, strict=True)]
    alt = told(text(say("Estimates with intervals"), language), parts, language, unit)
    return Chart(title, alt, svg, shown(frame, label, value, low, high), _note(names, frame, language), language)


def waterfall(
    frame: "pd.DataFrame", label: str, value: str, *, title: Title, unit: str = "", start: float = 0.0,
    start_label: str = "", end_label: str = "", language: str = "",
) -> Chart:  # fmt: skip
    """Return steps that lead from a start to an end, each row one step.

    Args:
        frame: One row per step; a missing step counts as none.
        label: Column with the names.
        value: Column with the steps, up or down.
        title: What the chart shows.
        unit: Unit of the values, as in `Estimate`; it names the axis.
        start: Where the steps begin.
        start_label: Name of a bar for the start; empty draws none.
        end_label: Name of a bar for the end; empty draws none.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    rows = frame.head(MOST_ROWS)
    steps = [0.0 if isnan(number) else number for number in _numbers(rows, value)]
    levels = list(accumulate(steps, initial=start))
    ends = list(pairwise(levels))
    names = [spoken(name, language) for name in rows[label]]
    texts = [written(step, unit, language, is_signed=True) for step in steps]
    start_label, end_label = ours(language, start_label, end_label)
    if start_label:
        _put(0, (names, ends, texts), (start_label, (start, start), written(start, unit, language)))
    if end_label:
        _put(
            len(names), (names, ends, texts), (end_label, (levels[-1], levels[-1]), written(levels[-1], unit, language))
        )
    lanes = Lanes(names, texts, unit, language)
    with sheet(lanes.height) as page:
        axes = lanes.axes(page, _zoom(levels))
        for place, (left, right) in enumerate(ends):
            is_total = (place == 0 and start_label) or (place == len(ends) - 1 and end_label)
            if left == right:
                mark: dict[str, Any] = (
                    {"marker": "D", "markersize": 8} if is_total else {"marker": "|", "markersize": 17}
                )
                axes.plot([right], [place + lanes.shift], color=color("plain"), zorder=3, **mark)
            lanes.bar(axes, place, left, right, "fair" if right > left else "bad")
            lanes.beside(axes, place, max(left, right))
            if place + 1 < len(ends):
                axes.plot(
                    (right, right),
                    (place + lanes.shift, place + 1 + lanes.shift),
                    color=color("muted"),
                    linewidth=1,
                    zorder=0.5,
                )
        svg = finish(page)
    parts = [f"{name} {number}" for name, number in zip(names, texts, strict=True)]
    alt = told(text(say("Steps"), language), parts, language, unit)
    return Chart(title, alt, svg, shown(frame, label, value), _note(names, frame, language), language)


def _zoom(levels: Sequence[float]) -> tuple[float, float]:
    """Return the part of the axis the steps walk on, with a margin; it needs no zero, as no length starts there."""
    low, high = min(levels), max(levels)
    margin = (high - low) * 0.06 or 1.0
    return low - margin, high + margin


def _put(place: int, lists: tuple[list[Any], ...], entry: tuple[Any, ...]) -> None:
    for each, value in zip(lists, entry, strict=True):
        each.insert(place, value)


def _numbers(frame: "pd.DataFrame", column: str) -> list[float]:
    from pandas import to_numeric

    return [float(number) for number in to_numeric(frame[column]).astype(float)]


def _interval(numbers: tuple[float, float, float], unit: str, language: str) -> str:
    point, low, high = (written(number, unit, language) for number in numbers)
    return text(say("cannot tell"), language) if isnan(numbers[0]) else f"{point} ({low} – {high})"


def _span(numbers: Sequence[float]) -> tuple[float, float]:
    known = [number for number in numbers if isfinite(number)]
    low, high = min([0.0, *known]), max([0.0, *known])
    return (low, high if high > low else low + 1)


def _note(names: Sequence[str], frame: "pd.DataFrame", language: str) -> str:
    hidden = len(frame) - MOST_ROWS
    more = text(say("{n:n row|rows} more in the data below", n=hidden), language) if hidden > 0 else ""
    return ". ".join(part for part in (font_note(names, language), more) if part)
