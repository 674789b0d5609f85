"""The accounts of the simulated book, its features, and the people who look after the accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csworkbench.sampledata.names import CSM_NAMES, INDUSTRIES, company_names
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BookSize, World, block_accounts, block_stream, engagement_paths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Floats, Texts, Times

TIERS = {"large": 0.15, "mid": 0.30, "small": 0.55}
REGION_SHARE = {"China": 0.40, "Sweden": 0.25, "Ireland": 0.35}
LANGUAGE = {"China": "zh", "Sweden": "sv", "Ireland": "en"}
TIMEZONE = {"China": "Asia/Shanghai", "Sweden": "Europe/Stockholm", "Ireland": "Europe/Dublin"}
CURRENCY = {"China": "CNY", "Sweden": "SEK", "Ireland": "EUR"}
PRICE_FACTOR = {"China": 7.8, "Sweden": 11.2, "Ireland": 1.0}  # list price in the currency of the region per euro
SEATS_MEDIAN = {"large": 26.0, "mid": 11.0, "small": 5.0}
EMPLOYEES_MEDIAN = {"large": 1_800.0, "mid": 260.0, "small": 38.0}
PLAN = {"large": "enterprise", "mid": "business", "small": "starter"}
SEAT_PRICE = {"enterprise": 79.0, "business": 52.0, "starter": 29.0}  # euro per seat and month
LEAD_SOURCES = ("partner", "inbound", "event", "outbound")
FEATURES = {  # feature: (is core, is high value)
    "alert": (False, True),
    "api": (False, True),
    "dashboard": (True, False),
    "export": (True, False),
    "funnel": (True, True),
    "query": (True, True),
    "segment": (True, True),
    "share": (False, False),
}
TECH_TOUCH = "CSM14"  # cares for all small accounts by automated touches
LEAVER = "CSM05"  # leaves two thirds through the book: the accounts move, with the reason
SUCCESSOR = "CSM06"  # gets the new accounts from then on
REGION_CSMS = {
    "China": ("CSM02", "CSM03", "CSM04", "CSM05", "CSM06"),
    "Sweden": ("CSM08", "CSM09"),
    "Ireland": ("CSM11", "CSM12", "CSM13"),
}


def make_world(size: BookSize, number: int = 0) -> World:
    """Return the hidden world of a block of the book: fixed traits and engagement of every account.

    Args:
        size: Size and seed of the book.
        number: Number of the block, from 0; a book of up to BLOCK_ACCOUNTS accounts has just one.
    """
    stable, decline, swing = engagement_paths(size, number)
    return World(size, number, _traits(size, number), stable[:, None] + decline + swing, stable, decline, swing)


def _traits(size: BookSize, number: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rng = block_stream(size, number, "traits")
    count, before = block_accounts(size, number), number * BLOCK_ACCOUNTS
    tier = rng.permutation(_by_share(TIERS, count))
    region = rng.permutation(_by_share(REGION_SHARE, count))
    plan = np.where(rng.random(count) < 0.1, "business", pd.Series(tier).map(PLAN).to_numpy(object))
    seats = np.maximum(2, np.round(_scaled(SEATS_MEDIAN, tier) * np.exp(rng.normal(0, 0.4, count)))).astype(np.int64)
    price = np.round(_scaled(SEAT_PRICE, plan) * _scaled(PRICE_FACTOR, region) * rng.choice([0.8, 0.9, 1.0], count), 2)
    signup = _signup_days(size, count, rng)
    trial = rng.integers(7, 31, count).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "account_id": [f"A{before + place:06d}" for place in range(1, count + 1)],
            "region": region,
            "tier": tier,
            "plan": plan,
            "industry": rng.choice(np.array(INDUSTRIES, dtype=object), count),
            "employees": np.maximum(
                seats, np.round(_scaled(EMPLOYEES_MEDIAN, tier) * np.exp(rng.normal(0, 0.6, count)))
            ).astype(np.int64),
            "signup": signup,
            "paid": signup + trial,
            "trial_until": signup + np.timedelta64(30, "D"),
            "term_months": np.where((tier == "small") & (rng.random(count) < 0.35), 6, 12),
            "seats": seats,
            "price": price,
            "site_licence": (tier == "large") & (rng.random(count) < 0.06),
            "lead_source": rng.choice(np.array(LEAD_SOURCES, dtype=object), count, p=[0.2, 0.4, 0.15, 0.25]),
            "sso_enabled": rng.random(count) < _scaled({"large": 0.8, "mid": 0.35, "small": 0.05}, tier),
        }
    )


def _by_share(shares: dict[str, float], count: int) -> Texts:
    """Return `count` labels with exactly the given shares, rounded so that they add up."""
    import numpy as np

    edges = np.round(np.cumsum([0.0, *shares.values()]) * count).astype(int)
    return np.repeat(np.array(list(shares), dtype=object), np.diff(edges))


def _scaled(values: dict[str, float], labels: Texts) -> Floats:
    import numpy as np

    return np.array([values[label] for label in labels], dtype=float)


def _signup_days(size: BookSize, count: int, rng: np.random.Generator) -> Times:
    """Return signup days: three quarters in the 36 months before the book, the others during it."""
    import numpy as np

    span = int((np.datetime64(size.end, "D") - size.start).astype(int)) + 1
    before = rng.random(count) < 0.75
    offset = np.where(before, -rng.integers(40, 1_096, count), rng.integers(0, span, count))
    return np.asarray(size.start + offset.astype("timedelta64[D]"))


def accounts_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `accounts`: one row per account, with the extra columns lead_source and sso_enabled."""
    import numpy as np
    import pandas as pd

    traits, size = world.traits, world.size
    rng = world.stream("names")
    region = traits["region"]
    paid = traits["paid"].where(traits["paid"] <= np.datetime64(size.end, "D"))
    return pd.DataFrame(
        {
            "account_id": traits["account_id"],
            "name": company_names(rng, region.to_numpy(object), traits["industry"].to_numpy(object)),
            "industry": traits["industry"],
            "region": region,
            "employees": traits["employees"],
            "value_tier": traits["tier"],
            "plan": traits["plan"],
            "arr": np.round(contracts.mrr * 12, 2),
            "currency": region.map(CURRENCY),
            "signup_at": _at_office_hours(traits["signup"], rng),
            "trial_until": traits["trial_until"],
            "paid_at": _at_office_hours(paid, rng),
            "churned_at": np.where(
                contracts.churned_at <= size.last_second, contracts.churned_at, np.datetime64("NaT", "s")
            ),
            "language": region.map(LANGUAGE),
            "timezone": region.map(TIMEZONE),
            "lead_source": traits["lead_source"],
            "sso_enabled": traits["sso_enabled"],
        }
    )


