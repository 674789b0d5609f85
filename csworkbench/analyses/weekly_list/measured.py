"""Tables of the plan: time of CSMs and its price, places of channels, how near the bound, and the holdout."""

from typing import TYPE_CHECKING, Any

from csworkbench.allocation import MUST
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.planning import NO_MINUTES, Plan
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.policy import Reason, holdout_table

if TYPE_CHECKING:
    import pandas as pd

HOUR, WEEK_DAYS = 60.0, 7
TINY = 1e-9
THIS_PAGE = "this page"


def capacity_table(inputs: Inputs, made: Plan, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the week of each CSM.

    Args:
        inputs: Names of people.
        made: The plan: prices, and the time there is.
        rows: The list.

    Returns:
        One row per CSM: csm_id, name, capacity, planned, free, used, left (minutes; left below 0 = must-do calls take
        more than there is), used_share (of free, missing = none free), contacts (by hand), more_per_hour (what one more
        hour would bring, in `unit`), of_priority (whose contacts those are, missing = ranked by value or nothing).
    """
    import pandas as pd

    human = rows[rows["mode"] == HUMAN]
    used, counts = human.groupby("csm_id")["minutes"].sum(), human.groupby("csm_id").size()
    names = inputs.names
    prices = {kind.csm_id: place for place, kind in enumerate(made.kinds) if kind.reason == NO_MINUTES}
    table = []
    for who, person in made.people.iterrows():
        free = made.free.get(str(who))
        spent = float(used.get(who, 0.0))
        more, level = _price(made, prices[str(who)]) if str(who) in prices else (None, None)
        left = None if free is None else free - spent
        share = spent / free if free else None
        told = (person["capacity"], person["planned"], free, spent, left, share, int(counts.get(who, 0)), more, level)
        table.append((who, names[str(who)], *told))
    columns = ["csm_id", "name", "capacity", "planned", "free", "used", "left", "used_share", "contacts",
               "more_per_hour", "of_priority"]  # fmt: skip
    numbers = ["capacity", "planned", "free", "used", "left", "used_share", "more_per_hour"]
    kinds = dict.fromkeys(numbers, "float64") | {"csm_id": "str", "name": "str", "of_priority": "Int64"}
    return pd.DataFrame(table, columns=columns).astype(kinds)


def _price(made: Plan, place: int) -> tuple[float, int | None]:
    """Return what one more hour brings at the first level at which it is short, and whose priority that is."""
    for stage in made.allocation.stages:
        price = float(stage.prices[place]) * HOUR
        if stage.level != MUST and price > TINY:
            return price, made.levels[stage.level]
    return 0.0, None


def channel_table(rows: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return each channel: channel, listed, human (of them), minutes (of CSMs), at_once, most (missing = no limit).

    Args:
        rows: The list.
        config: Settings of the channels.
    """
    import pandas as pd

    table = []
    for name, each in config.channels.items():
        inside = rows[rows["channel"] == name]
        human = inside[inside["mode"] == HUMAN]
        table.append((name, len(inside), len(human), float(human["minutes"].sum()), each.at_once, each.most))
    columns = ["channel", "listed", "human", "minutes", "at_once", "most"]
    return pd.DataFrame(table, columns=columns).astype({"channel": "str", "most": "Int64"})


def stage_table(made: Plan) -> "pd.DataFrame":
    """Return how near each stage of the plan is to its bound: stage, open (proposals), planned, gain, bound, gap, unit.

    Args:
        made: The plan; must-do calls have no bound, for they come first whatever they bring.
    """
    import pandas as pd

    table = []
    for stage in made.allocation.stages:
        priority = made.levels[stage.level]
        rank = say("priority {n:count}", n=priority)
        name = "must do" if stage.level == MUST else "by value" if priority is None else text(rank)
        bound, gap = (None, None) if stage.level == MUST else (stage.bound, stage.gap)
        table.append((name, stage.tasks, stage.done, stage.gain, bound, gap, made.unit))
    kinds = {"stage": "str", "unit": "str"} | dict.fromkeys(["gain", "bound", "gap"], "float64")
    columns = ["stage", "open", "planned", "gain", "bound", "gap", "unit"]
    return pd.DataFrame(table, columns=columns).astype(kinds)


def short_table(made: Plan, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return what must-do contacts take beyond what there is, and must-do contacts that cannot be made.

    Args:
        made: The plan.
        rows: The list; who is on it is made room for.

    Returns:
        One row per limit or contact: what, exceeded_by (in the unit of the limit, missing = cannot be made), reason.
    """
    import pandas as pd

    left = made.allocation.left
    table: list[tuple[Any, ...]] = [
        (limit.name, float(-room), kind.reason)
        for limit, kind, room in zip(made.limits, made.kinds, left, strict=True)
        if room < -TINY
    ]
    is_there = made.decided["is_listed"] | made.decided["proposal_id"].isin(rows["proposal_id"])
    missed = made.decided[made.decided["is_must_do"] & ~is_there]
    table += [
        (f"{row['rule']} of {row['contact_id'] if isinstance(row['contact_id'], str) else row['account_id']}", None,
         row["reason"])
        for row in missed.to_dict("records")
    ]  # fmt: skip
    kinds = {"what": "str", "exceeded_by": "float64", "reason": "str"}
    return pd.DataFrame(table, columns=list(kinds)).astype(kinds)


def held_table(inputs: Inputs, made: Plan, config: Config) -> "pd.DataFrame":
    """Return, per automated program, who was held out by lot and what the holdout can show, and when.

    Programs whose analysis draws itself are told as it tells them. An account that was contacted in an earlier week
    counts as long as it is asked for, as those held out do.

    Args:
        inputs: Official lists, and what the analyses say about their own holdouts.
        made: The plan.
        config: Share held out, power, and what is worth knowing.

    Returns:
        One row per program: as `policy.holdout_table`, with drawn_by after program.
    """
    import pandas as pd

    rows = made.decided
    own = rows[(rows["mode"] != HUMAN) & ~rows["is_must_do"] & rows["is_open"]]
    before = {(each.program, each.account_id) for each in inputs.official if each.first_day < inputs.week.first}
    keys = zip(own["program"], own["account_id"], strict=True)
    was_served = pd.Series([key in before for key in keys], own.index, dtype=bool)
    is_held, is_elsewhere = own["reason"] == Reason.HOLDOUT.value, own["proposal_id"].isin(list(inputs.elsewhere))
    base = own.assign(is_held=is_held)[is_held | own["is_listed"] | own["is_struck"] | is_elsewhere | was_served]
    given = (config.holdout, config.level)
    table = holdout_table(base, sorted(set(own["program"])), WEEK_DAYS, given=given, book=inputs.book)
    table = table.assign(drawn_by=THIS_PAGE)
    others = [each[each["accounts"] > 0].assign(drawn_by=name) for name, each in inputs.drawn.items()]
    whole = pd.concat([table, *(each[list(table)] for each in others if len(each))], ignore_index=True)
    order = ["program", "drawn_by", *(name for name in table if name not in ("program", "drawn_by"))]
    return whole[order].astype({"drawn_by": "str"}).sort_values("program", ignore_index=True)
