"""Shapes with columns over an axis: parts of a whole over time, and the spread of a number."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from csworkbench.charts.canvas import (
    SMALL,
    TEXT,
    WIDTH,
    Chart,
    Title,
    axis_name,
    color,
    finish,
    fitted,
    font_note,
    nothing,
    room,
    sheet,
    spoken,
    told,
    written,
)  # fmt: skip
from csworkbench.charts.palette import ranked, series
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEIGHT = 290.0
MOST_PARTS = 5
_LEFT, _TOP, _FOOT, _TICKS, _LABEL = 52.0, 16.0, 50.0, 30.0, 19.0


def stacked(
    frame: "pd.DataFrame", x: str, part: str, value: str, *, title: Title, unit: str = "", order: Sequence[str] = (),
    is_share: bool = True, is_ranked: bool = False, rest: str = "", language: str = "",
) -> Chart:  # fmt: skip
    """Return one column per x, split into parts that are named beside the last column.

    Args:
        frame: One row per x and part; several rows of one pair are added up.
        x: Column with the places on the axis, in the order they are drawn (dates in time order).
        part: Column with the parts.
        value: Column with the sizes.
        title: What the chart shows.
        unit: What is counted ("accounts"), as in `Estimate`; it names the axis.
        order: Parts from the bottom up; empty keeps the order of the rows. From the fifth on they become "other".
        is_share: Draw parts of the whole; else the sizes themselves.
        is_ranked: The parts run from bad to good and are coloured so.
        rest: Name of a part outside the ranks ("not scored"), in gray.
        language: Language of numbers and texts.
    """
    if frame.empty:
        return nothing(title, frame, language)
    table = _parts(frame, (x, part, value), list(order), text(say("other"), language))
    drawn = table.div(table.sum(axis=1).replace(0, 1), axis=0) if is_share else table
    unit_drawn = "share" if is_share else unit
    names = [spoken(name, language) for name in table.columns]
    ends = [f"{spoken(name, language)} {written(drawn[name].iloc[-1], unit_drawn, language)}" for name in table.columns]
    roles = ranked(list(table.columns), rest) if is_ranked else series(len(names))
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP if is_share else _TOP + _LABEL, min(170.0, max(map(room, ends)) + 16), _TICKS)
        value_axis(axes, 1.0 if is_share else float(drawn.sum(axis=1).max() or 1), unit_drawn, language)
        name_columns(axes, list(drawn.index), language)
        floor = drawn.iloc[:, 0] * 0
        for name, role in zip(drawn.columns, roles, strict=True):
            axes.bar(
                range(len(drawn)), drawn[name], bottom=floor, width=0.82, color=color(role), edgecolor=color("paper"),
                linewidth=1.5, zorder=2,
            )  # fmt: skip
            floor = floor + drawn[name]
        _beside_last(axes, ends, list(drawn.iloc[-1]))
        svg = finish(page)
    first, last = (fitted(drawn.index[place], WIDTH, language) for place in (0, -1))
    parts = [
        f"{spoken(name, language)} {written(drawn[name].iloc[0], unit_drawn, language)} ({first}), "
        f"{written(drawn[name].iloc[-1], unit_drawn, language)} ({last})"
        for name in drawn.columns
    ]
    alt = told(text(say("Parts over {n:n column|columns}", n=len(drawn)), language), parts, language, unit_drawn)
    data = table.rename_axis(columns=None).reset_index()
    return Chart(title, alt, svg, data, font_note(names, language), language)


def histogram(
    values: "pd.Series[Any]", edges: Sequence[float], *, title: Title, unit: str = "", counted: str = "accounts",
    marks: Mapping[str, float] | None = None, language: str = "",
) -> Chart:  # fmt: skip
    """Return how often a number falls between given edges.

    Args:
        values: The numbers; missing ones are left out and counted in a note.
        edges: Ascending edges; each bin holds its lower edge, the last one both.
        title: What the chart shows.
        unit: Unit of the numbers; it names the lower axis.
        counted: What is counted; it names the upright axis.
        marks: Name -> place of lines across, such as the edges of bands.
        language: Language of numbers and texts.
    """
    import numpy as np
    import pandas as pd

    known = values.dropna().astype(float)
    counts, bounds = np.histogram(known, bins=np.asarray(edges, dtype=float))
    table = pd.DataFrame({"from": bounds[:-1], "to": bounds[1:], counted: counts})
    if known.empty:
        return nothing(title, table.iloc[:0], language)
    with sheet(HEIGHT) as page:
        axes = page.place(_LEFT, _TOP + (_LABEL if marks else 0), 18, _FOOT)
        value_axis(axes, float(counts.max()) * 1.08, counted, language)
        axes.bar(
            bounds[:-1], counts, width=np.diff(bounds), align="edge", color=color("fair"), edgecolor=color("paper"),
            linewidth=1.5, zorder=2,
        )  # fmt: skip
        axes.set_xlim(bounds[0], bounds[-1])
        axes.set_xlabel(axis_name(unit, language), loc="left", fontsize=SMALL, color=color("muted"))
        for name, place in (marks or {}).items():
            axes.axvline(place, color=color("ink"), linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
            axes.annotate(
                fitted(name, 150, language, SMALL), (place, 1), xycoords=axes.get_xaxis_transform(), fontsize=SMALL,
                xytext=(0, 5), textcoords="offset points", ha="center", va="bottom", color=color("ink"),
            )  # fmt: skip
        svg = finish(page)
    parts = [
        f"{written(a, '', language)} – {written(b, '', language)} {written(n, '', language)}"
        for a, b, n in zip(bounds, bounds[1:], counts, strict=False)
    ]
    alt = told(
        text(say("Distribution of {n:count} by {unit}", n=len(known), unit=unit or counted), language), parts, language
    )
    lost = len(values) - len(known)
    note = text(say("{n:n value|values} missing, left out", n=lost), language) if lost else ""
    return Chart(title, alt, svg, table, note, language)


def _parts(frame: "pd.DataFrame", columns: tuple[str, str, str], order: list[str], other: str) -> "pd.DataFrame":
    x, part, value = columns
    wide = frame.pivot_table(index=x, columns=part, values=value, aggfunc="sum", sort=False, observed=True).fillna(0)
    wide = wide.loc[list(dict.fromkeys(frame[x]))]
    found = [str(name) for name in dict.fromkeys(frame[part].dropna())]
    wide.columns = [str(name) for name in wide.columns]
    names = [name for name in order if name in found] + [name for name in found if name not in order]
    if len(names) <= MOST_PARTS:
        return wide[names]
    kept, rest = names[: MOST_PARTS - 1], names[MOST_PARTS - 1 :]
    return wide[kept].assign(**{other: wide[rest].sum(axis=1)})


def value_axis(axes: "Axes", top: float, unit: str, language: str) -> None:
    """Give axes an upright scale from 0 with few round ticks, and its unit above it.

    Args:
        axes: Empty axes.
        top: Upper end of the scale.
        unit: Unit of the values; a share needs no name.
        language: Language of numbers.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=unit != "share" and top > 4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: written(y, unit, language, is_tick=True)))
    axes.grid(axis="y", color=color("grid"), linewidth=1)
    if unit != "share":
        axes.annotate(
            axis_name(unit, language), (0, 1), xycoords="axes fraction", xytext=(-_LEFT, 6), textcoords="offset points",
            fontsize=SMALL, color=color("muted"), ha="left", va="bottom", annotation_clip=False,
        )  # fmt: skip


