"""Experiments as files, and what became of each unit that was drawn: expressions on one snapshot.

`Experiment` is a file of `configs/experiments`; `enrolled` says who was drawn, `measured` what came of it, `funnel`
what became of the mails. Nothing is compared here: that is statistics, and belongs to `inference`.
"""

from csworkbench.experiments.design import (
    Arm,
    Continuous,
    Experiment,
    Fixed,
    KnownColumn,
    Metric,
    Planned,
    PrePeriod,
)
from csworkbench.experiments.enrolled import UNKNOWN_VARIANT, enrolled
from csworkbench.experiments.mailing import funnel
from csworkbench.experiments.measured import measured, measured_late
from csworkbench.experiments.outcomes import Opens, Outcome, tables_of, unit_of, window_of

__all__ = [
    "UNKNOWN_VARIANT",
    "Arm",
    "Continuous",
    "Experiment",
    "Fixed",
    "KnownColumn",
    "Metric",
    "Opens",
    "Outcome",
    "Planned",
    "PrePeriod",
    "enrolled",
    "funnel",
    "measured",
    "measured_late",
    "tables_of",
    "unit_of",
    "window_of",
]
