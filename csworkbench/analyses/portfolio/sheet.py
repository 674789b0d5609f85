"""The panorama as one sheet of paper: a page of its own without pictures, to be printed or sent."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.estimates import Estimate, Message, say

if TYPE_CHECKING:
    import pandas as pd

SHEET = "panorama.html"
MOST_PEOPLE = 30
_STYLE = """
@page { size: A4; margin: 9mm; }
body { font: 13px/1.35 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
h1 { font-size: 1.35em; margin: 0; } h2 { font-size: 1.05em; margin: 0.7em 0 0.2em; } p { margin: 0.2em 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-bottom: 0.4em; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: left; padding: 0.1em 0.6em 0.1em 0; border-bottom: 1px solid #bbb; vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 8px; line-height: 1.25; }
  div { overflow: visible; } }
""".strip()
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
            ("csm", "accounts", "accounts_average", "touches", "load_share", "plans_running", "tasks_open",
             "tasks_overdue"),
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
    parts = [
        f"<h1>{_text(say('The whole book on {day:date}', day=inputs.as_of), language)}</h1>",
        f"<p>{_text(headline, language)}</p>",
        "<p>" + "; ".join(_figure(name, each, language) for name, each in figures.items() if "." not in name) + "</p>",
    ]
    for block, shown in _TABLES.items():
        parts.append(f"<h2>{escape(block)}</h2>")
        for name, title, columns in shown:
            frame = tables[name].head(MOST_PEOPLE)
            parts.append(_table(frame[frame["tier"] == "all"] if name == "arr" else frame, title, columns, language))
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(say('The whole book'), language)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _text(message: Message, language: str) -> str:
    return escape(formats.text(message, language))


def _figure(name: str, figure: Estimate, language: str) -> str:
    return escape(f"{formats.label(name, language)} {formats.estimate(figure, language)}")


def _table(frame: "pd.DataFrame", title: Message, columns: Sequence[str], language: str) -> str:
    if frame.empty:
        return f"<p>{_text(title, language)}: {_text(say('not known'), language)}</p>"
    shown = [*(columns or [name for name in frame.columns if name != "csm_id"])]
    shown += [name for name in frame.columns if name in _bands(frame)]
    head = "".join(f'<th scope="col">{escape(formats.label(name, language))}</th>' for name in shown)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row[name], name, language))}</td>" for name in shown) + "</tr>"
        for row in frame.to_dict("records")
    )
    caption = f"<caption>{_text(title, language)}</caption>"
    return f"<div><table>{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"


def _bands(frame: "pd.DataFrame") -> set[str]:
    """Return the columns that hold one band each: those of the people after what is due."""
    names = [str(name) for name in frame.columns]
    return set(names[names.index("due_overdue") + 1 :]) if "due_overdue" in names else set()


def _cell(value: Any, column: str, language: str) -> str:
    if formats.is_missing(value):
        return "–"
    if isinstance(value, str):
        return formats.label(value, language) if column in ("tier", "kind", "band") else value
    if column.endswith(("_share", "_rate")):
        return formats.share(float(value), language=language)
    number = float(value)
    return formats.number(number, 0 if number.is_integer() or abs(number) >= 100 else 1, language)
