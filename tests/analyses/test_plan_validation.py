"""Was the diagnosis right, was the plan run, did it work, and where else?"""

import math
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from csworkbench import config as configs
from csworkbench import formats
from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Design
from csworkbench.adjustment.pooling import pool
from csworkbench.analyses import plan_validation
from csworkbench.analyses.plan_validation import turning
from csworkbench.analyses.plan_validation.judging import evidence_of, lines_of, read_playbooks
from csworkbench.analyses.plan_validation.settings import VerdictRules
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from csworkbench.tables import Kind
from csworkbench.workspace import TableSource
from tests.books import book, with_rows
from tests.house.places import ROOT

AS_OF = date(2026, 6, 30)
DIP, BACK, LANDED = date(2025, 11, 1), date(2026, 2, 1), date(2026, 2, 10)
PLANNED, DIPPED, STEADY = 8, 30, 60
SETTINGS = {"business_metric": "orders", "history_days": 120}
PLAYBOOK = """
schema: 1
id: tour
title: Grand tour
problem: Few orders
steps: [{name: Show}, {name: Follow up}]
goals: [{metric: orders, uplift: 0.25}]
"""


def wobble(number, week):
    """A fluctuation of at most 3 % that is the same in every run."""
    return 1 + 0.03 * math.sin(7.0 * number + 1.7 * week)


@cache
def metric_rows(gain):
    """Orders a week: 100; planned and dipped accounts fall to 70 for three months, and 90 come back by themselves.

    From landing on, planned accounts have `gain` times what the dipped ones have.
    """
    rows = []
    for number in range(PLANNED + DIPPED + STEADY):
        for week in range(78):
            day = date(2025, 1, 1) + timedelta(days=7 * week)
            level = 100.0
            if number < PLANNED + DIPPED:
                level = 100.0 if day < DIP else 70.0 if day < BACK else 90.0
            if number < PLANNED and day > LANDED:
                level *= gain
            level *= wobble(number, week) * (1 + 0.02 * (number % 9))
            rows.append({"account_id": name(number), "metric": "orders", "date": day, "value": round(level, 3)})
    return rows


def name(number):
    return f"{'P' if number < PLANNED else 'C'}{number:03d}"


def plan(number, **changes):
    return {
        "plan_id": f"PL{number}",
        "account_id": name(number),
        "playbook": "tour",
        "problem": "Few orders",
        "problem_metric": "orders",
        "csm_id": f"CSM{number % 2}",
        "created_at": "2026-01-10T09:00:00",
        "started_at": "2026-01-12T09:00:00",
        "landed_at": f"{LANDED}T09:00:00",
        "closed_at": "2026-05-01T09:00:00",
    } | changes


def steps(number, done=("2026-01-20T09:00:00", "2026-02-08T09:00:00"), blocker="none"):
    return [
        {
            "plan_id": f"PL{number}",
            "step_no": place,
            "name": title,
            "is_mandatory": True,
            "done_at": at,
            "status": "done" if at else "blocked",
            "blocker": "none" if at else blocker,
        }
        for place, (title, at) in enumerate(zip(("Show", "Follow up"), done, strict=True), 1)
    ]


def goal(number, baseline=70.0, target=87.5):
    return {"plan_id": f"PL{number}", "metric": "orders", "direction": "higher", "baseline": baseline, "target": target}


def make_book(gain=1.5, plans=None, all_steps=None, goals=None, extras=None):
    numbers = range(PLANNED)
    accounts = [
        {"account_id": name(number), "name": name(number), "value_tier": "mid", "signup_at": "2024-01-01T00:00:00"}
        for number in range(PLANNED + DIPPED + STEADY)
    ]
    tables = {
        "accounts": accounts,
        "plans": plans or [plan(number) for number in numbers],
        "plan_steps": all_steps or [step for number in numbers for step in steps(number)],
        "plan_goals": goals or [goal(number) for number in numbers],
        "metrics_daily": metric_rows(gain),
    }
    return book(tables, extras=extras or {})


