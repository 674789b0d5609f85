"""What may be said of a touch nobody randomized?"""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import ttest_ind

from csworkbench import formats
from csworkbench.analyses import touch_effect
from csworkbench.analyses.touch_effect import facts as facts_of
from csworkbench.analyses.touch_effect.judging import judged
from csworkbench.analyses.touch_effect.verdicts import Verdict
from csworkbench.analyses.touch_effect.weekly import (
    GONE,
    TOO_NEW,
    TOUCHED_BEFORE,
    cells_of,
    grid_of,
    past_of,
    values_of,
)
from csworkbench.asof import take
from csworkbench.config import load
from csworkbench.errors import AnalysisError
from csworkbench.sampledata import BookSize
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.trials import RESCUE
from csworkbench.sampledata.world import LEAD_MONTHS
from csworkbench.sources import open_book
from csworkbench.workspace import load_workspace
from tests.books import book, with_rows
from tests.house.places import SAMPLE_CACHE
from tests.pages import AS_OF

ROOT = Path(__file__).resolve().parents[2]
MONDAY = date(2026, 1, 5)
CAUSAL = ("changed the outcome", "raised", "lowered", "caused", "because of")
MAIL = {"kind": "weekly", "id": "mail", "label": "Mail", "where": {"content_id": ["mail"]}, "covariates": {}}


def day(week, weekday=0):
    return MONDAY + timedelta(weeks=week, days=weekday)


WEEK_40 = day(40)


def used(account, weeks, events=10):
    return [
        {"account_id": account, "user_id": "U", "feature": "f", "date": day(week), "events": events} for week in weeks
    ]


def touch(number, account, week, **changes):
    row = {"touch_id": f"M{number}", "account_id": account, "sent_at": f"{day(week, 2)}T10:00:00", "content_id": "mail"}
    return row | {"rule": None, "known_at": None} | changes


def make_book(use, touches, accounts=None, **more):
    names = sorted({row["account_id"] for row in use})
    rows = accounts or [{"account_id": name, "signup_at": "2025-01-01T00:00:00", "churned_at": None} for name in names]
    return book({"accounts": rows, "usage_daily": use, "touches": touches, **more})


def config_of(*touches, **changes):
    return touch_effect.Config.model_validate({"touches": list(touches) or [MAIL], "model": "ridge", **changes})


def crowd(effect=0.0, accounts=90, weeks=40, seed=4, slope=0.6):
    """Accounts whose use swings slowly; a mail goes out in week 20 and 28, to those with little use in the week before.

    The mail multiplies use by exp(effect) from the next week on.
    """
    rng = np.random.default_rng(seed)
    use, touches = [], []
    for number in range(accounts):
        name, level, swing, lift = f"A{number:03d}", rng.normal(3, 0.4), 0.0, 0.0
        for week in range(weeks):
            swing = 0.9 * swing + 0.15 * rng.normal()
            use += used(name, [week], round(float(np.exp(level + swing + lift + 0.05 * rng.normal()))))
            if week in (20, 28) and rng.random() < 1 / (1 + np.exp(0.5 + slope * swing / 0.3)):
                touches.append(touch(len(touches), name, week))
                lift += effect
    return make_book(use, touches)


def prepared(made, config, as_of=WEEK_40):
    return touch_effect.prepare(take(made, as_of), config, {})


def result_of(made, config, as_of=WEEK_40):
    return touch_effect.analyze(prepared(made, config, as_of), config)


def verdict(result, name="mail"):
    return result.tables["verdicts"].set_index("touch_id").loc[name, "verdict"]


def effect(result, name, estimand):
    rows = result.tables["effects"].replace("comparable_touched", "touched")
    return rows.set_index(["touch_id", "estimand"]).loc[(name, estimand)]


# Account-weeks


