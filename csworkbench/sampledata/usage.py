"""Daily usage of the simulated book, month by month and block by block, so that a big book never has to fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from csworkbench.sampledata.accounts import FEATURES
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, LEAD_MONTHS, REGIONS, World, logistic, stream, working_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.sampledata.world import Floats, Ints, Times

LATE_ROWS = 20  # usage rows of the last month that arrive days later; some after the end of the book


@dataclass(frozen=True, slots=True)
class UsageModel:
    """Planted coefficients of use, all on engagement e of the account and month.

    P(user is active in a month) = logistic(active_base + active * e + habit of the user);
    P(an active user comes on a full working day) = coming * exp(coming_slope * e);
    an account has adopted a feature in a month when its taste for it + breadth * e exceeds the cut of the feature;
    events of a feature on a day = 1 + Poisson(events of the feature * exp(events_slope * e)).
    """

    active_base: float = 0.9
    active: float = 1.1
    habit_sd: float = 1.0
    coming: float = 0.3
    coming_slope: float = 0.25
    breadth: float = 0.9
    events_slope: float = 0.3


USAGE = UsageModel()
# feature: cut of adoption, chance of use on an active day, mean events beyond the first, minutes per event
_FEATURE_NUMBERS = {
    "alert": (0.4, 0.25, 1.5, 1.5),
    "api": (1.2, 0.35, 20.0, 0.1),
    "dashboard": (-2.0, 0.6, 4.0, 2.5),
    "export": (-0.2, 0.18, 1.0, 1.0),
    "funnel": (0.3, 0.25, 3.0, 3.0),
    "query": (-3.5, 0.7, 9.0, 2.0),
    "segment": (0.0, 0.25, 2.5, 3.0),
    "share": (0.6, 0.15, 0.8, 1.0),
}


@dataclass(frozen=True, slots=True)
class Users:
    """All users, in the order of their accounts: number of the account, first day, habit, and each account's tastes."""

    account: Ints
    joined: Times
    habit: Floats
    taste: Floats

    @property
    def user_ids(self) -> list[str]:
        """Ids of all users."""
        return [f"U{number:07d}" for number in range(1, len(self.account) + 1)]


def make_users(world: World) -> Users:
    """Return the users of every account: about 8 of 10 seats, one at least; two thirds join at the start."""
    import numpy as np

    rng = stream(world.size, "users")
    seats = world.traits["seats"].to_numpy()
    count = np.maximum(1, rng.binomial(seats, 0.8))
    account = np.repeat(np.arange(world.size.accounts), count)
    signup = world.traits["signup"].to_numpy("datetime64[D]")[account]
    later = np.where(
        rng.random(len(account)) < 0.66, rng.integers(1, 15, len(account)), rng.integers(15, 500, len(account))
    )
    habit = rng.normal(0, USAGE.habit_sd, len(account))
    taste = rng.normal(0, 0.8, (world.size.accounts, len(FEATURES)))
    return Users(account, signup + later.astype("timedelta64[D]"), habit, taste)