def result_of(made, **settings):
    config = plan_validation.Config(**SETTINGS | {"playbooks": {"tour.yaml": PLAYBOOK}} | settings)
    return plan_validation.analyze(plan_validation.prepare(take(made, AS_OF), config, {}), config)


def verdicts(result):
    return result.tables["verdicts"].set_index("plan_id")


def codes(result):
    return {caveat.code for caveat in result.caveats}


def others(result, *but):
    """Verdicts of the plans that nothing is wrong with."""
    found = verdicts(result)["verdict"]
    return set(found[~found.index.isin(but)])


# --- the verdicts -----------------------------------------------------------------------------------------------------


def test_a_gain_beyond_what_comes_back_by_itself_is_supported():
    result = result_of(make_book(gain=1.5))
    assert others(result) == {"supported"}
    playbook = result.tables["playbooks"].iloc[0]
    # After landing planned accounts have 1.5 times what accounts with the same dip have: +50 %.
    assert playbook["effect"] == pytest.approx(0.5, abs=0.06)
    assert playbook["low"] > 0.3
    assert playbook["design"] == "C matched"


def test_the_account_a_playbook_was_written_for_says_nothing_about_others():
    filed = {"tour.yaml": PLAYBOOK + f"founder: {name(2)}\n"}
    result = result_of(make_book(), playbooks=filed)
    assert result.tables["playbooks"]["accounts"].tolist() == [PLANNED - 1]
    said = result.tables["verdicts"].set_index("account_id")["probabilities"]
    assert f"from {PLANNED - 1} accounts" in said[name(2)]  # its own plan is judged by all others
    assert f"from {PLANNED - 2} accounts" in said[name(3)]


def test_a_selected_founder_credits_nobody_in_a_null_world():
    rng, credited, draws = np.random.default_rng(3), 0, 100
    lines = pd.DataFrame({"csm_id": list("abcdef"), "goal": 0.114, "created_on": range(6)}, index=list("012345"))
    lines = lines.assign(account_id=lines.index, metric="")
    for _ in range(draws):
        effect = rng.normal(0, 0.2, 6)
        effect[0] = 0.45 + abs(rng.normal(0, 0.1))  # written down because it worked there
        rows = {"episode_id": lines.index, "account_id": lines.index, "effect": effect}
        effects = pd.DataFrame(rows).assign(standard_error=0.2, shared_error=0.02)
        reading = SimpleNamespace(
            comparison=SimpleNamespace(design=Design.MATCHED), pooled=pool(effects), elsewhere=pool(effects[1:]),
            lines=lines, scope=None, sides={}, is_inside=None, metric="", worth=lambda rules: 0.057,
        )  # fmt: skip
        credited += evidence_of(reading, VerdictRules())["1"].above >= 0.8
    assert credited / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5


def test_a_recovery_that_comparable_accounts_had_too_is_not_credited():
    found = verdicts(result_of(make_book(gain=1.0)))
    # 90 is above the target of 87.5, and every dipped account has 90 as well.
    assert set(found["verdict_on_facts"]) == {"steps_done_goal_met"}
    assert set(found["verdict"]) == {"reached_not_attributable"}


def test_a_fall_below_comparable_accounts_is_harmful():
    found = verdicts(result_of(make_book(gain=0.6)))
    assert set(found["verdict_on_facts"]) == {"steps_done_goal_missed"}
    assert set(found["verdict"]) == {"harmful"}


def test_the_expected_rebound_is_that_of_accounts_with_the_same_dip():
    row = result_of(make_book(gain=1.0)).tables["rebound"].iloc[0]
    # Windows before landing: mostly 70, from 1 February on 90; afterwards 90. Nothing else came.
    assert row["expected"] > 110
    assert row["after"] == pytest.approx(row["expected"], rel=0.04)


