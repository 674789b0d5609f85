"""What was planted in the book; only tests read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.sampledata.contracts import RENEWAL, Contracts, RenewalModel
from csworkbench.sampledata.service import SERVICE, ServiceModel
from csworkbench.sampledata.usage import USAGE, UsageModel
from csworkbench.sampledata.world import ENGAGEMENT, LEAD_MONTHS, EngagementModel, World

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
    engagement_model: EngagementModel = ENGAGEMENT
    renewal_model: RenewalModel = RENEWAL
    usage_model: UsageModel = USAGE
    service_model: ServiceModel = SERVICE


def block_truths(world: World, contracts: Contracts) -> Truths:
    """Return what was planted in a block."""
    import numpy as np

    months = world.size.first_month - LEAD_MONTHS + np.arange(world.engagement.shape[1])
    return Truths(months, world.engagement, world.stable, world.decline, world.swing, contracts.truth)


def joined(parts: Sequence[Truths]) -> Truths:
    """Return the truths of a book from those of its blocks, accounts in their order."""
    import numpy as np
    import pandas as pd

    return replace(
        parts[0],
        engagement=np.concatenate([part.engagement for part in parts]),
        stable=np.concatenate([part.stable for part in parts]),
        decline=np.concatenate([part.decline for part in parts]),
        swing=np.concatenate([part.swing for part in parts]),
        renewals=pd.concat([part.renewals for part in parts], ignore_index=True),
    )
