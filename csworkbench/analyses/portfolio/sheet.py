"""The panorama as one sheet of paper: a page of its own without pictures, to be printed or sent."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.estimates import Estimate, Message, say
from csworkbench.formats import paper

if TYPE_CHECKING:
    import pandas as pd

SHEET = "panorama.html"
MOST_PEOPLE = 30
_TABLES: Mapping[str, tuple[tuple[str, Message, tuple[str, ...]], ...]] = {
    "Customers": (
        (
            "customers",
            say("Customers and their tasks"),
            ("tier", "customers", "tasks_open", "tasks_overdue", "tasks_due", "done_share", "low_share", "high_share"),
        ),
        ("arr", say("ARR"), ("tier", "currency", "customers", "arr")),
        ("health", say("Health mix and its movement"), ("band", "accounts", "band_share", "before", "before_share")),
    ),
    "People": (
        (
            "people",
            say("Work of each CSM"),
            (),
        ),
        ("compared", say("Difference from colleagues' accounts of the same tiers, shrunk"), ()),
        (
            "freshness",
            say("Last online and offline visits"),
            ("tier", "kind", "limit_days", "accounts", "median_days", "overdue", "overdue_share", "low_share",
             "high_share"),
        ),
    ),
    "Performance": (
        (
            "quarters",
            say("Renewals due this year, and rates predicted and actual"),
            ("quarter", "renewals", "target", "currency", "renewed", "open", "predicted_rate", "low_rate", "high_rate",
             "actual_rate"),
        ),
    ),
}  # fmt: skip


def sheet(
    inputs: Inputs, headline: Message, figures: Mapping[str, Estimate], tables: "Mapping[str, pd.DataFrame]"
) -> str:
    """Return the three blocks as a page that fits on one sheet of A4 for teams of up to 30 people.

    Args:
        inputs: Date and language.
        headline: Verdict.
        figures: Figures of the page.
        tables: Tables of the page; the whole book alone of ARR, and the first 30 people.
    """
    language = inputs.language
    known = "; ".join(_figure(name, each, language) for name, each in figures.items() if "." not in name)
    parts = [paper.line(headline, language), paper.line(say("{known}", known=known), language)]
    for name, shown in _TABLES.items():
        parts.append(paper.block(say("{block}", block=name), language))
        parts += [
            paper.table(_rows(tables, each), title, columns or _columns(tables[each]), language)
            for each, title, columns in shown
        ]
    return paper.sheet(say("The whole book on {day:date}", day=inputs.as_of), parts, language)


def _figure(name: str, figure: Estimate, language: str) -> str:
    return f"{formats.label(name, language)} {formats.estimate(figure, language)}"


def _rows(tables: "Mapping[str, pd.DataFrame]", name: str) -> list[dict[Hashable, Any]]:
    frame = tables[name].head(MOST_PEOPLE)
    return (frame[frame["tier"] == "all"] if name == "arr" else frame).to_dict("records")


def _columns(frame: "pd.DataFrame") -> list[str]:
    """Return the columns of a table that has one per measure or per band."""
    left_out = ("csm_id", "team", "minutes_week", "capacity_week", "due", "due_overdue")
    return [str(name) for name in frame.columns if name not in left_out]
