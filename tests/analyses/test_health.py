"""How healthy is each account, and why did its score change?"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError
from scipy import optimize, stats

from csworkbench import config as configs
from csworkbench import formats, sources
from csworkbench.analyses import health
from csworkbench.analyses.health.outcomes import auc
from csworkbench.analyses.health.panel import source_key
from csworkbench.asof import take
from csworkbench.errors import AnalysisError, ConfigError, NothingToAnalyze
from csworkbench.features import Attribute
from csworkbench.scoring import DEFAULT_BANDS, Carry, Categories, Curve, Exclude, Group, Measure, Scorecard, Worst
from csworkbench.tables import Kind
from csworkbench.workspace import load_workspace
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
TELCO = ROOT.parent / "shared" / "data" / "telco.csv"
JUNE, JULY, AUGUST, SEPTEMBER = (date(2026, month, 30) for month in (6, 7, 8, 9))
TO_100 = Curve(direction="higher", knots=((0, 0), (100, 100)))
PLAN = Categories(of={"month": 20, "year": 80})


def measure(name, points=TO_100, weight=1.0, missing=None, group="use"):
    return Measure(
        name=name,
        label=name.title(),
        source=Attribute(column=name),
        group=group,
        weight=weight,
        points=points,
        missing=missing or Exclude(),
    )


def card(*measures, **changes):
    return Scorecard(
        **{
            "id": "default",
            "title": "Title",
            "groups": (Group(name="use", label="Use", weight=1),),
            "measures": measures,
            "hysteresis_points": 0.0,
            **changes,
        }
    )


def make_config(*cards, **changes):
    return health.Config(
        **{"scorecards": cards or (card(measure("a")),), "history_months": 2, "compare_months": 1, **changes}
    )


def no_judgements():
    return pd.DataFrame(
        {
            "account_id": pd.Series(dtype="str"),
            "kind": pd.Series(dtype="str"),
            "value": pd.Series(dtype=float),
            "author": pd.Series(dtype="str"),
            "reason": pd.Series(dtype="str"),
            "made_on": pd.Series(dtype="datetime64[s]"),
            "expires_on": pd.Series(dtype="datetime64[s]"),
        }
    )


def column_of(cells):
    return pd.Categorical(cells) if any(isinstance(cell, str) for cell in cells) else np.array(cells, dtype=float)


def make_inputs(dates=(AUGUST, SEPTEMBER), customer=None, **columns):
    """Inputs of accounts A0, A1 ...; each column is a list of lists, one per date."""
    accounts = len(next(iter(columns.values()))[0])
    ids = pd.Index([f"A{row}" for row in range(accounts)], dtype="str", name="account_id")
    cells = {
        source_key(Attribute(column=name)): column_of([cell for row in rows for cell in row])
        for name, rows in columns.items()
    }
    there = [True] * accounts * len(dates) if customer is None else [cell for row in customer for cell in row]
    return health.Inputs(
        as_of=dates[-1],
        dates=tuple(dates),
        accounts=pd.DataFrame({"name": "Name " + ids}, index=ids),
        panel=pd.DataFrame({"is_customer": there, **cells}, index=pd.Index(list(ids) * len(dates), dtype="str")),
        ages=pd.DataFrame(0.0, index=ids, columns=list(cells)),
        left_out={},
        notes=(),
        of_today={},
        has_attribute_history=True,
        left=0,
        judgements=no_judgements(),
        outcomes=pd.DataFrame(index=ids),
    )


def say(message):
    return formats.text(message)


def scores(result):
    return result.tables["scores"].set_index("account_id")


# --- scores -----------------------------------------------------------------------------------------------------------


def test_the_lowest_score_comes_first_and_the_unknown_last():
    result = health.analyze(make_inputs(a=[[10, 20, 30], [50, np.nan, 30]]), make_config())
    assert result.tables["scores"]["account_id"].tolist() == ["A2", "A0", "A1"]
    assert result.tables["scores"]["band"].tolist() == ["at_risk", "average", "not scored"]


def test_contributions_add_up_to_the_score_of_every_account():
    made = make_config(card(measure("a", weight=3), measure("b"), minimum_coverage=0.2))
    result = health.analyze(make_inputs(a=[[1, 2], [40, np.nan]], b=[[1, 2], [80, 60]]), made)
    found = result.tables["contributions"].groupby("account_id")["contribution"].sum()
    assert found.to_dict() == {"A0": pytest.approx((3 * 40 + 80) / 4, abs=1e-9), "A1": 60}
    percent = result.tables["contributions"].groupby("account_id")["effective_percent"].sum()
    assert percent.to_numpy() == pytest.approx([100, 100])


def test_the_weakest_measure_is_the_one_that_costs_most_points():
    made = make_config(card(measure("a", weight=3), measure("b")))
    result = health.analyze(make_inputs(a=[[0], [60]], b=[[0], [10]]), made)
    # a costs 3/4 * 40 = 30, b costs 1/4 * 90 = 22.5.
    assert scores(result).loc["A0", ["weakest", "lost_points"]].tolist() == ["A", 30]


def test_a_measure_table_says_what_each_value_rests_on():
    made = make_config(card(measure("a"), measure("plan", PLAN), minimum_coverage=0))
    result = health.analyze(make_inputs(a=[[1, 1], [40, np.nan]], plan=[["month"] * 2, ["year", "month"]]), made)
    rows = result.tables["measures"]
    assert rows["account_id"].tolist() == ["A0", "A0", "A1", "A1"]
    assert rows["measure"].tolist() == ["a", "plan", "a", "plan"]
    assert rows["basis"].tolist() == ["measured", "measured", "missing", "measured"]
    assert rows["value"].tolist()[0] == 40
    assert rows["text"].tolist()[1] == "year"
    assert rows["points"].tolist()[3] == 20


def test_the_order_of_accounts_changes_nothing():
    made = make_config()
    once = health.analyze(make_inputs(a=[[10, 20, 80], [30, 90, 50]]), made)
    again = health.analyze(make_inputs(a=[[80, 10, 20], [50, 30, 90]]), made)
    renamed = {"A0": "A2", "A1": "A0", "A2": "A1"}
    assert {renamed[key]: value for key, value in scores(again)["score"].items()} == scores(once)["score"].to_dict()
    assert once.figures == again.figures


def test_inputs_are_not_changed():
    inputs = make_inputs(a=[[10, 20], [30, np.nan]])
    before = inputs.panel.copy()
    health.analyze(inputs, make_config())
    pd.testing.assert_frame_equal(inputs.panel, before)


# --- which scorecard --------------------------------------------------------------------------------------------------


def large_rule(**changes):
    return health.Rule(
        **{
            "label": "Large ones",
            "scorecard": "large",
            "when": (health.OneOf(column="tier", values=("large",)),),
            **changes,
        }
    )


def two_cards(*rules, **changes):
    return make_config(card(measure("a")), card(measure("b"), id="large"), rules=rules, **changes)


def test_the_first_rule_that_holds_chooses_the_scorecard_and_is_named():
    inputs = make_inputs(a=[[10, 10]] * 2, b=[[90, 90]] * 2, tier=[["large", "small"]] * 2)
    result = health.analyze(inputs, two_cards(large_rule(), large_rule(label="Never reached")))
    assert scores(result)[["scorecard", "rule", "score"]].to_dict("index") == {
        "A0": {"scorecard": "large", "rule": "Large ones", "score": 90},
        "A1": {"scorecard": "default", "rule": "everyone else", "score": 10},
    }


def test_every_condition_of_a_rule_must_hold():
    rule = large_rule(when=(health.OneOf(column="tier", values=("large",)), health.Between(column="arr", low=100)))
    inputs = make_inputs(a=[[1, 1]] * 2, b=[[2, 2]] * 2, tier=[["large", "large"]] * 2, arr=[[99, 100]] * 2)
    found = scores(health.analyze(inputs, two_cards(rule)))
    assert found["scorecard"].to_dict() == {"A0": "default", "A1": "large"}
    titles = {card.id: card.title for card in two_cards(rule).scorecards}
    assert found["scorecard_title"].to_dict() == {"A0": titles["default"], "A1": titles["large"]}


def test_a_range_holds_its_low_end_and_not_its_high_end():
    rule = large_rule(when=(health.Between(column="arr", low=10, high=20),))
    inputs = make_inputs(a=[[1, 1, 1]] * 2, b=[[2, 2, 2]] * 2, arr=[[10, 20, np.nan]] * 2)
    assert scores(health.analyze(inputs, two_cards(rule)))["scorecard"].tolist().count("large") == 1


def test_numbers_are_compared_as_they_are_written():
    rule = large_rule(when=(health.OneOf(column="arr", values=("10",)),))
    inputs = make_inputs(a=[[1, 1]] * 2, b=[[2, 2]] * 2, arr=[[10, 20]] * 2)
    assert scores(health.analyze(inputs, two_cards(rule)))["scorecard"].to_dict() == {"A0": "large", "A1": "default"}


def test_a_range_over_text_is_refused():
    rule = large_rule(when=(health.Between(column="tier", low=1),))
    with pytest.raises(AnalysisError, match="column 'tier' holds text; use kind: one_of"):
        health.analyze(make_inputs(a=[[1]] * 2, b=[[2]] * 2, tier=[["x"]] * 2), two_cards(rule))


def test_figures_of_each_scorecard_stand_beside_those_of_the_book():
    inputs = make_inputs(a=[[10, 10]] * 2, b=[[90, 90]] * 2, tier=[["large", "small"]] * 2)
    figures = health.analyze(inputs, two_cards(large_rule())).figures
    assert (figures["share_at_risk"].value, figures["share_at_risk"].n) == (0.5, 2)
    assert (figures["share_at_risk.large"].value, figures["share_at_risk.default"].value) == (0, 1)
    assert figures["median_score.large"].value == 90


# --- movement ---------------------------------------------------------------------------------------------------------


def test_accounts_move_between_bands_and_the_changes_add_up():
    made = make_config(card(measure("a", weight=3), measure("b")))
    result = health.analyze(make_inputs(a=[[80, 10], [20, 90]], b=[[60, 10], [80, 10]]), made)
    found = scores(result)
    # A0: (240+60)/4 = 75 -> (60+80)/4 = 35; A1: 10 -> (270+10)/4 = 70.
    assert found["change"].to_dict() == {"A0": -40, "A1": 60}
    assert found["moved"].to_dict() == {"A0": "down", "A1": "up"}
    assert found["moved_by"].to_dict() == {"A0": "A", "A1": "A"}
    parts = result.tables["changes"].groupby("account_id")[["change", "data"]].sum()
    assert parts["change"].to_dict() == {"A0": -40, "A1": 60}
    assert parts["data"].to_dict() == {"A0": -40, "A1": 60}
    assert (result.figures["moved_down"].value, result.figures["moved_down"].n) == (1, 2)


def test_drivers_are_the_mean_moves_of_measures_and_add_up_to_the_move_of_the_mean():
    made = make_config(card(measure("a", weight=3), measure("b")))
    rows = health.analyze(make_inputs(a=[[80, 10], [20, 90]], b=[[60, 10], [80, 10]]), made).tables["drivers"]
    # a: (3/4)(20-80) = -45 and (3/4)(90-10) = 60, mean 7.5; b: (80-60)/4 = 5 and 0, mean 2.5; mean score 42.5 -> 52.5.
    assert rows[["measure", "accounts", "change", "data"]].to_numpy().tolist() == [
        ["a", 2, 7.5, 7.5],
        ["b", 2, 2.5, 2.5],
    ]


def test_without_a_comparison_nothing_drove_the_scores():
    made = make_config(card(measure("a")), compare_months=0)
    assert health.analyze(make_inputs(a=[[80], [20]]), made).tables["drivers"].empty


def test_transitions_count_everybody_who_was_or_is_a_customer():
    inputs = make_inputs(
        customer=[[True, True, False, True], [True, False, True, True]],
        a=[[80, 80, np.nan, 10], [20, np.nan, 50, np.nan]],
    )
    rows = health.analyze(inputs, make_config()).tables["transitions"]
    assert rows[["from_band", "to_band", "accounts", "share"]].to_numpy().tolist() == [
        ["at_risk", "not scored", 1, 1],
        ["excellent", "at_risk", 1, 0.5],
        ["excellent", "left", 1, 0.5],
        ["new", "average", 1, 1],
    ]


def test_an_account_that_was_no_customer_then_is_new_and_has_no_change():
    inputs = make_inputs(customer=[[False, True], [True, True]], a=[[50, 50], [50, 50]])
    found = scores(health.analyze(inputs, make_config()))
    assert found["moved"].to_dict() == {"A0": "new", "A1": "same"}
    assert np.isnan(found.loc["A0", "change"])


def test_without_a_comparison_nothing_has_moved():
    result = health.analyze(make_inputs(a=[[80], [20]]), make_config(compare_months=0))
    assert scores(result)["moved"].isna().all()
    assert "moved_down" not in result.figures
    assert result.tables["changes"].empty
    assert result.tables["transitions"].empty
    assert say(result.headline) == "At risk on 30 Sep 2026: 1 of 1 scored account (100.0%)."


def test_an_earlier_scorecard_tells_config_from_data():
    now, then = card(measure("a", weight=3), measure("b")), card(measure("a"), measure("b"))
    inputs = make_inputs(a=[[80], [80]], b=[[40], [60]])
    result = health.analyze(inputs, make_config(now, earlier_scorecards=(then,)))
    # Then: (80+40)/2 = 60. Today's card on the data of then: (240+40)/4 = 70. Now: (240+60)/4 = 75.
    assert scores(result).loc["A0", ["earlier_score", "score"]].tolist() == [60, 75]
    parts = result.tables["changes"][["data", "config", "coverage"]].sum()
    assert parts.tolist() == pytest.approx([5, 10, 0], abs=1e-9)


def test_another_scorecard_than_before_counts_as_config_and_is_named():
    inputs = make_inputs(a=[[10], [10]], b=[[90], [90]], tier=[["small"], ["large"]])
    result = health.analyze(inputs, two_cards(large_rule()))
    assert result.tables["changes"].set_index("measure")["config"].to_dict() == {"b": 90, "a": -10}
    assert "scorecard_switched" in [caveat.code for caveat in result.caveats]


grid = arrays.arrays(float, (3, 4), elements=st.one_of(st.just(float("nan")), st.floats(0, 100)))


@settings(max_examples=25, deadline=None)
@given(grid, grid, st.floats(0.1, 9), st.floats(0.1, 9))
def test_parts_of_a_change_add_up_to_it_whatever_happened(a, b, now, then):
    policy = Carry(max_age_days=40)
    cards = [card(measure("a", weight=weight, missing=policy), measure("b")) for weight in (now, then)]
    made = make_config(cards[0], earlier_scorecards=(cards[1],), history_months=3, compare_months=2)
    result = health.analyze(make_inputs((JULY, AUGUST, SEPTEMBER), a=a.tolist(), b=b.tolist()), made)
    rows = result.tables["changes"]
    parts = rows[["data", "config", "coverage"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(rows["change"].to_numpy(), abs=1e-9)
    change = scores(result)["change"].dropna()
    explained = rows.groupby("account_id")["change"].sum().reindex(change.index, fill_value=0)
    assert explained.to_numpy() == pytest.approx(change.to_numpy(), abs=1e-9)


def test_history_counts_every_band_at_every_month_end():
    made = make_config(history_months=3)
    inputs = make_inputs(
        (JULY, AUGUST, SEPTEMBER),
        customer=[[True, False], [True, True], [True, True]],
        a=[[10, 10], [50, 50], [80, np.nan]],
    )
    result = health.analyze(inputs, made)
    rows = result.tables["history"].set_index(["snapshot_on", "band"])
    shares = rows["share"].unstack("band")
    assert shares.columns.tolist() == ["at_risk", "average", "excellent"]
    # In September A1 is a customer without a score: the shares are of the one scored, as in the figure.
    assert shares.to_numpy().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert rows.loc["2026-09-30", ["scored", "customers"]].to_numpy().tolist() == [[1, 2]] * 3
    assert result.figures["share_at_risk"].value == shares.loc["2026-09-30", "at_risk"]


def test_dates_before_the_history_feed_carried_values_and_are_not_shown():
    made = make_config(card(measure("a", missing=Carry(max_age_days=70))))
    inputs = make_inputs((JULY, AUGUST, SEPTEMBER), a=[[60], [np.nan], [np.nan]])
    result = health.analyze(inputs, made)
    assert scores(result).loc["A0", "score"] == 60
    assert result.tables["history"]["snapshot_on"].dt.date.unique().tolist() == [AUGUST, SEPTEMBER]
    assert len(result.tables["account_history"]) == 2


def test_bands_of_the_history_have_hysteresis():
    made = make_config(card(measure("a"), hysteresis_points=3))
    result = health.analyze(make_inputs(a=[[39], [42]]), made)
    assert scores(result).loc["A0", ["band", "moved"]].tolist() == ["at_risk", "same"]


def test_no_band_begins_before_the_history():
    """July only feeds carried values: b is not measured there, so its 30 points are no score that could hold a band."""
    made = make_config(card(measure("a", missing=Carry(max_age_days=70)), measure("b"), hysteresis_points=5))
    inputs = make_inputs((JULY, AUGUST, SEPTEMBER), a=[[30], [30], [30]], b=[[np.nan], [54], [54]])
    # (30 + 54) / 2 = 42 is average; with a band "at risk" held from July it would need 45.
    assert scores(health.analyze(inputs, made)).loc["A0", ["earlier_band", "band"]].tolist() == ["average", "average"]


def test_a_measure_without_points_at_both_dates_still_stands_among_the_drivers():
    made = make_config(card(measure("a"), measure("b")))
    rows = health.analyze(make_inputs(a=[[0, 0], [0, 0]], b=[[0, 80], [0, 60]]), made).tables["drivers"]
    # a moved nothing for both accounts; b moved (0 + (60 - 80) / 2) / 2 = -5 over both.
    assert rows[["measure", "accounts", "change"]].to_numpy().tolist() == [["b", 2, -5], ["a", 2, 0]]


def test_a_measure_nobody_had_before_is_named_because_the_change_is_partly_one_of_records():
    made = make_config(card(measure("a"), measure("b", missing=Worst())), history_months=3, compare_months=1)
    columns = {"a": [[50, 50]] * 3, "b": [[np.nan] * 2, [np.nan] * 2, [90, np.nan]]}
    found = {
        each.code: each for each in health.analyze(make_inputs((JULY, AUGUST, SEPTEMBER), **columns), made).caveats
    }
    assert found["recorded_later"].severity == "warning"
    assert say(found["recorded_later"].message).startswith("Nobody has a value of B before 30 Sep 2026")
    columns["b"][1] = [90, 90]
    known = health.analyze(make_inputs((JULY, AUGUST, SEPTEMBER), **columns), made)
    assert {each.code: each.severity for each in known.caveats}["recorded_later"] == "note"


def test_a_band_can_be_lower_at_the_same_score():
    made = make_config(card(measure("a"), hysteresis_points=5), history_months=4, compare_months=2)
    result = health.analyze(make_inputs((JUNE, JULY, AUGUST, SEPTEMBER), a=[[50], [38], [20], [38]]), made)
    assert scores(result).loc["A0", ["earlier_band", "band", "moved", "change"]].tolist() == [
        "average",
        "at_risk",
        "down",
        0,
    ]
    assert not any("Look into" in say(action) for action in result.actions)


# --- judgements -------------------------------------------------------------------------------------------------------


def said(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "kind", "value", "author", "reason", "made_on", "expires_on"])
    frame[["made_on", "expires_on"]] = frame[["made_on", "expires_on"]].astype("datetime64[s]")
    return frame


def with_judgements(*rows, a=((50, 50), (50, 50)), **changes):
    return health.analyze(replace(make_inputs(a=a), judgements=said(*rows)), make_config(**changes))


def test_judgements_stand_beside_the_score_and_never_change_it():
    result = with_judgements(
        ("A0", "override", 10.0, "Åsa", "The sponsor leaves", "2026-09-01", None),
        ("A0", "pulse", 60.0, "王伟", None, "2026-09-20", None),
    )
    row = scores(result).loc["A0"]
    assert row[["score", "band", "override", "override_reason", "pulse"]].tolist() == [
        50,
        "average",
        10,
        "The sponsor leaves",
        60,
    ]
    assert scores(result).loc["A1", "score"] == 50
    assert result.tables["judgements"][["kind", "judged_band", "agrees"]].to_numpy().tolist() == [
        ["override", "at_risk", False],
        ["pulse", "average", True],
    ]
    assert any("Compare notes on Name A0" in say(action) for action in result.actions)


def test_a_pulse_without_an_end_counts_for_its_days():
    row = ("A0", "pulse", 60.0, "王伟", None, "2026-08-31", None)
    # 30 days after 31 August is 30 September: on that day it no longer counts.
    assert len(with_judgements(row, pulse_days=31).tables["judgements"]) == 1
    ended = with_judgements(row, pulse_days=30)
    assert ended.tables["judgements"].empty
    assert "judgement_ended" in [caveat.code for caveat in ended.caveats]


def test_an_override_without_an_end_stays():
    assert len(with_judgements(("A0", "override", 10.0, "x", "y", "2020-01-01", None)).tables["judgements"]) == 1


def test_the_newest_judgement_of_a_kind_counts():
    result = with_judgements(
        ("A0", "pulse", 20.0, "x", None, "2026-09-20", None), ("A0", "pulse", 90.0, "x", None, "2026-09-01", None)
    )
    assert scores(result).loc["A0", "pulse"] == 20


def test_a_judgement_equal_to_a_score_that_hysteresis_holds_agrees():
    row = ("A0", "pulse", 39.0, "x", None, "2026-09-20", None)
    made = card(measure("a"), hysteresis_points=2)
    inputs = replace(make_inputs(a=[[50], [39]]), judgements=said(row))
    rows = health.analyze(inputs, make_config(made)).tables["judgements"]
    assert rows[["judged_band", "band", "agrees"]].to_numpy().tolist() == [["average", "average", True]]


def test_a_judgement_about_an_account_without_a_score_disputes_nothing():
    result = with_judgements(("A0", "pulse", 39.0, "x", None, "2026-09-20", None), a=((50, 50), (np.nan, 50)))
    assert result.tables["judgements"][["band", "agrees"]].to_numpy().tolist() == [["not scored", True]]
    assert not any("Compare notes" in say(action) for action in result.actions)


def test_a_judgement_that_ends_on_the_day_has_ended():
    for ends, rows in (("2026-09-30", 0), ("2026-10-01", 1)):
        found = with_judgements(("A0", "override", 10.0, "x", "y", "2026-09-01", ends)).tables["judgements"]
        assert len(found) == rows


def test_an_override_without_a_reason_is_a_warning():
    result = with_judgements(("A0", "override", 10.0, "x", None, "2026-09-01", None))
    assert [caveat.code for caveat in result.caveats if caveat.severity == "warning"] == ["override_without_reason"]


# --- what is missing --------------------------------------------------------------------------------------------------


def test_a_measure_whose_table_is_missing_is_left_out_and_named():
    lacking = measure("b")
    inputs = replace(make_inputs(a=[[40], [40]]), left_out={source_key(lacking.source): ("touches",)})
    result = health.analyze(inputs, make_config(card(measure("a"), lacking, minimum_coverage=0.9)))
    assert scores(result).loc["A0", ["score", "coverage"]].tolist() == [40, 1]
    caveat = next(caveat for caveat in result.caveats if caveat.code == "measure_left_out")
    assert say(caveat.message) == "B took no part in the score: the workspace has no table touches"
    assert "touches" in say(caveat.action)


def test_a_scorecard_without_any_measure_left_is_refused():
    only = measure("b")
    inputs = replace(make_inputs(a=[[40], [40]]), left_out={source_key(only.source): ("touches",)})
    with pytest.raises(NothingToAnalyze, match="no measure can be computed; the workspace lacks touches"):
        health.analyze(inputs, make_config(card(only)))


def test_a_measure_that_was_not_prepared_is_refused():
    with pytest.raises(AnalysisError, match="b not measured yet; run prepare again"):
        health.analyze(make_inputs(a=[[40], [40]]), make_config(card(measure("b"))))


def test_a_book_without_customers_is_refused():
    with pytest.raises(AnalysisError, match="no account is a customer on 2026-09-30"):
        health.analyze(make_inputs(customer=[[True], [False]], a=[[1], [1]]), make_config())


def test_when_nobody_can_be_scored_the_page_says_stop():
    result = health.analyze(make_inputs(a=[[np.nan], [np.nan]]), make_config())
    assert (result.caveats[0].code, result.caveats[0].severity) == ("not_scored", "stop")
    assert result.figures["share_at_risk"].value is None
    assert say(result.headline).startswith("No score on 30 Sep 2026 for any of 1 account")
    assert any("Record A" in say(action) for action in result.actions)


def test_numbers_a_scorecard_does_not_list_are_named_too():
    made = make_config(card(measure("a"), measure("level", Categories(of={"1": 0, "2": 100})), minimum_coverage=0))
    result = health.analyze(make_inputs(a=[[50, 50]] * 2, level=[[1, 3]] * 2), made)
    texts = [say(caveat.message) for caveat in result.caveats if caveat.code == "values_not_listed"]
    assert texts == ["Level has values the scorecard does not list (3); 1 account counts as missing there"]


def test_values_a_scorecard_does_not_list_are_named():
    made = make_config(card(measure("plan", PLAN), measure("a")))
    inputs = make_inputs(plan=[["year", "week"]] * 2, a=[[50, 50]] * 2)
    caveat = next(caveat for caveat in health.analyze(inputs, made).caveats if caveat.code == "values_not_listed")
    assert say(caveat.message).startswith("Plan has values the scorecard does not list (week); 1 account counts")


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_headline_is_one_sentence_with_the_numbers():
    result = health.analyze(make_inputs(a=[[80, 80, 10], [20, 80, 90]]), make_config())
    assert say(result.headline) == (
        "At risk on 30 Sep 2026: 1 of 3 scored accounts (33.3%); "
        "of 3 scored on 30 Aug 2026 too, 1 moved to a lower band and 1 to a higher one."
    )


def test_actions_name_accounts_and_the_measure_behind_the_fall():
    result = health.analyze(make_inputs(a=[[80, 80], [20, 80]]), make_config())
    assert [say(action) for action in result.actions] == [
        "Look first at Name A0: they score lowest; the column weakest says where each loses most.",
        "Ask what happened at Name A0: they moved to a lower band.",
        "Look into A: it took the most points at 1 of 1 account that fell.",
    ]


def test_every_sentence_can_be_put_into_words():
    result = with_judgements(("A0", "override", 10.0, "x", None, "2026-09-01", None), a=((80, 50), (10, np.nan)))
    texts = [
        result.headline,
        *result.actions,
        *(caveat.message for caveat in result.caveats),
        *(caveat.action for caveat in result.caveats if caveat.action),
    ]
    assert all(say(text) for text in texts)
    severities = [caveat.severity for caveat in result.caveats]
    assert severities == sorted(severities, key=["stop", "warning", "note"].index)


# --- an outcome beside the score --------------------------------------------------------------------------------------


def with_outcome(values, **changes):
    inputs = make_inputs(a=[[10, 20, 30, 40, 50, 60]] * 2)
    outcomes = pd.DataFrame(values, index=inputs.accounts.index)
    return health.analyze(replace(inputs, outcomes=outcomes), make_config(**changes))


def test_auc_is_the_share_of_pairs_in_order():
    # Bad: 10, 30, 40; good: 20, 50, 60. Of 9 pairs only 20 < 30 and 20 < 40 are out of order: 7/9.
    result = with_outcome({"left": [True, False, True, True, False, False]})
    assert result.figures["auc_in_sample"].value == pytest.approx(7 / 9)
    assert "in_sample" in [caveat.code for caveat in result.caveats]
    row = result.tables["measure_auc"].iloc[0]
    assert row[["measure", "n", "events"]].tolist() == ["a", 6, 3]
    assert row["auc"] == pytest.approx(7 / 9)


def test_a_good_outcome_points_the_other_way():
    result = with_outcome({"renewed": [False, True, False, False, True, True]}, outcome_is="good")
    assert result.figures["auc_in_sample"].value == pytest.approx(7 / 9)


def test_accounts_without_a_decided_outcome_take_no_part():
    result = with_outcome({"left": pd.array([True, None, None, None, None, False], dtype=object)})
    assert result.figures["auc_in_sample"].n == 2


@pytest.mark.parametrize(
    ("values", "changes", "code"),
    [
        ({"left": [True] * 6}, {}, "outcome_one_kind"),
        ({"spend": [1.5, 2, 3, 4, 5, 6]}, {}, "outcome_not_binary"),
        ({"left": [True, False] * 3, "paid": [True, False] * 3}, {}, "several_outcomes"),
        ({"left": [True, False] * 3}, {"outcome": "gone"}, "no_such_outcome"),
    ],
)
def test_an_outcome_that_cannot_be_read_is_a_caveat(values, changes, code):
    result = with_outcome(values, **changes)
    assert code in [caveat.code for caveat in result.caveats]
    assert "auc_in_sample" not in result.figures
    assert result.tables["measure_auc"].empty


def test_one_of_several_outcomes_can_be_chosen():
    result = with_outcome({"left": [True, False] * 3, "paid": [False] * 6}, outcome="left")
    assert "auc_in_sample" in result.figures


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(float, 30, elements=st.integers(0, 12).map(float)), arrays.arrays(bool, 30))
def test_auc_agrees_with_scikit_learn(points, is_bad):
    from sklearn.metrics import roc_auc_score

    if is_bad.all() or not is_bad.any():
        return
    found = auc(points, is_bad)
    assert found.value == pytest.approx(roc_auc_score(is_bad, -points), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_auc_interval_is_that_of_brunner_and_munzel_on_the_logit_scale():
    points = np.array([1.0, 2, 2, 4, 5, 6, 7, 8])
    is_bad = np.array([True, True, False, True, False, False, True, False])
    # DeLong's variance, pair by pair: psi = 1, 1/2, 0 for good above, equal, below bad.
    good, bad = points[~is_bad], points[is_bad]
    psi = (good[:, None] > bad) + 0.5 * (good[:, None] == bad)
    variance = psi.mean(axis=1).var(ddof=1) / len(good) + psi.mean(axis=0).var(ddof=1) / len(bad)
    value, odds = psi.mean(), np.log(psi.mean() / (1 - psi.mean()))
    # The test of scipy is t = (value - 1/2) / sqrt(variance) with the same degrees of freedom, found from its p-value.
    test = stats.brunnermunzel(bad, good)
    assert test.statistic == pytest.approx((value - 0.5) / np.sqrt(variance))
    freedom = optimize.brentq(lambda df: 2 * stats.t.sf(abs(test.statistic), df) - test.pvalue, 1, 100)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance) / (value * (1 - value))
    found = auc(points, is_bad)
    assert found.value == pytest.approx(value)
    assert [found.low, found.high] == pytest.approx([1 / (1 + np.exp(half - odds)), 1 / (1 + np.exp(-half - odds))])


def test_a_score_that_is_the_same_for_all_says_nothing_and_not_for_certain():
    found = auc(np.full(60, 5.0), np.arange(60) < 10)
    # Largest variance .5 * .5 / 10; t with 9 degrees of freedom 2.2622; half = 2.2622 sqrt(.025) / .25 = 1.4307.
    assert found.value == 0.5
    assert [found.low, found.high] == pytest.approx([0.19297, 0.80703], abs=1e-4)


def test_one_account_of_a_kind_shows_next_to_nothing():
    found = auc(np.arange(20.0), np.arange(20) == 3)
    assert (found.low < 0.01, found.high > 0.99) == (True, True)


def test_few_outcomes_and_an_implausible_measure_are_warnings():
    # A0 and A1 left and have the lowest scores: an AUC of 1 from two accounts of a kind.
    inputs = make_inputs(a=[[1, 2, 3, 4]] * 2)
    outcomes = pd.DataFrame({"left": [True, True, False, False]}, index=inputs.accounts.index)
    found = {
        each.code: each.severity for each in health.analyze(replace(inputs, outcomes=outcomes), make_config()).caveats
    }
    assert (found["few_events"], found["suspected_leak"]) == ("warning", "warning")


def test_a_perfect_order_is_bounded_by_the_smaller_class():
    found = auc(np.array([1.0, 2, 3, 4, 5]), np.array([True, True, False, False, False]))
    # Two units all right: the exact lower bound of a share of 1 in 2 is .025 ** (1/2).
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025**0.5)


def test_auc_needs_both_kinds():
    with pytest.raises(ValueError, match="both kinds"):
        auc(np.array([1.0, 2.0]), np.array([True, True]))


@pytest.mark.calibration
def test_auc_interval_covers_the_truth():
    # Scores N(0,1) of the bad, N(1,1) of the good: AUC = Phi(1/sqrt 2) = .76025. 600 books of 80; the binomial error of
    # 600 repetitions at 95 % is .009, three of them are .027.
    rng = np.random.default_rng(20260930)
    covered = 0
    for _ in range(600):
        is_bad = np.arange(80) < 20
        found = auc(rng.normal(size=80) + ~is_bad, is_bad)
        covered += found.low <= 0.7602499389065233 <= found.high
    assert 0.95 - 0.027 <= covered / 600 <= 0.95 + 0.027


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"default": "gone"}, "default: there is no scorecard 'gone'; the scorecards are default"),
        ({"rules": (large_rule(),)}, "there is no scorecard 'large'"),
        ({"compare_months": 2}, "compare_months: must be below history_months, 2"),
        ({"earlier_scorecards": (card(measure("a"), id="old"),)}, "there is no scorecard 'old' today"),
        ({"scorecards": (card(measure("a")), card(measure("a")))}, "'default' is used twice"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(changes, text):
    with pytest.raises(ValidationError, match=text):
        make_config(**changes)


def test_all_scorecards_need_the_same_band_names():
    low, middle, high = DEFAULT_BANDS
    other = card(measure("a"), id="other", bands=(low, middle.model_copy(update={"name": "fair"}), high))
    with pytest.raises(ValidationError, match="every scorecard needs the same band names: at_risk, average, excellent"):
        make_config(card(measure("a")), other)


def test_the_shipped_settings_load_and_use_the_three_measures_of_the_field():
    made = configs.load(Path("configs/health.yaml"), health.Config, ROOT)
    for each in made.scorecards:
        kinds = [(m.source.kind, getattr(m.source, "what", "")) for m in each.measures]
        assert {("usage", "events"), ("usage", "minutes"), ("feature_breadth", "")} <= set(kinds)
    assert made.band_names == ("at_risk", "average", "excellent")


# --- from a book ------------------------------------------------------------------------------------------------------


ACCOUNTS = [
    {"account_id": "A1", "name": "阳光", "plan": "year", "signup_at": "2026-01-01", "churned_at": None},
    {"account_id": "A2", "name": "Åkeri", "plan": "month", "signup_at": "2026-01-01", "churned_at": None},
    {"account_id": "A3", "name": "Gone", "plan": "month", "signup_at": "2026-01-01", "churned_at": "2026-09-10"},
    {"account_id": "A4", "name": "New", "plan": "year", "signup_at": "2026-09-20", "churned_at": None},
]
TICKETS = [
    {"ticket_id": "T1", "account_id": "A1", "opened_at": "2026-09-01", "resolved_at": None, "known_at": None},
    {"ticket_id": "T2", "account_id": "A1", "opened_at": "2026-09-02", "resolved_at": None, "known_at": None},
    {"ticket_id": "T3", "account_id": "A2", "opened_at": "2026-07-02", "resolved_at": "2026-09-03", "known_at": None},
]
OPEN = Measure(
    name="open",
    label="Open",
    source={"kind": "open_tickets"},
    group="use",
    weight=1,
    points=Curve(direction="lower", knots=((0, 100), (4, 0))),
)
BOOK_CONFIG = make_config(card(measure("plan", PLAN), OPEN), rules=())


def run(made, config=BOOK_CONFIG):
    return health.analyze(health.prepare(take(made, SEPTEMBER), config, {}), config)


def make_book(**tables):
    return book({"accounts": ACCOUNTS, "tickets": TICKETS, **tables})


def test_a_book_is_scored_as_of_its_date():
    result = run(make_book())
    # A1: plan 80, two open tickets 50 -> 65; A2: plan 20, none open 100 -> 60 (on 30 August one open: 47.5);
    # A4: plan 80, none open 100 -> 90.
    assert scores(result)["score"].to_dict() == {"A1": 65, "A2": 60, "A4": 90}
    assert scores(result)["earlier_score"].round(6).to_dict()["A2"] == 47.5
    assert scores(result)["moved"].to_dict() == {"A1": "down", "A2": "same", "A4": "new"}
    assert "left" in result.tables["transitions"]["to_band"].tolist()
    assert "left" in [caveat.code for caveat in result.caveats]


def of_today(made, config=BOOK_CONFIG):
    return [say(caveat.message) for caveat in run(made, config).caveats if caveat.code == "values_of_today"]


def test_what_earlier_dates_use_of_today_is_told_with_the_measures_and_rules_that_do():
    rule = large_rule(scorecard="default", when=(health.OneOf(column="plan", values=("year",)),))
    text = "Nobody recorded what accounts.plan held before: earlier dates use the values of today (for {})"
    assert of_today(make_book()) == [text.format("Plan")]
    assert of_today(make_book(), BOOK_CONFIG.model_copy(update={"rules": (rule,)})) == [text.format("Plan, Large ones")]


def test_a_page_of_the_newest_day_alone_uses_nothing_of_another_day():
    newest = [{"account_id": "A1", "date": "2026-09-30"}]
    one_day = BOOK_CONFIG.model_copy(update={"history_months": 1, "compare_months": 0})
    assert of_today(make_book(usage_daily=newest), one_day) == []


def test_facts_known_later_change_nothing():
    late = [
        {"ticket_id": name, "account_id": "A1", "opened_at": opened, "resolved_at": None, "known_at": known}
        for name, opened, known in (("T4", "2026-10-01", None), ("T5", "2026-09-05", "2026-10-02"))
    ]
    made = make_book()
    before, after = run(made), run(with_rows(made, "tickets", late))
    assert before.figures == after.figures
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, after.tables[name])


def test_a_book_without_tickets_leaves_the_measure_out():
    result = run(book({"accounts": ACCOUNTS}))
    assert scores(result)["score"].to_dict() == {"A1": 80, "A2": 20, "A4": 80}
    assert "measure_left_out" in [caveat.code for caveat in result.caveats]


def test_judgements_are_read_with_the_day_of_the_workspace():
    rows = [{"account_id": "A1", "made_at": "2026-09-29T23:30:00", "author": "王伟", "kind": "pulse", "value": 30.0}]
    inputs = health.prepare(
        take(
            book({"accounts": ACCOUNTS, "tickets": TICKETS, "judgements": rows}, timezone="Europe/Stockholm"), SEPTEMBER
        ),
        BOOK_CONFIG,
        {},
    )
    # 23:30 UTC is 01:30 of the next day in Stockholm.
    assert inputs.judgements["made_on"].dt.date.tolist() == [SEPTEMBER]
    assert inputs.judgements["reason"].isna().all()


def test_an_outcome_is_read_from_accounts_and_refused_as_a_measure():
    rows = [row | {"gone": row["account_id"] == "A1"} for row in ACCOUNTS]
    made = book({"accounts": rows, "tickets": TICKETS}, extras={"accounts": {"gone": Kind.BOOLEAN}}, outcomes=("gone",))
    assert "auc_in_sample" in run(made).figures
    cheat = make_config(card(measure("gone", Categories(of={"true": 0, "false": 100}))))
    with pytest.raises(ConfigError, match="'gone' is an outcome"):
        run(made, cheat)
    chooses = two_cards(large_rule(when=(health.OneOf(column="gone", values=("true",)),)))
    with pytest.raises(ConfigError, match="'gone' is an outcome"):
        run(made, chooses)


def test_an_outcome_without_a_date_may_be_later_than_the_page():
    rows = [row | {"gone": row["account_id"] == "A1"} for row in ACCOUNTS]
    made = book({"accounts": rows, "tickets": TICKETS}, extras={"accounts": {"gone": Kind.BOOLEAN}}, outcomes=("gone",))
    texts = [say(caveat.message) for caveat in run(made).caveats if caveat.code == "outcome_undated"]
    assert texts == ["gone carries no date: it may have become known after 30 Sep 2026"]


def test_a_column_that_does_not_exist_is_named_with_the_measure():
    with pytest.raises(ConfigError, match=r"default\.plam: accounts has no column 'plam'"):
        run(make_book(), make_config(card(measure("plam", PLAN))))


@pytest.mark.skipif(not TELCO.is_file(), reason="needs telco.csv beside the repository")
def test_telco_customers_are_told_apart_better_than_by_tenure_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "telco.csv").symlink_to(TELCO)
    project = ROOT / "examples" / "telco"
    (tmp_path / "configs").symlink_to(project / "configs")
    (tmp_path / "workspace.yaml").symlink_to(project / "workspace.yaml")
    workspace = load_workspace(tmp_path / "workspace.yaml")
    made = configs.load(Path("configs/health.yaml"), health.Config, tmp_path)
    snapshot = take(sources.open_book(workspace, tmp_path, tmp_path / "cache"), workspace.as_of)
    result = health.analyze(health.prepare(snapshot, made, {}), made)
    # Tenure alone .740, contract alone .739: measured on this very file by scikit-learn (README of the data).
    alone = result.tables["measure_auc"].set_index("measure")["auc"].round(3)
    assert (alone["tenure"], alone["contract"]) == (0.740, 0.739)
    assert result.figures["auc_in_sample"].low > 0.74
    assert result.figures["auc_in_sample"].n == 7043
    assert len(result.tables["scores"]) == 7043


def test_no_caveat_denies_what_a_proof_says_on_top_of_the_page():
    found = health.analyze(make_inputs(a=[[10, 20], [50, 30]]), make_config())
    caveats = {each.code: each.message.key for each in found.caveats}
    assert "health_proof alone" in caveats["weights_are_judgement"]
    assert not any("nothing on this page" in each for each in caveats.values())
