"""Scorecards: from values to points, score, band and contributions, and from two dates to a reason."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from csworkbench import config
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.features import Attribute
from csworkbench.scoring import (
    Band,
    Carry,
    Categories,
    Curve,
    Exclude,
    Group,
    Measure,
    Neutral,
    Scorecard,
    Worst,
    category_name,
    decompose,
    effective_weights,
    grade,
    settle_bands,
)

TODAY = (date(2026, 9, 30),)
TO_100 = Curve(direction="higher", knots=((0, 0), (100, 100)))


def measure(name, group="use", weight=1.0, points=TO_100, missing=None):
    return Measure(
        name=name,
        label=name.title(),
        source=Attribute(column=name),
        group=group,
        weight=weight,
        points=points,
        missing=missing or Exclude(),
    )


def card(*measures, groups=("use",), weights=None, **settings):
    weights = weights or [1.0] * len(groups)
    parts = [Group(name=name, label=name.title(), weight=weight) for name, weight in zip(groups, weights, strict=True)]
    return Scorecard(
        **{
            "id": "test",
            "title": "Test",
            "groups": tuple(parts),
            "measures": measures,
            "minimum_coverage": 0.0,
            "hysteresis_points": 0.0,
            **settings,
        }
    )


def values(**columns):
    frame = pd.DataFrame(columns)
    return frame.set_index(pd.Index([f"A{row}" for row in range(len(frame))], dtype="str"))


def score(made, **columns):
    return grade(made, values(**columns), TODAY).score.tolist()


# --- points -----------------------------------------------------------------------------------------------------------


def test_points_lie_on_straight_lines_between_the_knots():
    curve = Curve(direction="higher", knots=((0, 0), (10, 50), (30, 100)))
    # Half way from 0 to 10 is 25; half way from 10 to 30 is 75.
    assert score(card(measure("a", points=curve)), a=[5.0, 10.0, 20.0]) == [25, 50, 75]


def test_points_stay_flat_outside_the_knots():
    curve = Curve(direction="lower", knots=((2, 90), (8, 10)))
    assert score(card(measure("a", points=curve)), a=[-100.0, 2.0, 8.0, 1e12]) == [90, 90, 10, 10]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_better_value_never_scores_lower(one, other):
    curve = Curve(direction="higher", knots=((-50, 5), (0, 20), (1, 80), (400, 100)))
    low, high = score(card(measure("a", points=curve)), a=[min(one, other), max(one, other)])
    assert low <= high


def test_categories_give_the_points_of_their_value():
    plan = Categories(of={"month": 10, "year": 80})
    made = card(measure("a", points=plan))
    assert score(made, a=pd.Categorical(["year", "month", "year"])) == [80, 10, 80]


def test_a_value_that_is_not_listed_is_missing():
    made = card(measure("a", points=Categories(of={"month": 10, "year": 80})), measure("b"))
    assert score(made, a=pd.Categorical(["week"]), b=[40.0]) == [40]


def test_a_value_that_is_not_listed_takes_otherwise_where_it_is_set():
    made = card(measure("a", points=Categories(of={"month": 10, "year": 80}, otherwise=30)))
    assert score(made, a=pd.Categorical(["week"])) == [30]


def test_categories_of_a_number_are_written_as_a_whole_number():
    made = card(measure("a", points=Categories(of={"0": 80, "1": 20})))
    assert score(made, a=[1.0, 0.0]) == [20, 80]
    assert category_name(1_000_000.0) == "1000000"


def test_a_curve_refuses_text():
    with pytest.raises(AnalysisError, match="'a' has a curve, but its values are text; use kind: categories"):
        score(card(measure("a")), a=pd.Categorical(["year"]))


# --- missing values ---------------------------------------------------------------------------------------------------


def test_an_excluded_value_gives_its_weight_to_the_others():
    made = card(measure("a", weight=3), measure("b", weight=1))
    # Both known: (3*20 + 80)/4 = 35. Without a: 80.
    assert score(made, a=[20.0, np.nan], b=[80.0, 80.0]) == [35, 80]


def test_a_missing_value_counts_as_the_worst_its_measure_can_be():
    curve = Curve(direction="lower", knots=((0, 100), (10, 20)))
    made = card(measure("a", points=curve, missing=Worst()), measure("b"))
    assert score(made, a=[np.nan], b=[80.0]) == [(20 + 80) / 2]


def test_the_worst_of_categories_is_their_lowest_points():
    assert Categories(of={"x": 30, "y": 60}).worst == 30
    assert Categories(of={"x": 30, "y": 60}, otherwise=10).worst == 10


def test_a_missing_value_counts_as_the_neutral_points():
    made = card(measure("a", missing=Neutral(points=60)), measure("b"))
    assert score(made, a=[np.nan], b=[80.0]) == [70]


def test_a_missing_value_takes_the_last_one_within_its_age():
    dates = (date(2026, 7, 31), date(2026, 8, 31), date(2026, 9, 30))
    made = card(measure("a", missing=Carry(max_age_days=45)))
    # 30 days after 31 August the 90 is young enough; 61 days after 31 July the 40 is not.
    graded = grade(made, values(a=[40.0, 40.0, np.nan, 90.0, np.nan, np.nan]), dates)
    assert graded.score.reshape(3, 2).tolist()[1] == [40, 90]
    assert np.isnan(graded.score[4])
    assert graded.score[5] == 90


def test_a_value_too_old_to_carry_falls_to_the_next_policy():
    dates = (date(2026, 1, 31), date(2026, 9, 30))
    made = card(measure("a", missing=Carry(max_age_days=45, then=Neutral(points=55))))
    assert grade(made, values(a=[40.0, np.nan]), dates).score.tolist() == [40, 55]


def test_basis_says_what_the_points_rest_on():
    dates = (date(2026, 8, 31), date(2026, 9, 30))
    made = card(
        measure("a", missing=Carry(max_age_days=45)),
        measure("b", missing=Worst()),
        measure("c"),
    )
    frame = values(a=[1.0, np.nan], b=[1.0, np.nan], c=[1.0, np.nan])
    assert grade(made, frame, dates).basis.tolist() == [[0, 0, 0], [1, 2, 3]]  # measured; carried, assumed, missing


def test_rows_must_hold_the_same_accounts_at_every_date():
    with pytest.raises(ValueError, match="3 rows cannot hold the same accounts at 2 dates"):
        grade(card(measure("a")), values(a=[1.0, 2.0, 3.0]), (date(2026, 1, 1), date(2026, 2, 1)))


# --- weights, coverage, contributions ---------------------------------------------------------------------------------


def test_groups_are_averaged_first_and_weighted_then():
    made = card(
        measure("a", group="use"),
        measure("b", group="use"),
        measure("c", group="care"),
        groups=("use", "care"),
        weights=[3, 1],
    )
    # use = (100 + 50)/2 = 75, care = 20; (3*75 + 20)/4 = 61.25
    assert score(made, a=[100.0], b=[50.0], c=[20.0]) == [61.25]


def test_a_group_of_which_nothing_is_known_gives_its_weight_away():
    made = card(measure("a", group="use"), measure("c", group="care"), groups=("use", "care"), weights=[3, 1])
    assert score(made, a=[np.nan], c=[20.0]) == [20]


def test_effective_weights_are_percent_of_the_score():
    made = card(
        measure("a", group="use", weight=1),
        measure("b", group="use", weight=3),
        measure("c", group="care", weight=7),
        groups=("use", "care"),
        weights=[60, 20],
    )
    # use is 60/80 = 75 %: a quarter of it 18.75, three quarters 56.25; care is 25 %.
    assert effective_weights(made)["effective_percent"].tolist() == [18.75, 56.25, 25]


def test_an_account_is_not_scored_below_the_minimum_coverage():
    made = card(measure("a", weight=6), measure("b", weight=4), minimum_coverage=0.5)
    graded = grade(made, values(a=[50.0, np.nan], b=[np.nan, 50.0]), TODAY)
    assert graded.coverage.tolist() == pytest.approx([0.6, 0.4])
    assert graded.score[0] == 50
    assert np.isnan(graded.score[1])


def test_coverage_of_exactly_the_minimum_is_enough():
    made = card(measure("a", weight=0.1), measure("b", weight=0.2), minimum_coverage=1 / 3)
    assert score(made, a=[50.0], b=[np.nan]) == [50]


def test_assumed_points_are_not_coverage():
    made = card(measure("a", missing=Worst()), measure("b"), minimum_coverage=0.6)
    assert np.isnan(score(made, a=[np.nan], b=[80.0])).all()


def test_an_account_of_which_nothing_is_known_is_not_scored_even_without_a_minimum():
    assert np.isnan(score(card(measure("a")), a=[np.nan])).all()


cells = st.lists(st.one_of(st.none(), st.floats(-50, 150)), min_size=5, max_size=5)
weights = st.lists(st.floats(0.01, 100), min_size=5, max_size=5)


def random_card(made_of, **settings):
    policies = (Exclude(), Worst(), Neutral(points=70), Exclude(), Carry(max_age_days=40))
    groups = ("use", "use", "care", "care", "care")
    measures = [
        measure(f"m{place}", group, weight, missing=policy)
        for place, (group, weight, policy) in enumerate(zip(groups, made_of, policies, strict=True))
    ]
    return card(*measures, groups=("use", "care"), weights=[2, 5], **settings)


def one_row(cells):
    return values(**{f"m{place}": [np.nan if cell is None else cell] for place, cell in enumerate(cells)})


@given(cells, weights)
def test_contributions_add_up_to_the_score_and_weights_to_one(known, made_of):
    graded = grade(random_card(made_of), one_row(known), TODAY)
    assert graded.weights.sum() == pytest.approx(1, abs=1e-12)
    assert graded.contributions.sum() == pytest.approx(graded.score[0], abs=1e-9)
    assert -1e-9 <= graded.score[0] <= 100 + 1e-9


@given(weights, st.floats(0.1, 50))
def test_only_the_ratio_of_weights_counts(made_of, factor):
    known = [10, 20, 30, 40, None]
    once = grade(random_card(made_of), one_row(known), TODAY).score[0]
    again = grade(random_card([factor * weight for weight in made_of]), one_row(known), TODAY).score[0]
    assert once == pytest.approx(again, abs=1e-9)


# --- bands ------------------------------------------------------------------------------------------------------------


def bands(made, *scores):
    return settle_bands(made, np.array([[score] for score in scores], dtype=float)).ravel().tolist()


def test_an_edge_belongs_to_the_upper_band():
    made = card(measure("a"))
    assert settle_bands(made, np.array([[0.0, 39.99, 40.0, 70.0, 100.0]])).tolist() == [[0, 0, 1, 2, 2]]


def test_rounding_does_not_put_a_score_below_its_edge():
    assert bands(card(measure("a")), 40 - 1e-12) == [1]


def test_a_band_is_kept_until_the_score_is_clearly_outside():
    made = card(measure("a"), hysteresis_points=2)
    # at risk below 40: 41.9 is not yet out, 42 is; then 38 is not yet back, 37.9 is.
    assert bands(made, 39, 41.9, 42, 38, 37.9) == [0, 0, 1, 1, 0]


def test_edges_with_hysteresis_are_exact_too():
    thirds = (Band(name="low", label="Low", low=0, high=70.1), Band(name="high", label="High", low=70.1, high=100))
    # 70.1 + 2.3 is 72.39999999999999 as a float; 72.4 is the first score that leaves the lower band.
    assert bands(card(measure("a"), bands=thirds, hysteresis_points=2.3), 70, 72.4 - 1e-6, 72.4) == [0, 0, 1]


def test_a_band_can_be_held_from_before_the_first_date():
    made = card(measure("a"), hysteresis_points=2)
    held = settle_bands(made, np.array([[39.0, 39, 37.9]]), np.array([1, -1, 1]))
    assert held.tolist() == [[1, 0, 0]]


def test_a_jump_over_a_band_is_not_held_back():
    assert bands(card(measure("a"), hysteresis_points=2), 10, 95, 5) == [0, 2, 0]


def test_an_account_starts_afresh_after_a_month_without_a_score():
    assert bands(card(measure("a"), hysteresis_points=5), 39, np.nan, 41) == [0, -1, 1]


# --- why a score changed ----------------------------------------------------------------------------------------------


def change(before, rebased, after):
    return decompose(before, rebased, after).set_index("measure")


def test_a_changed_value_is_data():
    made = card(measure("a", weight=3), measure("b"))
    then, now = grade(made, values(a=[40.0], b=[20.0]), TODAY), grade(made, values(a=[60.0], b=[20.0]), TODAY)
    found = change(then, then, now)
    # a weighs 3/4: 20 points more are 15.
    assert found.loc["a", ["change", "data", "config", "coverage"]].tolist() == [15, 15, 0, 0]
    assert found.loc["b", ["change", "data", "config", "coverage"]].tolist() == [0, 0, 0, 0]


def test_a_changed_weight_is_config():
    old, new = card(measure("a", weight=1), measure("b")), card(measure("a", weight=3), measure("b"))
    frame = values(a=[80.0], b=[40.0])
    found = change(*(grade(made, frame, TODAY) for made in (old, new, new)))
    # a: 80/2 = 40 -> 80*3/4 = 60; b: 40/2 = 20 -> 40/4 = 10.
    assert found["config"].tolist() == [20, -10]
    assert found[["data", "coverage"]].abs().to_numpy().sum() == 0


def test_a_value_that_is_no_longer_known_is_coverage():
    made = card(measure("a"), measure("b"))
    then, now = grade(made, values(a=[80.0], b=[40.0]), TODAY), grade(made, values(a=[80.0], b=[np.nan]), TODAY)
    found = change(then, then, now)
    # 60 -> 80: a takes over the weight of b (40 -> 80), b is gone (20 -> 0).
    assert found["coverage"].tolist() == [40, -20]
    assert found[["data", "config"]].abs().to_numpy().sum() == 0


def test_a_value_that_is_assumed_from_now_on_is_coverage():
    made = card(measure("a", missing=Worst()), measure("b"))
    then, now = grade(made, values(a=[80.0], b=[40.0]), TODAY), grade(made, values(a=[np.nan], b=[40.0]), TODAY)
    assert change(then, then, now).loc["a", ["data", "coverage"]].tolist() == [0, -40]


def test_measures_of_either_scorecard_appear():
    old, new = card(measure("a")), card(measure("b"))
    then, there = grade(old, values(a=[30.0]), TODAY), grade(new, values(b=[50.0]), TODAY)
    found = change(then, there, there)
    assert found["config"].to_dict() == {"b": 50, "a": -30}


@given(cells, cells, weights, weights)
def test_data_config_and_coverage_add_up_to_the_change(then, now, old, new):
    before, rebased = (grade(random_card(made_of), one_row(then), TODAY) for made_of in (old, new))
    after = grade(random_card(new), one_row(now), TODAY)
    found = decompose(before, rebased, after)
    parts = found[["data", "config", "coverage"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(found["change"].to_numpy(), abs=1e-9)
    assert found["change"].sum() == pytest.approx(after.score[0] - before.score[0], abs=1e-9)


def test_a_change_needs_the_same_accounts():
    made = card(measure("a"))
    one = grade(made, values(a=[1.0]), TODAY)
    two = grade(made, values(a=[1.0, 2.0]), TODAY)
    with pytest.raises(ValueError, match="same accounts in the same order"):
        decompose(one, one, two)


# --- the file ---------------------------------------------------------------------------------------------------------

FILE = """
id: small
title: Small accounts
groups:
  - {{name: use, label: Use, weight: 1}}
