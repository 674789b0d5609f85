"""The layout under every chart with one lane per row: names, numbers and a value axis that fit each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from csworkbench.charts.canvas import SMALL, TEXT, WIDTH, Sheet, axis_name, color, fitted, room, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 8.0
_LOW, _TALL, _TOP, _FOOT, _GUTTER = 30.0, 46.0, 6.0, 46.0, 190.0


@dataclass(frozen=True, slots=True)
class Lanes:
    """Rows of a chart before they are drawn.

    Names stand left of the marks; long ones stand above them, over the whole width.

    Args:
        names: Name per row.
        texts: Number per row, as text.
        unit: Unit of the axis.
        language: Language of numbers.
        is_below: The numbers stand under the names instead of beside the marks.
    """

    names: Sequence[str]
    texts: Sequence[str]
    unit: str
    language: str
    is_below: bool = False

    @property
    def is_above(self) -> bool:
        """Return whether the names are too long to stand left of the marks."""
        return not self.is_below and max(map(room, self.names)) > _GUTTER

    @property
    def row(self) -> float:
        """Return the height of one row in pixels."""
        return _TALL if self.is_above or self.is_below else _LOW

    @property
    def height(self) -> float:
        """Return the height of the whole chart in pixels."""
        return _TOP + self.row * len(self.names) + _FOOT

    @property
    def shift(self) -> float:
        """Return how far below the middle of its row a mark lies, in rows."""
        return 0.22 if self.is_above else 0.0

    @property
    def thickness(self) -> float:
        """Return the thickness of a bar, in rows."""
        return 17.0 / self.row

    def axes(self, page: Sheet, span: tuple[float, float]) -> "Axes":
        """Return axes with names, ticks and unit; the first row is at 0, the next at 1.

        Args:
            page: Sheet of the height `height`; what it has more stays free below the name of the axis.
            span: Lower and upper end of the value axis.
        """
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        beside = GAP if self.is_below else max(map(room, self.texts)) + GAP
        edge = 4.0 if self.is_above else GAP
        left = self._gutter() + (beside if span[0] < 0 and not self.is_below else edge)
        axes = page.place(left, _TOP, beside + GAP, _FOOT + page.height - self.height)
        axes.set_xlim(*span)
        axes.set_ylim(len(self.names) - 0.5, -0.5)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(self._tick))
        axes.grid(axis="x", color=color("grid"), linewidth=1)
        name = axis_name(self.unit, self.language)
        axes.set_xlabel(name, loc="left", fontsize=SMALL, color=color("muted"), labelpad=4)
        if span[0] < 0 < span[1]:
            axes.axvline(0, color=color("grid" if self.is_above else "muted"), linewidth=1.4)
        self._write_names(axes, left)
        return axes

    def bar(self, axes: "Axes", place: int, left: float, right: float, role: str) -> None:
        """Draw a bar between two values.

        Args:
            axes: What `axes` returned.
            place: Number of the row.
            left: Value it starts from.
            right: Value it ends at; a missing one draws nothing.
            role: Role of its color.
        """
        if isfinite(right):
            middle, thick = place + self.shift, self.thickness
            axes.barh(middle, right - left, height=thick, left=left, color=color(role), linewidth=0, zorder=2)

    def beside(self, axes: "Axes", place: int, end: float, *, is_left: bool = False) -> None:
        """Write the number of a row beside its mark.

        Args:
            axes: What `axes` returned.
            place: Number of the row.
            end: Value at which the mark ends.
            is_left: Write on the left of it.
        """
        axes.annotate(
            self.texts[place], (end if isfinite(end) else 0.0, place + self.shift),
            xytext=(-GAP if is_left else GAP, 0), textcoords="offset points", ha="right" if is_left else "left",
            va="center_baseline", fontsize=TEXT, color=color("ink"), annotation_clip=False,
        )  # fmt: skip

    def _gutter(self) -> float:
        if self.is_above:
            return 0.0
        below = [room(each, SMALL) for each in self.texts] if self.is_below else []
        return min(_GUTTER, max([*map(room, self.names), *below])) + GAP

    def _write_names(self, axes: "Axes", left: float) -> None:
        width = WIDTH - 2 * GAP if self.is_above else left - GAP
        rise = 9 if self.is_below else 12 if self.is_above else 0
        for place, name in enumerate(self.names):
            _write(axes, place, fitted(name, width, self.language), (-left, rise))
            if self.is_below:
                _write(axes, place, self.texts[place], (-left, -rise), role="muted", size=SMALL)

    def _tick(self, value: float, _: int | None) -> str:
        return written(value, self.unit, self.language, is_tick=True)


def _write(
    axes: "Axes", place: int, words: str, offset: tuple[float, float], *, role: str = "ink", size: float = TEXT
) -> None:
    axes.annotate(
        words, (0, place), xycoords=axes.get_yaxis_transform(), xytext=offset, textcoords="offset points",
        fontsize=size, color=color(role), ha="left", va="center_baseline", annotation_clip=False,
    )  # fmt: skip