def test_a_problem_that_was_none_is_told_before_anything_else():
    plans = [plan(number) for number in range(PLANNED)]
    plans.append(plan(90, account_id=name(44)))  # 44 % 9 = 8: the best of its tier, without a dip
    made = make_book(plans=plans, all_steps=[s for n in (*range(PLANNED), 90) for s in steps(n)])
    result = result_of(with_rows(made, "plan_goals", [goal(90, 116.0, 145.0)]), not_bad_above=-0.05)
    assert verdicts(result)["verdict"]["PL90"] == "wrong_problem"
    assert others(result, "PL90") == {"supported"}
    # The advice counts what the figure counts: every checked plan, closed or not.
    wrong = result.figures["problems_wrong"]
    said = f"it was not bad in {round(wrong.value * wrong.n)} plan of {wrong.n}."
    assert said in " ".join(formats.text(action) for action in result.actions)


def test_a_step_at_which_five_plans_stop_is_not_executable_and_counts_csms_without_naming_them():
    stuck = [s for n in range(PLANNED) for s in steps(n, ("2026-01-20T09:00:00", None))]
    result = result_of(make_book(gain=0.8, all_steps=stuck), rules={"stop_csms": 2})
    assert set(verdicts(result)["verdict"]) == {"not_executable"}
    row = result.tables["stalls"].set_index("step").loc["Follow up"]
    assert (row["stalled"], row["csms"]) == (8, 2)
    named = [
        str(each) for table in ("verdicts", "playbooks", "stalls") for each in result.tables[table].to_numpy().ravel()
    ]
    assert not any(each.startswith("CSM") for each in named)


@pytest.mark.parametrize(
    ("blocker", "verdict"), [("csm", "execution_issue"), ("customer", "blocked_by_customer"), ("none", "not_finished")]
)
def test_an_open_step_goes_by_who_held_it_up(blocker, verdict):
    held = [
        s
        for n in range(PLANNED)
        for s in steps(
            n, ("2026-01-20T09:00:00", None) if n == 3 else ("2026-01-20T09:00:00", "2026-02-08T09:00:00"), blocker
        )
    ]
    goals = [goal(n, 70.0, 300.0 if n == 3 else 87.5) for n in range(PLANNED)]
    result = result_of(make_book(all_steps=held, goals=goals))
    assert verdicts(result)["verdict"]["PL3"] == verdict
    assert others(result, "PL3") == {"supported"}


def test_a_goal_beyond_what_the_playbook_does_is_too_high():
    goals = [goal(n, 70.0, 700.0 if n == 2 else 87.5) for n in range(PLANNED)]
    assert verdicts(result_of(make_book(goals=goals)))["verdict"]["PL2"] == "effective_but_goal_too_high"


def order_of(lottery, numbers):
    """The official record of a start order, as a folder of records holds it."""
    rows = [f"{lottery},{name(n)},tour,1,mid,{place},{n < PLANNED},2026-01-05" for place, n in enumerate(numbers, 1)]
    head = "lottery,account_id,playbook,playbook_version,stratum,start_order,starts_now,eligible_on"
    text = "\n".join([head, *rows, ""])
    return {f"{lottery}-{sha256(text.encode()).hexdigest()[:12]}.csv": text}


def typed_lottery():
    """A book whose plans name a lottery and an order: eight that started and twenty that wait."""
    drawn = [plan(n, lottery="draw-1", start_order=n + 1) for n in range(PLANNED)]
    waiting = [
        plan(200 + n, account_id=name(PLANNED + n), lottery="draw-1", start_order=PLANNED + n + 1)
        | {"started_at": None, "landed_at": None, "closed_at": None}
        for n in range(20)
    ]
    kinds = {"plans": {"lottery": Kind.TEXT, "start_order": Kind.INTEGER}}
    return make_book(plans=[*drawn, *waiting], extras=kinds)


def test_a_drawn_start_order_verifies():
    result = result_of(typed_lottery(), around={"lotteries": order_of("draw-1", range(PLANNED + 20))})
    found = verdicts(result)
    assert set(found["verdict"][:PLANNED].where(~found.index[:PLANNED].str.startswith("PL2"))) >= {"verified"}
    assert (found.loc[[f"PL{200 + n}" for n in range(20)], "verdict"] == "in_progress").all()
    assert set(found["evidence"]) == {"A lottery"}
    assert "draw_not_recorded" not in codes(result)


