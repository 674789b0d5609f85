"""Tasks of the CSMs of the simulated book: what called for them, when they were done, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.course import office
from csworkbench.sampledata.draws import happenings, pick, presence, rate
from csworkbench.sampledata.world import World, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import Floats, Ints, Texts, Times

RENEWAL_WINDOW_DAYS, RENEWAL_TASK_DAYS = 90, 60
FROM_TASK_SHARE = 0.6  # of the opportunities of the service that began with a task
CAUSES = {
    "China": ("关键联系人离职", "功能使用不深入", "预算收紧", "对价格有疑问"),
    "Sweden": ("Nyckelpersonen har slutat", "Används bara av ett team", "Stramare budget", "Tveksam till priset"),
    "Ireland": ("Key contact left", "Only one team uses it", "Tighter budget", "Doubts about the price"),
}
REMEDIES = {
    "China": ("安排高层拜访", "组织专题培训", "提供分期付款方案", "共同制定使用计划"),
    "Sweden": ("Möte med ledningen bokat", "Utbildning för två team", "Delbetalning erbjuden", "Gemensam plan"),
    "Ireland": ("Executive visit arranged", "Training for two teams", "Offered to pay in parts", "Agreed on a plan"),
}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class TaskModel:
    """Planted numbers of the tasks: a task is done `delay_mean` days (sd `delay_sd`) after it is due, some never.

    Tasks beyond the base service wait: `value_add_delay` days more.
    """

    delay_mean: float = -2.0
    delay_sd: float = 6.0
    value_add_delay: float = 3.0
    never_share: float = 0.06


TASK = TaskModel()


def tasks_table(
    world: World, contracts: Contracts, people: People, plans: pd.DataFrame, opportunities: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `tasks` by the time they came up, and `opportunities` with the task each came from.

    Args:
        world: Accounts and their latent engagement.
        contracts: Renewals, and when accounts leave.
        people: Contacts that were replaced, and who looks after the accounts.
        plans: Table of success plans.
        opportunities: Table of opportunities.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("tasks")
    parts = [
        _of_renewals(world, contracts),
        *_of_use(world, contracts, rng),
        _of_contacts(people, rng),
        _of_plans(world, plans, rng),
        _of_opportunities(world, opportunities, rng),
    ]
    wanted = pd.concat(parts, ignore_index=True)
    begin, end = presence(world, contracts)
    place = wanted["account"].to_numpy(np.int64)
    is_there = (wanted["at"] >= begin[place]) & (wanted["at"] <= end[place])
    wanted = wanted[is_there].sort_values(["at", "account", "trigger"], kind="stable", ignore_index=True)
    ids = world.ids("W", 6, range(len(wanted)))
    origin = pd.Series(ids, wanted["opportunity"]).loc[lambda rows: rows.index >= 0]
    linked = origin.reindex(range(len(opportunities))).to_numpy(object)
    linked = only(~pd.isna(linked), linked)
    return _rows(world, people, wanted, (ids, end), rng), opportunities.assign(origin_task_id=linked)


def _wanted(account: Ints, at: Times, due: Times, trigger: str, theme: str) -> pd.DataFrame:
    """Return tasks that come up at an instant; they belong to the base service and to no plan unless said."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {"account": account, "at": at, "due": due, "done": np.full(len(at), np.datetime64("NaT", "s"))}
    )
    return frame.assign(trigger=trigger, theme=theme, line="base", plan_id=None, opportunity=-1)


