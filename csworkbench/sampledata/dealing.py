"""New business of the simulated book: opportunities by source, delivery projects, and leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import CURRENCY, PRICE_FACTOR
from csworkbench.sampledata.course import office
from csworkbench.sampledata.draws import happenings, known_late, pick, presence, rate, until_end
from csworkbench.sampledata.world import World, logistic, only

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import Floats, Ints, Texts, Times

LATE_OPPORTUNITIES = 5
PROJECT_SHARE = {"large": 0.75, "mid": 0.3, "small": 0.0}
LEADS_PER_ACCOUNT = 0.5
SELLERS = ("孙悦", "赵磊", "Lisa Nyberg", "Ciara Dunne", "Joe Marsh")
_RATE = {"large": 0.14, "mid": 0.06, "small": 0.012}
_SOURCES = ("service", "sales", "marketing")
_SOURCE_SHARE = {"large": (0.5, 0.38, 0.12), "mid": (0.35, 0.4, 0.25), "small": (0.15, 0.35, 0.5)}
_STAGES = ("qualified", "proposal", "negotiation")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class SalesModel:
    """Planted coefficients of a won opportunity and of its cost.

    logit P(won) = intercept + (service or sales) + large * [large account] + engagement * e of the month it was opened;
    cost = the cost share of its source times the amount, lognormal with sd `cost_sd`. Service finds its chances at
    large and engaged accounts, so that a part of its better rate is the mix.
    """

    intercept: float = -1.3
    service: float = 0.7
    sales: float = 0.2
    large: float = 0.5
    engagement: float = 0.5
    service_cost: float = 0.04
    sales_cost: float = 0.12
    marketing_cost: float = 0.09
    cost_sd: float = 0.4


SALES = SalesModel()


def opportunities_table(world: World, contracts: Contracts, people: People) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `opportunities` by time (the task an opportunity came from is filled in later) and their true chances.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave, and what they pay.
        people: Who looks after the accounts.

    Returns:
        The table, and one row per opportunity: opportunity_id, p_won.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("opportunities")
    account, created = happenings(world, contracts, rate(world, _RATE, 0.3), rng)
    count, tier = len(account), world.traits["tier"].to_numpy(object)[account]
    share = np.array([_SOURCE_SHARE[name] for name in tier], dtype=float).reshape(-1, 3).cumsum(axis=1)
    source = np.array(_SOURCES, dtype=object)[(rng.random(count)[:, None] > share[:, :2]).sum(axis=1)]
    chance = logistic(_logit_won(world, account, created, source))
    is_won = rng.random(count) < chance
    speed = np.where(source == "service", 40.0, 60.0) * np.exp(rng.normal(0, 0.5, count))
    closed = until_end(world, office(created + (speed * _DAY).astype("timedelta64[s]") + np.timedelta64(_DAY, "s")))
    left = contracts.churned_at[account]
    is_cut = ~np.isnat(left) & ~(closed < left) & (left <= world.size.last_second)
    closed, is_won = np.where(is_cut, left, closed), is_won & ~is_cut
    is_open = np.isnat(closed)
    amount = np.maximum(np.round(contracts.mrr[account] * 12 * rng.uniform(0.08, 0.5, count), -1), 100.0)
    cost_share = np.array([getattr(SALES, f"{name}_cost") for name in source], dtype=float)
    ids = world.ids("O", 6, range(count))
    table = pd.DataFrame(
        {
            "opportunity_id": ids,
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "source": source,
            "csm_id": only(source == "service", people.csm_at(account, created)),
            "stage": np.where(is_open, pick(rng, _STAGES, count), np.where(is_won, "won", "lost")),
            "amount": amount,
            "cost": np.round(amount * cost_share * np.exp(rng.normal(0, SALES.cost_sd, count)), 2),
            "currency": world.traits["region"].map(CURRENCY).to_numpy(object)[account],
            "created_at": created,
            "closed_at": closed,
            "is_won": pd.Series(is_won).astype("boolean").where(~is_open),
            "known_at": known_late(world, created, LATE_OPPORTUNITIES, 12),
        }
    )
    return table, pd.DataFrame({"opportunity_id": ids, "p_won": np.where(is_cut, 0.0, chance)})


def _logit_won(world: World, account: Ints, created: Times, source: Texts) -> Floats:
    import numpy as np

    return np.asarray(
        SALES.intercept
        + SALES.service * (source == "service")
        + SALES.sales * (source == "sales")
        + SALES.large * (world.traits["tier"].to_numpy(object)[account] == "large")
        + SALES.engagement * world.engagement[account, world.month_index(created)]
    )


def projects_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `projects` of large and mid accounts, known from four months before their planned end on.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave, and what they pay.
    """
    import numpy as np
    import pandas as pd

    rng, traits = world.stream("projects"), world.traits
    begin, end = presence(world, contracts)
    length = (end - begin).astype(np.int64)
    has_one = rng.random(world.accounts) < traits["tier"].map(PROJECT_SHARE).to_numpy(float)
    known = office(begin + (length * rng.random(world.accounts)).astype("timedelta64[s]"))
    rows = np.flatnonzero(has_one & (length > 60 * _DAY) & (known <= end))
    known, count = known[rows], len(rows)
    planned = known.astype("datetime64[D]") + rng.integers(60, 150, count)
    delay = np.round(rng.normal(6, 16, count)).astype(np.int64)
    ended = np.maximum(planned + delay, known.astype("datetime64[D]") + 20).astype("datetime64[s]")
    ended = ended + rng.integers(7 * 3600, 15 * 3600, count).astype("timedelta64[s]")
    ended = np.where(ended <= end[rows], ended, np.datetime64("NaT", "s"))
    quality = (
        3.8
        + 0.4 * world.engagement[rows, world.month_index(planned.astype("datetime64[D]"))]
        + rng.normal(0, 0.6, count)
    )
    due = np.round(np.maximum(contracts.mrr[rows] * rng.uniform(1, 4, count), 500.0), -2)
    is_over = ~np.isnat(ended)
    part = np.where(is_over, rng.choice([1.0, 1.0, 0.8, 0.5], count), rng.uniform(0, 0.6, count))
    table = pd.DataFrame(
        {
            "account_id": traits["account_id"].to_numpy(object)[rows],
            "planned_end": planned,
            "ended_at": ended,
            "quality": np.where(is_over, np.clip(np.round(quality * 2) / 2, 1, 5), np.nan),
            "utilization": np.round(np.clip(rng.normal(0.76, 0.1, count), 0.3, 1.1), 2),
            "cash_due": due,
            "cash_collected": np.round(due * part, 2),
            "currency": traits["region"].map(CURRENCY).to_numpy(object)[rows],
            "known_at": known,
        }
    ).sort_values("known_at", kind="stable", ignore_index=True)
    table.insert(0, "project_id", world.ids("J", 5, range(count)))
    return table


