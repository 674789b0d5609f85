"""The command that opens JupyterLab."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from csworkbench.cli.console import tell
from csworkbench.cli.options import WorkspaceOption
from csworkbench.errors import EnvironmentProblem


def lab(
    *,
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port on this machine.")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
) -> None:
    """Become JupyterLab in the project: on this machine only, with this Python, the project's own analyses importable.

    Args:
        workspace: The workspace.yaml of the project.
        port: First port to try.
        browser: Open a browser window.

    Raises:
        EnvironmentProblem: JupyterLab is not installed beside csworkbench.
    """
    from csworkbench.workspace import find_workspace, project_root

    root = project_root(find_workspace(str(workspace) if workspace else None, Path.cwd()))
    if find_spec("jupyterlab") is None:
        raise EnvironmentProblem(f"jupyterlab is not installed for {sys.executable}; run: pip install jupyterlab")
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", "--ip=127.0.0.1", f"--port={port}"]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    tell(f"JupyterLab in {root}; open notebooks/ there. Ctrl-C twice ends it.")
    os.chdir(root)
    # The process becomes JupyterLab, so that signals reach it and its exit code is ours.
    os.execve(  # noqa: S606 - our own interpreter, no shell
        sys.executable,
        words if browser else [*words, "--no-browser"],
        {**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
