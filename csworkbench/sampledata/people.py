"""The contacts of the accounts: who they are, when they came and left, and the champions that were replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.draws import contact_ids, csm_on, pick, presence
from csworkbench.sampledata.world import World, only

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.usage import Users
    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

KNOWN_PEOPLE = 4  # so many users of an account are contacts in any case, as the NPS survey asks up to so many
LEADING = ("champion", "admin", "buyer", "exec")  # roles of the first people of an account
REPLACED_SHARE = 0.2  # of the large and mid accounts, where somebody was not seen any more in the last two months
SECOND_RECORDS = 0.004  # of the people have a second record
ADDED_WAYS = ("signup", "import", "csm", "event", "form", "referral")
TAGS = (None, "beta", "newsletter", "trained", "beta;trained")


@dataclass(frozen=True, slots=True)
class People:
    """The people of a block at its accounts, and who looks after them.

    Args:
        users: Users of the product.
        contacts: Table `contacts`, one row per person, in the order of account and contact_id.
        account: Number of the account of each row of `contacts`.
        assignments: Table `assignments`.
        world: The world of the block.
        account_left: When each account left, NaT while it is a customer.
        second_records: Rows of `contacts` that are a second record of a person, and the rows of the first ones.
    """

    users: Users
    contacts: pd.DataFrame
    account: Ints
    assignments: pd.DataFrame
    world: World
    account_left: Times
    second_records: tuple[Ints, Ints]

    def csm_at(self, account: Ints, at: Times) -> Texts:
        """Return who looked after each account (by number) at an instant or day, None where nobody did."""
        return csm_on(self.assignments, self.world.traits["account_id"].array[account], at.astype("datetime64[s]"))

    def contact_at(self, account: Ints, at: Times, share: Floats) -> Texts:
        """Return a contact of each account who is there at an instant, None where nobody is.

        Args:
            account: Number of the account of each row.
            at: Instant of each row.
            share: Number from 0 to 1 that picks among the contacts there (0 = the first, mostly the champion).
        """
        import numpy as np

        first = np.searchsorted(self.account, np.arange(self.world.accounts + 1))
        ids, found = self.contacts["contact_id"].to_numpy(object), np.full(len(account), None, dtype=object)
        there_from, there_until = self.stay()
        for place, (number, instant, where) in enumerate(zip(account, at.astype("datetime64[s]"), share, strict=True)):
            rows = np.arange(first[number], first[number + 1])
            rows = rows[(there_from[rows] <= instant) & (instant < there_until[rows])]
            if len(rows):
                found[place] = ids[rows[int(where * len(rows))]]
        return found

    def stay(self) -> tuple[Times, Times]:
        """Return from when and until when (exclusive) each contact is there: till they or the account leave."""
        import numpy as np

        left = np.fmin(self.contacts["left_at"].to_numpy("datetime64[s]"), self.account_left[self.account])
        beyond = self.world.size.last_second + np.timedelta64(1, "s")
        return self.contacts["added_at"].to_numpy("datetime64[s]"), np.fmin(left, beyond)


def make_people(
    world: World, contracts: Contracts, users: Users, assignments: pd.DataFrame, met: tuple[pd.DataFrame, ...]
) -> People:
    """Return the contacts of a block: the first users of each account, and whoever appears in a table.

    Args:
        world: Accounts of the block.
        contracts: Terms and decisions of the accounts.
        users: Users of the product.
        assignments: Who looks after which account.
        met: Frames with `contact_id` and `at`, an instant at which that person was there.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("contacts")
    seen = _seen(world, users, met)
    rank = np.arange(len(users.account)) - np.searchsorted(users.account, users.account)
    rows, added = _added(world, users, seen, (rank, rng))
    left, replaced = _left(world, contracts, users.account[rows], (rank[rows], added, seen[1][rows]), rng)
    place = _champion_first(users.account[rows], rank[rows], replaced)
    people = _rows(world, users.account[rows], place, (added, left), rng)
    people.insert(0, "contact_id", contact_ids(world, rows))
    more = [_successors(world, len(users.account), people[replaced], rng)]
    more.append(_second_records(world, len(users.account) + len(more[0]), people, rng))
    both = pd.concat([people, *more]).sort_values(["account", "place"], kind="stable", ignore_index=True)
    account, same = both.pop("account").to_numpy(np.int64), both.pop("same_as")
    second = np.flatnonzero(same.notna())
    first = pd.Index(both["contact_id"]).get_indexer(same.iloc[second])
    return People(users, both.drop(columns="place"), account, assignments, world, contracts.churned_at, (second, first))


def _seen(world: World, users: Users, met: tuple[pd.DataFrame, ...]) -> tuple[Times, Times]:
    """Return the first and the last instant at which each user appears, NaT where never."""
    import numpy as np
    import pandas as pd

    both = pd.concat([frame[["contact_id", "at"]] for frame in met])
    ids = pd.Index(contact_ids(world, np.arange(len(users.account))))
    at = both.groupby("contact_id")["at"].agg(["min", "max"]).reindex(ids).astype("datetime64[s]")
    return at["min"].to_numpy(), at["max"].to_numpy()


