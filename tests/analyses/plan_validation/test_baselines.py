"""What was true when a plan began is written down once; no later data or settings rewrite it."""

from datetime import date
from hashlib import sha256

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.baselines import baselines, freeze, official_baselines
from csworkbench.exports import write_tables
from csworkbench.formats import text as in_words

JUNE, JULY = date(2026, 6, 30), date(2026, 7, 31)


def plans(**starts):
    index = pd.Index(list(starts), name="plan_id")
    days = pd.to_datetime(list(starts.values())).astype("datetime64[s]")
    return pd.DataFrame({"account_id": [f"A{plan[1:]}" for plan in starts], "started_on": days}, index=index)


def levels(*rows):
    return pd.DataFrame(list(rows), columns=["plan_id", "metric", "value"])


def bands(*rows):
    frame = pd.DataFrame(list(rows), columns=["account_id", "snapshot_on", "score", "band"])
    return frame.astype({"snapshot_on": "datetime64[s]", "score": "float64", "band": "str"})


def now(value=40.0, scores=(("A1", "2026-04-30", 35.0, "at_risk"),), as_of=JUNE, **starts):
    made = plans(**(starts or {"P1": "2026-05-10"}))
    rows = levels(*((plan, "queries_run", value) for plan in made.index))
    return baselines(made, rows, bands(*scores), "c" * 64, as_of)


def official(tmp_path, frame, name="plans"):
    """The text of a released list, under the name that a release gives it."""
    write_tables({"baselines": frame}, tmp_path / "tables", ["plan_id", "account_id"])
    text = (tmp_path / "tables" / "baselines.csv").read_bytes().decode()
    return {f"{name}-{sha256(text.encode()).hexdigest()[:12]}.csv": text}


def test_a_baseline_holds_the_level_and_the_last_score_before_the_start():
    scores = (
        ("A1", "2026-04-30", 35.0, "at_risk"),
        ("A1", "2026-03-31", 50.0, "average"),
        ("A1", "2026-05-31", 80.0, "excellent"),
        ("A2", "2026-04-30", 90.0, "excellent"),
    )
    (row,) = now(scores=scores).to_dict("records")
    assert (row["plan_id"], row["account_id"], row["metric"], row["value"]) == ("P1", "A1", "queries_run", 40.0)
    assert (row["health_score"], row["band"], row["scored_on"]) == (35.0, "at_risk", pd.Timestamp("2026-04-30"))
    assert (row["config_sha256"], row["frozen_on"]) == ("c" * 64, pd.Timestamp(JUNE))


def test_a_plan_that_has_not_begun_has_no_baseline():
    assert now(P1=None).empty


def test_without_health_the_level_stands_alone():
    (row,) = now(scores=()).to_dict("records")
    assert row["value"] == 40.0
    assert pd.isna(row["health_score"])


def test_nothing_official_offers_all_of_it():
    found = freeze(now(), official_baselines({}))
    assert found.table["is_official"].tolist() == [False]
    assert [release.place for release in found.releases] == ["baselines/plans"]
    assert list(found.tables) == ["plan_baselines", "baselines", "baselines_changed"]


def test_an_official_baseline_holds_against_later_data_and_settings(tmp_path):
    texts = official(tmp_path, now())
    found = freeze(
        now(value=99.0, as_of=JULY, scores=(("A1", "2026-04-30", 77.0, "average"),)), official_baselines(texts)
    )
    (row,) = found.table.to_dict("records")
    assert (row["value"], row["health_score"], row["band"], row["is_official"]) == (40.0, 35.0, "at_risk", True)
    assert row["frozen_on"] == pd.Timestamp(JUNE)
    assert found.changed[["column", "official", "today"]].to_numpy().tolist() == [
        ["band", "at_risk", "average"],
        ["health_score", "35.0", "77.0"],
        ["value", "40.0", "99.0"],
    ]
    assert in_words(found.caveats[0].message).startswith("3 official baseline values would be another one today")


def test_the_same_data_change_nothing_and_offer_nothing(tmp_path):
    found = freeze(now(value=1 / 3, as_of=JULY), official_baselines(official(tmp_path, now(value=1 / 3))))
    assert (len(found.changed), len(found.fresh), found.releases) == (0, 0, ())


def test_only_what_is_not_official_yet_is_offered(tmp_path):
    texts = official(tmp_path, now())
    found = freeze(now(as_of=JULY, P1="2026-05-10", P2="2026-07-10"), official_baselines(texts))
    assert found.fresh["plan_id"].tolist() == ["P2"]
    assert found.table[["plan_id", "is_official"]].to_numpy().tolist() == [["P1", True], ["P2", False]]


def test_of_two_official_baselines_the_earlier_one_holds(tmp_path):
    first = official(tmp_path, now(value=40.0))
    later = official(tmp_path, now(value=50.0, as_of=JULY), name="a-later")
    assert official_baselines({**later, **first}).rows["value"].tolist() == [40.0]


def test_a_plan_that_vanished_keeps_its_official_baseline(tmp_path):
    texts = official(tmp_path, now())
    found = freeze(now(P2="2026-07-10"), official_baselines(texts))
    assert found.table["plan_id"].tolist() == ["P1", "P2"]


def test_a_damaged_list_is_told_and_counts_for_nothing(tmp_path):
    ((name, text),) = official(tmp_path, now()).items()
    found = freeze(now(), official_baselines({name: text.replace("40", "41")}))
    assert found.table["is_official"].tolist() == [False]
    assert found.caveats[0].code == "baselines_damaged"


@pytest.mark.parametrize(("as_of", "codes"), [(date(2026, 6, 10), []), (date(2026, 6, 11), ["baselines_late"])])
def test_a_baseline_that_waits_more_than_a_month_is_told(as_of, codes):
    # The plan began on 10 May; 31 days later it is 10 June.
    assert [caveat.code for caveat in freeze(now(as_of=as_of), official_baselines({})).caveats] == codes