def _at_office_hours(days: pd.Series[pd.Timestamp], rng: np.random.Generator) -> pd.Series[pd.Timestamp]:
    import pandas as pd

    seconds = rng.integers(7 * 3600, 15 * 3600, len(days)).astype("timedelta64[s]")
    return pd.Series(days.to_numpy("datetime64[s]") + seconds)


def features_table() -> pd.DataFrame:
    """Return `features`: one row per feature of the simulated product."""
    import pandas as pd

    return pd.DataFrame(
        [(name, is_core, is_high_value) for name, (is_core, is_high_value) in FEATURES.items()],
        columns=["feature", "is_core", "is_high_value"],
    )


def csms_table() -> pd.DataFrame:
    """Return `csms`: 14 people in three regional teams, each with a lead; the last one is the tech-touch desk."""
    import pandas as pd

    rows: list[tuple[str | int | None, ...]] = []
    for team, names in CSM_NAMES.items():
        lead = f"CSM{len(rows) + 1:02d}"
        for name in names:
            csm_id = f"CSM{len(rows) + 1:02d}"
            languages = "en" if team == "Ireland" else f"{LANGUAGE[team]};en"
            manager = None if csm_id == lead else lead
            role = "tech_touch" if csm_id == TECH_TOUCH else "csm"
            rows.append((csm_id, name, team, manager, languages, 1_200 if manager is None else 1_800, role))
    return pd.DataFrame(
        rows, columns=["csm_id", "name", "team", "manager_id", "languages", "capacity_minutes_week", "role"]
    )


