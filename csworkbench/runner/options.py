"""What a run is told before it starts, and what of it is refused before any kernel does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import ConfigError, Problem
from csworkbench.runner.events import TableRead
from csworkbench.runner.kernels import Kernel
from csworkbench.store import Job, RunInfo, RunRecord, read_notebook
from csworkbench.store.notebooks import check_parameters

if TYPE_CHECKING:
    from csworkbench.runner.cluster import Cluster


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done.

    Args:
        run_id: Name of the run, from the caller's clock: 2026-11-22T041500Z-ab12.
        root: Folder of the project; kernels start there.
        started_at: Instant of the start, with time zone.
        workers: How many notebooks run at once.
        info: What the run is made from.
        tables: How the tables were read, for the log.
        start_timeout_seconds: How long a kernel may take to answer.
        kernel: How kernels are started.
        grace_seconds: Time between the interrupt at a deadline and the kill.
        is_fresh: Whether every notebook is executed, also where the store has its result.
        extras: Makes further files of the run from its record, by name.
        browser: Prints every page as PDF; None prints none.
        cluster: Where notebooks are executed; None = on this machine.
    """

    run_id: str
    root: Path
    started_at: datetime
    workers: int = 2
    info: RunInfo = field(default_factory=RunInfo)
    tables: tuple[TableRead, ...] = ()
    start_timeout_seconds: int = 60
    kernel: Kernel = Kernel.STOCK
    grace_seconds: float = 10.0
    is_fresh: bool = False
    extras: Callable[[RunRecord], Mapping[str, bytes]] | None = None
    browser: Path | None = None
    cluster: "Cluster | None" = None


def check(jobs: Sequence[Job]) -> None:
    """Refuse notebooks that cannot run, before any kernel starts.

    Args:
        jobs: Jobs of a plan.

    Raises:
        ConfigError: A notebook is missing or broken, has no parameters cell, does not know a parameter or gets another
            type than its default, or asks for a kernel that is not installed. Every problem of every notebook.
    """
    jobs = [job for job in jobs if job.skip is None]
    if not jobs:
        return  # looking for kernels takes half a second
    from jupyter_client.kernelspec import KernelSpecManager

    kernels = KernelSpecManager().find_kernel_specs()
    problems: list[Problem] = []
    for job in jobs:
        try:
            notebook = read_notebook(job.notebook)
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        problems.extend(check_parameters(notebook, job.parameters))
        if notebook.kernel not in kernels:
            hint = f"installed: {', '.join(sorted(kernels)) or 'none'}"
            problems.append(Problem(f"there is no kernel '{notebook.kernel}'", file=job.notebook.name, hint=hint))
    if problems:
        raise ConfigError(*problems)
