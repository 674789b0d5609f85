"""The notebooks as an analyst meets them: opened and run top to bottom in JupyterLab, in a real browser."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

import csworkbench
from tests.browser.conftest import NEW
from tests.browser.test_pages import browser  # noqa: F401 - a fixture
from tests.hostile import EVERYTHING
from tests.house.places import stems

NOTEBOOKS = ("start_here", *stems())
TOKEN = "for-this-test-alone"
PATIENCE_S = 180
OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => null)"
READY = """path => {
    const context = window.jupyterapp.shell.currentWidget?.sessionContext;
    return context?.path === path && context.session?.kernel?.status === 'idle'; }"""
RUN_ALL = "window.jupyterapp.commands.execute('notebook:run-all-cells')"
CELLS = "window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
# Asked in the kernel of the open notebook, past its cells.
KERNEL = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    const asked = {python: 'sys.executable', folder: 'os.getcwd()', package: 'csworkbench.__file__'};
    const code = 'import os, sys, csworkbench';
    const reply = await context.session.kernel.requestExecute({code, user_expressions: asked}).done;
    const told = Object.entries(reply.content.user_expressions).map(([key, each]) => [key, each.data['text/plain']]);
    return {name: context.session.kernel.name, ...Object.fromEntries(told)}; }"""
# Outputs are trusted once they are computed here: only what was escaped at its source is harmless.
ACTIVE_OUTPUT = ", ".join(
    f".jp-OutputArea-output {each}" for each in ("script", "iframe", "form", "a[href^='javascript']")
)
# Closed unsaved: opened again, a notebook is that of its file, with a kernel of its own.
END = """async () => {
    const shown = window.jupyterapp.shell.currentWidget;
    await shown.sessionContext.shutdown();
    shown.dispose(); }"""
PICTURES = """names => Promise.all(names.map(async name => {
    const shown = window.jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-OutputArea-output img');
    const image = [...shown].find(each => each.alt === name);
    if (!image) return `${name}: absent`;
    await image.decode();
    return image.closest('figure').querySelector('figcaption').textContent; }))"""
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def project(spoiled):
    """A project with payloads in every text field of its book, a new analysis, and the results of a run."""
    return spoiled(EVERYTHING).project


@pytest.fixture(scope="module")
def lab(browser, project, tmp_path_factory):  # noqa: F811 - the browser comes first: without it nothing starts
    """The address of JupyterLab, started by `csw lab` with folders of its own; its group is ended afterwards."""
    private = tmp_path_factory.mktemp("jupyter")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    folders |= {"IPYTHONDIR": "ipython"}
    environment = os.environ | {name: str(private / folder) for name, folder in folders.items()}
    # The analyst has used another Python before, which left a kernel of the same name behind.
    _write_kernel(private / "data" / "kernels" / "python3", "left-behind")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [Path(sys.executable).parent / "csw", "lab", "--no-browser", "--port", str(port), "--"]
    words += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    words += ["--allow-root"] if os.geteuid() == 0 else []
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        words, cwd=project, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    lines, is_up = [], Event()
    reader = Thread(target=_read, args=(server.stderr, lines, address, is_up))
    reader.start()
    try:
        assert is_up.wait(PATIENCE_S), "".join(lines)
        assert server.poll() is None, "".join(lines)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(PATIENCE_S)
        reader.join()
        server.stderr.close()


