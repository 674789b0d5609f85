"""The whole book on one page: how are customers, people and renewals, and what is due across the accounts of a CSM?

Customers, people and performance stand in three blocks. What other analyses of the run have found is taken from them as
it is; nothing is computed a second time.
"""

from csworkbench.analyses.portfolio.evidence import Inputs, prepare
from csworkbench.analyses.portfolio.result import Result, analyze
from csworkbench.analyses.portfolio.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = ("csms", "assignments", "touches", "meetings", "tasks", "plans", "plan_steps")
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
