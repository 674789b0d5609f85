"""Size, rows shown and time to readiness in Chromium of the pages of a run, by default outputs/latest.

For 100,000 accounts: `csw sample --accounts 100000 --out big --as-project`, `csw run` in `big`, then this script
on `big/outputs/latest`. No page may be above 2 MB or take longer than 1.5 s until it is loaded.
"""

import sys
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
READY = "(({loadEventEnd}) => loadEventEnd)(performance.getEntriesByType('navigation')[0])"
ROWS = "Math.max(0, ...[...document.querySelectorAll('tbody')].map(each => each.rows.length))"
MOST_BYTES, MOST_MS = 2_000_000, 1_500


def main(run: Path) -> int:
    """Print a line per page; return 1 where one is too large or too slow."""
    from playwright.sync_api import sync_playwright

    if not (run / "index.html").is_file():
        print(f"no run in {run.name}: `csw run` makes one")
        return 0
    missed = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for path in [run / "index.html", *sorted(run.glob("*/report.html"))]:
            page = browser.new_page()
            times = []
            for _ in range(3):
                page.goto(path.as_uri(), wait_until="load")
                page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
                times.append(page.evaluate(READY))
            size = path.stat().st_size
            missed += size > MOST_BYTES or min(times) > MOST_MS
            print(f"{path.parent.name:24} {size / 1000:8.0f} kB  {page.evaluate(ROWS):5} rows  {min(times):6.0f} ms")
            page.close()
        browser.close()
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/latest").resolve()))
