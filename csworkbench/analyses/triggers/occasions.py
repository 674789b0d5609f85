"""Welcome calls that pay, tasks of renewals with their fields, and calls after an upgrade."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers import kinds
from csworkbench.analyses.triggers.evidence import Inputs
from csworkbench.analyses.triggers.settings import Config
from csworkbench.estimates import Estimate, say
from csworkbench.formats import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

WELCOME = {
    "trigger": "str", "account_id": "str", "name": "str", "csm_id": "str", "signup_on": "datetime64[s]",
    "arpa": "float64", "arpa_from": "str", "break_even": "float64", "has_phone": "boolean", "is_eligible": "bool",
    "why_not": "str", "can_ask_phone": "bool",
}  # fmt: skip
PAYING_DAYS = 90
FLOOD = "sign-ups are a free flood: too few come to pay"
NOT_QUALIFIED, NO_REVENUE, BELOW, NO_WAY = (
    "it does not fit who is called", "its revenue is not known", "its revenue does not pay for a call",
    "no phone number is known",
)  # fmt: skip


def paying(inputs: Inputs, level: float) -> Estimate:
    """Return the share of the sign-ups of a year that came to pay within 90 days.

    Args:
        inputs: Accounts.
        level: Coverage.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    last = pd.Timestamp(inputs.week.known - timedelta(days=PAYING_DAYS))
    known = inputs.accounts.dropna(subset=["signup_on"])
    here = known[(known["signup_on"] <= last) & (known["signup_on"] > last - pd.Timedelta(days=365))]
    if here["paid_on"].isna().all():
        return Estimate(None, "share", 0)
    paid = (here["paid_on"] - here["signup_on"]).dt.days <= PAYING_DAYS
    return share_of(paid.astype(float), pd.Series(1.0, index=paid.index), level)