def assignments_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `assignments`: who looks after an account from when to when, and why it changed.

    Small accounts belong to the tech-touch desk. One CSM leaves; some accounts move for low engagement, a complaint or
    balance. Who looked after an account when it left stays on it.
    """
    import numpy as np
    import pandas as pd

    traits, rng = world.traits, world.stream("assignments")
    first = _first_owner(world, rng)
    moved_on, reason = _moves(world, first, contracts.churned_at.astype("datetime64[D]"), rng)
    second = _other_owner(traits, first, rng)
    is_moved = ~np.isnat(moved_on)
    opening = pd.DataFrame(
        {
            "account_id": traits["account_id"],
            "role": "csm",
            "valid_from": traits["signup"].to_numpy("datetime64[D]"),
            "csm_id": first,
            "valid_to": moved_on,
            "reason": "new",
        }
    )
    following = pd.DataFrame(
        {
            "account_id": traits["account_id"],
            "role": "csm",
            "valid_from": moved_on,
            "csm_id": second,
            "valid_to": np.full(world.accounts, np.datetime64("NaT", "D")),
            "reason": reason,
        }
    )[is_moved]
    return pd.concat([opening, following]).sort_values(["account_id", "role", "valid_from"], ignore_index=True)


def _first_owner(world: World, rng: np.random.Generator) -> Texts:
    import numpy as np

    traits = world.traits
    pick = rng.random(len(traits))
    owners = [
        REGION_CSMS[region][int(share * len(REGION_CSMS[region]))]
        for region, share in zip(traits["region"], pick, strict=True)
    ]
    owner = np.where(traits["tier"] == "small", TECH_TOUCH, np.array(owners, dtype=object))
    is_too_late = (owner == LEAVER) & (traits["signup"].to_numpy("datetime64[D]") >= _leaving_day(world.size))
    return np.where(is_too_late, SUCCESSOR, owner)


def _leaving_day(size: BookSize) -> np.datetime64:
    import numpy as np

    return np.datetime64(str(size.first_month + size.months * 2 // 3), "D")


def _other_owner(traits: pd.DataFrame, first: Texts, rng: np.random.Generator) -> Texts:
    """Return for each account another CSM of its region (a small account goes from the desk to a person)."""
    import numpy as np

    pick = rng.random(len(traits))
    seconds = []
    for region, owner, share in zip(traits["region"], first, pick, strict=True):
        others = [csm for csm in REGION_CSMS[region] if csm not in (owner, LEAVER)]
        seconds.append(others[int(share * len(others))])
    return np.array(seconds, dtype=object)


def _moves(world: World, first: Texts, left_on: Times, rng: np.random.Generator) -> tuple[Times, Texts]:
    """Return the day an account changes hands (NaT: never) and why; it does so once at most."""
    import numpy as np

    size = world.size
    leaving_day = _leaving_day(size)
    signup = world.traits["signup"].to_numpy("datetime64[D]")
    month = rng.integers(0, size.months, world.accounts)
    offset = rng.integers(0, 28, world.accounts).astype("timedelta64[D]")
    day = np.asarray(size.first_month + month, dtype="datetime64[D]") + offset
    engagement = world.engagement[np.arange(world.accounts), world.month_index(day)]
    chance = np.where(world.traits["tier"] == "small", 0.02, 0.12) * np.exp(-0.5 * engagement)
    last = np.where(np.isnat(left_on), np.datetime64(size.end, "D"), left_on)
    moves = (rng.random(world.accounts) < chance) & (day > signup + 30) & (day <= last)
    reason = np.where(
        engagement < -0.8, "low_engagement", np.where(rng.random(world.accounts) < 0.3, "complaint", "balance")
    )
    leaves = (first == LEAVER) & ~(moves & (day < leaving_day)) & (last >= leaving_day)
    moved_on = np.where(leaves, leaving_day, np.where(moves, day, np.datetime64("NaT", "D")))
    return moved_on.astype("datetime64[D]"), np.where(leaves, "leaver", reason).astype(object)
