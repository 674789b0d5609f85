"""What turning a setting costs: the panel's answer on a book of 10,000 accounts.

Each notebook is followed: prepared from what the last run stored of other analyses (computed here without one, as in a
notebook), analyzed once, then controls are turned several times, as by hand, and the CPU seconds of the whole answer
(check, analysis, comparison, markup) are measured; the best turn counts, for machines are noisy. The goal is 0.3 CPU
seconds a turn, 2 for `weekly_list`. The first turn of a control is told and not counted: it computes the result as
saved, too, and what is asked for the first time.
"""

import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JPY_SESSION_NAME", "benchmark")  # as in a notebook somebody works in

import time
from importlib import import_module
from pathlib import Path

GOAL_S = {"weekly_list": 2.0}
USUAL_GOAL_S = 0.3
# Analysis -> control -> values it is turned to.
TURNS = {
    "health": {
        "scorecards.0.bands.1.low": (41.0, 45.0, 50.0, 42.0),
        "scorecards.0.groups.0.weight": (1.5, 2.0, 2.5, 3.0),
    },
    "segments": {"usual_share": (0.85, 0.9, 0.95, 0.88), "stages.4.where.at_most": (80.0, 70.0, 60.0, 65.0)},
    "email_design": {"power": (0.82, 0.85, 0.9, 0.84)},
    "plan_validation": {"rules.chance": (0.82, 0.85, 0.9, 0.84)},
    "weekly_list": {
        "free_share": (0.2, 0.3, 0.4, 0.25),
        "capacity_minutes": ("{CSM02: 9000}", "{CSM02: 8000}", "{CSM02: 7000}"),
        "channels.call.minutes": (25.0, 15.0, 22.0),
        "channels.chat.at_once": (2.0, 3.0, 4.0),
        "channels.call.reach": (0.6, 0.7, 0.8),
        "channels.email.most": ("500", "1000", "700"),
        "planned.task": (10.0, 20.0, 15.0),
        "stand_in": (False,),
        "holdout.share": (0.1, 0.3, 0.25),
    },
}


def made(folder: Path, accounts: int, months: int) -> None:
    """Write the sample book in another size, as a project."""
    size = ["--accounts", str(accounts), "--months", str(months)]
    csw = Path(sys.executable).parent / "csw"
    subprocess.run([csw, "sample", "--as-project", "--out", folder, *size], check=True, stdout=subprocess.DEVNULL)


def turned(name: str, project: Path) -> bool:
    """Print what turning the controls of one analysis costs; whether the goal is met."""
    from csworkbench import session
    from csworkbench.widgets import tune

    os.chdir(project)
    analysis = import_module(f"csworkbench.analyses.{name}")
    desk = session.start()
    config = desk.config(analysis)
    inputs = analysis.prepare(desk.snapshot, config, desk.upstream(analysis, is_whole=name == "weekly_list"))
    analysis.analyze(inputs, config)
    panel = tune(analysis, inputs, config, desk)
    best = {}
    for key, values in TURNS[name].items():
        costs = []
        for value in values:
            start = time.process_time()
            panel.controls[key].value = value
            costs.append(time.process_time() - start)
        panel.reset.click()
        best[key] = min(costs[1:] or costs)
        print(f"{name}: {best[key] * 1000:.0f} CPU ms a turn of {key}, {costs[0]:.1f} s the first", flush=True)
    return max(best.values()) <= GOAL_S.get(name, USUAL_GOAL_S)


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
