"""Which kernels a run uses, and how many at once: what the machine can carry."""

import os
import sys
from enum import StrEnum
from pathlib import Path

FEWEST_WARM = 3
BYTES_EACH = 1 << 30
WARM_ADDRESSES = 4 << 30
"""With all libraries at once in less, BLAS waits for memory without end: measured at 1.5 GiB."""


class Kernel(StrEnum):
    """How kernels are started: forked from a process that has done the imports, or each by itself."""

    AUTO = "auto"
    WARM = "warm"
    STOCK = "stock"


def choose(kernel: Kernel, notebooks: int) -> tuple[bool, str]:
    """Return whether kernels are to be warm, and what is worth saying about it.

    Args:
        kernel: What was asked for; auto warms up where it can be done and pays, from three notebooks on.
        notebooks: How many will be executed.
    """
    if kernel is Kernel.STOCK or notebooks < (1 if kernel is Kernel.WARM else FEWEST_WARM):
        return False, ""
    reason = why_not_warm()
    return not reason, f"{reason}: each notebook starts a kernel of its own" if reason else ""


def why_not_warm() -> str:
    """Return why kernels cannot be warm on this machine; empty where they can."""
    if sys.platform != "linux":
        return "warm kernels need Linux"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return f"warm kernels need pidfd_open, which this system refuses ({error.strerror})"
    import resource  # not on every system

    addresses, _ = resource.getrlimit(resource.RLIMIT_AS)
    if addresses != resource.RLIM_INFINITY and addresses < WARM_ADDRESSES:
        return f"warm kernels need {WARM_ADDRESSES:,} bytes of addresses, and the limit here is {addresses:,}"
    return ""


def fitting() -> int:
    """Return how many notebooks fit on this machine at once: one per core, each with a gigabyte of free memory."""
    free = free_bytes()
    return max(1, min(_cores(), _cores() if free is None else free // BYTES_EACH))


def free_bytes(system: Path = Path("/")) -> int | None:
    """Return the memory that is free for this process; None where the system does not say.

    Args:
        system: Where proc and sys are mounted.
    """
    try:
        lines = (system / "proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    group = system / "sys/fs/cgroup"
    try:
        limit = int((group / "memory.max").read_text("ascii"))
        used = int((group / "memory.current").read_text("ascii"))
    except (OSError, ValueError):  # there is no group, or its limit is "max"
        return free
    return min(free, max(0, limit - used))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
