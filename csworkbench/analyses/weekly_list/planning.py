"""The plan of the week: which proposals are served on which route, within time, places and caps, and at which price."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.allocation import MUST, Allocation, Limit, Ways, allocate, obstacles
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.routes import HUMAN, allowed, requests
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.policy import Reason, decide, is_among
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

NO_MINUTES, NOT_KNOWN = "no time of the CSM left", "nobody knows the time of the CSM"
NO_PLACE = "channel is full"
NO_GAIN = "brings nothing"
ROUTE = ["order", "channel", "csm_id", "minutes", "gain"]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What a limit is of.

    Args:
        reason: What is said of a proposal it keeps out.
        csm_id: Whose it is, "" = nobody's.
        channel: Which channel it is of, "" = none.
    """

    reason: str
    csm_id: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The week as it is planned.

    Args:
        decided: Every proposal: `policy.proposals` with analysis, order, is_listed, is_struck, channel and csm_id it
            goes by, minutes (of the CSM), reason and reasons ("" = listed), send_from.
        allocation: Stages with bound and prices, and what is left of the limits.
        limits: Room of each limit, and its name.
        kinds: What each limit is of, in the same order.
        unit: Unit of gains: a currency, or "contacts" without an experiment behind every proposal.
        levels: Level -> the priority it stands for; None = no level of its own (must-do, or ranked by value).
        free: csm_id -> minutes for proposals; those whose time nobody knows are not there.
    """

    decided: "pd.DataFrame"
    allocation: Allocation
    limits: tuple[Limit, ...]
    kinds: tuple[Kind, ...]
    unit: str
    levels: dict[int, int | None]
    free: dict[str, float]


def plan(inputs: Inputs, config: Config) -> Plan:
    """Return the week as it is planned; the same for the same inputs.

    Args:
        inputs: Proposals, people, and the ground of the policy.
        config: Settings.
    """
    import numpy as np

    rows, said = _asked(inputs, config)
    ways = _ways(rows, said, config)
    levels, unit, ways = _levels(rows, ways)
    free = _free(inputs, config)
    found = list(_limits(rows, ways, inputs, (config, free)))
    limits, kinds = tuple(limit for limit, _ in found), tuple(kind for _, kind in found)
    tasks, task = np.unique(ways["order"].to_numpy(dtype=np.int64), return_inverse=True)
    asked = Ways(task.astype(np.int64), ways["level"].to_numpy(dtype=np.int64), ways["gain"].to_numpy(dtype=float))
    allocation = allocate(asked, limits)
    taken = ways.iloc[allocation.chosen[allocation.chosen >= 0]]
    stopped = {
        int(tasks[each]): [kinds[place].reason for place in places] or [NO_GAIN]
        for each, places in obstacles(asked, limits, allocation).items()
    }
    decided = _decided(rows, said, (taken, stopped), inputs)
    return Plan(decided, allocation, limits, kinds, unit, levels, free)


def _asked(inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return the requests and what the policy says to them; other time, places and reach leave both as they are."""
    routes = [(name, each.is_automated, each.instead_of) for name, each in config.channels.items()]

    def made() -> "tuple[pd.DataFrame, pd.DataFrame]":
        rows = requests(inputs, config)
        return rows, allowed(rows, inputs)

    return once(inputs, ("asked", repr((routes, config.stand_in, config.holdout))), made, most=2)


