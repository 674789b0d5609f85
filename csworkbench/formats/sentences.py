"""Messages, names and sentences as text, by language."""

import re
from collections.abc import Iterable
from datetime import date
from enum import Enum
from string import Formatter
from typing import Any
from unicodedata import category, east_asian_width

from csworkbench.estimates import Estimate, Message, say
from csworkbench.formats.figures import NOT_KNOWN, day, estimate, is_missing, money, number, share
from csworkbench.formats.languages import locale_of, spaced, words

LISTED = 3
NAME = re.compile("[a-z]+(_[a-z]+|,? [a-z]+(-[a-z]+)*)*")
"""A name of ours, such as a band or a verdict; ids and customers' texts are written otherwise."""
CHINESE_MARKS = "，：；。"
BEGINS = re.compile(r"\{\w+:word\}")
ENDS = (".", "!", "?", "。", "！", "？")


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
    said = _told(message, language)
    return _capitalized(said) if BEGINS.match(words(message.key, language)) else said


def _told(message: Message, language: str) -> str:
    said, is_close = "", locale_of(language).language == "zh"
    for literal, name, spec, conversion in Formatter().parse(words(message.key, language)):
        said = _beside(said, literal) if is_close else said + literal
        if name is None:
            continue
        if conversion or not name.isidentifier() or name not in message.values:
            raise ValueError(f"no value for {{{name}}} in the message {message.key!r}")
        filled = _filled(message.values[name], spec or "", language)
        said = _beside(said, filled) if is_close else said + filled
    return said


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
    joined = spaced(stem)
    shown = words(_capitalized(joined), language)
    if not part:
        return shown
    return words("{value} ({behind})", language).format(value=shown, behind=_capitalized(re.sub("[-_]", " ", part)))


def answer(value: Any, language: str = "") -> str:
    """Return yes or no as it stands in a cell; `label("no")` is the head of a column of numbers.

    Args:
        value: True or False, of Python or of NumPy.
        language: Language tag.

    Raises:
        ValueError: The language is unknown.
    """
    return _capitalized(words("yes" if value else "no", language))


def _beside(left: str, right: str) -> str:
    """Return text and what follows as Chinese spaces them: Chinese stands apart from Latin words and numbers alone."""
    before, after = left.rstrip(" "), right.lstrip(" ")
    if not before or not after:
        return left + right
    last, first = before[-1], after[0]
    if (_is_wide(last) and _is_wide(first)) or "P" in (_kind(last), _kind(first)):
        return before + after
    is_edge = (_is_wide(last) and first.isalnum()) or (_is_wide(first) and (last.isalnum() or last == "%"))
    return f"{before} {after}" if is_edge else left + right


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"


def _kind(character: str) -> str:
    """Return P for Chinese punctuation."""
    return category(character)[0] if _is_wide(character) else ""


def inside(text: str, language: str = "") -> str:
    """Return a name of ours as it stands within a sentence, in the words of a language.

    Args:
        text: The name as the program or the settings write it: "in_app" reads "in app", "Acme" stays.
        language: Language tag.

    Raises:
        ValueError: The language is unknown.
    """
    plain = spaced(text) if "_" in text or NAME.fullmatch(text) else text
    said = words(text, language)
    return words(plain, language) if said == text else said


def sentence(said: str) -> str:
    """Return words with a full stop, where they do not end a sentence already.

    Args:
        said: Text in any language; one that ends in a Chinese character, has as many Chinese characters as others, or
            Chinese punctuation, which names have not, gets a Chinese full stop.
    """
    if said.endswith(ENDS):
        return said
    is_chinese = _is_wide(said[-1:] or ".") or 2 * sum(map(_is_wide, said)) >= sum(map(str.isalnum, said))
    is_chinese |= any(mark in said for mark in CHINESE_MARKS)
    return f"{said}{'。' if said and is_chinese else '.'}"


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
            return _worded(value, language)
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
            return _listed([_worded(each, language) for each in value], language)
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
        shorter = say("{shown} and {more:count} more", shown=comma.join(shown[:LISTED]), more=hidden)
        return text(shorter, language)
    return comma.join(shown)


def _worded(value: Any, language: str) -> str:
    return inside(value, language) if isinstance(value, str) else _as_is(value, language)


def _as_is(value: Any, language: str) -> str:
    match value:
        case Message():
            return _told(value, language)
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
