"""What a run keeps: jobs and records, results as files, whole folders, and the lists that were made official."""

from csworkbench.store.applying import Applied, Change, apply, proposed
from csworkbench.store.folders import RunFolder, begin, publish, refuse_if_held
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
    "Failure",
    "InputRecord",
    "Job",
    "Kept",
    "NotebookFile",
    "NotebookRecord",
    "NotebookStatus",
    "Released",
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
    "find",
    "junit",
    "keep",
    "proposed",
    "publish",
    "read_notebook",
    "read_result",
    "refuse_if_held",
    "release",
    "slugs",
    "state_of",
    "take",
    "why_skipped",
    "write_json",
    "write_result",
]
