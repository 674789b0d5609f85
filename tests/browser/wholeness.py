"""What a reader could find wrong with a page, at the widths, in the colours and on the paper it is read on."""

from itertools import pairwise
from pathlib import Path

HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(each => [+each.tagName[1], each.innerText])"
WIDTH = "document.documentElement.scrollWidth"
UNTOLD = "[...document.images].filter(each => !/\\d/.test(each.alt)).map(each => each.alt)"
PAPER_PX = 718  # A4 less the margins of the page
MOST_BYTES = 2_000_000


def faults(browser, path: Path, *, has_pictures: bool = True) -> list[str]:
    """Return what is wrong with a page, in one visit; no time is judged.

    Args:
        browser: Chromium.
        path: The page.
        has_pictures: Whether it must have pictures, each with its numbers in words.
    """
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 1366, "height": 900}, bypass_csp=True)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = [f"asks for {url}" for url in asked if not url.startswith("data:") and url != path.as_uri()]
    found += [f"says {text}" for text in said] + ["has script"] * (page.locator("script").count() > 0)
    found += _headings(page.evaluate(HEADINGS))
    found += [f"picture without numbers: {alt!r}" for alt in page.evaluate(UNTOLD)]
    found += ["no picture"] * (has_pictures and page.locator("img").count() == 0)
    found += [f"{path.stat().st_size} bytes"] * (path.stat().st_size > MOST_BYTES)
    for scheme, width in (("light", 1366), ("dark", 375), ("light", 320)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{page.evaluate(WIDTH)} px wide at {width}"] * (page.evaluate(WIDTH) > width)
        if width != 320:
            found += [f"{scheme}: {each['id']}: {each['nodes'][0]['html'][:150]}" for each in _axe(Axe(), page)]
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER_PX, "height": 1000})
    found += [f"{page.evaluate(WIDTH)} px wide on paper"] * (page.evaluate(WIDTH) > PAPER_PX)
    context.close()
    return found


def _axe(axe, page) -> list[dict]:
    return axe.run(page).response["violations"]


def _headings(told: list[list]) -> list[str]:
    levels = [level for level, _ in told]
    found = [f"empty heading {level}" for level, text in told if not text.strip()]
    found += [f"{levels.count(1)} first headings"] * (levels.count(1) != 1)
    return found + [f"heading {below} under {above}" for above, below in pairwise(levels) if below > above + 1]