@pytest.mark.parametrize("official", [{}, order_of("draw-2", range(40, 50))])
def test_an_order_that_is_only_typed_in_the_plans_is_no_draw_and_verifies_nothing(official):
    result = result_of(typed_lottery(), around={"lotteries": official})
    assert result.tables["playbooks"]["design"].tolist() == ["C matched"]
    assert set(verdicts(result)["verdict"]) == {"supported", "in_progress"}
    assert "draw_not_recorded" in codes(result)


def test_a_released_order_adds_no_verdict_for_those_who_wait():
    result = result_of(make_book(), around={"lotteries": order_of("tour-2026-01", range(PLANNED + DIPPED))})
    assert len(result.tables["verdicts"]) == PLANNED
    assert set(result.tables["verdicts"]["evidence"]) == {"A lottery"}
    assert result.tables["diagnosis"]["problem"].tolist() == ["Few orders"]
    assert not {"never_landed", "overlapping_plans", "draw_not_recorded"} & codes(result)


def lottery_of(drawn, started, waiting=20):
    """A lottery among the planned and dipped accounts: `started` of the first `drawn` places start, nobody else."""
    idle = {"started_at": None, "landed_at": None, "closed_at": None}
    numbers = range(drawn + waiting)
    plans = [plan(n, account_id=name(n)) | ({} if n in started else idle) for n in numbers]
    return make_book(plans=plans), order_of("draw-1", numbers)


def compared(made, official, **settings):
    around = {"around": {"lotteries": official}}
    config = plan_validation.Config(**SETTINGS | {"playbooks": {"tour.yaml": PLAYBOOK}} | around | settings)
    inputs = plan_validation.prepare(take(made, AS_OF), config, {})
    (reading,) = read_playbooks(inputs, config, lines_of(inputs, config))
    return reading


def test_who_was_drawn_and_did_not_start_stays_on_the_side_that_started():
    reading = compared(*lottery_of(12, set(range(12)) - {6}))
    # 11 of the 12 that were called started: 92 %, and the seventh counts with them, not with the 20 that wait.
    assert reading.comparison.design.value == "lottery"
    assert set(reading.comparison.effects["account_id"]) == {name(n) for n in range(12)}
    assert reading.episodes.loc[reading.episodes["is_waiting"], "account_id"].nunique() == 20


def test_where_a_quarter_of_the_drawn_never_starts_the_lot_is_not_believed():
    reading = compared(*lottery_of(12, set(range(12)) - {2, 5, 8}))
    # 9 of the 12 called.
    assert reading.comparison.design.value == "matched"
    said = [formats.text(each.message) for each in reading.comparison.caveats]
    assert any("but 75.0% of the starts follow a drawn order; 90.0% are" in each for each in said)
    assert len(reading.comparison.effects) == 9


def test_plans_that_nobody_has_closed_count_once_their_window_is_over():
    still_open = [plan(n) | ({"closed_at": None} if n < 3 else {}) for n in range(PLANNED)]
    result = result_of(make_book(plans=still_open))
    assert result.tables["effects"]["account_id"].nunique() == PLANNED
    assert set(verdicts(result)["verdict"][:3]) == {"in_progress"}


def test_the_effect_over_all_that_started_stands_beside_that_of_those_run_to_the_end():
    # Three plans stopped after the first of two steps, so their fidelity is a half.
    halted = [step for n in range(PLANNED) for step in steps(n, *([("2026-01-20T09:00:00", None)] if n < 3 else []))]
    result = result_of(make_book(all_steps=halted))
    row = result.tables["sensitivity"].iloc[0]
    assert result.tables["effects"]["account_id"].nunique() == PLANNED - 3
    assert row["all_started_low"] < row["all_started"] < row["all_started_high"]
    assert row["all_started"] == pytest.approx(0.5, abs=0.05)  # all eight gained half as much again
    assert "run_and_started_differ" not in codes(result)


