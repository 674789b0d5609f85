"""The business around the accounts of the simulated book: onboarding, money, meetings, tasks and deals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.sampledata.billing import CALL, PAYMENT, CallModel, PaymentModel, invoices_table, renewal_calls_table
from csworkbench.sampledata.dealing import SALES, SalesModel, leads_table, opportunities_table, projects_table
from csworkbench.sampledata.onboarding import ONBOARDING, OnboardingModel, answers_table, milestones_table
from csworkbench.sampledata.relations import (
    RELATION,
    RelationModel,
    cancel_requests_table,
    meetings_table,
    ratings_table,
)
from csworkbench.sampledata.workload import TASK, TaskModel, tasks_table

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import World

COMMENTS: Mapping[str, str] = {
    "milestones": "Steps of the onboarding of new accounts, planned and reached.",
    "answers": "What customers said in the welcome call.",
    "invoices": "Invoices and when they were paid.",
    "renewal_calls": "Predictions of renewals by the model, the CSM and the team; never changed afterwards.",
    "meetings": "Meetings planned and held, and what called for them.",
    "relationship_ratings": "How close the relationship is, from 1 to 5, by several raters.",
    "cancel_requests": "Who wished to leave, why, and whether the account stayed.",
    "tasks": "Tasks of the CSMs: base service, and value on top.",
    "opportunities": "Chances to sell, by source.",
    "projects": "Delivery projects of large and mid accounts.",
    "leads": "Leads; most belong to no account yet.",
}
NOTES = """\
- `milestones` and `answers` are of accounts that came during the book. A milestone that is not reached is censored.
- Every eighth account pays each `invoice` late. `renewal_calls` are made 180 and 90 days before the due date: by the
  model for all, by the CSM (who hopes too much) and as the final call for large and mid accounts.
- A meeting or task is known (`known_at`) when it is planned or comes up, so that the book knows some that lie ahead.
- `opportunities.origin_task_id` names the task a chance of the service came from."""


@dataclass(frozen=True, slots=True)
class BusinessTruths:
    """What was planted about the business around the accounts.

    Args:
        onboarding_model: Numbers of the onboarding.
        payment_model: Numbers of payment.
        call_model: Bias of the predictions of renewals.
        sales_model: Coefficients of won opportunities and their cost.
        relation_model: Coefficients of ratings and wishes to leave.
        task_model: Numbers of the tasks.
        milestones: One row per milestone: account_id, milestone, days (infinite: never) from the first payment as if
            nobody left and the book went on.
        late_payers: One row per account that pays late every time: account_id.
        opportunities: One row per opportunity: opportunity_id, p_won (0 where the account left before).
    """

    onboarding_model: OnboardingModel
    payment_model: PaymentModel
    call_model: CallModel
    sales_model: SalesModel
    relation_model: RelationModel
    task_model: TaskModel
    milestones: pd.DataFrame
    late_payers: pd.DataFrame
    opportunities: pd.DataFrame


def business_tables(
    world: World, contracts: Contracts, people: People, plans: pd.DataFrame
) -> tuple[Mapping[str, pd.DataFrame], BusinessTruths]:
    """Return the tables named in COMMENTS for a block, and the truths about them.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms and renewals, and when accounts leave.
        people: Contacts, and who looks after the accounts.
        plans: Table of the success plans of the block.
    """
    import pandas as pd

    milestones, reached = milestones_table(world, contracts)
    invoices, late_payers = invoices_table(world, contracts)
    opportunities, chances = opportunities_table(world, contracts, people)
    tasks, opportunities = tasks_table(world, contracts, people, plans, opportunities)
    frames = {
        "milestones": milestones,
        "answers": answers_table(world, contracts),
        "invoices": invoices,
        "renewal_calls": renewal_calls_table(world, contracts),
        "meetings": meetings_table(world, contracts, plans),
        "relationship_ratings": ratings_table(world, contracts, people),
        "cancel_requests": cancel_requests_table(world, contracts),
        "tasks": tasks,
        "opportunities": opportunities,
        "projects": projects_table(world, contracts),
        "leads": leads_table(world, contracts),
    }
    return MappingProxyType(frames), _truths(reached, pd.DataFrame({"account_id": late_payers}), chances)


def _truths(milestones: pd.DataFrame, late_payers: pd.DataFrame, opportunities: pd.DataFrame) -> BusinessTruths:
    return BusinessTruths(ONBOARDING, PAYMENT, CALL, SALES, RELATION, TASK, milestones, late_payers, opportunities)


def joined(parts: Sequence[BusinessTruths]) -> BusinessTruths:
    """Return the truths of several blocks as one."""
    import pandas as pd

    names = ("milestones", "late_payers", "opportunities")
    return _truths(*(pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in names))
