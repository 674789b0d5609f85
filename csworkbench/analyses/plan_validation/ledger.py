"""The recovery ledger: who got out of the worst band or left, what was going on before, and before those who stayed.

Risk sets: an account that recovers between two dates is compared with the accounts that were in the worst band at the
first of them, of the same tier, and were still there at the second. What was going on is looked at in one fixed window
before the first date, for both alike. Drivers are tested on the first change of each account, which is in risk sets
until then: one that swings would count again and again. Nobody drew lots, so the ledger says what came before, never
what helped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say
from csworkbench.features.estimating import ratio_of
from csworkbench.inference.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    import pandas as pd

RECOVERED, LOST, STAYED = "recovered", "lost", "stayed"
MATCHES = {RECOVERED: (STAYED,), LOST: (STAYED, RECOVERED)}
"""Outcome -> what its matches came to: who recovered also stayed as far as losses go."""
STRATA = ["from_on", "from_band", "tier"]
LEAST_EVENTS = 10
KEYS = ["account_id", "snapshot_on"]
ROWS = ["outcome", "from_on", "to_on", "from_band", "to_band", "tier", "held", "matched"]
COLUMNS = [
    "outcome", "driver", "label", "events", "with_driver", "share", "matched_share", "odds_ratio", "low", "high", "p",
    "p_holm", "p_bh", "reads",
]  # fmt: skip
MORE, LESS, OPEN, FEW = "more often before", "less often before", "no difference shown", "too few to tell"


@dataclass(frozen=True, slots=True)
class Driver:
    """Something that may have been going on.

    Args:
        column: Column of the facts.
        at_least: From this value on it counts as going on.
        label: Name on pages.
    """

    column: str
    at_least: float
    label: str


DRIVERS = (
    Driver("plans_running", 1, "A plan was running"),
    Driver("plans_landed", 1, "A plan landed"),
    Driver("human_touches", 2, "Two or more calls or visits"),
    Driver("tech_touches", 8, "Eight or more automatic mails"),
    Driver("tickets_opened", 1, "A ticket was opened"),
    Driver("tickets_resolved", 1, "A ticket was resolved"),
    Driver("usage_change", 0.1, "Use rose by a tenth or more"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """What the ledger holds.

    Args:
        rows: One row per account that recovered or was lost, newest first: account_id, outcome, from_on, to_on (days
            between which it happened), from_band, to_band ("" = lost), tier, held (recovered ones: whether the band was
            still better a month later; missing = not known yet), matched (accounts it is compared with), then the facts
            of the window before from_on.
        drivers: One row per outcome and driver: outcome, driver, label, events (the first of each account), with_driver
            (of them), share,
            matched_share (of those who stayed at the same date, band and tier), odds_ratio, low, high (missing = cannot
            tell), p, p_holm, p_bh, reads. The interval leaves out 1 exactly where p_holm is below 1 - level.
        figures: recovered, lost (accounts), recovered_share (of account-months in the worst band).
        headline: What it comes to, in one sentence. Without history there is none, nor any figure.
        caveats: Doubts.
    """

    rows: "pd.DataFrame"
    drivers: "pd.DataFrame"
    figures: Mapping[str, Estimate]
    headline: Message | None
    caveats: tuple[Caveat, ...]


def ledger(
    history: "pd.DataFrame",
    accounts: "pd.DataFrame",
    facts: "pd.DataFrame",
    bands: Sequence[str],
    level: float = 0.95,
) -> Ledger:
    """Return the recovery ledger.

    Args:
        history: One row per month end and account that was a customer: account_id, snapshot_on, band.
        accounts: Accounts by account_id: tier, left_on (missing = still there).
        facts: One row per month end and account: account_id, snapshot_on, and what was going on in the fixed window
            before; a driver whose column is absent is left out.
        bands: Names of the bands, worst first; any other name is not scored and says nothing.
        level: Coverage of the intervals, and 1 - the share of wrong claims over all drivers of an outcome (Holm).

    Raises:
        AnalysisError: there are fewer than two bands.
    """
    if len(bands) < 2:
        raise AnalysisError("a recovery ledger needs at least two bands")
    steps = moves(history, accounts, bands)
    known = steps.merge(facts, left_on=["account_id", "from_on"], right_on=KEYS, how="left").drop(columns="snapshot_on")
    drivers = _drivers(known, level)
    rows = _rows(known, [name for name in facts.columns if name not in KEYS])
    return Ledger(
        rows,
        drivers,
        _figures(steps, bands, level),
        _headline(steps, rows, drivers),
        tuple(_caveats(steps, facts, rows)),
    )


def moves(history: "pd.DataFrame", accounts: "pd.DataFrame", bands: Sequence[str]) -> "pd.DataFrame":
    """Return what became of every account from one date to the next.

    Args:
        history: As `ledger`.
        accounts: As `ledger`.
        bands: Names of the bands, worst first.

    Returns:
        One row per account and pair of neighboring dates at which it was scored first: account_id, from_on, to_on,
        from_band, to_band, tier, outcome (recovered, lost, stayed; "" = nobody knows), held.
        Who left in between is lost, whatever the band; who stayed kept the worst band or had another, and is there.
    """
    import numpy as np
    import pandas as pd

    wide = history.set_index(["account_id", "snapshot_on"])["band"].unstack().sort_index(axis=1)  # noqa: PD010 - texts
    rank = wide.apply(lambda column: column.map({name: place for place, name in enumerate(bands)}))
    left = accounts["left_on"].reindex(wide.index)
    tier = accounts["tier"].reindex(wide.index).fillna("not known")
    parts = []
    for place, (first, last) in enumerate(zip(wide.columns[:-1], wide.columns[1:], strict=True)):
        now, then = rank[first], rank[last]
        is_lost = left.gt(first) & left.le(last)
        is_better = now.eq(0) & then.gt(0) & ~is_lost
        later = rank[wide.columns[place + 2]] if place + 2 < wide.shape[1] else then * np.nan
        part = pd.DataFrame(
            {
                "account_id": wide.index,
                "from_on": first,
                "to_on": last,
                "from_band": wide[first].to_numpy(),
                "to_band": wide[last].where(~is_lost).fillna("").to_numpy(),
                "tier": tier.to_numpy(),
                "outcome": np.select([is_lost, is_better, then.notna()], [LOST, RECOVERED, STAYED], ""),
                "held": later.gt(0).astype("boolean").where(is_better & later.notna()).to_numpy(),
            }
        )
        parts.append(part[now.notna().to_numpy()])
    return pd.concat(parts, ignore_index=True) if parts else _no_moves()


def _no_moves() -> "pd.DataFrame":
    import pandas as pd

    kinds = dict.fromkeys(["account_id", "from_on", "to_on", "from_band", "to_band", "tier", "outcome", "held"], "str")
    kinds |= {"from_on": "datetime64[s]", "to_on": "datetime64[s]", "held": "boolean"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _rows(known: "pd.DataFrame", facts: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    parts = []
    for outcome, others in MATCHES.items():
        matched = known[known["outcome"].isin(others)].groupby(STRATA).size().rename("matched")
        parts.append(known[known["outcome"] == outcome].join(matched, on=STRATA))
    counted = pd.concat(parts)
    ordered = counted.assign(matched=counted["matched"].fillna(0).astype(int)).sort_values(
        ["to_on", "account_id"], ascending=[False, True]
    )
    return ordered[["account_id", *ROWS, *facts]].reset_index(drop=True)


def _drivers(known: "pd.DataFrame", level: float) -> "pd.DataFrame":
    """Return the drivers of both outcomes, each outcome adjusted for the number of its drivers."""
    import pandas as pd

    drivers = [driver for driver in DRIVERS if driver.column in known.columns]
    outcomes = (RECOVERED, LOST) if len(known) else ()
    rows = [row for outcome in outcomes for row in _of_outcome(known, outcome, drivers, level)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_outcome(
    known: "pd.DataFrame", outcome: str, drivers: Sequence[Driver], level: float
) -> "Iterator[tuple[object, ...]]":
    rows = _until_first(known[known["outcome"].isin([outcome, *MATCHES[outcome]])], outcome)
    if outcome == RECOVERED:
        rows = rows[rows["from_band"].isin(set(rows.loc[rows["outcome"] == RECOVERED, "from_band"]))]
    counts = [_counts(rows, outcome, driver) for driver in drivers]
    tested = [place for place, each in enumerate(counts) if each.odds is not None]
    p = [counts[place].p for place in tested]
    strict, shared = holm(p, 1 - level), benjamini_hochberg(p, 1 - level)
    adjusted = {place: (strict.p[at], shared.p[at], strict.levels[at]) for at, place in enumerate(tested)}
    for place, (driver, found) in enumerate(zip(drivers, counts, strict=True)):
        head = (outcome, driver.column, driver.label, found.events, found.exposed, found.share, found.matched_share)
        if place not in adjusted:
            yield (*head, None, None, None, None, None, None, FEW)
            continue
        p_holm, p_bh, own = adjusted[place]
        low, high = found.bounds(own)
        reads = OPEN if p_holm >= 1 - level else MORE if (found.odds or 0) > 1 else LESS
        yield (*head, found.odds, low, high, found.p, p_holm, p_bh, reads)


def _until_first(rows: "pd.DataFrame", outcome: str) -> "pd.DataFrame":
    """Return the rows of each account up to its first change of this kind."""
    ordered = rows.sort_values(["from_on", "account_id"])
    is_event = (ordered["outcome"] == outcome).astype(int)
    return ordered[is_event.groupby(ordered["account_id"]).cumsum() - is_event == 0]


@dataclass(frozen=True, slots=True)
class _Counts:
    """A driver before the events and before those who stayed, over the strata that hold both."""

    events: int
    exposed: int
    share: float | None
    matched_share: float | None
    odds: float | None = None
    log_error: float = 0.0
    p: float = 1.0

    def bounds(self, level: float) -> tuple[float, float]:
        """Return the interval of the odds ratio."""
        from math import exp, log

        from scipy.stats import norm

        width = float(norm.ppf(0.5 + level / 2)) * self.log_error
        middle = log(self.odds or 1.0)
        return exp(middle - width), exp(middle + width)


def _counts(rows: "pd.DataFrame", outcome: str, driver: Driver) -> _Counts:
    """Return the Mantel-Haenszel odds ratio of a driver over dates, bands and tiers.

    Source: Mantel and Haenszel (1959); variance of Robins, Breslow and Greenland (1986), Biometrics 42, 311-323; from
        statsmodels `StratifiedTable`. The test is that of the same interval, so that they never disagree. Rows
        without the fact are left out of its own test only.
    """
    import numpy as np
    from scipy.stats import norm
    from statsmodels.stats.contingency_tables import StratifiedTable

    kept = rows[rows[driver.column].notna()]
    is_event = (kept["outcome"] == outcome).to_numpy()
    is_on = (kept[driver.column].astype(float) >= driver.at_least).to_numpy()
    cells = [is_event & is_on, is_event & ~is_on, ~is_event & is_on, ~is_event & ~is_on]
    strata = kept.groupby(STRATA, sort=True).ngroup().to_numpy()
    size = int(strata.max()) + 1 if len(strata) else 0
    a, b, c, d = (np.bincount(strata, weights=cell, minlength=size) for cell in cells)
    both = (a + b > 0) & (c + d > 0)
    a, b, c, d = a[both], b[both], c[both], d[both]
    events, exposed = int((a + b).sum()), int(a.sum())
    if not events:
        return _Counts(0, 0, None, None)
    matched = float(((a + b) * c / (c + d)).sum() / events)
    told = _Counts(events, exposed, exposed / events, matched)
    total = a + b + c + d
    is_telling = (a * d / total).sum() > 0 and (b * c / total).sum() > 0
    if events < LEAST_EVENTS or not is_telling:
        return told
    table = StratifiedTable(np.array([[a, b], [c, d]]))
    error = float(table.logodds_pooled_se)
    p = 2 * float(norm.sf(abs(float(table.logodds_pooled)) / error))
    return _Counts(events, exposed, told.share, matched, float(table.oddsratio_pooled), error, p)


def _figures(steps: "pd.DataFrame", bands: Sequence[str], level: float) -> dict[str, Estimate]:
    """Return how many recovered and left, and how often a month in the worst band ended better."""
    if steps.empty:
        return {}
    worst = steps[(steps["from_band"] == bands[0]) & (steps["outcome"] != "")]
    n = int(worst["account_id"].nunique())
    counts = {name: int(steps.loc[steps["outcome"] == name, "account_id"].nunique()) for name in (RECOVERED, LOST)}
    figures = {name: Estimate(count, "accounts", int(steps["account_id"].nunique())) for name, count in counts.items()}
    if not n:
        return figures
    by = worst.assign(is_recovered=worst["outcome"] == RECOVERED).groupby("account_id")["is_recovered"]
    return {**figures, "recovered_share": ratio_of(by.sum().astype(float), by.size().astype(float), level)}


def _headline(steps: "pd.DataFrame", rows: "pd.DataFrame", drivers: "pd.DataFrame") -> Message | None:
    if steps.empty:
        return None
    recovered, lost = (int((rows["outcome"] == name).sum()) for name in (RECOVERED, LOST))
    seen = drivers[(drivers["outcome"] == RECOVERED) & (drivers["reads"] == MORE)]
    if seen.empty:
        return say(
            "{recovered:n recovery|recoveries} and {lost:n loss|losses}; nothing that was looked at came before "
            "recoveries more often than before accounts that stayed",
            recovered=recovered,
            lost=lost,
        )
    return say(
        "{recovered:n recovery|recoveries} and {lost:n loss|losses}; more often before recoveries than before accounts "
        "that stayed: {seen:list}",
        recovered=recovered,
        lost=lost,
        seen=seen["label"].tolist(),
    )


def _caveats(steps: "pd.DataFrame", facts: "pd.DataFrame", rows: "pd.DataFrame") -> Iterator[Caveat]:
    if steps.empty:
        yield Caveat(
            "ledger_no_history",
            Severity.NOTE,
            say("There is no history of health bands, so the recovery ledger is empty"),
            say("Run health in the same batch, with two or more months of history"),
        )
        return
    yield Caveat(
        "ledger_no_design",
        Severity.NOTE,
        say(
            "The recovery ledger compares accounts that changed with accounts that stayed at the same date, band and "
            "tier; nobody drew lots, so it says what came before, not what helped"
        ),
    )
    if "usage_change" in facts.columns:
        yield Caveat(
            "ledger_use_in_score",
            Severity.NOTE,
            say("Health is made of use among other things: rising use before a recovery is part of what it explains"),
        )
    alone = int((rows["matched"] == 0).sum())
    if alone:
        yield Caveat(
            "ledger_unmatched",
            Severity.NOTE,
            say(
                "{n:n change has|changes have} nobody of the same date, band and tier to be compared with: they are "
                "in the ledger, but in no odds ratio",
                n=alone,
            ),
        )