def test_the_interval_of_hartung_and_knapp_stands_beside_the_effect_without_the_founder():
    row = result_of(make_book()).tables["sensitivity"].iloc[0]
    assert row["knapp_low"] < row["without_founder"] < row["knapp_high"]
    assert row["left_out"] == 0  # every account has a month before landing and one after


# --- rules that always hold -------------------------------------------------------------------------------------------


def test_the_order_of_rows_changes_no_verdict():
    numbers = list(range(PLANNED))
    turned = make_book(
        plans=[plan(n) for n in reversed(numbers)],
        all_steps=[s for n in reversed(numbers) for s in reversed(steps(n))],
        goals=[goal(n) for n in reversed(numbers)],
    )
    columns = ["verdict", "path", "probability", "effect", "low", "high", "n_controls"]
    pd.testing.assert_frame_equal(
        verdicts(result_of(turned))[columns], verdicts(result_of(make_book()))[columns], rtol=1e-9
    )


def test_what_becomes_known_after_the_date_changes_nothing():
    late = plan(91, account_id=name(PLANNED + 1), created_at="2026-07-10T09:00:00")
    late |= dict.fromkeys(("started_at", "landed_at", "closed_at"))
    made = make_book()
    later = with_rows(made, "plans", [late])
    pd.testing.assert_frame_equal(result_of(later).tables["verdicts"], result_of(made).tables["verdicts"])


def test_a_goal_recorded_twice_changes_nothing():
    config = plan_validation.Config(**SETTINGS)
    inputs = plan_validation.prepare(take(make_book(), AS_OF), config, {})
    doubled = replace(inputs, goals=pd.concat([inputs.goals, inputs.goals], ignore_index=True))
    once, twice = (plan_validation.analyze(each, config).tables["verdicts"] for each in (inputs, doubled))
    pd.testing.assert_frame_equal(once, twice)


def test_randomized_effects_change_their_sign_with_the_labels():
    config = plan_validation.Config(**SETTINGS)
    inputs = plan_validation.prepare(take(make_book(), AS_OF), config, {})
    (reading,) = read_playbooks(inputs, config, lines_of(inputs, config))
    drawn = reading.episodes[reading.episodes["band"] == reading.episodes["band"].iloc[0]].assign(lottery="draw-1")
    drawn = drawn.drop_duplicates("account_id").assign(is_waiting=~drawn["is_plan"], own_change=0.0, csm_load=1.0)
    drawn = drawn.drop(columns=["order_followed", "draw_before_1"]).assign(
        before_1=1.0, before_2=1.0, tenure_months=1.0
    )  # a difference of means
    turned = drawn.assign(is_plan=~drawn["is_plan"], is_waiting=drawn["is_plan"], playbook="tour")
    averages = [compare(each, CompareRules(draws=99)).effects["effect"].mean() for each in (drawn, turned)]
    assert averages[0] == pytest.approx(-averages[1], abs=1e-9)
    assert averages[0] > 0.3


# --- bad input: said in words, and the other plans go on --------------------------------------------------------------


def test_a_plan_without_steps_is_told():
    result = result_of(make_book(all_steps=[s for n in range(PLANNED - 1) for s in steps(n)]))
    assert "without_steps" in codes(result)
    assert verdicts(result)["verdict"]["PL7"] == "met_without_steps"
    assert "no steps recorded" in verdicts(result)["marks"]["PL7"]
    assert others(result, "PL7") == {"supported"}


def test_steps_that_were_all_ticked_at_closing_are_no_evidence():
    at_once = ("2026-05-01T08:00:00", "2026-05-01T08:00:20")
    ticked = [s for n in range(PLANNED) for s in (steps(n, at_once) if n == 0 else steps(n))]
    result = result_of(make_book(all_steps=ticked))
    assert "ticked_at_closing" in codes(result)
    assert verdicts(result)["fidelity"]["PL0"] == 0
    assert verdicts(result)["verdict"]["PL0"] == "met_without_steps"
    assert others(result, "PL0") == {"supported"}


