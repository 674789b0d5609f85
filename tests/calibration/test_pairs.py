"""Null tickets seldom make a pair of topic and configuration, planted ones do: quick here, full with make calibrate."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from csworkbench.analyses.triggers.pairs import Asked, enriched

QUICK, FULL = 20, 500
SEED = 20261123
UNTIL = date(2026, 1, 31)
ASKED = Asked(window_days=90, least_accounts=3, false_share=0.05)
TOPICS = {"how_to": 0.28, "delay": 0.16, "slow": 0.16, "wrong": 0.12, "permissions": 0.1, "api": 0.12, "billing": 0.06}
CONFIGURATIONS = {"web 5.2": 0.3, "web 5.3": 0.34, "connector 3.1": 0.14, "connector 3.2": 0.12, "hosted": 0.1}
ACCOUNTS = 400


def tickets(rng, planted=0.0):
    """Tickets of accounts of which a few write much, again and again about their own problem; one setup each.

    `planted`: share of the tickets of connector 3.2 that are about a delay, whatever they would have been about.
    """
    setup, own = (rng.choice(list(each), ACCOUNTS, p=list(each.values())) for each in (CONFIGURATIONS, TOPICS))
    account = np.repeat(np.arange(ACCOUNTS), rng.poisson(rng.gamma(0.7, 3.5, ACCOUNTS)))
    count = len(account)
    topic = np.where(rng.random(count) < 0.8, own[account], rng.choice(list(TOPICS), count, p=list(TOPICS.values())))
    is_hit = (setup[account] == "connector 3.2") & (rng.random(count) < planted)
    return pd.DataFrame(
        {
            "account_id": [f"A{each:03d}" for each in account],
            "topic": np.where(is_hit, "delay", topic),
            "configuration": np.where(rng.random(count) < 0.75, setup[account], None),
            "opened_on": pd.Timestamp("2026-01-15"),
        }
    )


def found_by_tickets(rows):
    """Whether a pair is found where tickets are counted: Fisher's test of each, with the same control."""
    known = rows.dropna()
    p = []
    for setup in CONFIGURATIONS:
        for topic in TOPICS:
            has, about = known["configuration"] == setup, known["topic"] == topic
            if (has & about).sum() >= ASKED.least_accounts:
                p.append(fisher_exact(pd.crosstab(has, about).to_numpy(), alternative="greater").pvalue)
    return min(false_discovery_control(p)) <= ASKED.false_share


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
def test_null_tickets_seldom_make_a_pair(reps):
    worlds = [tickets(np.random.default_rng([SEED, seed])) for seed in range(reps)]
    named = sum(enriched(rows, UNTIL, ASKED)["is_enriched"].any() for rows in worlds)
    print(f"pairs in {named} of {reps} null books, {named / reps:.3f} +- {np.sqrt(0.05 * 0.95 / reps):.3f}")
    assert named / reps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / reps)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("reps", [QUICK // 3, pytest.param(FULL, marks=pytest.mark.calibration)])
def test_counting_tickets_would_find_pairs_in_most_null_books(reps):
    found = sum(found_by_tickets(tickets(np.random.default_rng([SEED, seed]))) for seed in range(reps))
    print(f"by tickets: pairs in {found} of {reps} null books")
    assert found / reps >= 0.5


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("reps", [QUICK, pytest.param(FULL, marks=pytest.mark.calibration)])
def test_a_planted_pair_is_found(reps):
    found = 0
    for seed in range(reps):
        made = enriched(tickets(np.random.default_rng([SEED, seed]), planted=0.5), UNTIL, ASKED)
        is_it = (made["topic"] == "delay") & (made["configuration"] == "connector 3.2")
        found += bool(made.loc[is_it, "is_enriched"].any())
    print(f"the planted pair in {found} of {reps} books")
    assert found / reps >= 0.8
