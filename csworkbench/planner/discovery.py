"""What a project can run: its batch file, the analyses of the package and its own, and their notebooks."""

import importlib
import pkgutil
import sys
from collections.abc import Mapping
from importlib import resources
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Literal, Self

from pydantic import JsonValue, model_validator

import csworkbench.analyses
from csworkbench.config import Section, SettingError, setting
from csworkbench.errors import ConfigError, Problem, did_you_mean

SURFACE = ("READS", "NEEDS", "Config", "prepare", "analyze", "Result")


class BatchNotebook(Section):
    """One notebook of a batch."""

    name: str = setting(description="Name of the analysis, and of its notebook", pattern="^[a-z][a-z0-9_]*$")
    notebook: str | None = setting(
        None, min_length=1, description="The .ipynb file, from the project root; absent = notebooks/<name>.ipynb"
    )
    parameters: dict[str, JsonValue] = setting(
        default_factory=dict, description="Values for further parameters of the notebook, of the type of their default"
    )
    timeout_seconds: float | None = setting(
        None, gt=0, le=86_400, unit="s", description="Time limit of this notebook; absent = the one of the batch"
    )


class Batch(Section):
    """The notebooks of a run; what they need is run as well."""

    version: Literal[1] = setting(description="Version of this file's format")
    timeout_seconds: float = setting(
        600.0,
        gt=0,
        le=86_400,
        unit="s",
        description="Time limit of each notebook, from the start of its first cell to the end of its last",
    )
    notebooks: tuple[BatchNotebook, ...] = setting(description="What to run; the order is found from what they need")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [notebook.name for notebook in self.notebooks]
        faults = {
            f"notebooks.{index}.name": f"{name!r} is in the list already"
            for index, name in enumerate(names)
            if name in names[:index]
        }
        if faults:
            raise SettingError(faults)
        return self

    def entry(self, name: str) -> BatchNotebook:
        """Return what the batch says about a notebook; the defaults where it says nothing."""
        return next((item for item in self.notebooks if item.name == name), BatchNotebook(name=name))


def analyses(root: Path) -> Mapping[str, ModuleType]:
    """Return the analyses of a project by name: those of the package, and the modules of its own `analyses` folder.

    Args:
        root: Folder of the project.

    Raises:
        ConfigError: A module of the project cannot be imported, or lacks a part of the surface of an analysis.
    """
    package = {
        module.name: importlib.import_module(f"csworkbench.analyses.{module.name}")
        for module in pkgutil.iter_modules(csworkbench.analyses.__path__)
    }
    own: dict[str, ModuleType] = {}
    problems: list[Problem] = []
    for path in _own_modules(root):
        name = path.parent.name if path.name == "__init__.py" else path.stem
        try:
            own[name] = _imported(name, path)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(*problems)
    return {**package, **own}


def find_notebook(root: Path, name: str, notebook: str | None = None) -> Path:
    """Return the notebook of a name: the project's own, else the one that came with the package.

    Args:
        root: Folder of the project.
        name: Name of the notebook.
        notebook: Path from the project root, where the batch gives one.

    Raises:
        ConfigError: There is none.
    """
    if notebook is not None:
        if (root / notebook).is_file():
            return root / notebook
        raise ConfigError(Problem("there is no such notebook", file=notebook, key=name))
    packaged = Path(str(resources.files("csworkbench")))
    places = [
        root / "notebooks" / f"{name}.ipynb",
        packaged / "_project" / "notebooks" / f"{name}.ipynb",
        packaged.parent / "notebooks" / f"{name}.ipynb",  # an editable checkout
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        hint = "write it; `csw new NAME` starts an analysis with its notebook"
        raise ConfigError(Problem("there is no such notebook", file=f"notebooks/{name}.ipynb", hint=hint))
    return found


def near(name: str, known: Mapping[str, object]) -> str:
    """Return a hint for a name that is not known: the nearest one, else all.

    Args:
        name: What was written.
        known: The names there are.
    """
    return did_you_mean(name, known, f"there are {', '.join(known) or 'none'}")


def _own_modules(root: Path) -> list[Path]:
    folder = root / "analyses"
    if not folder.is_dir() or folder == Path(str(resources.files("csworkbench"))) / "analyses":
        return []
    return sorted([*folder.glob("[a-z]*.py"), *folder.glob("[a-z]*/__init__.py")])


def _imported(name: str, path: Path) -> ModuleType:
    """Import one module of a project under the name its notebooks use; the project stays off the import path."""
    where = f"analyses/{path.relative_to(path.parents[path.name == '__init__.py']).as_posix()}"
    spec = spec_from_file_location(f"analyses.{name}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(Problem("cannot be imported", file=where))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    is_silent, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # a plan writes nothing
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(Problem(f"cannot be imported: {type(error).__name__}: {error}", file=where)) from error
    finally:
        sys.dont_write_bytecode = is_silent
    missing = [part for part in SURFACE if not hasattr(module, part)]
    if missing:
        raise ConfigError(Problem(f"is no analysis: it lacks {', '.join(missing)}", file=where))
    return module
