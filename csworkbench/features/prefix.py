"""Product use summed up once per account and piece of time, from which every window of every date is put together.

The edges of all windows cut time into segments. One pass over the rows gives, per account, segment and kind of row, the
first day, the last day and the sums; a row that became known late is kept apart, under the first date that knows it.
Running maxima over the dates then give the history as of each, and the segments within a window its sums. Only who was
active needs the rows again: per date those of its window, which costs little where a source is sorted by time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from csworkbench.asof import day_start
from csworkbench.features.dated import KEYS, PLACE, TODAY, DatedBook, beside, with_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

USE = "use"
SEGMENT, KIND = "_segment", "_kind"


class Span(NamedTuple):
    """A window before a date, both ends included; 0 is the date itself.

    Args:
        first_back: How many days before the date it begins.
        last_back: How many days before the date it ends.
    """

    first_back: int
    last_back: int = 0


class Total(NamedTuple):
    """What is added up.

    Args:
        what: events, minutes or sessions.
        features: Only these count; empty = all.
    """

    what: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be known of each account at each date; the numbers name the columns.

    Args:
        says: What a row must say to be looked at: columns that are filled, or `use` = at least one event -> number n of
            the columns first_n and last_n.
        totals: Sum -> number n of the columns total_n_s.
        spans: Window -> number s.
        users: Trailing days and features (empty = all) -> number n of the columns users_n.
        breadths: Trailing days -> number n of the columns breadth_n.
    """

    says: Mapping[tuple[str, ...], int]
    totals: Mapping[Total, int]
    spans: Mapping[Span, int]
    users: Mapping[tuple[int, tuple[str, ...]], int]
    breadths: Mapping[int, int]


def rows(book: DatedBook) -> "ir.Table":
    """Return the rows of use known by the last date; columns the source does not have are null."""
    import ibis

    usage = with_columns(
        book.snapshot.history["usage_daily"],
        user_id="string",
        feature="string",
        events="int64",
        minutes="decimal(18, 6)",
        sessions="int64",
        known_at="timestamp",
    )
    known = usage.filter(usage.date <= ibis.literal(book.dates[-1]))
    return known.select("account_id", "user_id", "feature", "date", "events", "minutes", "sessions", "known_at")


def is_use(usage: "ir.Table") -> "ir.BooleanValue":
    """Return whether a row says that the product was used; one without a count does."""
    return usage.events.fill_null(1) > 0


def reach(book: DatedBook, wanted: Wanted) -> "ir.Table":
    """Return how far the use of each account reaches at each date, and its sums in each window.

    Args:
        book: The dates, and the accounts at each.
        wanted: What is asked for.

    Returns:
        One row per date and account that is there at any of them: _place, account_id, first_n and last_n (days of the
        first and the last row; null before there is one), total_n_s (null where no row of the window has the amount).
    """
    import ibis

    cells = _cells(book, wanted)
    ends = {}
    for said, number in wanted.says.items():
        counts = cells[KIND].isin(_kinds(wanted, said))
        ends[f"first_{number}"] = cells["first"].min(where=counts)
        ends[f"last_{number}"] = cells["last"].max(where=counts)
    everyone = book.tables["accounts"].select("account_id").distinct().cross_join(book.ends().select(PLACE))
    found = beside(everyone, cells.group_by(list(KEYS)).agg(**ends))
    by_then = ibis.cumulative_window(group_by="account_id", order_by=PLACE)
    runs = {name: (found[name].min() if name[0] == "f" else found[name].max()).over(by_then) for name in ends}
    reached = found.mutate(**runs)
    return beside(reached, _sums(book, cells, wanted)) if wanted.totals else reached


def first_seen(book: DatedBook, column: str) -> "ir.Table":
    """Return when each account was first known to have used what a column names.

    Args:
        book: The dates.
        column: user_id or feature.

    Returns:
        One row per account and value: account_id, the column, _place (of the first date that knows).
    """
    usage = _placed(book, ())
    used = usage.filter(is_use(usage), usage[column].notnull())
    return used.group_by(["account_id", column]).agg(**{PLACE: used[PLACE].min()})


def last_in_window(book: DatedBook, column: str, days: int, choices: Iterable[tuple[str, ...]]) -> "ir.Table":
    """Return the last use in the trailing days of whatever a column names, at each date.

    Args:
        book: The dates.
        column: user_id or feature.
        days: Length of the longest window, the date included.
        choices: Sets of features that count, empty = all; number n of the columns last_n.

    Returns:
        One row per date, account and value: _place, account_id, the column, _today, last_n (day; null where no feature
        of the set was used).
    """
    import ibis

    usage = rows(book)
    used = usage.filter(is_use(usage), usage[column].notnull())
    parts = []
    for place, day in enumerate(book.dates):
        first = used.date >= ibis.literal(day - timedelta(days=days - 1))
        window = used.filter(first, used.date <= ibis.literal(day), _is_known(used, _limits(book)[place]))
        lasts = {
            f"last_{number}": window.date.max(where=window.feature.isin(features) if features else None)
            for number, features in enumerate(choices)
        }
        found = window.group_by(["account_id", column]).agg(**lasts)
        parts.append(found.mutate(**{PLACE: ibis.literal(place, "int32"), TODAY: ibis.literal(day)}))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _cells(book: DatedBook, wanted: Wanted) -> "ir.Table":
    """Return the use per account, kind of row, segment and first date that knows: first, last, total_n."""
    usage = _placed(book, wanted.spans)
    said = {name: usage[name].notnull() for name in usage.columns} | {USE: is_use(usage)}
    bits = [said[word].cast("int16") * (1 << bit) for bit, word in enumerate(_words(wanted))]
    marked = usage.mutate(**{KIND: sum(bits[1:], start=bits[0])})
    totals = {
        f"total_{number}": marked[total.what].sum(where=marked.feature.isin(total.features) if total.features else None)
        for total, number in wanted.totals.items()
    }
    by = ["account_id", KIND, SEGMENT, PLACE]
    return marked.group_by(by).agg(first=marked.date.min(), last=marked.date.max(), **totals)


