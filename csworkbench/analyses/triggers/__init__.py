"""Who left the path, which task is due, and is a trigger worth its alerts?

Triggers are data: what each looks at, whom it calls, and how long it keeps quiet afterwards. Each is judged on the past
before it is switched on; only those that are on, with a confirmed threshold, ask for anything on the weekly list.
"""

from csworkbench.analyses.triggers.evidence import Inputs, prepare
from csworkbench.analyses.triggers.result import Result, analyze
from csworkbench.analyses.triggers.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "usage_daily",
    "features",
    "tickets",
    "subscriptions",
    "renewals",
    "contacts",
    "contact_pii",
    "cancel_requests",
    "tasks",
    "touches",
    "assignments",
    "csms",
    # What measures and conditions may read.
    "nps_responses",
    "messages",
    "milestones",
    "opportunities",
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
