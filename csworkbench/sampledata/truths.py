"""What was planted in the book; only tests read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.sampledata import business, success
from csworkbench.sampledata.business import BusinessTruths
from csworkbench.sampledata.contracts import RENEWAL, Contracts, RenewalModel
from csworkbench.sampledata.delivery import MAIL, MailModel
from csworkbench.sampledata.outreach import OutreachTruths
from csworkbench.sampledata.service import CLUSTER, SERVICE, ClusterModel, ServiceModel
from csworkbench.sampledata.success import SuccessTruths
from csworkbench.sampledata.trials import RESCUE, TRIALS, RescueModel, TrialModel
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
        outreach: Contacts whose refusal of marketing e-mail is easily overlooked, and accounts with a scanner.
        success: Playbooks, plans and what became of them.
        business: Onboarding, money and deals.
        engagement_model: Numbers of the latent path.
        renewal_model: Coefficients of the logistic model of a lost renewal.
        usage_model: Coefficients of use.
        service_model: Coefficients of tickets, NPS and touches.
        cluster_model: Tickets that share one configuration.
        mail_model: What happens to mails: bounces, proxies, scanners.
        trial_models: Effect, intra-account correlation and ratio of each e-mail experiment.
        rescue_model: The mail that is sent mostly to accounts in trouble: compared naively it seems to harm.
    """

    months: Times
    engagement: Floats
    stable: Floats
    decline: Floats
    swing: Floats
    renewals: pd.DataFrame
    outreach: OutreachTruths
    success: SuccessTruths
    business: BusinessTruths
    engagement_model: EngagementModel = ENGAGEMENT
    renewal_model: RenewalModel = RENEWAL
    usage_model: UsageModel = USAGE
    service_model: ServiceModel = SERVICE
    cluster_model: ClusterModel = CLUSTER
    mail_model: MailModel = MAIL
    trial_models: tuple[TrialModel, ...] = TRIALS
    rescue_model: RescueModel = RESCUE


def block_truths(
    world: World, contracts: Contracts, parts: tuple[OutreachTruths, SuccessTruths, BusinessTruths]
) -> Truths:
    """Return what was planted in a block.

    Args:
        world: Accounts and their engagement.
        contracts: Renewals and the truth behind them.
        parts: What the modules of the block planted.
    """
    import numpy as np

    months = world.size.first_month - LEAD_MONTHS + np.arange(world.engagement.shape[1])
    return Truths(months, world.engagement, world.stable, world.decline, world.swing, contracts.truth, *parts)


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
        outreach=OutreachTruths(
            frozenset().union(*(part.outreach.refused for part in parts)),
            frozenset().union(*(part.outreach.scanned for part in parts)),
        ),
        success=success.joined([part.success for part in parts]),
        business=business.joined([part.business for part in parts]),
    )
