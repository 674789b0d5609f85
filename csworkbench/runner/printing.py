"""Pages of a run as PDF, printed by the Chromium of the machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from csworkbench.errors import ConfigError, EnvironmentProblem, Problem, RunError
from csworkbench.runner.pages import artifacts
from csworkbench.store import RunRecord

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
ON_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
SECONDS_PER_PAGE = 60
MOST_PRINTED, TOLD_EVERY = 1_000, 25
"""So many pages of a run are printed at most, and after so many each the run says how far it is."""
PAGE, PRINTED, INDEX = "report.html", "report.pdf", "index.html"
QUIET = (
    "--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-sync",
    "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check", "--no-pdf-header-footer",
)  # fmt: skip


def find_browser() -> Path:
    """Return the Chromium, Chrome or Edge of the machine.

    Raises:
        EnvironmentProblem: There is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None) or (str(ON_MAC) if ON_MAC.is_file() else None)
    if found is None:
        hint = f"install Chromium or Chrome, so that one of {', '.join(BROWSERS)} is on the PATH, or run without --pdf"
        raise EnvironmentProblem(Problem("no browser that prints pages is on this machine", key="--pdf", hint=hint))
    return Path(found)


def check_printed(pages: int) -> None:
    """Refuse to print a run of too many pages, before it starts: each takes a second or two of a browser.

    Args:
        pages: How many pages the run is planned to have.

    Raises:
        ConfigError: They are more than `MOST_PRINTED`.
    """
    if pages > MOST_PRINTED:
        hint = f"at most {MOST_PRINTED:,} are printed; run without --pdf, name notebooks, or divide by fewer values"
        raise ConfigError(Problem(f"{pages:,} pages are too many to print", key="--pdf", hint=hint))


def print_run(
    folder: Path,
    record: RunRecord,
    index: Callable[[RunRecord], None],
    browser: Path,
    on_page: Callable[[int, int], bool],
) -> RunRecord:
    """Print the pages of a run beside themselves, one after the other, and its index last.

    Args:
        folder: Folder of the run, still out of sight.
        record: Its record.
        index: Writes the index from a record.
        browser: The browser that prints; it is there for one page at a time, whatever the number of pages.
        on_page: Told before each page how many are printed and how many there are; False ends the printing.

    Returns:
        The record with the PDFs among the files of its notebooks.

    Raises:
        RunError: A page could not be printed.
    """
    pages = sorted(folder.rglob(PAGE))
    for done, page in enumerate(pages):
        if not on_page(done, len(pages)):
            break
        print_page(page, browser)
    homes = {item.name: folder / item.name for item in record.notebooks}
    notebooks = tuple(
        replace(item, artifacts=artifacts(homes[item.name], folder)) if (homes[item.name] / PRINTED).is_file() else item
        for item in record.notebooks
    )
    printed = replace(record, notebooks=notebooks)
    index(printed)
    print_page(folder / INDEX, browser)
    return printed


def print_page(page: Path, browser: Path) -> Path:
    """Print one page as PDF beside it, and return the file: A4, with what the page's own print style says.

    Args:
        page: The HTML file.
        browser: The browser that prints.

    Raises:
        RunError: The browser ended without a PDF, or took too long.
    """
    target = page.with_suffix(".pdf")
    # Chromium cannot confine itself for the superuser; a page of ours holds no script and asks for nothing.
    sandbox = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="csw-") as scratch:
        made = Path(scratch) / "page.pdf"
        command = [str(browser), *QUIET, *sandbox, f"--user-data-dir={scratch}/profile", f"--print-to-pdf={made}"]
        said = ""
        try:
            # A session of its own: whoever stops the run by Ctrl-C does not tear a half printed page.
            done = subprocess.run(  # noqa: S603 - a browser of the machine on a file of ours, without a shell
                [*command, page.absolute().as_uri()], capture_output=True, text=True, timeout=SECONDS_PER_PAGE,
                check=False, start_new_session=True,
            )  # fmt: skip
            said = (done.stderr.strip().splitlines() or [""])[-1]
        except subprocess.TimeoutExpired:
            said = f"it took longer than {SECONDS_PER_PAGE} s"
        if not made.is_file() or not made.read_bytes().startswith(b"%PDF-"):
            raise RunError(Problem(f"{browser.name} printed no PDF: {said}", file=f"{page.parent.name}/{page.name}"))
        shutil.copyfile(made, target)
    return target
