"""Whom the page wants to be touched this week: actions of the matrix due by its end, as they stood when it began."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_matrix.settings import STEM, Action, Config
from csworkbench.analyses.touch_matrix.standing import DUE, OVERDUE
from csworkbench.estimates import Message, say
from csworkbench.formats import text
from csworkbench.policy import COLUMNS, FALLBACKS, Week, proposals

if TYPE_CHECKING:
    import pandas as pd

BY_HAND, BY_SYSTEM = ("call", "phone", "chat", "meeting", "video", "visit"), ("in_app", "push")
"""Channels of which only people, and only the system, make use."""
PRIORITY = {("csm", OVERDUE): 4, ("csm", DUE): 5, ("system", OVERDUE): 6, ("system", DUE): 7}
"""After renewals and plans, whose days are agreed with the customer; people first."""


def proposal_table(stands: "pd.DataFrame", week: Week, config: Config) -> "pd.DataFrame":
    """Return the proposals of the week: each action of an account that is overdue or due by the end of the week.

    An action of the system is proposed on the channels of the tier's route on which the system sends and which count
    for the action, in their order; without such a channel it is not proposed.

    Args:
        stands: How every action stood when the week began, from `standing`.
        week: Week the proposals are for.
        config: Actions and routes.

    Returns:
        One row per action and account with `policy.COLUMNS`; they are for the account as a whole.
    """
    import pandas as pd

    actions = {action.id: action for action in config.matrix}
    friday, last = (pd.Timestamp(day) for day in (week.first + timedelta(days=4), week.last))
    rows = stands[stands["state"].isin([DUE, OVERDUE]) & (stands["deadline"] <= last)].reset_index(drop=True)
    # What was due by the Sunday on which the week is looked at is late once the week has begun.
    rows = rows.assign(state=rows["state"].mask(rows["deadline"] < pd.Timestamp(week.first), OVERDUE))
    acts = [actions[name] for name in rows["action"]]
    ways = [channels_of(action, str(tier), config) for action, tier in zip(acts, rows["tier"], strict=True)]
    made = rows.assign(
        rule=rows["action"],
        family=["lifecycle" if action.where is None else "behaviour" for action in acts],
        play=[action.contents[0] if action.contents else action.id for action in acts],
        mode=["human" if action.by == "csm" else "automated" for action in acts],
        purpose=[action.purpose for action in acts],
        channel=pd.Series([next(iter(way), None) for way in ways], rows.index, dtype="str"),
        fallbacks=pd.Series([FALLBACKS.join(way[1:]) or None for way in ways], rows.index, dtype="str"),
        priority=[PRIORITY[action.by, state] for action, state in zip(acts, rows["state"], strict=True)],
        reason=[text(_why(row)) for row in rows.to_dict("records")],
        due_on=rows["deadline"].where(rows["state"].eq(DUE), friday),
        is_must_do=False,
        program=[f"{STEM}.{action.id}" for action in acts],
        expires_on=last,
    )
    kept = made[made["channel"].notna() | made["mode"].eq("human")]
    return proposals(kept.drop(columns=[name for name in kept if name not in COLUMNS]), STEM, week)


def channels_of(action: Action, tier: str, config: Config) -> tuple[str, ...]:
    """Return the channels an action is proposed on, the first one first; () where nothing says which one.

    People have one channel, and the system those that follow on its route too, for when the first is not allowed.

    Args:
        action: What is done.
        tier: Value tier of the account.
        config: Routes of the tiers.
    """
    others = BY_SYSTEM if action.by == "csm" else BY_HAND
    able = [name for name in config.routes.get(tier, ()) if name not in others]
    fitting = [name for name in able if not action.channels or name in action.channels]
    if action.by == "csm":
        # A kind of meeting needs no channel; what counts by its channel alone has to be done on one that counts.
        return () if action.meetings and not action.channels else (*fitting, *action.channels)[:1]
    return tuple(fitting)


def _why(row: dict[Any, Any]) -> Message:
    if row["state"] == OVERDUE:
        return say(
            "{does}: overdue since {day:date} ({stage:word})", does=row["does"], day=row["deadline"], stage=row["stage"]
        )
    return say("{does}: due by {day:date} ({stage:word})", does=row["does"], day=row["deadline"], stage=row["stage"])
