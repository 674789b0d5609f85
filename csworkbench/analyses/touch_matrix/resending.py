"""Important messages nobody reacted to: which of them may be sent again this week, and which not, and why."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.settings import STEM, Config
from csworkbench.analyses.touch_matrix.touching import ordered, sent
from csworkbench.policy import Ground, Week
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

WORKED = "has done what the message asks for"
LISTED = [
    "touch_id", "account_id", "contact_id", "channel", "content_id", "sent_on", "name", "csm", "reason", "send_from",
]  # fmt: skip
LEFT_OUT = ["touch_id", "account_id", "contact_id", "channel", "content_id", "sent_on", "name", "reason", "reasons"]


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """What decides about sending again, as known when the week began, so that every day of it gives the same list.

    Args:
        week: Week of the list.
        messages: Important messages nobody reacted to, the newest of each contact (of each account, where no contact is
            recorded) and content: touch_id, account_id, contact_id (missing = not recorded), channel, content_id,
            initiator, sent_on.
        worked: (content_id, account_id) where the account has done what the content promotes.
        ground: What the policy knows of every contact; None = it cannot tell, so nothing is sent.
        refusal: Why it cannot.
        policy: Who may be contacted.
        timezone: Zone of the workspace.
    """

    week: Week
    messages: "pd.DataFrame"
    worked: Collection[tuple[str, str]]
    ground: Ground | None
    refusal: str
    policy: ContactPolicy
    timezone: str


def again(snapshot: "Snapshot", config: Config) -> Again:
    """Return the messages that may be due again, and what the policy knows of their contacts.

    Args:
        snapshot: The book at the date of the page; its refusals hold up to that day.
        config: Importances, days, and what messages promote.

    Raises:
        ConfigError: a condition reads an attribute that is not there, or tests it in a way that does not fit.
    """
    from csworkbench.asof import earlier
    from csworkbench.errors import AnalysisError
    from csworkbench.policy import gather, week_of

    week = week_of(snapshot.as_of)
    before = earlier(snapshot, week.known)
    ground, refusal = None, ""
    try:
        ground = gather(before, snapshot, week, STEM)
    except AnalysisError as error:  # the rest of the page needs no consent
        refusal = "; ".join(problem.message for problem in error.problems)
    workspace = snapshot.workspace
    return Again(
        week, _messages(before, config), _worked(before, config), ground, refusal, workspace.contact_policy,
        workspace.timezone,
    )  # fmt: skip


def decided(again: Again, accounts: "pd.DataFrame") -> "pd.DataFrame":
    """Return every message with what becomes of it: the newest first, one message for a person and week.

    Args:
        again: Messages and what decides about them.
        accounts: name and csm, by account_id.

    Returns:
        One row per message: `LISTED` and reasons, is_listed; reason is why it goes out, or why not.
    """
    from csworkbench.policy import decide

    rows = again.messages.sort_values(["sent_on", "touch_id"], ascending=[False, True], ignore_index=True)
    did = [(content, account) in again.worked for content, account in _pairs(rows)]
    asked = rows.assign(
        purpose=rows["initiator"].eq("marketing").map({True: "marketing", False: "service"}).astype("str"),
        channels=rows["channel"].map(lambda channel: (channel,)),
        mode="automated", csm_id=None, is_must_do=False, is_held=False,
        own=[WORKED if each else "" for each in did],
    )  # fmt: skip
    about = accounts[["name", "csm"]].reindex(rows["account_id"])
    if again.ground is None:
        found = asked.assign(is_listed=False, reason=again.refusal, reasons=again.refusal, send_from=None)
    else:
        found = decide(asked, again.ground, again.policy, again.week, again.timezone)
    # The channel of a message that is left out is the one it came by.
    found = found.assign(channel=rows["channel"], name=about["name"].to_numpy(), csm=about["csm"].to_numpy())
    return found.assign(reason=found["reason"].mask(found["is_listed"], "no click, no answer"))


def _pairs(rows: "pd.DataFrame") -> "zip[tuple[str, str]]":
    return zip(rows["content_id"], rows["account_id"], strict=True)


def _messages(before: "Snapshot", config: Config) -> "pd.DataFrame":
    import ibis

    touches, wanted = sent(before, config), config.resend
    first, last = (before.as_of - timedelta(days=days) for days in (wanted.within_days - 1, wanted.after_days))
    late = touches.filter(
        touches.importance.isin(list(wanted.important)),
        touches["mode"] == "tech",
        touches.is_delivered,
        touches.sent_on >= ibis.literal(first),
    )
    # One without a contact stands for its account: nobody can be sent it again, and it is counted among those left out.
    group = [late.contact_id, late.contact_id.fill_null(late.account_id), late.content_id]
    newest = late.mutate(
        rank=ibis.row_number().over(group_by=group, order_by=[ibis.desc(late.sent_at), late.touch_id]),
        reacted=late.has_reaction.cast("int8").max().over(group_by=group),
    )
    kept = newest.filter(newest["rank"] == 0, newest.reacted == 0, newest.sent_on <= ibis.literal(last))
    columns = ["touch_id", "account_id", "contact_id", "channel", "content_id", "initiator", "sent_on"]
    return ordered(kept.select(columns), ["sent_on", "touch_id"])


def _worked(before: "Snapshot", config: Config) -> frozenset[tuple[str, str]]:
    from csworkbench.filters import absent, accounts_at, check, fits

    promotes = config.resend.promotes
    if not promotes:
        return frozenset()
    wanted = {name for condition in promotes.values() for name in condition.attributes()}
    table = accounts_at(before, (before.as_of,), wanted=wanted, measures=config.measures)
    check({f"resend.promotes.{content}": condition for content, condition in promotes.items()}, table)
    gone = absent(before, wanted, config.measures)
    columns = {f"fit_{place}": fits(condition, table, gone) for place, condition in enumerate(promotes.values())}
    frame = table.select("account_id", **columns).to_pandas().set_index("account_id").set_axis(list(promotes), axis=1)
    return frozenset((content, account) for content in promotes for account in frame.index[frame[content]])
