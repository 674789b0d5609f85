"""Who does what for whom in which stage, what of it is done, and which channels reach people?"""

from csworkbench.analyses.touch_matrix.evidence import Inputs, prepare
from csworkbench.analyses.touch_matrix.result import Result, analyze
from csworkbench.analyses.touch_matrix.settings import Config

READS = ("accounts", "touches")
READS_IF_PRESENT = (
    "touch_events",
    "touch_participants",
    "meetings",
    "contacts",
    "contact_pii",
    "consents",
    "suppressions",
    "contents",
    "assignments",
    "csms",
    "tasks",
    "plans",
    "plan_steps",
    "usage_daily",
    "features",
    "subscriptions",
    "tickets",
    "messages",
    "milestones",
    "opportunities",
    "renewals",
    "nps_responses",
)
NEEDS = ("segments",)
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
