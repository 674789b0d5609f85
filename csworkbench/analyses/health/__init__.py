"""How healthy is each account, and why did its score change?

Scorecards turn measures into points, points into a score of 0 to 100, the score into a band. `Result` lists the tables.
"""

from csworkbench.analyses.health.comparing import compare
from csworkbench.analyses.health.frames import edges
from csworkbench.analyses.health.panel import Inputs, prepare
from csworkbench.analyses.health.proving import Proof
from csworkbench.analyses.health.result import Result, analyze
from csworkbench.analyses.health.settings import Config
from csworkbench.scoring import Between, OneOf, Rule

READS = ("accounts",)
READS_IF_PRESENT = (
    "usage_daily",
    "features",
    "subscriptions",
    "renewals",
    "tickets",
    "nps_responses",
    "touches",
    "judgements",
)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT: tuple[str, ...] = ()
# Who turns settings sees what `Proof` makes of this table of a stored result.
PROVED_BY = "health_proof", "teaching"

__all__ = [
    "NEEDS",
    "NEEDS_IF_PRESENT",
    "PROVED_BY",
    "READS",
    "READS_IF_PRESENT",
    "Between",
    "Config",
    "Inputs",
    "OneOf",
    "Proof",
    "Result",
    "Rule",
    "analyze",
    "compare",
    "edges",
    "prepare",
]
