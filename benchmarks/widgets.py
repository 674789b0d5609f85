"""What turning a setting costs: the panel's answer on a book of 10,000 accounts, against the analysis by itself.

Each analysis is prepared once; then a control is turned several times, as by hand, and the CPU seconds of the whole
answer (check, analysis, comparison, markup) are held against those of its `analyze` alone on the same settings. The
goal: 0.3 CPU seconds a turn, 2 for the weekly list, which is planned from all the others' proposals; groups of
`segments` and comparisons of `plan_validation` that a setting does not touch are computed once, at the first turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from importlib import import_module
from pathlib import Path

# Analysis -> control, values it is turned to, most CPU seconds.
TURNS = {
    "health": ("scorecards.0.bands.1.low", (41.0, 45.0, 50.0), 0.3),
    "segments": ("usual_share", (0.85, 0.9, 0.95), 0.3),
    "email_design": ("power", (0.82, 0.85, 0.9), 0.3),
    "plan_validation": ("rules.chance", (0.82, 0.85, 0.9), 0.3),
    "weekly_list": ("free_share", (0.2, 0.3, 0.4), 2.0),
}


def made(folder: Path, accounts: int, months: int) -> None:
    """Write the sample book in another size, as a project."""
    size = ["--accounts", str(accounts), "--months", str(months)]
    csw = Path(sys.executable).parent / "csw"
    subprocess.run([csw, "sample", "--as-project", "--out", folder, *size], check=True, stdout=subprocess.DEVNULL)


def turned(name: str, project: Path) -> bool:
    """Print what turning a control of one analysis costs; whether the goal is met."""
    from csworkbench import session
    from csworkbench.config import changed
    from csworkbench.widgets import Panel, Saved

    os.chdir(project)
    analysis, (key, values, most) = import_module(f"csworkbench.analyses.{name}"), TURNS[name]
    desk = session.start()
    config = desk.config(analysis)
    inputs = analysis.prepare(desk.snapshot, config, desk.upstream(analysis, is_whole=name == "weekly_list"))
    panel = Panel(analysis, inputs, config, Saved(desk.settings_file(analysis), desk.root, desk.language, ""))
    panel.controls[key].value = values[0]  # the first turn also computes the result as saved
    costs, alone = [], []
    for value in values[1:]:
        start = time.process_time()
        panel.controls[key].value = value
        costs.append(time.process_time() - start)
        start = time.process_time()
        analysis.analyze(inputs, changed(config, dict.fromkeys((key, *panel.knobs[key].same), value)))
        alone.append(time.process_time() - start)
    ours, bare = min(costs), min(alone)
    print(f"{name}: {ours:.2f} CPU s a turn of {key}, {ours / bare:.2f} times its analysis; goal {most} s", flush=True)
    return ours <= most


def main() -> int:
    """Print the CPU seconds of a turn of each analysis; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--only", choices=list(TURNS), action="append")
    parser.add_argument("--project", type=Path, help="a project that is there already")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = asked.project or Path(folder) / "book"
        if asked.project is None:
            made(project, asked.accounts, asked.months)
        met = [turned(name, project) for name in asked.only or TURNS]
    print("goals met" if all(met) else "goals missed")
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
