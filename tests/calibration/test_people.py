"""In a team of equals nobody is named, and whoever does differ is found: quick here, in full with make calibrate."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses.portfolio.comparing import differences

QUICK, FULL, LEVEL = 24, 500, 0.95
LEAST = 10


def team(rng, sizes, planted=0.0):
    """Accounts of a team: four measures whose level depends on the tier, and on the person for the first one only.

    Touches are overdispersed counts (Poisson with a gamma mean), the others yes or no. `planted` standard deviations of
    an account are added to the touches of each account of the first person.
    """
    number = rng.integers(*sizes[1:], sizes[0])
    person = np.repeat([f"C{place:02d}" for place in range(sizes[0])], number)
    accounts = len(person)
    is_large = rng.random(accounts) < 0.35
    mean = np.where(is_large, 6.0, 3.0) * rng.gamma(4, 0.25, accounts)
    touches = rng.poisson(mean) + planted * np.sqrt(3.75 + 3.75**2 / 4) * (person == "C00")
    found = {
        "touches": touches,
        "at_risk": rng.random(accounts) < 0.08,
        "visits_overdue": rng.random(accounts) < np.where(is_large, 0.2, 0.4),
        "tasks_done": rng.random(accounts) < 0.85,
    }
    frame = pd.DataFrame({"account_id": range(accounts), "csm_id": person, "tier": np.where(is_large, "large", "mid")})
    return pd.concat([frame.assign(measure=name, value=np.asarray(each, float)) for name, each in found.items()])


def named(frame):
    found = differences(frame, LEAST, LEVEL)
    return found[found["says"].isin(["more", "fewer"])]


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize("sizes", [(2, 12, 30), (5, 10, 40), (12, 10, 45)], ids=lambda sizes: f"{sizes[0]} people")
def test_nobody_is_named_in_a_team_of_equals(sizes, reps):
    rng = np.random.default_rng(20261122 + sizes[0])
    rate = np.mean([len(named(team(rng, sizes))) > 0 for _ in range(reps)])
    error = np.sqrt(0.05 * 0.95 / reps)
    print(f"{sizes[0]} equals: somebody named {rate:.4f} over {reps}, at most .05 + {3 * error:.4f}")
    assert rate <= 1 - LEVEL + 3 * error


@pytest.mark.calibration
def test_nobody_is_named_where_a_few_equals_have_the_accounts_that_differ_most():
    # three people with 14 large accounts each (touches about 12), five with 40 small ones (about a half)
    rng, found = np.random.default_rng(20261124), []
    person = np.repeat([f"C{place}" for place in range(8)], [14] * 3 + [40] * 5)
    tier = np.where(np.arange(len(person)) < 42, "large", "small")
    for _ in range(FULL):
        touches = rng.poisson(np.where(tier == "large", 12.0, 0.5) * rng.gamma(4, 0.25, len(person)))
        frame = pd.DataFrame({"account_id": range(len(person)), "csm_id": person, "tier": tier, "measure": "touches"})
        found.append(len(named(frame.assign(value=touches.astype(float)))) > 0)
    rate, error = np.mean(found), np.sqrt(0.05 * 0.95 / FULL)
    print(f"tiers apart: somebody named {rate:.4f} over {FULL}, at most .05 + {3 * error:.4f}")
    assert rate <= 1 - LEVEL + 3 * error


@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
@pytest.mark.parametrize("sizes", [(6, 25, 40), (12, 30, 50)], ids=lambda sizes: f"{sizes[0]} people")
def test_a_person_whose_accounts_lie_one_standard_deviation_apart_is_found(sizes, reps):
    rng = np.random.default_rng(20261123)
    found = [named(team(rng, sizes, planted=1.0)) for _ in range(reps)]
    rate = np.mean([((each["csm_id"] == "C00") & (each["measure"] == "touches")).any() for each in found])
    error = np.sqrt(0.8 * 0.2 / reps)
    print(f"{sizes[0]} people, one apart: found {rate:.4f} +- {error:.4f} over {reps}")
    assert rate >= 0.8 - (3 * error if reps < FULL else 0)
