"""The hidden world behind the book: its size, random streams, seasons, and every account's engagement by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Times = NDArray[np.datetime64]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Texts = NDArray[np.object_]
    Flags = NDArray[np.bool_]

# The place of a name is its random stream: append only, so that a new table changes no other.
STREAMS = (
    "engagement",
    "traits",
    "names",
    "contracts",
    "usage_daily",
    "tickets",
    "nps_responses",
    "csms",
    "assignments",
    "touches",
    "judgements",
    "users",
    "late",
    "contacts",
    "consents",
    "contents",
    "messages",
    "touch_events",
    "experiments",
    "id_map",
    "milestones",
    "meetings",
    "invoices",
    "metrics_daily",
    "plans",
    "plan_steps",
    "plan_goals",
    "tasks",
    "opportunities",
    "projects",
    "relationship_ratings",
    "answers",
    "cancel_requests",
    "leads",
    "renewal_calls",
)
LEAD_MONTHS = 3  # engagement starts before the first month: early renewals look back on it
BLOCK_ACCOUNTS = 5_000  # accounts simulated at once, as a world of their own; part of the seed, never change it
BLOCK_IDS = 1_000_000  # ids of a kind that each block may use: no block must know how many rows the others have
FIRST_YEAR, LAST_YEAR = 2016, 2035  # what the table of Chinese New Years covers
NEW_YEARS = (  # first day of the Chinese year, Hong Kong Observatory conversion tables
    "2015-02-19",
    "2016-02-08",
    "2017-01-28",
    "2018-02-16",
    "2019-02-05",
    "2020-01-25",
    "2021-02-12",
    "2022-02-01",
    "2023-01-22",
    "2024-02-10",
    "2025-01-29",
    "2026-02-17",
    "2027-02-06",
    "2028-01-26",
    "2029-02-13",
    "2030-02-03",
    "2031-01-23",
    "2032-02-11",
    "2033-01-31",
    "2034-02-19",
    "2035-02-08",
)
REGIONS = ("China", "Sweden", "Ireland")


@dataclass(frozen=True, slots=True)
class BookSize:
    """How big the simulated book is, and its seed.

    Args:
        accounts: Number of accounts, 1 to 1,000,000.
        months: Calendar months of history, 3 to 60; the last one is the month of `end`.
        seed: Non-negative seed; the same size and seed give the same content.
        end: Last day of the book, in the years 2021 to 2035.

    Raises:
        ConfigError: A value is outside its bounds; all of them are named.
    """

    accounts: int = 600
    months: int = 24
    seed: int = 20260930
    end: date = date(2026, 9, 30)

    def __post_init__(self) -> None:
        bounds = {
            "accounts": (self.accounts, 1, 1_000_000),
            "months": (self.months, 3, 60),
            "seed": (self.seed, 0, 2**63),
            "year of end": (self.end.year, FIRST_YEAR + 5, LAST_YEAR),
        }
        wrong = [
            f"{name}: {value} is not in {low} to {high}"
            for name, (value, low, high) in bounds.items()
            if not low <= value <= high
        ]
        if wrong:
            raise ConfigError(*wrong)

    @property
    def first_month(self) -> np.datetime64:
        """The first calendar month of the book."""
        import numpy as np

        return np.datetime64(self.end, "M") - (self.months - 1)

    @property
    def start(self) -> np.datetime64:
        """The first day of the book."""
        import numpy as np

        return np.datetime64(str(self.first_month), "D")

    @property
    def last_second(self) -> np.datetime64:
        """The last second of the last day, UTC."""
        import numpy as np

        return np.datetime64(self.end, "s") + np.timedelta64(86_399, "s")


@dataclass(frozen=True, slots=True)
class World:
    """What drives one block of the book and nobody outside sees. A book of up to BLOCK_ACCOUNTS accounts is one block.

    Args:
        size: Size and seed of the whole book.
        number: Number of the block, from 0.
        traits: One row per account: account_id, region, tier, industry, plan, signup (day), paid (day), trial_until,
            term_months, seats, price (per seat and month), employees.
        engagement: Accounts x (LEAD_MONTHS + months), about standard normal: stable + decline + swing.
        stable: The lasting level of each account.
        decline: Sum of the planted downward drift so far, accounts x months, at most 0.
        swing: Stationary AR(1), accounts x months: what comes and goes by itself.
    """

    size: BookSize
    number: int
    traits: pd.DataFrame
    engagement: Floats
    stable: Floats
    decline: Floats
    swing: Floats

    @property
    def accounts(self) -> int:
        """Number of accounts of the block."""
        return len(self.traits)

    def stream(self, name: str, *path: int) -> np.random.Generator:
        """Return the random generator of one table of this block; see `block_stream`."""
        return block_stream(self.size, self.number, name, *path)

    def ids(self, prefix: str, width: int, numbers: Ints | range) -> Texts:
        """Return ids such as `T0000001`; no other block has the same.

        Args:
            prefix: Letters in front.
            width: Digits at least.
            numbers: Numbers of the rows in this block, from 0.

        Raises:
            ValueError: a number is not below BLOCK_IDS.
        """
        import numpy as np

        if len(numbers) and max(numbers) >= BLOCK_IDS:
            raise ValueError(f"a block has at most {BLOCK_IDS} ids of a kind, not {max(numbers) + 1}")
        first = self.number * BLOCK_IDS + 1
        return np.array([f"{prefix}{first + number:0{width}d}" for number in numbers], dtype=object)

    def month_index(self, days: Times) -> Ints:
        """Column of `engagement` in which each day or instant falls; outside the book the nearest column."""
        import numpy as np

        months = days.astype("datetime64[M]") - (self.size.first_month - LEAD_MONTHS)
        return np.clip(months.astype(np.int64), 0, self.engagement.shape[1] - 1)


@dataclass(frozen=True, slots=True)
class EngagementModel:
    """Numbers of the latent path: a stable level, a swing that fades, a decline that stays."""

    stable_sd: float = 0.6
    swing_sd: float = 0.55
    swing_memory: float = 0.75
    declining_share: float = 0.25
    decline_per_month: float = -0.2
    decline_months: int = 8


ENGAGEMENT = EngagementModel()


def stream(size: BookSize, name: str, *path: int) -> np.random.Generator:
    """Return the random generator of one table (and of one block or month of it).

    Args:
        size: Book whose seed counts.
        name: One of STREAMS.
        path: Further coordinates, such as month and block.

    Returns:
        The generator that `SeedSequence(seed).spawn` gives to that child (and grandchild).
    """
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(size.seed, spawn_key=(STREAMS.index(name), *path)))


def block_stream(size: BookSize, number: int, name: str, *path: int) -> np.random.Generator:
    """Return the random generator of one table of a block: the first block has the plain one of `stream`.

    Args:
        size: Book whose seed counts.
        number: Number of the block.
        name: One of STREAMS.
        path: Further coordinates.
    """
    return stream(size, name, *path, *((BLOCK_IDS + number,) if number else ()))


def block_accounts(size: BookSize, number: int) -> int:
    """Return how many accounts a block has."""
    return min(BLOCK_ACCOUNTS, size.accounts - number * BLOCK_ACCOUNTS)


def logistic(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-x)))


def only(chosen: Flags, texts: Texts | str) -> Texts:
    """Return the texts where chosen, None elsewhere."""
    import numpy as np

    return np.where(chosen, np.asarray(texts, dtype=object), np.array(None, dtype=object))


def engagement_paths(size: BookSize, number: int = 0) -> tuple[Floats, Floats, Floats]:
    """Return stable level (accounts), decline and swing (accounts x months with the lead) of a block's accounts."""
    import numpy as np

    rng = block_stream(size, number, "engagement")
    count, columns, model = block_accounts(size, number), LEAD_MONTHS + size.months, ENGAGEMENT
    stable = rng.normal(0, model.stable_sd, count)
    swing = np.empty((count, columns))
    swing[:, 0] = rng.normal(0, model.swing_sd, count)
    noise = rng.normal(0, model.swing_sd * np.sqrt(1 - model.swing_memory**2), (count, columns - 1))
    for month in range(1, columns):
        swing[:, month] = model.swing_memory * swing[:, month - 1] + noise[:, month - 1]
    begins = rng.integers(1, columns, count)
    steps = np.clip(np.arange(columns)[None, :] - begins[:, None] + 1, 0, model.decline_months)
    declines = rng.random(count) < model.declining_share
    return stable, model.decline_per_month * steps * declines[:, None], swing


