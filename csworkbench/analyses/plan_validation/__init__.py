"""Was the diagnosis right, was the plan run, did it work, and where else?

Every plan goes down a tree of questions (`tree`). What is seen at other accounts of its playbook decides what may be
said of it. `Result` lists the tables.
"""

from csworkbench.analyses.plan_validation.evidence import Inputs, prepare
from csworkbench.analyses.plan_validation.result import Result, analyze
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.turning import compare, turn

READS = ("accounts", "plans")
READS_IF_PRESENT = (
    "plan_steps",
    "plan_goals",
    "metrics_daily",
    "usage_daily",
    "subscriptions",
    "assignments",
    "touches",
    "tickets",
    "contacts",
    "contact_pii",
    "csms",
)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT = ("health",)

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
    "turn",
]
