"""Which variant won, on what outcome, and may it be believed?

Experiments are files of `configs/experiments`. The page shows the health of the exposure first, then verdicts in words,
effects with intervals, time to decide, and assumptions. `Result` lists the tables.
"""

from csworkbench.analyses.email_touch.facts import Facts, Inputs, prepare
from csworkbench.analyses.email_touch.result import Result, analyze
from csworkbench.analyses.email_touch.settings import Config
from csworkbench.experiments import Experiment

READS = ("accounts", "experiment_units")
READS_IF_PRESENT = (
    "touches",
    "touch_events",
    "contacts",
    "contents",
    "usage_daily",
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
    "Facts",
    "Inputs",
    "Result",
    "analyze",
    "prepare",
]
