"""Account-weeks: who could have been touched in a week, who was, what was known before and what came after.

Events are added up by account and week in the engine; what is left has one cell per account and week.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_effect.happening import MONDAY, touch_weeks, use_weeks
from csworkbench.analyses.touch_effect.settings import Reached, UseAfter, WeeklyTouch
from csworkbench.asof import with_local_day

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

PAST_WEEKS, RECENT_WEEKS = 12, 4  # use before the touch that is always held equal
CONTROL_SHIFT = 2  # the negative control is the use two weeks before the touch, covariates cut a week earlier still
PAST = ("use_last_week", "use_last_four_weeks", "use_eight_weeks_before")
NEVER = 10**6
UNDECIDED = -1.0
TOO_NEW = "less than 12 weeks in the book"
GONE = "had left"
TOUCHED_BEFORE = "touched in the washout before"
LATER_WEEK = "entered in an earlier week"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """One cell per account and week.

    Args:
        accounts: Ids, in the order of the cells.
        first: Number of the first week.
        use: Use in each week; 0 before the account came and after it left.
        sent: When it was touched first in each week, in days; infinite where it was not.
        enters: Place of the first week that has the whole past of the account before it.
        leaves: Place of the week in which it left; NEVER where it did not.
    """

    accounts: "pd.Index[Any]"
    first: int
    use: "Floats"
    sent: "Floats"
    enters: "Ints"
    leaves: "Ints"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Account-weeks that are compared, as places in a grid.

    Args:
        account: Place of the account of each row.
        week: Place of the first week of its touch window.
        is_touched: Whether it was touched in the window.
        at: When it was touched, in days; an untouched row has the moment of a touched one of its window.
        left_out: Reason -> account-weeks that cannot enter, in weeks in which somebody was touched.
        touched_left_out: Reason -> those of them that were touched.
    """

    account: "Ints"
    week: "Ints"
    is_touched: "Flags"
    at: "Floats"
    left_out: dict[str, int]
    touched_left_out: dict[str, int]

    def only(self, kept: "Flags") -> "Cells":
        """Return some of the rows.

        Args:
            kept: Which rows stay.
        """
        rows = (self.account[kept], self.week[kept], self.is_touched[kept], self.at[kept])
        return Cells(*rows, self.left_out, self.touched_left_out)


def monday(week: int) -> date:
    """Return the first day of a numbered week."""
    return MONDAY + timedelta(weeks=int(week))


def grid_of(snapshot: "Snapshot", touch: WeeklyTouch) -> Grid:
    """Return use and touches of every account by week, from the first week with use to the week of the date.

    Args:
        snapshot: The book at the date of the page, with accounts, touches and usage_daily.
        touch: Which touches, and what use is counted.
    """
    import numpy as np
    import pandas as pd

    use, touches = use_weeks(snapshot, touch.outcome), touch_weeks(snapshot, touch.where)
    zone = snapshot.workspace.timezone
    known = snapshot.tables["accounts"]
    came = with_local_day(known, "signup_at", zone).select("account_id", came="local_day").to_pandas()
    left = (
        with_local_day(known, "churned_at", zone).select("account_id", left="local_day").to_pandas()
        if "churned_at" in known.columns
        else came.assign(left=pd.NaT)[["account_id", "left"]]
    )
    people = came.merge(left, on="account_id").sort_values("account_id", ignore_index=True)
    accounts = pd.Index(people["account_id"])
    last = (snapshot.as_of + timedelta(days=1) - MONDAY).days // 7  # weeks before it are over
    first = int(use["week"].min()) if len(use) else last
    shape = (len(accounts), max(0, last - first))
    signup = _weeks(people["came"]).to_numpy()
    enters = np.where(np.isnan(signup), 0, np.maximum(signup + 1 - first, 0)) + PAST_WEEKS
    gone = _weeks(people["left"]).to_numpy() - first
    is_touched = _cells(touches, accounts, first, shape) > 0
    return Grid(
        accounts,
        first,
        _cells(use, accounts, first, shape),
        np.where(is_touched, _cells(touches.assign(total=touches["sent"]), accounts, first, shape), np.inf),
        enters.astype(np.int64),
        np.where(np.isnan(gone), NEVER, gone).astype(np.int64),
    )