def test_a_plan_that_never_landed_counts_from_its_start_and_says_so():
    plans = [plan(n, landed_at=None) if n == 1 else plan(n) for n in range(PLANNED)]
    result = result_of(make_book(plans=plans))
    assert "never_landed" in codes(result)
    assert verdicts(result)["anchored_by"]["PL1"] == "started"
    assert others(result, "PL1") == {"supported"}


def test_a_goal_without_baseline_makes_its_plan_not_assessable():
    goals = [goal(n, None if n == 4 else 70.0) for n in range(PLANNED)]
    result = result_of(make_book(goals=goals))
    assert "goal_without_numbers" in codes(result)
    assert verdicts(result)["verdict"]["PL4"] == "not_assessable"
    assert "baseline and target" in verdicts(result)["would_change"]["PL4"]
    assert others(result, "PL4") == {"supported"}


def test_an_outcome_before_the_plan_is_not_credited_to_it():
    plans = [plan(n, created_at="2026-03-20T09:00:00") if n == 5 else plan(n) for n in range(PLANNED)]
    result = result_of(make_book(plans=plans))
    assert "outcome_before_plan" in codes(result)
    assert verdicts(result)["verdict"]["PL5"] in {"not_assessable", "wrong_problem"}
    assert others(result, "PL5") == {"supported"}


def test_overlapping_plans_of_one_account_are_marked():
    plans = [*(plan(n) for n in range(PLANNED)), plan(92, account_id=name(0), playbook="other")]
    result = result_of(make_book(plans=plans))
    assert "overlapping_plans" in codes(result)
    assert "other plans of the account at the same time: 1" in verdicts(result)["marks"]["PL0"]
    assert verdicts(result)["verdict"]["PL3"] == "supported"


def test_fewer_than_two_windows_before_landing_leave_a_plan_without_effect():
    late = with_rows(
        make_book(),
        "accounts",
        [{"account_id": "N1", "name": "N1", "value_tier": "mid", "signup_at": "2026-01-05T00:00:00"}],
    )
    late = with_rows(late, "plans", [plan(93, account_id="N1")])
    late = with_rows(late, "plan_steps", steps(93))
    late = with_rows(late, "plan_goals", [goal(93)])
    rows = [
        {"account_id": "N1", "metric": "orders", "date": date(2026, 1, 20) + timedelta(days=7 * n), "value": 120.0}
        for n in range(22)
    ]
    result = result_of(with_rows(late, "metrics_daily", rows))
    assert "fewer_than_two_periods" in codes(result)
    assert np.isnan(verdicts(result)["effect"]["PL93"])
    assert others(result, "PL93") == {"supported"}


def test_without_comparable_accounts_the_plans_are_described_and_nothing_more():
    made = make_book()
    alone = [row for row in metric_rows(1.5) if row["account_id"] < "C" or row["account_id"].startswith("P")]
    lonely = book(
        {**{name: table.to_pandas() for name, table in made.tables.items() if name == "x"}, **_tables_alone(alone)}
    )
    found = verdicts(result_of(lonely))
    assert set(found["verdict"]) == {"not_assessable"}
    assert set(found["verdict_on_facts"]) == {"steps_done_goal_met"}
    assert set(found["evidence"]) == {"F none"}


def _tables_alone(rows):
    numbers = range(PLANNED)
    accounts = [
        {"account_id": name(n), "name": name(n), "value_tier": "mid", "signup_at": "2024-01-01T00:00:00"}
        for n in numbers
    ]
    return {
        "accounts": accounts,
        "plans": [plan(n) for n in numbers],
        "plan_steps": [step for n in numbers for step in steps(n)],
        "plan_goals": [goal(n) for n in numbers],
        "metrics_daily": rows,
    }


