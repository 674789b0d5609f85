"""The files of the library, each read on its own: a broken one is a problem to tell, and the others go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from csworkbench.config import load_text, texts_of
from csworkbench.errors import ConfigError, Problem
from csworkbench.playbooks.definition import PLAYBOOKS, Playbook


@dataclass(frozen=True, slots=True)
class Library:
    """The playbooks that could be read.

    Args:
        playbooks: Id -> playbook.
        texts: Id -> text of its file, as it stands there.
        problems: What is wrong with the other files, each with its place.
        broken: Names of these files without their ending: the ids that plans may name nevertheless.
    """

    playbooks: Mapping[str, Playbook]
    texts: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    broken: tuple[str, ...] = ()


def read(folder: Path) -> Library:
    """Return the playbooks of a folder; an absent folder has none.

    Args:
        folder: Such as configs/playbooks of a project.
    """
    return parsed(texts_of(folder))


def parsed(texts: Mapping[str, str], folder: str = PLAYBOOKS) -> Library:
    """Return the playbooks of texts.

    Args:
        texts: Name of the file -> its text, as `FromFolder` gives them.
        folder: Where they stand, for the places of problems.
    """
    found: dict[str, Playbook] = {}
    problems: list[Problem] = []
    broken: list[str] = []
    for name in sorted(texts):
        stem, place = name.removesuffix(".yaml"), f"{folder}/{name}"
        try:
            playbook = load_text(texts[name], Playbook, place)
        except ConfigError as error:
            problems.extend(error.problems)
            broken.append(stem)
            continue
        if playbook.id != stem:
            problems.append(_misnamed(playbook.id, place, is_taken=f"{playbook.id}.yaml" in texts))
            broken.append(stem)
            continue
        found[stem] = playbook
    return Library(
        MappingProxyType(found),
        MappingProxyType({name: texts[f"{name}.yaml"] for name in found}),
        tuple(problems),
        tuple(broken),
    )


def _misnamed(name: str, place: str, *, is_taken: bool) -> Problem:
    if is_taken:
        message, hint = f"'{name}' is the id of {name}.yaml already", "each playbook has one file, named by its id"
    else:
        message, hint = f"'{name}' is not the name of the file", f"call the file {name}.yaml"
    return Problem(message, place, key="id", hint=hint)
