"""What happened after a date, for whoever predicts it: labels in (date, date + horizon], known by the snapshot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from csworkbench.asof.days import with_local_day
from csworkbench.errors import NothingToAnalyze, Problem

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof.snapshot import Snapshot


class Part(StrEnum):
    """What the rows of a date may be used for: those whose labels reach over the cut are used for neither."""

    TRAIN = "train"
    PURGED = "purged"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which the labels of one date lie.

    Args:
        snapshot_date: Day up to which a prediction may know anything.
        first: First day of the labels.
        last: Last day of the labels.
        part: Train, test, or neither.
    """

    snapshot_date: date
    first: date
    last: date
    part: Part


def windows(dates: Iterable[date], horizon_days: int, cut: date, *, lead_days: int = 0) -> tuple[Window, ...]:
    """Return the label window of each date, split by a day so that no label of the one side is known to the other.

    Args:
        dates: Dates of the predictions, in any order; a repeated one counts once.
        horizon_days: Labels reach to this many days after the date.
        cut: A date trains when its labels end on this day or before, and tests when it lies on it or after.
        lead_days: Days after the date whose labels come too soon to act on; they belong to no window.

    Returns:
        One window per date, ascending.

    Raises:
        ValueError: the lead time leaves no day for labels.
    """
    if not 0 <= lead_days < horizon_days:
        raise ValueError(f"a horizon of {horizon_days} days has no room for a lead time of {lead_days}")
    return tuple(
        Window(
            day,
            day + timedelta(days=lead_days + 1),
            last := day + timedelta(days=horizon_days),
            Part.TRAIN if last <= cut else Part.TEST if day >= cut else Part.PURGED,
        )
        for day in sorted(set(dates))
    )


def labels(snapshot: "Snapshot", table: Literal["accounts", "renewals"], windows: Sequence[Window]) -> "pd.DataFrame":
    """Return what happened in the window of each date, as far as the snapshot knows it.

    What became known after `snapshot.as_of` is open; to bound the labels by another day, cut the snapshot there. An
    account counts at the dates at which it had signed up and had not left before the window began, and again from the
    day it came back; a renewal where its account had signed up by the date, it was not decided before the window began,
    and was decided in it or due by its end.

    Args:
        snapshot: What is known of the outcomes: the book as of the day of the study, not of the predictions.
        table: Whose outcomes: whether accounts left, or how renewals were decided.
        windows: What `windows` returned, at least one.

    Returns:
        One row per date and account, or date and renewal, ascending: snapshot_date (datetime64), part, renewal_id and
        due_date (renewals only), account_id, outcome, happened_on (datetime64, missing where nothing happened) and
        is_complete (the window ends by `snapshot.as_of`). Accounts are churned, stayed, or open where nothing happened
        in a window that is not complete. Renewals have the outcome of their table, or are open where nothing was
        decided in the window: censored, never renewed.

    Raises:
        NothingToAnalyze: the snapshot lacks the table, or a column that tells or dates the outcome.
        ValueError: there is no window.
    """
    import pandas as pd

    if not windows:
        raise ValueError("labels need at least one window")
    rows_in, facts = (_churns, _accounts(snapshot)) if table == "accounts" else (_decisions, _renewals(snapshot))
    found = pd.concat([rows_in(facts, window, snapshot.as_of) for window in windows])
    keys = [name for name in ("renewal_id", "account_id", "due_date") if name in found.columns]
    ordered = found.sort_values(["snapshot_date", keys[0]], ignore_index=True)
    return ordered[["snapshot_date", "part", *keys, "outcome", "happened_on", "is_complete"]]


def _accounts(snapshot: "Snapshot") -> "pd.DataFrame":
    """Return the days each account came (missing: always there) and left, a row for each time it was a customer.

    It came back where a version without a departure follows one with it. A departure that a later version took back
    before its day never happened.
    """
    import ibis

    rows = _recorded(snapshot, "accounts", ("account_id", "churned_at"))
    absent = {name: ibis.null("date") for name in ("signup_at", "valid_from") if name not in rows.columns}
    wanted = ("account_id", "valid_from", "signup_at", "churned_at")
    versions = rows.mutate(**absent).select(*wanted).to_pandas().sort_values(["account_id", "valid_from"])
    following = versions.groupby("account_id")["valid_from"].shift(-1)
    left_on = versions["churned_at"].mask(following <= versions["churned_at"])
    has_left = left_on.notna()
    is_back = ~has_left & has_left.groupby(versions["account_id"]).shift(fill_value=False)
    versions = versions.assign(
        came_on=versions["signup_at"].mask(is_back, versions["valid_from"]),
        happened_on=left_on,
        stay=is_back.groupby(versions["account_id"]).cumsum(),
    )
    stays = versions.groupby(["account_id", "stay"])
    first, last = stays["came_on"].transform("first"), stays["happened_on"].transform("last")
    found: pd.DataFrame = versions.assign(came_on=first, happened_on=last).drop_duplicates(["account_id", "stay"])
    return found


