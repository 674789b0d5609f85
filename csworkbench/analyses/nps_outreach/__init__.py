"""What is the NPS, who belongs on which tier's list this week, and who was left out and why?

Promoters are asked for something, detractors are looked after, those who did not answer are asked once more. A contact
is on one list, every list obeys the contact policy, and `csw release` makes the week official.
"""

from csworkbench.analyses.nps_outreach.evidence import Inputs, prepare
from csworkbench.analyses.nps_outreach.result import Result, analyze
from csworkbench.analyses.nps_outreach.settings import Config

READS = ("accounts", "nps_responses")
READS_IF_PRESENT = (
    "contacts",
    "contact_pii",
    "consents",
    "suppressions",
    "touches",
    "touch_participants",
    "meetings",
    "renewals",
    "opportunities",
    "assignments",
    "id_map",
    # What conditions of leave_out may read.
    "messages",
    "milestones",
    "subscriptions",
)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT: tuple[str, ...] = ()

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