@pytest.fixture(scope="module")
def window(browser, lab):  # noqa: F811 - the fixture
    """JupyterLab in one browser window, which keeps what it asked for and what went wrong in it."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.requests, page.problems = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    page.add_init_script("window.hits = 0; window.hit = () => { window.hits += 1 }")
    page.goto(f"{lab}/lab?token={TOKEN}")
    page.wait_for_function("window.jupyterapp")
    # Before that, JupyterLab still puts its own first tab in front.
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    yield page
    context.close()


@pytest.fixture(scope="module")
def ran(window, request):
    """A notebook of the project, opened in JupyterLab and run; its kernel is ended afterwards."""
    path = f"notebooks/{request.param}.ipynb"
    window.evaluate(OPEN, path)
    window.wait_for_function(READY, arg=path)
    window.evaluate(RUN_ALL)
    yield window
    window.evaluate(END)


@pytest.mark.parametrize("ran", [*NOTEBOOKS, NEW], indirect=True)
def test_a_notebook_runs_top_to_bottom_and_shows_its_verdict_and_charts(ran, lab, project):
    page = ran
    assert page.evaluate(KERNEL) == {
        "name": "python3",
        "python": repr(sys.executable),
        "folder": repr(str(project / "notebooks")),
        "package": repr(csworkbench.__file__),
    }
    outputs = _outputs_in_order(page)
    (verdict, *_), *_ = _texts(outputs, "verdict")
    page.locator(".csw-verdict", has_text=verdict).locator("visible=true").first.wait_for()
    charts = _texts(outputs, "chart")
    assert charts or _texts(outputs, "table")  # a brief is words and tables
    assert page.evaluate(PICTURES, [alt for _, alt, *_ in charts]) == [title for title, *_ in charts]
    assert [url for url in page.requests if not url.startswith((lab, "data:", "blob:"))] == []
    assert page.problems == []
    assert page.evaluate("window.hits") == 0
    assert page.locator(ACTIVE_OUTPUT).count() == 0


# Notebook, file, group of settings, slider, keys, what the file then says, and what the panel tells.
TURNED = {
    "health": (
        "scorecards/default", "Small and mid accounts: bands", "Average: low", ["ArrowRight"] * 3,
        {"low: 0, high: 40}": "low: 0, high: 43}", "low: 40, high: 70}": "low: 43, high: 70}"}, "change band:",
    ),
    "email_design": (
        "email_design", "General", "Power", ["ArrowRight"] * 5, {"power: 0.8": "power: 0.85"}, "Accounts needed:",
    ),
    "weekly_list": (
        "weekly_list", "General", "Free share", ["ArrowLeft"] * 4, {"free_share: 0.5": "free_share: 0.46"},
        "come on the list",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ran", "turned"), list(TURNED.items()), ids=list(TURNED), indirect=["ran"])
def test_a_slider_is_turned_and_saved_by_keyboard_and_the_file_keeps_its_comments(ran, project, turned):
    file, group, slider, keys, edits, effect = turned
    path = project / "configs" / f"{file}.yaml"
    before = path.read_text("utf-8")
    shown = ran.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output")
    panel = shown.filter(has=ran.locator(".widget-toggle-buttons"))
    _press(ran, panel, group)
    panel.locator(".widget-slider", has_text=slider).get_by_role("slider").focus()
    for key in keys:
        ran.keyboard.press(key)
    panel.get_by_text("Changed, not saved: 1 setting.").wait_for()
    panel.locator(".csw-verdict", has_text=effect).wait_for()
    figures = panel.get_by_role("table").first.locator("tbody tr")
    assert any(each[-1] != each[-2] for each in (row.split("\t") for row in figures.all_inner_texts()))
    _press(ran, panel, "Save")
    diff = panel.locator("pre", has_text="(changed)")
    diff.wait_for()
    after = before
    for old, new in edits.items():
        assert new in diff.inner_text()
        after = after.replace(old, new, 1)
    assert path.read_text("utf-8") == before
    _press(ran, panel, "Write")
    panel.get_by_text(f"Written: configs/{file}.yaml").wait_for()
    assert path.read_text("utf-8") == after
    path.write_text(before, "utf-8")  # the results of the run are again those of these settings


def _press(page, panel, name):
    panel.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def _write_kernel(folder, python):
    folder.mkdir(parents=True)
    command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Old", "language": "python"}))


def _read(stream, lines, address, is_up):
    """Read to the end, so that the server never waits for a reader; say when it answers, or will never."""
    for line in stream:
        lines.append(line)
        if f"{address}/lab?token=" in line:
            is_up.set()
    is_up.set()


def _outputs_in_order(page):
    """The results of all cells: every cell has run, once, in its order, and none failed or muttered.

    A notebook that needs another one says so where no run has left that one's result: that is no muttering.
    """
    code = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]
    told = [output for output in outputs if "computed here instead" in output.get("text", "")]
    results = [output for output in outputs if output not in told]
    shown = {"execute_result", "display_data"}
    assert [output for output in results if output["output_type"] not in shown] == []
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    return results


def _texts(outputs, slot):
    """The lines of text, for each output of a kind: what its picture or markup has to say too."""
    chosen = [each for each in outputs if each["metadata"].get("csworkbench", {}).get("slot") == slot]
    return [each["data"]["text/plain"].splitlines() for each in chosen]