def working_share(days: Times) -> Floats:
    """Return how much of a normal working day each day is: regions (in the order of REGIONS) x days, 0 to 1.

    Weekends, Chinese New Year and the October week, Swedish July and Midsummer, Christmas and Irish bank holidays.
    """
    import numpy as np

    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    year = days.astype("datetime64[Y]")
    ordinal = (
        (days.astype("datetime64[M]") - year).astype(np.int64) * 100
        + (days - days.astype("datetime64[M]")).astype(np.int64)
        + 101
    )
    new_years = np.array(NEW_YEARS, dtype="datetime64[D]")
    from_new_year = (days[:, None] - new_years[None, :]).astype(np.int64)
    festival = ((from_new_year >= -2) & (from_new_year <= 7)).any(axis=1)
    before_festival = ((from_new_year >= -9) & (from_new_year < -2)).any(axis=1)
    christmas = (ordinal >= 1223) | (ordinal <= 102)
    base = np.where(weekday >= 5, 0.08, 1.0)
    china = np.where(festival | ((ordinal >= 1001) & (ordinal <= 1007)), 0.08, np.where(before_festival, 0.6, 1.0))
    sweden = np.where(
        christmas,
        0.1,
        np.where((ordinal >= 701) & (ordinal <= 731), 0.35, np.where((ordinal >= 801) & (ordinal <= 809), 0.6, 1.0)),
    )
    sweden = np.where((ordinal >= 619) & (ordinal <= 625) & (weekday == 4), 0.05, sweden)
    ireland = np.where(
        christmas, 0.12, np.where(ordinal == 317, 0.1, np.where((ordinal >= 801) & (ordinal <= 820), 0.85, 1.0))
    )
    return np.stack([base * china, base * sweden, base * ireland])
