"""Whose turn it was to start in a lottery: the arm of an account is what was drawn, not what was done with it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.evidence import Inputs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """The accounts of a lottery in the drawn order.

    Args:
        rows: One row per account, by start order: account_id, start_order, started_on (missing = never), plan_id
            (missing = no plan yet).
        drawn_on: Day of the draw; where no record says so, that of the first start, which came after it.
    """

    rows: "pd.DataFrame"
    drawn_on: Any = None

    def called(self, day: Any) -> int:
        """Return for how many accounts, from the top of the order, the turn had come before a day.

        It is the place that parts those who had started from those who had not with the fewest exceptions: a drawn
        account that never starts does not move it, nor does one that starts out of turn.

        Args:
            day: The day.
        """
        import numpy as np

        has_started = self._started(day)
        return int(np.argmax(np.concatenate([[0], np.cumsum(np.where(has_started, 1, -1))])))

    def followed(self, day: Any) -> float:
        """Return how far starts before a day follow the order.

        That is the share of those called that started, or of those who started that were called: the smaller one.

        Args:
            day: The day.
        """
        has_started, called = self._started(day), self.called(day)
        both = int(has_started[:called].sum())
        return both / max(called, int(has_started.sum())) if called else 0.0

    def waiting(self, day: Any) -> "pd.Series[float]":
        """Return the start order of the accounts whose turn has not come by a day; index account_id.

        Args:
            day: The day.
        """
        found: pd.Series[float] = self.rows.iloc[self.called(day) :].set_index("account_id")["start_order"]
        return found.astype(float)

    def _started(self, day: Any) -> Any:
        import pandas as pd

        return (self.rows["started_on"] < pd.Timestamp(day)).to_numpy(bool)


@lru_cache(maxsize=1)  # asked for each comparison of an analysis
def lots_of(inputs: Inputs) -> dict[str, Lot]:
    """Return the lotteries by name whose order stands in records/; one that is only typed in the plans is no draw.

    Anybody can type an order after the fact, the accounts first that were about to grow anyway.

    Args:
        inputs: Plans and accounts that wait.
    """
    import pandas as pd

    columns = ["lottery", "account_id", "start_order", "started_on", "plan_id"]
    drawn = pd.concat([inputs.plans.reset_index()[columns], inputs.waiting]).reindex(columns=columns)
    is_drawn = drawn["lottery"].isin(inputs.official) & drawn["start_order"].notna()
    drawn = drawn[is_drawn].sort_values(["start_order", "started_on"])
    return {
        str(name): Lot(
            part.drop_duplicates("account_id").reset_index(drop=True),
            inputs.drawn_on.get(str(name), part["started_on"].min()),
        )
        for name, part in drawn.groupby("lottery")
    }


def by_turn(own: "pd.DataFrame", lots: dict[str, Lot]) -> "pd.DataFrame":
    """Return the plans of a playbook with those that had their turn and did not start (intention to treat).

    Args:
        own: Plans that started: episode_id, account_id, anchor, ends, written, pre_days, has_landed, lottery,
            start_order.
        lots: Lotteries by name.

    Returns:
        The plans, with order_followed (share, missing without a lottery), is_started, and lottery missing where the
        account started out of turn. An account whose turn had come before the window of a plan of its lottery ended,
        and that had not started by then, is a further row with the windows of the plan next to it in the order; so has
        one that started and never landed: those about to leave would have earlier windows than those they are held
        against.
    """
    import numpy as np
    import pandas as pd

    parts = [own.assign(is_started=True, order_followed=np.nan)]
    base = parts[0]
    for name, mine in own.groupby("lottery"):
        lot = lots.get(str(name), Lot(pd.DataFrame(columns=["account_id", "start_order", "started_on", "plan_id"])))
        called = {day: lot.called(day) for day in mine["ends"].unique()}
        places = lot.rows.reset_index().set_index("account_id")["index"].reindex(mine["account_id"]).to_numpy(float)
        is_turn = places < mine["ends"].map(called).to_numpy(float)
        base.loc[mine.index, "order_followed"] = float(np.mean([lot.followed(day) for day in mine["ends"]]))
        base.loc[mine.index[~is_turn], "lottery"] = None
        if is_turn.any():
            _settle(base, mine.index[is_turn], places[is_turn])
            parts.append(_idle(base.loc[mine.index[is_turn]], places[is_turn], lot, called))
    return pd.concat(parts, ignore_index=True)


def _settle(base: "pd.DataFrame", mine: "pd.Index[int]", places: Any) -> None:
    """Give drawn plans that never landed the windows of the next one in the order that did."""
    import numpy as np

    has_landed = base.loc[mine, "has_landed"].to_numpy(bool)
    if has_landed.all() or not has_landed.any():
        return
    next_to = np.abs(places[~has_landed][:, None] - places[has_landed][None, :]).argmin(axis=1)
    windows = ["anchor", "ends", "pre_days"]
    base.loc[mine[~has_landed], windows] = base.loc[mine[has_landed][next_to], windows].to_numpy()


def _idle(mine: "pd.DataFrame", places: Any, lot: Lot, called: "dict[Any, int]") -> "pd.DataFrame":
    """Return the accounts that were called and have not started, each in the windows of the nearest plan."""
    import numpy as np
    import pandas as pd

    others = lot.rows[lot.rows["started_on"].isna()]
    # Next to whom it stands among ALL that started: where that plan is not counted yet, neither is the account.
    begun = np.flatnonzero(lot.rows["started_on"].notna())
    nearest = begun[np.abs(others.index.to_numpy()[:, None] - begun[None, :]).argmin(axis=1)]
    own = pd.Series(np.arange(len(places)), index=places.astype(int))
    at = own[~own.index.duplicated()].reindex(nearest).to_numpy(float)
    kept = others[~np.isnan(at)]
    twin = mine.iloc[at[~np.isnan(at)].astype(int)]
    is_called = kept.index.to_numpy() < twin["ends"].map(called).to_numpy()
    rows: pd.DataFrame = twin.assign(
        account_id=kept["account_id"].to_numpy(),
        start_order=kept["start_order"].to_numpy(float),
        episode_id=kept["plan_id"].fillna(mine["lottery"].iloc[0] + "/" + kept["account_id"]).to_numpy(),
        csm_id=None,
        is_started=False,
    )
    found: pd.DataFrame = rows[is_called]
    return found
