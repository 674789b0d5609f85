"""The course of each playbook's metric month by month around landing, and what the method makes of nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.course import Course, course
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.leaving import leaving_bounds
from csworkbench.adjustment.placebo import leave_one_out, placebo_space, placebo_time
from csworkbench.analyses.plan_validation.bystanders import busy_with
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.frames import natural, unit_of
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.months import monthly
from csworkbench.analyses.plan_validation.settings import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

MONTHS = ["offset", "effect", "low", "high", "band_low", "band_high", "n_plans", "n_controls"]


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Event studies, placebos and leave-one-out of all playbooks.

    Args:
        months: One row per playbook and month from landing: playbook, then as `Course.months`.
        placebos: One row per playbook and placebo: playbook, placebo, value, low, high, p, n.
        sensitivity: One row per playbook and way to count accounts that left: playbook, counted (`JUDGED`, or without
            `largest_fall` as in `LEFT`), effect, low, high (mean over plans), accounts; and where it is as judged
            pretrend_p, detectable, detectable_bias, breakdown, left_out (as of `Course`), without_founder, founder_low,
            founder_high, knapp_low, knapp_high (Hartung-Knapp interval of the same), smallest, largest (mean effect
            when one account is left out), all_started, all_started_low, all_started_high (mean effect over all plans
            that started, however far run).
    """

    months: "pd.DataFrame"
    placebos: "pd.DataFrame"
    sensitivity: "pd.DataFrame"


def read_courses(inputs: Inputs, config: Config, readings: "Sequence[Reading]") -> Courses:
    """Return the course of every playbook that could be compared; effects in tables are shares or points, `unit`.

    Args:
        inputs: What is known.
        config: Settings.
        readings: The playbooks.
    """
    import pandas as pd

    rules = CompareRules(level=config.level, seed=config.seed, anticipation=config.anticipation_months)
    months, placebos = [], []
    lines: list[dict[str, object]] = []
    for reading in readings:
        if reading.comparison is None or reading.pooled is None:
            continue
        sets = until_own_plan(inputs, config, reading, reading.comparison.sets)
        one = course(panel_of(inputs, config, reading), sets, rules, floor=_floor(config, reading.metric))
        if one is not None:
            months.append(one.months[MONTHS].assign(playbook=reading.name))
        placebos += _placebos(reading, one, rules)
        lines += _sensitivity(reading, one, config, rules)
    empty = ["playbook", *MONTHS]
    told = pd.concat(months, ignore_index=True) if months else pd.DataFrame(columns=empty)
    columns = ["playbook", "placebo", "value", "low", "high", "p", "n"]
    tried = pd.DataFrame(placebos, columns=columns)
    limits = pd.DataFrame(lines, columns=SENSITIVITY).astype(dict.fromkeys(SENSITIVITY[2:], float))
    months_told, tried, limits = (_readable(each, config, readings) for each in (told[empty], tried, limits))
    return Courses(months_told, tried, limits)


EFFECTS = (
    "effect", "low", "high", "band_low", "band_high", "value", "detectable", "detectable_bias", "without_founder",
    "founder_low", "founder_high", "knapp_low", "knapp_high", "smallest", "largest", "all_started", "all_started_low",
    "all_started_high",
)  # fmt: skip


