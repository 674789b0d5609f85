"""The time of people: what there is, and what calendars and official lists have taken of it already."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.weekly_list import asked
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.asof import Snapshot, earlier
from csworkbench.errors import AnalysisError, Problem, did_you_mean
from csworkbench.features import planned
from csworkbench.policy import Week

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sources import Contacted

STEM = "weekly_list"
TAKEN = {"csm_id": "str", "what": "str", "channel": "str", "told": "float64", "is_whole": "bool"}


def taken(before: Snapshot, now: Snapshot, week: Week, owners: Mapping[str, str]) -> "pd.DataFrame":
    """Return what takes the time of people already; the settings say how long.

    Args:
        before: The book when the week began.
        now: The book at the date of the page, with the lists that are official.
        week: The week.
        owners: account_id -> csm_id.

    Returns:
        One row each: csm_id, what (task, meeting, plan_step; call = on an official list of another page this week, or
        of an earlier week and still to be done), channel (of a call), told (minutes; missing = as the settings say),
        is_whole (told is what it takes of the person: of several chats at once a part).
    """
    import pandas as pd

    plans = planned(before, week.first, week.last)
    who = plans["csm_id"].fillna(plans["account_id"].map(dict(owners)))
    rows = pd.DataFrame({"csm_id": who, "what": plans["kind"], "channel": None, "told": None, "is_whole": True})
    done = set(asked.done(earlier(now, week.known))["proposal_id"])
    calls = []
    for each in now.released:
        is_theirs = each.first_day == week.first and each.analysis != STEM
        is_left = each.first_day < week.first <= expires_on(each) and each.proposal_id not in done
        if each.mode == "human" and each.csm_id and (is_theirs or is_left):
            told = float(each.row["minutes"]) if each.row.get("minutes") else None
            # The weekly list writes what a contact takes of a person, the others what it takes by itself.
            calls.append((each.csm_id, "call", each.channel, told, each.analysis == STEM))
    parts = [part.astype(TAKEN) for part in (rows, pd.DataFrame(calls, columns=list(TAKEN))) if len(part)]
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True) if parts else rows.astype(TAKEN)
    return whole


def expires_on(each: "Contacted") -> date:
    """Return the last day on which a row of an official list is done, the Sunday of its week where it says nothing.

    Args:
        each: The row.
    """
    written = each.row.get("expires_on", "")
    return date.fromisoformat(written) if written else each.first_day + timedelta(days=6)


def time_table(people: "pd.DataFrame", rows: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the time of people for customers, and what is taken of it.

    Args:
        people: By csm_id: capacity (minutes of a usual week, missing = not known).
        rows: From `taken`.
        config: Minutes of what is planned, of channels, and of people whose week is another one.

    Returns:
        By csm_id: capacity, planned (minutes).

    Raises:
        AnalysisError: the settings give time to somebody who is none of these people.
    """
    import pandas as pd

    unknown = [who for who in config.capacity_minutes if who not in people.index]
    if unknown:
        known = [str(who) for who in people.index]
        hint = f"known are {', '.join(known)}" if known else "csms has nobody"
        about = {who: did_you_mean(who, known, hint) for who in unknown}
        key, said = "capacity_minutes", "nobody in csms with a role of this list is"
        raise AnalysisError(*(Problem(f"{said} {who!r}", key=f"{key}.{who}", hint=hint) for who, hint in about.items()))
    capacity = pd.Series(config.capacity_minutes, dtype="float64").reindex(people.index).fillna(people["capacity"])
    usual, at_once = (of_channels(rows["channel"], config, name) for name in ("minutes", "at_once"))
    kinds = rows["what"].map(config.planned.model_dump()).astype("float64")
    minutes = rows["told"].fillna(kinds).fillna(usual).fillna(0.0) / at_once.fillna(1.0).where(~rows["is_whole"], 1.0)
    spent = minutes.groupby(rows["csm_id"]).sum().reindex(people.index).fillna(0.0)
    return pd.DataFrame({"capacity": capacity, "planned": spent.astype(float)})


def of_channels(names: "pd.Series[str]", config: Config, setting: str) -> "pd.Series[float]":
    """Return a number of the channel that each row names; missing where there is no such channel.

    Args:
        names: Names of channels.
        config: Settings of the channels.
        setting: minutes, at_once or reach.
    """
    return names.map({name: getattr(each, setting) for name, each in config.channels.items()}).astype("float64")
