"""The result of the reassignment: who moves to whom, what each group is told, loads, and losses after transfers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.reassignment.doubts import doubts
from csworkbench.analyses.reassignment.evidence import STEM, Inputs
from csworkbench.analyses.reassignment.explaining import Shortage, shortage
from csworkbench.analyses.reassignment.losses import ALL, Watched, watch
from csworkbench.analyses.reassignment.moving import RECORDED, Plan, load_table, move_table, plan
from csworkbench.analyses.reassignment.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Handout, Message, Release, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Who takes whose accounts.

    Tables, key columns first:

    * moves, account that changes hands: see `moving.move_table`
    * unplaced, account nobody can have: account_id, name, language, reason, why
    * load, CSM: see `moving.load_table`
    * message_groups, reason and language: message_group, reason, language, accounts, tag, text (to the first account)
    * assignments, account that changes hands, as the table assignments has it: account_id, role, valid_from, csm_id,
      reason; what a release keeps
    * shortages, CSMs who lack room: see `explaining.Shortage`
    * losses, reason of past transfers: see `losses.Watched`
    * transfers, past transfer: losses.FOLLOWED
    * doubles, account with two CSMs at once: account_id, name, csm_id (the one that counts), csms

    Args:
        headline: How many accounts move, and whether they fit.
        figures: moves, unplaced (accounts), highest_load (share of a capacity, after), loss_ratio (losses after past
            transfers over those of comparable accounts), excess_minutes.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        releases: The new assignments, where every account that moves has room.
        handouts: The moves, as a workbook too.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    releases: tuple[Release, ...] = ()
    handouts: tuple[Handout, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return who takes which accounts, and what became of accounts that were transferred before.

    Args:
        inputs: Accounts, people and past transfers, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: there is no account, or no CSM who could take or keep any.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    made = plan(inputs, config)
    short, watched = shortage(made, inputs), watch(inputs, config)
    tables = _tables(inputs, config, made, (short, watched))
    fits = not short.excess and len(tables["moves"]) > 0
    place = f"reassignments/{STEM}-{inputs.as_of.isoformat()}"
    return Result(
        headline=_headline(inputs, config, tables, short),
        figures=_figures(inputs, config, tables, (short, watched)),
        tables=tables,
        caveats=worst_first(doubts(inputs, config, made, (short, watched), tables)),
        actions=tuple(_actions(tables, short)) or (say("Nothing to do: no account has to move."),),
        releases=(Release("assignments", place, ("moves",)),) if fits else (),
        handouts=(Handout("moves", ("xlsx",)),),
    )


def _tables(inputs: Inputs, config: Config, made: Plan, found: tuple[Shortage, Watched]) -> "dict[str, pd.DataFrame]":
    moves = move_table(made, inputs, config)
    short, watched = found
    return {
        "moves": moves,
        "unplaced": _unplaced(made, inputs),
        "load": load_table(made, inputs),
        "message_groups": _groups(moves),
        "assignments": moves.assign(role="csm", reason=moves["reason"].map(RECORDED))[
            ["account_id", "role", "valid_from", "csm_id", "reason"]
        ],
        "shortages": short.table,
        "losses": watched.table,
        "transfers": watched.transfers,
        "doubles": inputs.doubles,
    }


def _unplaced(made: Plan, inputs: Inputs) -> "pd.DataFrame":
    ids = list(made.unplaced)
    about = inputs.accounts.loc[ids, ["name", "language"]]
    table = about.assign(reason=made.rows.loc[ids, "reason"], why=[made.unplaced[each] for each in ids])
    return table.rename_axis("account_id").reset_index()


def _groups(moves: "pd.DataFrame") -> "pd.DataFrame":
    groups = moves.groupby("message_group", sort=True)
    table = groups.agg(
        reason=("reason", "first"), language=("language", "first"), accounts=("account_id", "size"),
        tag=("tag", "first"), text=("message", "first"),
    )  # fmt: skip
    return table.reset_index()


def _figures(
    inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]", found: tuple[Shortage, Watched]
) -> dict[str, Estimate]:
    short, watched = found
    load = tables["load"]["load_after"].dropna()
    highest = float(load.max()) if len(load) else None
    figures = {
        "moves": Estimate(len(tables["moves"]), "accounts", len(inputs.accounts)),
        "highest_load": Estimate(highest, "share", len(load)),
        "loss_ratio": _ratio(watched.table, config.monitor.level),
        "unplaced": Estimate(len(tables["unplaced"]), "accounts", len(inputs.accounts)),
        "excess_minutes": Estimate(short.excess, "minutes", len(load)),
    }
    return (
        figures if figures["loss_ratio"].n else {name: each for name, each in figures.items() if name != "loss_ratio"}
    )


def _ratio(losses: "pd.DataFrame", level: float) -> Estimate:
    rows = losses[losses["reason"] == ALL]
    if rows.empty or rows["ratio"].isna().any():
        return Estimate(None, "ratio", 0)
    row = rows.iloc[0]
    value, low, high = (float(row[name]) for name in ("ratio", "low", "high"))
    return Estimate(value, "ratio", int(row["transfers"]), low, high, level)


def _headline(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]", short: Shortage) -> Message:
    moves, load = tables["moves"], tables["load"]
    if not len(moves) and not len(tables["unplaced"]):
        return say(
            "No account has to move: nobody leaves with accounts, and nobody is above {load:share}",
            load=config.max_load,
        )
    if short.excess:
        return say(
            "It does not fit: {n:n account|accounts} would move, and {excess:count} minutes a week are above the room",
            n=len(moves),
            excess=round(short.excess),
        )
    return say(
        "{n:n account moves|accounts move} to {people:n CSM|CSMs}; the highest load goes from {before:share} to "
        "{after:share}, and {left:count} of {total:count} accounts stay without a CSM",
        n=len(moves),
        people=int(moves["csm_id"].nunique()),
        before=float(load["load_before"].max()),
        after=float(load["load_after"].max()),
        left=len(tables["unplaced"]),
        total=len(inputs.accounts),
    )


def _actions(tables: "Mapping[str, pd.DataFrame]", short: Shortage) -> Iterator[Message]:
    moves = tables["moves"]
    if short.excess:
        yield say("Decide what gives way: people, languages or max_load; nothing can be made official before")
    elif len(moves):
        yield say("Go through the moves with those who give and get accounts, then make them official: csw release")
    for row in tables["message_groups"].to_dict("records"):
        yield say(
            "Write to {n:n account|accounts} of {group} and tag them {tag}",
            n=int(row["accounts"]),
            group=str(row["message_group"]),
            tag=str(row["tag"]),
        )
    if len(tables["unplaced"]):
        yield say("Find somebody for {n:n account|accounts} nobody can take", n=len(tables["unplaced"]))
