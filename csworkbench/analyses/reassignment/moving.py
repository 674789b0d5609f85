"""Which accounts move to whom: those that have to, those that may, in units that stay together."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.reassignment.balancing import Given, People, Units, Weights, give, summed
from csworkbench.analyses.reassignment.evidence import FULL, LEADS, Inputs
from csworkbench.analyses.reassignment.settings import Config
from csworkbench.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

LEAVER, COMPLAINT, NOBODY, OVERLOAD, BALANCE = "leaver", "complaint", "nobody", "overload", "balance"
RECORDED = {LEAVER: "leaver", COMPLAINT: "complaint", NOBODY: "new", OVERLOAD: "balance", BALANCE: "balance"}
"""What the column `reason` of assignments says of each."""
NO_TAKER, NO_LANGUAGE, NO_OTHER = (
    "nobody takes accounts", "nobody who takes accounts speaks its language", "nobody else takes accounts",
)  # fmt: skip
MOVES = [
    "account_id", "name", "tier", "language", "reason", "old_csm_id", "old_csm", "csm_id", "csm", "valid_from",
    "minutes", "arr", "together_with", "message_group", "tag", "message",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who gets what.

    Args:
        rows: Every account, by account_id: csm_id (before), new (after; missing = unplaced), reason (why it has to
            move or may; missing = it stays where it is), unit (number of what stays together), size (accounts of it).
        who: csm_id of each person of `people`.
        people: Those between whom loads are made even, with what they keep in any case.
        units: What was given out, in the order of `given`.
        given: Who gets it.
        asked: Numbers of the units given out.
        unplaced: account_id -> why nobody can have it.
        weights: What counts how much.
    """

    rows: "pd.DataFrame"
    who: tuple[str, ...]
    people: People
    units: Units
    given: Given
    asked: tuple[int, ...]
    unplaced: dict[str, str]
    weights: Weights


def plan(inputs: Inputs, config: Config) -> Plan:
    """Return who gets which accounts; the same for the same inputs.

    Args:
        inputs: Accounts and people.
        config: What has to move, what may, and what counts how much.

    Raises:
        AnalysisError: nobody could take or keep accounts.
    """
    import numpy as np
    import pandas as pd

    accounts = inputs.accounts
    holds = set(accounts["csm_id"].dropna())
    why = inputs.people["why_not"]
    is_in = (why == "") | (why.isin([FULL, LEADS]) & inputs.people.index.isin(holds) & (inputs.people["capacity"] > 0))
    team = inputs.people[is_in]
    if team.empty:
        hint = "csms needs somebody with a capacity, one of the roles, who does not leave"
        raise AnalysisError(Problem("nobody takes accounts", key="csms", hint=hint))
    rows = _rows(inputs, config, team)
    asked, allowed, moves, unplaced = _asked(rows, inputs, team, config)
    is_given = rows["unit"].isin(asked).to_numpy() & ~rows.index.isin(list(unplaced))
    amount = accounts["arr"].fillna(0.0).to_numpy()
    ours = rows["csm_id"].isin(team.index).to_numpy() | is_given
    amount = amount / max(amount[ours].sum(), 1e-9)
    number = rows["unit"].map({unit: place for place, unit in enumerate(asked)})
    place = number[is_given].to_numpy(dtype=np.int64)
    keeps = rows["csm_id"].isin(team.index).to_numpy() & ~is_given
    owner = team.index.get_indexer(pd.Index(rows["csm_id"]))
    minutes, count = accounts["minutes"].to_numpy(), len(team)
    people = People(
        capacity=team["capacity"].to_numpy(dtype=float),
        minutes=summed(owner[keeps], minutes[keeps], count),
        amount=summed(owner[keeps], amount[keeps], count),
    )
    units = Units(
        minutes=summed(place, minutes[is_given], len(asked)),
        amount=summed(place, amount[is_given], len(asked)),
        moves=moves,
        is_allowed=allowed,
    )
    usual = float(minutes[ours].mean() / people.capacity.mean()) if ours.any() and count else 0.0
    weights = Weights(config.max_load, 2 * usual * config.least_gap, config.arr_weight)
    given = give(units, people, weights)
    new = rows["csm_id"].astype("object").copy()
    new[is_given] = team.index.to_numpy(dtype=object)[given.person[place]] if count else None
    new[rows.index.isin(list(unplaced))] = None
    return Plan(rows.assign(new=new), tuple(team.index), people, units, given, tuple(asked), unplaced, weights)


