"""What renews each quarter, how far could that be off, and how good were past forecasts?"""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from pydantic import ValidationError
from scipy.stats import spearmanr

from csworkbench import config as configs
from csworkbench import formats, sources
from csworkbench.analyses import renewals
from csworkbench.analyses.renewals.evidence import calendar_month_ends, rate_start
from csworkbench.analyses.renewals.learning import MONTH_DAYS, decision_hazards, late_share, learn
from csworkbench.analyses.renewals.simulating import Pool, deciders, simulate
from csworkbench.analyses.renewals.track import main_basis
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from csworkbench.features import Attribute, Tenure
from csworkbench.inference.models import from_json
from csworkbench.inference.shocks import shocks_of
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.world import BookSize
from csworkbench.sources.archive import remember, remembered
from csworkbench.workspace import load_workspace
from tests.books import book, with_rows
from tests.house.places import SAMPLE_CACHE
from tests.oracles import rates_sql

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)
LONG_AGO = "2024-01-01T00:00:00"
ALL = Pool(np.ones(1), np.ones(1))  # kept ones bring what was due


def make_config(**changes):
    return renewals.Config(
        **{"measures": {"tenure": Tenure()}, "draws": 400, "minimum_events": 30, "history_months": 18, **changes}
    )


def renewal(number, account, due, outcome="open", **changes):
    """One row: 100 due, decided a week before the due date and known since long, unless said otherwise."""
    decided = date.fromisoformat(due) - timedelta(days=7)
    row = {
        "renewal_id": f"R{number}",
        "account_id": account,
        "due_date": due,
        "target_amount": 100.0,
        "decided_at": None if outcome == "open" else f"{decided}T12:00:00",
        "outcome": outcome,
        "final_amount": {"renewed": 100.0, "churned": 0.0, "upsell": 150.0, "partial": 60.0}.get(outcome),
        "currency": None,
        "known_at": LONG_AGO,
    }
    return row | changes


def decided(kept, lost, due="2026-02-15"):
    """So many kept and lost renewals of one account each, long decided."""
    outcomes = ["renewed"] * kept + ["churned"] * lost
    return [renewal(f"D{n}", f"D{n}", due, outcome) for n, outcome in enumerate(outcomes)]


def make_book(rows, names=None, **tables):
    accounts = sorted({row["account_id"] for row in rows})
    people = [
        {
            "account_id": each,
            "name": (names or {}).get(each, f"Name {each}"),
            "signup_at": LONG_AGO,
            "value_tier": "mid",
        }
        for each in accounts
    ]
    return book({"accounts": people, "renewals": rows} | tables)


def inputs_of(made, config=None, as_of=AS_OF):
    return renewals.prepare(take(made, as_of), config or make_config(), {})


def result_of(rows, config=None, as_of=AS_OF, **tables):
    config = config or make_config()
    return renewals.analyze(inputs_of(make_book(rows, **tables), config, as_of), config)


def codes(result):
    return {caveat.code for caveat in result.caveats}


def forecast(result):
    return result.tables["forecast"].set_index("renewal_id")


def call(renewal_id, made_at, source, p_renew, **changes):
    return {
        "renewal_id": renewal_id,
        "made_at": made_at,
        "source": source,
        "p_renew": p_renew,
        "amount": 100 * p_renew,
        "known_at": None,
    } | changes


# --- what is learned --------------------------------------------------------------------------------------------------


def test_below_the_least_number_of_lost_ones_the_forecast_is_the_base_rate_of_everyone():
    rows = [*decided(9, 3), renewal(1, "a", "2026-08-01"), renewal(2, "b", "2026-09-01")]
    result = result_of(rows)
    assert forecast(result)["probability"].tolist() == pytest.approx([9 / 12] * 2)
    assert (forecast(result)["low"] < 0.7).all()
    assert (forecast(result)["high"] > 0.8).all()
    assert "base_rate" in codes(result)


def test_a_renewal_that_is_open_past_its_date_is_not_learned_from():
    rows = [*decided(9, 3), renewal(1, "a", "2026-08-01"), *(renewal(f"o{n}", f"o{n}", "2026-05-01") for n in range(5))]
    assert forecast(result_of(rows)).loc["R1", "probability"] == pytest.approx(9 / 12)


def test_without_a_decision_nobody_can_tell():
    result = result_of([renewal(1, "a", "2026-08-01"), renewal(2, "b", "2026-09-01")])
    assert forecast(result)["probability"].isna().all()
    assert result.tables["quarters"]["expected"].isna().all()
    assert "nothing_decided" in codes(result)
    assert "nobody can tell" in formats.text(result.headline)


def test_where_all_renewed_the_next_one_may_still_be_lost():
    result = result_of([*decided(12, 0), renewal(1, "a", "2026-08-01")])
    line = forecast(result).loc["R1"]
    assert line["probability"] == 1
    assert line["low"] < 0.95


