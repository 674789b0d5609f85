"""What other thresholds do: which verdicts flip, and what is said of which playbook."""

from csworkbench.analyses.plan_validation.result import Result
from csworkbench.changes import Change, rows_beside
from csworkbench.estimates import Shown, say


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
