"""Numbers, money, dates, estimates and Messages as text, by language; plain text, never HTML.

Placeholders of a Message, `{name:spec}`:

    {x}               text as it is; a date, number, Estimate or Message in its usual form
    {x:count}         1,234
    {x:n day|days}    "1 day", "1,234 days"
    {x:number}        three significant digits: 0.741, 12.3, 1,234
    {x:points}        one decimal: 61.3
    {x:share}         26.5% of 0.265 (`percent` is the same)
    {x:days}          "12 days"
    {x:date}          30 Sep 2026 as the language writes it
    {x:money SEK}     SEK 1,235
    {x:estimate}      0.74 (0.72 to 0.76, n 7,043)
    {x:list}          a, b, c, d, e and 2 more

`{{` and `}}` stand for braces. A missing value (None, NaN) reads "not known".
"""

import re
import unicodedata
from collections.abc import Iterable
from copy import copy
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import Enum
from functools import lru_cache
from math import floor, isinf, log10
from string import Formatter
from typing import TYPE_CHECKING, Any

from csworkbench.estimates import Estimate, Message

if TYPE_CHECKING:
    from babel import Locale

NOT_KNOWN = "not known"
LISTED = 3
SIGNIFICANT = 3
MOST_DECIMALS = 15
WHOLE_MONEY_FROM = 100
_ACRONYMS = "API ARR AUC CRM CSAT CSM CSV CTR EUR GRR ID IDs KPI MRR NPS NRR ROI SEK SLA SMS SRM URL USD UTC XLSX"
ACRONYMS = {word.lower(): word for word in _ACRONYMS.split()}
PLAIN_UNITS = {"auc": 2, "ratio": 2, "correlation": 2, "number": None, "": None}
_LETTER_TO_DIGIT = re.compile(r"(?<=[A-Za-z])(?=[0-9])")
JOINERS = {"\u200c", "\u200d"}  # they shape Persian, Indic and emoji text and cannot hide or reorder anything


def text(message: Message, language: str = "en") -> str:
    """Return the sentence of a Message.

    Args:
        message: Template and values; the specs are listed at the top of this module.
        language: Language tag such as "en", "sv", "zh-CN": decides how numbers and dates are written.

    Returns:
        Plain text; the reader of a page or a terminal still has to be protected from it (escape, `printable`).

    Raises:
        ValueError: The template is malformed, names a value that is not given, or uses an unknown spec or language.
    """
    parts: list[str] = []
    for literal, name, spec, conversion in Formatter().parse(message.key):
        parts.append(literal)
        if name is None:
            continue
        if conversion or not name.isidentifier() or name not in message.values:
            raise ValueError(f"no value for {{{name}}} in the message {message.key!r}")
        parts.append(_filled(message.values[name], spec or "", language))
    return "".join(parts)


def number(value: float | None, digits: int | None = None, language: str = "en") -> str:
    """Return a number as text.

    Args:
        value: Any real number; None and NaN are missing.
        digits: Decimals; None = whole numbers as they are, others to three significant digits.
        language: Language tag.

    Returns:
        Text such as "1,234" or "0.741".

    Raises:
        ValueError: The language is unknown.
    """
    if digits is None:
        return _written(value, _digits(value), language, is_padded=False)
    return _written(value, digits, language)


def share(value: float | None, digits: int = 1, language: str = "en") -> str:
    """Return a share of 0 to 1 as percent.

    Args:
        value: Share; None and NaN are missing.
        digits: Decimals of the percentage.
        language: Language tag.

    Returns:
        Text such as "26.5%".

    Raises:
        ValueError: The language is unknown.
    """
    return _written(value, digits, language, kind="percent")


