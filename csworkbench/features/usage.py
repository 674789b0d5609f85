"""Features of product use: who, how much, how broadly, how lately, and whether it grows.

A day without a row is no zero by itself. An account that ever used the product has 0 in a window without rows; one that
never did is missing, and so is everybody while the whole table is silent in the window: then the feed stopped, not the
use.
"""

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from csworkbench.features.dated import KEYS, PLACE, TODAY, DatedBook, Found, beside, days_since, with_columns
from csworkbench.features.kinds import ActiveRatio, ActiveUsers, DaysSinceLastUse, FeatureBreadth, Usage, UsageTrend
from csworkbench.features.prefix import USE, Span, Total, Wanted, first_seen, last_in_window, reach

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from csworkbench.asof import Snapshot

Use = ActiveUsers | ActiveRatio | Usage | FeatureBreadth | DaysSinceLastUse | UsageTrend
Key = TypeVar("Key", bound=Hashable)

RECENT, BASELINE = Span(27), Span(111, 28)
SEPARATOR = ";"
READS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"subscriptions": ("subscription_id", "start_date", "account_id", "seats", "end_date")}
)


def wanted(sources: Iterable[Use]) -> Wanted:
    """Return what measures of use are made of; equal parts of several occur once.

    Args:
        sources: What is measured.
    """
    use = tuple(sources)
    amounts: list[Usage] = [source for source in use if isinstance(source, Usage)]
    trends: list[UsageTrend] = [source for source in use if isinstance(source, UsageTrend)]
    spans = [Span(source.window_days - 1) for source in amounts] + [RECENT, BASELINE] * bool(trends)
    return Wanted(
        says=_numbered(_says(source) for source in use),
        totals=_numbered([*map(_total, amounts), *map(_total, trends)]),
        spans=_numbered(spans),
        users=_numbered(_audience(source) for source in use if isinstance(source, ActiveUsers | ActiveRatio)),
        breadths=_numbered(source.window_days for source in use if isinstance(source, FeatureBreadth)),
    )


def facts(accounts: "ir.Table", book: DatedBook, parts: Wanted) -> "list[ir.Table]":
    """Return what the measures of use are made of, to stand beside the accounts.

    Args:
        accounts: One row per date and account that is there: _place, account_id and plan.
        book: The dates, and subscriptions at each where seats are asked for.
        parts: What is asked for.

    Returns:
        Tables of at most one row per date and account.
    """
    made = [reach(book, parts)] if parts.says else []
    made += [_user_counts(book, parts)] if parts.users else []
    made += [_breadths(accounts, book, parts)] if parts.breadths else []
    return made + ([_seats(book)] if "subscriptions" in book.tables else [])


def found(grid: "ir.Table", parts: Wanted, source: Use) -> Found:
    """Return a measure of use.

    Args:
        grid: The accounts at each date with the `facts` beside them.
        parts: What the facts were asked for.
        source: One of the measures `parts` was made of.
    """
    import ibis

    last = grid[f"last_{parts.says[_says(source)]}"]
    match source:
        case ActiveUsers():
            value = _counted(grid, last, source.window_days, grid[f"users_{parts.users[_audience(source)]}"])
        case ActiveRatio():
            users = _counted(grid, last, source.window_days, grid[f"users_{parts.users[_audience(source)]}"])
            # Null where no subscription runs, one is a site licence, or seats are 0.
            value = users / grid.seats.nullif(0)
        case Usage():
            total = grid[_total_in(parts, source, Span(source.window_days - 1))]
            value = _counted(grid, last, source.window_days, total)
        case FeatureBreadth():
            used = _counted(grid, last, source.window_days, grid[f"breadth_{parts.breadths[source.window_days]}"])
            value = used / grid.entitled
        case DaysSinceLastUse():
            value = days_since(grid, last).cast("float64")
        case UsageTrend():
            change = grid[f"change_{source.what}"]
            value = change - _usual(grid, change, source.minimum_peers)
    return Found(ibis.ifelse(last.notnull(), value, ibis.null("float64")), last)