def _weeks(days: "pd.Series[Any]") -> "pd.Series[float]":
    import pandas as pd

    return ((pd.to_datetime(days) - pd.Timestamp(MONDAY)).dt.days // 7).astype(float)


def _cells(frame: "pd.DataFrame", accounts: "pd.Index[Any]", first: int, shape: tuple[int, int]) -> "Floats":
    import numpy as np
    import pandas as pd

    cells = np.zeros(shape)
    rows, columns = accounts.get_indexer(pd.Index(frame["account_id"])), frame["week"].to_numpy() - first
    inside = (rows >= 0) & (columns >= 0) & (columns < shape[1])
    cells[rows[inside], columns[inside].astype(np.int64)] = frame["total"].to_numpy(dtype=float)[inside]
    return cells


def cells_of(grid: Grid, touch: WeeklyTouch) -> Cells:
    """Return the account-weeks that are compared: eligible ones of weeks in which somebody was touched.

    An account-week is one row of one strategy, nothing is cloned: touched within the grace window, or not. An untouched
    row is followed from the moment of a touched one, by turns: from the window's start it would have days more.

    Args:
        grid: Use and touches by week.
        touch: Its grace window, follow-up and washout.
    """
    import numpy as np

    span = touch.grace_weeks + touch.horizon_weeks
    offset = grid.first % touch.grace_weeks
    parts, left_out, touched_out = [], dict[str, int](), dict[str, int]()
    has_entered = np.zeros(len(grid.accounts), dtype=bool)
    for week in range((-offset) % touch.grace_weeks, grid.use.shape[1] - span + 1, touch.grace_weeks):
        sent = grid.sent[:, week : week + touch.grace_weeks].min(axis=1)
        is_touched: Flags = np.isfinite(sent)
        if not is_touched.any():
            continue
        why = np.full(len(grid.accounts), "", dtype=object)
        before = np.isfinite(grid.sent[:, max(0, week - touch.washout_weeks) : week]).any(axis=1)
        for reason, holds in ((TOUCHED_BEFORE, before), (TOO_NEW, grid.enters > week), (GONE, grid.leaves <= week)):
            why[holds] = reason
        if touch.first_week_only:
            why[np.logical_and(why == "", has_entered)] = LATER_WEEK
        rows: Ints = np.flatnonzero(why == "")
        has_entered[rows] = True
        moments = np.sort(sent[rows[is_touched[rows]]] if is_touched[rows].any() else sent[is_touched])
        at = np.where(is_touched[rows], sent[rows], np.resize(moments, len(rows)))
        parts.append((rows, np.full(len(rows), week), is_touched[rows], at))
        for reason in (TOUCHED_BEFORE, TOO_NEW, GONE, LATER_WEEK):
            left_out[reason] = left_out.get(reason, 0) + int((why == reason).sum())
            touched_out[reason] = touched_out.get(reason, 0) + int(((why == reason) & is_touched).sum())
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.array([], int)] * 4
    return Cells(columns[0], columns[1], columns[2].astype(bool), columns[3].astype(float), left_out, touched_out)


def past_of(grid: Grid, cells: Cells, shift: int = 0) -> "pd.DataFrame":
    """Return use before each touch window, by logarithm of 1 + use per week.

    Args:
        grid: Use by week.
        cells: The account-weeks.
        shift: Weeks by which everything is cut earlier.

    Returns:
        One row per account-week: use_last_week, use_last_four_weeks, use_eight_weeks_before (all log1p) and week (its
        number).
    """
    import numpy as np
    import pandas as pd

    def mean(first: int, last: int) -> "Floats":
        weeks = cells.week[:, None] - shift - np.arange(last, first - 1, -1)[None, :]
        return np.asarray(np.log1p(grid.use[cells.account[:, None], np.maximum(weeks, 0)].mean(axis=1)))

    return pd.DataFrame(
        {
            "use_last_week": mean(1, 1),
            "use_last_four_weeks": mean(1, RECENT_WEEKS),
            "use_eight_weeks_before": mean(RECENT_WEEKS + 1, PAST_WEEKS),
            "week": (cells.week - shift).astype(float),
        }
    )


