"""Which stage, tier and kind of behaviour is each account in, who is stuck, and who has moved?"""

from csworkbench.analyses.segments.comparing import compare
from csworkbench.analyses.segments.evidence import Inputs, prepare
from csworkbench.analyses.segments.result import Result, analyze
from csworkbench.analyses.segments.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "contacts",
    "contact_pii",
    "consents",
    "suppressions",
    "meetings",
    "assignments",
    "csms",
    "usage_daily",
    "features",
    "subscriptions",
    "renewals",
    "milestones",
    "opportunities",
    "messages",
    "touches",
    "touch_participants",
    "tickets",
    "nps_responses",
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
    "compare",
    "prepare",
]
