"""Who takes whose accounts when somebody leaves, is overloaded or a customer complains?"""

from csworkbench.analyses.reassignment.evidence import Inputs, prepare
from csworkbench.analyses.reassignment.result import Result, analyze
from csworkbench.analyses.reassignment.settings import Config

READS = ("accounts", "assignments", "csms")
READS_IF_PRESENT = ("touches", "usage_daily")
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
