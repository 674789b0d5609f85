"""The contract of every canonical table, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from csworkbench.tables import growth, money, outreach, people, product, service, success, team
from csworkbench.tables.contract import TableSpec

SPECS: Mapping[str, TableSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            people.ID_MAP,
            people.ACCOUNTS,
            people.CONTACTS,
            people.CONTACT_PII,
            people.CONSENTS,
            people.SUPPRESSIONS,
            team.CSMS,
            team.ASSIGNMENTS,
            money.SUBSCRIPTIONS,
            money.INVOICES,
            money.RENEWALS,
            money.RENEWAL_CALLS,
            product.USAGE_DAILY,
            product.FEATURES,
            product.METRICS_DAILY,
            product.MILESTONES,
            service.TICKETS,
            service.MESSAGES,
            success.PLANS,
            success.PLAN_STEPS,
            success.PLAN_GOALS,
            success.TASKS,
            outreach.CONTENTS,
            outreach.TOUCHES,
            outreach.TOUCH_PARTICIPANTS,
            outreach.TOUCH_EVENTS,
            outreach.MEETINGS,
            outreach.EXPERIMENT_UNITS,
            service.NPS_RESPONSES,
            growth.OPPORTUNITIES,
            growth.PROJECTS,
            growth.RELATIONSHIP_RATINGS,
            growth.JUDGEMENTS,
            service.ANSWERS,
            service.CANCEL_REQUESTS,
            growth.LEADS,
            growth.LEAD_EVENTS,
        )
    }
)
"""Every canonical table by name; tables others refer to come first."""
