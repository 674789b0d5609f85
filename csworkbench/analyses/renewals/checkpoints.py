"""What the model, the CSM and the team called at the checkpoints: kept apart, compared, and missed."""

from typing import TYPE_CHECKING

from csworkbench.analyses.renewals.evidence import Inputs
from csworkbench.analyses.renewals.settings import Config

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("model", "csm", "final")
RECORDED, COMPUTED = "recorded", "computed today"
PLACE = ["renewal_id", "checkpoint_days"]
FACTS = ["account_id", "name", "csm", "tier", "due_date", "target", "currency"]


def checkpoint_table(inputs: Inputs, config: Config, forecast: "pd.DataFrame") -> "pd.DataFrame":
    """Return the calls of every open renewal at each checkpoint it has passed.

    A call counts for the last checkpoint that had begun, give or take the days of grace; of several calls of one source
    the newest counts. What was called is never replaced; the model of today stands beside it.

    Args:
        inputs: Renewals and calls.
        config: Checkpoints, days of grace, tiers that are called.
        forecast: Open renewals with today's probability.

    Returns:
        One row per open renewal and checkpoint, the one due first on top: renewal_id, checkpoint_days, account_id,
        name, csm, tier, due_date, target, currency, model, csm_call, final (probabilities), today (the model's, of the
        page), missing (sources that have not called, of those that have to).
    """
    import numpy as np
    import pandas as pd

    open_rows = forecast.set_index("renewal_id")
    days = open_rows["days_to_due"]
    begun = pd.concat(
        [pd.DataFrame({"renewal_id": days.index[days <= each], "checkpoint_days": each}) for each in config.checkpoints]
    )
    table = begun.merge(_calls(inputs, config), on=PLACE, how="left").join(open_rows[FACTS], on="renewal_id")
    table["today"] = open_rows["probability"].reindex(table["renewal_id"]).to_numpy()
    is_called = table["tier"].isin(config.called_tiers) | (not config.called_tiers)
    absent = {"model": table["model"].isna(), "csm": table["csm_call"].isna() & is_called}
    absent["final"] = table["final"].isna() & is_called
    lists = [", ".join(name for name in absent if absent[name].iloc[row]) for row in range(len(table))]
    table["missing"] = pd.array([words or None for words in lists], dtype="str")
    # A renewal that was not known yet at a checkpoint could not be called there.
    first = inputs.rows.drop_duplicates("renewal_id").set_index("renewal_id")["days_to_due"]
    seen = first.reindex(table["renewal_id"]).to_numpy() >= table["checkpoint_days"].to_numpy()
    has_call = np.asarray(table[["model", "csm_call", "final"]].notna().any(axis=1))
    columns = [*PLACE, *FACTS, "model", "csm_call", "final", "today", "missing"]
    ordered: pd.DataFrame = table[seen | has_call].sort_values(["due_date", *PLACE], ignore_index=True)
    return ordered[columns]


def _calls(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the newest call of each source at each checkpoint: renewal_id, checkpoint_days, model, csm_call, final."""
    import numpy as np
    import pandas as pd

    calls = inputs.calls[inputs.calls["p_renew"].notna()]
    due = inputs.renewals["due_date"].reindex(calls["renewal_id"]).to_numpy()
    ahead = (due - calls["made_on"]).dt.days.to_numpy(float)
    place = np.full(len(calls), np.nan)
    for each in config.checkpoints:
        place = np.where(ahead <= each + config.checkpoint_grace_days, each, place)
    placed = calls.assign(checkpoint_days=place).dropna(subset=["checkpoint_days"])
    newest = placed.drop_duplicates([*PLACE, "source"], keep="last").astype({"checkpoint_days": int})
    wide = newest.pivot_table(index=PLACE, columns="source", values="p_renew", aggfunc="last")
    wide = wide.reindex(columns=list(SOURCES)).astype(float).reset_index()
    return pd.DataFrame(wide.rename(columns={"csm": "csm_call"}).rename_axis(columns=None))


def disagreement_table(checkpoints: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return where the CSM and the model disagree at the latest checkpoint of a renewal, the largest amount first.

    Args:
        checkpoints: Table of `checkpoint_table`.
        config: From which difference on they disagree.

    Returns:
        One row per renewal: name, renewal_id, account_id, target, currency, due_date, checkpoint_days, model, csm_call,
        final, today, gap (CSM less model), gap_amount (what the gap is worth), model_from (recorded, or computed today
        where the model's call was not recorded), csm.
    """
    latest = checkpoints.sort_values("checkpoint_days").drop_duplicates("renewal_id")
    is_recorded = latest["model"].notna()
    model = latest["model"].fillna(latest["today"])
    gap = latest["csm_call"] - model
    table = latest.assign(
        model=model,
        gap=gap,
        gap_amount=gap * latest["target"],
        model_from=is_recorded.map({True: RECORDED, False: COMPUTED}).astype("str"),
    )
    # Shares are written with three digits: 0.9 - 0.7 is 0.2.
    apart = table[gap.abs().round(6) >= config.disagree_above]
    columns = ["name", "renewal_id", "account_id", "target", "currency", "due_date", "checkpoint_days", "model"]
    columns += ["csm_call", "final", "today", "gap", "gap_amount", "model_from", "csm"]
    ordered: pd.DataFrame = apart.sort_values("gap_amount", key=abs, ascending=False, kind="stable", ignore_index=True)
    return ordered[columns]


def missing_table(checkpoints: "pd.DataFrame") -> "pd.DataFrame":
    """Return the calls that are due and not there, the renewal due first on top.

    Args:
        checkpoints: Table of `checkpoint_table`.

    Returns:
        One row per renewal and checkpoint: name, renewal_id, account_id, checkpoint_days, missing, due_date, target,
        currency, csm.
    """
    columns = [
        "name",
        "renewal_id",
        "account_id",
        "checkpoint_days",
        "missing",
        "due_date",
        "target",
        "currency",
        "csm",
    ]
    absent: pd.DataFrame = checkpoints.loc[checkpoints["missing"].notna(), columns].reset_index(drop=True)
    return absent
