"""Performance and everything else the panorama takes from other analyses, to the last digit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

TAKEN: Mapping[str, Mapping[str, str]] = {
    "health": {name: name for name in ("share_at_risk", "moved_down", "moved_up", "median_score")},
    "renewals": {
        name: name
        for name in (
            "renewals_due", "amount_due", "expected_rate_quarter", "expected_amount_quarter", "forecast_bias", "grr",
        )
    },
    "segments": {"stuck": "stuck", "moved": "moved"},
    "touch_matrix": {
        "accounts_per_csm": "accounts_per_csm", "coverage": "touch_coverage", "overdue": "touches_overdue",
    },
    "plan_validation": {"open_plans": "open_plans", "overdue_steps": "overdue_steps", "goals_met": "goals_met"},
}  # fmt: skip
"""Analysis -> its figure -> the name it has here."""

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "customers": ("health", "segments"),
    "people": ("touch_matrix", "plan_validation", "health"),
    "performance": ("renewals",),
}
"""Block -> the analyses it takes from."""


def taken_figures(inputs: Inputs) -> Mapping[str, Estimate]:
    """Return the figures of other analyses, as they are; those of another currency keep its suffix.

    Args:
        inputs: Results of the run.
    """
    return {
        name.replace(source, called, 1): figure
        for analysis, names in TAKEN.items()
        if analysis in inputs.upstream
        for source, called in names.items()
        for name, figure in inputs.upstream[analysis].figures.items()
        if name == source or (analysis == "renewals" and name.startswith(f"{source}."))
    }


def due_by_quarter(inputs: Inputs) -> "pd.DataFrame":
    """Return the renewals due this year by quarter, as `renewals` counts them.

    Args:
        inputs: Results of the run.

    Returns:
        One row per quarter and currency: quarter, currency, renewals, target, kept, lost, open, renewed, expected; no
        rows without `renewals`.
    """
    import pandas as pd

    columns = ["quarter", "currency", "renewals", "target", "kept", "lost", "open", "renewed", "expected"]
    found = inputs.upstream.get("renewals")
    if found is None:
        return pd.DataFrame(columns=columns)
    due = found.tables["due"]
    quarters = due[due["dimension"] == "quarter"].rename(columns={"value": "quarter"})
    table: pd.DataFrame = quarters[columns].reset_index(drop=True)
    return table


def rate_by_quarter(inputs: Inputs) -> "pd.DataFrame":
    """Return predicted and actual renewal rate of each quarter, as `renewals` has them.

    Args:
        inputs: Results of the run.

    Returns:
        One row per quarter: quarter, basis, predicted, low, high, actual (missing = still ahead); no rows without
        `renewals`.
    """
    import pandas as pd

    found = inputs.upstream.get("renewals")
    if found is None:
        return pd.DataFrame(columns=["quarter", "basis", "predicted", "low", "high", "actual"])
    table: pd.DataFrame = found.tables["predicted_actual"]
    return table


def stage_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the cells of tier and stage, as `segments` has them.

    Args:
        inputs: Results of the run.

    Returns:
        One row per cell: tier, stage, accounts, share, before, change, stuck; no rows without `segments`.
    """
    import pandas as pd

    found = inputs.upstream.get("segments")
    if found is None:
        return pd.DataFrame(columns=["tier", "stage", "accounts", "share", "before", "change", "stuck"])
    table: pd.DataFrame = found.tables["cells"]
    return table


def quarter_table(due: "pd.DataFrame", rates: "pd.DataFrame") -> "pd.DataFrame":
    """Return what is due this year beside the predicted and the actual rate of each quarter.

    Args:
        due: From `due_by_quarter`.
        rates: From `rate_by_quarter`.

    Returns:
        One row per quarter, and per currency where something is due this year: the columns of both, the rates called
        predicted_rate, low_rate, high_rate and actual_rate.
    """
    called = {name: f"{name}_rate" for name in ("predicted", "low", "high", "actual")}
    joined = due.merge(rates.rename(columns=called), on="quarter", how="outer")
    return joined.sort_values(["quarter", "currency"], ignore_index=True)