def test_a_decision_is_learned_from_once_its_window_has_ended():
    config = make_config(history_months=8)
    inputs = inputs_of(make_book([*decided(9, 3, due="2026-02-15"), renewal(1, "a", "2026-08-01")]), config)
    # Decided on 8 Feb, seen open on 30 Nov, 31 Dec and 31 Jan: of their windows of 90 days the first ends on 28 Feb.
    assert learn(inputs, config, date(2026, 2, 27)).decided == 0
    assert learn(inputs, config, date(2026, 2, 28)).decided == 12


def many(seed, accounts=240, months=15):
    """Renewals of accounts that came in at different times: the older the account, the rarer it is lost."""
    rng = np.random.default_rng(seed)
    people, rows = [], []
    for number in range(accounts):
        age = int(rng.integers(0, 1500))
        people.append({"account_id": f"a{number}", "signup_at": f"{AS_OF - timedelta(days=600 + age)}T00:00:00"})
        due = AS_OF - timedelta(days=30 * months) + timedelta(days=int(rng.integers(0, 30 * months + 200)))
        is_lost = rng.random() < 1 / (1 + np.exp(age / 350 - 1.5))
        late = rng.random() < 0.1
        when = due + timedelta(days=int(rng.integers(5, 40) if late else -rng.integers(1, 40)))
        outcome = (
            "open" if when > AS_OF else "churned" if is_lost else str(rng.choice(["renewed", "upsell", "partial"]))
        )
        at = None if outcome == "open" else f"{when}T12:00:00"
        rows.append(renewal(number, f"a{number}", str(due), outcome, decided_at=at))
    return people, rows


@pytest.fixture(scope="module")
def learned():
    people, rows = many(1)
    config = make_config()
    made = book({"accounts": people, "renewals": rows})
    inputs = inputs_of(made, config)
    return made, inputs, config, renewals.analyze(inputs, config)


def test_a_model_finds_that_young_accounts_are_lost_more_often(learned):
    result = learned[-1]
    assert set(result.tables["forecast"]["basis"]) == {"model"}
    odds = result.tables["coefficients"].set_index("measure").loc["tenure"]
    assert odds["high"] < 1


def test_a_stored_model_is_the_one_behind_the_forecast(learned):
    result = learned[-1]
    last = result.tables["models"].iloc[-1]
    assert set(result.tables["forecast"]["model"]) == {last["sha256"]}
    assert from_json(json.loads(last["document"])).to_json()["sha256"] == last["sha256"]


def test_the_table_that_is_released_has_one_row_per_open_renewal(learned):
    table = learned[-1].tables["forecast"]
    frozen = ["renewal_id", "account_id", "quarter", "probability", "amount", "as_of", "model"]
    assert table["renewal_id"].is_unique
    assert not table[frozen].isna().any().any()
    assert set(table["as_of"]) == {pd.Timestamp(AS_OF)}


def test_facts_known_after_the_date_change_nothing(learned):
    made, _, config, result = learned
    later = renewal("late", "a1", "2026-08-01", known_at="2026-07-01T00:00:00")
    again = renewals.analyze(inputs_of(with_rows(made, "renewals", [later]), config), config)
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


def test_a_recomputed_forecast_is_the_one_that_could_have_been_made_then(learned):
    made, _, config, result = learned
    then = date(2026, 3, 31)
    shorter = config.model_copy(update={"history_months": 15})  # the same first month end, three months earlier
    at_the_time = renewals.analyze(inputs_of(made, shorter, as_of=then), shorter)
    said = at_the_time.tables["forecast"].set_index("renewal_id")["probability"]
    past = result.tables["past_forecasts"]
    past = past[(past["quarter"] == "2026 Q2") & (past["basis"] == "recomputed")].set_index("renewal_id")["p_renew"]
    assert len(past) > 5
    assert said[past.index].to_numpy() == pytest.approx(past.to_numpy())


def test_the_order_of_the_rows_does_not_matter(learned):
    made, _, config, result = learned
    rows = made.tables["renewals"].to_pandas().sample(frac=1, random_state=1)
    accounts = made.tables["accounts"].to_pandas().sample(frac=1, random_state=2)
    for table, column in ((rows, "due_date"),):
        table[column] = table[column].dt.date
    shuffled = book({"accounts": accounts, "renewals": rows})
    again = renewals.analyze(inputs_of(shuffled, config), config)
    assert formats.text(again.headline) == formats.text(result.headline)
    pd.testing.assert_frame_equal(again.tables["forecast"], result.tables["forecast"])


# --- when renewals are decided ----------------------------------------------------------------------------------------


