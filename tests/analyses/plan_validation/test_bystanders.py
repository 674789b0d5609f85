"""Which accounts without a plan are looked at around the day of one."""

import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.bystanders import TURN, bystanders, pool_of
from csworkbench.analyses.plan_validation.settings import Config
from tests.calibration.plan_inputs import inputs_of

IDS = tuple(f"a{number:05d}" for number in range(4_000))


@pytest.mark.parametrize("busy_share", [0.0, 0.5, 0.995])
def test_the_accounts_of_a_day_are_the_first_free_ones_of_all_in_its_order(busy_share):
    pool = pool_of(IDS)
    busy = np.random.default_rng(1).random(len(IDS)) < busy_share
    for number in (0, 1, 17, 123_456):
        keys = [int(each) ^ (number * TURN % 2**64) for each in pool.hashes]
        wanted = [place for place in sorted(range(len(IDS)), key=keys.__getitem__) if not busy[place]][:50]
        assert pool.draw(number, 50, lambda rows: busy[rows]).tolist() == wanted


def test_a_day_looks_at_few_of_many_accounts():
    asked = []
    pool_of(IDS).draw(3, 50, lambda rows: asked.append(len(rows)) or np.zeros(len(rows), bool))
    assert sum(asked) < 500


def test_other_days_look_at_other_accounts():
    drawn = [set(pool_of(IDS).draw(number, 50, lambda rows: np.zeros(len(rows), bool))) for number in range(200)]
    # Of 4,000, 50 drawn anew each day: an account is expected on 2.5 of 200 days, one in e^2.5 on none.
    assert len(set.union(*drawn)) == pytest.approx(4_000 * (1 - np.exp(-2.5)), rel=0.1)


def test_an_account_is_looked_at_from_the_end_of_its_own_plan_on():
    def plan(account, started, landed):
        return {"account": account, "created": started, "started": started, "landed": landed, "closed": landed}

    book = inputs_of(
        np.full((4, 500), 100.0), [plan(0, 20, 30), plan(0, 400, 410), plan(1, 300, 310), plan(2, 330, 340)]
    )
    day = np.datetime64(book.levels["m"].first, "D")
    lines = pd.DataFrame({"playbook": ["rescue"], "post_days": [60]})
    geometry = pd.DataFrame(
        {"anchor": [day + 310], "ends": [day + 370], "written": [day + 300], "pre_days": [28], "lottery": [None]}
    ).astype(dict.fromkeys(("anchor", "ends", "written"), "datetime64[s]"))
    found = bystanders(book, Config(), lines, geometry, "m").set_index("account_id")["starts_later"]
    # The first plan of a0000 is long over, its second begins after the window; a0001 is busy; a0003 has no plan.
    assert found.to_dict() == {"a0000": False, "a0002": True, "a0003": False}