def use_in(grid: Grid, cells: Cells, weeks: tuple[int, int], outcome: object) -> "Floats":
    """Return use per week of each account-week between two weeks, on the scale of the outcome.

    Args:
        grid: Use by week.
        cells: The account-weeks.
        weeks: First and last week, counted from the first one of the touch window.
        outcome: What is compared; only its scale matters.
    """
    import numpy as np

    places = cells.week[:, None] + np.arange(weeks[0], weeks[1] + 1)[None, :]
    mean = grid.use[cells.account[:, None], places].mean(axis=1)
    return mean if isinstance(outcome, UseAfter) and outcome.scale == "level" else np.asarray(np.log1p(mean))


def course_of(grid: Grid, cells: Cells, touch: WeeklyTouch, weeks: int) -> "Floats":
    """Return use per week around each touch window, nan before the book; its week 0 is column `weeks`.

    Args:
        grid: Use by week.
        cells: The account-weeks.
        touch: Its windows and outcome.
        weeks: Weeks before the touch.
    """
    import numpy as np

    places = cells.week[:, None] + np.arange(-weeks, touch.grace_weeks + touch.horizon_weeks)[None, :]
    use = np.where(places >= 0, grid.use[cells.account[:, None], np.maximum(places, 0)], np.nan)
    outcome = touch.outcome
    return use if isinstance(outcome, UseAfter) and outcome.scale == "level" else np.asarray(np.log1p(use))


def values_of(grid: Grid, cells: Cells, touch: WeeklyTouch, happened: "pd.DataFrame | None") -> "Floats":
    """Return what came of each account-week in its follow-up, nan where it cannot be read.

    `UNDECIDED` is a renewal that was due and is still open. A milestone counts from the moment of the touch on: who had
    reached it by then could not be moved by it, touched or not, and has no row.

    Args:
        grid: Use by week.
        cells: The account-weeks.
        touch: Its windows and outcome.
        happened: What `happening.happened_weeks` returned; None for use.
    """
    import numpy as np
    import pandas as pd

    first, last = touch.grace_weeks, touch.grace_weeks + touch.horizon_weeks - 1
    if happened is None:
        return use_in(grid, cells, (first, last), touch.outcome)
    place = grid.accounts.get_indexer(pd.Index(happened["account_id"]))
    week = happened["week"].to_numpy() - grid.first
    if isinstance(touch.outcome, Reached):
        reached = np.full((2, len(grid.accounts)), np.inf)
        reached[:, place[place >= 0]] = np.stack([happened["at"].to_numpy(float), week.astype(float)])[:, place >= 0]
        at, until = reached[:, cells.account]
        return np.where(at <= cells.at, np.nan, (until <= cells.week + last).astype(float))
    is_open, is_good = happened["is_open"].to_numpy(bool), happened["is_good"].to_numpy(bool)
    due, kept, undecided = (
        _cells(_counted(happened[rows]), grid.accounts, grid.first, grid.use.shape)
        for rows in (~is_open, ~is_open & is_good, is_open)
    )
    weeks = cells.week[:, None] + np.arange(first, last + 1)[None, :]
    decided, good, still = (each[cells.account[:, None], weeks].sum(axis=1) for each in (due, kept, undecided))
    told = np.where(decided > 0, good / np.maximum(decided, 1), np.nan)
    return np.where((decided == 0) & (still > 0), UNDECIDED, told)


def _counted(happened: "pd.DataFrame") -> "pd.DataFrame":
    return happened.assign(total=1.0).groupby(["account_id", "week"])[["total"]].sum().reset_index()
