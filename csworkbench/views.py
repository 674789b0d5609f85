"""Results for readers: the verdict, figures, doubts and next steps, tables and settings, as text and as safe HTML."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from csworkbench import charts, formats
from csworkbench.charts.markup import displayed, mark, table_html, table_text
from csworkbench.config import FromFolder, Section, plain
from csworkbench.estimates import (
    MOST_FIGURES,
    Caveat,
    Estimate,
    Message,
    Part,
    Result,
    Severity,
    Shown,
    say,
    worst_first,
)

if TYPE_CHECKING:
    import pandas as pd

_SHAPES = [name for name in charts.__all__ if name.islower()]
_WORDS = {
    Severity.STOP: say("Do not act on this yet"),
    Severity.WARNING: say("Handle with care"),
    Severity.NOTE: say("Good to know"),
}

_SPOKEN = {"csworkbench": {"is_spoken": True}}
"""Marks text that is in the language of the page already."""


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """Something to look at, ready for a notebook, a terminal and a page.

    Args:
        slot: What it is on a page: "verdict", "table", "conclusion" or "settings".
        text: Plain text, the same on every machine.
        html: Escaped markup without script and without inline style.
    """

    slot: str
    text: str
    html: Markup

    def __repr__(self) -> str:
        """Return the plain text."""
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = {"text/plain": self.text, "text/html": displayed(self.html)}
        return data, {"csworkbench": {"slot": self.slot}}


def show(result: Result, language: str = "") -> View:
    """Return the verdict, at most four figures, the doubts that weaken them, and what to do.

    Args:
        result: What an analysis returned.
        language: Language of texts and numbers.
    """
    verdict = _line(result.headline, language)
    figures = [
        (formats.printable(formats.label(name, language)), *formats.figure(each, language))
        for name, each in _first(result)
    ]
    doubts = [each for each in worst_first(result.caveats) if each.severity is not Severity.NOTE]
    lines = [verdict, ""]
    lines += [f"{name}: {value}{f' ({range_})' if range_ else ''}" for name, value, range_ in figures]
    lines += _told(doubts, result.actions, language)
    cards = Markup("").join(
        Markup(
            '<div><dt>{}</dt><dd><span class="csw-value">{}</span> <span class="csw-range">{}</span></dd></div>'
        ).format(*each)
        for each in figures
    )
    html = Markup('<div class="csw-view"><p class="csw-verdict"{}>{}</p>{}{}{}</div>').format(
        mark(result.headline.key, language),
        verdict,
        Markup('<dl class="csw-figures">{}</dl>').format(cards) if figures else "",
        _doubts_html(doubts, language),
        _actions_html(result.actions, language),
    )
    return View("verdict", "\n".join(lines), html)


def conclude(result: Result, language: str = "") -> View:
    """Return the read-out: the headline, every doubt with what helps, and the next steps.

    Args:
        result: What an analysis returned.
        language: Language of texts and numbers.
    """
    verdict = _line(result.headline, language)
    caveats = worst_first(result.caveats)
    html = Markup('<div class="csw-view"><p class="csw-verdict"{}>{}</p>{}{}</div>').format(
        mark(result.headline.key, language),
        verdict,
        _doubts_html(caveats, language),
        _actions_html(result.actions, language),
    )
    return View("conclusion", "\n".join([verdict, *_told(caveats, result.actions, language)]), html)


def table(
    frame: "pd.DataFrame",
    title: str,
    limit: int = 20,
    columns: Sequence[str] | None = None,
    *,
    words: Sequence[str] = (),
    language: str = "",
) -> View:
    """Return the first rows of a table, in the order of the frame.

    Args:
        frame: Any frame; its first column shown names the row.
        title: What the table shows.
        limit: Rows to show; the rest is counted.
        columns: Columns to show, in this order; None shows all.
        words: Columns that hold names of ours, such as bands: `at_risk` reads "At risk".
        language: Language of numbers and dates.

    Raises:
        ValueError: a column is not in the frame.
    """
    unknown = [name for name in (*(columns or ()), *words) if name not in frame.columns]
    if unknown:
        raise ValueError(f"no column {', '.join(unknown)} in the table; it has {', '.join(map(str, frame.columns))}")
    shown = (frame if columns is None else frame[list(columns)]).head(limit)
    shown = shown.assign(**{name: [_label(value, language) for value in shown[name]] for name in words})
    hidden = len(frame) - len(shown)
    note = formats.text(say("{n:n row|rows} more in the full table", n=hidden), language) if hidden else ""
    if frame.empty:
        note = formats.text(say("No rows"), language)
    named = formats.words(title, language)
    html = table_html(shown, named, language)
    return View(
        "table",
        "\n".join(filter(None, (table_text(shown, named, language), note))),
        html + Markup('<p class="csw-note">{}</p>').format(note) if note else html,
    )


def settings(config: Section, language: str = "") -> View:
    """Return the settings used: key, value and meaning of each, nested keys with dots.

    Args:
        config: The resolved settings.
        language: Language of numbers and dates.
    """
    import pandas as pd

    title = formats.text(say("Settings used"), language)
    frame = pd.DataFrame(list(_keys(config, language)), columns=["setting", "value", "meaning"], dtype="object")
    return View("settings", table_text(frame, title, language), table_html(frame, title, language))


def story(part: Part, language: str = "") -> Mapping[str, Any]:
    """Return the page of a part as the cells of a notebook that nobody had to execute (nbformat 4).

    Args:
        part: What the page says.
        language: Language of texts and numbers.

    Raises:
        ValueError: the part shows a table it does not have, a column the table lacks, or an unknown chart.
    """
    title = formats.printable(formats.words(part.title, language))
    opening = [{"cell_type": "markdown", "metadata": _SPOKEN, "source": f"# {title}"}]
    return {"cells": opening + [cell for shown in part.shown for cell in _shown(part.result, shown, language)]}


def draw(tables: "Mapping[str, pd.DataFrame]", shown: Shown, language: str = "en") -> "View | charts.Chart":
    """Return a picture or table that an analysis describes as data.

    Args:
        tables: Name -> frame.
        shown: What is drawn of which of them.
        language: Language of texts and numbers.

    Raises:
        ValueError: there is no such table, a column is not in it, or the chart is unknown.
    """
    if shown.table not in tables:
        raise ValueError(f"no table {shown.table!r} to show; there are {', '.join(tables) or 'none'}")
    if shown.shape != "table" and shown.shape not in _SHAPES:
        raise ValueError(f"no chart {shown.shape!r}; there are {', '.join(_SHAPES)}")
    frame, options = tables[shown.table], {**shown.options, "language": language}
    if shown.shape == "table":
        return table(frame, shown.title, columns=shown.columns or None, **options)
    drawn: charts.Chart = getattr(charts, shown.shape)(frame, *shown.columns, title=shown.title, **options)
    return drawn


def _shown(result: Result, shown: Shown, language: str) -> Iterator[dict[str, Any]]:
    drawn = draw(result.tables, shown, language)
    if shown.lead is not None:
        yield {"cell_type": "markdown", "metadata": _SPOKEN, "source": _sentence(shown.lead, language)}
    data, metadata = drawn._repr_mimebundle_()
    yield {"cell_type": "code", "outputs": [{"output_type": "display_data", "data": data, "metadata": metadata}]}


def _label(value: Any, language: str) -> Any:
    return formats.label(value, language) if isinstance(value, str) else value


def _first(result: Result) -> list[tuple[str, Estimate]]:
    return list(result.figures.items())[:MOST_FIGURES]


def _told(caveats: Sequence[Caveat], actions: Sequence[Message], language: str) -> Iterator[str]:
    for caveat in caveats:
        helps = f" {_sentence(caveat.action, language)}" if caveat.action else ""
        yield f"{formats.text(_WORDS[caveat.severity], language)}: {_sentence(caveat.message, language)}{helps}"
    for action in actions:
        yield f"-> {_sentence(action, language)}"


def _sentence(message: Message, language: str) -> str:
    return formats.sentence(_line(message, language))


def _line(message: Message, language: str) -> str:
    return formats.printable(formats.text(message, language))


def _doubts_html(caveats: Sequence[Caveat], language: str) -> Markup:
    return Markup("").join(
        Markup('<div class="csw-caveat csw-{}"><p><strong>{}:</strong> {}{}</p></div>').format(
            caveat.severity.value,
            formats.text(_WORDS[caveat.severity], language),
            _marked(caveat.message, language),
            _em(caveat.action, language) if caveat.action else "",
        )
        for caveat in caveats
    )


def _marked(message: Message, language: str) -> Markup | str:
    said, tongue = _sentence(message, language), mark(message.key, language)
    return Markup("<span{}>{}</span>").format(tongue, said) if tongue else said


def _em(message: Message, language: str) -> Markup:
    return Markup(" <em{}>{}</em>").format(mark(message.key, language), _sentence(message, language))


def _actions_html(actions: Sequence[Message], language: str) -> Markup:
    if not actions:
        return Markup("")
    items = Markup("").join(
        Markup("<li{}>{}</li>").format(mark(action.key, language), _sentence(action, language)) for action in actions
    )
    return Markup('<p class="csw-todo">{}</p><ol class="csw-actions">{}</ol>').format(
        formats.text(say("What to do"), language), items
    )


def _keys(config: Section, language: str, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in type(config).model_fields.items():
        value, key = getattr(config, name), f"{prefix}{field.alias or name}"
        if isinstance(value, Section):
            yield from _keys(value, language, f"{key}.")
        else:
            # Of a folder of files their names are told, not what stands in them.
            is_folder = any(isinstance(mark, FromFolder) for mark in field.metadata)
            yield key, _value(list(value) if is_folder else value, language), field.description or ""


def _value(value: Any, language: str) -> str:
    """Return a setting in short: a section by its name, as its keys stand in a file of their own."""
    match value:
        case Section():
            names = (getattr(value, key, None) for key in ("id", "label", "name", "title", "question", "kind"))
            return str(next((name for name in names if name), None) or _value(plain(value), language))
        case None:
            return formats.text(say("not set"), language)
        case dict():
            return ", ".join(f"{key}: {_value(each, language)}" for key, each in value.items())
        case str():
            return value
        case list() | tuple() | set() | frozenset():
            return ", ".join(_value(each, language) for each in value) or formats.text(say("none"), language)
    return formats.text(say("{value}", value=value), language)
