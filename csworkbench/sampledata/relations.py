"""How close the two sides of the simulated book are: meetings, ratings of the relationship, wishes to leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.course import office
from csworkbench.sampledata.draws import happenings, pick, presence, rate
from csworkbench.sampledata.world import World, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import Flags, Ints, Times

CADENCE_DAYS = {"large": 30, "mid": 90}
HELD_SHARE, KEY_POINT_SHARE, LATE_SHARE = 0.84, 0.7, 0.01
INVITED_DAYS = 21  # so long before a planned meeting it is known
RATING_MONTHS = 6
DIMENSIONS = ("closeness", "solution_acceptance", "price_acceptance", "behaviour_mastery")
ASKED_TO_LEAVE_SHARE = 0.45  # of the accounts that leave
SAVED_DAYS = 90  # an account that is still there so long after it wished to leave was saved
REASONS = ("price", "low_usage", "competitor", "budget_cut", "product_fit")
SUMMARIES = {
    "China": (
        "确认下季度目标，客户负责推进培训",
        "客户希望增加数据源，下次会议前给出方案",
        "续约意向积极，价格需再讨论",
    ),
    "Sweden": (
        "Mål för nästa kvartal klara, kunden tar hand om utbildningen",
        "Kunden vill ha fler datakällor, förslag till nästa möte",
        "Positiv till förlängning, priset återstår",
    ),
    "Ireland": (
        "Goals of next quarter agreed, customer runs the training",
        "They want more data sources, proposal by next meeting",
        "Positive about renewing, price still open",
    ),
}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RelationModel:
    """Planted coefficients of ratings and wishes to leave.

    level = round(base + slope * e + trait of the account and dimension (sd `trait_sd`) + bias of the rater's role
    + chance (sd `sd`)), cut to 1 to 5; nearly half of those who leave say so before, and any account
    wishes to leave at a rate of `wish_per_month` * exp(wish_slope * e).
    """

    base: float = 3.2
    slope: float = 0.6
    trait_sd: float = 0.5
    csm_bias: float = 0.3
    other_bias: float = -0.1
    sd: float = 0.4
    wish_per_month: float = 0.004
    wish_slope: float = -0.8


RELATION = RelationModel()


def meetings_table(world: World, contracts: Contracts, plans: pd.DataFrame) -> pd.DataFrame:
    """Return `meetings` of large and mid accounts by time; those planned soon after the end of the book are in it.

    Regular ones follow a cadence, strategy meetings are yearly, reviews close success plans, a renewal or a complaint
    calls for a key-point meeting (three of ten renewals have none), an emergency for an immediate one.

    Args:
        world: Accounts and their latent engagement.
        contracts: Renewals, and when accounts leave.
        plans: Table of success plans.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("meetings")
    wanted = pd.concat([*_regular(world, rng), *_called_for(world, contracts, plans, rng)], ignore_index=True)
    wanted = wanted[_can_be(world, contracts, wanted)].sort_values(["at", "account", "kind"], ignore_index=True)
    account, at, count = wanted["account"].to_numpy(np.int64), wanted["at"].to_numpy("datetime64[s]"), len(wanted)
    is_planned = wanted["is_planned"].to_numpy(bool)
    begin, end = presence(world, contracts)
    held, known = _held(at, is_planned, (begin[account], end[account]), rng)
    region = world.traits["region"].to_numpy(object)[account]
    said = [SUMMARIES[name][place] for name, place in zip(region, rng.integers(0, 3, count), strict=True)]
    return pd.DataFrame(
        {
            "meeting_id": world.ids("G", 6, range(count)),
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "kind": wanted["kind"].to_numpy(object),
            "is_onsite": rng.random(count) < np.where(wanted["kind"] == "regular", 0.15, 0.4),
            "trigger": wanted["trigger"].to_numpy(object),
            "planned_at": np.where(is_planned, at, np.datetime64("NaT", "s")),
            "held_at": held,
            "summary": only(~np.isnat(held) & (rng.random(count) < 0.3), np.array(said, dtype=object)),
            "known_at": known,
        }
    )


