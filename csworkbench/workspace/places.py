"""Where a workspace is: its file, its project, and reading it."""

from pathlib import Path

from csworkbench import config
from csworkbench.errors import ConfigError, Problem
from csworkbench.workspace.project import Workspace

PLACES = ("configs/workspace.yaml", "workspace.yaml")


def find_workspace(option: str | None, start: Path) -> Path:
    """Return the workspace file to use.

    Args:
        option: Path of the file or of its project, relative to `start`; None = search `start` and the folders above it.
        start: Folder to search from.

    Returns:
        Path of an existing file.

    Raises:
        ConfigError: there is no such file.
    """
    if option is not None:
        for path in (start / option, *(start / option / place for place in PLACES)):
            if path.is_file():
                return path
        raise ConfigError(Problem("no such workspace file", file=option, hint="give a workspace.yaml or its project"))
    for folder in (start, *start.absolute().parents):
        for place in PLACES:
            if (folder / place).is_file():
                return folder / place
    raise ConfigError(
        Problem(
            f"there is no workspace here: neither {PLACES[0]} nor {PLACES[1]}",
            hint="change into a project, give --workspace PATH, or make one with `csw init DIR`",
        )
    )


def project_root(workspace_path: Path) -> Path:
    """Return the project of a workspace file: its folder, or the parent of a folder called `configs`."""
    folder = workspace_path.absolute().parent
    return folder.parent if folder.name == "configs" else folder


def load_workspace(path: Path) -> Workspace:
    """Return the workspace a file declares.

    Args:
        path: The workspace file.

    Raises:
        ConfigError: the file is not valid; every problem with its line and column.
    """
    return config.load(path, Workspace, project_root(path))
