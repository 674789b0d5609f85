"""The five files of a new analysis, filled from templates; nothing existing is touched."""

import keyword
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

from csworkbench.errors import ConfigError

TEMPLATES = Path(__file__).parents[1] / "templates" / "new"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 40
TAKEN = {"start_here": "the tour"} | dict.fromkeys(("workspace", "batch", "scorecard", "experiment"), "a config")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True, slots=True)
class Home:
    """Where analyses live: in the package for its own repository, beside the configs for every other project."""

    folder: str
    package: str


def write_analysis(root: Path, name: str) -> list[str]:
    """Write module, notebook, config, test and method note of an analysis that runs as it is.

    Args:
        root: Folder of the project.
        name: Stem of all five files.

    Returns:
        The files, relative to the project.

    Raises:
        ConfigError: the name cannot be used, or one of the files is there already.
    """
    fault = why_refused(name)
    if fault:
        raise ConfigError(f"{name!r}: {fault}; take a noun in snake_case such as referrals")
    home = _home(root)
    files = _files(home, name)
    there = [file for file in files if (root / file).exists()]
    if find_spec(f"csworkbench.analyses.{name}") is not None and not there:
        there = [f"csworkbench.analyses.{name}"]
    if there:
        raise ConfigError(*(f"{name!r}: {file} exists; choose another name, nothing was written" for file in there))
    words = {"name": name, "title": name.replace("_", " ").capitalize(), "package": home.package, "attribute": "region"}
    try:
        for file, template in files.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template((TEMPLATES / template).read_text("utf-8")).substitute(words), "utf-8")
    except OSError:
        for file in files:  # none of them was there before: half an analysis would be refused and would refuse itself
            with suppress(OSError):
                (root / file).unlink()
        raise
    return list(files)


def why_refused(name: str) -> str:
    """Return why a name cannot be an analysis'; empty when it can."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        return f"a name has lower-case letters, digits and single underscores, at most {LONGEST}"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "this is a word of Python"
    if name in sys.stdlib_module_names:
        return "this is a module of Python's standard library"
    if name.startswith("test_") or name.endswith("_test"):
        return "test_* and *_test would be taken for tests"
    if name in VAGUE:
        return "it does not say what the analysis is about"
    return f"this name is {TAKEN[name]}" if name in TAKEN else ""


def _home(root: Path) -> Home:
    if (root / "csworkbench" / "analyses" / "__init__.py").is_file():
        return Home("csworkbench/analyses", "csworkbench.analyses")
    return Home("analyses", "analyses")


def _files(home: Home, name: str) -> dict[str, str]:
    return {
        f"{home.folder}/{name}.py": "analysis.py.tmpl",
        f"notebooks/{name}.ipynb": "notebook.ipynb.tmpl",
        f"configs/{name}.yaml": "config.yaml.tmpl",
        f"tests/analyses/test_{name}.py": "test.py.tmpl",
        f"docs/methods/{name}.md": "method.md.tmpl",
    }
