"""Do key accounts see the value, need more, and stay close, and does service open business without hurting service?"""

from csworkbench.analyses.key_accounts.evidence import Inputs, prepare
from csworkbench.analyses.key_accounts.result import Result, analyze
from csworkbench.analyses.key_accounts.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "assignments",
    "csms",
    "meetings",
    "nps_responses",
    "opportunities",
    "projects",
    "relationship_ratings",
    "renewals",
    "tasks",
    "tickets",
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