def test_hazards_of_deciding_are_those_of_lifelines(learned):
    inputs = learned[1]
    table = decision_hazards(inputs, AS_OF)
    first = inputs.rows.drop_duplicates("renewal_id").set_index("renewal_id")
    facts = inputs.renewals.loc[first.index]
    # Months of 30 days from the due date, counted from 15 before it; decided in (30 m, 30 (m + 1)] is month m, at m + 1
    # for lifelines. Who is not decided by the date leaves with its last full month.
    entry = np.ceil(-first["days_to_due"] / MONTH_DAYS)
    day = (facts["decided_on"] - facts["due_date"]).dt.days
    full = np.floor((pd.Timestamp(AS_OF) - facts["due_date"]).dt.days / MONTH_DAYS)
    is_seen = day.notna() & (np.ceil(day / MONTH_DAYS) <= full)
    end = np.ceil(day / MONTH_DAYS).where(is_seen, full)
    kept = end > entry
    judge = KaplanMeierFitter().fit((end + 15)[kept], is_seen[kept], entry=(entry + 15).clip(lower=0)[kept])
    ours = table.set_index("month")["open_share"]
    for month in range(-4, 3):
        assert ours[month] == pytest.approx(float(judge.predict(month + 16)), abs=1e-12), month


def test_a_late_decision_is_what_survives_the_months_before_the_due_date():
    timing = pd.DataFrame({"month": [-2, -1, 0], "hazard": [0.2, 0.5, 0.9]})
    # 60 days ahead: .8 * .5; 30: .5; 15: half of the last month is over, sqrt(.5); 0 and past due: late in any case.
    found = late_share(timing, np.array([60.0, 30.0, 15.0, 0.0, -5.0]))
    assert found == pytest.approx([0.4, 0.5, np.sqrt(0.5), 1, 1])


def test_overdue_renewals_are_open_until_they_are_too_old_to_forecast():
    rows = [*decided(9, 3), renewal(1, "a", "2026-06-01"), renewal(2, "b", "2026-01-10"), renewal(3, "c", "2026-07-05")]
    result = result_of(rows, make_config(overdue_days=90))
    states = forecast(result)["state"].to_dict()
    assert states == {"R1": "overdue", "R2": "overdue too long", "R3": "open"}
    assert np.isnan(forecast(result).loc["R2", "probability"])
    quarters = result.tables["quarters"].set_index("quarter")
    # Those decided were due in the same quarter as R2: 9 x 100 are settled, and R2 is in no total.
    assert quarters.loc["2026 Q1", ["settled", "not_forecast"]].tolist() == [900, 1]
    assert np.isnan(quarters.loc["2026 Q1", "expected"])
    assert {"overdue", "not_forecast"} <= codes(result)
    assert result.figures["renewals_overdue"].value == 2


# --- quarters ---------------------------------------------------------------------------------------------------------


def test_a_quarter_is_what_is_settled_and_what_is_expected_of_the_rest():
    rows = [
        *decided(8, 4),
        renewal(1, "a", "2026-08-01"),
        renewal(2, "b", "2026-08-02", "renewed", decided_at="2026-06-20"),
    ]
    result = result_of(rows, make_config(draws=20_000))
    line = result.tables["quarters"].iloc[0]
    # 8 of 12 were kept long ago; R2 is decided too late to be learned from. 100 settled, 2/3 of 100 to come.
    assert line[["renewals", "open", "target", "settled"]].tolist() == [2, 1, 200, 100]
    assert line["expected"] == pytest.approx(100 + 100 * 2 / 3, abs=3)
    assert (line["low"], line["high"]) == (100, 200)


def test_a_kept_renewal_that_cost_next_to_nothing_carries_no_forecast_away():
    rows = [*decided(9, 3)[1:], renewal(0, "D0", "2026-02-15", "renewed", target_amount=0.01, final_amount=1000.0)]
    result = result_of([*rows, renewal(1, "a", "2026-08-01")], make_config(draws=20_000))
    line = result.tables["quarters"].set_index("quarter").loc["2026 Q3"]
    # 9 of 12 are kept and bring what was due: 8 of 100, and one of .01 that counts ten times.
    assert forecast(result).loc["R1", "amount"] == pytest.approx(0.75 * 100 * 800.1 / 800.01)
    assert line["expected"] == pytest.approx(75, abs=3)
    assert line["high"] == pytest.approx(100, abs=1)
    assert "token_amount_due" in codes(result)


def test_what_kept_renewals_bring_counts_by_the_amount_due():
    # Kept: 1000 due bring 1200, ten of 10 due bring 5 each; all are kept, so the next 100 bring 100 * 1250 / 1100.
    small = [renewal(n, f"s{n}", "2026-02-15", "partial", target_amount=10.0, final_amount=5.0) for n in range(10)]
    large = renewal(10, "l", "2026-02-15", "upsell", target_amount=1000.0, final_amount=1200.0)
    result = result_of([*small, large, renewal(11, "x", "2026-08-01")])
    assert forecast(result).loc["R11", "amount"] == pytest.approx(100 * 1250 / 1100)


