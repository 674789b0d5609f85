"""What was sent and what came of it: added up in the engine, so that only sums and short lists leave it."""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.settings import STEM, Config

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot

COLUMNS = {
    "contact_id": "string", "channel": "string", "mode": "string", "initiator": "string", "family": "string",
    "rule": "string", "content_id": "string", "importance": "string", "minutes": "decimal(18, 6)",
    "linked_touch_id": "string", "experiment_id": "string", "csm_id": "string",
}  # fmt: skip
CAME = (
    "is_delivered", "is_reached", "has_reaction", "is_opened", "is_clicked", "is_replied", "is_bounced", "by_machine",
)  # fmt: skip
MACHINES = ("machine", "scanner", "unknown")


def sent(snapshot: "Snapshot", config: Config) -> "ir.Table":
    """Return every touch of the period with what came of it.

    Args:
        snapshot: The book at the date of the page.
        config: Period and channels on which delivery is reach.

    Returns:
        One row per touch: touch_id, account_id, the columns of touches, sent_on, is_delivered, is_reached (a person
        opened or reacted, or it was delivered on a live channel), has_reaction (a person clicked or answered),
        is_opened, is_clicked, is_replied (by a person), is_bounced, by_machine (something that is no person opened or
        clicked).
    """
    import ibis

    from csworkbench.asof import since, with_local_day
    from csworkbench.features.dated import with_columns

    touches = with_columns(snapshot.tables["touches"], **COLUMNS)
    first = snapshot.as_of - timedelta(days=config.period_days - 1)
    touches = touches.filter(since(touches.sent_at, first, snapshot.workspace.timezone))
    touches = with_local_day(touches, "sent_at", snapshot.workspace.timezone).rename(sent_on="local_day")
    touches = touches.mutate(minutes=touches.minutes.cast("float64").fill_null(0.0))
    kept = touches.select("touch_id", "account_id", "sent_at", "sent_on", *COLUMNS)
    if "touch_events" not in snapshot.tables:
        return kept.mutate(**dict.fromkeys(CAME, ibis.literal(False)))
    events = with_columns(snapshot.tables["touch_events"], agent="string")
    by_person = ~events.agent.fill_null("human").isin(MACHINES)
    came = events.group_by("touch_id").agg(
        delivered=(events.type == "delivered").any(),
        bounced=(events.type == "bounced").any(),
        opened=(by_person & (events.type == "open")).any(),
        clicked=(by_person & (events.type == "click")).any(),
        replied=(by_person & (events.type == "reply")).any(),
        machine=(~by_person & events.type.isin(["open", "click"])).any(),
    )
    joined = kept.left_join(came, "touch_id")
    names = ("delivered", "bounced", "opened", "clicked", "replied", "machine")
    delivered, bounced, opened, clicked, replied, machine = (joined[name].fill_null(False) for name in names)
    is_live = joined.channel.isin(list(config.live_channels)).fill_null(False)
    reacted = clicked | replied
    return joined.select(
        *(joined[name] for name in kept.columns),
        is_delivered=delivered | opened | reacted,
        is_reached=opened | reacted | (delivered & is_live),
        has_reaction=reacted,
        is_opened=opened,
        is_clicked=clicked,
        is_replied=replied,
        is_bounced=bounced,
        by_machine=machine,
    )


def acts(touches: "ir.Table") -> "pd.DataFrame":
    """Return touches added up by account and kind: see `Inputs.acts`."""
    by = ["account_id", "mode", "initiator", "channel", "family", "rule", "content_id"]
    found = touches.group_by(by).agg(
        touches=touches.count(),
        minutes=touches.minutes.sum(),
        reached=touches.is_reached.cast("int64").sum(),
        linked=touches.linked_touch_id.count(),
        last_on=touches.sent_on.max(),
    )
    return ordered(found, by)


def meetings(snapshot: "Snapshot") -> "pd.DataFrame":
    """Return the newest held meeting of each account and kind: account_id, kind, last_on.

    Args:
        snapshot: The book at the date of the page.
    """
    import pandas as pd

    from csworkbench.asof import with_local_day
    from csworkbench.features.dated import with_columns

    columns = {"account_id": "str", "kind": "str", "last_on": "datetime64[s]"}
    if "meetings" not in snapshot.tables:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    table = with_columns(snapshot.tables["meetings"], kind="string", held_at="timestamp").drop_null("held_at")
    newest = table.group_by(["account_id", "kind"]).agg(held_at=table.held_at.max())
    dated = with_local_day(newest, "held_at", snapshot.workspace.timezone)
    return ordered(dated.select("account_id", "kind", last_on=dated.local_day), ["account_id", "kind"])


