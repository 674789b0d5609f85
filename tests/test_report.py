import json
import re
from html.parser import HTMLParser

import pytest

from csworkbench import report
from csworkbench.errors import RunError
from csworkbench.estimates import Severity
from csworkbench.report import glossary
from csworkbench.report.fragments import clean, from_markdown, from_output
from csworkbench.report.glossary import definition
from csworkbench.tables import SPECS
from tests.pages import (
    AS_OF,
    PAYLOADS,
    HandMade,
    code,
    markdown,
    output,
    pictures,
    write_index,
    write_notebook,
    write_page,
    write_result,
)


class Page(HTMLParser):
    """What a page holds: elements with their attributes, headings in order, and all text outside of style."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.headings, self.texts, self.open = [], [], [], []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def error(message="bad value", name="DataError"):
    return {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": ["\x1b[31mline 1 secret_code()\x1b[0m"],
    }


def raw(**data):
    kinds = {
        "html": "text/html",
        "plain": "text/plain",
        "md": "text/markdown",
        "svg": "image/svg+xml",
        "png": "image/png",
    }
    return {"output_type": "display_data", "data": {kinds[kind]: value for kind, value in data.items()}, "metadata": {}}


def test_a_page_reads_verdict_figures_date_actions_pictures_tables_doubts_settings(tmp_path):
    text = read(write_page(tmp_path)).text
    order = [
        "Account health", "How healthy is each account?", "Two of eight accounts are at risk", "Share at risk", "25.0%",
        "7.1% to 59.1%, n 8", "As of 30 Sep 2026", "newest data 29 Sep 2026", "What to do", "Call Acme first.",
        "Pictures", "Tables", "Caveats", "Handle with care:", "Data is late.", "Good to know:", "Settings used",
        "Files", "Where the numbers come from", "csworkbench 0.1.0",
    ]  # fmt: skip
    places, start = [], 0
    for each in order:
        places.append(text.find(each, start))
        start = max(start, places[-1])
    assert dict(zip(order, places, strict=True)) == {
        each: place for each, place in zip(order, places, strict=True) if place >= 0
    }


def test_at_most_four_figures_stand_on_top(tmp_path):
    html = write_page(tmp_path).read_text(encoding="utf-8")
    assert html.count('<span class="value">') == 4


def test_the_verdict_stands_on_the_page_once(tmp_path):
    assert read(write_page(tmp_path)).text.count("Two of eight accounts are at risk") == 1


def test_a_doubt_that_forbids_acting_stands_above_the_figures(tmp_path):
    notebook = write_notebook(tmp_path / "n.ipynb", markdown("# T"))
    result = write_result(tmp_path / "result.json", HandMade(severity=Severity.STOP))
    text = Page(report.render(notebook, result, report.PageContext("health"))).text
    assert text.index("Do not act on this yet:") < text.index("Share at risk")


def test_what_another_page_says_of_this_one_stands_below_the_verdict_as_text(tmp_path):
    stamp = report.Stamp("<b>Adds</b> to tenure", "../health_proof/report.html", "Proof & more")
    page = read(write_page(tmp_path, context={"stamps": (stamp,)}))
    assert "Proof & more : <b>Adds</b> to tenure." in page.text
    assert page.text.index("Two of eight") < page.text.index("<b>Adds</b>") < page.text.index("Share at risk")
    assert ("a", {"href": "../health_proof/report.html"}) in page.elements


def test_every_picture_follows_its_sentence_and_has_its_numbers_and_data(tmp_path):
    page = read(write_page(tmp_path))
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert [image["alt"] for image in images] == [chart.alt for chart in pictures()]
    assert page.text.count("Data behind this chart") == len(images)
    assert page.text.index("Look here") < page.text.index("Bars")


def test_a_page_holds_no_code_no_script_and_asks_for_nothing(tmp_path):
    html = write_page(tmp_path).read_text(encoding="utf-8")
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert tags & {"script", "link", "iframe", "object", "embed", "form", "base", "svg"} == set()
    assert "secret_code" not in html
    assert all(each["src"].startswith("data:image/") for tag, each in page.elements if tag == "img")
    policy = [each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_headings_go_down_one_level_at_a_time_and_the_language_is_named(tmp_path):
    for path in (write_page(tmp_path), write_index(tmp_path)):
        page = read(path)
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
        assert ("html", {"lang": "en"}) in page.elements


def test_a_typical_page_is_no_larger_than_500_kilobytes(tmp_path):
    assert write_page(tmp_path).stat().st_size <= 500_000


def test_the_same_inputs_give_the_same_page(tmp_path):
    assert write_page(tmp_path).read_bytes() == write_page(tmp_path).read_bytes()


def test_a_failed_notebook_says_so_first_and_names_cell_and_heading(tmp_path):
    cells = [markdown("# Health"), code(), markdown("## Load"), code(error()), markdown("## Later"), code()]
    context = report.PageContext("health", downloads=(report.Download("notebook.ipynb"),))
    page = Page(report.render(write_notebook(tmp_path / "n.ipynb", *cells), None, context))
    assert "the notebook did not finish DataError: bad value It stopped at code cell 2, under “Load”." in page.text
    assert ("a", {"href": "notebook.ipynb"}) in page.elements
    assert "secret_code" not in page.text


def test_many_files_without_a_label_are_folded_below_those_that_have_one(tmp_path):
    files = [report.Download(f"briefs/A{number}.html") for number in range(21)]
    context = report.PageContext("health", downloads=(report.Download("facts.csv", label="Facts"), *files))
    page = Page(report.render(write_notebook(tmp_path / "n.ipynb", markdown("# Health"), code()), None, context))
    assert "Files Facts 21 more files briefs/A0.html" in page.text
    assert ("details", {}) in page.elements
    few = report.PageContext("health", downloads=context.downloads[:21])
    shown = Page(report.render(write_notebook(tmp_path / "m.ipynb", markdown("# Health"), code()), None, few))
    assert "more files" not in shown.text


def test_a_failure_the_runner_saw_needs_no_error_in_the_notebook(tmp_path):
    notebook = write_notebook(tmp_path / "n.ipynb", markdown("# Health\n## Load"), code())
    failure = report.Failure("The kernel died: out of memory", 1)
    page = Page(report.render(notebook, None, report.PageContext("health", failure=failure)))
    assert "The kernel died: out of memory It stopped at code cell 1, under “Load”." in page.text


def test_a_failed_notebook_shows_no_verdict_even_if_it_got_that_far(tmp_path):
    from csworkbench import views

    cells = [markdown("# Health"), code(output(views.show(HandMade()))), code(error())]
    result = write_result(tmp_path / "result.json", HandMade())
    page = Page(report.render(write_notebook(tmp_path / "n.ipynb", *cells), result, report.PageContext("health")))
    assert "Two of eight" not in page.text


def test_the_banner_papermill_puts_in_is_not_the_title(tmp_path):
    banner = {
        **markdown("<span>An exception was encountered</span>"),
        "metadata": {"tags": ["papermill-error-cell-tag"]},
    }
    notebook = write_notebook(tmp_path / "n.ipynb", banner, markdown("# Health"), code(error()))
    assert "An exception" not in report.render(notebook, None, report.PageContext("health"))


def test_a_tour_without_result_shows_everything_in_its_order(tmp_path):
    cells = [
        markdown("# Tour"),
        markdown("## One\nfirst"),
        code(),
        markdown("## Two\nsecond"),
        code(raw(plain="third")),
        markdown("last"),
    ]
    text = Page(
        report.render(write_notebook(tmp_path / "n.ipynb", *cells), None, report.PageContext("start_here"))
    ).text
    assert [text.index(each) for each in ("first", "second", "third", "last")] == sorted(
        text.index(each) for each in ("first", "second", "third", "last")
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', "\x00"])
def test_a_broken_notebook_is_named(tmp_path, content):
    path = tmp_path / "health.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"health.ipynb: no page can be made of this notebook"):
        report.render(path, None, report.PageContext("health"))


def test_a_broken_result_is_named(tmp_path):
    notebook = write_notebook(tmp_path / "n.ipynb", markdown("# T"))
    (tmp_path / "result.json").write_text('{"figures": {"a": {"value": 1}}}', encoding="utf-8")
    with pytest.raises(RunError, match=r"result.json: no page can be made of this result"):
        report.render(notebook, tmp_path / "result.json", report.PageContext("health"))


def test_numbers_follow_the_language_of_the_workspace(tmp_path):
    path = write_page(tmp_path, context={"language": "sv", "sources": (report.SourceNote("accounts", 12345, AS_OF),)})
    assert "12 345" in read(path).text
    assert ("html", {"lang": "sv"}) in read(path).elements


def test_the_index_names_what_failed_first_with_its_reason(tmp_path):
    text = read(write_index(tmp_path, "why")).text
    places = [
        text.index(each)
        for each in (
            "1 of 4 pages ready; 3 not.",
            "DataError: why",
            "needs renewals why",
            "no table why",
            "All is well",
        )
    ]
    assert places == sorted(places)


def test_a_figure_leads_to_how_it_is_made(tmp_path):
    page = read(write_page(tmp_path))
    assert ("a", {"href": "#figure-share_at_risk", "title": "Accounts in the lowest band / accounts with a score"}) in (
        page.elements
    )
    assert ("div", {"id": "figure-share_at_risk"}) in page.elements
    told = " ".join(page.text.split())
    assert "Time: what was known at the end of the cut-off date. What is missing: accounts below the minimum" in told


def test_a_figure_that_is_not_in_the_glossary_stands_without_a_link(tmp_path):
    hrefs = {found.get("href") for tag, found in read(write_page(tmp_path)).elements if tag == "a"}
    assert "#figure-accounts" not in hrefs  # `health` has no such figure


@pytest.mark.parametrize(
    ("analysis", "figure", "formula"),
    [
        ("health", "median_score.default", "median of the scores"),
        ("data_check", "accounts", "number of accounts"),
        ("data_check", "accounts.currency.currency", "rows of the table that break the rule"),
        ("portfolio", "grr", "amounts kept"),
    ],
)
def test_one_of_several_figures_is_made_as_they_all_are(analysis, figure, formula):
    assert definition(analysis, figure).formula.key.startswith(formula)


def test_every_entry_of_the_glossary_reads_tables_there_are_and_says_all_four_things():
    for analysis, entries in glossary._OWN.items():
        for name, found in entries.items():
            assert set(found.reads) <= SPECS.keys(), f"{analysis}.{name}"
            assert found.reads, f"{analysis}.{name}"
            assert found.formula.key, f"{analysis}.{name}"
            assert found.window.key, f"{analysis}.{name}"
            assert found.missing.key, f"{analysis}.{name}"


def test_the_index_folds_the_files_of_each_notebook(tmp_path):
    page = write_index(tmp_path).read_text("utf-8")
    assert "<details><summary>Health : 1 file</summary>" in page


def test_the_index_lists_downloads_with_rows_and_digest_and_what_ran_when(tmp_path):
    page = read(write_index(tmp_path))
    assert ("a", {"href": "health/tables/scores.csv"}) in page.elements
    assert "1,234" in page.text
    assert "abababababababab" in page.text
    assert "1 Oct 2026, 04:12 UTC" in page.text
    assert "1 min 15 s" in page.text  # 75 seconds


def test_no_name_on_an_index_turns_round_what_stands_beside_it():
    page = report.render_index(report.RunPage("r", workspace="ok\u202egnp.exe\x1b"))
    assert not {"\u202e", "\x1b"} & set(page)
    assert "<h1>ok\\u202egnp.exe\\x1b</h1>" in page


def test_an_index_of_nothing_says_so():
    assert "Nothing was run." in report.render_index(report.RunPage("r"))


def skeleton(path):
    """Return the elements of a page with the names of their attributes; markdown of authors and width classes aside."""
    of_markdown = {"a", "p", "br", "em", "strong", "code"}
    return [(tag, sorted({*found} - {"class"})) for tag, found in read(path).elements if tag not in of_markdown]


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if not payload.startswith("![")])
def test_no_text_of_a_customer_becomes_markup(tmp_path, payload):
    plain = skeleton(write_page(tmp_path, "fine"))
    assert skeleton(write_page(tmp_path, payload)) == plain
    assert "1337" not in read(tmp_path / "report.html").text


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("<p onclick=x()>a</p>", "<p>a</p>"),
        ("<script>x()</script>a", "a"),
        ("<style>p{}</style>a", "a"),
        ('<p style="color:red" id="x" class="csw-note evil">a</p>', '<p class="csw-note">a</p>'),
        ('<img src="http://192.0.2.1/a.png" alt="a">', '<img alt="a">'),
        ('<img src="data:text/html;base64,AAAA">', "<img>"),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'),
        ('<a href="javascript:x()">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="https://example.org/a">a</a>', '<a href="https://example.org/a" rel="noopener noreferrer">a</a>'),
        ('<div role="alert" tabindex="5">a</div>', "<div>a</div>"),
        ("<h1>a</h1><form><input></form>", "a"),
        ("<iframe src=x></iframe><object data=x></object>", ""),
    ],
)
def test_markup_keeps_only_what_the_allow_list_knows(dirty, cleaned):
    assert clean(dirty) == cleaned


def test_markdown_headings_become_third_level_and_raw_html_becomes_text():
    assert from_markdown("# A\n<b>x</b>") == "<h3>A</h3>\n<p>&lt;b&gt;x&lt;/b&gt;</p>\n"


def test_outputs_of_other_libraries_are_cleaned_and_shown():
    assert from_output(raw(html="<table><tr><td>1</td></tr></table><script>x()</script>")).startswith("<table>")
    assert from_output(raw(svg="<svg onload='x()'/>")).startswith(
        '<figure class="csw-chart"><img src="data:image/svg+xml;base64,'
    )
    assert 'src="data:image/png;base64,AAAA"' in from_output(raw(png="AA\nAA\n"))
    assert from_output(raw(md="**a**")) == "<p><strong>a</strong></p>\n"
    assert from_output(raw(plain="1 < 2 \x1b[31m")) == "<pre>1 &lt; 2 \\x1b[31m</pre>"


def test_warnings_live_widgets_and_huge_pictures_are_left_out():
    assert from_output({"output_type": "stream", "name": "stderr", "text": ["warning"]}) == ""
    assert from_output({"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}) == "<pre>a\nb</pre>"
    assert from_output({"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {}}}) == ""
    assert from_output(raw(png="A" * 2_000_001)) == ""


def test_a_forged_place_on_the_page_is_ignored(tmp_path):
    forged = {**raw(plain="a"), "metadata": {"csworkbench": {"slot": "<b>"}}}
    odd = {**raw(plain="b"), "metadata": {"csworkbench": "x"}}
    notebook = write_notebook(tmp_path / "n.ipynb", markdown("# T"), code(forged, odd))
    assert json.loads(notebook.read_text())["cells"]
    text = Page(report.render(notebook, None, report.PageContext("health"))).text
    assert "a" in text.split("What the notebook shows")[1]
