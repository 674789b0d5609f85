"""What comes back by itself: accounts far from their usual level return towards it, with a plan or without one."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.episodes import level

if TYPE_CHECKING:
    import pandas as pd

POINTS = 21  # of the line that is drawn
LEAST = 5  # controls without which no line is drawn


def rebound_line(episodes: "pd.DataFrame", *, coverage: float = 0.95) -> "pd.DataFrame":
    """Return what accounts without a plan had after, for as much before: the line a plan is held against in a picture.

    The window after is regressed on the level before over all account-months without a plan. The correlation of one
    month with the next understates the way back: windows after lie two to three months later.

    Args:
        episodes: Episodes without gaps; only those without a plan are used.
        coverage: Of the interval of the line, robust to several months of one account.

    Returns:
        before, expected, low, high; no row with fewer than 5 such episodes or without any spread.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import t

    controls = episodes[~episodes["is_plan"]]
    before, after = level(controls), controls["after"].to_numpy(float)
    if len(before) < LEAST or np.ptp(before) == 0:
        return pd.DataFrame(columns=["before", "expected", "low", "high"], dtype=float)
    account = pd.factorize(controls["account_id"])[0]
    x = np.column_stack([np.ones(len(before)), before - before.mean()])
    inverse = np.linalg.inv(x.T @ x)
    fitted = inverse @ (x.T @ after)
    rest = after - x @ fitted
    score = np.column_stack([np.bincount(account, column * rest) for column in x.T])
    groups = len(score)
    pull = score @ inverse * np.sqrt(groups / max(groups - 1, 1))
    ends = np.quantile(level(episodes), [0.01, 0.99])
    grid = np.linspace(float(ends[0]), float(ends[1]), POINTS)
    points = np.column_stack([np.ones(POINTS), grid - before.mean()])
    error = np.sqrt(np.einsum("ij,jk,ik->i", points, pull.T @ pull, points))
    expected, far = points @ fitted, t.ppf((1 + coverage) / 2, max(groups - 2, 1)) * error
    return pd.DataFrame({"before": grid, "expected": expected, "low": expected - far, "high": expected + far})
