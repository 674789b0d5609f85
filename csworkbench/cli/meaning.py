"""What one key of a config does: its meaning and value, and the results it moves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from csworkbench.errors import ConfigError, Problem, did_you_mean

if TYPE_CHECKING:
    from csworkbench.cli.catalog import Entry, Project
    from csworkbench.config.describing import KeyDoc

SHOWN_KEYS = 4
POLICY = "contact_policy"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A key with all there is to know about it.

    Args:
        name: Config it stands in: workspace, scorecard, health ...
        file: File of that config, from the project root; empty without one.
        key: The key, its value and its place.
        moves: Analyses whose results it can change, the nearest first.
    """

    name: str
    file: str
    key: "KeyDoc"
    moves: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it in JSON types."""
        return {"name": self.name, "file": self.file, **asdict(self.key), "moves": list(self.moves)}


def meanings(project: "Project", word: str) -> tuple[Meaning, ...]:
    """Return the keys a word stands for: `health.compare_months`, or `compare_months` wherever there is one.

    Args:
        project: The project.
        word: A dotted key, with or without the name of its config.

    Raises:
        ConfigError: No config has such a key; the nearest ones are given.
    """
    from csworkbench.cli.catalog import entries
    from csworkbench.planner import analyses

    known, modules = entries(project), analyses(project.root)
    found: list[Meaning] = []
    names: dict[str, None] = {}
    deeper: dict[str, None] = {}
    for entry in known.values():
        for path in entry.paths or (None,):
            for key in _keys(entry, path, project.root):
                names |= dict.fromkeys((f"{entry.name}.{key.key}", key.key))
                if key.key.endswith(f".{word}"):
                    deeper[f"{entry.name}.{key.key}"] = None
                if word in (f"{entry.name}.{key.key}", key.key):
                    file = path.relative_to(project.root).as_posix() if path else ""
                    found.append(Meaning(entry.name, file, key, _moved(entry.name, key.key, modules)))
    if not found:
        more = f", and {len(deeper) - SHOWN_KEYS} more" if len(deeper) > SHOWN_KEYS else ""
        otherwise = did_you_mean(word, names, "`csw describe NAME` lists the keys of a config")
        hint = f"deeper keys end so: {', '.join(list(deeper)[:SHOWN_KEYS])}{more}" if deeper else otherwise
        raise ConfigError(Problem("no config has this key", key=word, hint=hint))
    return tuple(found)


def _keys(entry: "Entry", path: Path | None, root: Path) -> "list[KeyDoc]":
    from csworkbench.config.describing import describe

    return describe(entry.model, path if path and path.is_file() else None, root)


def _moved(name: str, key: str, modules: Mapping[str, ModuleType]) -> tuple[str, ...]:
    """Return the analyses a key can move: those that read it, and those that build on their results."""
    if name in modules:
        return _with_later((name,), modules)
    if name != "workspace":
        fields = {name, f"{name}s", f"earlier_{name}s"}
        readers = (each for each, module in modules.items() if fields & module.Config.model_fields.keys())
        return _with_later(tuple(readers), modules)
    top, _, rest = key.partition(".")
    if top in ("engine", "batch", "version"):
        return ()
    if top == "tables" and rest:
        table = rest.partition(".")[0]
        readers = (each for each, module in modules.items() if table in (*module.READS, *_optional(module, "READS")))
        return _with_later(tuple(readers), modules)
    lists = (each for each, module in modules.items() if POLICY in _source(module))
    return _with_later(tuple(lists), modules) if top == POLICY else tuple(modules)


def _with_later(first: tuple[str, ...], modules: Mapping[str, ModuleType]) -> tuple[str, ...]:
    moved = dict.fromkeys(first)
    while later := [
        name
        for name, module in modules.items()
        if name not in moved and moved.keys() & {*module.NEEDS, *_optional(module, "NEEDS")}
    ]:
        moved |= dict.fromkeys(later)
    return tuple(moved)


def _optional(module: ModuleType, what: str) -> tuple[str, ...]:
    return tuple(getattr(module, f"{what}_IF_PRESENT", ()))


def _source(module: ModuleType) -> str:
    """Return the source of an analysis: which of the workspace's settings it reads stands nowhere else."""
    path = Path(str(module.__file__))
    files = path.parent.glob("*.py") if path.name == "__init__.py" else (path,)
    return "".join(file.read_text("utf-8") for file in files)
