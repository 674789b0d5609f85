"""Which content and which leads work, who gets the credit, and do the people who were added stay?"""

from csworkbench.analyses.contents.evidence import Inputs, prepare
from csworkbench.analyses.contents.result import Result, analyze
from csworkbench.analyses.contents.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "assignments",
    "contacts",
    "contents",
    "csms",
    "lead_events",
    "leads",
    "touch_events",
    "touches",
    "usage_daily",
    # What conditions of lists may read.
    "messages",
    "milestones",
    "opportunities",
    "subscriptions",
    "touch_participants",
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
