"""Watching one notebook's kernel: its deadline, a stop from outside, and every process it leaves behind."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TOKEN_VARIABLE = "CSWORKBENCH_KERNEL"  # noqa: S105 - names the variable; what it holds is no secret
GRACE_SECONDS = 10.0


class Stopped(Exception):  # noqa: N818 - a signal between threads, not an error of anybody
    """The notebook has to end now: deadline passed, or the run was stopped."""


class Watch:
    """Holds the process group of one kernel, and ends it: politely at the deadline, at once after the grace.

    Args:
        timeout_seconds: Deadline of all its cells together, from `begin` on.
        token: Value of the environment variable that marks all processes of this notebook.
        grace_seconds: Time between the interrupt and the kill.
    """

    def __init__(self, timeout_seconds: float, token: str, grace_seconds: float = GRACE_SECONDS) -> None:
        self.is_timed_out = False
        self.is_stopped = False
        self.timeout_seconds = timeout_seconds
        self.token = token
        self._grace_seconds = grace_seconds
        self._group: int | None = None
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []

    def attach(self, pid: int) -> None:
        """Take over a kernel that has just been started.

        Args:
            pid: Its process.

        Raises:
            Stopped: The notebook was to end before its kernel was there.
        """
        with self._lock:
            self._group = os.getpgid(pid)
        self.check()

    def begin(self) -> None:
        """Let the time run: the kernel has answered."""
        self._after(self.timeout_seconds, self._expire)

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            Stopped: The deadline has passed, or the run was stopped.
        """
        if self.is_timed_out or self.is_stopped:
            raise Stopped

    def stop(self) -> None:
        """End the notebook at once: the run was stopped."""
        self.is_stopped = True
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """End the watch, and every process of the notebook that is still there, in whichever session it hides."""
        for timer in self._timers:
            timer.cancel()
        self._signal(signal.SIGKILL)
        with self._lock:
            self._group = None
        kill_marked(self.token)

    def _expire(self) -> None:
        self.is_timed_out = True
        self._after(self._grace_seconds, lambda: self._signal(signal.SIGKILL))
        self._signal(signal.SIGINT)

    def _signal(self, number: int) -> None:
        with self._lock:
            if self._group is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, number)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()


def kill_marked(token: str) -> None:
    """Kill every process that carries a token in its environment.

    Args:
        token: Value of the marking variable, or how it begins.
    """
    for pid in processes_marked(token):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def processes_marked(token: str) -> tuple[int, ...]:
    """Return the processes that carry a token in their environment; none where there is no /proc.

    Args:
        token: Value of the marking variable, or how it begins.
    """
    mark = f"{TOKEN_VARIABLE}={token}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(entry.startswith(mark) for entry in (folder / "environ").read_bytes().split(b"\0")):
                found.append(int(folder.name))
        except OSError:
            continue  # gone meanwhile, or another user's
    return tuple(found)
