"""Over every proposal of every analysis: who is contacted this week, by whom and how, and who is not, and why?

The week is planned within the time of CSMs and the places of channels, obeys the contact policy, and stays the same all
week; `csw release` makes it official, and only that counts as contact.
"""

from csworkbench.analyses.weekly_list.comparing import compare
from csworkbench.analyses.weekly_list.evidence import Inputs, prepare
from csworkbench.analyses.weekly_list.result import Result, analyze
from csworkbench.analyses.weekly_list.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "contacts",
    "contact_pii",
    "consents",
    "suppressions",
    "touches",
    "touch_participants",
    "meetings",
    "csms",
    "assignments",
    "tasks",
    "plans",
    "plan_steps",
    "id_map",
    # Whether an analysis that is no part of the run could propose.
    "nps_responses",
    "renewals",
    # What conditions of leave_out may read.
    "messages",
    "milestones",
    "opportunities",
    "subscriptions",
)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT = (
    "nps_outreach",
    "touch_matrix",
    "triggers",
    "segments",
    "plan_validation",
    "renewals",
    "key_accounts",
)

__all__ = [
    "NEEDS",
    "NEEDS_IF_PRESENT",
    "READS",
    "READS_IF_PRESENT",
    "Config",
    "Inputs",
    "Result",
    "analyze",
    "compare",
    "prepare",
]
