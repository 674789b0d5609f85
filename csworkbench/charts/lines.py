"""Shapes over two axes: probabilities against what happened, curves that rise, and forecasts beside what came."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
    SMALL,
    TEXT,
    Chart,
    Title,
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
from csworkbench.charts.columns import HEIGHT, name_columns, value_axis
from csworkbench.charts.palette import series
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Each curve has a stroke of its own, so that colour is not all that tells them apart.
STROKES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (8, 2, 1.5, 2)), (0, (1, 1)))
_LEFT, _TOP, _FOOT, _RIGHT, _TICKS, _LABEL = 52.0, 16.0, 50.0, 22.0, 30.0, 19.0


def agreement(
    frame: "pd.DataFrame", x: str, value: str, low: str, high: str, *, title: Title, said: str, came: str,
    language: str = "",
) -> Chart:  # fmt: skip
    """Return what was said against what came, shares both, with the line on which they agree.

    Args:
        frame: One row per group of rows with a like forecast.
        x: Column with the mean share that was said.
        value: Column with the share that came; missing draws nothing.
        low: Column with the lower ends of its interval.
        high: Column with the upper ends.
        title: What the chart shows.
        said: Name of the lower axis.
        came: Name of the upright axis.
        language: Language of numbers and texts.
    """
    rows = frame.dropna(subset=[x, value])
    if rows.empty:
        return nothing(title, frame, language)
    top = min(1.0, 1.1 * float(rows[[x, value, high]].max().max()))
    names = ours(language, said, came)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP + _LABEL, _RIGHT, _FOOT)
        _share_axes(axes, top, names[0], names[1], language)
        axes.plot([0, top], [0, top], color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
        for place, start, end in zip(rows[x], rows[low], rows[high], strict=True):
            if isfinite(start) and isfinite(end):
                axes.plot(
                    (place, place), (start, end), color=color("fair"), linewidth=4, solid_capstyle="round", zorder=3
                )
        axes.plot(
            rows[x], rows[value], "o", markersize=9, color=color("good"), markeredgecolor=color("paper"), zorder=4
        )
        svg = finish(page)
    parts = [
        f"{written(a, 'share', language)}: {written(b, 'share', language)} "
        f"({written(c, 'share', language)} – {written(d, 'share', language)})"
        for a, b, c, d in rows[[x, value, low, high]].itertuples(index=False)
    ]
    alt = told(text(say("{said} against {came}", said=names[0], came=names[1]), language), parts, language)
    return Chart(title, alt, svg, shown(frame, x, value, low, high), "", language)


def curves(
    frame: "pd.DataFrame", x: str, value: str, curve: str, *, title: Title, along: str, up: str, language: str = ""
) -> Chart:  # fmt: skip
    """Return shares that rise with a share, one curve each, named at their ends, with the line of pure chance.

    Args:
        frame: One row per curve and place, in the order they are drawn.
        x: Column with the share on the lower axis, 0 to 1.
        value: Column with the share it reaches.
        curve: Column with the curves, at most five.
        title: What the chart shows.
        along: Name of the lower axis.
        up: Name of the upright axis.
        language: Language of numbers and texts.

    Raises:
        ValueError: there are more than five curves.
    """
    names = list(dict.fromkeys(frame[curve].dropna()))
    if not names:
        return nothing(title, frame, language)
    words, axes_named = [spoken(name, language) for name in names], ours(language, along, up)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP + _LABEL, min(190.0, max(map(room, words)) + 20), _FOOT)
        _share_axes(axes, 1.0, axes_named[0], axes_named[1], language)
        axes.plot([0, 1], [0, 1], color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
        _draw_curves(axes, [frame.loc[frame[curve] == name, [x, value]] for name in names], words, language)
        svg = finish(page)
    parts = [
        f"{word}: {_reached(frame[frame[curve] == name], x, value, language)}"
        for name, word in zip(names, words, strict=True)
    ]
    alt = told(text(say("{up} by {along}", up=axes_named[1], along=axes_named[0]), language), parts, language)
    return Chart(title, alt, svg, shown(frame, curve, x, value), font_note(words, language), language)


def rising(
    frame: "pd.DataFrame", x: str, value: str, curve: str, *, title: Title, along: str, up: str, level: float,
    language: str = "",
) -> Chart:  # fmt: skip
    """Return shares that rise with a number, one curve each, named beside it, with the share that is asked for.

    Args:
        frame: One row per curve and place, in the order they are drawn.
        x: Column with the number on the lower axis.
        value: Column with the share it reaches.
        curve: Column with the curves, at most five.
        title: What the chart shows.
        along: Name of the lower axis.
        up: Name of the upright axis.
        level: Share that is asked for; a line stands there.
        language: Language of numbers and texts.

    Raises:
        ValueError: there are more than five curves.
    """
    names = list(dict.fromkeys(frame[curve].dropna()))
    if not names:
        return nothing(title, frame, language)
    words, axes_named = [spoken(name, language) for name in names], ours(language, along, up)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP + _LABEL, min(190.0, max(map(room, words)) + 36), _FOOT)
        _share_axes(axes, 1.0, axes_named[0], axes_named[1], language)
        _number_axis(axes, frame[x], language)
        axes.axhline(level, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
        _draw_curves(axes, [frame.loc[frame[curve] == name, [x, value]] for name in names], words, language)
        svg = finish(page)
    parts = [
        f"{word}: {_crossing(frame[frame[curve] == name], (x, value), level, language)}"
        for name, word in zip(names, words, strict=True)
    ]
    alt = told(text(say("{up} by {along}", up=axes_named[1], along=axes_named[0]), language), parts, language)
    return Chart(title, alt, svg, shown(frame, curve, x, value), font_note(words, language), language)


def forecasts(
    frame: "pd.DataFrame", x: str, columns: Sequence[str], *, title: Title, unit: str, names: Sequence[str] = (),
    language: str = "",
) -> Chart:  # fmt: skip
    """Return a forecast with its interval per period, and what came where it has come.

    Args:
        frame: One row per period, in time order.
        x: Column with the periods.
        columns: Columns with the forecast, its lower and upper end, and what came (missing = not yet).
        title: What the chart shows.
        unit: Unit of the values, as in `Estimate`.
        names: What the forecast and what came are called; empty = forecast, actual.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    said, came = ours(language, *names) if names else (text(say("forecast"), language), text(say("actual"), language))
    top = 1.08 * float(frame[list(columns)].max().max() or 1)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT + 14, _TOP + 2 * _LABEL, _RIGHT, _TICKS)
        value_axis(axes, top, unit, language)
        name_columns(axes, list(frame[x]), language)
        for place, (point, start, end, real) in enumerate(frame[list(columns)].itertuples(index=False)):
            if isfinite(start) and isfinite(end):
                axes.plot(
                    (place, place),
                    (start, end),
                    color=color("fair"),
                    linewidth=10,
                    solid_capstyle="round",
                    alpha=1,
                    zorder=2,
                )
            axes.plot(
                [place],
                [point],
                "o",
                markersize=8,
                color=color("paper"),
                markeredgecolor=color("good"),
                markeredgewidth=2,
                zorder=3,
            )
            axes.plot([place], [real], "D", markersize=9, color=color("bad"), markeredgecolor=color("paper"), zorder=4)
        _key(axes, ((said, "o", "good", "paper"), (came, "D", "paper", "bad")), language)
        svg = finish(page)
    parts = [_period(row, unit, (said, came), language) for row in frame[[x, *columns]].itertuples(index=False)]
    alt = told(text(say("Forecasts with intervals"), language), parts, language, unit)
    return Chart(title, alt, svg, shown(frame, x, *columns), "", language)


