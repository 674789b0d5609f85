"""The start-order lottery: when more accounts are eligible than can start, a lot decides who starts first.

Those who wait are then a fair comparison for those who started, so that the next validation of the playbook is an
experiment. The order is written down before the first start: as a release it stands in records/ and is drawn once.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.official import Official, read_official
from csworkbench.assignment import Place, Unit, order
from csworkbench.estimates import Message, Release, say
from csworkbench.playbooks import Playbook, Status

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "lotteries"
ORDER = ["lottery", "account_id", "playbook", "playbook_version", "stratum", "start_order", "starts_now", "eligible_on"]
LEFT, OUTSIDE, NOT_KNOWN = "left", "outside the scope", "attribute not known"
HAD, BUSY, WAITS, ABOVE = (
    "has had this playbook",
    "another plan is running",
    "waits in a lottery",
    "not below the threshold",
)


@dataclass(frozen=True, slots=True, eq=False)
class Lottery:
    """A drawn start order.

    Args:
        id: Its name, the playbook and the month.
        playbook: Id of the playbook.
        order: One row per account, the first one first: lottery, account_id, playbook, playbook_version, stratum,
            start_order (from 1), starts_now (one of the first `capacity`), eligible_on.
        registration: One row per item: item, value; the last row is the sha256 of those before it, as a JSON list of
            pairs without blanks.
        action: What to do with it.
    """

    id: str
    playbook: str
    order: "pd.DataFrame"
    registration: "pd.DataFrame"
    action: Message

    @property
    def tables(self) -> "Mapping[str, pd.DataFrame]":
        """Tables of the result: the order and what is registered beside it."""
        return {f"lottery_{self.playbook}": self.order, f"lottery_{self.playbook}_registration": self.registration}

    @property
    def release(self) -> Release:
        """The offer to make the order official, once."""
        name = f"lottery_{self.playbook}"
        return Release(name, f"{FOLDER}/{self.id}", beside=(f"{name}_registration",), is_once=True)


def eligible(
    playbook: Playbook,
    accounts: "pd.DataFrame",
    plans: "pd.DataFrame",
    orders: "pd.DataFrame",
    level: "pd.Series[float] | None" = None,
) -> "pd.DataFrame":
    """Return which accounts could start a playbook, and why the others could not.

    Args:
        playbook: The playbook.
        accounts: Accounts by account_id: left_on, and the attributes of its scope.
        plans: Plans: account_id, playbook, started_on, closed_on.
        orders: Official orders: account_id, playbook; who stands in one of this playbook is not drawn again.
        level: What `starts_when` compares, by account_id; None = not known, so nobody is left out for it.

    Returns:
        One row per account in the order of the ids: account_id, why ("" = eligible).
    """
    import numpy as np
    import pandas as pd

    own = plans[plans["playbook"] == playbook.id]
    running = plans[plans["started_on"].notna() & plans["closed_on"].isna()]
    drawn = orders.loc[orders["playbook"] == playbook.id, "account_id"]
    where = playbook.scope.where
    values = {name: accounts[name] if name in accounts.columns else None for name in where}
    unknown = [found.isna() if found is not None else pd.Series(True, accounts.index) for found in values.values()]
    outside = [~found.isin(list(where[name])) for name, found in values.items() if found is not None]
    rules: list[tuple[pd.Series[bool], str]] = [
        (accounts["left_on"].notna(), LEFT),
        *((each, NOT_KNOWN) for each in unknown),
        *((each, OUTSIDE) for each in outside),
        (accounts.index.to_series().isin(own["account_id"]), HAD),
        (accounts.index.to_series().isin(running["account_id"]), BUSY),
        (accounts.index.to_series().isin(drawn), WAITS),
    ]
    if playbook.starts_when is not None and level is not None:
        rules.append((~level.reindex(accounts.index).lt(playbook.starts_when.below), ABOVE))
    why = np.select([found.to_numpy() for found, _ in rules], [word for _, word in rules], "")
    return pd.DataFrame({"account_id": accounts.index, "why": why}).sort_values("account_id", ignore_index=True)


def draw(
    playbook: Playbook,
    strata: Mapping[str, str],
    capacity: int,
    as_of: date,
    *,
    seed: int = 1,
    official: Collection[str] = (),
) -> Lottery | None:
    """Return the start order of a playbook.

    Args:
        playbook: An active or narrowed playbook, or a draft to try.
        strata: Eligible account -> its group, such as the tier, over each of which the order is spread.
        capacity: Plans that can start now, at least 1.
        as_of: Date of the draw.
        seed: Number that belongs to the name of the draw.
        official: Names of the official lotteries: a month has one draw.

    Returns:
        The lottery; None where all can start, the playbook is under redesign or retired, or the draw of this month is
        official: then there is nothing to draw.

    Raises:
        ValueError: capacity is below 1.
    """
    import pandas as pd

    if capacity < 1:
        raise ValueError(f"capacity must be at least 1, not {capacity}")
    name = f"{playbook.id}-{as_of:%Y-%m}"
    is_used = playbook.status not in (Status.REDESIGN, Status.RETIRED)
    if len(strata) <= capacity or not is_used or name in official:
        return None
    places = order([Unit(account, stratum) for account, stratum in strata.items()], f"{name}/{seed}")
    rows = [
        (name, each.unit_id, playbook.id, playbook.version, each.stratum, each.place, each.place <= capacity, as_of)
        for each in places
    ]
    registered = [(item, str(value)) for item, value in _items(name, playbook, places, capacity, (as_of, seed))]
    registered.append(("sha256", digest_of(registered)))
    return Lottery(
        name,
        playbook.id,
        pd.DataFrame(rows, columns=ORDER).astype({"eligible_on": "datetime64[s]"}),
        pd.DataFrame(registered, columns=["item", "value"]),
        say(
            "{waiting:n account|accounts} must wait for {title}: release the drawn order (csw release latest "
            "plan_validation {table}), then start the first {capacity:count} in it; those who wait make the next "
            "validation an experiment",
            table=f"lottery_{playbook.id}",
            waiting=len(strata) - capacity,
            title=playbook.title,
            capacity=capacity,
        ),
    )


def digest_of(rows: Sequence[tuple[str, str]]) -> str:
    """Return the sha256 of items and values: of their JSON list of pairs, without blanks, in UTF-8.

    Args:
        rows: Items and values, in order.
    """
    return sha256(
        json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def _items(
    name: str, playbook: Playbook, places: Sequence[Place], capacity: int, drawn: tuple[date, int]
) -> Iterator[tuple[str, object]]:
    as_of, seed = drawn
    yield "lottery", name
    yield "question", f"Does {playbook.title} do anything for the accounts it was not written for?"
    yield "playbook", playbook.id
    yield "playbook_version", playbook.version
    yield "registered_as_of", as_of
    yield "seed", f"{name}/{seed}"
    for goal in playbook.goals:
        yield f"outcome.{goal.metric}", f"{goal.direction}, goal {goal.uplift:g}"
    if playbook.trait is not None:
        yield "trait", f"{playbook.trait.name}: {', '.join(playbook.trait.expected)}"
    yield "comparison", "accounts that started against those that wait, adjusted for two periods before the draw"
    yield "accounts", len(places)
    yield "capacity", capacity
    for stratum in sorted({each.stratum for each in places}):
        yield f"accounts.{stratum}", sum(each.stratum == stratum for each in places)
    yield "order_sha256", digest_of([(str(each.place), each.unit_id) for each in places])


def recorded(texts: Mapping[str, str]) -> Official:
    """Return the official orders of records/lotteries.

    Args:
        texts: Name of the file -> its text, as `FromFolder("*.csv")` gives them.

    Returns:
        One row per lottery and account, as `Lottery.order`, and what is wrong with some lists.
    """
    import pandas as pd

    found = read_official(texts, FOLDER, ORDER)
    rows = found.rows
    typed = rows.assign(
        start_order=rows["start_order"].astype("int64"),
        starts_now=rows["starts_now"].str.lower().eq("true"),
        eligible_on=pd.to_datetime(rows["eligible_on"]).astype("datetime64[s]"),
    )
    return Official(typed, found.problems)


def with_orders(plans: "pd.DataFrame", orders: "pd.DataFrame") -> "pd.DataFrame":
    """Return the plans with the official orders: who was drawn when.

    Args:
        plans: One row per plan, by plan_id: account_id, playbook, created_on, started_on, closed_on, lottery,
            start_order.
        orders: From `recorded`.

    Returns:
        The same rows and columns. The first plan of an account with the playbook that started on the day of the draw
        or later, or else waits to start, gets lottery and start_order of the record, whenever it was written and
        whatever is typed in it; other plans that name an official lottery are none of it. What a plan says of any other
        lottery is kept, and is no more than its word.
    """
    if orders.empty:
        return plans
    known = _firsts(plans, orders).drop_duplicates("plan_id").set_index("plan_id")
    typed = plans.loc[~plans["lottery"].isin(orders["lottery"]), ["lottery", "start_order"]].reindex(plans.index)
    is_drawn = plans.index.isin(known.index)
    return plans.assign(
        lottery=typed["lottery"].mask(is_drawn, known["lottery"].reindex(plans.index)),
        start_order=typed["start_order"].mask(is_drawn, known["start_order"].reindex(plans.index).astype("float64")),
    )


def without_plan(plans: "pd.DataFrame", orders: "pd.DataFrame") -> "pd.DataFrame":
    """Return the accounts of the official orders that have no plan of the playbook that could start since the draw.

    They are no plans: nothing is judged, counted or doubted of them, and only a comparison may read them.

    Args:
        plans: One row per plan, by plan_id: account_id, playbook, created_on, started_on, closed_on.
        orders: From `recorded`.

    Returns:
        One row per lottery and account: lottery, account_id, playbook, start_order (number).
    """
    import pandas as pd

    keys = ["lottery", "account_id"]
    begun = pd.MultiIndex.from_frame(_firsts(plans, orders)[keys])
    waits = orders[~pd.MultiIndex.from_frame(orders[keys]).isin(begun)]
    found: pd.DataFrame = waits[[*keys, "playbook", "start_order"]].astype({"start_order": "float64"})
    return found.reset_index(drop=True)


def _firsts(plans: "pd.DataFrame", orders: "pd.DataFrame") -> "pd.DataFrame":
    """Return the plan of each account of an order that came of the draw, though a draft may have been there before.

    It is the first that started on the day of the draw or later; where none did, the first that was still open then.
    """
    own = plans.reset_index()[["plan_id", "account_id", "playbook", "created_on", "started_on", "closed_on"]]
    pairs = orders.merge(own, on=["account_id", "playbook"])
    is_open = pairs["started_on"].isna() & ~(pairs["closed_on"] < pairs["eligible_on"])
    later = pairs[(pairs["started_on"] >= pairs["eligible_on"]) | is_open]
    return later.sort_values(["started_on", "created_on", "plan_id"]).drop_duplicates(["lottery", "account_id"])
