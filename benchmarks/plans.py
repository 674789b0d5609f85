"""What judging success plans costs: 5,000 plans of 8 playbooks over 100,000 accounts and 24 months.

Everything after the panel is counted: window means, candidate controls, comparison, pooling, course, scope, placebos
and leaving out each account. More than 120 CPU seconds or 4 GB at the peak ends the run with 1; so does more than 1 CPU
second to pool 1,000 plans. Staggered starts are timed beside diff-diff alone on the same accounts in the same run.
"""

import argparse
import sys
import time
from pathlib import Path

PLAYBOOKS, MONTHS, SEED = 8, 24, 20261122
WINDOW = 2  # months before, twice, and after
MOST_SECONDS, MOST_GB, MOST_POOLING = 120, 4.0, 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--plans", type=int, default=5_000)
    args = parser.parse_args()
    values, tier, first = make(args.accounts, args.plans)
    judge(*make(2_000, 200))  # imports
    seconds, plans = cpu(judge, values, tier, first)
    pooling = cpu(pooled)[0]
    peak = peak_gb()
    print(f"{plans:,} plans, {args.accounts:,} accounts, {MONTHS} months, {PLAYBOOKS} playbooks")
    print(f"judged in {seconds:7.1f} CPU seconds, at most {MOST_SECONDS}; peak {peak:.2f} GB, at most {MOST_GB}")
    print(f"1,000 plans pooled in {pooling:.2f} CPU seconds, at most {MOST_POOLING}")
    staggered_ratio(values, first)
    failed = seconds > MOST_SECONDS or peak > MOST_GB or pooling > MOST_POOLING
    return int(failed)


