"""The two kinds of page, put together from records, a result and a story."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from csworkbench import formats
from csworkbench.errors import RunError
from csworkbench.estimates import MOST_FIGURES, WORST_FIRST, Estimate, Message, say
from csworkbench.report.glossary import definition
from csworkbench.report.records import Failure, PageContext, RunPage, SourceNote
from csworkbench.report.story import Story, heading_before, read_story

if TYPE_CHECKING:
    from jinja2 import Environment

_DONE = ("ok", "cached")
_BAD = ("failed", "blocked")
_TROUBLE = (*_BAD, "skipped")


def render(notebook: Path, result: Path | None, context: PageContext) -> str:
    """Return the page of one executed notebook as one HTML file.

    Args:
        notebook: The executed notebook.
        result: Its result.json; None when the notebook has no result (it failed, or is a tour).
        context: What the page says beside it.

    Raises:
        RunError: the notebook or the result cannot be read.
    """
    story = read_story(notebook, context.language)
    failure = _failure(notebook, story, context)
    found = _result(result, context) if result is not None and failure is None else None
    # The verdict of a result stands on top; that of a notebook which did not finish is nothing to act on.
    hidden = {"verdict", "conclusion"} if found or failure else set()
    blocks = [block for block in story.blocks if block.slot not in hidden]
    slots = {
        slot: [block for block in blocks if block.slot == slot] for slot in ("chart", "table", "settings", "other")
    }
    return _fill(
        "report.html.j2", context.language,
        page=context, title=context.title or story.title or formats.label(context.name, context.language),
        intro=story.intro, failure=failure, result=found, slots=slots,
        flow=[] if found else blocks,
        newest=max((note.last_event for note in context.sources if note.last_event), default=None),
        oldest=min(_dated(context.sources), key=lambda note: str(note.last_event), default=None),
        aside=sum(note.quarantined for note in context.sources),
    )  # fmt: skip


def render_index(run: RunPage) -> str:
    """Return the index of a run as one HTML file: what failed first, then a card per notebook.

    Args:
        run: What the run's record holds.
    """
    return _fill(
        "index.html.j2", run.language,
        run=run,
        trouble=sorted((e for e in run.entries if e.status not in _DONE), key=lambda entry: _rank(entry.status)),
        done=[entry for entry in run.entries if entry.status in _DONE],
        shard_trouble=sorted((each for each in run.shards if each.status in _BAD), key=lambda each: _rank(each.status)),
        shard_rest=[each for each in run.shards if each.status not in _BAD],
        newest=max((note.last_event for note in run.sources if note.last_event), default=None),
        aside=sum(note.quarantined for note in run.sources),
    )  # fmt: skip


def _fill(template: str, language: str, **values: Any) -> str:
    helpers: dict[str, Callable[..., str]] = {
        "_": lambda key, **given: formats.text(Message(key, given), language),
        "count": partial(formats.number, digits=0, language=language),
        "day": partial(formats.day, language=language),
        "moment": partial(_moment, language=language),
        "label": partial(formats.label, language=language),
        "sentence": formats.sentence,
        "took": partial(_took, language=language),
        "tongue": lambda is_english: Markup(' lang="en"') if is_english else "",
    }
    return _templates().get_template(template).render(language=language, **helpers, **values)


@lru_cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("csworkbench", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_inert,
    )  # fmt: skip


def _inert(value: Any) -> Any:
    """Return text without characters that reorder or hide what stands beside it; markup was made so before."""
    return formats.printable(value, has_lines=True) if type(value) is str else value


def _result(path: Path, context: PageContext) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        figures = {name: Estimate(**figure) for name, figure in stored["figures"].items()}
        caveats = sorted(stored["caveats"], key=lambda caveat: WORST_FIRST.index(caveat["severity"]))
        return {
            **stored,
            "figures": [
                _card(name, figure, context.language) | _meaning(stored["analysis"], name, context)
                for name, figure in list(figures.items())[:MOST_FIGURES]
            ],
            "caveats": caveats,
            "english": stored.get("english", ()),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path.name}: no page can be made of this result: {type(error).__name__}: {error}") from error


def _card(name: str, figure: Estimate, language: str) -> dict[str, str]:
    value, behind = formats.figure(figure, language)
    number, _, unit = value.partition(" ") if value[:1].isdigit() or value[:1] in "-−" else (value, "", "")
    return {"label": formats.label(name, language), "value": number, "unit": unit, "behind": behind}


def _meaning(analysis: str, name: str, context: PageContext) -> dict[str, Any]:
    """Return how a figure is made, in words; nothing for a figure of an analysis that is not the product's own."""
    found = definition(analysis, name, is_part="/" in context.name)
    if found is None:
        return {}
    said = {key: formats.text(getattr(found, key), context.language) for key in ("formula", "window", "missing")}
    said["formula"] = said["formula"][:1].upper() + said["formula"][1:]
    tables = [formats.label(table, context.language) for table in found.reads]
    return {**said, "anchor": f"figure-{name}", "tables": formats.words(", ", context.language).join(tables)}


def _failure(notebook: Path, story: Story, context: PageContext) -> Failure | None:
    failure = context.failure or story.failure
    if failure is None or failure.cell is None or failure.heading:
        return failure
    return Failure(failure.message, failure.cell, heading_before(notebook, failure.cell))


def _dated(sources: tuple[SourceNote, ...]) -> list[SourceNote]:
    return [note for note in sources if note.last_event]


def _rank(status: str) -> int:
    return _TROUBLE.index(status) if status in _TROUBLE else len(_TROUBLE)


def _moment(value: datetime | None, language: str) -> str:
    if value is None:
        return "–"
    zone = value.tzname() or ""
    return f"{formats.day(value, language)}, {value:%H:%M} {zone}".strip()


def _took(seconds: float | None, language: str) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return formats.text(say("{n:number} s", n=round(seconds, 1)), language)
    return formats.text(say("{minutes:count} min {rest:count} s", minutes=minutes, rest=rest), language)
