"""What the book knows of accounts, row by row."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.account_brief.settings import Config
from csworkbench.asof import Snapshot
from csworkbench.features.listed import rows_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

RECEIVED, ATTENDED, WROTE, SAID, OPENED_TICKET = "received", "talked", "wrote", "we wrote", "ticket"
TALKS = ("call", "video", "visit", "wechat")
EVENTS = ["account_id", "on", "way", "what", "title", "rule", "times", "people", "opened", "clicked", "note"]


def contacts(snapshot: Snapshot) -> "tuple[pd.DataFrame, Mapping[str, tuple[str, ...]]]":
    """Return the people who are there, and what says who all people are by account.

    Args:
        snapshot: The book as of a date.

    Returns:
        One row per person: account_id, contact_id, role, name, is_primary, added_on, added_way, tags, last_on (newest
        touch, missing = never), score and answered_on (newest NPS answer). And account -> names, phone numbers and
        WeChat ids of people, those who have left too.
    """
    rows = rows_of(
        snapshot, "contacts", account_id="string", contact_id="string", role="string", is_primary="boolean",
        added_at="timestamp", added_way="string", tags="string", left_at="timestamp",
    )  # fmt: skip
    pii = rows_of(
        snapshot, "contact_pii", contact_id="string", name="string", phone="string", wechat_id="string"
    ).set_index("contact_id")
    answers = rows_of(
        snapshot, "nps_responses", contact_id="string", responded_at="timestamp", score="float64"
    ).dropna()
    newest = answers.sort_values("responded_on").drop_duplicates("contact_id", keep="last").set_index("contact_id")
    named = rows.assign(name=rows["contact_id"].map(pii["name"]))
    known = rows[["account_id", "contact_id"]].join(pii, on="contact_id").drop(columns="contact_id")
    texts = known.melt("account_id").dropna(subset="value").groupby("account_id")["value"]
    full = named.assign(
        last_on=_last_touch(snapshot).reindex(rows["contact_id"]).to_numpy(),
        score=newest["score"].reindex(rows["contact_id"]).to_numpy(),
        answered_on=newest["responded_on"].reindex(rows["contact_id"]).to_numpy(),
    )
    there: pd.DataFrame = full[full["left_on"].isna()].drop(columns="left_on")
    return there.reset_index(drop=True), {str(account): tuple(part) for account, part in texts}


def _last_touch(snapshot: Snapshot) -> "pd.Series[pd.Timestamp]":
    """Return the day of the newest touch of each contact, meetings of several included."""
    import pandas as pd

    touches = snapshot.tables.get("touches")
    kinds = {"contact_id": "string", "last_at": "timestamp"}
    if touches is None or "contact_id" not in touches.columns:
        return rows_of(snapshot, "touches", **kinds).set_index("contact_id")["last_on"].iloc[:0]
    parts = [touches.select("contact_id", "sent_at")]
    if "touch_participants" in snapshot.tables:
        there = snapshot.tables["touch_participants"].select("touch_id", "contact_id")
        parts.append(there.join(touches.select("touch_id", "sent_at"), "touch_id").select("contact_id", "sent_at"))
    known = [part.drop_null("contact_id") for part in parts]
    newest = [part.group_by("contact_id").agg(last_at=part.sent_at.max()) for part in known]
    found = pd.concat([rows_of(snapshot, part, **kinds) for part in newest])
    last: pd.Series[pd.Timestamp] = found.groupby("contact_id")["last_on"].max()
    return last


def issues(snapshot: Snapshot, first: date) -> "pd.DataFrame":
    """Return what is open: tickets, questions without an answer, wishes to leave that are not decided.

    Args:
        snapshot: The book as of a date.
        first: Day before which nobody waits for an answer any more.

    Returns:
        One row per issue: account_id, kind (ticket, message, cancel_request), since, what, severity (missing = none).
    """
    import pandas as pd

    tickets = rows_of(
        snapshot, _open(snapshot, "tickets", "resolved_at"), account_id="string", opened_at="timestamp", topic="string",
        severity="string",
    ).rename(columns={"opened_on": "since", "topic": "what"})  # fmt: skip
    messages = rows_of(
        snapshot, _open(snapshot, "messages", "answered_at"), account_id="string", sent_at="timestamp",
        channel="string", direction="string",
    )  # fmt: skip
    is_waiting = (messages["direction"] == "in") & (messages["sent_on"] >= pd.Timestamp(first))
    asked = messages[is_waiting].rename(columns={"sent_on": "since", "channel": "what"})
    wishes = rows_of(
        snapshot, "cancel_requests", account_id="string", requested_at="timestamp", reason="string", is_saved="boolean"
    ).rename(columns={"requested_on": "since", "reason": "what"})
    undecided = wishes[wishes["is_saved"].isna()]
    columns = ["account_id", "kind", "since", "what", "severity"]
    parts = [
        part.assign(kind=kind).reindex(columns=columns).astype({"severity": "str"})
        for kind, part in (("ticket", tickets), ("message", asked), ("cancel_request", undecided))
    ]
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found.sort_values(["account_id", "since", "kind"], ignore_index=True)


def _open(snapshot: Snapshot, name: str, ends: str) -> "ir.Table | str":
    """Return the rows of a table that have not ended, or its name where nothing can be left out."""
    table = snapshot.tables.get(name)
    return name if table is None or ends not in table.columns else table.filter(table[ends].isnull())  # noqa: PD003 - Ibis


def tasks(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    """Return the open tasks: account_id, task_id, theme, due_on.

    Args:
        snapshot: The book as of a date.
        config: Statuses of dropped tasks.
    """
    rows = rows_of(
        snapshot, _open(snapshot, "tasks", "done_at"), account_id="string", due_at="timestamp", task_id="string",
        theme="string", status="string",
    )  # fmt: skip
    is_dropped = rows["status"].str.casefold().isin([each.casefold() for each in config.dropped]).astype(bool)
    return rows.loc[~is_dropped, ["account_id", "task_id", "theme", "due_on"]]


def steps(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the open mandatory steps of running plans: account_id, plan_id, name, planned_on.

    Args:
        snapshot: The book as of a date.
    """
    rows = rows_of(
        snapshot, "plan_steps", plan_id="string", name="string", planned_at="timestamp", done_at="timestamp",
        status="string", is_mandatory="boolean",
    )  # fmt: skip
    must = rows["is_mandatory"].fillna(value=True).astype(bool)
    is_open = rows["done_on"].isna() & ~rows["status"].isin(["done", "skipped"])
    plans = _plans(snapshot)
    running = plans.loc[plans["started_on"].notna(), ["plan_id", "account_id"]]
    return rows[must & is_open].merge(running, on="plan_id")[["account_id", "plan_id", "name", "planned_on"]]