def name_columns(axes: "Axes", places: list[Any], language: str) -> None:
    """Write the names of columns below them: all, or every second or third where they are too long.

    Args:
        axes: Axes whose columns stand at 0, 1, 2 ...
        places: Names of the columns; the last one is always written.
        language: Language of dates.
    """
    names = [fitted(place, 130, language, SMALL) for place in places]
    width = axes.get_position().width * WIDTH / len(names)
    every = max(1, -(-int(max(room(name, SMALL) for name in names) + 10) // max(1, int(width))))
    ticks = list(range(len(names) - 1, -1, -every))[::-1]
    axes.set_xticks(ticks, [names[tick] for tick in ticks])
    axes.set_xlim(-0.5, len(names) - 0.5)


def _beside_last(axes: "Axes", words: Sequence[str], sizes: Sequence[float]) -> None:
    pixels = axes.get_position().height * HEIGHT / axes.get_ylim()[1]
    floor, lowest = 0.0, -_LABEL / 2
    for each, size in zip(words, sizes, strict=True):
        middle = max((floor + size / 2) * pixels, lowest + _LABEL * 0.95)
        floor, lowest = floor + size, middle
        axes.annotate(
            fitted(each, 158), (1, 0), xycoords="axes fraction", xytext=(8, middle), textcoords="offset points",
            fontsize=TEXT, color=color("ink"), ha="left", va="center_baseline", annotation_clip=False,
        )  # fmt: skip
