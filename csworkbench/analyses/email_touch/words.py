"""The tables of the page whose cells are sentences: units differ from row to row, so numbers carry theirs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.comparing import Line
from csworkbench.analyses.email_touch.exposure import short_p
from csworkbench.analyses.email_touch.reading import Reading, Verdict
from csworkbench.estimates import Estimate, Message, say
from csworkbench.experiments import unit_of
from csworkbench.formats import figure, in_unit, inside, share, text, words

if TYPE_CHECKING:
    import pandas as pd

HEALTH = {
    "sample_ratio_all": "sample_ratio",
    "sample_ratio_week": "ratio_by_week",
    "sample_ratio_stratum": "ratio_by_stratum",
    "earlier_period": "before_the_draw",
    "reconciliation": "left_out",
    "double_exposure": "other_arm",
    "delivered_share": "delivered",
    "machine_open_share": "machine_opens",
}
COMPARISONS = ["experiment", "metric", "difference", "says", "p_adjusted", "compared", "values", "relative", "role"]


def health_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return the state of each check in one row per experiment: experiment, then the checks as "ok (p 0.98)"."""
    import pandas as pd

    rows = []
    for each in readings:
        said = {check.name: _state(check.severity, check.p) for check in each.checks}
        rows.append([each.experiment.label, *(said.get(name, "not looked at") for name in HEALTH)])
    return pd.DataFrame(rows, columns=["experiment", *HEALTH.values()])


def _state(severity: object, p: float | None) -> str:
    state = "ok" if severity is None else str(severity)
    if p is None:
        return state
    return words("{value} ({behind})").format(value=inside(state), behind=f"p {p:.2f}" if p >= 0.01 else f"p {p:.1g}")


def comparison_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return every comparison in words, those that must not be acted on at the end.

    Returns:
        One row per metric and variant: experiment, metric, difference (with its interval), says, p_adjusted, compared
        (variant with baseline), values (of both), relative (shown, not tested), role. Without numbers where it is set
        aside.
    """
    import pandas as pd

    shown = [(each, line) for each in readings for line in each.lines]
    aside = [(each, line) for each in readings for line in each.set_aside]
    rows = [_row(reading, line) for reading, line in shown + aside]
    return pd.DataFrame(rows, columns=COMPARISONS)


def _row(reading: Reading, line: Line) -> tuple[object, ...]:
    experiment, effect = reading.experiment, line.effect
    arms = {"variant": experiment.arm(line.variant).label, "control": experiment.arm(line.control).label}
    compares = text(say("{variant} with {control}", **arms))
    if line in reading.set_aside:
        said = text(say("{state:word}: {why}", state=line.state, why=_why(reading)))
        return experiment.label, line.metric.label, "", said, "", compares, "", "", line.metric.role
    values = (effect.value_variant, effect.value_control) if effect else line.seen
    unit = unit_of(line.metric.outcome)
    relative = line.relative
    return (
        experiment.label,
        line.metric.label,
        with_bounds(line.estimate),
        line.state,
        "" if line.p_adjusted is None else short_p(line.p_adjusted),
        compares,
        text(say("{first} and {second}", first=in_unit(values[0], unit), second=in_unit(values[1], unit))),
        ""
        if relative is None
        else _with_ends(*(share(each) for each in (relative.value, relative.low, relative.high))),
        line.metric.role,
    )


def _with_ends(value: str, low: str, high: str) -> str:
    return text(say("{value} ({low} to {high})", value=value, low=low, high=high))


def _why(reading: Reading) -> Message:
    if reading.verdict is Verdict.BLOCKED:
        return say("the draw is broken")
    return say("units are left out unevenly")


def with_bounds(found: Estimate) -> str:
    """Return an estimate without its sample size."""
    if found.low is None or found.high is None:
        return figure(found)[0]
    ends = (in_unit(bound, found.unit, like=found, named=False) for bound in (found.low, found.high))
    return _with_ends(figure(found)[0], *ends)


def time_words(unit: str, worth: float, visible: float) -> str:
    """Return what can be seen now beside what is worth knowing.

    Args:
        unit: Unit of the metric.
        worth: Smallest difference worth knowing.
        visible: Smallest difference the units show now; NaN where none.
    """
    factor, named = (100.0, "percentage_points") if unit == "share" else (1.0, unit)
    asked = in_unit(worth * factor, named)
    if visible != visible:
        return text(say("nothing visible now, {asked} worth knowing", asked=asked))
    seen = in_unit(float(f"{visible * factor:.2g}"), named)
    return text(say("{seen} visible now, {asked} worth knowing", seen=seen, asked=asked))
