"""Pages as PDF through a browser of the machine."""

import os
import re
import stat

import pytest

from csworkbench.cli import main
from csworkbench.errors import ConfigError, EnvironmentProblem, RunError
from csworkbench.runner.printing import MOST_PRINTED, check_printed, find_browser, print_page, print_run
from csworkbench.store import NotebookRecord, NotebookStatus, RunInfo, RunRecord, RunState

# Writes what it was asked to print into a file that begins as a PDF does.
PRINTS = """#!/bin/sh
for word in "$@"; do
  case $word in --print-to-pdf=*) target=${word#--print-to-pdf=};; esac
done
printf '%%PDF-1.4 %s' "$word" > "$target"
"""
FAILS = "#!/bin/sh\necho 'no display' >&2\nexit 1\n"


def browser(folder, script):
    path = folder / "chromium"
    path.write_text(script, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_without_a_browser_the_run_ends_before_it_starts_with_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("csworkbench.runner.printing.ON_MAC", tmp_path / "none")
    with pytest.raises(EnvironmentProblem, match=r"no browser that prints pages .*install Chromium"):
        find_browser()
    assert main(["run", "--pdf"]) == 4
    assert "run without --pdf" in capsys.readouterr().err


def test_a_browser_on_the_path_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    there = browser(tmp_path, PRINTS)
    assert find_browser() == there


def run_of(folder, *pages):
    for page in (*pages, "index.html"):
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).write_text("<!doctype html>", "utf-8")
    record = NotebookRecord("health", NotebookStatus.OK)
    return RunRecord("T1", RunState.OK, "2026-07-01T04:15:00+00:00", 1.0, RunInfo(), (record,))


def printed_of(run):
    return {path.relative_to(run).as_posix() for path in run.rglob("*.pdf")}


def test_every_page_of_a_run_is_printed_and_counted_among_its_files(tmp_path):
    run, told, counted = tmp_path / "run", [], []
    made = run_of(run, "health/report.html", "health/by/north/report.html")

    def go_on(done, pages):
        counted.append((done, pages))
        return True

    printed = print_run(run, made, told.append, browser(tmp_path, PRINTS), go_on)
    assert printed_of(run) == {"health/report.pdf", "health/by/north/report.pdf", "index.pdf"}
    assert counted == [(0, 2), (1, 2)]
    assert "health/report.pdf" in {item.path for item in printed.notebooks[0].artifacts}
    assert told == [printed]  # the index is written again, with its links to the PDFs


def test_printing_that_is_ended_leaves_the_pages_it_has_made_and_the_index(tmp_path):
    run = tmp_path / "run"
    made = run_of(run, *(f"health/by/{name}/report.html" for name in "abc"))
    print_run(run, made, lambda record: None, browser(tmp_path, PRINTS), lambda done, pages: done < 1)
    assert printed_of(run) == {"health/by/a/report.pdf", "index.pdf"}


def test_more_pages_than_are_printed_are_refused_before_the_run(tmp_path):
    check_printed(MOST_PRINTED)
    with pytest.raises(ConfigError, match=r"1,001 pages are too many to print .*at most 1,000 are printed"):
        check_printed(MOST_PRINTED + 1)


def test_a_browser_that_prints_nothing_is_told_with_its_last_words(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<!doctype html>", "utf-8")
    with pytest.raises(RunError, match=r"chromium printed no PDF: no display"):
        print_page(page, browser(tmp_path, FAILS))


def _has_browser():
    try:
        return bool(find_browser())
    except EnvironmentProblem:
        return False


@pytest.mark.skipif(not _has_browser() or os.name != "posix", reason="no Chromium on this machine")
def test_a_page_is_printed_on_a4_and_breaks_between_rows(tmp_path):
    from csworkbench.report import RunPage, render_index

    text = render_index(RunPage("T1", workspace="北京 Åkerö"))
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(120))
    page = tmp_path / "report.html"
    page.write_text(text.replace("</main>", f'<table class="csw-table">{rows}</table></main>'), "utf-8")
    content = print_page(page, find_browser()).read_bytes()
    # A4 is 595.28 x 841.89 points, in whole CSS pixels 594.96 x 841.92; 120 rows do not fit on one sheet.
    assert set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)) == {(b"594.95996", b"841.91998")}
    assert int(re.search(rb"/Type /Pages\s*/Count (\d+)", content)[1]) > 1