def _readable(frame: "pd.DataFrame", config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return a table by playbook with its effects as shares or points, and a column unit."""
    known = {each.name: (config.scale(each.metric), each.sign) for each in readings}
    found = frame.assign(unit=[unit_of(known[name][0]) for name in frame["playbook"]])
    for column in (name for name in EFFECTS if name in found):
        pairs = zip(found[column].astype(float), found["playbook"], strict=True)
        found[column] = [natural(value, *known[name]) for value, name in pairs]
    return found


SENSITIVITY = [
    "playbook", "counted", "effect", "low", "high", "accounts", "pretrend_p", "detectable", "detectable_bias",
    "breakdown", "left_out", "without_founder", "founder_low", "founder_high", "knapp_low", "knapp_high", "smallest",
    "largest", "all_started", "all_started_low", "all_started_high",
]  # fmt: skip
JUDGED = "as judged"
LEFT = {
    "as_nothing": "accounts that left as 0, in full",
    "as_before": "accounts that left as before",
    "left_out": "without accounts that left",
}


def panel_of(inputs: Inputs, config: Config, reading: Reading) -> "pd.DataFrame":
    """Return the metric of the compared accounts month by month, on the scale of the analysis, good is positive.

    Args:
        inputs: What is known.
        config: Settings.
        reading: A playbook that was compared.

    Returns:
        account_id, month (first day), value.
    """
    import pandas as pd

    sets = reading.comparison.sets if reading.comparison is not None else pd.DataFrame()
    accounts = sets["account_id"].unique().tolist()
    found = monthly(inputs, config, inputs.levels[reading.metric], sets["month"], accounts, sign=reading.sign)
    return found.assign(value=reading.sign * found["value"]).dropna(subset=["value"]).reset_index(drop=True)


def _floor(config: Config, metric: str) -> float | None:
    """Return how far a month may fall below its reference: as in the windows of the judged effect."""
    import numpy as np

    return float(np.log1p(-config.largest_fall)) if config.scale(metric) == "relative" else None


def until_own_plan(inputs: Inputs, config: Config, reading: Reading, sets: "pd.DataFrame") -> "pd.DataFrame":
    """Return sets with next_plan: the month in which a plan of the kind began at the account after the landing.

    Args:
        inputs: What is known.
        config: How long a plan may act.
        reading: The playbook.
        sets: `Comparison.sets` of the playbook.
    """
    busy = busy_with(inputs, config, reading.lines, reading.metric)
    began = busy.assign(next_plan=busy["began"].to_numpy("datetime64[M]").astype("datetime64[s]"))
    pairs = sets[["episode_id", "account_id", "month"]].merge(began[["account_id", "next_plan"]], on="account_id")
    later = pairs[pairs["next_plan"] >= pairs["month"]].groupby("episode_id")["next_plan"].min()
    return sets.assign(next_plan=later.reindex(sets["episode_id"]).to_numpy("datetime64[s]"))


def _placebos(reading: Reading, one: Course | None, rules: CompareRules) -> "list[tuple[object, ...]]":
    import numpy as np

    found: list[tuple[object, ...]] = []
    shifted = None if one is None else placebo_time(one, rules)
    if shifted is not None:
        found.append(
            (reading.name, "landed 3 months earlier", shifted.value, shifted.low, shifted.high, np.nan, shifted.n)
        )
    if reading.comparison is not None:
        drawn = placebo_space(reading.comparison, rules)
        for line in drawn.to_dict("records"):
            values = (line["mean"], line["low"], line["high"], line["p"], line["n_draws"])
            found.append((reading.name, "accounts without a plan", *values))
    return found


def _sensitivity(
    reading: Reading, one: Course | None, config: Config, rules: CompareRules
) -> "Iterator[dict[str, object]]":
    comparison, pooled = reading.comparison, reading.pooled
    if comparison is None or pooled is None:
        return
    line: dict[str, object] = {"playbook": reading.name, "counted": JUDGED}
    if (average := comparison.average) is not None:
        line |= {"effect": average.value, "low": average.low, "high": average.high, "accounts": average.n}
    if one is not None:
        of_course = ("pretrend_p", "detectable", "detectable_bias", "breakdown", "left_out")
        line |= {name: getattr(one, name) for name in of_course}
    if (without := reading.elsewhere) is not None:
        line |= {"without_founder": without.mean, "founder_low": without.low, "founder_high": without.high}
        line |= dict(zip(("knapp_low", "knapp_high"), without.knapp or (), strict=False))
    if (every := reading.all_started) is not None:
        line |= {"all_started": every.mean, "all_started_low": every.low, "all_started_high": every.high}
    out = leave_one_out(comparison.effects, level=config.level)
    yield line | {"smallest": out["mean"].min(), "largest": out["mean"].max()}
    in_full = reading.episodes.assign(after=reading.episodes["after_in_full"])
    names = {"mean": "effect", "n": "accounts"}
    for found in leaving_bounds(in_full, rules).rename(columns=names).to_dict("records"):
        told = {str(name): value for name, value in found.items()}
        yield told | {"playbook": reading.name, "counted": LEFT[told["counted"]]}
