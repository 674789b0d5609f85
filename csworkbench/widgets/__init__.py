"""Settings to turn beside what they do: the same `analyze`, the effect against what is saved, and Save with a diff.

knobs     the settings of a config that may be turned, with their bounds
controls  a slider, box or list for each of them
panel     controls, what they do, Reset and Save
"""

from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from csworkbench.config import Section, load
from csworkbench.errors import WorkbenchError
from csworkbench.planner import analyses
from csworkbench.store import StoredResult
from csworkbench.views import View
from csworkbench.widgets.knobs import Knob, knobs
from csworkbench.widgets.panel import Panel, Saved

__all__ = ["Knob", "Panel", "Place", "Saved", "knobs", "tune"]


class Place(Protocol):
    """Where a notebook stands: what `tune` needs of `session.Desk`."""

    @property
    def root(self) -> Path:
        """Return the project."""
        ...

    @property
    def language(self) -> str:
        """Return the language of texts and numbers."""
        ...

    @property
    def is_live(self) -> bool:
        """Return whether somebody is there who could turn a control."""
        ...

    def settings_file(self, analysis: ModuleType) -> Path:
        """Return the file the settings of an analysis come from."""
        ...

    def settings(self, config: Section) -> View:
        """Return the settings as a plain table."""
        ...

    def latest(self, name: str, config: Section) -> StoredResult | None:
        """Return what the latest run found for this date with these settings; None where it did not."""
        ...


def tune(analysis: ModuleType, inputs: Any, config: Section, desk: Place) -> Panel | View:
    """Return controls for the settings that `analyze` alone uses; a plain table of settings where nobody can turn them.

    Args:
        analysis: Module of the analysis.
        inputs: What its `prepare` returned.
        config: Its settings as they are saved.
        desk: The notebook's desk.
    """
    settings = desk.settings(config)
    if not desk.is_live:
        return settings
    saved = Saved(desk.settings_file(analysis), desk.root, desk.language, settings.text)
    return Panel(analysis, inputs, config, saved, _proof(analysis, desk))


def _proof(analysis: ModuleType, desk: Place) -> Any:
    """Return what the latest run of the analysis that proves this one says of other settings; None without one."""
    name, table = getattr(analysis, "PROVED_BY", ("", ""))
    path = desk.root / f"configs/{name}.yaml"
    if not name or not path.is_file():
        return None
    try:
        found = desk.latest(name, load(path, analyses(desk.root)[name].Config, desk.root))
        return None if found is None or table not in found.tables else analysis.Proof(found.tables[table])
    except WorkbenchError:
        return None  # a proof is an extra: what is wrong with its settings or its files is told where they are used