def _share_axes(axes: "Axes", top: float, along: str, up: str, language: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    value_axis(axes, top, "share", language)
    axes.set_xlim(0, top)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: written(at, "share", language, is_tick=True)))
    axes.grid(axis="x", color=color("grid"), linewidth=1)
    axes.set_xlabel(fitted(along, 380, language, SMALL), loc="left", fontsize=SMALL, color=color("muted"))
    axes.annotate(
        fitted(up, 400, language, SMALL), (0, 1), xycoords="axes fraction", xytext=(-_LEFT, 6),
        textcoords="offset points", fontsize=SMALL, color=color("muted"), ha="left", va="bottom", annotation_clip=False,
    )  # fmt: skip


def _draw_curves(axes: "Axes", curves: "Sequence[pd.DataFrame]", words: Sequence[str], language: str) -> None:
    """Draw each curve of two columns, place and value, and write its name beside the axes."""
    for place, (rows, role) in enumerate(zip(curves, series(len(curves)), strict=True)):
        along, value = (rows[name] for name in rows.columns)
        axes.plot(along, value, color=color(role), linewidth=2.4, linestyle=STROKES[place], zorder=4)
        _name_curve(axes, fitted(words[place], 170, language), place, role)


def _name_curve(axes: "Axes", word: str, place: int, role: str) -> None:
    """Write the name of a curve beside the axes: curves end close together, so names stand below each other."""
    at = 1 - 0.09 * place
    axes.annotate(
        word, (1, at), xycoords="axes fraction", xytext=(20, 0),
        textcoords="offset points", fontsize=TEXT, color=color("ink"), va="center", annotation_clip=False,
    )  # fmt: skip
    axes.plot(
        [1.01, 1.045], [at, at], color=color(role), linewidth=2.4, linestyle=STROKES[place], clip_on=False,
        transform=axes.transAxes, zorder=5,
    )  # fmt: skip


