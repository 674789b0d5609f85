"""The plan of the week: which proposals are served on which route, within time, places and caps, and at which price."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.allocation import MUST, Allocation, Limit, Ways, allocate, obstacles
from csworkbench.analyses.weekly_list.calendars import of_channels, time_table
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.routes import HUMAN, allowed, channels_of, requests
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.policy import Reason, decide, is_among
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

NO_MINUTES, NOT_KNOWN = "no time of the CSM left", "nobody knows the time of the CSM"
NO_PLACE = "channel is full"
NO_GAIN = "brings nothing"
_RANK = {each.value: place for place, each in enumerate(Reason)}


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
        people: By csm_id: capacity, planned (minutes).
        free: csm_id -> minutes for proposals; those whose time nobody knows are not there.
    """

    decided: "pd.DataFrame"
    allocation: Allocation
    limits: tuple[Limit, ...]
    kinds: tuple[Kind, ...]
    unit: str
    levels: dict[int, int | None]
    people: "pd.DataFrame"
    free: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What other time, places and reach leave as it is.

    Args:
        rows: The requests.
        ways: The routes the policy allows, by request: order, channel, csm_id ("" = nobody), is_human, told (minutes
            the proposal names, missing = none). What the system sends goes by the first channel of its order that is
            allowed, the others are there in its stead.
        refused: order -> why no route is allowed; of several channels as the one that came furthest has it.
    """

    rows: "pd.DataFrame"
    ways: "pd.DataFrame"
    refused: dict[int, list[str]]


def plan(inputs: Inputs, config: Config) -> Plan:
    """Return the week as it is planned; the same for the same inputs.

    Args:
        inputs: Proposals, people, and the ground of the policy.
        config: Settings.

    Raises:
        AnalysisError: a CSM or a channel has less than nothing to give, or the settings give time to nobody known.
    """
    import numpy as np

    asked = once(inputs, ("asked", _key(config)), lambda: _asked(inputs, config), most=2)
    ways = _told(asked.ways, config)
    levels, unit, ways = _levels(asked.rows, ways)
    people = time_table(inputs.people, inputs.taken, config)
    free = _free(people, config)
    found = list(_limits(asked.rows, ways, inputs, (config, free)))
    limits, kinds = tuple(limit for limit, _ in found), tuple(kind for _, kind in found)
    tasks, task = np.unique(ways["order"].to_numpy(dtype=np.int64), return_inverse=True)
    open_ways = Ways(task.astype(np.int64), ways["level"].to_numpy(dtype=np.int64), ways["gain"].to_numpy(dtype=float))
    allocation = allocate(open_ways, limits)
    taken = ways.iloc[allocation.chosen[allocation.chosen >= 0]]
    stopped = {
        int(tasks[each]): [kinds[place].reason for place in places] or [NO_GAIN]
        for each, places in obstacles(open_ways, limits, allocation).items()
    }
    decided = _decided(asked.rows, asked.refused | stopped, taken, inputs)
    return Plan(decided, allocation, limits, kinds, unit, levels, people, free)


def _key(config: Config) -> str:
    return repr((channels_of(config), config.stand_in, config.holdout))


def _asked(inputs: Inputs, config: Config) -> _Asked:
    """Return the requests, and what the policy says to each of them by itself."""
    import pandas as pd

    rows = requests(inputs, config)
    said = allowed(rows, inputs)
    is_fine = set(said.loc[said["is_listed"], ["order", "channel"]].itertuples(index=False, name=None))
    made = []
    for row in rows[["order", "routes", "channel", "mode", "minutes"]].to_dict("records"):
        by_hand = row["mode"] == HUMAN
        ways = [way for way in row["routes"] if (row["order"], way[0]) in is_fine]
        for channel, who in ways if by_hand or not isinstance(row["channel"], str) else ways[:1]:
            made.append((row["order"], channel, who, by_hand, row["minutes"]))
    kinds = {"order": "int64", "channel": "str", "csm_id": "str", "is_human": "bool", "told": "float64"}
    # Of several channels the reason is that of the one that came furthest, as the policy itself gives it.
    best = said.assign(rank=said["reason"].map(_RANK).fillna(_RANK[Reason.OWN.value]))
    last = best.sort_values(["order", "rank"], kind="stable").drop_duplicates("order", keep="last")
    told = zip(last["order"], last["reason"], last["reasons"], strict=True)
    refused = {order: list(dict.fromkeys([reason, *reasons.split("; ")])) for order, reason, reasons in told}
    return _Asked(rows, pd.DataFrame(made, columns=list(kinds)).astype(kinds), refused)


def _told(ways: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the ways with minutes of the CSM, and gain: the chance to reach somebody."""
    usual, at_once, gain = (of_channels(ways["channel"], config, name) for name in ("minutes", "at_once", "reach"))
    minutes = (ways["told"].fillna(usual) / at_once).where(ways["is_human"], 0.0)
    return ways.assign(minutes=minutes, gain=gain)