def _words(wanted: Wanted) -> list[str]:
    return sorted({word for said in wanted.says for word in said})


def _kinds(wanted: Wanted, said: tuple[str, ...]) -> list[int]:
    """Return the kinds of row that say all of some words."""
    words = _words(wanted)
    needed = sum(1 << words.index(word) for word in said)
    return [kind for kind in range(1 << len(words)) if kind & needed == needed]


def _sums(book: DatedBook, cells: "ir.Table", wanted: Wanted) -> "ir.Table":
    """Return the sums of each window at each date: _place, account_id, total_n_s."""
    joined = cells.rename(known_place=PLACE).inner_join(_members(book, wanted.spans), SEGMENT)
    known = joined.filter(joined.known_place <= joined[PLACE])
    sums = {
        f"total_{number}_{span}": known[f"total_{number}"].sum(where=known[f"in_{span}"])
        for number in wanted.totals.values()
        for span in wanted.spans.values()
    }
    return known.group_by(list(KEYS)).agg(**sums)


def _placed(book: DatedBook, spans: Iterable[Span]) -> "ir.Table":
    """Return the rows of use with their segment and the place of the first date that knows them."""
    import ibis

    usage = rows(book)
    segment = _passed(usage.date, [ibis.literal(edge) for edge in _edges(book, spans)])
    if book.dates == (book.snapshot.as_of,):  # the snapshot knows nothing later, so that nothing has to be compared
        return usage.mutate(**{SEGMENT: segment, PLACE: ibis.literal(0, "int32")})
    ends = [ibis.literal(day + timedelta(days=1)) for day in book.dates]
    due, learned = _passed(usage.date, ends), _passed(usage.known_at, _limits(book))
    place = ibis.ifelse(usage.known_at.isnull(), due, ibis.greatest(due, learned))
    placed = usage.mutate(**{SEGMENT: segment, PLACE: place})
    return placed.filter(placed[PLACE] < len(ends))


def _passed(time: "ir.Column", edges: "Sequence[ir.Scalar]", before: int = 0) -> "ir.IntegerValue":
    """Return how many edges, ascending, a time has reached, by halving: cheaper than a join with a table of days."""
    import ibis

    if not edges:
        return ibis.literal(before, "int32")
    middle = len(edges) // 2
    early, late = _passed(time, edges[:middle], before), _passed(time, edges[middle + 1 :], before + middle + 1)
    return ibis.ifelse(time < edges[middle], early, late)


def _is_known(usage: "ir.Table", limit: "ir.TimestampValue") -> "ir.BooleanValue":
    return usage.known_at.isnull() | (usage.known_at < limit)


def _limits(book: DatedBook) -> list["ir.TimestampScalar"]:
    """Return the instant before which a row must be known, for each date."""
    import ibis

    return [ibis.literal(day_start(day + timedelta(days=1), book.timezone)) for day in book.dates]


def _edges(book: DatedBook, spans: Iterable[Span]) -> list[date]:
    """Return the first days of all segments but the first, which has no beginning."""
    ends = {day + timedelta(days=1) for day in book.dates}
    starts = {day - timedelta(days=span.first_back) for day in book.dates for span in spans}
    stops = {day - timedelta(days=span.last_back - 1) for day in book.dates for span in spans}
    return sorted(ends | starts | stops)


def _members(book: DatedBook, spans: Mapping[Span, int]) -> "ir.Table":
    """Return which segments lie in which window of which date: _place, _segment and in_s per window."""
    import ibis
    import pyarrow as pa

    edges = _edges(book, spans)
    found = []
    for place, day in enumerate(book.dates):
        for segment, start in enumerate(edges, start=1):
            inside = [span.last_back <= (day - start).days <= span.first_back for span in spans]
            if any(inside):
                found.append((place, segment, *inside))
    names = [PLACE, SEGMENT, *(f"in_{number}" for number in spans.values())]
    kinds = [pa.int32(), pa.int32(), *(pa.bool_() for _ in spans)]
    columns = [pa.array(values, kind) for values, kind in zip(zip(*found, strict=True), kinds, strict=True)]
    return ibis.memtable(pa.table(columns, names))