def test_an_account_week_is_touched_or_not_and_stands_there_once():
    # A is touched in week 15; B and C are there, D signed up ten weeks before, E left in week 14.
    people = [
        *({"account_id": name, "signup_at": "2025-01-01T00:00:00", "churned_at": None} for name in "ABC"),
        {"account_id": "D", "signup_at": f"{day(5)}T09:00:00", "churned_at": None},
        {"account_id": "E", "signup_at": "2025-01-01T00:00:00", "churned_at": f"{day(14)}T09:00:00"},
    ]
    use = [row for name in "ABCDE" for row in used(name, range(25))]
    config = config_of()
    snapshot = take(make_book(use, [touch(1, "A", 15), touch(2, "C", 8)], people), day(25))
    grid = grid_of(snapshot, config.touches[0])
    cells = cells_of(grid, config.touches[0])
    rows = list(zip(grid.accounts.take(cells.account), cells.week, cells.is_touched, strict=True))
    # Weeks of the grid begin with the first use, and a past of 12 weeks is needed: week 8 comes too early for anybody.
    assert rows == [("A", 15, True), ("B", 15, False)]
    assert cells.left_out[GONE] == 1
    assert cells.left_out[TOUCHED_BEFORE] == 1  # C, in week 15
    assert cells.left_out[TOO_NEW] == 1 + 5  # D in week 15, and all in week 8: E had not left then


def test_the_follow_up_must_be_over():
    use = [row for name in "AB" for row in used(name, range(20))]
    made = make_book(use, [touch(1, "A", 15)])
    mail = config_of().touches[0]
    # Week 15 is the touch; weeks 16 to 19 follow: the last of their days is that before week 20.
    for as_of, rows in ((day(20) - timedelta(days=1), 2), (day(20) - timedelta(days=2), 0)):
        assert len(cells_of(grid_of(take(made, as_of), mail), mail).week) == rows


def test_past_and_outcome_are_means_of_their_weeks():
    use = [*used("A", range(14), 4), *used("A", [14], 12), *used("A", [15], 999), *used("A", range(16, 20), 7)]
    mail = config_of().touches[0]
    grid = grid_of(take(make_book(use, [touch(1, "A", 15)]), day(20)), mail)
    cells = cells_of(grid, mail)
    past = past_of(grid, cells).iloc[0]
    assert np.expm1(past["use_last_week"]) == pytest.approx(12)
    assert np.expm1(past["use_last_four_weeks"]) == pytest.approx((3 * 4 + 12) / 4)
    assert np.expm1(past["use_eight_weeks_before"]) == pytest.approx(4)
    assert np.expm1(values_of(grid, cells, mail, None)) == pytest.approx([7])


def test_an_account_may_enter_once_only():
    use = [row for name in "AB" for row in used(name, range(40))]
    made = make_book(use, [touch(1, "A", 15), touch(2, "B", 30)])
    mail = config_of({**MAIL, "first_week_only": True}).touches[0]
    cells = cells_of(grid_of(take(made, day(40)), mail), mail)
    assert sorted(zip(cells.account, cells.week, strict=True)) == [(0, 15), (1, 15)]


def test_a_milestone_reached_before_is_no_outcome():
    use = [row for name in "ABC" for row in used(name, range(25))]
    reached = [
        {"account_id": "A", "milestone": "live", "reached_at": f"{day(17)}T09:00:00"},
        {"account_id": "B", "milestone": "live", "reached_at": f"{day(3)}T09:00:00"},
    ]
    made = make_book(use, [touch(1, "A", 15)], milestones=reached)
    mail = config_of({**MAIL, "outcome": {"kind": "milestone", "milestone": "live"}})
    block = prepared(made, mail, day(25)).facts["mail"].block
    assert dict(zip(block.accounts, block.outcome, strict=True)) == {"A": 1.0, "C": 0.0}


def test_a_milestone_in_the_touch_window_counts_and_keeps_the_sign_of_the_touch():
    # Of 10 touched, 4 reach it in the very week (what the touch does) and 1 later; of 10 others, 2 reach it later.
    # Counted from the week on: 5/10 - 2/10 = +.3. Dropping the quick ones: 1/6 - 2/10 = -.03, the wrong sign.
    names = [f"A{number:02d}" for number in range(20)]
    use = [row for name in names for row in used(name, range(25))]
    weeks = dict(zip(names, [15] * 4 + [17] + [None] * 5 + [18] * 2 + [None] * 8, strict=False))
    reached = [
        {"account_id": name, "milestone": "live", "reached_at": f"{day(week, 4)}T09:00:00"}
        for name, week in weeks.items()
        if week is not None
    ]
    made = make_book(use, [touch(number, name, 15) for number, name in enumerate(names[:10])], milestones=reached)
    block = prepared(made, config_of({**MAIL, "outcome": {"kind": "milestone", "milestone": "live"}}), day(25))
    block = block.facts["mail"].block
    shares = [block.outcome[block.is_touched == kind] for kind in (True, False)]
    assert [len(each) for each in shares] == [10, 10]
    assert [each.mean() for each in shares] == pytest.approx([0.5, 0.2])


