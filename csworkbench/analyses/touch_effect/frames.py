"""Tables of the page on touches."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING

from csworkbench.adjustment.overlap import score_bins
from csworkbench.adjustment.sensitivity import MOST_TIMES
from csworkbench.analyses.touch_effect.measuring import (
    AS_GOT,
    BEYOND_OTHERS,
    COMPARABLE,
    COMPLIERS,
    DRAWN,
    EVERYBODY,
    MOVED,
    NAIVE,
    REGRESSION,
    TOUCHED,
)
from csworkbench.analyses.touch_effect.verdicts import Judged
from csworkbench.estimates import say
from csworkbench.formats import estimate, text

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    NAIVE: say("Touched less others, nothing adjusted"),
    REGRESSION: say("At equal covariates, by regression"),
    TOUCHED: say("Adjusted, on those touched"),
    COMPARABLE: say("Adjusted, on those touched who have a counterpart"),
    EVERYBODY: say("Adjusted, on everybody"),
    DRAWN: say("Drawn less others (intention to treat)"),
    MOVED: say("Share the lot moved"),
    COMPLIERS: say("On those the lot moved (compliers)"),
    AS_GOT: say("Got it less others: wrong where those who obey differ"),
    BEYOND_OTHERS: say("Change beyond that of the other group"),
}
BY_LOT = (DRAWN, MOVED, COMPLIERS)
EFFECTS = [
    "touch_id",
    "estimand",
    "touch",
    "label",
    "effect",
    "low",
    "high",
    "p",
    "unit",
    "accounts",
    "touched",
    "rows",
]
STATES = {True: "ok", False: "warning", None: "not looked at"}


def verdict_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return one row per touch: touch_id, touch, verdict, in_words, accounts."""
    import pandas as pd

    rows = [
        (
            each.found.touch.id,
            each.found.touch.label,
            each.verdict.value,
            text(each.sentence),
            each.found.main.told.n if each.found.main else 0,
        )
        for each in judged
    ]
    return pd.DataFrame(rows, columns=["touch_id", "touch", "verdict", "in_words", "accounts"])


def effect_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return every figure of every touch, columns as in `touch_effect.Result`; relative ones as shares."""
    import pandas as pd

    rows = [
        (
            each.found.touch.id,
            line.estimand,
            each.found.touch.label,
            text(LABELS[line.estimand]),
            line.told.value,
            line.told.low,
            line.told.high,
            nan if line.estimand == MOVED else max(line.difference.p, 1e-300),
            line.told.unit,
            line.told.n,
            line.touched,
            line.rows,
            line.estimand in BY_LOT,
            estimate(line.told),
        )
        for each in judged
        for line in each.found.lines
    ]
    return pd.DataFrame(rows, columns=[*EFFECTS, "is_causal", "says"])


def check_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return what was looked at: touch_id, check, touch, state (ok, warning, stop, not looked at), finding."""
    import pandas as pd

    rows = [
        (
            each.found.touch.id,
            check.name,
            each.found.touch.label,
            "stop" if check.is_fatal and check.is_passed is False else STATES[check.is_passed],
            text(check.finding),
        )
        for each in judged
        for check in each.found.checks
    ]
    return pd.DataFrame(rows, columns=["touch_id", "check", "touch", "state", "finding"])


def overlap_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return how far touched and untouched rows overlap, columns as in `touch_effect.Result`."""
    import pandas as pd

    rows = [
        (
            each.found.touch.id,
            each.found.touch.label,
            overlap.touched,
            overlap.untouched,
            overlap.effective,
            overlap.below,
            overlap.above,
            overlap.trimmed,
            overlap.is_enough,
        )
        for each in judged
        if each.found.adjusted is not None and (overlap := each.found.adjusted.overlap)
    ]
    names = ["touched", "untouched", "effective_accounts", "below_05", "above_95", "trimmed", "is_enough"]
    return pd.DataFrame(rows, columns=["touch_id", "touch", *names])


def score_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return how the chance of being touched is spread: touch_id, low, high, touched, untouched (shares)."""
    parts = {
        each.found.touch.id: score_bins(each.found.adjusted.overlap, each.found.adjusted.rows.is_touched)
        for each in judged
        if each.found.adjusted is not None
    }
    return _by_touch(parts, ["low", "high", "touched", "untouched"])


def balance_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return covariates before and after weighting: touch_id, covariate, smd_before, smd_after, is_flagged."""
    parts = {each.found.touch.id: each.found.adjusted.balance for each in judged if each.found.adjusted is not None}
    return _by_touch(parts, ["covariate", "smd_before", "smd_after", "is_flagged"])


def course_table(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return the weeks around each touch, columns as `measuring.course_frame` with touch_id and when (in words)."""
    parts = {
        each.found.touch.id: each.found.course.assign(when=[_when(int(week)) for week in each.found.course["week"]])
        for each in judged
        if each.found.course is not None
    }
    numbers = ["difference", "low", "high", "difference_alike", "low_alike", "high_alike"]
    return _by_touch(parts, ["week", "when", *numbers, "accounts"])


def _by_touch(parts: "Mapping[str, pd.DataFrame]", columns: Sequence[str]) -> "pd.DataFrame":
    """Return frames of several touches as one, with touch_id and the columns asked for."""
    import pandas as pd

    names = ["touch_id", *columns]
    frames = [frame.assign(touch_id=touch) for touch, frame in parts.items()]
    return pd.concat(frames, ignore_index=True)[names] if frames else pd.DataFrame(columns=names)


def _when(week: int) -> str:
    if week < 0:
        return text(say("{n:n week|weeks} before", n=-week))
    return text(say("{n:n week|weeks} after", n=week)) if week else text(say("week of the touch"))


def sensitivity_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return how strong a hidden trait would have to be, columns as in `touch_effect.Result`."""
    import pandas as pd

    names = ["robustness_value", "e_value", "e_value_limit", "covariate", "of_touch", "of_outcome", "times", "in_words"]
    rows = [
        (
            each.found.touch.id,
            each.found.touch.label,
            robust.robustness,
            *(each.found.e_values or (nan, nan)),
            mark.covariate,
            mark.of_touch,
            mark.of_outcome,
            nan if mark.times is None else mark.times,
            _hidden(mark.covariate, mark.times),
        )
        for each in judged
        if (robust := each.found.robustness) is not None
        for mark in robust.benchmarks
    ]
    return pd.DataFrame(rows, columns=["touch_id", "touch", *names])


def _hidden(covariate: str, times: float | None) -> str:
    if times is None:
        return text(
            say(
                "Not even a hidden trait as strong as {most:count} times {name:word} would erase this",
                most=MOST_TIMES,
                name=covariate,
            )
        )
    if times < 1:
        return text(
            say(
                "A hidden trait weaker than {name:word} ({times:number} times) would erase this",
                name=covariate,
                times=times,
            )
        )
    return text(
        say(
            "A hidden trait as strong as {times:number} times {name:word} would erase this", name=covariate, times=times
        )
    )


def left_out_frame(judged: Sequence[Judged]) -> "pd.DataFrame":
    """Return rows that are not read, by reason: touch_id, why, rows, touched."""
    import pandas as pd

    rows = [
        (each.found.touch.id, why, total, touched)
        for each in judged
        for why, (total, touched) in (each.found.left_out or {}).items()
    ]
    return pd.DataFrame(rows, columns=["touch_id", "why", "rows", "touched"])
