"""An executed notebook read as a story: title, introduction, and what it shows in the order it shows it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from csworkbench.errors import RunError
from csworkbench.formats import is_foreign, words
from csworkbench.report.fragments import from_markdown, from_output, joined
from csworkbench.report.records import Failure


@dataclass(frozen=True, slots=True)
class Block:
    """One thing a notebook shows.

    Args:
        slot: "verdict", "conclusion", "chart", "table", "settings", "other", or "text": markdown before a cell
            that shows nothing.
        lead: The markdown right before its cell, as safe HTML.
        body: The output, as safe HTML.
    """

    slot: str
    lead: Markup
    body: Markup


@dataclass(frozen=True, slots=True)
class Story:
    """What a page takes from a notebook.

    Args:
        title: Its first heading.
        intro: The rest of its first cell, as safe HTML.
        blocks: What it shows, in order.
        failure: The error that stopped it; None when no cell failed.
    """

    title: str
    intro: Markup
    blocks: tuple[Block, ...]
    failure: Failure | None


PAPERMILL_BANNER = "papermill-error-cell-tag"
_SLOTS = ("verdict", "conclusion", "chart", "table", "settings")


def read_story(path: Path, language: str = "en") -> Story:
    """Return the story of an executed notebook.

    Args:
        path: A notebook of format 4.
        language: Language of the page: what the notebook says is put into it paragraph by paragraph.

    Raises:
        RunError: it cannot be read.
    """
    try:
        cells = _cells(path)
        title, intro = _opening(cells, language)
        return Story(title, intro, tuple(_blocks(cells, language)), _failure(cells))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path.name}: no page can be made of this notebook: {type(error).__name__}: {error}") from error


def heading_before(path: Path, code_cell: int) -> str:
    """Return the heading a code cell stands under; empty when there is none.

    Args:
        path: A notebook of format 4, readable by `read_story`.
        code_cell: Number of the code cell, counted from 1.
    """
    return next((heading for number, _, heading in _code_cells(_cells(path)) if number == code_cell), "")


def _cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook without the banners papermill puts in when a cell fails."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if PAPERMILL_BANNER not in cell.get("metadata", {}).get("tags", ())]


def _opening(cells: list[dict[str, Any]], language: str) -> tuple[str, Markup]:
    if not cells or cells[0]["cell_type"] != "markdown":
        return "", Markup("")
    first, _, rest = joined(cells[0]["source"]).strip().partition("\n")
    if not first.startswith("# "):
        return "", _said(cells[0], f"{first}\n{rest}", language)
    return words(first.removeprefix("# ").strip(), language), _said(cells[0], rest, language)


def _said(cell: Mapping[str, Any], source: str, language: str) -> Markup:
    """Return the markdown of a cell in a language: each paragraph and heading on its own, else marked as English."""
    if cell.get("metadata", {}).get("csworkbench", {}).get("is_spoken"):
        return from_markdown(source)
    return Markup("").join(_passage(each, language) for each in passages(source))


def _passage(source: str, language: str) -> Markup:
    bare = source.lstrip("# ")
    said = from_markdown(source.replace(bare, words(bare, language)))
    return Markup('<div lang="en">{}</div>').format(said) if bare and is_foreign(bare, language) else said


def passages(source: str) -> list[str]:
    """Return the paragraphs and headings of markdown, each of which is translated as one.

    Args:
        source: Text of a cell.
    """
    lines = (f"\n{line}\n" if line.startswith("#") else line for line in source.strip().split("\n"))
    return [part.strip() for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]


def _blocks(cells: list[dict[str, Any]], language: str) -> Iterator[Block]:
    lead = Markup("")
    for place, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            lead = lead + _said(cell, joined(cell["source"]), language) if place else Markup("")
        elif cell["cell_type"] == "code":
            before = lead
            for output in cell.get("outputs", []):
                body = from_output(output)
                if body:
                    yield Block(_slot(output), before, body)
                    before = Markup("")
            if before:
                yield Block("text", before, Markup(""))
            lead = Markup("")
    if lead:
        yield Block("text", lead, Markup(""))


def _slot(output: Mapping[str, Any]) -> str:
    ours = output.get("metadata", {}).get("csworkbench", {})
    slot = ours.get("slot") if isinstance(ours, dict) else None
    return slot if slot in _SLOTS else "other"


def _failure(cells: list[dict[str, Any]]) -> Failure | None:
    for number, cell, heading in _code_cells(cells):
        for output in cell.get("outputs", []):
            if output.get("output_type") == "error":
                return Failure(f"{output.get('ename', '')}: {output.get('evalue', '')}", number, heading)
    return None


def _code_cells(cells: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Yield number, cell and heading of the code cells that were part of the notebook as written."""
    number, heading = 0, ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            titles = [line.lstrip("# ").strip() for line in joined(cell["source"]).split("\n") if line.startswith("#")]
            heading = titles[-1] if titles else heading
        elif cell["cell_type"] == "code":
            number += 1
            yield number, cell, heading