def _wanted(account: Ints, at: Times, kind: str, trigger: str | None, *, is_planned: bool = True) -> pd.DataFrame:
    import pandas as pd

    fixed = {"kind": kind, "trigger": trigger, "is_planned": is_planned}
    return pd.DataFrame({"account": account, "at": office(at.astype("datetime64[s]"))}).assign(**fixed)


def _regular(world: World, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """Yield the meetings that come round: regular ones by the cadence of the tier, strategy once a year."""
    import numpy as np

    size, tier = world.size, world.traits["tier"].to_numpy(object)
    length = int((np.datetime64(size.end, "D") - size.start).astype(int)) + INVITED_DAYS
    cycles = [(name, days, "regular") for name, days in CADENCE_DAYS.items()] + [("large", 365, "strategy")]
    for name, days, kind in cycles:
        rows = np.flatnonzero(tier == name)
        turns = np.arange(-(-length // days))
        offset = rng.integers(0, days, len(rows))[:, None] + turns * days + rng.integers(-3, 4, (len(rows), len(turns)))
        seconds = offset.ravel() * _DAY + rng.integers(0, _DAY, offset.size)
        at = size.start.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
        yield _wanted(np.repeat(rows, len(turns)), at, kind, None)


def _called_for(
    world: World, contracts: Contracts, plans: pd.DataFrame, rng: np.random.Generator
) -> Iterator[pd.DataFrame]:
    """Yield the meetings that something calls for: a renewal, a plan that is over, a complaint, an emergency."""
    import pandas as pd

    ids, is_bigger = pd.Index(world.traits["account_id"]), world.traits["tier"].to_numpy(object) != "small"
    account = ids.get_indexer(contracts.renewals["account_id"])
    chosen = is_bigger[account] & (rng.random(len(account)) < KEY_POINT_SHARE)
    due = contracts.renewals["due_date"].to_numpy("datetime64[s]")[chosen]
    before = rng.integers(40 * _DAY, 80 * _DAY, len(due)).astype("timedelta64[s]")
    yield _wanted(account[chosen], due - before, "key_point", "renewal")
    closed = plans[plans["landed_at"].notna() & plans["closed_at"].notna()]
    reviewed = closed[rng.random(len(closed)) < 0.7]
    yield _wanted(
        ids.get_indexer(reviewed["account_id"]),
        reviewed["closed_at"].to_numpy("datetime64[s]"),
        "review",
        "plan_review",
    )
    happening = [
        ("key_point", "complaint", {"large": 0.05, "mid": 0.02, "small": 0.0}, -0.5),
        ("emergency", "requirement_change", {"large": 0.02, "mid": 0.006, "small": 0.0}, 0.0),
        ("emergency", "reorganisation", {"large": 0.01, "mid": 0.004, "small": 0.0}, 0.0),
    ]
    for kind, trigger, rates, slope in happening:
        yield _wanted(*happenings(world, contracts, rate(world, rates, slope), rng), kind, trigger, is_planned=False)


def _can_be(world: World, contracts: Contracts, wanted: pd.DataFrame) -> Flags:
    """Return which meetings lie in the time an account is there, or so soon after the book that they are known."""
    import numpy as np

    begin, end = presence(world, contracts)
    soon = np.where(np.isnat(contracts.churned_at), end + np.timedelta64(INVITED_DAYS * _DAY - 1, "s"), end)
    last = np.where(wanted["is_planned"], soon[wanted["account"]], end[wanted["account"]])
    return np.asarray((wanted["at"] >= begin[wanted["account"]]) & (wanted["at"] <= last))


def _held(at: Times, is_planned: Flags, stay: tuple[Times, Times], rng: np.random.Generator) -> tuple[Times, Times]:
    """Return when each meeting was held (NaT: it was not, or not yet) and when the warehouse knew of it."""
    import numpy as np

    begin, end = stay
    count = len(at)
    shift = np.where(is_planned & (rng.random(count) < 0.2), rng.integers(1, 8, count), 0).astype("timedelta64[D]")
    held: Times = np.add(at, shift).astype("datetime64[s]")
    is_held = ((rng.random(count) < HELD_SHARE) | ~is_planned) & (held <= end)
    held = np.where(is_held, held, np.datetime64("NaT", "s"))
    invited = np.maximum(at - np.timedelta64(INVITED_DAYS * _DAY, "s"), begin)
    is_late = is_held & (rng.random(count) < LATE_SHARE)
    late = held + rng.integers(3 * _DAY, 9 * _DAY, count).astype("timedelta64[s]")
    return held, np.where(is_late, late, np.where(is_planned, invited, at))


def ratings_table(world: World, contracts: Contracts, people: People) -> pd.DataFrame:
    """Return `relationship_ratings` of large accounts, twice a year: by the CSM, and half of them by a second person.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave.
        people: Who looks after the accounts.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("relationship_ratings")
    months = np.arange(RATING_MONTHS // 3, world.size.months, RATING_MONTHS)
    large = np.flatnonzero(world.traits["tier"].to_numpy(object) == "large")
    account, month = (values.ravel() for values in np.meshgrid(large, months, indexing="ij"))
    trait = rng.normal(0, RELATION.trait_sd, (world.accounts, len(DIMENSIONS)))
    begin, end = presence(world, contracts)
    parts = []
    for is_csm in (True, False):
        days = np.add(world.size.first_month, month).astype("datetime64[D]") + rng.integers(8, 20, len(account))
        at = days.astype("datetime64[s]") + rng.integers(7 * 3600, 15 * 3600, len(account)).astype("timedelta64[s]")
        is_there = (at >= begin[account]) & (at <= end[account]) & (is_csm | (rng.random(len(account)) < 0.5))
        rows, when = account[is_there], at[is_there]
        rater = people.csm_at(rows, when) if is_csm else pick(rng, ("delivery", "sales"), len(rows))
        bias = RELATION.csm_bias if is_csm else RELATION.other_bias
        level = RELATION.base + RELATION.slope * world.engagement[rows, world.month_index(when)] + bias
        level = level[:, None] + trait[rows] + rng.normal(0, RELATION.sd, (len(rows), len(DIMENSIONS)))
        four = len(DIMENSIONS)
        parts.append(
            pd.DataFrame(
                {
                    "account_id": np.repeat(world.traits["account_id"].to_numpy(object)[rows], four),
                    "dimension": np.tile(np.array(DIMENSIONS, dtype=object), len(rows)),
                    "rated_at": np.repeat(when, four),
                    "rater": np.repeat(rater, four),
                    "level": np.clip(np.round(level), 1, 5).astype(np.int64).ravel(),
                }
            )
        )
    both = pd.concat(parts).dropna(subset="rater")
    return both.sort_values(["rated_at", "account_id", "dimension", "rater"], kind="stable", ignore_index=True)


def cancel_requests_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `cancel_requests` by time: of accounts about to leave, and, more rarely, of any account.

    `is_saved` says whether the account was still there SAVED_DAYS later; blank where that is not known yet.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave.
    """
    import numpy as np
    import pandas as pd

    rng, size = world.stream("cancel_requests"), world.size
    begin, left = presence(world, contracts)[0], contracts.churned_at
    asks = rng.random(world.accounts) < ASKED_TO_LEAVE_SHARE
    gone = np.flatnonzero(~np.isnat(left) & (left <= size.last_second) & asks)
    before = office(left[gone] - rng.integers(5 * _DAY, 80 * _DAY, len(gone)).astype("timedelta64[s]"))
    gone, before = gone[before >= begin[gone]], before[before >= begin[gone]]
    rates = dict.fromkeys(("large", "mid", "small"), RELATION.wish_per_month)
    account, at = happenings(world, contracts, rate(world, rates, RELATION.wish_slope), rng)
    account, at = np.concatenate([gone, account]), np.concatenate([before, at])
    order = np.lexsort((account, at))
    account, at, count = account[order], at[order], len(order)
    until = at + np.timedelta64(SAVED_DAYS * _DAY, "s")
    is_lost = ~np.isnat(left[account]) & (left[account] <= until) & (left[account] <= size.last_second)
    is_known = is_lost | (until <= size.last_second)
    return pd.DataFrame(
        {
            "request_id": world.ids("Q", 5, range(count)),
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "requested_at": at,
            "reason": only(rng.random(count) < 0.92, pick(rng, REASONS, count, (0.3, 0.25, 0.15, 0.2, 0.1))),
            "is_saved": pd.Series(~is_lost).astype("boolean").where(is_known),
        }
    )
