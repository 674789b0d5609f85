"""What the questions of the config find in the snapshot: counts and cluster sizes of all of them, in one query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.data_check.settings import (
    Also,
    Difference,
    NetPromoters,
    Question,
    Rows,
    account_of,
    number_of,
)
from csworkbench.tables import SPECS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from csworkbench.asof import Snapshot

ACCOUNT = "account_id"
PROMOTER_FROM, DETRACTOR_TO = 9, 6
LONGEST = 36_500  # days: a century stands for "all"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one kind, as a question counts them.

    Args:
        n: Rows, or distinct accounts.
        accounts: Distinct accounts among them; 0 where the rows belong to no account.
        squares: Sum over accounts of their rows squared; n where the rows belong to no account.
        hits: Those that are what `base` names; with an NPS, promoters.
        misses: With an NPS, detractors.
    """

    n: int = 0
    accounts: int = 0
    squares: int = 0
    hits: int = 0
    misses: int = 0

    @property
    def mean_size(self) -> float:
        """Mean number of rows per account as a row sees it: sum(m^2) / sum(m); 1 for no row."""
        return self.squares / self.n if self.n else 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """What one question finds.

    Args:
        has: What counts: `all_of` with everything in `also`.
        all_of: The same without what `also` asks for.
        against: The comparison group; empty without one.
        also: How many of `all_of` have each thing `also` asks for, in its order.
    """

    has: Group
    all_of: Group
    against: Group = field(default_factory=Group)
    also: tuple[int, ...] = ()


def find(snapshot: "Snapshot", questions: tuple[Question, ...]) -> tuple[Found | None, ...]:
    """Return what each question finds, in their order; None where its table or a column of it is missing.

    Of accounts only those are counted that have not left, and of rows that a test would draw by lot only those of such
    accounts, and of people who are still there. Of a contact's NPS answers the latest counts. Rows that name no account
    are not counted where their table has accounts.

    Args:
        snapshot: The book at the date.
        questions: Questions of the config.
    """
    import ibis

    sums = [
        _sums(table, question).mutate(place=ibis.literal(place), part=ibis.literal(name))
        for place, question in enumerate(questions)
        if _is_recorded(snapshot, question)
        for name, table in _parts(snapshot, question)
    ]
    counted = ibis.union(*sums).to_pyarrow().to_pylist() if sums else []
    groups = {(row["place"], row["part"]): _group(row) for row in counted}
    return tuple(_found(groups, place, question) for place, question in enumerate(questions))


def unknown_columns(snapshot: "Snapshot", questions: tuple[Question, ...]) -> tuple[str, ...]:
    """Return the columns questions name that neither the contract nor the workspace knows, as `table.column`.

    Args:
        snapshot: The book at the date.
        questions: Questions of the config.
    """
    known = {name: set(SPECS[name].names) for name in SPECS}
    for name, source in snapshot.workspace.tables.items():
        known[name] |= set(source.extra)
    named = {
        f"{table}.{column}"
        for question in questions
        for _, table, rows in question.filters
        if table in snapshot.tables
        for column in rows
        if column not in known[table]
    }
    return tuple(sorted(named))


def _is_recorded(snapshot: "Snapshot", question: Question) -> bool:
    table = snapshot.tables.get(question.table)
    if table is None:
        return False
    wanted = {column for key, _, rows in question.filters if not key.startswith("also.") for column in rows}
    if question.window_days is not None:
        wanted.add(str(question.dated_by))
    if question.per is not None:
        wanted.add(question.per)
    if isinstance(question.detects, NetPromoters):
        wanted |= {"score", "responded_at"}
    columns = set(_with_account(snapshot, question).columns)
    if question.count == "accounts" or getattr(question.detects, "against", None) == "others":
        wanted.add(ACCOUNT)
    return wanted <= columns


def _parts(snapshot: "Snapshot", question: Question) -> "Iterator[tuple[str, ir.Table]]":
    """Yield the groups of a question by name: columns is_hit, is_miss and, where there is one, account_id."""
    everything = _with_account(snapshot, question)
    rows = _recent(snapshot, question, _only(everything, question.where))
    if isinstance(question.detects, NetPromoters):
        rows = _latest_answers(snapshot, question, rows)
    if question.per is not None:
        rows = _of_the_smallest(rows, question.per)
    yield "all", _marked(rows, question)
    has = rows
    for place, also in enumerate(question.also):
        narrowed = _those_with(snapshot, question, rows, also)
        yield f"also {place}", _marked(narrowed, question)
        has = _those_with(snapshot, question, has, also)
    if question.also:
        yield "has", _marked(has, question)
    against = getattr(question.detects, "against", None)
    if isinstance(against, Mapping):
        yield "against", _marked(_recent(snapshot, question, _only(everything, dict(against))), question)
    elif against == "others":
        accounts = _staying(snapshot, snapshot.tables["accounts"])
        yield "against", accounts.anti_join(has, ACCOUNT).select(ACCOUNT, is_hit=False, is_miss=False)


def _of_the_smallest(rows: "ir.Table", per: str) -> "ir.Table":
    """Return the rows of the study that has the fewest: what it can show, every other one can."""
    named = rows.filter(rows[per].notnull())
    sizes = named.group_by(per).agg(size=named.count())
    return named.semi_join(sizes.order_by(["size", per]).limit(1), per)