def money(value: float | None, currency: str, digits: int | None = None, language: str = "en") -> str:
    """Return an amount with its currency.

    Args:
        value: Amount in the currency; None and NaN are missing.
        currency: ISO 4217 code.
        digits: Decimals; None = whole units from 100 up, else as usual for the currency.
        language: Language tag.

    Returns:
        Text such as "SEK 1,235".

    Raises:
        ValueError: The language is unknown or the currency is no three-letter code.
    """
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise ValueError(f"a currency is a code such as 'EUR', not {currency!r}")
    if digits is None:
        from babel.numbers import get_currency_precision

        is_large = value is None or _is_missing(value) or abs(value) >= WHOLE_MONEY_FROM
        digits = 0 if is_large else get_currency_precision(currency)
    return _written(value, digits, language, kind="currency", currency=currency)


def day(value: date | str | None, language: str = "en") -> str:
    """Return a date as the language writes it.

    Args:
        value: Date, instant (its date is taken) or ISO text; None and NaT are missing.
        language: Language tag.

    Returns:
        Text such as "30 Sep 2026".

    Raises:
        ValueError: The language is unknown or the text is no ISO date.
    """
    from babel.dates import format_date

    if _is_missing(value) or value is None:
        return NOT_KNOWN
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    # Month before day is read wrongly outside the United States; English pages go to readers everywhere.
    pattern = "d MMM y" if _locale(language).language == "en" else "medium"
    written: str = format_date(moment, format=pattern, locale=_locale(language))
    return written


def estimate(value: Estimate, language: str = "en") -> str:
    """Return an estimate with its interval and sample size.

    Args:
        value: Estimate; its unit decides the form (share, points, days, a currency code, a counted thing ...).
        language: Language tag.

    Returns:
        "0.74 (0.72 to 0.76, n 7,043)"; "cannot tell (n 3)" without a value; a count of its own sample stands alone.

    Raises:
        ValueError: The language is unknown.
    """
    n = f"n {number(value.n, language=language)}"
    if value.value is None:
        return f"cannot tell ({n})"
    point = in_unit(value.value, value.unit, language, like=value)
    if value.low is None or value.high is None:
        return point if value.value == value.n else f"{point} ({n})"
    low, high = (in_unit(bound, value.unit, language, like=value, named=False) for bound in (value.low, value.high))
    return f"{point} ({low} to {high}, {n})"


def in_unit(
    value: float | None, unit: str, language: str = "en", *, like: Estimate | None = None, named: bool = True
) -> str:
    """Return a number in its unit.

    Args:
        value: Number; None and NaN are missing.
        unit: "share", "points", "days", "auc", a currency code, or what is counted ("accounts").
        language: Language tag.
        like: Estimate whose bounds decide the decimals, so that a value and its bounds agree.
        named: Add the unit's word to a plain number.

    Returns:
        Text such as "26.5%", "SEK 1,235" or "12 days".

    Raises:
        ValueError: The language is unknown.
    """
    if unit in ("share", "percent"):
        return share(value, language=language)
    if len(unit) == 3 and unit.isupper():
        return money(value, unit, language=language)
    numbers = [value] if like is None else [like.value, like.low, like.high]
    digits = PLAIN_UNITS.get(unit)
    if digits is None:
        digits = 1 if unit == "points" else _digits(*numbers)
    written = number(value, digits, language)
    if not named or unit in PLAIN_UNITS or written == NOT_KNOWN:
        return written
    word = unit.replace("_", " ")
    return f"{written} {word.removesuffix('s') if value == 1 else word}"


def label(name: str, language: str = "en") -> str:
    """Return a snake_case name as a reader sees it, in English words.

    Args:
        name: Name of a column, figure or key; `figure.id` names one of several.
        language: Language tag.

    Returns:
        "AUC in sample" for "auc_in_sample"; "Outcome rate (telco)" for "outcome_rate.telco".

    Raises:
        ValueError: The language is unknown.
    """
    _locale(language)
    stem, _, part = name.partition(".")
    words = [ACRONYMS.get(word.lower(), word) for word in stem.replace("_", " ").split()]
    joined = " ".join(words)
    shown = joined[:1].upper() + joined[1:]
    return f"{shown} ({part})" if part else shown


