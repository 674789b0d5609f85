"""What renews each quarter, how far could that be off, and how good were past forecasts?

A model learned from decided renewals gives each open one a probability and an amount; simulation adds them up.
"""

from csworkbench.analyses.renewals.evidence import Inputs, prepare
from csworkbench.analyses.renewals.result import Result, analyze
from csworkbench.analyses.renewals.settings import Config

READS = ("accounts", "renewals")
READS_IF_PRESENT = (
    "renewal_calls",
    "assignments",
    "csms",
    "usage_daily",
    "features",
    "subscriptions",
    "tickets",
    "nps_responses",
    "touches",
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
