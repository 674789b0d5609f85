"""A project of three small notebooks, and a process that runs it once and may be told to die while it writes.

python -m tests.soak.light FOLDER RUN_ID LEVEL [NAMES [DIE_AT]], with LIGHT_KERNEL=warm for warm kernels
"""

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from csworkbench.runner import Kernel, RunOptions, run
from csworkbench.store import Job

NEEDS = {"first": (), "second": ("first",), "third": ()}
STARTED = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
WRITES = ("fsync", "link", "mkdir", "rename", "replace", "symlink", "unlink", "rmdir")
# A list of half a megabyte: long enough to be cut in the middle, were it not written aside.
BODY = """
import hashlib, json
from pathlib import Path
home = Path(output_dir)
before = [json.loads((home.parent / name / "result.json").read_text())["headline"] for name in needs]
rows = "account_id,level\\n" + "".join(f"A{number},{level}\\n" for number in range(50_000))
(home / "tables").mkdir()
(home / "tables" / "list.csv").write_text(rows)
(home / "tables" / "list.parquet").write_text("not read here")
digest = hashlib.sha256(rows.encode()).hexdigest()
table = {"files": ["tables/list.csv", "tables/list.parquet"], "rows": 50_000, "sha256": digest}
result = {"analysis": "light", "as_of": "2026-09-30", "headline": f"level {level} {before}", "figures": {},
          "caveats": [], "actions": [], "tables": {"list": table}, "config": {"level": level}}
(home / "result.json").write_text(json.dumps(result))
"""


def make(folder: Path) -> Path:
    """Write the notebooks and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, needs in NEEDS.items():
        parameters = f'output_dir = ""  # place\nlevel = 0  # setting\nneeds = {list(needs)!r}  # what it reads'
        cells = [
            {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {name.title()}"},
            code("parameters", parameters, "parameters"),
            code("body", BODY),
        ]
        data = {
            "cells": cells,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (folder / f"{name}.ipynb").write_text(json.dumps(data), encoding="utf-8")
    return folder


def code(name: str, source: str, *tags: str) -> dict[str, object]:
    """Return a code cell."""
    facts = {"cell_type": "code", "id": name, "source": source, "execution_count": None, "outputs": []}
    return {**facts, "metadata": {"tags": list(tags)} if tags else {}}


def jobs(folder: Path, level: int, names: tuple[str, ...] = tuple(NEEDS)) -> list[Job]:
    """Return a job for each notebook; its key changes with the level."""
    return [
        Job(
            name,
            folder / f"{name}.ipynb",
            {"level": level},
            NEEDS[name],
            key=sha256(f"{name} {level}".encode()).hexdigest(),
            made_of={"level": level},
        )
        for name in names
    ]


def die_at(count: int) -> None:
    """Let this process be killed before it changes the disk for the `count`-th time; print how often it did."""
    guard, done = threading.Lock(), [0]

    def counted(call):
        def counting(*values, **options):
            with guard:
                done[0] += 1
                if done[0] == count:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*values, **options)

        return counting

    for name in WRITES:
        setattr(os, name, counted(getattr(os, name)))
    import atexit

    atexit.register(lambda: print(done[0]))


def main(folder: str, run_id: str, level: str, names: str = "", count: str = "") -> int:
    """Run the project once and return its exit code."""
    if count:
        die_at(int(count))
    chosen = tuple(names.split(",")) if names else tuple(NEEDS)
    place = Path(folder)
    kernel = Kernel(os.environ.get("LIGHT_KERNEL", "stock"))
    options = RunOptions(run_id, place, STARTED, workers=2, kernel=kernel)
    record = run(jobs(place, int(level), chosen), place / "outputs", options)
    return record.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
