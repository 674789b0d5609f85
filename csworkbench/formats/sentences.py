"""Messages, names and sentences as text, by language."""

from collections.abc import Iterable
from datetime import date
from enum import Enum
from string import Formatter
from typing import Any

from csworkbench.estimates import Estimate, Message
from csworkbench.formats.figures import NOT_KNOWN, day, estimate, is_missing, locale_of, money, number, share

LISTED = 3
ENDS = (".", "!", "?", "。", "！", "？")
_ACRONYMS = "API ARR AUC CRM CSAT CSM CSV CTR EUR GRR ID IDs KPI MRR NPS NRR ROI SEK SLA SMS SRM URL USD UTC XLSX"
ACRONYMS = {word.lower(): word for word in _ACRONYMS.split()}


def text(message: Message, language: str = "en") -> str:
    """Return the sentence of a Message.

    Args:
        message: Template and values; the specs are listed in `formats`.
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
    locale_of(language)
    stem, _, part = name.partition(".")
    words = [ACRONYMS.get(word.lower(), word) for word in stem.replace("_", " ").split()]
    joined = " ".join(words)
    shown = joined[:1].upper() + joined[1:]
    return f"{shown} ({part})" if part else shown


def sentence(words: str) -> str:
    """Return words with a full stop, where they do not end a sentence already.

    Args:
        words: Text in any language.
    """
    return words if words.endswith(ENDS) else f"{words}."


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
        case _ if is_missing(value):
            return NOT_KNOWN
        case date():
            return day(value, language)
        case _ if hasattr(value, "__float__"):
            return number(value, language=language)
    return str(value)