def _ways(rows: "pd.DataFrame", said: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the routes the policy allows: order, channel, csm_id ("" = nobody), minutes and gain.

    What the system sends goes by the first channel of its order that is allowed, the others are there in its stead.
    """
    import pandas as pd

    is_fine = {(row.order, row.channel) for row in said[said["is_listed"].astype(bool)].itertuples()}
    made = []
    for row in rows.to_dict("records"):
        by_hand = row["mode"] == HUMAN
        ways = [way for way in row["routes"] if (row["order"], way[0]) in is_fine]
        for channel, who in ways if by_hand or not isinstance(row["channel"], str) else ways[:1]:
            each = config.channels[channel]
            minutes = (each.minutes if pd.isna(row["minutes"]) else row["minutes"]) / each.at_once if by_hand else 0.0
            made.append((row["order"], channel, who, float(minutes), each.reach))
    kinds = {"order": "int64", "channel": "str", "csm_id": "str", "minutes": "float64", "gain": "float64"}
    return pd.DataFrame(made, columns=ROUTE).astype(kinds)


def _levels(rows: "pd.DataFrame", ways: "pd.DataFrame") -> "tuple[dict[int, int | None], str, pd.DataFrame]":
    """Return the levels, the unit of gains, and the ways with level and gain.

    Where an experiment stands behind every proposal, in one unit, they compete by value; otherwise priorities are
    served one after the other, and within one a contact counts by the chance to reach somebody.
    """
    asked = rows.set_index("order").loc[ways["order"]]
    rest = asked[~asked["is_must_do"].to_numpy(dtype=bool)]
    units = set(rest["value_unit"].dropna())
    is_must = asked["is_must_do"].to_numpy(dtype=bool)
    if len(units) == 1 and rest["value"].notna().all() and (rest["value"] >= 0).all():
        gain = ways["gain"] * asked["value"].fillna(0.0).to_numpy()
        level = [MUST if must else 1 for must in is_must]
        return {MUST: None, 1: None}, str(units.pop()), ways.assign(level=level, gain=gain).astype({"level": "int64"})
    ranks = {priority: place for place, priority in enumerate(sorted(set(rest["priority"])), 1)}
    level = [MUST if must else ranks[each] for must, each in zip(is_must, asked["priority"], strict=True)]
    names: dict[int, int | None] = {MUST: None}
    names |= {place: int(priority) for priority, place in ranks.items()}
    return names, "contacts", ways.assign(level=level).astype({"level": "int64"})


def _free(inputs: Inputs, config: Config) -> dict[str, float]:
    """Return the minutes each CSM has for proposals: a part of the time for customers, without what is planned."""
    known = inputs.people[inputs.people["capacity"].notna()]
    left = (known["capacity"] - known["planned"]).clip(lower=0.0)
    return {str(who): float(minutes) for who, minutes in left.clip(upper=known["capacity"] * config.free_share).items()}


def _limits(
    rows: "pd.DataFrame", ways: "pd.DataFrame", inputs: Inputs, given: tuple[Config, dict[str, float]]
) -> Iterator[tuple[Limit, Kind]]:
    """Yield what ways use up, in the order in which the reasons are given."""
    import numpy as np

    config, free = given
    asked = rows.set_index("order").loc[ways["order"]]
    ground, policy = inputs.ground, inputs.policy
    contact = asked["contact_id"].to_numpy()
    person = np.array([ground.people.loc[each, "person"] for each in contact], dtype=object)
    ones = np.ones(len(ways))
    yield from _groups("person", person, (ones, dict.fromkeys(person, 1.0)), Kind(Reason.SAME_PERSON.value))
    account, channel = asked["account_id"].to_numpy(dtype=object), ways["channel"].to_numpy(dtype=object)
    for place, cap in enumerate(policy.caps):
        member = person if cap.per == "contact" else account
        meant = [each for each in dict.fromkeys(channel) if is_among(each, cap.channels)]
        counts = np.where(np.isin(channel, meant), ones, 0.0)
        room = {each: max(0.0, cap.touches - ground.touched.get((place, each), 0)) for each in dict.fromkeys(member)}
        reason = Reason.CONTACT_CAP if cap.per == "contact" else Reason.ACCOUNT_CAP
        yield from _groups(f"cap {place + 1} of {cap.per}", member, (counts, room), Kind(reason.value))
    is_human, who = asked["mode"].to_numpy() == HUMAN, ways["csm_id"].to_numpy(dtype=object)
    for csm in sorted(set(who[is_human]) - {""}):
        rows_left = float(max(0, policy.notices_per_csm - ground.busy.get(csm, 0)))
        yield (
            _soft(f"rows of {csm}", rows_left, np.where(is_human & (who == csm), 1.0, 0.0)),
            Kind(Reason.STAFF_CAP.value, csm),
        )
    # Of a team that plans with minutes, whoever is without them, such as by a row that was set aside, has none to give.
    for csm in sorted(set(who[is_human]) - {"", *free}) if free else ():
        used = np.where(is_human & (who == csm), np.maximum(ways["minutes"].to_numpy(), 1.0), 0.0)
        yield _soft(f"minutes of {csm}, which nobody knows", 0.0, used), Kind(NOT_KNOWN, csm)
    for csm, minutes in free.items():
        used = np.where(who == csm, ways["minutes"].to_numpy(), 0.0)
        yield _soft(f"minutes of {csm}", minutes, used), Kind(NO_MINUTES, csm)
    for name, each in config.channels.items():
        if each.most is not None:
            used = np.where(channel == name, 1.0, 0.0)
            yield _soft(f"contacts on {name}", float(each.most), used), Kind(NO_PLACE, channel=name)


def _soft(name: str, room: float, amounts: Any) -> Limit:
    import numpy as np

    places = np.flatnonzero(amounts)
    return Limit(name, room, places, amounts[places], yields=True)


def _groups(name: str, member: Any, given: tuple[Any, dict[Any, float]], kind: Kind) -> Iterator[tuple[Limit, Kind]]:
    """Yield a limit for each member that has more ways than room; the others cannot exceed theirs."""
    import numpy as np
    import pandas as pd

    amounts, room = given
    inside = np.flatnonzero(amounts)
    for each, places in pd.Series(inside).groupby(member[inside], sort=True):
        if len(places) > room[each]:
            ways = places.to_numpy(dtype=np.int64)
            yield Limit(f"{name} {each}", room[each], ways, amounts[ways]), kind


def _decided(
    rows: "pd.DataFrame", said: "pd.DataFrame", given: "tuple[pd.DataFrame, dict[int, list[str]]]", inputs: Inputs
) -> "pd.DataFrame":
    """Return every proposal with what becomes of it. The policy has the last word: what is planned is asked again."""
    import pandas as pd

    taken, stopped = given
    route = taken.set_index("order")
    chosen = rows[rows["order"].isin(route.index)]
    asked = chosen.assign(
        channels=pd.Series([(route.loc[order, "channel"],) for order in chosen["order"]], chosen.index, dtype="object"),
        csm_id=pd.Series([route.loc[order, "csm_id"] or None for order in chosen["order"]], chosen.index, dtype="str"),
        minutes=[route.loc[order, "minutes"] for order in chosen["order"]],
    )
    passed = decide(asked, inputs.ground, inputs.policy, inputs.week, inputs.timezone)
    others = rows[~rows["order"].isin(route.index)]
    # Of several channels the reason is that of the one that came furthest, as the policy itself gives it.
    best = said.assign(rank=[_rank(each) for each in said["reason"]]).sort_values(["order", "rank"], kind="stable")
    last = best.drop_duplicates("order", keep="last").set_index("order")
    told = [
        list(dict.fromkeys(stopped[order]))
        if order in stopped
        else [str(last.loc[order, "reason"]), *str(last.loc[order, "reasons"]).split("; ")]
        for order in others["order"]
    ]
    left = others.assign(
        is_listed=False,
        is_struck=False,
        reason=[each[0] for each in told],
        reasons=["; ".join(dict.fromkeys(each)) for each in told],
        send_from=pd.Series(pd.NaT, others.index, dtype="datetime64[us]"),
    )
    parts = [part for part in (passed, left) if len(part)]
    whole = pd.concat(parts) if parts else left
    return whole.sort_values("order", ignore_index=True).astype(
        {"is_listed": bool, "is_struck": bool, "reason": "str", "reasons": "str"}
    )


def _rank(reason: str) -> int:
    order = [each.value for each in Reason]
    return order.index(reason) if reason in order else order.index(Reason.OWN.value)
