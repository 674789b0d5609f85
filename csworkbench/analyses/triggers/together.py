"""The triggers side by side: what each stands on, which say the same, what they cost, what people do beside."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers.evidence import NO_ONE, Inputs
from csworkbench.analyses.triggers.settings import Config
from csworkbench.analyses.triggers.worth import LOAD_WEEKS

if TYPE_CHECKING:
    import pandas as pd

OVERLAP = {"trigger": "str", "other": "str", "alerts": "int64", "shared": "int64", "share": "float64"}


def overlap_table(config: Config, alerts: "pd.DataFrame") -> "pd.DataFrame":
    """Return how many alerts of each trigger another one says as well.

    Args:
        config: How close together two alerts of an account say the same.
        alerts: From `firing.alerts`.

    Returns:
        One row per pair of triggers that share an alert, warnings first, the largest share on top: trigger, other,
        alerts (of the trigger), shared (of them, with an alert of the other one at the account within the days), share.
    """
    import pandas as pd

    mine = alerts[["trigger", "account", "happened_on"]].reset_index(names="alert")
    both = mine.merge(mine, on="account", suffixes=("", "_other"))
    near = (both["happened_on"] - both["happened_on_other"]).abs() <= pd.Timedelta(days=config.overlap_days)
    pairs = both[near & (both["trigger"] != both["trigger_other"])].drop_duplicates(["alert", "trigger_other"])
    shared = pairs.groupby(["trigger", "trigger_other"]).size().rename("shared").reset_index()
    counts = alerts["trigger"].value_counts()
    total = shared["trigger"].map(counts).astype("int64")
    share = shared["shared"].astype("float64") / total
    made = shared.rename(columns={"trigger_other": "other"}).assign(alerts=total, share=share).astype(OVERLAP)
    is_warning = {name: each.is_warning for name, each in config.triggers.items()}
    rank = 2 - made["trigger"].map(is_warning).astype(int) - made["other"].map(is_warning).astype(int)
    order = ["rank", "share", "trigger", "other"]
    ordered = made.assign(rank=rank).sort_values(order, ascending=[True, False, True, True], ignore_index=True)
    return ordered[list(OVERLAP)]


LOAD = {
    "csm_id": "str", "accounts": "int64", "alerts": "int64", "per_week": "float64", "most": "int64",
    "weeks_over_cap": "int64", "over_cap": "int64",
}  # fmt: skip


def load_table(inputs: Inputs, config: Config, alerts: "pd.DataFrame") -> "pd.DataFrame":
    """Return what the triggers that are on, and done by hand, would have given each CSM; all by hand where none is on.

    Args:
        inputs: Who looks after whom today.
        config: The triggers.
        alerts: From `firing.alerts`.

    Returns:
        One row per CSM, the busiest first: csm_id (nobody: accounts without one), accounts, alerts (of the newest 26
        weeks), per_week, most (in one week), weeks_over_cap, over_cap (alerts beyond `notices_per_csm` of the week:
        the weekly list would have held them back).
    """
    import pandas as pd

    on = [name for name, each in config.triggers.items() if each.is_on] or list(config.triggers)
    names = [name for name in on if config.mode_of(name) == "human"]
    here = inputs.accounts[inputs.accounts["churned_on"].isna()]
    book = here["csm_id"].fillna(NO_ONE).value_counts()
    first = len(inputs.panel.dates) - LOAD_WEEKS
    recent = alerts[alerts["trigger"].isin(names) & (alerts["place"] >= first)]
    owner = recent["account_id"].map(inputs.accounts["csm_id"]).fillna(NO_ONE)
    weekly = recent.groupby([owner.rename("csm_id"), "place"]).size()
    lines = []
    by_csm: dict[Any, pd.Series[int]] = dict(list(weekly.groupby(level=0)))
    for csm, accounts in book.items():
        counts = by_csm.get(csm, pd.Series(dtype="int64"))
        over = counts[counts > inputs.cap] - inputs.cap
        total = int(counts.sum())
        most = int(counts.max()) if len(counts) else 0
        lines.append((csm, accounts, total, total / LOAD_WEEKS, most, len(over), int(over.sum())))
    made = pd.DataFrame(lines, columns=list(LOAD)).astype(LOAD)
    return made.sort_values(["alerts", "csm_id"], ascending=[False, True], ignore_index=True)


FAMILIES = ("lifecycle", "behaviour", "nps", "manual")
COMPLEMENTS = {
    "family": "str", "automated": "str", "by_hand": "str", "touches_automated": "int64", "touches_by_hand": "int64",
    "is_complete": "bool", "missing": "str",
}  # fmt: skip
NOBODY_CALLS = "nothing is done by hand"


def complement_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return whether each family of automated events has something done by hand beside it.

    Args:
        inputs: Touches of the last 13 weeks.
        config: The triggers.

    Returns:
        One row per family: family, automated and by_hand (names of triggers), touches_automated and touches_by_hand (of
        the last 13 weeks, whatever caused them), is_complete (nothing is automated, or something is by hand), missing.
    """
    import pandas as pd

    lines = []
    for family in FAMILIES:
        of = [name for name, each in config.triggers.items() if each.family == family and name not in inputs.left_out]
        ways = {mode: [name for name in of if config.mode_of(name) == mode] for mode in ("automated", "human")}
        rows = inputs.families[inputs.families["family"] == family]
        by_hand = int(rows.loc[rows["mode"] == "human", "touches"].sum())
        sent = int(rows["touches"].sum()) - by_hand
        is_complete = not (ways["automated"] or sent) or bool(ways["human"] or by_hand)
        names = [", ".join(ways[mode]) for mode in ("automated", "human")]
        lines.append((family, *names, sent, by_hand, is_complete, "" if is_complete else NOBODY_CALLS))
    return pd.DataFrame(lines, columns=list(COMPLEMENTS)).astype(COMPLEMENTS)


TRIGGERS = {
    "trigger": "str", "kind": "str", "family": "str", "mode": "str", "play": "str", "is_on": "bool",
    "is_confirmed": "bool", "alerts_quarter": "int64", "open": "int64", "proposed": "int64", "left_out": "str",
}  # fmt: skip


def trigger_table(inputs: Inputs, config: Config, alerts: "pd.DataFrame", asking: "pd.DataFrame") -> "pd.DataFrame":
    """Return the triggers of the settings, what each does, and why some are left out.

    Args:
        inputs: What is left out.
        config: The triggers.
        alerts: From `firing.alerts`.
        asking: From `asking.open_alerts`.

    Returns:
        One row per trigger in the order of the settings: trigger, kind, family, mode (who acts), play, is_on,
        is_confirmed, alerts_quarter (alerts of the last 13 weeks), open, proposed (of those open, asked for), left_out
        (which table or column it lacks; "" = it is followed).
    """
    import pandas as pd

    first = pd.Timestamp(inputs.week.known - timedelta(weeks=13))
    recent = alerts.loc[alerts["happened_on"] > first, "trigger"].value_counts()
    waiting = asking["trigger"].value_counts()
    asked = asking.loc[asking["why_not"] == "", "trigger"].value_counts()
    lines = [
        (name, each.kind, each.family, config.mode_of(name), each.play, each.is_on, each.confirmed,
         recent.get(name, 0), waiting.get(name, 0), asked.get(name, 0), inputs.left_out.get(name, ""))
        for name, each in config.triggers.items()
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=list(TRIGGERS)).astype(TRIGGERS)