measures:
  - name: plan
    label: Plan
    source: {{kind: attribute, column: plan}}
    group: use
    weight: {weight}
    points: {points}
bands:
  - {{name: at_risk, label: At risk, low: 0, high: 40}}
  - {{name: average, label: Average, low: {low}, high: 70}}
  - {{name: excellent, label: Excellent, low: 70, high: {top}}}
hysteresis_points: {hysteresis}
"""
CURVE = "{kind: curve, direction: higher, knots: [[0, 0], [5, 100]]}"


def load(tmp_path, **parts):
    text = FILE.format(**{"weight": 1, "points": CURVE, "low": 40, "top": 100, "hysteresis": 2, **parts})
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    return config.load(tmp_path / "small.yaml", Scorecard, tmp_path)


def test_a_scorecard_is_a_file(tmp_path):
    made = load(tmp_path)
    assert made.measures[0].points == Curve(direction="higher", knots=((0, 0), (5, 100)))
    assert made.measures[0].missing == Exclude()
    assert [band.name for band in made.bands] == ["at_risk", "average", "excellent"]


def curve(direction, *knots):
    return f"{{kind: curve, direction: {direction}, knots: {[list(knot) for knot in knots]}}}"


IN_RANGE = "must be a number from 0 to 100"
REFUSED = [
    (
        {"low": 35},
        r"small\.yaml:15:\d+: bands\.1\.low: band 'average' overlaps 'at_risk': it begins at 35, "
        r"'at_risk' ends at 40",
    ),
    ({"low": 45}, r"bands\.1\.low: band 'average' leaves a gap after 'at_risk'"),
    ({"top": 90}, r"bands\.2\.high: the last band must end at 100, not 90"),
    ({"top": 60}, r"bands\.2\.high: band 'excellent' is empty: high 60 is not above low 70"),
    ({"weight": 0}, r"measures\.0\.weight: must be a number above 0"),
    ({"weight": -1}, r"measures\.0\.weight: must be a number above 0"),
    ({"weight": '"1"'}, r"measures\.0\.weight"),
    ({"hysteresis": 30}, r"hysteresis_points: must be smaller than the narrowest band \(30 points\)"),
    ({"points": curve("lower", (0, 0), (5, 100))}, "lower values are better, so points may not rise"),
    ({"points": curve("higher", (0, 90), (5, 10))}, "higher values are better, so points may not fall"),
    ({"points": curve("higher", (5, 0), (5, 100))}, "values must ascend, but 5 follows 5"),
    ({"points": curve("higher", (0, 50), (5, 50))}, "all points are equal"),
    ({"points": curve("higher", (0, 0), (5, 101))}, rf"points\.knots\.1\.1: {IN_RANGE}; found 101"),
    ({"points": "{kind: categories, of: {a: 1, b: -2}}"}, rf"points\.of\.b: {IN_RANGE}; found -2"),
]


@pytest.mark.parametrize(("parts", "text"), REFUSED)
def test_a_scorecard_that_cannot_be_right_is_refused_at_its_place(tmp_path, parts, text):
    with pytest.raises(ConfigError, match=text):
        load(tmp_path, **parts)


def test_problems_of_bands_measures_and_keys_are_named_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"measures\.0\.weight") as caught:
        load(tmp_path, weight=0, low=30, top=90)
    assert "band 'average' overlaps 'at_risk'" in str(caught.value)
    assert "the last band must end at 100" in str(caught.value)


def test_every_misfit_of_measures_and_groups_is_named():
    with pytest.raises(ValidationError, match="'other' is not listed under groups") as caught:
        card(measure("a"), measure("b", group="other"), groups=("use", "care"))
    assert "no measure belongs to group 'care'" in str(caught.value)


def test_the_default_bands_are_at_risk_average_and_excellent():
    assert [(band.name, band.low, band.high) for band in card(measure("a")).bands] == [
        ("at_risk", 0, 40),
        ("average", 40, 70),
        ("excellent", 70, 100),
    ]


def test_measures_can_be_left_out_with_the_groups_they_empty():
    made = card(measure("a", group="use"), measure("b", group="care"), groups=("use", "care"))
    assert [group.name for group in made.without(["b"]).groups] == ["use"]
    assert made.without(["a", "b"]) is None


def test_a_scorecard_survives_the_way_through_json():
    made = card(
        measure("a", missing=Carry(max_age_days=30, then=Worst())),
        bands=(
            Band(name="low", label="Low", low=0, high=50),
            Band(name="high", label="High", low=50, high=100),
        ),
    )
    assert Scorecard.model_validate_json(json.dumps(config.plain(made)), strict=True) == made
