"""What do we know about this account now, and what do we talk about when we meet?

A brief of one or two pages per account: `csw run --by account` gives each account its own, with a calendar file of the
next meeting.
"""

from csworkbench.analyses.account_brief.evidence import Inputs, prepare
from csworkbench.analyses.account_brief.result import Result, analyze
from csworkbench.analyses.account_brief.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "contacts",
    "contact_pii",
    "csms",
    "assignments",
    "tickets",
    "messages",
    "cancel_requests",
    "opportunities",
    "tasks",
    "plans",
    "meetings",
    "touches",
    "touch_events",
    "touch_participants",
    "contents",
    "nps_responses",
)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT = ("health", "renewals", "segments", "touch_matrix", "plan_validation")

__all__ = [
    "NEEDS",
    "NEEDS_IF_PRESENT",
    "READS",
    "READS_IF_PRESENT",
    "Config",
    "Inputs",
    "Result",
    "analyze",
    "prepare",
]