def welcome_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the new accounts, who of them is worth a welcome call, and why the others are not.

    Args:
        inputs: Accounts and what they used first.
        config: The triggers, and how long their alerts are open.

    Returns:
        One row per trigger on sign-ups and new account that is still there, the newest first: trigger, account_id,
        name, csm_id, signup_on, arpa (revenue per month, currency of the workspace), arpa_from (own, tier, book: whose
        it is), break_even, has_phone, is_eligible, why_not ("" = eligible), can_ask_phone (only the phone number is
        missing, and the account has just used a feature of high value: ask for it there).
    """
    import pandas as pd

    first = pd.Timestamp(inputs.week.known - timedelta(days=config.open_days - 1))
    new = inputs.accounts[(inputs.accounts["signup_on"] >= first) & inputs.accounts["churned_on"].isna()]
    excited = _excited(inputs, config, first)
    share, lines = paying(inputs, config.level), []
    for name, trigger in config.triggers.items():
        if not isinstance(trigger, kinds.SignUp) or name in inputs.left_out:
            continue
        for account, row in new.iterrows():
            arpa, source = _arpa(inputs, row)
            why = _why_not(trigger, row, arpa, share)
            can_ask = why == NO_WAY and account in excited
            lines.append(
                (name, account, row["name"], row["csm_id"], row["signup_on"], arpa, source, trigger.break_even,
                 row["has_phone"], why == "", why, can_ask)
            )  # fmt: skip
    made = pd.DataFrame(lines, columns=list(WELCOME)).astype(WELCOME)
    return made.sort_values(["trigger", "signup_on", "account_id"], ascending=[True, False, True], ignore_index=True)


def _excited(inputs: Inputs, config: Config, first: Any) -> set[str]:
    """Return the accounts that used a feature of high value for the first time since a day."""
    found: set[str] = set()
    for name, trigger in config.triggers.items():
        if isinstance(trigger, kinds.Activity) and trigger.what == "feature" and name in inputs.events:
            events = inputs.events[name]
            found |= set(events.loc[events["happened_on"] >= first, "account_id"])
    return found


def _arpa(inputs: Inputs, row: "pd.Series[Any]") -> tuple[float | None, str]:
    """Return the revenue per month of an account, else the mean of its tier, else of the book, and whose it is."""
    import pandas as pd

    if pd.notna(row["arpa"]) and row["arpa"] > 0:
        return float(row["arpa"]), "own"
    others = inputs.accounts[inputs.accounts["churned_on"].isna() & inputs.accounts["arpa"].notna()]
    alike = others[others["tier"] == row["tier"]]
    for rows, source in ((alike, "tier"), (others, "book")):
        if len(rows):
            return float(rows["arpa"].mean()), source
    return None, ""


def _why_not(trigger: kinds.SignUp, row: "pd.Series[Any]", arpa: float | None, share: Estimate) -> str:
    """Return why a new account is not called; "" = it is."""
    import pandas as pd

    if share.high is not None and share.high < trigger.least_paying:
        return FLOOD
    has_phone = bool(pd.notna(row["has_phone"]) and row["has_phone"])
    if trigger.qualified and row["qualification"] not in trigger.qualified:
        return NOT_QUALIFIED
    if arpa is None:
        return NO_REVENUE
    if arpa < trigger.break_even:
        return BELOW
    return "" if "in_app" in trigger.ways or has_phone else NO_WAY


RENEWALS = {
    "trigger": "str", "renewal_id": "str", "account_id": "str", "name": "str", "csm_id": "str",
    "due_on": "datetime64[s]", "visit_on": "datetime64[s]", "risk": "str", "cause": "str", "remedy": "str",
    "warnings": "str", "why_not": "str",
}  # fmt: skip


def renewal_table(inputs: Inputs, config: Config, alerts: "pd.DataFrame", asking: "pd.DataFrame") -> "pd.DataFrame":
    """Return the tasks of the renewals whose window has just begun, with the fields each of them has.

    Args:
        inputs: Touches and tasks.
        config: The triggers.
        alerts: From `firing.alerts`.
        asking: From `asking.open_alerts`.

    Returns:
        One row per renewal: trigger, renewal_id, account_id, name, csm_id, due_on, visit_on (newest touch by a person;
        missing = none), risk, cause and remedy (as the CSM last wrote them; missing = to be filled in), warnings
        (triggers that alerted in the 90 days before), why_not ("" = the task is asked for).
    """
    import pandas as pd

    names = [name for name, each in config.triggers.items() if isinstance(each, kinds.RenewalWindow)]
    warns = [name for name, each in config.triggers.items() if each.is_warning]
    here = asking[asking["trigger"].isin(names)]
    since = pd.Timestamp(inputs.week.known - timedelta(days=90))
    recent = alerts[alerts["trigger"].isin(warns) & (alerts["happened_on"] > since)]
    told = recent.groupby("account_id")["trigger"].agg(lambda each: ", ".join(sorted(set(each)))).to_dict()
    written = {
        field: inputs.tasks.dropna(subset=[field])
        .sort_values(["made_on", "task_id"])
        .drop_duplicates("account_id", keep="last")
        .set_index("account_id")[field]
        .to_dict()
        for field in ("risk", "cause", "remedy")
    }
    touches = inputs.touches
    visits = {} if touches is None else touches.groupby("account_id")["happened_on"].max().to_dict()
    account = here["account_id"]
    made = here.assign(
        renewal_id=here["subject"],
        due_on=here["other_on"],
        visit_on=pd.Series([visits.get(each) for each in account], here.index, dtype="datetime64[s]"),
        warnings=[told.get(each, "") for each in account],
        **{
            field: pd.Series([column.get(each) for each in account], here.index, dtype="str")
            for field, column in written.items()
        },
    )
    return made.sort_values(["due_on", "account_id"], ignore_index=True)[list(RENEWALS)].astype(RENEWALS)


def on_time(inputs: Inputs, config: Config) -> Estimate:
    """Return the share of the renewal tasks that fell due in a year that were done by then.

    Args:
        inputs: Tasks.
        config: The triggers, with the words tasks use for them.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    words = {
        word
        for name, each in config.triggers.items()
        if isinstance(each, kinds.RenewalWindow)
        for word in (name, *each.tasks)
    }
    end = pd.Timestamp(inputs.week.known)
    tasks = inputs.tasks[inputs.tasks["trigger"].isin(words)]
    due = tasks[(tasks["due_on"] <= end) & (tasks["due_on"] > end - pd.Timedelta(days=364))]
    # Of an account that left before, nobody was to do anything any more.
    left = due["account_id"].map(inputs.accounts["churned_on"])
    due = due[~(left <= due["due_on"])]
    if due.empty:
        return Estimate(None, "share", 0)
    sums = due.assign(hit=(due["done_on"] <= due["due_on"]).astype(float)).groupby("account_id")["hit"]
    counts = sums.agg(["sum", "count"]).astype(float)
    return share_of(counts["sum"], counts["count"], config.level)


UPGRADES = {
    "trigger": "str", "account_id": "str", "name": "str", "csm_id": "str", "happened_on": "datetime64[s]",
    "transition": "str", "script": "str", "why_not": "str",
}  # fmt: skip


def upgrade_table(config: Config, asking: "pd.DataFrame") -> "pd.DataFrame":
    """Return the calls after an upgrade with what to say.

    Args:
        config: Scripts by transition.
        asking: From `asking.open_alerts`.

    Returns:
        One row per upgrade: trigger, account_id, name, csm_id, happened_on, transition ("starter > premium"), script,
        why_not ("" = the call is asked for).
    """
    names = [name for name, each in config.triggers.items() if isinstance(each, kinds.Upgrade)]
    here = asking[asking["trigger"].isin(names)]
    scripts = []
    for name, transition in zip(here["trigger"], here["subject"], strict=True):
        trigger = config.triggers[name]
        known = trigger.scripts if isinstance(trigger, kinds.Upgrade) else {}
        scripts.append(known.get(transition, known.get(kinds.EVERY, "")))
    made = here.assign(transition=here["subject"], script=scripts)
    return made.reset_index(drop=True)[list(UPGRADES)].astype(UPGRADES)


def refusals(welcome: "pd.DataFrame") -> "Mapping[tuple[str, str], str]":
    """Return why new accounts are not called, by trigger and account.

    Args:
        welcome: From `welcome_table`.
    """
    no = welcome[~welcome["is_eligible"]]
    return {
        (row["trigger"], row["account_id"]): text(say("not called: {why}", why=row["why_not"]))
        for row in no.to_dict("records")
    }
