"""What the verdicts say about the library, as files beside the result: patched copies, their difference, a manifest."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from csworkbench.config import plain
from csworkbench.errors import ConfigError, Problem
from csworkbench.formats import text as in_words
from csworkbench.playbooks import Library, Proposal, ScopeFound, Standing, difference, patched, propose

if TYPE_CHECKING:
    import pandas as pd

DIFF = "playbooks.diff"
MANIFEST = "playbooks/proposals.json"
VERSION = 1
COLUMNS = ("playbook", "key", "before", "after", "reason")


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What goes back into the library if somebody agrees.

    Args:
        files: Path below the folder of the notebook -> text: `playbooks/<id>.yaml` (patched copies),
            `playbooks.diff` (unified difference of all of them), `playbooks/proposals.json` (which version each was
            made from, reasons and cases; `csw playbooks apply` reads it). Empty where nothing is proposed.
        table: One row per changed key of a playbook: playbook, key, before, after (of cases their number), reason.
        proposals: Playbook -> its proposal, those without changes left out.
        problems: Playbooks that would change but cannot be patched, and what to do by hand.
    """

    files: Mapping[str, str]
    table: "pd.DataFrame"
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def write_back(
    library: Library,
    verdicts: "pd.DataFrame",
    scopes: Mapping[str, ScopeFound],
    as_of: date,
    language: str = "en",
    *,
    standings: Mapping[str, Standing] = MappingProxyType({}),
) -> WriteBack:
    """Return what the verdicts change in the library.

    Args:
        library: The playbooks as they are.
        verdicts: One row per plan: plan_id, account_id, playbook, verdict, evidence, effect, low, high. Plans of a
            playbook that the library does not have change nothing.
        scopes: Playbook -> what the test of its trait found; those without a test are absent.
        as_of: Date of the validation.
        language: Language of the reasons.
        standings: Playbook -> what the evidence says of it as a whole; those without evidence are absent.
    """
    offers: dict[str, tuple[Proposal, str]] = {}
    problems: list[Problem] = []
    for name, playbook in library.playbooks.items():
        before = library.texts[name]
        proposal = propose(playbook, before, verdicts, as_of, scopes.get(name), standing=standings.get(name))
        if not proposal.changes:
            continue
        try:
            offers[name] = proposal, patched(before, proposal)
        except ConfigError as error:
            problems.extend(error.problems)
    rows = [row for name, (proposal, _) in offers.items() for row in _rows(library, name, proposal, language)]
    return WriteBack(
        _files(library, offers, as_of, language) if offers else {},
        _table(rows),
        {name: proposal for name, (proposal, _) in offers.items()},
        tuple(problems),
    )


def _files(library: Library, offers: Mapping[str, tuple[Proposal, str]], as_of: date, language: str) -> dict[str, str]:
    copies = {f"playbooks/{name}.yaml": after for name, (_, after) in offers.items()}
    diffs = (difference(library.texts[name], after, proposal.file) for name, (proposal, after) in offers.items())
    manifest = {
        "version": VERSION,
        "as_of": as_of.isoformat(),
        "proposals": [_entry(proposal, after, language) for proposal, after in offers.values()],
    }
    return {**copies, DIFF: "".join(diffs), MANIFEST: json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"}


def _entry(proposal: Proposal, after: str, language: str) -> dict[str, Any]:
    return {
        "playbook": proposal.playbook,
        "from_version": proposal.version,
        "from_sha256": proposal.sha256,
        "to_version": proposal.changes["version"],
        "sha256": sha256(after.encode()).hexdigest(),
        "reasons": [in_words(reason, language) for reason in proposal.reasons],
        "cases": [plain(case) for case in proposal.cases],
    }


def _rows(library: Library, name: str, proposal: Proposal, language: str) -> Iterator[tuple[str, ...]]:
    """Yield the changed keys of a playbook; the version has no reason of its own."""
    now = plain(library.playbooks[name])
    reasons = [in_words(reason, language) for reason in proposal.reasons]
    keys = [key for key in proposal.changes if key != "version"]
    for key, reason in zip(keys, reasons, strict=True):
        yield name, key, _shown(key, _value(now, key)), _shown(key, proposal.changes[key]), reason


def _value(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _shown(key: str, value: Any) -> str:
    """Return a value as the table says it: cases by their number, the values of a scope one after the other."""
    if key == "cases":
        return str(len(value))
    if key.startswith("scope."):
        return ", ".join(value) if value else "all"
    return str(value)


def _table(rows: list[tuple[str, ...]]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype("str")