def test_a_playbook_without_a_file_goes_by_the_goals_of_its_plans():
    result = result_of(make_book(), playbooks={})
    assert "playbook_without_file" in codes(result)
    assert others(result) == {"supported"}


def test_a_playbook_file_of_a_newer_version_is_told_and_the_plans_go_on():
    result = result_of(make_book(), playbooks={"tour.yaml": PLAYBOOK.replace("schema: 1", "schema: 2")})
    assert "playbook_file_refused" in codes(result)
    assert others(result) == {"supported"}


def test_without_any_plan_the_page_says_what_to_do():
    made = make_book()
    config = plan_validation.Config(**SETTINGS)
    inputs = plan_validation.prepare(take(made, date(2025, 6, 30)), config, {})
    with pytest.raises(AnalysisError, match=r"no success plan is known on 2025-06-30"):
        plan_validation.analyze(inputs, config)


# --- settings and the sample book -------------------------------------------------------------------------------------


def test_the_shipped_settings_are_the_defaults_with_the_playbooks_of_the_folder():
    shipped = configs.load("configs/plan_validation.yaml", plan_validation.Config, ROOT)
    assert set(shipped.playbooks) >= {"quick_wins.yaml", "team_rollout.yaml"}
    scales = {"active_ratio": "points", "health_score": "points"}
    assert shipped.around.capacity == {"team_rollout": 10}
    plain = {"playbooks": {}, "scales": {}, "around": plan_validation.Config().around}
    assert shipped.model_copy(update=plain) == plan_validation.Config()
    assert shipped.scales == scales


def test_sheets_are_in_the_language_of_the_workspace():
    running = plan(0, closed_at=None, due_at="2026-08-01T09:00:00")
    made = make_book(plans=[running, *(plan(number) for number in range(1, PLANNED))])
    spoken = replace(made, workspace=made.workspace.model_copy(update={"language": "sv"}))
    html = result_of(spoken).files["sheets/PL0.html"]
    assert '<html lang="sv">' in html
    assert "1 aug. 2026" in html


def test_a_quarterly_review_ends_the_window_with_the_quarter():
    found = verdicts(result_of(make_book(), review="quarter"))
    # Landed on 10 February; four weeks later it is still the first quarter.
    assert set(found["ends_on"]) == {pd.Timestamp(2026, 4, 1)}


def test_a_plan_about_another_metric_is_not_judged_by_that_of_the_playbook():
    goals = [goal(number) for number in range(PLANNED)]
    plans = [plan(number) for number in range(PLANNED)]
    goals[7] = goals[7] | {"metric": "visits"}
    plans[7] = plans[7] | {"problem_metric": "visits"}
    rows = [row | {"metric": "visits"} for row in metric_rows(1.5)]
    made = with_rows(make_book(plans=plans, goals=goals), "metrics_daily", rows)
    found = verdicts(result_of(made)).loc[plans[7]["plan_id"]]
    assert (found["verdict"], found["probabilities"]) == ("not_assessable", "")
    assert "judged by orders" in found["would_change"]


def test_plans_without_a_playbook_are_judged_on_facts_only():
    plans = [plan(number, playbook=None if number else "tour") for number in range(PLANNED)]
    result = result_of(make_book(plans=plans))
    assert others(result, "PL0") == {"not_assessable"}
    assert result.tables["playbooks"]["playbook"].tolist() == ["tour"]
    assert [part.value for part in result.parts] == ["tour"]
    assert "without_playbook" in codes(result)


