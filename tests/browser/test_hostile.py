"""A book with payloads in every text field, through the whole batch: nothing runs, fetches, computes or commands."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest

from csworkbench.formats.inert import EMAIL, FORMULA, PHONE
from tests.browser.test_pages import ACTIVE, HANDLERS, browser, visit  # noqa: F401 - fixtures
from tests.hostile import EVERYTHING
from tests.pages import PAYLOADS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TAGS = {"script", "iframe", "object", "embed", "form", "base", "foreignobject", "math", "svg", "link", "marquee"}
AT_ONCE = 6  # half a second without a request is waited for once for so many pages
COMMANDING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# All payloads share one book here; `make soak` gives each of the fifteen scripts every field of a book of its own.
BOOKS = [
    pytest.param(EVERYTHING, id="all"),
    *(pytest.param((payload,), id=payload, marks=pytest.mark.soak) for payload in PAYLOADS),
]


@pytest.fixture(scope="module", params=BOOKS)
def run(request, spoiled):
    """The pages of a run of the whole batch, and by CSM those that list accounts."""
    return spoiled(request.param)


class Markup(HTMLParser):
    """What of a page could act: tags, handlers, and addresses that are fetched or run."""

    def __init__(self):
        super().__init__()
        self.acts, self.told = [], ""

    def handle_data(self, data):
        self.told += data

    def handle_starttag(self, tag, attrs):
        self.acts += [tag] if tag in TAGS else []
        for name, value in attrs:
            address = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            is_fetched = name in {"src", "srcset", "poster", "background"} and not address.startswith("data:image/")
            is_run = name in {"href", "action", "formaction"} and re.match(
                r"(javascript|vbscript|data|https?):", address
            )
            if name.startswith("on") or name == "srcdoc" or is_fetched or is_run:
                self.acts.append(f"{tag} {name}={value}")


def test_no_page_has_anything_that_acts_and_payloads_are_read_as_text(run):
    assert len(run.pages) > 20
    told = ""
    for page in run.pages:
        markup = Markup()
        markup.feed(page.read_text("utf-8"))
        assert markup.acts == [], page
        told += markup.told
    assert {payload for payload in run.payloads if payload in PAYLOADS and payload not in told} == set()
    assert re.findall(r"(?<![\w.,])1337(?![\w.,])", told) == []


@pytest.mark.browser
def test_nothing_runs_or_is_fetched_in_the_browser(run, visit):  # noqa: F811 - the fixture
    # Of the pages by CSM one of each notebook.
    pages = [each for each in run.pages if each.parent.parent.name != "by" or each.parent == _first(each.parent.parent)]
    for start in range(0, len(pages), AT_ONCE):
        opened = [(page, visit(page)) for page in pages[start : start + AT_ONCE]]
        for page, shown in opened:
            shown.wait_for_load_state("networkidle")
            assert shown.evaluate("window.hits") == 0, page
            assert shown.locator(ACTIVE).count() == 0, page
            assert shown.evaluate(HANDLERS) == 0, page
            assert [url for url in shown.requests if not url.startswith("data:")] == [page.as_uri()]
            assert shown.problems == [], page
            assert shown.locator("h1").inner_text()
            shown.context.close()


def test_no_cell_of_a_workbook_or_a_csv_is_a_formula(run):
    books, tables = (sorted(run.folder.glob(f"book/outputs/runs/**/*.{kind}")) for kind in ("xlsx", "csv"))
    assert books
    assert tables
    for path in books:
        for sheet in openpyxl.load_workbook(path):
            assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == [], path
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            cells = {cell for row in csv.reader(stream) for cell in row}
        risky = [cell for cell in cells if FORMULA.match(cell) and not _is_harmless(cell)]
        assert risky == [], path


def test_no_text_of_the_data_commands_a_terminal_or_forges_a_line(run):
    assert COMMANDING.findall(run.said) == []
    assert [line for line in run.said.splitlines() if line.startswith("2026-09-30 ERROR")] == []
    for log in run.folder.glob("book/outputs/runs/*/events.jsonl"):
        for line in log.read_text("utf-8").splitlines():
            assert json.loads(line)["event"]


def test_no_text_of_the_data_makes_a_file(run):
    # The calendar file of a meeting whose id says "../../hit" stands in its folder, by what is left of that id.
    assert [path for path in Path(run.folder).rglob("hit*") if path.parent.name != "calendar"] == []


def _first(folder: Path) -> Path:
    return next(folder.iterdir())


def _is_harmless(cell: str) -> bool:
    """A negative number computes nothing; phone numbers and addresses are exported as they are."""
    return bool(re.fullmatch(r"-[\d.]+(e-?\d+)?", cell) or PHONE.match(cell) or EMAIL.match(cell))
