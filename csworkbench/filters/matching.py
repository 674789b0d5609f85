"""Conditions as expressions, and what is wrong with them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from csworkbench.errors import ConfigError, Problem, did_you_mean
from csworkbench.features.dated import TODAY
from csworkbench.features.listed import NOT_KNOWN
from csworkbench.filters.conditions import Condition

if TYPE_CHECKING:
    import ibis.expr.types as ir

NUMBERS = ("at_least", "above", "at_most", "below")
DAYS = ("within_days", "older_than_days", "in_next_days", "since", "before")
TAGS = ("has_any", "has_all")
FITTING = {"number": ("is", "in", *NUMBERS), "text": ("is", "in", *TAGS), "yes or no": ("is",), "date": DAYS}


def check(conditions: Mapping[str, Condition], table: "ir.Table") -> None:
    """Refuse conditions that read what is not there, or test what cannot be tested so; all of them at once.

    Args:
        conditions: Key in the settings, such as `stages.2.where` -> condition.
        table: Attributes, from `accounts_at` or `contacts_at`.

    Raises:
        ConfigError: an attribute is unknown, or a test or value does not fit its kind.
    """
    problems = [problem for key, condition in conditions.items() for problem in _problems(condition, table, key)]
    if problems:
        raise ConfigError(*problems)


def fits(
    condition: Condition, table: "ir.Table", absent: Collection[str] = (), *, is_doubt_true: bool = False
) -> "ir.BooleanValue":
    """Return whether each row fits: true or false, never null.

    Args:
        condition: A condition that `check` let pass.
        table: Attributes, from `accounts_at` or `contacts_at`.
        absent: Attributes the book does not have (`attributes.absent`): nobody fits by lacking one of them. Without
            them, what the book does not have is what nobody has.
        is_doubt_true: Whether tests of absent attributes count as true; a `not` turns it round.
    """
    if condition.not_ is not None:
        return ~fits(condition.not_, table, absent, is_doubt_true=not is_doubt_true)
    if condition.attribute is None:
        together = and_ if condition.all_of else or_
        parts = (fits(part, table, absent, is_doubt_true=is_doubt_true) for _, part in condition.parts())
        return reduce(together, parts)
    if condition.attribute in absent:
        import ibis

        doubt: ir.BooleanValue = ibis.literal(is_doubt_true)
        return doubt
    column = table[condition.attribute]
    return reduce(and_, (_test(column, name, value, table) for name, value in condition.tests()))


def first_fitting(
    table: "ir.Table", rules: Sequence[tuple[str, Condition | None]], otherwise: str, absent: Collection[str] = ()
) -> "ir.StringValue":
    """Return the name of the first rule that fits each row.

    Args:
        table: Attributes, from `accounts_at` or `contacts_at`.
        rules: Name and condition; None fits every row.
        otherwise: Name of rows that no rule fits.
        absent: Attributes the book does not have: "not known" is who would fit only by lacking one of them.
    """
    import ibis

    named: Any = ibis.literal(otherwise)
    for name, condition in reversed(rules):
        always = ibis.literal(name)
        if condition is None:
            named = always
            continue
        if condition.hangs_on(absent):
            named = ibis.ifelse(fits(condition, table), ibis.literal(NOT_KNOWN), named)
        named = ibis.ifelse(fits(condition, table, absent), always, named)
    return named


def _problems(condition: Condition, table: "ir.Table", key: str) -> Iterator[Problem]:
    for place, part in condition.parts():
        yield from _problems(part, table, f"{key}.{place}")
    name = condition.attribute
    if name is None:
        return
    known = [column for column in table.columns if not column.startswith("_")]
    if name not in known:
        yield Problem(
            f"there is no attribute '{name}'",
            key=f"{key}.attribute",
            hint=did_you_mean(name, known, f"known are {', '.join(known)}"),
        )
        return
    kind = _kind(table[name])
    for test, value in condition.tests():
        fault = _fault(name, kind, test, value)
        if fault:
            yield Problem(fault, key=f"{key}.{test}", hint=f"tests of a {kind}: {', '.join(FITTING[kind])}, is_known")


def _kind(column: "ir.Column") -> str:
    kind = column.type()
    if kind.is_boolean():
        return "yes or no"
    if kind.is_date() or kind.is_timestamp():
        return "date"
    return "number" if kind.is_numeric() else "text"


def _fault(name: str, kind: str, test: str, value: Any) -> str:
    if test == "is_known":
        return ""
    if test not in FITTING[kind]:
        return f"'{name}' is a {kind}, which has no test '{test}'"
    values = value if isinstance(value, tuple) else (value,)
    wanted: dict[str, tuple[type, ...]] = {"number": (float, int), "text": (str,), "yes or no": (bool,)}
    is_wrong = [
        each
        for each in values
        if not isinstance(each, wanted.get(kind, (object,))) or (kind == "number" and isinstance(each, bool))
    ]
    return f"'{name}' is a {kind}, not {is_wrong[0]!r}" if is_wrong else ""


def _test(column: Any, name: str, value: Any, table: "ir.Table") -> Any:
    """Return a test as an expression; a missing value fails every test but `is_known: false`."""
    if name == "is_known":
        return column.notnull() if value else column.isnull()
    return _plain_test(column, name, value, table).fill_null(False)


def _plain_test(column: Any, name: str, value: Any, table: "ir.Table") -> Any:
    import ibis

    today = table[TODAY]
    match name:
        case "is":
            return column == value
        case "in":
            return column.isin(list(value))
        case "at_least":
            return column >= value
        case "above":
            return column > value
        case "at_most":
            return column <= value
        case "below":
            return column < value
        case "has_any":
            return reduce(or_, (_has(column, tag) for tag in value))
        case "has_all":
            return reduce(and_, (_has(column, tag) for tag in value))
        case "within_days":
            return (column > today - ibis.interval(days=value)) & (column <= today)
        case "older_than_days":
            return column < today - ibis.interval(days=value)
        case "in_next_days":
            return (column >= today) & (column <= today + ibis.interval(days=value))
        case "since":
            return column >= ibis.literal(value)
        case _:
            return column < ibis.literal(value)


def _has(column: Any, tag: str) -> Any:
    """Return whether a list of tags, separated by ; , or |, holds one; capitals do not count."""
    tags = column.lower().re_replace(r"\s*[;,|]\s*", ";")
    return (";" + tags.strip() + ";").contains(f";{tag.strip().lower()};")
