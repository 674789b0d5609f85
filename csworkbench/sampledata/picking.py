"""Which accounts get a success plan, when, and by what: a dip, a lottery, a wrong diagnosis or private knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.playbooks import LOTTERY, PLAYBOOKS, PRIVATE, Playbook, Selection
from csworkbench.sampledata.world import LEAD_MONTHS, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

QUOTA_ACCOUNTS = 600  # the quotas of the playbooks are for a book of so many accounts
DRAWS = ((0.29, 2 / 3), (0.71, 1 / 3))  # when lotteries are drawn, as a share of the book, and their share of the quota
WAVES, WAVE_SHARE = 3, 1 / 6  # a drawn account starts in one of so many waves, each so much of the book after the other
MISDIAGNOSED = {"large": 2, "mid": 4}  # further plans of `scenario_workshop` at accounts whose problem is none
MONTHS_BEFORE, MONTHS_AFTER = 3, 4  # no other plan of the account is created in these months
TAILWIND_SHARE = 0.12  # accounts whose business grows at some month without any plan, and nobody recorded it


@dataclass(frozen=True, slots=True)
class Picks:
    """The plans of a block before their course is drawn; arrays of one value per plan.

    Args:
        account: Number of the account.
        playbook: Name of the playbook.
        month: Month of the book in which the plan is created, from 0.
        start_month: Month in which it starts; later than `month` for those who wait in a lottery.
        draw: Number of the lottery, -1 without one.
        order: Place in the start order of the lottery, from 1; 0 without one.
        waiting: How many are in the lottery; 0 without one.
        is_misdiagnosed: Whether the named problem was none.
    """

    account: Ints
    playbook: Texts
    month: Ints
    start_month: Ints
    draw: Ints
    order: Ints
    waiting: Ints
    is_misdiagnosed: Flags


class _Calendar:
    """The months in which each account could get a plan; those it gets are taken out."""

    def __init__(self, world: World, contracts: Contracts) -> None:
        import numpy as np

        back = [slice(LEAD_MONTHS - lag, LEAD_MONTHS - lag + world.size.months) for lag in (1, 2)]
        self.recent = np.mean([world.engagement[:, columns] for columns in back], axis=0)
        self.dip = np.mean([world.swing[:, columns] for columns in back], axis=0)
        # Early in the book the history is shorter: its first month stands for what was before.
        history = [np.maximum(LEAD_MONTHS - lag + np.arange(world.size.months), 0) for lag in range(3, 9)]
        self.fall = self.recent - np.mean([world.engagement[:, columns] for columns in history], axis=0)
        self.decline = world.decline[:, LEAD_MONTHS:]
        self.is_there = _is_there(world, contracts)
        self.is_free = self.is_there.copy()
        self.months: Ints = np.arange(world.size.months, dtype=np.int64)

    def cells(self, selection: Selection) -> Flags:
        """Return accounts x months that a selection allows and, unless plans may overlap, no other plan has taken."""
        import numpy as np

        first, last = (share * len(self.months) for share in selection.share_of_book)
        is_in_time = (self.months >= max(2, round(first))) & (self.months <= last)
        is_low = (self.recent <= selection.recent_at_most) & (self.dip <= selection.dip_at_most)
        is_low &= self.fall <= selection.fall_at_most
        is_low &= (self.dip >= selection.dip_at_least) & (self.decline >= selection.decline_at_least)
        is_open = self.is_there if selection.may_overlap else self.is_free
        return np.asarray(is_open & is_in_time & is_low)

    def fine(self) -> Flags:
        """Return accounts x months in which things go well, so that no problem is the right one."""
        import numpy as np

        return np.asarray(self.is_free & (self.recent >= 0.5) & (self.dip >= 0.2) & (self.months >= 4))

    def take(self, account: Ints, first: Ints, last: Ints) -> None:
        """Take the months around plans created in `first` and started in `last` out; each account occurs once."""
        taken = (self.months >= first[:, None] - MONTHS_BEFORE) & (self.months <= last[:, None] + MONTHS_AFTER)
        self.is_free[account] &= ~taken


def _is_there(world: World, contracts: Contracts) -> Flags:
    """Return whether each account has paid for two months and stays until the middle of the month at least."""
    import numpy as np

    months = world.size.first_month + np.arange(world.size.months)
    paid = world.traits["paid"].to_numpy("datetime64[D]")
    middle = months.astype("datetime64[s]") + np.timedelta64(14 * 86_400, "s")
    stays = np.isnat(contracts.churned_at)[:, None] | np.greater(contracts.churned_at[:, None], middle[None, :])
    two_before = np.subtract(months, 2).astype("datetime64[D]")
    return np.asarray((paid[:, None] <= two_before[None, :]) & stays)


def make_picks(world: World, contracts: Contracts) -> Picks:
    """Return who gets a plan when, playbook by playbook; only the plans of one playbook may overlap with others.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and decisions of the accounts: nobody plans for those who left.
    """
    import numpy as np

    rng, calendar = world.stream("plans"), _Calendar(world, contracts)
    tier = world.traits["tier"].to_numpy(object)
    parts = [part for playbook in PLAYBOOKS for part in _picked(playbook, calendar, tier, rng)]
    return Picks(*(np.concatenate([getattr(part, name) for part in parts]) for name in Picks.__slots__))


def _picked(playbook: Playbook, calendar: _Calendar, tier: Texts, rng: np.random.Generator) -> Iterator[Picks]:
    if playbook is LOTTERY:
        yield from _drawn(playbook, calendar, tier, rng)
        return
    account, month = _choose(calendar.cells(playbook.selection), tier, _scaled(playbook.quota, tier), rng)
    calendar.take(account, month, month)
    yield _plain(playbook, account, month)
    if playbook.name == "scenario_workshop":
        account, month = _choose(calendar.fine(), tier, _scaled(MISDIAGNOSED, tier), rng)
        calendar.take(account, month, month)
        yield _plain(playbook, account, month, is_misdiagnosed=True)


def _scaled(quota: Mapping[str, int], tier: Texts) -> dict[str, int]:
    return {name: round(count * len(tier) / QUOTA_ACCOUNTS) for name, count in quota.items()}


def _choose(cells: Flags, tier: Texts, quota: Mapping[str, int], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return (account, month) of random allowed cells: each account once, up to the quota of each tier."""
    import numpy as np

    order = rng.permutation(len(tier))
    can: Flags = np.asarray(cells.any(axis=1))[order]
    chosen = np.sort(
        np.concatenate([order[can & (tier[order] == name)][:count] for name, count in quota.items()]).astype(np.int64)
    )
    return chosen, np.argmax(rng.random((len(chosen), cells.shape[1])) * cells[chosen], axis=1).astype(np.int64)


