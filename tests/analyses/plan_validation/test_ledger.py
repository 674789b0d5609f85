"""Who got out of the worst band, who left, and what came before, against those who stayed at the same date and band."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.conditional_models import ConditionalLogit

from csworkbench.analyses.plan_validation.ledger import LEAST_EVENTS, ledger, moves
from csworkbench.errors import AnalysisError
from csworkbench.formats import text as in_words

BANDS = ("at risk", "average", "excellent")
JUNE, JULY, AUGUST = (pd.Timestamp(day) for day in ("2026-06-30", "2026-07-31", "2026-08-31"))


def history(**bands):
    """Bands of accounts at the ends of June, July and August; "-" = not there."""
    rows = [
        (account, day, band)
        for account, words in bands.items()
        for day, band in zip((JUNE, JULY, AUGUST), words, strict=False)
        if band != "-"
    ]
    return pd.DataFrame(rows, columns=["account_id", "snapshot_on", "band"])


def accounts(*names, left=None, tiers=None):
    index = pd.Index(names, name="account_id")
    return pd.DataFrame(
        {
            "tier": [(tiers or {}).get(name, "mid") for name in names],
            "left_on": pd.to_datetime([(left or {}).get(name) for name in names]),
        },
        index=index,
    )


def facts_of(*rows):
    return pd.DataFrame(rows, columns=["account_id", "snapshot_on", "plans_running"])


def outcome_of(account, *bands, left=None):
    found = moves(history(**{account: bands}), accounts(account, left={account: left}), BANDS)
    return list(zip(found["from_on"].dt.month, found["outcome"], strict=True))


def test_a_better_band_after_the_worst_is_a_recovery():
    assert outcome_of("A", "at risk", "average") == [(6, "recovered")]


def test_the_worst_band_twice_is_a_stay():
    assert outcome_of("A", "at risk", "at risk") == [(6, "stayed")]


def test_a_rise_between_better_bands_is_no_recovery():
    assert outcome_of("A", "average", "excellent") == [(6, "stayed")]


def test_leaving_between_two_dates_is_a_loss_from_any_band():
    assert outcome_of("A", "at risk", "-", left="2026-07-10") == []  # one date alone shows no change
    found = moves(
        history(A=("at risk", "-"), B=("average", "average")), accounts("A", "B", left={"A": "2026-07-10"}), BANDS
    )
    assert found.set_index("account_id")["outcome"].to_dict() == {"A": "lost", "B": "stayed"}


def test_an_account_that_vanished_without_a_leaving_date_is_not_known():
    found = moves(history(A=("at risk", "-"), B=("average", "average")), accounts("A", "B"), BANDS)
    assert found.set_index("account_id")["outcome"]["A"] == ""


def test_an_account_that_is_not_scored_says_nothing():
    assert outcome_of("A", "not scored", "average") == []
    assert outcome_of("A", "at risk", "not scored") == [(6, "")]


def test_a_recovery_that_fell_back_the_month_after_was_not_held():
    found = moves(
        history(A=("at risk", "average", "at risk"), B=("at risk", "average", "excellent")), accounts("A", "B"), BANDS
    )
    assert found[found["outcome"] == "recovered"].set_index("account_id")["held"].to_dict() == {"A": False, "B": True}


def test_matches_are_the_accounts_of_the_same_date_band_and_tier_that_stayed():
    found = ledger(
        history(
            A=("at risk", "average"),
            B=("at risk", "at risk"),  # the match
            C=("average", "average"),  # another band
            D=("at risk", "at risk"),  # another tier
            E=("at risk", "-"),  # lost, so it did not stay
            F=("-", "at risk", "at risk"),  # another date
        ),
        accounts("A", "B", "C", "D", "E", "F", left={"E": "2026-07-02"}, tiers={"D": "large"}),
        facts_of(("A", JUNE, 1.0)),
        BANDS,
    )
    assert found.rows[["account_id", "outcome", "matched", "plans_running"]].to_numpy().tolist()[:1] == [
        ["A", "recovered", 1, 1.0]
    ]
    # E is matched with B, which stayed, and A, which recovered and so did not leave.
    assert found.rows.set_index("account_id")["matched"]["E"] == 2


def strata(with_driver, without, stayed_with, stayed_without, months=2):
    """The same 2 x 2 table in the tiers of so many months; each account is at risk once."""
    bands, facts, tiers = {}, [], {}
    cells = ((with_driver, "average", 1), (without, "average", 0), (stayed_with, "at risk", 1),
             (stayed_without, "at risk", 0))  # fmt: skip
    for month in range(months):
        for kind, (size, band, driver) in enumerate(cells):
            for number in range(size):
                name = f"T{month}{kind}{number}"
                bands[name] = ("at risk", band)
                tiers[name] = f"tier{month}"
                facts.append((name, JUNE, float(driver)))
    return history(**bands), accounts(*bands, tiers=tiers), facts_of(*facts)


def driver(found, outcome="recovered"):
    rows = found.drivers
    return rows[(rows["outcome"] == outcome) & (rows["driver"] == "plans_running")].iloc[0]


def test_the_odds_ratio_is_that_of_mantel_and_haenszel():
    row = driver(ledger(*strata(12, 4, 10, 20), BANDS))
    # Two equal strata of 46: sum(ad/n) / sum(bc/n) = (12 * 20) / (4 * 10) = 6.
    assert row["odds_ratio"] == pytest.approx(6.0)
    assert (row["events"], row["with_driver"]) == (32, 24)
    assert (row["share"], row["matched_share"]) == (pytest.approx(0.75), pytest.approx(1 / 3))
    assert row["low"] < 6 < row["high"]


def test_odds_ratio_and_interval_agree_with_conditional_logistic_regression():
    # One small stratum and one large one, so that pooling matters.
    first, second = strata(9, 6, 8, 17, months=1), strata(14, 10, 12, 30, months=2)
    tables = [pd.concat(pair) for pair in zip(first, second, strict=True)]
    tables[1] = tables[1][~tables[1].index.duplicated()]
    tables[0] = tables[0].drop_duplicates(["account_id", "snapshot_on"])
    tables[2] = tables[2].drop_duplicates(["account_id", "snapshot_on"])
    row = driver(ledger(*tables, BANDS))
    rows = tables[2].merge(tables[1], left_on="account_id", right_index=True)
    after = tables[0][tables[0]["snapshot_on"] == JULY].set_index("account_id")["band"]
    event = (rows["account_id"].map(after) == "average").astype(int).to_numpy()
    fit = ConditionalLogit(event, rows[["plans_running"]].to_numpy(), groups=rows["tier"].to_numpy()).fit(disp=0)
    # Two estimators of one odds ratio; they differ by far less than their standard error.
    assert np.log(row["odds_ratio"]) == pytest.approx(fit.params[0], abs=0.1 * fit.bse[0])
    width = np.log(row["high"] / row["low"]) / (2 * 1.96)
    assert width == pytest.approx(fit.bse[0], rel=0.05)


def test_fewer_than_ten_events_say_too_few():
    row = driver(ledger(*strata(2, 2, 10, 20), BANDS))
    assert LEAST_EVENTS > 2 * 4
    assert row["reads"] == "too few to tell"
    assert row[["odds_ratio", "low", "high", "p", "p_holm"]].isna().all()


def test_a_driver_that_everybody_has_cannot_be_told():
    row = driver(ledger(*strata(16, 0, 30, 0), BANDS))
    assert (row["reads"], row["share"], row["matched_share"]) == ("too few to tell", 1.0, 1.0)


def test_the_interval_leaves_out_one_exactly_where_the_adjusted_p_is_small():
    history_, accounts_, facts = strata(12, 4, 10, 20)
    facts = facts.assign(tickets_opened=np.arange(len(facts)) % 2, human_touches=2 * (np.arange(len(facts)) % 3))
    rows = ledger(history_, accounts_, facts, BANDS).drivers.dropna(subset=["p"])
    assert len(rows) == 3
    is_out = (rows["low"] > 1) | (rows["high"] < 1)
    assert is_out.tolist() == (rows["p_holm"] < 0.05).tolist()
    # Holm: the smallest of three p-values is multiplied by three.
    smallest = rows.loc[rows["p"].idxmin()]
    assert smallest["p_holm"] == pytest.approx(3 * smallest["p"])


def test_a_fact_that_is_not_known_leaves_its_row_out_of_its_own_test():
    history_, accounts_, facts = strata(12, 4, 10, 20)
    facts.loc[facts.index[0], "plans_running"] = np.nan
    assert driver(ledger(history_, accounts_, facts, BANDS))["events"] == 31


def test_the_order_of_rows_changes_nothing():
    history_, accounts_, facts = strata(12, 4, 10, 20)
    turned = ledger(history_.iloc[::-1], accounts_.iloc[::-1], facts.iloc[::-1], BANDS)
    straight = ledger(history_, accounts_, facts, BANDS)
    pd.testing.assert_frame_equal(straight.drivers, turned.drivers)
    pd.testing.assert_frame_equal(straight.rows, turned.rows)


def test_by_chance_alone_drivers_are_named_in_few_books():
    # 60 books in which the seven drivers are lots: the family is wrong in at most 5 %, plus 3 Monte-Carlo errors.
    names = ["plans_running", "plans_landed", "human_touches", "tech_touches", "tickets_opened", "tickets_resolved"]
    history_, accounts_, facts = strata(10, 10, 20, 20)
    random = np.random.default_rng(11)
    wrong = 0
    for _ in range(60):
        drawn = facts.assign(**{name: 2 * random.integers(0, 2, len(facts)) for name in names})
        wrong += bool(ledger(history_, accounts_, drawn, BANDS).drivers["reads"].isin(["more often before"]).any())
    assert wrong / 60 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_an_account_that_swings_counts_once():
    bands, tiers, facts = strata(12, 4, 10, 20)
    before = driver(ledger(bands, tiers, facts, BANDS))["events"]
    # All who recovered fall back at the end of July and recover again by the end of August.
    recovered = bands[(bands["snapshot_on"] == JULY) & (bands["band"] == "average")]["account_id"]
    later = pd.Timestamp("2026-09-30")
    again = [(name, day, band) for name in recovered for day, band in ((AUGUST, "at risk"), (later, "average"))]
    longer = pd.concat([bands, pd.DataFrame(again, columns=bands.columns)])
    stays = sorted(set(bands["account_id"]) - set(recovered))
    more = [(name, day, "at risk") for name in stays for day in (AUGUST, later)]
    longer = pd.concat([longer, pd.DataFrame(more, columns=bands.columns)])
    more_facts = pd.concat([facts, facts.assign(snapshot_on=AUGUST)])
    found = ledger(longer, tiers, more_facts, BANDS)
    assert driver(found)["events"] == before
    assert (found.rows["outcome"] == "recovered").sum() == 2 * before


def swinging(random, accounts_=200, months=16):
    """A book in which some accounts recover often and relapse, and three lasting drivers that do nothing."""
    often, lasting = np.exp(random.normal(0, 1.0, accounts_)), random.random((accounts_, 3)) < 0.5
    ids, days = (
        [f"A{number:03d}" for number in range(accounts_)],
        pd.date_range("2025-01-31", periods=months, freq="ME"),
    )
    well, bands, facts = np.zeros(accounts_, bool), [], []
    for day in days:
        on = random.random((accounts_, 3)) < np.where(lasting, 0.7, 0.1)
        bands.append(pd.DataFrame({"account_id": ids, "snapshot_on": day, "band": np.where(well, *BANDS[1::-1])}))
        columns = {"human_touches": 2 * on[:, 0], "tickets_opened": on[:, 1], "tech_touches": 8 * on[:, 2]}
        facts.append(pd.DataFrame({"account_id": ids, "snapshot_on": day, **columns}))
        rises, falls = random.random(accounts_) < np.minimum(0.15 * often, 0.95), random.random(accounts_) < 0.5
        well = np.where(well, ~falls, rises)
    return pd.concat(bands, ignore_index=True), accounts(*ids), pd.concat(facts, ignore_index=True)


def test_lasting_drivers_that_do_nothing_are_seldom_shown_where_accounts_swing():
    random = np.random.default_rng(11)
    p = [driver_ for _ in range(40) for driver_ in ledger(*swinging(random), BANDS).drivers["p"].dropna()]
    # 120 tests; counting every recovery of an account gave .14 in such a book.
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(p))


def test_the_sentences_claim_no_cause():
    found = ledger(*strata(12, 4, 10, 20), BANDS)
    said = [in_words(found.headline), *(in_words(caveat.message) for caveat in found.caveats)]
    assert said[0] == (
        "32 recoveries and 0 losses; more often before recoveries than before accounts that stayed: A plan was running"
    )
    assert not any(word in " ".join(said) for word in (" because of", " caused", " led to", " works"))
    assert "ledger_no_design" in [caveat.code for caveat in found.caveats]


def test_figures_count_accounts_and_give_the_share_with_its_interval():
    figures = ledger(*strata(12, 4, 10, 20), BANDS).figures
    assert (figures["recovered"].value, figures["lost"].value) == (32, 0)
    share = figures["recovered_share"]
    assert share.value == pytest.approx(32 / 92)
    assert share.low < share.value < share.high


def test_without_a_history_the_ledger_is_empty_and_says_so():
    empty = history().astype({"snapshot_on": "datetime64[s]"})
    found = ledger(empty, accounts(), facts_of().astype({"snapshot_on": "datetime64[s]"}), BANDS)
    assert (len(found.rows), len(found.drivers)) == (0, 0)
    assert (found.headline, found.figures) == (None, {})  # "0 recoveries" would be a finding
    assert [caveat.code for caveat in found.caveats] == ["ledger_no_history"]


def test_one_band_is_refused():
    with pytest.raises(AnalysisError, match=r"at least two bands"):
        ledger(history(A=("at risk", "at risk")), accounts("A"), facts_of(), ("at risk",))
