"""The arm of an account in a lottery is what was drawn."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.turns import Lot, by_turn, lots_of

START, ENDS = pd.Timestamp("2026-01-05"), pd.Timestamp("2026-04-02")


def lot(started):
    ids = [f"A{place}" for place in range(len(started))]
    days = pd.Series([START if each else pd.NaT for each in started], dtype="datetime64[s]")
    return Lot(pd.DataFrame({"account_id": ids, "start_order": 1.0, "started_on": days, "plan_id": None}))


def own(found):
    begun = found.rows[found.rows["started_on"].notna()]
    windows = {"anchor": START, "ends": ENDS, "written": START, "pre_days": 60, "lottery": "draw-1", "csm_id": "C"}
    ids = begun["account_id"].to_numpy()
    return pd.DataFrame({"episode_id": ids, "account_id": ids, "start_order": 1.0, "has_landed": True, **windows})


@pytest.mark.parametrize(
    ("started", "called", "followed"),
    [
        ("1110000", 3, 1.0),
        ("1101000", 2, 2 / 3),  # the fourth started out of turn: two of the three that started were called
        ("1110111110", 9, 8 / 9),  # one of the nine called never started
        ("0000000", 0, 0.0),
    ],
)
def test_the_turn_ends_where_the_fewest_starts_are_exceptions(started, called, followed):
    found = lot([each == "1" for each in started])
    assert (found.called(ENDS), found.followed(ENDS)) == (called, pytest.approx(followed))


def test_who_started_out_of_turn_is_no_plan_of_the_lottery():
    found = lot([True, True, False, True, False])
    arm = by_turn(own(found), {"draw-1": found}).set_index("account_id")["lottery"]
    assert arm.notna().to_dict() == {"A0": True, "A1": True, "A3": False}


def test_where_all_that_were_called_started_nobody_is_added():
    found = lot([True, True, False])
    assert by_turn(own(found), {"draw-1": found})["account_id"].tolist() == ["A0", "A1"]


def test_a_name_without_a_drawn_order_is_not_followed():
    assert by_turn(own(lot([True, True])), {})["order_followed"].tolist() == [0.0, 0.0]


def test_a_lot_of_which_those_about_to_fall_never_start_does_not_turn_nothing_into_a_gain():
    # Of 60 called among 180, the worst 3 never start. By starts the gap is about 60 (started) against 3 more that wait:
    # 57 of the 60 are above their 5 % quantile, a mean of .11, and the 123 others are below 0.
    rng, gaps = np.random.default_rng(1), []
    for _ in range(60):
        level = rng.normal(size=180)
        found = lot((np.arange(180) < 60) & (level > np.quantile(level[:60], 0.05)))
        values = pd.Series(level, index=[f"A{place}" for place in range(180)])
        arm = by_turn(own(found), {"draw-1": found})["account_id"]
        gaps.append(values[arm].mean() - level[found.called(ENDS) :].mean())
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(60)


@pytest.mark.parametrize("recorded", [None, pd.Timestamp("2025-12-01")])
def test_the_day_of_a_draw_is_that_of_its_record_else_of_the_first_start(recorded):
    rows = lot([True, True, False]).rows.assign(lottery="draw-1")
    rows["started_on"] += pd.to_timedelta([5, 0, 0], unit="D")
    known = {} if recorded is None else {"draw-1": recorded}
    nobody = rows.head(0).drop(columns="plan_id")
    inputs = SimpleNamespace(plans=rows, waiting=nobody, drawn_on=known, official=frozenset(["draw-1"]))
    assert lots_of(inputs)["draw-1"].drawn_on == (recorded or START)


def test_a_drawn_plan_that_never_landed_has_the_windows_of_the_next_one_that_did():
    found = lot([True, True, True, True, False])
    late, end = pd.Timestamp("2026-01-31"), pd.Timestamp("2026-04-28")
    mine = own(found).assign(has_landed=[True, False, True, False])
    mine.loc[2, ["anchor", "ends"]] = [late, end]
    arm = by_turn(mine, {"draw-1": found}).set_index("account_id")
    # A1 stands as near to A0 as to A2, and the first one counts; A3 stands next to A2.
    assert arm["anchor"].tolist() == [START, START, late, late]
    assert arm["ends"].tolist() == [ENDS, ENDS, end, end]
