"""What other limits do: who comes on the list and who goes off it, what it brings, and the price of an hour."""

from typing import TYPE_CHECKING

from csworkbench.analyses.weekly_list.result import Result
from csworkbench.changes import Change, rows_beside
from csworkbench.estimates import Shown, say

if TYPE_CHECKING:
    import pandas as pd


def compare(before: Result, after: Result) -> Change:
    """Return what two settings make of the week.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the tables came, contact only the changed list has, and went, contact only the saved one has:
        proposal_id, name, channel, csm_id, priority, play; stages, stage of the plan: stage, gain_before, gain_after,
        planned_before, planned_after (proposals); and capacity, CSM with another week: csm_id, used_before, used_after
        (minutes), more_per_hour_before, more_per_hour_after (what one more hour would bring).
    """
    then, now = before.tables["list"], after.tables["list"]
    came, went = _only(now, then), _only(then, now)
    tables = {
        "came": came,
        "went": went,
        "stages": rows_beside(before.tables["stages"], after.tables["stages"], "stage", ["planned", "gain"]),
        "capacity": rows_beside(
            before.tables["capacity"], after.tables["capacity"], "csm_id", ["used", "more_per_hour"], ["name"]
        ),
    }
    gains, hours = ([each.figures[name] for each in (before, after)] for name in ("gain", "best_hour"))
    headline = say(
        "{now:n contact|contacts}, {then:count} as saved: {came:count} come on the list and {went:count} go off it; "
        "they bring {gain:estimate}, as saved {old_gain:estimate}; one more hour of a CSM would bring at most "
        "{price:estimate}, as saved {old:estimate}",
        now=len(now),
        then=len(then),
        came=len(came),
        went=len(went),
        gain=gains[1],
        old_gain=gains[0],
        price=hours[1],
        old=hours[0],
    )
    titles = {
        "stages": "Stages of the plan that change",
        "capacity": "CSMs whose week changes",
        "came": "Who comes on the list",
        "went": "Who goes off the list",
    }
    shown = tuple(Shown(name, title, options={"limit": 10}) for name, title in titles.items() if len(tables[name]))
    return Change(headline, tables, shown)


def _only(rows: "pd.DataFrame", others: "pd.DataFrame") -> "pd.DataFrame":
    columns = ["proposal_id", "name", "channel", "csm_id", "priority", "play"]
    return rows.loc[~rows["proposal_id"].isin(others["proposal_id"]), columns].reset_index(drop=True)