def with_changes(grid: "ir.Table", parts: Wanted, sources: Iterable[Use]) -> "ir.Table":
    """Return the accounts with the relative change of their use, `change_WHAT`, before the season is taken out.

    Change = (last 28 days) / (84 days before / 3) - 1. It is null where the account's use does not reach back to the
    first of the 112 days, where the 84 days hold no use, and where the whole table is silent in the last 28 days.

    Args:
        grid: The accounts at each date with the `facts` beside them.
        parts: What the facts were asked for.
        sources: What is measured; only trends matter here.
    """
    import ibis

    changes = {}
    for source in sources:
        if isinstance(source, UsageTrend):
            number = parts.says[_says(source)]
            since, last = grid[f"first_{number}"], grid[f"last_{number}"]
            covered = (days_since(grid, since) >= BASELINE.first_back) & _is_fed(grid, last, RECENT.first_back + 1)
            recent, before = (grid[_total_in(parts, source, span)] for span in (RECENT, BASELINE))
            thirds = (BASELINE.first_back - BASELINE.last_back + 1) / (RECENT.first_back + 1)
            baseline = (before.cast("float64") / thirds).nullif(0)
            change = recent.fill_null(0).cast("float64") / baseline - 1
            changes[f"change_{source.what}"] = ibis.ifelse(covered, change, ibis.null("float64"))
    return grid.mutate(**changes) if changes else grid


def core_features(snapshot: "Snapshot") -> "ir.Table | None":
    """Return the features marked `is_core`, one row each; None where no table says which are."""
    features = snapshot.tables.get("features")
    if features is None or "is_core" not in features.columns:
        return None
    return features.filter(features.is_core)


def goes_by_plan(snapshot: "Snapshot") -> bool:
    """Return whether the plan of an account decides which features count for it."""
    core = core_features(snapshot)
    return core is not None and "plans" in core.columns


def _usual(grid: "ir.Table", change: "ir.Column", minimum_peers: int) -> "ir.Column":
    """Return the median change of the region in the same weeks, or of the book where the region has too few.

    It is null where the book has too few as well: a lone account would always be its own median.
    """
    import ibis

    region, everybody = ibis.window(group_by=[grid[PLACE], grid.region]), ibis.window(group_by=grid[PLACE])
    return ibis.cases(
        (change.count().over(region) >= minimum_peers, change.median().over(region)),
        (change.count().over(everybody) >= minimum_peers, change.median().over(everybody)),
    )


def _user_counts(book: DatedBook, parts: Wanted) -> "ir.Table":
    """Return the distinct users with an event of a qualifying feature in each window."""
    choices = list(dict.fromkeys(features for _, features in parts.users))
    longest = max(days for days, _ in parts.users)
    users = last_in_window(book, "user_id", longest, choices)
    counts = {
        f"users_{number}": (days_since(users, users[f"last_{choices.index(features)}"]) < days).sum()
        for (days, features), number in parts.users.items()
    }
    return users.group_by(list(KEYS)).agg(**counts)


def _breadths(accounts: "ir.Table", book: DatedBook, parts: Wanted) -> "ir.Table":
    """Return `entitled`, how many features count for each account, and how many of these each window used (breadth_n).

    Without a table that says which features are core, every feature seen by then counts.
    """
    used = last_in_window(book, "feature", max(parts.breadths), [()])
    core, mine = core_features(book.snapshot), accounts.select(*KEYS, "plan")
    if core is None:
        sizes = mine.inner_join(_features_seen(mine, book), PLACE)
    else:
        entitled = _entitled(mine, core)
        sizes = mine.inner_join(entitled.group_by("plan").agg(entitled=entitled.count()), "plan")
        used = used.inner_join(mine, list(KEYS)).inner_join(entitled, ["plan", "feature"])
    recent = days_since(used, used.last_0)
    counts = {f"breadth_{number}": (recent < days).sum() for days, number in parts.breadths.items()}
    return beside(sizes.select(*KEYS, "entitled"), used.group_by(list(KEYS)).agg(**counts))


