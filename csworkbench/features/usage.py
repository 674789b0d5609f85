"""Features of product use: who, how much, how broadly, how lately, and whether it grows.

A day without a row is no zero by itself. An account that ever used the product has 0 in a window without rows; one that
never did is missing, and so is everybody while the whole table is silent in the window: then the feed stopped, not the
use. Each function returns account_id, value and known_on (the newest day of use behind the value), at most one row per
account.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.features.kinds import ActiveRatio, ActiveUsers, FeatureBreadth, Usage, UsageTrend

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir

RECENT_DAYS = 28
BASELINE_DAYS = 84


def active_users(snapshot: Snapshot, source: ActiveUsers | ActiveRatio) -> "ir.Table":
    """Return the distinct users with an event of a qualifying feature; accounts whose rows name no user are missing."""
    seen = _used(snapshot, "user_id", *_feature_column(source.features))
    counts = _is_recent(snapshot, seen, source.window_days) & _qualifies(seen, source.features)
    return _counted(snapshot, seen, source.window_days, seen.user_id.nunique(where=counts))


def active_ratio(snapshot: Snapshot, source: ActiveRatio) -> "ir.Table":
    """Return active users / seats; null where no subscription runs, one is a site licence, or seats are 0."""
    users = active_users(snapshot, source)
    joined = users.left_join(seats(snapshot), "account_id")
    return joined.select("account_id", value=joined.value / joined.seats.nullif(0), known_on=joined.known_on)


def seats(snapshot: Snapshot) -> "ir.Table":
    """Return account_id and seats: the sum over the subscriptions that run at the date.

    A subscription runs from its newest start_date to its end_date, both included. Seats are null where one of the
    running subscriptions is a site licence, whose seats nobody counts.
    """
    import ibis

    terms = _with_columns(snapshot.tables["subscriptions"], seats="int64", end_date="date")
    newest_first = ibis.row_number().over(group_by="subscription_id", order_by=ibis.desc(terms.start_date))
    newest = terms.mutate(term_rank=newest_first).filter(ibis._.term_rank == 0)
    running = newest.filter(newest.end_date.isnull() | (newest.end_date >= ibis.literal(snapshot.as_of)))
    counted = running.group_by("account_id").agg(seats=running.seats.sum(), uncounted=running.seats.isnull().sum())
    return counted.select("account_id", seats=ibis.ifelse(counted.uncounted == 0, counted.seats, ibis.null("int64")))


def amount(snapshot: Snapshot, source: Usage) -> "ir.Table":
    """Return the sum of events, minutes or sessions in the window."""
    seen = _recorded(snapshot, source.what, *_feature_column(source.features))
    counts = _is_recent(snapshot, seen, source.window_days) & _qualifies(seen, source.features)
    return _counted(snapshot, seen, source.window_days, seen[source.what].sum(where=counts))


def feature_breadth(snapshot: Snapshot, source: FeatureBreadth) -> "ir.Table":
    """Return the share of the core features used; without core features named, every feature seen by then is core."""
    seen = _used(snapshot, "feature")
    core = core_features(snapshot)
    core = seen.select("feature").distinct() if core is None else core
    marked = seen.mutate(is_core=seen.feature.isin(core.feature))
    counts = _is_recent(snapshot, marked, source.window_days) & marked.is_core
    used = _counted(snapshot, marked, source.window_days, marked.feature.nunique(where=counts))
    return used.select("account_id", value=used.value / core.count().as_scalar().nullif(0), known_on=used.known_on)


def core_features(snapshot: Snapshot) -> "ir.Table | None":
    """Return the features marked `is_core`, one row each; None where no table says which are."""
    features = snapshot.tables.get("features")
    if features is None or "is_core" not in features.columns:
        return None
    return features.filter(features.is_core).select("feature")


def days_since_last_use(snapshot: Snapshot) -> "ir.Table":
    """Return the days from the newest day with use to the date."""
    import ibis

    seen = _used(snapshot)
    last = seen.group_by("account_id").agg(known_on=seen.date.max())
    days = ibis.literal(snapshot.as_of).delta(last.known_on, unit="day")
    return last.select("account_id", value=days.cast("float64"), known_on=last.known_on)


def usage_trend(snapshot: Snapshot, source: UsageTrend) -> "ir.Table":
    """Return the relative change of use, minus the median change of the region in the same weeks.

    Change = (last 28 days) / (84 days before / 3) - 1. It is null where the account's use does not reach back to the
    first of the 112 days, where the 84 days hold no use, where the whole table is silent in the last 28 days, and where
    the whole book has fewer than the least number of peers: a lone account would always be its own median.
    """
    import ibis

    changes = _changes(snapshot, source)
    region = ibis.window(group_by=changes.region)
    peers, everybody = changes.change.count().over(region), changes.change.count().over()
    usual = ibis.cases(
        (peers >= source.minimum_peers, changes.change.median().over(region)),
        (everybody >= source.minimum_peers, changes.change.median().over()),
    )
    return changes.select("account_id", value=changes.change - usual, known_on=changes.known_on)


def _changes(snapshot: Snapshot, source: UsageTrend) -> "ir.Table":
    """Return account_id, region ("" where unknown), change and known_on."""
    import ibis

    seen = _recorded(snapshot, source.what)
    recent, start = _window_start(snapshot, RECENT_DAYS), _window_start(snapshot, RECENT_DAYS + BASELINE_DAYS)
    sums = seen.group_by("account_id").agg(
        recent=seen[source.what].sum(where=seen.date >= recent),
        before=seen[source.what].sum(where=(seen.date >= start) & (seen.date < recent)),
        since=seen.date.min(),
        known_on=seen.date.max(),
    )
    covered = (sums.since <= ibis.literal(start)) & (sums.known_on.max().over() >= ibis.literal(recent))
    baseline = (sums.before.cast("float64") / (BASELINE_DAYS / RECENT_DAYS)).nullif(0)
    change = sums.recent.fill_null(0).cast("float64") / baseline - 1
    measured = sums.mutate(change=ibis.ifelse(covered, change, ibis.null("float64")))
    regions = _with_columns(snapshot.tables["accounts"], region="string").select("account_id", "region")
    joined = measured.inner_join(regions, "account_id")
    return joined.select("account_id", "change", "known_on", region=joined.region.fill_null(""))


def _window_start(snapshot: Snapshot, window_days: int) -> "date":
    return snapshot.as_of - timedelta(days=window_days - 1)


def _with_columns(table: "ir.Table", **kinds: str) -> "ir.Table":
    """Return a table with the columns its source does not have filled with nulls."""
    import ibis

    absent = {name: ibis.null(kind) for name, kind in kinds.items() if name not in table.columns}
    return table.mutate(**absent) if absent else table


def _recorded(snapshot: Snapshot, *needed: str) -> "ir.Table":
    """Return the usage rows that say something about the needed columns."""
    usage = _with_columns(
        snapshot.tables["usage_daily"],
        user_id="string",
        feature="string",
        events="int64",
        minutes="decimal(18, 6)",
        sessions="int64",
    )
    return usage.drop_null(list(needed)) if needed else usage


def _used(snapshot: Snapshot, *needed: str) -> "ir.Table":
    """Return the usage rows with at least one event; a row without a count says that there was use."""
    rows = _recorded(snapshot, *needed)
    return rows.filter(rows.events.fill_null(1) > 0)


def _feature_column(features: tuple[str, ...]) -> tuple[str, ...]:
    return ("feature",) if features else ()


def _qualifies(rows: "ir.Table", features: tuple[str, ...]) -> "ir.BooleanValue":
    import ibis

    return rows.feature.isin(features) if features else ibis.literal(value=True)


def _is_recent(snapshot: Snapshot, rows: "ir.Table", window_days: int) -> "ir.BooleanValue":
    import ibis

    return rows.date >= ibis.literal(_window_start(snapshot, window_days))


def _counted(snapshot: Snapshot, seen: "ir.Table", window_days: int, value: "ir.Scalar") -> "ir.Table":
    """Return an aggregate of every account that is seen: 0 where it counted nothing, null where the feed stopped."""
    import ibis

    sums = seen.group_by("account_id").agg(value=value, known_on=seen.date.max())
    is_fed = sums.known_on.max().over() >= ibis.literal(_window_start(snapshot, window_days))
    filled = ibis.ifelse(is_fed, sums.value.cast("float64").fill_null(0.0), ibis.null("float64"))
    return sums.select("account_id", value=filled, known_on=sums.known_on)
