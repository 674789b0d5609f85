"""Who gets the credit for which order: exact to the cent, and what nobody can be credited with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.leading import CENT, exact
from csworkbench.analyses.contents.settings import Config
from csworkbench.features.listed import NO_ONE
from csworkbench.formats import number

if TYPE_CHECKING:
    import pandas as pd

SLACK = Decimal("0.0001")  # thirds written with four digits or more still add up to 1
NO_AMOUNT, NOBODY, SHARES = "no amount", "nobody is credited", "the shares do not add up to 1"
TWICE, NO_ORDER, TOO_SMALL = "the order is recorded twice", "no order", "below the least amount of a deal"
ALL = "all orders"
LEDGER = ["order_id", "lead_id", "account_id", "person", "share", "amount", "currency", "closed_on", "is_known"]
OPEN = ["order_id", "lead_id", "account_id", "owner", "amount", "currency", "why"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a won lead brought.

    Args:
        order_id: The order; the lead where no order is recorded.
        lead: Row of the lead.
        amount: Exact amount; None = not known.
        currency: Its currency.
        closed_on: Day of the order, of closing, or missing.
    """

    order_id: str
    lead: Mapping[Any, Any]
    amount: Decimal | None
    currency: str
    closed_on: Any


def orders_of(inputs: Inputs, leads: "pd.DataFrame", config: Config) -> tuple[Order, ...]:
    """Return the orders of the won leads: those of `lead_events`, or the amount of the lead where it has none.

    Args:
        inputs: Events, and the currency of amounts that name none.
        leads: From `funnel.with_stage`.
        config: Whether a deal needs an order.
    """
    events = inputs.events[inputs.events["type"] == "ordered"]
    rows = {str(lead): mine.to_dict("records") for lead, mine in events.groupby("lead_id")}
    found = []
    for lead in leads[leads["ends"] == "won"].to_dict("records"):
        money = _text(lead["currency"]) or inputs.currency
        for row in rows.get(lead["lead_id"], ()):
            name, named = _text(row["order_id"]) or row["event_id"], _text(row["currency"]) or money
            found.append(Order(name, lead, exact(row["amount"]), named, row["occurred_on"]))
        if lead["lead_id"] not in rows:
            amount = None if config.deal.by_order else exact(lead["amount"])
            found.append(Order(lead["lead_id"], lead, amount, money, lead["closed_on"]))
    return tuple(found)


