"""Who is left alone or starts later by lot, and what that can show: one draw and one table for every page of lists."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.assignment import is_held
from csworkbench.config import Section, setting
from csworkbench.inference.power import Demand, smallest_by_holdout, units_for_difference

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS, WEEK_DAYS, BAND = 365, 7, 0.99
MOST_WEEKS = 50 * 52
COLUMNS = {
    "program": "str",
    "accounts": "int64",
    "held": "int64",
    "share": "float64",
    "low": "int64",
    "high": "int64",
    "per_year": "int64",
    "smallest_share": "float64",
    "smallest_3_years_share": "float64",
    "weeks_to_worth": "Int64",
}
"""Columns of the table `holdout` and their types, in order."""


class Holdout(Section):
    """Who is left alone or starts later, by lot, so that the lists can be held against something."""

    share: float = setting(
        0.2, ge=0, le=0.5, unit="share", tunable=True, description="Accounts held out of each automated program"
    )
    name: str = setting("1", min_length=1, description="Change it to draw anew; it salts every program")
    delay_weeks: int = setting(
        4, ge=0, le=26, unit="weeks", description="How much later the same share of accounts starts on human lists"
    )
    base: float = setting(
        0.1, gt=0, lt=1, unit="share", description="Share of accounts with the outcome without the list, such as churn"
    )
    worth: float = setting(0.05, gt=0, lt=1, unit="share", description="Difference that would be worth knowing")
    power: float = setting(0.8, ge=0.5, lt=1, unit="share", description="Chance to see a difference that is there")


def drawn(rows: "pd.DataFrame", holdout: Holdout) -> "pd.Series[bool]":
    """Return which rows are of an account that the lot of their program draws: the same ones every week.

    Args:
        rows: account_id and program.
        holdout: Share and name of the draw.
    """
    import pandas as pd

    pairs = zip(rows["account_id"], rows["program"], strict=True)
    found = [is_held(str(account), f"{program}/{holdout.name}", holdout.share) for account, program in pairs]
    return pd.Series(found, rows.index, dtype=bool)


def holdout_table(
    base: "pd.DataFrame", programs: Iterable[str], period_days: int, *, given: tuple[Holdout, float], book: int
) -> "pd.DataFrame":
    """Return, per automated program, who was held out by lot and what the holdout can show, and when.

    A year brings as many accounts as a period does, times the periods of a year, at most the book: an account counts
    once however often it comes back. The smallest difference is of a yes-or-no outcome between accounts contacted and
    held out.

    Args:
        base: Rows the lot decided about: program, account_id, is_held. Whoever was contacted stays in it, or all the
            others would be held before long.
        programs: Programs of the table, in order.
        period_days: Days that bring the accounts of `base`.
        given: Share held out, power, outcome and what is worth knowing; coverage.
        book: Accounts of the book: more than those no number of years brings.

    Returns:
        One row per program: program, accounts, held (of them), share (held of accounts, missing = none), low, high
        (band of held: 99 of 100 draws lie in it), per_year (accounts), smallest_share (smallest difference after a
        year, missing = none), smallest_3_years_share (after three), weeks_to_worth (until the difference worth
        knowing shows, missing = more than 50 years or never).
    """
    import pandas as pd
    from scipy.stats import binom

    holdout, level = given
    demand, rows = Demand(level, holdout.power), []
    for program in programs:
        inside = base[base["program"] == program]
        accounts = int(inside["account_id"].nunique())
        held = int(inside.loc[inside["is_held"], "account_id"].nunique())
        low, high = binom.interval(BAND, accounts, holdout.share) if accounts else (0, 0)
        most, per_year = max(book, accounts), accounts * YEAR_DAYS / period_days
        met = [min(per_year * years, most) for years in (1, 3)]
        smallest = [smallest_by_holdout(holdout.base, each, holdout.share, demand) for each in met]
        weeks = _weeks(accounts * WEEK_DAYS / period_days, most, (holdout, demand))
        share = held / accounts if accounts else None
        rows.append((program, accounts, held, share, int(low), int(high), round(met[0]), *smallest, weeks))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _weeks(per_week: float, most: float, given: tuple[Holdout, Demand]) -> int | None:
    """Return the weeks until the difference worth knowing shows; None = never, or not within 50 years."""
    from math import ceil

    holdout, demand = given
    if not per_week or not holdout.share or min(holdout.base, 1 - holdout.base) + holdout.worth >= 1:
        return None
    needed = units_for_difference(holdout.base, holdout.worth, holdout.share, demand)
    weeks = ceil(needed / per_week)
    return weeks if needed <= most and weeks <= MOST_WEEKS else None


def book_size(before: Snapshot) -> int:
    """Return how many accounts are under contract: they have paid, where that is recorded, and have not left.

    Args:
        before: The book when the week began.
    """
    rows = before.tables["accounts"]
    if "paid_at" in rows.columns:
        rows = rows.filter(rows.paid_at.notnull())  # noqa: PD004 - an expression of the engine
    if "churned_at" in rows.columns:
        rows = rows.filter(rows.churned_at.isnull())  # noqa: PD003 - an expression of the engine
    return int(rows.count().to_pyarrow().as_py())
