"""The workspace: where a team's files are, what their columns mean here, and the calendar and money of the team."""

from csworkbench.workspace.contacting import Cap, ContactPolicy, Quiet
from csworkbench.workspace.mapping import EPOCHS, Action, ColumnMap, ExtraColumn, FileSource, RuleActions, TableSource
from csworkbench.workspace.places import PLACES, find_workspace, load_workspace, project_root
from csworkbench.workspace.project import Engine, Region, Season, Workspace

__all__ = [
    "EPOCHS",
    "PLACES",
    "Action",
    "Cap",
    "ColumnMap",
    "ContactPolicy",
    "Engine",
    "ExtraColumn",
    "FileSource",
    "Quiet",
    "Region",
    "RuleActions",
    "Season",
    "TableSource",
    "Workspace",
    "find_workspace",
    "load_workspace",
    "project_root",
]