def make(accounts: int, plans: int):
    """Levels by account and month (half of them lasting), tiers, and the month of the first plan (-1: none)."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    values = rng.normal(0, 0.7, (accounts, 1)) + rng.normal(0, 0.7, (accounts, MONTHS))
    tier = rng.integers(0, 3, accounts)
    first = np.full(accounts, -1)
    level = (values[:, :-4] + values[:, 1:-3] + values[:, 2:-2] + values[:, 3:-1]) / 4
    for account in rng.permutation(accounts)[:plans]:
        # It starts when the level is low, if it ever is in a month with windows before and after.
        low = np.flatnonzero(level[account, : MONTHS - 2 * WINDOW - 3] < -0.3)
        first[account] = low[0] + 2 * WINDOW if len(low) else rng.integers(2 * WINDOW, MONTHS - 3)
    started = np.flatnonzero(first >= 0)
    values[started] += 0.3 * (np.arange(MONTHS) > first[started, None])
    return values, tier, first


def judge(values, tier, first):
    import numpy as np
    import pandas as pd

    from csworkbench.adjustment.comparing import compare
    from csworkbench.adjustment.course import course
    from csworkbench.adjustment.designs import CompareRules
    from csworkbench.adjustment.placebo import leave_one_out, placebo_space, placebo_time
    from csworkbench.adjustment.pooling import pool
    from csworkbench.adjustment.scoping import scope

    rules, count = CompareRules(), 0
    names = pd.Series(np.char.add("acc-", np.arange(len(values)).astype(str)))
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    started = np.flatnonzero(first >= 0)
    for playbook, own in enumerate(np.array_split(started, PLAYBOOKS)):
        episodes = candidates(sums, tier, first, own, names, f"playbook {playbook}")
        found = compare(episodes, rules)
        effects = found.effects
        pooled = pool(effects)
        pooled.chance_above_without(0.15)
        leave_one_out(effects)
        scope(effects, effects.set_index("episode_id")["before"] < -0.5)
        used = found.sets["account_id"].drop_duplicates()
        rows = used.str.slice(4).astype(int).to_numpy()
        panel = pd.DataFrame(
            {
                "account_id": used.repeat(MONTHS).to_numpy(),
                "month": np.tile(calendar(), len(rows)),
                "value": values[rows].ravel(),
            }
        )
        line = course(panel, found.sets, rules)
        placebo_time(line, rules)
        placebo_space(found, rules)
        count += len(effects)
    return count


def candidates(sums, tier, first, own, names, playbook):
    """Episodes of one playbook: its plans and the accounts of the lowest band of the same months without a plan."""
    import numpy as np
    import pandas as pd

    parts, months = [], calendar()
    for month in np.unique(first[own]):
        older, newer, after = (
            (sums[:, end] - sums[:, end - WINDOW]) / WINDOW for end in (month - WINDOW, month, month + 1 + WINDOW)
        )
        level = (older + newer) / 2
        is_plan = np.zeros(len(first), bool)
        is_plan[own[first[own] == month]] = True
        is_free = (first < 0) | (first > month + WINDOW)
        kept = is_plan | (is_free & (level < -0.3))
        where = np.flatnonzero(kept)
        parts.append(
            pd.DataFrame(
                {
                    "account_id": names.to_numpy()[where],
                    "is_plan": is_plan[where],
                    "month": months[month],
                    "before_2": older[where],
                    "before_1": newer[where],
                    "after": after[where],
                    "tier": np.array(["large", "mid", "small"])[tier[where]],
                    "tenure_months": 12.0 + where % 40,
                    "csm_load": 10.0 + where % 25,
                    "band": np.where(level[where] < -0.3, "at_risk", "fine"),
                }
            )
        )
    frame = pd.concat(parts, ignore_index=True)
    numbered = "ep-" + pd.Series(np.arange(len(frame))).astype(str)
    return frame.assign(
        episode_id=numbered,
        playbook=np.where(frame["is_plan"], playbook, None),
        lottery=None,
        start_order=None,
        is_waiting=False,
        threshold_distance=np.nan,
        csm_id="csm-1",
    )


def calendar():
    import pandas as pd

    return pd.date_range("2024-10-01", periods=MONTHS, freq="MS")


def pooled():
    import numpy as np
    import pandas as pd

    from csworkbench.adjustment.pooling import pool

    rng = np.random.default_rng(SEED)
    names = [f"plan-{i}" for i in range(1000)]
    columns = {
        "effect": rng.normal(0.3, 1.1, 1000),
        "standard_error": rng.uniform(0.5, 1.5, 1000),
        "shared_error": 0.05,
    }
    found = pool(pd.DataFrame({"episode_id": names, "account_id": names} | columns))
    return found.chance_above(0.15), found.next_above(0.15), found.chance_above_without(0.15)


def staggered_ratio(values, first):
    """Return our staggered design over the library alone, on the accounts with a plan and as many without.

    Alone = one fit per start among the accounts eligible at it, without what the starts have in common.
    """
    import warnings

    import numpy as np
    import pandas as pd

    from csworkbench.adjustment import did
    from csworkbench.adjustment.designs import CompareRules
    from csworkbench.adjustment.staggered import stacked, staggered

    if not did.is_installed():
        print("staggered starts are not timed: pip install 'csworkbench[did]'")
        return
    rows = np.r_[np.flatnonzero(first >= 0), np.flatnonzero(first < 0)[: (first >= 0).sum()]]
    start = first[rows]
    months = calendar()
    frame = pd.DataFrame(
        {
            "account_id": np.repeat(rows, MONTHS),
            "month": np.tile(months, len(rows)),
            "value": values[rows].ravel(),
            "first_plan": np.repeat(np.where(start >= 0, months.to_numpy()[start], np.datetime64("NaT")), MONTHS),
            "is_eligible": (values[rows] < -0.3).ravel(),
        }
    )

    def alone():
        import diff_diff

        found = []
        for _, rows_of in stack.groupby("landing"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = diff_diff.CallawaySantAnna(control_group="never_treated")
                found.append(model.fit(rows_of, outcome="value", unit="unit", time="clock", first_treat="start"))
        return found

    stack = stacked(frame)
    ours = min(cpu(staggered, frame, CompareRules())[0] for _ in range(2))
    theirs = min(cpu(alone)[0] for _ in range(2))
    print(
        f"staggered starts of {len(rows):,} accounts {ours:6.2f}, diff-diff alone {theirs:6.2f} CPU seconds: "
        f"{ours / theirs:.2f} times"
    )


def peak_gb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024**2


def cpu(work, *args):
    start = time.process_time()
    result = work(*args)
    return time.process_time() - start, result


if __name__ == "__main__":
    sys.exit(main())
