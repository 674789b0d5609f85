"""The colours of all pictures, in light and dark, checked by computation in the tests.

The five marks run from bad to good; any two of them differ by CIEDE2000 >= 15 also under protanopia, deuteranopia and
tritanopia, and each stands out from its paper by 3:1. While a figure is drawn, roles are stand-in colours; in the
finished SVG they become CSS custom properties, so that one file serves both modes.
"""

from collections.abc import Sequence

LIGHT = {
    "paper": "#ffffff", "ink": "#1b2330", "muted": "#5a6473", "grid": "#e3e7ec",
    "bad": "#b02118", "doubt": "#bc7d0e", "plain": "#6e767a", "fair": "#2f7fb8", "good": "#0f4b80",
}  # fmt: skip
DARK = {
    "paper": "#171b22", "ink": "#eef1f5", "muted": "#a9b2bf", "grid": "#303845",
    "bad": "#ef686c", "doubt": "#f5bf46", "plain": "#8f96a3", "fair": "#4b8ee1", "good": "#9bd4ff",
}  # fmt: skip
MARKS = ("bad", "doubt", "plain", "fair", "good")
STAND_IN = {role: f"#0{index}fe0{index}" for index, role in enumerate(LIGHT, start=1)}
_SCALES: dict[int, tuple[str, ...]] = {
    0: (), 1: ("fair",), 2: ("bad", "fair"), 3: ("bad", "fair", "good"), 4: ("bad", "doubt", "fair", "good"), 5: MARKS,
}  # fmt: skip
_SERIES = ("fair", "doubt", "good", "bad", "plain")


def ranked(names: Sequence[str], rest: str = "") -> tuple[str, ...]:
    """Return a role per name; the names run from bad to good.

    Args:
        names: Names of the parts, in their order.
        rest: One of them that stands outside the ranks.

    Raises:
        ValueError: there are more than five names.
    """
    if len(names) > len(MARKS):
        raise ValueError(f"a picture shows at most {len(MARKS)} ranked parts, not {len(names)}")
    roles = iter(_SCALES[len(names) - list(names).count(rest)])
    return tuple("plain" if name == rest else next(roles) for name in names)


def series(count: int) -> tuple[str, ...]:
    """Return `count` roles for parts without an order.

    Args:
        count: Number of parts, 1 to 5.

    Raises:
        ValueError: count is outside 1..5.
    """
    if not 1 <= count <= len(_SERIES):
        raise ValueError(f"a picture shows 1 to {len(_SERIES)} parts, not {count}")
    return _SERIES[:count]


def css() -> str:
    """Return the style sheet inside each SVG: the roles in light, and in dark for readers who prefer it."""
    light, dark = (";".join(f"--{role}:{color}" for role, color in mode.items()) for mode in (LIGHT, DARK))
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
