"""Warm kernels: a provisioner for jupyter_client whose kernels are forks of one process that has done the imports."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from subprocess import DEVNULL, TimeoutExpired
from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

import csworkbench
from csworkbench.runner.kernels import why_not_warm
from csworkbench.runner.watch import TOKEN_VARIABLE
from csworkbench.runner.zygote import LARGEST_MESSAGE, QUIET

NAME, STOCK = "csworkbench-warm", "local-provisioner"
LAUNCHER = ["-m", "ipykernel_launcher"]
# differ between kernels that may come from one process; the fork sets them
PER_KERNEL = frozenset(
    {TOKEN_VARIABLE, "IPYTHONDIR", "JPY_PARENT_PID", "JPY_SESSION_NAME", "PYTEST_CURRENT_TEST", "PWD", "OLDPWD", *QUIET}
)
WARM_UP_SECONDS = 120.0


class WarmProcess:
    """A forked kernel, with what `LocalProvisioner` uses of a `Popen`.

    Args:
        pid: Its process, which leads a session of its own.
        link: Where its exit code is told; the kernel ends when this is closed.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._link = link

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it lives."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code after it has ended.

        Args:
            timeout: Seconds to wait at most; None waits without end.

        Raises:
            TimeoutExpired: It is still alive.
        """
        code = self._ended(timeout)
        if code is None:
            raise TimeoutExpired("kernel", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended.

        Args:
            number: The signal.
        """
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._link.settimeout(timeout)
            try:
                told = _receive(self._link)
            except (BlockingIOError, TimeoutError):
                return None
            # nobody left to tell: its server is gone, and took it along
            self.returncode = int(told[1]) if told else -signal.SIGKILL
            self._link.close()
        return self.returncode


@dataclass(frozen=True, slots=True)
class _Key:
    """What has to be equal for a kernel to be forked from a process: interpreter, environment, and the code itself."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    code: int


class Zygote:
    """The process that forks kernels, seen from outside.

    Args:
        key: What it was started for.
    """

    def __init__(self, key: _Key) -> None:
        self.key = key
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [*key.command, "-m", "csworkbench.runner.zygote", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter of the kernel that was asked for
                words,
                env=dict(key.environment) | QUIET | {"MPLBACKEND": _backend(key)},
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=DEVNULL,
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Return whether it can still be asked."""
        return self._process.poll() is None

    def fork(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: str, outputs: tuple[int, int]
    ) -> WarmProcess | None:
        """Return a new kernel; None when it could not be had.

        Args:
            arguments: What follows the launcher's name on the command line.
            environment: All its environment variables.
            folder: Where it starts.
            outputs: Descriptors for its standard output and error.
        """
        message = json.dumps({"arguments": list(arguments), "environment": dict(environment), "folder": folder})
        link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(self._control, [message.encode()], [theirs.fileno(), *outputs])
            link.settimeout(WARM_UP_SECONDS)
            told = _receive(link)
        except OSError:
            told = []
        if told[:1] == ["pid"]:
            return WarmProcess(int(told[1]), link)
        link.close()
        return None

    def let_go(self) -> None:
        """Ask nothing any more: it ends with the last of its kernels."""
        self._control.close()

    def end(self) -> None:
        """End it, and all its kernels."""
        self.let_go()
        self._process.kill()
        self._process.wait()


class _Warmth:
    """The zygote of this process: at most one that takes requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zygotes: list[Zygote] = []

    def start(self, key: _Key) -> Zygote:
        with self._lock:
            for old in [each for each in self._zygotes if not each.is_alive()]:
                old.end()
                self._zygotes.remove(old)
            if not self._zygotes or self._zygotes[-1].key != key:
                for old in self._zygotes:
                    old.let_go()
                self._zygotes.append(Zygote(key))
            return self._zygotes[-1]

    def close(self) -> None:
        with self._lock:
            while self._zygotes:
                self._zygotes.pop().end()


_WARMTH = _Warmth()
close = _WARMTH.close
atexit.register(close)


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel of this Python as a fork; any other kernel, or where a fork cannot be had, as a process."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel and return where it listens.

        Args:
            cmd: Its command line.
            kwargs: What a `Popen` would get.
        """
        outputs = _outputs(kwargs)
        at = next((index for index in range(len(cmd)) if cmd[index : index + 2] == LAUNCHER), 0)
        forked = None
        if at and outputs and not why_not_warm():
            environment = {**(kwargs.get("env") or os.environ)}
            folder = str(Path(kwargs.get("cwd") or ".").absolute())
            begin = [cmd[0], *cmd[1:at]]
            forked = await asyncio.to_thread(_fork, begin, cmd[at + 2 :], environment, folder, outputs)
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = forked, forked.pid, forked.pid  # type: ignore[assignment]
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info


def choose_provisioner(kernel_spec: Any, *, is_warm: bool) -> None:
    """Settle how kernels of a specification are started, whatever the environment says.

    Args:
        kernel_spec: The specification.
        is_warm: Whether they are to be warm.
    """
    place = f"{WarmProvisioner.__module__}:{WarmProvisioner.__name__}"
    KernelProvisionerFactory.provisioners[NAME] = EntryPoint(NAME, place, KernelProvisionerFactory.GROUP_NAME)
    kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME if is_warm else STOCK}


def warm_up(command: Sequence[str], environment: Mapping[str, str], folder: str) -> Zygote:
    """Return the process that forks kernels of a kind, started if need be; its imports go on meanwhile.

    Args:
        command: Interpreter and its options.
        environment: All environment variables of the kernels.
        folder: Where they start.
    """
    shared = {name: value for name, value in environment.items() if name not in PER_KERNEL}
    if "PYTHONPATH" in shared:
        paths = [str(Path(folder, path).absolute()) for path in shared["PYTHONPATH"].split(os.pathsep) if path]
        shared["PYTHONPATH"] = os.pathsep.join(paths)
    return _WARMTH.start(_Key(tuple(command), tuple(sorted(shared.items())), _code_stamp()))


def _fork(
    command: list[str], arguments: list[str], environment: dict[str, str], folder: str, outputs: tuple[int, int]
) -> WarmProcess | None:
    return warm_up(command, environment, folder).fork(arguments, environment, folder, outputs)


def _code_stamp() -> int:
    """Return a number that changes with an edit of our package and with every library that is put in or taken out."""
    found = []
    pending = [str(Path(csworkbench.__file__).parent)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    pending += [] if entry.name == "__pycache__" else [entry.path]
                elif entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
    for path in sys.path:
        with suppress(OSError):
            if path.endswith("-packages"):
                found.append((path, 0, Path(path).stat().st_mtime_ns))
    return hash(tuple(sorted(found)))


def _backend(key: _Key) -> str:
    return dict(key.environment).get("MPLBACKEND") or "module://matplotlib_inline.backend_inline"


def _outputs(kwargs: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return descriptors of standard output and error; None where a pipe was asked for."""
    found = []
    for number, name in ((1, "stdout"), (2, "stderr")):
        target = kwargs.get(name)
        descriptor = number if target is None else target if isinstance(target, int) else target.fileno()
        found.append(descriptor)
    return (found[0], found[1]) if min(found) >= 0 else None


def _receive(link: socket.socket) -> list[str]:
    return link.recv(LARGEST_MESSAGE).decode().split()
