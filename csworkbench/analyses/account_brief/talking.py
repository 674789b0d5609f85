"""The parts of a brief for the meeting: what to raise, open actions, the agenda, what happened, and the calendar."""

from collections.abc import Hashable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.account_brief.asked import EVENTS
from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.analyses.account_brief.hiding import as_allowed
from csworkbench.analyses.account_brief.sections import (
    by_account,
    frame_of,
    missing_roles,
    named,
    of_result,
    told,
    word,
)
from csworkbench.analyses.account_brief.settings import Config
from csworkbench.estimates import Message, say
from csworkbench.files import slugs

if TYPE_CHECKING:
    import pandas as pd


def raise_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what to talk about, the most urgent first.

    Args:
        inputs: What is known of the accounts.
        config: When something is talked about.

    Returns:
        One row per topic, at most `raise_most` of an account: account_id, name, topic, why, no (1 first).
    """
    rows: dict[str, list[tuple[str, Message]]] = {str(account): [] for account in inputs.accounts.index}
    for account, topic, why in _topics(inputs, config):
        rows.setdefault(account, []).append((topic, why))
    return frame_of(
        (
            (account, word(topic, inputs), told(why, inputs), number)
            for account, topics in rows.items()
            for number, (topic, why) in enumerate(topics[: config.raise_most], start=1)
        ),
        inputs,
        {"topic": "str", "why": "str", "no": "int64"},
    )


def _topics(inputs: Inputs, config: Config) -> Iterator[tuple[str, str, Message]]:
    """Yield what is to be talked about, the most urgent kind first."""
    yield from _wishes(inputs, config)
    for account, due in by_account(inputs, "renewals", "forecast").items():
        days = (due["due_date"].date() - inputs.as_of).days
        if days < 0:
            yield account, "renewal", say("Due on {day:date} and not decided", day=due["due_date"].date())
        elif days <= config.renewal_days:
            yield account, "renewal", say("Due on {day:date}, in {n:n day|days}", day=due["due_date"].date(), n=days)
    for account, score in by_account(inputs, "health", "scores").items():
        if score["moved"] == "down":
            by = score["moved_by"] if isinstance(score["moved_by"], str) else "the edge of the band"
            yield account, "health", say("Fell to {band}, most by {by}", band=word(score["band"], inputs), by=by)
    yield from _steps(inputs)
    actions = of_result(inputs, "touch_matrix", "next_actions")
    if actions is not None:
        late = actions[(actions["by"] == "csm") & (actions["state"] == "overdue")]
        for row in late.to_dict("records"):
            why = say("{does}: since {day:date}", does=row["does"], day=row["deadline"].date())
            yield row["account_id"], "best_practice", why
    for row in inputs.opportunities.to_dict("records"):
        yield row["account_id"], "opportunity", say("Open, {stage}", stage=word(row["stage"], inputs))
    for who, part in missing_roles(inputs, config).groupby("account_id"):
        roles = [word(role, inputs) for role in part["role"]]
        yield str(who), "people", say("Nobody is known as {roles:list}", roles=roles)
    again = of_result(inputs, "touch_matrix", "resend")
    for row in [] if again is None else again.drop_duplicates("account_id").to_dict("records"):
        yield row["account_id"], "message", say("An important message had no reaction: send it again")


def _wishes(inputs: Inputs, config: Config) -> Iterator[tuple[str, str, Message]]:
    import pandas as pd

    days = (pd.Timestamp(inputs.as_of) - inputs.issues["since"]).dt.days
    rows = inputs.issues.assign(days=days)
    for row in rows[rows["kind"] == "cancel_request"].to_dict("records"):
        yield row["account_id"], "cancel_request", say("They asked to leave on {day:date}", day=row["since"].date())
    old = rows[(rows["kind"] != "cancel_request") & (rows["days"] > config.issue_days)]
    for (account, kind), part in old.groupby(["account_id", "kind"]):
        yield (
            str(account),
            str(kind),
            say("{n:n is|are} open, the oldest for {days:n day|days}", n=len(part), days=int(part["days"].max())),
        )


def _steps(inputs: Inputs) -> Iterator[tuple[str, str, Message]]:
    import pandas as pd

    late = inputs.steps[inputs.steps["planned_on"] < pd.Timestamp(inputs.as_of)]
    for (account, plan), part in late.groupby(["account_id", "plan_id"]):
        first = part.sort_values("planned_on").iloc[0]
        yield (
            str(account),
            "plan",
            say(
                "{step} of {plan} was planned for {day:date}",
                step=first["name"],
                plan=plan,
                day=first["planned_on"].date(),
            ),
        )


def open_actions(inputs: Inputs) -> "pd.DataFrame":
    """Return what we and the customer still have to do: tasks, steps of plans, promises, the late ones first.

    Args:
        inputs: Tasks, steps and promises.

    Returns:
        One row per action: account_id, name, whose (ours, theirs), what, due_on (missing = no date), is_late.
    """
    import pandas as pd

    tasks = inputs.tasks.assign(
        whose="ours",
        what=[told(say("Task {task}, {theme}", task=each, theme=word(theme, inputs)), inputs)
              for each, theme in zip(inputs.tasks["task_id"], inputs.tasks["theme"], strict=True)],
    )  # fmt: skip
    steps = inputs.steps.assign(
        whose="ours",
        due_on=inputs.steps["planned_on"],
        what=[told(say("{step}, plan {plan}", step=step, plan=plan), inputs)
              for step, plan in zip(inputs.steps["name"], inputs.steps["plan_id"], strict=True)],
    )  # fmt: skip
    promises = inputs.promises.assign(
        whose="theirs",
        due_on=pd.Series(pd.NaT, index=inputs.promises.index),
        what=as_allowed(inputs.promises, "said", inputs),
    )
    columns = {"account_id": "str", "whose": "str", "what": "str", "due_on": "datetime64[s]"}
    rows = pd.concat([part[list(columns)].astype(columns) for part in (tasks, steps, promises)], ignore_index=True)
    late = rows.assign(is_late=rows["due_on"] < pd.Timestamp(inputs.as_of))
    return named(late.sort_values(["due_on", "what"], kind="stable"), inputs)


def last_meetings(inputs: Inputs) -> "pd.DataFrame":
    """Return the last meeting of each account that was held: account_id, name, kind, held_on, agreed (in its words).

    Args:
        inputs: Meetings.
    """
    held = inputs.meetings.dropna(subset="held_on").sort_values(["held_on", "meeting_id"])
    last = held.drop_duplicates("account_id", keep="last")
    told_rows = last.assign(agreed=last["summary"], kind=[word(kind, inputs) for kind in last["kind"]])
    known = told_rows["agreed"].notna()
    told_rows.loc[known, "agreed"] = as_allowed(told_rows[known], "agreed", inputs)
    return named(told_rows[["account_id", "kind", "held_on", "agreed"]].astype({"agreed": "str"}), inputs)


def calendar_paths(inputs: Inputs) -> dict[str, str]:
    """Return where the calendar file of each meeting is, below the folder of the page, by its id.

    Args:
        inputs: Meetings; ids are whatever a CRM makes them, and no way out of the folder.
    """
    ids = inputs.meetings["meeting_id"].tolist()
    return {meeting: f"calendar/{stem}.ics" for meeting, stem in zip(ids, slugs(ids), strict=True)}


def next_meetings(inputs: Inputs) -> "pd.DataFrame":
    """Return the next meeting of each account that has one ahead.

    Args:
        inputs: Meetings that were planned and not held.

    Returns:
        One row per account: account_id, name, kind, planned_on, where, file (calendar file below the folder of the
        page), csm.
    """
    import pandas as pd

    rows = inputs.meetings[inputs.meetings["held_on"].isna()]
    ahead = rows[rows["planned_on"] > pd.Timestamp(inputs.as_of)].sort_values(["planned_at", "meeting_id"])
    first = ahead.drop_duplicates("account_id")
    is_there = first["is_onsite"].fillna(value=False).astype(bool)
    found = first.assign(
        kind=[word(kind, inputs) for kind in first["kind"]],
        where=is_there.map({True: told(say("at the customer's"), inputs), False: told(say("online"), inputs)}),
        file=first["meeting_id"].map(calendar_paths(inputs)),
        csm=first["account_id"].map(inputs.accounts["csm"]),
    )
    return named(found[["account_id", "kind", "planned_on", "where", "file", "csm"]], inputs)


def agenda_table(
    inputs: Inputs, raised: "pd.DataFrame", actions: "pd.DataFrame", last: "pd.DataFrame"
) -> "pd.DataFrame":
    """Return the agenda of the next meeting of each account.

    Args:
        inputs: Accounts.
        raised: From `raise_table`.
        actions: From `open_actions`.
        last: From `last_meetings`.

    Returns:
        One row per item, in their order: account_id, name, item, no.
    """
    counts = actions.groupby(["account_id", "whose"]).size()
    held = last.set_index("account_id")["held_on"].to_dict()
    topics = raised.groupby("account_id")
    rows = []
    for account in inputs.accounts.index:
        ours, theirs = (int(counts.get((account, whose), 0)) for whose in ("ours", "theirs"))
        items = [_review(held.get(account), ours, theirs)]
        if account in topics.groups:
            part = topics.get_group(account)
            items += [
                say("{topic}: {why}", topic=topic, why=why)
                for topic, why in zip(part["topic"], part["why"], strict=True)
            ]
        items.append(say("What they need next, who does what by when, and the next meeting"))
        rows += [(account, told(item, inputs), number) for number, item in enumerate(items, start=1)]
    return frame_of(rows, inputs, {"item": "str", "no": "int64"})


def _review(held: "pd.Timestamp | None", ours: int, theirs: int) -> Message:
    if held is None:
        return say("Open actions: {ours:count} of ours, {theirs:count} of theirs", ours=ours, theirs=theirs)
    return say(
        "Open actions since {day:date}: {ours:count} of ours, {theirs:count} of theirs",
        day=held.date(), ours=ours, theirs=theirs,
    )  # fmt: skip


def timeline_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what each account received, attended and wrote, the newest first.

    Args:
        inputs: Events and meetings.
        config: How far back, and how many rows.

    Returns:
        One row per day, way and thing: account_id, name, on, way, what, came (how many opened and clicked, of how many
        people), note.
    """
    import pandas as pd

    first = pd.Timestamp(inputs.as_of - timedelta(days=config.timeline_days - 1))
    held = inputs.meetings[inputs.meetings["held_on"] >= first]
    sat = held.assign(
        on=held["held_on"], way="meeting", what=held["kind"], note=held["summary"]
    ).reindex(columns=EVENTS).astype(inputs.events.dtypes)  # fmt: skip
    parts = [part for part in (inputs.events, sat) if len(part)]
    rows = pd.concat(parts, ignore_index=True) if parts else inputs.events
    newest = rows.sort_values(["account_id", "on", "way", "what"], ascending=[True, False, True, True], kind="stable")
    kept = newest.groupby("account_id").head(config.most_events)
    came = pd.Series([_came(row, inputs) for row in kept.to_dict("records")], index=kept.index, dtype="object")
    known = kept["note"].notna()
    notes = pd.Series(None, index=kept.index, dtype="object")
    notes[known] = as_allowed(kept[known], "note", inputs)
    shown = kept.assign(
        came=came,
        note=notes.astype("str"),
        way=[word(way, inputs) for way in kept["way"]],
        what=[_what(row, inputs) for row in kept.to_dict("records")],
    )
    return named(shown[["account_id", "on", "way", "what", "came", "note"]].astype({"came": "str"}), inputs)


def _what(row: "Mapping[Hashable, Any]", inputs: Inputs) -> str:
    what = word(row["what"], inputs)
    if isinstance(row["title"], str):
        return told(say("{what}: {title}", what=what, title=row["title"]), inputs)
    if isinstance(row["rule"], str):
        return told(say("{what}: {rule:word}", what=what, rule=row["rule"]), inputs)
    return told(say("{what} ({n:n time|times})", what=what, n=int(row["times"])), inputs) if row["times"] > 1 else what


def _came(row: "Mapping[Hashable, Any]", inputs: Inputs) -> str | None:
    people, opened, clicked = (float(row[name]) for name in ("people", "opened", "clicked"))
    if opened != opened or not people:
        return None
    return told(
        say("opened {opened:count} of {people:count}, clicked {clicked:count}",
            opened=int(opened), people=int(people), clicked=int(clicked)), inputs,
    )  # fmt: skip
