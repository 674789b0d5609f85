"""What a change of settings does to a result: figures before and after, and rows that are other ones now.

An analysis may offer `compare(before, after)`, which returns a `Change` in its own words; `compare` here is for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.estimates import Message, Result, Shown, say

if TYPE_CHECKING:
    import pandas as pd

BEFORE, AFTER = "_before", "_after"
ROWS = ["table", "rows_before", "rows_after", "came", "went", "differ"]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is other in one result than in another of the same analysis.

    Args:
        headline: The effect in one sentence.
        tables: Name -> frame whose first columns are its key.
        shown: What of it is shown, as rows or pictures, in order.
    """

    headline: Message
    tables: "Mapping[str, pd.DataFrame]"
    shown: tuple[Shown, ...] = ()


def compare(before: Result, after: Result) -> Change:
    """Return how many figures and rows of tables are other ones.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the table `rows`, a row per table that both have and that differs: table, rows_before, rows_after,
        came (rows of a new key), went (rows whose key is gone), differ (rows of the same key with another value).
    """
    import pandas as pd

    counted = [(name, *_counted(before.tables[name], after.tables[name])) for name in _both(before, after)]
    rows = pd.DataFrame([line for line in counted if any(line[3:])], columns=ROWS).astype({"table": "str"})
    figures = figures_beside(before, after)
    headline = say(
        "{n:count} of {figures:n figure|figures} and {tables:n table|tables} are other ones",
        n=int(figures["is_other"].sum()),
        figures=len(figures),
        tables=len(rows),
    )
    return Change(headline, {"rows": rows}, (Shown("rows", "Tables that change", options={"words": ("table",)}),))


def figures_beside(before: Result, after: Result) -> "pd.DataFrame":
    """Return the figures of two results side by side, those of the second in its order, then those that are gone.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        One row per figure: figure, before, after (Estimates; None = not there), is_other.
    """
    import pandas as pd

    names = dict.fromkeys([*after.figures, *before.figures])
    lines = [(name, before.figures.get(name), after.figures.get(name)) for name in names]
    return pd.DataFrame(
        {
            "figure": pd.Series([name for name, _, _ in lines], dtype="str"),
            "before": pd.Series([old for _, old, _ in lines], dtype="object"),
            "after": pd.Series([new for _, _, new in lines], dtype="object"),
            "is_other": pd.Series([old != new for _, old, new in lines], dtype="bool"),
        }
    )


def rows_beside(
    before: "pd.DataFrame", after: "pd.DataFrame", key: str, columns: Sequence[str], about: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return the rows of a table whose values are other ones, the old values beside the new.

    Args:
        before: Table with the settings as they are saved; each key once.
        after: The same table with changed settings.
        key: Column that names a row.
        columns: Columns that are held against each other.
        about: Further columns, as they are in `after`, else in `before`.

    Returns:
        One row per key with another value, in the order of `after`, then those that are gone: key, about, and per
        column `<column>_before` and `<column>_after`; missing where the row is not there.
    """
    import numpy as np
    import pandas as pd

    wanted = [key, *about, *columns]
    old, new = (each[wanted].reset_index(drop=True) for each in (before, after))
    # Keys are looked up once: everything else goes by place, -1 where the row is not there.
    found = pd.Index(old[key]).get_indexer(pd.Index(new[key]))
    gone = np.setdiff1d(np.arange(len(old)), found)
    places = np.append(found, gone), np.append(np.arange(len(new)), np.full(len(gone), -1))
    left, right = (each.reindex(at).reset_index(drop=True) for each, at in zip((old, new), places, strict=True))
    is_other = pd.Series((places[0] < 0) | (places[1] < 0))
    for name in columns:
        one, two = left[name], right[name]
        is_other |= (one != two).fillna(True).astype(bool) & ~(one.isna() & two.isna())
    frame = pd.concat([new[[key, *about]], old.loc[gone, [key, *about]]], ignore_index=True)
    for name in columns:
        frame[f"{name}{BEFORE}"], frame[f"{name}{AFTER}"] = left[name], right[name]
    return frame[is_other].reset_index(drop=True)


def _both(before: Result, after: Result) -> list[str]:
    return [name for name in after.tables if name in before.tables]


def _counted(before: "pd.DataFrame", after: "pd.DataFrame") -> tuple[int, int, int, int, int]:
    """Return rows before and after, and how many came, went and differ; rows without a key are told by their values."""
    if before.equals(after):
        return len(before), len(after), 0, 0, 0
    common = [name for name in after.columns if name in before.columns]
    width = next((at for at in range(1, len(common)) if _is_key(before, after, common[:at])), len(common))
    one, two = (_told(each, common, width) for each in (before, after))
    same = one.keys() & two.keys()
    differ = sum(one[key] != two[key] for key in same)
    return len(before), len(after), len(two.keys() - same), len(one.keys() - same), differ


def _is_key(before: "pd.DataFrame", after: "pd.DataFrame", names: Sequence[str]) -> bool:
    return not any(each[list(names)].astype("str").duplicated().any() for each in (before, after))


def _told(frame: "pd.DataFrame", names: Sequence[str], width: int) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return key -> values as text: a frame may hold lists, dates and missing values."""
    rows = frame[list(names)].astype("str").itertuples(index=False, name=None)
    return {row[:width]: row[width:] for row in rows}
