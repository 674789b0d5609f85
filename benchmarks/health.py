"""What proving a health score costs: measuring, learning and drawing again, against bare scikit-learn fits.

A book of 100,000 accounts with a row of use a week, 40 measures, 24 month ends, and a renewal every ten months of which
about 200,000 were decided. The proof runs from the tables to its result; its peer fits the same models as often, on the
same rows and left-out accounts, with plain arrays and scikit-learn alone: no panel, no draws, no tables. Each runs in a
process of its own on one thread and reports CPU seconds and the peak of its memory: threads that wait for each other
would be counted as work. The goal is a proof (without measuring) at 1.5 times its bare fits, below 4 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

AS_OF = date(2026, 9, 30)
WEEKS, TERM_MONTHS, FEATURES = 104, 10, 8
GOAL, MOST_GB = 1.5, 4.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
WINDOWS = (14, 28, 56, 84, 112, 168)
CARD_MEASURES = 10
WORKSPACE = """version: 1
name: Benchmark
as_of: 2026-09-30
tables:
  accounts: {path: accounts.parquet}
  usage_daily: {path: usage_daily.parquet}
  features: {path: features.parquet}
  renewals: {path: renewals.parquet}
"""
# Use follows a level of the account, and so does the chance that its renewal is lost: about one in six.
TABLES = {
    "accounts": "select id as account_id, timestamp '2023-06-01' + to_days((a % 400)::int) as signup_at from people",
    "features": f"select 'f' || i as feature, i < 5 as is_core from range({FEATURES}) r(i)",
    "usage_daily": f"""
        select id as account_id, 'u' || a || '-' || (w * 7 % 5) as user_id,
               'f' || ((a + w * 3) % {FEATURES}) as feature, date '2024-10-02' + 7 * w::int as date,
               ceil(20 * exp(level / 2 + random()))::int as events, round(30 * exp(level / 2 + random()), 2) as minutes,
               ceil(5 * exp(level / 2 + random()))::int as sessions
        from range({WEEKS}) r(w), people order by date""",
    "renewals": f"""
        with terms as (
            select a, id, t, level, date '2024-10-20' + to_months((a % {TERM_MONTHS} + {TERM_MONTHS} * t)::int) as due,
                   random() < 1 / (1 + exp(1.9 + level)) as is_lost
            from people, range(3) r(t)
        ),
        first as (select a, min(t) as lost_in from terms where is_lost group by a)
        select id || '-' || t as renewal_id, id as account_id, due::date as due_date,
               (due - interval 5 day)::timestamp as decided_at, if(is_lost, 'churned', 'renewed') as outcome
        from terms left join first using (a) where due < date '2026-09-25' and t <= coalesce(lost_in, 9)""",
}


def make(folder: Path, accounts: int) -> None:
    """Write the book as Parquet."""
    import duckdb

    with duckdb.connect(
        config={"threads": 1, "memory_limit": "1GB", "temp_directory": str(folder / "spill")}
    ) as connection:
        connection.execute("select setseed(0.5)")
        connection.execute(
            "create table people as select a, 'A' || lpad(a::text, 7, '0') as id, "
            f"sqrt(-2 * ln(1 - random())) * cos(6.2831853 * random()) as level from range({accounts}) r(a)"
        )
        for name, query in TABLES.items():
            connection.execute(f"copy ({query}) to '{folder / name}.parquet' (compression zstd)")
    (folder / "workspace.yaml").write_text(WORKSPACE, encoding="utf-8")


def measures_of_use():
    """Return 40 sources by name."""
    from csworkbench.features import ActiveUsers, DaysSinceLastUse, FeatureBreadth, Tenure, Usage, UsageTrend

    found = {"tenure": Tenure(), "last_use": DaysSinceLastUse()}
    found |= {f"trend_{what}": UsageTrend(what=what) for what in ("events", "minutes")}
    for days in WINDOWS:
        found |= {f"{what}_{days}": Usage(what=what, window_days=days) for what in ("events", "minutes", "sessions")}
        found |= {f"f0_{days}": Usage(window_days=days, features=("f0",))}
        found |= {f"users_{days}": ActiveUsers(window_days=days), f"breadth_{days}": FeatureBreadth(window_days=days)}
    return found


def settings(draws: int):
    """Return the settings of health in JSON types, and those of the proof."""
    from csworkbench.analyses import health_proof
    from csworkbench.scoring import Curve, Group, Measure, Scorecard

    sources = measures_of_use()
    baselines, others = ("tenure", "last_use"), list(sources)[4:]
    rising = Curve(direction="higher", knots=((0, 0), (100, 100)))
    card = Scorecard(
        id="default",
        title="Everybody",
        groups=(Group(name="use", label="Use", weight=1),),
        measures=tuple(
            Measure(name=name, label=name, source=sources[name], group="use", weight=1, points=rising)
            for name in others[:CARD_MEASURES]
        ),
    )
    known = {name: health_proof.Known(name=name, label=name, source=source) for name, source in sources.items()}
    config = health_proof.Config(
        event=health_proof.Renewals(lead_days=14, horizon_days=78, months=24, test_months=9),
        baselines=tuple(known[name] for name in baselines),
        also=tuple(known[name] for name in known if name not in baselines and name not in others[:CARD_MEASURES]),
        draws=draws,
        capacity_accounts=1000,
    )
    return {"scorecards": [card.model_dump(mode="json")], "default": "default", "rules": []}, config


# --- the peers: each yields the name of a stage when it ends ---


def proof(folder: Path, draws: int) -> Iterator[str]:
    """Measure, learn and prove; leave the rows for the peer."""
    import numpy as np

    from csworkbench.analyses import health_proof
    from csworkbench.analyses.health_proof.evidence import gather, score
    from csworkbench.asof import take
    from csworkbench.sources import open_book
    from csworkbench.workspace import load_workspace

    resolved, config = settings(draws)
    book = open_book(load_workspace(folder / "workspace.yaml"), folder, folder / "cache")
    yield "reading"
    evidence = gather(take(book, AS_OF), config, resolved)
    columns, known = evidence.columns, evidence.known[list(evidence.columns.learned)]
    np.savez(
        folder / "rows.npz",
        known=known.to_numpy(dtype=float),
        score=score(evidence)["default"].score,
        is_event=evidence.is_event,
        accounts=evidence.accounts,
        train=evidence.is_part("train"),
        test=evidence.is_part("test"),
        names=np.array(columns.learned),
        directions=np.array([columns.directions.get(name, 0) for name in columns.learned]),
    )
    yield "measuring"
    inputs = health_proof.inputs_of(evidence, config)
    yield "learning"
    result = health_proof.analyze(inputs, config)
    yield "proving"
    figures = {
        name: result.figures[name].value for name in ("auc_score", "auc_challenger", "auc_best_baseline", "events")
    }
    print(json.dumps({"rows": len(evidence.rows), **figures}), file=sys.stderr)


def bare(folder: Path, _draws: int) -> Iterator[str]:
    """Fit the same models as often with scikit-learn alone."""
    import numpy as np

    rows = np.load(folder / "rows.npz")
    yield "reading"
    known, names, everywhere = rows["known"], list(rows["names"]), np.ones(len(rows["is_event"]), dtype=bool)
    columns = {name: (known[:, [names.index(name)]], np.zeros(1, int)) for name in ("tenure", "last_use")}
    columns["score"] = rows["score"][:, None], np.zeros(1, int)
    columns["learned"] = known, rows["directions"]
    for teaches, wanted in ((rows["train"], rows["train"] | rows["test"]), (everywhere, everywhere)):
        for kind, name in (*(("logistic", name) for name in columns), ("boosting", "learned")):
            matrix, signs = columns[name]
            usable = ~np.isnan(matrix).all(axis=1)
            for inside, outside in folds(rows["is_event"], rows["accounts"]):
                learns, told = teaches & usable & inside, wanted & usable & outside
                fit(kind, matrix[learns], rows["is_event"][learns], rows["accounts"][learns], signs)(matrix[told])
    for kind in ("logistic", "boosting"):
        fit(kind, known, rows["is_event"], rows["accounts"], rows["directions"])
    yield "learning"


def folds(is_event, accounts) -> Iterator:
    """Yield who is inside and who is left out, five times, accounts whole."""
    import numpy as np
    from sklearn.model_selection import GroupKFold

    for _, left_out in GroupKFold(5, shuffle=True, random_state=0).split(accounts, is_event, accounts):
        outside = np.zeros(len(accounts), dtype=bool)
        outside[left_out] = True
        yield ~outside, outside


def fit(kind: str, matrix, is_event, accounts, signs):
    """Return the predictions of a model that is calibrated on left-out accounts: its fits, and nothing else."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    from csworkbench.inference.models import BOOSTING, PENALTIES

    steps = (QuantileTransformer(n_quantiles=21, subsample=None), SimpleImputer(strategy="median", add_indicator=True))
    prepared = make_pipeline(*steps, StandardScaler()) if kind == "logistic" else None
    design = prepared.fit_transform(matrix) if prepared else matrix

    def fresh(penalty: float):
        if kind == "logistic":
            return LogisticRegression(C=penalty, solver="newton-cholesky")
        return HistGradientBoostingClassifier(
            **BOOSTING, monotonic_cst=signs, early_stopping=False, random_state=0, categorical_features=None
        )

    def left_out(penalty: float):
        logits = np.empty(len(design))
        for inside, outside in folds(is_event, accounts):
            logits[outside] = fresh(penalty).fit(design[inside], is_event[inside]).decision_function(design[outside])
        return logits

    penalty = PENALTIES[-1]
    if kind == "logistic" and design.shape[1] > 1:
        penalty = min(PENALTIES, key=lambda each: log_loss(is_event, 1 / (1 + np.exp(-left_out(each)))))
    model, line = fresh(penalty).fit(design, is_event), LogisticRegression(C=1e6)
    line.fit(left_out(penalty)[:, None], is_event)
    return lambda new: line.predict_proba(
        model.decision_function(prepared.transform(new) if prepared else new)[:, None]
    )


