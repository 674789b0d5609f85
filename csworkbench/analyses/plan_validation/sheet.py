"""The plan sheet for the customer: what shall change, by which steps, until when, and what both sides promised.

It holds what the customer may read and nothing else: no notes, no health score, no blockers, no minutes, nobody else's
name. What a plan says of its problem was written for us, so the sheet has the words of the playbook. A sheet is
withheld where another customer, a person, an address or a word of ours stands in it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from csworkbench.estimates import Caveat, Severity, say
from csworkbench.formats import is_missing, label, number, paper, words
from csworkbench.formats import text as in_words
from csworkbench.playbooks import Library

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "sheets"
INTERNAL = ("health_score", "health")
LEAST_NAME, LEAST_CJK = 4, 2  # letters of a name below which it is too common a word to look for
COLUMNS = ["plan_id", "account_id", "name", "title", "steps_done", "steps", "shared_on", "file", "withheld"]
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_HELD = (
    ("an e-mail address stands in it", re.compile(r"[^\s@]+[@\uff20][^\s@]+\.[^\s@]{2,}")),
    # With + or 0 in front seven digits are a number to call, otherwise nine: 10 000 000 is an amount.
    ("a phone number stands in it", re.compile(r"(?<!\d)(?:[+0]\d?(?:[ ()./-]{0,2}\d){6}|\d(?:[ ()./-]{0,2}\d){8})")),
    (
        "a word of ours stands in it",
        re.compile(r"\bhealth[ _-]?scores?\b|\bchurn|\bat[ _-]risk\b|\b(?:do not|don't) tell\b|\bwxid_"),
    ),
)
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: 0.5rem 0; }
th, td { text-align: left; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid #767676; vertical-align: top; }
@media print { body { margin: 0; } }
""".strip()


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """The sheets of the plans that are open.

    Args:
        table: One row per plan: plan_id, account_id, name, title, steps_done, steps, shared_on, file (from the folder
            of the notebook, "" = withheld), withheld (why).
        files: `sheets/<plan_id>.html` -> page, to be printed or sent.
        caveats: Sheets that were withheld.
    """

    table: "pd.DataFrame"
    files: Mapping[str, str]
    caveats: tuple[Caveat, ...]


def sheets(
    plans: "pd.DataFrame",
    steps: "pd.DataFrame",
    goals: "pd.DataFrame",
    accounts: "pd.DataFrame",
    library: Library,
    *,
    people: Collection[str] = (),
    language: str = "en",
) -> Sheets:
    """Return a sheet for every plan that was begun and is not closed.

    Args:
        plans: One row per plan, by plan_id: account_id, playbook, started_on, closed_on; and as far as they are there
            due_on, shared_on, customer_commitments.
        steps: One row per step: plan_id, step_no, name, planned_on, done_on, status.
        goals: One row per plan and metric: plan_id, metric, baseline, target.
        accounts: Accounts by account_id: name.
        library: Titles and problems of the playbooks.
        people: Names of contacts and of our team; none of them may stand in a sheet.
        language: Language tag of the page; numbers and dates follow it.
    """
    import pandas as pd

    names = accounts["name"].dropna().astype("str")
    is_open = plans["started_on"].notna() & plans["closed_on"].isna()
    by_plan = {name: dict(tuple(frame.groupby("plan_id"))) for name, frame in (("steps", steps), ("goals", goals))}
    asked = _asked([*steps["name"], *plans.get("customer_commitments", [])], library, names, people)
    rows, files = [], {}
    for key, plan in plans[is_open].sort_index().iterrows():
        plan_id = str(key)
        title, problem = _heads(plan, library)
        own = by_plan["steps"].get(plan_id, steps.iloc[:0]).sort_values("step_no")
        own = own[~own["status"].eq("skipped")]
        aims = by_plan["goals"].get(plan_id, goals.iloc[:0])
        content = list(_parts(plan, problem, own, aims, language))
        account = str(plan["account_id"])
        why = _withheld((plan_id, account, names.get(account, "").casefold()), _texts(plan, title, problem, own), asked)
        file = "" if why else f"{FOLDER}/{plan_id}.html"
        if not why:
            files[file] = _page(title, names.get(account, account), content, language)
        done = int(own["done_on"].notna().sum())
        rows.append(
            (plan_id, account, names.get(account, account), title, done, len(own), plan.get("shared_on"), file, why)
        )
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"shared_on": "datetime64[s]"})
    return Sheets(table, files, tuple(_doubts(table)))


def _heads(plan: "pd.Series[Any]", library: Library) -> tuple[str, str]:
    """Return the name of the plan and what it is to change, both as its playbook says them."""
    playbook = library.playbooks.get(str(plan["playbook"]))
    return ("Plan", "") if playbook is None else (playbook.title, playbook.problem)


