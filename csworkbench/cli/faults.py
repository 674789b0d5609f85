"""From errors to exit codes: one plain line per problem, a traceback only in a log file."""

import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer

from csworkbench.cli.console import answer_json, prepare_streams, tell
from csworkbench.errors import EnvironmentProblem, Problem, WorkbenchError


def guarded(call: Callable[[], object], *, as_json: bool) -> int:
    """Return the exit code of a command; whatever it raises becomes lines on stderr.

    Args:
        call: The command; an int it returns is its exit code, everything else is 0.
        as_json: Describe an error as one JSON document on stdout too.
    """
    prepare_streams()
    try:
        with _terminable():
            code = call()
    except WorkbenchError as error:
        return _report(str(error), error.exit_code, error.problems, as_json=as_json)
    except typer.TyperException as error:
        message = f"{error.format_message()}\nSee {_path(error)} --help."
        return _report(message, 2, (Problem(error.format_message()),), as_json=as_json)
    except typer.Abort:
        return 130
    except SystemExit as error:
        # Typer ends so when whoever read the help has seen enough: that is no failure.
        is_unread = isinstance(error.__context__, BrokenPipeError)
        return 0 if is_unread else error.code if isinstance(error.code, int) else 1
    except OSError as error:
        return _system_fault(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last line of defence: our own mistakes end in a log, not in a wall of text
        return _own_fault(error, as_json=as_json)
    return code if isinstance(code, int) else 0


@contextmanager
def outside(address: str) -> Iterator[None]:
    """Turn whatever the library of a file system raises into one error: each has errors of its own.

    Args:
        address: What was reached for.

    Raises:
        EnvironmentProblem: It raised something.
    """
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise EnvironmentProblem(Problem(f"cannot be used: {said}", file=address)) from error


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: what is temporary is removed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: object) -> None:
    del frame
    raise SystemExit(128 + number)


def _path(error: typer.TyperException) -> str:
    """Return the command that was misused: `csw run`."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "csw"


def _report(message: str, code: int, problems: tuple[Problem, ...], *, as_json: bool) -> int:
    if as_json:
        answer_json({"exit_code": code, "problems": [asdict(problem) for problem in problems]})
    tell(message)
    return code


def _system_fault(error: OSError, *, as_json: bool) -> int:
    """Report what the machine refused: the path and the system's own word for it."""
    where = os.fspath(error.filename) if isinstance(error.filename, str | os.PathLike) else ""
    problem = Problem(error.strerror or str(error), file=where)
    return _report(f"{problem}{_log(error)}", EnvironmentProblem.exit_code, (problem,), as_json=as_json)


def _own_fault(error: Exception, *, as_json: bool) -> int:
    problem = Problem(f"unexpected {type(error).__name__}: {str(error).partition(chr(10))[0]}")
    return _report(f"{problem}{_log(error)}", 1, (problem,), as_json=as_json)


def _log(error: Exception) -> str:
    """Write the traceback to a file of its own and return the sentence that names it; empty when no disk takes it."""
    try:
        handle, path = tempfile.mkstemp(prefix="csw-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as log:
            log.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f"\nThe full traceback is in {path}"
