"""What a batch costs over its cells: warm and stock kernels, and a shell loop over papermill, on the same notebooks.

`python benchmarks/runner.py [SHARDS] [PEERS]`: as many notebooks with heavy imports and light cells; the slower ways
may run on the first PEERS of them only. The floor is the cells alone, in one process that has the imports. Prints CPU
(trust its ratios) and wall time a notebook.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

CELLS = (
    "import matplotlib.figure, sklearn.linear_model\nimport numpy as np, pandas as pd, statsmodels.api as sm",
    "rng = np.random.default_rng(shard)\nframe = pd.DataFrame(rng.normal(size=(20_000, 5)), columns=list('abcde'))",
    "fit = sm.OLS(frame['a'], sm.add_constant(frame[['b', 'c', 'd']])).fit()",
    "groups = frame.assign(group=(frame['e'] * 10).round()).groupby('group').agg(['mean', 'std', 'count'])",
    "model = sklearn.linear_model.LogisticRegression().fit(frame[['a', 'b', 'c']], frame['d'] > 0)",
    "figure = matplotlib.figure.Figure()\nfigure.subplots().hist(frame['a'], bins=40)\nprint(len(groups), fit.nobs)",
)


def notebook(folder: Path, shard: int) -> Path:
    """Write the notebook of a shard."""
    sources = ("shard = 0", *CELLS)
    cells = [
        {"cell_type": "code", "id": f"c{number}", "source": source, "execution_count": None, "outputs": []}
        | {"metadata": {"tags": ["parameters"] if number == 0 else []}}
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / f"shard_{shard}.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


def batch(folder: Path, shards: int, kernel: str) -> None:
    """Run the notebooks as `csw run` does."""
    from csworkbench.runner import Kernel, RunOptions, fitting, run, warm
    from csworkbench.store import Job

    jobs = [
        Job(f"shard_{shard}", notebook(folder, shard), {"shard": shard}, has_result=False) for shard in range(shards)
    ]
    options = RunOptions("benchmark", folder, datetime.now(UTC), workers=fitting(), kernel=Kernel(kernel))
    record = run(jobs, folder / "outputs", options)
    warm.close()  # what its process and its kernels used counts when they have ended
    if record.exit_code:
        raise SystemExit([item.reason for item in record.notebooks if item.reason][:1])


def loop(folder: Path, shards: int) -> None:
    """Call the papermill command for one notebook after the other."""
    for shard in range(shards):
        path = notebook(folder, shard)
        command = [sys.executable, "-m", "papermill", str(path), str(folder / f"out_{shard}.ipynb")]
        subprocess.run([*command, "-p", "shard", str(shard), "--no-progress-bar", "--log-level", "ERROR"], check=True)


def floor(shards: int) -> float:
    """Return CPU seconds of the cells alone, the imports done before."""
    compiled = [compile(source, "cell", "exec") for source in CELLS]
    exec(compiled[0], {})
    begun = time.process_time()
    with redirect_stdout(StringIO()):
        for shard in range(shards):
            names = {"shard": shard}
            for code in compiled:
                exec(code, names)
    return time.process_time() - begun


def measured(call: Callable[[Path], object]) -> tuple[float, float]:
    """Return CPU seconds, those of all processes it started included, and wall seconds of a call."""

    def used() -> float:
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(each.ru_utime + each.ru_stime for each in both)

    with tempfile.TemporaryDirectory() as folder:
        cpu, wall = used(), time.monotonic()
        call(Path(folder))
        return used() - cpu, time.monotonic() - wall


def main(shards: int = 60, peers: int = 60) -> None:
    """Print one line per way."""
    peers = min(shards, peers)
    ways: dict[str, tuple[int, Callable[[Path], object]]] = {
        "warm kernels": (shards, lambda folder: batch(folder, shards, "warm")),
        "stock kernels": (peers, lambda folder: batch(folder, peers, "stock")),
        "shell loop over papermill": (peers, lambda folder: loop(folder, peers)),
    }
    cells = floor(peers) / peers
    sys.stdout.write(f"{'the cells alone (floor)':28} {cells:6.2f} CPU s a notebook\n")
    first = 0.0
    for way, (count, call) in ways.items():
        cpu, wall = measured(call)
        each = cpu / count
        first = first or each
        sys.stdout.write(
            f"{way:28} {each:6.2f} CPU s, {wall / count:6.2f} s a notebook over {count}; "
            f"{each - cells:6.2f} CPU s over the cells; {each / first:5.1f} x warm; {wall:,.0f} s in all\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
