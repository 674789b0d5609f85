"""Words for readers, as they stand in the program, by the place they come from; and the catalogues that translate them.

`python -m tests.languages` (make languages) adds to every catalogue what it lacks, with an empty translation.
"""

import ast
import json
import re
import string
from collections.abc import Iterable, Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import get_args

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from csworkbench.adjustment.designs import Design
from csworkbench.features import MeasureSource
from csworkbench.formats import label
from csworkbench.report.story import passages
from csworkbench.sources import findings, rules
from csworkbench.tables import SPECS
from tests.house.places import ROOT

PACKAGE = ROOT / "csworkbench"
ANALYSES = [path.name for path in sorted((PACKAGE / "analyses").iterdir()) if (path / "__init__.py").exists()]
FOLDER = PACKAGE / "languages"
LANGUAGES = ("sv", "zh_CN")
# What notebooks and analyses name charts, tables and axes by: arguments that `charts` and `views` translate.
NAMED = {
    *("title", "along", "up", "said", "came", "names", "unit", "counted"),
    *("start_label", "end_label", "row_title", "column_title"),
}
SHOWS = {"views.table": 1, "Shown": 1}
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
HEADS = re.compile(r'<th scope="col"[^>]*>([^<]+)</th>|<dt>([^<]+)</dt>')
CELLS = re.compile(r'<t[dh](?: scope="row")?[^>]*>([A-Za-z][a-z]*(?: [a-z]+)*)</t[dh]>')
CODES = (
    *("at_risk", "not_scored", "in_app", "tech_touch", "first_value", "low_engagement"),
    *("solution_acceptance", "price_acceptance", "behaviour_mastery", "chat", "video", "visit", "wechat"),
)
"""Names of ours that pages show in cells, with an underscore or seldom; other ids and keys of settings stay."""
FILES = (
    *("account_history", "baselines", "first_balance", "first_course", "first_scores", "judgements", "plan_baselines"),
    *("by_account", "by_csm", "by_theme", "rejected"),
)
"""Tables of results whose names no dictionary of tables in the program holds."""
SHOWN = (
    *("renewed for less", "renewed for more", "not decided yet", "use last week", "use last four weeks"),
    *("use eight weeks before", "days since last use", "open tickets", "median days", "onboarding days"),
    *("accounts per CSM", "tenure months", "low usage", "health score", "contact replaced", "same question"),
    *("is at least", "scorecard title"),
    *("enough", "not enough", "margin of share", "margin of NPS", "AUC above chance", "percent of pairs"),
    *("NPS points", "opened at least", "opened at most", "delivered", "clicked", "replied", "unsubscribed", "wrote"),
    *("we wrote", "key point", "serious ticket", "after sales", "nobody took it", "settled by the follow-up"),
    *("no e-mail address", "no click, no answer", "sample ratio all", "sample ratio weeks", "sample ratio strata"),
    *("planned ahead", "watched to the end", "units in arms", "same person twice", "one CSM both arms"),
    *("other experiments", "registered", "registered as of", "first day", "last day", "frequency cap"),
    *("negative control", "placebo week", "pre trend", "compliance", "eligibility", "strategies", "assignment"),
    *("start", "follow up", "estimand", "tenure", "week", "use before", "own change", "own slope", "CSM load"),
    *("works, as far as a comparison can tell", "a plan was running", "a plan landed", "two or more calls or visits"),
    *("eight or more automatic mails", "a ticket was opened", "a ticket was resolved", "use rose by a tenth or more"),
    *("recovered", "recovery", "days open", "warns", "useless", "due overdue", "not looked at", "call", "visit"),
    *(
        "system",
        "relative",
        "level",
        "nothing",
        "no rule",
        "refused rows",
        "after-sales",
        "clustering",
        "rules",
        "declared",
        "value tier",
    ),
    *("save call", "advocate call", "churn offer", "reply", "referral", "unanswered"),
    *(
        "fact",
        "held on",
        "agreed",
        "practice",
        "done or not needed",
        "best practice",
        "opportunity",
        "talked",
        "ticket",
    ),
    *("occasion", "at customer"),
)
"""Names of ours in charts and cells that no stored output has, because their text is only drawn."""
UNITS = ("percentage points", "percentage point", "users", "user", "minutes", "minute")
OWN = {"logistics", "retail", "software", "region", "tenure", "language", "timezone", "pilot", "seed", "level", "sv"}
"""Names that belong to the sample book or to its settings."""


