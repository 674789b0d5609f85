"""The whole simulated book: all tables, block by block, and the truths behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import accounts_table, assignments_table, csms_table, features_table, make_world
from csworkbench.sampledata.business import business_tables
from csworkbench.sampledata.contracts import Contracts, make_contracts
from csworkbench.sampledata.identities import id_map_table
from csworkbench.sampledata.outreach import OutreachTruths, contents_table, outreach_tables
from csworkbench.sampledata.people import People, make_people
from csworkbench.sampledata.personal import contact_pii_table
from csworkbench.sampledata.service import (
    judgements_table,
    messages_table,
    nps_table,
    tickets_table,
    touches_table,
)
from csworkbench.sampledata.success import success_tables
from csworkbench.sampledata.truths import Truths, block_truths, joined
from csworkbench.sampledata.usage import make_users, usage_months
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BookSize, World

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SampleBook:
    """A simulated book in memory.

    Args:
        size: Size and seed.
        frames: Table name -> frame with the columns of `csworkbench.tables`; days and instants as datetime64[s] (UTC).
        truths: What was planted.
    """

    size: BookSize
    frames: Mapping[str, pd.DataFrame]
    truths: Truths


@dataclass(frozen=True, slots=True)
class Block:
    """Up to BLOCK_ACCOUNTS accounts of a book with all that belongs to them, before their usage is drawn.

    Args:
        frames: All tables but `usage_daily`; those that belong to no account (features, csms) only in the first block.
        usage: `usage_daily` month by month, sorted; can be read once.
        truths: What was planted in these accounts.
    """

    frames: Mapping[str, pd.DataFrame]
    usage: Iterator[pd.DataFrame]
    truths: Truths


def blocks(size: BookSize) -> Iterator[Block]:
    """Yield the blocks of a book one after the other; none depends on another."""
    for number in range(-(-size.accounts // BLOCK_ACCOUNTS)):
        yield _block(size, number)


def _block(size: BookSize, number: int) -> Block:
    world = make_world(size, number)
    contracts = make_contracts(world)
    assignments = assignments_table(world, contracts)
    users = make_users(world, contracts.churned_at)
    frames = {
        "accounts": accounts_table(world, contracts),
        "subscriptions": contracts.subscriptions,
        "renewals": contracts.renewals,
        "tickets": tickets_table(world, contracts, users),
        "nps_responses": nps_table(world, contracts, users),
        "assignments": assignments,
        "touches": touches_table(world, contracts, users, assignments),
        "judgements": judgements_table(world, contracts, assignments),
    }
    met = [("tickets", "opened_at"), ("nps_responses", "invited_at"), ("touches", "sent_at")]
    people = make_people(
        world, contracts, users, assignments, tuple(frames[name].rename(columns={at: "at"}) for name, at in met)
    )
    plans, success = success_tables(world, contracts, people)
    around, business = business_tables(world, contracts, people, plans["plans"])
    more, outreach = _with_people(world, contracts, people, (frames, plans["touches"]))
    once = {"features": features_table(), "csms": csms_table(), "contents": contents_table(size)} if number == 0 else {}
    truths = block_truths(world, contracts, (outreach, success, business))
    return Block(MappingProxyType({**plans, **around, **frames, **more, **once}), usage_months(world, users), truths)


def _with_people(
    world: World, contracts: Contracts, people: People, drawn: tuple[Mapping[str, pd.DataFrame], pd.DataFrame]
) -> tuple[Mapping[str, pd.DataFrame], OutreachTruths]:
    """Return the tables of the people of a block and of what is sent to them.

    `drawn` = the tables so far, and the touches of plans; `touches` of the result is all of them and more.
    """
    frames, others = drawn
    touches = frames["touches"]
    mailed = touches.loc[touches["channel"] == "email", "contact_id"]
    pii = contact_pii_table(people, frames["accounts"], mailed)
    outreach, truths = outreach_tables(people, pii, touches, others)
    own = {
        "contacts": people.contacts,
        "contact_pii": pii,
        "id_map": id_map_table(people, frames["accounts"]),
        "messages": messages_table(world, contracts, people),
    }
    return {**own, **outreach}, truths


def simulate(accounts: int = 600, months: int = 24, seed: int = 20260930, end: date = date(2026, 9, 30)) -> SampleBook:
    """Return a simulated customer book in memory.

    Args:
        accounts: Number of accounts: 15 % large, 30 % mid, 55 % small.
        months: Calendar months of history up to and with the month of `end`.
        seed: The same size and seed give the same content.
        end: Last day of the book.

    Returns:
        The book. About 1,300 usage rows an account: above 20,000 accounts use `write` with a BookSize, which streams.

    Raises:
        ConfigError: A value is outside its bounds.
    """
    import pandas as pd

    size = BookSize(accounts, months, seed, end)
    parts: dict[str, list[pd.DataFrame]] = {}
    truths = []
    for block in blocks(size):
        for name, frame in block.frames.items():
            parts.setdefault(name, []).append(frame)
        parts.setdefault("usage_daily", []).extend(block.usage)
        truths.append(block.truths)
    frames = {name: pd.concat(part, ignore_index=True) for name, part in parts.items()}
    return SampleBook(size, MappingProxyType(frames), joined(truths))
