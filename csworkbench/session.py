"""A notebook's desk: the project it stands in, its settings, the book cut to a date, and a place for its result."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from csworkbench.config import Section, load, plain
from csworkbench.errors import ConfigError, RunError
from csworkbench.estimates import Part, Result
from csworkbench.files import slugs
from csworkbench.formats import Readable, printable, speak, text
from csworkbench.store import (
    PARTS_FOLDER,
    STORY_FILE,
    StoredPart,
    StoredResult,
    read_result,
    write_json,
    write_result,
)
from csworkbench.workspace import Workspace, find_workspace, load_workspace, project_root

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot
    from csworkbench.exports import ExportedTable
    from csworkbench.sources import Book
    from csworkbench.views import View


class ComputedResult:
    """The result of another analysis, computed in place: what `StoredResult` offers to `prepare`.

    Args:
        result: What `analyze` returned.
        config: Resolved config it was computed with, in JSON types.
    """

    def __init__(self, result: Result, config: Mapping[str, Any]) -> None:
        self.tables: Mapping[str, pd.DataFrame] = result.tables
        self.figures = result.figures
        self.config = config


Upstream = StoredResult | ComputedResult
"""A result of another analysis: its `tables`, `figures` and resolved `config`."""


class Desk:
    """What a notebook works with. Made by `start`; reads files only when asked.

    Args:
        workspace_path: The workspace.yaml.
        config_path: Settings of the notebook's analysis; empty takes configs/<analysis>.yaml.
        as_of: Cut-off date, ISO; empty takes the workspace's.
        output_dir: Folder for the result; empty writes nothing.
        overrides: Settings changed for this run, by dotted key.
    """

    def __init__(
        self, workspace_path: Path, config_path: str, as_of: str, output_dir: str, overrides: Mapping[str, Any]
    ) -> None:
        self.root = project_root(workspace_path)
        self.workspace = _limited(load_workspace(workspace_path))
        self.output_dir = self.root / output_dir if output_dir else None
        self._config_path = config_path
        self._as_of = as_of
        self._overrides = dict(overrides)
        self._configs: dict[str, Section] = {}
        self._computed: dict[str, ComputedResult] = {}

    def __repr__(self) -> str:
        """Return the book and the date, without a path: stored outputs are compared between machines."""
        return f"Desk({self.workspace.name!r}, as_of={self._as_of or self.workspace.as_of!s})"

    @cached_property
    def book(self) -> "Book":
        """Return the checked tables of the workspace; read once."""
        from csworkbench.sources import cache_folder, open_book

        # A notebook of a run stands two folders below that of all outputs.
        out = self.output_dir.parents[2] if self.output_dir else self.root / "outputs"
        cache, records = cache_folder(self.root, out), self.root / "records"
        return open_book(self.workspace, self.root, cache, records, now=datetime.now(UTC))

    @cached_property
    def as_of(self) -> date:
        """Return the cut-off date: the notebook's, else the workspace's, else the last day of the data.

        Raises:
            ConfigError: the notebook's parameter is not an ISO date.
        """
        from csworkbench.asof import latest_date

        if self._as_of:
            try:
                return date.fromisoformat(self._as_of)
            except ValueError:
                raise ConfigError(f"as_of: {self._as_of!r} is not a date; write it as 2026-09-30") from None
        return self.workspace.as_of if isinstance(self.workspace.as_of, date) else latest_date(self.book)

    @cached_property
    def snapshot(self) -> "Snapshot":
        """Return every table cut to what was known at `as_of`."""
        from csworkbench.asof import take

        return take(self.book, self.as_of)

    def config(self, analysis: ModuleType) -> Any:
        """Return the settings of an analysis: its file with the overrides of this run.

        Args:
            analysis: Module of the analysis, for example `csworkbench.analyses.health`.

        Returns:
            The module's `Config`.

        Raises:
            ConfigError: the file or an override is wrong; every problem at once.
        """
        name = _stem(analysis.__name__)
        loaded = load(self._path_of(name), analysis.Config, self.root, self._overrides)
        self._configs[name] = loaded
        if (shell := _shell()) is not None:
            _show_as_html(analysis.Result, self.workspace.language, shell)
        return loaded

    def upstream(self, analysis: ModuleType, *, is_whole: bool = False) -> Mapping[str, Upstream]:
        """Return the results that an analysis needs, by name.

        Within a run they are what the run has published beside this notebook. On one's own they come from the latest
        run when its date and settings are the same, and are computed here otherwise, which a line on stderr says.

        Args:
            analysis: Module of the analysis.
            is_whole: On one's own also compute results that may be missing, where their tables and settings are there.

        Raises:
            RunError: a needed result is missing from this run.
        """
        found: dict[str, Upstream] = {}
        for name, is_needed in _needs(analysis):
            if self.output_dir is None:
                result = self._own(name, is_needed=is_needed or (is_whole and self._could_run(name)))
            else:
                result = self._published(name, is_needed=is_needed)
            if result is not None:
                found[name] = result
        return found

    def show(self, result: Result) -> "View":
        """Return the verdict, the figures and the caveats of a result as a view."""
        from csworkbench import views

        return views.show(result, self.workspace.language)

    def settings(self, config: Section) -> "View":
        """Return the settings used as a plain table."""
        from csworkbench import views

        return views.settings(config, self.workspace.language)

    @property
    def language(self) -> str:
        """Return the language of texts and numbers."""
        return self.workspace.language

    @property
    def is_live(self) -> bool:
        """Return whether somebody works in this notebook; a Jupyter server says so, a runner does not."""
        return self.output_dir is None and "JPY_SESSION_NAME" in os.environ

    def settings_file(self, analysis: ModuleType) -> Path:
        """Return the file the settings of an analysis come from."""
        return self._path_of(_stem(analysis.__name__))

    def conclude(self, result: Result) -> "View":
        """Write the result where the run wants it, and return headline, caveats and next actions as a view.

        Args:
            result: What `analyze` returned.

        Raises:
            ConfigError: `desk.config` was not asked for the settings of this analysis before.
        """
        from csworkbench import views

        if self.output_dir is not None:
            self._write(result, self.output_dir)
        return views.conclude(result, self.workspace.language)

    def _write(self, result: Result, folder: Path) -> None:
        name = _stem(type(result).__module__)
        if name not in self._configs:
            raise ConfigError(f"{name}: its settings were not read with desk.config({name}) before desk.conclude")
        offered: Sequence[Part] = getattr(result, "parts", ())
        stored = [
            StoredPart(
                part.dimension, part.value, printable(part.title), text(part.result.headline, self.workspace.language),
                f"{PARTS_FOLDER}/{slug}",
            )
            for part, slug in zip(offered, slugs([part.value for part in offered]), strict=True)
        ]  # fmt: skip
        for part, place in zip(offered, stored, strict=True):
            self._write_part(part, folder / place.folder, name)
        self._write_one(result, folder, name, stored)

    def _write_part(self, part: Part, folder: Path, name: str) -> None:
        from csworkbench import views

        folder.mkdir(parents=True)
        self._write_one(part.result, folder, name)
        write_json(folder / STORY_FILE, views.story(part, self.workspace.language))

    def _write_one(self, result: Result, folder: Path, name: str, parts: Sequence[StoredPart] = ()) -> None:
        write_result(
            folder,
            result,
            analysis=name,
            as_of=self.as_of,
            config=plain(self._configs[name]),
            tables=write_files(result, folder),
            parts=parts,
            language=self.workspace.language,
        )

    def _path_of(self, name: str) -> Path:
        return self.root / (self._config_path or f"configs/{name}.yaml")

    def _published(self, name: str, *, is_needed: bool) -> StoredResult | None:
        assert self.output_dir is not None  # noqa: S101 - for the type checker; `upstream` has asked
        try:
            return read_result(self.output_dir.parent / name)
        except RunError:
            if is_needed:
                raise
            return None

    def _could_run(self, name: str) -> bool:
        from csworkbench.planner import analyses

        module, path = analyses(self.root).get(name), self.root / f"configs/{name}.yaml"
        return module is not None and path.is_file() and set(module.READS) <= set(self.workspace.tables)

    def latest(self, name: str, config: Section) -> StoredResult | None:
        """Return what the latest run found for this date with these settings; None where it did not.

        Args:
            name: Analysis.
            config: Its settings.
        """
        try:
            found = read_result(self.root / "outputs" / "latest" / name)
        except RunError:
            return None
        return found if found.as_of == self.as_of and found.config == plain(config) else None

    def _own(self, name: str, *, is_needed: bool) -> Upstream | None:
        from csworkbench.planner import analyses

        module = analyses(self.root).get(name)
        if module is None:
            if is_needed:
                raise RunError(f"there is no analysis {name!r}, which this one needs")
            return None
        config = load(self.root / f"configs/{name}.yaml", module.Config, self.root)
        latest = self.latest(name, config)
        if latest is not None or not is_needed:
            return latest
        made = self._computed.get(name)
        if made is None or made.config != plain(config):
            sys.stderr.write(f"{name}: no run of {self.as_of} with these settings is stored; computed here instead\n")
            inputs = module.prepare(self.snapshot, config, self.upstream(module))
            made = self._computed[name] = ComputedResult(module.analyze(inputs, config), plain(config))
        return made


def start(
    workspace: str = "",
    config: str = "",
    as_of: str = "",
    output_dir: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> Desk:
    """Return the desk of a notebook; its arguments are the notebook's parameters.

    Papermill starts a kernel in the project, JupyterLab in the notebook's folder: the project is found from either.

    Args:
        workspace: Path of workspace.yaml, from the project or the current folder; empty looks for it from the current
            folder upwards.
        config: Path of the settings, from the project; empty takes configs/<analysis>.yaml.
        as_of: Cut-off date, ISO; empty takes the workspace's.
        output_dir: Folder for result.json and tables; empty writes nothing.
        overrides: Settings to change, by dotted key: {"bands.0.high": 45}.

    Raises:
        ConfigError: there is no workspace, or it is wrong.
    """
    desk = Desk(_find(workspace, Path.cwd()), config, as_of, output_dir, overrides or {})
    speak(desk.workspace.language)
    return desk


def secret(reference: str) -> str:
    """Return the secret that a setting names; what a run writes has its name where the notebook says it.

    Args:
        reference: env:NAME, the name of an environment variable.

    Raises:
        ConfigError: it is no such name, or there is no such variable.
    """
    kind, _, name = reference.partition(":")
    if kind != "env" or not name.isidentifier():
        raise ConfigError("a secret is written as env:NAME, the name of an environment variable")
    if name not in os.environ:
        raise ConfigError(f"the environment variable {name} is not set")
    return os.environ[name]


def write_files(result: Result, folder: Path) -> "Mapping[str, ExportedTable]":
    """Write the tables of a result, and those that people take away in further kinds; return what was written by name.

    Args:
        result: What is written.
        folder: Folder of the result.
    """
    from csworkbench.exports import write_handout, write_tables

    # An id is exported as it is: an apostrophe before it would make another customer of it.
    ids = {column for frame in result.tables.values() for column in frame.columns if str(column).endswith("_id")}
    place = folder / "tables"
    tables = dict(write_tables(result.tables, place, sorted(ids)))
    for each in getattr(result, "handouts", ()):
        tables[each.table] = write_handout(result.tables[each.table], place, each.table, each.kinds, tables[each.table])
    return tables


def _limited(workspace: Workspace) -> Workspace:
    """Return the workspace with the threads a batch leaves to this kernel, so that its kernels share the cores."""
    threads = os.environ.get("CSWORKBENCH_THREADS")
    if threads is None or workspace.engine.threads is not None:
        return workspace
    return workspace.model_copy(update={"engine": workspace.engine.model_copy(update={"threads": int(threads)})})


def _find(workspace: str, here: Path) -> Path:
    """Return the workspace file: a relative path counts from the current folder or any folder above it."""
    if workspace:
        for folder in (here, *here.parents):
            if (folder / workspace).is_file():
                return folder / workspace
    return find_workspace(workspace or None, here)


def _stem(module_name: str) -> str:
    """Return the name of an analysis from its module, or from a module inside its package."""
    _, _, inner = module_name.rpartition("analyses.")
    return inner.split(".")[0]


def _needs(analysis: ModuleType) -> Iterator[tuple[str, bool]]:
    yield from ((name, True) for name in analysis.NEEDS)
    yield from ((name, False) for name in analysis.NEEDS_IF_PRESENT)


def load_extension(shell: Any) -> None:
    """Take edited modules without a restart, and show results as on a page also where no desk was started.

    Args:
        shell: The IPython shell, as `%load_ext csworkbench` gives it.
    """
    shell.run_line_magic("load_ext", "autoreload")
    shell.run_line_magic("autoreload", "2")
    _show_as_html(Readable, "", shell)


def _show_as_html(result_type: type, language: str, shell: Any) -> None:
    """Let a bare result at the end of a cell appear as its view."""
    from csworkbench import views

    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type(result_type, lambda result, **_: views.show(result, language)._repr_mimebundle_())


def _shell() -> Any:
    """Return the running IPython shell; None in a plain Python process."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
