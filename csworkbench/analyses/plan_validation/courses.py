"""The course of each playbook's metric month by month around landing, and what the method makes of nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.course import Course, course
from csworkbench.adjustment.designs import CompareRules
from csworkbench.adjustment.placebo import leave_one_out, placebo_space, placebo_time
from csworkbench.analyses.plan_validation.episodes import busy_with
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.months import monthly
from csworkbench.analyses.plan_validation.settings import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MONTHS = ["offset", "effect", "low", "high", "band_low", "band_high", "n_plans", "n_controls"]


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Event studies, placebos and leave-one-out of all playbooks.

    Args:
        found: Playbook -> its course.
        months: One row per playbook and month from landing: playbook, then as `Course.months`.
        placebos: One row per playbook and placebo: playbook, placebo, value, low, high, p, n.
        sensitivity: One row per playbook: playbook, pretrend_p, detectable, detectable_bias, breakdown,
            without_founder, founder_low, founder_high, smallest, largest (mean effect when one account is left out).
    """

    found: "dict[str, Course]"
    months: "pd.DataFrame"
    placebos: "pd.DataFrame"
    sensitivity: "pd.DataFrame"


def read_courses(inputs: Inputs, config: Config, readings: "Sequence[Reading]") -> Courses:
    """Return the course of every playbook that could be compared; effects are on the scale of the analysis.

    Args:
        inputs: What is known.
        config: Settings.
        readings: The playbooks.
    """
    import pandas as pd

    rules = CompareRules(level=config.level, seed=config.seed)
    found: dict[str, Course] = {}
    months, placebos, lines = [], [], []
    for reading in readings:
        if reading.comparison is None or reading.pooled is None:
            continue
        sets = until_own_plan(inputs, reading, reading.comparison.sets)
        one = course(panel_of(inputs, config, reading), sets, rules, floor=_floor(config, reading.metric))
        if one is not None:
            found[reading.name] = one
            months.append(one.months[MONTHS].assign(playbook=reading.name))
        placebos += _placebos(reading, one, rules)
        lines.append(_sensitivity(reading, one, config))
    empty = ["playbook", *MONTHS]
    told = pd.concat(months, ignore_index=True) if months else pd.DataFrame(columns=empty)
    columns = ["playbook", "placebo", "value", "low", "high", "p", "n"]
    return Courses(
        found, told[empty], pd.DataFrame(placebos, columns=columns), pd.DataFrame(lines, columns=SENSITIVITY)
    )


SENSITIVITY = [
    "playbook", "pretrend_p", "detectable", "detectable_bias", "breakdown", "without_founder", "founder_low",
    "founder_high", "smallest", "largest",
]  # fmt: skip


def panel_of(inputs: Inputs, config: Config, reading: Reading) -> "pd.DataFrame":
    """Return the metric of the compared accounts month by month, on the scale of the analysis, good is positive.

    Args:
        inputs: What is known.
        config: Settings.
        reading: A playbook that was compared.

    Returns:
        account_id, month (first day), value.
    """
    import numpy as np
    import pandas as pd

    sets = reading.comparison.sets if reading.comparison is not None else pd.DataFrame()
    found = monthly(inputs, config, inputs.levels[reading.metric], sets["month"], sets["account_id"].unique().tolist())
    sign = float(np.median(reading.lines["sign"]))
    return found.assign(value=sign * found["value"]).dropna(subset=["value"]).reset_index(drop=True)


def _floor(config: Config, metric: str) -> float | None:
    """Return how far a month may fall below its reference: as in the windows of the judged effect."""
    import numpy as np

    return float(np.log1p(-config.largest_fall)) if config.scale(metric) == "relative" else None


def until_own_plan(inputs: Inputs, reading: Reading, sets: "pd.DataFrame") -> "pd.DataFrame":
    """Return sets with next_plan: the month in which a plan of the kind began at the account after the landing.

    Args:
        inputs: What is known.
        reading: The playbook.
        sets: `Comparison.sets` of the playbook.
    """
    busy = busy_with(inputs, reading.lines, reading.metric)
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


def _sensitivity(reading: Reading, one: Course | None, config: Config) -> "tuple[object, ...]":
    import numpy as np

    founder = founder_of(reading)
    pooled = reading.pooled
    without = None if pooled is None or founder is None else pooled.without(founder)
    told = (np.nan,) * 3 if without is None else (without.mean, without.low, without.high)
    out = None if reading.comparison is None else leave_one_out(reading.comparison.effects, level=config.level)
    ends = (np.nan, np.nan) if out is None or out.empty else (out["mean"].min(), out["mean"].max())
    study = [None] * 4 if one is None else [one.pretrend_p, one.detectable, one.detectable_bias, one.breakdown]
    return reading.name, *(np.nan if each is None else each for each in study), *told, *ends


def founder_of(reading: Reading) -> str | None:
    """Return the account a playbook was written for: as its file says, else that of its first compared plan.

    Args:
        reading: The playbook.
    """
    if reading.declared.founder is not None or reading.pooled is None:
        return reading.declared.founder
    plans = reading.lines.loc[reading.pooled.accounts["episode_id"]]
    return str(plans.sort_values("created_on", kind="stable")["account_id"].iloc[0])
