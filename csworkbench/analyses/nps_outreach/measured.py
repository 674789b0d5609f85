"""The figures: NPS with its interval, how answers spread, the trend, and what those who did not answer may change."""

from typing import TYPE_CHECKING

from csworkbench.analyses.nps_outreach.evidence import Inputs
from csworkbench.estimates import Estimate
from csworkbench.features.estimating import nps_of, share_of
from csworkbench.features.rates import DETRACTOR, PROMOTER

if TYPE_CHECKING:
    import pandas as pd

SCORES = range(11)
SUMS = ["answered", "promoters", "detractors"]


def sums(scores: "pd.DataFrame", weights: "pd.Series[float] | None" = None) -> "pd.DataFrame":
    """Return the sums of answers that `nps_of` takes.

    Args:
        scores: One row per answer: account_id, score.
        weights: Weight of each answer; None = 1.

    Returns:
        One row per account, by account_id: answered, promoters, detractors.
    """
    weight = 1.0 if weights is None else weights
    marked = scores[["account_id"]].assign(
        answered=weight,
        promoters=(scores["score"] >= PROMOTER).astype(float) * weight,
        detractors=(scores["score"] <= DETRACTOR).astype(float) * weight,
    )
    return marked.groupby("account_id")[SUMS].sum()


def distribution_table(inputs: Inputs, level: float) -> "pd.DataFrame":
    """Return how often each score was given, 10 first.

    Args:
        inputs: Newest answers.
        level: Coverage of the intervals.

    Returns:
        One row per score from 10 to 0: score (text), group, answers, share, low, high (over accounts).
    """
    import pandas as pd

    scores = inputs.scores
    trials = scores.groupby("account_id").size().astype(float)
    rows = []
    for score in reversed(SCORES):
        hits = scores["score"].eq(score).groupby(scores["account_id"]).sum().astype(float)
        share = share_of(hits, trials, level)
        group = "promoter" if score >= PROMOTER else "detractor" if score <= DETRACTOR else "passive"
        rows.append((str(score), group, int(hits.sum()), share.value, share.low, share.high))
    frame = pd.DataFrame(rows, columns=["score", "group", "answers", "share", "low", "high"])
    return frame.astype({"share": "float64", "low": "float64", "high": "float64"})


def trend_table(inputs: Inputs, level: float) -> "pd.DataFrame":
    """Return the NPS of each calendar quarter with answers, in time order.

    Args:
        inputs: Sums per quarter and account.
        level: Coverage of the intervals.

    Returns:
        One row per quarter: quarter (2026 Q3), answers, accounts, nps (points), low, high, is_running (the quarter of
        the date, which is not over yet).
    """
    import pandas as pd

    now = (inputs.as_of.year, (inputs.as_of.month + 2) // 3)
    rows = []
    for (year, quarter), part in inputs.quarters.groupby(["year", "quarter"], sort=True):
        found = nps_of(part.set_index("account_id")[SUMS], level)
        told = (found.value, found.low, found.high, (year, quarter) == now)
        rows.append((f"{year} Q{quarter}", int(part["answered"].sum()), found.n, *told))
    return pd.DataFrame(rows, columns=["quarter", "answers", "accounts", "nps", "low", "high", "is_running"])


def response_table(inputs: Inputs, level: float) -> "pd.DataFrame":
    """Return how many of those invited answered, by the column by which non-response is weighted.

    Args:
        inputs: Invitations with their cell.
        level: Coverage of the intervals.

    Returns:
        One row per cell: cell, invited, answered (people), share, low, high (over accounts), weight (of one answer in
        the weighted NPS, missing = nobody answered).
    """
    import pandas as pd

    rows, invited = [], inputs.invited
    overall = invited["is_answered"].mean() if len(invited) else 0.0
    for cell, part in invited.assign(cell=invited["cell"].fillna("not known")).groupby("cell", sort=True):
        found = _response(part, level)
        weight = float(overall / part["is_answered"].mean()) if part["is_answered"].any() else None
        told = (found.value, found.low, found.high, weight)
        rows.append((str(cell), len(part), int(part["is_answered"].sum()), *told))
    frame = pd.DataFrame(rows, columns=["cell", "invited", "answered", "share", "low", "high", "weight"])
    return frame.astype(dict.fromkeys(["share", "low", "high", "weight"], "float64"))


def _response(invited: "pd.DataFrame", level: float) -> Estimate:
    people = invited.groupby("account_id")["is_answered"].agg(["sum", "size"]).astype(float)
    return share_of(people["sum"], people["size"], level)


def figures(inputs: Inputs, level: float) -> dict[str, Estimate]:
    """Return nps, response_rate and nps_weighted, in this order.

    Args:
        inputs: Answers and invitations.
        level: Coverage of the intervals.

    Returns:
        nps in points over accounts; response_rate as a share of those invited; nps_weighted as if every cell had
        answered as often, without a value where nobody of a cell did or nothing says who belongs to which.
    """
    return {
        "nps": nps_of(sums(inputs.scores), level),
        "response_rate": _response(inputs.invited, level),
        "nps_weighted": _weighted(inputs, level),
    }


def _weighted(inputs: Inputs, level: float) -> Estimate:
    table = response_table(inputs, level).set_index("cell")
    if not inputs.has_weights or len(table) < 2 or table["weight"].isna().any():
        return Estimate(None, "points", int(inputs.scores["account_id"].nunique()))
    cell = inputs.invited.fillna({"cell": "not known"}).drop_duplicates("account_id").set_index("account_id")["cell"]
    weights = inputs.scores["account_id"].map(cell).map(table["weight"]).fillna(1.0)
    return nps_of(sums(inputs.scores, weights / weights.mean()), level)