def test_a_kept_renewal_without_its_amount_is_settled_at_what_kept_ones_usually_bring():
    kept = [renewal(n, f"k{n}", "2026-08-01", "renewed", final_amount=None, decided_at="2026-06-20") for n in range(10)]
    result = result_of([*decided(9, 3), *kept, *(renewal(20 + n, f"o{n}", "2026-08-02") for n in range(10))])
    line = result.tables["quarters"].iloc[0]
    # All kept ones whose amount is known brought what was due, so 10 x 100 are settled.
    assert line[["settled", "no_amount"]].tolist() == [1000, 10]
    assert line["low"] >= 1000
    assert "settled_guessed" in codes(result)


def test_the_rate_of_a_quarter_counts_only_what_is_forecast():
    overdue = [renewal(n, f"o{n}", "2026-04-05") for n in range(3)]
    result = result_of([*decided(9, 3), *overdue, renewal(9, "x", "2026-06-29")], make_config(overdue_days=60), AS_OF)
    assert "expected_rate_quarter" not in result.figures  # nothing is open from tomorrow on
    again = result_of(
        [*decided(9, 3), *overdue, renewal(9, "x", "2026-06-29")], make_config(overdue_days=60), date(2026, 6, 28)
    )
    assert again.figures["expected_rate_quarter"].n == 1


def test_zero_and_missing_amounts_are_counted_and_break_nothing():
    rows = [
        *decided(9, 3),
        renewal(1, "a", "2026-08-01", target_amount=0.0),
        renewal(2, "b", "2026-08-02", target_amount=None),
        renewal(3, "c", "2026-08-03"),
    ]
    result = result_of(rows)
    line = result.tables["quarters"].iloc[0]
    assert line[["open", "target", "no_amount"]].tolist() == [3, 100, 1]
    assert line["high"] <= 100
    assert np.isnan(forecast(result).loc["R2", "amount"])
    assert forecast(result).loc["R1", "amount"] == 0
    assert "amount_missing" in codes(result)


def test_all_amounts_missing_leave_counts():
    rows = [
        row | {"target_amount": None, "final_amount": None} for row in (*decided(9, 3), renewal(1, "a", "2026-08-01"))
    ]
    result = result_of(rows)
    assert result.figures["grr"].value is None
    assert result.figures["amount_due"].value is None
    assert "without an amount" in formats.text(result.headline)
    assert result.figures["expected_rate_quarter"].value == pytest.approx(0.75, abs=0.1)


def test_amounts_of_another_currency_stay_apart():
    rows = [*decided(9, 3), renewal(1, "a", "2026-08-01"), renewal(2, "b", "2026-08-02", currency="SEK")]
    result = result_of(rows)
    assert result.tables["quarters"]["currency"].tolist() == ["EUR", "SEK"]
    assert result.tables["quarters"]["target"].tolist() == [100, 100]
    assert result.figures["expected_amount_quarter.SEK"].unit == "SEK"
    assert "not_converted" in codes(result)


def test_amounts_with_a_rate_are_added_up():
    rows = [*decided(9, 3), renewal(1, "a", "2026-08-01"), renewal(2, "b", "2026-08-02", currency="SEK")]
    result = result_of(rows, make_config(currency_rates={"SEK": 0.1}))
    assert result.tables["quarters"][["currency", "target"]].to_numpy().tolist() == [["EUR", 110]]
    assert "not_converted" not in codes(result)


def test_deciders_share_the_variance_of_the_total():
    drawn = simulate(np.full((4000, 3), 0.5), np.array([10.0, 20.0, 5.0]), ALL, None, 1)
    found = dict(deciders(drawn.amounts, pd.Series(["a", "b", "a"]), 5))
    # Independent draws: variances go with 10^2 + 5^2 = 125 and 20^2 = 400.
    assert found == {"b": pytest.approx(400 / 525, abs=0.03), "a": pytest.approx(125 / 525, abs=0.03)}
    assert sum(found.values()) == pytest.approx(1)


def test_a_common_shock_makes_a_quarter_wider_and_not_better():
    none, some = (
        simulate(np.full((4000, 200), 0.5), np.ones(200), ALL, shocks, 1)
        for shocks in (None, shocks_of(np.array([30.0, -30.0]), np.array([50.0, 50.0]), np.zeros(2)))
    )
    assert some.kept.std() > 2 * none.kept.std()
    assert some.kept.mean() == pytest.approx(none.kept.mean(), abs=2)


# --- what is due ------------------------------------------------------------------------------------------------------


