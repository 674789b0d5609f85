"""How many accounts does an e-mail experiment need, how long does it take, and who gets what?

The experiment is a file of `configs/experiments` whose first day is still to come. The page counts from the sample's
own variation, draws the arms, checks what could mix them, and writes down what is decided before the first mail.
`Result` lists the tables.
"""

from csworkbench.analyses.email_design.comparing import compare
from csworkbench.analyses.email_design.facts import Inputs, prepare
from csworkbench.analyses.email_design.result import Result, analyze
from csworkbench.analyses.email_design.settings import Config
from csworkbench.experiments import Experiment

READS = ("accounts", "contacts")
READS_IF_PRESENT = (
    "consents",
    "suppressions",
    "contact_pii",
    "touches",
    "touch_events",
    "usage_daily",
    "experiment_units",
    "assignments",
    "milestones",
    "renewals",
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
    "Experiment",
    "Inputs",
    "Result",
    "analyze",
    "compare",
    "prepare",
]
