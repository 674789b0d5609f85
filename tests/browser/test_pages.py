"""Pages in a real browser: no script, no request, no sideways scroll, no accessibility finding."""

import os
from pathlib import Path

import pytest

from csworkbench.estimates import say
from csworkbench.formats import paper
from tests.pages import PAYLOADS, write_index, write_page

CHROMIUM = Path("/usr/bin/chromium")
HANDLERS = (
    "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on')).length"
)
ACTIVE = "script, iframe, object, embed, form, base, link[rel=stylesheet], [src^='http'], foreignObject"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        missing = f"no Chromium at {CHROMIUM}; install the package chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    failed = folder / "failed"
    failed.mkdir()
    from csworkbench import report

    context = {"failure": report.Failure("DataError: touches: a very/long_name_without_any_space_" + "x" * 90, 3)}
    paths = {"report": write_page(folder, "北京 Åkerö"), "index": write_index(folder, "北京 Åkerö")}
    return {**paths, "failed": write_page(failed, context=context)}


@pytest.fixture
def visit(browser):
    contexts = []

    def opened(path, width=1366, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
        contexts.append(context)
        page = context.new_page()
        page.requests, page.problems = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("dialog", lambda dialog: page.problems.append(dialog.message))
        page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 }")
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["report", "index", "failed"])
def test_a_page_asks_for_nothing_but_itself(visit, site, name):
    page = visit(site[name])
    assert [url for url in page.requests if not url.startswith("data:")] == [site[name].as_uri()]
    assert page.problems == []
    assert page.locator("h1").inner_text()


@pytest.mark.parametrize("width", [320, 375, 1366])
@pytest.mark.parametrize("name", ["report", "index", "failed"])
def test_nothing_scrolls_sideways_and_every_picture_lies_inside(visit, site, name, width):
    page = visit(site[name], width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate("[...document.querySelectorAll('figure, img')].map(e => e.getBoundingClientRect().right)")
    assert max(boxes, default=0) <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "index", "failed"])
def test_there_is_no_accessibility_finding(visit, site, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = visit(site[name], scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:150]) for each in found] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_and_its_pictures_follow_the_reader_into_the_dark(visit, site, scheme):
    page = visit(site["report"], scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
    corner = page.evaluate(
        """async () => {
            const image = document.querySelector('.pictures img'); await image.decode();
            const sheet = new OffscreenCanvas(10, 10).getContext('2d'); sheet.drawImage(image, 0, 0, 400, 400);
            const [r, g, b] = sheet.getImageData(0, 0, 1, 1).data; return `rgb(${r}, ${g}, ${b})`; }"""
    )
    assert paper == corner == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 27, 34)"}[scheme]


def test_the_keyboard_reaches_the_content_and_every_box_that_scrolls(visit, site):
    page = visit(site["report"], 375)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    still = page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX === 'auto' && e.tabIndex < 0).length"
    )
    assert still == 0
    assert page.evaluate("[...document.querySelectorAll('.csw-scroll')].some(e => e.scrollWidth > e.clientWidth)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_sheet_of_paper_can_be_read_on_a_phone(visit, tmp_path, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    row = {f"a_long_name_of_a_column_{number}": "北京 Åkerö" for number in range(8)}
    parts = [paper.block(say("People"), "en"), paper.table([row], say('Whom to "call"'), list(row), "en")]
    (path := tmp_path / "sheet.html").write_text(paper.sheet(say("The book"), parts, "en"), "utf-8")
    page = visit(path, 320, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("[...document.querySelectorAll('div')].some(e => e.scrollWidth > e.clientWidth)")
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:150]) for each in found] == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_every_text_field_stays_inert(visit, tmp_path, payload):
    opened = [(path, visit(path)) for path in (write_page(tmp_path, payload), write_index(tmp_path, payload))]
    for path, page in opened:
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.hits") == 0
        assert page.locator(ACTIVE).count() == 0
        assert page.evaluate(HANDLERS) == 0
        assert (
            page.evaluate("[...document.links].filter(a => !/^(https?|file|mailto):/.test(a.protocol + '')).length")
            == 0
        )
        assert [url for url in page.requests if not url.startswith("data:")] == [path.as_uri()]
        assert page.problems == []


def test_a_printed_page_repeats_headers_and_fits_the_paper(visit, site):
    page = visit(site["report"])
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert page.evaluate("getComputedStyle(document.querySelector('.panel')).breakInside") == "avoid"
    assert page.pdf(format="A4").startswith(b"%PDF")