def ledger(orders: Sequence[Order], inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return who is credited with each order, and the orders nobody is credited with.

    Credit is that of the newest day with shares in `lead_events`, else all of it goes to `credit_to`. Amounts are split
    by the largest remainder, so the parts add up to the order to the cent.

    Args:
        orders: From `orders_of`.
        inputs: Events and people.
        config: What a deal is.

    Returns:
        One row per order and person: the columns LEDGER (is_known: the person is one of ours); and one row per order
        without credit: the columns OPEN, with the reason.
    """
    import pandas as pd

    times, shared = Counter(order.order_id for order in orders), _shared(inputs)
    done: list[tuple[Any, ...]] = []
    left: list[tuple[Any, ...]] = []
    for order in orders:
        lead = (order.order_id, order.lead["lead_id"], order.lead["account_id"])
        shares = shared.get(order.lead["lead_id"])
        if shares is None:
            to = _text(order.lead["credit_to"])
            shares = {to: Decimal(1)} if to else {}
        why = _why_not(order, shares, config, is_twice=times[order.order_id] > 1)
        if why or order.amount is None:
            left.append((*lead, order.lead["owner"], order.amount, order.currency, why))
            continue
        parts = split(order.amount, shares)
        done += [
            (*lead, who, share.normalize(), parts[who], order.currency, order.closed_on, who in inputs.people)
            for who, share in shares.items()
        ]
    return pd.DataFrame(done, columns=LEDGER), pd.DataFrame(left, columns=OPEN)


def _shared(inputs: Inputs) -> dict[str, dict[str, Decimal]]:
    """Return the shares of the credit of each lead that has any, those of its newest day."""
    rows = inputs.events[inputs.events["type"] == "credited"]
    found: dict[str, dict[str, Decimal]] = {}
    for lead, mine in rows.groupby("lead_id"):
        newest = mine[mine["occurred_on"] == mine["occurred_on"].max()].dropna(subset=["person"])
        shares = found.setdefault(str(lead), {})
        for who, share in zip(newest["person"], newest["share"], strict=True):
            shares[who] = shares.get(who, Decimal(0)) + (exact(share) or Decimal(0))
    return found


def _why_not(order: Order, shares: Mapping[str, Decimal], config: Config, *, is_twice: bool) -> str:
    if order.amount is None:
        return NO_ORDER if config.deal.by_order and order.order_id == order.lead["lead_id"] else NO_AMOUNT
    if order.amount < Decimal(str(config.deal.at_least)):
        return TOO_SMALL
    if is_twice:
        return TWICE
    if not shares:
        return NOBODY
    return SHARES if abs(sum(shares.values(), Decimal(0)) - 1) > SLACK else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def split(amount: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return an amount split by shares, in whole cents that add up to it; ties go to the first name.

    Args:
        amount: What is split; a part of a cent goes to the largest share.
        shares: Person -> share, together about 1.

    Source: largest remainder (Hamilton).
    """
    total = sum(shares.values())
    raw = {who: amount * share / total for who, share in shares.items()}
    parts = {who: each.quantize(CENT, ROUND_FLOOR) for who, each in raw.items()}
    rest = amount - sum(parts.values())
    for who in sorted(raw, key=lambda each: (parts[each] - raw[each], each))[: int(rest / CENT)]:
        parts[who] += CENT
    last = min(shares, key=lambda each: (-shares[each], each))
    parts[last] += amount - sum(parts.values())
    return parts


def balance_table(
    orders: Sequence[Order], credited: "pd.DataFrame", uncredited: "pd.DataFrame", language: str
) -> "pd.DataFrame":
    """Return that the credit adds up to the orders, per currency; an order that is recorded twice counts once.

    Args:
        orders: From `orders_of`.
        credited: Ledger.
        uncredited: Orders without credit.
        language: Language of the amounts in words.

    Returns:
        One row per currency: currency, orders, ordered, credited, not_credited (amounts), off (ordered less the two
        others: 0), without_amount (orders), credited_of_ordered (both in words).
    """
    import pandas as pd

    from csworkbench.formats import money

    once = {(order.currency, order.order_id): order.amount for order in orders}
    rest = uncredited.drop_duplicates(["currency", "order_id"], keep="last")
    lines = []
    for name in sorted({currency for currency, _ in once}):
        amounts = [amount for (currency, _), amount in once.items() if currency == name]
        known = [amount for amount in amounts if amount is not None]
        got = sum(credited.loc[credited["currency"] == name, "amount"], Decimal(0))
        left = sum((each for each in rest.loc[rest["currency"] == name, "amount"] if each is not None), Decimal(0))
        ordered = sum(known, Decimal(0))
        told = " / ".join(money(float(each), name, 2, language) for each in (got, ordered))
        counted = (len(amounts), ordered, got, left, ordered - got - left, len(amounts) - len(known))
        lines.append((name, *counted, told))
    columns = [
        "currency",
        "orders",
        "ordered",
        "credited",
        "not_credited",
        "off",
        "without_amount",
        "credited_of_ordered",
    ]
    return pd.DataFrame(lines, columns=columns)


def person_table(orders: Sequence[Order], credited: "pd.DataFrame", uncredited: "pd.DataFrame") -> "pd.DataFrame":
    """Return the credit of each person, in the order of names, and that it adds up to the orders.

    Args:
        orders: From `orders_of`.
        credited: Ledger.
        uncredited: Orders without credit.

    Returns:
        One row per person, one for what nobody is credited with, and one for all orders: person, orders, amount (per
        currency, exact, in words; missing where there is none), is_known (missing in the last two).
    """
    import pandas as pd

    lines: list[tuple[str, int, str | None, bool | None]] = [
        (
            str(who),
            rows["order_id"].nunique(),
            per_currency(rows["currency"], rows["amount"]),
            bool(rows["is_known"].all()),
        )
        for who, rows in credited.groupby("person", sort=True)
    ]
    if orders:
        once = {(order.currency, order.order_id): order.amount for order in orders}
        left = uncredited.drop_duplicates(["currency", "order_id"], keep="last")
        lines += [
            (NO_ONE, len(left), per_currency(left["currency"], left["amount"]) or None, None),
            (ALL, len(once), per_currency((currency for currency, _ in once), once.values()) or None, None),
        ]
    return pd.DataFrame(lines, columns=["person", "orders", "amount", "is_known"])


def per_currency(currencies: Iterable[str], amounts: Iterable[Decimal | None]) -> str:
    """Return sums per currency, such as "EUR 12,300.00 + SEK 400.00" in English: they are never added up across.

    Args:
        currencies: Currency of each amount.
        amounts: Exact amounts; None does not count.
    """
    sums: dict[str, Decimal] = {}
    for currency, amount in zip(currencies, amounts, strict=True):
        if amount is not None:
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return " + ".join(f"{name} {number(float(total), 2)}" for name, total in sorted(sums.items()))