def _added(
    world: World, users: Users, seen: tuple[Times, Times], draw: tuple[Ints, np.random.Generator]
) -> tuple[Ints, Times]:
    """Return which users are contacts, and since when: with the use or before the first time they are seen."""
    import numpy as np

    rank, rng = draw
    signup = world.traits["signup"].to_numpy("datetime64[s]")[users.account] + np.timedelta64(17 * 3600, "s")
    joined = users.joined.astype("datetime64[s]") + rng.integers(7 * 3600, 16 * 3600, len(rank)).astype(
        "timedelta64[s]"
    )
    before = seen[0] - rng.integers(600, 20 * 86_400, len(rank)).astype("timedelta64[s]")
    added = np.where(rank == 0, signup, np.where(before < joined, before, joined))
    added = np.maximum(added, signup)
    left = np.where(np.isnat(users.left), world.size.last_second, users.left.astype("datetime64[s]"))
    is_contact = ~np.isnat(seen[0]) | ((rank < KNOWN_PEOPLE) & (added < np.minimum(left, world.size.last_second)))
    rows = np.flatnonzero(is_contact)
    return rows, added[rows]


def _left(
    world: World, contracts: Contracts, account: Ints, life: tuple[Ints, Times, Times], rng: np.random.Generator
) -> tuple[Times, Flags]:
    """Return when each contact left (NaT: still there), and which of them were champions that got a successor.

    `life` = rank in the account, when the contact was added, and when they were seen last (NaT: never).
    """
    import numpy as np
    import pandas as pd

    rank, added, last_seen = life
    end = presence(world, contracts)[1][account]
    gap = rng.integers(5 * 86_400, 40 * 86_400, len(account)).astype("timedelta64[s]")
    after = np.where(np.isnat(last_seen), added, last_seen) + gap
    has_time = after < end - np.timedelta64(60 * 86_400, "s")
    is_chosen = (rng.random(world.accounts) < REPLACED_SHARE) & (world.traits["tier"] != "small").to_numpy()
    could = np.flatnonzero(has_time & is_chosen[account] & ~np.isnat(last_seen))
    first = pd.Series(after[could]).groupby(account[could]).idxmin().to_numpy()
    is_replaced = np.isin(np.arange(len(account)), could[first])
    leaves = is_replaced | ((rank > 0) & has_time & (rng.random(len(account)) < 0.12))
    return np.where(leaves, after, np.datetime64("NaT", "s")), is_replaced


def _champion_first(account: Ints, rank: Ints, replaced: Flags) -> Ints:
    """Return the rank of each contact in its account; a champion that was replaced takes the first one's place."""
    import numpy as np

    first = np.searchsorted(account, account[replaced])
    swapped = rank.copy()
    swapped[first], swapped[replaced] = rank[replaced], rank[first]
    return swapped


def _rows(world: World, account: Ints, rank: Ints, stay: tuple[Times, Times], rng: np.random.Generator) -> pd.DataFrame:
    """Return contacts with the number of their account and their place in it."""
    import numpy as np
    import pandas as pd

    traits, count = world.traits.iloc[account], len(account)
    added, left = stay
    role = np.where(rank < len(LEADING), np.array(LEADING, dtype=object)[np.minimum(rank, len(LEADING) - 1)], "user")
    speaks_english = rng.random(count) < 0.08
    language = traits["region"].map({"China": "zh", "Sweden": "sv", "Ireland": "en"}).to_numpy(object)
    zone = {"China": "Asia/Shanghai", "Sweden": "Europe/Stockholm", "Ireland": "Europe/Dublin"}
    return pd.DataFrame(
        {
            "account_id": traits["account_id"].to_numpy(object),
            "role": only(rng.random(count) > 0.03 * (rank > 0), role),
            "is_primary": rank == 0,
            "tags": pick(
                rng, (None, "beta", "newsletter", "trained", "beta;trained"), count, (0.6, 0.1, 0.1, 0.15, 0.05)
            ),
            "language": np.where(speaks_english, "en", language),
            "timezone": traits["region"].map(zone).to_numpy(object),
            "added_at": added,
            "added_way": pick(rng, ADDED_WAYS, count, (0.45, 0.2, 0.15, 0.08, 0.08, 0.04)),
            "left_at": left,
            "account": account,
            "same_as": None,
            "place": rank.astype(float),
        }
    )


def _successors(world: World, ids_used: int, gone: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the new champions, who come one to three weeks after the old ones left; they are no users."""
    import numpy as np

    after = rng.integers(7 * 86_400, 21 * 86_400, len(gone)).astype("timedelta64[s]")
    return gone.assign(
        contact_id=contact_ids(world, ids_used + np.arange(len(gone))),
        role="champion",
        tags=None,
        added_at=gone["left_at"].to_numpy("datetime64[s]") + after,
        added_way="csm",
        left_at=np.datetime64("NaT", "s"),
        place=0.5,
    )


def _second_records(world: World, ids_used: int, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return a few people a second time, as an import of the CRM left them: nobody has merged the two yet."""
    import numpy as np

    later = people["added_at"].to_numpy("datetime64[s]") + np.timedelta64(60 * 86_400, "s")
    known = np.flatnonzero((later < world.size.last_second) & people["left_at"].isna().to_numpy())
    rows = np.sort(rng.choice(known, round(SECOND_RECORDS * len(known)), replace=False))
    again = people.iloc[rows]
    return again.assign(
        contact_id=contact_ids(world, ids_used + np.arange(len(rows))),
        same_as=again["contact_id"],
        role=None,
        is_primary=False,
        tags=None,
        added_at=later[rows],
        added_way="import",
        place=again["place"] + 0.25,
    )
