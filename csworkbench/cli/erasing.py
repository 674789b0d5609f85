"""A contact erased from what a project keeps: listed first, done once that is agreed to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from csworkbench.cli.console import answer, answer_json, short, tell

ContactOption = Annotated[
    str,
    typer.Option(
        "--contact", metavar="ID", help="Erase this contact from all runs, results and records.", show_default=False
    ),
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="TEXT",
        help="With --contact: a further name or address of it; repeatable.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Who is to be erased: the id, and what else the person was called beside what the data say."""

    contact: str
    also: tuple[str, ...]


def erase(what: Erasure, workspace: Path | None, out: Path | None, *, yes: bool, json: bool) -> None:
    """List the files that hold a contact, or erase it from them.

    Args:
        what: Who is to be erased.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        yes: Erase; without it the files are only listed.
        json: Answer as JSON.

    Raises:
        ConfigError: No contact is named, or its id or a text cannot be told from other content.
    """
    from csworkbench.cli.catalog import open_project
    from csworkbench.errors import ConfigError, Problem
    from csworkbench.store import Person, known_words, when_erased
    from csworkbench.store import erase as take_out

    if not what.contact:
        raise ConfigError(Problem("no contact is named", key="--contact", hint="give the id of the contact too"))
    project = open_project(workspace)
    outs = tuple(dict.fromkeys([project.root / "outputs", *([out.absolute()] if out else [])]))
    records = project.root / "records"
    Person(what.contact, what.also)  # what cannot be told is refused before data is read
    tell("Reading what the data say of the contact ...")
    said, holders = _said(project.workspace, project.root, outs[-1], what.contact)
    person = Person(what.contact, known_words(said, what.also))
    found = take_out(outs, records, person, datetime.now(UTC), is_dry=not yes)
    before = when_erased(records, what.contact)
    if json:
        answer_json({"exit_code": 0, "is_erased": yes, "changed": found.changed, "removed": found.removed,
                     "entry": short(found.entry) if found.entry else "", "erased_before": before,
                     "still_in": holders})  # fmt: skip
        return
    for line in _lines(found.changed, "without the contact"):
        answer(line)
    for line in _lines(found.removed, "removed, made again by a run"):
        answer(line)
    if not found.changed and not found.removed:
        tell(f"Nothing holds this contact{f'; it was erased at {before[-1]}' if before else ''}.")
    elif found.entry:
        tell(f"Erased; {short(found.entry)} says that something was, not who.")
    else:
        tell("These files hold the contact; say --yes to erase it.")
    if holders:
        tell(f"Your data still have it ({', '.join(holders)}): take it out there, or the next run brings it back.")


def _lines(files: tuple[str, ...], what: str) -> Iterator[str]:
    """Yield a line per file."""
    return (f"{file}: {what}" for file in files)


def _said(path: Path, root: Path, out: Path, contact: str) -> tuple[list[str | None], list[str]]:
    """Return the personal texts that the data have of a contact, and the tables that have rows of it."""
    from csworkbench.planner.inputs import reopened
    from csworkbench.tables import SPECS
    from csworkbench.workspace import load_workspace

    texts: list[str | None] = []
    holders: list[str] = []
    with reopened(load_workspace(path), root, out, is_dry=True, now=datetime.now(UTC)) as book:
        for name, table in book.tables.items():
            if "contact_id" not in table.columns:
                continue
            rows = table.filter(table.contact_id == contact)
            personal = [each.name for each in SPECS[name].columns if each.is_personal and each.name in table.columns]
            frame = rows.select("contact_id", *personal).to_pandas()
            holders += [name] if len(frame) else []
            texts += [str(value) for column in personal for value in frame[column].dropna()]
    return texts, holders