def test_grr_and_nrr_are_those_of_sql():
    rng = Random(5)
    rows = []
    for number in range(60):
        due = date(2025, 5, 1) + timedelta(days=rng.randrange(420))
        outcome = rng.choice(["renewed", "churned", "partial", "upsell", "open"])
        rows.append(renewal(number, f"a{rng.randrange(20)}", str(due), outcome, target_amount=rng.randrange(50, 150)))
    result = result_of(rows)
    made = make_book(rows)
    con = duckdb.connect()
    con.register("renewals", made.tables["renewals"].to_pyarrow())
    first = rate_start(AS_OF, 12)
    assert first == date(2025, 7, 1)
    sums = con.sql(rates_sql.RENEWALS_DUE.format(day=AS_OF, first=first, last=AS_OF)).df().sum(numeric_only=True)
    assert result.figures["grr"].value == pytest.approx(sums["retained"] / sums["target"])
    assert result.figures["nrr"].value == pytest.approx(sums["final"] / sums["target"])


def test_without_the_amount_of_a_kept_renewal_nobody_can_tell_grr_and_nrr():
    kept = [renewal(n, f"a{n}", "2026-02-15", "renewed", final_amount=None if n < 80 else 100.0) for n in range(90)]
    lost = [renewal(90 + n, f"b{n}", "2026-02-15", "churned") for n in range(10)]
    calls = [call(f"R{n}", "2025-12-10T08:00:00", "csm", 0.9) for n in range(100)]
    result = result_of([*kept, *lost, renewal(200, "x", "2026-08-01")], renewal_calls=calls)
    assert (result.figures["grr"].value, result.figures["nrr"].value) == (None, None)
    assert "kept_unrecorded" in codes(result)
    due = result.tables["due"].query("value == '2026 Q1'").iloc[0]
    assert due[["grr", "grr_low", "nrr"]].isna().all()
    past = result.tables["past_quarters"].query("quarter == '2026 Q1'")
    assert past["actual"].tolist() == [0.9]
    assert past[["predicted_amount", "actual_amount"]].isna().all(axis=None)


def test_what_is_due_this_year_adds_up_to_the_same_in_every_dimension():
    rows = [*decided(3, 1), renewal(1, "a", "2026-08-01"), renewal(2, "b", "2027-01-05")]
    held = [
        {"account_id": account, "role": "csm", "valid_from": "2024-01-01", "csm_id": csm}
        for account, csm in (("D0", "c1"), ("D1", None))
    ]
    people = [{"csm_id": "c1", "name": "李晓峰"}]
    result = result_of(rows, assignments=held, csms=people)
    sums = result.tables["due"].groupby("dimension")[["renewals", "target"]].sum()
    assert sums.to_numpy().tolist() == [[5, 500]] * 3
    csms = result.tables["due"].query("dimension == 'csm'").set_index("value")["renewals"]
    assert csms.to_dict() == {"nobody": 4, "李晓峰": 1}
    quarter = result.tables["due"].query("value == '2026 Q1'").iloc[0]
    assert quarter[["kept", "lost", "priced", "grr", "nrr"]].tolist() == [3, 1, 4, 0.75, 0.75]
    assert quarter["grr_low"] < 0.75 < quarter["grr_high"]
    assert result.figures["renewals_due"].value == 5
    assert result.figures["amount_due"].value == 500


def test_the_steps_of_the_quarter_lead_from_what_was_due_to_what_renewed():
    outcomes = ["renewed", "churned", "partial", "upsell", "open"]
    rows = [renewal(n, f"a{n}", "2026-05-20", outcome) for n, outcome in enumerate(outcomes)]
    result = result_of([*rows, renewal(9, "x", "2026-05-21", "renewed", final_amount=None)])
    steps = result.tables["waterfall"].set_index("step")["amount"]
    assert steps.to_dict() == {"lost": -100, "contracted": -40, "expanded": 50, "not_recorded": -100, "open": -100}
    # 100 + 60 + 150 were renewed of 600.
    assert result.figures["amount_due_quarter"].value + steps.sum() == 310


def test_a_book_without_an_open_renewal_has_nothing_to_forecast():
    result = result_of(decided(9, 3))
    assert formats.text(result.headline).startswith("No renewal is open")
    assert result.tables["forecast"].empty
    assert result.figures["renewals_open"].value == 0


def test_a_source_with_the_needed_columns_alone_is_enough():
    bare = [
        {"renewal_id": f"R{n}", "account_id": "a", "due_date": due}
        for n, due in enumerate(("2026-08-01", "2026-05-01"))
    ]
    config = make_config(measures={})
    made = book({"accounts": [{"account_id": "a"}], "renewals": bare})
    result = renewals.analyze(inputs_of(made, config), config)
    assert result.tables["forecast"]["state"].tolist() == ["overdue", "open"]
    assert result.tables["forecast"]["name"].tolist() == ["a", "a"]


def test_a_book_without_a_renewal_says_so():
    rows = [renewal(1, "a", "2026-08-01", known_at="2026-07-01T00:00:00")]
    with pytest.raises(AnalysisError, match=r"no renewal is known on 2026-06-30"):
        result_of(rows)