def _rows(inputs: Inputs, config: Config, team: "pd.DataFrame") -> "pd.DataFrame":
    """Return owner, unit and reason of each account; the reason is that of its unit where it has none itself."""
    import pandas as pd

    accounts = inputs.accounts
    owner = accounts["csm_id"]
    reason = pd.Series(None, index=accounts.index, dtype="object")
    reason[owner.isna()] = NOBODY
    reason[owner.isin(list(config.leaving))] = LEAVER
    reason[accounts.index.isin(config.complaints)] = COMPLAINT
    unit = pd.Series(_together(accounts, config), index=accounts.index)
    held = accounts["minutes"].groupby(owner).sum().reindex(team.index).fillna(0.0)
    full = set(team.index[held > config.max_load * team["capacity"]])
    by_unit = owner.groupby(unit)
    holders, first = by_unit.transform("nunique"), by_unit.transform("first")
    is_ours = owner.isin(team.index).groupby(unit).transform("all")
    is_full = is_ours & (holders == 1) & first.isin(full) & (config.may_move != "forced")
    may = pd.Series(None, index=accounts.index, dtype="object")
    may[is_ours & (config.may_move == "all")] = BALANCE
    may[is_full] = OVERLOAD
    forced = reason.groupby(unit).transform("first")
    return pd.DataFrame(
        {
            "csm_id": owner,
            "own_reason": reason,
            "is_forced": forced.notna(),
            "reason": reason.fillna(forced).fillna(may),
            "unit": unit,
            "size": unit.groupby(unit).transform("size"),
        }
    )


def _together(accounts: "pd.DataFrame", config: Config) -> "NDArray[np.int64]":
    """Return the number of what each account stays together with: one parent, or one list of the settings."""
    import numpy as np
    import pandas as pd
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    # A parent that is not in the book any more still holds its accounts together.
    nodes = pd.Index(accounts.index).append(pd.Index(accounts["parent"])).unique()
    pairs = list(zip(accounts.index, accounts["parent"], strict=True))
    pairs += [(group[0], each) for group in config.keep_together for each in group[1:]]
    one, two = (nodes.get_indexer([pair[side] for pair in pairs]) for side in (0, 1))
    graph = sparse.coo_array((np.ones(len(pairs)), (one, two)), shape=(len(nodes), len(nodes)))
    return np.asarray(connected_components(graph, directed=False)[1][: len(accounts)], dtype=np.int64)