def test_a_milestone_before_the_touch_in_its_week_is_not_credited_to_it():
    # Mails go out on Wednesday at 10. A to D are thanked by mail for what they reached on Tuesday, E reaches it on
    # Thursday; of ten others, two reach it on Tuesday too and one on Thursday. Who had it by Wednesday has no row.
    names = [f"A{number:02d}" for number in range(20)]
    use = [row for name in names for row in used(name, range(25))]
    on = dict(zip(names, [1] * 4 + [3] + [None] * 5 + [1] * 2 + [3] + [None] * 7, strict=True))
    reached = [
        {"account_id": name, "milestone": "live", "reached_at": f"{day(15, weekday)}T09:00:00"}
        for name, weekday in on.items()
        if weekday is not None
    ]
    made = make_book(use, [touch(number, name, 15) for number, name in enumerate(names[:10])], milestones=reached)
    block = prepared(made, config_of({**MAIL, "outcome": {"kind": "milestone", "milestone": "live"}}), day(25))
    block = block.facts["mail"].block
    sides = [block.outcome[block.is_touched == kind].tolist() for kind in (True, False)]
    assert [sorted(side, reverse=True) for side in sides] == [[1.0] + [0.0] * 5, [1.0] + [0.0] * 7]


def test_renewals_are_read_where_they_are_due_and_decided():
    use = [row for name in "ABC" for row in used(name, range(25))]
    due = [
        {"renewal_id": f"R{name}", "account_id": name, "due_date": day(17), "outcome": outcome}
        for name, outcome in (("A", "renewed"), ("B", "churned"), ("C", "open"))
    ]
    for row in due:
        row["decided_at"] = None if row["outcome"] == "open" else f"{day(17)}T09:00:00"
    made = make_book(use, [touch(1, "A", 15)], renewals=due)
    found = prepared(made, config_of({**MAIL, "outcome": {"kind": "renewal"}}), day(25)).facts["mail"]
    block = found.block
    assert dict(zip(block.accounts, block.outcome, strict=True)) == {"A": 1.0, "B": 0.0}
    # C may yet be lost or kept.
    assert [dict(zip(each.accounts, each.outcome, strict=True)) for each in found.bounds] == [
        {"A": 1.0, "B": 0.0, "C": 0.0},
        {"A": 1.0, "B": 0.0, "C": 1.0},
    ]
    assert found.left_out["renewal due and still open"] == (1, 0)


@pytest.mark.parametrize(("still_open", "state"), [(1, "ok"), (25, "warning")])
def test_open_renewals_that_could_turn_the_answer_make_it_a_description(still_open, state):
    # 60 of 60 touched renew, or wait to decide; of the others, who churned or kept by turns, nobody waits. With all
    # that wait lost the touched keep 59 or 35 of 60, the others 90 of 180.
    names = [f"A{number:03d}" for number in range(240)]
    use = [row for name in names for row in used(name, range(25), 10 + int(name[1:]) % 7)]
    due = [
        {
            "renewal_id": f"R{name}",
            "account_id": name,
            "due_date": day(17),
            "outcome": "open" if number < still_open else "churned" if number >= 60 and number % 2 else "renewed",
            "decided_at": None if number < still_open else f"{day(17)}T09:00:00",
        }
        for number, name in enumerate(names)
    ]
    made = make_book(use, [touch(number, name, 15) for number, name in enumerate(names[:60])], renewals=due)
    config = config_of({**MAIL, "outcome": {"kind": "renewal"}})
    checks = result_of(made, config, day(25)).tables["checks"].set_index("check")
    assert checks.loc["open_renewals", "state"] == state


def test_facts_known_after_the_date_change_nothing():
    made, config = crowd(), config_of()
    later = with_rows(made, "touches", [touch(900, "A001", 20, known_at=f"{day(45)}T00:00:00")])
    later = with_rows(later, "usage_daily", used("A001", range(41, 45), 5000))
    before, after = (result_of(each, config).tables["effects"] for each in (made, later))
    pd.testing.assert_frame_equal(before, after)


# What may be held equal


