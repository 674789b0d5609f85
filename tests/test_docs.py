"""The documentation: built without a warning or a network, and everything in it that can be typed works."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from csworkbench.cli.program import command
from csworkbench.workspace import Workspace
from tests.house.places import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *ROOT.glob("examples/*/README.md"),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Not typed here: they take minutes, and a test of their own types them.
TYPED_ELSEWHERE = {
    "README.md": "tests/acceptance/test_sample_run.py installs, makes a project, checks and runs it",
    "CONTRIBUTING.md": "tests/test_cli.py makes an analysis and runs it",
    **{
        f"examples/{name}/README.md": f"tests/acceptance/test_{test}.py runs the example"
        for name, test in {
            "hillstrom": "hillstrom",
            "hubspot_zendesk": "crm_exports",
            "nps_r_survey": "nps_outreach",
            "ravenstack": "ravenstack",
            "telco": "telco",
            "touches": "touches",
        }.items()
    },
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(path.read_text("utf-8")) if kind == language]


def typed(path: Path) -> list[str]:
    """The commands of a page's console blocks, in order."""
    lines = "".join(blocks(path, "console")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("myst_parser", reason="needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", out / "trees"]
    # A proxy that nobody answers: whatever would ask the network fails.
    env = os.environ | dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run([*build, ROOT / "docs", out / "html"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_the_site_is_built_without_a_warning_and_fetches_nothing(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    fetched = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*href=["']?(?:https?:)?//""")
    assert [page.name for page in pages if fetched.search(page.read_text("utf-8"))] == []


def test_the_search_of_the_site_is_a_file_beside_it(site):
    assert "quarantin" in (site / "searchindex.js").read_text("utf-8")


def test_the_reference_holds_every_command_and_every_settings_file(site):
    told = (site / "commands.html").read_text("utf-8")
    assert [name for name in command().commands if f"csw {name}" not in told] == []
    keys = (site / "settings.html").read_text("utf-8")
    stems = {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    assert [stem for stem in stems if f"<h2>{stem}" not in keys.replace("_", "_")] == []


def test_every_method_note_has_a_picture_of_at_most_60_kilobytes():
    for note in (ROOT / "docs" / "methods").glob("*.md"):
        picture = note.parent.parent / "images" / "methods" / f"{note.stem}.png"
        assert f"images/methods/{note.stem}.png" in note.read_text("utf-8"), note
        assert picture.stat().st_size <= 60_000, picture


def test_the_tutorial_runs_as_it_stands(tmp_path):
    bare = "csw run health_proof key_accounts contents weekly_list portfolio"
    page = ROOT / "docs" / "tutorial.md"
    lines = typed(page)
    at = lines.index("csw check")
    (workspace,) = blocks(page, "yaml")
    (tmp_path / "workspace.yaml").write_text(workspace, encoding="utf-8")
    copied = f"cp '{tmp_path}/workspace.yaml' configs/workspace.yaml"
    script = "\n".join(["set -e", *lines[:at], copied, *lines[at:], f"cp -r outputs/latest/ checked && {bare}"])
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accounts: 4 rows, 0 set aside" in done.stdout + done.stderr
    assert (tmp_path / "book" / "checked" / "data_check" / "report.html").is_file()
    ran = json.loads((tmp_path / "book" / "outputs" / "latest" / "run.json").read_text("utf-8"))["notebooks"]
    skipped = ["health", "key_accounts", "contents", "weekly_list"]
    assert {each["name"]: each["status"] for each in ran} == {
        **dict.fromkeys(skipped, "skipped"),
        "health_proof": "blocked",
        "portfolio": "ok",
    }


def test_every_console_block_is_typed_by_a_test():
    told = {name_of(page) for page in PAGES if typed(page)}
    assert told == {"docs/tutorial.md", *TYPED_ELSEWHERE}
    for where in TYPED_ELSEWHERE.values():
        assert (ROOT / where.split()[0]).is_file()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_text_exists_with_its_options(page):
    text = page.read_text("utf-8")
    lines = [*typed(page), *re.findall(r"`(csw [^`\n]+)`", text)]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in lines:
        for part in re.split(r"&&|\|", line.split(" #")[0]):
            words = part.split()
            if words[:1] == ["make"]:
                assert words[1] in targets, line
            elif words[:1] == ["csw"]:
                assert unknown(words[1:]) == [], line


def unknown(words: list[str]) -> list[str]:
    """What of a command line there is not: its command, or options."""
    called = command()
    while words and hasattr(called, "commands") and not words[0].startswith("-"):
        name, *words = words
        if name not in called.commands:
            return [name] if re.fullmatch(r"[a-z]+", name) else []
        called = called.commands[name]
    options = {option for each in called.params for option in each.opts} | {"--help", "--version"}
    return [word for word in words if word.startswith("--") and word != "--" and word.split("=")[0] not in options]


def test_the_tables_of_the_readme_are_a_workspace():
    for text in blocks(ROOT / "README.md", "yaml"):
        told = YAML(typ="safe").load(text)
        told["tables"] = {"accounts": {"path": "accounts.csv"}} | told["tables"]
        Workspace.model_validate({"version": 1, "name": "Book", **told})


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_yaml_block_is_yaml(page):
    indented = re.findall(r"^( *)```yaml\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for indent, text in indented:
        assert YAML(typ="safe").load("\n".join(line.removeprefix(indent) for line in text.splitlines()))
