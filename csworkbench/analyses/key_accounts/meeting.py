"""Regular meetings held in their cadence, and what called for a key-point meeting and got none."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.settings import Config, KeyPoint
from csworkbench.analyses.key_accounts.sheets import within

if TYPE_CHECKING:
    import pandas as pd

CADENCE = ["tier", "cadence_days", "accounts", "periods", "held", "share", "low", "high", "overdue"]
OVERDUE = ["account_id", "name", "tier", "csm", "last_on", "days_since", "cadence_days", "next_on"]
POINT = ["event", "events", "met", "share", "low", "high", "accounts"]
MISSING = ["account_id", "name", "csm", "event", "what", "due_on", "state"]
LATE, UPCOMING = "had none", "still to hold"


def cadence_table(inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return how many periods of the cadence had a regular meeting, and who has waited longer than one.

    Args:
        inputs: Meetings and accounts.
        config: Cadence per tier, window and level.

    Returns:
        One row per tier: CADENCE; periods go back from the date as far as the window and the account do, the first one
        whole; overdue = accounts without a meeting for longer than a period. And one row per overdue account: OVERDUE;
        last_on missing = none was ever held, next_on = the next one planned.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    there = inputs.accounts[inputs.accounts["left_on"].isna()]
    held = inputs.tables["meetings"]
    regular = held[(held["kind"] == "regular") & held["held_at"].notna()]
    ahead = held[held["held_at"].isna() & (held["planned_at"] > pd.Timestamp(inputs.as_of))]
    lines, late = [], []
    for tier, days in config.cadence_days.items():
        part = there[there["tier"] == tier]
        mine = regular[regular["account_id"].isin(part.index)]
        age = (pd.Timestamp(inputs.as_of) - mine["held_at"].astype("datetime64[s]")).dt.days
        back = (pd.Timestamp(inputs.as_of) - part["began_on"]).dt.days.clip(upper=config.window_days)
        trials = (back // days).astype(float)
        place = age // days
        is_in = (age >= 0) & (place < mine["account_id"].map(trials).astype(float))
        hits = mine[is_in].assign(place=place[is_in]).groupby("account_id")["place"].nunique()
        found = share_of(hits.reindex(part.index).fillna(0.0).astype(float), trials, config.level)
        last = mine.groupby("account_id")["held_at"].max().reindex(part.index).astype("datetime64[s]")
        since = (pd.Timestamp(inputs.as_of) - last.fillna(part["began_on"])).dt.days
        behind = since[since > days].index
        following = ahead[ahead["account_id"].isin(behind)].groupby("account_id")["planned_at"].min()
        lines.append(
            (
                tier, days, len(part), int(trials.sum()), int(hits.sum()), found.value, found.low, found.high,
                len(behind),
            )
        )  # fmt: skip
        rows = part.loc[behind, ["name", "tier", "csm"]].assign(
            last_on=last[behind],
            days_since=since[behind],
            cadence_days=days,
            next_on=following.reindex(behind).astype("datetime64[s]"),
        )
        late.append(rows.rename_axis("account_id").reset_index()[OVERDUE])
    empty = pd.DataFrame(columns=OVERDUE)
    overdue = pd.concat([each for each in late if len(each)] or [empty], ignore_index=True)
    ordered = (
        overdue.assign(periods=overdue["days_since"] / overdue["cadence_days"])
        .sort_values(["periods", "account_id"], ascending=[False, True], ignore_index=True)
        .drop(columns="periods")
    )
    return pd.DataFrame(lines, columns=CADENCE), ordered


def key_point_table(inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return how many happenings had the meeting they call for, and which have none.

    Args:
        inputs: Meetings, renewals and tickets of the key accounts.
        config: What calls for a meeting, and the window.

    Returns:
        One row per event of the last window whose time for a meeting is over, at key accounts that have left since
        too: POINT. And one row per key account that is there and happening without a meeting: MISSING; state says
        whether its time is over or still runs.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of_rows

    lines, missing = [], []
    for rule in config.key_points:
        events = _events(inputs, config, rule)
        over = events[events["is_over"]]
        found = share_of_rows(over["is_met"], over["account_id"], config.level)
        lines.append((rule.event, len(over), int(over["is_met"].sum()), found.value, found.low, found.high, found.n))
        open_ones = events[~events["is_met"] & events["account_id"].isin(inputs.key.index)]
        about = inputs.key.loc[open_ones["account_id"], ["name", "csm"]].reset_index(drop=True)
        rows = open_ones.reset_index(drop=True).assign(
            event=rule.event, state=[LATE if each else UPCOMING for each in open_ones["is_over"]]
        )
        missing.append(pd.concat([rows, about], axis=1)[MISSING])
    empty = pd.DataFrame(columns=MISSING)
    every = pd.concat([each for each in missing if len(each)] or [empty], ignore_index=True)
    ordered = every.sort_values(["state", "due_on", "account_id"], ascending=[False, False, True], ignore_index=True)
    return pd.DataFrame(lines, columns=POINT), ordered


def called_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what called for the meetings held at key accounts in the window, emergencies among them.

    Args:
        inputs: Meetings.
        config: Window.

    Returns:
        One row per kind and trigger: kind, trigger ("" = none), meetings, accounts.
    """
    rows = inputs.tables["meetings"]
    mine = rows[rows["account_id"].isin(inputs.key.index)]
    held = mine[within(mine["held_at"].astype("datetime64[s]"), inputs, config)]
    groups = held.assign(trigger=held["trigger"].fillna("")).groupby(["kind", "trigger"])["account_id"]
    return groups.agg(meetings="size", accounts="nunique").reset_index()