@pytest.mark.parametrize("weeks", [0, -2])
def test_a_covariate_that_reaches_into_the_week_of_the_touch_is_refused(weeks):
    known = {"tenure": {"measure": {"kind": "tenure"}, "weeks_before": weeks}}
    with pytest.raises(ValidationError, match="reaches into the week of the touch or beyond"):
        config_of({**MAIL, "covariates": known})


def test_a_column_measured_on_the_day_of_the_touch_is_refused():
    known = [{"column": "income", "measured_on": "2026-03-01"}]
    once = {"kind": "once", "id": "x", "label": "X", "touched": "got", "outcome": "bought", "covariates": known}
    with pytest.raises(ValidationError, match="income was measured on 2026-03-01, which reaches"):
        config_of({**once, "touched_on": "2026-03-01"})


def test_a_column_of_today_is_refused():
    made = crowd()
    accounts = made.tables["accounts"].to_pandas().assign(value_tier="large")
    held = {"tier": {"measure": {"kind": "attribute", "column": "value_tier"}}}
    today = book(
        {
            "accounts": accounts,
            "usage_daily": made.tables["usage_daily"].to_pandas(),
            "touches": made.tables["touches"].to_pandas(),
        }
    )
    with pytest.raises(AnalysisError, match=r"mail.covariates.tier: accounts.value_tier holds today's value"):
        prepared(today, config_of({**MAIL, "covariates": held}), day(38))


def test_covariates_end_before_the_week():
    # Tenure on the Sunday before week 15, signed up 100 days before it.
    use = used("A", range(25)) + used("B", range(25))
    sunday = day(15) - timedelta(days=1)
    people = [
        {"account_id": name, "signup_at": f"{sunday - timedelta(days=100)}T00:00:00", "churned_at": None}
        for name in "AB"
    ]
    mail = config_of({**MAIL, "covariates": {"tenure": {"measure": {"kind": "tenure"}}}})
    block = prepared(make_book(use, [touch(1, "A", 15)], people), mail, day(25)).facts["mail"].block
    assert block.covariates["tenure"].tolist() == [100.0, 100.0]


def test_too_few_weeks_for_the_pre_trend_are_refused():
    with pytest.raises(ValidationError, match=r"course_weeks\n.*greater than or equal to 8"):
        config_of(course_weeks=7)


def test_a_touch_must_say_which_rows_are_meant():
    with pytest.raises(ValidationError, match="say which touches are meant"):
        config_of({**MAIL, "where": {}})


def test_a_placebo_must_end_before_the_touch():
    with pytest.raises(ValidationError, match="'mail' needs 13 or more"):
        config_of({**MAIL, "horizon_weeks": 12})


# Verdicts


def test_a_mail_to_those_in_a_dip_seems_to_harm_and_is_repaired():
    result = result_of(crowd(effect=0.3, accounts=150), config_of())
    naive, adjusted = (effect(result, "mail", name) for name in ("naive", "touched"))
    assert naive["effect"] < adjusted["effect"]
    # exp(.3) - 1 = .35
    assert adjusted["low"] < np.expm1(0.3) < adjusted["high"]
    assert not result.tables["effects"]["is_causal"].any()


def test_a_triggered_touch_is_confounded_by_indication_whatever_the_figures():
    result = result_of(crowd(effect=0.3), config_of({**MAIL, "trigger": "low use"}))
    assert verdict(result) == "confounded_by_indication"
    assert "confounded_by_indication" in {caveat.code for caveat in result.caveats}
    assert result.tables["course"]["week"].min() == -8


def test_no_causal_verb_without_a_lot():
    for changes in ({}, {"trigger": "low use"}):
        result = result_of(crowd(effect=0.3), config_of({**MAIL, **changes}))
        said = " ".join([formats.text(result.headline), *result.tables["verdicts"]["in_words"]])
        assert not any(verb in said for verb in CAUSAL)


@pytest.mark.parametrize(
    ("design", "words"),
    [("random", "draw (random) is not read"), ("threshold", "just above and below it")],
)
def test_a_declared_design_without_a_draw_is_at_most_an_adjusted_difference(design, words):
    result = result_of(crowd(effect=0.5, slope=0.0, accounts=150), config_of({**MAIL, "design": design}))
    assert verdict(result) == "adjusted_difference"
    assert words in formats.text(result.headline)
    assert not result.tables["effects"]["is_causal"].any()
    assert "design_not_read" in {caveat.code for caveat in result.caveats}


