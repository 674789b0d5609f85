"""What a run keeps: jobs and records, results as files, whole folders, and the lists that were made official."""

from csworkbench.store.applying import Applied, Change, apply, proposed
from csworkbench.store.folders import RunFolder, begin, publish, refuse_if_held
from csworkbench.store.notebooks import Cell, NotebookFile, read_notebook
from csworkbench.store.records import (
    Artifact,
    Failure,
    InputRecord,
    Job,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    junit,
    state_of,
    why_skipped,
)
from csworkbench.store.releasing import Released, release
from csworkbench.store.results import StoredCaveat, StoredResult, TableFiles, read_result, write_result

__all__ = [
    "Applied",
    "Artifact",
    "Cell",
    "Change",
    "Failure",
    "InputRecord",
    "Job",
    "NotebookFile",
    "NotebookRecord",
    "NotebookStatus",
    "Released",
    "RunFolder",
    "RunInfo",
    "RunRecord",
    "RunState",
    "StoredCaveat",
    "StoredResult",
    "TableFiles",
    "apply",
    "begin",
    "junit",
    "proposed",
    "publish",
    "read_notebook",
    "read_result",
    "refuse_if_held",
    "release",
    "state_of",
    "why_skipped",
    "write_result",
]
