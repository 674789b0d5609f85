"""What a release of a list of contacts asks first: may each of them still be contacted, as the data are now?"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.cli.console import tell
from csworkbench.errors import Problem, RunError

if TYPE_CHECKING:
    from csworkbench.asof import Snapshot
    from csworkbench.cli.catalog import Project
    from csworkbench.policy import Week

LISTS = "lists/"
"""Place in records/ of what counts as contact."""
NAMED = 5
Rows = Sequence[Mapping[str, str]]


def recheck(project: "Project", out: Path, place: str, rows: Rows, as_of: date) -> None:
    """Refuse a list that names somebody who may not be contacted any more, and say that it was asked.

    A run may be days old when its list is made official: who refused since is not on its page.

    Args:
        project: Whose data are read anew.
        out: Folder of all outputs.
        place: Where the list is to stand in records/; only lists of contacts are asked about.
        rows: Its rows, as texts.
        as_of: Cut-off date of its run.

    Raises:
        RunError: somebody on it may not be contacted, with the reasons.
        AnalysisError: consents or suppressions are missing or too short.
    """
    from csworkbench.asof import latest_date, take
    from csworkbench.policy import week_of
    from csworkbench.sources import cache_folder, is_writable, read_book, without_trace
    from csworkbench.workspace import load_workspace

    if not place.startswith(LISTS):
        return
    tell("Asking the contact policy about each row, on the data as they are now ...")
    analysis, first = place.removeprefix(LISTS)[:-11], date.fromisoformat(place[-10:])
    workspace, cache = load_workspace(project.workspace), cache_folder(project.root, out)
    with nullcontext(cache) if is_writable(cache) else without_trace(cache) as folder:
        book = read_book(workspace, project.root, folder, project.root / "records", now=datetime.now(UTC))
        day = max(as_of, workspace.as_of if isinstance(workspace.as_of, date) else latest_date(book))
        found = _against(rows, take(book, day), (analysis, week_of(first)))
        book.connection.disconnect()
    if not found:
        tell(f"nothing speaks against any of its {len(rows)} rows, as known on {day}")
        return
    named = [f"{who} ({why})" for who, why in list(found.items())[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    what = f"{len(found)} of its {len(rows)} contacts may not be contacted, as known on {day}: {', '.join(named)}{more}"
    raise RunError(Problem(what, file=place, hint="csw run strikes them off: run again, and release that run"))


def _against(rows: Rows, now: "Snapshot", made: "tuple[str, Week]") -> dict[str, str]:
    """Return contact -> why nothing may be sent any more."""
    import pandas as pd

    from csworkbench.asof import earlier
    from csworkbench.policy import gather, objections

    analysis, week = made
    policy, zone = now.workspace.contact_policy, now.workspace.timezone
    ground = gather(earlier(now, week.known), now, week, analysis)
    why = objections(pd.DataFrame(list(rows)), ground, policy, week, zone)
    others = {each.proposal_id: each.analysis for each in now.released
              if each.first_day == week.first and each.analysis != analysis}  # fmt: skip
    found = {}
    for row in rows:
        name, expires = row["proposal_id"], row["expires_on"]
        if date.fromisoformat(expires) < now.as_of:
            found[row["contact_id"]] = f"expired on {expires}"
        elif name in others:
            found[row["contact_id"]] = f"on the official list of {others[name]} already"
        elif name in why:
            found[row["contact_id"]] = why[name]
    return found
