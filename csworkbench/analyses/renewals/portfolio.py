"""What is due and what came of it: by CSM, tier and quarter, as rates, and as the steps of a quarter."""

from typing import TYPE_CHECKING

from csworkbench.analyses.renewals.evidence import Inputs, is_unrecorded, quarter_of
from csworkbench.analyses.renewals.track import main_currency
from csworkbench.estimates import Estimate, say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd

DIMENSIONS = ("quarter", "tier", "csm")
STEPS = {
    "lost": say("Lost"),
    "contracted": say("Renewed for less"),
    "expanded": say("Renewed for more"),
    "not_recorded": say("Renewed, amount not recorded"),
    "open": say("Not decided yet"),
}


def due_table(inputs: Inputs, forecast: "pd.DataFrame", level: float) -> "pd.DataFrame":
    """Return the renewals due this year by quarter, tier and CSM.

    Args:
        inputs: Renewals as of the date.
        forecast: Open renewals with their expected amount.
        level: Coverage of the intervals.

    Returns:
        One row per dimension (quarter, tier, csm), value and currency: renewals, target (amount due), kept, lost, open,
        renewed (final amount of decided ones), expected (of open ones), then of decided ones with both amounts: priced
        (renewals), grr, grr_low, grr_high, nrr, nrr_low, nrr_high, missing where nobody can tell, as where a kept
        renewal has no final amount. Quarters in time
        order, tiers and CSMs by amount due.
    """
    import pandas as pd

    rows = _counted(inputs, forecast)
    sums = ["renewals", "target", "kept", "lost", "open", "renewed", "expected", "priced"]
    parts = []
    for dimension in DIMENSIONS:
        groups = rows.groupby([dimension, "currency"], sort=True)
        part = groups[sums].sum(min_count=1)
        part = part.join(groups[["account_id", *SUMS]].apply(_rated, level=level)).reset_index()
        by_size = part if dimension == "quarter" else part.sort_values("target", ascending=False, kind="stable")
        parts.append(by_size.rename(columns={dimension: "value"}).assign(dimension=dimension))
    table = pd.concat(parts, ignore_index=True)
    return table[["dimension", "value", "currency", *sums, *_RATES]]


SUMS = ["base", "retained", "brought", "unrecorded"]
_RATES = ["grr", "grr_low", "grr_high", "nrr", "nrr_low", "nrr_high"]


def _counted(inputs: Inputs, forecast: "pd.DataFrame") -> "pd.DataFrame":
    """Return the renewals due this year with what is counted and added up of each."""
    rows = this_year(inputs).reset_index()
    amounts = forecast.set_index("renewal_id")["amount"]
    is_priced = rows["is_lost"].notna() & rows["target"].notna() & rows["final"].notna()
    return rows.assign(
        renewals=1,
        kept=rows["is_lost"].eq(False).fillna(False).astype(int),
        lost=rows["is_lost"].eq(True).fillna(False).astype(int),
        open=rows["is_lost"].isna().astype(int),
        renewed=rows["final"].fillna(0.0),
        expected=amounts.reindex(rows["renewal_id"]).fillna(0.0).to_numpy(),
        priced=is_priced.astype(int),
        base=rows["target"].where(is_priced, 0.0),
        retained=rows[["target", "final"]].min(axis=1).where(is_priced, 0.0),
        brought=rows["final"].where(is_priced, 0.0),
        unrecorded=is_unrecorded(rows).astype(int),
    )


def _rated(rows: "pd.DataFrame", level: float) -> "pd.Series[float]":
    """Return GRR and NRR of a group of renewals with their intervals over accounts."""
    import pandas as pd

    sums = rows.groupby("account_id")[SUMS].sum().rename(columns={"base": "target", "brought": "final"})
    told = [bound for each in _rates(sums, level) for bound in (each.value, each.low, each.high)]
    return pd.Series(told, index=_RATES, dtype=float)


