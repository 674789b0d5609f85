"""The table of answerability: per question what there is, what it takes, and what could be seen with it."""

from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING

from csworkbench.analyses.data_check.counting import Found, Group
from csworkbench.analyses.data_check.evidence import Inputs
from csworkbench.analyses.data_check.settings import Config, Difference, NetPromoters, Question, Ranking, ShareOf
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.inference import power
from csworkbench.inference.power import Demand

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "analysis", "question", "state", "has", "unit", "independent", "needs", "reveals", "effect", "effect_unit",
    "effect_points", "base_share", "recorded", "record", "table",
]  # fmt: skip
PERCENT = 100.0
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question can show.

    Args:
        independent: Independent units there are; of the smaller group where two groups are there already.
        needs: How many it takes; of the smaller group, beside the other one as it is.
        reveals: margin_of_share, difference, auc_above_chance or margin_of_nps; "" where nothing is found out.
        effect: How much it is; NaN where nothing would be seen.
        unit: percentage_points, nps_points, or percent_of_pairs (an AUC of 0.65 ranks 65 of 100 pairs right).
        base: Share that is expected; NaN where there is none.
    """

    independent: float
    needs: int
    reveals: str = ""
    effect: float = nan
    unit: str = ""
    base: float = nan


def answerability(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what the data can answer, one row per question of the config.

    Args:
        inputs: Evidence; `found` in the order of the questions.
        config: Settings.

    Returns:
        Columns as in `data_check.Result`.
    """
    import pandas as pd

    rows = [_row(question, found, config) for question, found in zip(config.questions, inputs.found, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"independent": float, "effect": float, "base_share": float})


def _row(question: Question, found: Found | None, config: Config) -> tuple[object, ...]:
    there = found or Found(Group(), Group())
    answer = _answer(question, there, config)
    state = "not recorded" if found is None else "enough" if answer.independent >= answer.needs else "not enough"
    points = answer.effect if answer.unit == "percentage_points" else nan
    return (
        question.analysis,
        question.question,
        state,
        there.has.n,
        question.noun,
        answer.independent,
        answer.needs,
        answer.reveals,
        answer.effect,
        answer.unit,
        points,
        answer.base,
        _recorded(question, there),
        question.record,
        ", ".join(dict.fromkeys([question.table, *(also.table for also in question.also if also.table)])),
    )


def _recorded(question: Question, found: Found) -> str:
    if not found.also:
        return ""
    parts = [
        say("{n:count} {what:word}", n=n, what=also.label) for n, also in zip(found.also, question.also, strict=True)
    ]
    given = {"n": found.all_of.n, "what": question.noun, "parts": parts}
    return text(say("{n:count} {what:word}: {parts:list}", **given))


def _answer(question: Question, found: Found, config: Config) -> Answer:
    demand = Demand(config.level, config.power)
    n, other = _independent(found.has, config.icc), _independent(found.against, config.icc)
    match question.detects:
        case ShareOf() as share:
            answer = _share(share, found.has, n, demand)
        case Difference() as difference:
            answer = _difference(difference, found, (n, other), demand)
        case Ranking() as ranking:
            answer = _ranking(ranking, (n, other), demand)
        case NetPromoters() as nps:
            answer = _nps(nps, found.has, n, demand)
        case _:
            answer = Answer(n, 0)
    return replace(answer, needs=max(answer.needs, question.needs or 0))


def _independent(group: Group, icc: float) -> float:
    return group.n / power.design_effect(group.mean_size, icc)


def _share(share: ShareOf, has: Group, n: float, demand: Demand) -> Answer:
    base = _base(share.base, has)
    effect = PERCENT * power.share_margin(base, n, demand) if n else nan
    needs = power.units_for_share(base, share.worth, demand) if share.worth else 0
    return Answer(n, needs, "margin_of_share", effect, "percentage_points", base)


def _difference(difference: Difference, found: Found, sizes: tuple[float, float], demand: Demand) -> Answer:
    control, worth = difference.control, difference.worth
    base = _base(difference.base, found.has if control else found.against)
    if control:
        independent = sizes[0]
        sizes = (independent * (1 - control), independent * control)
        needs = power.units_for_difference(base, worth, control, demand) if worth else 0
    else:
        independent, larger = sorted(sizes)
        needs = power.units_beside(base, worth, larger, demand) if worth else 0
    effect = PERCENT * power.smallest_difference(base, sizes, demand)
    return Answer(independent, needs, "difference", effect, "percentage_points", base)


def _ranking(ranking: Ranking, sizes: tuple[float, float], demand: Demand) -> Answer:
    events, others = sizes
    ratio = others / events if events and others else 1.0
    needs = power.events_for_auc(ranking.worth, ratio, demand) if ranking.worth else 0
    effect = PERCENT * power.smallest_auc(events, others, demand)
    return Answer(events, needs, "auc_above_chance", effect, "percent_of_pairs")


def _nps(nps: NetPromoters, has: Group, n: float, demand: Demand) -> Answer:
    # One more answer of each kind: twelve promoters do not make an NPS that is certain.
    spread = power.nps_spread((has.hits + 1) / (has.n + 3), (has.misses + 1) / (has.n + 3))
    needs = power.units_for_mean(spread, nps.worth, demand) if nps.worth else 0
    effect = power.mean_margin(spread, n, demand) if n else nan
    return Answer(n, needs, "margin_of_nps", effect, "nps_points")


def _base(base: object, group: Group) -> float:
    """Return the expected share: as declared, or as observed with one hit and one miss more, so never 0 or 1."""
    return base if isinstance(base, float) else (group.hits + 1) / (group.n + 2)
