"""Numbers, shares, money, dates and estimates as text, by language."""

import re
from copy import copy
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from math import floor, isinf, log10
from typing import Any

from csworkbench.estimates import Estimate
from csworkbench.formats.languages import locale_of, spaced, spoken, words

NOT_KNOWN = "not known"
SIGNIFICANT = 3
MOST_DECIMALS = 15
WHOLE_MONEY_FROM = 100
PLAIN_UNITS = {"auc": 2, "ratio": 2, "correlation": 2, "number": None, "": None}
_LETTER_TO_DIGIT = re.compile(r"(?<=[A-Za-z])(?=[0-9])")


def number(value: float | None, digits: int | None = None, language: str = "") -> str:
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


def share(value: float | None, digits: int = 1, language: str = "") -> str:
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


def money(value: float | None, currency: str, digits: int | None = None, language: str = "") -> str:
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

        is_large = value is None or is_missing(value) or abs(value) >= WHOLE_MONEY_FROM
        digits = 0 if is_large else get_currency_precision(currency)
    return _written(value, digits, language, kind="currency", currency=currency)


def day(value: date | str | None, language: str = "") -> str:
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

    if is_missing(value) or value is None:
        return words(NOT_KNOWN, language)
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    # Month before day is read wrongly outside the United States; English pages go to readers everywhere.
    pattern = "d MMM y" if locale_of(language).language == "en" else "medium"
    written: str = format_date(moment, format=pattern, locale=locale_of(language))
    return written


def month(value: date, language: str = "") -> str:
    """Return the month of a date as the language writes it.

    Args:
        value: Date or instant.
        language: Language tag.

    Returns:
        Text such as "Sep 2026".

    Raises:
        ValueError: The language is unknown.
    """
    from babel.dates import format_skeleton

    written: str = format_skeleton("yMMM", value, locale=locale_of(language))
    return written


def estimate(value: Estimate, language: str = "") -> str:
    """Return an estimate with its interval and sample size.

    Args:
        value: Estimate; its unit decides the form (share, points, days, a currency code, a counted thing ...).
        language: Language tag.

    Returns:
        "0.74 (0.72 to 0.76, n 7,043)"; "cannot tell (n 3)" without a value; a count of its own sample stands alone.

    Raises:
        ValueError: The language is unknown.
    """
    point, behind = figure(value, language)
    return words("{value} ({behind})", language).format(value=point, behind=behind) if behind else point


def figure(value: Estimate, language: str = "") -> tuple[str, str]:
    """Return an estimate in two parts: its value, and the interval and sample size behind it.

    Args:
        value: Estimate.
        language: Language tag.

    Returns:
        "0.74" and "0.72 to 0.76, n 7,043"; the second part is empty for a count of its own sample.

    Raises:
        ValueError: The language is unknown.
    """
    n = f"n {number(value.n, language=language)}"
    if value.value is None:
        return words("cannot tell", language), n
    point = in_unit(value.value, value.unit, language, like=value)
    if value.low is None or value.high is None:
        return point, "" if value.value == value.n else n
    low, high = (in_unit(bound, value.unit, language, like=value, named=False) for bound in (value.low, value.high))
    return point, words("{low} to {high}, {n}", language).format(low=low, high=high, n=n)


def in_unit(
    value: float | None, unit: str, language: str = "", *, like: Estimate | None = None, named: bool = True
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
    if not named or unit in PLAIN_UNITS or written == words(NOT_KNOWN, language):
        return written
    word = spaced(unit)
    return f"{written} {words(word.removesuffix('s') if value == 1 else word, language)}"


def is_missing(value: Any) -> bool:
    """Say whether a value is None, NaN, NaT or pandas' NA.

    Args:
        value: Anything; a list or an array is not missing, whatever it holds.
    """
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas' NA cannot say whether it does
        return True
    except ValueError:  # an array has more than one answer
        return False


def _digits(*values: float | None) -> int:
    """Return the decimals that leave the largest number three significant digits, none for whole numbers."""
    known = [abs(float(value)) for value in values if value is not None and not is_missing(value) and not isinf(value)]
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
    locale = locale_of(language)
    if value is None or is_missing(value) or isinf(value):
        return words(NOT_KNOWN, language)
    exact = Decimal(int(value)) if float(value).is_integer() else Decimal(str(float(value)))
    step = Decimal(1).scaleb(-digits - (2 if kind == "percent" else 0))
    pattern = _pattern(spoken(language), kind, digits, is_padded)
    # Halves go up, as in the spreadsheets our numbers are compared with; 400 digits hold any float.
    with localcontext(Context(prec=400, rounding=ROUND_HALF_UP)):
        amount = exact.quantize(step) or Decimal(0)  # never "-0"
        written: str = pattern.apply(amount, locale, currency=currency or None, currency_digits=False)
    return _LETTER_TO_DIGIT.sub("\u00a0", written)  # "SEK 12", not "SEK12"


@lru_cache
def _pattern(language: str, kind: str, digits: int, is_padded: bool) -> Any:
    locale = locale_of(language)
    found = {
        "decimal": lambda: locale.decimal_formats[None],
        "percent": lambda: locale.percent_formats[None],
        "currency": lambda: locale.currency_formats["standard"],
    }[kind]()
    pattern = copy(found)
    pattern.frac_prec = (digits if is_padded else 0, digits)
    return pattern
