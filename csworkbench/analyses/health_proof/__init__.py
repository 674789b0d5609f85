"""Does the health score predict, and does it add to what is known without it?

Every candidate is held against the same rows it never saw: the score, learned models, trivial baselines. `Result` lists
the tables.
"""

from csworkbench.analyses.health_proof.result import Inputs, Pictures, Result, analyze, inputs_of, pictures, prepare
from csworkbench.analyses.health_proof.settings import Churn, Config, Known, Outcome, Renewals

READS = ("accounts",)
READS_IF_PRESENT = (
    "renewals",
    "usage_daily",
    "features",
    "subscriptions",
    "tickets",
    "nps_responses",
    "touches",
)
NEEDS: tuple[str, ...] = ("health",)
NEEDS_IF_PRESENT: tuple[str, ...] = ()

__all__ = [
    "NEEDS",
    "NEEDS_IF_PRESENT",
    "READS",
    "READS_IF_PRESENT",
    "Churn",
    "Config",
    "Inputs",
    "Known",
    "Outcome",
    "Pictures",
    "Renewals",
    "Result",
    "analyze",
    "inputs_of",
    "pictures",
    "prepare",
]