def test_a_declared_design_does_not_excuse_from_the_checks():
    # Mails go to those with little use lately: the placebo week and the pre-trend know it.
    result = result_of(crowd(slope=6.0, accounts=150), config_of({**MAIL, "design": "lottery"}))
    assert "warning" in set(result.tables["checks"]["state"])
    assert verdict(result) in ("descriptive_only", "not_answerable")


def test_the_negative_control_and_the_placebo_end_before_the_touch():
    made, config = crowd(effect=3.0), config_of()
    blocks = prepared(made, config).facts["mail"]
    # A lift of exp(3) would be seen in any outcome that reaches past the touch.
    assert max(blocks.control.outcome.max(), blocks.placebo.outcome.max()) < np.log(200) < blocks.block.outcome.max()


def test_too_few_touched_accounts_are_not_answered():
    use = [row for number in range(40) for row in used(f"A{number:02d}", range(25))]
    result = result_of(make_book(use, [touch(1, "A01", 15)]), config_of(), day(25))
    assert verdict(result) == "not_answerable"
    assert "1 account was touched and 39 were not" in formats.text(result.headline)
    assert result.figures["difference"].value is None


def test_no_overlap_is_not_answered():
    # Who is touched used nothing at all in the weeks before, and nobody else did so.
    rng = np.random.default_rng(1)
    use, touches = [], []
    for number in range(120):
        name = f"A{number:03d}"
        weeks = range(25) if number % 3 else [*range(5), *range(17, 25)]
        use += [row for week in weeks for row in used(name, [week], int(rng.integers(20, 40)))]
        if not number % 3:
            touches.append(touch(number, name, 17))
    result = result_of(make_book(use, touches), config_of(), day(25))
    assert verdict(result) == "not_answerable"
    assert result.tables["checks"].set_index("check").loc["overlap", "state"] == "stop"
    assert "not answerable from these data" in formats.text(result.headline)


@pytest.mark.parametrize("lost", ["touches", "usage_daily"])
def test_a_missing_table_is_said_and_the_page_goes_on(lost):
    tables = {
        "accounts": [{"account_id": "A", "signup_at": "2025-01-01T00:00:00"}],
        "usage_daily": used("A", range(20)),
        "touches": [touch(1, "A", 15)],
    }
    result = result_of(book({name: rows for name, rows in tables.items() if name != lost}), config_of())
    assert verdict(result) == "not_answerable"
    assert f"the workspace has no {lost}" in formats.text(result.headline)


def test_a_column_of_touches_that_is_not_there_is_named():
    made = make_book(used("A", range(20)), [touch(1, "A", 15)])
    with pytest.raises(AnalysisError, match="channel: there is no such column in touches"):
        prepared(made, config_of({**MAIL, "where": {"channel": ["email"]}}))


def test_nobody_was_touched_is_said():
    result = result_of(make_book(used("A", range(20)), [touch(1, "A", 15, content_id="other")]), config_of())
    assert "nobody was touched so that" in formats.text(result.headline)


def test_every_figure_has_an_interval_and_accounts():
    result = result_of(crowd(), config_of())
    rows = result.tables["effects"]
    assert rows[["effect", "low", "high", "p"]].notna().all().all()
    assert (rows["accounts"] > 1).all()
    assert all(each.low is not None for name, each in result.figures.items() if name in ("difference", "naive"))


def test_where_no_check_before_the_touch_can_be_made_nobody_can_tell():
    # One row per account and no time: a difference of 2 with an error of about .1 is clear, and nothing tests it.
    rng = np.random.default_rng(3)
    is_touched = np.arange(400) < 200
    known = pd.DataFrame({"size": rng.normal(size=400)})
    accounts = pd.Series([f"A{number}" for number in range(400)])
    outcome = 2.0 * is_touched + rng.normal(size=400)
    block = facts_of.Block(accounts, np.zeros(400, dtype=np.int64), is_touched, outcome, known)
    once = {"kind": "once", "id": "call", "label": "Call", "touched": "got", "touched_on": "2026-03-01",
            "outcome": "bought", "covariates": [{"column": "size", "measured_on": "2026-02-01"}]}  # fmt: skip
    found = judged({"call": facts_of.Observed(block, None, None, None, None, {}, {})}, config_of(once))[0]
    assert found.found.main.told.low > 0
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cannot tell" in formats.text(found.sentence)
    assert "No check speaks against it" not in formats.text(found.sentence)