def test_names_stand_as_they_are_written():
    names = {"a": "天津恒信金融信息服务有限公司", "b": "Månsson & Öst AB"}
    rows = [*decided(9, 3), renewal(1, "a", "2026-08-01"), renewal(2, "b", "2026-06-01")]
    result = renewals.analyze(inputs_of(make_book(rows, names)), make_config())
    assert set(forecast(result)["name"]) == set(names.values())
    assert "Månsson & Öst AB" in formats.text(result.actions[0])


# --- calls ------------------------------------------------------------------------------------------------------------

CALLED = [*decided(9, 3), renewal(1, "a", "2026-08-29"), renewal(2, "b", "2026-10-01")]  # 60 and 93 days ahead


def test_a_call_belongs_to_the_last_checkpoint_that_had_begun():
    calls = [
        call("R1", "2026-03-01T08:00:00", "csm", 0.5),  # 181 days before: within the grace of 180
        call("R1", "2026-05-10T08:00:00", "csm", 0.6),  # 111 days before: still 180
        call("R1", "2026-05-20T08:00:00", "csm", 0.7),  # 101 days before: within the grace of 90
        call("R1", "2026-05-21T08:00:00", "csm", 0.8),
        call("R1", "2026-01-01T08:00:00", "final", 0.9),  # before any checkpoint
    ]
    table = result_of(CALLED, renewal_calls=calls).tables["checkpoints"]
    found = table[table["renewal_id"] == "R1"].set_index("checkpoint_days")
    assert found["csm_call"].to_dict() == {90: 0.8, 180: 0.6}
    assert found["final"].isna().all()


def test_a_call_that_is_due_and_not_there_is_listed():
    calls = [call("R1", "2026-06-01T08:00:00", source, 0.8) for source in ("model", "csm")]
    table = result_of(CALLED, renewal_calls=calls).tables["missing_calls"]
    # R2 is 93 days ahead: its checkpoint of 90 days has not begun.
    found = table[["renewal_id", "checkpoint_days", "missing"]].to_numpy().tolist()
    assert found == [["R1", 90, "final"], ["R1", 180, "model, csm, final"], ["R2", 180, "model, csm, final"]]


def test_tiers_that_nobody_has_to_call_miss_only_the_model():
    calls = [call("R1", "2026-06-01T08:00:00", "model", 0.8)]
    table = result_of(CALLED, make_config(called_tiers=("large",)), renewal_calls=calls).tables["missing_calls"]
    assert set(table["missing"]) == {"model"}


def test_a_disagreement_is_what_the_csm_says_less_what_the_model_says():
    calls = [
        call("R1", "2026-06-01T08:00:00", "model", 0.7),
        call("R1", "2026-06-03T08:00:00", "csm", 0.9),
        call("R2", "2026-04-04T08:00:00", "csm", 0.3),
    ]
    table = result_of(CALLED, renewal_calls=calls).tables["disagreements"].set_index("renewal_id")
    # R2 has no recorded call of the model: the base rate of today, 9 of 12, stands in.
    assert table["model_from"].to_dict() == {"R2": "computed today", "R1": "recorded"}
    assert table["gap"].to_dict() == {"R2": pytest.approx(0.3 - 0.75), "R1": pytest.approx(0.2)}
    assert table["gap_amount"].to_dict() == {"R2": pytest.approx(-45), "R1": pytest.approx(20)}


def test_without_calls_nothing_is_compared_and_the_past_is_said_to_be_recomputed():
    result = result_of([*CALLED, *(renewal(f"q{n}", f"q{n}", "2026-05-10", "renewed") for n in range(4))])
    assert "disagreements" not in result.figures
    assert result.tables["disagreements"].empty
    assert result.tables["past_forecasts"]["basis"].isin(["recomputed"]).all()


def test_only_calls_made_and_known_before_the_quarter_are_frozen():
    due = [renewal(n, f"a{n}", "2026-05-20", "renewed") for n in range(4)]
    calls = [
        call("R0", "2026-03-31T21:00:00", "csm", 0.5),
        call("R0", "2026-03-01T08:00:00", "csm", 0.4),
        call("R1", "2026-04-01T08:00:00", "csm", 0.6),  # made in the quarter
        call("R2", "2026-03-20T08:00:00", "csm", 0.7, known_at="2026-04-02T00:00:00"),
        call("R3", "2026-03-20T08:00:00", "final", 0.8),
    ]
    past = result_of([*decided(9, 3), *due], renewal_calls=calls).tables["past_forecasts"]
    frozen = past[past["basis"] != "recomputed"]
    assert frozen[["renewal_id", "basis", "p_renew"]].to_numpy().tolist() == [
        ["R0", "frozen csm", 0.5],
        ["R3", "frozen final", 0.8],
    ]