def _levels(rows: "pd.DataFrame", ways: "pd.DataFrame") -> "tuple[dict[int, int | None], str, pd.DataFrame]":
    """Return the levels, the unit of gains, and the ways with level and gain.

    Where an experiment stands behind every proposal, in one unit, they compete by value; otherwise priorities are
    served one after the other, and within one a contact counts by the chance to reach somebody.
    """
    asked = rows.iloc[ways["order"].to_numpy()]
    rest = asked[~asked["is_must_do"].to_numpy(dtype=bool)]
    units = set(rest["value_unit"].dropna())
    is_must = asked["is_must_do"].to_numpy(dtype=bool)
    if len(units) == 1 and rest["value"].notna().all() and (rest["value"] >= 0).all():
        # What must be done may be worth something in another unit, which cannot be added.
        value = asked["value"].where(asked["value_unit"].isin(units)).fillna(0.0)
        gain = ways["gain"] * value.to_numpy()
        level = [MUST if must else 1 for must in is_must]
        return {MUST: None, 1: None}, str(units.pop()), ways.assign(level=level, gain=gain).astype({"level": "int64"})
    ranks = {priority: place for place, priority in enumerate(sorted(set(rest["priority"])), 1)}
    level = [MUST if must else ranks[each] for must, each in zip(is_must, asked["priority"], strict=True)]
    names: dict[int, int | None] = {MUST: None}
    names |= {place: int(priority) for priority, place in ranks.items()}
    return names, "contacts", ways.assign(level=level).astype({"level": "int64"})


def _free(people: "pd.DataFrame", config: Config) -> dict[str, float]:
    """Return the minutes each CSM has for proposals: a part of the time for customers, without what is planned."""
    known = people[people["capacity"].notna()]
    left = (known["capacity"] - known["planned"]).clip(lower=0.0)
    return {str(who): float(minutes) for who, minutes in left.clip(upper=known["capacity"] * config.free_share).items()}


def _limits(
    rows: "pd.DataFrame", ways: "pd.DataFrame", inputs: Inputs, given: tuple[Config, dict[str, float]]
) -> Iterator[tuple[Limit, Kind]]:
    """Yield what ways use up, in the order in which the reasons are given."""
    import numpy as np

    config, free = given
    asked = rows.iloc[ways["order"].to_numpy()]
    ground, policy = inputs.ground, inputs.policy
    person = ground.people["person"].reindex(asked["contact_id"]).to_numpy(dtype=object)
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
    is_human, who = ways["is_human"].to_numpy(), ways["csm_id"].to_numpy(dtype=object)
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
    codes, names = pd.factorize(member[inside], sort=True)
    ways, counts = inside[np.argsort(codes, kind="stable")], np.bincount(codes, minlength=len(names))
    for each, places in zip(names, np.split(ways, np.cumsum(counts)[:-1]), strict=False):
        if len(places) > room[each]:
            yield Limit(f"{name} {each}", room[each], places, amounts[places]), kind


def _decided(
    rows: "pd.DataFrame", refused: dict[int, list[str]], taken: "pd.DataFrame", inputs: Inputs
) -> "pd.DataFrame":
    """Return every proposal with what becomes of it. The policy has the last word: what is planned is asked again."""
    import pandas as pd

    route = taken.sort_values("order")
    chosen, others = rows.iloc[route["order"].to_numpy()], rows[~rows["order"].isin(route["order"])]
    asked = chosen.assign(
        channels=pd.Series([(each,) for each in route["channel"]], chosen.index, dtype="object"),
        csm_id=route["csm_id"].where(route["csm_id"] != "").array,
        minutes=route["minutes"].array,
    )
    passed = decide(asked, inputs.ground, inputs.policy, inputs.week, inputs.timezone)
    told = [refused[order] for order in others["order"]]
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
