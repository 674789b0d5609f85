"""A control for each setting: a slider where both bounds are near, else a box, a list or a tick."""

import json
from math import floor, log10
from typing import Any

from csworkbench.widgets.knobs import Knob

_STEPS = 40  # a slider has at least so many places, and more up to ten times as many
_MOST_PLACES = 1000
_DIGITS = 9
_WIDTH = {"width": "min(36em, 100%)"}
_STYLE = {"description_width": "min(20em, 50%)"}


def control(knob: Knob) -> Any:
    """Return the widget of a setting, which holds what `shown` makes of its value.

    Args:
        knob: The setting.
    """
    import ipywidgets

    common = {"description": knob.label, "tooltip": knob.description, "style": _STYLE, "layout": _WIDTH}
    value = shown(knob, knob.value)
    if knob.kind == "flag":
        return ipywidgets.Checkbox(value=value, indent=False, **common)
    if knob.kind == "choice":
        return ipywidgets.Dropdown(options=knob.choices, value=value, **common)
    if knob.kind == "text":
        return ipywidgets.Text(value=value, continuous_update=False, **common)
    places = _places(knob)
    is_whole = knob.kind == "whole"
    if places is None:
        box = ipywidgets.IntText if is_whole else ipywidgets.FloatText
        return box(value=value, step=_step(value, is_whole=is_whole), **common)
    low, high, step = places
    slider = ipywidgets.IntSlider if is_whole else ipywidgets.FloatSlider
    style = {} if is_whole else {"readout_format": f".{max(1, -round(log10(step)))}f"}
    return slider(value=value, min=low, max=high, step=1 if is_whole else step, **style, **common)


def shown(knob: Knob, value: Any) -> Any:
    """Return a value as the control of a setting holds it.

    Args:
        knob: The setting.
        value: A value of it, in JSON types.
    """
    return json.dumps(value, ensure_ascii=False) if knob.kind == "text" else value


def read(widget: Any) -> Any:
    """Return what a control says, without the dust of a slider's steps: 0.95 for 0.9500000000000001.

    Args:
        widget: What `control` returned.
    """
    return round(widget.value, _DIGITS) if isinstance(widget.value, float) else widget.value


def _step(value: float, *, is_whole: bool) -> float:
    """Return what an arrow adds to a number in a box: a unit of its second digit, .01 of .8 and 1000 of 20,000."""
    step: float = 10.0 ** (floor(log10(abs(value))) - 1) if value else 1.0
    return max(1, int(step)) if is_whole or value == int(value) else step


def _places(knob: Knob) -> tuple[float, float, float] | None:
    """Return first, last and step of a slider; None where it would be too long or has no end."""
    low, high = knob.bounds
    if low is None or high is None or high <= low:
        return None
    digits = 0 if knob.kind == "whole" else -floor(log10((high - low) / _STEPS))
    # The browser puts a value that lies between two places on one of them: then finer steps are needed.
    while round(knob.value - low, digits) != round(knob.value - low, _DIGITS):
        digits += 1
    step = 10.0**-digits
    if (high - low) / step > _MOST_PLACES:
        return None
    first, last = low + step * knob.is_open[0], high - step * knob.is_open[1]
    # A value between the last place and an open end stays where it is.
    return min(first, knob.value), max(last, knob.value), step