def _rates(sums: "pd.DataFrame", level: float) -> tuple[Estimate, Estimate]:
    """Return GRR and NRR; none while a kept renewal lacks its final amount: without it the lost ones weigh too much."""
    from csworkbench.features.estimating import ratio_of, share_of

    if sums["unrecorded"].sum():
        nothing = Estimate(None, "share", int((sums["target"] > 0).sum()))
        return nothing, nothing
    due = sums["target"]
    return share_of(sums["retained"], due, level, are_amounts=True), ratio_of(sums["final"], due, level)


def this_year(inputs: Inputs) -> "pd.DataFrame":
    """Return the renewals due in the calendar year of the date."""
    due: pd.DataFrame = inputs.renewals[inputs.renewals["due_date"].dt.year == inputs.as_of.year]
    return due


def due_now(inputs: Inputs) -> Estimate:
    """Return the amount due in the quarter of the date, in the main currency: where the waterfall starts."""
    return total_due(_due_this_quarter(inputs), main_currency(inputs))


def total_due(due: "pd.DataFrame", currency: str) -> Estimate:
    """Return the sum of the amounts due that are recorded; nobody can tell where renewals are due and none has one.

    Args:
        due: Renewals in one currency.
        currency: That currency.
    """
    priced = due["target"].dropna()
    return Estimate(float(priced.sum()) if len(priced) or due.empty else None, currency, len(priced))


def _due_this_quarter(inputs: Inputs) -> "pd.DataFrame":
    due = inputs.renewals
    now: pd.DataFrame = due[due["quarter"].eq(quarter_now(inputs)) & due["currency"].eq(main_currency(inputs))]
    return now


def waterfall_table(inputs: Inputs) -> "pd.DataFrame":
    """Return how the amount due in the quarter of the date became what is renewed so far, in the main currency.

    Returns:
        One row per step that has a renewal: step, label, amount (what it adds or takes), renewals, quarter, currency.
        Renewals without an amount due are left out.
    """
    import numpy as np
    import pandas as pd

    due = _due_this_quarter(inputs).dropna(subset=["target"])
    change = (due["final"] - due["target"]).where(due["final"].notna(), -due["target"])
    is_open, is_lost = due["outcome"].eq("open"), due["outcome"].eq("churned")
    step = np.select(
        [is_open, is_lost, due["final"].isna(), change < 0, change > 0],
        ["open", "lost", "not_recorded", "contracted", "expanded"],
        default="same",
    )
    sums = change.groupby(step).agg(["sum", "size"]).reindex([name for name in STEPS if name in set(step)])
    if len(due) and sums.empty:
        sums = pd.DataFrame({"sum": [0.0], "size": [0]}, index=["lost"])  # all renewed as they were
    return pd.DataFrame(
        {
            "step": pd.array([str(name) for name in sums.index], dtype="str"),
            "label": pd.array([text(STEPS[str(name)]) for name in sums.index], dtype="str"),
            "amount": sums["sum"].to_numpy(float),
            "renewals": sums["size"].to_numpy(int),
            "quarter": quarter_now(inputs),
            "currency": main_currency(inputs),
        }
    )


def quarter_now(inputs: Inputs) -> str:
    """Return the quarter of the date."""
    import pandas as pd

    return str(quarter_of(pd.Series([pd.Timestamp(inputs.as_of)])).iloc[0])


def rate_figures(inputs: Inputs, level: float) -> dict[str, Estimate]:
    """Return GRR and NRR of the renewals due in the months of the rates: per currency, the main one without a suffix.

    Args:
        inputs: Sums of the renewals due.
        level: Coverage of the intervals.
    """
    figures = {}
    for currency, sums in inputs.rates.groupby("currency", sort=True):
        suffix = "" if currency == main_currency(inputs) else f".{currency}"
        figures[f"grr{suffix}"], figures[f"nrr{suffix}"] = _rates(sums.set_index("account_id"), level)
    return figures
