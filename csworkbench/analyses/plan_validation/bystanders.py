"""Accounts without a plan around the days on which plans were anchored, out of which comparisons are chosen."""

from dataclasses import dataclass
from functools import cache, lru_cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.turns import Lot, lots_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Days = NDArray[np.datetime64]
    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Hashes = NDArray[np.uint64]
    Places = NDArray[np.intp]

MOST_EPISODES = 400_000  # over all plans of a book: what fits into memory beside the rest
TURN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: days next to each other are turned far apart (Knuth)
BITS = 64


def bystanders(
    inputs: Inputs, config: Config, lines: "pd.DataFrame", geometry: "pd.DataFrame", metric: str
) -> "pd.DataFrame":
    """Return the accounts without such a plan around each day on which one was anchored.

    What comes after chooses nobody: a plan of their own that begins in the window after (`starts_later`) was given to
    those that stayed bad, and without them the others would look as if they had recovered by themselves.

    Args:
        inputs: What is known.
        config: How many accounts are looked at, and how long a plan may act.
        lines: Plans that are compared, see `busy_with`.
        geometry: One row per plan: anchor, ends, written, pre_days, lottery.
        metric: What is compared; its accounts are the pool.

    Returns:
        At most `most_controls` rows per distinct row of the geometry, with its columns and episode_id, account_id,
        is_plan, playbook, csm_id, is_waiting, start_order and starts_later. Accounts that wait for their turn in the
        lottery of a row come first.
    """
    import numpy as np

    accounts = inputs.levels[metric].accounts
    most = min(config.most_controls, max(40, MOST_EPISODES // max(1, len(inputs.plans))))
    busy = _busy(busy_with(inputs, config, lines, metric), accounts)
    lots, pool = lots_of(inputs), pool_of(tuple(accounts))
    seen = geometry.drop_duplicates(ignore_index=True)
    anchors, ends = (seen[name].to_numpy("datetime64[D]") for name in ("anchor", "ends"))
    firsts = anchors - seen["pre_days"].to_numpy(int) - config.anticipation_days
    waiting = cache(lambda lottery, day: _waiting(lots.get(str(lottery)), day, accounts))  # days come again and again
    chosen, turns, later = [], [], []
    for number, (lottery, anchor, first, end) in enumerate(zip(seen["lottery"], anchors, firsts, ends, strict=True)):
        waits, turn = waiting(lottery, end)
        free = pool.draw(number, most, partial(busy.within, first=first, last=anchor))
        chosen.append(np.concatenate([waits, free[~np.isin(free, waits)]])[:most])
        turns.append(np.concatenate([turn, np.full(most, np.nan)])[: len(chosen[-1])])
        later.append(busy.begins(chosen[-1], anchor, end))
    return _around(accounts, seen, chosen, np.concatenate(turns)).assign(starts_later=np.concatenate(later))


def _waiting(lot: Lot | None, day: "np.datetime64", accounts: "pd.Index[str]") -> "tuple[Places, Floats]":
    """Return the places of accounts whose turn had not come, also of those that started out of it, and their turns."""
    import numpy as np
    import pandas as pd

    if lot is None:
        return np.array([], dtype=int), np.array([])
    waiting = lot.waiting(day)
    place = accounts.get_indexer(pd.Index(waiting.index))
    ranked = np.argsort(place, kind="stable")[(place < 0).sum() :]
    turns: Floats = np.asarray(waiting, dtype=float)[ranked]
    return place[ranked], turns


def _around(accounts: "pd.Index[str]", seen: "pd.DataFrame", chosen: "list[Places]", turn: "Floats") -> "pd.DataFrame":
    """Return accounts around the days of plans; `turn` is that of the accounts that wait for a lot's turn, else NaN."""
    import numpy as np
    import pandas as pd

    day = np.repeat(np.arange(len(seen)), [len(each) for each in chosen])
    ids = accounts.take(np.concatenate(chosen))
    label = np.array([f"@{anchor}/{number}" for number, anchor in enumerate(seen["anchor"])], dtype=object)
    return seen.take(day).assign(
        episode_id=ids.to_numpy(object) + label[day],
        account_id=ids,
        is_plan=False,
        playbook=None,
        csm_id=None,
        is_waiting=~np.isnan(turn),
        lottery=pd.Series(seen["lottery"].to_numpy(object)[day]).where(~np.isnan(turn)).to_numpy(object),
        start_order=turn,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Accounts in an order that has nothing to do with them: that of a hash of their id.

    Each day turns the order in its own way, the same in every run: nearest are the accounts whose hash differs least
    from the number of the day, bit by bit from the first on. They share its first bits, so a few are found without
    looking at all.

    Args:
        hashes: Hash of each account.
        ranked: Places of the accounts by their hash.
    """

    hashes: "Hashes"
    ranked: "Places"

    def draw(self, number: int, most: int, is_busy: "Callable[[Places], Flags]") -> "Places":
        """Return the places of the first accounts that are not busy, in the order of a day.

        Args:
            number: Number of the day.
            most: How many at most.
            is_busy: Places of accounts -> which of them are busy.

        Source: Maymounkov and Mazieres (2002), "Kademlia", for the distance.
        """
        import numpy as np

        turn = number * TURN % 2**BITS
        for loose in range(BITS - int(np.log2(max(1, len(self.ranked) / most))), BITS + 1):
            low = turn >> loose << loose
            start = np.searchsorted(self.hashes, np.uint64(low), sorter=self.ranked)
            stop = np.searchsorted(self.hashes, np.uint64(low + 2**loose - 1), "right", sorter=self.ranked)
            near = np.sort(self.ranked[start:stop])
            free = near[~is_busy(near)]
            if len(free) >= most:
                break
        return free[np.argsort(self.hashes[free] ^ np.uint64(turn), kind="stable")][:most]


@lru_cache(maxsize=1)
def pool_of(accounts: tuple[str, ...]) -> Pool:
    """Return accounts in the order of the hashes of their ids."""
    import numpy as np

    parts = [int.from_bytes(sha256(each.encode()).digest()[: BITS // 8], "big") for each in accounts]
    hashes = np.array(parts, dtype=np.uint64)
    return Pool(hashes, np.argsort(hashes, kind="stable"))


@dataclass(frozen=True, slots=True, eq=False)
class Busy:
    """When accounts had a plan of a kind under way: a row per account, a column per plan of it, missing = no more.

    Args:
        began: First day.
        over: Day after the last one.
    """

    began: "Days"
    over: "Days"

    def within(self, rows: "Places", first: "np.datetime64", last: "np.datetime64") -> "Flags":
        """Return which accounts were busy on one of some days.

        Args:
            rows: Places of the accounts.
            first: First day.
            last: Last day.
        """
        import numpy as np

        is_busy: Flags = np.any((self.began[rows] <= last) & (self.over[rows] > first), axis=1)
        return is_busy

    def begins(self, rows: "Places", after: "np.datetime64", before: "np.datetime64") -> "Flags":
        """Return which accounts began a plan between two days.

        Args:
            rows: Places of the accounts.
            after: Day before the first that counts.
            before: Day after the last that counts.
        """
        import numpy as np

        begins: Flags = np.any((self.began[rows] > after) & (self.began[rows] < before), axis=1)
        return begins


def _busy(plans: "pd.DataFrame", accounts: "pd.Index[str]") -> Busy:
    """Return plans by account; those of accounts that are not read are nobody's."""
    import numpy as np
    import pandas as pd

    place = accounts.get_indexer(pd.Index(plans["account_id"]))
    nth = plans.groupby("account_id").cumcount().to_numpy()
    known = place >= 0
    days = np.full((2, len(accounts), int(nth.max(initial=-1)) + 1), np.datetime64("NaT", "D"))
    for table, name in zip(days, ("began", "over"), strict=True):
        table[place[known], nth[known]] = plans[name].to_numpy("datetime64[D]")[known]
    return Busy(*days)


def busy_with(inputs: Inputs, config: Config, lines: "pd.DataFrame", metric: str) -> "pd.DataFrame":
    """Return when accounts had a plan of this kind under way, up to the end of the window after it.

    Args:
        inputs: What is known.
        config: How long a plan may act.
        lines: Plans that are compared: their playbooks and the length of their windows count.
        metric: What is compared; plans for a problem of this metric are of the kind too.

    Returns:
        One row per plan that started, index plan_id: account_id, began, over (days).
    """
    import pandas as pd

    plans = inputs.plans
    same = plans["playbook"].isin(lines["playbook"].unique()) | (plans["problem_metric"] == metric)
    began = plans["started_on"].fillna(plans["landed_on"])  # who keeps landings only was busy from then at least
    mine = plans[same & began.notna()]
    until = mine["landed_on"].fillna(mine["closed_on"]).fillna(pd.Timestamp(inputs.as_of))
    length = max(int(lines["post_days"].max()), config.lasting_days)
    return pd.DataFrame(
        {
            "account_id": mine["account_id"],
            "began": began[mine.index].to_numpy("datetime64[D]"),
            "over": (until + pd.Timedelta(days=length)).to_numpy("datetime64[D]"),
        }
    )
