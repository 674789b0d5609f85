"""Subscriptions and renewals, drawn from the planted renewal model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import CURRENCY
from csworkbench.sampledata.world import World, logistic, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

LOOK_BACK_MONTHS = 3  # the renewal model reads the mean engagement of the three months before the month of the due date


@dataclass(frozen=True, slots=True)
class RenewalModel:
    """Planted coefficients of the logistic model of a lost renewal.

    logit P(churned) = intercept + engagement * e + first_term * [first renewal] + small * [small] + large * [large],
    where e is the mean engagement of the LOOK_BACK_MONTHS months before the month of the due date.
    """

    intercept: float = -2.15
    engagement: float = -1.1
    first_term: float = 0.35
    small: float = 0.3
    large: float = -0.5


RENEWAL = RenewalModel()


@dataclass(frozen=True, slots=True)
class Contracts:
    """What became of each account's contract.

    Args:
        subscriptions: Table `subscriptions`.
        renewals: Table `renewals`.
        truth: One row per decided renewal: renewal_id, account_id, engagement, is_first, tier, p_churned, is_lost.
        churned_at: One instant per account, NaT while it is a customer.
        mrr: Monthly amount per account at the end (of the last term for those who left; 0 before the first one).
    """

    subscriptions: pd.DataFrame
    renewals: pd.DataFrame
    truth: pd.DataFrame
    churned_at: Times
    mrr: Floats


@dataclass(frozen=True, slots=True)
class _Term:
    """One term of the accounts that have it: everything is aligned with `rows`."""

    number: int
    rows: Ints
    start: Times
    due: Times


@dataclass(slots=True)
class _Book:
    """The running state while the terms are walked through: one value per account, and the rows written so far."""

    mrr: Floats
    target: Floats
    seats: Ints
    is_running: Flags
    churned_at: Times
    change: Texts
    known_at: Times
    subscriptions: list[pd.DataFrame]
    renewals: list[pd.DataFrame]
    truth: list[pd.DataFrame]


def make_contracts(world: World) -> Contracts:
    """Return subscriptions and renewals of all accounts, term by term; renewals start with the book."""
    import numpy as np
    import pandas as pd

    rng = world.stream("contracts")
    book = _opening(world)
    for term in _terms(world, book):
        _write_term(world, book, term)
        _upgrade(world, book, term, rng)
        is_in_book = term.due >= world.size.start
        _decide(
            world, book, _Term(term.number, term.rows[is_in_book], term.start[is_in_book], term.due[is_in_book]), rng
        )
    has_paid = world.traits["paid"].to_numpy("datetime64[D]") <= np.datetime64(world.size.end, "D")
    return Contracts(
        pd.concat(book.subscriptions).sort_values(["subscription_id", "start_date"], ignore_index=True),
        pd.concat(book.renewals).sort_values("renewal_id", ignore_index=True),
        pd.concat(book.truth).sort_values("renewal_id", ignore_index=True),
        book.churned_at,
        np.where(has_paid, book.mrr, 0.0),
    )


def _opening(world: World) -> _Book:
    import numpy as np

    traits, count = world.traits, world.accounts
    never = np.full(count, np.datetime64("NaT", "s"))
    mrr = np.round(traits["seats"].to_numpy() * traits["price"].to_numpy(), 2)
    return _Book(
        mrr=mrr,
        target=mrr.copy(),
        seats=traits["seats"].to_numpy().copy(),
        is_running=np.ones(count, dtype=bool),
        churned_at=never,
        change=np.full(count, "new", dtype=object),
        known_at=never.copy(),
        subscriptions=[],
        renewals=[],
        truth=[],
    )


def _terms(world: World, book: _Book) -> Iterator[_Term]:
    """Yield the first, second, ... term of all accounts that still run, until no term starts within the book."""
    import numpy as np

    for number in itertools.count(1):
        start = _first_day(world.traits, number - 1)
        due = _first_day(world.traits, number) - np.timedelta64(1, "D")
        rows = np.flatnonzero(book.is_running & (start <= np.datetime64(world.size.end, "D")))
        if number > 1 and not rows.size:
            return
        yield _Term(number, rows, start[rows], due[rows])


def _first_day(traits: pd.DataFrame, terms: int) -> Times:
    """Return the first day after so many full terms, the day of month clipped to 28."""
    import numpy as np

    paid = traits["paid"].to_numpy("datetime64[D]")
    month = paid.astype("datetime64[M]")
    day = np.minimum((paid - month).astype(np.int64), 27)
    shifted = (month + terms * traits["term_months"].to_numpy()).astype("datetime64[D]") + day
    return paid if terms == 0 else np.asarray(shifted)


def _write_term(world: World, book: _Book, term: _Term) -> None:
    book.target[term.rows] = book.mrr[term.rows] * world.traits["term_months"].to_numpy()[term.rows]
    book.subscriptions.append(_subscription_rows(world, book, term, book.change[term.rows], book.known_at[term.rows]))


def _subscription_rows(
    world: World,
    book: _Book,
    term: _Term,
    change: Texts,
    known_at: Times,
) -> pd.DataFrame:
    import pandas as pd

    traits = world.traits.iloc[term.rows]
    return pd.DataFrame(
        {
            "subscription_id": "S" + traits["account_id"].str[1:],
            "start_date": term.start,
            "account_id": traits["account_id"],
            "product": "analytics",
            "plan": traits["plan"],
            "seats": pd.Series(book.seats[term.rows], traits.index).astype("Int64").mask(traits["site_licence"]),
            "mrr": book.mrr[term.rows],
            "currency": traits["region"].map(CURRENCY),
            "end_date": term.due,
            "auto_renew": traits["term_months"] == 6,
            "change_type": change,
            "known_at": known_at,
        }
    )


def _upgrade(world: World, book: _Book, term: _Term, rng: np.random.Generator) -> None:
    """Add seats in the middle of a term: a further row of the same subscription and term."""
    import numpy as np

    count = len(term.rows)
    length = (term.due - term.start).astype(np.int64)
    day = term.start + np.round(length * rng.uniform(0.2, 0.7, count)).astype("timedelta64[D]")
    chance = 0.25 * logistic(world.engagement[term.rows, world.month_index(day)] - 0.5)
    is_upgrade = (rng.random(count) < chance) & (day <= np.datetime64(world.size.end, "D"))
    rows = term.rows[is_upgrade]
    more = np.maximum(1, np.round(book.seats[rows] * rng.uniform(0.1, 0.3, count)[is_upgrade])).astype(np.int64)
    book.mrr[rows] = np.round(book.mrr[rows] * (1 + more / book.seats[rows]), 2)
    book.seats[rows] += more
    later = _Term(term.number, rows, day[is_upgrade], term.due[is_upgrade])
    unknown = np.full(len(rows), np.datetime64("NaT", "s"))
    book.subscriptions.append(
        _subscription_rows(world, book, later, np.full(len(rows), "upgrade", dtype=object), unknown)
    )


def _decide(world: World, book: _Book, term: _Term, rng: np.random.Generator) -> None:
    """Draw what becomes of the renewals due; what is decided after the end of the book stays open."""
    import numpy as np

    chance, engagement = _p_churned(world, term)
    decided_at = _decision_times(term, rng)
    is_open = decided_at > world.size.last_second
    is_lost = rng.random(len(term.rows)) < chance
    ratio = np.where(is_lost, 0.0, _share_kept(engagement, rng))
    months = world.traits["term_months"].to_numpy()[term.rows]
    final = np.round(np.round(book.mrr[term.rows] * ratio, 2) * months, 2)
    outcome = np.where(is_open, "open", _outcome(final, book.target[term.rows])).astype(object)
    _write_renewals(world, book, term, (decided_at, outcome, final), rng)
    truth = _truth_rows(world.traits.iloc[term.rows], term, engagement, chance)
    book.truth.append(truth.assign(is_lost=is_lost)[~is_open])
    _carry_over(book, term, (decided_at, outcome, ratio))


def _p_churned(world: World, term: _Term) -> tuple[Floats, Floats]:
    """Return the planted probability of losing each renewal, and the engagement it rests on."""
    import numpy as np

    month = world.month_index(term.due)
    back = np.clip(month[:, None] - np.arange(1, LOOK_BACK_MONTHS + 1)[None, :], 0, None)
    engagement = world.engagement[term.rows[:, None], back].mean(axis=1)
    tier = world.traits["tier"].to_numpy()[term.rows]
    logit = (
        RENEWAL.intercept
        + RENEWAL.engagement * engagement
        + RENEWAL.first_term * (term.number == 1)
        + RENEWAL.small * (tier == "small")
        + RENEWAL.large * (tier == "large")
    )
    return logistic(logit), engagement


def _decision_times(term: _Term, rng: np.random.Generator) -> Times:
    """Return when each renewal is decided: within 35 days before it is due, 4 of 100 up to 60 days late."""
    import numpy as np

    count = len(term.rows)
    days = np.where(rng.random(count) < 0.04, rng.integers(3, 61, count), -rng.integers(1, 36, count))
    seconds = rng.integers(7 * 3600, 16 * 3600, count)
    decided = (term.due + days.astype("timedelta64[D]")).astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    opened = term.start.astype("datetime64[s]") + np.timedelta64(86_400, "s")
    return np.asarray(np.maximum(decided, opened))


def _share_kept(engagement: Floats, rng: np.random.Generator) -> Floats:
    """Return the share of its monthly amount an account that stays renews: less than 1, 1, or more."""
    import numpy as np

    count = len(engagement)
    is_less = rng.random(count) < logistic(-2.4 - 0.8 * engagement)
    is_more = rng.random(count) < logistic(-1.8 + 0.6 * engagement)
    return np.where(is_less, rng.uniform(0.5, 0.9, count), np.where(is_more, rng.uniform(1.08, 1.5, count), 1.0))


def _outcome(final: Floats, target: Floats) -> NDArray[np.str_]:
    """Return the outcome the amounts say: seats added during the term count as upsell."""
    import numpy as np

    return np.select(
        [final == 0, final < 0.98 * target, final > 1.02 * target], ["churned", "partial", "upsell"], "renewed"
    )


_Decision = tuple["Times", "Texts", "Floats"]  # when, outcome, amount or share kept


def _write_renewals(world: World, book: _Book, term: _Term, decision: _Decision, rng: np.random.Generator) -> None:
    import numpy as np
    import pandas as pd

    decided_at, outcome, final = decision
    traits = world.traits.iloc[term.rows]
    is_open = outcome == "open"
    book.renewals.append(
        pd.DataFrame(
            {
                "renewal_id": _renewal_ids(traits, term.number),
                "account_id": traits["account_id"],
                "due_date": term.due,
                "target_amount": np.round(book.target[term.rows], 2),
                "decided_at": np.where(is_open, np.datetime64("NaT", "s"), decided_at),
                "outcome": outcome,
                "final_amount": np.where(is_open, np.nan, final),
                "reason": _reasons(outcome, rng),
                "currency": traits["region"].map(CURRENCY),
                "known_at": term.start.astype("datetime64[s]"),
            }
        )
    )


def _renewal_ids(traits: pd.DataFrame, number: int) -> pd.Series[str]:
    return "R" + traits["account_id"].str[1:] + f"-{number:02d}"


def _reasons(outcome: Texts, rng: np.random.Generator) -> Texts:
    import numpy as np

    less = rng.choice(
        np.array(["price", "low_usage", "competitor", "budget_cut", "product_fit", "company_closed"], dtype=object),
        len(outcome),
        p=[0.24, 0.28, 0.16, 0.18, 0.1, 0.04],
    )
    more = rng.choice(np.array(["more_seats", "new_team", "higher_plan"], dtype=object), len(outcome))
    is_less, is_more = np.isin(outcome, ["churned", "partial"]), outcome == "upsell"
    return np.where(is_less, less, only(is_more, more))


def _truth_rows(traits: pd.DataFrame, term: _Term, engagement: Floats, chance: Floats) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "renewal_id": _renewal_ids(traits, term.number),
            "account_id": traits["account_id"],
            "engagement": engagement,
            "is_first": term.number == 1,
            "tier": traits["tier"],
            "p_churned": chance,
        }
    )


def _carry_over(book: _Book, term: _Term, decision: _Decision) -> None:
    """End the accounts that left or have not decided; the others take the new amount and seats into the next term."""
    import numpy as np

    decided_at, outcome, ratio = decision
    rows = term.rows
    next_start = (term.due + np.timedelta64(1, "D")).astype("datetime64[s]")
    is_lost, stays = outcome == "churned", ~np.isin(outcome, ["churned", "open"])
    book.churned_at[rows[is_lost]] = np.maximum(decided_at, next_start)[is_lost]
    book.is_running[rows] = stays
    kept = rows[stays]
    book.mrr[kept] = np.round(book.mrr[kept] * ratio[stays], 2)
    book.seats[kept] = np.maximum(1, np.round(book.seats[kept] * ratio[stays])).astype(np.int64)
    book.change[rows] = np.where(ratio < 1, "downgrade", np.where(ratio > 1, "upgrade", "renew"))
    book.known_at[rows] = np.where(decided_at > next_start, decided_at, np.datetime64("NaT", "s"))
