"""Take the pictures of the method notes from the pages of a run of the sample book: `make pictures`."""

import io
import sys
from pathlib import Path

IMAGES = Path(__file__).parent / "images" / "methods"
# Method note -> page and the heading of the panel that shows what the note is about.
PANELS = {
    "account_brief": ("account_brief", "What should be raised?"),
    "contact_policy": ("nps_outreach", "Who was left out, and why?"),
    "contents": ("contents", "Do people stay?"),
    "data_check": ("data_check", "What was found?"),
    "email_design": ("email_design", "What would be seen?"),
    "email_touch": ("email_touch", "How large are the effects?"),
    "health": ("health", "What moved the scores?"),
    "health_proof": ("health_proof", "Does it beat what is known without it?"),
    "key_accounts": ("key_accounts", "Does service win more often, and cheaper?"),
    "nps_outreach": ("nps_outreach", "Does it move?"),
    "plan_comparisons": ("plan_validation", "What would have come anyway?"),
    "plan_validation": ("plan_validation", "Which playbooks work?"),
    "playbooks": ("plan_validation", "Where do plans stall?"),
    "portfolio": ("portfolio", "People"),
    "proposals": ("weekly_list", "One list per CSM and channel"),
    "reassignment": ("reassignment", "How full is everybody?"),
    "renewals": ("renewals", "What became of this quarter?"),
    "segments": ("segments", "Who went where?"),
    "touch_effect": ("touch_effect", "Are they alike after weighting?"),
    "touch_matrix": ("touch_matrix", "How far does each route reach?"),
    "triggers": ("triggers", "Is a trigger worth its alerts?"),
    "weekly_list": ("weekly_list", "Whose time is used, and what would chats bring?"),
}
MOST_BYTES = 60_000


def take(run: Path, chromium: str) -> None:
    """Write a picture per method note, each small enough to live in the repository.

    Args:
        run: Folder of a run of the whole batch.
        chromium: Path of the browser.

    Raises:
        ValueError: A panel is not on its page, or its picture is too large.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 760, "height": 900}, color_scheme="light")
        for note, (name, heading) in PANELS.items():
            page.goto((run.resolve() / name / "report.html").as_uri())
            panel = page.locator("section.panel, .panel", has=page.get_by_role("heading", name=heading, exact=True))
            if panel.count() != 1:
                raise ValueError(f"{name}: {panel.count()} panels are headed {heading!r}")
            image = Image.open(io.BytesIO(panel.screenshot())).convert("RGB").quantize(48)
            image.crop((0, 0, image.width, min(image.height, 900))).save(IMAGES / f"{note}.png", optimize=True)
            size = (IMAGES / f"{note}.png").stat().st_size
            if size > MOST_BYTES:
                raise ValueError(f"{note}.png has {size} bytes, the most is {MOST_BYTES}")
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "/usr/bin/chromium")
