"""A process that has imported our libraries once and forks a kernel for each request. Started by `warm`; Linux only.

It stays single-threaded and opens no file, socket or database, so that a fork copies nothing but memory. Each kernel
has a link, a socket of its own to whoever asked for it: the kernel says its process number there, this process its exit
code later, and a link that is let go ends its kernel.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csworkbench.runner.watch import TOKEN_VARIABLE

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "CSWORKBENCH_THREADS")
TOKEN_ROOM = "x" * 200
# libraries that would otherwise start threads when they are imported
QUIET = {
    **dict.fromkeys(THREADS, "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "_RJEM_MALLOC_CONF": "background_thread:false",
    TOKEN_VARIABLE: TOKEN_ROOM,
}
LARGEST_MESSAGE = 1 << 20
PDEATHSIG = 1
# What notebooks use. A library that is not there is left to the notebook that asks for it.
LIBRARIES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "sqlite3",
    "tornado.platform.asyncio",
    "tornado.queues",
    "matplotlib_inline.backend_inline",
    "numpy.random",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "ibis.backends.duckdb",
    "scipy.stats",
    "statsmodels.api",
    "statsmodels.formula.api",
    "sklearn.ensemble",
    "sklearn.isotonic",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "ipywidgets",
    "holidays",
    "tea_tasting",
    "csworkbench.session",
    "csworkbench.shards",
    "csworkbench.views",
    "csworkbench.charts",
)


@dataclass(frozen=True, slots=True)
class Request:
    """One kernel to be.

    Args:
        arguments: What follows the launcher's name on the command line.
        environment: All its environment variables.
        folder: Where it starts.
        link: Socket to whoever asked.
        outputs: Descriptors of its standard output and error.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    link: socket.socket
    outputs: tuple[int, int]


def main() -> None:
    """Warm up, serve until nobody is left to serve, and become the kernel in each fork."""
    with suppress(ValueError, IndexError):
        if not sys.path[0] or Path(sys.path[0]) == Path.cwd():
            del sys.path[0]  # as ipykernel's launcher does: the kernel adds its own folder
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm_up(control)
    request = Server(control).serve()
    if request is not None:
        become(request)


def warm_up(control: socket.socket) -> None:
    """Import what notebooks use; stop where nobody waits any more.

    Args:
        control: Socket to the process that started this one.
    """
    ours = [f"csworkbench.analyses.{each.name}" for each in pkgutil.iter_modules(_folders("csworkbench.analyses"))]
    for name in (*LIBRARIES, *ours):
        if _is_let_go(control):
            raise SystemExit
        # whatever is wrong with a library, the notebook that needs it says so better
        with suppress(Exception):
            importlib.import_module(name)
    if "duckdb" in sys.modules:
        # importing it opens a database in memory with threads; the next one who asks gets a new one
        sys.modules["duckdb"].default_connection().close()
    gc.collect()
    gc.freeze()


class Server:
    """Forks kernels on request, tells how they ended, and ends those that were let go.

    Args:
        control: Socket on which requests come.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._is_open = True
        self._links: dict[int, int] = {}
        self._ends: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> Request | None:
        """Return a request in the fork that is to be its kernel; None in the server, when nobody is left."""
        while self._is_open or self._ends:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._control.fileno():
                    request = self._take()
                    if request is not None and self._fork(request):
                        return request
                elif descriptor in self._ends:
                    self._reap(descriptor)
                elif descriptor in self._links:
                    self._poll.unregister(descriptor)
                    _kill(self._links.pop(descriptor))
        return None

    def _take(self) -> Request | None:
        message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 3)
        if not message:
            self._poll.unregister(self._control)
            self._is_open = False
            return None
        asked: dict[str, Any] = json.loads(message)
        link, out, err = descriptors
        connected = socket.socket(fileno=link)
        return Request(tuple(asked["arguments"]), asked["environment"], asked["folder"], connected, (out, err))

    def _fork(self, request: Request) -> bool:
        """Return whether this is the fork."""
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
            if os.getppid() != server:
                os._exit(1)
            self._forget()
            return True
        for descriptor in request.outputs:
            os.close(descriptor)
        end = os.pidfd_open(pid)
        self._ends[end] = (pid, request.link)
        self._links[request.link.fileno()] = pid
        self._poll.register(end, select.POLLIN)
        self._poll.register(request.link, 0)  # hang-ups are always told
        return False

    def _forget(self) -> None:
        """Close everything that belongs to the server."""
        self._control.close()
        for end, (_, link) in self._ends.items():
            os.close(end)
            link.close()

    def _reap(self, end: int) -> None:
        pid, link = self._ends.pop(end)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):
            link.send(f"exit {os.waitstatus_to_exitcode(status)}".encode())
        self._poll.unregister(end)
        if self._links.pop(link.fileno(), None) is not None:
            self._poll.unregister(link)
        os.close(end)
        link.close()


def become(request: Request) -> None:
    """Be the kernel of a request, in a session of its own, until it ends.

    Args:
        request: What was asked for.
    """
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, descriptor in enumerate((nothing, *request.outputs)):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    _mark(request.environment.get(TOKEN_VARIABLE, ""))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _restore_libraries()
    # the value of init: the kernel neither watches a parent, as the system ends it with ours, nor prints how to join it
    sys.argv = ["ipykernel_launcher", *request.arguments, "--IPKernelApp.parent_handle=1"]
    request.link.send(f"pid {os.getpid()}".encode())
    request.link.close()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def _restore_libraries() -> None:
    """Give the fork random numbers and threads of its own: both were settled when the libraries were imported."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # Python's own generator is seeded at each fork
    threads = os.environ.get("OMP_NUM_THREADS", "")
    count = int(threads) if threads.isdigit() else len(os.sched_getaffinity(0))
    with suppress(ImportError):
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].set_cpu_count(count)


def _mark(token: str) -> None:
    """Write the mark of a notebook where others read a process' environment: it still shows the server's.

    Args:
        token: Value of the marking variable.
    """
    fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    begin, end = int(fields[47]), int(fields[48])  # env_start and env_end, the 50th and 51st field of proc(5)
    entry = f"{TOKEN_VARIABLE}=".encode()
    place = ctypes.string_at(begin, end - begin).find(entry + TOKEN_ROOM.encode()) if end > begin else -1
    if place >= 0:
        room = len(TOKEN_ROOM)
        ctypes.memmove(begin + place + len(entry), token.encode()[:room].ljust(room, b"\0"), room)


def _is_let_go(control: socket.socket) -> bool:
    try:
        return control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def _folders(package: str) -> list[str]:
    return list(importlib.import_module(package).__path__)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