def usage_months(world: World, users: Users, churned_at: Times) -> Iterator[pd.DataFrame]:
    """Yield `usage_daily` month by month, each sorted by date, account, user and feature.

    Args:
        world: The hidden world.
        users: Users of all accounts.
        churned_at: When each account left, NaT while it is a customer.

    Yields:
        account_id, user_id, feature (category), date, events, minutes, sessions (small integers), known_at (only where late).
    """
    import numpy as np

    left_on = churned_at.astype("datetime64[D]")
    edges = np.searchsorted(users.account, np.arange(0, world.size.accounts + BLOCK_ACCOUNTS, BLOCK_ACCOUNTS))
    for month in range(world.size.months):
        blocks = [
            _block_month(
                world,
                users,
                left_on,
                slice(int(low), int(high)),
                (month, stream(world.size, "usage_daily", month, block)),
            )
            for block, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True))
        ]
        rows = _Rows(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
        order = np.argsort(rows.day, kind="stable")
        frame = _named(world, users, _Rows(*(part[order] for part in rows)))
        yield (
            _with_late_rows(frame, world)
            if month == world.size.months - 1
            else frame.assign(known_at=np.full(len(frame), np.datetime64("NaT", "s")))
        )


class _Rows(NamedTuple):
    """Rows of usage as aligned arrays."""

    day: Times
    user: NDArray[np.int32]
    feature: NDArray[np.int8]
    events: NDArray[np.int16]
    minutes: NDArray[np.int16]
    sessions: NDArray[np.int8]


def _block_month(
    world: World, users: Users, left_on: Times, block: slice, draw: tuple[int, np.random.Generator]
) -> _Rows:
    """Return the usage of one block of users (a slice of them) in one month, days in order."""
    import numpy as np

    month, rng = draw
    days = _days_of(world, month)
    account = users.account[block]
    engagement = world.engagement[account, LEAD_MONTHS + month]
    is_on = rng.random(len(account)) < logistic(USAGE.active_base + USAGE.active * engagement + users.habit[block])
    coming = np.clip(USAGE.coming * np.exp(USAGE.coming_slope * engagement), 0, 0.9) * is_on
    region = world.traits["region"].map({name: place for place, name in enumerate(REGIONS)}).to_numpy()[account]
    share = working_share(days)[region].T
    left = left_on[account]
    is_there = (days[:, None] >= users.joined[block]) & (np.isnat(left) | (days[:, None] < left))
    day, user = np.nonzero(rng.random(share.shape) < share * coming * is_there)
    visit, feature = _features_used(world, users, account[user], month, rng)
    return _amounts(days[day[visit]], (user + block.start)[visit], feature, engagement[user[visit]], rng)


def _days_of(world: World, month: int) -> Times:
    import numpy as np

    first = world.size.first_month + month
    days = np.arange(first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]"))
    return days[days <= np.datetime64(world.size.end, "D")]


def _features_used(
    world: World,
    users: Users,
    account: Ints,
    month: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Return (place of the visit, number of the feature) of every feature used in the visits of these accounts."""
    import numpy as np

    cut, chance = (np.array([_FEATURE_NUMBERS[name][place] for name in FEATURES]) for place in (0, 1))
    liking = users.taste[account] + USAGE.breadth * world.engagement[account, LEAD_MONTHS + month][:, None]
    used = rng.random((len(account), len(FEATURES))) < chance * (liking > cut)
    visit, feature = np.nonzero(used)
    return visit, feature


def _amounts(
    day: Times,
    user: Ints,
    feature: Ints,
    engagement: Floats,
    rng: np.random.Generator,
) -> _Rows:
    import numpy as np

    mean, minutes_each = (np.array([_FEATURE_NUMBERS[name][place] for name in FEATURES])[feature] for place in (2, 3))
    events = 1 + rng.poisson(mean * np.exp(USAGE.events_slope * engagement))
    minutes = np.ceil(events * minutes_each * rng.choice([0.75, 1.0, 1.25], len(events)))
    sessions = 1 + (rng.random(len(events)) < 0.25) + (rng.random(len(events)) < 0.06)
    return _Rows(
        day,
        user.astype(np.int32),
        feature.astype(np.int8),
        np.minimum(events, 32_767).astype(np.int16),
        np.minimum(minutes, 32_767).astype(np.int16),
        sessions.astype(np.int8),
    )


def _named(world: World, users: Users, rows: _Rows) -> pd.DataFrame:
    """Return the rows as a frame whose texts are categories: one byte or four a cell."""
    import numpy as np
    import pandas as pd

    return pd.DataFrame(
        {
            "account_id": pd.Categorical.from_codes(
                users.account[rows.user].astype(np.int32), world.traits["account_id"]
            ),
            "user_id": pd.Categorical.from_codes(rows.user, users.user_ids),
            "feature": pd.Categorical.from_codes(rows.feature, list(FEATURES)),
            "date": rows.day.astype("datetime64[s]"),
            "events": rows.events,
            "minutes": rows.minutes,
            "sessions": rows.sessions,
        }
    )


def _with_late_rows(frame: pd.DataFrame, world: World) -> pd.DataFrame:
    """Return the last month with a few rows that the warehouse learned of 5 to 12 days after the day."""
    import numpy as np

    rng = stream(world.size, "late", 0)
    known_at = np.full(len(frame), np.datetime64("NaT", "s"))
    late = rng.choice(len(frame), min(LATE_ROWS, len(frame)), replace=False)
    delay = rng.integers(5 * 86_400, 12 * 86_400, len(late)).astype("timedelta64[s]")
    known_at[late] = frame["date"].to_numpy("datetime64[s]")[late] + delay
    return frame.assign(known_at=known_at)