def test_the_target_trial_is_written_down():
    rows = touch_effect.analyze(prepared(crowd(), config_of()), config_of()).tables["target_trial"]
    assert rows["element"].tolist() == [
        "eligibility", "strategies", "assignment", "start", "follow_up", "outcome", "estimand", "analysis",
    ]  # fmt: skip


def test_what_failed_is_said_and_nothing_else_is_concluded():
    result = result_of(crowd(slope=6.0, accounts=150), config_of({**MAIL, "horizon_weeks": 2}))
    failed = result.tables["checks"].query("state == 'warning'")["check"].tolist()
    if failed:
        assert verdict(result) in ("descriptive_only", "not_answerable")
    codes = {caveat.code for caveat in result.caveats}
    assert {f"{name}_failed" for name in failed} <= codes


# Lots


def experiment(weights=(1, 1)):
    arms = [{"name": name, "label": name, "weight": weight} for name, weight in zip(("0", "1"), weights, strict=True)]
    metric = {"name": "bought", "label": "Bought", "role": "primary"}
    return {
        "id": "push",
        "label": "Push",
        "question": "Does it?",
        "arms": arms,
        "control": "0",
        "first_day": "2026-01-05",
        "last_day": "2026-03-30",
        "metrics": [{**metric, "outcome": {"kind": "column", "column": "money", "unit": "EUR"}}],
    }


def bought(counts, obeyed, lift):
    rng = np.random.default_rng(2)
    for number in range(sum(counts)):
        is_drawn = number >= counts[0]
        got = float(is_drawn and rng.random() < obeyed)
        yield is_drawn, got, 10 + lift * got + float(rng.normal(0, 1))


def drawn(counts=(60, 60), obeyed=0.5, lift=4.0, **changes):
    """Units of two arms; every second of those drawn got it, and each who got it bought for `lift` more."""
    rows = []
    for number, (is_drawn, got, money) in enumerate(bought(counts, obeyed, lift)):
        name = f"A{number:03d}"
        rows.append({"experiment_id": "push", "unit_id": name, "unit": "account", "variant": str(int(is_drawn)),
                     "assigned_at": "2026-01-06T00:00:00", "got": got, "money": money})  # fmt: skip
    people = [{"account_id": row["unit_id"], "signup_at": "2025-01-01T00:00:00"} for row in rows]
    kinds = {"got": "decimal", "money": "decimal"}
    from csworkbench.tables import Kind

    made = book(
        {"accounts": people, "experiment_units": rows},
        extras={"experiment_units": {name: Kind(kind) for name, kind in kinds.items()}},
        outcomes=("money",),
    )
    lot = {"kind": "lot", "id": "push", "label": "Push", "experiment": experiment(), "metric": "bought", "drawn": ["1"]}
    config = config_of({**lot, "got": "got", **changes})
    return result_of(made, config, date(2026, 6, 1))


def test_a_lot_not_all_obeyed_is_read_by_the_draw_first():
    result = drawn()
    assert verdict(result, "push") == "effect_by_design"
    assert result.tables["effects"]["estimand"].tolist() == ["drawn", "share_moved", "compliers", "as_got"]
    first, share, compliers = (effect(result, "push", name)["effect"] for name in ("drawn", "share_moved", "compliers"))
    assert compliers == pytest.approx(first / share)
    assert result.figures["effect"].value == pytest.approx(first)
    assert not effect(result, "push", "as_got")["is_causal"]


def test_a_small_arm_is_read_by_permutation():
    # 85 and 15 accounts: of 4,000 other draws about one in twenty differs as much as this one from either bound.
    counts = (85, 15)
    row = effect(drawn(counts, experiment=experiment(counts)), "push", "drawn")
    is_drawn, _, money = (np.array(each) for each in zip(*bought(counts, 0.5, 4.0), strict=True))
    rng = np.random.default_rng(3)
    others = [rng.permutation(is_drawn) for _ in range(4_000)]
    for bound in (row["low"], row["high"]):
        values = money - bound * is_drawn
        distances = [
            abs(ttest_ind(values[arm], values[~arm], equal_var=False).statistic) for arm in (is_drawn, *others)
        ]
        assert np.mean(np.array(distances[1:]) >= distances[0]) == pytest.approx(0.05, abs=0.012)