def _those_with(snapshot: "Snapshot", question: Question, rows: "ir.Table", also: Also) -> "ir.Table":
    name = also.table or question.table
    other, key = snapshot.tables.get(name), list(question.joined_by(name))
    if other is None or not {*key, *also.where} <= set(other.columns) or not set(key) <= set(rows.columns):
        return rows.limit(0)
    return rows.semi_join(_only(other, also.where), key)


def _with_account(snapshot: "Snapshot", question: Question) -> "ir.Table":
    """Return the table of a question with the account of each row, taken from the table it points to if need be."""
    table, reference = snapshot.tables[question.table], account_of(question.table)
    if reference and ACCOUNT not in table.columns:
        parent, key = snapshot.tables.get(reference.table), list(reference.columns)
        if parent is not None and {*key, ACCOUNT} <= set(parent.columns) and set(key) <= set(table.columns):
            table = table.inner_join(parent.select(*key, ACCOUNT).distinct(), key)
    if ACCOUNT not in table.columns:
        return table
    table = table.filter(table[ACCOUNT].notnull())
    is_drawn = isinstance(question.detects, Difference) and question.detects.control is not None
    if is_drawn and "left_at" in table.columns:
        table = table.filter(table.left_at.isnull())
    return _staying(snapshot, table) if is_drawn or question.count == "accounts" else table


def _latest_answers(snapshot: "Snapshot", question: Question, rows: "ir.Table") -> "ir.Table":
    from csworkbench.features.rates import latest_answers

    since_when = snapshot.as_of - timedelta(days=(question.window_days or LONGEST) - 1)
    return rows.semi_join(latest_answers(snapshot, since_when), list(SPECS[question.table].key))


def _staying(snapshot: "Snapshot", table: "ir.Table") -> "ir.Table":
    accounts = snapshot.tables["accounts"]
    if "churned_at" not in accounts.columns:
        return table
    return table.semi_join(accounts.filter(accounts.churned_at.isnull()), ACCOUNT)


def _recent(snapshot: "Snapshot", question: Question, table: "ir.Table") -> "ir.Table":
    if question.window_days is None:
        return table
    from csworkbench.asof import since

    first = snapshot.as_of - timedelta(days=question.window_days - 1)
    return table.filter(since(table[str(question.dated_by)], first, snapshot.workspace.timezone))


def _only(table: "ir.Table", rows: Rows) -> "ir.Table":
    return table.filter(_conditions(table, rows)) if rows else table


def _conditions(table: "ir.Table", rows: Rows) -> "list[ir.BooleanValue]":
    return [_is_one_of(table[column], values) for column, values in rows.items()]


def _is_one_of(cell: "ir.Column", values: tuple[str, ...]) -> "ir.BooleanValue":
    if not values:
        return cell.notnull()
    if cell.type().is_numeric():  # 4 is 4.000000
        return cell.cast("float64").isin([number for number in map(number_of, values) if number is not None])
    return cell.cast("string").isin(values)


def _marked(table: "ir.Table", question: Question) -> "ir.Table":
    import ibis

    no = ibis.literal(value=False)
    hit, miss, base = no, no, getattr(question.detects, "base", None)
    if isinstance(question.detects, NetPromoters):
        hit, miss = table.score >= PROMOTER_FROM, table.score <= DETRACTOR_TO
    elif isinstance(base, Mapping):
        hit = ibis.and_(*_conditions(table, dict(base)))
    account = [ACCOUNT] if ACCOUNT in table.columns else []
    return table.select(*account, is_hit=hit, is_miss=miss)


def _sums(table: "ir.Table", question: Question) -> "ir.Table":
    """Return one row of sums over the accounts of a part; where rows have no account, each stands for itself."""
    hits, misses = (table[mark].cast("int64") for mark in ("is_hit", "is_miss"))
    if ACCOUNT not in table.columns:
        n = table.count()
        return table.aggregate(n=n, accounts=n * 0, squares=n, hits=hits.sum(), misses=misses.sum())
    by_account = table.group_by(ACCOUNT)
    if question.count == "accounts":
        sizes = by_account.aggregate(m=table.count() * 0 + 1, hits=hits.max(), misses=misses.max())
    else:
        sizes = by_account.aggregate(m=table.count(), hits=hits.sum(), misses=misses.sum())
    return sizes.aggregate(
        n=sizes.m.sum(),
        accounts=sizes.count(),
        squares=(sizes.m * sizes.m).sum(),
        hits=sizes.hits.sum(),
        misses=sizes.misses.sum(),
    )


def _group(row: Mapping[str, Any]) -> Group:
    return Group(*(int(row[name] or 0) for name in ("n", "accounts", "squares", "hits", "misses")))


def _found(groups: Mapping[tuple[int, str], Group], place: int, question: Question) -> Found | None:
    if (place, "all") not in groups:
        return None
    everything = groups[place, "all"]
    also = tuple(groups[place, f"also {number}"].n for number in range(len(question.also)))
    has = groups[place, "has"] if question.also else everything
    return Found(has, everything, groups.get((place, "against"), Group()), also)
