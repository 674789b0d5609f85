"""What to automate, what to send again, who leads, and what prepares a touch by a person."""

from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.settings import Config

if TYPE_CHECKING:
    import pandas as pd

NO_RULE = "no rule"


def automation_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what people do again and again, ranked by repeats x minutes x accounts.

    Args:
        inputs: Touches added up.
        config: Days of the period.

    Returns:
        One row per family, rule and channel of touches by people that took minutes: family, rule, channel, repeats,
        minutes (per touch), accounts, repeats_per_account, hours_month (spent on it), hours_share, weight (repeats x
        minutes x accounts), the greatest first.
    """
    human = inputs.acts[(inputs.acts["mode"] == "human") & (inputs.acts["minutes"] > 0)]
    human = human.assign(rule=human["rule"].fillna(NO_RULE), family=human["family"].fillna("not known"))
    sums = human.groupby(["family", "rule", "channel"], as_index=False, sort=True).agg(
        repeats=("touches", "sum"), total=("minutes", "sum"), accounts=("account_id", "nunique")
    )
    table = sums.assign(
        minutes=sums["total"] / sums["repeats"],
        repeats_per_account=sums["repeats"] / sums["accounts"],
        hours_month=sums["total"] / 60 / (config.period_days / 30.4375),
        hours_share=sums["total"] / max(float(sums["total"].sum()), 1.0),
        weight=sums["total"] * sums["accounts"],
    )
    columns = [
        "family", "rule", "channel", "repeats", "minutes", "accounts", "repeats_per_account", "hours_month",
        "hours_share", "weight",
    ]  # fmt: skip
    ranked = table.sort_values(["weight", "family", "rule", "channel"], ascending=[False, True, True, True])
    return ranked[columns].reset_index(drop=True)


def initiator_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return who leads: touches and reach by who began them, marketing's own ones too.

    Args:
        inputs: Touches added up.
        config: Level of the intervals.

    Returns:
        One row per initiator: initiator, touches, share, accounts, reach, low, high (Wilson's interval with accounts as
        units), tech_share (sent by the system).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    acts = inputs.acts.assign(initiator=inputs.acts["initiator"].fillna("not known"))
    total, lines = int(acts["touches"].sum()), []
    for initiator, part in acts.groupby("initiator", sort=True):
        sums = part.groupby("account_id")[["reached", "touches"]].sum().astype(float)
        share, count = share_of(sums["reached"], sums["touches"], config.level), int(sums["touches"].sum())
        tech = int(part.loc[part["mode"] == "tech", "touches"].sum())
        found = (share.value, share.low, share.high) if inputs.has_events else (None, None, None)
        lines.append((initiator, count, count / total, len(sums), *found, tech / count))
    columns = ["initiator", "touches", "share", "accounts", "reach", "low", "high", "tech_share"]
    return pd.DataFrame(lines, columns=columns).astype({"reach": float, "low": float, "high": float})


def overlap_table(inputs: Inputs) -> "pd.DataFrame":
    """Return who followed whom within days at the same contact.

    Args:
        inputs: Overlaps by contact.

    Returns:
        One row per pair of initiators: first, second, times, contacts, accounts, the most frequent first.
    """
    grouped = inputs.overlaps.groupby(["first", "second"], as_index=False, sort=True)
    table = grouped.agg(times=("times", "sum"), contacts=("contact_id", "nunique"), accounts=("account_id", "nunique"))
    return table.sort_values(["times", "first", "second"], ascending=[False, True, True], ignore_index=True)


def mode_table(inputs: Inputs) -> "pd.DataFrame":
    """Return touches by people and by the system per tier.

    Args:
        inputs: Touches added up.

    Returns:
        One row per tier and mode: tier, mode, touches, share (of the tier's), minutes, accounts.
    """
    acts = inputs.acts.assign(tier=inputs.acts["account_id"].map(inputs.accounts["tier"])).dropna(
        subset=["tier", "mode"]
    )
    sums = acts.groupby(["tier", "mode"], as_index=False, sort=True).agg(
        touches=("touches", "sum"), minutes=("minutes", "sum"), accounts=("account_id", "nunique")
    )
    share = sums["touches"] / sums.groupby("tier")["touches"].transform("sum")
    return sums.assign(share=share)[["tier", "mode", "touches", "share", "minutes", "accounts"]]


def warm_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how many touches by people took place, with and without a message of the system that prepared them.

    Args:
        inputs: Touches by people.
        config: Level of the intervals.

    Returns:
        One row per channel and kind: channel, is_warmed, touches, reach, low, high (Wilson's interval with accounts as
        units; all three are missing where nobody knows what came of touches), accounts.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    lines = []
    for (channel, is_warmed), part in inputs.warm.groupby(["channel", "is_warmed"], sort=True):
        sums = part.groupby("account_id")[["reached", "touches"]].sum().astype(float)
        known = sums["touches"] if inputs.has_events else sums["touches"].iloc[:0]
        share = share_of(sums["reached"].reindex(known.index), known, config.level)
        lines.append(
            (channel, bool(is_warmed), int(sums["touches"].sum()), share.value, share.low, share.high, len(sums))
        )
    columns = ["channel", "is_warmed", "touches", "reach", "low", "high", "accounts"]
    return pd.DataFrame(lines, columns=columns).astype({"reach": float, "low": float, "high": float})
