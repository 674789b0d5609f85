"""Which variant won, on what outcome, and may it be believed?"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from csworkbench import formats, sources
from csworkbench.analyses import email_touch
from csworkbench.asof import take
from csworkbench.config import load
from csworkbench.errors import ConfigError
from csworkbench.estimates import Severity
from csworkbench.experiments import Experiment
from csworkbench.sampledata.trials import TRIALS
from csworkbench.workspace import load_workspace
from tests.books import book, with_rows
from tests.house.places import SAMPLE_CACHE

ROOT = Path(__file__).resolve().parents[2]
MONDAY, LAST, LATER = pd.Timestamp("2026-06-01"), date(2026, 7, 15), date(2026, 8, 1)
CLICKED = {"name": "clicked", "label": "Clicked", "role": "primary", "outcome": {"kind": "human_clicks"}}
ARMS = [{"name": "old", "label": "Old mail"}, {"name": "new", "label": "New mail"}]
PLAN = {
    "id": "test",
    "label": "Test",
    "question": "Does it work?",
    "arms": ARMS,
    "control": "old",
    "first_day": "2026-06-01",
    "last_day": LAST.isoformat(),
    "metrics": [CLICKED],
}
FUNNEL = [
    "sent", "delivered", "opened_raw", "opened_human", "opened_most", "machine_opened", "clicked", "replied",
    "unsubscribed", "early_events", "as_other", "too_early",
]  # fmt: skip


def plan(*metrics, **changes):
    return Experiment.model_validate({**PLAN, "metrics": [CLICKED | metric for metric in metrics or ({},)], **changes})


def facts(clicks, *, sizes=10, weeks=4, why="", mails=None, metrics=("clicked",), **columns):
    """Facts of units with so many clicks per arm: {"old": [1, 2], "new": [3]}."""
    arm = [name for name, totals in clicks.items() for _ in totals]
    total = np.array([value for totals in clicks.values() for value in totals], dtype=float)
    n = len(arm)
    drawn = [MONDAY + pd.Timedelta(weeks=place % weeks) for place in range(n)]
    names = [f"U{place:04d}" for place in range(n)]
    units = pd.DataFrame(
        {
            "unit_id": names,
            "account_id": names,
            "variant": arm,
            "stratum": "",
            "assigned_at": drawn,
            "assigned_on": drawn,
            "eligible": float(sizes),
            "why": why,
            **columns,
        }
    )
    values = pd.DataFrame({"total": total, "size": float(sizes), "why": "", "pre_total": 0.0, "pre_size": 0.0})
    sent = units[["unit_id", "variant"]].assign(content_id="c", sent_on=drawn, **dict.fromkeys(FUNNEL, 0.0))
    sent = sent.assign(sent=10.0, delivered=10.0) if mails is None else sent.assign(**mails)
    return email_touch.Facts(units, dict.fromkeys(metrics, values), {}, {}, sent)


def read(experiment, known, as_of=LATER, **changes):
    """The result of one experiment, or of several: {id: (experiment, facts)}."""
    pairs = experiment if isinstance(experiment, dict) else {experiment.id: (experiment, known)}
    config = email_touch.Config(experiments=tuple(each for each, _ in pairs.values()), **changes)
    return email_touch.analyze(email_touch.Inputs(as_of, {name: own for name, (_, own) in pairs.items()}, {}), config)


def chance(seed, n, rate, size=10):
    return list(np.random.default_rng(seed).binomial(size, rate, n))


def said(result):
    return formats.text(result.headline)


def codes(result, severity=None):
    return {caveat.code for caveat in result.caveats if severity in (None, caveat.severity)}


def verdict(result):
    return result.tables["verdicts"]["verdict"].tolist()


def state(result, metric="clicked"):
    return result.tables["effects"].set_index("metric").loc[metric, "state"]


def numbers_of(result):
    return [frame.select_dtypes("number").to_numpy(dtype=float) for frame in result.tables.values()]


@pytest.fixture(scope="module")
def sample():
    """The three experiments of the sample book."""
    config = load(ROOT / "configs" / "email_touch.yaml", email_touch.Config, ROOT)
    made = sources.open_book(load_workspace(ROOT / "configs" / "workspace.yaml"), ROOT, SAMPLE_CACHE, ROOT / "records")
    inputs = email_touch.prepare(take(made, date(2026, 9, 30)), config, {})
    return email_touch.analyze(inputs, config)


# --- the sample book -------------------------------------------------------------------------------------------------


def test_the_planted_effect_is_found_and_its_interval_holds_the_truth(sample):
    truth = {trial.experiment_id: trial.effect() for trial in TRIALS}["guide-mail"]
    found = sample.tables["effects"].set_index(["experiment_id", "metric"]).loc[("guide-mail", "clicked")]
    assert found["state"] == "better"
    assert found["p_adjusted"] < 0.05
    assert 0 < found["low"] < truth < found["high"]


def test_the_planted_null_is_not_found(sample):
    found = sample.tables["effects"].set_index(["experiment_id", "metric"]).loc[("subject-line", "clicked")]
    assert found["low"] < 0 < found["high"]
    assert found["state"] == "no difference shown"


def test_the_broken_sample_ratio_hides_the_winner_and_says_what_to_check(sample):
    assert sample.tables["verdicts"].set_index("experiment_id").loc["webinar-invite", "verdict"] == "blocked"
    assert "webinar-invite" not in set(sample.tables["effects"]["experiment_id"])
    assert set(sample.tables["set_aside"]["state"]) == {"set aside"}
    assert sample.figures["effect.webinar-invite"].value is None
    told = next(caveat for caveat in sample.caveats if caveat.code == "sample_ratio_all")
    assert "frequency cap" in formats.text(told.action)


def test_a_broken_draw_stops_the_page_only_where_it_is_about_that_experiment():
    sound, broken = (facts({"old": chance(1, 100, 0.2), "new": chance(2, n, 0.2)}) for n in (100, 300))
    pairs = {"test": (plan(), sound), "other": (plan(id="other"), broken)}
    assert "sample_ratio_all" in codes(read(pairs, None), Severity.WARNING)
    assert "sample_ratio_all" in codes(read(pairs, None, default="other"), Severity.STOP)
    assert sorted(verdict(read(pairs, None))) == ["blocked", "no difference shown"]


def test_the_headline_says_first_what_can_be_believed(sample):
    assert said(sample).startswith(
        "2 of 3 experiments can be believed. Guide mail: New guide mail beats Old guide mail"
    )


def test_every_drawn_unit_is_read_or_left_out_for_a_reason(sample):
    drawn = pd.read_csv(ROOT / "data" / "samples" / "experiment_units.csv").groupby(["experiment_id", "variant"]).size()
    rows = sample.tables["reconciliation"]
    assert rows[rows["metric"] == ""].groupby(["experiment_id", "variant"])["units"].sum().equals(drawn)
    read_ones = rows[(rows["metric"] == "") & (rows["outcome"] == "read")].groupby("experiment_id")["units"].sum()
    counted = rows[rows["metric"] == "clicked"].groupby("experiment_id")["units"].sum()
    assert counted.equals(read_ones)


def test_the_intra_account_correlation_is_near_the_planted_one(sample):
    rows = sample.tables["assumptions"].set_index(["experiment_id", "assumption"])["evidence"]
    assert "7.4% (4.7% to 10.6%" in rows[("guide-mail", "Contacts of an account go together")]  # planted: 8 %


def test_machine_opens_are_told_apart(sample):
    # A proxy opens the mails of 30 % of the people; 8 % of its opens are not flagged: .30 * .92 = .276
    assert sample.figures["machine_open_share"].value == pytest.approx(0.276, abs=0.03)


# --- health of the exposure ------------------------------------------------------------------------------------------


def test_a_ratio_below_one_in_a_hundred_warns_and_one_in_a_thousand_blocks():
    # 1:1 with 1,000 and 1,100 has p .029; 1,000 and 1,130: chi-square 7.93, p .0049; 1,000 and 1,160: 11.85, p .0006
    found = {}
    for extra in (100, 130, 160):
        result = read(plan(), facts({"old": chance(1, 1000, 0.2), "new": chance(2, 1000 + extra, 0.2)}, weeks=1))
        found[extra] = result.tables["checks"].set_index("check").loc["sample_ratio_all", "state"]
    assert found == {100: "ok", 130: "warning", 160: "stop"}


def test_a_broken_week_blocks_although_the_whole_is_even():
    # Week 1: 100 against 20, week 2: 20 against 100.
    known = facts({"old": chance(1, 120, 0.2), "new": chance(2, 120, 0.2)})
    weeks = [0] * 100 + [1] * 20 + [0] * 20 + [1] * 100
    known.units["assigned_on"] = [MONDAY + pd.Timedelta(weeks=week) for week in weeks]
    result = read(plan(), known)
    states = result.tables["checks"].set_index("check")["state"]
    assert (states["sample_ratio_all"], states["sample_ratio_week"]) == ("ok", "stop")
    assert verdict(result) == ["blocked"]


def test_units_left_out_are_told_with_the_reason():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known.units.loc[:2, "why"] = "not in the book (merged or deleted)"
    result = read(plan(), known)
    finding = result.tables["checks"].set_index("check").loc["reconciliation", "finding"]
    assert finding == "100 units drawn = 97 read + 3 left out: 3 not in the book (merged or deleted)"
    assert result.figures["units"].value == 97


def test_an_unknown_variant_is_named_beside_the_arms():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known.units.loc[[0, 60], ["variant", "why"]] = ["New", "unknown variant"]
    action = read(plan(), known).tables["checks"].set_index("check").loc["reconciliation", "action"]
    assert action == "Nobody knows the variant New; the arms are old, new"


def test_mails_of_another_arm_are_told_and_units_stay_as_drawn():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known.funnel.loc[0, "as_other"] = 1.0
    result = read(plan(), known)
    assert "double_exposure" in codes(result, Severity.WARNING)
    assert result.tables["effects"]["n_units"].tolist() == [100]


def test_a_holdout_that_got_mail_is_told():
    arms = [*ARMS, {"name": "none", "label": "No mail", "is_holdout": True}]
    result = read(plan(arms=arms), facts({"old": chance(1, 30, 0.2), "new": chance(2, 30, 0.2), "none": [0] * 30}))
    finding = result.tables["checks"].set_index("check").loc["double_exposure", "finding"]
    assert finding.startswith("30 units got a mail of another arm")


@pytest.mark.parametrize(("early", "severity"), [(2, Severity.WARNING), (20, Severity.STOP)])
def test_a_draw_after_the_mail_warns_and_blocks_where_it_is_common(early, severity):
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known.funnel.loc[: early - 1, "too_early"] = 1.0
    result = read(plan(), known)
    assert "assigned_after_mail" in codes(result, severity)
    assert (verdict(result) == ["blocked"]) == (severity is Severity.STOP)


def test_events_before_the_mail_are_told():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known.funnel.loc[0, "early_events"] = 1.0
    assert "events_before_send" in codes(read(plan(), known), Severity.WARNING)


def test_machines_that_open_one_arm_more_void_its_opens():
    opens = {"name": "opened", "role": "diagnostic", "outcome": {"kind": "opens"}}
    known = facts({"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.2)}, metrics=("clicked", "opened"))
    known.funnel["machine_opened"] = chance(3, 100, 0.2) + chance(4, 100, 0.4)
    result = read(plan({}, opens), known)
    assert "machine_open_share" in codes(result, Severity.WARNING)
    assert state(result, "opened") == "cannot tell"
    assert state(result, "clicked") != "cannot tell"


KNOWN = {"covariate": {"kind": "column", "column": "x", "measured_on": "2026-05-01"}}


@pytest.mark.parametrize(("shift", "severity"), [(0.0, None), (0.55, Severity.WARNING), (1.4, Severity.STOP)])
def test_arms_that_differed_before_the_draw_were_not_drawn_by_lot(shift, severity):
    # SD 1 and 50 accounts an arm: the standard error of a difference is .2, so .55 has p .007 and 1.4 none to speak of.
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    before = np.tile(np.linspace(-1.7, 1.7, 50), 2)
    known.metrics["clicked"]["pre_total"] = before + np.repeat([0.0, shift], 50)
    known.metrics["clicked"]["pre_size"] = 1.0
    result = read(plan(KNOWN), known)
    found = result.tables["checks"].set_index("check").loc["earlier_period"]
    assert found["state"] == (severity or "ok")
    assert (verdict(result) == ["blocked"]) is (severity is Severity.STOP)


def test_accounts_in_two_experiments_of_the_same_days_are_told():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    other = plan(id="other", label="Other")
    result = read({"test": (plan(), known), "other": (other, known)}, None)
    findings = result.tables["checks"].set_index(["experiment_id", "check"])["finding"]
    assert findings[("test", "overlap")] == "Accounts are in other experiments of the same days too: Other (100)"


def test_a_plan_that_was_changed_after_registration_is_told():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    digest = plan().registered_digest
    assert "preregistration" not in codes(read(plan(preregistered=digest), known))
    assert "preregistration" in codes(read(plan(preregistered=digest, label="Changed"), known), Severity.WARNING)


# --- looks -----------------------------------------------------------------------------------------------------------


def test_before_the_last_day_only_the_quality_of_the_data_is_shown():
    known = facts({"old": chance(1, 100, 0.1), "new": chance(2, 100, 0.6)})
    result = read(plan(), known, as_of=date(2026, 7, 14))
    assert verdict(result) == ["running"]
    assert result.tables["effects"].empty
    assert result.tables["set_aside"].empty
    assert result.tables["course"].empty
    assert result.figures["effect"].value is None
    assert len(result.tables["checks"])
    assert verdict(read(plan(), known, as_of=LAST)) == ["winner"]


def test_looks_at_any_time_have_wider_intervals():
    known = facts({"old": chance(1, 200, 0.2), "new": chance(2, 200, 0.3)})
    looks = {"kind": "continuous", "planned_units": 400}
    fixed = read(plan(), known).tables["effects"].iloc[0]
    always = read(plan(looks=looks), known, as_of=date(2026, 7, 1)).tables["effects"].iloc[0]
    ratio = (always["high"] - always["low"]) / (fixed["high"] - fixed["low"])
    assert 1.5 < ratio < 1.65  # about 1.6 at the planned number (statistics.md, section 1)


def test_below_a_hundred_units_a_look_at_any_time_cannot_tell():
    looks = {"kind": "continuous", "planned_units": 400}
    result = read(plan(looks=looks), facts({"old": chance(1, 40, 0.2), "new": chance(2, 40, 0.3)}))
    assert verdict(result) == ["cannot tell"]
    assert "below 100" in said(result)


def test_a_planned_look_uses_the_bound_of_its_share():
    # 80 of 400 units: the first of five equal looks, bound 4.8769 (Lan-DeMets, O'Brien-Fleming).
    looks = {"kind": "planned", "planned_units": 400}
    known = facts({"old": chance(1, 40, 0.2), "new": chance(2, 40, 0.3)})
    plain = read(plan(looks={"kind": "fixed"}), known)
    result = read(plan(looks=looks), known, as_of=date(2026, 7, 1))
    row = result.tables["effects"].iloc[0]
    assert row["hypothesis"] == "no absolute difference, look 1 of 5"
    assert row["effect"] == pytest.approx(plain.tables["effects"].iloc[0]["effect"])
    values = {arm: np.array(totals) / 10 for arm, totals in (("old", chance(1, 40, 0.2)), ("new", chance(2, 40, 0.3)))}
    error = np.sqrt(sum(each.var(ddof=1) / 40 for each in values.values()))
    assert (row["high"] - row["low"]) / 2 == pytest.approx(4.8769 * error, rel=0.01)


def test_a_planned_look_waits_for_the_next_one_while_units_come():
    # Of 400 planned, 80 are ready after the first week and 120 after the second: look 1 is that of the first 80.
    looks = {"kind": "planned", "planned_units": 400}
    clicks = {"old": chance(1, 60, 0.2), "new": chance(2, 60, 0.3)}
    known = facts(clicks)
    weeks = ([0] * 40 + [1] * 20) * 2
    known.units["assigned_on"] = [MONDAY + pd.Timedelta(weeks=week) for week in weeks]
    row = read(plan(looks=looks), known).tables["effects"].iloc[0]
    first = {arm: np.mean(totals[:40]) / 10 for arm, totals in clicks.items()}
    assert row["n_units"] == 80
    assert row["effect"] == pytest.approx(first["new"] - first["old"])
    assert row["hypothesis"] == "no absolute difference, look 1 of 5"


def test_a_planned_look_below_200_accounts_holds_the_permutation_against_its_nominal_level():
    # One look at the end: the bound is that of the fixed test, so p is that of the permutation.
    looks = {"kind": "planned", "planned_units": 20, "shares": [1.0]}
    known = facts({"old": chance(1, 10, 0.2), "new": chance(2, 10, 0.4)}, weeks=1)
    fixed, looked = (read(each, known).tables["effects"].iloc[0] for each in (plan(), plan(looks=looks)))
    assert looked["p"] == pytest.approx(fixed["p"], rel=1e-4)
    assert [looked["low"], looked["high"]] == pytest.approx([fixed["low"], fixed["high"]], rel=1e-4)
    assert looked["p_adjusted"] == looked["p"]


@pytest.mark.parametrize("looks", [{"kind": "continuous"}, {"kind": "planned", "shares": [0.5, 1.0]}])
def test_guardrails_and_relative_intervals_are_wider_where_they_are_looked_at_more_than_once(looks):
    guard = {"name": "guard", "role": "guardrail", "margin": 0.02}
    known = facts({"old": chance(1, 150, 0.3), "new": chance(2, 150, 0.3)}, metrics=("clicked", "guard"))
    plans = plan({}, guard), plan({}, guard, looks={"planned_units": 600, **looks})
    fixed, looked = (read(each, known).tables["effects"].set_index("metric") for each in plans)
    for low, high in (("low_adjusted", "high_adjusted"), ("relative_low", "relative_high")):
        assert ((looked[high] - looked[low]) > 1.3 * (fixed[high] - fixed[low])).all()


def test_segments_wait_until_nobody_is_watched_any_more():
    known = facts({"old": chance(1, 150, 0.2), "new": chance(2, 150, 0.3)})
    known.units["tier"] = ["a", "b", "c"] * 100
    looked = plan(segments=["tier"], looks={"kind": "continuous", "planned_units": 400})
    assert len(read(looked, known).tables["segments"]) == 3
    known.metrics["clicked"].loc[0, "why"] = "still being watched"
    assert read(looked, known).tables["segments"].empty


def test_planned_units_are_those_of_all_arms():
    # Of 600 planned in three arms 400 are for the two compared: 80 of them are the first look of five.
    arms = [*ARMS, {"name": "long", "label": "Long mail"}]
    looks = {"kind": "planned", "planned_units": 600}
    clicks = {"old": chance(1, 40, 0.2), "new": chance(2, 40, 0.3), "long": chance(3, 40, 0.3)}
    effects = read(plan(arms=arms, looks=looks), facts(clicks)).tables["effects"]
    assert set(effects["hypothesis"]) == {"no absolute difference (Holm over 2), look 1 of 5"}


def test_before_the_first_day_an_experiment_is_not_over():
    assert verdict(read(plan(), facts({"old": [], "new": []}), as_of=date(2026, 5, 1))) == ["running"]


def test_before_the_first_planned_look_nothing_is_told():
    looks = {"kind": "planned", "planned_units": 1000}
    result = read(plan(looks=looks), facts({"old": chance(1, 40, 0.2), "new": chance(2, 40, 0.3)}))
    assert "the first look is due at 200" in said(result)
    assert result.tables["effects"]["p"].isna().all()


# --- roles -----------------------------------------------------------------------------------------------------------


def test_primary_metrics_of_all_variants_are_one_family_of_holm():
    arms = [*ARMS, {"name": "long", "label": "Long mail"}]
    clicks = {"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.25), "long": chance(3, 100, 0.22)}
    effects = read(plan(arms=arms), facts(clicks)).tables["effects"]
    assert effects["p_adjusted"].tolist() == pytest.approx(multipletests(effects["p"], method="holm")[1].tolist())


def test_secondary_metrics_are_a_family_of_their_own():
    second = [{"name": f"m{place}", "role": "secondary"} for place in range(3)]
    known = facts({"old": chance(1, 120, 0.2), "new": chance(2, 120, 0.25)}, metrics=("clicked", "m0", "m1", "m2"))
    effects = read(plan({}, *second), known).tables["effects"]
    rows = effects[effects["role"] == "secondary"]
    assert rows["p_adjusted"].tolist() == pytest.approx(multipletests(rows["p"], method="fdr_bh")[1].tolist())
    assert effects.loc[effects["role"] == "primary", "p_adjusted"].tolist() == effects["p"].tolist()[:1]


@pytest.mark.parametrize(
    ("rate", "margin", "expected"), [(0.1, 0.02, "harm"), (0.3, 0.1, "no harm"), (0.29, 0.001, "too few data")]
)
def test_a_guardrail_says_harm_no_harm_or_too_few_data(rate, margin, expected):
    guard = {"name": "guard", "role": "guardrail", "margin": margin}
    known = facts({"old": chance(1, 150, 0.3), "new": chance(2, 150, rate)}, metrics=("clicked", "guard"))
    result = read(plan({}, guard), known)
    assert state(result, "guard") == expected
    assert (verdict(result) == ["harm"]) == (expected == "harm")


def test_a_diagnostic_has_no_p_value_and_decides_nothing():
    opens = {"name": "opened", "role": "diagnostic", "outcome": {"kind": "opens"}}
    known = facts({"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.2)}, metrics=("clicked", "opened"))
    values = known.metrics["clicked"].assign(total=chance(5, 100, 0.1) + chance(6, 100, 0.9))
    known = email_touch.Facts(known.units, {**known.metrics, "opened": values}, {}, {}, known.funnel)
    result = read(plan({}, opens), known)
    row = result.tables["effects"].set_index("metric").loc["opened"]
    assert (row["state"], np.isnan(row["p"]), np.isnan(row["p_adjusted"])) == ("described only", True, True)
    assert verdict(result) == ["no difference shown"]


def test_less_of_a_metric_can_be_better():
    known = facts({"old": chance(1, 100, 0.6), "new": chance(2, 100, 0.2)})
    assert verdict(read(plan({"direction": "lower"}), known)) == ["winner"]
    assert verdict(read(plan(), known)) == ["loser"]


def test_a_difference_can_be_shown_to_be_smaller_than_worth_knowing():
    known = facts({"old": chance(1, 400, 0.2), "new": chance(2, 400, 0.2)})
    assert verdict(read(plan({"worth": 0.1}), known)) == ["smaller than worth knowing"]
    assert verdict(read(plan({"worth": 0.001}), known)) == ["no difference shown"]


def test_segments_are_counted_together():
    known = facts({"old": chance(1, 150, 0.2), "new": chance(2, 150, 0.3)})
    known.units["tier"] = ["a", "b", "c"] * 100
    rows = read(plan(segments=["tier"]), known).tables["segments"]
    assert rows["value"].tolist() == ["a", "b", "c"]
    assert rows["p_adjusted"].tolist() == pytest.approx(multipletests(rows["p"], method="fdr_bh")[1].tolist())


def test_contacts_within_accounts_are_compared_within_them():
    # In a third of the accounts everybody clicks, elsewhere nobody but four of ten in the new arm.
    rng = np.random.default_rng(3)
    rows = []
    for account in range(60):
        base = account % 3 == 0
        for place in range(8):
            arm = "new" if place % 2 else "old"
            rows.append((f"A{account}", arm, float(base or (arm == "new" and rng.random() < 0.4))))
    known = facts({"old": [0] * 240, "new": [0] * 240}, sizes=1, weeks=1)
    known.units["account_id"], known.units["variant"], values = zip(*rows, strict=True)
    known.metrics["clicked"]["total"] = np.array(values)
    within = read(plan(unit="contact"), known).tables["effects"].iloc[0]
    frame = pd.DataFrame(rows, columns=["account", "arm", "y"])
    means = frame.pivot_table(index="account", columns="arm", values="y")
    assert within["effect"] == pytest.approx((means["new"] - means["old"]).mean())  # all accounts weigh the same here
    assert within["p"] < 0.001
    assert within["n_units"] == 60  # accounts: they are what the test counts


def test_contacts_whose_accounts_are_all_in_one_arm_are_added_up_to_accounts():
    # 40 accounts of 10 contacts, each account wholly in one arm: the same as an experiment on 40 accounts of size 10.
    clicks = {"old": chance(1, 20, 0.3), "new": chance(2, 20, 0.5)}
    people = {arm: [1.0] * sum(each) + [0.0] * (200 - sum(each)) for arm, each in clicks.items()}
    known = facts(people, sizes=1)
    each = {arm: [place for place, n in enumerate(totals) for _ in range(n)] for arm, totals in clicks.items()}
    rest = {arm: [place for place, n in enumerate(totals) for _ in range(10 - n)] for arm, totals in clicks.items()}
    known.units["account_id"] = [f"{arm}{place:02d}" for arm in clicks for place in (*each[arm], *rest[arm])]
    result, whole = read(plan(unit="contact"), known), read(plan(), facts(clicks))
    found, expected = (each.tables["effects"].iloc[0] for each in (result, whole))
    assert found["n_units"] == 40
    assert found["p"] == pytest.approx(expected["p"], abs=0.01)
    assert found["effect"] == pytest.approx(expected["effect"])
    assert "accounts_not_contacts" in codes(result, Severity.WARNING)
    assert "accounts are what the tests count" in result.tables["assumptions"]["evidence"].iloc[0]


def test_contacts_of_accounts_with_one_arm_are_told_and_not_counted():
    # Eight accounts have a contact in each arm, 192 contacts are alone.
    known = facts({"old": [1, 0] * 4 + [0] * 96, "new": [1, 1, 1, 0] * 2 + [0] * 96}, sizes=1)
    both = [f"B{place}" for place in range(8)]
    known.units["account_id"] = [*both, *(f"O{place}" for place in range(96)), *both, *(f"N{n}" for n in range(96))]
    result = read(plan(unit="contact"), known)
    assert result.tables["effects"]["n_units"].tolist() == [8]
    told = next(caveat for caveat in result.caveats if caveat.code == "contacts_left_out")
    assert "192 of 208 contacts say nothing" in formats.text(told.message)


def test_looks_at_any_time_need_a_hundred_accounts_within_which_contacts_are_compared():
    known = facts({"old": [1, 0, 0, 0] * 15, "new": [1, 1, 1, 0] * 15}, sizes=1)
    known.units["account_id"] = [f"A{place}" for place in range(60)] * 2
    looks = {"kind": "continuous", "planned_units": 400}
    assert "There are 60 units; below 100" in said(read(plan(unit="contact", looks=looks), known))


def test_a_decided_metric_needs_no_more_units():
    known = facts({"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.5)})
    row = read(plan({"worth": 0.05}), known).tables["time_to_decide"].iloc[0]
    assert (row["in_words"], row["weeks_more"]) == ("decided", 0)


def test_an_undecided_metric_says_how_many_more_units_at_the_pace_so_far():
    # 200 units in 4 weeks are 50 a week.
    known = facts({"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.2)})
    row = read(plan({"worth": 0.01}), known).tables["time_to_decide"].iloc[0]
    more = int(row["units_needed"]) - 200
    assert row["visible_now"] > 0.01
    assert row["weeks_more"] == -(-more // 50)
    assert row["in_words"] == f"{more:,} more units needed, at this pace {int(row['weeks_more'])} weeks"


def test_the_course_grows_to_the_effect_of_all_units():
    known = facts({"old": chance(1, 200, 0.2), "new": chance(2, 200, 0.3)})
    tables = read(plan(), known).tables
    assert tables["course"]["n_units"].tolist() == [100, 200, 300, 400]
    assert tables["course"]["effect"].iloc[-1] == pytest.approx(tables["effects"]["effect"].iloc[0])
    width = tables["course"]["high"] - tables["course"]["low"]
    assert width.is_monotonic_decreasing


def test_the_funnel_adds_up_mails_and_names_the_bounds_of_opens():
    # Each of 40 mails of an arm was delivered; 10 were opened by people for sure, 15 by nobody known as a machine.
    known = facts({"old": [0] * 4, "new": [1] * 4}, mails={"sent": 12.0, "delivered": 10.0})
    known.funnel["opened_human"], known.funnel["opened_most"] = [4.0, 2.0, 3.0, 1.0] * 2, [5.0, 3.0, 5.0, 2.0] * 2
    rows = read(plan(), known).tables["funnel"]
    rows = rows[(rows["week"] == "all") & (rows["variant"] == "new")].set_index("step")
    shares = rows.loc[["delivered", "opened_human", "opened_most"], "share"]
    assert shares.tolist() == pytest.approx([40 / 48, 10 / 40, 15 / 40])
    assert (rows["low"] <= rows["share"]).all()
    assert (rows["share"] <= rows["high"]).all()


def test_contents_are_listed_with_the_best_clicked_first():
    known = facts({"old": [0] * 10, "new": [1] * 10})
    known.funnel["content_id"] = ["a"] * 10 + ["b"] * 10
    known.funnel["clicked"] = [1.0] * 10 + [2.0] * 10
    rows = read(plan(), known).tables["contents"]
    assert rows["content_id"].tolist() == ["b", "a"]
    assert rows["click_share"].tolist() == pytest.approx([0.2, 0.1])


def opened_up(n_new):
    known = facts({"old": chance(1, 100, 0.1), "new": chance(2, n_new, 0.6)})
    known.funnel["content_id"] = ["z"] * 100 + ["a"] * n_new
    known.funnel["clicked"] = known.metrics["clicked"]["total"]
    return known


@pytest.mark.parametrize(("units", "as_of"), [(100, date(2026, 7, 14)), (300, LATER)], ids=["running", "broken draw"])
def test_what_people_did_is_not_shown_while_an_experiment_runs_or_where_its_draw_is_broken(units, as_of):
    tables = read(plan(), opened_up(units), as_of=as_of).tables
    assert set(tables["funnel"]["step"]) == {"delivered"}
    assert set(tables["funnel_bars"]["name"]) == {"Delivered, old", "Delivered, new"}
    assert tables["contents"]["content_id"].tolist() == ["a", "z"]
    assert tables["contents"].filter(like="share").isna().all(axis=None)
    assert read(plan(), opened_up(100)).tables["contents"]["click_share"].notna().all()


def test_contents_count_the_mails_of_units_that_are_read():
    # Of 40 units three are not read: 37 with ten mails each.
    known = facts({"old": chance(1, 20, 0.2), "new": chance(2, 20, 0.2)})
    known.units.loc[:2, "why"] = "not in the book (merged or deleted)"
    tables = read(plan(), known).tables
    delivered = tables["funnel"].query("week == 'all' and step == 'clicked'")["mails"].sum()
    assert tables["contents"]["mails"].sum() == delivered == 370


def test_the_page_names_what_is_set_aside_and_prints_no_number_of_it():
    result = read(plan(), facts({"old": chance(1, 100, 0.1), "new": chance(2, 300, 0.6)}))
    row = result.tables["comparisons"].iloc[0]
    assert (row["metric"], row["says"]) == ("Clicked", "Set aside: the draw is broken")
    assert row[["difference", "p_adjusted", "values", "relative"]].tolist() == [""] * 4
    assert result.tables["set_aside"]["effect"].notna().all()


@pytest.mark.parametrize("empty", ["old", "new"])
@pytest.mark.parametrize("is_drawn", [True, False], ids=["nobody answered", "nobody drawn"])
def test_an_arm_without_units_has_no_time_to_decide(empty, is_drawn):
    known = facts({arm: [] if arm == empty and not is_drawn else chance(1, 8, 0.3) for arm in ("old", "new")})
    known.metrics["clicked"].loc[known.units["variant"] == empty, "why"] = "nobody answered"
    row = read(plan({"worth": 0.02}), known).tables["time_to_decide"].iloc[0]
    assert row[["visible_now", "units_needed", "weeks_more"]].isna().all()
    assert row["in_words"].startswith(f"Nobody is in the {'control' if empty == 'old' else 'variant'}")


@pytest.mark.parametrize("more", [(), ("long",), ("long", "short", "none")])
def test_weeks_are_counted_at_the_pace_of_the_two_arms_that_are_compared(more):
    # 100 units of each arm in 4 weeks are 50 a week for two of them, however many other arms there are.
    arms = [*ARMS, *({"name": name, "label": name} for name in more)]
    known = facts(
        {"old": chance(1, 100, 0.2), "new": chance(2, 100, 0.2)} | {name: chance(3, 100, 0.2) for name in more}
    )
    row = read(plan({"worth": 0.01}, arms=arms), known).tables["time_to_decide"].set_index("variant").loc["new"]
    assert row["weeks_more"] == -(-(row["units_needed"] - 200) // 50)


def test_answers_of_an_account_are_planned_by_the_spread_of_accounts():
    # Ten answers of 100, 0 or -100 (shares .5, .3, .2) an account have SD 78.1 / sqrt(10) = 24.7. Of 200 accounts
    # 2.80 * 24.7 * 2 / sqrt(200) = 9.8 points are seen, and ten points take (2.80 * 2 * 24.7 / 10)^2 = 192 accounts.
    answers = np.random.default_rng(1).choice([100.0, 0.0, -100.0], p=[0.5, 0.3, 0.2], size=(200, 10)).sum(axis=1)
    nps = {"name": "nps", "label": "NPS", "worth": 10.0, "outcome": {"kind": "nps", "window_days": 14}}
    known = facts({"old": answers[:100], "new": answers[100:]}, metrics=("nps",))
    row = read(plan(nps), known).tables["time_to_decide"].iloc[0]
    assert row["visible_now"] == pytest.approx(9.8, rel=0.08)
    assert row["units_needed"] == pytest.approx(192, rel=0.16)


def test_the_picture_of_effects_leaves_out_0_exactly_where_a_difference_is_shown():
    # One click of ten has SD 1.26, so the standard error of 120 against 120 is .163: of eight secondary metrics one
    # differs by .375, which is 2.3 errors, p .02 alone and .17 among eight.
    second = [{"name": f"m{place}", "role": "secondary"} for place in range(8)]
    looked_at = [{"name": "guard", "role": "guardrail", "margin": 0.1}, {"name": "diag", "role": "diagnostic"}]
    names = [*("clicked" if not each else each["name"] for each in ({}, *second, *looked_at))]
    known = facts({"old": chance(1, 120, 0.2), "new": chance(2, 120, 0.2)}, metrics=names)
    shifts = dict(zip(names, [1.0, 0.375, *[0.05] * 7, 1.0, 1.0], strict=True))
    alike = np.tile(chance(9, 120, 0.2), 2)
    frames = {
        name: known.metrics["clicked"].assign(total=alike + np.repeat([0.0, shift], 120))
        for name, shift in shifts.items()
    }
    tables = read(plan({}, *second, *looked_at), email_touch.Facts(known.units, frames, {}, {}, known.funnel)).tables
    effects = tables["effects"].set_index("metric")
    alone = effects[effects["role"] == "secondary"].query("low > 0 or high < 0")
    assert alone["state"].to_dict() == {"m0": "no difference shown"}
    forest = tables["forest"].set_index("name")
    is_shown = (forest["low"] > 0) | (forest["high"] < 0)
    assert forest.index.tolist() == names[:9]
    assert is_shown.sum() == 1
    assert is_shown.tolist() == effects.loc[forest.index, "state"].isin(["better", "worse"]).tolist()


def test_the_course_ends_at_the_interval_of_the_headline_however_many_arms_there_are():
    arms = [*ARMS, {"name": "long", "label": "Long mail"}]
    known = facts({"old": chance(1, 200, 0.2), "new": chance(2, 200, 0.3), "long": chance(3, 200, 0.3)})
    tables = read(plan(arms=arms, looks={"kind": "continuous", "planned_units": 600}), known).tables
    ends = tables["course"].groupby("variant")[["low", "high"]].last().loc[["new", "long"]]
    shown = tables["effects"].set_index("variant")[["low", "high"]].loc[["new", "long"]]
    assert ends.to_numpy() == pytest.approx(shown.to_numpy(), rel=1e-3)


# --- what cannot be told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clicks", "words"),
    [
        ({"old": chance(1, 50, 0.2)}, "Nobody is in the variant"),
        ({"old": chance(1, 50, 0.2), "new": [3]}, "single account"),
        ({"old": [0] * 50, "new": [0] * 50}, "Not one account had the outcome"),
        ({"old": [2] * 50, "new": [2] * 50}, "the same value"),
        ({"old": chance(1, 50, 0.2), "new": [1, 2, 3]}, "below 6 nothing is tested"),
    ],
    ids=["empty arm", "one account", "no conversions", "constant", "few accounts"],
)
def test_what_cannot_be_told_is_said_in_words(clicks, words):
    result = read(plan(), facts(clicks))
    reasons = {*result.tables["effects"]["reason"], *result.tables["set_aside"]["reason"]}
    assert any(words in reason for reason in reasons)
    assert result.figures["effect"].value is None
    for frame in (result.tables["effects"], result.tables["set_aside"]):
        assert frame[["effect", "low", "high", "p", "p_adjusted"]].isna().all(axis=None)
    assert not any(np.isinf(block).any() for block in numbers_of(result))


def test_nobody_who_can_be_read_is_said_in_words():
    known = facts({"old": chance(1, 20, 0.2), "new": chance(2, 20, 0.2)}, why="drawn into two arms")
    result = read(plan(), known)
    assert verdict(result) == ["cannot tell"]
    assert "nobody who was drawn can be read" in said(result)


def test_an_experiment_without_units_is_said_in_words():
    assert verdict(read(plan(), facts({"old": [], "new": []}))) == ["cannot tell"]


def test_a_covariate_measured_after_the_draw_is_refused():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    late = email_touch.Facts(known.units, known.metrics, {}, {"clicked": 3}, known.funnel)
    result = read(plan({"covariate": {"kind": "column", "column": "x", "measured_at": "seen_on"}}), late)
    assert verdict(result) == ["cannot tell"]
    assert "the covariate of 3 units was measured" in said(result).lower()


def test_a_metric_without_its_table_is_told():
    use = {"name": "use", "label": "Use", "role": "secondary", "outcome": {"kind": "usage"}}
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.2)})
    known = email_touch.Facts(known.units, known.metrics, {"use": ("usage_daily",)}, {}, known.funnel)
    result = read(plan({}, use), known)
    told = next(caveat for caveat in result.caveats if caveat.code == "not_recorded")
    assert formats.text(told.message) == "Test: Use needs usage_daily"
    assert result.tables["effects"]["metric"].tolist() == ["clicked"]


def test_a_metric_whose_units_are_left_out_in_one_arm_is_stopped():
    known = facts({"old": chance(1, 200, 0.2), "new": chance(2, 200, 0.2)})
    known.metrics["clicked"].loc[200:319, "why"] = "nobody answered"
    assert "left_out_unevenly" in codes(read(plan(), known), Severity.STOP)


def test_a_metric_whose_units_are_left_out_in_one_arm_names_no_winner_and_is_in_no_figure():
    known = facts({"old": chance(1, 200, 0.2), "new": chance(2, 200, 0.5)}, metrics=("clicked", "opened"))
    partly = known.metrics["clicked"].copy()
    partly.loc[200:319, "why"] = "nobody answered"
    known = email_touch.Facts(known.units, {**known.metrics, "clicked": partly}, {}, {}, known.funnel)
    alone = read(plan(), email_touch.Facts(known.units, {"clicked": partly}, {}, {}, known.funnel))
    assert verdict(alone) == ["cannot tell"]
    assert "Clicked: units are left out more often in one arm" in said(alone)
    beside = read(plan({}, {"name": "opened", "label": "Read on"}), known)
    assert "in read on" in said(beside)
    for result in (alone, beside):
        assert result.figures["effect"].value is None
        assert result.tables["set_aside"]["metric"].tolist() == ["clicked"]
        assert "clicked" not in {*result.tables["effects"]["metric"], *result.tables["course"]["metric"]}
        assert "clicked" not in " ".join(result.tables["forest"]["name"])
        assert result.tables["comparisons"]["says"].iloc[-1] == "Set aside: units are left out unevenly"


def test_big_accounts_that_answer_otherwise_are_told():
    # 20 big accounts lose, 80 small ones gain, in each arm alike many.
    big, small = {"old": [80] * 10, "new": [50] * 10}, {"old": [0] * 40, "new": [1] * 40}
    clicks = {arm: [*big[arm], *small[arm]] for arm in ("old", "new")}
    known = facts(clicks)
    known.metrics["clicked"]["size"] = ([100.0] * 10 + [2.0] * 40) * 2
    known.metrics["clicked"]["total"] += np.tile([0, 0.5], 50)
    assert "informative_size" in codes(read(plan(), known), Severity.WARNING)


# --- time ------------------------------------------------------------------------------------------------------------


def test_what_becomes_known_later_changes_no_figure():
    names = [f"A{place:02d}" for place in range(40)]
    drawn = {"experiment_id": "test", "unit": "account", "assigned_at": "2026-06-01T08:00:00", "eligible_contacts": 2}
    units = [drawn | {"unit_id": name, "variant": ("old", "new")[place % 2]} for place, name in enumerate(names)]
    sent = {"experiment_id": "test", "sent_at": "2026-06-02T08:00:00"}
    touches = [sent | {"touch_id": f"T{name}", "account_id": name} for name in names]

    def click(name, known_at):
        happened = {"type": "click", "occurred_at": "2026-06-03T08:00:00", "known_at": known_at}
        return {"touch_id": f"T{name}", "link": "a", "agent": "human"} | happened

    clicks = [click(name, "2026-06-03T08:00:00") for name in names[::3]]
    accounts = [{"account_id": name} for name in names]
    made = book({"accounts": accounts, "experiment_units": units, "touches": touches, "touch_events": clicks})
    later = with_rows(made, "touch_events", [click(name, "2026-08-02T08:00:00") for name in names[1::3]])
    config = email_touch.Config(experiments=(plan(),))
    first, second, after = (
        email_touch.analyze(email_touch.prepare(take(each, day), config, {}), config)
        for each, day in ((made, LATER), (later, LATER), (later, date(2026, 8, 2)))
    )
    assert first.figures == second.figures
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, second.tables[name])
    assert after.figures["effect"] != first.figures["effect"]


# --- settings --------------------------------------------------------------------------------------------------------


def test_ids_are_used_once_and_the_default_is_one_of_them(tmp_path):
    (tmp_path / "e.yaml").write_text(plan().model_dump_json(), encoding="utf-8")
    config = tmp_path / "email_touch.yaml"
    config.write_text("experiments: [e.yaml, e.yaml]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'test' is used twice"):
        load(config, email_touch.Config, tmp_path)
    config.write_text("experiments: [e.yaml]\ndefault: tset\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"there is no experiment 'tset'; the experiments are test"):
        load(config, email_touch.Config, tmp_path)


def test_the_default_experiment_has_the_bare_figures():
    known = facts({"old": chance(1, 50, 0.2), "new": chance(2, 50, 0.3)})
    other = facts({"old": chance(3, 60, 0.2), "new": chance(4, 60, 0.2)})
    result = read({"test": (plan(), known), "other": (plan(id="other"), other)}, None, default="other")
    assert result.figures["effect"] == result.figures["effect.other"]
    assert result.tables["verdicts"]["experiment_id"].tolist() == ["other", "test"]


def test_the_order_of_the_units_does_not_matter():
    clicks = {"old": chance(1, 80, 0.2), "new": chance(2, 70, 0.3)}
    known = facts(clicks)
    turn = np.random.default_rng(5).permutation(150)
    units, values = (frame.iloc[turn].reset_index(drop=True) for frame in (known.units, known.metrics["clicked"]))
    turned = email_touch.Facts(units, {"clicked": values}, {}, {}, known.funnel)
    columns = ["effect", "value_variant", "value_control", "n_units"]
    first, second = (read(plan(), each).tables["effects"][columns] for each in (known, turned))
    pd.testing.assert_frame_equal(first, second)


def test_swapping_the_arms_turns_the_sign():
    known = facts({"old": chance(1, 110, 0.2), "new": chance(2, 110, 0.3)})
    one = read(plan(), known).tables["effects"].iloc[0]
    two = read(plan(control="new"), known).tables["effects"].iloc[0]
    assert two["effect"] == pytest.approx(-one["effect"])
    assert two["p"] == pytest.approx(one["p"])
