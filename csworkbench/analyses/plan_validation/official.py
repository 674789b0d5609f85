"""Lists that were made official, read back from the texts of a folder of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from typing import TYPE_CHECKING

from csworkbench.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

SHORT = 12  # digits of the digest in the name of a record
_MARK = "\ufeff"  # a CSV of ours begins with it, for spreadsheets


@dataclass(frozen=True, slots=True, eq=False)
class Official:
    """The rows of official lists.

    Args:
        rows: All rows, all columns as text, "" where a cell is empty.
        problems: Lists that are damaged or of another kind; they count for nothing.
    """

    rows: "pd.DataFrame"
    problems: tuple[Problem, ...]


def read_official(texts: Mapping[str, str], folder: str, columns: Sequence[str]) -> Official:
    """Return the rows of the official lists of a folder.

    Args:
        texts: Name of the file -> its text, as `FromFolder("*.csv")` gives them; the name ends with the digest of the
            text, so damage shows.
        folder: Name of the folder below records/, for the places of problems.
        columns: Columns a list must have.
    """
    import pandas as pd

    found: list[pd.DataFrame] = []
    problems: list[Problem] = []
    for name in sorted(texts):
        problem = _doubt(f"records/{folder}/{name}", name.removesuffix(".csv"), texts[name], columns)
        if problem is not None:
            problems.append(problem)
            continue
        body = StringIO(texts[name].removeprefix(_MARK))
        found.append(pd.read_csv(body, dtype="str", keep_default_na=False)[list(columns)])
    rows = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns), dtype="str")
    return Official(rows, tuple(problems))


def _doubt(place: str, stem: str, text: str, columns: Sequence[str]) -> Problem | None:
    """Return what is wrong with a list, if anything is."""
    if stem[-SHORT:] != sha256(text.encode()).hexdigest()[:SHORT]:
        hint = "restore it from a backup: what was made official is never changed"
        return Problem("is damaged: its content is not what was made official", place, hint=hint)
    head = text.removeprefix(_MARK).partition("\n")[0].rstrip("\r").split(",")
    lost = sorted(set(columns) - set(head))
    return Problem(f"is a list of another kind: it has no {', '.join(lost)}", place) if lost else None
