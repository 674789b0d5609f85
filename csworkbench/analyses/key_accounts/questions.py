"""Three questions about key accounts, each with its metrics: value recognized, new needs, loyalty."""

from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.means import sums
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.analyses.key_accounts.sheets import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

QUESTION = ["question", "metric", "unit", "value", "low", "high", "n", "change", "change_low", "change_high", "verdict"]


class Question(StrEnum):
    """What is asked of key accounts, in the order of the page."""

    VALUE = "is the value recognized?"
    NEEDS = "are there new needs?"
    LOYALTY = "do they stay and speak for us?"


class Metric(StrEnum):
    """Answers that stand neither among the ratings nor on the KPI sheets."""

    FACTS = "new facts that became an opportunity"
    KEPT = "renewals kept"
    NPS = "NPS"


OF_RATINGS = {
    "solution_acceptance": Question.VALUE,
    "price_acceptance": Question.VALUE,
    "behaviour_mastery": Question.NEEDS,
    "closeness": Question.LOYALTY,
}


def question_table(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return the metrics of the three questions, from the tables of the result and from renewals and NPS.

    Args:
        inputs: Renewals and NPS answers.
        config: Window and level.
        tables: dimensions, kpis and steps of the result.

    Returns:
        One row per question and metric: the columns QUESTION; no change where it is not measured.
    """
    import pandas as pd

    rows = [
        {"question": OF_RATINGS[row["dimension"]].value, "metric": row["dimension"], "unit": "points",
         "value": row["level"], "low": row["low"], "high": row["high"], "n": row["accounts"], "change": row["change"],
         "change_low": row["change_low"], "change_high": row["change_high"], "verdict": row["verdict"]}
        for row in tables["dimensions"].to_dict("records")
    ]  # fmt: skip
    kpis = tables["kpis"]
    rows += [
        {"question": Question.NEEDS.value, "metric": row["kpi"], **{name: row[name] for name in QUESTION[2:]}}
        for row in kpis[(kpis["sheet"] == "growth") & ~kpis["kpi"].isin(list(OF_RATINGS))].to_dict("records")
    ]
    rows += [
        {"question": Question.NEEDS.value, "metric": Metric.FACTS.value, "unit": "share", "value": row["share"],
         "low": row["low"], "high": row["high"], "n": row["facts"]}
        for row in tables["steps"].to_dict("records") if row["step"] == "became an opportunity"
    ]  # fmt: skip
    rows += [_renewed(inputs, config), *_nps(inputs, config)]
    table = pd.DataFrame(rows, columns=QUESTION)
    order = {each.value: place for place, each in enumerate(Question)}
    sort: pd.DataFrame = table.sort_values(
        "question", key=lambda each: each.map(order), kind="stable", ignore_index=True
    )
    return sort


def _renewed(inputs: Inputs, config: Config) -> dict[str, object]:
    """Return the share of the decided renewals of key accounts that were kept; those that left count too."""
    from csworkbench.analyses.key_accounts.means import line

    rows = inputs.tables["renewals"]
    key = inputs.accounts.index[inputs.accounts["is_key"]]
    mine = rows[rows["account_id"].isin(key) & rows["outcome"].notna() & (rows["outcome"] != "open")]
    mine = mine.assign(
        is_kept=(mine["outcome"] != "churned").astype(float), due=mine["due_date"].astype("datetime64[s]")
    )
    found = sums(mine, "is_kept", within(mine["due"], inputs, config), within(mine["due"], inputs, config, 1))
    told = {name: value for name, value in line(found, config.level, is_share=True).items() if name in QUESTION}
    return {"question": Question.LOYALTY.value, "metric": Metric.KEPT.value, "unit": "share", **told}


def _nps(inputs: Inputs, config: Config) -> "list[dict[str, object]]":
    from csworkbench.features.estimating import nps_of

    if inputs.nps is None:
        return []
    now = nps_of(inputs.nps[inputs.nps.index.isin(inputs.key.index)], config.level)
    told = {"value": now.value, "low": now.low, "high": now.high, "n": now.n}
    return [{"question": Question.LOYALTY.value, "metric": Metric.NPS.value, "unit": "points", **told}]