def test_a_weak_lot_has_no_complier_effect():
    result = drawn(obeyed=0.02)
    assert "compliers" not in result.tables["effects"]["estimand"].tolist()
    assert "weak_instrument" in {caveat.code for caveat in result.caveats}


def test_a_broken_lot_is_not_answered():
    result = drawn(counts=(60, 140))
    assert verdict(result, "push") == "not_answerable"
    assert "units per arm are 60 : 140" in formats.text(result.headline)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "sold"}, "the experiment has bought"),
        ({"drawn": ["2"]}, "the experiment has no arm 2"),
        ({"drawn": ["0", "1"]}, "some arm must not have been drawn"),
    ],
)
def test_a_lot_names_what_its_experiment_has(changes, message):
    with pytest.raises(ValidationError, match=message):
        drawn(**changes)


def test_a_column_that_says_who_got_it_must_be_there():
    with pytest.raises(AnalysisError, match="received: there is no such column in experiment_units"):
        drawn(got="received")


# Groups before and after


def test_two_groups_before_and_after_are_never_more_than_a_description():
    rng = np.random.default_rng(8)
    flags = pd.DataFrame({"is_touched": np.arange(400) < 100, "is_after": np.arange(400) % 2 == 0})
    for lift, expected in ((0.0, Verdict.INCONCLUSIVE), (9.0, Verdict.DESCRIPTIVE_ONLY)):
        outcome = lift * (flags["is_touched"] & flags["is_after"]) + rng.normal(size=400)
        facts = {"board": facts_of.Grouped(flags.assign(outcome=outcome), {})}
        board = {"kind": "periods", "id": "board", "label": "B", "touched": "a", "after": "b", "outcome": "c"}
        assert judged(facts, config_of(board))[0].verdict is expected


# The sample book, whose truth is known


@pytest.fixture(scope="module")
def sample():
    config = load(ROOT / "configs" / "touch_effect.yaml", touch_effect.Config, ROOT)
    made = open_book(load_workspace(ROOT / "configs" / "workspace.yaml"), ROOT, SAMPLE_CACHE)
    return result_of(made, config, AS_OF)


def planted():
    """The planted effect on log use: effect on engagement x slope of log use on engagement within accounts (SQL)."""
    world = make_world(BookSize())
    monthly = duckdb.sql(
        f"""select account_id, date_diff('month', date '2024-10-01', date) as month,
        ln(1 + sum(events) * 7 / 30.4) as use
        from '{ROOT / "data" / "samples" / "usage_daily.parquet"}' group by all"""
    ).df()
    number = pd.Index(world.traits["account_id"]).get_indexer(monthly["account_id"])
    monthly["engagement"] = world.engagement[number, LEAD_MONTHS + monthly["month"].to_numpy()]
    within = monthly[["use", "engagement"]] - monthly.groupby("account_id")[["use", "engagement"]].transform("mean")
    slope = (within["use"] * within["engagement"]).sum() / (within["engagement"] ** 2).sum()
    return RESCUE.effect * slope


def test_the_touch_with_the_wrong_naive_sign_is_corrected_and_not_called_a_cause(sample):
    naive, adjusted = (effect(sample, "comeback-guide", name) for name in ("naive", "touched"))
    assert naive["high"] < 0 < adjusted["low"]
    assert adjusted["low"] < np.expm1(planted()) < adjusted["high"]
    assert verdict(sample, "comeback-guide") == "confounded_by_indication"
    assert not any(verb in formats.text(sample.headline) for verb in CAUSAL)


def test_calls_that_a_rule_asked_for_are_not_called_a_cause(sample):
    assert verdict(sample, "low-use-calls") == "confounded_by_indication"


def test_the_mail_drawn_by_lot_is_read_by_the_draw(sample):
    assert verdict(sample, "guide-mail") == "no_effect_shown"
    assert effect(sample, "guide-mail", "drawn")["is_causal"]


def test_every_touched_account_week_is_read_or_left_out_for_a_reason(sample):
    sent = duckdb.sql(
        f"""select count(distinct (account_id, date_trunc('week', sent_at))) from
        '{ROOT / "data" / "samples" / "touches.parquet"}' where content_id = 'comeback-guide'"""
    ).fetchone()[0]
    lost = sample.tables["left_out"].query("touch_id == 'comeback-guide'")["touched"].sum()
    assert effect(sample, "comeback-guide", "touched")["touched"] + lost == sent