def _asked(
    rows: "pd.DataFrame", inputs: Inputs, team: "pd.DataFrame", config: Config
) -> "tuple[list[int], Flags, NDArray[np.float64], dict[str, str]]":
    """Return the units given out, who may have each, the further moves that takes, and whom nobody can have."""
    import numpy as np
    import pandas as pd

    rows = rows[rows["reason"].notna()].sort_values("unit", kind="stable")
    takes = (team["why_not"] == "").to_numpy()
    names, starts, sizes = np.unique(rows["unit"].to_numpy(), return_index=True, return_counts=True)
    if not len(names):
        return [], np.zeros((0, len(team)), dtype=bool), np.zeros((0, len(team))), {}
    may = np.tile(takes, (len(rows), 1))
    if config.language_rule == "required":
        language = inputs.accounts["language"].reindex(rows.index)
        for name in language.dropna().unique():
            may[(language == name).to_numpy()] &= _speakers(team, name)
    allowed = np.logical_and.reduceat(may, starts, axis=0)
    place, owner = np.repeat(np.arange(len(names)), sizes), team.index.get_indexer(pd.Index(rows["csm_id"]))
    stays, goes = (owner >= 0) & ~rows["is_forced"].to_numpy(), (owner >= 0) & rows["own_reason"].notna().to_numpy()
    allowed[place[stays], owner[stays]] = True
    has_any: Flags = np.asarray(allowed.any(axis=1))
    # Whoever is complained of does not keep the unit.
    allowed[place[goes], owner[goes]] = False
    moves = np.tile(sizes[:, None].astype(float), (1, len(team)))
    np.subtract.at(moves, (place[owner >= 0], owner[owner >= 0]), 1.0)
    is_placed: Flags = np.asarray(allowed.any(axis=1))
    lacking = np.where(has_any, NO_OTHER, NO_LANGUAGE if takes.any() else NO_TAKER).astype(str)
    lost = np.flatnonzero(~is_placed[place])
    unplaced = dict(zip(rows.index[lost].tolist(), lacking[place[lost]].tolist(), strict=True))
    allowed, moves = allowed[is_placed], moves[is_placed]
    least = np.where(allowed, moves, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return [int(each) for each in names[is_placed]], allowed, moves - least, unplaced


def _speakers(team: "pd.DataFrame", language: str) -> "Flags":
    import numpy as np

    wanted = language.strip().casefold()
    return np.array([wanted in set(spoken(each)) for each in team["languages"]], dtype=bool)


def spoken(languages: object) -> Iterator[str]:
    """Yield the languages of a text such as "zh;en", lower case.

    Args:
        languages: The text; missing = none.
    """
    if isinstance(languages, str):
        yield from (each.strip().casefold() for each in languages.replace(",", ";").split(";") if each.strip())


def move_table(made: Plan, inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the accounts that change hands, by who leaves them and who gets them.

    Args:
        made: The plan.
        inputs: Accounts and people.
        config: Messages, and days of leaving.

    Returns:
        One row per account: the columns MOVES; valid_from is the day somebody leaves, else the next Monday;
        together_with counts the other accounts of its unit, message_group is reason and language.
    """
    import pandas as pd

    rows = made.rows[made.rows["new"].notna() & (made.rows["new"] != made.rows["csm_id"].astype("object"))]
    about = inputs.accounts.loc[rows.index]
    names = inputs.people["name"].to_dict()
    language = about["language"].fillna("unknown").astype("str")
    days = [_first_day(inputs.as_of, config.leaving.get(str(old))) for old in rows["csm_id"]]
    table = pd.DataFrame(
        {
            "account_id": rows.index,
            "name": about["name"].to_numpy(),
            "tier": about["tier"].to_numpy(),
            "language": about["language"].to_numpy(),
            "reason": rows["reason"].to_numpy(),
            "old_csm_id": rows["csm_id"].to_numpy(),
            "old_csm": [names.get(each, each) for each in rows["csm_id"]],
            "csm_id": rows["new"].to_numpy(),
            "csm": [names[each] for each in rows["new"]],
            "valid_from": pd.to_datetime(pd.Series(days, dtype="object")).to_numpy(dtype="datetime64[s]"),
            "minutes": about["minutes"].to_numpy(),
            "arr": about["arr"].to_numpy(),
            "together_with": rows["size"].to_numpy() - 1,
            "message_group": [f"{reason}/{each}" for reason, each in zip(rows["reason"], language, strict=True)],
        }
    )
    table["tag"] = [f"moved-{reason}-{day:%Y-%m}" for reason, day in zip(table["reason"], days, strict=True)]
    table["message"] = [_message(row, config) for row in table.to_dict("records")]
    ordered: pd.DataFrame = table.sort_values(["old_csm", "csm", "account_id"], ignore_index=True)[MOVES]
    return ordered


def _first_day(as_of: date, leaving: date | None) -> date:
    monday = as_of + timedelta(days=7 - as_of.weekday())
    return leaving if leaving is not None and leaving > as_of else monday


def _message(row: "Mapping[Hashable, Any]", config: Config) -> str:
    texts = config.messages.get(str(row["reason"]), {})
    words = texts.get(str(row["language"]), texts.get("en", ""))
    old = row["old_csm"] if isinstance(row["old_csm"], str) else ""
    return words.format(name=row["name"], old=old, new=row["csm"])


def load_table(made: Plan, inputs: Inputs) -> "pd.DataFrame":
    """Return accounts, minutes and ARR of each CSM before and after.

    Args:
        made: The plan.
        inputs: Accounts and people.

    Returns:
        One row per CSM who is part of the plan or holds accounts, by load after: csm_id, csm, languages, capacity
        (minutes a week), accounts_before, accounts_after, minutes_before, minutes_after, load_before, load_after
        (shares of the capacity; missing = no capacity), arr_before, arr_after (in the workspace's currency), excess
        (minutes above the room), why_not ("" = takes accounts).
    """
    import numpy as np
    import pandas as pd

    accounts, rows = inputs.accounts, made.rows
    held = set(rows["csm_id"].dropna()) | set(made.who)
    people = inputs.people.reindex([*inputs.people.index[inputs.people.index.isin(held)]])
    facts = pd.DataFrame({"accounts": 1.0, "minutes": accounts["minutes"], "arr": accounts["arr"].fillna(0.0)})
    table = people[["name", "languages", "capacity", "why_not"]].rename(columns={"name": "csm"})
    for when, owner in (("before", rows["csm_id"]), ("after", rows["new"])):
        sums = facts.groupby(owner.astype("object")).sum().reindex(people.index).fillna(0.0)
        table = table.join(sums.add_suffix(f"_{when}"))
        room = people["capacity"].where(people["capacity"] > 0)
        table[f"load_{when}"] = sums["minutes"] / room
    excess = pd.Series(made.given.excess, index=list(made.who), dtype="float64").reindex(people.index).fillna(0.0)
    table = table.assign(excess=excess).rename_axis("csm_id").reset_index()
    counts = ["accounts_before", "accounts_after"]
    table[counts] = table[counts].astype(np.int64)
    pairs = [f"{name}_{when}" for name in ("accounts", "minutes", "load", "arr") for when in ("before", "after")]
    columns = ["csm_id", "csm", "languages", "capacity", *pairs, "excess", "why_not"]
    ordered: pd.DataFrame = table.sort_values(["load_after", "csm_id"], ascending=[False, True], ignore_index=True)
    return ordered[columns]
