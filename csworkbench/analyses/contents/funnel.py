"""What becomes of leads: by stage, step, owner and source, with what they cost where that is known."""

from typing import TYPE_CHECKING

from csworkbench.analyses.contents.comparing import compare, in_words
from csworkbench.analyses.contents.crediting import per_currency
from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.leading import WORKED, exact
from csworkbench.analyses.contents.settings import Config

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown status"
STEPS = ("assigned", *WORKED, "ordered")


def with_stage(leads: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the leads with their stage, how they ended, and the account or lead that counts as one unit.

    Args:
        leads: From `leading.leads_of`.
        config: Stages.

    Returns:
        The leads with stage ("unknown status" where no stage has it), ends (open, won, lost, "" = unknown) and unit: an
        account's leads are not independent, and a lead of no account is alone.
    """
    stages = {status: stage for stage in config.stages for status in stage.statuses}
    found = leads["status"].map(lambda status: stages.get(status))
    return leads.assign(
        stage=[UNKNOWN if stage is None else stage.name for stage in found],
        ends=["" if stage is None else stage.ends for stage in found],
        unit=leads["account_id"].where(leads["account_id"].notna(), "lead " + leads["lead_id"].astype("str")),
    )


def stage_table(leads: "pd.DataFrame", config: Config, inputs: Inputs) -> "pd.DataFrame":
    """Return the leads of each stage.

    Args:
        leads: From `with_stage`.
        config: Stages and their order, level.
        inputs: Currency of amounts that name none, language.

    Returns:
        One row per stage: stage, leads, accounts (leads of no account count as one each), share, low_share, high_share
        (of all leads), of_all (the three in words), amount (per currency, exact, in words), without_amount (leads).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of_rows

    lines = []
    named = [*dict.fromkeys(stage.name for stage in config.stages), UNKNOWN] if len(leads) else []
    for name in named:
        is_here = leads["stage"] == name
        if name == UNKNOWN and not is_here.any():
            continue
        share = share_of_rows(is_here, leads["unit"], config.level)
        ends = {"share": share.value, "low_share": share.low, "high_share": share.high}
        mine = leads[is_here]
        amounts = [exact(each) for each in mine["amount"]]
        told = per_currency(mine["currency"].fillna(inputs.currency), amounts)
        counted = (len(mine), mine["unit"].nunique(), *ends.values(), in_words(ends, inputs.language))
        lines.append((name, *counted, told, amounts.count(None)))
    columns = ["stage", "leads", "accounts", "share", "low_share", "high_share", "of_all", "amount", "without_amount"]
    return pd.DataFrame(lines, columns=columns)


def step_table(inputs: Inputs, leads: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return how many leads got to each step, and how long it took; no rows without `lead_events`.

    Args:
        inputs: Events of leads.
        leads: From `with_stage`.
        config: Level.

    Returns:
        One row per step: step, leads (that got there), share, low_share, high_share (of all leads), median_days,
        low_days, high_days (Kaplan-Meier from the day it came in; a lead that did not get there yet is censored on the
        date, and one that is closed never will: it waits for good).
    """
    import pandas as pd

    from csworkbench.features.estimating import median_days, share_of_rows

    columns = [
        "step", "leads", "share", "low_share", "high_share", "median_days", "low_days", "high_days",
    ]  # fmt: skip
    if inputs.events.empty or leads.empty:
        return pd.DataFrame(columns=columns)
    today, lines = pd.Timestamp(inputs.as_of), []
    for step in STEPS:
        first = inputs.events[inputs.events["type"] == step].groupby("lead_id")["occurred_on"].min()
        reached = first.reindex(leads["lead_id"]).set_axis(leads.index)
        share = share_of_rows(reached.notna(), leads["unit"], config.level)
        waits = (reached.fillna(today) - leads["created_on"]).dt.days
        # Who is closed without it is out of the race, not still running: the longest wait there is.
        waits = waits.mask(reached.isna() & leads["ends"].isin(["won", "lost"]), waits.max())
        times = pd.DataFrame({"days": waits, "is_reached": reached.notna()}).dropna()
        median = median_days(times, config.level)
        lines.append(
            (
                step,
                int(reached.notna().sum()),
                share.value,
                share.low,
                share.high,
                median.value,
                median.low,
                median.high,
            )
        )
    return pd.DataFrame(lines, columns=columns)


def won_table(leads: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the share of the settled leads that was won, by owner and by source, none of them ranked.

    Args:
        leads: From `with_stage`.
        config: Level.

    Returns:
        `comparing.COMPARED`: group is owner or source, item who or what it is, outcome won; leads without an owner or
        source are left out.
    """
    import pandas as pd

    settled = leads[leads["ends"].isin(["won", "lost"])]
    parts = []
    for group in ("owner", "source"):
        mine = settled.dropna(subset=[group])
        parts.append(
            pd.DataFrame(
                {
                    "group": group, "outcome": "won", "item": mine[group].astype("str"), "account_id": mine["unit"],
                    "trials": 1.0, "hits": (mine["ends"] == "won").astype(float),
                }
            )
        )  # fmt: skip
    return compare(pd.concat(parts), config.least_accounts, config.level)


def roi_table(leads: "pd.DataFrame", config: Config, currency: str) -> "pd.DataFrame":
    """Return what settled leads of each source brought for what they cost; no rows where no cost is recorded.

    Args:
        leads: From `with_stage`.
        config: Level.
        currency: Of amounts that name none.

    Returns:
        One row per source and currency: source, currency, leads (settled, with a cost), without_cost (settled leads of
        the source that have none and are left out), cost, won (amount of the won ones), roi (won less cost, over
        cost), low, high; an interval needs two accounts that differ.
    """
    import pandas as pd

    from csworkbench.features.estimating import ratio_of

    settled = leads[leads["ends"].isin(["won", "lost"])]
    settled = settled.assign(
        source=settled["source"].fillna("not known"),
        currency=settled["currency"].fillna(currency),
        spent=pd.Series([exact(each) for each in settled["cost"]], settled.index, dtype=object),
    )
    lines = []
    for (source, money), rows in settled.groupby(["source", "currency"], sort=True):
        paid = rows[rows["spent"].notna()]
        if paid.empty or not sum(paid["spent"]):
            continue
        gained = [
            (exact(amount) or 0) if ends == "won" else 0
            for amount, ends in zip(paid["amount"], paid["ends"], strict=True)
        ]
        by_unit = paid.assign(cost=paid["spent"].astype(float), won=[float(each) for each in gained]).groupby("unit")
        sums = by_unit[["cost", "won"]].sum()
        roi = ratio_of(sums["won"] - sums["cost"], sums["cost"], config.level)
        counted = (len(paid), len(rows) - len(paid), sum(paid["spent"]), sum(gained))
        lines.append((source, money, *counted, roi.value, roi.low, roi.high))
    columns = ["source", "currency", "leads", "without_cost", "cost", "won", "roi", "low", "high"]
    return pd.DataFrame(lines, columns=columns)
