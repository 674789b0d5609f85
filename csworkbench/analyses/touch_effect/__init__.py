"""Do touches relate to use and milestones once what decided who got them is held equal?

Each touch is compared as the experiment it imitates; the page says what may be said of it, and when nothing can.
"""

from csworkbench.analyses.touch_effect.facts import Inputs, prepare
from csworkbench.analyses.touch_effect.result import Result, analyze
from csworkbench.analyses.touch_effect.settings import Config

READS = ("accounts",)
READS_IF_PRESENT = (
    "touches",
    "usage_daily",
    "experiment_units",
    "milestones",
    "renewals",
    "tickets",
    "nps_responses",
    "subscriptions",
    "features",
    "contacts",
    "touch_events",
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
