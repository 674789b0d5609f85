"""Words of ours in the reader's language: gettext catalogues keyed by the English words.

`languages/<name>.po` beside the package's modules holds one entry per English sentence or label. Nothing is compiled:
Babel reads the file once, when a language other than English is first asked for. What has no entry stays English.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

CATALOGS = {"sv": "sv", "zh": "zh_CN"}
"""Language -> file of its catalogue; English needs none."""
ENGLISH = "en"
WRITTEN = ("en", "sv", "zh-CN")
"""Languages of pages; a place after them (en-GB) writes numbers and dates as it does there."""
TAG = re.compile(r"[a-z]{2}([-_][A-Za-z]+)*")
_ACRONYMS = (
    "API ARR AUC CRM CSAT CSM CSMs CSV CTR EUR GRR ID IDs KPI KPIs MRR NPS NRR OK ROI SEK SLA SMS SRM SSO URL USD UTC "
    "WeChat XLSX"
)
ACRONYMS = {word.lower(): word for word in _ACRONYMS.split()}
"""Words that are written with capitals of their own, by their small letters."""
PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class _Desk:
    """Which language a notebook's charts and tables are written in when they are not told."""

    language = ENGLISH


def speak(language: str) -> None:
    """Write in a language from now on wherever none is named: set once, by the desk of a notebook.

    Args:
        language: Language tag.

    Raises:
        ValueError: The language is unknown.
    """
    locale_of(language)
    _Desk.language = language


def spoken(language: str) -> str:
    """Return the language that is named, or the one of the desk when it is empty.

    Args:
        language: Language tag, or empty.
    """
    return language or _Desk.language


def words(english: str, language: str = "") -> str:
    """Return words of ours in a language; as they are where its catalogue has none.

    A catalogue that has them with another first letter ("At risk" for "at risk") gives them in the case asked for.

    Args:
        english: A sentence pattern, a label or a title, as the program holds it.
        language: Language tag; empty for that of the desk.

    Raises:
        ValueError: The language is unknown.
    """
    return _translated(english, language) or english


def spaced(key: str) -> str:
    """Return a snake_case name as English words.

    Args:
        key: Name of a column, figure, rule or setting.

    Returns:
        "API use" for "api_use".
    """
    return " ".join(ACRONYMS.get(word.lower(), word) for word in key.replace("_", " ").split())


def is_foreign(english: str, language: str) -> bool:
    """Say whether words stay English on a page of another language, so that the page can mark them.

    What consists of placeholders alone is in whatever language they are filled in.

    Args:
        english: A sentence pattern, a label or a title.
        language: Language tag; empty for that of the desk.

    Raises:
        ValueError: The language is unknown.
    """
    has_words = any(character.isalpha() for character in PLACEHOLDER.sub("", english))
    return has_words and locale_of(language).language != ENGLISH and not _translated(english, language)


def _translated(english: str, language: str) -> str | None:
    known = catalog(language)
    if (said := known.get(english)) is not None:
        return said
    first = english[:1]
    said = known.get(first.swapcase() + english[1:])
    if said is None or first.isupper():
        return said and said[:1].upper() + said[1:]
    return said if said[1:2].isupper() else said[:1].lower() + said[1:]  # "NPS" stays


def catalog(language: str) -> Mapping[str, str]:
    """Return the translations of a language by their English words; empty for English and unwritten languages.

    Args:
        language: Language tag; empty for that of the desk.

    Raises:
        ValueError: The language is unknown.
    """
    return _read(_file_of(locale_of(language)))


def _file_of(locale: "Locale") -> str:
    # Traditional characters are another way of writing, which no catalogue has.
    is_written = locale.script in (None, "Hans") and locale.territory not in ("TW", "HK", "MO")
    return CATALOGS.get(locale.language, "") if is_written else ""


def is_written(language: str) -> bool:
    """Say whether pages can be written in a language.

    Args:
        language: What somebody calls it.
    """
    try:
        locale = _locale(language)
    except ValueError:
        return False
    return bool(TAG.fullmatch(language)) and (locale.language == ENGLISH or bool(_file_of(locale)))


def likely_language(said: str) -> str:
    """Return the language of pages that is meant by another tag, a name or a country; empty where none is.

    Args:
        said: What somebody calls it, such as "swedish", "swe" or "SE".
    """
    from babel import Locale

    tags = {Locale.parse(tag, sep="-").language: tag for tag in WRITTEN}
    for language, tag in tags.items():
        locale = Locale(language)
        if said.casefold() in {str(name).casefold() for name in (locale.language_name, locale.english_name)}:
            return tag
    for asked in (said, f"und_{said.upper()}"):
        try:
            language = _locale(asked).language
        except ValueError:
            continue
        if language in tags:
            return tags[language]
    return ""


def locale_of(language: str) -> "Locale":
    """Return how a language writes numbers and dates.

    Args:
        language: Language tag; empty for that of the desk.

    Raises:
        ValueError: The language is unknown.
    """
    return _locale(spoken(language))


@lru_cache
def _locale(language: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"unknown language {language!r}") from error


@lru_cache
def _read(name: str) -> Mapping[str, str]:
    if not name:
        return MappingProxyType({})
    from babel.messages.pofile import read_po

    with (resources.files("csworkbench") / "languages" / f"{name}.po").open("rb") as file:
        entries = read_po(file)
    return MappingProxyType({str(each.id): str(each.string) for each in entries if each.id and each.string})
