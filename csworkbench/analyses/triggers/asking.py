"""What the alerts of these weeks ask for: one task per event, and why an alert asks for nothing."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers import kinds
from csworkbench.analyses.triggers.events import MORE
from csworkbench.analyses.triggers.evidence import STEM, Inputs
from csworkbench.analyses.triggers.settings import Config
from csworkbench.analyses.triggers.thresholds import Threshold
from csworkbench.estimates import Message, say
from csworkbench.formats import in_unit, label, text
from csworkbench.policy import proposals

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

OFF = "not switched on"
UNCONFIRMED = "its threshold is not confirmed"
LEFT = "the account has left"
AGAIN = "asked for already by a newer alert"
DONE = ("done", "skipped", "cancelled", "canceled", "dropped", "rejected", "closed")
ALERTS = {
    "trigger": "str", "account_id": "str", "name": "str", "csm_id": "str", "tier": "str",
    "happened_on": "datetime64[s]", "alerted_on": "datetime64[s]", "evidence": "str", "why_not": "str",
    "contact_id": "str", "subject": "str", "other_on": "datetime64[s]",
}  # fmt: skip


def open_alerts(
    inputs: Inputs,
    config: Config,
    alerts: "pd.DataFrame",
    thresholds: "Mapping[str, Threshold]",
    refused: "Mapping[tuple[str, str], str]",
) -> "pd.DataFrame":
    """Return the alerts that could still ask for something when the week begins, and why some do not.

    Args:
        inputs: Accounts, tasks and touches.
        config: The triggers.
        alerts: From `firing.alerts`.
        thresholds: Thresholds in use.
        refused: Trigger and account -> why its own rule refuses it, such as a call that does not pay.

    Returns:
        One row per alert of the last `open_days`, those that ask first, by hand before automated, the most urgent on
        top: trigger, account_id, name,
        csm_id (missing = nobody), tier, happened_on, alerted_on (Sunday before the list), evidence (a sentence),
        why_not ("" = it asks), contact_id (missing = the account as a whole), subject, other_on.
    """
    import pandas as pd

    first = pd.Timestamp(inputs.week.known - timedelta(days=config.open_days - 1))
    recent = alerts[alerts["happened_on"] >= first].sort_values("happened_on", ascending=False, kind="stable")
    facts = inputs.accounts.reindex(recent["account_id"])
    told = recent.assign(
        alerted_on=inputs.panel.dates[recent["place"]] if len(recent) else pd.Series(dtype="datetime64[s]"),
        name=facts["name"].to_numpy(),
        csm_id=facts["csm_id"].to_numpy(),
        tier=facts["tier"].to_numpy(),
    )
    records = told.to_dict("records")
    evidence = [text(sentence(config.triggers[row["trigger"]], row, thresholds)) for row in records]
    told = told.assign(evidence=evidence, why_not=_reasons(inputs, config, records, refused))
    order = told.assign(
        is_silent=told["why_not"] != "",
        is_automated=[config.mode_of(name) != "human" for name in told["trigger"]],
        priority=[config.triggers[name].priority for name in told["trigger"]],
    ).sort_values(
        ["is_silent", "is_automated", "priority", "happened_on", "trigger", "account_id"],
        ascending=[True, True, True, False, True, True],
        ignore_index=True,
    )
    return order[list(ALERTS)].astype(ALERTS)


def _reasons(
    inputs: Inputs, config: Config, records: "list[dict[Any, Any]]", refused: "Mapping[tuple[str, str], str]"
) -> list[str]:
    """Return why each alert, the newest of an account and trigger first, asks for nothing; "" = it asks."""
    left = set(inputs.accounts.index[inputs.accounts["churned_on"].notna()])
    tasks = _by_account(inputs.tasks)
    touched: dict[Any, Any] = {}
    if inputs.touches is not None:
        touched = inputs.touches.groupby("account_id")["happened_on"].max().to_dict()
    found, asked = [], set()  # type: list[str], set[tuple[str, str]]
    for row in records:
        trigger, key = config.triggers[row["trigger"]], (row["trigger"], row["account_id"])
        words = {row["trigger"], *trigger.tasks}
        newest = touched.get(row["account_id"])
        if row["account_id"] in left:
            found.append(LEFT)
        elif key in asked:
            found.append(AGAIN)
        elif key in refused:
            found.append(refused[key])
        elif task := _task(tasks.get(row["account_id"], []), words, row["happened_on"], trigger.cool_down_days):
            found.append(task)
        elif config.mode_of(row["trigger"]) == "human" and newest is not None and newest > row["happened_on"]:
            found.append(text(say("somebody was in touch on {day:date}", day=newest.date())))
        elif not trigger.is_on:
            found.append(OFF if trigger.confirmed else UNCONFIRMED)
        else:
            found.append("")
        asked.add(key)
    return found


def _by_account(tasks: "pd.DataFrame") -> dict[str, list[dict[Any, Any]]]:
    found: dict[str, list[dict[Any, Any]]] = {}
    for row in tasks.dropna(subset=["trigger"]).to_dict("records"):
        found.setdefault(row["account_id"], []).append(row)
    return found


def _task(tasks: "list[dict[Any, Any]]", words: set[str], happened_on: Any, cool_down_days: int) -> str:
    """Return which task is about the same event already: one that is open, or was closed since; "" = none."""
    import pandas as pd

    for row in tasks:
        if row["trigger"] not in words:
            continue
        is_closed = pd.notna(row["done_on"]) or str(row["status"]).casefold() in DONE
        made = row["made_on"]
        # An open one of long ago was forgotten; it is not about this event.
        is_old = pd.notna(made) and made < happened_on - pd.Timedelta(days=cool_down_days)
        if not is_closed and not is_old:
            return text(say("task {task} is open", task=str(row["task_id"])))
        if is_closed and (row["done_on"] if pd.notna(row["done_on"]) else made) >= happened_on:
            return text(say("task {task} is done", task=str(row["task_id"])))
    return ""


def sentence(trigger: kinds.Trigger, row: "dict[Any, Any]", thresholds: "Mapping[str, Threshold]") -> Message:
    """Return the evidence of an alert as a sentence.

    Args:
        trigger: What alerted.
        row: The alert.
        thresholds: Thresholds in use.
    """
    day, subject = row["happened_on"].date(), str(row["subject"])
    other = None if row["other_on"] is None or row["other_on"] != row["other_on"] else row["other_on"].date()
    match trigger:
        case kinds.Behaviour():
            return _crossed(trigger, row, thresholds[row["trigger"]])
        case kinds.Calendar():
            return say(
                "{days:n day|days} after {anchor} on {day:date}",
                days=trigger.after_days,
                anchor=label(trigger.anchor.removesuffix("_at")).lower(),
                day=other,
            )
        case kinds.Activity(what="feature"):
            return say("First used {feature} on {day:date}", feature=subject, day=day)
        case kinds.Activity():
            return say("Somebody new has used the product since {day:date}", day=day)
        case kinds.RepeatedQuestion():
            return say(
                "{n:count} tickets about {topic:word} since {day:date}", n=trigger.times, topic=subject, day=other
            )
        case kinds.OpenTicket():
            return say(
                "A ticket about {topic:word} of {opened:date} was still open after {days:n day|days}",
                topic=subject or "?",
                opened=other,
                days=int(row["amount"]),
            )
        case kinds.TicketCluster():
            return say("Has the configuration of a known problem and has not asked: {pair:word}", pair=subject)
        case kinds.SharedLogin():
            return say(
                "One login was used for more than {hours:number} hours a day on {n:n day|days} since {day:date}",
                hours=trigger.most_minutes / 60,
                n=trigger.days,
                day=other,
            )
        case kinds.RenewalWindow():
            return say("Renewal {renewal} is due on {day:date}", renewal=subject, day=other)
        case kinds.ContactReplaced():
            return _replaced(subject, row, day)
        case kinds.Upgrade():
            script = trigger.scripts.get(subject, trigger.scripts.get(kinds.EVERY, ""))
            is_more = subject.startswith(MORE)
            transition = say("more of {plan}", plan=subject.removeprefix(MORE)) if is_more else subject
            return say("Upgraded on {day:date}, {transition}: {script}", day=day, transition=transition, script=script)
        case kinds.CancelRequest():
            return say(
                "Asked to leave on {day:date}, reason: {reason:word}",
                day=day,
                reason=subject or say("none given"),
            )
    return say("Signed up on {day:date}", day=day)


def _crossed(trigger: kinds.Behaviour, row: "dict[Any, Any]", threshold: Threshold) -> Message:
    unit = trigger.measure.unit
    values = {
        "measure": label(trigger.measure.kind),
        "value": in_unit(float(row["amount"]), unit),
        "bound": in_unit(threshold.value, unit),
    }
    if threshold.is_low_bad:
        return say("{measure} fell to {value}, below {bound}", **values)
    return say("{measure} rose to {value}, above {bound}", **values)


def _replaced(gone: str, row: "dict[Any, Any]", day: date) -> Message:
    if isinstance(row["contact_id"], str):
        return say(
            "{gone} left on {day:date}; {new} has followed and is to be trained",
            gone=gone,
            day=day,
            new=row["contact_id"],
        )
    return say("{gone} left on {day:date}, and nobody has followed yet", gone=gone, day=day)


def proposal_table(inputs: Inputs, config: Config, asking: "pd.DataFrame") -> "pd.DataFrame":
    """Return the proposals of the week, as docs/methods/proposals.md has them.

    Args:
        inputs: The week.
        config: What each trigger asks for.
        asking: From `open_alerts`.
    """
    import pandas as pd

    rows = asking[asking["why_not"] == ""]
    of = [config.triggers[name] for name in rows["trigger"]]
    made = rows.assign(
        rule=rows["trigger"],
        family=[each.family for each in of],
        play=[each.play for each in of],
        mode=[config.mode_of(name) for name in rows["trigger"]],
        channel=pd.Series([config.channel_of(name) for name in rows["trigger"]], rows.index, dtype="str"),
        purpose=[each.purpose for each in of],
        priority=[each.priority for each in of],
        minutes=pd.Series([each.minutes for each in of], rows.index, dtype="float64"),
        is_must_do=[each.is_must_do for each in of],
        reason=rows["evidence"],
        program=STEM + "." + rows["trigger"],
        due_on=pd.Timestamp(inputs.week.first + timedelta(days=4)),
        expires_on=pd.Timestamp(inputs.week.last),
    )
    return proposals(made, STEM, inputs.week)