def _renewals(snapshot: "Snapshot") -> "pd.DataFrame":
    """Return the renewals with the day their account came, and the day they were decided, missing where open."""
    import ibis

    rows = _recorded(snapshot, "renewals", ("renewal_id", "account_id", "due_date", "decided_at", "outcome"))
    accounts = _recorded(snapshot, "accounts", ("account_id",))
    if "signup_at" not in accounts.columns:
        accounts = accounts.mutate(signup_at=ibis.null("date"))
    came = accounts.group_by("account_id").agg(came_on=accounts.signup_at.min())
    is_decided = rows.outcome.fill_null("open") != "open"
    decided_on = ibis.ifelse(is_decided, rows.decided_at, ibis.null("date"))
    decided = rows.select("renewal_id", "account_id", "due_date", "outcome", happened_on=decided_on)
    frame: pd.DataFrame = decided.left_join(came, "account_id").drop("account_id_right").to_pandas()
    return frame


def _recorded(snapshot: "Snapshot", table: str, needs: tuple[str, ...]) -> "ir.Table":
    """Return every version of a table that is known, with its instants as days of the workspace's calendar."""
    rows = snapshot.history.get(table)
    absent = [name for name in needs if rows is None or name not in rows.columns]
    if rows is None or absent:
        lack = f"needs `{table}`" if rows is None else f"{table} lacks {', '.join(absent)}"
        hint = "add it under tables in the workspace"
        raise NothingToAnalyze(Problem(f"outcomes are not recorded: {lack}", hint=hint))
    for name in ("signup_at", "churned_at", "decided_at"):
        if name in rows.columns:
            rows = with_local_day(rows, name, snapshot.workspace.timezone).drop(name).rename({name: "local_day"})
    return rows


def _churns(accounts: "pd.DataFrame", window: Window, known_on: date) -> "pd.DataFrame":
    """Return the accounts that were there at the date and had not left before the window began."""
    left_on = accounts["happened_on"]
    rows = _in_window(
        accounts[_has_come(accounts, window) & (left_on.isna() | (left_on >= _day(window.first)))], window, known_on
    )
    otherwise = "stayed" if window.last <= known_on else "open"
    return rows.assign(outcome=rows["happened_on"].notna().map({True: "churned", False: otherwise}))


def _decisions(renewals: "pd.DataFrame", window: Window, known_on: date) -> "pd.DataFrame":
    """Return the renewals open when the window began and decided in it or due by its end, of accounts there."""
    decided_on, last = renewals["happened_on"], _day(window.last)
    is_open = decided_on.isna() | (decided_on >= _day(window.first))
    is_due = (decided_on <= last) | (renewals["due_date"] <= last)
    rows = _in_window(renewals[_has_come(renewals, window) & is_open & is_due], window, known_on)
    return rows.assign(outcome=rows["outcome"].where(rows["happened_on"].notna(), "open"))


def _has_come(rows: "pd.DataFrame", window: Window) -> "pd.Series[bool]":
    return rows["came_on"].isna() | (rows["came_on"] <= _day(window.snapshot_date))


def _in_window(rows: "pd.DataFrame", window: Window, known_on: date) -> "pd.DataFrame":
    """Return the rows with the columns of the window, and without what happened after it."""
    happened_on = rows["happened_on"].where(rows["happened_on"] <= _day(window.last))
    return rows.assign(
        snapshot_date=_day(window.snapshot_date),
        part=window.part.value,
        happened_on=happened_on,
        is_complete=window.last <= known_on,
    )


def _day(day: date) -> "pd.Timestamp":
    import pandas as pd

    return pd.Timestamp(day)
