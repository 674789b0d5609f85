"""Does the score predict, and does it add to what is known without it?"""

import json
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import average_precision_score, roc_auc_score

from csworkbench import formats
from csworkbench.analyses import health, health_proof
from csworkbench.analyses.health_proof import Churn, Known, Outcome, Renewals
from csworkbench.analyses.health_proof.columns import Cards, Columns
from csworkbench.analyses.health_proof.drift import stability
from csworkbench.analyses.health_proof.evidence import Evidence, gather, score
from csworkbench.analyses.health_proof.happened import happened
from csworkbench.analyses.health_proof.leaks import leak_table
from csworkbench.analyses.health_proof.measured import carried, measured
from csworkbench.analyses.health_proof.tables import teaching_table
from csworkbench.analyses.health_proof.weights import suggested_weights
from csworkbench.asof import earlier, take
from csworkbench.config import plain
from csworkbench.errors import AnalysisError
from csworkbench.features import Attribute, DaysSinceLastUse, Tenure, Usage, measures
from csworkbench.inference.models import from_json
from csworkbench.scoring import Carry, Curve, Exclude, Group, Measure, OneOf, Rule, Scorecard
from csworkbench.tables import Kind
from tests.books import book, with_rows

AS_OF = date(2026, 9, 30)
TO_100 = Curve(direction="higher", knots=((0, 0), (100, 100)))
TENURE = Known(name="tenure", label="Tenure", source=Tenure())


def measure(name, source=None, weight=1.0, missing=None):
    return Measure(
        name=name, label=name.title(), source=source or Attribute(column=name), group="all", weight=weight,
        points=TO_100, missing=missing or Exclude(),
    )  # fmt: skip


def card(*each, name="default", title="Everybody"):
    groups = (Group(name="all", label="All", weight=1),)
    return Scorecard(id=name, title=title, groups=groups, measures=each, hysteresis_points=0.0, minimum_coverage=0.2)


def make_config(**changes):
    return health_proof.Config(
        **{"baselines": (TENURE,), "draws": 100, "capacity_accounts": 100, "least_events": 30, **changes}
    )


