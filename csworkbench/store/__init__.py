"""What a run keeps: jobs and records, results as files, whole folders, and the lists that were made official."""

from csworkbench.store.applying import Applied, Change, apply, proposed
from csworkbench.store.differing import Difference, changed, changes, differences, rows_changed
from csworkbench.store.folders import RunFolder, begin, publish, refuse_if_held
from csworkbench.store.history import Pruned, Run, find_run, prune, run_schema, runs
from csworkbench.store.kept import Kept, about, find, keep, take
from csworkbench.store.notebooks import Cell, NotebookFile, read_notebook
from csworkbench.store.parts import PARTS_FOLDER, STORY_FILE, StoredPart, slugs
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
from csworkbench.store.results import (
    RESULT_FILE,
    StoredCaveat,
    StoredResult,
    TableFiles,
    read_result,
    write_json,
    write_result,
)

__all__ = [
    "PARTS_FOLDER",
    "RESULT_FILE",
    "STORY_FILE",
    "Applied",
    "Artifact",
    "Cell",
    "Change",
    "Difference",
    "Failure",
    "InputRecord",
    "Job",
    "Kept",
    "NotebookFile",
    "NotebookRecord",
    "NotebookStatus",
    "Pruned",
    "Released",
    "Run",
    "RunFolder",
    "RunInfo",
    "RunRecord",
    "RunState",
    "StoredCaveat",
    "StoredPart",
    "StoredResult",
    "TableFiles",
    "about",
    "apply",
    "begin",
    "changed",
    "changes",
    "differences",
    "find",
    "find_run",
    "junit",
    "keep",
    "proposed",
    "prune",
    "publish",
    "read_notebook",
    "read_result",
    "refuse_if_held",
    "release",
    "rows_changed",
    "run_schema",
    "runs",
    "slugs",
    "state_of",
    "take",
    "why_skipped",
    "write_json",
    "write_result",
]
