"""Workspace, batch and analyses -> a finished plan: typed jobs in order, each with its key and a reason."""

from csworkbench.planner.discovery import Batch, BatchNotebook, analyses, find_notebook
from csworkbench.planner.planning import Plan, plan
from csworkbench.planner.states import PlannedNotebook

__all__ = ["Batch", "BatchNotebook", "Plan", "PlannedNotebook", "analyses", "find_notebook", "plan"]