def tiered_book(varies):
    """Every second account is large; planned ones gain if they are large, and nothing else."""
    numbers = range(PLANNED + DIPPED + STEADY)
    people = [{"account_id": name(each), "name": name(each), "signup_at": "2024-01-01T00:00:00"} for each in numbers]
    large = {name(each) for each in numbers if each % 2}
    tables = {
        "accounts": [row | {"value_tier": "large" if row["account_id"] in large else "mid"} for row in people],
        "plans": [plan(number) for number in range(PLANNED)],
        "plan_steps": [step for number in range(PLANNED) for step in steps(number)],
        "plan_goals": [goal(number) for number in range(PLANNED)],
        "metrics_daily": [row for row in metric_rows(1.5) if row["account_id"] in large]
        + [row for row in metric_rows(1.0) if row["account_id"] not in large],
    }
    made = book(tables)
    source = TableSource.model_validate({"path": "accounts.csv", "columns": {"value_tier": {"varies": varies}}})
    sources = made.workspace.tables | {"accounts": source}
    return replace(made, workspace=made.workspace.model_copy(update={"tables": sources}))


@pytest.mark.parametrize(("varies", "compared_by"), [(True, {"known of today only"}), (False, {"large", "mid"})])
def test_a_tier_of_today_makes_no_accounts_alike(varies, compared_by):
    config = plan_validation.Config(**SETTINGS | {"playbooks": {"tour.yaml": PLAYBOOK}})
    inputs = plan_validation.prepare(take(tiered_book(varies), AS_OF), config, {})
    (reading,) = read_playbooks(inputs, config, lines_of(inputs, config))
    assert set(reading.episodes["tier"]) == compared_by
    assert ("tier_of_today" in {each.code for each in plan_validation.analyze(inputs, config).caveats}) is varies


@pytest.mark.parametrize(("varies", "says"), [(True, "candidate: known as of today only"), (False, "limits it")])
def test_a_trait_of_today_limits_no_playbook(varies, says):
    filed = PLAYBOOK + "trait: {name: tier, expected: [large]}\n"
    made, few = tiered_book(varies), VerdictRules().model_copy(update={"scope_plans": 4, "accounts": 2})
    config = plan_validation.Config(**SETTINGS | {"playbooks": {"tour.yaml": filed}}).model_copy(update={"rules": few})
    result = plan_validation.analyze(plan_validation.prepare(take(made, AS_OF), config, {}), config)
    assert result.tables["playbooks"]["trait_says"].tolist() == [says]
    assert ("trait_of_today" in codes(result)) is varies
    assert ("scope.where.tier" in set(result.tables["playbook_changes"]["key"])) is not varies


@pytest.mark.parametrize("rules", [{"chance": 0.95}, {"goal_share": 0.9}, {"fidelity": 0.4}])
def test_a_turned_threshold_says_what_a_run_with_it_says(rules):
    snapshot = take(make_book(), AS_OF)
    config = plan_validation.Config(**SETTINGS, playbooks={"tour.yaml": PLAYBOOK}, rules=rules)
    usual = plan_validation.Config(**SETTINGS, playbooks={"tour.yaml": PLAYBOOK})
    inputs = plan_validation.prepare(snapshot, usual, {})
    turned, run = plan_validation.turn(inputs, config), plan_validation.analyze(inputs, config)
    assert (turned.headline, turned.actions) == (run.headline, run.actions)
    assert turned.figures == run.figures
    assert turned.caveats == run.caveats
    for name, table in turned.tables.items():
        pd.testing.assert_frame_equal(table, run.tables[name][list(table.columns)], obj=name)
    assert (turned.files, turned.parts, turned.releases) == ({}, (), ())


def test_what_is_around_plans_is_not_made_again_where_a_threshold_is_turned_after_a_run(monkeypatch):
    made = make_book()
    config = plan_validation.Config(**SETTINGS, playbooks={"tour.yaml": PLAYBOOK})
    other = plan_validation.Config(**SETTINGS, playbooks={"tour.yaml": PLAYBOOK}, rules={"chance": 0.95})
    inputs = plan_validation.prepare(take(made, AS_OF), config, {})
    plan_validation.analyze(inputs, config)
    run = plan_validation.analyze(plan_validation.prepare(take(made, AS_OF), other, {}), other)
    monkeypatch.setattr(turning, "aside_of", None)
    turned = plan_validation.turn(inputs, other)
    assert (turned.headline, turned.figures, turned.caveats) == (run.headline, run.figures, run.caveats)
