"""Shapes that hold two things against each other: before and after per row, and two spreads back to back."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from csworkbench.charts.canvas import (
    SMALL,
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
)
from csworkbench.charts.columns import HEIGHT
from csworkbench.charts.lanes import Lanes
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_ROWS = 25
_LEFT, _TOP, _FOOT, _LABEL = 60.0, 16.0, 50.0, 19.0


def moved(
    frame: "pd.DataFrame", label: str, before: str, after: str, *, title: Title, unit: str = "", within: float = 0.0,
    names: Sequence[str] = (), language: str = "",
) -> Chart:  # fmt: skip
    """Return two points per row, before and after, in the order of the rows, with the band they should end in.

    Args:
        frame: One row per thing that moved.
        label: Column with the names.
        before: Column with where it was.
        after: Column with where it is.
        title: What the chart shows.
        unit: Unit of the values, as in `Estimate`; it names the axis.
        within: Half the width of the band around 0; 0 draws none.
        names: What before and after are called; empty = before, after.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    rows = frame.head(MOST_ROWS)
    pairs = [(float(one), float(two)) for one, two in rows[[before, after]].itertuples(index=False)]
    both = [(written(one, unit, language), written(two, unit, language)) for one, two in pairs]
    labels = [spoken(name, language) for name in rows[label]]
    lanes = Lanes(labels, [f"{one} → {two}" for one, two in both], unit, language, is_below=True)
    known = [number for pair in pairs for number in pair if isfinite(number)]
    edge = 1.08 * max([abs(number) for number in known] + [within, 1e-9])
    key = ours(language, *names) if names else (text(say("before"), language), text(say("after"), language))
    with sheet(lanes.height + _LABEL) as page:
        axes = lanes.axes(page, (-edge, edge))
        if within:
            axes.axvspan(-within, within, color=color("grid"), linewidth=0, zorder=0.4)
        for place, (one, two) in enumerate(pairs):
            axes.plot((one, two), (place, place), color=color("muted"), linewidth=1.6, zorder=2)
            axes.plot([one], [place], "D", markersize=8, color=color("bad"), markeredgecolor=color("paper"), zorder=3)
            axes.plot([two], [place], "o", markersize=9, color=color("good"), markeredgecolor=color("paper"), zorder=4)
        _key(axes, key, page)
        svg = finish(page)
    parts = [f"{name} {one} → {two}" for name, (one, two) in zip(labels, both, strict=True)]
    alt = told(text(say("{before} and {after}", before=key[0], after=key[1]), language), parts, language, unit)
    hidden = len(frame) - MOST_ROWS
    more = text(say("{n:n row|rows} more in the data below", n=hidden), language) if hidden > 0 else ""
    note = ". ".join(part for part in (font_note(labels, language), more) if part)
    return Chart(title, alt, svg, shown(frame, label, before, after), note, language)


def _key(axes: "Axes", names: Sequence[str], page: Sheet) -> None:
    """Write what the two marks mean, in a line of their own below the name of the axis."""
    at = float(WIDTH)
    for words, shape, role in ((names[1], "o", "good"), (names[0], "D", "bad")):
        at -= room(words, SMALL) + 34
        y = 12 / page.height
        place = axes.figure.transFigure
        axes.plot(
            [at / WIDTH], [y], shape, markersize=8, color=color(role), markeredgecolor=color("paper"), clip_on=False,
            transform=place,
        )  # fmt: skip
        axes.annotate(
            fitted(words, 150, size=SMALL), (at / WIDTH, y), xycoords="figure fraction", xytext=(10, 0),
            textcoords="offset points", fontsize=SMALL, color=color("ink"), va="center", annotation_clip=False,
        )  # fmt: skip


def mirrored(
    frame: "pd.DataFrame", low: str, up: str, down: str, *, title: Title, along: str, names: Sequence[str],
    language: str = "",
) -> Chart:  # fmt: skip
    """Return two spreads over the same bins back to back, one upwards and one downwards, as shares of each.

    Args:
        frame: One row per bin of equal width, ascending.
        low: Column with the lower edges.
        up: Column with the share of the one group in each bin.
        down: Column with the share of the other.
        title: What the chart shows.
        along: Name of the lower axis.
        names: What the two groups are called.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    edges = [float(edge) for edge in frame[low]]
    width = edges[1] - edges[0] if len(edges) > 1 else 1.0
    along, *names = ours(language, along, *names)
    top = 1.15 * float(frame[[up, down]].max().max() or 1.0)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP, 18, _FOOT)
        for column, sign, role in ((up, 1, "good"), (down, -1, "fair")):
            axes.bar(
                edges, sign * frame[column].astype(float), width=width, align="edge", color=color(role),
                edgecolor=color("paper"), linewidth=1.5, zorder=2,
            )  # fmt: skip
        _share_scale(axes, top, language)
        axes.set_xlim(edges[0], edges[-1] + width)
        axes.set_xlabel(axis_name(along, language), loc="left", fontsize=SMALL, color=color("muted"))
        for name, height, place in ((names[0], 1.0, "top"), (names[1], 0.0, "bottom")):
            axes.annotate(
                fitted(name, 260, language), (1, height), xycoords="axes fraction", xytext=(-6, 0),
                textcoords="offset points", fontsize=SMALL, color=color("ink"), ha="right", va=place,
            )  # fmt: skip
        svg = finish(page)
    parts = [
        f"{written(edge, '', language)} – {written(edge + width, '', language)} "
        f"{written(float(one), 'share', language)} / {written(float(two), 'share', language)}"
        for edge, one, two in zip(edges, frame[up], frame[down], strict=True)
    ]
    alt = told(
        text(say("{one} and {other} by {along}", one=names[0], other=names[1], along=along), language), parts, language
    )
    return Chart(title, alt, svg, shown(frame, low, up, down), font_note(list(names), language), language)


def _share_scale(axes: "Axes", top: float, language: str) -> None:
    """Give axes an upright scale of shares that counts both ways from the middle."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(-top, top)
    axes.axhline(0, color=color("muted"), linewidth=1.4, zorder=3)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], symmetric=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: written(abs(y), "share", language, is_tick=True)))
    axes.grid(axis="y", color=color("grid"), linewidth=1)