def test_what_was_decided_before_the_quarter_was_no_forecast_of_it():
    due = [renewal(0, "a0", "2026-04-03", "renewed"), renewal(1, "a1", "2026-05-20", "renewed")]  # decided 27 March
    calls = [call(f"R{n}", "2026-03-01T08:00:00", "csm", 0.9) for n in range(2)]
    past = result_of([*decided(9, 3), *due], renewal_calls=calls).tables["past_forecasts"]
    assert past.loc[past["basis"] == "frozen csm", "renewal_id"].tolist() == ["R1"]


def test_the_band_of_a_past_amount_is_that_of_the_amounts_called():
    due = [renewal(k, f"a{k}", "2026-05-20", "renewed" if k < 90 else "churned") for k in range(100)]
    calls = [call(f"R{k}", "2026-03-10T08:00:00", "csm", 0.9, amount=200.0) for k in range(100)]
    past = result_of([*decided(9, 3, due="2025-12-01"), *due], renewal_calls=calls).tables["past_quarters"]
    line = past.set_index(["quarter", "basis"]).loc[("2026 Q2", "frozen csm")]
    # 100 calls of 200 each, at 90 %: 222.22 when kept, so no quarter brings more than 22222.
    assert line["predicted_amount"] == pytest.approx(20_000)
    assert line["amount_low"] < 20_000 < line["amount_high"] <= 22_223
    assert line["amount_low"] > 10_000


def test_a_past_forecast_knows_the_amount_due_of_its_day(tmp_path):
    def export(day, target):
        used = [{"account_id": "a", "date": day}]
        return make_book([renewal(1, "a", "2026-05-20", target_amount=target)], usage_daily=used)

    made, first = export(AS_OF, 500.0), date(2026, 3, 31)
    remember(export(first, 100.0), tmp_path, first)
    inputs = inputs_of(replace(made, remembered=remembered(made.connection, tmp_path)))
    known = inputs.rows.set_index("snapshot_date")["target"]
    assert known[[pd.Timestamp(first), pd.Timestamp(AS_OF)]].tolist() == [100, 500]


def past_book(said, share, n=120):
    """Renewals of one quarter that were all called alike, of which a share renewed."""
    due = [renewal(k, f"a{k}", "2026-05-20", "renewed" if k < share * n else "churned") for k in range(n)]
    calls = [call(f"R{k}", "2026-03-10T08:00:00", "model", said) for k in range(n)]
    return result_of([*decided(9, 3), *due], renewal_calls=calls)


def test_forecasts_that_were_too_high_are_called_too_optimistic():
    result = past_book(0.8, 0.6)
    line = result.tables["verdicts"].set_index("basis").loc["frozen model"]
    assert line["verdict"] == "too_optimistic"
    assert line["bias"] == pytest.approx(0.2)
    # 20 points +- Student's 1.98 * sqrt(.6 * .4 / 119) = 8.9.
    assert line[["low", "high"]].tolist() == pytest.approx([0.111, 0.289], abs=0.001)
    assert result.figures["forecast_bias"].value == pytest.approx(0.2)
    assert "forecasts_too_optimistic" in codes(result)


def test_forecasts_that_came_true_are_calibrated_as_far_as_they_can_tell():
    result = past_book(0.6, 0.6)
    assert result.tables["verdicts"].set_index("basis").loc["frozen model", "verdict"] == "calibrated"
    assert result.figures["brier"].value == pytest.approx(0.24)


def test_the_headline_says_how_many_accounts_the_calibration_rests_on():
    # 120 renewals of 60 accounts.
    due = [renewal(k, f"a{k % 60}", "2026-05-20", "renewed" if k < 72 else "churned") for k in range(120)]
    calls = [call(f"R{k}", "2026-03-10T08:00:00", "model", 0.6) for k in range(120)]
    result = result_of([*decided(9, 3), *due, renewal(999, "x", "2026-08-01")], renewal_calls=calls)
    assert "calibrated as far as 60 accounts can tell" in formats.text(result.headline)


def test_a_handful_of_frozen_calls_is_not_what_the_headline_is_about():
    due = [renewal(k, f"a{k}", "2026-05-20", "renewed" if k < 60 else "churned") for k in range(100)]
    calls = [call("R1", "2026-03-10T08:00:00", "model", 0.1)]
    past = result_of([*decided(9, 3), *due], renewal_calls=calls).tables["past_forecasts"]
    assert main_basis(past) == "recomputed"
    assert main_basis(past[past["basis"] != "recomputed"]) == "frozen model"


def test_few_past_forecasts_are_not_judged():
    assert past_book(0.6, 0.6, n=20).tables["verdicts"].set_index("basis").loc["frozen model", "verdict"] == "too_few"


# --- settings ---------------------------------------------------------------------------------------------------------


def test_checkpoints_stand_in_order_and_no_measure_takes_a_name_of_ours():
    with pytest.raises(ValidationError, match=r"earliest checkpoint first"):
        make_config(checkpoints=(90, 180))
    with pytest.raises(ValidationError, match=r"the analysis uses this name itself"):
        make_config(measures={"days_to_due": Tenure()})


