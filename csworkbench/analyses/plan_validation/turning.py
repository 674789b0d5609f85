"""What other thresholds do: which verdicts flip, and what is said of which playbook."""

from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.extracts import diagnosis
from csworkbench.analyses.plan_validation.frames import judged_table, playbook_table
from csworkbench.analyses.plan_validation.judging import judge_playbooks
from csworkbench.analyses.plan_validation.result import Result, aside_key, aside_of, require_plans, said
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.weighing import weigh
from csworkbench.changes import Change, rows_beside
from csworkbench.estimates import Shown, say
from csworkbench.remembering import once


def turn(inputs: Inputs, config: Config) -> Result:
    """Return the result as far as somebody looks at it who turns a threshold.

    The same as that of `analyze` without what is only written or read plan by plan: files, pages, releases, the tables
    but verdicts (see `frames.judged_table`), playbooks, diagnosis and course, and caveats about files.

    Args:
        inputs: Plans, steps, goals and the metrics around them, from `prepare`.
        config: Settings that differ in tunable ones from those of `prepare`.

    Raises:
        AnalysisError: no plan is known on the date.
    """
    require_plans(inputs)
    weighed = weigh(inputs, config)
    readings = judge_playbooks(weighed.readings, config)
    tables = {
        "verdicts": judged_table(inputs, readings),
        "playbooks": playbook_table(config, readings),
        "diagnosis": diagnosis(weighed.lines),
        "course": weighed.courses.months,
    }
    aside = once(inputs, aside_key(config), lambda: aside_of(inputs, config, weighed.library), most=1)
    return said(inputs, config, weighed, readings, (tables, aside))


def compare(before: Result, after: Result) -> Change:
    """Return which verdicts are other ones under two settings.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the tables flipped, plan whose verdict is another one: plan_id, name, playbook, verdict_before,
        verdict_after; and playbooks, playbook of which something else is said: playbook, title, says_before,
        says_after, run_before, run_after (plans that count).
    """
    flipped = rows_beside(
        before.tables["verdicts"], after.tables["verdicts"], "plan_id", ["verdict"], ["name", "playbook"]
    )
    playbooks = rows_beside(
        before.tables["playbooks"], after.tables["playbooks"], "playbook", ["says", "run"], ["title"]
    )
    headline = say(
        "{n:n verdict|verdicts} of {plans:count} flip; of {books:n playbook|playbooks} something else is said",
        n=len(flipped),
        plans=len(after.tables["verdicts"]),
        books=int((playbooks["says_before"] != playbooks["says_after"]).sum()),
    )
    words = ("playbook", "verdict_before", "verdict_after")
    shown = (
        Shown("flipped", "Plans whose verdict flips", options={"words": words}),
        Shown("playbooks", "Playbooks of which something else is said", options={"words": ("playbook",)}),
    )
    return Change(headline, {"flipped": flipped, "playbooks": playbooks}, shown)
