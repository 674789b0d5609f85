"""Invitations and answers as expressions: the newest answer of each contact, and who has not answered."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, since, with_local_day

if TYPE_CHECKING:
    import ibis.expr.types as ir


def answers(snapshot: Snapshot, window_days: int) -> "ir.Table":
    """Return the newest answer of each contact that is at most `window_days` old on the day of the snapshot.

    Args:
        snapshot: The book as of a date.
        window_days: Oldest answer that counts, in calendar days.

    Returns:
        One row per contact at an account, or per answer without a contact: response_id, contact_id (missing = not
        recorded), account_id, score, followup (missing = none), answered_on.
    """
    from csworkbench.features.rates import latest_answers

    rows = latest_answers(snapshot, snapshot.as_of - timedelta(days=window_days))
    dated = with_local_day(rows, "responded_at", snapshot.workspace.timezone)
    return dated.select(
        "response_id",
        "account_id",
        "score",
        contact_id=_or_null(dated, "contact_id"),
        followup=_or_null(dated, "followup"),
        answered_on="local_day",
    )


def answer_days(snapshot: Snapshot) -> "ir.Table":
    """Return the days on which somebody of an account answered, however long ago: account_id, local_day.

    Args:
        snapshot: The book as of a date.
    """
    rows = snapshot.tables["nps_responses"]
    dated = with_local_day(rows.filter(rows.score.notnull()), "responded_at", snapshot.workspace.timezone)
    return dated.select("account_id", "local_day").distinct()


def quarters(snapshot: Snapshot, first: date) -> "ir.Table":
    """Return the answers of each calendar quarter, the newest of each contact in it.

    Args:
        snapshot: The book as of a date.
        first: First day that counts.

    Returns:
        One row per quarter and account with an answer: year, quarter, account_id, answered, promoters, detractors
        (float64).
    """
    import ibis

    from csworkbench.features.rates import DETRACTOR, PROMOTER

    zone = snapshot.workspace.timezone
    rows = snapshot.tables["nps_responses"]
    valid = with_local_day(
        rows.filter(rows.score.notnull(), since(rows.responded_at, first, zone)), "responded_at", zone
    )
    dated = valid.mutate(
        year=valid.local_day.year(), quarter=valid.local_day.quarter(), contact=_or_null(valid, "contact_id")
    )
    alone = ibis.ifelse(dated.contact.isnull(), dated.response_id, ibis.null("string"))
    rank = ibis.row_number().over(
        group_by=[dated.year, dated.quarter, dated.account_id, dated.contact, alone],
        order_by=[ibis.desc(dated.responded_at), ibis.desc(dated.response_id)],
    )
    latest = dated.mutate(answer_rank=rank).filter(ibis._.answer_rank == 0)
    return latest.group_by(["year", "quarter", "account_id"]).agg(
        answered=latest.count().cast("float64"),
        promoters=(latest.score >= PROMOTER).sum().cast("float64"),
        detractors=(latest.score <= DETRACTOR).sum().cast("float64"),
    )


def invitations(snapshot: Snapshot, window_days: int) -> "ir.Table":
    """Return the newest invitation of each contact that is at most `window_days` old, and whether it was answered.

    Args:
        snapshot: The book as of a date.
        window_days: Oldest invitation that counts, in calendar days.

    Returns:
        One row per contact at an account, or per invitation without a contact: response_id, contact_id, account_id,
        invited_on, is_answered (any of the contact's invitations in the window).
    """
    import ibis

    zone = snapshot.workspace.timezone
    rows = snapshot.tables["nps_responses"]
    told = [rows[name] for name in ("invited_at", "responded_at") if name in rows.columns]
    rows = rows.mutate(asked_at=ibis.coalesce(*told), contact=_or_null(rows, "contact_id"))
    recent = rows.filter(since(rows.asked_at, snapshot.as_of - timedelta(days=window_days), zone))
    recent = recent.mutate(alone=ibis.ifelse(recent.contact.isnull(), recent.response_id, ibis.null("string")))
    unit = [recent.account_id, recent.contact, recent.alone]
    rank = ibis.row_number().over(group_by=unit, order_by=[ibis.desc(recent.asked_at), ibis.desc(recent.response_id)])
    answered = ibis.ifelse(recent.score.notnull(), 1, 0).max().over(group_by=unit)
    newest = recent.mutate(asked_rank=rank, answered=answered).filter(ibis._.asked_rank == 0)
    dated = with_local_day(newest, "asked_at", zone)
    return dated.select(
        "response_id",
        "account_id",
        contact_id="contact",
        invited_on="local_day",
        is_answered=dated.answered == 1,
    )


def stages(snapshot: Snapshot) -> frozenset[str]:
    """Return the stages of opportunities as they are written; none where nobody records them.

    Args:
        snapshot: The book as of a date.
    """
    rows = snapshot.tables.get("opportunities")
    if rows is None or "stage" not in rows.columns:
        return frozenset()
    return frozenset(rows.drop_null("stage").select("stage").distinct().to_pandas()["stage"])


def negotiating(snapshot: Snapshot, stages: Collection[str]) -> "ir.Table | None":
    """Return the accounts with an open opportunity in one of the stages: account_id; None where nobody records it.

    Args:
        snapshot: The book as of a date.
        stages: Stages in which a price is negotiated, as opportunities write them.
    """
    rows = snapshot.tables.get("opportunities")
    if rows is None or "stage" not in rows.columns or not stages:
        return None
    if "closed_at" in rows.columns:
        rows = rows.filter(rows.closed_at.isnull())
    return rows.filter(rows.stage.isin(sorted(stages))).select("account_id").distinct()


def roles(snapshot: Snapshot) -> "ir.Table | None":
    """Return the role of each contact that has one: contact_id, role; None where nobody records it."""
    rows = snapshot.tables.get("contacts")
    if rows is None or "role" not in rows.columns:
        return None
    return rows.filter(rows.role.notnull()).select("contact_id", "role")


def _or_null(table: "ir.Table", column: str) -> "ir.Value":
    import ibis

    return table[column] if column in table.columns else ibis.null("string")
