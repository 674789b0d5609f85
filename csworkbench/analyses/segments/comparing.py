"""What other rules and numbers of groups do: who is in another stage or group, and who counts as stuck."""

from typing import TYPE_CHECKING

from csworkbench.analyses.segments.result import Result
from csworkbench.changes import Change, rows_beside
from csworkbench.estimates import Shown, say

if TYPE_CHECKING:
    import pandas as pd

PLACES = ["stage", "tier", "behaviour", "cluster"]


def compare(before: Result, after: Result) -> Change:
    """Return who is somewhere else between two settings.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the tables stuck, account that is stuck under one of them only: account_id, name, stage, is_stuck
        (with the changed settings); elsewhere, account in another stage, tier, segment or group: account_id, name, and
        each of them before and after; and groups, number of groups the clustering tried: groups, stability_before,
        stability_after, is_stable_before, is_stable_after.
    """
    stuck = _stuck(before, after)
    moved = rows_beside(before.tables["accounts"], after.tables["accounts"], "account_id", PLACES, ["name"])
    groups = rows_beside(before.tables["stability"], after.tables["stability"], "groups", ["stability", "is_stable"])
    headline = say(
        "{now:n account is|accounts are} longer in a stage than is usual, {then:count} as saved; {moved:n account is|"
        "accounts are} in another segment or group",
        now=len(after.tables["stuck"]),
        then=len(before.tables["stuck"]),
        moved=len(moved),
    )
    shown = [Shown("stuck", "Accounts that are stuck under one of the two only", ("name", "stage", "is_stuck"))]
    shown += [Shown("elsewhere", "Accounts in another segment or group", options={"limit": 10})] if len(moved) else []
    shown += [Shown("groups", "Numbers of groups that were tried")] if len(groups) else []
    return Change(headline, {"stuck": stuck, "elsewhere": moved, "groups": groups}, tuple(shown))


def _stuck(before: Result, after: Result) -> "pd.DataFrame":
    import pandas as pd

    then, now = before.tables["stuck"], after.tables["stuck"]
    came, went = now[~now["account_id"].isin(then["account_id"])], then[~then["account_id"].isin(now["account_id"])]
    both = pd.concat([came.assign(is_stuck=True), went.assign(is_stuck=False)], ignore_index=True)
    return both[["account_id", "name", "stage", "is_stuck"]]