def official(before: "Snapshot") -> "pd.DataFrame":
    """Return what the system was to send by official lists of earlier weeks: account_id, action, last_on.

    What people were to do is left away: a call that nobody records was not made, and comes up again.

    Args:
        before: The book when the week began.
    """
    import pandas as pd

    rows = [
        (each.account_id, each.program.removeprefix(f"{STEM}."), pd.Timestamp(each.sent_on))
        for each in before.released
        if each.mode == "automated" and each.program.startswith(f"{STEM}.")
    ]
    kinds = {"account_id": "str", "action": "str", "last_on": "datetime64[s]"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def overlaps(config: Config, touches: "ir.Table") -> "pd.DataFrame":
    """Return contacts touched by two initiators within days: first, second, contact_id, account_id, times.

    Args:
        config: How close an overlap is.
        touches: Touches, from `sent`.
    """
    import ibis

    known = touches.drop_null(["contact_id", "initiator"])
    known = known.filter(known.initiator != ibis.literal("customer"))
    order = {"group_by": known.contact_id, "order_by": [known.sent_at, known.touch_id]}
    pairs = known.mutate(before=known.initiator.lag().over(**order), before_on=known.sent_on.lag().over(**order))
    close = pairs.sent_on.delta(pairs.before_on, unit="day") < config.overlap_days
    found = pairs.filter(pairs.before != pairs.initiator, close)
    by = ["first", "second", "contact_id", "account_id"]
    counted = found.rename(first="before", second="initiator").group_by(by).agg(times=ibis._.count())
    return ordered(counted, by)


def tries(config: Config, touches: "ir.Table") -> "pd.DataFrame":
    """Return attempts and reach by channel and place in their try: see `Inputs.tries`.

    A try is a row of touches of one account for one rule, of which none comes more than `episode_days` after the one
    before; mails of experiments and of marketing are no tries. A touch counts as later only while nobody has been
    reached in its try.

    Args:
        config: How close touches of one try are.
        touches: Touches, from `sent`.
    """
    import ibis

    asked = touches.drop_null(["rule", "channel"])
    asked = asked.filter(asked.experiment_id.isnull(), asked.initiator != ibis.literal("marketing"))  # noqa: PD003
    order = {"group_by": [asked.account_id, asked.rule], "order_by": [asked.sent_at, asked.touch_id]}
    gap = asked.sent_on.delta(asked.sent_on.lag().over(**order), unit="day")
    marked = asked.mutate(is_new=(gap <= config.episode_days).fill_null(False).ifelse(0, 1))
    whole = {"group_by": [marked.account_id, marked.rule], "order_by": [marked.sent_at, marked.touch_id]}
    numbered = marked.mutate(episode=marked.is_new.sum().over(ibis.cumulative_window(**whole)))
    within = {
        "group_by": [numbered.account_id, numbered.rule, numbered.episode],
        "order_by": [numbered.sent_at, numbered.touch_id],
    }
    ever = numbered.is_reached.cast("int64").sum().over(ibis.cumulative_window(**within))
    placed = numbered.mutate(
        reached_before=ever - numbered.is_reached.cast("int64"), number=ibis.row_number().over(**within)
    )
    in_turn = placed.reached_before == 0
    labeled = placed.mutate(
        place=ibis.ifelse(placed.number == 0, "first", "later"),
        counts=in_turn.cast("int64"),
        hits=(in_turn & placed.is_reached).cast("int64"),
        any_hit=placed.is_reached.cast("int64"),
    )
    by = ["account_id", "channel", "place"]
    summed = labeled.group_by(by).agg(
        attempted=labeled.counts.sum(), reached=labeled.hits.sum(),
        any_attempted=labeled.count(), any_reached=labeled.any_hit.sum(),
    )  # fmt: skip
    return ordered(summed, by)


def warmed(touches: "ir.Table") -> "pd.DataFrame":
    """Return touches by people, with and without one of the system that prepared them: see `Inputs.warm`.

    A message prepares a touch when one of them is linked to the other and the message went out before: what is sent
    afterwards, such as minutes, prepared nothing, and neither did what a person wrote.
    """
    people, system = touches.filter(touches["mode"] == "human"), touches.filter(touches["mode"] == "tech")
    pairs = [
        system.select(touch_id="linked_touch_id", warm_id="touch_id", warm_at="sent_at"),
        people.select("touch_id", warm_id="linked_touch_id").join(
            system.select(warm_id="touch_id", warm_at="sent_at"), "warm_id"
        ),
    ]
    linked = pairs[0].union(pairs[1].select("touch_id", "warm_id", "warm_at")).drop_null("touch_id")
    first = linked.group_by("touch_id").agg(warm_at=linked.warm_at.min())
    joined = people.left_join(first, "touch_id")
    marked = joined.mutate(is_warmed=(joined.warm_at <= joined.sent_at).fill_null(False))
    by = ["channel", "is_warmed", "account_id"]
    summed = marked.group_by(by).agg(touches=marked.count(), reached=marked.is_reached.cast("int64").sum())
    return ordered(summed, by)


def ordered(table: "ir.Table", by: list[str]) -> "pd.DataFrame":
    """Return the rows of an expression in a fixed order.

    Args:
        table: Any expression.
        by: Columns of the order.
    """
    frame: pd.DataFrame = table.to_pandas().sort_values(by, ignore_index=True, kind="stable")
    return frame