def keys() -> dict[str, set[str]]:
    """Return the English words by place: the name of an analysis, of another module, or templates."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        place = (parts[1] if parts[0] == "analyses" and len(parts) > 1 else parts[0]).removesuffix(".py")
        found.setdefault(place, set()).update(_of_tree(ast.parse(path.read_text("utf-8"))))
    found["tables"] |= {label(name, "en") for name in CODES}
    columns = [column for spec in SPECS.values() for column in spec.columns]
    found["tables"] |= {label(code, "en") for column in columns for code in column.allowed or ()}
    found["features"] |= {
        label(each.model_fields["kind"].default, "en") for each in get_args(get_args(MeasureSource)[0])
    }
    found["adjustment"] |= {label(f"{each.letter} {each.value}", "en") for each in Design}
    found["sources"] |= {*findings.ADVICE.values(), *rules.ADVICE.values()}
    found["tables"] |= {label(name, "en") for name in (*SPECS, *FILES, *SHOWN, *_tables(), *ANALYSES)} | set(UNITS)
    for path in sorted((PACKAGE / "templates").glob("*.j2")):
        with path.open("rb") as file:
            texts = babel_extract(file, ("_",), (), {})
            found.setdefault("templates", set()).update(
                text if isinstance(text, str) else text[0] for _, _, text, _ in texts
            )
    known = {str(each.id) for each in read(LANGUAGES[0]) if each.id}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found.setdefault(path.stem, set()).update(_of_notebook(path, known))
    return {place: {key for key in texts if _has_words(key)} for place, texts in found.items() if texts}


def _tables() -> Iterator[str]:
    """Yield the names of the tables of results: keys of what is called tables, or returned as frames by name."""
    for path in sorted((PACKAGE / "analyses").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef(name=name, returns=ast.expr() as returns):
                    is_ours = "tables" in name or re.search("(dict|Mapping).str,.*DataFrame", ast.unparse(returns))
                    yield from _keys(node) if is_ours else ()
                case ast.Assign(targets=[ast.Name(id="tables")]) | ast.AugAssign(target=ast.Name(id="tables")):
                    yield from _keys(node.value)
                case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="tables"), slice=ast.Constant(value=name))]):
                    yield name
                case ast.keyword(arg="tables"):
                    yield from _keys(node.value)


def _keys(node: ast.AST) -> Iterator[str]:
    options = {id(each.value) for each in ast.walk(node) if isinstance(each, ast.keyword) and each.arg == "options"}
    for each in ast.walk(node):
        if isinstance(each, ast.Dict) and id(each) not in options:
            made = zip(each.keys, each.values, strict=True)
            yield from _texts(key for key, value in made if key and not isinstance(value, ast.Constant | ast.Dict))


def _of_tree(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "Estimate" and len(node.args) > 1:
                for unit in _texts(node.args[1:2]):
                    yield from (unit, unit.removesuffix("s"))
            if name in ("say", "words", "formats.words"):
                yield from _texts(node.args[:1])
            if name in SHOWS or name.startswith(("charts.", "views.")):
                place = SHOWS.get(name)
                yield from _texts(node.args[place : place + 1] if place else [])
                yield from _texts(keyword.value for keyword in node.keywords if keyword.arg in NAMED)
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "StrEnum" for base in node.bases):
            for text in _texts(item.value for item in node.body if isinstance(item, ast.Assign)):
                yield from (text, label(text, "en")) if " " in text else (label(text, "en"),)


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.List | ast.Tuple):
            yield from _texts(node.elts)
        elif isinstance(node, ast.IfExp):
            yield from _texts((node.body, node.orelse))


def _of_notebook(path: Path, known: set[str]) -> Iterator[str]:
    """Yield the words of a notebook; of cells, which settings and customers fill too, those that are known as ours."""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (each.lstrip("# ") for each in passages(source))
        elif cell["cell_type"] == "code":
            yield from _of_tree(ast.parse(source))
            for output in cell["outputs"]:
                html = "".join(output.get("data", {}).get("text/html", []))
                if output.get("metadata", {}).get("csworkbench", {}).get("slot") != "settings":
                    cells = {cell[:1].lower() + cell[1:] for cell in CELLS.findall(html)}
                    yield from (cells & known) - OWN - SPECS.keys()
                for pair in HEADS.findall(html):
                    yield unescape("".join(pair)).partition(" (")[0]


def _has_words(key: str) -> bool:
    parts = string.Formatter().parse(key)
    words = "".join(literal + (spec if spec and "|" in spec else "") for literal, _, spec, _ in parts)
    return bool(re.search("[A-Za-z]{2}|[,:;.(]", words))  # Chinese has punctuation of its own


def placeholders(pattern: str) -> list[str]:
    """Return the placeholders of a pattern, sorted; the words of a counted noun are left out, they are translated."""
    fields = ((name, spec or "") for _, name, spec, _ in string.Formatter().parse(pattern) if name is not None)
    return sorted(f"{name}:{'n' if spec.startswith('n ') else spec}" for name, spec in fields)


def lacking(wanted: set[str], said: Iterable[str]) -> set[str]:
    """Return the words that have no translation, with or without a capital."""
    known = set(said)
    return {key for key in wanted if key not in known and key[:1].swapcase() + key[1:] not in known}


def read(language: str) -> Catalog:
    """Return the catalogue of a language."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def write(catalog: Catalog, language: str) -> None:
    """Write a catalogue; the same entries give the same bytes, on any day."""
    body = BytesIO()
    write_po(body, catalog, width=0, sort_output=True, omit_header=True)
    header = HEADER.format(language=language)
    (FOLDER / f"{language}.po").write_text(header + body.getvalue().decode("utf-8"), "utf-8")


def main() -> None:
    """Add what catalogues lack, and drop what the program no longer says."""
    wanted = set().union(*keys().values())
    for language in LANGUAGES:
        old = {str(each.id): str(each.string) for each in read(language) if each.id}
        made = Catalog(locale=language, project="csworkbench", charset="utf-8", fuzzy=False)
        for key in {key for key in wanted if key in old} | lacking(wanted, old):
            made.add(key, old.get(key, ""))
        write(made, language)


if __name__ == "__main__":
    main()
