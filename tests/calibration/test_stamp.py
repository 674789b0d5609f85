"""A stamp says "adds" seldom without cause, and often enough with it: quick here, in full with make calibrate."""

import numpy as np
import pytest
from scipy.stats import norm

from csworkbench.inference.proof import Rows, Stamp, auc_of, prove

QUICK, FULL, WORLDS = 120, 500, 2000
EVENTS, OTHERS = 120, 580  # 17 % were lost, as in the sample book
SHARED = 0.3  # of the variance of a score, between the rows of one account


def world(rng, *truths, alike=0.3):
    """Rows of accounts, two of three with two rows; scores whose AUC is as said, correlated by `alike` among the lost.

    Within the lost and within the kept a score is normal with SD 1, and `d` apart: AUC = Phi(d / sqrt 2), Hanley and
    McNeil (1982). Part of it is the account's, so that rows are no independent witnesses.
    """
    rows = EVENTS + OTHERS
    accounts = np.sort(np.concatenate([np.arange(rows * 3 // 5), np.arange(rows - rows * 3 // 5)]))
    is_event = rng.permutation(rows) < EVENTS
    covariance = np.full((len(truths), len(truths)), alike) + (1 - alike) * np.eye(len(truths))
    own = rng.multivariate_normal(np.zeros(len(truths)), covariance, rows)
    common = rng.multivariate_normal(np.zeros(len(truths)), covariance, accounts.max() + 1)[accounts]
    apart = np.sqrt(2) * norm.ppf(truths)
    scores = np.sqrt(1 - SHARED) * own + np.sqrt(SHARED) * common + np.outer(is_event, apart)
    # Below 0: ranks, for which no calibration is sought.
    return Rows(is_event, accounts), scores - scores.max() - 1


def share_of_adds(reps, *truths, alike=0.3):
    """How often a score with the first AUC is said to add to a baseline with the second."""
    rng = np.random.default_rng(20261122)
    found = 0
    for rep in range(reps):
        rows, scores = world(rng, *truths, alike=alike)
        risks = {"score": scores[:, 0], "baseline": scores[:, 1]}
        found += prove(risks, rows, 0.1, draws=200, seed=rep).stamp("score", "baseline") is Stamp.ADDS
    return found / reps


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize("truths", [(0.5, 0.5), (0.5, 0.7), (0.7, 0.7)], ids=str)
def test_a_score_without_anything_of_its_own_seldom_adds(truths, reps):
    rate, error = share_of_adds(reps, *truths), np.sqrt(0.05 * 0.95 / reps)
    print(f"AUC {truths[0]} against {truths[1]}: adds {rate:.4f} over {reps}, at most .05 + {3 * error:.4f}")
    assert rate <= 0.05 + 3 * error


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
def test_a_score_of_78_against_a_baseline_of_70_adds_with_120_events(reps):
    rate, error = share_of_adds(reps, 0.78, 0.7), np.sqrt(0.6 * 0.4 / reps)
    print(f"AUC .78 against .70 at {EVENTS} events: adds {rate:.4f} +- {error:.4f} over {reps}")
    assert rate >= 0.6 - (3 * error if reps < FULL else 0)


@pytest.mark.parametrize(
    ("reps", "draws"), [(QUICK, 200), pytest.param(WORLDS, 500, marks=pytest.mark.calibration)], ids=str
)
@pytest.mark.parametrize("truth", [0.6, 0.78, 0.9])
def test_intervals_drawn_from_accounts_cover_the_true_auc_with_120_events(truth, reps, draws):
    rng = np.random.default_rng(20261122)
    covered = 0
    for rep in range(reps):
        rows, scores = world(rng, truth)
        found = auc_of(scores[:, 0], rows, draws=draws, seed=rep)
        covered += found.low <= truth <= found.high
    rate, error = covered / reps, np.sqrt(0.95 * 0.05 / reps)
    print(f"AUC {truth} at {EVENTS} events: covered {rate:.4f} +- {error:.4f} over {reps}")
    wide = 3 * error if reps < WORLDS else 0
    assert 0.93 - wide <= rate <= 0.97 + wide
