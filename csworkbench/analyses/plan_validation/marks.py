"""What a reader must know of the goal of a plan and of the values around it."""

from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.timeline import LANDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARKED = ("is_one_day", "is_assumed", "is_known", "sign", "before_2", "before_1", "has_left")


def goal_marks(line: "Mapping[Any, Any]") -> "Iterator[str]":
    """Yield what is doubtful about the goal of a plan.

    Args:
        line: Row of timeline, execution and diagnosis.
    """
    import pandas as pd

    if line["is_assumed"]:
        yield "the goal has no direction: more counts as good"
    if not pd.isna(line["goal"]):
        return
    if pd.isna(line["baseline"]) or pd.isna(line["target"]):
        yield "no goal with baseline and target"
    elif (line["target"] - line["baseline"]) * line["sign"] <= 0:
        yield "the target is not better than the baseline"
    else:
        yield "no share can be taken of a baseline or target that is not above 0"


def value_marks(line: "Mapping[Any, Any]") -> "Iterator[str]":
    """Yield which values around a plan are missing.

    Args:
        line: Row of timeline, execution and diagnosis.
    """
    import pandas as pd

    if not line["is_known"]:
        yield "no table holds its metric"
    elif line["is_matured"]:
        if pd.isna(line["before_2"]) or pd.isna(line["before_1"]):
            yield "fewer than two windows with values before"
        if line["has_left"] and line["sign"] < 0:
            yield "the account left: a goal to lower something is not met by that"
        elif pd.isna(line["level_after"]):
            yield "no value in the window after"


def marks(line: "Mapping[Any, Any]") -> "list[str]":
    """Return what a reader must know beside a verdict.

    Args:
        line: Row of timeline, execution and diagnosis.
    """
    import pandas as pd

    found = []
    if not line["steps"]:
        found.append("no steps recorded")
    if line["is_ticked"]:
        found.append("all steps ticked on the day of closing")
    if line["is_one_day"]:
        found.append("all mandatory steps ticked on one day")
    if line["anchored_by"] != LANDED:
        found.append(f"never landed: counted from the day it was {line['anchored_by']}")
    if line["is_backward"]:
        found.append("landed before it was written")
    if line["overlaps"]:
        found.append(f"other plans of the account at the same time: {line['overlaps']}")
    if pd.isna(line["is_wrong"]):
        found.append("diagnosis could not be checked")
    return [*found, *goal_marks(line), *value_marks(line)]
