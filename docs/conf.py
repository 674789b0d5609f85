"""The documentation as a site that needs no network: `make docs`, where every warning is a failure."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from csworkbench import __version__
from csworkbench.cli.catalog import entries, open_project
from csworkbench.cli.program import command
from csworkbench.config.describing import KeyDoc, describe

ROOT = Path(__file__).resolve().parents[1]

project = "csworkbench"
release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"page_width": "72rem", "body_max_width": "52rem"}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False


def commands() -> str:
    """Return every command as its `--help` tells it."""
    return "\n".join(_helped(command(), "csw"))


def _helped(called: Any, words: str) -> Iterator[str]:
    context = called.make_context(words, ["--help"], resilient_parsing=True)
    yield f"## {words}\n\n```text\n{called.get_help(context)}\n```\n"
    for name, each in getattr(called, "commands", {}).items():
        yield from _helped(each, f"{words} {name}")


def settings() -> str:
    """Return the keys of every settings file, from the models that check them."""
    return "\n\n".join(
        "\n".join([f"## {name}", "", f"{entry.purpose}.", "", *_table(describe(entry.model, None, ROOT))])
        for name, entry in entries(open_project(ROOT / "configs" / "workspace.yaml")).items()
    )


def _table(keys: list[KeyDoc]) -> Iterator[str]:
    yield from ("| key | meaning | unit | values | default |", "|---|---|---|---|---|")
    for key in keys:
        default = "needed" if key.is_required else f"`{key.default}`" if key.default else ""
        cells = (f"`{key.key}`", _plain(key.description), _plain(key.unit), _plain(key.type), default)
        yield f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Return a text in which Markdown sees no markup."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text.replace("\n", " "))


WRITTEN = {"commands": commands, "settings": settings}


def setup(app: Any) -> None:
    """Have the generated reference put into its pages as they are read."""
    app.connect("source-read", _complete)


def _complete(_: Any, name: str, source: list[str]) -> None:
    if name in WRITTEN:
        source[0] += "\n" + WRITTEN[name]()
