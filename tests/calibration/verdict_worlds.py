"""Small worlds in which a playbook does nothing: episodes made here go through compare, pool and the verdict tree."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses.plan_validation import judging
from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.tree import OnFacts
from tests.adjustment.plan_books import episodes

LASTING = 0.6  # share of the variance of a level that lasts; levels have variance 1
DAY = pd.Timestamp("2026-01-05")
CREDITED = ("supported", "verified")


def levels(rng, accounts, rows, common=0.0):
    """Return two levels before and one after of each row; `common` is the SD of what an account's rows share after."""
    lasting = rng.normal(0, np.sqrt(LASTING), accounts.max() + 1)[accounts]
    shift = rng.normal(0, 1, accounts.max() + 1)[accounts] * common
    older, newer, after = lasting + rng.normal(0, np.sqrt(1 - LASTING), (3, rows))
    return older, newer, after + shift


def missed_plans_stay_open(rng, is_lottery, open_share=0.7, plans=30, controls=30, goal=0.6):
    """Plans that missed their goal are rarely closed: what is closed looks as if plans did something."""
    n = plans + (controls if is_lottery else 4 * controls)
    older, newer, after = levels(rng, np.arange(n), n)
    is_plan = np.arange(n) < plans
    drawn = {"lottery": "spring", "start_order": np.arange(1.0, n + 1), "is_waiting": ~is_plan} if is_lottery else {}
    made = episodes(is_plan, older, newer, after, **drawn)
    is_met = after - (older + newer) / 2 >= goal
    return made, goal, ~is_met & (rng.random(n) < open_share), None


def several_plans_per_account(rng, accounts=10, each=4, controls=60, goal=0.8):
    """Each account has several plans, which share what happened to the account afterwards."""
    plans = accounts * each
    of = np.r_[np.repeat(np.arange(accounts), each), accounts + np.arange(controls)]
    older, newer, after = levels(rng, of, len(of), common=1.0)
    made = episodes(np.arange(len(of)) < plans, older, newer, after, account_id=[f"a{number}" for number in of])
    return made, goal, np.zeros(len(of), bool), None


def founder_was_selected(rng, plans=9, controls=60, goal=0.7, luck=2.0):
    """The playbook was written because its first account did so well: by chance, as everything here."""
    n = plans + controls
    older, newer, after = levels(rng, np.arange(n), n)
    after[0] += luck
    return episodes(np.arange(n) < plans, older, newer, after), goal, np.zeros(n, bool), "a0"


def reading_of(world):
    """Return the reading of the plans of a world (its episodes, its goal, what is still open, and its founder)."""
    made, goal, is_open, founder = world
    lines = _lines(made[made["is_plan"]], goal, is_open[made["is_plan"].to_numpy()])

    def of(_inputs, _config, counted, *_args, **_kwargs):
        return made[~made["is_plan"] | made["episode_id"].isin(counted.index)].reset_index(drop=True)

    known = made.drop_duplicates("account_id").set_index("account_id")[["tier"]]
    inputs = SimpleNamespace(accounts=known, of_today=(), plans=lines, as_of=DAY.date(), levels={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "episodes_of", of)
        patch.setattr(judging, "starts_by_month", lambda *_: None)  # a world is windows only: no months to fall back on
        return judging.read_playbook(inputs, Config(), lines, Declared("rescue", founder=founder))


def _lines(plans, goal, is_open):
    """Return timeline, execution and diagnosis of plans that were run to the end, months ago."""
    n = len(plans)
    days = DAY + pd.to_timedelta(np.arange(n), unit="D")
    gain = plans["after"] - (plans["before_1"] + plans["before_2"]) / 2
    return pd.DataFrame(
        {
            "account_id": plans["account_id"].to_numpy(),
            "playbook": "rescue",
            "csm_id": [f"c{number % 4}" for number in range(n)],
            "metric": "m",
            "problem_metric": "m",
            "direction": "higher",
            "sign": 1.0,
            "goal": goal,
            "created_on": days,
            "started_on": days,
            "landed_on": days,
            "anchor_on": days,
            "anchored_by": "landed",
            "ends_on": days + pd.Timedelta(days=61),
            "closed_on": pd.Series(days + pd.Timedelta(days=70)).where(~is_open).to_numpy(),
            "lottery": plans["lottery"].to_numpy(),
            "start_order": plans["start_order"].to_numpy(),
            "is_matured": True,
            "is_backward": False,
            "is_wrong": pd.array([False] * n, "boolean"),
            "fidelity": 1.0,
            "run_by_landing": 1.0,
            "is_blocked": False,
            "blocker": "none",
            "stops": 0,
            "stop_csms": 0,
            "overlaps": 0,
            "is_reached": pd.array((gain >= goal).to_numpy(), "boolean"),
        },
        index=pd.Index(plans["episode_id"], name="plan_id"),
    )


def recoveries(world):
    """Return whether each met goal of a world was credited to the playbook; the founder's own is not asked."""
    reading = reading_of(world)
    others = reading.lines.index[reading.lines["account_id"] != world[3]]
    met = [each for plan in others if (each := reading.judged[str(plan)]).on_facts is OnFacts.DONE_MET]
    return [each.verdict.value in CREDITED for each in met]
