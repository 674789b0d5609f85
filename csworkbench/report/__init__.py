"""One static, safe HTML file per executed notebook, and the index of a run.

The runner hands over plain records; everything that comes out of a notebook passes an allow-list before it reaches a
page. A page runs no script, asks for nothing over a network and contains no code.
"""

from csworkbench.report.pages import render, render_index
from csworkbench.report.records import (
    Download,
    Failure,
    PageContext,
    PartLink,
    RunEntry,
    RunPage,
    ShardGroup,
    SourceNote,
    Stamp,
)

__all__ = [
    "Download",
    "Failure",
    "PageContext",
    "PartLink",
    "RunEntry",
    "RunPage",
    "ShardGroup",
    "SourceNote",
    "Stamp",
    "render",
    "render_index",
]