def _plain(playbook: Playbook, account: Ints, month: Ints, *, is_misdiagnosed: bool = False) -> Picks:
    import numpy as np

    count = len(account)
    none = np.zeros(count, dtype=np.int64)
    named = np.full(count, playbook.name, dtype=object)
    return Picks(account, named, month, month, none - 1, none, none, np.full(count, is_misdiagnosed))


def _drawn(playbook: Playbook, calendar: _Calendar, tier: Texts, rng: np.random.Generator) -> Iterator[Picks]:
    """Yield the plans of each lottery: more accounts are eligible than can start, so chance says who starts when."""
    import numpy as np

    length = len(calendar.months)
    for draw, (when, part) in enumerate(DRAWS):
        month = min(max(2, round(when * length)), length - 1)
        cells = calendar.cells(playbook.selection) & (calendar.months == month)[None, :]
        quota = {name: round(count * part) for name, count in _scaled(playbook.quota, tier).items()}
        account, created = _choose(cells, tier, quota, rng)
        count = len(account)
        order = rng.permutation(count) + 1
        start = month + (order - 1) * WAVES // max(count, 1) * max(1, round(WAVE_SHARE * length))
        calendar.take(account, created, start)
        named = np.full(count, playbook.name, dtype=object)
        same = [np.full(count, value, dtype=np.int64) for value in (draw, count)]
        yield Picks(account, named, created, start, same[0], order, same[1], np.zeros(count, dtype=bool))


def make_tailwinds(world: World, picks: Picks) -> Times:
    """Return the month from which the business of each account grows by itself, NaT where it does not.

    The CSMs of `sponsor_program` heard of it and chose those accounts: the month after their plan was created.
    """
    import numpy as np

    rng = world.stream("plans", 1)
    grows = rng.random(world.accounts) < TAILWIND_SHARE
    month = np.where(grows, rng.integers(2, max(3, world.size.months), world.accounts), -1)
    chosen = picks.playbook == PRIVATE.name
    month[picks.account[chosen]] = picks.month[chosen] + 1
    return np.where(month >= 0, world.size.first_month + month, np.datetime64("NaT", "M"))


def before(values: Floats, picks: Picks) -> Floats:
    """Return the mean of a hidden path (accounts x months) over the two months before each plan was created."""
    import numpy as np

    columns = LEAD_MONTHS + picks.month
    return np.asarray((values[picks.account, columns - 1] + values[picks.account, columns - 2]) / 2)