def world(rows=900, seed=1, driver=1.2, per_account=2):
    """Rows of two in an account whose loss follows the measure `use`; `mood` and tenure say nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"use": rng.normal(50, 15, rows), "mood": rng.normal(50, 15, rows), "tenure": rng.random(rows)}
    )
    is_event = rng.random(rows) < 1 / (1 + np.exp(1.4 + driver * (frame["use"] - 50) / 15))
    return frame.clip(lower=0), is_event.to_numpy(copy=True), rng.permutation(np.arange(rows) // per_account)


def make_evidence(known, is_event, accounts, cards=None, **changes):
    """Evidence of rows of 24 months, the last third of which test; the default scorecard weighs use 3 and mood 1."""
    cards = cards or (card(measure("use", weight=3), measure("mood")),)
    months = pd.date_range("2024-10-31", periods=24, freq="ME")[np.arange(len(known)) * 24 // len(known)]
    rows = pd.DataFrame({
        "unit_id": [f"U{row}" for row in range(len(known))], "account_id": [f"A{number:04}" for number in accounts],
        "snapshot_date": months, "part": np.where(months < "2026-02-01", "train", "test"), "is_event": is_event,
    })  # fmt: skip
    of_card = {each.id: {one.name: one.name for one in each.measures} for each in cards}
    columns = Columns(
        sources={name: Attribute(column=name) for name in known}, labels={name: name.title() for name in known},
        of_card=of_card, baselines={"tenure": "tenure"}, learned=("use", "mood", "tenure"),
        directions={"use": -1, "mood": -1}, attributes={}, today_only=frozenset(), left_out={},
    )  # fmt: skip
    made = Evidence(
        as_of=AS_OF, cut=date(2026, 2, 1), rows=rows, known=known, carried={}, today=pd.DataFrame(index=rows.index),
        cards=Cards(cards, cards[0].id, (), tuple(each.id for each in cards)), columns=columns, customers=500,
        open_units=0, violations=0,
    )  # fmt: skip
    return replace(made, **changes)


def prove(evidence, **changes):
    made = make_config(**changes)
    return health_proof.analyze(health_proof.inputs_of(evidence, made), made)


def say(message):
    return formats.text(message)


@pytest.fixture(scope="module")
def evidence():
    return make_evidence(*world())


@pytest.fixture(scope="module")
def inputs(evidence):
    return health_proof.inputs_of(evidence, make_config())


@pytest.fixture(scope="module")
def result(inputs):
    return health_proof.analyze(inputs, make_config())


def forward(result, candidate="score", measure="auc"):
    table = result.tables["proof"]
    one = (table["line"] == "forward") & (table["candidate"] == candidate) & (table["measure"] == measure)
    return table[one].iloc[0]


# --- what happened ----------------------------------------------------------------------------------------------------

ACCOUNTS = [{"account_id": name, "signup_at": "2024-01-01T00:00:00"} for name in "abc"]
ONE = Renewals(lead_days=14, horizon_days=78, months=12, test_months=2)


def renewal(name, due, decided=None, outcome="open", account="a", known=None):
    return {
        "renewal_id": name, "account_id": account, "due_date": due, "outcome": outcome, "known_at": known,
        "decided_at": None if decided is None else f"{decided}T12:00:00",
    }  # fmt: skip


def rows_of(*renewals, event=ONE):
    snapshot = take(book({"accounts": ACCOUNTS, "renewals": renewals}), AS_OF)
    found = happened(snapshot, make_config(event=event))
    return found, found.rows.set_index("unit_id")


def test_a_renewal_is_seen_once_at_the_last_month_end_early_enough_to_act():
    found, rows = rows_of(
        # Month ends are the 30th here. 30 April + 14 days = 14 May: seen then are decisions from 15 May on.
        renewal("r1", "2026-05-31", "2026-05-15", "churned"),
        renewal("r2", "2026-05-31", "2026-05-14", "renewed"),
    )
    assert rows["snapshot_date"].dt.date.to_dict() == {"r1": date(2026, 4, 30), "r2": date(2026, 3, 30)}
    assert rows["is_event"].to_dict() == {"r1": True, "r2": False}
    assert found.open_units == 0


def test_an_open_renewal_is_left_out_and_counted_not_taken_as_renewed():
    found, rows = rows_of(renewal("r1", "2026-05-31", "2026-05-20", "renewed"), renewal("r2", "2026-06-10"))
    assert list(rows.index) == ["r1"]
    assert found.open_units == 1


def test_an_outcome_that_became_known_after_the_test_began_does_not_teach():
    # The last window over by 30 September is that of 30 June; of two test months the first is that of 30 May.
    found, rows = rows_of(
        renewal("r1", "2026-02-28", "2026-02-20", "churned"),
        renewal("r2", "2026-02-28", "2026-02-20", "churned", "b", known="2026-07-01T00:00:00"),
        renewal("r3", "2026-07-31", "2026-07-20", "renewed"),
    )
    assert found.cut == date(2026, 5, 30)
    assert rows["part"].to_dict() == {"r1": "train", "r2": "purged", "r3": "test"}


def test_a_departure_lies_in_one_window_only():
    accounts = [*ACCOUNTS, {"account_id": "d", "signup_at": "2024-01-01T00:00:00", "churned_at": "2026-05-15T00:00:00"}]
    event = Churn(horizon_days=90, months=12, test_months=2)
    found = happened(take(book({"accounts": accounts}), AS_OF), make_config(event=event))
    days = sorted(found.rows["snapshot_date"].dt.date.unique())
    # The newest month end whose 90 days are over is 30 June; 30 March is 92 days before it, 30 December 90 before that.
    assert days == [date(2025, 12, 30), date(2026, 3, 30), date(2026, 6, 30)]
    gone = found.rows[found.rows["is_event"]]
    assert gone[["account_id", "snapshot_date"]].to_numpy().tolist() == [["d", pd.Timestamp("2026-03-30")]]
    assert (found.rows["account_id"] == "d").sum() == 2


def test_what_is_decided_or_known_after_the_day_of_the_study_changes_nothing():
    rows = [renewal("r1", "2026-05-31", "2026-05-20", "churned")]
    made = book({"accounts": ACCOUNTS, "renewals": rows})
    later = with_rows(
        made, "renewals", [renewal("r9", "2026-06-30", "2026-06-20", "churned", known="2026-10-01T00:00:00")]
    )
    once, again = (happened(take(each, AS_OF), make_config(event=ONE)).rows for each in (made, later))
    pd.testing.assert_frame_equal(once, again)


def test_an_outcome_without_a_day_has_no_test_out_of_time():
    accounts = [{"account_id": name, "left": left} for name, left in zip("abc", (True, False, None), strict=True)]
    made = book({"accounts": accounts}, extras={"accounts": {"left": Kind.BOOLEAN}}, outcomes=("left",))
    found = happened(take(made, AS_OF), make_config(event=Outcome(column="left")))
    assert found.cut is None
    assert found.rows.set_index("unit_id")["is_event"].to_dict() == {"a": True, "b": False}


def test_an_unknown_outcome_column_is_named_with_those_there_are():
    made = book(
        {"accounts": [{"account_id": "a", "left": True}]},
        extras={"accounts": {"left": Kind.BOOLEAN}},
        outcomes=("left",),
    )
    with pytest.raises(AnalysisError, match=r"no outcome column 'lost'.*left"):
        happened(take(made, AS_OF), make_config(event=Outcome(column="lost")))


def test_no_window_that_has_ended_is_an_error_that_says_what_to_change():
    accounts = take(book({"accounts": ACCOUNTS, "renewals": [renewal("r1", "2026-05-31")]}), AS_OF)
    with pytest.raises(AnalysisError, match=r"no window of 730 days has ended.*shorter horizon_days or more months"):
        happened(accounts, make_config(event=Renewals(horizon_days=730, months=12, test_months=2)))


# --- what was known ---------------------------------------------------------------------------------------------------


def used(account, day, minutes, known=None):
    return {
        "account_id": account,
        "user_id": "u",
        "feature": "query",
        "date": day,
        "minutes": minutes,
        "events": 1,
        "known_at": known,
    }


def test_each_row_knows_what_the_book_of_its_date_knew():
    usage = [
        used(account, f"2026-{month:02}-1{place}", month * 10 + place)
        for month in range(1, 9)
        for place, account in enumerate("ab")
    ]
    usage.append(used("a", "2026-04-20", 500, known="2026-06-15T00:00:00"))
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": usage}), AS_OF)
    sources = {"minutes": Usage(what="minutes", window_days=60), "last": DaysSinceLastUse()}
    days = [date(2026, 4, 30), date(2026, 6, 30), date(2026, 5, 31)]
    rows = pd.DataFrame(
        [(pd.Timestamp(day), name) for day in days for name in "bac"], columns=["snapshot_date", "account_id"]
    )
    found = measured(snapshot, sources, rows)
    for place, (day, account) in enumerate((day, name) for day in days for name in "bac"):
        alone = measures(earlier(snapshot, day), sources)
        wanted = alone[alone["account_id"] == account].set_index("measure")["value"]
        assert found.known.iloc[place].to_dict() == pytest.approx(wanted.to_dict(), nan_ok=True)
    assert found.violations == 0


def test_a_carried_value_is_the_last_one_known_and_not_too_old():
    usage = [used("a", "2026-03-10", 7), used("b", "2026-01-10", 9), used("c", "2026-06-29", 1)]
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": usage}), AS_OF)
    rows = pd.DataFrame({"snapshot_date": pd.Timestamp("2026-06-30"), "account_id": list("abc")})
    # 30 March: a 7; b, used before, 0. In the 28 days to 30 April and to 30 May nobody used anything: nothing is known.
    gaps = pd.Series([np.nan, np.nan, 1.0])
    minutes = Usage(what="minutes", window_days=28)
    assert carried(snapshot, minutes, 95, rows, gaps).tolist() == [7, 0, 1]
    assert carried(snapshot, minutes, 80, rows, gaps).tolist() == pytest.approx([np.nan, np.nan, 1], nan_ok=True)


def test_an_account_not_there_yet_has_no_row():
    accounts = [{"account_id": "a", "signup_at": "2026-05-01T00:00:00"}]
    rows = pd.DataFrame({"snapshot_date": pd.to_datetime(["2026-03-31", "2026-06-30"]), "account_id": "a"})
    found = measured(take(book({"accounts": accounts}), AS_OF), {"tenure": Tenure()}, rows)
    assert found.is_present.tolist() == [False, True]


def gathered(tables, *cards, **changes):
    resolved = plain(health.Config(scorecards=cards, history_months=2, compare_months=1))
    return gather(take(book(tables), AS_OF), make_config(event=ONE, **changes), resolved)


def lost_and_kept(count=8):
    """A book of accounts in turn lost and kept in May; the plan is overwritten with what became of them."""
    names = [f"a{number}" for number in range(count)]
    accounts = [
        {"account_id": name, "signup_at": "2024-01-01T00:00:00", "plan": "pro" if number % 2 else "closed"}
        for number, name in enumerate(names)
    ]
    renewals = [
        renewal(f"r{number}", "2026-05-31", "2026-05-20", "renewed" if number % 2 else "churned", name)
        for number, name in enumerate(names)
    ]
    usage = [used(name, day, 10) for name in names for day in ("2026-04-20", "2026-09-30")]
    return {"accounts": accounts, "renewals": renewals, "usage_daily": usage}


BY_USE = card(measure("use", Usage(what="minutes")))


def test_a_column_known_only_after_the_event_is_named_as_a_suspected_leak():
    leaks = leak_table(gathered(lost_and_kept(200), BY_USE), make_config()).set_index("column")
    assert leaks.loc["plan", ["is_suspected", "today_only", "used_by", "auc"]].tolist() == [True, True, "nothing", 1.0]
    assert not leaks.drop(index="plan")["is_suspected"].any()


def test_a_column_of_which_only_todays_value_is_known_is_no_baseline_and_teaches_nothing():
    plan = Known(name="plan", label="Plan", source=Attribute(column="plan"))
    found = gathered(lost_and_kept(), BY_USE, baselines=(TENURE, plan))
    assert dict(found.columns.baselines) == {"tenure": "tenure"}
    assert found.columns.learned == ("use", "tenure")
    assert found.columns.today_only == {"plan"}


def test_a_measure_whose_table_is_missing_is_left_out_and_named():
    both = card(measure("use", Usage(what="minutes")), measure("idle", DaysSinceLastUse()))
    tables = lost_and_kept()
    del tables["usage_daily"]
    with pytest.raises(AnalysisError, match=r"scorecard 'default': no measure can be computed"):
        score(gathered(tables, both))


def test_an_unknown_scorecard_is_refused_with_the_one_meant():
    with pytest.raises(AnalysisError, match=r"no scorecard 'defualt'.*default"):
        gathered(lost_and_kept(), BY_USE, scorecards=("defualt",))


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_auc_and_average_precision_of_the_score_are_those_of_scikit_learn_on_the_rows_that_test(evidence, result):
    test = evidence.rows["part"] == "test"
    known, is_event = evidence.known[test].clip(upper=100), evidence.rows.loc[test, "is_event"]
    by_hand = (3 * known["use"] + known["mood"]) / 4
    assert forward(result)["value"] == pytest.approx(roc_auc_score(is_event, -by_hand))
    wanted = average_precision_score(is_event, -by_hand)
    assert forward(result, measure="average_precision")["value"] == pytest.approx(wanted)
    assert forward(result)["events"] == is_event.sum()


def test_what_drives_the_loss_is_found(result):
    weights = result.tables["weights"].set_index("measure")
    assert weights.loc["use", "suggested_percent"] > 90
    assert weights.loc["use", "low"] > 0
    assert weights.loc["mood", "loss"] < 0


def test_the_loss_of_a_measure_is_the_auc_of_the_score_less_that_without_it(evidence, result):
    test = evidence.rows["part"] == "test"
    known, is_event = evidence.known[test].clip(upper=100), evidence.rows.loc[test, "is_event"]
    whole = roc_auc_score(is_event, -(3 * known["use"] + known["mood"]))
    weights = result.tables["weights"].set_index("measure")
    assert weights.loc["mood", "loss"] == pytest.approx(whole - roc_auc_score(is_event, -known["use"]))
    assert weights.loc["use", "loss"] == pytest.approx(whole - roc_auc_score(is_event, -known["mood"]))


def test_a_score_that_tells_more_than_the_best_baseline_adds_to_it(result):
    assert result.tables["stamps"].iloc[0][["scorecard", "line", "candidate", "stamp"]].tolist() == [
        "default", "forward", "score", "adds",
    ]  # fmt: skip
    assert say(result.headline).startswith("The score adds to tenure: AUC 0.")
    assert [say(message) for message in result.stamps["health"]] == [say(result.headline)]


def test_the_challenger_finds_what_there_is_to_find(evidence, result):
    # 600 rows teach one driver and two columns of noise: what they cost is small.
    test = evidence.rows["part"] == "test"
    attainable = roc_auc_score(evidence.rows.loc[test, "is_event"], -evidence.known.loc[test, "use"])
    assert result.figures["auc_challenger"].value == pytest.approx(attainable, abs=0.03)


def test_a_score_of_shuffled_measures_is_not_shown_to_predict():
    known, is_event, accounts = world(rows=600)
    shuffled = known.sample(frac=1, random_state=3, ignore_index=True)
    found = prove(make_evidence(shuffled, is_event, accounts))
    assert found.tables["stamps"].iloc[0]["stamp"] == "not_shown"
    assert say(found.headline).startswith("The score is not shown to predict: AUC 0.")
    assert say(found.actions[0]).startswith("Do not choose whom to call by this score")


def test_a_score_that_says_what_a_baseline_says_predicts_and_adds_nothing():
    known, is_event, accounts = world(rows=600)
    found = prove(make_evidence(known.assign(tenure=known["use"]), is_event, accounts, (card(measure("use")),)))
    assert found.tables["stamps"].iloc[0]["stamp"] == "predicts"
    assert say(found.headline).startswith("The score predicts, not shown better than tenure: AUC 0.")


def test_too_few_events_in_the_test_say_nothing_and_still_print_the_interval(inputs, result):
    events = result.figures["events"].value
    made = make_config(least_events=int(events) + 1)
    few = health_proof.analyze(inputs, made)
    text = say(few.headline)
    assert text.startswith(
        f"The score cannot be judged, too few lost renewals ({events:.0f} in the test window): AUC 0."
    )
    assert formats.estimate(few.figures["auc_score"]) in text
    assert {caveat.code for caveat in few.caveats} >= {"too_few_events"}


def test_a_test_without_any_event_is_too_few_and_no_error():
    known, is_event, accounts = world(rows=300)
    made = make_evidence(known, is_event & (np.arange(300) < 150), accounts)
    found = prove(made)
    assert found.tables["stamps"].iloc[0]["stamp"] == "too_few"
    assert found.figures["auc_score"].value is None


def turned(weight, **changes):
    made = card(measure("use", weight=weight), measure("mood"))
    return health.Config(scorecards=(made.model_copy(update=changes),))


def test_who_turns_weights_sees_the_auc_of_the_rows_before_the_cut_as_scikit_learn_has_it(evidence, result):
    (said,) = health.Proof(result.tables["teaching"]).said(turned(3), turned(0.25))
    train = (evidence.rows["part"] == "train").to_numpy()
    known, is_event = evidence.known[train].clip(upper=100), evidence.is_event[train]
    then, now = (roc_auc_score(is_event, -(weight * known["use"] + known["mood"])) for weight in (3, 0.25))
    assert [said.values[name].value for name in ("then", "now", "more")] == pytest.approx([then, now, now - then])
    assert said.values["more"].high < 0  # the driver lost its weight
    assert said.values["events"] == is_event.sum()


def test_bands_move_no_auc_and_a_measure_the_proof_did_not_have_is_named(result):
    proof = health.Proof(result.tables["teaching"])
    assert not list(proof.said(turned(3), turned(3, hysteresis_points=4.0)))
    new = health.Config(scorecards=(card(measure("use"), measure("mood"), measure("late")),))
    _, left_out = proof.said(turned(3), new)
    assert say(left_out) == "Everybody, without what that proof did not have: late"


def test_a_measure_that_is_read_otherwise_now_is_not_taken_for_the_one_of_the_proof(result):
    other = health.Config(scorecards=(card(measure("use", Attribute(column="mood"), weight=9), measure("mood")),))
    said = list(health.Proof(result.tables["teaching"]).said(turned(3), other))
    assert said[0].values["more"].value == 0  # of mood alone, as saved and as turned
    assert say(said[1]) == "Everybody, without what that proof did not have: use"


def test_below_as_many_events_as_a_proof_needs_the_panel_says_nothing_either(result):
    table = result.tables["teaching"]
    few = table[~table["is_event"] | table["row"].isin(table.loc[table["is_event"], "row"].unique()[:29])]
    (said,) = health.Proof(few).said(turned(3), turned(1))
    assert "too little is known" in say(said)


def test_no_table_of_a_proof_lists_accounts(result):
    assert not [name for name, table in result.tables.items() if {"account_id", "unit_id"} & set(table.columns)]


def test_without_a_cut_nothing_is_left_to_choose_settings_by(evidence):
    undated = replace(evidence, cut=None)
    table = teaching_table(undated, score(undated))
    assert table.empty
    (said,) = health.Proof(table).said(turned(3), turned(1))
    assert say(said) == "Everybody: before the test window of health_proof too little is known to choose settings by"


def test_a_score_nobody_had_before_the_test_has_the_strongest_baseline_of_the_test_to_beat():
    known, is_event, accounts = world(rows=600, driver=3)
    known = known.assign(risk=known["use"], use=((known["use"] + known["mood"]) / 2).where(np.arange(600) >= 400))
    made = make_evidence(known, is_event, accounts, (card(measure("use")),))
    made = replace(made, columns=replace(made.columns, baselines={"tenure": "tenure", "risk": "risk"}))
    found = prove(made, baselines=(TENURE, Known(name="risk", label="use itself", source=Tenure())))
    assert say(found.headline).startswith("The score predicts, not shown better than use itself: AUC 0.")


@pytest.fixture(scope="module")
def undated():
    """What is learned from rows without dates, by what is changed of what is known."""

    @cache
    def made(change):
        known, is_event, accounts = world(rows=400)
        known = {
            "tenure is use": known.assign(tenure=known["use"]),
            "shuffled": known.sample(frac=1, random_state=4, ignore_index=True),
        }.get(change, known)
        evidence = replace(make_evidence(known, is_event, accounts, (card(measure("use")),)), cut=None)
        evidence.rows["part"] = "test"
        return health_proof.inputs_of(evidence, make_config(event=Outcome(column="left", repeats=1)))

    return made


@pytest.mark.parametrize(
    ("stamp", "change", "least_events"),
    [("adds", "", 30), ("predicts", "tenure is use", 30), ("not_shown", "shuffled", 30), ("too_few", "", 1000)],
)
def test_without_dates_the_sentence_says_so_or_says_nothing(undated, stamp, change, least_events):
    outcome = Outcome(column="left", repeats=1)
    found = health_proof.analyze(undated(change), make_config(event=outcome, least_events=least_events))
    assert found.tables["stamps"].iloc[0][["line", "stamp"]].tolist() == ["cross_validation", stamp]
    assert ("among accounts of one day" in say(found.headline)) == (stamp != "too_few")
    assert "test window" not in say(found.headline)
    assert "no_proof_out_of_time" in {caveat.code for caveat in found.caveats}
    assert found.tables["drift"].empty
    assert found.tables["rolling"].empty


# --- honesty ----------------------------------------------------------------------------------------------------------


def test_an_account_never_teaches_what_it_tests(result):
    assert result.figures["accounts_on_both_sides"].value == 0


def test_what_belongs_to_an_account_is_not_learned_from_its_other_rows():
    # Each account has a number of its own that says nothing, and one outcome in all its rows: whoever saw the account
    # before would know it.
    rng = np.random.default_rng(5)
    accounts = np.arange(800) % 100
    own, lost = rng.random((100, 3)), rng.random(100) < 0.3
    known = pd.DataFrame(100 * own[accounts], columns=["use", "mood", "tenure"])
    found = prove(make_evidence(known, lost[accounts], accounts))
    for candidate in ("logistic", "boosting"):
        row = forward(found, candidate)
        assert row["low"] < 0.5 < row["high"]


def test_the_same_inputs_give_the_same_tables(inputs, result):
    again = health_proof.analyze(inputs, make_config())
    assert again.figures == result.figures
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])


def test_every_uncertain_figure_has_an_interval_and_all_have_an_n(result):
    for name in ("auc_score", "auc_challenger", "auc_best_baseline", "base_rate", "auc_difference", "captured_score"):
        found = result.figures[name]
        assert found.low <= found.value <= found.high
        assert found.n > 0


def test_a_stored_model_gives_the_same_risks(inputs, result):
    for row in result.tables["models"].itertuples():
        stored = from_json(json.loads(row.document))
        known = inputs.evidence.known
        assert stored.risk(known) == pytest.approx(inputs.learned.models[row.model].risk(known))


def test_several_scorecards_have_figures_of_their_own_and_the_bare_name_is_the_default():
    known, is_event, accounts = world(rows=600)
    known["tier"] = pd.Categorical(np.where(np.arange(600) % 3, "small", "large"))
    cards = (card(measure("use")), card(measure("mood"), name="large", title="Large ones"))
    made = make_evidence(known, is_event, accounts, cards)
    rule = Rule(label="Large", scorecard="large", when=(OneOf(column="tier", values=("large",)),))
    made = replace(
        made, cards=replace(made.cards, rules=(rule,)), columns=replace(made.columns, attributes={"tier": "tier"})
    )
    found = prove(made)
    assert found.figures["auc_score"] == found.figures["auc_score.default"]
    assert found.figures["auc_score.large"].n < found.figures["auc_score.default"].n
    assert say(found.stamps["health"][0]).startswith("The score (Everybody) ")
    assert say(found.stamps["health"][1]).startswith("The score (Large ones) ")


# --- tables -----------------------------------------------------------------------------------------------------------


def test_calibration_groups_hold_every_row_once(result):
    groups = result.tables["calibration"]
    score_groups = groups[groups["candidate"] == "score"]
    assert len(score_groups) == 10
    assert score_groups["rows"].sum() == forward(result)["rows"]
    assert score_groups["events"].sum() == forward(result)["events"]
    assert (score_groups["low"] <= score_groups["came"]).all()
    assert (score_groups["came"] <= score_groups["high"]).all()


def test_the_gain_rises_from_nothing_to_all(result):
    for _, curve in result.tables["gain"].groupby("candidate"):
        assert curve["found"].iloc[[0, -1]].tolist() == [0, 1]
        assert curve["found"].is_monotonic_increasing


def test_captured_is_what_the_capacity_of_the_team_finds(inputs, result):
    # 100 of 500 customers: one row in five, the lowest scores first.
    reading = inputs.scored["default"]
    test = inputs.evidence.rows["part"].to_numpy()[reading.rows] == "test"
    order = np.argsort(reading.score[test])
    is_event = inputs.evidence.is_event[reading.rows][test][order]
    assert forward(result, measure="captured")["value"] == pytest.approx(
        is_event[: len(order) // 5].sum() / is_event.sum(), abs=1e-9
    )


def test_windows_overlap_by_half_and_end_at_the_newest_date(result):
    rolling = result.tables["rolling"]
    ends = rolling.drop_duplicates(["first_on", "last_on"])
    assert ends["last_on"].iloc[-1] == pd.Timestamp("2026-09-30")
    assert ends["last_on"].diff().dropna().dt.days.between(89, 93).all()
    assert (rolling["events"] > 0).all()


def test_a_segment_value_with_one_event_has_its_counts_and_no_auc():
    known, is_event, accounts = world(rows=300)
    known["region"] = pd.Categorical(np.where(np.arange(300) < 280, "SE", "CN"))
    is_event[280:] = np.arange(20) == 0
    made = make_evidence(known, is_event, accounts)
    found = prove(replace(made, columns=replace(made.columns, attributes={"region": "region"})), segments=("region",))
    row = found.tables["segments"].query("value == 'CN' and candidate == 'score'").iloc[0]
    assert row[["rows", "events"]].tolist() == [20, 1]
    assert pd.isna(row["auc"])


def test_the_stability_index_is_the_sum_over_the_groups():
    before, after = (pd.Series(["x"] * x + ["y"] * y, dtype="category") for x, y in ((500, 500), (800, 200)))
    # (.8 - .5) ln(.8 / .5) + (.2 - .5) ln(.2 / .5) = .14100 + .27489
    found = stability(before, after)
    assert found.index == pytest.approx(0.41589, abs=1e-5)
    assert found.verdict == "shifted"


def test_what_chance_alone_could_move_is_stable():
    rng = np.random.default_rng(2)
    verdicts = [stability(pd.Series(rng.normal(size=60)), pd.Series(rng.normal(size=60))).verdict for _ in range(200)]
    assert verdicts.count("stable") >= 180  # 95 of 100 are expected; 90 is three errors below


def test_a_column_that_moved_is_named():
    known, is_event, accounts = world(rows=600)
    known["mood"] += np.where(np.arange(600) < 400, 0, 30)
    found = prove(make_evidence(known, is_event, accounts))
    moved = [caveat for caveat in found.caveats if caveat.code == "drift"]
    assert len(moved) == 1
    assert "Mood" in say(moved[0].message)


# --- leaks ------------------------------------------------------------------------------------------------------------


def test_a_column_that_tells_nearly_all_is_implausible(evidence):
    known = evidence.known.assign(exit=np.where(evidence.is_event, np.arange(len(evidence.rows)), np.nan))
    columns = replace(
        evidence.columns,
        sources={**evidence.columns.sources, "exit": Attribute(column="exit")},
        labels={**evidence.columns.labels, "exit": "Exit"},
    )
    first = leak_table(replace(evidence, known=known, columns=columns), make_config()).iloc[0]
    assert first[["column", "suspicion", "used_by"]].tolist() == ["exit", "implausible", "nothing"]


def test_a_column_that_tells_only_afterwards_is_suspected(evidence):
    # At the dates it said the same of all; today it says who left, though not of everyone.
    rng = np.random.default_rng(6)
    known = evidence.known.assign(owner=pd.Categorical(["someone"] * len(evidence.rows)))
    today = pd.DataFrame(
        {"owner": pd.Categorical(np.where(evidence.is_event & (rng.random(len(known)) < 0.7), "nobody", "someone"))}
    )
    columns = replace(
        evidence.columns,
        sources={**evidence.columns.sources, "owner": Attribute(column="owner")},
        labels={**evidence.columns.labels, "owner": "Owner"},
    )
    first = leak_table(replace(evidence, known=known, today=today, columns=columns), make_config()).iloc[0]
    assert first[["column", "suspicion"]].tolist() == ["owner", "afterwards"]
    assert first["auc"] == pytest.approx(0.5, abs=0.02)
    assert first["auc_today"] == pytest.approx(0.85, abs=0.05)


def test_the_error_of_an_auc_is_that_of_hanley_and_mcneil():
    from csworkbench.analyses.health_proof.leaks import _error

    # Radiology 143 (1982), p. 31: area .893 of 58 normal and 51 abnormal images has SE .032.
    assert _error(0.893, np.arange(109) < 51) == pytest.approx(0.032, abs=0.0006)


def test_values_younger_than_their_date_stop_the_reader(inputs):
    found = health_proof.analyze(replace(inputs, evidence=replace(inputs.evidence, violations=3)), make_config())
    assert found.caveats[0].severity == "stop"
    assert "3 values" in say(found.caveats[0].message)


# --- weights ----------------------------------------------------------------------------------------------------------


def test_weights_of_points_that_say_the_opposite_are_0_and_the_others_add_up():
    rng = np.random.default_rng(8)
    points = rng.uniform(0, 100, (1500, 3))
    is_event = rng.random(1500) < 1 / (1 + np.exp(0.08 * (points[:, 0] - 50) - 0.05 * (points[:, 1] - 50) + 1))
    shares = suggested_weights(points, is_event, np.arange(1500), seed=1)
    assert shares.sum() == pytest.approx(1)
    assert shares[1] == 0
    assert shares[0] > 0.9


def test_points_that_say_nothing_get_no_weights():
    rng = np.random.default_rng(9)
    shares = suggested_weights(rng.uniform(0, 100, (400, 2)), rng.random(400) < 0.2, np.arange(400), seed=1)
    assert shares.tolist() == [0, 0]


def test_few_events_suggest_no_weights(inputs):
    few = health_proof.analyze(inputs, make_config(least_events=1000))
    assert few.tables["weights"]["suggested_percent"].isna().all()


def test_a_measure_with_a_policy_of_carrying_is_scored_with_what_was_carried(evidence):
    carrying = card(measure("use", missing=Carry(max_age_days=95)))
    known = evidence.known.assign(use=np.nan)
    made = replace(evidence, cards=Cards((carrying,), "default", (), ("default",)), known=known,
                   columns=replace(evidence.columns, of_card={"default": {"use": "use"}}),
                   carried={"default": pd.DataFrame({"use": evidence.known["use"]})})  # fmt: skip
    assert score(made)["default"].score == pytest.approx(evidence.known["use"].clip(upper=100))


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_lead_time_longer_than_the_horizon_is_refused():
    with pytest.raises(ValidationError, match=r"must be below horizon_days, 90"):
        Renewals(lead_days=90, horizon_days=90)


def test_snapshots_so_close_that_a_departure_counts_twice_are_refused():
    with pytest.raises(ValidationError, match=r"must lie 90 days or more after 2026-03-31"):
        Churn(horizon_days=90, dates=(date(2026, 3, 31), date(2026, 6, 28)))


def test_a_baseline_may_not_have_the_name_of_a_learned_model():
    with pytest.raises(ValidationError, match=r"'logistic' is the name of another candidate"):
        make_config(baselines=(Known(name="logistic", label="x", source=Tenure()),))
