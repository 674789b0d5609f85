"""Instants become days of the workspace's calendar."""

import pandas as pd

from csworkbench.analyses.plan_validation.days import day_of, in_days


def test_an_instant_is_the_day_of_the_zone_it_falls_on():
    # 22:30 in UTC is half past midnight in Stockholm; what is missing stays so.
    frame = pd.DataFrame({"plan_id": ["P", "Q"], "sent_at": pd.to_datetime(["2026-05-10T22:30:00", None])})
    found = in_days(frame, "Europe/Stockholm")
    assert list(found) == ["plan_id", "sent_on"]
    assert found["sent_on"][0] == pd.Timestamp("2026-05-11")
    assert pd.isna(found["sent_on"][1])


def test_only_instants_change_their_name():
    assert [day_of(name) for name in ("sent_at", "plan_id", "note")] == ["sent_on", "plan_id", "note"]
