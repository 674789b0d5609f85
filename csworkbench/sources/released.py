"""Lists that were made official, read back from `records/lists/`: only what a release wrote counts as contact.

A release is `<analysis>-<first day>-<digest>.csv` with a slip of the same name, see `store.releasing`. The digest is
that of the bytes, so damage shows; a slip without its list, or a list without its slip, shows that one was lost.
"""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from csworkbench.errors import DataError, Problem

FOLDER = "lists"
NAME = re.compile(r"(?P<analysis>[a-z][a-z0-9_]*)-(?P<first>\d{4}-\d{2}-\d{2})-(?P<digest>[0-9a-f]{12})")
COLUMNS = ("proposal_id", "account_id", "contact_id", "program", "mode", "channel", "csm_id", "sent_on")
LOST = "restore it from a backup, or release the run again: what was made official is never treated as empty"


@dataclass(frozen=True, slots=True)
class Contacted:
    """One row of an official list.

    Args:
        proposal_id: The proposal.
        account_id: Its account.
        contact_id: Who was contacted.
        program: Program it belongs to.
        mode: automated or human.
        channel: Channel it was to go by.
        csm_id: Who was to do it, "" for nobody.
        sent_on: Day it counts as contact.
        analysis: Analysis that made the list.
        first_day: First day of the period of the list.
        known_on: Cut-off date of the run that was released.
        row: The whole row as it was written, column -> text.
    """

    proposal_id: str
    account_id: str
    contact_id: str
    program: str
    mode: str
    channel: str
    csm_id: str
    sent_on: date
    analysis: str
    first_day: date
    known_on: date
    row: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def released(records: Path) -> tuple[Contacted, ...]:
    """Return every contact that was made official, in the order of the files and their rows.

    Args:
        records: Folder of the project's records; nothing was released where it has no lists.

    Raises:
        DataError: a list is damaged, missing or not readable; every one of them.
    """
    folder = records / FOLDER
    stems = sorted({path.stem for path in folder.glob("[!.]*.*") if path.suffix in {".csv", ".json"}})
    problems: list[Problem] = []
    rows: list[Contacted] = []
    for stem in stems:
        try:
            rows += _rows(folder / f"{stem}.csv")
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(*problems)
    return tuple(rows)


def _rows(path: Path) -> list[Contacted]:
    named = NAME.fullmatch(path.stem)
    if named is None:
        raise _damaged(path, "is no name of an official list")
    try:
        content = path.read_bytes()
        slip = json.loads(path.with_suffix(".json").read_text("utf-8"))
        known_on = date.fromisoformat(slip["as_of"])
    except FileNotFoundError as error:
        raise _damaged(Path(error.filename), "is missing from the official lists") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path.with_suffix(".json"), f"cannot be read: {error}") from None
    if hashlib.sha256(content).hexdigest()[:12] != named["digest"]:
        raise _damaged(path, "was changed after its release")
    rows = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""))
    return [_contacted(row, named, known_on, path) for row in rows]


def _contacted(row: dict[str, str], named: "re.Match[str]", known_on: date, path: Path) -> Contacted:
    try:
        texts: dict[str, Any] = {name: row[name] for name in COLUMNS if name != "sent_on"}
        sent_on, first_day = date.fromisoformat(row["sent_on"]), date.fromisoformat(named["first"])
    except (KeyError, ValueError) as error:
        raise _damaged(path, f"does not read as a list of contacts: {error}") from None
    analysis = named["analysis"]
    return Contacted(**texts, sent_on=sent_on, analysis=analysis, first_day=first_day, known_on=known_on, row=row)


def _damaged(path: Path, what: str) -> DataError:
    return DataError(Problem(what, file=f"records/{FOLDER}/{path.name}", hint=LOST))
