"""Who may be drawn on a date, and why not: contacts by what they allow, accounts by what else they are in."""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.settings import Config
from csworkbench.asof import Snapshot, day_start, since
from csworkbench.errors import AnalysisError, Problem
from csworkbench.policy import recorded

if TYPE_CHECKING:
    import ibis.expr.types as ir

ACCOUNT_LEFT = "account left"
PERSON_LEFT = "person left"
NO_ADDRESS = "no e-mail address"
SUPPRESSED = "suppressed"
REFUSED = "refused"
NOT_ALLOWED = "no consent"
AT_CAP = "at the frequency cap"
ELSEWHERE = "account in another experiment"
REASONS = (ACCOUNT_LEFT, PERSON_LEFT, NO_ADDRESS, SUPPRESSED, REFUSED, NOT_ALLOWED, AT_CAP, ELSEWHERE)
CHANNEL = "email"


def addressees(snapshot: Snapshot, config: Config) -> "ir.Table":
    """Return every contact, and why nothing may be sent to them.

    Args:
        snapshot: The book as of a date, with contacts.
        config: Purpose of the mail, frequency cap, and how long accounts stay with one experiment.

    Returns:
        One row per contact: contact_id, account_id, person (first contact of the same address), mails (got within
        cap_days), why (first of `REASONS` that holds, "" = may be mailed).
    """
    import ibis

    rows = _with_address(snapshot, snapshot.tables["contacts"])
    marks = {
        "account_is_gone": recorded.gone(snapshot, "accounts", "account_id", "churned_at"),
        "is_gone": recorded.gone(snapshot, "contacts", "contact_id", "left_at"),
        "is_suppressed": _suppressed(snapshot),
        "has_refused": _refused(snapshot, config),
        "has_agreed": _agreed(snapshot, config),
        "is_elsewhere": _elsewhere(snapshot, config),
    }
    for name, ids in marks.items():
        rows = _marked(rows, name, ids)
    rows = _with_mails(snapshot, config, rows)
    is_lawful = rows.has_agreed
    if config.purpose == "service" and config.service_basis is not None:
        is_lawful = ibis.literal(True)
    is_capped = ibis.literal(False) if config.cap_mails is None else rows.mails >= config.cap_mails
    found = (
        rows.account_is_gone,
        rows.is_gone,
        ~rows.has_address,
        rows.is_suppressed,
        rows.has_refused,
        ~is_lawful,
        is_capped,
        rows.is_elsewhere,
    )
    why = ibis.cases(*zip(found, REASONS, strict=True), else_="")
    return rows.select("contact_id", "account_id", "person", "mails", why=why).order_by("contact_id")


def _with_address(snapshot: Snapshot, contacts: "ir.Table") -> "ir.Table":
    """Return contact_id, account_id, person, address, has_address; without a table of addresses everybody has one."""
    import ibis

    rows = contacts.select("contact_id", "account_id")
    pii = snapshot.tables.get("contact_pii")
    if pii is None or "email" not in pii.columns:
        address = ibis.null("string")
        return rows.mutate(person=rows.contact_id, address=address, has_address=ibis.literal(True))
    told = pii.select(owner="contact_id", address=pii.email.strip().lower())
    joined = rows.left_join(told, rows.contact_id == told.owner).drop("owner")
    first = joined.contact_id.min().over(group_by=joined.address)
    has_address = joined.address.notnull() & (joined.address != "")
    return joined.mutate(person=ibis.ifelse(has_address, first, joined.contact_id), has_address=has_address)


def _marked(rows: "ir.Table", name: str, ids: "ir.Table | None") -> "ir.Table":
    """Return rows with one more column: whether their id is among those listed (by contact, account or address)."""
    import ibis

    if ids is None:
        return rows.mutate(**{name: ibis.literal(False)})
    key = ids.columns[0]
    listed = ids.filter(ids[key].notnull()).distinct().rename(_listed=key)
    joined = rows.left_join(listed, rows[key] == listed["_listed"])
    return joined.mutate(**{name: joined["_listed"].notnull()}).drop("_listed")


def _suppressed(snapshot: Snapshot) -> "ir.Table | None":
    """Return the contacts nothing may be sent to: those listed, and those with a listed address."""
    import ibis

    rows = recorded.suppressed(snapshot)
    if rows is None:
        return None
    named = [rows.select("contact_id")] if "contact_id" in rows.columns else []
    pii = snapshot.tables.get("contact_pii")
    if "address" in rows.columns and pii is not None and "email" in pii.columns:
        listed = rows.select(listed=rows.address.strip().lower())
        named.append(pii.semi_join(listed, pii.email.strip().lower() == listed.listed).select("contact_id"))
    return ibis.union(*named) if len(named) > 1 else named[0] if named else None


