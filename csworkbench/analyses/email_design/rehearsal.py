"""What the experiment would have measured in the sample: its metrics on past mails, or on the newest days.

Mail outcomes are read on the newest mailing of each account, as if arms had been drawn when its first mail went out;
other outcomes as if they had been drawn on the last day whose window is over.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.settings import Config
from csworkbench.asof import Snapshot, day_start, with_local_day
from csworkbench.experiments import Experiment, KnownColumn, Metric, measured, tables_of, window_of
from csworkbench.experiments.outcomes import OfMails

if TYPE_CHECKING:
    import ibis.expr.types as ir

BATCH_DAYS = 7  # mails of one mailing to an account
RATE_WEEKS = 26
SUMS = ["account_id", "total", "size", "pre_total", "pre_size"]


def lacks(snapshot: Snapshot, metric: Metric) -> tuple[str, ...]:
    """Return the tables a metric needs and the workspace does not have; "list" where it comes with the draw only."""
    if window_of(metric.outcome) is None:
        return ("list",)
    return tuple(name for name in tables_of(metric.outcome) if name not in snapshot.tables)


def rehearsed(snapshot: Snapshot, config: Config, metric: Metric, people: "ir.Table") -> "ir.Table":
    """Return a metric of the experiment as the sample shows it.

    Args:
        snapshot: The book as of a date.
        config: The experiment, and which past mails are like its own.
        metric: One of its metrics, whose tables are there.
        people: What `addressees` returned.

    Returns:
        One row per account that counts: account_id, total (sum of the outcome), size (contacts, or 1), pre_total and
        pre_size (the same before; size 0 = nothing is known).
    """
    is_of_mails = isinstance(metric.outcome, OfMails)
    view, units = _mailing(snapshot, config, metric) if is_of_mails else (snapshot, _book(snapshot, metric, people))
    known = None if isinstance(metric.covariate, KnownColumn) else metric.covariate
    found = measured(view, _as_if(snapshot, config.experiment), metric.model_copy(update={"covariate": known}), units)
    counted = found.filter(found.why == "", found["size"] > 0).rename(account_id="unit_id")
    return counted.select(*SUMS).order_by("account_id")


def _as_if(snapshot: Snapshot, experiment: Experiment) -> Experiment:
    """Return the experiment on whole accounts at any time: what it would have been in the past."""
    changes = {"unit": "account", "first_day": date.min, "last_day": snapshot.as_of}
    return experiment.model_copy(update=changes)


def _mails(snapshot: Snapshot, config: Config) -> "ir.Table":
    """Return the e-mails of the system that are like those of the experiment; marketing's are not."""
    touches = snapshot.tables["touches"]
    if "channel" in touches.columns:
        touches = touches.filter(touches.channel == "email")
    if config.like:
        return touches.filter(touches.experiment_id.isin(config.like))
    if "mode" in touches.columns:
        touches = touches.filter(touches["mode"] == "tech")
    if "initiator" in touches.columns:
        touches = touches.filter(touches.initiator.isnull() | (touches.initiator != "marketing"))
    return touches


def _mailing(snapshot: Snapshot, config: Config, metric: Metric) -> "tuple[Snapshot, ir.Table]":
    """Return the book in which the newest mailing of each account is one of the experiment, and its accounts."""
    import ibis

    zone, days = snapshot.workspace.timezone, window_of(metric.outcome) or 0
    first = day_start(snapshot.as_of - timedelta(days=config.pilot_days), zone)
    last = day_start(snapshot.as_of - timedelta(days=days), zone)
    sent = _mails(snapshot, config)
    sent = sent.filter(sent.sent_at >= ibis.literal(first), sent.sent_at < ibis.literal(last))
    newest = sent.sent_at.max().over(group_by=sent.account_id)
    batch = sent.mutate(newest=newest)
    batch = batch.filter(batch.sent_at > batch.newest - ibis.interval(days=BATCH_DAYS)).drop("newest")
    contact = batch.contact_id if "contact_id" in batch.columns else ibis.null("string")
    batch = batch.mutate(person=contact.coalesce(batch.touch_id))
    counts = batch.group_by(unit_id="account_id").agg(assigned_at=batch.sent_at.min(), eligible=batch.person.nunique())
    touches = snapshot.tables["touches"]
    chosen = batch.select(chosen="touch_id")
    marked = touches.left_join(chosen, touches.touch_id == chosen.chosen)
    name = ibis.ifelse(marked.chosen.notnull(), config.experiment.id, ibis.null("string"))
    tables = {**snapshot.tables, "touches": marked.mutate(experiment_id=name).drop("chosen")}
    return replace(snapshot, tables=tables), _units(counts, zone)


def _book(snapshot: Snapshot, metric: Metric, people: "ir.Table") -> "ir.Table":
    """Return all accounts that were there on the last day whose window is over."""
    import ibis

    drawn_on = snapshot.as_of - timedelta(days=window_of(metric.outcome) or 0)
    drawn_at = day_start(drawn_on, snapshot.workspace.timezone)
    accounts = snapshot.tables["accounts"]
    if "signup_at" in accounts.columns:
        accounts = accounts.filter(accounts.signup_at.isnull() | (accounts.signup_at < ibis.literal(drawn_at)))
    if "churned_at" in accounts.columns:
        accounts = accounts.filter(accounts.churned_at.isnull())
    counts = people.group_by(employer="account_id").agg(eligible=people.count())
    rows = accounts.select(unit_id="account_id", assigned_at=ibis.literal(drawn_at))
    return _units(rows.left_join(counts, rows.unit_id == counts.employer).drop("employer"), snapshot.workspace.timezone)


def _units(rows: "ir.Table", zone: str) -> "ir.Table":
    """Return rows with all that `experiments.enrolled` gives of a unit."""
    import ibis

    dated = with_local_day(rows, "assigned_at", zone).rename(assigned_on="local_day")
    eligible = dated.eligible.cast("float64").fill_null(0.0)
    blank = ibis.literal("")
    return dated.mutate(account_id=dated.unit_id, variant=blank, stratum=blank, why=blank, eligible=eligible)


def accounts_per_week(snapshot: Snapshot, config: Config) -> tuple[float, int]:
    """Return how many accounts a week get such mails at present, and how many weeks that was counted over.

    Args:
        snapshot: The book as of a date.
        config: Which mails are like those of the experiment.
    """
    import ibis

    if "touches" not in snapshot.tables:
        return 0.0, 0
    # The rate is that of all mails but marketing's: how much can be sent, whatever it says.
    sent = _mails(snapshot, config.model_copy(update={"like": ()}))
    begin = snapshot.as_of - timedelta(days=7 * RATE_WEEKS - 1)
    recent = with_local_day(sent, "sent_at", snapshot.workspace.timezone)
    recent = recent.filter(recent.local_day >= ibis.literal(begin))
    # Engines subtract dates each in their own way; comparing them is the same everywhere.
    ends = [(recent.local_day < ibis.literal(begin + timedelta(days=7 * week)), week) for week in range(1, RATE_WEEKS)]
    pairs = recent.select("account_id", week=ibis.cases(*ends, else_=RATE_WEEKS)).distinct()
    return float(pairs.count().to_pyarrow().as_py()) / RATE_WEEKS, RATE_WEEKS
