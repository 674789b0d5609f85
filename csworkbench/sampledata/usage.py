"""Daily usage of the simulated book, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.accounts import FEATURES
from csworkbench.sampledata.world import LEAD_MONTHS, REGIONS, World, logistic, stream, working_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.world import Flags, Floats, Ints, Times

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
    """All users in the order of their accounts, and what each account likes.

    Args:
        account: Number of the account of each user.
        joined: First day of each user.
        left: Day on which the account of each user left, NaT while it is a customer.
        habit: How readily each user comes, about standard normal.
        taste: Liking of each account for each feature, accounts x features.
    """

    account: Ints
    joined: Times
    left: Times
    habit: Floats
    taste: Floats


def make_users(world: World, churned_at: Times) -> Users:
    """Return the users of every account: about 8 of 10 seats, one at least; two thirds join at the start."""
    import numpy as np

    rng = world.stream("users")
    seats = world.traits["seats"].to_numpy()
    count = np.maximum(1, rng.binomial(seats, 0.8))
    account = np.repeat(np.arange(world.accounts), count)
    signup = world.traits["signup"].to_numpy("datetime64[D]")[account]
    later = np.where(
        rng.random(len(account)) < 0.66, rng.integers(1, 15, len(account)), rng.integers(15, 500, len(account))
    )
    habit = rng.normal(0, USAGE.habit_sd, len(account))
    taste = rng.normal(0, 0.8, (world.accounts, len(FEATURES)))
    left = churned_at.astype("datetime64[D]")[account]
    return Users(account, signup + later.astype("timedelta64[D]"), left, habit, taste)


def usage_months(world: World, users: Users) -> Iterator[pd.DataFrame]:
    """Yield `usage_daily` month by month, each sorted by date, account, user and feature.

    Args:
        world: The hidden world.
        users: Users of all accounts.

    Yields:
        account_id, user_id, feature (categories), date, events, minutes, sessions (small integers), known_at (if late).
    """
    for month in range(world.size.months):
        frame = _month(world, users, month)
        late = LATE_ROWS if month == world.size.months - 1 else 0
        yield frame.assign(known_at=_known_at(world, frame["date"], late))


def _month(world: World, users: Users, month: int) -> pd.DataFrame:
    """Return the usage of one month, sorted by day, account, user and feature."""
    import numpy as np

    rng = stream(world.size, "usage_daily", month, world.number)
    days = _days_of(world, month)
    account = users.account
    engagement = world.engagement[account, LEAD_MONTHS + month]
    is_on = rng.random(len(account)) < logistic(USAGE.active_base + USAGE.active * engagement + users.habit)
    coming = np.clip(USAGE.coming * np.exp(USAGE.coming_slope * engagement), 0, 0.9) * is_on
    region = world.traits["region"].map({name: place for place, name in enumerate(REGIONS)}).to_numpy()[account]
    share = working_share(days)[region].T
    left = users.left
    is_there = (days[:, None] >= users.joined) & (np.isnat(left) | (days[:, None] < left))
    day, user = np.nonzero(rng.random(share.shape) < share * coming * is_there)
    liking = users.taste[account[user]] + USAGE.breadth * engagement[user][:, None]
    visit, feature = np.nonzero(_features_used(liking, rng))
    amounts = _amounts(feature, engagement[user[visit]], rng)
    return _named(world, users, (days[day[visit]], user[visit], feature)).assign(**amounts)


def _days_of(world: World, month: int) -> Times:
    import numpy as np

    first = world.size.first_month + month
    days = first.astype("datetime64[D]") + np.arange(31)
    return np.asarray(days[(days < first + 1) & (days <= np.datetime64(world.size.end, "D"))])


def _features_used(liking: Floats, rng: np.random.Generator) -> Flags:
    """Return which features each visit uses, given the liking of its account for each (visits x features)."""
    import numpy as np

    cut, chance = (np.array([_FEATURE_NUMBERS[name][place] for name in FEATURES]) for place in (0, 1))
    return np.asarray(rng.random(liking.shape) < chance * (liking > cut))


def _amounts(feature: Ints, engagement: Floats, rng: np.random.Generator) -> dict[str, Ints]:
    """Return events, minutes and sessions of each row, in integers as small as they allow."""
    import numpy as np

    mean, minutes_each = (np.array([_FEATURE_NUMBERS[name][place] for name in FEATURES])[feature] for place in (2, 3))
    events = np.minimum(1 + rng.poisson(mean * np.exp(USAGE.events_slope * engagement)), 30_000)
    minutes = np.minimum(np.ceil(events * minutes_each * rng.choice([0.75, 1.0, 1.25], len(events))), 1_440)
    sessions = 1 + (rng.random(len(events)) < 0.25) + (rng.random(len(events)) < 0.06)
    return {"events": events.astype("int16"), "minutes": minutes.astype("int16"), "sessions": sessions.astype("int8")}


def _named(world: World, users: Users, cells: tuple[Times, Ints, Ints]) -> pd.DataFrame:
    """Return (day, user, feature) as a frame whose texts are categories: four bytes a cell or one."""
    import pandas as pd

    day, user, feature = cells
    return pd.DataFrame(
        {
            "account_id": _category(users.account[user], world.traits["account_id"].tolist()),
            "user_id": _category(user, world.ids("U", 7, range(len(users.account))).tolist()),
            "feature": _category(feature, list(FEATURES)),
            "date": day.astype("datetime64[s]"),
        }
    )


def _category(numbers: Any, names: list[str]) -> pd.Categorical[Any]:
    import pandas as pd

    return pd.Categorical.from_codes(numbers, pd.Index(names))


def _known_at(world: World, days: pd.Series[pd.Timestamp], late: int) -> Times:
    """Return NaT for each row, but for so many that the warehouse learned of 5 to 12 days after the day."""
    import numpy as np

    rng = world.stream("late", 0)
    known_at = np.full(len(days), np.datetime64("NaT", "s"))
    rows = rng.choice(len(days), min(late, len(days)), replace=False)
    delay = rng.integers(5 * 86_400, 12 * 86_400, len(rows)).astype("timedelta64[s]")
    known_at[rows] = days.to_numpy("datetime64[s]")[rows] + delay
    return known_at