def promises(snapshot: Snapshot) -> "pd.DataFrame":
    """Return what customers promised in plans that are open: account_id, plan_id, said, since.

    Args:
        snapshot: The book as of a date.
    """
    plans = _plans(snapshot).rename(columns={"customer_commitments": "said", "created_on": "since"})
    return plans.dropna(subset="said")[["account_id", "plan_id", "said", "since"]]


def _plans(snapshot: Snapshot) -> "pd.DataFrame":
    return rows_of(
        snapshot, _open(snapshot, "plans", "closed_at"), account_id="string", plan_id="string", created_at="timestamp",
        started_at="timestamp", customer_commitments="string",
    )  # fmt: skip


def opportunities(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the open opportunities: account_id, created_on, stage, amount, currency.

    Args:
        snapshot: The book as of a date.
    """
    rows = rows_of(
        snapshot, _open(snapshot, "opportunities", "closed_at"), account_id="string", created_at="timestamp",
        stage="string", amount="float64", currency="string",
    )  # fmt: skip
    return rows.fillna({"currency": snapshot.workspace.currency})


def meetings(snapshot: Snapshot) -> "pd.DataFrame":
    """Return the meetings, held or not.

    Args:
        snapshot: The book as of a date; a date on which a meeting was held that lies after it counts as not known.

    Returns:
        One row per meeting: account_id, meeting_id, kind, is_onsite, planned_on, planned_at (instant in UTC), held_on,
        summary.
    """
    import pandas as pd

    rows = rows_of(
        snapshot, "meetings", account_id="string", meeting_id="string", kind="string", is_onsite="boolean",
        planned_at="timestamp", held_at="timestamp", summary="string",
    )  # fmt: skip
    table = snapshot.tables.get("meetings")
    if table is None or "planned_at" not in table.columns:
        return rows.assign(planned_at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    instants = table.select("meeting_id", "planned_at").to_pandas().set_index("meeting_id")["planned_at"]
    return rows.assign(planned_at=rows["meeting_id"].map(instants))


def events(snapshot: Snapshot, first: date) -> "pd.DataFrame":
    """Return what an account received, attended and wrote since a day; the same mail to several people is one row.

    Args:
        snapshot: The book as of a date.
        first: First day.

    Returns:
        One row per account, day, way and thing: EVENTS; way is received, talked (a call, visit or video), wrote (the
        customer), we wrote or ticket; what is a channel or topic; title that of the content, else rule is set (the rule
        or family); times counts what was written; people, opened and clicked count people. Missing = does not fit.
    """
    import pandas as pd

    parts = [_touches(snapshot, first), *_written(snapshot, first)]
    kinds = dict.fromkeys(("times", "people", "opened", "clicked"), "float64")
    kinds |= dict.fromkeys(("way", "what", "title", "rule", "note"), "str")
    found = pd.concat([part.reindex(columns=EVENTS).astype(kinds) for part in parts], ignore_index=True)
    return found.sort_values(
        ["account_id", "on", "way", "what", "title", "rule"], ascending=[True, False] + [True] * 4, ignore_index=True
    )


def _touches(snapshot: Snapshot, first: date) -> "pd.DataFrame":
    import ibis

    from csworkbench.asof import since, with_local_day
    from csworkbench.features.dated import with_columns

    kinds = {"account_id": "string", "on": "date", "channel": "string", "content_id": "string", "rule": "string",
             "note": "string", "people": "float64", "opened": "float64", "clicked": "float64"}  # fmt: skip
    table = snapshot.tables.get("touches")
    if table is None:
        return rows_of(snapshot, "touches", **kinds).assign(way="", what="")
    texts = dict.fromkeys(("channel", "content_id", "rule", "family", "note", "contact_id"), "string")
    recent = with_columns(table.filter(since(table.sent_at, first, snapshot.workspace.timezone)), **texts)
    dated = with_local_day(recent, "sent_at", snapshot.workspace.timezone)
    seen = _reactions(snapshot)
    joined = dated.mutate(opened=0, clicked=0) if seen is None else dated.left_join(seen, "touch_id")
    marked = joined.select(
        "account_id", "channel", "note", "contact_id", "touch_id", "content_id",
        on=joined.local_day,
        # One content is one line, whatever rules it was sent by.
        rule=joined.content_id.isnull().ifelse(joined.rule.coalesce(joined.family), ibis.null("string")),  # noqa: PD003 - Ibis
        opened=joined.opened.fill_null(0), clicked=joined.clicked.fill_null(0),
    )  # fmt: skip
    sums = marked.group_by(["account_id", "on", "channel", "content_id", "rule", "note"]).agg(
        people=marked.contact_id.nunique().cast("float64"),
        opened=marked.opened.sum().cast("float64"),
        clicked=marked.clicked.sum().cast("float64"),
    )
    frame = rows_of(snapshot, sums, **kinds)
    called = (
        rows_of(snapshot, "contents", content_id="string", title="string").dropna().set_index("content_id")["title"]
    )
    title, talked = frame["content_id"].map(called).fillna(frame["content_id"]), frame["channel"].isin(TALKS)
    rows = frame.assign(
        way=talked.map({True: ATTENDED, False: RECEIVED}),
        what=frame["channel"].fillna("touch"),
        title=title,
    )
    rows.loc[talked, ["opened", "clicked"]] = float("nan")
    return rows


def _reactions(snapshot: Snapshot) -> "ir.Table | None":
    """Return whether a person opened or clicked each touch: touch_id, opened, clicked (0 or 1)."""
    from csworkbench.features.dated import with_columns
    from csworkbench.features.rates import NOBODY, SEEN

    if "touch_events" not in snapshot.tables:
        return None
    events = with_columns(snapshot.tables["touch_events"], agent="string")
    persons = events.filter(events.agent.fill_null("").notin(NOBODY))
    return persons.group_by("touch_id").agg(
        opened=persons.type.isin(SEEN).any().cast("int64"), clicked=(persons.type == "click").any().cast("int64")
    )


def _written(snapshot: Snapshot, first: date) -> "list[pd.DataFrame]":
    """Return messages and tickets since a day, several of one day and channel as one row."""
    import pandas as pd

    start = pd.Timestamp(first)
    messages = rows_of(snapshot, "messages", account_id="string", sent_at="timestamp", direction="string",
                       channel="string")  # fmt: skip
    tickets = rows_of(snapshot, "tickets", account_id="string", opened_at="timestamp", topic="string")
    way = messages["direction"].map({"in": WROTE, "out": SAID}).astype("str").fillna(WROTE)
    found = []
    for rows, day, what, kinds in (
        (messages, "sent_on", "channel", way),
        (tickets, "opened_on", "topic", OPENED_TICKET),
    ):
        recent = rows.assign(way=kinds, on=rows[day], what=rows[what].fillna("?"))
        recent = recent[recent["on"] >= start]
        found.append(recent.groupby(["account_id", "on", "way", "what"]).size().rename("times").reset_index())
    return found