def _entitled(accounts: "ir.Table", core: "ir.Table") -> "ir.Table":
    """Return the core features of each plan: plan, feature.

    A feature without plans belongs to every plan, and an account without a plan ("") is held against every feature.
    """
    import ibis

    catalogue = with_columns(core, plans="string").select("feature", "plans")
    pairs = accounts.select("plan").distinct().cross_join(catalogue)
    listed = ibis.literal(SEPARATOR).concat(pairs.plans.strip().re_replace(r"\s*;\s*", SEPARATOR), SEPARATOR)
    is_listed = listed.contains(ibis.literal(SEPARATOR).concat(pairs.plan, SEPARATOR))
    is_for_all = pairs.plans.fill_null("").strip() == ""
    return pairs.filter((pairs.plan == "") | is_for_all | is_listed).select("plan", "feature")


def _features_seen(accounts: "ir.Table", book: DatedBook) -> "ir.Table":
    """Return how many features the accounts of each date had used by then: _place, entitled."""
    first = first_seen(book, "feature").rename(seen_by="account_id", seen_at=PLACE)
    is_there = [accounts.account_id == first.seen_by, accounts[PLACE] >= first.seen_at]
    there = accounts.inner_join(first, is_there)
    return there.group_by(PLACE).agg(entitled=there.feature.nunique())


def _seats(book: DatedBook) -> "ir.Table":
    """Return the sum of the seats of the subscriptions that run at each date: _place, account_id, seats.

    A subscription runs from its newest start_date to its end_date, both included. Seats are null where one of the
    running subscriptions is a site licence, whose seats nobody counts.
    """
    import ibis

    terms = with_columns(book.tables["subscriptions"], seats="int64", end_date="date")
    newest_first = ibis.row_number().over(group_by=[PLACE, "subscription_id"], order_by=ibis.desc(terms.start_date))
    newest = terms.mutate(term_rank=newest_first).filter(ibis._.term_rank == 0)
    running = newest.filter(newest.end_date.isnull() | (newest.end_date >= newest[TODAY]))
    counted = running.group_by(list(KEYS)).agg(seats=running.seats.sum(), uncounted=running.seats.isnull().sum())
    return counted.select(*KEYS, seats=ibis.ifelse(counted.uncounted == 0, counted.seats, ibis.null("int64")))


def _says(source: Use) -> tuple[str, ...]:
    """Return what a row must say to be looked at."""
    match source:
        case ActiveUsers() | ActiveRatio():
            return (USE, "user_id", "feature") if source.features else (USE, "user_id")
        case Usage():
            return (source.what, "feature") if source.features else (source.what,)
        case FeatureBreadth():
            return (USE, "feature")
        case DaysSinceLastUse():
            return (USE,)
        case UsageTrend():
            return (source.what,)


def _audience(source: ActiveUsers | ActiveRatio) -> tuple[int, tuple[str, ...]]:
    return source.window_days, source.features


def _total(source: Usage | UsageTrend) -> Total:
    return Total(source.what, source.features if isinstance(source, Usage) else ())


def _total_in(parts: Wanted, source: Usage | UsageTrend, span: Span) -> str:
    return f"total_{parts.totals[_total(source)]}_{parts.spans[span]}"


def _numbered(keys: Iterable[Key]) -> dict[Key, int]:
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _is_fed(grid: "ir.Table", last: "ir.Column", days: int) -> "ir.Column":
    """Return whether anybody has a row in the trailing days of each date."""
    return days_since(grid, last).min().over(group_by=PLACE) < days


def _counted(grid: "ir.Table", last: "ir.Column", days: int, value: "ir.Column") -> "ir.Column":
    """Return 0 where a window counted nothing, null where the feed stopped."""
    import ibis

    return ibis.ifelse(_is_fed(grid, last, days), value.cast("float64").fill_null(0.0), ibis.null("float64"))
