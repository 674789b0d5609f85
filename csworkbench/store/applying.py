"""Playbook changes that a run proposed, written into the library once a person has seen the difference.

Each change leaves a record under `records/playbooks/`: `<id>-v<version>-<digest>.json` with the accepted verdicts, the
reasons and the new text. The record is written first: a file that was changed always has one, and a command that was
killed in between is finished by calling it again.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from csworkbench.config import load_text
from csworkbench.errors import EnvironmentProblem, Problem, RunError
from csworkbench.files import write_file
from csworkbench.playbooks import PLAYBOOKS, Playbook, difference
from csworkbench.store.releasing import SHORT, delivered, intact, locked
from csworkbench.store.results import RESULT_FILE, write_json

ANALYSIS = "plan_validation"
MANIFEST = "playbooks/proposals.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Change:
    """What a run proposes for one playbook, and how the library stands to it.

    Args:
        playbook: Its id.
        path: Its file in the library.
        from_version: Version it was made from.
        to_version: Version it becomes.
        text: Proposed text.
        diff: Unified difference from what the file holds now; "" where it holds the proposed text.
        says: What the record of it will hold: reasons, cases, verdicts.
    """

    playbook: str
    path: Path
    from_version: int
    to_version: int
    text: str
    diff: str
    says: Mapping[str, Any] = field(repr=False)

    @property
    def sha256(self) -> str:
        """Digest of the proposed text."""
        return sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one change.

    Args:
        playbook: Its id.
        path: Its file in the library.
        record: The record of the change.
        from_version: Version before.
        to_version: Version now.
        is_new: It was written now; else the file held it before, and nothing was changed.
    """

    playbook: str
    path: Path
    record: Path
    from_version: int
    to_version: int
    is_new: bool


def proposed(run: Path, root: Path) -> tuple[Change, ...]:
    """Return the playbook changes of a run, checked against the library as it stands.

    Args:
        run: Folder of a published run.
        root: Project root.

    Returns:
        One per playbook that would change or has been changed by this run already; none where it proposes nothing.

    Raises:
        RunError: there is no such run; its plan validation is missing, failed or says stop; a file of it was changed
            after the run; or a playbook was changed, or is gone, since the run was made.
    """
    digests = delivered(run, ANALYSIS, "nothing is applied")
    if f"{ANALYSIS}/{MANIFEST}" not in digests:
        return ()
    manifest = json.loads(intact(run, f"{ANALYSIS}/{MANIFEST}", digests))
    if manifest["version"] != VERSION:
        hint = "use the csworkbench that made the run, or run again"
        problem = Problem(f"its proposals are of version {manifest['version']}", file=run.name, hint=hint)
        raise RunError(problem)
    verdicts = _verdicts(run, digests)
    problems: list[Problem] = []
    changes = tuple(
        change
        for offer in manifest["proposals"]
        for change in _checked(offer, (run, digests, verdicts), root / PLAYBOOKS, problems)
    )
    if problems:
        raise RunError(*problems)
    return changes


def apply(run: Path, root: Path, at: datetime) -> tuple[Applied, ...]:
    """Write the playbook changes of a run into the library, each with its record; comments are kept.

    Args:
        run: Folder of a published run.
        root: Project root.
        at: Instant of the change, UTC.

    Returns:
        One per change; doing it again changes nothing.

    Raises:
        RunError: as `proposed`; nothing is written then.
        EnvironmentProblem: a file cannot be written, or records cannot; playbooks written before it are complete.
    """
    records = root / "records"
    try:
        with locked(records):
            return tuple(_written(change, run.name, records / "playbooks", at) for change in proposed(run, root))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        problem = Problem(f"cannot be written: {reason}; it is as before", file=str(error.filename or records))
        raise EnvironmentProblem(problem) from error


def _checked(
    offer: Mapping[str, Any],
    source: tuple[Path, Mapping[str, str], list[dict[str, str]]],
    folder: Path,
    problems: list[Problem],
) -> Iterator[Change]:
    """Yield the change of an offer, if the library stands as it did when the run was made."""
    run, digests, verdicts = source
    name = str(offer["playbook"])
    text = intact(run, f"{ANALYSIS}/playbooks/{name}.yaml", digests).decode()
    playbook = load_text(text, Playbook, f"{run.name}/{ANALYSIS}/playbooks/{name}.yaml")
    path = folder / f"{playbook.id}.yaml"
    file = f"{PLAYBOOKS}/{path.name}"
    try:
        now = path.read_bytes()
    except OSError:
        problems.append(Problem("is gone since the run was made", file=file, hint="run again, and apply that run"))
        return
    if now != text.encode() and sha256(now).hexdigest() != offer["from_sha256"]:
        message = f"was changed since the run was made, which read version {offer['from_version']}"
        problems.append(Problem(message, file=file, hint="run again, and apply that run"))
        return
    says = {**offer, "verdicts": [row for row in verdicts if row.get("playbook") == name]}
    diff = difference(now.decode(), text, file)
    yield Change(name, path, int(offer["from_version"]), playbook.version, text, diff, says)


def _verdicts(run: Path, digests: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the verdicts of the run, one per plan."""
    result = json.loads(intact(run, f"{ANALYSIS}/{RESULT_FILE}", digests))
    table = result["tables"].get("verdicts", {"files": ()})
    rows: list[dict[str, str]] = []
    for file in (str(file) for file in table["files"]):
        if file.endswith(".csv"):
            content = intact(run, f"{ANALYSIS}/{file}", digests).decode()
            rows += csv.DictReader(StringIO(content, newline=""))
    return rows


def _written(change: Change, run: str, folder: Path, at: datetime) -> Applied:
    """Return what became of a change: its record first, then its file."""
    record = folder / f"{change.playbook}-v{change.to_version}-{change.sha256[:SHORT]}.json"
    is_new = bool(change.diff)
    says = {"version": VERSION, "run": run, "accepted_at": at.isoformat(timespec="seconds"), **change.says}
    if record.exists():
        _refuse_damaged(record, change)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(record, {**says, "to_version": change.to_version, "sha256": change.sha256, "text": change.text})
    if is_new:
        write_file(change.path, change.text.encode())
    return Applied(change.playbook, change.path, record, change.from_version, change.to_version, is_new)


def _refuse_damaged(record: Path, change: Change) -> None:
    try:
        is_whole = json.loads(record.read_text("utf-8"))["text"] == change.text
    except (ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        hint = "restore it from a backup: what was accepted is never changed"
        raise RunError(Problem("is damaged: its content is not what was accepted", file=str(record), hint=hint))
