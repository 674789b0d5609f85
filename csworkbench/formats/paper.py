"""Sheets of paper: pages of their own without pictures and script, to be printed or sent."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from csworkbench.estimates import Message, say
from csworkbench.formats.figures import day, is_missing, number, share
from csworkbench.formats.languages import words
from csworkbench.formats.sentences import NAME, answer, label, text

_STYLE = """
@page { size: A4; margin: 9mm; }
body { font: 13px/1.35 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
h1 { font-size: 1.35em; margin: 0; } h2 { font-size: 1.05em; margin: 0.7em 0 0.2em; } p { margin: 0.2em 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-bottom: 0.4em; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: left; padding: 0.1em 0.6em 0.1em 0; border-bottom: 1px solid #bbb; vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 8px; line-height: 1.25; }
  div { overflow: visible; } }
""".strip()
_NAMES = ("tier", "kind", "band")


def sheet(title: Message, parts: Iterable[str], language: str) -> str:
    """Return a page of a title and parts, small enough in print for a sheet of A4 to hold much.

    Args:
        title: Its heading.
        parts: Markup of `block`, `line` and `table`.
        language: Language tag.
    """
    said = _said(title, language)
    return page(said, _STYLE, [f"<h1>{said}</h1>", *parts], language)


def page(title: str, style: str, parts: Iterable[str], language: str) -> str:
    """Return a page of its own, without script and requests.

    Args:
        title: Its title, escaped.
        style: Its style sheet.
        parts: Markup of its body.
        language: Language tag.
    """
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def block(title: Message, language: str) -> str:
    """Return the heading of a block."""
    return f"<h2>{_said(title, language)}</h2>"


def line(message: Message, language: str) -> str:
    """Return a sentence as a paragraph."""
    return f"<p>{_said(message, language)}</p>"


def table(rows: Sequence[Mapping[Any, Any]], title: Message, columns: Sequence[str], language: str) -> str:
    """Return rows as a table; without rows a line that says so.

    Args:
        rows: The rows, all of them, by column.
        title: Its caption.
        columns: Columns that are shown; those called `*_share` and `*_rate` are in percent.
        language: Language tag.
    """
    if not rows:
        return f"<p>{_said(title, language)}{words(': ', language)}{_said(say('none known'), language)}</p>"
    head = "".join(f'<th scope="col">{escape(label(name, language))}</th>' for name in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row[name], name, language))}</td>" for name in columns) + "</tr>"
        for row in rows
    )
    name = _said(title, language)
    box = f'<div role="region" tabindex="0" aria-label="{name}">'  # on a phone a wide table scrolls, by keyboard too
    top = f"<caption>{name}</caption>\n<thead><tr>{head}</tr></thead>"
    return f"{box}<table>{top}\n<tbody>\n{body}\n</tbody></table></div>"


def _said(message: Message, language: str) -> str:
    return escape(text(message, language))


def _cell(value: Any, column: str, language: str) -> str:
    if is_missing(value):
        return "–"
    if isinstance(value, str):
        return label(value, language) if column in _NAMES or NAME.fullmatch(value) else value
    if hasattr(value, "year"):
        return day(value, language)
    if type(value).__name__ in ("bool", "bool_"):
        return answer(value, language)
    if column.endswith(("_share", "_rate")):
        return share(float(value), language=language)
    exact = float(value)
    return number(exact, 0 if exact.is_integer() or abs(exact) >= 100 else 1, language)
