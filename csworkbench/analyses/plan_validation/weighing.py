"""All that costs time and rests on no threshold of a verdict: computed once, while these are turned."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.candidates import candidate_table
from csworkbench.analyses.plan_validation.courses import Courses, read_courses
from csworkbench.analyses.plan_validation.declared import declared_in
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.execution import stall_table
from csworkbench.analyses.plan_validation.judging import Reading, lines_of, weigh_playbooks
from csworkbench.analyses.plan_validation.objectives import before_after, objective_table
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.config import digest
from csworkbench.playbooks import Library, parsed
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What is known of the playbooks before anything is judged.

    Args:
        library: The playbooks as their files say.
        lines: See `judging.lines_of`.
        readings: See `judging.weigh_playbooks`.
        courses: See `courses.read_courses`.
        objectives: See `objectives.objective_table`.
        before_after: See `objectives.before_after`.
        stalls: See `execution.stall_table`.
        candidates: See `candidates.candidate_table`.
    """

    library: Library
    lines: "pd.DataFrame"
    readings: tuple[Reading, ...]
    courses: Courses
    objectives: "pd.DataFrame"
    before_after: "pd.DataFrame"
    stalls: "pd.DataFrame"
    candidates: "pd.DataFrame"


def weigh(inputs: Inputs, config: Config) -> Weighed:
    """Return what is known of the playbooks; the same for settings that differ in chance and goal_share only.

    Args:
        inputs: What is known.
        config: Settings.
    """
    rules = config.rules.model_copy(update={"chance": 1.0, "goal_share": 1.0})
    asked = digest(config.model_copy(update={"rules": rules}))
    return once(inputs, ("weighed", asked), lambda: _weighed(inputs, config))


def _weighed(inputs: Inputs, config: Config) -> Weighed:
    library, lines = parsed(config.playbooks), lines_of(inputs, config)
    readings = weigh_playbooks(inputs, config, lines, declared_in(library))
    return Weighed(
        library,
        lines,
        readings,
        read_courses(inputs, config, readings),
        objective_table(inputs, config, readings),
        before_after(inputs, config, lines),
        stall_table(inputs),
        candidate_table(inputs, config, readings),
    )