def test_an_attribute_of_which_only_todays_value_is_known_is_left_out():
    config = make_config(measures={"tenure": Tenure(), "tier": Attribute(column="value_tier")})
    calls = [call("R1", "2026-06-30T08:00:00", "csm", 0.5)]  # the newest day of the book
    inputs = inputs_of(make_book([*decided(9, 3), renewal(1, "a", "2026-08-01")], renewal_calls=calls), config)
    assert inputs.features == ("tenure",)
    assert inputs.left_out == {"tier": "today's value only"}


def test_a_measure_whose_table_is_absent_is_left_out_with_the_table():
    config = make_config(measures={"tenure": Tenure(), "nps": {"kind": "nps"}})
    result = result_of([*decided(9, 3), renewal(1, "a", "2026-08-01")], config)
    assert "measure_left_out" in codes(result)


def test_month_ends_hold_the_day_before_every_quarter():
    assert calendar_month_ends(date(2026, 5, 10), 3) == (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 10))


def test_renewals_are_needed_and_calls_are_not():
    assert "renewals" in renewals.READS
    assert "renewal_calls" in renewals.READS_IF_PRESENT


# --- the sample book --------------------------------------------------------------------------------------------------

READ = ("accounts", "renewals", "renewal_calls", "assignments", "csms", "usage_daily", "features", "subscriptions")


@pytest.fixture(scope="module")
def sample():
    workspace = load_workspace(ROOT / "configs/workspace.yaml")
    workspace = workspace.model_copy(update={"tables": {name: workspace.tables[name] for name in READ}})
    snapshot = take(sources.open_book(workspace, ROOT, SAMPLE_CACHE), workspace.as_of)
    made = configs.load(ROOT / "configs/renewals.yaml", renewals.Config, ROOT)
    return renewals.analyze(renewals.prepare(snapshot, made, {}), made)


def test_what_was_planted_is_found_before_the_quarter(sample):
    truth = make_contracts(make_world(BookSize(), 0)).truth.set_index("renewal_id")
    past = sample.tables["past_forecasts"].query("basis == 'recomputed' and quarter >= '2025 Q4' and is_decided")
    planted = 1 - truth["p_churned"].reindex(past["renewal_id"]).to_numpy()
    assert not np.isnan(planted).any()
    # The planted probability rests on months that lie after the forecast, so they agree only in part.
    assert spearmanr(past["p_renew"], planted).statistic > 0.5


def test_csms_who_are_planted_to_be_too_confident_are_found_so(sample):
    verdicts = sample.tables["verdicts"].set_index("basis")["verdict"]
    assert verdicts["frozen csm"] == "too_optimistic"
    assert verdicts["recomputed"] == "calibrated"


def test_models_are_kept_for_every_quarter_that_was_forecast_again(sample):
    table = sample.tables["models"]
    assert table["as_of"].is_monotonic_increasing
    assert (table.loc[table["basis"] == "model", "sha256"].str.len() == 64).all()


def test_a_book_of_many_renewals_is_drawn_less_often(learned, monkeypatch):
    _, inputs, config, _ = learned
    monkeypatch.setattr("csworkbench.analyses.renewals.learning.MOST_CELLS", 0)
    best, drawn = learn(inputs, config, AS_OF).p_lost(inputs.rows.tail(3))
    assert (best.shape, drawn.shape) == ((3,), (200, 3))


def test_an_input_that_was_prepared_once_serves_other_settings(learned):
    _, inputs, config, result = learned
    wider = renewals.analyze(inputs, config.model_copy(update={"level": 0.5}))
    assert wider.figures["grr"].value == result.figures["grr"].value
    assert replace(inputs).as_of == AS_OF


# --- proposals --------------------------------------------------------------------------------------------------------


def test_accounts_whose_renewal_is_due_and_not_decided_are_proposed_all_week():
    # The week of Monday 29 June 2026; Sunday 5 July is its last day, and Sunday the 28th what it knows.
    rows = [
        renewal(1, "late", "2026-06-01"),
        renewal(2, "late", "2026-05-20"),
        renewal(3, "now", "2026-07-05"),
        renewal(4, "next", "2026-07-06"),
        renewal(5, "decided", "2026-06-20", "renewed"),
        renewal(6, "since", "2026-06-20", "renewed", decided_at="2026-07-01T12:00:00"),
        renewal(7, "given_up", "2026-01-01"),
    ]
    days = [AS_OF, date(2026, 7, 5)]
    monday, sunday = (result_of([*decided(9, 3), *rows], as_of=day).tables["proposals"] for day in days)
    assert monday["account_id"].tolist() == ["late", "now", "since"]
    assert monday["reason"][0] == "Renewal due on 20 May 2026 is not decided"
    assert set(monday["rule"]) == {"decision"}
    pd.testing.assert_frame_equal(monday, sunday)