def _of_renewals(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return one task per renewal of a large or mid account, made when it enters the window."""
    import numpy as np
    import pandas as pd

    account = pd.Index(world.traits["account_id"]).get_indexer(contracts.renewals["account_id"])
    is_bigger = world.traits["tier"].to_numpy(object)[account] != "small"
    day = contracts.renewals["due_date"].to_numpy("datetime64[s]")[is_bigger]
    at = day - np.timedelta64(RENEWAL_WINDOW_DAYS * _DAY - 6 * 3600, "s")
    due = day - np.timedelta64(RENEWAL_TASK_DAYS * _DAY - 15 * 3600, "s")
    return _wanted(account[is_bigger], at, due, "renewal_window", "renewal")


def _of_use(world: World, contracts: Contracts, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """Yield tasks called for by low use, and by the wish to do more than the base service."""
    import numpy as np

    kinds = [
        ("low_usage", "adoption", "base", {"large": 0.12, "mid": 0.06, "small": 0.008}, -0.6, 10),
        ("reference", "relationship", "value_add", {"large": 0.05, "mid": 0.02, "small": 0.0}, 0.5, 30),
        ("training", "adoption", "value_add", {"large": 0.06, "mid": 0.03, "small": 0.0}, 0.0, 30),
    ]
    for trigger, theme, line, rates, slope, days in kinds:
        account, at = happenings(world, contracts, rate(world, rates, slope), rng)
        due = at + np.timedelta64(days * _DAY, "s")
        yield _wanted(account, at, due, trigger, theme).assign(line=line)


def _of_contacts(people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Return one task per champion who left: train the new one."""
    import numpy as np

    contacts = people.contacts
    is_gone = (contacts["left_at"].notna() & (contacts["role"] == "champion")).to_numpy(bool)
    left = contacts["left_at"].to_numpy("datetime64[s]")[is_gone]
    at = office(left + rng.integers(2 * _DAY, 15 * _DAY, len(left)).astype("timedelta64[s]"))
    due = at + np.timedelta64(21 * _DAY, "s")
    return _wanted(people.account[is_gone], at, due, "contact_replaced", "relationship")


def _of_plans(world: World, plans: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return two tasks per success plan: prepare the start and, once it is closed, write the case."""
    import pandas as pd

    account = pd.Index(world.traits["account_id"]).get_indexer(plans["account_id"])
    at = plans["created_at"].to_numpy("datetime64[s]")
    due = office(at + rng.integers(2 * _DAY, 9 * _DAY, len(at)).astype("timedelta64[s]"))
    start = _wanted(account, at, due, "plan_start", "adoption").assign(plan_id=plans["plan_id"].to_numpy(object))
    is_over = plans["closed_at"].notna().to_numpy(bool) & (rng.random(len(plans)) < 0.5)
    closed = plans["closed_at"].to_numpy("datetime64[s]")[is_over]
    end = _wanted(account[is_over], closed, closed + 14 * _DAY, "plan_closed", "adoption")
    end = end.assign(plan_id=plans["plan_id"].to_numpy(object)[is_over], line="value_add")
    return pd.concat([start, end])


def _of_opportunities(world: World, opportunities: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the tasks opportunities came from: done before those were opened."""
    import numpy as np
    import pandas as pd

    is_service = opportunities["source"].to_numpy(object) == "service"
    rows = np.flatnonzero(is_service & (rng.random(len(opportunities)) < FROM_TASK_SHARE))
    account = pd.Index(world.traits["account_id"]).get_indexer(opportunities["account_id"].iloc[rows])
    opened = opportunities["created_at"].to_numpy("datetime64[s]")[rows]
    done = office(opened - rng.integers(1 * _DAY, 15 * _DAY, len(rows)).astype("timedelta64[s]"))
    at = office(done - rng.integers(3 * _DAY, 25 * _DAY, len(rows)).astype("timedelta64[s]"))
    due = at + np.timedelta64(25 * _DAY, "s")
    wanted = _wanted(account, at, due, "new_need", "upsell")
    return wanted.assign(line="value_add", opportunity=rows, done=done)


def _rows(
    world: World, people: People, wanted: pd.DataFrame, place: tuple[Texts, Times], rng: np.random.Generator
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    ids, end = place
    account, count = wanted["account"].to_numpy(np.int64), len(wanted)
    at = wanted["at"].to_numpy("datetime64[s]")
    done = _done(wanted, end[account], rng)
    is_done = ~np.isnat(done)
    engagement = world.engagement[account, world.month_index(at)]
    is_gone = end[account] < world.size.last_second
    region = world.traits["region"].to_numpy(object)[account]
    is_asked = wanted["trigger"].isin(["renewal_window", "low_usage", "contact_replaced"]).to_numpy(bool)
    words = [_words(texts, region, rng) for texts in (CAUSES, REMEDIES)]
    return pd.DataFrame(
        {
            "task_id": ids,
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "plan_id": only(wanted["plan_id"].notna().to_numpy(bool), wanted["plan_id"].to_numpy(object)),
            "csm_id": people.csm_at(account, at),
            "theme": wanted["theme"].to_numpy(object),
            "line": wanted["line"].to_numpy(object),
            "trigger": wanted["trigger"].to_numpy(object),
            "due_at": wanted["due"].to_numpy("datetime64[s]"),
            "done_at": done,
            "status": np.where(is_done, "done", np.where(is_gone, "cancelled", pick(rng, ("todo", "doing"), count))),
            "priority": np.where(wanted["theme"] == "upsell", "red", pick(rng, ("normal", "high", "low"), count)),
            "risk": only(is_asked, _risk(engagement + rng.normal(0, 0.4, count))),
            "cause": only(is_asked & is_done & (engagement < 0.2), words[0]),
            "remedy": only(is_asked & is_done & (engagement < 0.2), words[1]),
            "known_at": at,
        }
    ).astype({"status": object, "priority": object})


def _done(wanted: pd.DataFrame, end: Times, rng: np.random.Generator) -> Times:
    """Return when each task was done, NaT where it was not: after it came up, while the account was there."""
    import numpy as np

    count, at = len(wanted), wanted["at"].to_numpy("datetime64[s]")
    given = wanted["done"].to_numpy("datetime64[s]")
    is_extra = wanted["line"].to_numpy(object) == "value_add"
    delay = rng.normal(TASK.delay_mean, TASK.delay_sd, count) + TASK.value_add_delay * is_extra
    wished = office(wanted["due"].to_numpy("datetime64[s]") + (delay * _DAY).astype("timedelta64[s]"))
    drawn = np.maximum(wished, at + np.timedelta64(3_600, "s"))
    drawn = np.where(rng.random(count) < TASK.never_share, np.datetime64("NaT", "s"), drawn)
    done = np.where(np.isnat(given), drawn, given)
    return np.where(done <= end, done, np.datetime64("NaT", "s"))


def _risk(engagement: Floats) -> Texts:
    import numpy as np

    return np.where(engagement < -0.6, "high", np.where(engagement < 0.2, "medium", "low")).astype(object)


def _words(texts: Mapping[str, tuple[str, ...]], region: Texts, rng: np.random.Generator) -> Texts:
    import numpy as np

    places = rng.integers(0, 4, len(region))
    return np.array([texts[name][place] for name, place in zip(region, places, strict=True)], dtype=object)