def _parts(
    plan: "pd.Series[Any]", problem: str, steps: "pd.DataFrame", goals: "pd.DataFrame", language: str
) -> Iterator[str]:
    """Yield the parts of a page as HTML, every text of the data escaped."""
    due, promised = (plan.get(name) for name in ("due_on", "customer_commitments"))
    if problem:
        yield f"<h2>{words('What we want to change', language)}</h2>\n<p>{_shown(problem)}</p>"
    aims = [line for row in goals.to_dict("records") if (line := _aim(row, language))]
    if aims:
        items = "\n".join(f"<li>{line}</li>" for line in aims)
        yield f"<h2>{words('What we aim for', language)}</h2>\n<ul>\n{items}\n</ul>"
    if len(steps):
        yield _steps(steps, language)
    if not is_missing(promised):
        yield f"<h2>{words('What you have promised', language)}</h2>\n<p>{_shown(promised)}</p>"
    if not is_missing(due):
        yield f"<p>{in_words(say('We review the plan on {day:date}.', day=due), language)}</p>"


def _aim(goal: Mapping[Any, Any], language: str) -> str:
    """Return a goal as a line, "" for figures of ours that mean nothing to the customer."""
    metric, before, after = str(goal["metric"]), goal["baseline"], goal["target"]
    if metric in INTERNAL or is_missing(after):
        return ""
    named, reached = label(metric, language), number(float(after), language=language)
    if is_missing(before):
        return escape(in_words(say("{metric}: to {after}", metric=named, after=reached), language))
    start = number(float(before), language=language)
    said = say("{metric}: from {before} to {after}", metric=named, before=start, after=reached)
    return escape(in_words(said, language))


def _steps(steps: "pd.DataFrame", language: str) -> str:
    rows = []
    for row in steps.to_dict("records"):
        done = not is_missing(row["done_on"])
        state = (
            in_words(say("done {day:date}", day=row["done_on"].date()), language) if done else words("open", language)
        )
        planned = "" if is_missing(row["planned_on"]) else _day(row["planned_on"], language)
        rows.append(f'<tr><th scope="row">{_shown(row["name"])}</th><td>{planned}</td><td>{state}</td></tr>')
    heads = (words("Step", language), words("Planned", language), words("State", language))
    head = "<tr>" + "".join(f'<th scope="col">{each}</th>' for each in heads) + "</tr>"
    body = "\n".join(rows)
    caption = words("Steps", language)
    return f"<table>\n<caption>{caption}</caption>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _page(title: str, name: str, parts: list[str], language: str) -> str:
    whose = in_words(say("Plan for {name}", name=name), language)
    heading = (f"<h1>{_shown(title)}</h1>", f"<p>{_shown(whose)}</p>")
    return paper.page(f"{_shown(title)} - {_shown(name)}", _STYLE, (*heading, *parts), language)


def _shown(value: object) -> str:
    return escape(str(value))


def _day(value: Any, language: str) -> str:
    return in_words(say("{day:date}", day=value.date()), language)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Names that stand somewhere in the texts of all plans: of customers by account, and of people."""

    customers: Mapping[str, str]
    people: tuple[str, ...]


def _asked(said: list[Any], library: Library, names: "pd.Series[str]", people: Collection[str]) -> _Asked:
    """Return the names that stand in some text: books hold more names than could be sought sheet by sheet."""
    own = [text for playbook in library.playbooks.values() for text in (playbook.title, playbook.problem)]
    whole = "\n".join(sorted({str(text).casefold() for text in [*said, *own] if not is_missing(text)}))
    customers = {str(account): name.casefold() for account, name in names.items()}
    found = {name.casefold() for name in people if _stands(name.casefold(), whole)}
    return _Asked({account: name for account, name in customers.items() if _stands(name, whole)}, tuple(sorted(found)))


def _stands(name: str, whole: str) -> bool:
    """Return whether a name stands in a text, at the start of a word; scripts without blanks have no such start."""
    name = name.strip()
    if name not in whole or len(name) < (LEAST_CJK if (is_cjk := bool(_CJK.search(name))) else LEAST_NAME):
        return False
    return is_cjk or re.search(rf"(?<!\w){re.escape(name)}", whole) is not None


def _texts(plan: "pd.Series[Any]", title: str, problem: str, steps: "pd.DataFrame") -> str:
    """Return all that people wrote and that a sheet would show, folded."""
    said = [title, problem, *steps["name"], plan.get("customer_commitments")]
    return "\n".join(str(text).casefold() for text in said if not is_missing(text))


def _withheld(plan: tuple[str, str, str], whole: str, asked: _Asked) -> str:
    """Return why the sheet of a plan (its id, account and name of that) is not made, "" where it is."""
    plan_id, account, own = plan
    if not _SAFE.fullmatch(plan_id):
        return "its id is no name of a file"
    for other, name in asked.customers.items():
        if other != account and name not in own and _stands(name, whole):
            return "the name of another customer stands in it"
    if any(_stands(name, whole) for name in asked.people):
        return "the name of a person stands in it"
    undated = _DAY.sub("", whole)
    return next((why for why, pattern in _HELD if pattern.search(undated)), "")


def _doubts(table: "pd.DataFrame") -> Iterator[Caveat]:
    held = table[table["withheld"] != ""]
    if len(held):
        yield Caveat(
            "sheets_withheld",
            Severity.WARNING,
            say(
                "{n:n plan sheet was|plan sheets were} withheld: {why:list}",
                n=len(held),
                why=sorted(set(held["withheld"])),
            ),
            say("Mend commitments or step names of these plans (table plan_sheets), then run again"),
        )