def _number_axis(axes: "Axes", values: "pd.Series[float]", language: str) -> None:
    """Give the lower axis a scale from 0 that counts."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, float(values.max()))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: written(at, "number", language, is_tick=True)))


def _crossing(rows: "pd.DataFrame", columns: tuple[str, str], level: float, language: str) -> str:
    """Return where a curve reaches a level in words."""
    x, value = columns
    reached = rows.loc[rows[value] >= level, x]
    if len(reached):
        first = written(float(reached.iloc[0]), "number", language)
        return text(say("{level:share} from {first}", level=level, first=first), language)
    most = written(float(rows[value].max()), "share", language)
    return text(say("at most {most}", most=most), language)


def _reached(rows: "pd.DataFrame", x: str, value: str, language: str) -> str:
    """Return a few places of a curve in words."""
    marks = [0.05, 0.1, 0.2, 0.5]
    nearest = [(rows[x] - mark).abs().idxmin() for mark in marks]
    pairs = rows.loc[list(dict.fromkeys(nearest)), [x, value]].itertuples(index=False)
    return ", ".join(f"{written(a, 'share', language)} → {written(b, 'share', language)}" for a, b in pairs)


def _key(axes: "Axes", marks: Sequence[tuple[str, str, str, str]], language: str) -> None:
    """Write what the marks mean above the axes."""
    left = 0.0
    for words, shape, edge, fill in marks:
        axes.plot(
            [left / 380 + 0.02], [1 + _LABEL / 224], shape, markersize=8, color=color(fill),
            markeredgecolor=color(edge), markeredgewidth=2, clip_on=False, transform=axes.transAxes,
        )  # fmt: skip
        axes.annotate(
            fitted(words, 150, language, SMALL), (left / 380 + 0.02, 1 + _LABEL / 224), xycoords="axes fraction",
            xytext=(10, 0), textcoords="offset points", fontsize=SMALL, color=color("ink"), va="center",
            annotation_clip=False,
        )  # fmt: skip
        left += room(words, SMALL) + 34


def _period(row: "tuple[Any, ...]", unit: str, names: tuple[str, str], language: str) -> str:
    period, value, low, high, actual = row
    bounds = f"{written(low, unit, language)} – {written(high, unit, language)}"
    came = f", {names[1]} {written(actual, unit, language)}" if actual == actual else ""
    return f"{spoken(period, language)}: {names[0]} {written(value, unit, language)} ({bounds}){came}"