def _events(inputs: Inputs, config: Config, rule: KeyPoint) -> "pd.DataFrame":
    """Return the happenings: account_id, what, due_on, is_over (the time for a meeting), is_met."""
    import pandas as pd

    rows = pd.DataFrame(list(_happenings(inputs, config, rule)), columns=["account_id", "what", "due_on"])
    rows = rows.astype({"due_on": "datetime64[s]"})
    now, day = pd.Timestamp(inputs.as_of), pd.Timedelta(days=1)
    first, last = rows["due_on"] - rule.before_days * day, rows["due_on"] + rule.after_days * day
    is_begun = (first <= now) & (last > now - config.window_days * day)
    lives = inputs.accounts[["began_on", "left_on"]].reindex(rows["account_id"]).set_axis(rows.index)
    rows = rows[is_begun & (first >= lives["began_on"]) & ~(first > lives["left_on"])]
    meetings = inputs.tables["meetings"]
    held = meetings[meetings["kind"].isin(rule.kinds) & meetings["held_at"].notna()]
    pairs = rows.reset_index().merge(held[["account_id", "held_at"]], on="account_id")
    inside = (pairs["held_at"] >= pairs["due_on"] - rule.before_days * day) & (
        pairs["held_at"] <= pairs["due_on"] + rule.after_days * day
    )
    return rows.assign(is_over=last[rows.index] < now, is_met=rows.index.isin(pairs.loc[inside, "index"]))


def _happenings(inputs: Inputs, config: Config, rule: KeyPoint) -> "Iterator[tuple[str, str, pd.Timestamp]]":
    if rule.event == "renewal":
        rows, what, day = inputs.tables["renewals"], "renewal_id", "due_date"
    else:
        tickets = inputs.tables["tickets"]
        rows, what, day = tickets[tickets["severity"].isin(config.serious)], "ticket_id", "opened_at"
    # Without those that have left, the share would be that of accounts that stayed.
    key = inputs.accounts.index[inputs.accounts["is_key"]]
    mine = rows[rows["account_id"].isin(key)].astype({day: "datetime64[s]"})
    for row in mine.to_dict("records"):
        yield str(row["account_id"]), str(row[what]), row[day].normalize()
