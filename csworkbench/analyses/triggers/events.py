"""What happened that a trigger looks at, one row per event, from the records of the book."""

from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers import kinds
from csworkbench.analyses.triggers.reading import DAY, TEXT, WHEN, YES, rows
from csworkbench.asof import Snapshot
from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

MORE = "more of "
"""How the transition begins of an upgrade that stays within its plan."""
EVENTS = {
    "account_id": "str",
    "happened_on": DAY,
    "subject": "str",
    "contact_id": "str",
    "amount": "float64",
    "other_on": DAY,
}
"""Columns of events: subject = what it is about, amount = how much, other_on = the day it leads to or came from."""


def none() -> "pd.DataFrame":
    """Return no events."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in EVENTS.items()})


def of(found: "pd.DataFrame", **columns: Any) -> "pd.DataFrame":
    """Return events in their columns, by day, account and subject; those without a day or an account are left out.

    Args:
        found: Rows with account_id and happened_on.
        columns: Further columns.
    """
    full = found.assign(**columns).reindex(columns=list(EVENTS)).dropna(subset=["account_id", "happened_on"])
    return full.astype(EVENTS).sort_values(["happened_on", "account_id", "subject"], ignore_index=True)


def events(trigger: kinds.Trigger, before: Snapshot) -> "pd.DataFrame":
    """Return what a trigger looks at; nothing for those that follow measures or the book as a whole.

    Args:
        trigger: The trigger; its tables and columns are there.
        before: The book as it was known when the week began.

    Returns:
        One row per event with `EVENTS`, by day.
    """
    match trigger:
        case kinds.Calendar():
            return _calendar(trigger, before)
        case kinds.SignUp():
            return _sign_up(trigger, before)
        case kinds.RepeatedQuestion():
            return _repeated_question(trigger, before)
        case kinds.OpenTicket():
            return _open_ticket(trigger, before)
        case kinds.RenewalWindow():
            return _renewal_window(trigger, before)
        case kinds.ContactReplaced():
            return _contact_replaced(trigger, before)
        case kinds.Upgrade():
            return _upgrade(trigger, before)
        case kinds.CancelRequest():
            return _cancel_request(trigger, before)
        case kinds.Activity():
            return _activity(trigger, before)
        case kinds.SharedLogin():
            return _shared_login(trigger, before)
    return none()


def _calendar(trigger: kinds.Calendar, before: Snapshot) -> "pd.DataFrame":
    import pandas as pd

    found = rows(before, "accounts", {"account_id": TEXT, trigger.anchor: WHEN})
    anchor = found[trigger.anchor]
    day = (anchor + pd.Timedelta(days=trigger.after_days)).astype(DAY)
    return of(found, happened_on=day, other_on=anchor, amount=float(trigger.after_days))


def _sign_up(trigger: kinds.SignUp, before: Snapshot) -> "pd.DataFrame":
    del trigger
    found = rows(before, "accounts", {"account_id": TEXT, "signup_at": WHEN})
    return of(found, happened_on=found["signup_at"])


def _repeated_question(trigger: kinds.RepeatedQuestion, before: Snapshot) -> "pd.DataFrame":
    """One event per ticket that is the last of so many about one topic within the window."""
    columns = {"account_id": TEXT, "topic": TEXT, "opened_at": WHEN, "is_feature_request": YES, "ticket_id": TEXT}
    found = rows(before, "tickets", columns).dropna(subset=["topic"])
    if trigger.only_requests:
        found = found[found["is_feature_request"]]
    ordered = found.sort_values(["account_id", "topic", "opened_at", "ticket_id"])
    first = ordered.groupby(["account_id", "topic"])["opened_at"].shift(trigger.times - 1)
    is_again = (ordered["opened_at"] - first).dt.days < trigger.window_days
    again = ordered.assign(other_on=first)[is_again]
    return of(again, happened_on=again["opened_at"], subject=again["topic"], amount=float(trigger.times))


def _open_ticket(trigger: kinds.OpenTicket, before: Snapshot) -> "pd.DataFrame":
    """One event per ticket, on the day it has been open for too long."""
    import pandas as pd

    columns = {"account_id": TEXT, "ticket_id": TEXT, "topic": TEXT, "opened_at": WHEN, "resolved_at": WHEN}
    found = rows(before, "tickets", columns)
    day = (found["opened_at"] + pd.Timedelta(days=trigger.days or 0)).astype(DAY)
    is_open = (found["resolved_at"].isna() | (found["resolved_at"] > day)) & (day <= pd.Timestamp(before.as_of))
    late = found.assign(happened_on=day)[is_open]
    return of(late, subject=late["topic"].fillna(""), amount=float(trigger.days or 0), other_on=late["opened_at"])


def _renewal_window(trigger: kinds.RenewalWindow, before: Snapshot) -> "pd.DataFrame":
    """One event per renewal, on the day its window begins, or on which it becomes known where that is later."""
    import pandas as pd

    columns = {"account_id": TEXT, "renewal_id": TEXT, "due_date": WHEN, "decided_at": WHEN, "known_at": WHEN}
    found = rows(before, "renewals", columns)
    day = (found["due_date"] - pd.Timedelta(days=trigger.days)).astype(DAY)
    day = day.where(~(found["known_at"] > day), found["known_at"])
    is_open = (found["decided_at"].isna() | (found["decided_at"] > day)) & (day <= found["due_date"])
    entered = found.assign(happened_on=day)[is_open]
    return of(entered, subject=entered["renewal_id"], amount=float(trigger.days), other_on=entered["due_date"])


def _contact_replaced(trigger: kinds.ContactReplaced, before: Snapshot) -> "pd.DataFrame":
    """One event per account and day on which contacts of the roles left, with the nearest successor of the role."""
    columns = {"account_id": TEXT, "contact_id": TEXT, "role": TEXT, "added_at": WHEN, "left_at": WHEN}
    found = rows(before, "contacts", columns)
    found = found[found["role"].isin(trigger.roles)]
    gone = found[found["left_at"].notna() & ~(found["left_at"] < found["added_at"])]
    here = found[found["left_at"].isna() & found["added_at"].notna()]
    pairs = gone.merge(here, on=["account_id", "role"], suffixes=("", "_new"))
    gap = (pairs["added_at_new"] - pairs["left_at"]).dt.days.abs()
    near = pairs.assign(gap=gap)[gap <= trigger.successor_days].sort_values(["gap", "contact_id_new"])
    successor = near.drop_duplicates("contact_id").set_index("contact_id")
    new, since = (successor[name].reindex(gone["contact_id"]).to_numpy() for name in ("contact_id_new", "added_at_new"))
    left = gone.assign(happened_on=gone["left_at"], subject=gone["contact_id"], other_on=since, contact_id=new)
    # Two records of one person leave on one day: that is one event, and the one with a successor says more.
    once = left.sort_values(["other_on", "subject"]).drop_duplicates(["account_id", "happened_on"])
    return of(once)


def _upgrade(trigger: kinds.Upgrade, before: Snapshot) -> "pd.DataFrame":
    """One event per upgrade; the subject is the transition from the plan of the row before it."""
    del trigger
    columns = {
        "account_id": TEXT, "subscription_id": TEXT, "start_date": WHEN, "plan": TEXT, "change_type": TEXT,
    }  # fmt: skip
    found = rows(before, "subscriptions", columns).sort_values(["account_id", "start_date", "subscription_id"])
    plan = found["plan"].fillna("?")
    before_it = plan.groupby(found["account_id"]).shift().fillna("?")
    transition = (before_it + " > " + plan).where(before_it != plan, MORE + plan)
    up = found.assign(subject=transition)[found["change_type"].eq("upgrade")]
    return of(up, happened_on=up["start_date"])


def _cancel_request(trigger: kinds.CancelRequest, before: Snapshot) -> "pd.DataFrame":
    del trigger
    found = rows(before, "cancel_requests", {"account_id": TEXT, "requested_at": WHEN, "reason": TEXT})
    return of(found, happened_on=found["requested_at"], subject=found["reason"].fillna(""))


def _activity(trigger: kinds.Activity, before: Snapshot) -> "pd.DataFrame":
    """One event per account and feature, or user, on its first day; what is new to the source is not new."""
    import pandas as pd

    column = "feature" if trigger.what == "feature" else "user_id"
    used = _used(before).filter(lambda table: table[column].notnull())  # noqa: PD004 - an expression of the engine
    wanted = _features(before, trigger)
    if trigger.what == "feature":
        used = used.filter(used.feature.isin(wanted))
    firsts = used.group_by(["account_id", column]).agg(happened_on=used.date.min())
    began = _used(before).group_by("account_id").agg(other_on=_used(before).date.min())
    found = firsts.left_join(began, "account_id").select("account_id", column, "happened_on", "other_on").to_pandas()
    for name in ("happened_on", "other_on"):
        found[name] = pd.to_datetime(found[name]).astype(DAY)
    quiet = pd.Timedelta(days=trigger.quiet_days)
    is_new = (found["happened_on"] > found["other_on"] + quiet) & (
        found["happened_on"] > found["other_on"].min() + quiet
    )
    new = found[is_new]
    return of(new, subject=new[column])


def _shared_login(trigger: kinds.SharedLogin, before: Snapshot) -> "pd.DataFrame":
    """One event per login and day that is the last of so many long ones within the window."""
    import pandas as pd

    usage = _used(before)
    days = usage.filter(usage.user_id.notnull()).group_by(["account_id", "user_id", "date"])  # noqa: PD004 - as above
    long = days.agg(minutes=usage.minutes.sum().cast("float64")).filter(
        lambda each: each.minutes > trigger.most_minutes
    )
    found = long.to_pandas().sort_values(["account_id", "user_id", "date"])
    found["date"] = pd.to_datetime(found["date"]).astype(DAY)
    first = found.groupby(["account_id", "user_id"])["date"].shift(trigger.days - 1)
    again = found.assign(other_on=first)[(found["date"] - first).dt.days < trigger.window_days]
    return of(again, happened_on=again["date"], subject=again["user_id"], amount=again["minutes"])


def _used(before: Snapshot) -> "ir.Table":
    kinds_of = {"user_id": "string", "feature": "string", "events": "int64", "minutes": "decimal(18, 6)"}
    usage = with_columns(before.tables["usage_daily"], **kinds_of)
    return usage.filter(usage.events.fill_null(1) > 0)


def _features(before: Snapshot, trigger: kinds.Activity) -> list[str]:
    """Return the features that count: those of the settings, else those of high value, else none."""
    if trigger.features or "features" not in before.tables:
        return sorted(trigger.features)
    found = rows(before, "features", {"feature": TEXT, "is_high_value": YES})
    return sorted(found.loc[found["is_high_value"], "feature"])


def resolved_within(before: Snapshot, until: date, share: float) -> float | None:
    """Return in how many days such a share of tickets is resolved, those still open counted as longer.

    Args:
        before: The book; tickets are there.
        until: Tickets opened by this day count, as they stood then.
        share: The share.

    Returns:
        Days; None where so many are not resolved, or there are fewer than 30 tickets.

    Source: Kaplan and Meier (1958), as in statsmodels `SurvfuncRight`.
    """
    import numpy as np
    import pandas as pd
    from statsmodels.duration.survfunc import SurvfuncRight

    found = rows(before, "tickets", {"opened_at": WHEN, "resolved_at": WHEN}).dropna(subset=["opened_at"])
    end = pd.Timestamp(until)
    found = found[(found["opened_at"] <= end) & ~(found["resolved_at"] < found["opened_at"])]
    if len(found) < LEAST_TICKETS:
        return None
    is_done = found["resolved_at"] <= end
    days = (found["resolved_at"].where(is_done, end) - found["opened_at"]).dt.days
    value = float(SurvfuncRight(days.to_numpy(), is_done.astype(int).to_numpy()).quantile(share))
    return value if np.isfinite(value) and value >= 1 else None


LEAST_TICKETS = 30
SLOW_SHARE = 0.9
