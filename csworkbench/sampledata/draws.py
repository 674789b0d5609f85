"""What many tables are drawn with: Poisson happenings in time, who is there, who looks after it, and what is late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.world import LEAD_MONTHS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.usage import Users
    from csworkbench.sampledata.world import Floats, Ints, Texts, Times, World


def pick(
    rng: np.random.Generator, options: tuple[str | None, ...], count: int, chances: tuple[float, ...] | None = None
) -> Texts:
    """Return random options as text objects.

    Args:
        rng: Source of chance.
        options: What to pick from.
        count: How many to pick.
        chances: Chance of each option; absent = the same.
    """
    import numpy as np

    return np.asarray(rng.choice(np.array(options, dtype=object), count, p=chances))


def presence(world: World, contracts: Contracts) -> tuple[Times, Times]:
    """Return first and last second at which each account can do something: from the day after signup until it left."""
    import numpy as np

    begin = np.maximum(
        world.traits["signup"].to_numpy("datetime64[s]") + np.timedelta64(86_400, "s"),
        world.size.start.astype("datetime64[s]"),
    )
    left = np.where(np.isnat(contracts.churned_at), world.size.last_second, contracts.churned_at)
    return begin, np.minimum(left, world.size.last_second)


def happenings(
    world: World,
    contracts: Contracts,
    per_month: Floats,
    rng: np.random.Generator,
) -> tuple[Ints, Times]:
    """Return (account, instant), in order of time, of a Poisson process with a rate per month (accounts x months).

    Instants lie between 7 and 16 o'clock UTC; a month counts in proportion to the days the account is there.

    Args:
        world: Accounts of the block.
        contracts: Says when accounts left.
        per_month: Expected number, accounts x months.
        rng: Source of chance.
    """
    import numpy as np

    size = world.size
    begin, end = presence(world, contracts)
    begin, end = begin.astype("datetime64[D]"), (end + np.timedelta64(1, "s")).astype("datetime64[D]")
    months = size.first_month + np.arange(size.months)
    low = np.maximum(begin[:, None], months.astype("datetime64[D]")[None, :])
    high = np.minimum(end[:, None], (months + 1).astype("datetime64[D]")[None, :])
    days = np.maximum((high - low).astype(np.int64), 0)
    count = rng.poisson(per_month * days / 30.44)
    cell = np.repeat(np.arange(count.size), count.ravel())
    account = cell // size.months
    offset = (rng.random(len(cell)) * days.ravel()[cell]).astype(np.int64)
    second = rng.integers(7 * 3600, 16 * 3600, len(cell))
    instant = (low.ravel()[cell] + offset).astype("datetime64[s]") + second.astype("timedelta64[s]")
    order = np.argsort(instant, kind="stable")
    return account[order], instant[order]


def rate(world: World, rates: dict[str, float], slope: float) -> Floats:
    """Return the rate per month, accounts x months: that of the tier times exp(slope * engagement).

    Args:
        world: Accounts and their engagement.
        rates: Tier -> rate at engagement 0.
        slope: Change of its logarithm per unit of engagement.
    """
    import numpy as np

    base = world.traits["tier"].map(rates).to_numpy(float)
    return np.asarray(base[:, None] * np.exp(slope * world.engagement[:, LEAD_MONTHS:]))


def until_end(world: World, instants: Times) -> Times:
    """Return the instants, NaT where they lie after the end of the book."""
    import numpy as np

    return np.where(instants <= world.size.last_second, instants, np.datetime64("NaT", "s"))


def known_late(world: World, instants: Times, count: int, place: int) -> Times:
    """Return `known_at`: NaT, but for a few rows of the last 60 days, known 5 to 14 days later.

    Args:
        world: Block of the table.
        instants: When the rows happened.
        count: How many are late.
        place: Number of the table in the stream of late rows.
    """
    import numpy as np

    rng = world.stream("late", place)
    known_at = np.full(len(instants), np.datetime64("NaT", "s"))
    recent = np.flatnonzero(instants > world.size.last_second - np.timedelta64(60 * 86_400, "s"))
    rows = rng.choice(recent, min(count, len(recent)), replace=False)
    known_at[rows] = instants[rows] + rng.integers(5 * 86_400, 14 * 86_400, len(rows)).astype("timedelta64[s]")
    return known_at


def person_ids(world: World, users: Users, account: Ints, share: Floats) -> Texts:
    """Return the contact id of a user of each account.

    Args:
        world: Accounts of the block.
        users: Users of the product.
        account: Number of the account of each row.
        share: Number from 0 to 1 that picks among its users.
    """
    import numpy as np

    first = np.searchsorted(users.account, np.arange(world.accounts + 1))
    number = first[account] + (share * np.diff(first)[account]).astype(np.int64)
    return contact_ids(world, number)


def contact_ids(world: World, numbers: Ints) -> Texts:
    """Return the contact ids of users: the id of the user with P for U."""
    return world.ids("P", 7, numbers)


def csm_on(assignments: pd.DataFrame, account_ids: Any, at: Times) -> Texts:
    """Return who looked after each account at an instant, None where nobody did.

    Args:
        assignments: Table `assignments`.
        account_ids: Account of each row.
        at: Instant of each row.
    """
    import numpy as np
    import pandas as pd

    owners = assignments[["account_id", "valid_from", "csm_id"]].assign(
        valid_from=assignments["valid_from"].astype("datetime64[s]")
    )
    ids = pd.Series(np.asarray(account_ids, dtype=object)).astype(owners["account_id"].dtype)
    asked = pd.DataFrame({"account_id": ids, "at": at, "place": np.arange(len(at))})
    found = pd.merge_asof(
        asked.sort_values("at", kind="stable"),
        owners.sort_values("valid_from"),
        left_on="at",
        right_on="valid_from",
        by="account_id",
    )
    owner = found.sort_values("place")["csm_id"].to_numpy(object)
    return np.where(pd.isna(owner), np.array(None, dtype=object), owner)
