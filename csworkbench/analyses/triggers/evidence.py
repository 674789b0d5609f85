"""What the page rests on: events, measures week by week, who was touched, and which accounts were lost afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers import events as happened
from csworkbench.analyses.triggers.kinds import (
    Activity,
    Behaviour,
    OpenTicket,
    SignUp,
    TicketCluster,
    Trigger,
)
from csworkbench.analyses.triggers.panel import Panel, panel
from csworkbench.analyses.triggers.reading import DAY, NUMBER, TEXT, WHEN, frame, rows
from csworkbench.analyses.triggers.settings import Config
from csworkbench.asof import Snapshot, earlier
from csworkbench.features import missing_tables
from csworkbench.features.listed import NOT_KNOWN, with_two_csms
from csworkbench.policy import Week, require_channels, week_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

STEM = "triggers"
NO_ONE = "nobody"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs, as it was known when the week began.

    Args:
        as_of: Date of the page.
        week: Week of the proposals.
        panel: Accounts week by week: measures, whom triggers are about, losses.
        events: Trigger -> what happened, see `events.EVENTS`; of those that follow records.
        left_out: Trigger -> why it is left out, in words.
        accounts: By account_id: name, csm_id (missing = nobody), tier, signup_on, paid_on, churned_on, arpa (revenue
            per month in the currency of the workspace, missing = not known), has_phone (missing = nobody records it),
            qualification.
        touches: Touches by people: account_id, happened_on; None = nobody records who touches.
        tasks: account_id, task_id, trigger, made_on, due_on, done_on, status, remedy, cause, risk.
        tickets: account_id, topic, configuration, opened_on; empty where no trigger looks at pairs.
        families: Touches of the last weeks: family, mode, touches.
        csms: How many people look after accounts.
        doubled: Accounts with two CSMs at once: see `with_two_csms`.
        impossible: Records that contradict themselves: contacts who left before they came, by table.
        cap: Most proposals of a week for one CSM.
        currency: Of the workspace.
        unknown_currencies: Currencies without a rate, whose accounts have no revenue here.
        slow_days: Days in which nine of ten tickets are resolved, as a proposal; None = nobody can tell.
        columns_of_today: Columns that past weeks show with today's value.
    """

    as_of: date
    week: Week
    panel: Panel
    events: "Mapping[str, pd.DataFrame]"
    left_out: Mapping[str, str]
    accounts: "pd.DataFrame"
    touches: "pd.DataFrame | None"
    tasks: "pd.DataFrame"
    tickets: "pd.DataFrame"
    families: "pd.DataFrame"
    csms: int
    doubled: "pd.DataFrame"
    impossible: Mapping[str, int]
    cap: int
    currency: str
    unknown_currencies: tuple[str, ...]
    slow_days: float | None
    columns_of_today: tuple[str, ...]


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return what the triggers look at, and what came of it.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: the triggers decide what is read.
        upstream: Not used: the page needs no other result.

    Raises:
        AnalysisError: a trigger names a channel that nobody knows.
        ConfigError: a condition or measure reads an attribute that is not there, or tests it in a way that does not
            fit.
    """
    del upstream
    asked = {name: each.channel for name, each in config.triggers.items() if each.channel is not None}
    require_channels(snapshot, {f"triggers.{name}.channel": (channel,) for name, channel in asked.items()})
    week = week_of(snapshot.as_of)
    before = earlier(snapshot, week.known)
    left_out = {name: why for name, each in config.triggers.items() if (why := _why_left_out(each, before))}
    here = {name: each for name, each in config.triggers.items() if name not in left_out}
    seen = panel(before, config, here)
    slow = None
    if any(isinstance(each, OpenTicket) for each in here.values()):
        slow = happened.resolved_within(before, seen.learned_until(config), happened.SLOW_SHARE)
        here = {name: _with_days(each, slow) for name, each in here.items()}
    accounts, unknown = _accounts(before, config, asks_phone=any(isinstance(each, SignUp) for each in here.values()))
    found = {
        name: happened.events(each, before)
        for name, each in here.items()
        if not isinstance(each, Behaviour | TicketCluster) and each.confirmed
    }
    return Inputs(
        as_of=snapshot.as_of,
        week=week,
        panel=seen,
        events=found,
        left_out=left_out,
        accounts=accounts,
        touches=_touches(before),
        tasks=_tasks(before),
        tickets=_tickets(before, here),
        families=_families(before),
        csms=int(accounts.loc[accounts["churned_on"].isna(), "csm_id"].nunique()),
        doubled=with_two_csms(before, accounts[accounts["churned_on"].isna()]),
        impossible=_impossible(before),
        cap=snapshot.workspace.contact_policy.notices_per_csm,
        currency=snapshot.workspace.currency,
        unknown_currencies=unknown,
        slow_days=slow,
        columns_of_today=_of_today(before, here),
    )


def tiers_of(inputs: Inputs) -> "NDArray[np.object_]":
    """Return the tier of each account, in the order of the panel.

    Args:
        inputs: Accounts and their weeks.
    """
    found: NDArray[np.object_] = (
        inputs.accounts["tier"].reindex(inputs.panel.accounts).fillna(NOT_KNOWN).to_numpy(dtype=object)
    )
    return found


def _with_days(trigger: Trigger, slow: float | None) -> Trigger:
    """Return a trigger on open tickets with the days the data propose, so that the past can judge them."""
    if not isinstance(trigger, OpenTicket) or trigger.confirmed or slow is None:
        return trigger
    return trigger.model_copy(update={"days": min(365, round(slow))})


def _why_left_out(trigger: Trigger, before: Snapshot) -> str:
    """Return why a trigger has nothing to look at; "" = it has."""
    if isinstance(trigger, Behaviour):
        absent = [each for names in missing_tables({"": trigger.measure}, before).values() for each in names]
    else:
        absent = [each for each in trigger.reads if each not in before.tables]
    if absent:
        return f"needs {' and '.join(f'`{each}`' for each in absent)}"
    if isinstance(trigger, Behaviour):
        return ""
    table = trigger.reads[0]
    wanted = (trigger.anchor,) if trigger.kind == "calendar" else trigger.needs
    if isinstance(trigger, Activity):
        wanted = ("feature",) if trigger.what == "feature" else ("user_id",)
        if trigger.what == "feature" and not trigger.features and "features" not in before.tables:
            return "needs `features`, which says which are of high value, or `features` of the trigger"
    lacking = [each for each in wanted if each not in before.tables[table].columns]
    return f"`{table}` lacks {', '.join(lacking)}" if lacking else ""


def _accounts(before: Snapshot, config: Config, *, asks_phone: bool) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """Return the accounts, and the currencies nobody gave a rate of."""
    import pandas as pd

    from csworkbench.features import owners

    columns = {
        "account_id": TEXT, "name": TEXT, "value_tier": TEXT, "arr": NUMBER, "currency": TEXT, "qualification": TEXT,
        "signup_at": WHEN, "paid_at": WHEN, "churned_at": WHEN,
    }  # fmt: skip
    found = rows(before, "accounts", columns).drop_duplicates("account_id").set_index("account_id").sort_index()
    home = before.workspace.currency
    currency = found["currency"].fillna(home)
    rate = currency.map({**config.currency_rates, home: 1.0}).astype(float)
    unknown = sorted(set(currency[rate.isna() & found["arr"].notna() & found["churned_at"].isna()]))
    phone: pd.Series = pd.Series(pd.NA, index=found.index, dtype="boolean")
    if asks_phone and {"contacts", "contact_pii"} <= set(before.tables):
        people = rows(before, "contacts", {"contact_id": TEXT, "account_id": TEXT, "left_at": WHEN})
        reached = rows(before, "contact_pii", {"contact_id": TEXT, "phone": TEXT}).dropna(subset=["phone"])
        here = people[people["left_at"].isna() & people["contact_id"].isin(reached["contact_id"])]
        phone = pd.Series(found.index.isin(here["account_id"]), found.index, dtype="boolean")
    full = found.assign(
        name=found["name"].fillna(found.index.to_series()),
        csm_id=owners(before).reindex(found.index),
        tier=found["value_tier"],
        arpa=found["arr"] * rate / 12,
        has_phone=phone,
    )
    named = full.rename(columns={"signup_at": "signup_on", "paid_at": "paid_on", "churned_at": "churned_on"})
    kept = ["name", "csm_id", "tier", "signup_on", "paid_on", "churned_on", "arpa", "has_phone", "qualification"]
    return named[kept], tuple(unknown)


def _touches(before: Snapshot) -> "pd.DataFrame | None":
    """Return the touches by people, by account and day; None where no table or column tells."""
    table = before.tables.get("touches")
    if table is None or "mode" not in table.columns or "account_id" not in table.columns:
        return None
    by_hand = table.filter(table["mode"] == "human", table.account_id.notnull())  # noqa: PD004 - an expression
    found = frame(by_hand, {"account_id": TEXT, "sent_at": WHEN}, before.workspace.timezone)
    days: pd.DataFrame = found.rename(columns={"sent_at": "happened_on"}).drop_duplicates()
    return days.sort_values(["account_id", "happened_on"], ignore_index=True)


TASKS = {
    "task_id": TEXT, "account_id": TEXT, "trigger": TEXT, "known_at": WHEN, "due_at": WHEN, "done_at": WHEN,
    "status": TEXT, "risk": TEXT, "cause": TEXT, "remedy": TEXT,
}  # fmt: skip
_RENAMED = {"known_at": "made_on", "due_at": "due_on", "done_at": "done_on"}


def _tasks(before: Snapshot) -> "pd.DataFrame":
    import pandas as pd

    if "tasks" not in before.tables:
        empty = {name: pd.Series(dtype=DAY if kind == WHEN else "str") for name, kind in TASKS.items()}
        return pd.DataFrame(empty).rename(columns=_RENAMED)
    found = rows(before, "tasks", TASKS).rename(columns=_RENAMED)
    return found.sort_values("task_id", ignore_index=True)


def _tickets(before: Snapshot, here: Mapping[str, Trigger]) -> "pd.DataFrame":
    import pandas as pd

    columns = {"account_id": TEXT, "topic": TEXT, "configuration": TEXT, "opened_at": WHEN}
    if not any(isinstance(each, TicketCluster) for each in here.values()):
        found = pd.DataFrame({name: pd.Series(dtype=DAY if kind == WHEN else "str") for name, kind in columns.items()})
    else:
        found = rows(before, "tickets", columns).dropna(subset=["account_id"])
    ordered = found.rename(columns={"opened_at": "opened_on"})
    return ordered.sort_values(["opened_on", "account_id", "topic", "configuration"], ignore_index=True)


FAMILY_WEEKS = 13


def _families(before: Snapshot) -> "pd.DataFrame":
    """Return the touches of the last quarter by family and mode; no rows where nobody records them."""
    import pandas as pd

    from csworkbench.asof import since

    table = before.tables.get("touches")
    columns = ["family", "mode", "touches"]
    if table is None or not {"family", "mode"} <= set(table.columns):
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype({"touches": "int64"})
    first = before.as_of - timedelta(weeks=FAMILY_WEEKS) + timedelta(days=1)
    recent = table.filter(since(table.sent_at, first, before.workspace.timezone))
    counted = recent.group_by(["family", "mode"]).agg(touches=recent.count()).to_pandas()
    kept: pd.DataFrame = counted.dropna(subset=["family", "mode"]).sort_values(["family", "mode"], ignore_index=True)
    return kept.astype({"family": "str", "mode": "str", "touches": "int64"})


def _impossible(before: Snapshot) -> dict[str, int]:
    """Return how many records contradict themselves, by table."""
    asked = {
        "contacts": ("added_at", "left_at"),
        "tickets": ("opened_at", "resolved_at"),
        "accounts": ("signup_at", "churned_at"),
    }
    found = {}
    for table, (first, last) in asked.items():
        if table in before.tables and {first, last} <= set(before.tables[table].columns):
            days = rows(before, table, {first: WHEN, last: WHEN})
            if wrong := int((days[last] < days[first]).sum()):
                found[table] = wrong
    return found


def _of_today(before: Snapshot, here: Mapping[str, Trigger]) -> tuple[str, ...]:
    """Return the columns whose past nobody recorded, so that past weeks show today's value."""
    read = {"accounts": set(), "contacts": {"role"}, "subscriptions": set(), "renewals": set()}  # type: dict[str, set[str]]
    for trigger in here.values():
        if trigger.where is not None:
            read["accounts"] |= trigger.where.attributes()
        if isinstance(trigger, Behaviour):
            for table, columns in trigger.measure.overwritten.items():
                read.setdefault(table, set()).update(columns)
    used = {table for trigger in here.values() for table in ("accounts", *getattr(trigger, "reads", ()))}
    past = earlier(before, before.as_of - timedelta(weeks=4))
    found = {
        f"{table}.{column}"
        for table in used & set(read) & set(before.tables)
        for column in read[table] & set(past.unrecorded(table))
    }
    return tuple(sorted(found))
