"""Can today's data be trusted, and what can it answer? `Result` lists the tables."""

from csworkbench.analyses.data_check.evidence import Inputs, prepare
from csworkbench.analyses.data_check.result import Result, analyze
from csworkbench.analyses.data_check.settings import Config, Question
from csworkbench.tables import SPECS

READS = ("accounts",)
READS_IF_PRESENT = tuple(name for name in SPECS if name not in READS)
NEEDS: tuple[str, ...] = ()
NEEDS_IF_PRESENT: tuple[str, ...] = ()

__all__ = [
    "NEEDS",
    "NEEDS_IF_PRESENT",
    "READS",
    "READS_IF_PRESENT",
    "Config",
    "Inputs",
    "Question",
    "Result",
    "analyze",
    "prepare",
]
