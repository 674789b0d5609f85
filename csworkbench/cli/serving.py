"""The command that opens JupyterLab."""

import os
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from csworkbench.cli.console import tell
from csworkbench.cli.options import WorkspaceOption
from csworkbench.errors import EnvironmentProblem

# JupyterLab looks for newer versions on the network unasked, and for news after one click; nothing here needs either.
QUIET = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
WARM = "csworkbench-warm"  # name of our provisioner, as pyproject.toml declares it


def lab(
    *,
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port on this machine.")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
    kernel: Annotated[
        Literal["warm", "stock"],
        typer.Option(help="How kernels start: warm is forked from one that has done the imports."),
    ] = "warm",
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="JUPYTER_OPTION", help="Option of JupyterLab itself, after a lone --."),
    ] = None,
) -> None:
    """Become JupyterLab in the project: on this machine only, with this Python, the project's own analyses importable.

    Args:
        workspace: The workspace.yaml of the project.
        port: First port to try.
        browser: Open a browser window.
        kernel: How kernels are started.
        more: Options of JupyterLab itself.

    Raises:
        EnvironmentProblem: JupyterLab is not installed beside csworkbench.
    """
    from csworkbench.workspace import find_workspace, project_root

    root = project_root(find_workspace(str(workspace) if workspace else None, Path.cwd()))
    if find_spec("jupyterlab") is None:
        raise EnvironmentProblem(f"jupyterlab is not installed for {sys.executable}; run: pip install jupyterlab")
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", "--ip=127.0.0.1", f"--port={port}"]
    words += [*QUIET, *([] if browser else ["--no-browser"]), *(more or [])]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    tell(f"JupyterLab in {root}; open notebooks/ there. Ctrl-C twice ends it.")
    if _is_root() and "--allow-root" not in words:
        tell("JupyterLab refuses to run as root. Use another account or, in a container: csw lab -- --allow-root")
    os.chdir(root)
    # The process becomes JupyterLab, so that signals reach it and its exit code is ours.
    # A kernel that another Python left in the user's folder has the same name; the one of this Python goes before it.
    settings = {
        "JUPYTER_PREFER_ENV_PATH": "1",
        **({"JUPYTER_DEFAULT_PROVISIONER_NAME": WARM} if kernel == "warm" and _is_installed() else {}),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    os.execve(sys.executable, words, settings)  # noqa: S606 - our own interpreter, no shell


def _is_installed() -> bool:
    """Return whether Jupyter finds our provisioner: not where the package is only on the path."""
    return bool(entry_points(group="jupyter_client.kernel_provisioners", name=WARM))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
