"""The whole simulated book: all tables, and the truths behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import accounts_table, assignments_table, csms_table, features_table, make_world
from csworkbench.sampledata.contracts import RENEWAL, Contracts, RenewalModel, make_contracts
from csworkbench.sampledata.service import (
    SERVICE,
    ServiceModel,
    judgements_table,
    nps_table,
    tickets_table,
    touches_table,
)
from csworkbench.sampledata.usage import USAGE, UsageModel, make_users, usage_months
from csworkbench.sampledata.world import ENGAGEMENT, LEAD_MONTHS, BookSize, EngagementModel, World

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.world import Floats, Times


@dataclass(frozen=True, slots=True)
class Truths:
    """What was planted; only tests read it.

    Args:
        months: Calendar month of each column of the paths; the first LEAD_MONTHS lie before the book.
        engagement: Latent engagement, accounts (in the order of the accounts table) x months.
        stable: Lasting level of each account.
        decline: Planted downward drift so far, at most 0, accounts x months.
        swing: What comes and goes by itself (AR(1)): a dip of it recovers without anybody's help.
        renewals: One row per decided renewal: renewal_id, account_id, engagement, is_first, tier, p_churned, is_lost.
        engagement_model: Numbers of the latent path.
        renewal_model: Coefficients of the logistic model of a lost renewal.
        usage_model: Coefficients of use.
        service_model: Coefficients of tickets, NPS and touches.
    """

    months: Times
    engagement: Floats
    stable: Floats
    decline: Floats
    swing: Floats
    renewals: pd.DataFrame
    engagement_model: EngagementModel
    renewal_model: RenewalModel
    usage_model: UsageModel
    service_model: ServiceModel


@dataclass(frozen=True, slots=True)
class SampleBook:
    """A simulated book in memory.

    Args:
        size: Size and seed.
        frames: Table name -> frame with the columns of `csworkbench.tables`; days and instants as datetime64[s] (UTC).
        truths: What was planted.
    """

    size: BookSize
    frames: Mapping[str, pd.DataFrame]
    truths: Truths


@dataclass(frozen=True, slots=True)
class Draft:
    """A simulated book before its usage is drawn: what `write` streams to files.

    Args:
        size: Size and seed.
        frames: All tables but `usage_daily`.
        usage: `usage_daily` month by month, sorted; can be read once.
        truths: What was planted.
    """

    size: BookSize
    frames: Mapping[str, pd.DataFrame]
    usage: Iterator[pd.DataFrame]
    truths: Truths


def draft(size: BookSize) -> Draft:
    """Return the book of that size with its usage still to be drawn."""
    world = make_world(size)
    contracts = make_contracts(world)
    assignments = assignments_table(world, contracts)
    users = make_users(world, contracts.churned_at)
    frames = {
        "accounts": accounts_table(world, contracts),
        "features": features_table(),
        "subscriptions": contracts.subscriptions,
        "renewals": contracts.renewals,
        "tickets": tickets_table(world, contracts, users),
        "nps_responses": nps_table(world, contracts, users),
        "csms": csms_table(),
        "assignments": assignments,
        "touches": touches_table(world, contracts, users, assignments),
        "judgements": judgements_table(world, contracts, assignments),
    }
    return Draft(size, MappingProxyType(frames), usage_months(world, users), _truths(world, contracts))


def _truths(world: World, contracts: Contracts) -> Truths:
    import numpy as np

    months = world.size.first_month - LEAD_MONTHS + np.arange(world.engagement.shape[1])
    return Truths(
        months,
        world.engagement,
        world.stable,
        world.decline,
        world.swing,
        contracts.truth,
        ENGAGEMENT,
        RENEWAL,
        USAGE,
        SERVICE,
    )


def simulate(accounts: int = 600, months: int = 24, seed: int = 20260930, end: date = date(2026, 9, 30)) -> SampleBook:
    """Return a simulated customer book in memory.

    Args:
        accounts: Number of accounts: 15 % large, 30 % mid, 55 % small.
        months: Calendar months of history up to and with the month of `end`.
        seed: The same size and seed give the same content.
        end: Last day of the book.

    Returns:
        The book. About 1,400 usage rows an account: above 20,000 accounts use `write` with a BookSize, which streams.

    Raises:
        ConfigError: A value is outside its bounds.
    """
    import pandas as pd

    plan = draft(BookSize(accounts, months, seed, end))
    frames = {**plan.frames, "usage_daily": pd.concat(plan.usage, ignore_index=True)}
    return SampleBook(plan.size, MappingProxyType(frames), plan.truths)
