"""Hand-made results and executed notebooks, shown through the real charts, views and pages."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from csworkbench import charts, formats, report, views
from csworkbench.config import Section, setting
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say

AS_OF = date(2026, 9, 30)
PAYLOADS = (
    "<script>hit()</script>",
    '"><img src=x onerror=hit()>',
    "'><svg onload=hit()>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "javascript:hit()",
    "<a href='javascript:hit()'>x</a>",
    "</title><script>hit()</script>",
    "</style><script>hit()</script>",
    "]]></svg><script>hit()</script>",
    "<math><mtext><img src=x onerror=hit()></mtext></math>",
    "<details open ontoggle=hit()>",
    "{{7*191}}",
    "<img src=http://192.0.2.1/x.png>",
    "<style>@import 'http://192.0.2.1/x.css';</style>",
    "![x](http://192.0.2.1/y.png) [y](javascript:hit())",
)


class Settings(Section):
    note: str = setting("plain", description="A text")
    level: float = setting(0.95, gt=0, lt=1, description="Coverage of intervals", unit="share")


@dataclass(frozen=True)
class HandMade:
    """A result with three bands; every text of it ends with `text`."""

    text: str = ""
    severity: Severity = Severity.WARNING
    figures: dict = field(
        default_factory=lambda: {
            "share_at_risk": Estimate(0.25, "share", 8, 0.071, 0.591, 0.95),
            "median_score": Estimate(61.3, "points", 8),
            "accounts": Estimate(8, "accounts", 8),
            "auc": Estimate(None, "auc", 3),
            "fifth": Estimate(1, "accounts", 8),
        }
    )

    @property
    def headline(self) -> Message:
        return say("Two of eight accounts are at risk{text}", text=self.text)

    @property
    def tables(self):
        names = [f"北京远景 {self.text}", f"Åkerö AB {self.text}", f"Acme & Sons {self.text}"]
        return {"scores": pd.DataFrame({"name": names, "score": [12.0, 55.5, 91.25], "renews_on": [AS_OF] * 3})}

    @property
    def caveats(self):
        return (
            Caveat("small", Severity.NOTE, say("Few accounts{text}", text=self.text)),
            Caveat("late", self.severity, say("Data is late{text}", text=self.text), say("Ask{text}", text=self.text)),
        )

    @property
    def actions(self):
        return (say("Call {text} first", text=self.text or "Acme"),)


def output(shown, kind="execute_result"):
    data, metadata = shown._repr_mimebundle_()
    extra = {"execution_count": 1} if kind == "execute_result" else {}
    return {"output_type": kind, "data": data, "metadata": metadata, **extra}


def markdown(source):
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": source}


def code(*outputs, source="secret_code()"):
    return {
        "cell_type": "code",
        "id": "c",
        "metadata": {},
        "execution_count": 1,
        "source": source,
        "outputs": list(outputs),
    }


def write_notebook(path: Path, *cells) -> Path:
    path.write_text(
        json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )
    return path


def write_result(path: Path, result: HandMade) -> Path:
    said = formats.text
    stored = {
        "analysis": "health",
        "as_of": AS_OF.isoformat(),
        "headline": said(result.headline),
        "figures": {
            name: {key: getattr(each, key) for key in ("value", "unit", "n", "low", "high", "level")}
            for name, each in result.figures.items()
        },
        "caveats": [
            {
                "code": c.code,
                "severity": c.severity.value,
                "text": said(c.message),
                "action": said(c.action) if c.action else "",
            }
            for c in result.caveats
        ],
        "actions": [said(action) for action in result.actions],
        "tables": {},
        "config": {},
    }
    path.write_text(json.dumps(stored), encoding="utf-8")
    return path


def pictures(text=""):
    """Return a chart of every shape, with `text` in each label and title."""
    names = [f"a{text}", f"b{text}", f"c{text}"]
    frame = pd.DataFrame({"name": names, "n": [3.0, 2.0, 1.0], "low": [2.0, 1.0, 0.5], "high": [4.0, 3.0, 2.0]})
    pairs = pd.DataFrame([(a, b, 1.0) for a in names for b in names], columns=["one", "two", "n"])
    return [
        charts.bars(frame, "name", "n", title=f"Bars {text}", unit="accounts", low="low", high="high"),
        charts.intervals(frame, "name", "n", "low", "high", title=f"Intervals {text}", unit="points", reference=2.5),
        charts.waterfall(frame, "name", "n", title=f"Steps {text}", unit="points", start=5, start_label=f"then{text}"),
        charts.stacked(pairs, "one", "two", "n", title=f"Parts {text}", unit="accounts"),
        charts.histogram(frame["n"], [0, 1, 2, 3], title=f"Spread {text}", unit="points", marks={f"edge{text}": 2}),
        charts.heat_table(pairs, "one", "two", "n", title=f"Grid {text}", unit="accounts"),
    ]


def write_page(folder: Path, text: str = "", *, context: dict | None = None, extra=()) -> Path:
    """Write a full page with `text` in every field a customer or colleague can fill."""
    made = HandMade(text)
    cells = [markdown(f"# Account health {text}\nHow healthy is each account? {text}"), code(output(views.show(made)))]
    for chart in pictures(text):
        cells += [markdown(f"## Look here {text}\nA sentence {text}"), code(output(chart))]
    wide = made.tables["scores"].assign(**{f"column_{number}": 1.5 for number in range(14)}, note=text or "fine")
    cells += [markdown("## Whom to call"), code(output(views.table(wide, f"Wide {text}")), *extra)]
    cells += [code(output(views.conclude(made))), code(output(views.settings(Settings(note=text or "plain"))))]
    notebook = write_notebook(folder / "notebook.ipynb", *cells)
    given = {
        "name": "health", "as_of": AS_OF, "workspace": f"Book {text}", "key": "k" * 64, "config_digest": "c" * 64,
        "sources": (report.SourceNote("accounts", 8, date(2026, 9, 29), 1, "d" * 64),),
        "downloads": (report.Download("tables/scores.csv", f"Scores {text}", 8), report.Download("notebook.ipynb")),
        "versions": {"csworkbench": "0.1.0"}, **(context or {}),
    }  # fmt: skip
    page = report.render(notebook, write_result(folder / "result.json", made), report.PageContext(**given))
    (folder / "report.html").write_text(page, encoding="utf-8")
    return folder / "report.html"


def write_index(folder: Path, text: str = "") -> Path:
    start = datetime(2026, 10, 1, 4, 12, tzinfo=UTC)
    entries = (
        report.RunEntry("health", "ok", f"Health {text}", f"All is well {text}", href="health/report.html", caveats=2,
                        seconds=75.0,
                        downloads=(report.Download("health/tables/scores.csv", f"Scores {text}", 1234, "ab" * 32),)),
        report.RunEntry("renewals", "skipped", reason=f"no table {text}"),
        report.RunEntry("portfolio", "blocked", reason=f"needs renewals {text}"),
        report.RunEntry("nps", "failed", reason=f"DataError: {text}", href="nps/report.html"),
    )  # fmt: skip
    run = report.RunPage(f"run {text}", AS_OF, f"Book {text}", "en", start, start, entries,
                         (report.SourceNote("accounts", 8, AS_OF),), {"csworkbench": "0.1.0"}, "c" * 64)  # fmt: skip
    (folder / "index.html").write_text(report.render_index(run), encoding="utf-8")
    return folder / "index.html"