RUNS = {"proof": proof, "bare scikit-learn fits": bare}


def run(name: str, folder: Path, draws: int) -> dict:
    """Return the CPU seconds of each stage of a peer and its peak of memory."""
    stages, before = {}, time.process_time()
    for stage in RUNS[name](folder, draws):
        stages[stage] = time.process_time() - before
        before = time.process_time()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {"stages": stages, "peak_gb": int(status.partition("VmHWM:")[2].split()[0]) / 1e6}


def main() -> int:
    """Print what each peer costs; 1 where the proof needs more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000, help="accounts of the book")
    parser.add_argument("--draws", type=int, default=200, help="how often accounts are drawn again")
    parser.add_argument("--folder", type=Path, help="where the book is, or is to be kept")
    parser.add_argument("--peer", choices=RUNS, help="run one peer and print its cost as JSON")
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(run(options.peer, options.folder, options.draws)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if not (folder / "workspace.yaml").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            make(folder, options.accounts)
        costs = {}
        for peer in RUNS:
            command = [sys.executable, __file__, "--peer", peer, "--folder", str(folder), "--draws", str(options.draws)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
            costs[peer] = json.loads(done.stdout)
            stages = ", ".join(f"{stage} {taken:.1f}" for stage, taken in costs[peer]["stages"].items())
            print(f"{peer:24} CPU s: {stages}; peak {costs[peer]['peak_gb']:.2f} GB", flush=True)
    stages, peak = costs["proof"]["stages"], costs["proof"]["peak_gb"]
    ratio = (stages["learning"] + stages["proving"]) / costs["bare scikit-learn fits"]["stages"]["learning"]
    print(f"the proof costs {ratio:.2f} times its bare fits (goal {GOAL}), and {peak:.2f} GB (at most {MOST_GB})")
    return 0 if peak <= MOST_GB else 1


if __name__ == "__main__":
    sys.exit(main())
