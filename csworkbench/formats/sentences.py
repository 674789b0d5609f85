"""Messages, names and sentences as text, by language."""

import re
from collections.abc import Iterable
from datetime import date
from enum import Enum
from string import Formatter
from typing import Any
from unicodedata import east_asian_width

from csworkbench.estimates import Estimate, Message
from csworkbench.formats.figures import NOT_KNOWN, day, estimate, is_missing, money, number, share
from csworkbench.formats.languages import words

LISTED = 3
NAME = re.compile("[a-z]+([_ ][a-z]+)*")
"""A name of ours, such as a band; ids and customers' texts are written otherwise."""
ENDS = (".", "!", "?", "。", "！", "？")
_ACRONYMS = "API ARR AUC CRM CSAT CSM CSV CTR EUR GRR ID IDs KPI MRR NPS NRR ROI SEK SLA SMS SRM SSO URL USD UTC XLSX"
ACRONYMS = {word.lower(): word for word in _ACRONYMS.split()}
"""Words that are written in capitals, by their small letters."""


def text(message: Message, language: str = "") -> str:
    """Return the sentence of a Message.

    Args:
        message: Template and values; the specs are listed in `formats`.
        language: Language tag such as "en", "sv", "zh-CN": decides words, numbers and dates; empty for the desk's.

    Returns:
        Plain text; the reader of a page or a terminal still has to be protected from it (escape, `printable`).

    Raises:
        ValueError: The template is malformed, names a value that is not given, or uses an unknown spec or language.
    """
    parts: list[str] = []
    for literal, name, spec, conversion in Formatter().parse(words(message.key, language)):
        parts.append(literal)
        if name is None:
            continue
        if conversion or not name.isidentifier() or name not in message.values:
            raise ValueError(f"no value for {{{name}}} in the message {message.key!r}")
        parts.append(_filled(message.values[name], spec or "", language))
    return "".join(parts)


def label(name: str, language: str = "") -> str:
    """Return a snake_case name as a reader sees it, in the words of a language.

    Args:
        name: Name of a column, figure or key; `figure.id` names one of several.
        language: Language tag.

    Returns:
        "AUC in sample" for "auc_in_sample"; "Outcome rate (Telco)" for "outcome_rate.telco".

    Raises:
        ValueError: The language is unknown.
    """
    stem, _, part = name.partition(".")
    joined = " ".join(ACRONYMS.get(word.lower(), word) for word in stem.replace("_", " ").split())
    shown = words(_capitalized(joined), language)
    if shown == _capitalized(joined):  # the same word may stand in lower case, as a code in a table
        shown = _capitalized(words(joined, language))
    return f"{shown} ({_capitalized(re.sub('[-_]', ' ', part))})" if part else shown


def name(text: str, language: str = "") -> str:
    """Return a name of ours, such as a channel or a band, in the words of a language; as it is where it has none.

    Args:
        text: The name as the program or the settings write it: "in_app" reads "In app", "At risk" stays.
        language: Language tag.

    Raises:
        ValueError: The language is unknown.
    """
    said, labelled = words(text, language), label(text, language)
    return labelled if said == text and ("_" in text or labelled != label(text, "en")) else said


def sentence(said: str) -> str:
    """Return words with a full stop, where they do not end a sentence already.

    Args:
        said: Text in any language; one that ends in a Chinese character gets a Chinese full stop.
    """
    if said.endswith(ENDS):
        return said
    return f"{said}{'。' if east_asian_width(said[-1:] or '.') in 'WF' else '.'}"


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _filled(value: Any, spec: str, language: str) -> str:
    kind, _, argument = spec.partition(" ")
    if kind == "n":
        return _counted(value, argument, language)
    if kind == "money":
        return money(value, argument, language=language)
    if argument:
        raise ValueError(f"unknown spec {spec!r} in a message")
    match kind:
        case "":
            return _as_is(value, language)
        case "word":
            return name(value, language)
        case "count":
            return number(value, 0, language)
        case "number":
            return number(value, language=language)
        case "points":
            return number(value, 1, language)
        case "share" | "percent":
            return share(value, language=language)
        case "days":
            return _counted(value, words("day|days", language), language)
        case "date":
            return day(value, language)
        case "estimate":
            return estimate(value, language)
        case "list":
            return _listed(value, language)
        case "words":
            return _listed([name(each, language) for each in value], language)
    raise ValueError(f"unknown spec {spec!r} in a message")


def _counted(value: Any, nouns: str, language: str) -> str:
    one, bar, many = nouns.partition("|")
    if not (one and bar and many) or "|" in many:
        raise ValueError(f"{{x:n ...}} needs 'singular|plural', not {nouns!r}")
    written = number(value, language=language)
    return written if written == words(NOT_KNOWN, language) else f"{written} {one if value == 1 else many}"


def _listed(values: Iterable[Any], language: str) -> str:
    shown, comma = [_as_is(value, language) for value in values], words(", ", language)
    hidden = len(shown) - LISTED
    if hidden > 0:
        pattern, more = words("{shown} and {more} more", language), number(hidden, 0, language)
        return pattern.format(shown=comma.join(shown[:LISTED]), more=more)
    return comma.join(shown)


def _as_is(value: Any, language: str) -> str:
    match value:
        case Message():
            return text(value, language)
        case Estimate():
            return estimate(value, language)
        case Enum():
            return words(str(value.value), language)
        case str():
            return value
        case bool():
            return words("yes" if value else "no", language)
        case _ if is_missing(value):
            return words(NOT_KNOWN, language)
        case date():
            return day(value, language)
        case _ if hasattr(value, "__float__"):
            return number(value, language=language)
    return str(value)
