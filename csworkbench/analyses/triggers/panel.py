"""Accounts week by week: the measures triggers follow, whom triggers are about, and who was lost afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.triggers.kinds import Behaviour, Trigger
from csworkbench.analyses.triggers.reading import DAY
from csworkbench.analyses.triggers.settings import Config
from csworkbench.asof import Snapshot
from csworkbench.errors import AnalysisError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SCOPE_WEEKS = 4  # whom a trigger is about changes slowly, and looking it up costs as much as all measures
STAYED, CHURNED = "stayed", "churned"


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The past, one Sunday after another.

    Args:
        dates: The Sundays (datetime64[s]), ascending; the last one is the day before the week of the page.
        accounts: Ids of the accounts, ascending.
        measures: Trigger that follows a measure -> its values, accounts x dates; nan = missing.
        about: Trigger with a condition -> whether each account fits it, accounts x dates.
        rows: Accounts at dates at which they were customers: account (number), place (of the date), is_complete (the
            horizon has passed), is_lost (left within it), lost_on.
        tells_losses: Why nobody can tell who left; "" = it is recorded.
    """

    dates: "NDArray[np.datetime64]"
    accounts: "pd.Index[str]"
    measures: "Mapping[str, NDArray[np.float64]]"
    about: "Mapping[str, NDArray[np.bool_]]"
    rows: "pd.DataFrame"
    tells_losses: str

    def judged(self, config: Config) -> tuple[int, int]:
        """Return the first and the last place at which alerts are judged: their outcome is known by now."""
        last = len(self.dates) - 1 - -(-config.horizon_days // 7)
        return last - config.judge_weeks + 1, last

    def learned_until(self, config: Config) -> date:
        """Return the day before the first judged week: what proposes a threshold was known by then."""
        first, _ = self.judged(config)
        day: date = self.dates[first].astype("datetime64[D]").astype(object)
        return day - timedelta(days=7)


def panel(before: Snapshot, config: Config, triggers: Mapping[str, Trigger]) -> Panel:
    """Return the past of the accounts.

    Args:
        before: The book as it was known on the last date.
        config: How far back, and how far ahead losses count.
        triggers: Those that are not left out, by name.

    Raises:
        ConfigError: a measure or condition reads what is not there.
    """
    import numpy as np
    import pandas as pd

    last = before.as_of
    days = [last - timedelta(weeks=back) for back in reversed(range(config.history_weeks + 1))]
    rows, why_not = _losses(before, days, config.horizon_days)
    ids = before.tables["accounts"].select("account_id").distinct().to_pandas()["account_id"]
    accounts = pd.Index(sorted(ids), dtype="str")
    numbered = rows.assign(account=accounts.get_indexer(pd.Index(rows["account_id"])))
    return Panel(
        dates=np.array(days, dtype=DAY),
        accounts=accounts,
        measures=_measures(before, days, accounts, triggers),
        about=_about(before, days, accounts, triggers),
        rows=numbered.drop(columns="account_id"),
        tells_losses=why_not,
    )


def _losses(before: Snapshot, days: list[date], horizon_days: int) -> "tuple[pd.DataFrame, str]":
    """Return accounts at dates with what became of them, and why nobody can tell where nothing is recorded."""
    import pandas as pd

    from csworkbench.asof import labels, windows
    from csworkbench.features.dated import PLACE, at_dates

    try:
        found = labels(before, "accounts", windows(days, horizon_days, before.as_of))
    except AnalysisError as error:
        why = "; ".join(problem.message for problem in error.problems)
        there = at_dates(before, "accounts", ("account_id",), days).select(PLACE, "account_id").to_pandas()
        plain = there.rename(columns={PLACE: "place"}).assign(is_complete=False, is_lost=False)
        return plain.assign(lost_on=pd.Series(pd.NaT, plain.index, dtype=DAY)), why
    places = pd.Index(pd.to_datetime(days).astype(DAY)).get_indexer(pd.Index(found["snapshot_date"].astype(DAY)))
    return pd.DataFrame(
        {
            "account_id": found["account_id"].astype("str"),
            "place": places,
            # A loss that is known is known, though the horizon still runs; only complete ones make a rate.
            "is_complete": found["is_complete"].astype(bool),
            "is_lost": found["outcome"].eq(CHURNED),
            "lost_on": pd.to_datetime(found["happened_on"]).astype(DAY),
        }
    ), ""


def _measures(
    before: Snapshot, days: list[date], accounts: "pd.Index[str]", triggers: Mapping[str, Trigger]
) -> "dict[str, NDArray[np.float64]]":
    """Return the measures of all triggers at all dates, from one query."""
    import numpy as np
    import pandas as pd

    from csworkbench.features import panel as measured

    asked = {name: each.measure for name, each in triggers.items() if isinstance(each, Behaviour)}
    if not asked:
        return {}
    long = measured(before, asked, days)
    shape = (len(accounts), len(days))
    row = accounts.get_indexer(pd.Index(long["account_id"]))
    column = pd.Index(pd.to_datetime(days)).get_indexer(pd.Index(long["snapshot_date"]))
    found = {}
    for name in asked:
        values, here = np.full(shape, np.nan), (long["measure"] == name).to_numpy()
        values[row[here], column[here]] = long["value"].to_numpy(float)[here]
        found[name] = values
    return found


def _about(
    before: Snapshot, days: list[date], accounts: "pd.Index[str]", triggers: Mapping[str, Trigger]
) -> "dict[str, NDArray[np.bool_]]":
    """Return whom each trigger with a condition is about; long ago looked up every few weeks, and held in between."""
    import numpy as np
    import pandas as pd

    from csworkbench.features.dated import PLACE
    from csworkbench.filters import absent, accounts_at, check, fits

    asked = {name: each.where for name, each in triggers.items() if each.where is not None}
    if not asked:
        return {}
    last = len(days) - 1
    # Alerts that may still be open are looked up in their own week.
    looked = sorted({*range(last, -1, -SCOPE_WEEKS), *range(max(0, last - SCOPE_WEEKS), last), 0})
    wanted = {attribute for where in asked.values() for attribute in where.attributes()}
    sources = {attribute: source for attribute in wanted if (source := _MEASURED.get(attribute)) is not None}
    table = accounts_at(before, [days[place] for place in looked], wanted=wanted, measures=sources)
    check({f"triggers.{name}.where": where for name, where in asked.items()}, table)
    gone = absent(before, wanted, sources)
    said = {name: fits(where, table, gone) for name, where in asked.items()}
    frame = table.select(PLACE, "account_id", **said).to_pandas()
    row, column = accounts.get_indexer(pd.Index(frame["account_id"])), frame[PLACE].to_numpy()
    held = np.searchsorted(looked, np.arange(len(days)), side="right") - 1
    there = np.zeros((len(accounts), len(looked)), dtype=bool)
    there[row, column] = True
    # Who came in between two looks is what the second one says.
    following = np.minimum(held + 1, len(looked) - 1)
    found = {}
    for name in asked:
        seen = np.zeros(there.shape, dtype=bool)
        seen[row, column] = frame[name].to_numpy(bool)
        found[name] = np.where(there[:, held], seen[:, held], seen[:, following])
    return found


def _usual_measures() -> dict[str, Any]:
    from csworkbench.features import DaysToRenewal, Tenure

    return {"tenure": Tenure(), "days_to_renewal": DaysToRenewal()}


_MEASURED = _usual_measures()
