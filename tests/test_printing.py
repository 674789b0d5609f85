"""Pages as PDF through a browser of the machine."""

import os
import re
import stat

import pytest

from csworkbench.cli import main
from csworkbench.errors import EnvironmentProblem, RunError
from csworkbench.runner.printing import find_browser, print_page, print_run
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


def test_every_page_of_a_run_is_printed_and_counted_among_its_files(tmp_path):
    run, record = tmp_path / "run", NotebookRecord("health", NotebookStatus.OK)
    for page in ("health/report.html", "health/by/north/report.html", "index.html"):
        (run / page).parent.mkdir(parents=True, exist_ok=True)
        (run / page).write_text("<!doctype html>", "utf-8")
    told = []
    made = RunRecord("T1", RunState.OK, "2026-07-01T04:15:00+00:00", 1.0, RunInfo(), (record,))
    printed = print_run(run, made, told.append, browser(tmp_path, PRINTS))
    assert {path.relative_to(run).as_posix() for path in run.rglob("*.pdf")} == {
        "health/report.pdf",
        "health/by/north/report.pdf",
        "index.pdf",
    }
    assert "health/report.pdf" in {item.path for item in printed.notebooks[0].artifacts}
    assert told == [printed]  # the index is written again, with its links to the PDFs


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
