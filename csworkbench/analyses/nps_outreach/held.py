"""What the holdout of each program can show, and when: said before anybody waits for it."""

from math import inf
from typing import TYPE_CHECKING

from csworkbench.analyses.nps_outreach.evidence import STEM
from csworkbench.analyses.nps_outreach.lists import Lists
from csworkbench.analyses.nps_outreach.settings import HUMAN, Config
from csworkbench.inference.power import Demand, smallest_by_holdout
from csworkbench.policy import Reason

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS, BAND, MOST_YEARS = 365, 0.99, 50


def holdout_table(made: Lists, config: Config, book: int) -> "pd.DataFrame":
    """Return, per automated program, who was held out by lot this week and what the holdout can show.

    A year brings as many accounts as the answers of one window do, times the windows of a year: every answer is acted
    on once, and an account counts once however often it comes back. The smallest difference is of a yes-or-no outcome
    between accounts listed and held out.

    Args:
        made: Decisions of the week.
        config: Share held out, level, power, the share of accounts with the outcome, and what is worth knowing.
        book: Accounts of the book: more than those no number of years brings.

    Returns:
        One row per program: program, rule, accounts (that could have been contacted), held (of them), share (held of
        accounts), low, high (band of held: 99 of 100 draws lie in it), per_year (accounts), smallest_share (smallest
        difference after a year, missing = none), smallest_3_years_share (after three), years_to_worth (until the
        difference worth knowing is visible, missing = more than 50 years or never).
    """
    import pandas as pd
    from scipy.stats import binom

    demand, held_share = Demand(config.level, config.holdout.power), config.holdout.share
    rows = []
    for rule in (name for name in config.lists if name not in HUMAN and not config.lists[name].is_must_do):
        asked = made.decided[made.decided["rule"] == rule]
        could = asked[asked["is_listed"] | (asked["reason"] == Reason.HOLDOUT.value)]
        accounts = int(could["account_id"].nunique())
        held = int(could.loc[could["reason"] == Reason.HOLDOUT.value, "account_id"].nunique())
        low, high = (int(bound) for bound in binom.interval(BAND, accounts, held_share)) if accounts else (0, 0)
        per_year = accounts * YEAR_DAYS / config.window_days
        met = [min(per_year * years, book) for years in range(1, MOST_YEARS + 1)]
        seen = [smallest_by_holdout(config.holdout.base, each, held_share, demand) for each in met]
        years = next((n for n, each in enumerate(seen, 1) if (each or inf) <= config.holdout.worth), None)
        share = held / accounts if accounts else None
        rows.append((f"{STEM}.{rule}", rule, accounts, held, share, low, high, round(met[0]), seen[0], seen[2], years))
    columns = [
        "program", "rule", "accounts", "held", "share", "low", "high", "per_year", "smallest_share",
        "smallest_3_years_share", "years_to_worth",
    ]  # fmt: skip
    kinds = dict.fromkeys(["share", "smallest_share", "smallest_3_years_share"], "float64") | {
        "years_to_worth": "Int64"
    }
    return pd.DataFrame(rows, columns=columns).astype(kinds)
