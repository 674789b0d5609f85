"""The parts of tables that pictures and the review meeting look at."""

from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.tree import OnFacts
from csworkbench.estimates import say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd

MOST_RECENT = 20


def recent(verdicts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the plans whose window ended last, the newest first: what a review meeting looks at."""
    is_open = verdicts["verdict_on_facts"].isin([OnFacts.RUNNING.value, OnFacts.WINDOW_OPEN.value])
    newest = verdicts[~is_open].sort_values(["ends_on", "plan_id"], ascending=[False, True]).head(MOST_RECENT)
    columns = ["plan_id", "name", "playbook", "verdict_on_facts", "verdict", "probability", "would_change"]
    return newest[columns].reset_index(drop=True)


def funnel(stalls: "pd.DataFrame", playbooks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the mandatory steps of the playbook with the most plans stalled at one step: name, share, plans, title."""
    must = stalls[stalls["is_mandatory"].astype(bool)]
    worst = must.sort_values(["stalled", "playbook"], ascending=[False, True])["playbook"].head(1)
    found = must[must["playbook"].isin(worst)].rename(columns={"step": "name"})
    titles = playbooks.set_index("playbook")["title"]
    titled = found.assign(
        title=[
            text(say("{playbook}: plans that got past each step", playbook=titles.get(name, name)))
            for name in found["playbook"]
        ]
    )
    return _or_blank(titled[["name", "share", "plans", "title"]], text(say("No closed plan has steps")))


def first_course(months: "pd.DataFrame", playbooks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the course of the playbook with the best design, and of these with most accounts; with a title."""
    first = first_design(months, playbooks)
    found = months[months["playbook"].isin(first["playbook"])]
    said = (say("{playbook}: its metric beside other accounts", playbook=each) for each in first["title"])
    title = next(map(text, said), "")
    return _or_blank(found.assign(title=title), text(say("No playbook can be followed month by month")))


def first_design(months: "pd.DataFrame", playbooks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the playbook with the best design, and of these with most accounts."""
    told = playbooks[playbooks["playbook"].isin(months["playbook"])]
    return told.sort_values(["design", "accounts"], ascending=[True, False]).head(1)


def _or_blank(frame: "pd.DataFrame", title: str) -> "pd.DataFrame":
    """Return a frame, or one row that holds nothing but the title, so that a picture can say that there is none."""
    import pandas as pd

    if len(frame):
        return frame.reset_index(drop=True)
    blank = {
        name: pd.Series([None], dtype=frame[name].dtype if frame[name].dtype == "float64" else "object")
        for name in frame
    }
    return pd.DataFrame(blank).assign(title=title)


def diagnosis(lines: "pd.DataFrame") -> "pd.DataFrame":
    """Return per playbook and problem how many plans were checked, and at how many it was none, most of all first."""
    checked = lines["is_wrong"].notna()
    rows = lines.assign(checked=checked, wrong=lines["is_wrong"].fillna(False).astype(bool))
    found = rows.groupby(["playbook", "problem"], dropna=False).agg(
        plans=("wrong", "size"), checked=("checked", "sum"), wrong=("wrong", "sum")
    )
    found = found.assign(share=found["wrong"] / found["checked"].where(found["checked"] > 0)).reset_index()
    return found.sort_values("share", ascending=False, ignore_index=True)
