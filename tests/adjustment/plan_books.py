"""Simulated episodes of plans: accounts return to their usual level by themselves."""

import numpy as np
import pandas as pd

MONTH = pd.Timestamp("2026-03-01")


def episodes(is_plan, before_2, before_1, after, **columns):
    """Episodes of one month and band, accounts a0, a1 ...; further columns replace what is usual."""
    n = len(is_plan)
    is_plan = np.asarray(is_plan, bool)
    usual = {
        "episode_id": [f"e{i}" for i in range(n)],
        "account_id": [f"a{i}" for i in range(n)],
        "playbook": np.where(is_plan, "rescue", None),
        "is_plan": is_plan,
        "month": MONTH,
        "before_2": np.asarray(before_2, float),
        "before_1": np.asarray(before_1, float),
        "after": np.asarray(after, float),
        "tier": "large",
        "tenure_months": 12.0,
        "csm_load": 20.0,
        "band": "at_risk",
        "lottery": None,
        "start_order": None,
        "is_waiting": False,
        "threshold_distance": np.nan,
        "csm_id": "c1",
    }
    return pd.DataFrame(usual | columns)


def returning(rng, accounts=600, reliability=0.6, effect=0.0, share=0.4):
    """Accounts whose level has variance 1, of which `reliability` lasts; plans start in the lowest 30 %."""
    lasting = rng.normal(0, np.sqrt(reliability), accounts)
    older, newer, after = lasting + rng.normal(0, np.sqrt(1 - reliability), (3, accounts))
    level = (older + newer) / 2
    is_low = level < np.quantile(level, 0.3)
    is_plan = is_low & (rng.random(accounts) < share)
    return episodes(
        is_plan,
        older,
        newer,
        after + effect * is_plan,
        band=np.where(is_low, "at_risk", "fine"),
        tier=np.where(rng.random(accounts) < 0.5, "large", "mid"),
        tenure_months=rng.integers(1, 60, accounts).astype(float),
        csm_load=rng.integers(10, 60, accounts).astype(float),
    )