def leads_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `leads` by time: some of existing accounts, most of companies that are none yet.

    Args:
        world: Accounts of the block.
        contracts: When accounts leave.
    """
    import numpy as np
    import pandas as pd

    rng, count = world.stream("leads"), round(world.accounts * LEADS_PER_ACCOUNT)
    span = (world.size.last_second - world.size.start.astype("datetime64[s]")).astype(np.int64)
    created = np.sort(office(world.size.start + (rng.random(count) * span).astype("timedelta64[s]")))
    account = rng.integers(0, world.accounts, count)
    begin, end = presence(world, contracts)
    is_account = (rng.random(count) < 0.35) & (created >= begin[account]) & (created <= end[account])
    age = (world.size.last_second - created).astype(np.int64) / _DAY
    settled = pick(rng, ("won", "lost", "recalled"), count, (0.2, 0.6, 0.2))
    status = np.where(age < 5, "new", np.where(age < 40, pick(rng, ("contacted", "qualified"), count), settled))
    owner = pick(rng, SELLERS, count)
    has_owner = (status != "new") & (status != "recalled")
    region = world.traits["region"].to_numpy(object)[account]
    price = pd.Series(region).map(PRICE_FACTOR).to_numpy(float)
    amount = np.round(price * np.exp(rng.normal(8.2, 0.8, count)), -2)
    return pd.DataFrame(
        {
            "lead_id": world.ids("K", 6, range(count)),
            "account_id": only(is_account, world.traits["account_id"].to_numpy(object)[account]),
            "status": status.astype(object),
            "owner": only(has_owner, owner),
            "protect_until": created.astype("datetime64[D]") + 60,
            "amount": np.where(rng.random(count) < 0.9, amount, np.nan),
            "currency": pd.Series(region).map(CURRENCY).to_numpy(object),
            "credit_to": only(status == "won", np.where(rng.random(count) < 0.8, owner, pick(rng, SELLERS, count))),
            "created_at": created,
        }
    )