def printable(text: str) -> str:
    """Return text that cannot command a terminal, forge a line of a log or reorder what is read.

    Args:
        text: Any text of a file or a person.

    Returns:
        The same text with control, format, bidirectional and line-separating characters as visible escapes.
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in JOINERS:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _filled(value: Any, spec: str, language: str) -> str:
    name, _, argument = spec.partition(" ")
    if name == "n":
        return _counted(value, argument, language)
    if name == "money":
        return money(value, argument, language=language)
    if argument:
        raise ValueError(f"unknown spec {spec!r} in a message")
    match name:
        case "":
            return _as_is(value, language)
        case "count":
            return number(value, 0, language)
        case "number":
            return number(value, language=language)
        case "points":
            return number(value, 1, language)
        case "share" | "percent":
            return share(value, language=language)
        case "days":
            return _counted(value, "day|days", language)
        case "date":
            return day(value, language)
        case "estimate":
            return estimate(value, language)
        case "list":
            return _listed(value, language)
    raise ValueError(f"unknown spec {spec!r} in a message")


def _counted(value: Any, nouns: str, language: str) -> str:
    one, bar, many = nouns.partition("|")
    if not (one and bar and many) or "|" in many:
        raise ValueError(f"{{x:n ...}} needs 'singular|plural', not {nouns!r}")
    written = number(value, language=language)
    return written if written == NOT_KNOWN else f"{written} {one if value == 1 else many}"


def _listed(values: Iterable[Any], language: str) -> str:
    shown = [_as_is(value, language) for value in values]
    hidden = len(shown) - LISTED
    if hidden > 0:
        return f"{', '.join(shown[:LISTED])} and {number(hidden, 0, language)} more"
    return ", ".join(shown)


def _as_is(value: Any, language: str) -> str:
    match value:
        case Message():
            return text(value, language)
        case Estimate():
            return estimate(value, language)
        case Enum():
            return str(value.value)
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case _ if _is_missing(value):
            return NOT_KNOWN
        case date():
            return day(value, language)
        case _ if hasattr(value, "__float__"):
            return number(value, language=language)
    return str(value)


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas' NA cannot say whether it does
        return True


def _digits(*values: float | None) -> int:
    """Return the decimals that leave the largest number three significant digits, none for whole numbers."""
    known = [abs(float(value)) for value in values if value is not None and not _is_missing(value) and not isinf(value)]
    if all(value.is_integer() for value in known):
        return 0
    return min(MOST_DECIMALS, max(0, SIGNIFICANT - 1 - floor(log10(max(known)))))


def _written(
    value: float | None,
    digits: int,
    language: str,
    kind: str = "decimal",
    *,
    currency: str = "",
    is_padded: bool = True,
) -> str:
    locale = _locale(language)
    if value is None or _is_missing(value) or isinf(value):
        return NOT_KNOWN
    exact = Decimal(int(value)) if float(value).is_integer() else Decimal(str(float(value)))
    step = Decimal(1).scaleb(-digits - (2 if kind == "percent" else 0))
    pattern = _pattern(language, kind, digits, is_padded)
    # Halves go up, as in the spreadsheets our numbers are compared with; 400 digits hold any float.
    with localcontext(Context(prec=400, rounding=ROUND_HALF_UP)):
        amount = exact.quantize(step) or Decimal(0)  # never "-0"
        written: str = pattern.apply(amount, locale, currency=currency or None, currency_digits=False)
    return _LETTER_TO_DIGIT.sub("\u00a0", written)  # "SEK 12", not "SEK12"


@lru_cache
def _locale(language: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"unknown language {language!r}") from error


@lru_cache
def _pattern(language: str, kind: str, digits: int, is_padded: bool) -> Any:
    locale = _locale(language)
    found = {
        "decimal": lambda: locale.decimal_formats[None],
        "percent": lambda: locale.percent_formats[None],
        "currency": lambda: locale.currency_formats["standard"],
    }[kind]()
    pattern = copy(found)
    pattern.frac_prec = (digits if is_padded else 0, digits)
    return pattern
