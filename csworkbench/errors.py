"""Errors for people: what is wrong, where, what was found, what to do.

    WorkbenchError          anything below; exit code 1
    ├── ConfigError         a setting, a parameter or the usage of a command is wrong; exit code 2
    ├── DataError           an input file or table was refused; exit code 3
    ├── AnalysisError       a figure cannot be computed from these inputs; exit code 1
    │   └── NothingToAnalyze  the book has nothing of what it is about: a run skips it
    ├── RunError            a notebook or a batch failed; exit code 1
    └── EnvironmentProblem  disk, permissions, locks, missing programs; exit code 4

Mistakes of users raise one of these; mistakes of programmers raise `ValueError` or `TypeError`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with its place and what to do about it.

    `str(problem)` is `file:line:col: key: message (hint)`, leaving out what is not known.
    """

    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    key: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        text = ": ".join(part for part in (place, self.key, self.message) if part)
        return f"{text} ({self.hint})" if self.hint else text


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint for a word that is not known: the nearest known one.

    Args:
        word: What was written.
        known: The words there are.
        otherwise: What to say where none is near.
    """
    words = list(known)
    near = get_close_matches(word, words, n=1) or [each for each in words if each.casefold() == word.casefold()]
    return f"did you mean '{near[0]}'?" if near else otherwise


class WorkbenchError(Exception):
    """Base of every error a user can cause; carries all problems found, not only the first.

    Args:
        problems: What is wrong; a plain string is a problem without a place. At least one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, *problems: Problem | str) -> None:
        if not problems:
            raise ValueError("an error needs at least one problem")
        self.problems = tuple(Problem(item) if isinstance(item, str) else item for item in problems)
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        hidden = len(self.problems) - SHOWN_PROBLEMS
        if hidden > 0:
            lines.append(f"... and {hidden} more problem{'s' if hidden > 1 else ''}")
        return "\n".join(lines)


class ConfigError(WorkbenchError):
    """A setting, a parameter or the way a command was called is wrong."""

    exit_code = 2


class DataError(WorkbenchError):
    """An input file or table was refused."""

    exit_code = 3


class AnalysisError(WorkbenchError):
    """A figure cannot be computed from these inputs."""


class NothingToAnalyze(AnalysisError):  # noqa: N818 - no fault: a run skips the notebook and gives this as the reason
    """The book has no table or no account that an analysis is about; nothing in it is wrong."""


class RunError(WorkbenchError):
    """A notebook or a batch failed."""


class EnvironmentProblem(WorkbenchError):  # noqa: N818 - the name is a contract, and "problem" says more than "error"
    """The machine is in the way: disk, permissions, a lock, a missing program."""

    exit_code = 4


def refuse_absent(file: str, named: Iterable[tuple[str, str, Collection[str]]]) -> None:
    """Refuse settings that name what the book does not have on its day.

    Args:
        file: Where they are written.
        named: Key, what it names, and what there is.

    Raises:
        ConfigError: something is not there; every such key.
    """
    problems = [
        Problem(f"there is no {each!r} on this day", key=key, file=file, hint=did_you_mean(each, known))
        for key, each, known in named
        if each not in known
    ]
    if problems:
        raise ConfigError(*problems)
