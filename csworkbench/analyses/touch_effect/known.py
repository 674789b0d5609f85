"""What is held equal beside past use: the declared covariates, each as known before the week of the touch."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_effect.settings import WeeklyTouch
from csworkbench.analyses.touch_effect.weekly import Cells, Grid, monday
from csworkbench.asof import earlier
from csworkbench.errors import AnalysisError, Problem
from csworkbench.features import columns_of_today, missing_tables, panel

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot


def refuse_today(snapshot: "Snapshot", touch: WeeklyTouch, first: date) -> None:
    """Refuse covariates whose value before the touch nobody recorded: that of today may be what the touch made it.

    Args:
        snapshot: The book at the date of the page.
        touch: The touch and its covariates.
        first: First day of the first week that is compared.

    Raises:
        AnalysisError: a covariate reads a column that exports overwrite; all of them at once.
    """
    sources = {name: each.measure for name, each in touch.covariates.items()}
    doubtful = columns_of_today(sources, earlier(snapshot, min(first, snapshot.as_of)))
    if doubtful:
        raise AnalysisError(
            *(
                Problem(
                    f"{', '.join(columns)} holds today's value, and nobody recorded the one of {first}: the touch may "
                    "have changed it",
                    key=f"{touch.id}.covariates.{name}",
                    hint="leave it out, or give the table valid_from and valid_to",
                )
                for name, columns in doubtful.items()
            )
        )


def declared(
    snapshot: "Snapshot", touch: WeeklyTouch, grid: Grid, wanted: "Sequence[tuple[Cells, int]]"
) -> "list[pd.DataFrame]":
    """Return the declared covariates of account-weeks, as known on the last day before each of them.

    Args:
        snapshot: The book at the date of the page.
        touch: The touch and its covariates.
        grid: Accounts and weeks.
        wanted: Account-weeks, and by how many weeks everything is cut earlier; several at once cost one query.

    Returns:
        One frame for each of `wanted`: a column per covariate whose tables are there, a row per account-week.
    """
    import pandas as pd

    sources = {name: each.measure for name, each in touch.covariates.items()}
    absent = missing_tables(sources, snapshot)
    known = {name: each for name, each in touch.covariates.items() if name not in absent}
    frames = [pd.DataFrame(index=range(len(cells.week))) for cells, _ in wanted]
    for back in sorted({each.weeks_before for each in known.values()}):
        own = {name: sources[name] for name, each in known.items() if each.weeks_before == back}
        days = [_days(grid, cells, shift + back - 1) for cells, shift in wanted]
        long = panel(snapshot, own, {day for each in days for day in each})
        for name, rows in long.groupby("measure"):
            column = "text" if rows["text"].notna().any() else "value"
            found = rows.set_index(["snapshot_date", "account_id"])[column]
            for frame, (cells, _), each in zip(frames, wanted, days, strict=True):
                stamps = pd.Series(each).astype("datetime64[s]")
                keys = pd.MultiIndex.from_arrays([stamps, grid.accounts.take(cells.account)])
                frame[str(name)] = found.reindex(keys).to_numpy()
    return [frame[[name for name in known if name in frame]] for frame in frames]


def _days(grid: Grid, cells: Cells, weeks: int) -> "list[Any]":
    """Return the last day before each account-week, so many weeks earlier."""
    days = {week: monday(grid.first + week - weeks) - timedelta(days=1) for week in set(cells.week.tolist())}
    return [days[week] for week in cells.week.tolist()]