def _refused(snapshot: Snapshot, config: Config) -> "ir.Table | None":
    """Return the contacts that refused such mails; a cell that does not read counts for every channel or purpose."""
    rows = recorded.refused(snapshot)
    if rows is None:
        return None
    is_mail = rows.channel.isnull() | (rows.channel == CHANNEL)
    return rows.filter(is_mail, rows.purpose.isnull() | (rows.purpose == config.purpose)).select("contact_id")


def _agreed(snapshot: Snapshot, config: Config) -> "ir.Table | None":
    """Return the contacts that agreed to such mails, and said nothing else since."""
    rows = recorded.agreed(snapshot)
    if rows is None:
        return None
    return rows.filter(rows.channel == CHANNEL, rows.purpose == config.purpose).select("contact_id")


def _elsewhere(snapshot: Snapshot, config: Config) -> "ir.Table | None":
    """Return the accounts that were drawn into another experiment a short while ago."""
    units = snapshot.tables.get("experiment_units")
    if units is None:
        return None
    first = snapshot.as_of - timedelta(days=config.clear_days)
    recent = since(units.assigned_at, first, snapshot.workspace.timezone)
    drawn = units.filter(units.experiment_id != config.experiment.id, recent).select("unit_id")
    contacts = snapshot.tables["contacts"]
    of_people = contacts.semi_join(drawn, contacts.contact_id == drawn.unit_id).select("account_id")
    return drawn.rename(account_id="unit_id").union(of_people)


def _with_mails(snapshot: Snapshot, config: Config, rows: "ir.Table") -> "ir.Table":
    import ibis

    touches = snapshot.tables.get("touches")
    if touches is None or "contact_id" not in touches.columns:
        return rows.mutate(mails=ibis.literal(0, "int64"))
    start = snapshot.as_of - timedelta(days=config.cap_days - 1)
    sent = touches.filter(touches.sent_at >= ibis.literal(day_start(start, snapshot.workspace.timezone)))
    if "channel" in touches.columns:
        sent = sent.filter(sent.channel == CHANNEL)
    counts = sent.group_by(got_by="contact_id").agg(mails=sent.count())
    joined = rows.left_join(counts, rows.contact_id == counts.got_by).drop("got_by")
    return joined.mutate(mails=joined.mails.fill_null(0))


def households(snapshot: Snapshot, config: Config) -> "ir.Table":
    """Return every account with its group and what was known of it before.

    Args:
        snapshot: The book as of a date.
        config: Strata, and how far back use counts.

    Returns:
        One row per account: account_id, stratum (values of the columns, "/" between), before (events of use in
        block_days, 0 without any; float64).

    Raises:
        AnalysisError: accounts has no such column.
    """
    import ibis

    accounts = snapshot.tables["accounts"]
    lost = [name for name in config.strata if name not in accounts.columns]
    if lost:
        hint = f"accounts has {', '.join(accounts.columns)}"
        raise AnalysisError(*(Problem("there is no such column in accounts", key=name, hint=hint) for name in lost))
    parts = [accounts[name].cast("string").fill_null("-") for name in config.strata]
    stratum = ibis.literal("/").join(parts) if parts else ibis.literal("")
    rows = accounts.select("account_id", stratum=stratum)
    use = snapshot.tables.get("usage_daily")
    if use is None or "events" not in use.columns:
        return rows.mutate(before=ibis.literal(0.0)).order_by("account_id")
    first = ibis.literal(snapshot.as_of - timedelta(days=config.block_days - 1))
    recent = use.filter(use.date >= first)
    sums = recent.group_by(used_by="account_id").agg(before=recent.events.sum())
    joined = rows.left_join(sums, rows.account_id == sums.used_by).drop("used_by")
    return joined.mutate(before=joined.before.cast("float64").fill_null(0.0)).order_by("account_id")


def managers(snapshot: Snapshot) -> "ir.Table | None":
    """Return who looks after each account: csm_id, account_id; None without such a table."""
    rows = snapshot.tables.get("assignments")
    if rows is None:
        return None
    kept = rows.filter(rows.role == "csm") if "role" in rows.columns else rows
    return kept.filter(kept.csm_id.notnull()).select("csm_id", "account_id").distinct()
